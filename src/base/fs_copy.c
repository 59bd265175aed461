/* fs_copy.c - copies a directory tree as it is: owners, modes, times, links, extended attributes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

/* Two fds a level: stays below the usual limit of 1024 open files. */
#define COPY_DEPTH 256
#define COPY_CHUNK (128 * 1024)

/* A file with several names, met once already: where its copy is, from the top of the new tree. */
struct linked {
	ino_t ino;
	char *path;
};

struct copying {
	int topfd; /* the new tree */
	dev_t dev; /* of the old tree */
	struct linked *links;
	size_t nlinks, caplinks;
	char *buf;
	struct err *e;
};

static int fail(struct copying *c, const char *what, const char *path)
{
	return err_sys(c->e, "cannot %s %s", what, path);
}

static void copying_done(struct copying *c)
{
	for (size_t i = 0; i < c->nlinks; i++)
		free(c->links[i].path);
	free(c->links);
	free(c->buf);
}

static int remember(struct copying *c, ino_t ino, const char *path)
{
	if (c->nlinks == c->caplinks) {
		size_t cap = c->caplinks ? c->caplinks * 2 : 64;
		struct linked *l = realloc(c->links, cap * sizeof(*l));

		if (!l)
			return err_oom(c->e);
		c->links = l;
		c->caplinks = cap;
	}
	c->links[c->nlinks].path = strdup(path);
	if (!c->links[c->nlinks].path)
		return err_oom(c->e);
	c->links[c->nlinks++].ino = ino;
	return 0;
}

/* 1: path is now a further name of a file copied before. */
static int relink(struct copying *c, ino_t ino, int todir, const char *name, const char *path)
{
	for (size_t i = 0; i < c->nlinks; i++) {
		if (c->links[i].ino != ino)
			continue;
		if (linkat(c->topfd, c->links[i].path, todir, name, 0) < 0)
			return fail(c, "link", path);
		return 1;
	}
	return 0;
}

/* The kernel's copy shares blocks where the file system can; it refuses some pairs of files. */
static int copy_data(struct copying *c, int from, int to)
{
	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, (size_t)1 << 30, 0);

		if (n == 0)
			break;
		if (n > 0 || errno == EINTR)
			continue;
		if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP && errno != EPERM)
			return -errno;
		break;
	}
	/* what is left, which is nothing after a full copy: both offsets stand where the kernel stopped */
	for (;;) {
		ssize_t n = read(from, c->buf, COPY_CHUNK);
		int r;

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		r = fs_write_all(to, c->buf, (size_t)n);
		if (r < 0)
			return r;
	}
}

/* Owner first: changing it drops setuid bits and file capabilities. Times last. */
static int copy_meta(struct copying *c, int from, int to, const struct stat *st, const char *path)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r;

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		return fail(c, "set the owner of", path);
	if (fchmod(to, st->st_mode & 07777) < 0)
		return fail(c, "set the mode of", path);
	r = fs_copy_xattrs(from, to);
	if (r < 0)
		return err_set(c->e, -r, "cannot copy the attributes of %s: %s", path, strerror(-r));
	if (futimens(to, times) < 0)
		return fail(c, "set the times of", path);
	return 0;
}

static int copy_file(struct copying *c, int fromdir, int todir, const char *name, const char *path,
                     const struct stat *st)
{
	_cleanup_close_ int from = openat(fromdir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	_cleanup_close_ int to = -1;
	int r;

	if (from < 0)
		return fail(c, "open", path);
	to = openat(todir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail(c, "create", path);
	r = copy_data(c, from, to);
	if (r < 0)
		return err_set(c->e, -r, "cannot copy %s: %s", path, strerror(-r));
	return copy_meta(c, from, to, st, path);
}

static int copy_special(struct copying *c, int fromdir, int todir, const char *name, const char *path,
                        const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (S_ISLNK(st->st_mode)) {
		char target[PATH_MAX];
		ssize_t n = readlinkat(fromdir, name, target, sizeof(target) - 1);

		if (n < 0)
			return fail(c, "read the link", path);
		target[n] = '\0';
		if (symlinkat(target, todir, name) < 0)
			return fail(c, "create the link", path);
	} else if (S_ISSOCK(st->st_mode)) {
		return 0; /* worth nothing without the process behind it */
	} else if (mknodat(todir, name, st->st_mode, st->st_rdev) < 0) {
		return fail(c, "create", path);
	}
	if (fchownat(todir, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, "set the owner of", path);
	if (!S_ISLNK(st->st_mode) && fchmodat(todir, name, st->st_mode & 07777, 0) < 0)
		return fail(c, "set the mode of", path);
	if (utimensat(todir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, "set the times of", path);
	return 0;
}

static int copy_dir(struct copying *c, int from, int to, const char *path, unsigned depth);

static int copy_subdir(struct copying *c, int fromdir, int todir, const char *name, const char *path,
                       const struct stat *st, unsigned depth)
{
	_cleanup_close_ int from = openat(fromdir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int to = -1;
	int r;

	if (from < 0)
		return fail(c, "open", path);
	if (mkdirat(todir, name, 0700) < 0)
		return fail(c, "create", path);
	to = openat(todir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (to < 0)
		return fail(c, "open the new", path);
	if (st->st_dev == c->dev && fs_is_mount_root(fromdir, name) != 1) {
		r = copy_dir(c, from, to, path, depth + 1);
		if (r < 0)
			return r;
	}
	return copy_meta(c, from, to, st, path);
}

static int copy_entry(struct copying *c, int from, int to, const char *name, const char *path, unsigned depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(c, "look at", path);
	if (S_ISDIR(st.st_mode))
		return copy_subdir(c, from, to, name, path, &st, depth);
	if (st.st_nlink > 1) {
		r = relink(c, st.st_ino, to, name, path);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = S_ISREG(st.st_mode) ? copy_file(c, from, to, name, path, &st) : copy_special(c, from, to, name, path, &st);
	if (r < 0)
		return r;
	return st.st_nlink > 1 && !S_ISSOCK(st.st_mode) ? remember(c, st.st_ino, path) : 0;
}

/* path: of this directory from the top of the tree, "" = the top. */
static int copy_dir(struct copying *c, int from, int to, const char *path, unsigned depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	int r = fs_opendir(from, ".", &d);

	if (r < 0)
		return fail(c, "open", path);
	if (depth > COPY_DEPTH)
		return err_set(c->e, ELOOP, "%s: more than %d directories deep", path, COPY_DEPTH);
	while ((r = fs_readdir(d, &de)) > 0) {
		_cleanup_free_ char *sub = *path ? strf("%s/%s", path, de->d_name) : strdup(de->d_name);

		if (!sub)
			return err_oom(c->e);
		r = copy_entry(c, from, to, de->d_name, sub, depth);
		if (r < 0)
			return r;
	}
	return r < 0 ? fail(c, "read directory", path) : 0;
}

int fs_copy_tree(int fromdir, const char *from, int todir, const char *to, struct err *e)
{
	_cleanup_close_ int ffd = openat(fromdir, from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), tfd = -1;
	_cleanup_(copying_done) struct copying c = { .e = e };
	struct stat st;
	int r;

	if (ffd < 0)
		return err_sys(e, "cannot open directory %s", from);
	if (fstat(ffd, &st) < 0)
		return err_sys(e, "cannot look at %s", from);
	if (mkdirat(todir, to, 0700) < 0)
		return err_sys(e, "cannot create directory %s", to);
	tfd = openat(todir, to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (tfd < 0)
		return err_sys(e, "cannot open directory %s", to);
	c.buf = malloc(COPY_CHUNK);
	if (!c.buf)
		return err_oom(e);
	c.topfd = tfd;
	c.dev = st.st_dev;
	r = copy_dir(&c, ffd, tfd, "", 0);
	return r < 0 ? r : copy_meta(&c, ffd, tfd, &st, to);
}
