/* monitor.c - starts a jail's monitor: the host process that keeps its console log and answers for its sockets. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/conlog.h"
#include "os/linux/jail.h"
#include "os/linux/monitor.h"
#include "os/linux/rlimits.h"
#include "os/linux/shared.h"

#define ANSWER_S 10 /* a monitor waits itself for its broker, for some seconds */
#define END_MS   5000

/* Say one thing, fd -1: none goes along; 1: 'k' came back, 0: something else. */
static int say(const struct os_jail *j, int s, const void *text, size_t len, int fd, struct err *e)
{
	int r = sync_send(s, text, len, &fd, fd >= 0 ? 1 : 0);
	char answer = 0;
	ssize_t got = r == 0 ? recv(s, &answer, 1, 0) : -1;

	if (r < 0 || got < 0)
		return err_set(e, r < 0 ? -r : errno, "the monitor of jail %s does not answer: %s", j->jail,
		               strerror(r < 0 ? -r : errno));
	return got == 1 && answer == 'k';
}

static bool is_stopped(pid_t pid)
{
	_cleanup_free_ char *path = strf("/proc/%d/stat", (int)pid), *text = NULL;
	const char *end;
	size_t n;

	if (!path || fs_read(AT_FDCWD, path, 4096, &text, &n, NULL) < 0)
		return false;
	end = strrchr(text, ')');
	return end && str_starts(end, ") T");
}

/* Only that process, and until it is one no more. */
static int end_monitor(const struct os_jail *j, struct err *e)
{
	_cleanup_close_ int fd = pidfd_open(j->monitor, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r = fd < 0 ? 0 : os_jail_alive(j->monitor, j->monitor_start, e);

	if (r <= 0)
		return r;
	if (pidfd_send_signal(fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_sys(e, "end the monitor of jail %s, which does not answer", j->jail);
	return poll(&p, 1, END_MS) > 0 ? 0
	                               : err_set(e, ETIMEDOUT,
	                                         "the monitor of jail %s (process %d) does not answer, and does not "
	                                         "end when it is killed",
	                                         j->jail, (int)j->monitor);
}

int os_monitor_answers(const struct os_jail *j, struct err *e)
{
	_cleanup_close_ int s = -1;
	struct pollfd p = { .events = POLLIN };
	const char ask = MONITOR_PING;
	struct err why = ERR_INIT;
	int r;

	if (j->monitor <= 0)
		return 1;
	p.fd = s = jail_sock_reach(j, MONITOR_SOCK, &why);
	/* nobody listens there: it has ended, or is of a version that took no questions */
	if (s == -ENOENT || s == -ECONNREFUSED)
		return 1;
	if (s >= 0 && send(s, &ask, 1, MSG_NOSIGNAL) < 0)
		return errno == EPIPE || errno == ECONNRESET ? 1 : err_sys(e, "ask the monitor of jail %s", j->jail);
	if (s < 0 && s != -EAGAIN)
		return err_set(e, -s, "%s", why.msg);
	for (int i = 0; s >= 0 && i < ANSWER_S; i++) {
		/* an answer, or its end */
		if (poll(&p, 1, 1000) > 0)
			return 1;
		if (is_stopped(j->monitor))
			break;
	}
	r = end_monitor(j, e);
	return r < 0 ? r : 0;
}

int monitor_give_listener(const struct os_jail *j, unsigned allow, int listener, struct err *e)
{
	const unsigned char text[2] = { MONITOR_LISTEN, (unsigned char)broker_flags_for(allow) };
	_cleanup_close_ int s = jail_sock_reach(j, MONITOR_SOCK, e);
	int r = s < 0 ? s : say(j, s, text, sizeof(text), listener, e);

	if (r == 0)
		return err_set(
			e, EBUSY,
			"the socket broker of jail %s has ended or takes no more commands, so nothing in it gets a new "
			"socket; restart the jail",
			j->jail);
	return r < 0 ? r : 0;
}

int monitor_set_hold(const struct os_jail *j, const char *text, struct err *e)
{
	_cleanup_free_ char *msg = strf("%c%s", MONITOR_HOLD, text);
	_cleanup_close_ int s = -1;
	struct err why = ERR_INIT;
	int r;

	if (!msg)
		return err_oom(e);
	s = jail_sock_reach(j, MONITOR_SOCK, &why);
	if (s == -ECONNREFUSED || s == -ENOENT)
		return 0;
	if (s < 0)
		return err_set(e, -s, "%s", why.msg);
	r = say(j, s, msg, strlen(msg), -1, &why);
	/* what it holds is in the kernel: an address that is taken away is, whether or not the monitor agrees */
	if (r == -EAGAIN && os_monitor_answers(j, e) == 0)
		return 0;
	if (r < 0)
		return err_set(e, -r, "%s", why.msg);
	if (r == 0)
		return err_set(e, EPROTO, "the monitor of jail %s does not take its new addresses", j->jail);
	return r < 0 ? r : 0;
}

/* In the new process: fds to their places, everything else closed, and off. */
static void become_monitor(char *const *argv, const int *fds)
{
	int high[MONITOR_FDS], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	rlimits_of_ours();
	setsid();
	for (int i = 0; i < MONITOR_FDS; i++)
		high[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, 100);
	for (int i = 0; i < MONITOR_FDS; i++) {
		if (high[i] >= 0)
			(void)dup2(high[i], MONITOR_FD_FIRST + i);
		else
			(void)close(MONITOR_FD_FIRST + i);
	}
	(void)dup2(null, 0);
	(void)dup2(null, 1);
	(void)dup2(null, 2);
	(void)close_range(MONITOR_FD_FIRST + MONITOR_FDS, ~0U, 0);
	if (chdir("/") == 0)
		execv(argv[0], argv);
	_exit(127);
}

int monitor_start(struct os *os, int console, int listener, int view, unsigned allow, struct err *e)
{
	_cleanup_close_ int group = cgroup_open(os->j->cgroup, "mon", e), ctl = -1, pidfd = -1;
	_cleanup_(strv_done) struct strv argv = { 0 };
	_cleanup_(sbuf_done) struct sbuf hold = { 0 };
	int fds[MONITOR_FDS], r;
	pid_t pid;

	if (group < 0)
		return group;
	ctl = jail_sock_listen(os->j, MONITOR_SOCK, e);
	if (ctl < 0)
		return ctl;
	hold_format(&os->hold, &hold);
	r = strv_adopt(&argv, strf("%s/iocage-monitor", os_libexec()));
	if (r == 0)
		r = strv_add(&argv, os->j->jail);
	if (r == 0)
		r = strv_add(&argv, os->j->console_log ? os->j->console_log : "");
	if (r == 0)
		r = strv_add(&argv, os->held && hold.p ? hold.p : "");
	if (r == 0)
		r = strv_adopt(&argv, strf("%d", (int)os->j->pid));
	if (r == 0)
		r = strv_adopt(&argv, strf("%u", broker_flags_for(allow)));
	if (r == 0)
		r = strv_adopt(&argv,
		               strf("%llu", 1024ULL * (os->j->console_kb ? os->j->console_kb : CONLOG_DEFAULT_KB)));
	for (char *const *p = os->j->on_death; p && *p && r == 0; p++)
		r = strv_add(&argv, *p);
	if (r < 0 || hold.failed)
		return err_oom(e);
	if (access(argv.v[0], X_OK) < 0)
		return err_sys(e, "start the jail's monitor %s", argv.v[0]);
	fds[MONITOR_PIDFD] = os->pidfd;
	fds[MONITOR_CONSOLE] = console;
	fds[MONITOR_LISTENER] = listener;
	fds[MONITOR_VIEW] = os->j->vnet ? -1 : view;
	fds[MONITOR_CONTROL] = ctl;
	pid = jail_fork_into_cgroup(group, &pidfd);
	if (pid == 0)
		become_monitor(argv.v, fds);
	if (pid < 0)
		return err_sys(e, "start the jail's monitor");
	os->j->monitor = pid;
	r = proc_start_time(pid, &os->j->monitor_start);
	return r < 0 && r != -ESRCH ? err_set(e, -r, "read the start time of the jail's monitor: %s", strerror(-r)) : 0;
}
