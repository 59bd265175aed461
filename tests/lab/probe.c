/* probe.c - does one network action and prints what came of it, in the words of the table of observed answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * probe bind|twice FAMILY TYPE ADDRESS PORT [V6ONLY]    probe listen FAMILY
 * probe connect FAMILY TYPE ADDRESS PORT [SOURCE [PORT]]   probe socket FAMILY TYPE PROTOCOL
 * probe serve|serveudp FAMILY TYPE ADDRESS PORT TAG [V6ONLY=0|1]   probe join GROUP PORT
 * probe udp FAMILY TYPE ADDRESS PORT [connect]          probe mcast GROUP PORT
 * probe ping ADDRESS     probe hdrincl SOURCE ADDRESS
 * probe ifconf|ifaddrs   probe setmtu|down|gifaddr INTERFACE   probe shmget
 * FAMILY 4 or 6, TYPE tcp, udp or raw. Servers print `up NAME:PORT` and serve until killed.
 */

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

#define WAIT_MS 2000

static const char *ename(int e)
{
	static const struct {
		int e;
		const char *s;
	} names[] = { { EPERM, "EPERM" },
		      { EACCES, "EACCES" },
		      { EADDRNOTAVAIL, "EADDRNOTAVAIL" },
		      { EADDRINUSE, "EADDRINUSE" },
		      { EPROTONOSUPPORT, "EPROTONOSUPPORT" },
		      { EAFNOSUPPORT, "EAFNOSUPPORT" },
		      { ECONNREFUSED, "ECONNREFUSED" },
		      { EAGAIN, "EAGAIN" },
		      { ENOSYS, "ENOSYS" },
		      { EINVAL, "EINVAL" },
		      { ENETUNREACH, "ENETUNREACH" },
		      { EHOSTUNREACH, "EHOSTUNREACH" },
		      { ETIMEDOUT, "ETIMEDOUT" },
		      { ENODEV, "ENODEV" },
		      { ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT" },
		      { EFAULT, "EFAULT" },
		      { ECONNRESET, "ECONNRESET" } };
	static char other[24];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].e == e)
			return names[i].s;
	(void)snprintf(other, sizeof(other), "errno=%d", e);
	return other;
}

/* Print call:errno and end; a refused call is an answer, not a failure of the probe. */
static _Noreturn void refused(const char *call)
{
	printf("%s:%s\n", call, ename(errno));
	exit(0);
}

static socklen_t len_of(const union name *n)
{
	return n->sa.sa_family == AF_INET ? sizeof(n->in) : sizeof(n->in6);
}

static uint16_t port_of(const union name *n)
{
	return ntohs(n->sa.sa_family == AF_INET ? n->in.sin_port : n->in6.sin6_port);
}

static const char *text_of(const union name *n, char buf[static INET6_ADDRSTRLEN])
{
	const void *a = n->sa.sa_family == AF_INET ? (const void *)&n->in.sin_addr : (const void *)&n->in6.sin6_addr;

	return inet_ntop(n->sa.sa_family, a, buf, INET6_ADDRSTRLEN);
}

/* "192.0.2.1:80" or "[2001:db8::1]:80" */
static const char *full(const union name *n, char buf[static 64])
{
	char a[INET6_ADDRSTRLEN];

	(void)snprintf(buf, 64, n->sa.sa_family == AF_INET ? "%s:%u" : "[%s]:%u", text_of(n, a), port_of(n));
	return buf;
}

static union name parse(int family, const char *addr, const char *port)
{
	union name n;

	memset(&n, 0, sizeof(n));
	n.sa.sa_family = (sa_family_t)family;
	if (inet_pton(family, addr, family == AF_INET ? (void *)&n.in.sin_addr : (void *)&n.in6.sin6_addr) != 1) {
		fprintf(stderr, "probe: %s is no address\n", addr);
		exit(2);
	}
	*(family == AF_INET ? &n.in.sin_port : &n.in6.sin6_port) = htons((uint16_t)strtoul(port, NULL, 10));
	return n;
}

static int family_of(const char *s)
{
	return *s == '6' ? AF_INET6 : AF_INET;
}

static int type_of(const char *s)
{
	return strcmp(s, "tcp") == 0 ? SOCK_STREAM : strcmp(s, "udp") == 0 ? SOCK_DGRAM : SOCK_RAW;
}

static int make(int family, int type)
{
	int s = socket(family, type, type == SOCK_RAW ? IPPROTO_ICMP : 0);

	if (s < 0)
		refused("socket");
	return s;
}

static void option(int s, int level, int name, int value)
{
	if (setsockopt(s, level, name, &value, sizeof(value)) < 0)
		refused("setsockopt");
}

static union name name_of(int s)
{
	union name n;
	socklen_t len = sizeof(n);

	memset(&n, 0, sizeof(n));
	if (getsockname(s, &n.sa, &len) < 0)
		refused("getsockname");
	return n;
}

static void timeout(int s)
{
	struct timeval tv = { WAIT_MS / 1000, 0 };

	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	(void)setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int do_bind(char **v)
{
	int family = family_of(v[0]), s = make(family, type_of(v[1]));
	union name n = parse(family, v[2], v[3]);
	char a[INET6_ADDRSTRLEN];

	if (v[4])
		option(s, IPPROTO_IPV6, IPV6_V6ONLY, v[4][0] == '1');
	if (bind(s, &n.sa, len_of(&n)) < 0)
		refused("bind");
	n = name_of(s);
	printf("%s\n", text_of(&n, a));
	return 0;
}

static int do_twice(char **v)
{
	int family = family_of(v[0]), s1 = make(family, type_of(v[1])), s2 = make(family, type_of(v[1]));
	union name n = parse(family, v[2], v[3]);

	option(s1, SOL_SOCKET, SO_REUSEADDR, 1);
	option(s2, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(s1, &n.sa, len_of(&n)) < 0)
		refused("bind");
	if (bind(s2, &n.sa, len_of(&n)) < 0)
		refused("bind2");
	printf("both\n");
	return 0;
}

static int do_listen(char **v)
{
	int s = make(family_of(v[0]), SOCK_STREAM);
	char a[INET6_ADDRSTRLEN];
	union name n;

	if (listen(s, 5) < 0)
		refused("listen");
	n = name_of(s);
	printf("%s\n", text_of(&n, a));
	return 0;
}

static int do_connect(char **v)
{
	int family = family_of(v[0]), s = make(family, type_of(v[1]));
	union name to = parse(family, v[2], v[3]), n;
	char a[INET6_ADDRSTRLEN], b[64], said[256];
	socklen_t len = sizeof(n);
	ssize_t got;

	timeout(s);
	if (v[4]) {
		n = parse(family, v[4], v[5] ? v[5] : "0");
		if (bind(s, &n.sa, len_of(&n)) < 0)
			refused("bind");
	}
	if (connect(s, &to.sa, len_of(&to)) < 0)
		refused("connect");
	n = name_of(s);
	printf("local=%s", text_of(&n, a));
	if (getpeername(s, &n.sa, &len) < 0)
		refused(" getpeername");
	printf(" peer=%s", full(&n, b));
	got = recv(s, said, sizeof(said) - 1, 0);
	if (got < 0)
		refused(" recv");
	said[got] = '\0';
	printf(" said=%s\n", said);
	return 0;
}

static int server_socket(char **v)
{
	int family = family_of(v[0]), s = make(family, type_of(v[1]));
	union name n = parse(family, v[2], v[3]);

	option(s, SOL_SOCKET, SO_REUSEADDR, 1);
	if (v[4] && v[5])
		option(s, IPPROTO_IPV6, IPV6_V6ONLY, strchr(v[5], '1') != NULL);
	else if (family == AF_INET6)
		option(s, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(s, &n.sa, len_of(&n)) < 0)
		refused("bind");
	return s;
}

static void announce(int s)
{
	union name n = name_of(s);
	char b[64];

	printf("up %s\n", full(&n, b));
	(void)fflush(stdout);
}

/* A server's next client. Its own end is the end of its input: who started it waits for it then. */
static void await(int s)
{
	struct pollfd p[2] = { { .fd = s, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };

	do {
		if (poll(p, 2, -1) < 0 || p[1].revents)
			exit(0);
	} while (!p[0].revents);
}

static int do_serve(char **v)
{
	int s = server_socket(v);

	if (listen(s, 16) < 0)
		refused("listen");
	announce(s);
	for (;;) {
		char a[INET6_ADDRSTRLEN], b[64], out[256];
		union name peer, n;
		socklen_t len = sizeof(peer);
		int c, l;

		await(s);
		c = accept(s, &peer.sa, &len);
		if (c < 0)
			refused("accept");
		n = name_of(c);
		l = snprintf(out, sizeof(out), "%s local=%s peer=%s", v[4], full(&n, b), text_of(&peer, a));
		(void)send(c, out, (size_t)l, MSG_NOSIGNAL);
		(void)close(c);
	}
}

static int do_serveudp(char **v)
{
	int s = server_socket(v);

	announce(s);
	for (;;) {
		char a[INET6_ADDRSTRLEN], out[256], in[64];
		union name peer;
		socklen_t len = sizeof(peer);
		int l;

		await(s);
		if (recvfrom(s, in, sizeof(in), 0, &peer.sa, &len) < 0)
			refused("recv");
		l = snprintf(out, sizeof(out), "%s peer=%s", v[4], text_of(&peer, a));
		(void)sendto(s, out, (size_t)l, MSG_NOSIGNAL, &peer.sa, len);
	}
}

static int do_udp(char **v)
{
	int family = family_of(v[0]), s = make(family, SOCK_DGRAM);
	union name to = parse(family, v[2], v[3]), n, from;
	char a[INET6_ADDRSTRLEN], b[64], said[256];
	socklen_t len = sizeof(from);
	bool connected = v[4] && strcmp(v[4], "connect") == 0;
	ssize_t got;

	timeout(s);
	if (connected && connect(s, &to.sa, len_of(&to)) < 0)
		refused("connect");
	if ((connected ? send(s, "hello", 5, 0) : sendto(s, "hello", 5, 0, &to.sa, len_of(&to))) < 0)
		refused("sendto");
	n = name_of(s);
	printf("name=%s ", text_of(&n, a));
	got = recvfrom(s, said, sizeof(said) - 1, 0, &from.sa, &len);
	if (got < 0)
		refused("recv");
	said[got] = '\0';
	printf("from=%s said=%s\n", full(&from, b), said);
	return 0;
}

static int do_socket(char **v)
{
	int s = socket(family_of(v[0]), type_of(v[1]), (int)strtol(v[2], NULL, 10));

	if (s < 0)
		refused("socket");
	printf("ok\n");
	return 0;
}

/* Receive one datagram sent to a group on the wildcard. */
static int do_join(char **v)
{
	int s = make(AF_INET, SOCK_DGRAM);
	union name n = parse(AF_INET, "0.0.0.0", v[1]);
	struct ip_mreqn m;
	char in[64];
	ssize_t got;

	memset(&m, 0, sizeof(m));
	option(s, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(s, &n.sa, len_of(&n)) < 0)
		refused("bind");
	(void)inet_pton(AF_INET, v[0], &m.imr_multiaddr);
	m.imr_ifindex = (int)if_nametoindex("em0");
	if (setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)) < 0)
		refused("join");
	timeout(s);
	announce(s);
	got = recv(s, in, sizeof(in) - 1, 0);
	if (got < 0)
		refused("recv");
	in[got] = '\0';
	printf("got %s\n", in);
	return 0;
}

static int do_mcast(char **v)
{
	int s = make(AF_INET, SOCK_DGRAM);
	union name n = parse(AF_INET, v[0], v[1]);

	if (sendto(s, "group", 5, 0, &n.sa, len_of(&n)) < 0)
		refused("sendto");
	printf("sent\n");
	return 0;
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return htons((uint16_t)~sum);
}

static struct icmphdr echo_request(void)
{
	struct icmphdr h;

	memset(&h, 0, sizeof(h));
	h.type = ICMP_ECHO;
	h.un.echo.id = htons((uint16_t)getpid());
	h.checksum = checksum(&h, sizeof(h));
	return h;
}

static int do_ping(char **v)
{
	int s = make(AF_INET, SOCK_RAW);
	union name to = parse(AF_INET, v[0], "0");
	struct icmphdr h = echo_request();

	timeout(s);
	if (sendto(s, &h, sizeof(h), 0, &to.sa, sizeof(to.in)) < 0)
		refused("sendto");
	for (int i = 0; i < 16; i++) {
		uint8_t in[512];
		ssize_t got = recv(s, in, sizeof(in), 0);
		size_t hl = (size_t)(in[0] & 0xf) * 4;
		char a[INET6_ADDRSTRLEN];

		if (got < 0)
			refused("recv");
		if ((size_t)got < hl + 8 || in[hl] != ICMP_ECHOREPLY || memcmp(in + 12, &to.in.sin_addr, 4) != 0)
			continue;
		printf("reply to=%s\n", inet_ntop(AF_INET, in + 16, a, sizeof(a)));
		return 0;
	}
	printf("no reply\n");
	return 0;
}

static int do_hdrincl(char **v)
{
	int s = make(AF_INET, SOCK_RAW);
	union name from = parse(AF_INET, v[0], "0"), to = parse(AF_INET, v[1], "0");
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
	} p;

	memset(&p, 0, sizeof(p));
	p.ip.version = 4;
	p.ip.ihl = 5;
	p.ip.ttl = 64;
	p.ip.protocol = IPPROTO_ICMP;
	p.ip.tot_len = htons(sizeof(p));
	p.ip.saddr = from.in.sin_addr.s_addr;
	p.ip.daddr = to.in.sin_addr.s_addr;
	p.icmp = echo_request();
	option(s, IPPROTO_IP, IP_HDRINCL, 1);
	if (sendto(s, &p, sizeof(p), 0, &to.sa, sizeof(to.in)) < 0)
		refused("sendto");
	printf("sent\n");
	return 0;
}

static int do_ifconf(void)
{
	struct ifreq r[64];
	struct ifconf c = { .ifc_len = sizeof(r), .ifc_req = r };
	char a[INET6_ADDRSTRLEN];
	int s = make(AF_INET, SOCK_DGRAM);

	if (ioctl(s, SIOCGIFCONF, &c) < 0)
		refused("ioctl");
	for (int i = 0; i < c.ifc_len / (int)sizeof(r[0]); i++) {
		union name n;

		memcpy(&n, &r[i].ifr_addr, sizeof(n.in));
		printf("%s%s=%s", i ? " " : "", r[i].ifr_name, text_of(&n, a));
	}
	printf("\n");
	return 0;
}

static int do_ifaddrs(void)
{
	struct ifaddrs *all, *i;
	const char *sep = "";

	if (getifaddrs(&all) < 0)
		refused("getifaddrs");
	for (i = all; i; i = i->ifa_next) {
		char a[INET6_ADDRSTRLEN];
		union name n;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
			continue;
		memset(&n, 0, sizeof(n));
		memcpy(&n, i->ifa_addr, i->ifa_addr->sa_family == AF_INET ? sizeof(n.in) : sizeof(n.in6));
		printf("%s%s=%s", sep, i->ifa_name, text_of(&n, a));
		sep = " ";
	}
	printf("\n");
	return 0;
}

static int do_interface(const char *what, const char *ifname)
{
	int s = make(AF_INET, SOCK_DGRAM);
	char a[INET6_ADDRSTRLEN];
	struct ifreq r;
	union name n;

	memset(&r, 0, sizeof(r));
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", ifname);
	if (strcmp(what, "setmtu") == 0) {
		r.ifr_mtu = 1400;
		if (ioctl(s, SIOCSIFMTU, &r) < 0)
			refused("ioctl");
	} else if (strcmp(what, "down") == 0) {
		if (ioctl(s, SIOCGIFFLAGS, &r) < 0)
			refused("getflags");
		r.ifr_flags &= ~IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
			refused("ioctl");
	} else {
		if (ioctl(s, SIOCGIFADDR, &r) < 0)
			refused("ioctl");
		memcpy(&n, &r.ifr_addr, sizeof(n.in));
		printf("%s\n", text_of(&n, a));
		return 0;
	}
	printf("done\n");
	return 0;
}

static int do_shmget(void)
{
	int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);

	if (id < 0)
		refused("shmget");
	(void)shmctl(id, IPC_RMID, NULL);
	printf("ok\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args;
		int (*f)(char **v);
	} actions[] = { { "bind", 4, do_bind },       { "twice", 4, do_twice },   { "listen", 1, do_listen },
		        { "connect", 4, do_connect }, { "serve", 5, do_serve },   { "serveudp", 5, do_serveudp },
		        { "udp", 4, do_udp },         { "socket", 3, do_socket }, { "join", 2, do_join },
		        { "mcast", 2, do_mcast },     { "ping", 1, do_ping },     { "hdrincl", 2, do_hdrincl } };
	const char *what = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(what, actions[i].name) == 0 && argc - 2 >= actions[i].args)
			return actions[i].f(argv + 2);
	if (strcmp(what, "ifconf") == 0)
		return do_ifconf();
	if (strcmp(what, "ifaddrs") == 0)
		return do_ifaddrs();
	if (strcmp(what, "shmget") == 0)
		return do_shmget();
	if (argc == 3 && (strcmp(what, "setmtu") == 0 || strcmp(what, "down") == 0 || strcmp(what, "gifaddr") == 0))
		return do_interface(what, argv[2]);
	fprintf(stderr, "usage: see the head of probe.c\n");
	return 2;
}
