/* hook.c - runs exec_prestart and its like on the host, exec_stop inside. */
#include "os/linux/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"
#include "os/linux/conlog.h"

#define COPY_MAX (64 * 1024) /* of its output before the clock is looked at again */
#define LAST_MAX (2 * 1024 * 1024) /* more than a pipe holds */

extern char **environ;

static int hook_env(const struct os_jail *j, struct strv *env)
{
	int r = 0;

	for (char **p = environ; *p && r == 0; p++)
		if (!str_starts(*p, "JID=") && !str_starts(*p, "JNAME=") && !str_starts(*p, "IOCAGE_NAME="))
			r = strv_add(env, *p);
	if (r == 0)
		r = strv_adopt(env, strf("JID=%u", j->jid));
	if (r == 0)
		r = strv_adopt(env, strf("JNAME=ioc-%s", j->jail));
	if (r == 0)
		r = strv_adopt(env, strf("IOCAGE_NAME=ioc-%s", j->jail));
	if (r == 0)
		r = strv_adopt(env, strf("JPID=%d", (int)j->pid));
	return r;
}

int hook_run(const struct os_jail *j, const struct op *op, struct err *e)
{
	_cleanup_(strv_done) struct strv env = { 0 };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	char *line = (char *)(uintptr_t)op->text, *one[] = { line, NULL };
	char *shell[] = { (char *)"/bin/sh", (char *)"-c", line, NULL };
	struct proc_spec s = PROC_SPEC_INIT;
	int status, r;

	if (hook_env(j, &env) < 0)
		return err_oom(e);
	if (!strpbrk(line, " \t\n")) {
		if (access(line, X_OK) < 0)
			return err_set(e, errno, "Script is not executable! (%s: %s)", line, strerror(errno));
		s.argv = one;
	} else {
		s.argv = shell;
	}
	s.envp = env.v;
	r = proc_capture(&s, 700, &out, &status, e);
	if (r < 0)
		return err_wrap(e, "%s", op->name);
	while (out.len && out.p[out.len - 1] == '\n')
		out.p[--out.len] = '\0';
	if (status)
		return err_set(e, ECHILD, "%s returned non-zero status: %d%s%s", op->name, status, out.len ? "\n" : "",
		               out.len ? out.p : "");
	return 0;
}

/* Entering takes a process of its own: this one stays on the host. out: what the command says goes there. */
static void exec_inside(const struct os_jail *j, const struct op *op, int out) __attribute__((noreturn));
static void exec_inside(const struct os_jail *j, const struct op *op, int out)
{
	static char *const env[] = { (char *)"PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
		                     (char *)"HOME=/", (char *)"PWD=/", NULL };
	_cleanup_(strv_done) struct strv argv = { 0 };
	struct os_exec x = { .env = env, .allow = op->flags };
	struct err e = ERR_INIT;
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || strv_words(&argv, op->text) < 0)
		_exit(126);
	x.argv = argv.v;
	if (os_exec(j, &x, &status, &e) < 0) {
		dprintf(2, "%s\n", e.msg);
		status = 126;
	}
	_exit(status > 255 ? 255 : status);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the process ends, at most wait_ms (-1: as long as it takes), with its output into the log. Did it end. */
static bool await_end(int pidfd, int out, struct conlog *log, int64_t wait_ms)
{
	int64_t end = now_ms() + wait_ms, left = -1;
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN }, { .fd = out, .events = POLLIN } };

	for (;;) {
		if (wait_ms >= 0 && (left = end - now_ms()) < 0)
			left = 0;
		if (poll(p, 2, left > INT_MAX ? INT_MAX : (int)left) < 0 && errno != EINTR)
			return false;
		if (p[0].revents) {
			(void)conlog_copy(log, out, LAST_MAX);
			return true;
		}
		if (p[1].revents && conlog_copy(log, out, COPY_MAX) < 0)
			p[1].fd = -1;
		if (left == 0)
			return false;
	}
}

int hook_exec_inside(const struct os_jail *j, const struct op *op, struct err *e)
{
	struct conlog log = { .path = j->console_log, .max = (off_t)j->console_kb * 1024, .fd = -1 };
	_cleanup_close_ int fd = -1, rd = -1, wr = -1, close_log = -1;
	int status, out[2];
	bool ended;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_sys(e, "make a pipe");
	rd = out[0];
	wr = out[1];
	/* to whoever writes it is a pipe like any other */
	(void)fcntl(wr, F_SETFL, 0);
	pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		exec_inside(j, op, wr);
	closep(&wr);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	ended = await_end(fd, rd, &log, op->timeout ? (int64_t)op->timeout * 1000 : -1);
	if (!ended) {
		kill(pid, SIGTERM); /* passed on to the command; what is left of it dies with the jail */
		/* one that is stopped hears nothing any more */
		if (!await_end(fd, rd, &log, 1000))
			kill(pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close_log = log.fd;
	if (!ended)
		return err_set(e, ETIMEDOUT, "`%s` did not end within %u seconds", op->text, op->timeout);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ECHILD, "`%s` ended with status %d in the jail", op->text,
		               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
