/* enter.c - running a command inside a jail that runs already, held as the jail's own processes are. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/confine.h"
#include "os/linux/jail.h"
#include "os/linux/pty.h"
#include "os/linux/rlimits.h"
#include "os/linux/user.h"
#include "os/os.h"

#define STATUS_CANNOT_RUN   126
#define STATUS_NOT_FOUND    127
#define FD_REPORT           3
#define STOP_WAIT_MS        2000 /* after the monitor's end: how long the jail's may take */
#define INTERRUPTED_WAIT_MS 1000 /* after a signal: how long the command may still take to begin, and then get it */

/* From the command's process to us, on a SOCK_SEQPACKET pair that execve closes. */
enum { SAY_TERMINAL = 'T', SAY_LISTENER = 'L', SAY_ERROR = 'E' };
struct report {
	char what;
	int code, cls, status; /* SAY_ERROR */
	char msg[1024];
};

/* All that is opened on the host's side before the command's process enters. */
struct entry {
	const struct os_exec *x;
	bool shared;
	int jail, cgroup, sock, sigfd; /* jail: pidfd of its first process */
	int pidfd, master, slave; /* the command, its terminal */
	bool unheard; /* the monitor could not be told, or the command not that it was */
	struct pty_side side;
	struct streams streams;
	struct user *user; /* -u: known already; else filled in inside */
	struct rlimits limits;
};

/* ---- in the command's process ---- */

static void fail(const struct entry *n, const struct err *e, int status) __attribute__((noreturn));
static void fail(const struct entry *n, const struct err *e, int status)
{
	struct report r = { .what = SAY_ERROR, .code = e->code, .cls = (int)e->cls, .status = status };

	(void)snprintf(r.msg, sizeof(r.msg), "%s", e->msg);
	(void)!send(n->sock, &r, sizeof(r), MSG_NOSIGNAL);
	_exit(status);
}

/*
 * The command ends with us, even if we are killed and can pass nothing on. For it alone: what it started goes on, and
 * programs that change ids shed it (a set-user-ID one at execve, too). So do we on the way: it is asked for anew last of
 * all. If we are gone by then nobody would ever send the signal. Our pid says nothing in the jail's pid namespace, but our
 * end of the socket, of which there is no copy, is closed before the kernel sends it.
 */
static int end_with_parent(const struct entry *n, struct err *e)
{
	char c;

	if (prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0L, 0L, 0L) < 0)
		return err_sys(e, "ask to end with iocage");
	if (recv(n->sock, &c, 1, MSG_DONTWAIT | MSG_PEEK) >= 0 || errno != EAGAIN)
		_exit(128 + SIGKILL);
	return 0;
}

/* From here on the process is the jail's root, and may do nothing to the host. */
static int enter(const struct entry *n, struct err *e)
{
	confine_oom();
	rlimits_raise(&n->limits);
	/* until execve nobody inside may look into this memory; changing ids may reset it, hence twice */
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	if (setsid() < 0)
		return err_sys(e, "start a session");
	if (setns(n->jail, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET) < 0)
		return err_sys(e, "enter the jail's namespaces");
	if (setns(n->jail, CLONE_NEWUSER) < 0)
		return err_sys(e, "enter the jail's user namespace");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || setgroups(0, NULL) < 0)
		return err_sys(e, "become the jail's root");
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	return end_with_parent(n, e);
}

static int find_user(const struct entry *n, struct err *e)
{
	struct user *u = n->user;
	int r;

	if (n->x->host_user)
		return 0;
	if (n->x->jail_user && !streq(n->x->jail_user, "root"))
		return user_in_jail(n->x->jail_user, u, e);
	/* a root without a passwd file has a root all the same */
	r = n->x->login || n->x->jail_user ? user_in_jail("root", u, NULL) : -ENOENT;
	if (r < 0)
		*u = (struct user){ .ngroups = 1, .name = "root", .home = "/", .shell = "/bin/sh" };
	return 0;
}

/* The terminal belongs to whoever uses it, so that it can be opened again by name. */
static int give_terminal(const struct entry *n, struct err *e)
{
	struct report r = { .what = SAY_TERMINAL };
	int fds[2] = { -1, -1 }, ret;

	if (!n->side.want)
		return 0;
	ret = pty_make(&n->side, &fds[0], &fds[1], e);
	if (ret < 0)
		return ret;
	if (fchown(fds[1], n->user->uid, (gid_t)-1) < 0)
		return err_sys(e, "hand over the jail's terminal");
	ret = sync_send(n->sock, &r, sizeof(r), fds, 2);
	if (ret < 0)
		return err_set(e, -ret, "pass the jail's terminal out: %s", strerror(-ret));
	ret = pty_attach(&n->side, fds[1], e);
	closep(&fds[0]);
	closep(&fds[1]);
	return ret;
}

/* The monitor must have the listener before the command's first call that is asked there: else nobody would answer. */
static int give_listener(const struct entry *n, int listener, struct err *e)
{
	struct report r = { .what = SAY_LISTENER };
	char answer = 0;
	int ret;

	if (listener < 0)
		return 0;
	ret = sync_send(n->sock, &r, sizeof(r), &listener, 1);
	closep(&listener);
	if (ret < 0)
		return err_set(e, -ret, "pass the socket listener out: %s", strerror(-ret));
	/* what is wrong with the monitor our other half knows better: it says so itself */
	return recv(n->sock, &answer, 1, 0) == 1 ? 0 : err_set(e, ECONNABORTED, "the jail's monitor did not answer");
}

static int become_user(const struct user *u, struct err *e)
{
	if (setgroups(u->ngroups, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
	    setresuid(u->uid, u->uid, u->uid) < 0)
		return err_sys(e, "become user %s (%u:%u)", u->name, u->uid, u->gid);
	return 0;
}

static int set_environment(const struct entry *n, struct err *e)
{
	const struct user *u = n->user;

	environ = (char **)(uintptr_t)n->x->env;
	if (!n->x->login && !n->x->host_user && !n->x->jail_user)
		return 0;
	if (setenv("HOME", u->home, 1) < 0 || setenv("USER", u->name, 1) < 0 || setenv("LOGNAME", u->name, 1) < 0 ||
	    setenv("SHELL", u->shell, 1) < 0)
		return err_oom(e);
	return 0;
}

static void command(struct entry *n) __attribute__((noreturn));
static void command(struct entry *n)
{
	struct err e = ERR_INIT;
	/* first of all: nothing of ours goes in, whatever happens on the way */
	int listener = -1, r = streams_place(&n->streams, n->side.use, &e), status;

	if (r == 0)
		r = enter(n, &e);
	if (r == 0)
		r = find_user(n, &e);
	if (r == 0)
		r = give_terminal(n, &e);
	if (r == 0)
		r = streams_settle(&n->streams, n->side.use, n->user->uid, &e);
	if (r == 0)
		r = confine_self(n->x->allow, n->shared, false, &listener, &e);
	if (r == 0)
		r = give_listener(n, listener, &e);
	if (r == 0)
		r = become_user(n->user, &e);
	if (r == 0)
		r = set_environment(n, &e);
	if (r == 0 && (!n->x->login || chdir(n->user->home) < 0) && chdir("/") < 0)
		r = err_sys(&e, "enter the jail's root directory");
	/* a program inside could be a script of the jail's whose interpreter is /proc/self/fd/N: leave nothing there */
	if (r == 0 && n->sock != FD_REPORT && dup3(n->sock, FD_REPORT, O_CLOEXEC) < 0)
		r = err_sys(&e, "keep the status socket");
	if (r < 0)
		fail(n, &e, 1);
	n->sock = FD_REPORT;
	if (close_range(FD_REPORT + 1, ~0U, 0) < 0) {
		(void)err_sys(&e, "close what the jail must not have");
		fail(n, &e, 1);
	}
	if (rlimits_set(&n->limits, &e) < 0 || end_with_parent(n, &e) < 0)
		fail(n, &e, 1);
	execvp(n->x->argv[0], n->x->argv);
	status = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
	(void)err_sys(&e, "run %s in the jail", n->x->argv[0]);
	fail(n, &e, status);
}

/* ---- on our side ---- */

static int stopped(const struct os_jail *j, struct err *e)
{
	return err_class(e, ERR_BUSY, ESRCH, "%s was stopped in the meantime", j->jail);
}

/* A stop ends the monitor first: is that why it does not answer. (That its socket is gone is an answer by itself.) */
static bool stopped_meanwhile(const struct entry *n)
{
	struct pollfd p = { .fd = n->jail, .events = POLLIN };

	return poll(&p, 1, STOP_WAIT_MS) > 0;
}

/* One message of the command's process. 1: go on listening, 0: it runs, or -errno with *ret_status. */
static int hear(struct entry *n, const struct os_jail *j, int *ret_status, struct err *e)
{
	_cleanup_close_ int fd0 = -1, fd1 = -1;
	int fds[2] = { -1, -1 }, r;
	struct err why = ERR_INIT;
	struct report m;
	ssize_t got = sync_recv(n->sock, &m, sizeof(m), fds, 2);

	fd0 = fds[0];
	fd1 = fds[1];
	if (got == 0)
		return 0;
	if (got != (ssize_t)sizeof(m))
		return err_set(e, got < 0 ? (int)-got : EPROTO, "the command's process in jail %s broke off", j->jail);
	switch (m.what) {
	case SAY_TERMINAL:
		n->master = take_fd(&fd0);
		n->slave = take_fd(&fd1);
		return 1;
	case SAY_LISTENER:
		r = monitor_give_listener(j, n->x->allow, fd0, j->vnet ? &why : e);
		/* in a jail with its own stack nothing but reboot(2) is asked there: without a monitor it is refused */
		if (j->vnet)
			r = 0;
		if (r == 0 && send(n->sock, "k", 1, MSG_NOSIGNAL) != 1)
			r = err_sys(e, "answer the command's process");
		n->unheard = r < 0;
		return r < 0 ? r : 1;
	default:
		m.msg[sizeof(m.msg) - 1] = '\0';
		*ret_status = m.status;
		return err_class(e, (enum err_class)m.cls, m.code, "%s", m.msg);
	}
}

/* Of what is passed on, what would end us. */
static void ending_signals(sigset_t *ret)
{
	static const int list[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		sigaddset(ret, list[i]);
}

/*
 * Until the command runs. Signals stay pending meanwhile and are the command's: the relay reads them. What a jail's
 * file system does may take long, though, so one that would end us gives the command only a little longer to begin.
 */
static int wait_for_exec(struct entry *n, const struct os_jail *j, int *ret_status, struct err *e)
{
	_cleanup_close_ int ending = -1;
	struct pollfd p[] = { { .fd = n->sock, .events = POLLIN }, { .events = POLLIN } };
	struct signalfd_siginfo si;
	int limit = -1, r = 1, got;
	sigset_t set;

	ending_signals(&set);
	p[1].fd = ending = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (ending < 0)
		return err_sys(e, "open a signal descriptor");
	while (r > 0) {
		got = poll(p, 2, limit);
		if (got < 0 && errno != EINTR)
			return err_sys(e, "wait for the command's process");
		if (got > 0 && p[0].revents) {
			r = hear(n, j, ret_status, e);
		} else if (got > 0) {
			p[1].fd = -1;
			limit = INTERRUPTED_WAIT_MS;
		} else if (got == 0 && read(ending, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
			*ret_status = 128 + (int)si.ssi_signo;
			return err_set(e, EINTR, "interrupted before the command ran");
		}
	}
	return r;
}

/*
 * A process born in the jail's pid namespace and control group: ours to wait for, with nobody between. Our own later
 * children must not be born there, so the way back is opened first and its failure is an error.
 */
static int start_command(struct entry *n, int peer, struct err *e)
{
	_cleanup_close_ int own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	pid_t pid;
	int r = 0;

	if (own < 0)
		return err_sys(e, "open our own pid namespace");
	if (setns(n->jail, CLONE_NEWPID) < 0)
		return err_sys(e, "enter the jail's pid namespace");
	(void)fflush(NULL);
	pid = jail_fork_into_cgroup(n->cgroup, &n->pidfd);
	if (pid == 0) {
		close(n->sock); /* ours alone: else the process would wait for its own answers when we are gone */
		n->sock = peer;
		command(n);
	}
	if (pid < 0) /* a pid namespace whose first process has ended says ENOMEM */
		r = errno == ENOMEM ? err_set(e, ESRCH, "the jail has just ended")
		                    : err_sys(e, "start a process in the jail");
	if (setns(own, CLONE_NEWPID) < 0 && r == 0)
		r = err_sys(e, "return to our own pid namespace");
	return r;
}

static int end_status(int pidfd)
{
	siginfo_t si = { .si_code = 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED) < 0)
		if (errno != EINTR)
			return 255;
	return si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status;
}

static int run(struct entry *n, const struct os_jail *j, int *ret_status, struct err *e)
{
	_cleanup_close_ int s0 = -1, s1 = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a status socket");
	n->sock = s0 = pair[0];
	s1 = pair[1];
	r = start_command(n, s1, e);
	close(take_fd(&s1));
	streams_close_theirs(&n->streams);
	if (r == 0)
		r = wait_for_exec(n, j, ret_status, e);
	if (r < 0) {
		if (n->pidfd >= 0) {
			(void)pidfd_send_signal(n->pidfd, SIGKILL, NULL, 0);
			(void)end_status(n->pidfd);
		}
		/* only now: the jail's first process cannot end before what we brought in is reaped */
		return n->unheard && (r == -ENOENT || stopped_meanwhile(n)) ? stopped(j, e) : r;
	}
	pty_relay(&n->side, &n->streams, n->pidfd, take_fd(&n->master), take_fd(&n->slave), n->sigfd);
	*ret_status = end_status(n->pidfd);
	return 0;
}

/* What is handed in must lead nowhere but to itself; a directory leads everywhere. */
static int check_standard_fds(struct err *e)
{
	static const char *const names[] = { "input", "output", "error output" };
	struct stat st;

	for (int i = 0; i < 3; i++) {
		if (fstat(i, &st) < 0)
			return err_sys(e, "look at standard %s", names[i]);
		if (S_ISDIR(st.st_mode))
			return err_set(e, EISDIR, "standard %s is a directory of the host; that is not given to a jail",
			               names[i]);
	}
	return 0;
}

static int open_jail(const struct os_jail *j, struct entry *n, struct err *e)
{
	int r;

	n->jail = pidfd_open(j->pid, 0);
	if (n->jail < 0 && errno != ESRCH)
		return err_sys(e, "reach the first process of jail %s", j->jail);
	/* looked at after it is held: then it cannot be another process of the same number */
	r = n->jail < 0 ? 0 : os_jail_alive(j->pid, j->pid_start, e);
	if (r <= 0)
		return r < 0 ? r : err_class(e, ERR_MISSING, ESRCH, "jail %s has ended", j->jail);
	r = n->cgroup = cgroup_open_jail(j, "jail", e);
	if (r == -ENOENT)
		return stopped(j, e);
	return r < 0 ? r : 0;
}

static void entry_done(struct entry *n)
{
	closep(&n->jail);
	closep(&n->cgroup);
	closep(&n->sigfd);
	closep(&n->pidfd);
	closep(&n->master);
	closep(&n->slave);
	streams_done(&n->streams);
}

int os_exec(const struct os_jail *j, const struct os_exec *x, int *ret_status, struct err *e)
{
	_cleanup_(entry_done) struct entry n = { .x = x,
		                                 .shared = !j->vnet,
		                                 .jail = -1,
		                                 .cgroup = -1,
		                                 .sock = -1,
		                                 .sigfd = -1,
		                                 .pidfd = -1,
		                                 .master = -1,
		                                 .slave = -1,
		                                 .streams = STREAMS_INIT };
	sigset_t ours, before;
	struct user user;
	int r;

	*ret_status = 1;
	n.user = &user;
	r = rlimits_parse(j->limits, &n.limits, e);
	if (r == 0)
		r = check_standard_fds(e);
	if (r == 0)
		r = open_jail(j, &n, e);
	if (r == 0 && x->host_user)
		r = user_on_host(x->host_user, &user, e);
	if (r < 0)
		return r;
	pty_look(x->login, &n.side);
	r = streams_open(&n.streams, n.side.use, jail_id_base(j->jid), e);
	if (r < 0)
		return r;
	pty_signals(&ours);
	n.sigfd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	if (n.sigfd < 0)
		return err_sys(e, "open a signal descriptor");
	if (sigprocmask(SIG_BLOCK, &ours, &before) < 0)
		return err_sys(e, "block signals");
	r = run(&n, j, ret_status, e);
	/* a broken pipe of ours is the command's to report, not a reason to die now */
	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	(void)sigtimedwait(&ours, NULL, &(struct timespec){ .tv_sec = 0 });
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
