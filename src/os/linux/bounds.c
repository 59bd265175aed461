/* bounds.c - hearing from the kernel that a jail has met a bound of its control group. */
#include "os/linux/bounds.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"

#define TEXT_MAX 4096

/* The kernel wakes whoever polls these files when a number in them changes: cgroup-v2.rst */
static const struct {
	const char *file, *word, *says;
} events[BOUNDS] = {
	{ "pids.events", "max ", "maxproc or nthr is met: a process or thread was not made" },
	{ "memory.events", "oom_kill ",
	  "memoryuse is met, or the host has no memory: a process of the jail was ended" },
};

static uint64_t number_of(int fd, const char *word)
{
	char text[TEXT_MAX];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	const char *at;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* words stand at the start of lines */
	for (at = text; at && !str_starts(at, word); at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		;
	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

void bounds_open(struct bounds *b)
{
	_cleanup_free_ char *own = NULL, *path = NULL;
	_cleanup_close_ int dir = -1;
	char *group, *end;
	const char *mnt;
	size_t len;

	for (unsigned i = 0; i < BOUNDS; i++)
		b->fd[i] = -1;
	if (fs_read(AT_FDCWD, "/proc/self/cgroup", TEXT_MAX, &own, &len, NULL) < 0 || cgroup_mount(&mnt, NULL) < 0)
		return;
	/* cgroups(7): the line of version 2 */
	group = str_starts(own, "0::") ? own : strstr(own, "\n0::");
	if (!group)
		return;
	group = strchr(group, '/');
	end = group ? strchr(group, '\n') : NULL;
	if (!end)
		return;
	*end = '\0';
	path = strf("%s%s/../jail", mnt, group);
	dir = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	for (unsigned i = 0; dir >= 0 && i < BOUNDS; i++) {
		b->fd[i] = openat(dir, events[i].file, O_RDONLY | O_CLOEXEC);
		b->seen[i] = b->fd[i] < 0 ? 0 : number_of(b->fd[i], events[i].word);
	}
}

const char *bounds_met(struct bounds *b, unsigned which)
{
	uint64_t now = number_of(b->fd[which], events[which].word), before = b->seen[which];

	b->seen[which] = now;
	return now > before ? events[which].says : NULL;
}
