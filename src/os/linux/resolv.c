/* resolv.c - the resolv.conf of a jail that runs is written anew, as the jail's root and following nothing in it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/jail.h"

#define RESOLV_CONF "/etc/resolv.conf"

static int remove_file(int root, struct err *e)
{
	_cleanup_close_ int etc = open_in_root(root, "/etc", O_RDONLY | O_DIRECTORY, 0);

	if (etc < 0)
		return etc == -ENOENT ? 0 : err_set(e, -etc, "open /etc in the jail: %s", strerror(-etc));
	return unlinkat(etc, "resolv.conf", 0) < 0 && errno != ENOENT ? err_sys(e, "remove " RESOLV_CONF " in the jail")
	                                                              : 0;
}

/* In the new process: the jail's ids, so that the file is its root's and quotas and modes count. */
static int write_as_root(int userns, int root, const char *text, struct err *e)
{
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
	if (setns(userns, CLONE_NEWUSER) < 0)
		return err_sys(e, "enter the jail's user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return err_sys(e, "become the jail's root");
	umask(0022);
	return text ? write_in_root(root, RESOLV_CONF, text, strlen(text), e) : remove_file(root, e);
}

static int write_apart(int userns, int root, const char *text, struct err *e)
{
	struct child_report rep = { .code = EPROTO };
	int pair[2], status;
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a socket pair");
	pid = fork();
	if (pid == 0) {
		rep.code = -write_as_root(userns, root, text, e);
		(void)snprintf(rep.msg, sizeof(rep.msg), "%s", rep.code ? e->msg : "");
		(void)!send(pair[1], &rep, sizeof(rep), MSG_NOSIGNAL);
		_exit(0);
	}
	close(pair[1]);
	n = pid < 0 ? -1 : recv(pair[0], &rep, sizeof(rep), 0);
	close(pair[0]);
	if (pid < 0)
		return err_sys(e, "start a process to write " RESOLV_CONF);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)sizeof(rep))
		return err_set(e, EPROTO, "the process that writes " RESOLV_CONF " in the jail did not answer");
	return rep.code ? err_set(e, rep.code, "%s", rep.msg) : 0;
}

int jail_resolv(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_free_ char *root_path = strf("/proc/%d/root", (int)os->j->pid);
	_cleanup_free_ char *user_path = strf("/proc/%d/ns/user", (int)os->j->pid);
	_cleanup_close_ int root = -1, userns = -1;
	int r;

	if (!root_path || !user_path)
		return err_oom(e);
	if (os->j->pid <= 0)
		return 0;
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	userns = root < 0 ? -1 : open(user_path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : err_sys(e, "reach the root of jail %s", os->j->jail);
	/* a process id that is somebody else's by now */
	r = os_jail_alive(os->j->pid, os->j->pid_start, e);
	if (r <= 0)
		return r;
	return write_apart(userns, root, op->text, e);
}
