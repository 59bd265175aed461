/* monitor_main.c - the monitor program: one per running jail, on the host; console log, socket broker, the jail's end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/hold.h"
#include "os/linux/announce.h"
#include "os/linux/bounds.h"
#include "os/linux/cgroup.h"
#include "os/linux/conlog.h"
#include "os/linux/ending.h"
#include "os/linux/jailproc.h"
#include "os/linux/keepup.h"
#include "os/linux/monitor.h"
#include "os/linux/udp_nat.h"
#include "os/linux/shared.h"
#include "os/linux/source.h"

#define COPY_MAX     (64 * 1024) /* of the console before anybody else is heard */
#define LAST_MAX     (2 * 1024 * 1024) /* more than a pipe holds */
#define TERMINAL_MS  1000 /* a terminal that cannot be opened now: when it is looked at again */
#define SETTLE_MS    50 /* the neighbours hear of addresses when the start is over: it shall not wait for that */
#define CHOOSE_MS    100 /* a routing daemon changes many routes at a time */
#define BROKER_MS    2000 /* an answer takes microseconds */
#define BOUND_MS     60000
#define FOLLOW_AFTER 500 /* ms: a start has better things to do */

struct monitor {
	struct keepup *keepup; /* NULL: as follow, or nobody would put back anything */
	struct follow *follow; /* the view follows the host; NULL: not yet, or there is none */
	struct conlog log;
	int slave; /* the console's other side, if that is a terminal; -1: not open */
	int64_t console_at; /* when the console is looked at again, monotonic milliseconds; 0: now */
	pid_t broker_pid; /* 0: none, or it has ended */
	int broker; /* our end of its control socket, -1: none */
	int asks; /* our end of the socket by which it asks for UDP ports to be translated, -1: none */
	struct nat *nat; /* NULL: it has not asked */
	struct sources *sources; /* NULL: the jail has no two addresses to choose from */
	int64_t choose_at; /* monotonic milliseconds, 0: nothing has changed */
	struct hold h;
	int64_t announce_at; /* monotonic milliseconds, 0: nothing to tell */
	struct bounds bounds;
	int64_t bound_told[BOUNDS +
	                   1]; /* monotonic milliseconds: when the log last said that it was met; the last: sockets */
	pid_t announcer; /* a process that tells the neighbours, 0: none */
	struct listeners listeners; /* of a VNET jail */
	bool shared;
	char *const *on_end; /* argv of the command that takes the jail down; NULL: none */
	const char *how; /* what root in the jail asked for; NULL: nothing */
	pid_t ender; /* the process that does it, 0: none */
};

static int fd_of(int which)
{
	int fd = MONITOR_FD_FIRST + which;

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return fd;
}

static void set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void complain(struct monitor *m, const struct err *e)
{
	_cleanup_free_ char *line = strf("iocage-monitor: %s\n", e->msg);

	if (line)
		conlog_write(&m->log, line, strlen(line));
}

/*
 * A terminal says EIO when no process of the jail's has it open at the moment, and when a session that had it ended: it is
 * opened here, so that it says so no more. What is in it is not lost by that.
 */
static void hold_terminal(struct monitor *m, int console)
{
	closep(&m->slave);
	m->slave = ioctl(console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
}

/* false: nothing will ever come from it again. Waits for nothing: what poll saw the jail may have taken back itself. */
static bool copy_console(struct monitor *m, int console)
{
	int r = conlog_copy(&m->log, console, COPY_MAX);

	if (r != -EIO)
		return r >= 0;
	hold_terminal(m, console);
	if (m->slave >= 0)
		return true;
	m->console_at = now_ms() + TERMINAL_MS;
	return true;
}

/* Milliseconds to wait at most for something to happen. */
static int patience(const struct monitor *m)
{
	int64_t at = m->announce_at, left;

	if (m->choose_at && (!at || m->choose_at < at))
		at = m->choose_at;
	if (m->console_at && (!at || m->console_at < at))
		at = m->console_at;
	if (keepup_due(m->keepup) && (!at || keepup_due(m->keepup) < at))
		at = keepup_due(m->keepup);
	left = at - now_ms();
	if (!at)
		return m->announcer ? SETTLE_MS : -1;
	return left > 0 ? (int)left : 0;
}

/* Which of several addresses the jail sends from. */
static void choose_sources(struct monitor *m)
{
	struct err e = ERR_INIT;

	m->choose_at = 0;
	if (source_set(&m->sources, &m->h, &e) < 0)
		complain(m, &e);
}

static void tell_neighbours(struct monitor *m)
{
	if (m->announcer && waitpid(m->announcer, NULL, WNOHANG) != 0)
		m->announcer = 0;
	if (!m->announce_at || now_ms() < m->announce_at || m->announcer)
		return;
	m->announce_at = 0;
	m->announcer = fork();
	if (m->announcer == 0) {
		(void)prctl(PR_SET_NAME, "iocage-announce");
		announce(&m->h);
		_exit(0);
	}
	if (m->announcer < 0)
		m->announcer = 0;
}

/* A jail that goes on trying shall not fill its log. */
static void tell_bound(struct monitor *m, unsigned which, const char *met)
{
	struct err e = ERR_INIT;

	if (m->bound_told[which] && now_ms() - m->bound_told[which] < BOUND_MS)
		return;
	m->bound_told[which] = now_ms();
	(void)err_set(&e, ENOBUFS, "%s", met);
	complain(m, &e);
}

/* The clean-up removes our own control group too: it must not be in it. */
static void leave_cgroup(void)
{
	const char *mnt;
	_cleanup_free_ char *procs = NULL;

	if (cgroup_mount(&mnt, NULL) < 0)
		return;
	procs = strf("%s/cgroup.procs", mnt);
	if (procs && fs_poke(AT_FDCWD, procs, "0") < 0)
		return;
}

/* Become the command that takes the jail down and, if that is to be, starts it again. What it says goes into the log. */
static void become_ender(struct monitor *m, const char *how)
{
	_cleanup_(strv_done) struct strv argv = { 0 };
	int r = 0;

	for (char *const *p = m->on_end; *p && r == 0; p++)
		r = strv_add(&argv, *p);
	if (r == 0)
		r = strv_add(&argv, how);
	if (r < 0)
		return;
	leave_cgroup();
	/* what its hooks start is nothing that memory is kept for */
	(void)!fs_poke(AT_FDCWD, "/proc/self/oom_score_adj", "0");
	conlog_write(&m->log, "", 0);
	if (m->log.fd >= 0) {
		(void)dup2(m->log.fd, STDOUT_FILENO);
		(void)dup2(m->log.fd, STDERR_FILENO);
	}
	execv(argv.v[0], argv.v);
}

/*
 * Root in the jail called reboot(2). We go on meanwhile: the jail's services end as in any other stop, and say so on its
 * console. The first of several requests counts.
 */
static void end_asked(struct monitor *m, enum ending how)
{
	struct err e = ERR_INIT;

	/* the jail runs, so it did not get to it: a later end is one by itself */
	if (m->ender && waitpid(m->ender, NULL, WNOHANG) != 0) {
		m->ender = 0;
		m->how = NULL;
	}
	if (how == END_NONE || m->ender || !m->on_end)
		return;
	m->how = how == END_REBOOT ? "reboot" : "halt";
	m->ender = fork();
	if (m->ender == 0) {
		become_ender(m, m->how);
		(void)err_sys(&e, "%s: run %s", m->how, m->on_end[0]);
		complain(m, &e);
		_exit(1);
	}
	if (m->ender < 0) {
		(void)err_sys(&e, "%s the jail", m->how);
		complain(m, &e);
		m->ender = 0;
		m->how = NULL;
	}
}

static void serve_nat(struct monitor *m)
{
	struct nat_heard heard;

	if (!nat_serve(&m->nat, m->asks, &m->h, &heard))
		closep(&m->asks);
	if (heard.met)
		tell_bound(m, BOUNDS, heard.met);
	end_asked(m, heard.end == NAT_REBOOT ? END_REBOOT : heard.end == NAT_HALT ? END_HALT : END_NONE);
}

/* Until the broker has answered. It may have a question of its own first. False: it does not answer. */
static bool await_broker(struct monitor *m)
{
	const int64_t end = now_ms() + BROKER_MS;

	for (;;) {
		struct pollfd p[2] = { { .fd = m->broker, .events = POLLIN }, { .fd = m->asks, .events = POLLIN } };
		int64_t left = end - now_ms();

		if (left <= 0 || (poll(p, 2, (int)left) < 0 && errno != EINTR))
			return false;
		if (p[1].revents)
			serve_nat(m);
		if (p[0].revents)
			return true;
	}
}

/* It has ended, or does not answer: then it must not answer later by what does not hold any more. */
static void end_broker(struct monitor *m)
{
	closep(&m->broker);
	closep(&m->asks);
	if (m->broker_pid > 0)
		(void)kill(m->broker_pid, SIGKILL);
	m->broker_pid = 0;
}

/* What it has made goes on and stays held. Not worth ending a jail that serves; but whoever looks shall find out why. */
static void miss_broker(struct monitor *m)
{
	struct err e = ERR_INIT;

	end_broker(m);
	(void)err_set(&e, EPIPE,
	              "the jail's socket broker has ended: nothing inside gets a new socket; restart the jail");
	complain(m, &e);
}

/* Hand a message on to the broker. Did it take it. */
static bool pass_on(struct monitor *m, const char *msg, size_t len, int fd)
{
	char answer = 0;

	if (m->broker < 0)
		return false;
	if (sync_send(m->broker, msg, len, &fd, fd >= 0 ? 1 : 0) == 0 && await_broker(m) &&
	    recv(m->broker, &answer, 1, 0) == 1)
		return answer == 'k';
	miss_broker(m);
	return false;
}

/* Which of the jail's addresses the host has; what another program took away is put back. */
static void keep_addresses(struct monitor *m)
{
	if (!m->keepup)
		return;
	keepup_look(m->keepup, &m->h, now_ms());
	follow_hear(m->follow, keepup_waits(m->keepup));
}

static void serve_keepup(struct monitor *m)
{
	if (!keepup_serve(m->keepup, &m->log, now_ms()))
		return;
	/* its interface may be a new one, which is in the view by now */
	follow_serve(m->follow);
	m->announce_at = now_ms() + SETTLE_MS;
}

/* With no broker there is nobody left who makes sockets: only the neighbours are to hear of it. */
static bool set_hold(struct monitor *m, const char *msg, size_t len)
{
	struct err e = ERR_INIT;

	if (hold_parse(msg + 1, &m->h, &e) < 0 || (!pass_on(m, msg, len, -1) && m->broker >= 0))
		return false;
	nat_refresh(m->nat, &m->h);
	choose_sources(m);
	/* an address that is new may have brought an interface into the view */
	if (m->follow)
		follow_serve(m->follow);
	keep_addresses(m);
	m->announce_at = now_ms() + SETTLE_MS;
	return true;
}

/*
 * exec brings a listener, set a new hold. They wait for the answer: before the command runs, so that no socket(2) finds
 * nobody; before the change counts as made.
 */
static void take_message(struct monitor *m, int control)
{
	static char msg[MONITOR_MESSAGE_MAX];
	_cleanup_close_ int c = accept4(control, NULL, NULL, SOCK_CLOEXEC), fd = -1;
	struct timeval limit = { .tv_sec = 1 };
	bool taken = false;
	ssize_t n;

	if (c < 0)
		return;
	(void)setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = sync_recv(c, msg, sizeof(msg) - 1, &fd, 1);
	msg[n > 0 ? n : 0] = '\0';
	if (n == 2 && msg[0] == MONITOR_LISTEN && fd >= 0)
		taken = m->shared ? pass_on(m, msg, 2, fd) : listeners_add(&m->listeners, take_fd(&fd));
	else if (msg[0] == MONITOR_HOLD)
		taken = set_hold(m, msg, (size_t)n);
	else
		taken = n == 1 && msg[0] == MONITOR_PING;
	if (taken)
		(void)send(c, "k", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A timer, in whose place follow_view() will come. -1: there is no view. */
static int follow_later(int view)
{
	struct itimerspec t = { .it_value = { .tv_nsec = FOLLOW_AFTER * 1000000L } };
	int fd = view < 0 ? -1 : timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (fd >= 0)
		(void)timerfd_settime(fd, 0, &t, NULL);
	return fd;
}

/* *fd: the timer, or what follow_fd() said. */
static void follow_view(struct monitor *m, const char *self, const char *jail, int view, int *fd)
{
	struct err e = ERR_INIT;

	bool v4 = m->h.ip4 == IP_INHERIT, v6 = m->h.ip6 == IP_INHERIT;

	if (m->follow) {
		follow_serve(m->follow);
		if (v4 || v6)
			nat_refresh(m->nat, &m->h);
		if (m->keepup)
			keepup_heard(m->keepup, now_ms());
		return;
	}
	closep(fd);
	if (follow_open(view, v4, v6, &m->follow, &e) < 0) {
		complain(m, &e);
		return;
	}
	*fd = follow_fd(m->follow);
	m->keepup = self ? keepup_open(self, jail) : NULL;
	keep_addresses(m);
}

/* p: of the files of the bounds. */
static void see_bounds(struct monitor *m, const struct pollfd *p)
{
	for (unsigned i = 0; i < BOUNDS; i++) {
		const char *met = p[i].revents ? bounds_met(&m->bounds, i) : NULL;

		if (met)
			tell_bound(m, i, met);
	}
}

/* What watch() polls. */
enum {
	HEARD_END, /* of the jail's first process */
	HEARD_CONSOLE,
	HEARD_CONTROL,
	HEARD_FOLLOW,
	HEARD_NAT,
	HEARD_BELL,
	HEARD_SOURCES,
	HEARD_BROKER,
	HEARD_KEEPUP,
	HEARD_LISTENERS,
	HEARD_BOUNDS, /* BOUNDS of them */
};

/* Until the jail's first process ends. */
static void watch(struct monitor *m, char **argv, int pidfd, int console, int control, int view)
{
	struct pollfd p[HEARD_BOUNDS + BOUNDS] = {
		[HEARD_END] = { .fd = pidfd, .events = POLLIN },
		[HEARD_CONTROL] = { .fd = control, .events = POLLIN },
		[HEARD_FOLLOW] = { .fd = follow_later(view), .events = POLLIN },
	};

	bounds_open(&m->bounds);
	for (unsigned i = 0; i < BOUNDS; i++)
		p[HEARD_BOUNDS + i] = (struct pollfd){ .fd = m->bounds.fd[i], .events = POLLPRI };
	for (;;) {
		p[HEARD_NAT] = (struct pollfd){ .fd = m->asks, .events = POLLIN };
		p[HEARD_BELL] = (struct pollfd){ .fd = nat_bell(m->nat), .events = POLLIN };
		p[HEARD_SOURCES] = (struct pollfd){ .fd = source_fd(m->sources), .events = POLLIN };
		if (m->console_at && now_ms() >= m->console_at)
			m->console_at = 0;
		p[HEARD_CONSOLE] = (struct pollfd){ .fd = m->console_at ? -1 : console, .events = POLLIN };
		/* it says nothing unasked: this is its end */
		p[HEARD_BROKER] = (struct pollfd){ .fd = m->broker };
		p[HEARD_KEEPUP] = (struct pollfd){ .fd = keepup_fd(m->keepup), .events = POLLIN };
		p[HEARD_LISTENERS] = (struct pollfd){ .fd = m->listeners.epoll, .events = POLLIN };
		if (poll(p, HEARD_BOUNDS + BOUNDS, patience(m)) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		see_bounds(m, p + HEARD_BOUNDS);
		if (p[HEARD_BELL].revents & POLLIN)
			nat_rung(m->nat, &m->h);
		if (p[HEARD_NAT].revents)
			serve_nat(m);
		if (p[HEARD_BROKER].revents)
			miss_broker(m);
		if (p[HEARD_LISTENERS].revents)
			end_asked(m, listeners_serve(&m->listeners));
		if (p[HEARD_SOURCES].revents) {
			source_heard(m->sources);
			if (!m->choose_at)
				m->choose_at = now_ms() + CHOOSE_MS;
		}
		if (m->choose_at && now_ms() >= m->choose_at)
			choose_sources(m);
		tell_neighbours(m);
		if (p[HEARD_CONSOLE].revents && !copy_console(m, console))
			console = -1;
		if (p[HEARD_CONTROL].revents & POLLIN)
			take_message(m, control);
		if (p[HEARD_FOLLOW].revents)
			follow_view(m, argv[7], argv[1], view, &p[HEARD_FOLLOW].fd);
		if (p[HEARD_KEEPUP].revents)
			serve_keepup(m);
		if (keepup_due(m->keepup) && now_ms() >= keepup_due(m->keepup))
			keep_addresses(m);
		if (p[HEARD_END].revents) {
			/* what it said last is still in the pipe; others may hold its other end, and go on for ever */
			if (console >= 0)
				(void)conlog_copy(&m->log, console, LAST_MAX);
			return;
		}
	}
}

/* In the broker's process. */
static int be_broker(const struct monitor *m, char **argv, int view, const struct broker_fds *f, pid_t parent,
                     struct err *e)
{
	struct broker *b = NULL;
	int r = broker_open(view, &m->h, &b, e);

	if (r == 0)
		r = broker_know_jail(b, (pid_t)strtol(argv[4], NULL, 10), e);
	return r < 0 ? r : broker_run(b, f, (unsigned)strtoul(argv[5], NULL, 10), parent, e);
}

/*
 * The broker reads what the jail's processes say: it is a process that has nothing but what that takes. Without it the
 * jail's sockets lead nowhere: that is safe, but the log says why.
 */
static void start_broker(struct monitor *m, char **argv, int view, struct broker_fds *f)
{
	struct timeval limit = { .tv_sec = 2 };
	struct err e = ERR_INIT;
	pid_t me = getpid(), pid;
	int pair[2], asks[2] = { -1, -1 };

	if (hold_parse(argv[3], &m->h, &e) < 0) {
		complain(m, &e);
		return;
	}
	choose_sources(m);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, asks) < 0 || (pid = fork()) < 0) {
		(void)err_sys(&e, "start the socket broker");
		complain(m, &e);
		return;
	}
	if (pid == 0) {
		int r;

		f->control = pair[1];
		f->nat = asks[1];
		(void)setsockopt(asks[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		close(pair[0]);
		close(asks[0]);
		close(MONITOR_FD_FIRST + MONITOR_CONSOLE);
		close(MONITOR_FD_FIRST + MONITOR_CONTROL);
		r = be_broker(m, argv, view, f, me, &e);
		if (r < 0)
			complain(m, &e);
		_exit(r < 0);
	}
	close(pair[1]);
	close(asks[1]);
	m->asks = asks[0];
	set_nonblock(m->asks);
	(void)setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	m->broker = pair[0];
	m->broker_pid = pid;
	m->announce_at = m->h.n4 + m->h.n6 ? now_ms() + SETTLE_MS : 0;
}

/* Of a VNET jail, whose sockets are its own: what is asked there is reboot(2). */
static void hear_listener(struct monitor *m, int listener, pid_t first)
{
	struct err e = ERR_INIT;

	if (listeners_open(&m->listeners, first, &e) < 0) {
		complain(m, &e);
		(void)close(listener);
	} else {
		(void)listeners_add(&m->listeners, listener);
	}
}

int main(int argc, char **argv)
{
	static struct monitor m = { .log = { .fd = -1 }, .slave = -1, .broker = -1, .asks = -1, .listeners.epoll = -1 };
	int pidfd = fd_of(MONITOR_PIDFD), console = fd_of(MONITOR_CONSOLE), listener = fd_of(MONITOR_LISTENER);
	int view = fd_of(MONITOR_VIEW), control = fd_of(MONITOR_CONTROL);

	if (argc < 7 || pidfd < 0) {
		fprintf(stderr, "iocage-monitor is started by iocage itself\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	/* a jail that fills the memory is to lose its own processes, not this one; without the right to say so: as it is */
	(void)!fs_poke(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
	m.log.path = argv[2];
	m.log.max = (off_t)strtoll(argv[6], NULL, 10);
	/* nothing that is polled may keep us in a read: others may have taken what was there */
	for (int i = MONITOR_PIDFD; i < MONITOR_FDS; i++)
		if (i == MONITOR_CONSOLE || i == MONITOR_CONTROL)
			set_nonblock(MONITOR_FD_FIRST + i);
	if (console >= 0 && isatty(console))
		hold_terminal(&m, console);
	m.shared = view >= 0;
	m.on_end = argc > 7 ? argv + 7 : NULL;
	if (listener >= 0 && m.shared) {
		struct broker_fds f = { .jail = pidfd, .listener = listener, .control = -1, .nat = -1 };

		start_broker(&m, argv, view, &f);
		/* only the broker's: when it ends, callers get an error instead of waiting */
		closep(&listener);
	} else if (listener >= 0) {
		hear_listener(&m, listener, (pid_t)strtol(argv[4], NULL, 10));
	}
	watch(&m, argv, pidfd, console, control, view);
	/* who is told of an address that is about to go need not be told to the end */
	if (m.announcer > 0 && kill(m.announcer, SIGKILL) == 0)
		(void)waitpid(m.announcer, NULL, 0);
	if (m.on_end) {
		char how[ENDING_TEXT];

		ending_status(pidfd, how);
		become_ender(&m, m.how ? m.how : how);
	}
	return 0;
}
