/* workdir.c - directories that appear whole or not at all, and disappear at once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

/* ".NAME.RANDOM": the only names we ever remove unasked. */
bool workdir_is_name(const char *s)
{
	char name[STORE_NAME_MAX + 1];
	size_t n;

	if (!fs_is_unfinished(s))
		return false;
	n = strlen(s) - 1 - FS_RANDOM_CAP;
	if (n > STORE_NAME_MAX)
		return false;
	memcpy(name, s + 1, n);
	name[n] = '\0';
	return store_name_ok(name);
}

/* Nobody alive holds it: the fd with our lock on it, or -1. */
static int claim_leftover(struct store *s, int parent, const char *name)
{
	_cleanup_close_ int lock = -1, fd = -1;
	struct err ignored = ERR_INIT;

	/* under this lock no builder stands between making its directory and locking it */
	if (store_lock_names(s, &lock, &ignored) < 0)
		return -1;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -1;
	return take_fd(&fd);
}

size_t workdir_sweep(struct store *s, const char *sub)
{
	_cleanup_close_ int parent = openat(s->rootfd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	size_t n = 0;

	if (parent < 0 || fs_opendir(parent, ".", &d) < 0)
		return 0;
	while (fs_readdir(d, &de) > 0) {
		_cleanup_close_ int fd = -1;
		struct err ignored = ERR_INIT;

		if (!workdir_is_name(de->d_name))
			continue;
		fd = claim_leftover(s, parent, de->d_name);
		/* what cannot be removed the next sweep meets again */
		n += fd >= 0 && fs_remove_tree(parent, de->d_name, &ignored) == 0;
	}
	return n;
}

static int work_name(const char *name, char *out, size_t cap, struct err *e)
{
	char rnd[FS_RANDOM_CAP];
	int r = fs_random_name(rnd);

	if (r < 0)
		return err_set(e, -r, "no random bytes: %s", strerror(-r));
	(void)snprintf(out, cap, ".%.*s.%s", STORE_NAME_MAX, name, rnd);
	return 0;
}

static int open_parent(struct store *s, const char *sub, int *ret, struct err *e)
{
	*ret = s->rootfd < 0 ? (errno = ENOENT, -1) : openat(s->rootfd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_sys(e, "cannot open %s/%s", s->root, sub) : 0;
}

int workdir_make(struct store *s, const char *sub, const char *name, struct workdir *w, struct err *e)
{
	_cleanup_close_ int lock = -1;
	int r;

	*w = (struct workdir)WORKDIR_INIT;
	if (!store_name_ok(name))
		return err_set(e, EINVAL, "not a name for a directory in %s/%s", s->root, sub);
	r = open_parent(s, sub, &w->parentfd, e);
	if (r < 0)
		return r;
	(void)workdir_sweep(s, sub);
	r = store_lock_names(s, &lock, e);
	if (r < 0)
		return r;
	r = work_name(name, w->name, sizeof(w->name), e);
	if (r < 0)
		return r;
	if (mkdirat(w->parentfd, w->name, 0700) < 0) {
		r = err_sys(e, "cannot create a directory in %s/%s", s->root, sub);
		w->name[0] = '\0';
		return r;
	}
	w->fd = openat(w->parentfd, w->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (w->fd < 0 || flock(w->fd, LOCK_EX | LOCK_NB) < 0)
		return err_sys(e, "cannot open %s/%s/%s", s->root, sub, w->name);
	return 0;
}

static int taken(struct store *s, struct workdir *w, const char *name, bool like_names, struct err *e)
{
	char like[STORE_NAME_MAX + 1] = "";
	struct stat st;
	int r;

	if (fstatat(w->parentfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, EEXIST, like_names ? "Jail: %s already exists!" : "Release: %s exists already!",
		               name);
	if (errno != ENOENT)
		return err_sys(e, "cannot look at %s", name);
	if (!like_names)
		return 0;
	r = store_like_name(s, name, like, e);
	if (r < 0 || !like[0])
		return r;
	(void)err_set(e, EEXIST, "Jail: %s already exists!", name);
	return err_hint(e, "('.' and '_' count as the same in a name, and there is a jail %s)", like);
}

int workdir_publish(struct store *s, struct workdir *w, const char *name, mode_t mode, bool like_names, struct err *e)
{
	_cleanup_close_ int lock = -1;
	int r = store_lock_names(s, &lock, e);

	if (r < 0)
		return r;
	r = taken(s, w, name, like_names, e);
	if (r < 0)
		return r;
	if (fchmod(w->fd, mode) < 0 || fsync(w->fd) < 0)
		return err_sys(e, "cannot finish %s", name);
	if (renameat(w->parentfd, w->name, w->parentfd, name) < 0)
		return err_sys(e, "cannot rename the new %s into place", name);
	w->published = true;
	if (fsync(w->parentfd) < 0)
		return err_sys(e, "%s was made, but not synced to disk", name);
	return 0;
}

void workdir_done(struct workdir *w)
{
	struct err ignored = ERR_INIT;

	if (w->name[0] && !w->published && fs_remove_tree(w->parentfd, w->name, &ignored) < 0)
		w->name[0] = '\0'; /* the next sweep meets it again */
	closep(&w->fd);
	closep(&w->parentfd);
	*w = (struct workdir)WORKDIR_INIT;
}

int workdir_remove(struct store *s, const char *sub, const char *name, struct err *e)
{
	_cleanup_close_ int parent = -1, fd = -1, lock = -1;
	char away[STORE_NAME_MAX + 32];
	int r = open_parent(s, sub, &parent, e);

	if (r < 0)
		return r;
	r = store_lock_names(s, &lock, e);
	if (r < 0)
		return r;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open %s/%s/%s", s->root, sub, name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_class(e, ERR_BUSY, EBUSY, "%s/%s/%s is in use by another iocage command", s->root, sub,
		                 name);
	r = work_name(name, away, sizeof(away), e);
	if (r < 0)
		return r;
	if (renameat(parent, name, parent, away) < 0)
		return err_sys(e, "cannot move %s/%s/%s away", s->root, sub, name);
	/* or after a power failure the name could be there again, with half of what it had */
	if (fsync(parent) < 0)
		return err_sys(e, "cannot sync %s/%s; what %s had is in %s", s->root, sub, name, away);
	(void)close(take_fd(&lock));
	r = fs_remove_tree(parent, away, e);
	if (r < 0)
		return err_wrap(e, "%s is gone, but what it left in %s/%s/%s is not", name, s->root, sub, away);
	(void)workdir_sweep(s, sub);
	return 0;
}
