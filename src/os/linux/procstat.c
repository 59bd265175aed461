/* procstat.c - is it still the same process: its start time, as /proc tells it. */
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

uint64_t proc_start_time(pid_t pid)
{
	char path[64], buf[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return proc_stat_start(buf);
}

bool os_jail_alive(pid_t pid, uint64_t pid_start)
{
	return pid > 0 && pid_start && proc_start_time(pid) == pid_start;
}
