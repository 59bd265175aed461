/* err.h - the one error object: what was tried, on what, what went wrong, what to do. */
#ifndef IOCAGE_BASE_ERR_H
#define IOCAGE_BASE_ERR_H

/* What kind of failure it was; main.c turns this into the exit status. */
enum err_class {
	ERR_FAIL = 0, /* something could not be done: exit 1 */
	ERR_USAGE, /* the command line itself is wrong: exit 2 */
	ERR_MISSING, /* the named thing does not exist: exit 1 */
	ERR_BUSY, /* it is running, locked or in use: exit 1 */
	ERR_ENTRY, /* what a jail runs first could not be run, or failed: exit 1 */
};

/*
 * Owned by the caller, usually on the stack of a command; needs no allocation, so out of memory can be reported too.
 * Start it with ERR_INIT. A function that succeeds leaves it alone.
 */
struct err {
	int code; /* errno value, always > 0 once set */
	enum err_class cls;
	char msg[1024]; /* one or more lines, no trailing newline */
};

#define ERR_INIT                \
	{                       \
		0, ERR_FAIL, "" \
	}

#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#define must_check             __attribute__((warn_unused_result))

/*
 * Fill e with code and a message and return -code: `return err_set(e, EINVAL, "...")`. A code <= 0 becomes EIO, so the
 * result is always negative. e may be NULL.
 */
int err_set(struct err *e, int code, const char *fmt, ...) printf_like(3, 4);

/* As err_set, with the class named. */
int err_class(struct err *e, enum err_class cls, int code, const char *fmt, ...) printf_like(4, 5);

/* As err_set with the current errno as code and ": strerror(errno)" at the end. */
int err_sys(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Put "context: " in front of what is there; returns -e->code. Use it on the way up. */
int err_wrap(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Append a further line (what to do about it); returns -e->code. */
int err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Out of memory, in one word: returns -ENOMEM. */
int err_oom(struct err *e);

#endif
