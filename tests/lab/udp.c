/* udp.c - one question and one answer over UDP, for jails without a tool for it: udp serve PORT | udp ask ADDR PORT */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, from = { 0 };
	struct timeval wait = { .tv_sec = 5 };
	socklen_t len = sizeof(from);
	char buf[512], text[64];
	ssize_t n;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0 || argc < 3)
		return 2;
	(void)setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	a.sin_port = htons((unsigned short)strtoul(argv[argc - 1], NULL, 10));
	if (strcmp(argv[1], "serve") == 0) {
		if (bind(s, (struct sockaddr *)&a, sizeof(a)) < 0) {
			perror("bind");
			return 1;
		}
		puts("ready");
		(void)fflush(stdout);
		n = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 0 || sendto(s, "pong", 4, 0, (struct sockaddr *)&from, len) < 0) {
			perror("serve");
			return 1;
		}
	} else {
		inet_pton(AF_INET, argv[2], &a.sin_addr);
		if (sendto(s, "ping", 4, 0, (struct sockaddr *)&a, sizeof(a)) < 0) {
			perror("send");
			return 1;
		}
		n = recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
		if (n < 0) {
			perror("answer");
			return 1;
		}
	}
	/* what came, and from whom */
	printf("%.*s %s\n", (int)n, buf, inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text)));
	return 0;
}
