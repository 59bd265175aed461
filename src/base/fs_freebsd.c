/* fs_freebsd.c - mount points and extended attributes, the FreeBSD way. */
#include "base/fs.h"

#include <sys/types.h>
#include <sys/extattr.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

int fs_put_in_place(int dirfd, const char *tmp, const char *path)
{
	return renameat(dirfd, tmp, dirfd, path) < 0 ? -errno : 0;
}

int fs_mounted_below(const char *path, char **ret)
{
	struct statfs *m = NULL;
	int n = getmntinfo(&m, MNT_NOWAIT); /* its memory is static */
	size_t len = strlen(path);

	if (n <= 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		const char *p = m[i].f_mntonname;

		if (strncmp(p, path, len) != 0 || (p[len] != '/' && p[len] != '\0'))
			continue;
		*ret = strdup(p);
		return *ret ? 1 : -ENOMEM;
	}
	return 0;
}

/* Every mount has a device number of its own here, nullfs too: the caller has compared st_dev already. */
int fs_is_mount_root(int dirfd, const char *name)
{
	(void)dirfd;
	(void)name;
	return 0;
}

static int copy_one(int fromfd, int tofd, int ns, const char *name)
{
	ssize_t len = extattr_get_fd(fromfd, ns, name, NULL, 0);
	_cleanup_free_ char *val = NULL;

	if (len < 0)
		return errno == ENOATTR ? 0 : -errno;
	val = malloc((size_t)len + 1);
	if (!val)
		return -ENOMEM;
	len = extattr_get_fd(fromfd, ns, name, val, (size_t)len);
	if (len < 0)
		return errno == ENOATTR ? 0 : -errno;
	if (extattr_set_fd(tofd, ns, name, val, (size_t)len) < 0 && errno != EOPNOTSUPP)
		return -errno;
	return 0;
}

/* The list is one length byte and the name without NUL, again and again. */
static int copy_namespace(int fromfd, int tofd, int ns)
{
	_cleanup_free_ unsigned char *list = NULL;
	ssize_t len = extattr_list_fd(fromfd, ns, NULL, 0);

	if (len < 0)
		return errno == EOPNOTSUPP || errno == EPERM ? 0 : -errno;
	if (len == 0)
		return 0;
	list = malloc((size_t)len);
	if (!list)
		return -ENOMEM;
	len = extattr_list_fd(fromfd, ns, list, (size_t)len);
	if (len < 0)
		return -errno;
	for (ssize_t i = 0; i < len && i + list[i] < len; i += list[i] + 1) {
		char name[256];
		int r;

		memcpy(name, list + i + 1, list[i]);
		name[list[i]] = '\0';
		r = copy_one(fromfd, tofd, ns, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int fs_copy_xattrs(int fromfd, int tofd)
{
	int r = copy_namespace(fromfd, tofd, EXTATTR_NAMESPACE_USER);

	return r < 0 ? r : copy_namespace(fromfd, tofd, EXTATTR_NAMESPACE_SYSTEM);
}
