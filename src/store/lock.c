/* lock.c - flock(2) on files in RUN/lock: released by the kernel when their holder dies. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "store/internal.h"

#define GLOBAL_WAIT 60 /* seconds */

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* flock has no timeout of its own: ask again, ever more rarely up to 20 times a second. */
static int lock_within(int fd, int op, unsigned seconds)
{
	int64_t end = now_ms() + (int64_t)seconds * 1000;
	long ms = 1;

	while (flock(fd, op | LOCK_NB) < 0) {
		struct timespec t;

		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK)
			return -errno;
		if (now_ms() >= end)
			return -EBUSY;
		t = (struct timespec){ 0, ms * 1000000 };
		(void)nanosleep(&t, NULL);
		if (ms < 50)
			ms *= 2;
	}
	return 0;
}

/* For the message only: the holder writes its process id into the file. 0: unknown. */
static long holder(int fd)
{
	char buf[24] = "";
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	return n > 0 ? strtol(buf, NULL, 10) : 0;
}

static int take(struct store *s, const char *name, const char *what, bool shared, unsigned seconds, int *ret_fd,
                struct err *e)
{
	_cleanup_free_ char *path = strf("lock/%s", name);
	_cleanup_close_ int fd = -1;
	char me[24];
	int r, n;

	if (!path)
		return err_oom(e);
	if (s->runfd < 0)
		return err_set(e, ENOENT, "cannot lock %s: %s does not exist", what, s->run);
	fd = openat(s->runfd, path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, "cannot lock %s: %s/%s", what, s->run, path);
	r = lock_within(fd, shared ? LOCK_SH : LOCK_EX, seconds);
	if (r == -EBUSY) {
		long pid = holder(fd);

		if (pid > 0)
			return err_class(e, ERR_BUSY, EBUSY, "%s is in use by another iocage command (process %ld)",
			                 what, pid);
		return err_class(e, ERR_BUSY, EBUSY, "%s is in use by another iocage command", what);
	}
	if (r < 0) {
		errno = -r;
		return err_sys(e, "cannot lock %s: %s/%s", what, s->run, path);
	}
	if (!shared) {
		n = snprintf(me, sizeof(me), "%-10ld\n", (long)getpid());
		if (pwrite(fd, me, (size_t)n, 0) < 0 && ftruncate(fd, 0) < 0)
			n = 0; /* then an old id stays; it is only ever shown */
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_lock_jail(struct store *s, const char *jail, bool shared, unsigned wait_seconds, int *ret_fd, struct err *e)
{
	if (!store_name_ok(jail))
		return err_set(e, EINVAL, "cannot lock a jail of that name");
	return take(s, jail, jail, shared, wait_seconds, ret_fd, e);
}

static int take_global(struct store *s, const char *what, bool shared, int *ret_fd, struct err *e)
{
	/* the dot keeps it apart from every jail's name */
	_cleanup_free_ char *name = strf(".%s", what);

	if (!name)
		return err_oom(e);
	return take(s, name, what, shared, GLOBAL_WAIT, ret_fd, e);
}

int store_lock_global(struct store *s, const char *what, int *ret_fd, struct err *e)
{
	return take_global(s, what, false, ret_fd, e);
}

int store_lock_shared(struct store *s, const char *what, int *ret_fd, struct err *e)
{
	return take_global(s, what, true, ret_fd, e);
}

int store_lock_names(struct store *s, int *ret_fd, struct err *e)
{
	return take(s, "..names", "the list of jails", false, GLOBAL_WAIT, ret_fd, e);
}

int store_lock_release(struct store *s, const char *release, bool shared, int *ret_fd, struct err *e)
{
	_cleanup_free_ char *name = strf(".release-%s", release), *what = strf("release %s", release);

	if (!name || !what)
		return err_oom(e);
	return take(s, name, what, shared, GLOBAL_WAIT, ret_fd, e);
}

void store_unlock(int *fd)
{
	if (*fd >= 0)
		(void)flock(*fd, LOCK_UN);
	closep(fd);
	*fd = -1;
}
