/* broker.c - takes seccomp notifications of a jail's processes, and answers each with one fixed-size record. */
#include "os/linux/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/linux/udp_nat.h"
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

	if (!(r->flags & BROKER_ROAMS)) /* nobody in this jail can make or enter another: not worth a microsecond */
		return true;
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

/* In a user namespace of its own a process has every capability, and none of them means anything here. */
bool broker_in_jail_userns(struct broker *b, const struct request *r)
{
	char path[40];
	struct stat st;

	if (!(r->flags & BROKER_ROAMS) || !b->user_ino)
		return true;
	(void)snprintf(path, sizeof(path), "%d/ns/user", (int)r->pid);
	return fstatat(b->proc, path, &st, 0) == 0 && st.st_ino == b->user_ino && st.st_dev == b->user_dev;
}

bool broker_capable(struct broker *b, const struct request *r, unsigned cap)
{
	char buf[4096];
	const char *v = broker_in_jail_userns(b, r) ? status_line(b, r, "\nCapEff:\t", buf, sizeof(buf)) : NULL;

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

static int fetch(struct broker *b, const struct request *r, int fd)
{
	_cleanup_close_ int pidfd = pidfd_of(b, r);
	int got;

	if (pidfd < 0)
		return -ESRCH;
	got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (got < 0)
		return -errno;
	if (!still_waits(r)) {
		(void)close(got);
		return -ESRCH;
	}
	return got;
}

int broker_fetch(struct broker *b, const struct request *r, int fd)
{
	int sock = fetch(b, r, fd), domain = 0;
	socklen_t len = sizeof(domain);

	if (sock < 0)
		return sock;
	/* a socket for news of devices (deaf_socket) is in the host's namespace, too */
	if (hold_netns_cookie(sock) != b->host_cookie || getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	    (domain != AF_INET && domain != AF_INET6)) {
		(void)close(sock);
		return -ENOTSOCK;
	}
	return sock;
}

int broker_fetch_any(struct broker *b, const struct request *r, int fd)
{
	int sock = fetch(b, r, fd);

	if (sock >= 0 && hold_netns_cookie(sock) == 0) {
		(void)close(sock);
		return -ENOTTY;
	}
	return sock;
}

/* A question to the monitor; fd: sent along, -1: none. Its answer, or 0: none came in time. */
static char ask_monitor(struct broker *b, struct nat_ask *q, int fd)
{
	struct nat_answer a = { 0 };

	q->seq = ++b->asked;
	if (b->nat < 0 || sync_send(b->nat, q, sizeof(*q), &fd, fd >= 0 ? 1 : 0) < 0)
		return 0;
	/* what comes late is the answer to an earlier question */
	while (sync_recv(b->nat, &a, sizeof(a), NULL, 0) == sizeof(a))
		if (a.seq == q->seq)
			return a.what;
	return 0;
}

int broker_translate(struct broker *b, const struct hold_port_key *key, uint16_t real)
{
	struct nat_ask q = { .key = *key, .real = real };
	char answer = b->no_nat ? NAT_NEVER : ask_monitor(b, &q, -1);

	switch (answer) {
	case NAT_DONE:
		return 0;
	case NAT_RELAYED:
		return 1;
	case NAT_NEVER:
		b->no_nat = true;
		return -EOPNOTSUPP;
	default: /* no room, refused, or nobody answers: no port, rather than the host's */
		return -ENOBUFS;
	}
}

int broker_full(struct broker *b, bool sockets)
{
	struct nat_ask q = { .own = sockets ? NAT_NO_SOCKETS : NAT_NO_PORTS };
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	if (!b->told || t.tv_sec - b->told >= 60) { /* the monitor does not say it more often either */
		b->told = t.tv_sec;
		(void)ask_monitor(b, &q, -1);
	}
	return -ENOBUFS;
}

int broker_own_port(struct broker *b, int sock, const uint8_t addr[16])
{
	struct nat_ask q = { .own = NAT_OWN_PORT };

	memcpy(q.key.addr, addr, 16);
	return ask_monitor(b, &q, sock) == NAT_DONE ? 0 : -EADDRINUSE;
}

int broker_end(struct broker *b, enum ending how)
{
	struct nat_ask q = { .own = how == END_REBOOT ? NAT_REBOOT : NAT_HALT };

	return ask_monitor(b, &q, -1) == NAT_DONE ? 0 : -EPERM;
}

typedef enum answer (*handler)(struct broker *b, const struct request *r, int64_t *ret);

static const handler handlers[] = {
	[CALL_SOCKET] = broker_socket,     [CALL_BIND] = broker_bind,           [CALL_LISTEN] = broker_listen,
	[CALL_IOCTL] = broker_ioctl,       [CALL_SENDTO] = broker_sendto,       [CALL_HOSTNAME] = broker_hostname,
	[CALL_FAULT] = broker_fault,       [CALL_DOMAINNAME] = broker_hostname, [CALL_CONNECT] = broker_connect,
	[CALL_SETSOCKOPT] = broker_option, [CALL_REBOOT] = broker_reboot,
};

static int read_caller(void *ctx, uint64_t at, void *buf, size_t n)
{
	return broker_read(ctx, at, buf, n);
}

/* Answer one notification record. */
static void answer(struct broker *b, int listener, unsigned flags, const struct seccomp_notif *n)
{
	struct request r = { .listener = listener, .id = n->id, .pid = (pid_t)n->pid, .flags = flags };
	union {
		struct seccomp_notif_resp resp;
		char room[RECORD_MAX];
	} out;
	enum answer what = ANSWER_VALUE;
	int64_t value = -ENOSYS;

	/* no pid: a process that ours cannot see, in no jail of ours. What is not understood is refused */
	r.call = n->pid ? broker_decode(&n->data, read_caller, &r, &r) : CALL_NONE;
	if (handlers[r.call])
		what = handlers[r.call](b, &r, &value);
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

void broker_listen_to(int listener)
{
	/* Linux 6.6: caller and broker take turns, each may be woken on the other's processor; before, it is just slower */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

void broker_serve(struct broker *b, int listener, unsigned flags)
{
	union {
		struct seccomp_notif notif;
		char room[RECORD_MAX];
	} in;

	/* does not wait: the kernel counts up before it says that something is there, also if the caller was killed since */
	memset(&in, 0, sizeof(in));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in) == 0)
		answer(b, listener, flags, &in.notif);
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
	if (netns_return(home) < 0) {
		closep(&fd);
		return err_sys(e, "return to the host's network namespace");
	}
	return fd < 0 ? -e->code : fd;
}

/* That is where our sockets are made, and what they are held by. */
int broker_own_group(uint64_t *ret, struct err *e)
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
	void *page;
	int r = check_sizes(e);

	if (r == 0)
		r = hold_maps_open_broker(&b->maps, e);
	if (r == 0)
		r = broker_own_group(&b->jail, e);
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
	b->port_start = openat(b->proc, "sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC);
	if (b->port_start < 0)
		return err_sys(e, "open /proc/sys/net/ipv4/ip_unprivileged_port_start");
	broker_ports_open(b);
	b->ports.seed = (uint32_t)b->jail * 2654435761U | 1;
	page = mmap(NULL, HOLD_SENT, PROT_READ, MAP_SHARED, b->maps.hold_sent, 0);
	if (page == MAP_FAILED)
		return err_sys(e, "map the page of hold_sent");
	b->sent = page;
	closep(&b->maps.hold_sent); /* a mapping for reading stays one */
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
	b->view = b->view_sock = b->proc = b->port_start = b->test_sock = b->nat = -1;
	b->ports.range = b->ports.reserved = -1;
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

int broker_know_jail(struct broker *b, pid_t pid, struct err *e)
{
	_cleanup_close_ int ns = -1;
	char path[40];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d/ns/user", (int)pid);
	ns = openat(b->proc, path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || fstat(ns, &st) < 0 || ioctl(ns, NS_GET_OWNER_UID, &b->owner) < 0)
		return err_sys(e, "look at the jail's user namespace");
	b->user_dev = st.st_dev;
	b->user_ino = st.st_ino;
	(void)snprintf(path, sizeof(path), "%d/ns/pid", (int)pid);
	if (fstatat(b->proc, path, &st, 0) < 0)
		return err_sys(e, "look at the jail's pid namespace");
	b->pid_dev = st.st_dev;
	b->pid_ino = st.st_ino;
	return 0;
}

int broker_know_self(struct broker *b, struct err *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "look whose sockets are that are made here");
	b->own_uid = st.st_uid;
	b->own_gid = st.st_gid;
	return 0;
}

void broker_close(struct broker *b)
{
	if (!b)
		return;
	hold_maps_close(&b->maps);
	closep(&b->view);
	closep(&b->view_sock);
	closep(&b->proc);
	closep(&b->port_start);
	closep(&b->ports.range);
	closep(&b->ports.reserved);
	closep(&b->test_sock);
	closep(&b->nat);
	if (b->sent)
		(void)munmap((void *)(uintptr_t)b->sent, HOLD_SENT);
	free(b);
}
