/* idmap.h - user namespaces that only say how a mount maps ids: mount_setattr(2), MOUNT_ATTR_IDMAP. */
#ifndef IOCAGE_OS_LINUX_IDMAP_H
#define IOCAGE_OS_LINUX_IDMAP_H

#include "base/err.h"

/*
 * In a mount with it, what the file system has as user and group on_disk, on_disk + 1, ... (count of them) is base, base + 1, ... of
 * the host's. The caller is host root and its /proc is the host's. A descriptor, the caller's to close; -errno with e.
 */
must_check int idmap_userns(unsigned on_disk, unsigned base, unsigned count, struct err *e);

#endif
