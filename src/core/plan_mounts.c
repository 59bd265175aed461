/* plan_mounts.c - the part of `start` that lays out the jail's file systems, fstab included. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/plan_impl.h"

static void add_mount(struct plan *p, const char *source, const char *path, const char *fstype, const char *opts)
{
	struct op op = {
		.kind = OP_MOUNT,
		.where = AT_JAIL,
		.source = source,
		.path = path,
		.fstype = fstype,
		.opts = opts,
	};

	plan_add_plain(p, PH_START, &op);
}

static void add_root(struct plan *p, const struct root_source *root)
{
	struct op op = { .kind = OP_ROOT };

	if (root->lower) {
		op.source = plan_str(p, root->lower);
		op.path = plan_str(p, root->layers);
	} else {
		op.source = plan_str(p, root->dir);
	}
	plan_add_plain(p, PH_START, &op);
}

/* devices beyond the usual few that the jail was given */
static const char *dev_opts(unsigned allow)
{
	if ((allow & ALLOW_TUN) && (allow & ALLOW_FUSE))
		return "tun,fuse";
	if (allow & ALLOW_TUN)
		return "tun";
	return allow & ALLOW_FUSE ? "fuse" : NULL;
}

static void add_standard(struct plan *p, const struct jail *j, bool real_init)
{
	if (conf_true(j->conf, PROP_mount_devfs)) {
		add_mount(p, "dev", "/dev", "dev", dev_opts(j->allow));
		add_mount(p, "devpts", "/dev/pts", "devpts", NULL);
		add_mount(p, "tmpfs", "/dev/shm", "tmpfs", "mode=1777");
		add_mount(p, "mqueue", "/dev/mqueue", "mqueue", NULL);
	}
	add_mount(p, "proc", "/proc", "proc", NULL);
	add_mount(p, "sysfs", "/sys", "sysfs", "ro");
	if (!real_init)
		return;
	add_mount(p, "cgroup2", "/sys/fs/cgroup", "cgroup2", NULL);
	if (conf_true(j->conf, PROP_mount_devfs))
		add_mount(p, "console", "/dev/console", "console", NULL);
	add_mount(p, "run", "/run", "run", j->allow & ALLOW_NESTED ? "nested" : NULL);
	add_mount(p, "tmpfs", "/run/lock", "tmpfs", "mode=1777");
}

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

/* Where it is inside the jail: without the host's path of the root, with a leading '/'. NULL: nowhere sensible. */
static const char *inside_path(struct plan *p, const char *dest, const char *host_root)
{
	size_t n = host_root ? strlen(host_root) : 0;

	while (n > 1 && host_root[n - 1] == '/')
		n--;
	if (n > 1 && strncmp(dest, host_root, n) == 0 && (dest[n] == '/' || dest[n] == '\0'))
		dest += n;
	while (*dest == '/')
		dest++;
	if (!*dest || streq(dest, ".") || has_dotdot(dest))
		return NULL;
	return plan_strf(p, "/%s", dest);
}

static bool has_option(const char *opts, const char *want)
{
	size_t n = strlen(want);

	for (const char *s = opts; *s;) {
		size_t len = strcspn(s, ",");

		if (len == n && strncmp(s, want, n) == 0)
			return true;
		s += len + (s[len] == ',');
	}
	return false;
}

/* FreeBSD's name, or Linux's "none ... bind", or already right */
static const char *fstype_of(const char *fstype, const char *opts)
{
	if (streq(fstype, "nullfs") || ((streq(fstype, "none") || streq(fstype, "bind")) && has_option(opts, "bind")))
		return "bind";
	return fstype;
}

static int add_fstab_line(struct plan *p, char *line, unsigned number, const struct root_source *root, struct err *e)
{
	_cleanup_(strv_done) struct strv f = { 0 };
	const char *path, *fstype;

	if (strv_split(&f, line, " \t\r") < 0)
		return err_oom(e);
	if (f.n == 0 || f.v[0][0] == '#')
		return 0;
	if (f.n != 6 || strlen(f.v[4]) != 1 || strlen(f.v[5]) != 1 || !strchr("0123456789", f.v[4][0]) ||
	    !strchr("0123456789", f.v[5][0]))
		return err_set(e, EINVAL,
		               "Malformed fstab at line %u: %.200s\nsix fields: source destination type options 0 0",
		               number, line);
	if (!unvis(f.v[0]) || !unvis(f.v[1]))
		return err_set(e, EINVAL,
		               "Malformed fstab at line %u: %.200s\na backslash must begin an escape such as \\040",
		               number, line);
	if (has_option(f.v[3], "noauto"))
		return 0;
	path = inside_path(p, f.v[1], root->host_root);
	if (!path)
		return p->failed
		               ? err_oom(e)
		               : err_set(e, EINVAL,
		                         "fstab line %u: Destination: %.200s must be a directory below the jail's root",
		                         number, f.v[1]);
	fstype = fstype_of(f.v[2], f.v[3]);
	if (streq(fstype, "bind") && (f.v[0][0] != '/' || has_dotdot(f.v[0])))
		return err_set(e, EINVAL, "fstab line %u: Source: %.200s must use an absolute path!", number, f.v[0]);
	add_mount(p, plan_str(p, f.v[0]), path, plan_str(p, fstype), plan_str(p, f.v[3]));
	return 0;
}

static int add_fstab(struct plan *p, const struct root_source *root, struct err *e)
{
	_cleanup_free_ char *copy = strdup(root->fstab);
	unsigned number = 0;

	if (!copy)
		return err_oom(e);
	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		int r = add_fstab_line(p, line, ++number, root, e);

		if (r < 0)
			return r;
	}
	return 0;
}

int plan_mounts(struct plan *p, const struct jail *j, const struct root_source *root, struct err *e)
{
	add_root(p, root);
	add_standard(p, j, root->init != NULL);
	return root->fstab ? add_fstab(p, root, e) : 0;
}
