/* streams.c - pipes for the standard streams of a command in a jail, and the bytes between them and ours. */
#include "os/linux/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool is_null(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

/* Are 1 and 2 one open file, and not just one name of it: two that were opened each have a place in it of their own. */
static bool same_file(const struct stat *a, const struct stat *b)
{
	long r;

	if (a->st_dev != b->st_dev || a->st_ino != b->st_ino)
		return false;
	if (!S_ISREG(a->st_mode))
		return true;
	r = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, 1, 2);
	return r == 0 || (r < 0 && lseek(1, 0, SEEK_CUR) == lseek(2, 0, SEEK_CUR));
}

/*
 * A pipe or a fifo of ours is opened anew: whoever has the other end decides how fast it goes, and we must not be kept in a call
 * by that. Setting O_NONBLOCK on what we were given would change it for others who have it.
 */
static int own_end(int fd, const struct stat *st, int flags)
{
	char path[32];
	int own = -1;

	if (S_ISFIFO(st->st_mode)) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, flags | O_NONBLOCK | O_CLOEXEC);
	}
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int make_pipe(uid_t owner, int *ret_read, int *ret_write, struct err *e)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return err_sys(e, "make a pipe for the command");
	*ret_read = p[0];
	*ret_write = p[1];
	/* a program may open again by name what it has (/dev/stdout) */
	return fchown(p[0], owner, owner) < 0 ? err_sys(e, "hand over the command's pipe") : 0;
}

static int open_in(struct streams *s, const struct stat *st, uid_t owner, struct err *e)
{
	int r = make_pipe(owner, &s->theirs[0], &s->in.to, e);

	if (r < 0)
		return r;
	if (s->null[0]) {
		closep(&s->in.to);
		return 0;
	}
	(void)fcntl(s->in.to, F_SETFL, O_NONBLOCK);
	s->file = S_ISREG(st->st_mode);
	s->in.eager = true;
	s->in.socket = S_ISSOCK(st->st_mode);
	s->in.from = own_end(0, st, O_RDONLY);
	return s->in.from < 0 ? err_sys(e, "keep standard input") : 0;
}

static int open_out(struct streams *s, int i, const struct stat *st, uid_t owner, struct err *e)
{
	struct flow *f = &s->out[i - 1];
	int r = make_pipe(owner, &f->from, &s->theirs[i], e);

	if (r < 0)
		return r;
	(void)fcntl(f->from, F_SETFL, O_NONBLOCK);
	f->socket = S_ISSOCK(st->st_mode);
	f->eager = !S_ISCHR(st->st_mode);
	f->to = own_end(i, st, O_WRONLY);
	return f->to < 0 ? err_sys(e, "keep standard output") : 0;
}

int streams_open(struct streams *s, const bool skip[3], uid_t owner, struct err *e)
{
	struct stat st[3];
	int r = 0;

	for (int i = 0; i < 3; i++) {
		if (fstat(i, &st[i]) < 0)
			return err_sys(e, "look at what standard stream %d is", i);
		s->null[i] = is_null(&st[i]);
	}
	s->joined = !skip[1] && !skip[2] && same_file(&st[1], &st[2]);
	for (int i = 0; i < 3 && r == 0; i++)
		if (!skip[i] && !(i == 2 && s->joined))
			r = i ? open_out(s, i, &st[i], owner, e) : open_in(s, &st[0], owner, e);
	if (r < 0)
		streams_done(s);
	return r;
}

int streams_place(struct streams *s, const bool skip[3], struct err *e)
{
	int null = -1;

	for (int i = 0; i < 3; i++) {
		int fd = s->theirs[i == 2 && s->joined ? 1 : i];

		if (skip[i])
			fd = null = null < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : null;
		if (fd < 0 || dup2(fd, i) < 0)
			return err_sys(e, "give the command its streams");
	}
	closep(&null);
	streams_done(s);
	return 0;
}

/* The jail's own, and only if it is what it is called: /dev is the jail's to change. */
static void open_null(int i)
{
	int fd = open("/dev/null", (i ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && is_null(&st)) {
		(void)fcntl(fd, F_SETFL, 0);
		(void)dup2(fd, i);
	}
	close(fd);
}

int streams_settle(const struct streams *s, const bool skip[3], uid_t uid, struct err *e)
{
	for (int i = 0; i < 3; i++) {
		if (skip[i])
			continue;
		if (s->null[i])
			open_null(i);
		else if (uid && fchown(i, uid, (gid_t)-1) < 0)
			return err_sys(e, "hand the command's streams to its user");
	}
	return 0;
}

void streams_close_theirs(struct streams *s)
{
	for (int i = 0; i < 3; i++)
		closep(&s->theirs[i]);
}

static void flow_done(struct flow *f)
{
	closep(&f->from);
	closep(&f->to);
	free(f->buf);
	f->buf = NULL;
	f->at = f->len = 0;
}

void streams_done(struct streams *s)
{
	streams_close_theirs(s);
	closep(&s->unread);
	flow_done(&s->in);
	flow_done(&s->out[0]);
	flow_done(&s->out[1]);
}

/* --- one flow --- */

/* Nobody reads it: then nobody is to write it, and who does gets what a pipe without a reader gives. */
static void cut(struct flow *f)
{
	closep(&f->from);
	closep(&f->to);
	f->at = f->len = 0;
}

static bool later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* from_us: it is our end that is read. */
static void flow_read(struct flow *f, bool from_us, size_t max)
{
	ssize_t n;

	if (!f->buf)
		f->buf = malloc(FLOW_SIZE);
	if (!f->buf) {
		cut(f);
		return;
	}
	n = from_us && f->socket ? recv(f->from, f->buf, max, MSG_DONTWAIT) : read(f->from, f->buf, max);
	if (n < 0 && later())
		return;
	f->at = 0;
	f->len = n > 0 ? (size_t)n : 0;
	if (n <= 0)
		closep(&f->from);
}

static void flow_write(struct flow *f, bool to_us)
{
	const char *data = f->buf + f->at;
	size_t len = f->len - f->at;
	ssize_t n = to_us && f->socket ? send(f->to, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) : write(f->to, data, len);

	if (n < 0 && !later()) {
		cut(f);
		return;
	}
	f->at += n > 0 ? (size_t)n : 0;
	if (f->at == f->len)
		f->at = f->len = 0;
}

static void flow_wants(const struct flow *f, struct pollfd *p)
{
	p[0] = (struct pollfd){ .fd = f->len ? -1 : f->from, .events = POLLIN };
	/* that nobody reads it any more is told unasked */
	p[1] = (struct pollfd){ .fd = f->to, .events = f->len ? POLLOUT : 0 };
}

static void flow_turn(struct flow *f, bool inward, const struct pollfd *p)
{
	if (f->to >= 0 && p[1].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		cut(f);
		return;
	}
	if (f->len && p[1].revents & POLLOUT)
		flow_write(f, !inward);
	if (f->len || f->from < 0 || !p[0].revents)
		return;
	flow_read(f, inward, FLOW_SIZE);
	/* mostly there is room */
	if (f->len && f->eager)
		flow_write(f, !inward);
}

void streams_wants(const struct streams *s, struct pollfd p[static STREAMS_POLL])
{
	flow_wants(&s->in, p);
	flow_wants(&s->out[0], p + 2);
	flow_wants(&s->out[1], p + 4);
}

void streams_turn(struct streams *s, const struct pollfd p[static STREAMS_POLL])
{
	bool fed = s->in.from >= 0;
	char path[32];

	flow_turn(&s->in, true, p);
	if (s->in.from < 0 && s->in.to >= 0 && !s->in.len) {
		if (fed && s->file) {
			(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", s->in.to);
			s->unread = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		}
		closep(&s->in.to);
	}
	flow_turn(&s->out[0], false, p + 2);
	flow_turn(&s->out[1], false, p + 4);
}

/* --- the end --- */

/* Until it is written, or our other side is gone, or a signal says that we are to end. */
static bool write_rest(struct flow *f, int sigfd)
{
	while (f->len && f->to >= 0) {
		struct pollfd p[] = { { .fd = f->to, .events = POLLOUT }, { .fd = sigfd, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return false;
		if (p[0].revents)
			flow_write(f, true);
		else if (p[1].revents)
			return false;
	}
	return true;
}

static int bytes_in(int fd)
{
	int n = 0;

	return fd >= 0 && ioctl(fd, FIONREAD, &n) == 0 && n > 0 ? n : 0;
}

/* What is in a pipe is counted once: whoever goes on writing into it does not keep us. */
static bool finish(struct flow *f, int sigfd)
{
	size_t left = (size_t)bytes_in(f->from);

	if (!write_rest(f, sigfd))
		return false;
	while (left && f->from >= 0 && f->to >= 0) {
		flow_read(f, false, left < FLOW_SIZE ? left : FLOW_SIZE);
		if (!f->len)
			break;
		left -= f->len;
		if (!write_rest(f, sigfd))
			return false;
	}
	return true;
}

void streams_end(struct streams *s, int sigfd)
{
	off_t unread = (off_t)(s->in.len - s->in.at) + bytes_in(s->in.to >= 0 ? s->in.to : s->unread);

	if (s->file && unread)
		(void)lseek(0, -unread, SEEK_CUR);
	if (finish(&s->out[0], sigfd))
		(void)finish(&s->out[1], sigfd);
	streams_done(s);
}
