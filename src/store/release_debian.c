/* release_debian.c - Debian and Ubuntu suites as releases, made by mmdebstrap from the mirror the host's apt uses. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "store/internal.h"

#define APT_DIR    "/etc/apt"
#define TAIL_LINES 6 /* of mmdebstrap's output, shown when it fails */

/* What a jail wants beyond a minimal system: ip, ifconfig, ping, and names for protocols and services. */
#define INCLUDE "iproute2,net-tools,iputils-ping,netbase"

enum family { DEBIAN, UBUNTU };

static const struct {
	const char *name;
	enum family family;
} suites[] = {
	{ "buster", DEBIAN },   { "bullseye", DEBIAN }, { "bookworm", DEBIAN },  { "trixie", DEBIAN },
	{ "forky", DEBIAN },    { "duke", DEBIAN },     { "sid", DEBIAN },       { "unstable", DEBIAN },
	{ "testing", DEBIAN },  { "stable", DEBIAN },   { "oldstable", DEBIAN }, { "bionic", UBUNTU },
	{ "focal", UBUNTU },    { "jammy", UBUNTU },    { "mantic", UBUNTU },    { "noble", UBUNTU },
	{ "oracular", UBUNTU }, { "plucky", UBUNTU },   { "questing", UBUNTU },
};

static const struct {
	const char *id, *package, *keyring;
} families[] = {
	[DEBIAN] = { "debian", "debian-archive-keyring", "/usr/share/keyrings/debian-archive-keyring.gpg" },
	[UBUNTU] = { "ubuntu", "ubuntu-keyring", "/usr/share/keyrings/ubuntu-archive-keyring.gpg" },
};

static int find_suite(const char *name)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (streq(suites[i].name, name))
			return (int)i;
	return -1;
}

bool release_is_debian(const char *release)
{
	_cleanup_free_ char *script = NULL;

	if (find_suite(release) >= 0)
		return true;
	/* suites this list does not know yet, on hosts that do */
	script = strf("/usr/share/debootstrap/scripts/%s", release);
	return script && store_name_ok(release) && access(script, R_OK) == 0;
}

/* Is it that distribution itself, and not somebody who builds packages for it under the same suite names. */
static bool is_archive_of(const struct apt_source *a, enum family f)
{
	_cleanup_free_ char *uri = strdup(a->uri), *official = NULL;
	const char *last;
	size_t len;

	if (!uri)
		return false;
	for (len = strlen(uri); len && uri[len - 1] == '/'; len--)
		uri[len - 1] = '\0';
	official = strf("%s-archive-keyring", families[f].id);
	if (official && a->keyring && strstr(a->keyring, official))
		return true;
	last = strrchr(uri, '/');
	if (!last || !str_starts(a->components, "main"))
		return false;
	last++;
	if (f == DEBIAN)
		return streq(last, "debian") || streq(last, "debian-security");
	return streq(last, "ubuntu") || streq(last, "ubuntu-ports");
}

static int add_source(struct strv *argv, const struct apt_source *a, const char *suite)
{
	if (!a->keyring)
		return strv_adopt(argv, strf("deb %s %s main", a->uri, suite));
	return strv_adopt(argv, strf("deb [signed-by=%s] %s %s main", a->keyring, a->uri, suite));
}

/*
 * The host's own lines for the suite, its updates and its security fixes. Without the suite itself, a mirror of the
 * same distribution that the host uses for another suite will have this one too.
 */
static int host_sources(const char *suite, enum family f, struct strv *argv, struct err *e)
{
	_cleanup_(apt_sources_done) struct apt_sources l = { 0 };
	_cleanup_free_ char *updates = strf("%s-updates", suite), *security = strf("%s-security", suite);
	const struct apt_source *other = NULL;
	struct strv found = { 0 };
	bool whole = false;
	int r = apt_sources_read(APT_DIR, &l);

	if (r < 0 || !updates || !security)
		return err_oom(e);
	for (size_t i = 0; i < l.n && r == 0; i++) {
		const struct apt_source *a = &l.v[i];

		if (!is_archive_of(a, f))
			continue;
		if (streq(a->suite, suite) || streq(a->suite, updates) || streq(a->suite, security))
			r = add_source(&found, a, a->suite);
		whole |= streq(a->suite, suite);
		if (!other && find_suite(a->suite) >= 0 && !strstr(a->uri, "security"))
			other = a;
	}
	for (size_t i = 0; whole && i < found.n && r == 0; i++)
		r = strv_add(argv, found.v[i]);
	if (!whole && other && r == 0)
		r = add_source(argv, other, suite);
	strv_done(&found);
	return r < 0 ? err_oom(e) : 0;
}

/* What follows SUITE and DIR: sources, or nothing, which lets mmdebstrap take its own. */
static int add_sources(const struct fetch_req *req, struct strv *argv, struct err *e)
{
	int known = find_suite(req->release);

	if (req->mirror)
		return strv_add(argv, req->mirror) < 0 ? err_oom(e) : 0;
	return known < 0 ? 0 : host_sources(req->release, suites[known].family, argv, e);
}

static int check_keyring(const struct fetch_req *req, struct strv *argv, struct err *e)
{
	int known = find_suite(req->release);
	enum family f;

	if (known < 0)
		return 0;
	f = suites[known].family;
	if (access(families[f].keyring, R_OK) == 0)
		return strv_adopt(argv, strf("--keyring=%s", families[f].keyring)) < 0 ? err_oom(e) : 0;
	if (f == DEBIAN)
		return 0; /* a derived system's apt may trust Debian's keys by other means */
	(void)err_set(e, ENOENT, "%s cannot be verified: %s is missing", req->release, families[f].keyring);
	/* Debian 12 has no such package: then the file has to come from an Ubuntu system */
	return err_hint(e, "Install the package %s, or copy the file from an %s system.", families[f].package,
	                f == UBUNTU ? "Ubuntu" : "Debian");
}

struct output {
	const struct fetch_req *req;
	char tail[TAIL_LINES][200];
	size_t n;
};

static void on_line(void *ctx, const char *line)
{
	struct output *o = ctx;
	size_t len = strlen(line);

	if (str_starts(line, "I: "))
		release_progress(o->req, -1, "%s: %s", o->req->release, line + 3);
	if (str_starts(line, "I: ") || str_starts(line, "Get:") || str_starts(line, "Hit:"))
		return;
	if (len >= sizeof(o->tail[0]))
		len = sizeof(o->tail[0]) - 1;
	memcpy(o->tail[o->n % TAIL_LINES], line, len);
	o->tail[o->n++ % TAIL_LINES][len] = '\0';
}

static int failed(const struct output *o, const char *release, int status, struct err *e)
{
	size_t first = o->n > TAIL_LINES ? o->n - TAIL_LINES : 0;

	if (status > 128)
		(void)err_set(e, EIO, "cannot make %s: mmdebstrap was ended by signal %d", release, status - 128);
	else
		(void)err_set(e, EIO, "cannot make %s: mmdebstrap failed (status %d)", release, status);
	for (size_t i = first; i < o->n; i++)
		(void)err_hint(e, "  %s", o->tail[i % TAIL_LINES]);
	return -EIO;
}

/* The caller's locale and apt settings must not leak in; how to reach the network must. */
static int make_env(struct strv *env)
{
	static const char *const kept[] = { "http_proxy",  "https_proxy", "no_proxy", "HTTP_PROXY",
		                            "HTTPS_PROXY", "NO_PROXY",    "TMPDIR" };
	static const char *const fixed[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		                             "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "HOME=/root" };
	int r = 0;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && r == 0; i++)
		r = strv_add(env, fixed[i]);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && r == 0; i++)
		if (getenv(kept[i]))
			r = strv_adopt(env, strf("%s=%s", kept[i], getenv(kept[i])));
	return r;
}

static int run_mmdebstrap(const struct fetch_req *req, const struct workdir *w, const char *dir, struct err *e)
{
	_cleanup_(strv_done) struct strv argv = { 0 }, env = { 0 };
	struct output o = { .req = req };
	int status, r;

	if (make_env(&env) < 0 || strv_add(&argv, "mmdebstrap") < 0 || strv_add(&argv, "--variant=minbase") < 0 ||
	    strv_add(&argv, "--format=directory") < 0 || strv_add(&argv, "--include=" INCLUDE) < 0)
		return err_oom(e);
	r = check_keyring(req, &argv, e);
	if (r < 0)
		return r;
	if (strv_add(&argv, "--") < 0 || strv_add(&argv, req->release) < 0 || strv_add(&argv, dir) < 0)
		return err_oom(e);
	r = add_sources(req, &argv, e);
	if (r < 0)
		return r;
	release_progress(req, -1, "%s: running mmdebstrap", req->release);
	r = release_run(w, argv.v, env.v, on_line, &o, &status, e);
	if (r == -ENOENT)
		return err_hint(e, "Install the package mmdebstrap: apt install mmdebstrap");
	if (r < 0)
		return r;
	return status ? failed(&o, req->release, status, e) : 0;
}

static int empty_dir(int parent, const char *name, struct err *e)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	int r = fs_opendir(parent, name, &d);

	if (r < 0)
		return r == -ENOENT ? 0 : err_sys(e, "cannot open %s", name);
	while ((r = fs_readdir(d, &de)) > 0) {
		r = fs_remove_tree(dirfd(d), de->d_name, e);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_sys(e, "cannot read %s", name) : 0;
}

/* A jail has its own /dev; the host's name and resolver, which mmdebstrap copies in, are not the jail's. */
static int tidy(int root, struct err *e)
{
	_cleanup_close_ int etc = openat(root, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = empty_dir(root, "dev", e);

	if (r < 0)
		return r;
	if (etc < 0)
		return err_sys(e, "the new system has no etc");
	if (unlinkat(etc, "hostname", 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove etc/hostname");
	if (unlinkat(etc, "resolv.conf", 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove etc/resolv.conf");
	return 0;
}

int release_make_debian(struct store *s, const struct fetch_req *req, struct workdir *w, struct err *e)
{
	_cleanup_free_ char *dir = strf("%s/releases/%s/root", s->root, w->name);
	_cleanup_close_ int root = -1;
	int r;

	if (!dir)
		return err_oom(e);
	r = run_mmdebstrap(req, w, dir, e);
	if (r < 0)
		return r;
	root = openat(w->fd, "root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "mmdebstrap made no root file system");
	return tidy(root, e);
}
