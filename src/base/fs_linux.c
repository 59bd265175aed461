/* fs_linux.c - mount points and extended attributes, the Linux way. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/str.h"

int fs_put_in_place(int dirfd, const char *tmp, const char *path)
{
	/* there is no path yet, or the file system cannot exchange */
	if (renameat2(dirfd, tmp, dirfd, path, RENAME_EXCHANGE) < 0)
		return renameat(dirfd, tmp, dirfd, path) < 0 ? -errno : 0;
	return unlinkat(dirfd, tmp, 0) < 0 ? -errno : 0;
}

/* mountinfo writes blank, tab, newline and backslash as \ooo. In place. */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

char *fs_mountinfo_point(char *line)
{
	char *p = line, *end;

	for (int i = 0; i < 4; i++) {
		p = strchr(p, ' ');
		if (!p)
			return NULL;
		p++;
	}
	end = strchr(p, ' ');
	if (!end)
		return NULL;
	*end = '\0';
	unescape(p);
	return p;
}

int fs_mounted_below(const char *path, char **ret)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	size_t cap = 0, len = strlen(path);

	if (!f)
		return -errno;
	while (getline(&line, &cap, f) >= 0) {
		const char *p = fs_mountinfo_point(line);

		if (!p || strncmp(p, path, len) != 0 || (p[len] != '/' && p[len] != '\0'))
			continue;
		*ret = strdup(p);
		return *ret ? 1 : -ENOMEM;
	}
	return 0;
}

int fs_is_mount_root(int dirfd, const char *name)
{
	struct statx stx;

	/* a bind mount within one file system has the same st_dev: only this attribute tells */
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &stx) < 0)
		return -errno;
	return (stx.stx_attributes & stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0;
}

static int copy_one(int fromfd, int tofd, const char *name)
{
	ssize_t len = fgetxattr(fromfd, name, NULL, 0);
	_cleanup_free_ char *val = NULL;

	if (len < 0)
		return errno == ENODATA ? 0 : -errno;
	val = malloc((size_t)len + 1);
	if (!val)
		return -ENOMEM;
	len = fgetxattr(fromfd, name, val, (size_t)len);
	if (len < 0)
		return errno == ENODATA ? 0 : -errno;
	if (fsetxattr(tofd, name, val, (size_t)len, 0) < 0 && errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

int fs_copy_xattrs(int fromfd, int tofd)
{
	_cleanup_free_ char *names = NULL;
	ssize_t len = flistxattr(fromfd, NULL, 0);

	if (len < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	if (len == 0)
		return 0;
	names = malloc((size_t)len);
	if (!names)
		return -ENOMEM;
	len = flistxattr(fromfd, names, (size_t)len);
	if (len < 0)
		return -errno;
	for (const char *p = names; p < names + len; p += strlen(p) + 1) {
		int r;

		/* the label of the source is not the label the host's policy gives the copy */
		if (streq(p, "security.selinux"))
			continue;
		r = copy_one(fromfd, tofd, p);
		if (r < 0)
			return r;
	}
	return 0;
}
