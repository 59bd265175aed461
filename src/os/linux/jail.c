/* jail.c - a jail's namespaces and first process: made, run, entered by netlink, killed. */
#include "os/linux/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/conlog.h"
#include "os/linux/jailproc.h"
#include "os/linux/monitor.h"
#include "os/linux/quiet.h"
#include "os/linux/rlimits.h"
#include "os/linux/shared.h"

#define INIT_MS     100 /* how long a start looks whether a real init stays */
#define SETTLE_MS   2000 /* for what it said last to be in the log */
#define WORDS_MAX   600 /* of that, what a message has */
#define WORDS_LINES 10

/* --- the user namespace, and a VNET jail's network namespace, which it owns --- */

/* A path under /proc/sys, from the process that shares our memory. What is not there is not set. */
static void holder_poke(const char *path, const char *value)
{
	long fd = quiet_call(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return;
	(void)quiet_call(SYS_write, fd, (long)value, 1, 0, 0, 0);
	(void)quiet_call(SYS_close, fd, 0, 0, 0, 0, 0);
}

/*
 * Shares our memory. It makes the user namespace and lives while the id maps are written; told to, it makes the network
 * namespace: the slowest of them all, made while we go on. Here are no calls but quiet ones: we look at errno meanwhile.
 */
struct holder {
	int talk; /* its end of a socket pair */
	bool vnet;
	unsigned base; /* jail_id_base() */
	pid_t starter, pid;
	int ours; /* our end */
	int dumpable; /* ours, before its change of ids took that from the memory we share */
	struct rlimits limits; /* of what all processes of the namespace take together, where the kernel counts that */
	long error; /* of making the user namespace: 0 or -errno, when it has said so */
};

/*
 * What processes of a user namespace take of the kernel's per-user counters (inotify, queued signals, message queues, locked
 * memory, namespaces, ...) is charged to its owner as well: that is the effective user who makes it. Host root would
 * be out of all of them when one jail is. user_namespaces(7), kernel/ucount.c. The capabilities are kept: systems with
 * kernel.unprivileged_userns_clone=0 ask for them.
 */
static long holder_userns(const struct holder *h)
{
	static const int counted[] = { RLIMIT_NPROC, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_MEMLOCK };
	unsigned owner = h->base;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	long r = quiet_call(SYS_capget, (long)&head, (long)data, 0, 0, 0, 0);

	/* what the maker's limits are then, all of the namespace together may have */
	for (size_t i = 0; i < sizeof(counted) / sizeof(*counted); i++) {
		struct rlimit has, want = h->limits.v[counted[i]];

		want.rlim_cur = want.rlim_max;
		if (quiet_call(SYS_prlimit64, 0, counted[i], (long)&want, (long)&has, 0, 0) == 0)
			continue;
		/* more than we have takes CAP_SYS_RESOURCE */
		(void)quiet_call(SYS_prlimit64, 0, counted[i], 0, (long)&has, 0, 0);
		has.rlim_cur = has.rlim_max;
		(void)quiet_call(SYS_prlimit64, 0, counted[i], (long)&has, 0, 0, 0);
	}
	if (r == 0)
		r = quiet_call(SYS_setresuid, owner, owner, 0, 0, 0, 0);
	if (r == 0)
		r = quiet_call(SYS_capset, (long)&head, (long)data, 0, 0, 0, 0);
	return r < 0 ? r : quiet_call(SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0, 0);
}

static int holder_main(void *arg)
{
	struct holder *h = arg;
	int talk = h->talk;
	char c = 0;

	/* what is open here, above all the starter's lock, must not outlive it */
	if (talk > 0)
		(void)quiet_call(SYS_close_range, 0, talk - 1, 0, 0, 0, 0);
	(void)quiet_call(SYS_close_range, talk + 1, ~0U, 0, 0, 0, 0);
	h->error = holder_userns(h);
	/* a change of ids clears it, so only now; the starter may be dead already */
	(void)quiet_call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0);
	if (quiet_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != h->starter ||
	    quiet_call(SYS_write, talk, (long)&c, 1, 0, 0, 0) != 1)
		return 1;
	if (h->vnet && quiet_call(SYS_read, talk, (long)&c, 1, 0, 0, 0) == 1) {
		c = quiet_call(SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0, 0) < 0 ? 'e' : 'k';
		/*
		 * Routers are heard where ip6_addr says so, and nowhere else; addresses outlive a link that is down, as on FreeBSD.
		 * A kernel without IPv6 has neither.
		 */
		if (c == 'k') {
			holder_poke("/proc/sys/net/ipv6/conf/default/accept_ra", "0");
			holder_poke("/proc/sys/net/ipv6/conf/default/keep_addr_on_down", "1");
		}
		if (quiet_call(SYS_write, talk, (long)&c, 1, 0, 0, 0) != 1)
			return 1;
	}
	/* killed, or at the latest when nobody has the other end any more */
	while (quiet_call(SYS_read, talk, (long)&c, 1, 0, 0, 0) == -EINTR)
		;
	return 0;
}

static int write_map(pid_t pid, const char *which, unsigned base, struct err *e)
{
	char path[64], map[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	snprintf(map, sizeof(map), "0 %u %u", base, JAIL_IDS);
	r = fs_poke(AT_FDCWD, path, map);
	return r < 0 ? err_set(e, -r, "map the jail's ids from %u: %s", base, strerror(-r)) : 0;
}

static int open_ns(pid_t pid, const char *which, struct err *e)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, which);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, "open %s", path) : fd;
}

/* It is not waited for here: its end takes a while, and nothing depends on it. */
static void holder_end(struct os *os, struct holder *h)
{
	if (h->pid <= 0)
		return;
	kill(h->pid, SIGKILL);
	os->holder = h->pid;
	close(h->ours);
	h->pid = 0;
}

void jail_reap_holder(struct os *os)
{
	while (os->holder > 0 && waitpid(os->holder, NULL, __WALL) < 0 && errno == EINTR)
		;
	os->holder = 0;
}

/* The holder begins its work beside us. */
static int start_holder(struct holder *h, struct err *e)
{
	static char stack[16384] __attribute__((aligned(64)));
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a socket pair");
	h->talk = pair[1];
	h->ours = pair[0];
	h->starter = getpid();
	h->dumpable = prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L);
	h->pid = clone(holder_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, h);
	if (h->pid < 0)
		err_sys(e, "start the process that makes the jail's user namespace");
	/* only the holder has it now: should it die, nobody waits for its answer */
	close(pair[1]);
	if (h->pid < 0)
		close(pair[0]);
	return h->pid < 0 ? -e->code : 0;
}

/* One byte from the holder; false: it has ended. */
static bool hear_holder(const struct holder *h, char *ret)
{
	ssize_t n;

	do
		n = read(h->ours, ret, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* The user namespace is made: its id maps are written, and it is kept. */
static int take_userns(struct os *os, struct holder *h, struct err *e)
{
	bool heard;
	char c;
	int r;

	heard = hear_holder(h, &c);
	if (h->dumpable == 1)
		(void)prctl(PR_SET_DUMPABLE, 1L, 0L, 0L, 0L);
	if (!heard)
		return err_set(e, EPIPE,
		               "make the jail's user namespace: the process that makes it ended unexpectedly");
	if (h->error < 0) {
		r = (int)h->error;
		err_set(e, -r, "make the jail's user namespace: %s", strerror(-r));
		if (r == -ENOSPC || r == -EPERM || r == -EINVAL)
			err_hint(e, "User namespaces must be allowed: look at /proc/sys/user/max_user_namespaces.");
		return r;
	}
	r = write_map(h->pid, "uid_map", os->base, e);
	if (r == 0)
		r = write_map(h->pid, "gid_map", os->base, e);
	if (r == 0)
		r = os->userns = open_ns(h->pid, "user", e);
	/* go on: the answer is awaited when the first process is on its way */
	if (r >= 0 && h->vnet && send(h->ours, "n", 1, MSG_NOSIGNAL) != 1)
		r = err_sys(e, "make the jail's network namespace");
	return r < 0 ? r : 0;
}

static int expect_report(struct os *os, int *fds, unsigned nfds, struct err *e)
{
	struct child_report rep = { 0 };
	ssize_t n = sync_recv(os->sync, &rep, sizeof(rep), fds, nfds);

	if (n != (ssize_t)sizeof(rep))
		return err_set(e, n < 0 ? (int)-n : EPIPE, "the jail's first process ended unexpectedly");
	rep.msg[sizeof(rep.msg) - 1] = '\0';
	return rep.code ? err_set(e, rep.code, "%s", rep.msg) : 0;
}

static int await_netns(struct os *os, struct holder *h, struct err *e)
{
	char c = 0;
	int r;

	(void)hear_holder(h, &c);
	if (c == 'e')
		return err_set(e, ENOSPC,
		               "make the jail's network namespace: refused by the kernel; look at "
		               "/proc/sys/user/max_net_namespaces");
	if (c != 'k')
		return err_set(e, EPIPE,
		               "make the jail's network namespace: the process that makes it ended unexpectedly");
	os->netns = open_ns(h->pid, "net", e);
	if (os->netns < 0)
		return os->netns;
	c = CHILD_NET;
	r = sync_send(os->sync, &c, 1, &os->netns, 1);
	if (r == -EPIPE)
		return expect_report(os, NULL, 0, e) < 0 ? -e->code : 0; /* it ended already, and said why */
	return r < 0 ? err_set(e, -r, "talk to the jail's first process: %s", strerror(-r)) : 0;
}

/* fork(2) with namespaces, straight into a control group: moving there later would wait for an RCU grace period */
static pid_t fork_into(uint64_t flags, int cgroupfd, int *ret_pidfd)
{
	struct clone_args ca = {
		.flags = flags | CLONE_INTO_CGROUP | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = SIGCHLD,
		.cgroup = (uint64_t)cgroupfd,
	};

	return (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
}

pid_t jail_fork_into_cgroup(int cgroupfd, int *ret_pidfd)
{
	return fork_into(0, cgroupfd, ret_pidfd);
}

static int make_point(const char *run, const char *name, struct err *e)
{
	_cleanup_free_ char *path = strf("%s/mnt/%s", run, name);
	int r;

	if (!path)
		return err_oom(e);
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	r = fs_mkdirs(AT_FDCWD, path, 0700);
	return r < 0 ? err_set(e, -r, "make %s: %s", path, strerror(-r)) : 0;
}

static int make_points(const char *run, struct err *e)
{
	static const char *const names[] = { "lower", "layers", "root" };
	int r = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && r == 0; i++)
		r = make_point(run, names[i], e);
	return r;
}

static int open_init(struct err *e)
{
	_cleanup_free_ char *path = strf("%s/iocage-init", os_libexec());
	int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

	if (!path)
		return err_oom(e);
	return fd < 0 ? err_sys(e, "open the jails' init %s", path) : fd;
}

/* What is needed before there is anything to undo. Fills a->init and the leaf control group. */
static int prepare(struct os *os, struct child_args *a, int *ret_leaf, struct err *e)
{
	int r = make_points(os->j->run, e);

	if (r == 0)
		r = a->init = open_init(e);
	if (r >= 0)
		r = *ret_leaf = cgroup_open(os->j->cgroup, "jail", e);
	for (size_t i = 0; i < os->nqueue && r >= 0; i++)
		if (os->queue[i]->fstype && streq(os->queue[i]->fstype, "cgroup2"))
			r = cgroup_delegate(os->j->cgroup, os->base, e);
	return r < 0 ? r : 0;
}

static int start_first(struct os *os, struct child_args *a, int leaf, struct err *e)
{
	int pair[2];
	pid_t pid;
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a socket pair");
	a->sync = pair[1];
	/* its other namespaces it makes itself, beside us */
	pid = fork_into(CLONE_NEWPID, leaf, &os->pidfd);
	if (pid == 0) {
		close(pair[0]);
		child_main(a);
	}
	close(pair[1]);
	os->sync = pair[0];
	if (pid < 0) {
		err_sys(e, "make the jail's first process");
		if (e->code == EBUSY || e->code == EOPNOTSUPP)
			err_hint(e, "The jail's control group cannot take processes: is a controller enabled in its "
			            "parent?");
		return -e->code;
	}
	(void)fcntl(os->pidfd, F_SETFD, FD_CLOEXEC);
	os->j->pid = pid;
	r = proc_start_time(pid, &os->j->pid_start);
	/* one that has ended by now says itself why */
	return r < 0 && r != -ESRCH
	               ? err_set(e, -r, "read the start time of the jail's first process: %s", strerror(-r))
	               : 0;
}

int jail_add(struct os *os, const struct op *op, struct err *e)
{
	struct rlimits limits;
	struct child_args a = { .add = op, .run = os->j->run, .vnet = op->flags & OP_FLAG_VNET, .init = -1 };
	struct holder h = { .vnet = a.vnet };
	_cleanup_close_ int leaf = -1;
	int r;

	a.renames = !a.vnet && (op->flags & ALLOW_SET_HOSTNAME);
	os->base = jail_id_base(op->id);
	os->allow = op->flags & ~OP_FLAG_VNET;
	h.base = os->base;
	a.limits = &limits;
	r = rlimits_parse(op->text, &limits, e);
	if (r == 0) {
		h.limits = limits;
		if (os->nproc)
			h.limits.v[RLIMIT_NPROC].rlim_max = os->nproc;
		r = start_holder(&h, e);
	}
	if (r == 0)
		r = prepare(os, &a, &leaf, e);
	if (r == 0)
		r = take_userns(os, &h, e);
	if (r == 0) {
		a.queue = os->queue;
		a.nqueue = os->nqueue;
		a.userns = os->userns;
		a.base = os->base;
		r = start_first(os, &a, leaf, e);
	}
	if (r == 0 && a.vnet) {
		r = await_netns(os, &h, e);
	} else if (r == 0) {
		/* it made the view before anything else, and says so */
		r = expect_report(os, NULL, 0, e);
		if (r == 0)
			r = os->netns = open_ns(os->j->pid, "net", e);
	}
	holder_end(os, &h);
	closep(&a.init);
	return r < 0 ? r : 0;
}

int jail_netns(struct os *os, struct err *e)
{
	int r;

	os->netns = open_ns(os->j->pid, "net", e);
	if (os->netns < 0)
		return os->netns;
	r = os_jail_alive(os->j->pid, os->j->pid_start, e);
	if (r > 0)
		return 0;
	closep(&os->netns);
	return r < 0 ? r : err_set(e, ESRCH, "jail %s has ended", os->j->jail);
}

/* --- talking to the first process --- */

/* A message that is not answered; when the first process is gone, it said why before. */
static int tell_first(struct os *os, const struct sbuf *b, const int *fds, unsigned nfds, const char *what,
                      struct err *e)
{
	int r;

	if (b->failed)
		return err_oom(e);
	r = b->len < CHILD_MSG_MAX ? sync_send(os->sync, b->p, b->len, fds, nfds) : -EMSGSIZE;
	if (r == -EPIPE) {
		for (int i = 0; i < 2 && expect_report(os, NULL, 0, e) == 0; i++)
			;
		return e->code ? -e->code : err_set(e, EPIPE, "the jail's first process ended unexpectedly");
	}
	return r < 0 ? err_set(e, -r, "%s in the jail: %s", what, strerror(-r)) : 0;
}

int jail_file(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_free_ char *copy = NULL, *from = op->opts ? realpath(op->opts, NULL) : NULL;
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	const char *text = op->text ? op->text : "";
	size_t len = strlen(text);
	char what[256];
	int r;

	if (op->opts && !from)
		return errno == ENOENT ? 0 : err_sys(e, "look for %s", op->opts);
	r = from ? fs_read(AT_FDCWD, from, CHILD_MSG_MAX / 2, &copy, &len, e) : 0;
	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "write %s", op->path);
	sbuf_addc(&b, from ? CHILD_COPY : CHILD_FILE);
	sbuf_addn(&b, op->path, strlen(op->path) + 1);
	sbuf_addn(&b, from ? copy : text, len);
	return tell_first(os, &b, NULL, 0, what, e);
}

int jail_hosts(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	sbuf_addc(&b, CHILD_HOSTS);
	sbuf_addn(&b, (const char *)&op->addr, sizeof(op->addr));
	return tell_first(os, &b, NULL, 0, "write /etc/hosts", e);
}

int jail_confine(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	uint32_t flags = op->flags;

	sbuf_addc(&b, CHILD_CONFINE);
	sbuf_addn(&b, (const char *)&flags, sizeof(flags));
	sbuf_addc(&b, op->path ? 1 : 0);
	return tell_first(os, &b, NULL, 0, "confine the first process", e);
}

/* exec_start's words, each with its NUL. */
static int add_words(struct sbuf *b, const char *line, struct err *e)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	int r = strv_words(&words, line);

	if (r < 0)
		return err_class(e, ERR_ENTRY, -r, "exec_start is not a command line: %s", line);
	for (size_t i = 0; i < words.n; i++)
		sbuf_addn(b, words.v[i], strlen(words.v[i]) + 1);
	return 0;
}

/* The built-in init's verdict on exec_start, or a real init's silence (its execve closed the pipe). */
static int await_status(int status, const struct op *op, struct err *e)
{
	uint64_t limit = op->timeout ? op->timeout * 1000ULL : (uint64_t)INT_MAX;
	char buf[64] = "";
	size_t len = 0;
	struct timespec t0, t1;

	clock_gettime(CLOCK_MONOTONIC, &t0);
	while (len + 1 < sizeof(buf) && !strchr(buf, '\n')) {
		struct pollfd p = { .fd = status, .events = POLLIN };
		uint64_t spent;
		ssize_t n;

		clock_gettime(CLOCK_MONOTONIC, &t1);
		spent = (uint64_t)(t1.tv_sec - t0.tv_sec) * 1000 + (uint64_t)((t1.tv_nsec - t0.tv_nsec) / 1000000);
		if (spent >= limit || poll(&p, 1, (int)(limit - spent)) == 0)
			return err_class(e, ERR_ENTRY, ETIMEDOUT,
			                 "exec_start did not end within exec_timeout (%u seconds)", op->timeout);
		n = read(status, buf + len, sizeof(buf) - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	if (op->path && len == 0)
		return 0;
	if (str_starts(buf, "exec: ")) {
		int code = (int)strtol(buf + 6, NULL, 10);

		return err_class(e, ERR_ENTRY, code, "run %s in the jail: %s",
		                 op->path   ? op->path
		                 : op->text ? op->text
		                            : "the init",
		                 strerror(code));
	}
	if (len == 0)
		return err_class(e, ERR_ENTRY, EPIPE, "the jail's init ended before exec_start did");
	if (buf[0] != '0' || buf[1] != '\n')
		return err_class(e, ERR_ENTRY, ECHILD, "exec_start ended with status %.*s", (int)strcspn(buf, "\n"),
		                 buf);
	return 0;
}

/* Console and status pipes; the jail's ends are its root's, for it may reopen what it holds through /proc. */
static int make_pipes(struct os *os, int *con, int *st, struct err *e)
{
	if (pipe2(con, O_CLOEXEC) < 0)
		return err_sys(e, "make the console pipe");
	if (pipe2(st, O_CLOEXEC) < 0)
		return err_sys(e, "make the status pipe");
	return fchown(con[1], os->base, os->base) < 0 ? err_sys(e, "hand over the console pipe") : 0;
}

static int send_run(struct os *os, const struct op *op, const int *pipes, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	int r = 0;

	sbuf_addc(&b, CHILD_RUN);
	sbuf_addn(&b, op->path ? op->path : "", op->path ? strlen(op->path) + 1 : 1);
	if (!op->path) {
		sbuf_addn(&b, "iocage-init", 12);
		if (op->text && *op->text) {
			sbuf_addn(&b, "--", 3);
			r = add_words(&b, op->text, e);
		}
	}
	return r < 0 ? r : tell_first(os, &b, pipes, 2, "start the init", e);
}

/* The last of the console, once the monitor has written it: it goes on to clean up when it has. */
static void last_words(const struct os *os, off_t from, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const char *last;
	size_t len = 0;

	for (int i = 0; i < SETTLE_MS / 10; i++) {
		struct err ignored = ERR_INIT;
		_cleanup_close_ int s = jail_sock_reach(os->j, MONITOR_SOCK, &ignored);

		if (s < 0)
			break;
		(void)poll(NULL, 0, 10);
	}
	if (!os->j->console_log || conlog_tail(os->j->console_log, from, WORDS_MAX, &text, &len) < 0)
		return;
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	last = text;
	for (size_t i = len, lines = 0; i-- > 0 && lines < WORDS_LINES;)
		if (text[i] == '\n' && ++lines == WORDS_LINES)
			last = text + i + 1;
	if (*last)
		err_hint(e, "the last on its console:\n%s", last);
}

/* An init is asked nothing when it is started: one that cannot do its work ends soon. */
static int await_life(struct os *os, const struct op *op, off_t console, struct err *e)
{
	struct pollfd p = { .fd = os->pidfd, .events = POLLIN };
	siginfo_t si = { .si_code = 0 };
	const char *verb;
	int r;

	if (poll(&p, 1, INIT_MS) <= 0)
		return 0;
	if (waitid(P_PIDFD, (id_t)os->pidfd, &si, WEXITED | WNOWAIT) < 0)
		si.si_code = 0;
	verb = si.si_code == CLD_EXITED ? "with status" : "by signal";
	r = err_set(e, ECHILD, "the jail's init %s ended right after its start, %s %d", op->path, verb, si.si_status);
	last_words(os, console, e);
	return r;
}

int jail_await(struct os *os, struct err *e)
{
	int r = os->confined ? 0 : expect_report(os, NULL, 0, e); /* its mounts */

	if (r == 0 && !os->confined)
		r = expect_report(os, os->reported, 2, e);
	os->confined = r == 0;
	return r;
}

int jail_run(struct os *os, const struct op *op, struct err *e)
{
	int con[2] = { -1, -1 }, st[2] = { -1, -1 }, *fds = os->reported, listener = -1, master = -1;
	struct stat log = { .st_size = 0 };
	int r = make_pipes(os, con, st, e);

	if (op->path && os->j->console_log)
		(void)!stat(os->j->console_log, &log);

	if (r == 0)
		r = jail_await(os, e);
	if (r == 0)
		r = send_run(os, op, (int[]){ con[1], st[1] }, e);
	if (r == 0) {
		/* in the order sent: the filter's listener, then the terminal of a real init */
		listener = fds[0];
		master = fds[1];
		r = monitor_start(os, master >= 0 ? master : con[0], listener, os->netns, os->allow, e);
	}
	closep(&con[1]);
	closep(&st[1]);
	if (r == 0)
		r = await_status(st[0], op, e);
	if (r == 0 && op->path)
		r = await_life(os, op, log.st_size, e);
	closep(&con[0]);
	closep(&st[0]);
	closep(&fds[0]);
	closep(&fds[1]);
	jail_reap_holder(os);
	return r;
}

/* --- the end --- */

#define END_MS 60000 /* as many processes as maxproc lets it have, on a machine that is busy */

/*
 * Whoever drops the last reference to the jail's mounts waits for overlayfs to flush the disk. That is not the jail's
 * last process, whose end we wait for, but a process that nobody waits for.
 */
static void unmount_in_background(pid_t jail)
{
	struct err ignored = ERR_INIT;
	_cleanup_close_ int ns = open_ns(jail, "mnt", &ignored), pidfd = (int)syscall(SYS_pidfd_open, jail, 0);
	pid_t pid = ns < 0 || pidfd < 0 ? -1 : fork();

	if (pid == 0) {
		struct pollfd p = { .fd = 100, .events = POLLIN };

		rlimits_of_ours();
		/* nothing of the caller's is kept open: it may be read until its end */
		if (dup2(pidfd, 100) < 0 || dup2(ns, 101) < 0 || close_range(0, 99, 0) < 0 ||
		    close_range(102, ~0U, 0) < 0 || fork() != 0)
			_exit(0);
		setsid();
		(void)poll(&p, 1, 10000);
		_exit(0);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int jail_del(struct os *os, struct err *e)
{
	/* first the monitor, or it would take the jail's end for an accident */
	int r = cgroup_kill(os->j->cgroup, "mon", e);

	if (os_jail_alive(os->j->pid, os->j->pid_start, NULL) > 0)
		unmount_in_background(os->j->pid);
	if (r == 0)
		r = cgroup_kill(os->j->cgroup, "jail", e);
	if (r == 0)
		r = cgroup_wait(os->j->cgroup, "jail", END_MS, e);
	if (r == 0)
		r = cgroup_wait(os->j->cgroup, "mon", 10000, e);
	if (os->sync >= 0)
		close(take_fd(&os->sync));
	/* reap what we started ourselves; a jail of an earlier command is init's child */
	if (os->pidfd >= 0)
		(void)waitid(P_PIDFD, (id_t)os->pidfd, &(siginfo_t){ 0 }, WEXITED | WNOHANG);
	return r;
}
