/* ending.c - in the monitor: how a jail ends by what happens inside it, and reboot(2) of jails without a socket broker. */
#include "os/linux/ending.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

#define RECORD_MAX     256 /* more than a notification of this kernel has */
#define CAP_BIT_SETUID 7 /* what a jail's root has and its other users have not */
#define REAPED_MS      200 /* until the parent of a first process has taken note of its end */

static int ns_of(pid_t pid, const char *which, struct stat *st)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, which);
	return stat(path, st) < 0 ? -errno : 0;
}

int listeners_open(struct listeners *l, pid_t first, struct err *e)
{
	struct seccomp_notif_sizes z;
	struct stat user, pid;
	int r = ns_of(first, "user", &user);

	if (r == 0)
		r = ns_of(first, "pid", &pid);
	if (r < 0)
		return err_set(e, -r, "look at the namespaces of the jail's first process: %s", strerror(-r));
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &z) < 0 || z.seccomp_notif > RECORD_MAX ||
	    z.seccomp_notif_resp > RECORD_MAX)
		return err_set(e, EOPNOTSUPP, "this kernel's seccomp notifications are larger than known");
	*l = (struct listeners){ -1, user.st_dev, pid.st_dev, user.st_ino, pid.st_ino };
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll < 0 ? err_sys(e, "wait for what the jail's processes ask for") : 0;
}

bool listeners_add(struct listeners *l, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (l->epoll >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return true;
	(void)close(fd);
	return false;
}

/* Effective capabilities of a thread; the caller looks afterwards whether it was that of another one by then. */
static uint64_t capabilities(pid_t pid)
{
	char path[64], buf[4096], *p;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	buf[n > 0 ? n : 0] = '\0';
	p = strstr(buf, "\nCapEff:\t");
	return p ? strtoull(p + 9, NULL, 16) : 0;
}

static bool still_waits(int listener, uint64_t id)
{
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static bool is_same(const struct stat *st, dev_t dev, ino_t ino)
{
	return st->st_dev == dev && st->st_ino == ino;
}

/* As broker_reboot() for shared-IP jails. Fills the answer. */
static enum ending judge(const struct listeners *l, int listener, const struct seccomp_notif *n,
                         struct seccomp_notif_resp *resp)
{
	struct request r = { .listener = listener, .id = n->id, .pid = (pid_t)n->pid };
	struct stat user, pid;
	enum ending how;

	resp->id = n->id;
	resp->error = -EPERM;
	if (!n->pid || broker_decode(&n->data, NULL, NULL, &r) != CALL_REBOOT || ns_of(r.pid, "pid", &pid) < 0 ||
	    ns_of(r.pid, "user", &user) < 0)
		return END_NONE;
	/* a pid namespace that a process of the jail has made is the kernel's to end */
	if (!is_same(&pid, l->pid_dev, l->pid_ino)) {
		resp->error = 0;
		resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		return END_NONE;
	}
	if (!is_same(&user, l->user_dev, l->user_ino) || !(capabilities(r.pid) >> CAP_BIT_SETUID & 1) ||
	    !still_waits(listener, n->id))
		return END_NONE;
	how = broker_decode_reboot(&r);
	resp->error = how == END_NONE ? -EINVAL : 0;
	return how;
}

enum ending listeners_serve(struct listeners *l)
{
	union {
		struct seccomp_notif notif;
		char room[RECORD_MAX];
	} in;
	union {
		struct seccomp_notif_resp resp;
		char room[RECORD_MAX];
	} out;
	struct epoll_event ev;
	enum ending how;

	if (epoll_wait(l->epoll, &ev, 1, 0) != 1)
		return END_NONE;
	if (!(ev.events & EPOLLIN)) { /* its last process ended */
		(void)close(ev.data.fd);
		return END_NONE;
	}
	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	if (ioctl(ev.data.fd, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
		return END_NONE;
	how = judge(l, ev.data.fd, &in.notif, &out.resp);
	(void)ioctl(ev.data.fd, SECCOMP_IOCTL_NOTIF_SEND, &out); /* the caller may be gone */
	return how;
}

/* linux/pidfd.h of Linux 6.15 */
struct pidfd_status {
	uint64_t mask, cgroupid;
	uint32_t ids[11];
	int32_t exit_code; /* as of wait(2) */
};
#define PIDFD_STATUS      _IOWR(0xFF, 11, struct pidfd_status)
#define PIDFD_STATUS_EXIT (UINT64_C(1) << 3)

void ending_status(int pidfd, char ret[static ENDING_TEXT])
{
	/* POLLHUP: its parent has reaped it, and only then the kernel tells */
	struct pollfd p = { .fd = pidfd, .events = 0 };
	struct pidfd_status s = { .mask = PIDFD_STATUS_EXIT };

	(void)snprintf(ret, ENDING_TEXT, "end");
	(void)poll(&p, 1, REAPED_MS);
	if (ioctl(pidfd, PIDFD_STATUS, &s) < 0 || !(s.mask & PIDFD_STATUS_EXIT))
		return;
	if (WIFEXITED(s.exit_code))
		(void)snprintf(ret, ENDING_TEXT, "exit:%d", WEXITSTATUS(s.exit_code));
	else if (WIFSIGNALED(s.exit_code))
		(void)snprintf(ret, ENDING_TEXT, "signal:%d", WTERMSIG(s.exit_code));
}
