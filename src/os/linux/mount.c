/* mount.c - the jail's file systems, made by host root in the jail's own mount namespace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h> /* MS_* and the new mount API's attributes */
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/fs.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "core/fstab.h"
#include "os/linux/idmap.h"
#include "os/linux/jailproc.h"
#include "os/linux/limit.h"

/* sys/mount.h and linux/mount.h cannot both be included with this libc */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);

#define MNT_DETACH 2
#define FD_PATH    32 /* "/proc/self/fd/2147483647" */
#define AGAIN_MAX  1000

int open_in_root(int rootfd, const char *path, int flags, unsigned mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd;

	/* EAGAIN: something on this host was renamed or mounted while the kernel went up by a "..", so it cannot be sure */
	for (int tries = 0; tries < AGAIN_MAX; tries++) {
		fd = (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* By rename, so that a symlink there is replaced, not followed. Already right: untouched. */
int write_in_root(int rootfd, const char *path, const void *data, size_t len, struct err *e)
{
	_cleanup_close_ int dir = -1;
	_cleanup_free_ char *parent = strdup(path), *have = NULL;
	const char *name = strrchr(path, '/') + 1;
	size_t n;

	if (!parent)
		return err_oom(e);
	parent[name - path] = '\0';
	dir = open_in_root(rootfd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (dir == -ENOENT)
		return 0; /* a root without /etc wants none */
	if (dir < 0)
		return err_set(e, -dir, "open %s in the jail: %s", parent, strerror(-dir));
	if (fs_read(dir, name, 1 << 20, &have, &n, NULL) == 0 && n == len && memcmp(have, data, len) == 0)
		return 0;
	return fs_replace(dir, name, data, len, 0644, false, e) < 0 ? err_wrap(e, "write %s in the jail", path) : 0;
}

static void fd_path(int fd, char *buf)
{
	snprintf(buf, FD_PATH, "/proc/self/fd/%d", fd);
}

/* Make the directory (or file) a mount goes on, as the jail's root so that it gets an id the file system knows. */
static int make_point(int rootfd, const char *path, bool file, unsigned base)
{
	char part[4096];
	int r = -ENAMETOOLONG;

	if (str_copy(part, sizeof(part), path) < 0)
		return r;
	setfsgid(base);
	setfsuid(base);
	for (char *p = part + strspn(part, "/"); *p;) {
		char *next = p + strcspn(p, "/"), save = *next;
		_cleanup_close_ int parent = -1;

		*next = '\0';
		p[-1] = '\0';
		parent = open_in_root(rootfd, *part ? part : "/", O_PATH | O_DIRECTORY, 0);
		p[-1] = '/';
		if (parent < 0) {
			r = parent;
			break;
		}
		if (!save && file) {
			int fd = openat(parent, p, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);

			r = fd < 0 && errno != EEXIST ? -errno : 0;
			if (fd >= 0)
				close(fd);
		} else {
			r = mkdirat(parent, p, 0755) < 0 && errno != EEXIST ? -errno : 0;
		}
		if (r < 0)
			break;
		*next = save;
		p = next + strspn(next, "/");
	}
	setfsuid(0);
	setfsgid(0);
	return r;
}

static int open_point(int rootfd, const char *path, bool file, unsigned base, struct err *e)
{
	int fd = open_in_root(rootfd, path, O_PATH | (file ? 0 : O_DIRECTORY), 0), r;

	if (fd == -ENOENT) {
		r = make_point(rootfd, path, file, base);
		if (r < 0)
			return err_set(e, -r, "make mount point %s in the jail: %s", path, strerror(-r));
		fd = open_in_root(rootfd, path, O_PATH, 0);
	}
	return fd < 0 ? err_set(e, -fd, "open mount point %s in the jail: %s", path, strerror(-fd)) : fd;
}

/* A detached copy of a host tree whose ids 0..65535 are the jail's. at: that tree, or -1: path, which messages name, is. */
static int clone_mapped(int at, const char *path, int userns, uint64_t attrs, struct err *e)
{
	struct mount_attr ma = { .attr_set = MOUNT_ATTR_IDMAP | attrs,
		                 /* the kernel wants the kind of access times cleared before it is set */
		                 .attr_clr = attrs & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0,
		                 .userns_fd = (uint64_t)userns };
	int fd = (int)syscall(SYS_open_tree, at < 0 ? AT_FDCWD : at, at < 0 ? path : "",
	                      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (at < 0 ? 0 : AT_EMPTY_PATH));

	if (fd < 0)
		return err_sys(e, "open %s", path);
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &ma, sizeof(ma)) < 0) {
		int code = errno;

		close(fd);
		err_set(e, code, "map the ids of %s for the jail: %s", path, strerror(code));
		if (code == EINVAL || code == EOPNOTSUPP)
			err_hint(e, "Its file system must support id-mapped mounts: ext4, xfs, btrfs (tmpfs since "
			            "Linux 6.3).");
		return -code;
	}
	return fd;
}

static int attach(int treefd, int dirfd, const char *at, struct err *e)
{
	if (syscall(SYS_move_mount, treefd, "", dirfd, at,
	            MOVE_MOUNT_F_EMPTY_PATH | (*at ? 0 : MOVE_MOUNT_T_EMPTY_PATH)) < 0)
		return err_sys(e, "attach a mount at %s", *at ? at : "its mount point");
	return 0;
}

/*
 * Act as the jail's root towards file systems, with host root's capabilities all the same: ids that a mapped mount
 * knows. setfsuid(2) takes the file capabilities out of the effective set; they are put back.
 */
static int as_jail_root(unsigned base, bool on)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	setfsgid(on ? base : 0);
	setfsuid(on ? base : 0);
	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	d[0].effective = d[0].permitted;
	d[1].effective = d[1].permitted;
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

static int mount_overlay(const struct op *op, int userns, unsigned base, struct err *e)
{
	_cleanup_close_ int lower = clone_mapped(-1, op->source, userns, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, e);
	_cleanup_close_ int layers = -1;
	int r;

	if (lower < 0)
		return lower;
	layers = clone_mapped(-1, op->path, userns, MOUNT_ATTR_NODEV, e);
	if (layers < 0)
		return layers;
	/* layers have to be attached somewhere in this namespace before overlayfs takes private copies of them */
	r = attach(lower, AT_FDCWD, "lower", e);
	if (r == 0)
		r = attach(layers, AT_FDCWD, "layers", e);
	if (r < 0)
		return r;
	/* overlayfs keeps the mounter's identity for what it does in the layers */
	r = as_jail_root(base, true);
	if (r == 0 && mount("overlay", "root", "overlay", MS_NODEV,
	                    "lowerdir=lower,upperdir=layers/upper,workdir=layers/work,index=off") < 0)
		r = -errno;
	if (as_jail_root(base, false) < 0 && r == 0)
		r = -EPERM;
	return r < 0 ? err_set(e, -r, "mount the jail's root: overlay of %s on %s: %s", op->path, op->source,
	                       strerror(-r))
	             : 0;
}

int mount_root(const struct op *op, const char *run, int userns, unsigned base, int *ret_rootfd, struct err *e)
{
	_cleanup_free_ char *mnt = strf("%s/mnt", run);
	int r;

	if (!mnt)
		return err_oom(e);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make the jail's mounts private");
	if (chdir(mnt) < 0)
		return err_sys(e, "enter %s", mnt);
	if (op->path) {
		r = mount_overlay(op, userns, base, e);
	} else {
		_cleanup_close_ int tree = clone_mapped(-1, op->source, userns, MOUNT_ATTR_NODEV, e);

		r = tree < 0 ? tree : attach(tree, AT_FDCWD, "root", e);
	}
	if (r < 0)
		return r;
	*ret_rootfd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *ret_rootfd < 0 ? err_sys(e, "open the jail's root") : 0;
}

/* --- /dev --- */

static const struct {
	const char *name;
	unsigned major, minor;
	const char *only; /* present only if this word is among the op's opts */
} devices[] = {
	{ "null", 1, 3, NULL },    { "zero", 1, 5, NULL }, { "full", 1, 7, NULL },        { "random", 1, 8, NULL },
	{ "urandom", 1, 9, NULL }, { "tty", 5, 0, NULL },  { "net/tun", 10, 200, "tun" }, { "fuse", 10, 229, "fuse" },
};

static const struct {
	const char *name, *target;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" },
};

static const char *const dev_dirs[] = { "pts", "shm", "mqueue" };

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list ? list : ""; *p; p += strcspn(p, ","), p += *p == ',')
		if (strncmp(p, word, n) == 0 && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static int fill_dev(int dev, const char *opts, unsigned base)
{
	mode_t old = umask(0);
	int r = 0;

	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices) && r == 0; i++) {
		if (devices[i].only && !has_word(opts, devices[i].only))
			continue;
		if (strchr(devices[i].name, '/') &&
		    (mkdirat(dev, "net", 0755) < 0 || fchownat(dev, "net", base, base, 0) < 0))
			r = -errno;
		else if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor)) <
		                 0 ||
		         fchownat(dev, devices[i].name, base, base, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	}
	for (size_t i = 0; i < sizeof(dev_links) / sizeof(*dev_links) && r == 0; i++)
		if (symlinkat(dev_links[i].target, dev, dev_links[i].name) < 0 ||
		    fchownat(dev, dev_links[i].name, base, base, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
	for (size_t i = 0; i < sizeof(dev_dirs) / sizeof(*dev_dirs) && r == 0; i++)
		if (mkdirat(dev, dev_dirs[i], 0755) < 0 || fchownat(dev, dev_dirs[i], base, base, 0) < 0)
			r = -errno;
	umask(old);
	return r;
}

/* --- /run --- */

/*
 * Units with PrivateUsers= (Redis has it) make a user namespace, which jails may not, and systemd takes that for a
 * failure where it passes over other kinds of sandboxing it cannot have: systemd.unit(5), drop-ins for a unit type.
 */
static int fill_run(int run, unsigned base)
{
	static const char *const dirs[] = { "systemd", "systemd/system", "systemd/system/service.d" };
	static const char text[] = "[Service]\nPrivateUsers=no\n";
	_cleanup_close_ int fd = -1;
	mode_t old = umask(022);
	int r = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && r == 0; i++)
		if (mkdirat(run, dirs[i], 0755) < 0 || fchownat(run, dirs[i], base, base, 0) < 0)
			r = -errno;
	umask(old);
	if (r < 0)
		return r;
	fd = openat(run, "systemd/system/service.d/10-jail.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || fchown(fd, base, base) < 0)
		return -errno;
	return write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 ? 0 : -EIO;
}

/* --- /proc --- */

/* World-readable facts about the host and doors into the kernel; what only host root may open (sysrq-trigger) stays shut. */
static const char *const masked_files[] = { "kcore",       "keys",        "key-users",     "timer_list",
	                                    "timer_stats", "sched_debug", "latency_stats", "kpagecount",
	                                    "kpageflags",  "kpagecgroup", "kmsg",          "interrupts" };
static const char *const masked_dirs[] = { "acpi", "scsi", "asound" };

static bool is_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/*
 * What masks are made of: the null device of the jail's /dev, which we have just made, or, without one of ours, a device of
 * our own that is out of sight afterwards. Whatever the jail's root has at /dev/null, it is no other device. fd or -errno.
 */
static int open_null(int rootfd)
{
	int fd = open_in_root(rootfd, "/dev/null", O_PATH | O_NOFOLLOW, 0), made;
	mode_t old;

	if (fd >= 0 && is_null(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	/* below the directory we are in; it goes with all that is not in the jail's root */
	if (mount("tmpfs", "lower", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4k,nr_inodes=4,mode=755") < 0)
		return -errno;
	old = umask(0);
	made = mknod("lower/null", S_IFCHR | 0666, makedev(1, 3));
	umask(old);
	fd = made < 0 ? -1 : open("lower/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (is_null(fd))
		return fd;
	close(fd);
	return -ENODEV;
}

/* Every mask there is to be, or a failure: none is left out. 0 or -errno. */
static int mask_proc(int rootfd, int proc)
{
	char null[FD_PATH], point[FD_PATH];
	_cleanup_close_ int nullfd = open_null(rootfd);

	if (nullfd < 0)
		return nullfd;
	fd_path(nullfd, null);
	for (size_t i = 0; i < sizeof(masked_files) / sizeof(*masked_files); i++) {
		_cleanup_close_ int fd = openat(proc, masked_files[i], O_PATH | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0 && errno == ENOENT)
			continue; /* this kernel does not have it */
		if (fd < 0)
			return -errno;
		fd_path(fd, point);
		if (mount(null, point, NULL, MS_BIND, NULL) < 0)
			return -errno;
	}
	for (size_t i = 0; i < sizeof(masked_dirs) / sizeof(*masked_dirs); i++) {
		_cleanup_close_ int fd = openat(proc, masked_dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		fd_path(fd, point);
		if (mount("tmpfs", point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		          "size=4k,nr_inodes=2,mode=555") < 0)
			return -errno;
	}
	return 0;
}

/*
 * The jail's ids own none of this, so it could not be written anyway. sys/net and sys/user are namespaces' own, and sys itself
 * stays writable for what asks whether it is (systemd-sysctl).
 */
static const char *const readonly_proc[] = { "bus",     "fs",        "irq",    "sysrq-trigger", "sys/abi",
	                                     "sys/dev", "sys/debug", "sys/fs", "sys/kernel",    "sys/vm" };

/* What is not there needs nothing. */
static int make_readonly(int top, const char *path)
{
	struct mount_attr ma = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int tree =
		(int)syscall(SYS_open_tree, top, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);

	if (tree < 0)
		return errno == ENOENT ? 0 : -errno;
	if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &ma, sizeof(ma)) < 0 ||
	    syscall(SYS_move_mount, tree, "", top, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int lock_proc(int proc)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(readonly_proc) / sizeof(*readonly_proc) && r == 0; i++)
		r = make_readonly(proc, readonly_proc[i]);
	return r;
}

/* --- /sys --- */

/* An empty directory over another. What is not there needs nothing. */
static int mask_dir(int top, const char *path)
{
	_cleanup_close_ int fd = openat(top, path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	char point[FD_PATH];

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	fd_path(fd, point);
	return mount("tmpfs", point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
	             "size=4k,nr_inodes=2,mode=555") < 0
	               ? -errno
	               : 0;
}

/* Tables of the firmware; what processors use and how warm they are tells what others compute. */
static int mask_sys(int sys)
{
	char path[64];
	int r = mask_dir(sys, "firmware");

	if (r == 0)
		r = mask_dir(sys, "devices/virtual/powercap");
	for (unsigned cpu = 0; r == 0 && cpu < 8192; cpu++) {
		(void)snprintf(path, sizeof(path), "devices/system/cpu/cpu%u/thermal_throttle", cpu);
		if (faccessat(sys, path, F_OK, 0) < 0)
			break;
		r = mask_dir(sys, path);
	}
	return r;
}

/* --- the others --- */

/* Options of every file system: as a flag of mount(2), and as an attribute of a mount that is cloned. */
static const struct {
	const char *word;
	unsigned long flag;
	uint64_t attr;
} words[] = {
	{ "ro", MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "rdonly", MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "nosuid", MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ "noexec", MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ "nodev", MS_NODEV, MOUNT_ATTR_NODEV },
	{ "nosymfollow", MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "noatime", MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ "nodiratime", MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ "strictatime", MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
};

static unsigned long common_flags(const char *opts, unsigned long flags)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(opts, words[i].word))
			flags |= words[i].flag;
	return flags;
}

/* Options for the file system itself: what is left of opts without the mount flags. */
static char *fs_data(const char *opts, const char *more)
{
	/* the rest of mount(8)'s, FreeBSD's too, which are what happens anyway */
	static const char *const flags[] = { "rw",       "suid",       "exec",       "symfollow",  "atime",  "diratime",
		                             "relatime", "norelatime", "async",      "defaults",   "late",   "auto",
		                             "acls",     "nfsv4acls",  "noclusterr", "noclusterw", "nested", "fair" };
	struct sbuf b = { 0 };

	for (const char *p = opts ? opts : ""; *p;) {
		size_t n = strcspn(p, ",");
		bool flag = n == 0;

		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
			flag = flag || (strlen(flags[i]) == n && strncmp(flags[i], p, n) == 0);
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			flag = flag || (strlen(words[i].word) == n && strncmp(words[i].word, p, n) == 0);
		if (!flag) {
			if (b.len)
				sbuf_addc(&b, ',');
			sbuf_addn(&b, p, n);
		}
		p += n + (p[n] == ',');
	}
	if (more && *more)
		sbuf_addf(&b, "%s%s", b.len ? "," : "", more);
	return sbuf_take(&b);
}

/* The user namespace by which a bind mount maps ids: the jail's, or with idshift=N one that is kept in *ret_own. */
static int bind_userns(const struct op *op, int userns, unsigned base, int *ret_own, struct err *e)
{
	unsigned from = fstab_idshift(op->opts);

	if (!from)
		return userns;
	return *ret_own = idmap_userns(from, base, JAIL_IDS, e);
}

static int mount_bind(const struct op *op, const struct op *root, int rootfd, int userns, unsigned base, struct err *e)
{
	uint64_t attrs = MOUNT_ATTR_NODEV;
	_cleanup_close_ int from = -1, tree = -1, point = -1, shifted = -1;
	struct stat st;
	int ns;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(op->opts, words[i].word))
			attrs |= words[i].attr;
	from = open_source(op->source, root);
	if (from < 0)
		return err_set(e, -from, "open %s: %s", op->source, strerror(-from));
	ns = bind_userns(op, userns, base, &shifted, e);
	if (ns < 0)
		return ns;
	tree = clone_mapped(from, op->source, ns, attrs, e);
	if (tree < 0)
		return tree;
	if (fstat(tree, &st) < 0)
		return err_sys(e, "look at %s", op->source);
	point = open_point(rootfd, op->path, !S_ISDIR(st.st_mode), base, e);
	return point < 0 ? point : attach(tree, point, "", e);
}

struct fs_kind {
	const char *type;
	unsigned long flags;
	bool owned; /* takes uid= and gid= */
};

static const struct fs_kind kinds[] = {
	{ "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, false },
	{ "devpts", MS_NOSUID | MS_NOEXEC, false },
	{ "tmpfs", MS_NOSUID | MS_NODEV, true },
	{ "dev", MS_NOSUID | MS_NOEXEC, true },
	{ "run", MS_NOSUID | MS_NODEV, true },
};

/* What is in a fresh file system of a kind of ours. 0 or -errno. */
static int fill(const struct op *op, int rootfd, int top, unsigned base)
{
	int r;

	if (streq(op->fstype, "dev"))
		return fill_dev(top, op->opts, base);
	if (streq(op->fstype, "run"))
		return has_word(op->opts, "nested") ? 0 : fill_run(top, base);
	if (streq(op->fstype, "sysfs"))
		return mask_sys(top);
	r = mask_proc(rootfd, top);
	return r < 0 ? r : lock_proc(top);
}

/* Is it the file system that was just mounted there, and not something else that its path leads to by now. */
static bool is_fresh(int top, const char *type)
{
	struct statfs sf;

	return fstatfs(top, &sf) == 0 && sf.f_type == (streq(type, "proc")    ? PROC_SUPER_MAGIC
	                                               : streq(type, "sysfs") ? SYSFS_MAGIC
	                                                                      : TMPFS_MAGIC);
}

/*
 * Terminals of all jails together are kernel.pty.max less kernel.pty.reserve, which the host keeps for itself. "fair" in opts:
 * a quarter of that at most, whatever "max=" before it says. Documentation/filesystems/devpts.rst.
 */
static void bound_terminals(const char *opts, char *more, size_t cap)
{
	uint64_t all, kept, most = opts && str_starts(opts, "max=") ? strtoull(opts + 4, NULL, 10) : 0;
	size_t n = strlen(more);

	if (most && has_word(opts, "fair")) {
		all = limit_of_host("/proc/sys/kernel/pty/max");
		kept = limit_of_host("/proc/sys/kernel/pty/reserve");
		if (all > kept && (all - kept) / 4 < most)
			most = (all - kept) / 4 ? (all - kept) / 4 : 1;
	}
	if (most)
		(void)snprintf(more + n, cap - n, ",max=%llu", (unsigned long long)most);
}

static int mount_refused(const struct op *op, int code, struct err *e)
{
	const char *source = op->source ? op->source : op->fstype, *opts = op->opts ? op->opts : "";

	if (code == ENODEV)
		return err_set(e, code, "mount %s on %s in the jail: this kernel has no file system %s", source,
		               op->path, op->fstype);
	return err_set(e, code, "mount %s (%s%s%s) on %s in the jail: %s", source, op->fstype,
	               *opts ? ", options " : "", opts, op->path, strerror(code));
}

int mount_one(const struct op *op, const struct op *root, int rootfd, int userns, unsigned base, struct err *e)
{
	const struct fs_kind *k = NULL;
	_cleanup_close_ int point = -1, top = -1;
	_cleanup_free_ char *data = NULL;
	char more[80] = "", at[FD_PATH];
	bool dev = streq(op->fstype, "dev"), pts = streq(op->fstype, "devpts"), run = streq(op->fstype, "run");
	bool ours = dev || run; /* a tmpfs, with words of ours for options */
	int r;

	if (streq(op->fstype, "bind"))
		return mount_bind(op, root, rootfd, userns, base, e);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (streq(kinds[i].type, op->fstype))
			k = &kinds[i];
	point = open_point(rootfd, op->path, false, base, e);
	if (point < 0)
		return point;
	fd_path(point, at);
	if (dev)
		snprintf(more, sizeof(more), "mode=755,size=64k,nr_inodes=256,uid=%u,gid=%u", base, base);
	else if (run)
		snprintf(more, sizeof(more), "mode=755,uid=%u,gid=%u", base, base);
	else if (pts)
		snprintf(more, sizeof(more), "newinstance,ptmxmode=0666,mode=0620,gid=%u", base + 5);
	else if (k && k->owned)
		snprintf(more, sizeof(more), "uid=%u,gid=%u", base, base);
	if (pts)
		bound_terminals(op->opts, more, sizeof(more));
	data = dev ? strdup(more) : fs_data(op->opts, more);
	if (!data)
		return err_oom(e);
	if (mount(op->source ? op->source : op->fstype, at, ours ? "tmpfs" : op->fstype,
	          common_flags(ours ? NULL : op->opts, k ? k->flags : MS_NODEV), *data ? data : NULL) < 0)
		return mount_refused(op, errno, e);
	if (!ours && !streq(op->fstype, "proc") && !streq(op->fstype, "sysfs"))
		return 0;
	top = open_in_root(rootfd, op->path, O_RDONLY | O_DIRECTORY, 0);
	if (top < 0)
		return err_set(e, -top, "open %s in the jail: %s", op->path, strerror(-top));
	r = is_fresh(top, op->fstype) ? fill(op, rootfd, top, base) : -EXDEV;
	return r < 0 ? err_set(e, -r, "fill %s in the jail: %s", op->path, strerror(-r)) : 0;
}

int mount_pivot(int rootfd, struct err *e)
{
	if (fchdir(rootfd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "make the jail's root the root");
	return 0;
}

int mount_console(int *ret_master, int *ret_slave, unsigned base, struct err *e)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), master = -1, slave = -1, point = -1;
	char from[FD_PATH], at[FD_PATH];
	int unlock = 0;

	setfsgid(base + 5);
	setfsuid(base);
	master = open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	setfsuid(0);
	setfsgid(0);
	if (master < 0)
		return err_set(e, -master, "open a terminal for the jail's console: %s", strerror(-master));
	if (ioctl(master, _IOW('T', 0x31, int), &unlock) < 0) /* TIOCSPTLCK */
		return err_sys(e, "unlock the console terminal");
	slave = ioctl(master, _IO('T', 0x41), O_RDWR | O_NOCTTY | O_CLOEXEC); /* TIOCGPTPEER */
	if (slave < 0)
		return err_sys(e, "open the console terminal");
	point = open_point(root, "/dev/console", true, base, e);
	if (point < 0)
		return point;
	fd_path(slave, from);
	fd_path(point, at);
	if (mount(from, at, NULL, MS_BIND, NULL) < 0)
		return err_sys(e, "put the console on /dev/console");
	*ret_master = take_fd(&master);
	*ret_slave = take_fd(&slave);
	return 0;
}
