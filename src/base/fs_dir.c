/* fs_dir.c - opening and reading directories: what failed is not what ended. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"

int fs_opendir(int dirfd, const char *name, DIR **ret)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*ret = fd < 0 ? NULL : fdopendir(fd);
	if (!*ret)
		return -errno;
	(void)take_fd(&fd);
	return 0;
}

int fs_readdir(DIR *d, struct dirent **ret)
{
	do {
		errno = 0; /* nothing else tells a failure from the end */
		*ret = readdir(d);
	} while (*ret && (streq((*ret)->d_name, ".") || streq((*ret)->d_name, "..")));
	return *ret ? 1 : -errno;
}
