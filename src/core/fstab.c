/* fstab.c - a jail's fstab: fstab(5) of FreeBSD, as iocage there writes it, read for what Linux mounts. */
#include "core/fstab.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FIELDS 6

/* vis(3) as fstab has it: \040 and other octal escapes, \s, and a doubled backslash. In place; false: malformed. */
static bool unvis(char *s)
{
	char *to = s;

	for (; *s; to++) {
		if (*s != '\\') {
			*to = *s++;
			continue;
		}
		s++;
		if (*s == '\\' || *s == 's') {
			*to = *s == 's' ? ' ' : '\\';
			s++;
		} else if (strspn(s, "01234567") >= 3 && s[0] <= '3' && strncmp(s, "000", 3) != 0) {
			*to = (char)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
			s += 3;
		} else {
			return false;
		}
	}
	*to = '\0';
	return true;
}

static bool has_dotdot(const char *path)
{
	return streq(path, "..") || str_starts(path, "../") || strstr(path, "/../") || str_ends(path, "/..");
}

/* --- the fields --- */

/* fstab(5): dump and pass may be absent, then they are 0; a comment may follow. How many fields there are; -1: too many. */
static int split(char *line, char *f[static FIELDS])
{
	int n = 0;

	for (char *s = line; *(s += strspn(s, " \t\r"));) {
		if (*s == '#' && (n == 0 || n >= 4))
			break;
		if (n == FIELDS)
			return -1;
		f[n++] = s;
		s += strcspn(s, " \t\r");
		if (*s)
			*s++ = '\0';
	}
	return n;
}

static bool is_digit(const char *s)
{
	return *s >= '0' && *s <= '9' && !s[1];
}

/* --- options --- */

/*
 * mount(8) of both systems. A jail's mounts are never waited for or checked, nullfs(5) has no cache here, and ACLs are the
 * file system's: what says so or otherwise changes nothing.
 */
static const char *const known_options[] = {
	"ro",          "rdonly",    "rw",       "nosuid", "suid",       "noexec",   "exec",      "nodev",
	"nosymfollow", "symfollow", "noatime",  "atime",  "nodiratime", "diratime", "relatime",  "norelatime",
	"strictatime", "bind",      "defaults", "late",   "auto",       "noauto",   "async",     "noclusterr",
	"noclusterw",  "cache",     "nocache",  "acls",   "nfsv4acls",  "noacls",   "userquota", "groupquota",
};

static bool in_list(const char *const *list, size_t n, const char *word, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && strncmp(list[i], word, len) == 0)
			return true;
	return false;
}

static bool has_option(const char *opts, const char *want)
{
	for (const char *s = opts; *s;) {
		size_t len = strcspn(s, ",");

		if (len == strlen(want) && strncmp(s, want, len) == 0)
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

#define SHIFT       "idshift="
#define SHIFT_LEAST 65536U
#define SHIFT_MOST  (UINT32_MAX - 2 * 65536U) /* the last id is no id */

unsigned fstab_idshift(const char *opts)
{
	for (const char *s = opts ? opts : ""; *s;) {
		size_t len = strcspn(s, ",");
		char *end;
		unsigned long long n = strncmp(s, SHIFT, strlen(SHIFT)) == 0 ? strtoull(s + strlen(SHIFT), &end, 10)
		                                                             : 0;

		if (n >= SHIFT_LEAST && n <= SHIFT_MOST && s[strlen(SHIFT)] >= '0' && s[strlen(SHIFT)] <= '9' &&
		    end == s + len)
			return (unsigned)n;
		s += len + (s[len] == ',');
	}
	return 0;
}

/* Of a bind mount: the kernel is not asked, so an unknown word would go unseen. */
static int check_options(const char *opts, unsigned number, struct err *e)
{
	for (const char *s = opts; *s;) {
		size_t len = strcspn(s, ",");

		if (strncmp(s, SHIFT, strlen(SHIFT)) == 0) {
			if (!fstab_idshift(s))
				return err_set(e, EINVAL,
				               "fstab line %u: \"%.*s\": idshift=N takes a number from %u to %u",
				               number, (int)(len < 100 ? len : 100), s, SHIFT_LEAST, SHIFT_MOST);
		} else if (len && !in_list(known_options, sizeof(known_options) / sizeof(*known_options), s, len))
			return err_set(e, EINVAL, "fstab line %u: nullfs does not have the option \"%.*s\"", number,
			               (int)(len < 100 ? len : 100), s);
		s += len + (s[len] == ',');
	}
	return 0;
}

/* --- paths --- */

/* The rest of dest below dir, or NULL. */
static char *below(char *dest, const char *dir)
{
	size_t n = dir ? strlen(dir) : 0;

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return n > 1 && strncmp(dest, dir, n) == 0 && (dest[n] == '/' || dest[n] == '\0') ? dest + n : NULL;
}

static bool is_called(const char *name, size_t n, const char *want)
{
	return want && *want && strlen(want) == n && strncmp(name, want, n) == 0;
}

/*
 * ".../jails/NAME/root/rest" is a root on the host, wherever the tool keeps its jails. NULL: no such path; *ret_ours: it is
 * this jail's.
 */
static char *other_base(char *dest, const struct fstab_jail *j, bool *ret_ours)
{
	for (char *s = dest; (s = strstr(s, "/jails/")); s++) {
		char *name = s + 7, *end = strchr(name, '/');

		if (!end || end == name || strncmp(end, "/root", 5) != 0 || (end[5] && end[5] != '/'))
			continue;
		*ret_ours = is_called(name, (size_t)(end - name), j->name) ||
		            is_called(name, (size_t)(end - name), j->uuid);
		return end + 5;
	}
	return NULL;
}

static int find_path(char *dest, unsigned number, const struct fstab_jail *j, const char **ret, struct err *e)
{
	bool ours = true;
	char *rest = below(dest, j->root);

	if (!rest)
		rest = other_base(dest, j, &ours);
	if (!ours)
		return err_set(e, EINVAL,
		               "fstab line %u: Destination: %.200s must include jail's mountpoint! (%s)\n"
		               "It is in the root of another jail.",
		               number, dest, j->root ? j->root : "/");
	if (!rest)
		rest = dest;
	rest += strspn(rest, "/");
	if (!*rest || streq(rest, ".") || has_dotdot(rest))
		return err_set(e, EINVAL,
		               "fstab line %u: Destination: %.200s must be a directory below the jail's root", number,
		               dest);
	*ret = rest;
	return 0;
}

/* --- types --- */

static const struct {
	const char *theirs, *ours;
} types[] = {
	{ "nullfs", "bind" },    { "devfs", "dev" },       { "linprocfs", "proc" }, { "procfs", "proc" },
	{ "linsysfs", "sysfs" }, { "mqueuefs", "mqueue" }, { "ext2fs", "ext2" },    { "msdosfs", "vfat" },
	{ "cd9660", "iso9660" }, { "ufs", "ufs" },
};

static const char *type_of(const char *fstype, const char *opts)
{
	if ((streq(fstype, "none") || streq(fstype, "bind")) && has_option(opts, "bind"))
		return "bind";
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (streq(types[i].theirs, fstype))
			return types[i].ours;
	return fstype;
}

/* What a jail has on Linux without a line. */
static bool is_there(const char *fstype, const char *path, const struct fstab_jail *j)
{
	static const struct {
		const char *fstype, *path;
	} there[] = { { "proc", "proc" }, { "sysfs", "sys" } };

	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
		if (streq(there[i].fstype, fstype) && streq(there[i].path, path))
			return true;
	/* a link in each /dev that is made, here and below another path */
	if (streq(fstype, "fdescfs"))
		return streq(path, "dev/fd") || str_ends(path, "/dev/fd");
	return j->devfs && streq(fstype, "dev") && streq(path, "dev");
}

static void no_end_slash(char *path)
{
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
}

int fstab_line(char *line, unsigned number, const struct fstab_jail *j, struct fstab_entry *ret, struct err *e)
{
	char *f[FIELDS] = { NULL };
	char shown[200];
	int n, r;

	(void)snprintf(shown, sizeof(shown), "%s", line);
	n = split(line, f);
	*ret = (struct fstab_entry){ .skip = true };
	if (n == 0)
		return 0;
	if (n < 4 || (n > 4 && !is_digit(f[4])) || (n > 5 && !is_digit(f[5])))
		return err_set(
			e, EINVAL,
			"Malformed fstab at line %u: %s\nfour to six fields: source destination type options 0 0",
			number, shown);
	if (!unvis(f[0]) || !unvis(f[1]))
		return err_set(e, EINVAL,
		               "Malformed fstab at line %u: %s\na backslash must begin an escape such as \\040", number,
		               shown);
	if (has_option(f[3], "noauto") || has_option(f[3], "xx"))
		return 0;
	no_end_slash(f[1]);
	r = find_path(f[1], number, j, &ret->path, e);
	if (r < 0)
		return r;
	ret->source = f[0];
	ret->opts = f[3];
	ret->fstype = type_of(f[2], f[3]);
	ret->skip = is_there(ret->fstype, ret->path, j);
	if (!streq(ret->fstype, "bind"))
		return 0;
	if (f[0][0] != '/' || has_dotdot(f[0]))
		return err_set(e, EINVAL, "fstab line %u: Source: %.200s must use an absolute path!", number, f[0]);
	return check_options(f[3], number, e);
}
