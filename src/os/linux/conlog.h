/* conlog.h - a jail's console log on the host: appended to by the monitor and by stop, never larger than its bound. */
#ifndef IOCAGE_OS_LINUX_CONLOG_H
#define IOCAGE_OS_LINUX_CONLOG_H

#include <stddef.h>
#include <sys/types.h>

/* fd -1: not open (yet), then nothing is written. path is borrowed; "" or NULL: there is no log. */
struct conlog {
	const char *path;
	off_t max; /* bytes; beyond them the file becomes PATH.1, in place of an older one. 0: CONLOG_DEFAULT_KB */
	int fd;
};
#define CONLOG_DEFAULT_KB 1024

/*
 * Append. Several processes may: each looks at the file's size itself. A piece larger than the bound loses its beginning. A
 * full disk, or a log that cannot be opened, costs what is written and nothing else.
 */
void conlog_write(struct conlog *l, const char *data, size_t n);
/* Take what can be read from fd (O_NONBLOCK), at most max bytes. 1: there may be more, 0: nothing now, -errno; -EPIPE: its end. */
int conlog_copy(struct conlog *l, int fd, size_t max);
/*
 * What was written since the log had from bytes, at most max of it, the last: printable text, line breaks and tabs; each other
 * byte is '?'. *ret is the caller's. -errno.
 */
int conlog_tail(const char *path, off_t from, size_t max, char **ret, size_t *ret_len);

#endif
