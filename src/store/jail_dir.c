/* jail_dir.c - a jail's directory: making, removing, and where its root file system comes from. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/hosts.h"
#include "core/jail.h"
#include "store/internal.h"

int store_like_name(struct store *s, const char *name, char like[static STORE_NAME_MAX + 1], struct err *e)
{
	_cleanup_(strv_done) struct strv all = { 0 };
	int r = store_jails(s, &all, e);

	if (r < 0)
		return r;
	like[0] = '\0';
	for (size_t i = 0; i < all.n; i++) {
		const char *a = all.v[i], *b = name;

		while (*a && (*a == *b || ((*a == '.' || *a == '_') && (*b == '.' || *b == '_'))))
			a++, b++;
		if (!*a && !*b)
			return str_copy(like, STORE_NAME_MAX + 1, all.v[i]);
	}
	return 0;
}

static int exists_already(struct store *s, const char *name, struct err *e)
{
	char like[STORE_NAME_MAX + 1];
	int r = store_like_name(s, name, like, e);

	if (r < 0 || !like[0])
		return r;
	(void)err_set(e, EEXIST, "Jail: %s already exists!", name);
	if (!streq(like, name))
		(void)err_hint(e, "('.' and '_' count as the same in a name, and there is a jail %s)", like);
	return -EEXIST;
}

/* What every new jail's configuration says about its origin, unless the caller has set it. */
static int put_origin(struct config *c, const char *release, bool thick, struct err *e)
{
	char host[256];
	int r = 0;

	if (!c->conf.own.val[PROP_release])
		r = config_put(c, "release", release ? release : "EMPTY", e);
	if (r == 0 && release && !thick)
		r = config_put(c, "cloned_release", release, e);
	if (r == 0 && !c->conf.own.val[PROP_host_hostuuid])
		r = config_put(c, "host_hostuuid", c->name, e);
	if (r == 0 && !c->conf.own.val[PROP_host_hostname]) {
		jail_default_hostname(c->name, host, sizeof(host));
		r = config_put(c, "host_hostname", host, e);
	}
	return r;
}

static int make_dir(int dirfd, const char *name, mode_t mode, struct err *e)
{
	/* mkdir is subject to the umask, and the mode of upper is what the jail's / has */
	if (mkdirat(dirfd, name, mode) < 0 || fchmodat(dirfd, name, mode, 0) < 0)
		return err_sys(e, "cannot create %s", name);
	return 0;
}

static int make_root(struct store *s, int fd, const char *release, bool thick, struct err *e)
{
	_cleanup_free_ char *from = NULL;
	int r;

	if (!release)
		return make_dir(fd, "root", 0755, e);
	if (!thick) {
		r = make_dir(fd, "layers", 0700, e);
		if (r == 0)
			r = make_dir(fd, "layers/upper", 0755, e);
		return r < 0 ? r : make_dir(fd, "layers/work", 0700, e);
	}
	from = strf("releases/%s/root", release);
	if (!from)
		return err_oom(e);
	r = fs_copy_tree(s->rootfd, from, fd, "root", e);
	if (r < 0)
		return err_wrap(e, "copying release %s", release);
	sync(); /* thousands of files: one sync of everything beats one of each */
	return 0;
}

/* etc of a root; a release that has a link there gets nothing from us. */
static int open_etc(int rootfd, const char *root)
{
	_cleanup_close_ int fd = openat(rootfd, root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -1 : openat(fd, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A thin jail's own etc, which the release's shows through: with that one's owner and mode. */
static int make_upper_etc(int fd, int like, struct err *e)
{
	struct stat st;
	int etc, r;

	if (mkdirat(fd, "layers/upper/etc", 0755) < 0)
		return err_sys(e, "cannot create etc");
	etc = openat(fd, "layers/upper/etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (etc >= 0 && fstat(like, &st) == 0 && fchown(etc, st.st_uid, st.st_gid) == 0 &&
	    fchmod(etc, st.st_mode & 07777) == 0)
		return etc;
	r = err_sys(e, "cannot create etc");
	if (etc >= 0)
		close(etc);
	return r;
}

static int make_hosts(struct store *s, const struct config *c, int fd, const char *release, bool thick, struct err *e)
{
	_cleanup_free_ char *root = strf("releases/%s/root", release), *text = NULL;
	_cleanup_close_ int from = -1, to = -1;
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	size_t len;
	int r;

	if (!root)
		return err_oom(e);
	from = open_etc(s->rootfd, root);
	if (from < 0)
		return 0;
	r = fs_read(from, "hosts", 65536, &text, &len, NULL);
	if (r < 0 && r != -ENOENT)
		return 0; /* not a file: the release's own affair */
	r = hosts_text(&c->conf, text, &out, e);
	if (r < 0)
		return r;
	to = thick ? open_etc(fd, "root") : make_upper_etc(fd, from, e);
	if (to < 0)
		return thick ? err_sys(e, "cannot open etc") : to;
	return fs_replace(to, "hosts", out.p, out.len, 0644, true, e);
}

/* The files in them are synced as they are written, and the directory they are in when it is published. */
static int sync_layers(int fd, struct err *e)
{
	static const char *const dirs[] = { "layers/upper", "layers" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		_cleanup_close_ int dir = openat(fd, dirs[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (dir < 0 || fsync(dir) < 0)
			return err_sys(e, "cannot sync %s", dirs[i]);
	}
	return 0;
}

int store_create_jail(struct store *s, struct config *c, const char *release, bool thick, struct err *e)
{
	_cleanup_(workdir_done) struct workdir w = WORKDIR_INIT;
	_cleanup_close_ int lock = -1;
	int r = jail_name_check(c->name, e);

	if (r < 0)
		return r;
	r = exists_already(s, c->name, e);
	if (r < 0)
		return r;
	if (release && store_name_ok(release))
		r = store_lock_release(s, release, true, &lock, e);
	if (r < 0)
		return r;
	if (release && !store_has_release(s, release))
		return err_class(e, ERR_MISSING, ENOENT, "Release: %s not found!", release);
	r = put_origin(c, release, thick, e);
	if (r < 0)
		return r;
	r = workdir_make(s, "jails", c->name, &w, e);
	if (r == 0)
		r = make_root(s, w.fd, release, thick, e);
	if (r == 0 && release)
		r = make_hosts(s, c, w.fd, release, thick, e);
	if (r == 0 && release && !thick)
		r = sync_layers(w.fd, e);
	if (r == 0)
		r = fs_replace(w.fd, "fstab", "", 0, 0600, true, e);
	if (r == 0)
		r = config_write(c, w.fd, "config.json", e);
	if (r < 0)
		return err_wrap(e, "cannot create jail %s", c->name);
	/* its root makes files setuid at will, and its configuration may hold secrets: nothing for the host's users */
	return workdir_publish(s, &w, c->name, 0700, true, e);
}

/* A file of before, or one that somebody wrote by hand. What is no file of ours, a symlink above all, stays as it is. */
static int make_private(int rootfd, const char *path, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (fstatat(rootfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if ((!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) || !(st.st_mode & 07777 & ~mode))
		return 0;
	fd = openat(rootfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	return fd < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

int store_private_jail(struct store *s, const char *jail, struct err *e)
{
	static const char *const files[] = { "/config.json", "/fstab", "/nat", "" };
	char path[STORE_NAME_MAX + 32];
	int r = 0;

	if (s->rootfd < 0 || !store_name_ok(jail))
		return 0;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && r == 0; i++) {
		(void)snprintf(path, sizeof(path), "jails/%s%s", jail, files[i]);
		r = make_private(s->rootfd, path, *files[i] ? 0600 : 0700);
	}
	if (r < 0)
		return err_set(e, -r, "cannot close %s/%s to the host's users: %s", s->root, path, strerror(-r));
	r = make_private(s->rootfd, "defaults.json", 0600);
	return r < 0 ? err_set(e, -r, "cannot close %s/defaults.json to the host's users: %s", s->root, strerror(-r))
	             : 0;
}

int store_destroy_jail(struct store *s, const char *jail, struct err *e)
{
	_cleanup_free_ char *path = NULL, *at = NULL, *log = NULL;
	int r;

	if (!store_has_jail(s, jail))
		return err_class(e, ERR_MISSING, ENOENT, "jail '%s' not found!", jail);
	path = strf("%s/jails/%s", s->root, jail);
	log = strf("log/%s-console.log", jail);
	if (!path || !log)
		return err_oom(e);
	r = fs_mounted_below(path, &at);
	if (r < 0)
		return err_set(e, -r, "cannot tell what is mounted below %s: %s", path, strerror(-r));
	if (r > 0) {
		(void)err_class(e, ERR_BUSY, EBUSY, "cannot destroy %s: something is mounted on %s", jail, at);
		return err_hint(e, "Unmount it first: umount %s", at);
	}
	r = workdir_remove(s, "jails", jail, e);
	if (r < 0)
		return r;
	if (unlinkat(s->rootfd, log, 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove %s/%s", s->root, log);
	return 0;
}

static bool has_dir(const struct store *s, const char *path)
{
	struct stat st;

	/* path is absolute and below the store's root */
	return fstatat(s->rootfd, path + strlen(s->root) + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int thin_paths(struct store *s, const struct config *c, struct root_paths *ret, struct err *e)
{
	_cleanup_free_ char *release = config_value(c, "cloned_release");

	ret->layers = strf("%s/jails/%s/layers", s->root, c->name);
	if (!ret->layers)
		return err_oom(e);
	if (!has_dir(s, ret->layers)) {
		(void)err_set(e, ENOENT, "%s has no root file system: neither %s nor a directory root beside it",
		              c->name, ret->layers);
		return err_hint(e, "Destroy the jail and create it again.");
	}
	if (!release || !store_name_ok(release) || streq(release, "none"))
		return err_set(e, EINVAL, "%s does not say which release it was made from (cloned_release)", c->name);
	ret->lower = strf("%s/releases/%s/root", s->root, release);
	if (!ret->lower)
		return err_oom(e);
	if (!has_dir(s, ret->lower)) {
		(void)err_class(e, ERR_MISSING, ENOENT, "%s needs release %s, and %s does not exist", c->name, release,
		                ret->lower);
		return err_hint(e, "Get it again: iocage fetch -r %s", release);
	}
	return 0;
}

static int read_fstab(struct store *s, const struct config *c, char **ret, struct err *e)
{
	_cleanup_free_ char *path = strf("jails/%s/fstab", c->name);
	struct err why = ERR_INIT;
	size_t len;
	int r;

	if (!path)
		return err_oom(e);
	r = fs_read(s->rootfd, path, FSTAB_MAX, ret, &len, &why);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? err_set(e, -r, "%s: %s", s->root, why.msg) : 0;
}

int store_root_paths(struct store *s, const struct config *c, struct root_paths *ret, struct err *e)
{
	_cleanup_(root_paths_done) struct root_paths p = { 0 };
	int r;

	*ret = p;
	p.dir = strf("%s/jails/%s/root", s->root, c->name);
	if (!p.dir)
		return err_oom(e);
	if (!has_dir(s, p.dir)) {
		free(p.dir);
		p.dir = NULL;
		r = thin_paths(s, c, &p, e);
		if (r < 0)
			return r;
	}
	r = read_fstab(s, c, &p.fstab_text, e);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct root_paths){ 0 };
	return 0;
}

void root_paths_done(struct root_paths *p)
{
	free(p->lower);
	free(p->layers);
	free(p->dir);
	free(p->fstab_text);
	*p = (struct root_paths){ 0 };
}
