/*
 * promote.c - an interface that promotes secondary addresses for the moment one of them is removed. RUN/promote/LINK exists
 * meanwhile: whoever removes an address next finds it there after a kill, and ends what was begun.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/links_impl.h"
#include "os/linux/notes.h"

#define KEY "promote_secondaries"

/* One interface as it was; one that is gone needs nothing. */
static int settle_one(int dir, const char *link, struct err *e)
{
	int r = ifname_valid(link) ? link_switch_set(link, KEY, false) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "let %s no longer promote addresses: %s", link, strerror(-r));
	return unlinkat(dir, link, 0) < 0 && errno != ENOENT ? err_sys(e, "cannot remove the note about %s", link) : 0;
}

int promote_settle(const char *run, struct err *e)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_close_ int fd = -1;
	struct dirent *de;
	int r = notes_lock(run, "promote", false, &fd, e), done = 0;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = fs_opendir(fd, ".", &d);
	while (r >= 0 && (r = fs_readdir(d, &de)) > 0)
		if (de->d_name[0] != '.') {
			int one = settle_one(fd, de->d_name, e);

			done = done < 0 ? done : one;
		}
	return r < 0 && done == 0 ? err_sys(e, "list the notes about interfaces") : done;
}

/* Locked, and noted before it is switched. */
static int note(const char *run, const char *link, int *ret_dir, struct err *e)
{
	_cleanup_close_ int file = -1;
	int r = notes_lock(run, "promote", true, ret_dir, e);

	if (r < 0)
		return r;
	file = openat(*ret_dir, link, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file < 0 ? err_sys(e, "cannot make a note about %s", link) : 0;
}

int promote_begin(const char *run, const char *link, int *ret_fd, struct err *e)
{
	_cleanup_close_ int dir = -1;
	int r = link_switch(link, KEY);

	*ret_fd = -1;
	/* it does always, or is gone */
	if (r > 0 || r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(e, -r, "ask whether %s promotes addresses: %s", link, strerror(-r));
	r = run ? note(run, link, &dir, e) : 0;
	if (r < 0)
		return r;
	r = link_switch_set(link, KEY, true);
	if (r < 0) {
		if (run)
			(void)settle_one(dir, link, NULL);
		return r == -ENOENT ? 0 : err_set(e, -r, "let %s promote addresses: %s", link, strerror(-r));
	}
	*ret_fd = take_fd(&dir);
	return 1;
}

int promote_end(const char *run, const char *link, int fd, struct err *e)
{
	int r = run ? settle_one(fd, link, e) : link_switch_set(link, KEY, false);

	closep(&fd);
	return r == -ENOENT ? 0 : r;
}
