/* fs.c - reading, atomic replacing, making and removing files by directory fd. */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"

#define OLD_MAX (64U << 20) /* of a file that is replaced: larger ones are not put back */

/* Levels of directories held open at once while removing; deeper ones are moved up first. */
#define REMOVE_DEPTH 32

/* Until end of file or cap bytes. Bytes read or -errno. */
static ssize_t read_up_to(int fd, char *buf, size_t cap)
{
	size_t n = 0;

	while (n < cap) {
		ssize_t r = read(fd, buf + n, cap - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

/* Files of proc report size 0, so the buffer grows until a read comes back short of it. */
static int read_fd(int fd, size_t size, size_t max, char **ret, size_t *ret_len)
{
	size_t cap = size + 1, n = 0;
	_cleanup_free_ char *buf = NULL;

	for (;;) {
		char *p;
		ssize_t r;

		if (cap > max + 1)
			cap = max + 1;
		p = realloc(buf, cap + 1);
		if (!p)
			return -ENOMEM;
		buf = p;
		r = size ? read(fd, buf + n, cap - n) : read_up_to(fd, buf + n, cap - n);
		if (r < 0)
			return size ? -errno : (int)r;
		n += (size_t)r;
		if (n > max)
			return -EFBIG;
		if (n < cap)
			break;
		cap = cap < 4096 ? 4096 : cap * 2;
		size = 0;
	}
	buf[n] = '\0';
	*ret = take_ptr(buf);
	*ret_len = n;
	return 0;
}

/* For reading; a fifo in the file's place does not hang us. fd or -errno. */
static int open_file(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : fd;
}

int fs_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *e)
{
	_cleanup_close_ int fd = open_file(dirfd, path);
	struct stat st;
	int r;

	if (fd < 0)
		return err_set(e, -fd, "cannot open %s: %s", path, strerror(-fd));
	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, S_ISDIR(st.st_mode) ? EISDIR : EINVAL, "%s is not a regular file", path);
	if (st.st_size < 0 || (uintmax_t)st.st_size > max)
		return err_set(e, EFBIG, "%s is larger than %zu bytes", path, max);
	r = read_fd(fd, (size_t)st.st_size, max, ret, ret_len);
	if (r == -EFBIG)
		return err_set(e, EFBIG, "%s is larger than %zu bytes", path, max);
	if (r < 0)
		return err_set(e, -r, "cannot read %s: %s", path, strerror(-r));
	return 0;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t r = write(fd, p, len);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -EIO;
		p += r;
		len -= (size_t)r;
	}
	return 0;
}

int fs_poke(int dirfd, const char *path, const char *s)
{
	_cleanup_close_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	size_t len = strlen(s);
	ssize_t r;

	if (fd < 0)
		return -errno;
	do
		r = write(fd, s, len);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return (size_t)r == len ? 0 : -EIO;
}

int fs_random_name(char out[static FS_RANDOM_CAP])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char b[(FS_RANDOM_CAP - 1) / 2];

	if (getentropy(b, sizeof(b)) < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(b); i++) {
		out[2 * i] = hex[b[i] >> 4];
		out[2 * i + 1] = hex[b[i] & 15];
	}
	out[FS_RANDOM_CAP - 1] = '\0';
	return 0;
}

/* ".NAME.RANDOM" in the directory of path, created. fd or -errno. */
static int open_beside(int dirfd, const char *path, char tmp[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	int dirlen = slash ? (int)(slash - path) + 1 : 0;
	const char *base = path + dirlen;

	for (int tries = 0; tries < 16; tries++) {
		char rnd[FS_RANDOM_CAP];
		int n, fd, r = fs_random_name(rnd);

		if (r < 0)
			return r;
		n = snprintf(tmp, PATH_MAX, "%.*s.%s.%s", dirlen, path, base, rnd);
		if (n < 0 || n >= PATH_MAX)
			return -ENAMETOOLONG;
		fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

bool fs_is_unfinished(const char *name)
{
	size_t len = strlen(name), n;

	if (name[0] != '.' || len < FS_RANDOM_CAP + 2)
		return false;
	n = len - 1 - FS_RANDOM_CAP; /* of NAME; the capacity counts the dot before RANDOM in place of its NUL */
	return name[1 + n] == '.' && strspn(name + 2 + n, "0123456789abcdef") == FS_RANDOM_CAP - 1;
}

static int sync_dir_of(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_cleanup_close_ int fd = -1;

	if (!dir)
		return -ENOMEM;
	fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* some file systems cannot sync a directory and have no need to */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	return 0;
}

static int fill_and_rename(int fd, int dirfd, const char *tmp, const char *path, const void *data, size_t len,
                           mode_t mode, bool sync)
{
	int r = fs_write_all(fd, data, len);

	if (r < 0)
		return r;
	if (fchmod(fd, mode) < 0)
		return -errno;
	if (sync && fsync(fd) < 0)
		return -errno;
	if (!sync)
		return fs_put_in_place(dirfd, tmp, path);
	return renameat(dirfd, tmp, dirfd, path) < 0 ? -errno : 0;
}

/*
 * What was there before, or nothing: whoever reads it sees that what has failed was not done. Best effort. former: the old
 * file, or -errno of opening it.
 */
static void put_back(int dirfd, const char *path, int former)
{
	char tmp[PATH_MAX];
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t len;

	if (former == -ENOENT)
		(void)unlinkat(dirfd, path, 0);
	if (former < 0 || fstat(former, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read_fd(former, (size_t)st.st_size, OLD_MAX, &text, &len) < 0)
		return;
	fd = open_beside(dirfd, path, tmp);
	if (fd >= 0 && fill_and_rename(fd, dirfd, tmp, path, text, len, st.st_mode & 07777, false) < 0)
		(void)unlinkat(dirfd, tmp, 0);
}

int fs_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool sync, struct err *e)
{
	char tmp[PATH_MAX];
	_cleanup_close_ int former = sync ? open_file(dirfd, path) : -EBADF, fd = open_beside(dirfd, path, tmp);
	int r;

	if (fd < 0)
		return err_set(e, -fd, "cannot write %s: %s", path, strerror(-fd));
	r = fill_and_rename(fd, dirfd, tmp, path, data, len, mode, sync);
	if (r < 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return err_set(e, -r, "cannot write %s: %s", path, strerror(-r));
	}
	r = sync ? sync_dir_of(dirfd, path) : 0;
	if (r < 0) {
		put_back(dirfd, path, former);
		return err_set(e, -r, "cannot sync the directory of %s: %s", path, strerror(-r));
	}
	return 0;
}

int fs_mkdirs(int dirfd, const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	struct stat st;
	int r = str_copy(buf, sizeof(buf), path);

	if (r < 0)
		return r;
	for (char *p = buf + 1; buf[0] && *p; p++) {
		if (*p != '/' || p[-1] == '/')
			continue;
		*p = '\0';
		if (mkdirat(dirfd, buf, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdirat(dirfd, buf, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(dirfd, buf, &st, 0) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

struct removal {
	int topfd; /* the tree's root: directories nested too deep are moved here */
	dev_t dev; /* its file system */
	bool moved; /* something was moved: go round again */
	unsigned serial;
	struct err *e;
};

static int remove_entry(struct removal *rm, int dirfd, const char *name, unsigned depth);

static int remove_children(struct removal *rm, int fd, const char *name, unsigned depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	int r = fs_opendir(fd, ".", &d);

	if (r < 0)
		return err_sys(rm->e, "cannot open directory %s", name);
	while ((r = fs_readdir(d, &de)) > 0) {
		r = remove_entry(rm, fd, de->d_name, depth);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_sys(rm->e, "cannot read directory %s", name) : 0;
}

/* Out of the way to the top of the tree, under a name that is free there. */
static int move_up(struct removal *rm, int dirfd, const char *name)
{
	for (;;) {
		char to[FS_RANDOM_CAP + 16], rnd[FS_RANDOM_CAP];
		int r = fs_random_name(rnd);

		if (r < 0)
			return err_set(rm->e, -r, "no random bytes: %s", strerror(-r));
		snprintf(to, sizeof(to), ".up.%s.%u", rnd, rm->serial++);
		if (renameat(dirfd, name, rm->topfd, to) == 0) {
			rm->moved = true;
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return err_sys(rm->e, "cannot move %s before removing it", name);
	}
}

static int remove_dir(struct removal *rm, int dirfd, const char *name, unsigned depth)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return err_sys(rm->e, "cannot open directory %s", name);
	if (fstat(fd, &st) < 0)
		return err_sys(rm->e, "cannot look at %s", name);
	r = st.st_dev == rm->dev ? fs_is_mount_root(dirfd, name) : 1;
	if (r == 1)
		return err_class(rm->e, ERR_BUSY, EBUSY, "something is mounted on %s: not removed", name);
	if (depth >= REMOVE_DEPTH)
		return move_up(rm, dirfd, name);
	r = remove_children(rm, fd, name, depth + 1);
	if (r < 0)
		return r;
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(rm->e, "cannot remove directory %s", name);
	return 0;
}

static int remove_entry(struct removal *rm, int dirfd, const char *name, unsigned depth)
{
	struct stat st;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	/* what unlink says to a directory differs: EISDIR on Linux, EPERM on FreeBSD */
	if (errno != EISDIR && errno != EPERM)
		return err_sys(rm->e, "cannot remove %s", name);
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(rm->e, "cannot look at %s", name);
	if (!S_ISDIR(st.st_mode))
		return err_set(rm->e, EPERM, "cannot remove %s: Operation not permitted (is it immutable?)", name);
	return remove_dir(rm, dirfd, name, depth);
}

int fs_remove_tree(int dirfd, const char *name, struct err *e)
{
	struct removal rm = { .e = e };
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot look at %s", name);
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
			return err_sys(e, "cannot remove %s", name);
		return 0;
	}
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open directory %s", name);
	if (fs_is_mount_root(dirfd, name) == 1)
		return err_class(e, ERR_BUSY, EBUSY, "something is mounted on %s: not removed", name);
	rm.topfd = fd;
	rm.dev = st.st_dev;
	do {
		rm.moved = false;
		r = remove_children(&rm, fd, name, 1);
		if (r < 0)
			return r;
	} while (rm.moved);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove directory %s", name);
	return 0;
}
