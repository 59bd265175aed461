/* hostnames.c - what sockets of a jail tell of the host's interfaces, and take from them. */

/*
 * hostnames requests          every request of sockets (ioctl) that is neither refused nor one of those that are answered
 * hostnames numbers MAX       the names of interfaces 1..MAX, by SO_BINDTOIFINDEX and SO_BINDTODEVICE
 * hostnames device NAME       bind to it: OK or the errno's name
 * hostnames join INDEX N      join N groups of each family on it, by every option: how many were joined
 * hostnames anywhere          join a group by every option, naming no interface, and stay: OK or the errno's name
 * hostnames uevents           join all groups of device news until a line is read: what was heard
 * hostnames size              how much the list of interfaces takes, as Java asks: without room, whose size is what was there
 * hostnames swap              ask for the list of interfaces by a descriptor that is a file every other moment
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static int udp(int family)
{
	int s = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0) {
		perror("socket");
		exit(2);
	}
	return s;
}

static const char *result(int r)
{
	return r < 0 ? strerrorname_np(errno) : "OK";
}

/* Answered from the jail's view: SIOCGIFNAME .. SIOCGIFMAP; about the socket itself: 0x8901 .. 0x8907. */
static int answered(unsigned req)
{
	static const unsigned list[] = { 0x8910, 0x8912, 0x8913, 0x8915, 0x8917, 0x8919, 0x891b, 0x891d,
		                         0x8921, 0x8927, 0x8933, 0x8942, 0x8946, 0x8954, 0x8970 };

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (list[i] == req)
			return 1;
	return req >= 0x8901 && req <= 0x8907;
}

static void requests(void)
{
	int s[3] = { udp(AF_INET), udp(AF_INET6), udp(AF_UNIX) };
	unsigned tried = 0;

	for (unsigned req = 0x8900; req <= 0x8bff; req++) {
		char buf[4096] = "";

		if (answered(req) || (req & 0xff00) == 0x8a00)
			continue;
		for (int i = 0; i < 3; i++, tried++)
			if (ioctl(s[i], req, buf) >= 0 || errno != EPERM)
				printf("%#x: %s\n", req, strerrorname_np(errno));
	}
	printf("%u tried\n", tried);
}

static void numbers(int max)
{
	for (int i = 1; i <= max; i++) {
		char name[IFNAMSIZ] = "";
		socklen_t len = sizeof(name);
		int s = udp(AF_INET), on = setsockopt(s, SOL_SOCKET, SO_BINDTOIFINDEX, &i, sizeof(i));

		if (getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, name, &len) == 0 && len)
			printf("%s\n", name);
		else if (on == 0)
			printf("bound to %d\n", i);
		(void)close(s);
	}
}

/* One group by one of the ways there are. */
static int join(int s, int how, int index, unsigned k)
{
	struct ip_mreqn m = { .imr_ifindex = index };
	struct ipv6_mreq m6 = { .ipv6mr_interface = (unsigned)index };
	struct group_source_req g = { .gsr_interface = (unsigned)index };
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };

	m.imr_multiaddr.s_addr = a.sin_addr.s_addr = htonl(0xefff0000U + k);
	m6.ipv6mr_multiaddr = a6.sin6_addr = (struct in6_addr){ { { 0xff, 0x15 } } };
	m6.ipv6mr_multiaddr.s6_addr32[3] = a6.sin6_addr.s6_addr32[3] = htonl(k);
	switch (how) {
	case 0:
		return setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
	case 1:
		memcpy(&g.gsr_group, &a, sizeof(a)); /* begins as struct group_req */
		return setsockopt(s, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof(struct group_req));
	case 2:
		memcpy(&g.gsr_group, &a, sizeof(a));
		a.sin_addr.s_addr = htonl(0xc0000263);
		memcpy(&g.gsr_source, &a, sizeof(a));
		return setsockopt(s, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &g, sizeof(g));
	case 3:
		return setsockopt(s, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m6, sizeof(m6));
	default:
		memcpy(&g.gsr_group, &a6, sizeof(a6));
		return setsockopt(s, IPPROTO_IPV6, MCAST_JOIN_GROUP, &g, sizeof(struct group_req));
	}
}

static void join_many(int index, unsigned n)
{
	unsigned done = 0;

	for (int how = 0; how < 5; how++) {
		int s = -1;

		for (unsigned k = 0; k < n; k++) {
			if (k % 16 == 0) /* a socket may have twenty; they stay open */
				s = udp(how < 3 ? AF_INET : AF_INET6);
			done += join(s, how, index, (unsigned)how * 4096 + k + 1) == 0;
		}
	}
	printf("%u joined\n", done);
}

/* Every way of hearing more than is meant to be heard. */
static void uevents(void)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 0xffffffff };
	struct sock_filter pass = BPF_STMT(BPF_RET | BPF_K, 0xffffffff);
	struct sock_fprog prog = { 1, &pass };
	int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT), off = 0;
	unsigned heard = 0;
	char buf[8192];

	if (s < 0) {
		puts(result(s));
		return;
	}
	(void)bind(s, (struct sockaddr *)&all, sizeof(all));
	for (int group = 1; group <= 32; group++)
		(void)setsockopt(s, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	printf("filter %s\n", result(setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog))));
	(void)setsockopt(s, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof(off));
	printf("unlock %s\nup\n", result(setsockopt(s, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof(off))));
	(void)fflush(stdout);
	(void)getchar();
	while (recv(s, buf, sizeof(buf), 0) > 0)
		heard++;
	printf("%u heard\n", heard);
}

static volatile int fd;
static int other[2];

static void *swapper(void *arg)
{
	for (;;) {
		(void)dup2(other[0], fd);
		(void)dup2(other[1], fd);
	}
	return arg;
}

static void swap(void)
{
	struct ifreq all[64];
	pthread_t t;

	other[0] = open("/dev/null", O_RDWR);
	other[1] = udp(AF_INET);
	fd = dup(other[1]);
	(void)pthread_create(&t, NULL, swapper, NULL);
	for (int k = 0; k < 3000; k++) {
		struct ifconf c = { .ifc_len = sizeof(all), .ifc_req = all };

		if (ioctl(fd, SIOCGIFCONF, &c) < 0)
			continue;
		for (size_t i = 0; i < (size_t)c.ifc_len / sizeof(*all); i++)
			printf("%s %s\n", all[i].ifr_name,
			       inet_ntoa(((struct sockaddr_in *)&all[i].ifr_addr)->sin_addr));
	}
	_exit(fflush(stdout));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int s;

	if (strcmp(what, "requests") == 0) {
		requests();
	} else if (strcmp(what, "numbers") == 0 && argc > 2) {
		numbers(atoi(argv[2]));
	} else if (strcmp(what, "device") == 0 && argc > 2) {
		s = udp(AF_INET);
		puts(result(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, argv[2], (socklen_t)strlen(argv[2]))));
	} else if (strcmp(what, "join") == 0 && argc > 3) {
		join_many(atoi(argv[2]), (unsigned)atoi(argv[3]));
	} else if (strcmp(what, "anywhere") == 0) {
		for (int how = 0; how < 5; how++)
			puts(result(join(udp(how < 3 ? AF_INET : AF_INET6), how, 0, 7)));
		(void)fflush(stdout);
		(void)getchar();
	} else if (strcmp(what, "uevents") == 0) {
		uevents();
	} else if (strcmp(what, "size") == 0) {
		struct ifconf c = { .ifc_len = -7 };

		const char *said = result(ioctl(udp(AF_INET), SIOCGIFCONF, &c));

		printf("%s %d\n", said, c.ifc_len > 0);
	} else if (strcmp(what, "swap") == 0) {
		swap();
	} else {
		return 2;
	}
	return 0;
}
