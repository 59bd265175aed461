/* onepage.c - a server of one page for benchmarks: answers requests that are kept alive and ones that close. Usage: onepage PORT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

static int must(int r, const char *what)
{
	if (r < 0) {
		perror(what);
		exit(1);
	}
	return r;
}

/* Requests come whole and one by one, as load generators send them. false: to be closed. */
static int answer(int fd)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf) - 1);

	if (n < 0 && errno == EAGAIN)
		return 1;
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	if (write(fd, PAGE, sizeof(PAGE) - 1) != (ssize_t)sizeof(PAGE) - 1)
		return 0;
	return !strstr(buf, "Connection: close");
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int one = 1, ep = must(epoll_create1(0), "epoll"),
	    l = must(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
	struct epoll_event ev = { .events = EPOLLIN }, got[64];

	if (argc != 2)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	a.sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10));
	must(setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), "reuse");
	must(bind(l, (struct sockaddr *)&a, sizeof(a)), "bind");
	must(listen(l, 4096), "listen");
	ev.data.fd = l;
	must(epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev), "add");
	for (;;) {
		int n = epoll_wait(ep, got, 64, -1);

		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;

			if (fd != l) {
				if (!answer(fd))
					close(fd);
				continue;
			}
			for (int c; (c = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
				(void)setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
				ev.data.fd = c;
				must(epoll_ctl(ep, EPOLL_CTL_ADD, c, &ev), "add");
			}
		}
	}
}
