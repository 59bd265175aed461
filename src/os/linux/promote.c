/*
 * promote.c - an interface that promotes secondary addresses for the moment one of them is removed. RUN/promote/LINK exists
 * meanwhile: whoever removes an address next finds it there after a kill, and ends what was begun.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/links_impl.h"

static int set(const char *link, const char *value)
{
	_cleanup_free_ char *path = strf("/proc/sys/net/ipv4/conf/%s/promote_secondaries", link);

	return path ? fs_poke(AT_FDCWD, path, value) : -ENOMEM;
}

/* -errno, or does it promote. */
static int promotes(const char *link)
{
	_cleanup_free_ char *path = strf("/proc/sys/net/ipv4/conf/%s/promote_secondaries", link);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = path ? fs_read(AT_FDCWD, path, 16, &text, &len, NULL) : -ENOMEM;

	return r < 0 ? r : text[0] == '1';
}

/* RUN/promote, locked: others that promote or settle wait. make: it need not be there yet. -ENOENT: it is not. */
static int open_dir(const char *run, bool make, int *ret_fd, struct err *e)
{
	_cleanup_free_ char *path = strf("%s/promote", run);
	_cleanup_close_ int fd = -1;

	if (!path)
		return err_oom(e);
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return !make && errno == ENOENT ? -ENOENT : err_sys(e, "cannot open %s", path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "cannot lock %s", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* One interface as it was; one that is gone needs nothing. */
static int settle_one(int dir, const char *link, struct err *e)
{
	int r = ifname_valid(link) ? set(link, "0") : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "let %s no longer promote addresses: %s", link, strerror(-r));
	return unlinkat(dir, link, 0) < 0 && errno != ENOENT ? err_sys(e, "cannot remove the note about %s", link) : 0;
}

int promote_settle(const char *run, struct err *e)
{
	_cleanup_closedir_ DIR *d = NULL;
	int fd = -1, r = open_dir(run, false, &fd, e), done = 0;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	d = fdopendir(fd);
	if (!d) {
		closep(&fd);
		return err_oom(e);
	}
	for (struct dirent *de; (de = readdir(d));)
		if (de->d_name[0] != '.') {
			r = settle_one(fd, de->d_name, e);
			done = done < 0 ? done : r;
		}
	return done;
}

int promote_begin(const char *run, const char *link, int *ret_fd, struct err *e)
{
	_cleanup_close_ int dir = -1, note = -1;
	int r = promotes(link);

	*ret_fd = -1;
	/* it does always, or is gone */
	if (r > 0 || r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, -r, "ask whether %s promotes addresses: %s", link, strerror(-r));
	if (run) {
		r = open_dir(run, true, &dir, e);
		if (r < 0)
			return r;
		note = openat(dir, link, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (note < 0)
			return err_sys(e, "cannot make a note about %s", link);
	} else {
		dir = open("/", O_PATH | O_CLOEXEC); /* a jail's own: it goes with the jail */
	}
	r = set(link, "1");
	if (r < 0) {
		if (run)
			(void)settle_one(dir, link, NULL);
		return r == -ENOENT ? 0 : err_set(e, -r, "let %s promote addresses: %s", link, strerror(-r));
	}
	*ret_fd = take_fd(&dir);
	return 0;
}

int promote_end(const char *run, const char *link, int fd, struct err *e)
{
	int r = fd < 0 ? 0 : run ? settle_one(fd, link, e) : set(link, "0");

	closep(&fd);
	return r == -ENOENT ? 0 : r;
}
