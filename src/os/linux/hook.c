/* hook.c - runs exec_prestart and its like on the host, exec_stop inside. */
#include "os/linux/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/str.h"

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

/* Entering takes a process of its own: this one stays on the host. */
static void exec_inside(const struct os_jail *j, const struct op *op)
{
	static char *const env[] = { (char *)"PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
		                     (char *)"HOME=/", (char *)"PWD=/", NULL };
	_cleanup_(strv_done) struct strv argv = { 0 };
	struct os_exec x = { .env = env, .allow = op->flags };
	struct err e = ERR_INIT;
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int log = j->console_log ? open(j->console_log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)
	                         : -1;

	if (null < 0 || dup2(null, 0) < 0 || dup2(log >= 0 ? log : null, 1) < 0 || dup2(log >= 0 ? log : null, 2) < 0 ||
	    strv_words(&argv, op->text) < 0)
		_exit(126);
	x.argv = argv.v;
	if (os_exec(j, &x, &status, &e) < 0) {
		dprintf(2, "%s\n", e.msg);
		status = 126;
	}
	_exit(status > 255 ? 255 : status);
}

int hook_exec_inside(const struct os_jail *j, const struct op *op, struct err *e)
{
	_cleanup_close_ int fd = -1;
	pid_t pid = fork();
	struct pollfd p;
	int status, n;

	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0)
		exec_inside(j, op);
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	p = (struct pollfd){ .fd = fd, .events = POLLIN };
	do
		n = poll(&p, 1, op->timeout ? (int)op->timeout * 1000 : -1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		kill(pid, SIGTERM); /* passed on to the command; what is left of it dies with the jail */
	if (n == 0 && poll(&p, 1, 1000) == 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n == 0)
		return err_set(e, ETIMEDOUT, "`%s` did not end within %u seconds", op->text, op->timeout);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ECHILD, "`%s` ended with status %d in the jail", op->text,
		               WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
