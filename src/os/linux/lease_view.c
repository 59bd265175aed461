/* lease_view.c - what iocage-lease and the DHCP clients below it see and may do: a root of three files, three capabilities. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/caps.h"
#include "os/linux/lease.h"
#include "seccomp_lease.h"

/* sys/mount.h and linux/mount.h cannot both be included with this libc */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH 2

#define CAPS (UINT64_C(1) << CAP_NET_RAW | UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_BIND_SERVICE)

#define MEMORY_MAX (UINT64_C(256) << 20) /* of address space */
#define FILE_MAX   (1 << 20)
#define FILES_MAX  256

/* A copy of what is there, read-only, that is nowhere yet. */
static int copy_of(int fd, const char *path, uint64_t attrs)
{
	struct mount_attr ma = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | attrs };
	int tree = (int)syscall(SYS_open_tree, fd, path,
	                        OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (*path ? 0 : AT_EMPTY_PATH));

	if (tree >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &ma, sizeof(ma)) < 0)
		closep(&tree);
	return tree;
}

static int put(int tree, int root, const char *name, bool dir)
{
	int made = dir ? mkdirat(root, name, 0755) : mknodat(root, name, S_IFREG | 0644, 0);

	return made < 0 || syscall(SYS_move_mount, tree, "", root, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -1 : 0;
}

static bool needs_libraries(const char *program)
{
	_cleanup_close_ int fd = open(program, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr h = { 0 };
	Elf64_Phdr p = { 0 };

	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return true;
	for (unsigned i = 0; i < h.e_phnum; i++)
		if (pread(fd, &p, sizeof(p), (off_t)(h.e_phoff + i * sizeof(p))) != (ssize_t)sizeof(p) ||
		    p.p_type == PT_INTERP)
			return true;
	return false;
}

/* A directory with shared libraries, or a link to one. What is not there is passed over. */
static int put_library(int root, const char *dir)
{
	_cleanup_close_ int tree = -1;
	char target[256] = "";
	struct stat st = { 0 };

	if (lstat(dir, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return readlink(dir, target, sizeof(target) - 1) < 0 ? -1 : symlinkat(target, root, dir + 1);
	tree = copy_of(AT_FDCWD, dir, MOUNT_ATTR_NODEV);
	return tree < 0 ? -1 : put(tree, root, dir + 1, true);
}

static int put_libraries(int root)
{
	static const char *const dirs[] = { "/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/lib32" };
	int r = mkdirat(root, "usr", 0755);

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs) && r == 0; i++)
		r = put_library(root, dirs[i]);
	return r;
}

/* A root with the client, its hook and /dev/null. No /proc, nothing of the host's to read, nowhere to write. */
static int make_root(int hook, struct err *e)
{
	_cleanup_close_ int box = -1, prog = -1, null = -1, root = -1;
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* of the mounts of who started us, so before there are our own */
	box = copy_of(AT_FDCWD, LEASE_BUSYBOX, MOUNT_ATTR_NODEV);
	prog = copy_of(hook, "", MOUNT_ATTR_NODEV);
	null = copy_of(AT_FDCWD, "/dev/null", MOUNT_ATTR_NOEXEC);
	if (unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(e, "make namespaces of its own");
	/* over any directory there is: this is seen here alone */
	if (box < 0 || prog < 0 || null < 0 ||
	    mount("tmpfs", "/dev", "tmpfs", flags, "size=64k,nr_inodes=32,mode=755") < 0)
		return err_sys(e, "make the root of the DHCP client");
	root = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || mkdirat(root, "bin", 0755) < 0 || mkdirat(root, "dev", 0755) < 0 ||
	    put(box, root, &LEASE_BUSYBOX[1], false) < 0 || put(prog, root, &LEASE_HOOK[1], false) < 0 ||
	    put(null, root, "dev/null", false) < 0 || (needs_libraries(LEASE_BUSYBOX) && put_libraries(root) < 0) ||
	    mount(NULL, "/dev", NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0)
		return err_sys(e, "fill the root of the DHCP client");
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(e, "enter the root of the DHCP client");
	return 0;
}

static int set_limits(struct err *e)
{
	static const struct {
		int which;
		rlim_t max;
	} limits[] = {
#ifndef SANITIZED /* their runtime takes terabytes of address space */
		{ RLIMIT_AS, MEMORY_MAX },
#endif
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, FILE_MAX },
		{ RLIMIT_NOFILE, FILES_MAX },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit l = { limits[i].max, limits[i].max };

		if (setrlimit((__rlimit_resource_t)limits[i].which, &l) < 0)
			return err_sys(e, "limit what it may use");
	}
	return 0;
}

int lease_confine(struct err *e)
{
	const struct sock_fprog prog = { .len = sizeof(seccomp_lease) / sizeof(*seccomp_lease),
		                         .filter = (struct sock_filter *)(uintptr_t)seccomp_lease };
	int r = make_root(LEASE_FD_PROG, e);

	if (r == 0 && (setns(LEASE_FD_USERNS, CLONE_NEWUSER) < 0 || setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	               setresuid(0, 0, 0) < 0))
		r = err_sys(e, "become the jail's root");
	if (r == 0)
		r = set_limits(e);
	if (r == 0)
		r = caps_limit(CAPS, e);
	if (r == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0 ||
	               syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0))
		r = err_sys(e, "install a system call filter");
	(void)close(LEASE_FD_USERNS);
	(void)close(LEASE_FD_PROG);
	return r;
}

int lease_client_caps(struct err *e)
{
	/* addresses and routes are the keeper's to set */
	return caps_keep(CAPS & ~(UINT64_C(1) << CAP_NET_ADMIN), e);
}
