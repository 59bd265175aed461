/* host.c - small questions about this host: can it run jails, which init a root has, which name servers it uses. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jailproc.h"
#include "os/linux/shared.h"
#include "os/os.h"

static char libexec[PATH_MAX] = IOCAGE_LIBEXECDIR;

void os_set_libexec(const char *dir)
{
	(void)snprintf(libexec, sizeof(libexec), "%s", dir);
	hold_set_libexec(libexec);
}

const char *os_libexec(void)
{
	return libexec;
}

int os_check(bool vnet, struct err *e)
{
	const char *mnt;
	int r = cgroup_mount(&mnt, e);

	(void)vnet;
	if (r < 0)
		return err_wrap(e, "this host cannot run jails");
	if (geteuid() != 0)
		return err_set(e, EPERM, "jails need root privileges on the host");
	/* a call with nonsense tells whether the kernel knows it, and does nothing */
	if (syscall(SYS_mount_setattr, -1, NULL, 0, NULL, 0) < 0 && errno == ENOSYS)
		return err_set(e, ENOSYS,
		               "this kernel is too old: it has no mount_setattr(2); Linux 6.1 or newer is needed");
	if (access("/proc/self/ns/user", F_OK) < 0)
		return err_set(e, ENOSYS, "this kernel has no user namespaces (CONFIG_USER_NS)");
	return 0;
}

static bool has_file(const char *root, const char *path, mode_t any)
{
	_cleanup_close_ int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	struct stat st;

	if (dir < 0)
		return false;
	fd = open_in_root(dir, path, O_PATH, 0);
	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & any);
}

static bool in_any_layer(const struct root_source *root, const char *path, mode_t any)
{
	_cleanup_free_ char *upper = root->layers ? strf("%s/upper", root->layers) : NULL;

	return (upper && has_file(upper, path, any)) || (root->lower && has_file(root->lower, path, any)) ||
	       (root->dir && has_file(root->dir, path, any));
}

bool os_root_has(const struct root_source *root, const char *path)
{
	return in_any_layer(root, path, 0777);
}

char *os_find_init(const struct root_source *root)
{
	static const char *const inits[] = { "/sbin/init", "/usr/sbin/init", "/usr/lib/systemd/systemd",
		                             "/lib/systemd/systemd" };

	for (size_t i = 0; i < sizeof(inits) / sizeof(*inits); i++)
		if (in_any_layer(root, inits[i], 0111))
			return strdup(inits[i]);
	return NULL;
}

bool os_suid_reachable(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	struct statvfs fs;
	struct stat st;

	if (!real || statvfs(real, &fs) < 0 || fs.f_flag & ST_NOSUID)
		return false;
	for (char *slash = strrchr(real, '/'); slash && slash > real; slash = strrchr(real, '/')) {
		*slash = '\0';
		/* a group other than root's has members who are not */
		if (stat(real, &st) < 0 || !(st.st_mode & (S_IXOTH | (st.st_gid ? S_IXGRP : 0)) || st.st_uid))
			return false;
	}
	return true;
}

char *os_host_resolver(void)
{
	/* systemd-resolved: the stub listens on the host's loopback, which no jail reaches; its own list is the real one */
	static const char *const files[] = { "/run/systemd/resolve/resolv.conf", "/etc/resolv.conf" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		_cleanup_close_ int fd = open(files[i], O_RDONLY | O_CLOEXEC);
		_cleanup_(sbuf_done) struct sbuf b = { 0 };
		char buf[4096];
		ssize_t n;

		if (fd < 0)
			continue;
		while ((n = read(fd, buf, sizeof(buf))) > 0 && b.len < 65536)
			sbuf_addn(&b, buf, (size_t)n);
		return sbuf_take(&b);
	}
	return NULL;
}
