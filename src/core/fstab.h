/* fstab.h - a jail's fstab: fstab(5) of FreeBSD, as iocage there writes it, read for what Linux mounts. Pure. */
#ifndef IOCAGE_CORE_FSTAB_H
#define IOCAGE_CORE_FSTAB_H

#include <stdbool.h>

#include "base/err.h"

/* Whose fstab it is. None is owned; any may be NULL. */
struct fstab_jail {
	const char *name, *uuid; /* what the jail's directory may be called in paths of another machine */
	const char *root; /* host path of its root here */
	bool devfs; /* /dev is there without a line */
};

/* One line. Its strings point into the line that was read, but for fstype, which may be static. */
struct fstab_entry {
	const char *source;
	const char *path; /* below the jail's root, without the leading '/' */
	const char *fstype; /* "bind", "dev", or a file system of Linux */
	const char *opts;
	bool skip; /* a comment, noauto, or something a jail has on Linux without a line */
};

/*
 * Reads one line in place. number counts from 1 and is named in every message. 0 or -EINVAL; -ENOMEM.
 */
must_check int fstab_line(char *line, unsigned number, const struct fstab_jail *j, struct fstab_entry *ret,
                          struct err *e);

/*
 * Of a bind mount's options: idshift=N, by which the jail's ids 0..65535 are N..N+65535 in the file system. 0: they are what they are.
 * N is 65536 at least, so that none of them is a user of the host.
 */
unsigned fstab_idshift(const char *opts);

#endif
