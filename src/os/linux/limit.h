/* limit.h - resource limits of a jail's processes, by the controllers of cgroup v2. */
#ifndef IOCAGE_OS_LINUX_LIMIT_H
#define IOCAGE_OS_LINUX_LIMIT_H

#include "base/err.h"
#include "os/os.h"

/*
 * Write what core/limit.h made into the group of the jail's processes; a controller that no group has yet is turned on from
 * the mount down, and stays on. What was written before a failure stays.
 */
must_check int limit_set(const struct os_jail *j, const char *text, struct err *e);

#endif
