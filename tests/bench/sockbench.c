/* sockbench.c - how fast sockets are made and connections opened: run by sockets.sh on the host and inside a jail. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * sockbench socket N               nanoseconds of socket() + close()
 * sockbench connect ADDR PORT N    nanoseconds of socket() + connect() + close()
 * sockbench serve ADDR PORT        accept, read a byte, answer, close; says "ready"; until killed
 * sockbench ask ADDR PORT N        nanoseconds of a whole exchange with it
 */

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "sockbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int fresh(void)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		die("socket");
	return s;
}

static struct sockaddr_in name(const char *addr, const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port)) };

	if (inet_pton(AF_INET, addr, &a.sin_addr) != 1)
		die(addr);
	return a;
}

/* talk: one byte there and one back; without it only the connection is made */
static void open_one(const struct sockaddr_in *to, int talk)
{
	struct linger rst = { 1, 0 }; /* no port is left waiting */
	int s = fresh();
	char c = 'x';

	if (connect(s, (const struct sockaddr *)to, sizeof(*to)) < 0)
		die("connect");
	if (talk && (write(s, &c, 1) != 1 || read(s, &c, 1) != 1))
		die("exchange");
	if (setsockopt(s, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst)) < 0)
		die("linger");
	close(s);
}

static int serve(const struct sockaddr_in *at)
{
	int s = fresh(), one = 1;
	char c;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s, (const struct sockaddr *)at, sizeof(*at)) < 0 || listen(s, 1024) < 0)
		die("listen");
	printf("ready\n");
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int a = accept(s, NULL, NULL);

		if (a < 0)
			continue;
		if (read(a, &c, 1) == 1 && write(a, &c, 1) == 1)
			(void)!read(a, &c, 1);
		close(a);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	struct sockaddr_in to;
	long long t;
	long n;

	if (argc == 3 && strcmp(what, "socket") == 0) {
		n = atol(argv[2]);
		t = now();
		for (long i = 0; i < n; i++)
			close(fresh());
		printf("%lld\n", (now() - t) / n);
		return 0;
	}
	if (argc < 4)
		return 2;
	to = name(argv[2], argv[3]);
	if (strcmp(what, "serve") == 0)
		return serve(&to);
	if (argc < 5)
		return 2;
	n = atol(argv[4]);
	t = now();
	for (long i = 0; i < n; i++)
		open_one(&to, strcmp(what, "ask") == 0);
	printf("%lld\n", (now() - t) / n);
	return 0;
}
