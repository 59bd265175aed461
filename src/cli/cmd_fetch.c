/* cmd_fetch.c - fetch: releases by name, from local archives, or chosen from a menu. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/cli.h"

static const char *const archive_ends[] = { ".tar", ".tar.gz",  ".tgz",  ".tar.xz",
	                                    ".txz", ".tar.zst", ".tzst", ".tar.bz2" };

/* Length of the file's name without what says that it is an archive; 0: it is none. */
static size_t archive_stem(const char *name)
{
	for (size_t i = 0; i < sizeof(archive_ends) / sizeof(*archive_ends); i++)
		if (str_ends(name, archive_ends[i]) && strlen(name) > strlen(archive_ends[i]))
			return strlen(name) - strlen(archive_ends[i]);
	return 0;
}

/* --- the menu --- */

/* 0: *ret is the chosen one; -ECANCELED: EXIT or end of input. */
static int ask_release(char **ret, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	char buf[64];
	uint64_t i;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return usage_err(e, "Missing option '--release' / '-r'.");
	if (known_releases(&names) < 0)
		return err_oom(e);
	for (size_t k = 0; k < names.n; k++)
		printf("[%zu] %s\n", k, names.v[k]);
	for (;;) {
		const char *pick = NULL;

		printf("\nType the number of the desired RELEASE\nPress [Enter] to fetch the default selection: (%s)\n"
		       "Type EXIT to quit: ",
		       host_release());
		(void)fflush(stdout);
		if (!fgets(buf, sizeof(buf), stdin)) {
			putchar('\n');
			return err_set(e, ECANCELED, "Aborted!");
		}
		buf[strcspn(buf, "\n")] = '\0';
		if (!strcasecmp(buf, "exit"))
			return err_set(e, ECANCELED, "Aborted!");
		if (!*buf)
			pick = host_release();
		else if (str_to_uint(buf, 0, names.n - 1, &i))
			pick = names.v[i];
		else if (strv_has(&names, buf))
			pick = buf;
		if (pick) {
			*ret = strdup(pick);
			return *ret ? 0 : err_oom(e);
		}
		printf("Invalid RELEASE %s specified\n", buf);
	}
}

/* --- local archives --- */

/* The archives of a directory, whole paths. */
static int list_archives(const char *dir, struct strv *ret, struct err *e)
{
	_cleanup_closedir_ DIR *d = opendir(dir);
	struct dirent *de;
	int r;

	if (!d)
		return err_sys(e, "cannot open %s", dir);
	while ((r = fs_readdir(d, &de)) > 0)
		if (archive_stem(de->d_name) && strv_adopt(ret, strf("%s/%s", dir, de->d_name)) < 0)
			return err_oom(e);
	return r < 0 ? err_sys(e, "cannot read %s", dir) : 0;
}

/* DIR/RELEASE.tar..., else the one archive in DIR/RELEASE/, else (no name given) the one archive in DIR. */
static int find_archive(const char *dir, const char *release, char **ret, struct err *e)
{
	_cleanup_(strv_done) struct strv found = { 0 };
	_cleanup_free_ char *sub = release ? strf("%s/%s", dir, release) : NULL;
	int r;

	for (size_t i = 0; release && i < sizeof(archive_ends) / sizeof(*archive_ends); i++) {
		char *p = strf("%s/%s%s", dir, release, archive_ends[i]);

		if (p && access(p, F_OK) == 0) {
			*ret = p;
			return 0;
		}
		free(p);
	}
	if (sub && access(sub, F_OK) != 0)
		return err_class(e, ERR_MISSING, ENOENT,
		                 "%s was not found! Neither %s.tar (.gz, .xz, .zst) nor %s/ is in %s", release, release,
		                 release, dir);
	r = list_archives(sub ? sub : dir, &found, e);
	if (r < 0)
		return r;
	if (!found.n)
		return err_class(e, ERR_MISSING, ENOENT, "no archive (.tar, .tar.gz, .tar.xz, .tar.zst) in %s",
		                 sub ? sub : dir);
	if (found.n > 1)
		return err_set(e, EINVAL, "%zu archives in %s: name one with --files (-F)", found.n, sub ? sub : dir);
	*ret = strdup(found.v[0]);
	return *ret ? 0 : err_oom(e);
}

/* The archive meant by -F, -d and -r; *ret_file is NULL when none is. */
static int local_archive(const struct args *a, char **ret_file, struct err *e)
{
	const char *file = a->val[OPT_FILE], *dir = a->val[OPT_DIR];

	*ret_file = NULL;
	if (!args_has(a, OPT_FILE) && !args_has(a, OPT_DIR) && !args_has(a, OPT_FORCE))
		return 0;
	if (!file && !dir)
		return usage_err(e, "--file (-f) needs --root-dir (-d) or --files (-F).");
	if (!file)
		return find_archive(dir, a->val[OPT_RELEASE], ret_file, e);
	*ret_file = dir && file[0] != '/' ? strf("%s/%s", dir, file) : strdup(file);
	if (!*ret_file)
		return err_oom(e);
	if (access(*ret_file, R_OK) < 0)
		return err_sys(e, "cannot read %s", *ret_file);
	return 0;
}

static int name_release(const struct args *a, const char *file, char **ret, struct err *e)
{
	const char *given = a->val[OPT_RELEASE], *base;
	size_t n;

	if (given && !file && !strcasecmp(given, "latest"))
		given = host_release();
	if (!given && !file)
		return ask_release(ret, e);
	if (!given) {
		base = strrchr(file, '/');
		base = base ? base + 1 : file;
		n = archive_stem(base);
		*ret = n ? strndup(base, n) : strdup(base);
	} else {
		*ret = strdup(given);
	}
	return *ret ? 0 : err_oom(e);
}

int cmd_fetch(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_free_ char *file = NULL, *release = NULL;
	struct fetch_req req = { .sha256 = a->val[OPT_SHA256], .mirror = a->val[OPT_SERVER] };
	int r = local_archive(a, &file, e);

	if (r == 0)
		r = name_release(a, file, &release, e);
	if (r == 0)
		r = cli_open(c, true, e);
	if (r < 0)
		return r;
	if (req.sha256 && !file)
		return usage_err(e, "--sha256 is for an archive given with --files (-F) or --root-dir (-d).");
	if (!file && store_has_release(&c->st, release)) {
		info("%s is here already.", release);
		return 0;
	}
	if (!file && !release_is_known(release))
		return err_class(e, ERR_MISSING, ENOENT,
		                 "%s was not found!\n'iocage list -R' shows what can be fetched by name.", release);
	req.release = release;
	req.file = file;
	r = fetch_release(c, &req, e);
	if (r == 0)
		info("Fetched: %s", release);
	return r;
}
