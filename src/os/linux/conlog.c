/* conlog.c - the console log of a jail: appending, and turning it over at its bound. */
#include "os/linux/conlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

static void open_log(struct conlog *l)
{
	struct stat st;

	if (l->fd >= 0 || !l->path || !*l->path)
		return;
	/* not blocking: a fifo in its place is no log */
	l->fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	if (l->fd >= 0 && (fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode)))
		closep(&l->fd);
}

/* Make room for n bytes. Another process may have turned the log over meanwhile: then its new file is ours, too. */
static void make_room(struct conlog *l, size_t n)
{
	_cleanup_free_ char *old = NULL;
	struct stat ours, named;

	if (l->fd < 0 || fstat(l->fd, &ours) < 0 || ours.st_size + (off_t)n <= l->max)
		return;
	if (lstat(l->path, &named) == 0 && named.st_dev == ours.st_dev && named.st_ino == ours.st_ino) {
		old = strf("%s.1", l->path);
		if (!old || rename(l->path, old) < 0) {
			/* better to lose what is old than to grow */
			(void)!ftruncate(l->fd, 0);
			return;
		}
	}
	closep(&l->fd);
	open_log(l);
	/* of another process's file there may be more than the bound allows already */
	if (l->fd >= 0 && fstat(l->fd, &ours) == 0 && ours.st_size + (off_t)n > l->max)
		(void)!ftruncate(l->fd, 0);
}

void conlog_write(struct conlog *l, const char *data, size_t n)
{
	if (!l->max)
		l->max = (off_t)CONLOG_DEFAULT_KB * 1024;
	if ((off_t)n > l->max) {
		data += n - (size_t)l->max;
		n = (size_t)l->max;
	}
	open_log(l);
	make_room(l, n);
	if (l->fd >= 0)
		(void)!fs_write_all(l->fd, data, n);
}

int conlog_copy(struct conlog *l, int fd, size_t max)
{
	char buf[4096];

	for (size_t done = 0; done < max;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EPIPE : errno == EAGAIN ? 0 : -errno;
		conlog_write(l, buf, (size_t)n);
		done += (size_t)n;
	}
	return 1;
}

int conlog_tail(const char *path, off_t from, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = malloc(max + 1);
	struct stat st;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* turned over meanwhile: all of it is new */
	if (st.st_size < from)
		from = 0;
	if (st.st_size - from > (off_t)max)
		from = st.st_size - (off_t)max;
	n = pread(fd, text, max, from);
	if (n < 0)
		return -errno;
	for (ssize_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f) && text[i] != '\n' &&
		    text[i] != '\t')
			text[i] = text[i] == '\r' ? ' ' : '?';
	text[n] = '\0';
	*ret_len = (size_t)n;
	*ret = take_ptr(text);
	return 0;
}
