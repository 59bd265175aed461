/* child.c - the jail's first process, from clone to execve: mounts, files, giving everything up. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/hosts.h"
#include "os/linux/confine.h"
#include "os/linux/jailproc.h"
#include "os/linux/rlimits.h"

#define NET_NAMESPACES "64"
#define HOSTS_MAX      (1 << 20)
#define INIT_FD_STATUS 3 /* where the built-in init reports exec_start's end */

int sync_send(int sock, const void *data, size_t len, const int *fds, unsigned nfds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 2)];
		struct cmsghdr align;
	} ctl = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds) {
		struct cmsghdr *c;

		m.msg_control = ctl.buf;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t sync_recv(int sock, void *data, size_t cap, int *fds, unsigned nfds)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 2)];
		struct cmsghdr align;
	} ctl;
	struct iovec iov = { data, cap };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = ctl.buf, .msg_controllen = sizeof(ctl.buf)
	};
	ssize_t n;

	for (unsigned i = 0; i < nfds; i++)
		fds[i] = -1;
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	/* reset: the peer ended without reading all of ours; what it said itself is still there */
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0)
		return -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			size_t have = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			for (size_t i = 0; i < have; i++) {
				int fd;

				memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
				if (i < nfds)
					fds[i] = fd;
				else
					(void)close(fd);
			}
		}
	return n;
}

/* Say how it went; a failure is the end of this process. fds go along on success. */
static void report(int sock, int r, const struct err *e, const int *fds, unsigned nfds)
{
	struct child_report rep = { .code = r < 0 ? -r : 0 };

	if (r < 0)
		snprintf(rep.msg, sizeof(rep.msg), "%s", e->msg);
	if (sync_send(sock, &rep, sizeof(rep), fds, nfds) < 0 || r < 0)
		_exit(1);
}

struct console {
	int master, slave; /* -1: no terminal, the built-in init writes to a pipe */
};

/* A VNET jail's stack, which the starter has made meanwhile. */
static int join_net(const struct child_args *a, struct err *e)
{
	int fd = -1;
	char what = 0;

	if (sync_recv(a->sync, &what, 1, &fd, 1) != 1 || what != CHILD_NET || fd < 0)
		_exit(1); /* the starter is gone: so are we */
	if (setns(fd, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the jail's network namespace");
	close(fd);
	return 0;
}

static int make_namespaces(const struct child_args *a, struct err *e)
{
	/* cgroup: of where we are, so only now that we are there; network: a shared-IP jail's view, owned by the host */
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | (a->vnet ? 0 : CLONE_NEWNET) |
	            (a->renames ? 0 : CLONE_NEWUTS)) < 0)
		return err_sys(e, "make the jail's namespaces");
	if (!a->vnet)
		report(a->sync, 0, e, NULL, 0);
	return 0;
}

/* System V IPC, by the sysctl variables of the namespace: the host's /proc shows those of whoever looks. */
static int bound_ipc(const struct child_args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };

	if (strv_split(&words, a->add->opts ? a->add->opts : "", " ") < 0)
		return err_oom(e);
	for (size_t i = 0; i < words.n; i++) {
		char *value = strchr(words.v[i], '='), path[80];
		int r;

		if (!value)
			return err_set(e, EINVAL, "not a limit of System V IPC: %s", words.v[i]);
		*value++ = '\0';
		for (char *s = value; *s; s++)
			*s = (char)(*s == '/' ? ' ' : *s);
		(void)snprintf(path, sizeof(path), "/proc/sys/%s", words.v[i]);
		for (char *s = path; *s; s++)
			*s = (char)(*s == '.' ? '/' : *s);
		r = fs_poke(AT_FDCWD, path, value);
		/* a kernel without System V IPC has nothing to bound */
		if (r < 0 && r != -ENOENT)
			return err_set(e, -r, "set %s of the jail to %s: %s", words.v[i], value, strerror(-r));
	}
	return 0;
}

static int mount_all(const struct child_args *a, int rootfd, bool *ret_console, struct err *e)
{
	bool joined = !a->vnet;
	int r = 0;

	for (size_t i = 1; i < a->nqueue && r == 0; i++) {
		/* sysfs shows the network namespace of who mounts it */
		if (!joined && streq(a->queue[i]->fstype, "sysfs")) {
			r = join_net(a, e);
			joined = true;
		}
		if (streq(a->queue[i]->fstype, "console"))
			*ret_console = true; /* a terminal of the jail's own devpts: once that is in place */
		else if (r == 0)
			r = mount_one(a->queue[i], a->queue[0], rootfd, a->userns, a->base, e);
		if (r < 0 && a->queue[i]->text)
			return err_wrap(e, "%s", a->queue[i]->text);
	}
	return r < 0 || joined ? r : join_net(a, e);
}

static int name_host(const struct child_args *a, struct err *e)
{
	if (a->add->host && sethostname(a->add->host, strlen(a->add->host)) < 0)
		return err_sys(e, "set the jail's host name to %s", a->add->host);
	if (a->add->domain && *a->add->domain && setdomainname(a->add->domain, strlen(a->add->domain)) < 0)
		return err_sys(e, "set the jail's domain name to %s", a->add->domain);
	return 0;
}

static int do_mounts(const struct child_args *a, struct console *con, struct err *e)
{
	_cleanup_close_ int rootfd = -1;
	bool want_console = false;
	int r;

	if (!a->nqueue)
		return err_set(e, EINVAL, "the plan names no root file system");
	r = make_namespaces(a, e);
	if (r == 0)
		r = bound_ipc(a, e);
	if (r == 0)
		r = mount_root(a->queue[0], a->run, a->userns, a->base, &rootfd, e);
	if (r == 0)
		r = mount_all(a, rootfd, &want_console, e);
	if (r == 0)
		r = mount_pivot(rootfd, e);
	if (r == 0 && want_console)
		r = mount_console(&con->master, &con->slave, a->base, e);
	if (r == 0 && !a->renames)
		r = name_host(a, e);
	return r;
}

/* Of namespaces within the jail's user namespace, for each of its users. user_namespaces(7). Best effort, as for all of /proc. */
static void bound_namespaces(const struct child_args *a)
{
	char number[16];

	if (!(a->add->flags & (ALLOW_NESTED | ALLOW_MOUNT)))
		return;
	(void)snprintf(number, sizeof(number), "%u", a->add->index);
	(void)!fs_poke(AT_FDCWD, "/proc/sys/user/max_user_namespaces", number);
	(void)!fs_poke(AT_FDCWD, "/proc/sys/user/max_net_namespaces", NET_NAMESPACES);
}

static int become_jail_root(const struct child_args *a, struct err *e)
{
	if (setns(a->userns, CLONE_NEWUSER) < 0)
		return err_sys(e, "enter the jail's user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "become the jail's root");
	bound_namespaces(a);
	/* a namespace of mounts that the jail's user namespace owns: in ours the right to mount would be void */
	if ((a->add->flags & ALLOW_MOUNT) && unshare(CLONE_NEWNS) < 0)
		return err_sys(e, "make the jail's own mount namespace");
	if (!a->renames)
		return 0;
	/* made here it is the jail's user namespace that owns it: so the broker, which is in that, can change the name */
	if (unshare(CLONE_NEWUTS) < 0)
		return err_sys(e, "make the jail's UTS namespace");
	return name_host(a, e);
}

struct run_msg {
	const char *path;
	char *argv[256];
};

static int parse_run(char *msg, size_t len, struct run_msg *ret, struct err *e)
{
	size_t argc = 0, at = 1;

	ret->path = msg + at;
	at += strlen(ret->path) + 1;
	for (; at < len; at += strlen(msg + at) + 1) {
		if (argc + 1 == sizeof(ret->argv) / sizeof(*ret->argv))
			return err_set(e, E2BIG, "exec_start has more than %zu words", argc);
		ret->argv[argc++] = msg + at;
	}
	ret->argv[argc] = NULL;
	return 0;
}

/* fds 0, 1, 2; everything else ends at execve. */
static int place_fds(int out, int in, struct err *e)
{
	int null = in >= 0 ? in : open("/dev/null", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	/* a jail without a /dev of ours may have anything there */
	if (in < 0 && null >= 0 && (fstat(null, &st) < 0 || !S_ISCHR(st.st_mode)))
		closep(&null);
	if (null < 0)
		null = open("/", O_PATH | O_CLOEXEC); /* a jail without /dev: reads fail, nothing leaks */
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		return err_sys(e, "set up the jail's console");
	return 0;
}

static char *const init_env[] = { (char *)"PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
	                          (char *)"HOME=/", (char *)"TERM=linux", (char *)"container=iocage", NULL };

/* Descriptors that outlive this are the filter's listener and the terminal, which the starter gets. */
static void confine(const struct child_args *a, const char *msg, size_t len, const struct console *con)
{
	struct err e = ERR_INIT;
	int listener = -1, fds[2], r = 0;
	unsigned nfds = 0;
	uint32_t flags = 0;

	if (len != 2 + sizeof(flags))
		r = err_set(&e, EPROTO, "the starter speaks another version");
	else
		memcpy(&flags, msg + 1, sizeof(flags));
	if (r == 0)
		r = confine_self(flags & ~OP_FLAG_VNET, !a->vnet, msg[len - 1], &listener, &e);
	if (listener >= 0)
		fds[nfds++] = listener;
	if (con->master >= 0)
		fds[nfds++] = con->master;
	report(a->sync, r, &e, fds, nfds);
	closep(&listener);
}

/* The last thing: nothing may fail silently here, and status is the only voice left. fds: console pipe, status pipe. */
static void run(const struct child_args *a, struct run_msg *m, const int *pipes, const struct console *con)
{
	struct err e = ERR_INIT;
	bool real = *m->path != '\0';
	int status = fcntl(pipes[1], F_DUPFD_CLOEXEC, 60), init = fcntl(a->init, F_DUPFD_CLOEXEC, 60);

	if (status < 0 || init < 0)
		_exit(127);
	if (place_fds(real && con->slave >= 0 ? con->slave : pipes[0], real ? con->slave : -1, &e) < 0 ||
	    rlimits_set(a->limits, &e) < 0) {
		errno = e.code;
	} else {
		(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		if (real) {
			char *const argv[] = { (char *)(uintptr_t)m->path, NULL };

			setsid();
			execve(m->path, argv, init_env);
		} else if (dup2(status, INIT_FD_STATUS) == INIT_FD_STATUS) {
			fexecve(init, m->argv, init_env);
		}
	}
	dprintf(status, "exec: %d\n", errno);
	_exit(127);
}

/* A file somebody mounted there (EBUSY), or a root that is not for writing (EROFS): it stays as it is. */
static int leave_alone(struct err *e)
{
	*e = (struct err)ERR_INIT;
	return 0;
}

/* What localhost is in the jail's etc/hosts. What is not there, or no text file, stays as it is. */
static int set_localhost(const char *msg, size_t len, struct err *e)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int etc = open_in_root(root, "/etc", O_RDONLY | O_DIRECTORY, 0);
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_free_ char *text = NULL;
	struct ipaddr a;
	size_t n;
	int r;

	if (len != sizeof(a))
		return err_set(e, EPROTO, "the starter speaks another version");
	memcpy(&a, msg, sizeof(a));
	if (etc < 0 || fs_read(etc, "hosts", HOSTS_MAX, &text, &n, NULL) < 0 || strlen(text) != n)
		return 0;
	r = hosts_localhost(text, &a, &out, e);
	if (r <= 0)
		return r;
	r = write_in_root(root, "/etc/hosts", out.p, out.len, e);
	return r == -EBUSY || r == -EROFS ? leave_alone(e) : r;
}

static int put_file(const char *msg, size_t len, struct err *e)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *path = msg + 1, *data = path + strlen(path) + 1;
	int r = write_in_root(root, path, data, len - (size_t)(data - msg), e);

	return r == -EBUSY || (r == -EROFS && *msg == CHILD_COPY) ? leave_alone(e) : r;
}

void child_main(const struct child_args *a)
{
	struct console con = { -1, -1 };
	struct err e = ERR_INIT;
	int fds[2] = { -1, -1 };
	bool inside = false;
	char *msg = NULL;
	int r;

	confine_oom();
	rlimits_raise(a->limits);
	(void)prctl(PR_SET_DUMPABLE, 0); /* until execve nobody inside may look into this memory */
	(void)prctl(PR_SET_NAME, "iocage-start");
	report(a->sync, do_mounts(a, &con, &e), &e, NULL, 0);
	msg = malloc(CHILD_MSG_MAX);
	for (;;) {
		ssize_t n = msg ? sync_recv(a->sync, msg, CHILD_MSG_MAX - 1, fds, 2) : -ENOMEM;
		struct run_msg m;

		if (n <= 0)
			_exit(1); /* the starter is gone: so are we */
		msg[n] = '\0';
		r = inside ? 0 : become_jail_root(a, &e);
		if (r < 0)
			report(a->sync, r, &e, NULL, 0);
		inside = true;
		if (msg[0] == CHILD_FILE || msg[0] == CHILD_COPY) {
			r = put_file(msg, (size_t)n, &e);
			if (r < 0)
				report(a->sync, r, &e, NULL, 0);
			continue;
		}
		if (msg[0] == CHILD_HOSTS) {
			r = set_localhost(msg + 1, (size_t)n - 1, &e);
			if (r < 0)
				report(a->sync, r, &e, NULL, 0);
			continue;
		}
		if (msg[0] == CHILD_CONFINE) {
			confine(a, msg, (size_t)n, &con);
			continue;
		}
		r = parse_run(msg, (size_t)n, &m, &e);
		if (r < 0)
			report(a->sync, r, &e, NULL, 0);
		run(a, &m, fds, &con);
	}
}
