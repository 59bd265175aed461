/* proc.c - starts programs by argv with exactly the fds named, and waits for them. */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

extern char **environ;

/* Where the child keeps the pipe that tells of a failed exec, and what else it keeps; everything above is closed. */
#define REPORT_FD 3
#define KEEP_FD   4

static _Noreturn void child_fail(int report, int code)
{
	ssize_t r = write(report, &code, sizeof(code));

	(void)r;
	_exit(127);
}

/*
 * 0, 1, 2 and what is kept, as asked. The sources may be among these numbers themselves and in any order, so all of them are
 * first moved above. Returns where report is now, or -1.
 */
static int place_fds(const struct proc_spec *s, int report)
{
	int want[3] = { s->in, s->out, s->err }, at[3];
	int keep = s->keep < 0 ? -1 : fcntl(s->keep, F_DUPFD_CLOEXEC, KEEP_FD + 1);

	if (s->keep >= 0 && keep < 0)
		return -1;

	for (int i = 0; i < 3; i++) {
		int src = want[i] >= 0 ? want[i] : i;

		at[i] = i == 0 && want[0] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : src;
		if (at[i] < 0)
			return -1;
		at[i] = fcntl(at[i], F_DUPFD_CLOEXEC, KEEP_FD + 1);
		/* an inherited 1 or 2 that is closed stays closed */
		if (at[i] < 0 && !(errno == EBADF && want[i] < 0))
			return -1;
	}
	if (report != REPORT_FD) {
		if (dup2(report, REPORT_FD) < 0 || fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC) < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++)
		if (at[i] >= 0 && dup2(at[i], i) < 0)
			return -1;
	if (keep >= 0 && dup2(keep, KEEP_FD) < 0)
		return -1;
	return REPORT_FD;
}

static void reset_signals(void)
{
	sigset_t none;

	/* a handler of ours cannot survive exec, an ignored signal or a mask would */
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_main(const struct proc_spec *s, int report)
{
	int fd = place_fds(s, report);

	if (fd < 0)
		child_fail(report, errno);
	if (close_range(s->keep < 0 ? KEEP_FD : KEEP_FD + 1, ~0U, 0) < 0)
		child_fail(fd, errno);
	if (s->new_session && setsid() < 0)
		child_fail(fd, errno);
	reset_signals();
	if (s->envp)
		environ = (char **)s->envp;
	execvp(s->argv[0], s->argv);
	child_fail(fd, errno);
}

/* The child's errno when it could not exec; end of file means it did. */
static int read_report(int fd)
{
	int code = 0;
	ssize_t r;

	do
		r = read(fd, &code, sizeof(code));
	while (r < 0 && errno == EINTR);
	return r == (ssize_t)sizeof(code) ? code : 0;
}

int proc_start(const struct proc_spec *s, pid_t *ret_pid, struct err *e)
{
	_cleanup_close_ int rd = -1, wr = -1;
	int p[2], code;
	sigset_t all, old;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "cannot start %s", s->argv[0]);
	rd = p[0];
	wr = p[1];
	/* no handler of the caller's may run in the child before it has reset them */
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		child_main(s, wr);
	code = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	errno = code;
	if (pid < 0)
		return err_sys(e, "cannot start %s", s->argv[0]);
	(void)close(take_fd(&wr));
	code = read_report(rd);
	if (code) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err_set(e, code, "cannot run %s: %s", s->argv[0],
		               code == ENOENT && !strchr(s->argv[0], '/') ? "not found in PATH" : strerror(code));
	}
	*ret_pid = pid;
	return 0;
}

int proc_wait(pid_t pid, int *ret_status, struct err *e)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot wait for process %ld", (long)pid);
	*ret_status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	return 0;
}

int proc_run(const struct proc_spec *s, int *ret_status, struct err *e)
{
	pid_t pid;
	int r = proc_start(s, &pid, e);

	return r < 0 ? r : proc_wait(pid, ret_status, e);
}

int proc_read(const struct proc_spec *s, proc_piece_fn piece, void *ctx, int *ret_status, struct err *e)
{
	struct proc_spec with = *s;
	_cleanup_close_ int rd = -1, wr = -1;
	int p[2], r;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "cannot start %s", s->argv[0]);
	rd = p[0];
	with.out = with.err = wr = p[1];
	r = proc_start(&with, &pid, e);
	if (r < 0)
		return r;
	(void)close(take_fd(&wr));
	for (;;) {
		char buf[4096];
		ssize_t n = read(rd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		piece(ctx, buf, (size_t)n);
	}
	return proc_wait(pid, ret_status, e);
}

struct captured {
	struct sbuf *out;
	size_t room;
};

static void capture(void *ctx, const char *data, size_t n)
{
	struct captured *c = ctx;

	if (n > c->room)
		n = c->room;
	sbuf_addn(c->out, data, n);
	c->room -= n;
}

int proc_capture(const struct proc_spec *s, size_t max, struct sbuf *out, int *ret_status, struct err *e)
{
	struct captured c = { out, max };
	int r = proc_read(s, capture, &c, ret_status, e);

	return r == 0 && out->failed ? err_oom(e) : r;
}
