/* release.c - releases: listing, making them by the kind their name tells, removing, and who needs them. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/proc.h"
#include "store/internal.h"

int store_releases(struct store *s, struct strv *ret, struct err *e)
{
	return store_list_dirs(s->rootfd, "releases", ret, e);
}

bool store_has_release(struct store *s, const char *release)
{
	_cleanup_free_ char *path = strf("releases/%s", release);
	struct stat st;

	return s->rootfd >= 0 && path && store_name_ok(release) &&
	       fstatat(s->rootfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

bool release_is_known(const char *release)
{
	return streq(release, "busybox") || release_is_debian(release);
}

void release_progress(const struct fetch_req *r, int percent, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!r->progress)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->progress(r->progress_ctx, text, percent);
}

struct lines {
	char buf[1024];
	size_t n;
	line_fn fn;
	void *ctx;
};

static void flush_line(struct lines *l)
{
	char shown[sizeof(l->buf)];

	l->buf[l->n] = '\0';
	if (l->n)
		l->fn(l->ctx, store_printable(l->buf, shown, sizeof(shown)));
	l->n = 0;
}

static void split_lines(void *ctx, const char *data, size_t n)
{
	struct lines *l = ctx;

	for (size_t i = 0; i < n; i++) {
		/* a line that is too long comes in pieces */
		if (data[i] == '\n' || data[i] == '\r' || l->n + 1 == sizeof(l->buf))
			flush_line(l);
		if (data[i] != '\n' && data[i] != '\r')
			l->buf[l->n++] = data[i];
	}
}

int release_run(const struct workdir *w, char *const *argv, char *const *envp, line_fn fn, void *ctx, int *ret_status,
                struct err *e)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct lines l = { .fn = fn, .ctx = ctx };
	int r;

	spec.argv = argv;
	spec.envp = envp;
	spec.keep = w->fd;
	r = proc_read(&spec, split_lines, &l, ret_status, e);
	flush_line(&l);
	return r;
}

static int make(struct store *s, const struct fetch_req *r, struct workdir *w, struct err *e)
{
	char shown[80];

	if (r->file)
		return release_make_archive(s, r, w, e);
	if (streq(r->release, "busybox"))
		return release_make_busybox(r, w, e);
	if (release_is_debian(r->release))
		return release_make_debian(s, r, w, e);
	(void)err_class(e, ERR_MISSING, ENOENT, "%s was not found!", store_printable(r->release, shown, sizeof(shown)));
	return err_hint(e,
	                "Known are busybox and the Debian and Ubuntu suites; any other system can be made from an "
	                "archive of its\nroot file system: iocage fetch -r %s -F FILE",
	                shown);
}

static int check_root(struct workdir *w, struct err *e)
{
	struct stat st;

	if (fstatat(w->fd, "root", &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, ENOTDIR, "the new release has no root directory");
	/* an archive may have said otherwise about "./", and jails must be able to look at their own / */
	if (fchmodat(w->fd, "root", 0755, 0) < 0 || fchownat(w->fd, "root", 0, 0, 0) < 0)
		return err_sys(e, "cannot set the mode of the new release's root");
	return 0;
}

int release_fetch(struct store *s, const struct fetch_req *r, struct err *e)
{
	_cleanup_(workdir_done) struct workdir w = WORKDIR_INIT;
	_cleanup_close_ int lock = -1;
	char shown[80];
	int n;

	if (!r->release || !store_name_ok(r->release))
		return err_class(e, ERR_USAGE, EINVAL, "'%s' cannot be the name of a release",
		                 store_printable(r->release ? r->release : "", shown, sizeof(shown)));
	if (r->sha256 && (strlen(r->sha256) != 64 || strspn(r->sha256, "0123456789abcdefABCDEF") != 64))
		return err_class(e, ERR_USAGE, EINVAL, "a SHA-256 sum has 64 hexadecimal digits");
	if (r->sha256 && !r->file)
		return err_class(e, ERR_USAGE, EINVAL, "a SHA-256 sum is for a local archive (-F FILE)");
	n = store_lock_release(s, r->release, false, &lock, e);
	if (n < 0)
		return n;
	if (store_has_release(s, r->release))
		return err_set(e, EEXIST, "Release: %s exists already!", r->release);
	n = workdir_make(s, "releases", r->release, &w, e);
	if (n == 0)
		n = make(s, r, &w, e);
	if (n == 0)
		n = check_root(&w, e);
	if (n < 0)
		return n;
	release_progress(r, -1, "Writing %s to disk", r->release);
	sync(); /* thousands of files: one sync of everything beats one of each */
	/* 0700: setuid programs of a release are for its jails, not for the host's users */
	return workdir_publish(s, &w, r->release, 0700, false, e);
}

/* Thin and made from it; a thin jail whose configuration cannot be read might be. */
static bool uses(struct store *s, const char *jail, const char *release)
{
	_cleanup_free_ char *layers = strf("jails/%s/layers", jail), *from = NULL;
	struct err ignored = ERR_INIT;
	struct config c;
	bool yes;

	if (!layers || faccessat(s->rootfd, layers, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (config_load(s, jail, &c, &ignored) < 0)
		return true;
	from = config_value(&c, "cloned_release");
	yes = from && streq(from, release);
	config_done(&c);
	return yes;
}

int release_users(struct store *s, const char *release, struct strv *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv jails = { 0 };
	int r = store_jails(s, &jails, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < jails.n; i++)
		if (uses(s, jails.v[i], release) && strv_add(ret, jails.v[i]) < 0)
			return err_oom(e);
	return 0;
}

static int refuse_used(const char *release, const struct strv *users, struct err *e)
{
	struct sbuf b = { 0 };
	int r;

	for (size_t i = 0; i < users->n; i++) {
		if (b.len > 600) {
			sbuf_addf(&b, " and %zu more", users->n - i);
			break;
		}
		sbuf_addf(&b, "%s%s", i ? " " : "", users->v[i]);
	}
	r = b.failed ? err_oom(e) : err_class(e, ERR_BUSY, EBUSY, "release %s is needed by: %s", release, b.p);
	sbuf_done(&b);
	return r;
}

int release_destroy(struct store *s, const char *release, struct err *e)
{
	_cleanup_(strv_done) struct strv users = { 0 };
	_cleanup_free_ char *path = NULL, *at = NULL;
	_cleanup_close_ int lock = -1;
	char shown[80];
	int r;

	if (!store_has_release(s, release))
		return err_class(e, ERR_MISSING, ENOENT, "Release: %s not found!",
		                 store_printable(release, shown, sizeof(shown)));
	r = store_lock_release(s, release, false, &lock, e);
	if (r == 0)
		r = release_users(s, release, &users, e);
	if (r < 0)
		return r;
	if (users.n)
		return refuse_used(release, &users, e);
	path = strf("%s/releases/%s", s->root, release);
	if (!path)
		return err_oom(e);
	r = fs_mounted_below(path, &at);
	if (r < 0)
		return err_set(e, -r, "cannot tell what is mounted below %s: %s", path, strerror(-r));
	if (r > 0)
		return err_class(e, ERR_BUSY, EBUSY, "cannot destroy release %s: something is mounted on %s", release,
		                 at);
	return workdir_remove(s, "releases", release, e);
}
