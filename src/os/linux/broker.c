/* broker.c - takes seccomp notifications of a jail's processes, and answers each with one fixed-size record. */
#include "os/linux/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/shared.h"

/* Linux 6.6 */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#define PIDFD_THREAD_FLAG O_EXCL /* Linux 6.9 */
#define RECORD_MAX        256

bool broker_in_view(struct broker *b, const struct request *r)
{
	char path[40];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d/ns/net", (int)r->pid);
	return fstatat(b->proc, path, &st, 0) == 0 && st.st_ino == b->view_ino && st.st_dev == b->view_dev;
}

/* Is it still the same call that waits: what was read belongs to the caller and not to a successor of its pid. */
static bool still_waits(const struct request *r)
{
	uint64_t id = r->id;

	return ioctl(r->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

int broker_read(const struct request *r, uint64_t at, void *buf, size_t n)
{
	struct iovec to = { buf, n }, from = { (void *)(uintptr_t)at, n };

	if (process_vm_readv(r->pid, &to, 1, &from, 1, 0) != (ssize_t)n)
		return -EFAULT;
	return still_waits(r) ? 0 : -ESRCH;
}

int broker_write(const struct request *r, uint64_t at, const void *buf, size_t n)
{
	struct iovec from = { (void *)(uintptr_t)buf, n }, to = { (void *)(uintptr_t)at, n };

	if (!still_waits(r))
		return -ESRCH;
	return process_vm_writev(r->pid, &from, 1, &to, 1, 0) == (ssize_t)n ? 0 : -EFAULT;
}

/* A line of the caller's status file: the text behind `key`, in buf. */
static const char *status_line(struct broker *b, const struct request *r, const char *key, char *buf, size_t cap)
{
	char path[40];
	_cleanup_close_ int fd = -1;
	ssize_t n;
	char *p;

	(void)snprintf(path, sizeof(path), "%d/status", (int)r->pid);
	fd = openat(b->proc, path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, buf, cap - 1) : -1;
	if (n <= 0 || !still_waits(r))
		return NULL;
	buf[n] = '\0';
	/* the name comes first and may hold anything but a newline, which is escaped */
	p = strstr(buf, key);
	return p ? p + strlen(key) : NULL;
}

bool broker_capable(struct broker *b, const struct request *r, unsigned cap)
{
	char buf[4096];
	const char *v = status_line(b, r, "\nCapEff:\t", buf, sizeof(buf));

	return v && (strtoull(v, NULL, 16) >> cap & 1);
}

/* A pidfd of the process of a thread. */
static int pidfd_of(struct broker *b, const struct request *r)
{
	int fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	char buf[4096];
	const char *v;

	if (fd >= 0)
		return fd;
	/* not the first thread of its process */
	fd = (int)syscall(SYS_pidfd_open, r->pid, PIDFD_THREAD_FLAG);
	if (fd >= 0)
		return fd;
	v = status_line(b, r, "\nTgid:\t", buf, sizeof(buf));
	return v ? (int)syscall(SYS_pidfd_open, (pid_t)strtol(v, NULL, 10), 0) : -1;
}

int broker_fetch(struct broker *b, const struct request *r, int fd)
{
	_cleanup_close_ int pidfd = pidfd_of(b, r);
	int sock;

	if (pidfd < 0)
		return -ESRCH;
	sock = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (sock < 0)
		return -errno;
	if (!still_waits(r) || hold_netns_cookie(sock) != b->host_cookie) {
		(void)close(sock);
		return -ENOTSOCK;
	}
	return sock;
}

/* System calls of this machine's 32-bit sibling, where there is one. */
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#define COMPAT_ARCH AUDIT_ARCH_I386
enum compat_nr {
	COMPAT_ioctl = 54,
	COMPAT_socketcall = 102,
	COMPAT_socket = 359,
	COMPAT_bind = 361,
	COMPAT_listen = 363
};
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#define COMPAT_ARCH AUDIT_ARCH_ARM
enum compat_nr {
	COMPAT_ioctl = 54,
	COMPAT_socketcall = 102,
	COMPAT_socket = 281,
	COMPAT_bind = 282,
	COMPAT_listen = 284
};
#endif

typedef enum answer (*handler)(struct broker *b, const struct request *r, int64_t *ret);

/* socketcall(2): the arguments are in memory. The copy made here is what counts. */
static handler unpack_socketcall(struct request *r)
{
	static const struct {
		handler f;
		unsigned nargs;
	} calls[] = { [1] = { broker_socket, 3 }, [2] = { broker_bind, 3 }, [4] = { broker_listen, 2 } };
	uint32_t call = (uint32_t)r->arg[0], args[3] = { 0 };

	if (call >= sizeof(calls) / sizeof(calls[0]) || !calls[call].f)
		return NULL;
	if (broker_read(r, (uint32_t)r->arg[1], args, calls[call].nargs * sizeof(args[0])) < 0)
		return NULL;
	for (unsigned i = 0; i < 3; i++)
		r->arg[i] = args[i];
	return calls[call].f;
}

static handler pick(const struct seccomp_data *d, struct request *r)
{
	if (d->arch == NATIVE_ARCH) {
		switch (d->nr) {
		case SYS_socket:
			return broker_socket;
		case SYS_bind:
			return broker_bind;
		case SYS_listen:
			return broker_listen;
		case SYS_ioctl:
			return broker_ioctl;
		case SYS_sendto:
			return broker_sendto;
		default:
			return NULL;
		}
	}
	if (d->arch != COMPAT_ARCH)
		return NULL;
	r->compat = true;
	switch (d->nr) {
	case COMPAT_socket:
		return broker_socket;
	case COMPAT_bind:
		return broker_bind;
	case COMPAT_listen:
		return broker_listen;
	case COMPAT_ioctl:
		return broker_ioctl;
	case COMPAT_socketcall:
		return unpack_socketcall(r);
	default:
		return NULL;
	}
}

/* Answer one notification record. */
static void answer(struct broker *b, int listener, const struct seccomp_notif *n)
{
	struct request r = { .listener = listener, .id = n->id, .pid = (pid_t)n->pid };
	union {
		struct seccomp_notif_resp resp;
		char room[RECORD_MAX];
	} out;
	enum answer what = ANSWER_CONTINUE;
	int64_t value = 0;
	handler f;

	memcpy(r.arg, n->data.args, sizeof(r.arg));
	f = n->pid ? pick(&n->data, &r) : NULL;
	if (f)
		what = f(b, &r, &value);
	if (what == ANSWER_SENT)
		return;
	memset(&out, 0, sizeof(out));
	out.resp.id = n->id;
	if (what == ANSWER_CONTINUE)
		out.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (value < 0)
		out.resp.error = (int32_t)value;
	else
		out.resp.val = value;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &out); /* the caller may be gone: nobody is waiting then */
}

/*
 * Caller and broker take turns: the kernel may wake each on the other's processor, which halves the time of a call.
 * Said once per listener; a number beyond the set goes without.
 */
static void wake_here(struct broker *b, int listener)
{
	uint64_t bit = listener < 64 ? UINT64_C(1) << listener : 0;

	if (bit & ~b->synced) {
		b->synced |= bit;
		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	}
}

bool broker_serve(struct broker *b, int listener)
{
	union {
		struct seccomp_notif notif;
		char room[RECORD_MAX];
	} in;
	struct pollfd p = { .fd = listener, .events = POLLIN };

	wake_here(b, listener);
	/* a few at a time, so that several listeners get their turn */
	for (int i = 0; i < 8; i++) {
		if (poll(&p, 1, 0) <= 0)
			return true;
		if (!(p.revents & POLLIN)) {
			if (listener < 64)
				b->synced &= ~(UINT64_C(1) << listener); /* the number will come again */
			return false;
		}
		memset(&in, 0, sizeof(in));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) < 0)
			continue; /* the caller was killed meanwhile */
		answer(b, listener, &in.notif);
	}
	return true;
}

/* A datagram socket inside the view namespace; we are back in our own afterwards. */
static int socket_in(int nsfd, struct err *e)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd;

	if (home < 0)
		return err_sys(e, "open /proc/self/ns/net");
	if (setns(nsfd, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the jail's network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		(void)err_sys(e, "socket in the jail's network namespace");
	if (setns(home, CLONE_NEWNET) < 0) {
		closep(&fd);
		return err_sys(e, "return to the host's network namespace");
	}
	return fd < 0 ? -e->code : fd;
}

/* The id of the cgroup2 group we are in: that is where our sockets are made, and what they are held by. */
static int own_group(uint64_t *ret, struct err *e)
{
	_cleanup_close_ int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *path = NULL;
	char buf[4096], *line;
	const char *mnt;
	struct stat st;
	ssize_t n = fd >= 0 ? read(fd, buf, sizeof(buf) - 1) : -1;
	int r;

	if (n < 0)
		return err_sys(e, "read /proc/self/cgroup");
	buf[n] = '\0';
	line = strncmp(buf, "0::", 3) == 0 ? buf : strstr(buf, "\n0::");
	if (!line)
		return err_set(e, ENOENT, "this process is in no cgroup2 group");
	line = strchr(line, '/');
	if (!line)
		return err_set(e, EINVAL, "/proc/self/cgroup is not understood");
	line[strcspn(line, "\n")] = '\0';
	r = cgroup_mount(&mnt, e);
	if (r < 0)
		return r;
	path = strf("%s%s", mnt, line);
	if (!path)
		return err_oom(e);
	if (stat(path, &st) < 0)
		return err_sys(e, "stat %s", path);
	*ret = st.st_ino;
	return 0;
}

/* Which records does this kernel write: they may be larger than those this was compiled with. */
static int check_sizes(struct err *e)
{
	struct seccomp_notif_sizes z;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &z) < 0)
		return err_sys(e, "ask the kernel for seccomp notification sizes");
	if (z.seccomp_notif > RECORD_MAX || z.seccomp_notif_resp > RECORD_MAX)
		return err_set(e, EOPNOTSUPP, "this kernel's seccomp notifications are larger than known");
	return 0;
}

static int broker_fill(struct broker *b, int nsfd, struct err *e)
{
	struct stat st;
	int r = check_sizes(e);

	if (r == 0)
		r = hold_maps_open(&b->maps, e);
	if (r == 0)
		r = own_group(&b->jail, e);
	if (r < 0)
		return r;
	if (fstat(nsfd, &st) < 0)
		return err_sys(e, "stat the jail's network namespace");
	b->view_dev = st.st_dev;
	b->view_ino = st.st_ino;
	/* while somebody has it open, asking which namespace a caller is in costs half as much */
	b->view = fcntl(nsfd, F_DUPFD_CLOEXEC, 0);
	if (b->view < 0)
		return err_sys(e, "keep the jail's network namespace open");
	b->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b->proc < 0)
		return err_sys(e, "open /proc");
	b->view_sock = socket_in(nsfd, e);
	if (b->view_sock < 0)
		return b->view_sock;
	b->test_sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (b->test_sock < 0)
		return err_sys(e, "socket");
	b->host_cookie = hold_netns_cookie(b->test_sock);
	return 0;
}

int broker_open(int nsfd, const struct hold *h, struct broker **ret, struct err *e)
{
	struct broker *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_oom(e);
	b->h = *h;
	memset(&b->maps, 0xff, sizeof(b->maps));
	b->view = b->view_sock = b->proc = b->test_sock = -1;
	r = broker_fill(b, nsfd, e);
	if (r < 0) {
		broker_close(b);
		return err_wrap(e, "socket broker");
	}
	*ret = b;
	return 0;
}

void broker_hold(struct broker *b, const struct hold *h)
{
	b->h = *h;
}

void broker_close(struct broker *b)
{
	if (!b)
		return;
	if (b->jail && b->maps.hold_ports >= 0)
		hold_forget(&b->maps, b->jail);
	hold_maps_close(&b->maps);
	closep(&b->view);
	closep(&b->view_sock);
	closep(&b->proc);
	closep(&b->test_sock);
	free(b);
}
