/* procstat.c - is it still the same process: its start time, as /proc tells it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/linux/jailproc.h"

uint64_t proc_stat_start(const char *text)
{
	const char *p = strrchr(text, ')'); /* the command name may hold anything */

	if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
		return 0;
	/* p+2 is field 3 */
	for (int field = 3; field < 22 && p; field++)
		p = strchr(p + (field == 3 ? 2 : 1), ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
	char path[64], buf[1024];
	ssize_t n;
	int fd, r;

	*ret = 0;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* without /proc no process is there, which says nothing about any */
	if (fd < 0 && errno == ENOENT)
		return access("/proc/self/stat", F_OK) < 0 ? -ENODEV : -ESRCH;
	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	r = n > 0 ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	if (r < 0)
		return r;
	buf[n] = '\0';
	*ret = proc_stat_start(buf);
	return *ret ? 0 : -ESRCH;
}

int os_jail_alive(pid_t pid, uint64_t pid_start, struct err *e)
{
	uint64_t now;
	int r = pid > 0 && pid_start ? proc_start_time(pid, &now) : -ESRCH;

	if (r == -ESRCH)
		return 0;
	if (r < 0)
		return err_set(e, -r, "cannot tell whether process %d is alive: /proc cannot be read: %s", (int)pid,
		               strerror(-r));
	return now == pid_start;
}
