/* fs.h - files by directory fd: read, replace atomically, make and remove trees. */
#ifndef IOCAGE_BASE_FS_H
#define IOCAGE_BASE_FS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Read a whole regular file (max bytes at most, else -EFBIG). *ret is NUL-terminated beyond its length, owned by the
 * caller. Never follows a symlink in the last component. -ENOENT is returned with e filled too.
 */
must_check int fs_read(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *e);

/*
 * Replace or create `path` with data: fresh O_EXCL name beside it, write, (fsync,) rename, (fsync the directory). With
 * sync the new content survives power loss once this returns 0; readers see the old or the new content, never a mix. When it
 * fails, the old content is there (or nothing, if there was none), whatever the disk has.
 */
must_check int fs_replace(int dirfd, const char *path, const void *data, size_t len, mode_t mode, bool sync,
                          struct err *e);

/* One write(2) of s to a file that exists (proc, sysfs, cgroupfs). 0 or -errno. */
must_check int fs_poke(int dirfd, const char *path, const char *s);

/* write(2) until all is written. 0 or -errno. */
must_check int fs_write_all(int fd, const void *data, size_t len);

/* A directory to read, not followed when a symlink. *ret is the caller's to close. 0 or -errno, which errno is then, too. */
must_check int fs_opendir(int dirfd, const char *name, DIR **ret);

/* 1 with the next entry in *ret (d's, until the next call; never "." or ".."), 0 at the end, or -errno, as fs_opendir(). */
must_check int fs_readdir(DIR *d, struct dirent **ret);

/* mkdir -p below dirfd. Existing directories are fine. 0 or -errno. */
must_check int fs_mkdirs(int dirfd, const char *path, mode_t mode);

/*
 * Remove dirfd/name and everything in it. Follows no symlink and leaves no file system: a mount point inside is an
 * error (-EBUSY), nothing below it is touched. A missing name is success. Any depth of directories is fine.
 */
must_check int fs_remove_tree(int dirfd, const char *name, struct err *e);

/*
 * Copy fromdir/from to todir/to (which must not exist) with owners, modes, times, symlinks, hard links, xattrs. Stops
 * at mount points: they become empty directories. Sockets are left out. What was copied before a failure stays.
 */
must_check int fs_copy_tree(int fromdir, const char *from, int todir, const char *to, struct err *e);

/* Eight unpredictable hex digits and a NUL, for names nobody can guess. 0 or -errno. */
#define FS_RANDOM_CAP 9
must_check int fs_random_name(char out[static FS_RANDOM_CAP]);
/* Is it ".NAME.RANDOM", as fs_replace() names what it has not finished. */
bool fs_is_unfinished(const char *name);

/* --- what differs between systems: fs_linux.c, fs_freebsd.c --- */

/*
 * rename(2) of dirfd/tmp to dirfd/path for files that need not survive power loss: ext4 starts to write a file to the disk
 * when it is renamed over another (auto_da_alloc), which this does without. tmp is gone afterwards. 0 or -errno.
 */
must_check int fs_put_in_place(int dirfd, const char *tmp, const char *path);

/*
 * Is something mounted on or below the absolute, canonical path, as this process sees it. 1 with the first mount point
 * in *ret (owned by the caller), 0 when not, or -errno.
 */
must_check int fs_mounted_below(const char *path, char **ret);

/* Linux only: the mount point that a line of mountinfo names, unescaped in place; NULL when the line is short. */
char *fs_mountinfo_point(char *line);

/* 1 when dirfd/name (not followed when a symlink) is the root of a mount, 0 when not or unknown, or -errno. */
must_check int fs_is_mount_root(int dirfd, const char *name);

/* Copy all extended attributes, ACLs and file capabilities among them, that the target can hold. 0 or -errno. */
must_check int fs_copy_xattrs(int fromfd, int tofd);

#endif
