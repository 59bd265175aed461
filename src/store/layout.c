/* layout.c - where things are: opening the two directories, listing, and which jail the user means. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define ROOT_DEFAULT "/var/lib/iocage"
#define RUN_DEFAULT  "/run/iocage"

struct subdir {
	const char *name;
	mode_t mode;
};

/* log: what services print may be secret */
static const struct subdir root_dirs[] = {
	{ "jails", 0755 },  { "releases", 0755 }, { "templates", 0755 },
	{ "images", 0700 }, { "download", 0700 }, { "log", 0700 },
};
static const struct subdir run_dirs[] = { { "jails", 0755 }, { "lock", 0700 }, { "mnt", 0700 } };

bool store_name_ok(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= STORE_NAME_MAX && s[n] == '\0' && !strchr("._-", s[0]);
}

const char *store_printable(const char *s, char *buf, size_t cap)
{
	size_t i;

	for (i = 0; s[i] && i + 1 < cap; i++)
		buf[i] = (unsigned char)s[i] < 32 || (unsigned char)s[i] > 126 ? '?' : s[i];
	buf[i] = '\0';
	if (s[i] && cap > 4)
		memcpy(buf + cap - 4, "...", 4);
	return buf;
}

/* Whoever can write here can become root through us. */
static int check_owner(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at %s", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, EPERM, "%s belongs to user id %ld: refusing to use it", path, (long)st.st_uid);
	if ((st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && st.st_gid != 0 && st.st_gid != getegid()))
		return err_set(e, EPERM, "%s can be written by others: refusing to use it (chmod go-w %s)", path, path);
	return 0;
}

/* What is missing. kept: it is to survive power loss, itself and what is made in it. */
static int make_subdirs(int fd, const char *path, const struct subdir *sub, size_t nsub, bool kept, struct err *e)
{
	bool made = false;

	for (size_t i = 0; i < nsub; i++) {
		if (mkdirat(fd, sub[i].name, sub[i].mode) == 0)
			made = true;
		else if (errno != EEXIST)
			return err_sys(e, "cannot create %s/%s", path, sub[i].name);
	}
	/* once in the life of a store: the directories above it may be new, too */
	if (made && kept)
		sync();
	return 0;
}

static int open_top(const char *path, const struct subdir *sub, size_t nsub, bool create, bool kept, char *canon,
                    size_t cap, int *ret_fd, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char real[PATH_MAX];
	int r;

	if (path[0] != '/')
		return err_class(e, ERR_USAGE, EINVAL, "%s is not an absolute path", path);
	if (create) {
		r = fs_mkdirs(AT_FDCWD, path, 0755);
		if (r < 0)
			return err_set(e, -r, "cannot create %s: %s", path, strerror(-r));
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && !create) {
		/* nothing was ever made here (or the machine has booted since): that is an empty store */
		if (str_copy(canon, cap, path) < 0)
			return err_set(e, ENAMETOOLONG, "%s: the path is too long", path);
		return 0;
	}
	if (fd < 0)
		return err_sys(e, "cannot open %s", path);
	r = check_owner(fd, path, e);
	if (r < 0)
		return r;
	if (!realpath(path, real))
		return err_sys(e, "cannot resolve %s", path);
	if (str_copy(canon, cap, real) < 0)
		return err_set(e, ENAMETOOLONG, "%s: the path is too long", real);
	r = create ? make_subdirs(fd, path, sub, nsub, kept, e) : 0;
	if (r < 0)
		return r;
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_open(struct store *s, const char *root, const char *run, bool create, struct err *e)
{
	int r;

	s->rootfd = s->runfd = -1;
	s->defaults = NULL;
	r = open_top(root && *root ? root : ROOT_DEFAULT, root_dirs, sizeof(root_dirs) / sizeof(root_dirs[0]), create,
	             true, s->root, sizeof(s->root), &s->rootfd, e);
	if (r < 0)
		return r;
	r = open_top(run && *run ? run : RUN_DEFAULT, run_dirs, sizeof(run_dirs) / sizeof(run_dirs[0]), create, false,
	             s->run, sizeof(s->run), &s->runfd, e);
	if (r < 0)
		store_close(s);
	return r;
}

void store_close(struct store *s)
{
	if (s->rootfd >= 0)
		(void)close(take_fd(&s->rootfd));
	if (s->runfd >= 0)
		(void)close(take_fd(&s->runfd));
	defaults_free(s->defaults);
	s->defaults = NULL;
}

static int by_name(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int c = str_natcmp(x, y);

	return c ? c : strcmp(x, y);
}

static bool is_dir(int dirfd, const struct dirent *de)
{
	struct stat st;

	if (de->d_type != DT_UNKNOWN)
		return de->d_type == DT_DIR;
	return fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int store_list_dirs(int dirfd, const char *sub, struct strv *ret, struct err *e)
{
	_cleanup_closedir_ DIR *d = NULL;
	_cleanup_close_ int fd = -1;
	struct dirent *de;
	int r;

	if (dirfd < 0)
		return 0;
	/* it may be a link: to where there is more room */
	fd = openat(dirfd, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, "cannot list %s", sub);
	r = fs_opendir(fd, ".", &d);
	while (r >= 0 && (r = fs_readdir(d, &de)) > 0)
		if (store_name_ok(de->d_name) && is_dir(fd, de) && strv_add(ret, de->d_name) < 0)
			return err_oom(e);
	if (r < 0)
		return err_sys(e, "cannot list %s", sub);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

int store_jails(struct store *s, struct strv *ret, struct err *e)
{
	return store_list_dirs(s->rootfd, "jails", ret, e);
}

int store_find_jail(struct store *s, const char *jail)
{
	_cleanup_free_ char *path = strf("jails/%s", jail);
	struct stat st;

	if (s->rootfd < 0 || !store_name_ok(jail))
		return 0;
	if (!path)
		return -ENOMEM;
	if (fstatat(s->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISDIR(st.st_mode);
}

bool store_has_jail(struct store *s, const char *jail)
{
	return store_find_jail(s, jail) > 0;
}

static int ambiguous(struct store *s, const char *given, const struct strv *found, struct err *e)
{
	struct sbuf b = { 0 };
	int r;

	sbuf_addf(&b, "Multiple jails found for %s:", given);
	for (size_t i = 0; i < found->n; i++) {
		/* the message has a fixed size: show as many as fit well and count the rest */
		if (b.len > 800) {
			sbuf_addf(&b, "\n  ... and %zu more", found->n - i);
			break;
		}
		sbuf_addf(&b, "\n  %s (%s/jails/%s)", found->v[i], s->root, found->v[i]);
	}
	r = b.failed ? err_oom(e) : err_set(e, EINVAL, "%s", b.p);
	sbuf_done(&b);
	return r;
}

static int with_prefix(struct store *s, const char *given, struct strv *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv all = { 0 };
	int r = store_jails(s, &all, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < all.n; i++)
		if (str_starts(all.v[i], given) && strv_add(ret, all.v[i]) < 0)
			return err_oom(e);
	return 0;
}

int store_resolve(struct store *s, const char *given, bool exact, struct strv *ret_name, struct err *e)
{
	_cleanup_(strv_done) struct strv found = { 0 };
	char shown[80];
	int r;

	store_printable(given, shown, sizeof(shown));
	if (strchr(given, '/'))
		return err_class(e, ERR_MISSING, ENOENT, "jail '%s' not found ('/' not allowed in jail name)!", shown);
	if (store_has_jail(s, given))
		return strv_add(ret_name, given) < 0 ? err_oom(e) : 0;
	if (store_name_ok(given)) {
		r = with_prefix(s, given, &found, e);
		if (r < 0)
			return r;
	}
	if (found.n == 1 && !exact)
		return strv_add(ret_name, found.v[0]) < 0 ? err_oom(e) : 0;
	if (found.n > 1 && !exact)
		return ambiguous(s, shown, &found, e);
	r = err_class(e, ERR_MISSING, ENOENT, "jail '%s' not found!", shown);
	if (found.n)
		(void)err_hint(e, "This command takes full names only. Did you mean %s?", found.v[0]);
	return r;
}
