/*
 * socks.c - many sockets, sockets handed to somebody else, and what each call on a socket answers.
 *
 * socks many KIND N [PORT]   open up to N sockets and say "COUNT ERRNO"; keep them until the input ends. KIND: new4, new6 (as made),
 *                            udp4, udp6, tcp4, tcp6 (bound to PORT, PORT+1, ...; 0: any), send4, send6 (a datagram from each),
 *                            talk4, talk6 (UDP, connected), listen4, listen6 (tcp, listening), dual (listening on both families)
 * socks names N ADDR...      listen on each address, PORT 2000 up, until N or an error; say "COUNT ERRNO"; keep them
 * socks pass PATH KIND PORT ADDR   make a socket (udp, udpc, tcpl, tcpc: c is connected to ADDR) and hand it to who listens on PATH
 * socks take PATH            be handed one; each line of the input is tried on it: send ADDR PORT, recv, accept, connect ADDR PORT,
 *                            bind PORT, write, name
 * socks hear ADDR MS         wait at ADDR, UDP port 5555: say "heard ADDR" or, after MS, "nothing"
 * socks serve ADDR           take one connection on port 5555, and say "heard N" of what comes on it
 * socks tell ADDR PORT       one datagram to there
 * socks reach ADDR PORT...   say "connected PORT" of each that can be connected to
 * socks ops                  what each call on a UDP and on a TCP socket answers, a line each
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif
#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t name(union name *n, const char *addr, unsigned port)
{
	memset(n, 0, sizeof(*n));
	if (inet_pton(AF_INET, addr, &n->in.sin_addr) == 1) {
		n->in.sin_family = AF_INET;
		n->in.sin_port = htons((unsigned short)port);
		return sizeof(n->in);
	}
	inet_pton(AF_INET6, addr, &n->in6.sin6_addr);
	n->in6.sin6_family = AF_INET6;
	n->in6.sin6_port = htons((unsigned short)port);
	return sizeof(n->in6);
}

static const char *word(long r)
{
	static char buf[4][32];
	static int i;
	char *b = buf[i++ & 3];

	if (r < 0)
		return strerrorname_np(errno);
	snprintf(b, sizeof(buf[0]), "%ld", r);
	return b;
}

static void keep(long n, int err)
{
	char c;

	printf("%ld %s\n", n, err ? strerrorname_np(err) : "ok");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
}

static int one(const char *kind, unsigned port)
{
	int six = strchr(kind, '6') || strcmp(kind, "dual") == 0, on = 1;
	int tcp = strncmp(kind, "tcp", 3) == 0 || strncmp(kind, "listen", 6) == 0 || strcmp(kind, "dual") == 0;
	int s = socket(six ? AF_INET6 : AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	union name n;
	socklen_t len;

	if (s < 0)
		return -1;
	if (six && strcmp(kind, "dual") != 0)
		(void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (strncmp(kind, "new", 3) == 0)
		return s;
	if (strncmp(kind, "send", 4) == 0) {
		len = name(&n, six ? "2001:db8::254" : "192.0.2.254", 9);
		return sendto(s, "x", 1, 0, &n.sa, len) < 0 ? -1 : s;
	}
	if (strncmp(kind, "talk", 4) == 0) {
		len = name(&n, six ? "2001:db8::254" : "192.0.2.254", 9);
		return connect(s, &n.sa, len) < 0 ? -1 : s;
	}
	len = name(&n, six ? "::" : "0.0.0.0", port);
	if (bind(s, &n.sa, len) < 0)
		return -1;
	return tcp && strncmp(kind, "tcp", 3) != 0 && listen(s, 1) < 0 ? -1 : s;
}

static int many(char **v)
{
	long want = atol(v[1]), n = 0;
	unsigned port = v[2] ? (unsigned)atoi(v[2]) : 0;
	int err = 0;

	for (; n < want; n++)
		if (one(v[0], port ? port + (unsigned)n : 0) < 0) {
			err = errno;
			break;
		}
	keep(n, err);
	return 0;
}

static int names(char **v)
{
	long want = atol(v[0]), n = 0;
	int err = 0;

	for (unsigned port = 2000; port < 65536 && n < want && !err; port++)
		for (char **a = v + 1; *a && n < want && !err; a++) {
			union name x;
			socklen_t len = name(&x, *a, port);
			int s = socket(x.sa.sa_family, SOCK_STREAM, 0);

			if (s < 0 || bind(s, &x.sa, len) < 0)
				err = errno;
			else
				n++;
		}
	keep(n, err);
	return 0;
}

static int pass(char **v)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	int tcp = v[1][0] == 't', s = socket(AF_UNIX, SOCK_DGRAM, 0), six = v[3] && strchr(v[3], ':') ? 1 : 0;
	int fd = socket(six ? AF_INET6 : AF_INET, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
	unsigned port = (unsigned)atoi(v[2]);
	char c = 'x', ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec io = { &c, 1 };
	struct msghdr m = { &u, sizeof(u), &io, 1, ctl, sizeof(ctl), 0 };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	union name n;
	socklen_t len;

	snprintf(u.sun_path, sizeof(u.sun_path), "%s", v[0]);
	len = name(&n, six ? "::" : "0.0.0.0", port);
	if (strcmp(v[1], "tcpc") != 0 && bind(fd, &n.sa, len) < 0)
		return perror("bind"), 1;
	if (strcmp(v[1], "tcpl") == 0 && listen(fd, 5) < 0)
		return perror("listen"), 1;
	if (strchr(v[1], 'c') && v[1][3] == 'c') {
		len = name(&n, v[3], 5555);
		if (connect(fd, &n.sa, len) < 0)
			return perror("connect"), 1;
	}
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	if (sendmsg(s, &m, 0) < 0)
		return perror("sendmsg"), 1;
	puts("passed");
	return 0;
}

static void try(int fd, char *line)
{
	char *v[4] = { 0 }, buf[64];
	union name n;
	socklen_t len = sizeof(n);
	int c = 0, flags = MSG_DONTWAIT | MSG_NOSIGNAL;

	for (char *p = strtok(line, " \n"); p && c < 3; p = strtok(NULL, " \n"))
		v[c++] = p;
	if (!v[0])
		return;
	if (strcmp(v[0], "send") == 0) {
		len = name(&n, v[1], (unsigned)atoi(v[2]));
		printf("send %s\n", word(sendto(fd, "late", 4, flags, &n.sa, len)));
	} else if (strcmp(v[0], "write") == 0) {
		printf("write %s\n", word(send(fd, "late", 4, flags)));
	} else if (strcmp(v[0], "recv") == 0) {
		printf("recv %s\n", word(recv(fd, buf, sizeof(buf), flags)));
	} else if (strcmp(v[0], "accept") == 0) {
		printf("accept %s\n", word(accept(fd, NULL, NULL) >= 0 ? 0 : -1));
	} else if (strcmp(v[0], "connect") == 0) {
		len = name(&n, v[1], (unsigned)atoi(v[2]));
		printf("connect %s\n", word(connect(fd, &n.sa, len)));
	} else if (strcmp(v[0], "bind") == 0) {
		int domain = AF_INET;

		len = sizeof(domain);
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
		len = name(&n, domain == AF_INET ? "0.0.0.0" : "::", (unsigned)atoi(v[1]));
		printf("bind %s\n", word(bind(fd, &n.sa, len)));
	}
	fflush(stdout);
}

static int take(char **v)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), fd = -1;
	char c, ctl[CMSG_SPACE(sizeof(int))], line[128];
	struct iovec io = { &c, 1 };
	struct msghdr m = { NULL, 0, &io, 1, ctl, sizeof(ctl), 0 };

	snprintf(u.sun_path, sizeof(u.sun_path), "%s", v[0]);
	unlink(u.sun_path);
	if (bind(s, (struct sockaddr *)&u, sizeof(u)) < 0 || chmod(u.sun_path, 0777) < 0)
		return perror("bind"), 1;
	puts("ready");
	fflush(stdout);
	if (recvmsg(s, &m, 0) < 0 || !CMSG_FIRSTHDR(&m))
		return perror("recvmsg"), 1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	puts("taken");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		try(fd, line);
	return 0;
}

static int hear(char **v)
{
	union name n;
	socklen_t len = name(&n, v[0], 5555);
	int s = socket(n.sa.sa_family, SOCK_DGRAM, 0);
	struct pollfd p = { s, POLLIN, 0 };
	char text[INET6_ADDRSTRLEN], c;

	if (bind(s, &n.sa, len) < 0)
		return perror("bind"), 1;
	puts("ready");
	fflush(stdout);
	len = sizeof(n);
	if (poll(&p, 1, atoi(v[1])) <= 0 || recvfrom(s, &c, 1, 0, &n.sa, &len) < 0)
		return puts("nothing"), 0;
	printf("heard %s\n", n.sa.sa_family == AF_INET ? inet_ntop(AF_INET, &n.in.sin_addr, text, sizeof(text))
	                                               : inet_ntop(AF_INET6, &n.in6.sin6_addr, text, sizeof(text)));
	return 0;
}

static int serve(char **v)
{
	union name n;
	socklen_t len = name(&n, v[0], 5555);
	int s = socket(n.sa.sa_family, SOCK_STREAM, 0), on = 1, c;
	char buf[64];
	ssize_t got;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s, &n.sa, len) < 0 || listen(s, 5) < 0)
		return perror("bind"), 1;
	puts("ready");
	fflush(stdout);
	c = accept(s, NULL, NULL);
	while ((got = recv(c, buf, sizeof(buf), 0)) > 0) {
		printf("heard %zd\n", got);
		fflush(stdout);
	}
	return 0;
}

static int tell(char **v)
{
	union name n;
	socklen_t len = name(&n, v[0], (unsigned)atoi(v[1]));

	return sendto(socket(n.sa.sa_family, SOCK_DGRAM, 0), "x", 1, 0, &n.sa, len) == 1 ? 0 : 1;
}

static int reach(char **v)
{
	struct timeval limit = { 0, 200000 };

	for (char **p = v + 1; *p; p++) {
		union name n;
		socklen_t len = name(&n, v[0], (unsigned)atoi(*p));
		int s = socket(n.sa.sa_family, SOCK_STREAM, 0);

		setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		if (connect(s, &n.sa, len) == 0)
			printf("connected %s\n", *p);
		close(s);
	}
	return 0;
}

/* --- ops --- */

static long queued(int s, unsigned long what)
{
	int n = -1;

	return ioctl(s, what, &n) < 0 ? -1 : n;
}

static long polled(int s)
{
	struct pollfd p = { s, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0 };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static long option(int s, int level, int what)
{
	int v = -1;
	socklen_t len = sizeof(v);

	return getsockopt(s, level, what, &v, &len) < 0 ? -1 : v;
}

static long set(int s, int level, int what, int v)
{
	return setsockopt(s, level, what, &v, sizeof(v));
}

static void options(const char *who, int s)
{
	static const int sol[] = { SO_TYPE,      SO_PROTOCOL,  SO_DOMAIN,   SO_ERROR,    SO_REUSEADDR, SO_REUSEPORT,
		                   SO_KEEPALIVE, SO_BROADCAST, SO_RCVBUF,   SO_SNDBUF,   SO_RCVLOWAT,  SO_ACCEPTCONN,
		                   SO_MARK,      SO_BUSY_POLL, SO_PRIORITY, SO_ZEROCOPY, SO_DONTROUTE };

	for (size_t i = 0; i < sizeof(sol) / sizeof(*sol); i++)
		printf("%s option %d: %s\n", who, sol[i], word(option(s, SOL_SOCKET, sol[i])));
}

static long spliced(int s)
{
	char buf[64];
	int p[2];
	long r;

	if (pipe(p) < 0)
		return -1;
	r = splice(s, NULL, p[1], NULL, sizeof(buf), SPLICE_F_NONBLOCK);
	close(p[0]);
	close(p[1]);
	return r;
}

static long sent_file(int s)
{
	int f = open("/proc/self/exe", O_RDONLY);
	long r = sendfile(s, f, NULL, 7);

	close(f);
	return r;
}

static void say(const char *who, const char *what, long r)
{
	printf("%s %s: %s\n", who, what, word(r));
}

/* What is asked of any socket on which 8 bytes wait. */
static void waiting(const char *who, int s)
{
	char buf[64];
	int f = dup(s);

	(void)poll(&(struct pollfd){ s, POLLIN, 0 }, 1, 2000);
	say(who, "FIONREAD", queued(s, FIONREAD));
	say(who, "FIONREAD of a copy", queued(f, FIONREAD));
	say(who, "SIOCOUTQ", queued(s, SIOCOUTQ));
	say(who, "SIOCATMARK", queued(s, SIOCATMARK));
	say(who, "poll", polled(s));
	say(who, "peek", recv(s, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
	say(who, "peek of 3, truncated", recv(s, buf, 3, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT));
	say(who, "FIONREAD after a peek", queued(s, FIONREAD));
	say(who, "SO_PEEK_OFF", set(s, SOL_SOCKET, SO_PEEK_OFF, 2));
	say(who, "peek at an offset", recv(s, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
	say(who, "SO_PEEK_OFF off", set(s, SOL_SOCKET, SO_PEEK_OFF, -1));
	close(f);
}

static void udp(int six, unsigned port)
{
	const char *who = six ? "udp6" : "udp4";
	int s = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0), c = socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
	struct timespec t;
	union name n, from;
	socklen_t len = name(&n, six ? "::1" : "127.0.0.1", port), flen = sizeof(from);
	struct linger l = { 0, 0 };
	char buf[64];

	say(who, "bind", bind(s, &n.sa, len));
	options(who, s);
	say(who, "FIONREAD of nothing", queued(s, FIONREAD));
	say(who, "connect of the other", connect(c, &n.sa, len));
	say(who, "send", send(c, "12345678", 8, 0));
	say(who, "send", send(c, "abc", 3, 0));
	waiting(who, s);
	say(who, "recvfrom", recvfrom(s, buf, sizeof(buf), MSG_DONTWAIT, &from.sa, &flen));
	say(who, "FIONREAD of the next", queued(s, FIONREAD));
	say(who, "SIOCGSTAMP", ioctl(s, SIOCGSTAMP_OLD, &t) < 0 && errno != ENOENT ? -1 : 0);
	say(who, "splice", spliced(s));
	say(who, "recv of nothing", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	say(who, "UDP_GRO", set(s, IPPROTO_UDP, UDP_GRO, 1));
	say(who, "UDP_SEGMENT", set(c, IPPROTO_UDP, 103, 4));
	say(who, "send in segments", send(c, "12345678", 8, 0));
	(void)poll(&(struct pollfd){ s, POLLIN, 0 }, 1, 2000);
	say(who, "poll of segments", polled(s));
	say(who, "linger", setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	while (recv(s, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	say(who, "no segments", set(c, IPPROTO_UDP, 103, 0));
	say(who, "connect back", connect(s, &from.sa, flen));
	say(who, "send", send(c, "12345678", 8, 0));
	waiting(who, s);
	say(who, "recv", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	say(who, "sendfile", sent_file(s));
	say(who, "SO_ZEROCOPY", set(s, SOL_SOCKET, SO_ZEROCOPY, 1));
	say(who, "send of zero copy", send(s, "12345678", 8, MSG_ZEROCOPY));
	(void)poll(&(struct pollfd){ c, POLLIN, 0 }, 1, 2000);
	say(who, "FIONREAD of the other", queued(c, FIONREAD));
	say(who, "shutdown", shutdown(s, SHUT_RD));
	say(who, "recv after it", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	say(who, "disconnect", connect(s, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	options(who, s);
	say(who, "close", close(s));
	say(who, "close", close(c));
}

static void tcp(int six, unsigned port)
{
	const char *who = six ? "tcp6" : "tcp4";
	int family = six ? AF_INET6 : AF_INET, s = socket(family, SOCK_STREAM, 0), c = socket(family, SOCK_STREAM, 0),
	    a;
	int o = socket(family, SOCK_STREAM, 0);
	union name n, m;
	socklen_t len = name(&n, six ? "::1" : "127.0.0.1", port);
	char buf[64];

	name(&m, six ? "::1" : "127.0.0.1", port + 1);
	say(who, "bind", bind(s, &n.sa, len));
	say(who, "TCP_DEFER_ACCEPT", set(s, IPPROTO_TCP, TCP_DEFER_ACCEPT, 0));
	say(who, "listen", listen(s, 5));
	options("listener", s);
	say(who, "FIONREAD of a listener", queued(s, FIONREAD));
	say(who, "SIOCOUTQ of a listener", queued(s, SIOCOUTQ));
	say(who, "SIOCATMARK of a listener", queued(s, SIOCATMARK));
	say(who, "poll of a listener", polled(s));
	say(who, "recv of a listener", recv(s, buf, 1, MSG_DONTWAIT));
	say(who, "send of a listener", send(s, buf, 1, MSG_DONTWAIT | MSG_NOSIGNAL));
	say(who, "splice of a listener", spliced(s));
	say(who, "TCP_ULP of a listener", setsockopt(s, IPPROTO_TCP, TCP_ULP, "tls", 4));
	say(who, "connect", connect(c, &n.sa, len));
	a = accept(s, NULL, NULL);
	say(who, "accept", a < 0 ? -1 : 0);
	say(who, "send", send(c, "12345678", 8, 0));
	waiting("accepted", a);
	options("accepted", a);
	say(who, "urgent", send(c, "u", 1, MSG_OOB));
	say(who, "recv", recv(a, buf, 8, 0));
	say(who, "sendfile", sent_file(a));
	say(who, "SO_ZEROCOPY", set(a, SOL_SOCKET, SO_ZEROCOPY, 1));
	say(who, "send of zero copy", send(a, "1", 1, MSG_ZEROCOPY));
	(void)recv(c, buf, 8, MSG_WAITALL | MSG_PEEK);
	say(who, "FIONREAD of the other", queued(c, FIONREAD));
	say(who, "splice", spliced(c));
	say(who, "listen again", listen(s, 7));
	say(who, "shutdown of a listener", shutdown(s, SHUT_RD));
	say(who, "poll then", polled(s));
	say(who, "listen after it", listen(s, 7));
	say(who, "disconnect", connect(s, &(struct sockaddr){ .sa_family = AF_UNSPEC }, sizeof(struct sockaddr)));
	/* what listened connects */
	say(who, "bind", bind(o, &m.sa, len));
	say(who, "listen", listen(o, 5));
	say(who, "connect of what listened", connect(s, &m.sa, len));
	close(a);
	a = accept(o, NULL, NULL);
	say(who, "accept", a < 0 ? -1 : 0);
	say(who, "send", send(a, "12345678", 8, MSG_NOSIGNAL));
	waiting("listened", s);
	say(who, "splice", spliced(s));
	say(who, "TCP_ULP", setsockopt(s, IPPROTO_TCP, TCP_ULP, "nothing", 7));
	say(who, "shutdown", shutdown(s, SHUT_RDWR));
	say(who, "close", close(s));
}

int main(int argc, char **argv)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	alarm(120);
	if (argc > 3 && strcmp(argv[1], "many") == 0)
		return many(argv + 2);
	if (argc > 3 && strcmp(argv[1], "names") == 0)
		return names(argv + 2);
	if (argc > 4 && strcmp(argv[1], "pass") == 0)
		return pass(argv + 2);
	if (argc > 2 && strcmp(argv[1], "take") == 0)
		return take(argv + 2);
	if (argc > 3 && strcmp(argv[1], "hear") == 0)
		return hear(argv + 2);
	if (argc > 2 && strcmp(argv[1], "serve") == 0)
		return serve(argv + 2);
	if (argc > 3 && strcmp(argv[1], "tell") == 0)
		return tell(argv + 2);
	if (argc > 3 && strcmp(argv[1], "reach") == 0)
		return reach(argv + 2);
	if (argc > 1 && strcmp(argv[1], "ops") == 0) {
		udp(0, 7901);
		udp(1, 7902);
		tcp(0, 7903);
		tcp(1, 7905);
		return 0;
	}
	return 2;
}
