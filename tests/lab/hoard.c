/* hoard.c - holds sockets until killed: `hoard N PORT` N TCP listeners, `hoard kinds PORT` one of each kind. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int held(int family, int type, int proto, unsigned port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(family, type, proto);

	if (fd < 0)
		return -1;
	if (port && (family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof(four))
	                               : bind(fd, (struct sockaddr *)&six, sizeof(six))) < 0) {
		perror("bind");
		exit(1);
	}
	if (port && type == SOCK_STREAM && listen(fd, 5) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

/* A listener that is nobody's descriptor: on its way in a message. */
static void in_flight(int fd)
{
	char ctl[CMSG_SPACE(sizeof(fd))] = { 0 }, c = 'x';
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int pair[2];

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) < 0 || sendmsg(pair[0], &m, 0) < 0) {
		perror("pass");
		exit(1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	unsigned port = argc > 2 ? (unsigned)atoi(argv[2]) : 20000;
	int n = argc > 1 ? atoi(argv[1]) : 1;

	for (int i = 0; i < n; i++)
		held(AF_INET, SOCK_STREAM, 0, port + (unsigned)i);
	if (argc > 1 && strcmp(argv[1], "kinds") == 0) {
		held(AF_INET, SOCK_DGRAM, 0, port);
		held(AF_INET6, SOCK_DGRAM, 0, port + 1);
		held(AF_INET6, SOCK_STREAM, 0, port + 2);
		held(AF_INET, SOCK_STREAM, 0, 0);
		held(AF_INET, SOCK_DGRAM, 0, 0);
		held(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, 0);
		held(AF_INET, SOCK_RAW, IPPROTO_ICMP, 0);
		in_flight(held(AF_INET, SOCK_STREAM, 0, port + 3));
	}
	printf("ready\n");
	fflush(stdout);
	pause();
	return 0;
}
