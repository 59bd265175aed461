/* plan_mounts.c - the part of `start` that lays out the jail's file systems, fstab included. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/fstab.h"
#include "core/limit.h"
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

/* Mount options, and what the jail may take of that file system. */
static const char *bound_opts(struct plan *p, const struct jail *j, const char *opts,
                              void (*bound)(const struct conf *, struct sbuf *))
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	if (opts)
		sbuf_addf(&b, "%s,", opts);
	bound(j->conf, &b);
	p->failed = p->failed || b.failed;
	return b.len ? plan_str(p, b.p) : NULL;
}

/* One without a size of its own may take what any other of the jail's may. */
static const char *tmpfs_opts(struct plan *p, const struct jail *j, const char *opts)
{
	return str_starts(opts, "size=") || strstr(opts, ",size=") ? plan_str(p, opts)
	                                                           : bound_opts(p, j, opts, limits_tmpfs);
}

static void add_standard(struct plan *p, const struct jail *j, bool real_init, bool devfs)
{
	if (devfs) {
		add_mount(p, "dev", "/dev", "dev", dev_opts(j->allow));
		add_mount(p, "devpts", "/dev/pts", "devpts", bound_opts(p, j, NULL, limits_terminals));
		add_mount(p, "tmpfs", "/dev/shm", "tmpfs", bound_opts(p, j, "mode=1777", limits_tmpfs));
		add_mount(p, "mqueue", "/dev/mqueue", "mqueue", NULL);
	}
	add_mount(p, "proc", "/proc", "proc", NULL);
	add_mount(p, "sysfs", "/sys", "sysfs", "ro");
	if (!real_init)
		return;
	add_mount(p, "cgroup2", "/sys/fs/cgroup", "cgroup2", NULL);
	if (devfs)
		add_mount(p, "console", "/dev/console", "console", NULL);
	add_mount(p, "run", "/run", "run", bound_opts(p, j, j->allow & ALLOW_NESTED ? "nested" : NULL, limits_tmpfs));
	add_mount(p, "tmpfs", "/run/lock", "tmpfs", "mode=1777,size=5m,nr_inodes=4096");
}

static int each_line(struct plan *p, const struct jail *j, const struct root_source *root,
                     int (*see)(struct plan *, const struct jail *, const struct fstab_entry *, unsigned), bool devfs,
                     struct err *e)
{
	_cleanup_free_ char *copy = strdup(root->fstab ? root->fstab : "");
	const struct fstab_jail fj = {
		.name = j->name,
		.uuid = conf_get(j->conf, PROP_host_hostuuid),
		.root = root->host_root,
		.devfs = devfs,
	};
	unsigned number = 0;

	if (!copy)
		return err_oom(e);
	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		struct fstab_entry entry;
		int r = fstab_line(line, ++number, &fj, &entry, e);

		if (r < 0)
			return r;
		r = entry.skip ? 0 : see(p, j, &entry, number);
		if (r)
			return r;
	}
	return 0;
}

/* Devices are the jail's by its properties, and /sys is read-only, whatever the line says. */
static int add_line(struct plan *p, const struct jail *j, const struct fstab_entry *entry, unsigned number)
{
	const char *opts = streq(entry->fstype, "dev")     ? dev_opts(j->allow)
	                   : streq(entry->fstype, "sysfs") ? "ro"
	                   : streq(entry->fstype, "tmpfs") ? tmpfs_opts(p, j, entry->opts)
	                                                   : plan_str(p, entry->opts);
	struct op op = {
		.kind = OP_MOUNT,
		.where = AT_JAIL,
		.source = plan_str(p, entry->source),
		.path = plan_strf(p, "/%s", entry->path),
		.fstype = plan_str(p, entry->fstype),
		.opts = opts,
		.text = plan_strf(p, "fstab line %u", number),
	};

	plan_add_plain(p, PH_START, &op);
	return 0;
}

static int is_dev(struct plan *p, const struct jail *j, const struct fstab_entry *entry, unsigned number)
{
	(void)p;
	(void)j;
	(void)number;
	return streq(entry->fstype, "dev") && streq(entry->path, "dev");
}

int plan_mounts(struct plan *p, const struct jail *j, const struct root_source *root, struct err *e)
{
	bool devfs = conf_true(j->conf, PROP_mount_devfs);
	int r = devfs ? 0 : each_line(p, j, root, is_dev, false, e);

	if (r < 0)
		return r;
	/* a line for it is as good as the property */
	devfs = devfs || r > 0;
	add_root(p, root);
	add_standard(p, j, root->init != NULL, devfs);
	return each_line(p, j, root, add_line, devfs, e);
}
