/*
 * tracer.c - the jail's root tries to trace whoever comes in, from the moment that its number exists.
 *
 * tracer FIRST    says "ready", tries every process from number FIRST up until its input ends, then says "TRIES TRACED EARLY OPEN":
 *                 EARLY were traced before they had executed a program of the jail's, OPEN without a system call filter
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define AHEAD 4 /* numbers that are tried at a time */

struct count {
	unsigned long tries, traced, early, open;
};

static size_t read_text(int pid, const char *file, char *text, size_t cap)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, cap - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

static void look(int pid, struct count *c)
{
	char path[64], exe[256], status[4096];
	const char *filter;
	ssize_t n;
	int st;

	/* one that has ended meanwhile has nothing left to see */
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0 || waitpid(pid, &st, __WALL) != pid || !WIFSTOPPED(st))
		return;
	c->traced++;
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	/* programs of this jail are all one file */
	if (strcmp(exe, "/bin/busybox") != 0) {
		c->early++;
		fprintf(stderr, "traced %d, which runs \"%s\": %s\n", pid, exe, n < 0 ? strerror(errno) : "");
	}
	read_text(pid, "status", status, sizeof(status));
	filter = strstr(status, "\nSeccomp:\t");
	c->open += !filter || filter[10] != '2';
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	int base = argc > 1 ? atoi(argv[1]) : getpid() + 1, last = 0;
	struct count c = { 0 };
	char text[32];

	puts("ready");
	fflush(stdout);
	for (unsigned round = 0; round % 256 || poll(&in, 1, 0) == 0; round++) {
		for (int pid = base; pid < base + AHEAD; pid++) {
			if (pid == last || pid == getpid())
				continue;
			if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
				c.tries++;
				look(pid, &c);
				base = last = pid;
			} else if (errno != ESRCH) {
				c.tries++;
			}
		}
		/* past those that have gone */
		if (read_text(getpid(), "../sys/kernel/ns_last_pid", text, sizeof(text)) && atoi(text) > base + 1)
			base = atoi(text);
	}
	printf("%lu %lu %lu %lu\n", c.tries, c.traced, c.early, c.open);
	return 0;
}
