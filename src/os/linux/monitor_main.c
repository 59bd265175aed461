/* monitor_main.c - the monitor program: one per running jail, on the host; console log, socket broker, the jail's end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
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
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/linux/monitor.h"
#include "os/linux/shared.h"

#define LOG_MAX       (1024 * 1024) /* then it becomes LOGFILE.1 */
#define LISTENERS_MAX 1024 /* processes brought in by exec at one time */
#define SETTLE_MS     50 /* the neighbours hear of addresses when the start is over: it shall not wait for that */
#define MESSAGE_MAX   32768 /* a hold with all the addresses there can be */
#define FOLLOW_AFTER  500 /* ms: a start has better things to do */

struct monitor {
	const char *log_path;
	struct follow *follow; /* the view follows the host; NULL: not yet, or there is none */
	int log;
	off_t log_size;
	struct broker *broker;
	int listeners[LISTENERS_MAX];
	unsigned nlisteners;
	struct hold h;
	int64_t announce_at; /* monotonic milliseconds, 0: nothing to tell */
	pid_t announcer; /* a process that tells the neighbours, 0: none */
	int control; /* one accepted connection at a time: the peer is host root and says one thing */
};

static int fd_of(int which)
{
	int fd = MONITOR_FD_FIRST + which;

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return fd;
}

static void open_log(struct monitor *m)
{
	struct stat st;

	if (!*m->log_path)
		return;
	m->log = open(m->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	m->log_size = m->log >= 0 && fstat(m->log, &st) == 0 ? st.st_size : 0;
}

static void rotate_log(struct monitor *m)
{
	_cleanup_free_ char *old = strf("%s.1", m->log_path);

	if (old)
		(void)rename(m->log_path, old);
	close(m->log);
	open_log(m);
}

/* false: the jail closed its last console fd */
static bool copy_console(struct monitor *m, int console)
{
	char buf[4096];
	ssize_t n = read(console, buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	if (m->log >= 0) {
		/* a full disk costs the log, not the jail */
		if (fs_write_all(m->log, buf, (size_t)n) == 0)
			m->log_size += n;
		if (m->log_size > LOG_MAX)
			rotate_log(m);
	}
	return true;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool set_hold(struct monitor *m, const char *text)
{
	struct err e = ERR_INIT;

	if (hold_parse(text, &m->h, &e) < 0)
		return false;
	broker_hold(m->broker, &m->h);
	m->announce_at = now_ms() + SETTLE_MS;
	return true;
}

/* Milliseconds to wait at most for something to happen. */
static int patience(const struct monitor *m)
{
	int64_t left = m->announce_at - now_ms();

	if (!m->announce_at)
		return m->announcer ? SETTLE_MS : -1;
	return left > 0 ? (int)left : 0;
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
		announce(&m->h);
		_exit(0);
	}
	if (m->announcer < 0)
		m->announcer = 0;
}

/*
 * exec brings a listener, set a new hold. They wait for the answer: before the command runs, so that no socket(2) finds
 * nobody; before the change counts as made.
 */
static void take_message(struct monitor *m, int control)
{
	_cleanup_close_ int c = accept4(control, NULL, NULL, SOCK_CLOEXEC);
	struct timeval limit = { .tv_sec = 2 };
	int fds[1] = { -1 };
	static char msg[MESSAGE_MAX];
	bool taken = false;
	ssize_t n;

	if (c < 0)
		return;
	(void)setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	n = sync_recv(c, msg, sizeof(msg) - 1, fds, 1);
	msg[n > 0 ? n : 0] = '\0';
	if (*msg == 'L' && fds[0] >= 0 && m->nlisteners < LISTENERS_MAX) {
		m->listeners[m->nlisteners++] = take_fd(&fds[0]);
		taken = true;
	} else if (*msg == 'H') {
		taken = set_hold(m, msg + 1);
	}
	closep(&fds[0]);
	if (taken)
		(void)send(c, "k", 1, MSG_NOSIGNAL);
}

static void serve_listeners(struct monitor *m, const struct pollfd *p)
{
	for (unsigned i = m->nlisteners; i-- > 0;) {
		bool alive = true;

		if (p[i].revents & POLLIN)
			alive = broker_serve(m->broker, m->listeners[i]);
		else if (p[i].revents)
			alive = false;
		if (!alive) {
			close(m->listeners[i]);
			m->listeners[i] = m->listeners[--m->nlisteners];
		}
	}
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
static void follow_view(struct monitor *m, int view, int *fd)
{
	struct err e = ERR_INIT;

	if (m->follow) {
		follow_serve(m->follow);
		return;
	}
	closep(fd);
	*fd = -1;
	if (follow_open(view, &m->follow, &e) == 0)
		*fd = follow_fd(m->follow);
	else if (m->log >= 0)
		dprintf(m->log, "iocage-monitor: %s\n", e.msg);
}

/* Until the jail's first process ends. */
static void watch(struct monitor *m, int pidfd, int console, int control, int view)
{
	static struct pollfd p[4 + LISTENERS_MAX];
	int follow = follow_later(view);

	for (;;) {
		unsigned n = m->nlisteners;

		p[0] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = console, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = control, .events = POLLIN };
		p[3] = (struct pollfd){ .fd = follow, .events = POLLIN };
		for (unsigned i = 0; i < n; i++)
			p[4 + i] = (struct pollfd){ .fd = m->listeners[i], .events = POLLIN };
		if (poll(p, 4 + n, patience(m)) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (n)
			serve_listeners(m, p + 4);
		tell_neighbours(m);
		if (p[1].revents && !copy_console(m, console))
			console = -1;
		if (p[2].revents & POLLIN)
			take_message(m, control);
		if (p[3].revents)
			follow_view(m, view, &follow);
		if (p[0].revents) {
			/* what it said last is still in the pipe */
			while (console >= 0 && poll(&p[1], 1, 0) > 0 && (p[1].revents & POLLIN) &&
			       copy_console(m, console))
				;
			return;
		}
	}
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

int main(int argc, char **argv)
{
	static struct monitor m = { .log = -1 };
	struct err e = ERR_INIT;
	int pidfd = fd_of(MONITOR_PIDFD), console = fd_of(MONITOR_CONSOLE), listener = fd_of(MONITOR_LISTENER);
	int view = fd_of(MONITOR_VIEW), control = fd_of(MONITOR_CONTROL);

	if (argc < 4 || pidfd < 0) {
		fprintf(stderr, "iocage-monitor is started by iocage itself\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	umask(0077);
	/* a jail that fills the memory is to lose its own processes, not this one; without the right to say so: as it is */
	(void)!fs_poke(AT_FDCWD, "/proc/self/oom_score_adj", "-900");
	m.log_path = argv[2];
	open_log(&m);
	if (listener >= 0) {
		/* without a broker the jail's sockets lead nowhere: that is safe, but say why in its log */
		if (hold_parse(argv[3], &m.h, &e) < 0 || broker_open(view, &m.h, &m.broker, &e) < 0) {
			if (m.log >= 0)
				dprintf(m.log, "iocage-monitor: %s\n", e.msg);
			closep(&listener);
		} else {
			m.listeners[m.nlisteners++] = listener;
			m.announce_at = m.h.n4 + m.h.n6 ? now_ms() + SETTLE_MS : 0;
		}
	}
	watch(&m, pidfd, console, m.broker ? control : -1, view);
	if (m.announcer)
		(void)waitpid(m.announcer, NULL, 0);
	if (argc > 4) {
		leave_cgroup();
		execv(argv[4], argv + 4);
	}
	return 0;
}
