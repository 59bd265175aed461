/* mount_source.c - opens what an fstab line binds: on the way through another jail's root its symlinks lead nowhere outside it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/jailproc.h"

#define LINKS_MAX 40 /* as the kernel has it */

/* A path on its way: what is open already, and what is left. */
struct walk {
	struct stat jails; /* ROOT/jails */
	int at; /* where we are */
	int top; /* the jail's root we are below, or -1 */
	char *left; /* owned */
	unsigned links;
};

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static void move_to(struct walk *w, int fd)
{
	closep(&w->at);
	w->at = fd;
}

static int dup_of(int fd)
{
	int r = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return r < 0 ? -errno : r;
}

/* ROOT/jails/J/root or ROOT/jails/J/layers/upper: from here on a jail says what is where. */
static bool is_jail_root(const struct walk *w, int fd, const char *name)
{
	const char *up = streq(name, "root") ? "../.." : streq(name, "upper") ? "../../.." : NULL;
	struct stat st;

	return up && fstatat(fd, up, &st, 0) == 0 && same(&st, &w->jails);
}

static int go_up(struct walk *w)
{
	struct stat here, top;
	int fd;

	if (w->top >= 0 && fstat(w->at, &here) == 0 && fstat(w->top, &top) == 0 && same(&here, &top))
		return 0;
	fd = openat(w->at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	move_to(w, fd);
	return 0;
}

static int follow(struct walk *w, int link)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link, "", target, sizeof(target) - 1);
	char *left;

	if (n < 0)
		return -errno;
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	target[n] = '\0';
	left = strf("%s/%s", target, w->left);
	if (!left)
		return -ENOMEM;
	free(w->left);
	w->left = left;
	if (target[0] == '/') {
		int fd = w->top >= 0 ? dup_of(w->top) : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		move_to(w, fd);
	}
	return 0;
}

static int step(struct walk *w, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (streq(name, "."))
		return 0;
	if (streq(name, ".."))
		return go_up(w);
	fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return follow(w, fd);
	if (w->top < 0 && S_ISDIR(st.st_mode) && is_jail_root(w, fd, name)) {
		w->top = dup_of(fd);
		if (w->top < 0)
			return w->top;
	}
	move_to(w, take_fd(&fd));
	return 0;
}

static int walk_all(struct walk *w)
{
	int r = 0;

	while (r == 0) {
		char name[NAME_MAX + 1];
		size_t skip = strspn(w->left, "/"), n = strcspn(w->left + skip, "/");

		if (!n)
			return 0;
		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, w->left + skip, n);
		name[n] = '\0';
		memmove(w->left, w->left + skip + n, strlen(w->left + skip + n) + 1);
		r = step(w, name);
	}
	return r;
}

int open_source(const char *path, const struct op *root)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	_cleanup_free_ char *jails = NULL;
	struct walk w = { .at = -1, .top = -1 };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)), r;

	/* no symlink, nothing to be led astray by */
	if (fd >= 0 || errno != ELOOP)
		return fd < 0 ? -errno : fd;
	jails = strf("%s/../..", root->path ? root->path : root->source);
	w.left = strdup(path);
	w.at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!jails || !w.left)
		r = -ENOMEM;
	else if (w.at < 0 || stat(jails, &w.jails) < 0)
		r = -errno;
	else
		r = walk_all(&w);
	free(w.left);
	closep(&w.top);
	if (r < 0)
		closep(&w.at);
	return r < 0 ? r : w.at;
}
