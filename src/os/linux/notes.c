/* notes.c - switches of interfaces that are ours for a while, and the locked directories of notes about them. */
#include "os/linux/notes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

static char *switch_path(const char *link, const char *key)
{
	return strf("/proc/sys/net/ipv4/conf/%s/%s", link, key);
}

int link_switch(const char *link, const char *key)
{
	_cleanup_free_ char *path = switch_path(link, key);
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = path ? fs_read(AT_FDCWD, path, 16, &text, &len, NULL) : -ENOMEM;

	return r < 0 ? r : text[0] == '1';
}

int link_switch_set(const char *link, const char *key, bool on)
{
	_cleanup_free_ char *path = switch_path(link, key);

	return path ? fs_poke(AT_FDCWD, path, on ? "1" : "0") : -ENOMEM;
}

/* Half-written notes of somebody who was killed: the lock is ours, so nobody is writing one. */
static void sweep(int dir)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;

	if (fs_opendir(dir, ".", &d) < 0)
		return;
	while (fs_readdir(d, &de) > 0)
		if (fs_is_unfinished(de->d_name))
			(void)unlinkat(dir, de->d_name, 0);
}

int notes_lock(const char *run, const char *what, bool make, int *ret_fd, struct err *e)
{
	_cleanup_free_ char *path = strf("%s/%s", run, what);
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
	sweep(fd);
	*ret_fd = take_fd(&fd);
	return 0;
}
