/* past.c - tries to give a socket a port of the host past the socket broker: past WAY tcp4|tcp6|udp4|udp6 PORT */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif

/*
 * Ways: unspec (a family that is none), secret (the address is in memory that no other process can read), nowhere (in none),
 * long (a length of its own), family (the family changes while the call waits), port (the port does), swap (the descriptor
 * is another file's when the broker looks). Says what bind or listen answered, then waits for input to end.
 */

static int family, type;
static volatile bool done;
static struct sockaddr_in6 *name;
static int target, spare_unix, spare_ip;

static int sock(void)
{
	int s = socket(family, type, 0), on = 1;

	if (s < 0) {
		printf("socket: %s\n", strerror(errno));
		exit(1);
	}
	(void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return s;
}

static socklen_t name_len(void)
{
	return family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

static void *flip_family(void *arg)
{
	while (!done) {
		*(volatile sa_family_t *)&name->sin6_family = AF_UNIX;
		for (volatile int i = 0; i < 30; i++)
			;
		*(volatile sa_family_t *)&name->sin6_family = (sa_family_t)family;
		for (volatile int i = 0; i < 30; i++)
			;
	}
	return arg;
}

static void *flip_port(void *arg)
{
	in_port_t other = htons((uint16_t)(intptr_t)arg);

	while (!done) {
		in_port_t now = name->sin6_port;

		*(volatile in_port_t *)&name->sin6_port = other;
		for (volatile int i = 0; i < 30; i++)
			;
		*(volatile in_port_t *)&name->sin6_port = now;
	}
	return arg;
}

static void *flip_file(void *arg)
{
	while (!done) {
		(void)dup2(spare_unix, target);
		(void)dup2(spare_ip, target);
	}
	return arg;
}

/* Bind and listen as often as it takes to be asked once while the memory says something else. */
static void race(void *(*flip)(void *), void *arg)
{
	pthread_t t;

	(void)pthread_create(&t, NULL, flip, arg);
	for (int i = 0; i < 600; i++) {
		int s = sock();

		if (bind(s, (struct sockaddr *)name, name_len()) == 0 && type == SOCK_STREAM)
			(void)listen(s, 1);
		if (i % 100)
			(void)close(s); /* some stay: one of them may have got through */
	}
	done = true;
	(void)pthread_join(t, NULL);
	printf("tried\n");
}

/* listen(2) on a number that is a unix socket's when the broker looks, and an IP socket's when the kernel goes on. */
static void swap(void)
{
	struct sockaddr_un {
		sa_family_t family;
		char path[20];
	} un = { AF_UNIX, "\0past" };
	pthread_t t;

	spare_unix = socket(AF_UNIX, SOCK_STREAM, 0);
	(void)bind(spare_unix, (struct sockaddr *)&un, sizeof(un));
	spare_ip = sock();
	(void)bind(spare_ip, (struct sockaddr *)name, name_len());
	target = dup(spare_unix);
	(void)pthread_create(&t, NULL, flip_file, NULL);
	for (int i = 0; i < 600; i++)
		(void)listen(target, 1);
	done = true;
	(void)pthread_join(t, NULL);
	printf("tried\n");
}

static void *memory(bool secret)
{
	int fd = secret ? (int)syscall(SYS_memfd_secret, 0) : memfd_create("name", 0);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096) < 0) {
		printf("no such memory\n");
		exit(0);
	}
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		printf("no such memory\n");
		exit(0);
	}
	return p;
}

static void bind_as(const char *way)
{
	socklen_t len = name_len();
	int s = sock(), r;

	if (strcmp(way, "unspec") == 0)
		name->sin6_family = AF_UNSPEC;
	if (strcmp(way, "long") == 0)
		len = 100;
	r = bind(s, strcmp(way, "nowhere") == 0 ? (struct sockaddr *)8 : (struct sockaddr *)name, len);
	printf("bind: %s\n", r < 0 ? strerror(errno) : "done");
	if (type == SOCK_STREAM)
		printf("listen: %s\n", listen(s, 5) < 0 ? strerror(errno) : "done");
}

int main(int argc, char **argv)
{
	char c;

	if (argc != 4)
		return 2;
	family = argv[2][3] == '6' ? AF_INET6 : AF_INET;
	type = argv[2][0] == 'u' ? SOCK_DGRAM : SOCK_STREAM;
	name = memory(strcmp(argv[1], "secret") == 0);
	name->sin6_family = (sa_family_t)family;
	name->sin6_port = htons((uint16_t)atoi(argv[3]));
	if (strcmp(argv[1], "family") == 0)
		race(flip_family, NULL);
	else if (strcmp(argv[1], "port") == 0)
		race(flip_port, (void *)(intptr_t)(atoi(argv[3]) + 1));
	else if (strcmp(argv[1], "swap") == 0)
		swap();
	else
		bind_as(argv[1]);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
