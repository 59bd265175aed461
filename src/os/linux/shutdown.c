/* shutdown.c - asking a system that runs in a jail to shut down, in the way its init understands. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/os.h"

#define GROUPS_DEEP   64
#define LOOK_MS       100 /* how often to see whether an init that never exits is alone */
#define SYSV_MAGIC    0x03091969 /* of a request in sysvinit's fifo */
#define SYSV_RUNLEVEL 1
#define SYSV_REQUEST  384

/* Write to a fifo that the jail's init reads. Anything else in its place is left alone. */
static bool tell_fifo(int root, const char *path, const void *data, size_t len)
{
	_cleanup_close_ int fd = open_in_root(root, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && write(fd, data, len) == (ssize_t)len;
}

/* As `init 0` does. */
static bool tell_sysvinit(int root)
{
	struct {
		int magic, cmd, runlevel, sleeptime;
	} head = { SYSV_MAGIC, SYSV_RUNLEVEL, '0', 3 };
	char request[SYSV_REQUEST] = "";

	memcpy(request, &head, sizeof(head));
	return tell_fifo(root, "/run/initctl", request, sizeof(request)) ||
	       tell_fifo(root, "/dev/initctl", request, sizeof(request));
}

/* Name of the init's program without its directory; the link is only read, never followed. */
static const char *program_name(pid_t pid, char path[static PATH_MAX])
{
	char link[64], *name;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
	name = strrchr(path, '/');
	return name ? name + 1 : path;
}

static void ask(pid_t pid, int pidfd)
{
	char link[64], path[PATH_MAX];
	const char *name = program_name(pid, path);
	_cleanup_close_ int root = -1;
	int sig = SIGPWR; /* sysvinit's and runit's sign of a failing power supply, where nothing better is known */

	(void)snprintf(link, sizeof(link), "/proc/%d/root", (int)pid);
	root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (str_starts(name, "systemd"))
		sig = SIGRTMIN + 3;
	else if (str_starts(name, "busybox"))
		sig = SIGUSR2;
	else if (str_starts(name, "dinit"))
		sig = SIGTERM;
	else if (root >= 0 && (tell_fifo(root, "/run/openrc/init.ctl", "poweroff", 8) || tell_sysvinit(root)))
		return;
	(void)pidfd_send_signal(pidfd, sig, NULL, 0);
}

/* Processes listed in a group itself: *ret_other counts those that are not pid. false: it cannot be read. */
static bool count_own(int group, pid_t pid, unsigned *ret_other)
{
	_cleanup_close_ int fd = openat(group, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[32];

	if (!f)
		return false;
	fd = -1;
	while (fgets(line, sizeof(line), f))
		*ret_other += strtol(line, NULL, 10) != (long)pid;
	return !ferror(f);
}

static bool is_populated(int group, const char *name)
{
	_cleanup_free_ char *path = strf("%s/cgroup.events", name);
	_cleanup_close_ int fd = path ? openat(group, path, O_RDONLY | O_CLOEXEC) : -1;
	char text[256] = "";

	/* gone meanwhile: nobody is in it */
	if (fd < 0)
		return errno != ENOENT;
	return read(fd, text, sizeof(text) - 1) <= 0 || !strstr(text, "populated 0");
}

static bool has_only(int group, pid_t pid, unsigned depth);

/* The same of the group of this name in it; one that is gone has none. */
static bool has_only_below(int group, const char *name, pid_t pid, unsigned depth)
{
	_cleanup_close_ int sub = -1;

	if (!is_populated(group, name))
		return true;
	sub = openat(group, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return sub < 0 ? errno == ENOENT : has_only(sub, pid, depth);
}

/* Has a group no process but pid, nor any below it. Groups without processes, however many, count for nothing. */
static bool has_only(int group, pid_t pid, unsigned depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	unsigned other = 0;
	int r;

	if (depth > GROUPS_DEEP || !count_own(group, pid, &other) || other || fs_opendir(group, ".", &d) < 0)
		return false;
	while ((r = fs_readdir(d, &de)) > 0)
		if (de->d_type == DT_DIR && !has_only_below(group, de->d_name, pid, depth + 1))
			return false;
	return r == 0;
}

/*
 * busybox and sysvinit end by reboot(2), which comes back (ending.h), and then sleep for ever. The only process of its jail, such
 * an init has done all it can.
 */
static bool is_alone(int cgroup, pid_t pid)
{
	return cgroup >= 0 && has_only(cgroup, pid, 0);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int os_jail_shutdown(const struct os_jail *j, unsigned timeout, struct err *e)
{
	_cleanup_close_ int pidfd = pidfd_open(j->pid, 0), cgroup = -1;
	int64_t end = now_ms() + (int64_t)timeout * 1000;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	unsigned alone = 0;
	int r;

	if (pidfd < 0)
		return errno == ESRCH ? 1 : err_sys(e, "reach process %d", (int)j->pid);
	r = os_jail_alive(j->pid, j->pid_start, e);
	if (r <= 0)
		return r < 0 ? r : 1;
	cgroup = cgroup_open_jail(j, "jail", NULL);
	ask(j->pid, pidfd);
	for (;;) {
		int64_t left = end - now_ms();

		if (left < 0)
			return 0;
		if (poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
			return 1;
		/* twice in a row: between two programs of its shutdown an init is alone for a moment */
		alone = is_alone(cgroup, j->pid) ? alone + 1 : 0;
		if (alone == 2)
			return 1;
	}
}

/* Does it do what a SIGTERM from outside asks: an init of an earlier version does nothing. */
static bool hears_term(pid_t pid)
{
	_cleanup_free_ char *path = strf("/proc/%d/status", (int)pid), *text = NULL;
	const char *caught;
	size_t n;

	if (!path || fs_read(AT_FDCWD, path, 16384, &text, &n, NULL) < 0)
		return false;
	caught = strstr(text, "\nSigCgt:");
	return caught && (strtoull(caught + 8, NULL, 16) & (1ULL << (SIGTERM - 1)));
}

int os_jail_end_services(const struct os_jail *j, unsigned timeout, struct err *e)
{
	_cleanup_close_ int pidfd = pidfd_open(j->pid, 0), cgroup = cgroup_open_jail(j, "jail", NULL);
	int64_t end = now_ms() + (int64_t)timeout * 1000;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int r;

	if (pidfd < 0)
		return errno == ESRCH ? 1 : err_sys(e, "reach process %d", (int)j->pid);
	r = os_jail_alive(j->pid, j->pid_start, e);
	if (r <= 0)
		return r < 0 ? r : 1;
	if (!timeout || cgroup < 0 || is_alone(cgroup, j->pid) || !hears_term(j->pid))
		return 1;
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(e, "end the services of jail %s", j->jail);
	for (int wait = 1; now_ms() < end; wait = wait * 2 < LOOK_MS ? wait * 2 : LOOK_MS)
		if (poll(&p, 1, wait) > 0 || is_alone(cgroup, j->pid))
			return 1;
	return 0;
}
