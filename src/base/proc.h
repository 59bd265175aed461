/* proc.h - run another program by argv; never a shell line unless the user wrote one. */
#ifndef IOCAGE_BASE_PROC_H
#define IOCAGE_BASE_PROC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

struct proc_spec {
	char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH unless it has a slash */
	char *const *envp; /* NULL: the caller's environment */
	int in, out, err; /* fds for 0, 1, 2; -1: /dev/null for in, inherited for out and err */
	bool new_session; /* setsid, so that ^C at the caller does not reach it */
	int keep; /* the program has this fd, too, and so a flock(2) that it carries, also when the caller dies; -1: none */
};

#define PROC_SPEC_INIT                            \
	{                                         \
		NULL, NULL, -1, -1, -1, false, -1 \
	}

/* Start it; all other fds are closed in the child. *ret_pid is to be waited for. A failed exec is reported here. */
must_check int proc_start(const struct proc_spec *s, pid_t *ret_pid, struct err *e);

/* Wait for it. *ret_status: exit code, or 128 + signal. */
must_check int proc_wait(pid_t pid, int *ret_status, struct err *e);

/* proc_start + proc_wait; an exit status other than 0 is not an error here. */
must_check int proc_run(const struct proc_spec *s, int *ret_status, struct err *e);

/* As proc_run, with what it writes to stdout and stderr given to piece as it comes. */
typedef void (*proc_piece_fn)(void *ctx, const char *data, size_t n);
must_check int proc_read(const struct proc_spec *s, proc_piece_fn piece, void *ctx, int *ret_status, struct err *e);

/* As proc_run, collecting at most max bytes of stdout+stderr in *out (further output is read and dropped). */
must_check int proc_capture(const struct proc_spec *s, size_t max, struct sbuf *out, int *ret_status, struct err *e);

#endif
