/* release_archive.c - releases from local archives, which a helper program of its own unpacks. */
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

#define MANIFEST_MAX (1024 * 1024)

struct output {
	const struct fetch_req *req;
	const char *file; /* shown */
	char error[600];
	unsigned long skipped, renumbered;
};

/* The helper's lines: "p PERCENT", "s COUNT", "o COUNT", "e TEXT"; anything else was not meant for us. */
static void on_line(void *ctx, const char *line)
{
	struct output *o = ctx;
	uint64_t n = 0;

	if (line[0] == '\0' || line[1] != ' ')
		return;
	if (line[0] == 'e')
		store_printable(line + 2, o->error, sizeof(o->error));
	else if (!str_to_uint(line + 2, 0, UINT32_MAX, &n))
		return;
	else if (line[0] == 'p')
		release_progress(o->req, n > 100 ? 100 : (int)n, "Extracting: %s", o->file);
	else if (line[0] == 's')
		o->skipped = (unsigned long)n;
	else if (line[0] == 'o')
		o->renumbered = (unsigned long)n;
}

static int extract(struct store *s, const struct fetch_req *req, const struct workdir *w, const char *file,
                   const char *sha256, struct err *e)
{
	_cleanup_free_ char *helper = strf("%s/iocage-extract", s->libexec ? s->libexec : IOCAGE_LIBEXECDIR);
	_cleanup_free_ char *dir = strf("%s/releases/%s/root", s->root, w->name);
	char *const argv[] = { helper, (char *)file, dir, (char *)sha256, NULL };
	const char *slash = strrchr(file, '/');
	struct output o = { .req = req, .file = slash ? slash + 1 : file };
	int status, r;

	if (!helper || !dir)
		return err_oom(e);
	release_progress(req, 0, "Extracting: %s", o.file);
	r = release_run(w, argv, NULL, on_line, &o, &status, e);
	if (r < 0)
		return r;
	if (status > 128)
		return err_set(e, EIO, "cannot extract %s: %s was ended by signal %d", file, helper, status - 128);
	if (status)
		return err_set(e, EINVAL, "cannot extract %s: %s", file, o.error[0] ? o.error : "no reason given");
	if (o.skipped)
		release_progress(req, 100, "%s: %lu device nodes and sockets left out", o.file, o.skipped);
	if (o.renumbered)
		release_progress(req, 100, "%s: %lu files with an owner above 65535 given to 65534", o.file,
		                 o.renumbered);
	return 0;
}

static int is_archive(const struct dirent *de)
{
	static const char *const ends[] = { ".txz", ".tar.xz",  ".tgz",  ".tar.gz", ".tar",
		                            ".tbz", ".tar.bz2", ".tzst", ".tar.zst" };
	/* what FreeBSD puts beside base.txz and a jail has no use for */
	static const char *const useless[] = { "kernel", "ports.", "tests.", "base-dbg", "lib32-dbg" };

	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++)
		if (str_starts(de->d_name, useless[i]))
			return 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (de->d_name[0] != '.' && str_ends(de->d_name, ends[i]))
			return 1;
	return 0;
}

/* base first: what comes after it may replace its files. */
static int base_first(const struct dirent **a, const struct dirent **b)
{
	bool x = str_starts((*a)->d_name, "base."), y = str_starts((*b)->d_name, "base.");

	return x != y ? (x ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

/* Its lines: "NAME<TAB>SHA256<TAB>..." */
char *release_manifest_sum(const char *manifest, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = manifest; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, name, len) == 0 && p[len] == '\t' && strspn(p + len + 1, "0123456789abcdef") == 64)
			return strndup(p + len + 1, 64);
	return NULL;
}

static int extract_all(struct store *s, const struct fetch_req *req, const struct workdir *w, const char *from,
                       struct err *e)
{
	_cleanup_close_ int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *manifest = NULL;
	struct dirent **names = NULL;
	int n, r = 0, done = 0;
	size_t len;

	if (fd < 0)
		return err_sys(e, "cannot open %s", from);
	if (faccessat(fd, "MANIFEST", F_OK, 0) == 0) {
		r = fs_read(fd, "MANIFEST", MANIFEST_MAX, &manifest, &len, e);
		if (r < 0)
			return err_wrap(e, "%s", from);
	}
	n = scandir(from, &names, is_archive, base_first);
	if (n < 0)
		return err_sys(e, "cannot list %s", from);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *file = strf("%s/%s", from, names[i]->d_name);
		_cleanup_free_ char *sum = release_manifest_sum(manifest, names[i]->d_name);

		if (r == 0)
			r = file ? extract(s, req, w, file, sum, e) : err_oom(e);
		done += r == 0;
		free(names[i]);
	}
	free(names);
	if (r < 0 || done)
		return r;
	(void)err_class(e, ERR_MISSING, ENOENT, "%s holds no archive of a root file system", from);
	return err_hint(e, "Looked for base.txz and other files ending in .txz, .tar, .tar.gz, .tar.xz, .tar.zst, "
	                   "...");
}

/* The file, or the directory DIR/RELEASE when -d DIR names the one above it. */
static int find_source(const struct fetch_req *req, char **ret, bool *ret_dir, struct err *e)
{
	_cleanup_free_ char *below = strf("%s/%s", req->file, req->release);
	struct stat st;

	if (!below)
		return err_oom(e);
	if (stat(req->file, &st) < 0)
		return err_sys(e, "cannot open %s", req->file);
	*ret_dir = S_ISDIR(st.st_mode);
	if (!*ret_dir && !S_ISREG(st.st_mode))
		return err_set(e, EINVAL, "%s is neither a file nor a directory", req->file);
	if (*ret_dir && stat(below, &st) == 0 && S_ISDIR(st.st_mode))
		*ret = take_ptr(below);
	else
		*ret = strdup(req->file);
	return *ret ? 0 : err_oom(e);
}

/* The first entry of dir, and whether it is the only one. */
static int only_entry(int dir, char name[static NAME_MAX + 1], bool *ret_only)
{
	_cleanup_close_ int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_closedir_ DIR *d = again < 0 ? NULL : fdopendir(again);
	struct dirent *ent;
	size_t n = 0;
	int r;

	if (!d)
		return -errno;
	again = -1;
	while ((r = fs_readdir(d, &ent)) > 0)
		if (!streq(ent->d_name, ".") && !streq(ent->d_name, "..") && n++ == 0)
			(void)!str_copy(name, NAME_MAX + 1, ent->d_name);
	*ret_only = n == 1;
	return r;
}

/* What cannot run, and why: all of it one directory down, or the parts of a container image. */
static int check_root(const struct workdir *w, const char *from, struct err *e)
{
	static const char *const parts[] = { "bin", "sbin", "lib", "usr", "etc" };
	_cleanup_close_ int root = openat(w->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), top = -1;
	char name[NAME_MAX + 1] = "";
	bool only = false;
	struct stat st;
	int r;

	if (root < 0)
		return err_sys(e, "look at what %s held", from);
	if (fstatat(root, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    (fstatat(root, "manifest.json", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	     fstatat(root, "etc", &st, AT_SYMLINK_NOFOLLOW) < 0)) {
		(void)err_set(e, EINVAL, "%s is a container image, not a root file system", from);
		return err_hint(e, "Its layers have to be put together first: podman create, then podman export.");
	}
	r = only_entry(root, name, &only);
	if (r < 0)
		return err_set(e, -r, "look at what %s held: %s", from, strerror(-r));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		only = only && !streq(name, parts[i]);
	top = only ? openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) : -1;
	for (size_t i = 0; top >= 0 && i < sizeof(parts) / sizeof(*parts); i++)
		if (fstatat(top, parts[i], &st, AT_SYMLINK_NOFOLLOW) == 0) {
			(void)err_set(e, EINVAL, "%s holds its root file system in a directory, %s/", from, name);
			return err_hint(e, "Pack what is in it: tar -C %s -cf FILE .", name);
		}
	return 0;
}

int release_make_archive(struct store *s, const struct fetch_req *req, struct workdir *w, struct err *e)
{
	_cleanup_free_ char *from = NULL;
	bool is_dir = false;
	int r = find_source(req, &from, &is_dir, e);

	if (r < 0)
		return r;
	if (is_dir && req->sha256)
		return err_class(e, ERR_USAGE, EINVAL, "a SHA-256 sum is for one archive, and %s is a directory", from);
	if (mkdirat(w->fd, "root", 0755) < 0)
		return err_sys(e, "cannot create %s/releases/%s/root", s->root, w->name);
	r = is_dir ? extract_all(s, req, w, from, e) : extract(s, req, w, from, req->sha256, e);
	return r < 0 ? r : check_root(w, from, e);
}
