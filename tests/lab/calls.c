/* calls.c - does several calls on sockets in a row and prints what each answers: calls CALL/ARGUMENT... CALL... */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The calls work on the socket made last, or chosen by use/N (in the order made, from 0).
 * new/4|6/tcp|udp|raw|PROTO   use/N   set/OPTION/VALUE   bind/ADDR/PORT   listen   connect/ADDR/PORT
 * fastopen/ADDR/PORT   send   sendto/ADDR/PORT   sendfrom/SOURCE/ADDR/PORT   recv (words: from, its text)
 * recvto (to which address it came: PKTINFO)   accept   name   peer   close
 * dup   shut (for reading: it listens no more)   pass (through a unix socket, closing the old)   fork (go on in a child)   exec (go on in a new program)
 * reach/ADDR/PORT (a new socket connects there)   join/GROUP   up (say so and wait for input to end)
 * as/UID (go on as that user, who is the effective one alone)   disconnect (connect to AF_UNSPEC)   serve/TAG, serveudp/TAG (as up; each socket answers TAG and its number)
 * Each prints nothing when it succeeds and has nothing to tell, else one word; CALL:ERRNO when it fails, and goes on.
 */

#define MAX 16

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static int fds[MAX], n, cur = -1;
static bool wrote;

static void say(const char *s)
{
	printf("%s%s", wrote ? " " : "", s);
	wrote = true;
}

static void check(const char *call, long r)
{
	char b[80];

	if (r >= 0)
		return;
	(void)snprintf(b, sizeof(b), "%s:%s", call, strerrorname_np(errno));
	say(b);
}

static int fd(void)
{
	return cur < 0 ? -1 : fds[cur];
}

static void add(int f)
{
	if (f < 0 || n == MAX)
		return;
	fds[n] = f;
	cur = n++;
}

static socklen_t parse(const char *addr, const char *port, union name *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, addr, &ret->in.sin_addr) == 1) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons((uint16_t)atoi(port));
		return sizeof(ret->in);
	}
	if (inet_pton(AF_INET6, addr, &ret->in6.sin6_addr) != 1) {
		fprintf(stderr, "calls: %s is no address\n", addr);
		exit(2);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons((uint16_t)atoi(port));
	return sizeof(ret->in6);
}

/* With a port below 10000, which the cases choose, and without one that the kernel chose. */
static void say_name(const char *before, const union name *a)
{
	char t[INET6_ADDRSTRLEN] = "?", b[100];
	unsigned port = ntohs(a->sa.sa_family == AF_INET ? a->in.sin_port : a->in6.sin6_port);
	const void *p = a->sa.sa_family == AF_INET ? (const void *)&a->in.sin_addr : (const void *)&a->in6.sin6_addr;

	(void)inet_ntop(a->sa.sa_family, p, t, sizeof(t));
	if (port && port < 10000)
		(void)snprintf(b, sizeof(b), "%s%s,%u", before, t, port);
	else
		(void)snprintf(b, sizeof(b), "%s%s,%s", before, t, port ? "any" : "0");
	say(b);
}

static void name_or_peer(bool peer)
{
	union name a;
	socklen_t len = sizeof(a);
	int r = peer ? getpeername(fd(), &a.sa, &len) : getsockname(fd(), &a.sa, &len);

	check(peer ? "peer" : "name", r);
	if (r == 0)
		say_name("", &a);
}

static void set(char **v)
{
	static const struct {
		const char *name;
		int level, opt;
	} o[] = {
		{ "reuseaddr", SOL_SOCKET, SO_REUSEADDR },
		{ "reuseport", SOL_SOCKET, SO_REUSEPORT },
		{ "broadcast", SOL_SOCKET, SO_BROADCAST },
		{ "v6only", IPPROTO_IPV6, IPV6_V6ONLY },
		{ "transparent", IPPROTO_IP, IP_TRANSPARENT },
		{ "freebind", IPPROTO_IP, IP_FREEBIND },
		{ "transparent6", IPPROTO_IPV6, IPV6_TRANSPARENT },
		{ "freebind6", IPPROTO_IPV6, IPV6_FREEBIND },
		{ "pktinfo", IPPROTO_IP, IP_PKTINFO },
		{ "pktinfo6", IPPROTO_IPV6, IPV6_RECVPKTINFO },
		{ "noport", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT },
		{ "mark", SOL_SOCKET, SO_MARK },
		{ "hdrincl", IPPROTO_IP, IP_HDRINCL },
		{ "portrange", IPPROTO_IP, 51 /* IP_LOCAL_PORT_RANGE */ },
		{ "mloop", IPPROTO_IP, IP_MULTICAST_LOOP },
		{ "fastconnect", IPPROTO_TCP, TCP_FASTOPEN_CONNECT },
	};
	int val = atoi(v[1]);

	if (strcmp(v[0], "device") == 0) {
		check("set", setsockopt(fd(), SOL_SOCKET, SO_BINDTODEVICE, v[1], (socklen_t)strlen(v[1])));
		return;
	}
	for (size_t i = 0; i < sizeof(o) / sizeof(o[0]); i++)
		if (strcmp(o[i].name, v[0]) == 0) {
			check("set", setsockopt(fd(), o[i].level, o[i].opt, &val, sizeof(val)));
			return;
		}
	fprintf(stderr, "calls: no option %s\n", v[0]);
	exit(2);
}

static void new_socket(char **v)
{
	int family = *v[0] == '6' ? AF_INET6 : AF_INET, type = SOCK_STREAM, proto = 0, s;
	struct timeval tv = { 2, 0 };

	if (strcmp(v[1], "udp") == 0)
		type = SOCK_DGRAM;
	else if (strcmp(v[1], "ping") == 0)
		type = SOCK_DGRAM, proto = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	else if (strcmp(v[1], "raw") == 0)
		type = SOCK_RAW, proto = IPPROTO_ICMP;
	else if (strcmp(v[1], "tcp") != 0)
		proto = atoi(v[1]);
	s = socket(family, type, proto);
	check("new", s);
	if (s >= 0)
		(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	add(s);
}

/* v: source, address, port. "" for the source: an interface's index only. */
static void send_from(char **v)
{
	char room[CMSG_SPACE(sizeof(struct in6_pktinfo))] = "";
	union name to;
	char text[] = "hello";
	struct iovec io = { text, 5 };
	struct msghdr m = { .msg_name = &to, .msg_iov = &io, .msg_iovlen = 1, .msg_control = room };
	struct cmsghdr *c;

	m.msg_namelen = parse(v[1], v[2], &to);
	if (!strchr(v[0], ':')) {
		struct in_pktinfo p = { 0 };

		m.msg_controllen = CMSG_SPACE(sizeof(p));
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(p)), IPPROTO_IP, IP_PKTINFO };
		if (inet_pton(AF_INET, v[0], &p.ipi_spec_dst) != 1)
			p.ipi_ifindex = (int)if_nametoindex(v[0]);
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	} else {
		struct in6_pktinfo p = { 0 };

		m.msg_controllen = CMSG_SPACE(sizeof(p));
		c = CMSG_FIRSTHDR(&m);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(p)), IPPROTO_IPV6, IPV6_PKTINFO };
		(void)inet_pton(AF_INET6, v[0], &p.ipi6_addr);
		memcpy(CMSG_DATA(c), &p, sizeof(p));
	}
	check("sendfrom", sendmsg(fd(), &m, MSG_NOSIGNAL));
}

static void receive(bool with_to)
{
	char in[300], room[256], b[400];
	union name from;
	struct iovec io = { in, sizeof(in) - 1 };
	struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t got;

	m.msg_control = room;
	m.msg_controllen = sizeof(room);
	memset(&from, 0, sizeof(from));
	got = recvmsg(fd(), &m, 0);
	check("recv", got);
	if (got < 0)
		return;
	in[got] = '\0';
	if (m.msg_namelen)
		say_name("from=", &from);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); with_to && c; c = CMSG_NXTHDR(&m, c)) {
		struct in_pktinfo p4;
		struct in6_pktinfo p6;
		char t[INET6_ADDRSTRLEN] = "?";

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&p4, CMSG_DATA(c), sizeof(p4));
			(void)inet_ntop(AF_INET, &p4.ipi_addr, t, sizeof(t));
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&p6, CMSG_DATA(c), sizeof(p6));
			(void)inet_ntop(AF_INET6, &p6.ipi6_addr, t, sizeof(t));
		} else {
			continue;
		}
		(void)snprintf(b, sizeof(b), "to=%s", t);
		say(b);
	}
	(void)snprintf(b, sizeof(b), "%s", in);
	say(b);
}

/* As through an inetd or a privileged helper: sent over a unix socket, the old one closed. */
static void pass(void)
{
	char room[CMSG_SPACE(sizeof(int))] = "", x = 'x';
	struct iovec io = { &x, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int p[2];

	check("pass", socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fds[cur], sizeof(int));
	check("pass", sendmsg(p[0], &m, 0));
	(void)close(fds[cur]);
	m.msg_controllen = sizeof(room);
	check("pass", recvmsg(p[1], &m, 0));
	memcpy(&fds[cur], CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	(void)close(p[0]);
	(void)close(p[1]);
}

static void join(const char *group)
{
	struct ip_mreqn m = { 0 };
	struct ipv6_mreq m6 = { 0 };

	if (inet_pton(AF_INET, group, &m.imr_multiaddr) == 1) {
		m.imr_ifindex = (int)if_nametoindex("em0");
		check("join", setsockopt(fd(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m)));
		return;
	}
	(void)inet_pton(AF_INET6, group, &m6.ipv6mr_multiaddr);
	m6.ipv6mr_interface = if_nametoindex("em0");
	check("join", setsockopt(fd(), IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof(m6)));
}

/* The rest of the calls in a new program, the sockets inherited. */
static void go_on(char **rest)
{
	char state[200] = "", self[] = "calls", *argv[64] = { self };
	size_t k = 2;

	for (int i = 0; i < n; i++)
		(void)snprintf(state + strlen(state), sizeof(state) - strlen(state), "/%d", fds[i]);
	argv[1] = strdup(state);
	argv[1][0] = '=';
	for (; *rest && k < 63; rest++)
		argv[k++] = *rest;
	(void)fflush(stdout);
	if (wrote)
		(void)setenv("WROTE", "1", 1);
	execv("/proc/self/exe", argv);
	check("exec", -1);
}

static void reach(char **v)
{
	union name to;
	socklen_t len = parse(v[0], v[1], &to);
	int s = socket(to.sa.sa_family, SOCK_STREAM, 0);
	char b[200] = "";
	ssize_t got;

	check("reach", connect(s, &to.sa, len));
	got = recv(s, b, sizeof(b) - 1, MSG_DONTWAIT);
	if (got > 0)
		say(b);
	add(s);
}

static void up(void)
{
	char c;

	printf("%sup\n", wrote ? " " : "");
	wrote = false;
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	exit(0);
}

/* Wait for something to read or the end of input: as `up`, with an answer to every datagram or client. */
static void answer(const char *tag, bool tcp)
{
	printf("%sup\n", wrote ? " " : "");
	(void)fflush(stdout);
	for (;;) {
		struct pollfd p[MAX + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };

		for (int i = 0; i < n; i++)
			p[i + 1] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		if (poll(p, (nfds_t)n + 1, -1) < 0 || p[0].revents)
			exit(0);
		for (int i = 0; i < n; i++) {
			char out[200], in[200];
			union name peer;
			socklen_t len = sizeof(peer);
			int l = snprintf(out, sizeof(out), "%s%.0d", tag, i), c;

			if (!p[i + 1].revents)
				continue;
			if (!tcp) {
				if (recvfrom(fds[i], in, sizeof(in), 0, &peer.sa, &len) >= 0)
					(void)sendto(fds[i], out, (size_t)l, MSG_NOSIGNAL, &peer.sa, len);
				continue;
			}
			c = accept(fds[i], NULL, NULL);
			if (c >= 0) {
				(void)send(c, out, (size_t)l, MSG_NOSIGNAL);
				(void)close(c);
			}
		}
	}
}

static bool plain(const char *call)
{
	union name peer = { .sa = { .sa_family = AF_UNSPEC } };
	pid_t child;
	int status;

	if (strcmp(call, "listen") == 0)
		check(call, listen(fd(), 5));
	else if (strcmp(call, "send") == 0)
		check(call, send(fd(), "hello", 5, MSG_NOSIGNAL));
	else if (strcmp(call, "recv") == 0 || strcmp(call, "recvto") == 0)
		receive(call[4] != '\0');
	else if (strcmp(call, "name") == 0 || strcmp(call, "peer") == 0)
		name_or_peer(*call == 'p');
	else if (strcmp(call, "disconnect") == 0)
		check(call, connect(fd(), &peer.sa, sizeof(peer.sa)));
	else if (strcmp(call, "close") == 0)
		check(call, close(fd()));
	else if (strcmp(call, "dup") == 0)
		add(dup(fd()));
	else if (strcmp(call, "shut") == 0)
		check(call, shutdown(fd(), SHUT_RD));
	else if (strcmp(call, "pass") == 0)
		pass();
	else if (strcmp(call, "up") == 0)
		up();
	else if (strcmp(call, "accept") == 0) {
		int c = accept(fd(), NULL, NULL);

		check(call, c);
		add(c);
	} else if (strcmp(call, "fork") == 0) {
		(void)fflush(stdout);
		child = fork();
		if (child > 0) {
			(void)waitpid(child, &status, 0);
			_exit(WEXITSTATUS(status));
		}
	} else {
		return false;
	}
	return true;
}

static void with_address(const char *call, char **v)
{
	union name to;
	socklen_t len;

	if (strcmp(call, "sendfrom") == 0) {
		send_from(v);
		return;
	}
	if (strcmp(call, "as") == 0) {
		check(call, seteuid((uid_t)atoi(v[0])));
		return;
	}
	len = parse(v[0], v[1], &to);
	if (strcmp(call, "bind") == 0)
		check(call, bind(fd(), &to.sa, len));
	else if (strcmp(call, "connect") == 0)
		check(call, connect(fd(), &to.sa, len));
	else if (strcmp(call, "fastopen") == 0)
		check(call, sendto(fd(), "hello", 5, MSG_FASTOPEN | MSG_NOSIGNAL, &to.sa, len));
	else if (strcmp(call, "sendto") == 0)
		check(call, sendto(fd(), "hello", 5, MSG_NOSIGNAL, &to.sa, len));
	else {
		fprintf(stderr, "calls: no call %s\n", call);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	wrote = getenv("WROTE") != NULL;
	for (int i = 1; i < argc; i++) {
		char *word = strdup(argv[i]), *v[8] = { NULL }, *save = NULL;
		int k = 0;

		if (*word == '=') { /* inherited: file descriptors */
			for (char *p = strtok_r(word + 1, "/", &save); p; p = strtok_r(NULL, "/", &save))
				add(atoi(p));
			continue;
		}
		for (char *p = strtok_r(word, "/", &save); p && k < 7; p = strtok_r(NULL, "/", &save))
			v[k++] = p;
		if (!v[0])
			continue;
		if (strcmp(v[0], "new") == 0)
			new_socket(v + 1);
		else if (strcmp(v[0], "use") == 0)
			cur = atoi(v[1]);
		else if (strcmp(v[0], "set") == 0)
			set(v + 1);
		else if (strcmp(v[0], "join") == 0)
			join(v[1]);
		else if (strcmp(v[0], "reach") == 0)
			reach(v + 1);
		else if (strcmp(v[0], "exec") == 0)
			go_on(argv + i + 1);
		else if (strcmp(v[0], "serve") == 0 || strcmp(v[0], "serveudp") == 0)
			answer(v[1], v[0][5] == '\0');
		else if (!plain(v[0]))
			with_address(v[0], v + 1);
		free(word);
	}
	printf("%s\n", wrote ? "" : "ok");
	return 0;
}
