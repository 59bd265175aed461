/* held.c - says what holds this process, one word a line: `held [FILE]`; with FILE there, and then it sleeps. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void status_lines(FILE *out)
{
	static const char *const keys[] = { "CapBnd:", "Seccomp:", "Seccomp_filters:", "NoNewPrivs:" };
	FILE *f = fopen("/proc/self/status", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
			if (strncmp(line, keys[i], strlen(keys[i])) == 0)
				fputs(line, out);
	if (f)
		fclose(f);
}

/* Bound to addr: the name it has then, or why not. */
static void try_bind(FILE *out, const char *addr)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char text[INET_ADDRSTRLEN];

	inet_pton(AF_INET, addr, &in.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
		fprintf(out, "bind %s: %s\n", addr, strerror(errno));
		return;
	}
	getsockname(fd, (struct sockaddr *)&in, &len);
	fprintf(out, "bind %s: %s\n", addr, inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)));
	close(fd);
}

int main(int argc, char **argv)
{
	FILE *out = argc > 1 ? fopen(argv[1], "we") : stdout;
	int r;

	if (!out)
		return 1;
	fprintf(out, "euid: %u\n", (unsigned)geteuid());
	status_lines(out);
	try_bind(out, "0.0.0.0");
	try_bind(out, "127.0.0.1");
	try_bind(out, "192.0.2.1");
	r = mount("none", "/tmp", "tmpfs", 0, NULL);
	fprintf(out, "mount: %s\n", r < 0 ? strerror(errno) : "done");
	r = socket(AF_PACKET, SOCK_RAW, 0);
	fprintf(out, "packet: %s\n", r < 0 ? strerror(errno) : "made");
	if (argc == 1)
		return 0;
	fprintf(out, "end\n");
	fclose(out);
	pause();
	return 0;
}
