/* limit.h - resource limits of a jail's processes, by the controllers of cgroup v2. */
#ifndef IOCAGE_OS_LINUX_LIMIT_H
#define IOCAGE_OS_LINUX_LIMIT_H

#include <stdint.h>

#include "base/err.h"
#include "os/os.h"

/*
 * Write what core/limit.h made into the group of the jail's processes; a controller that no group has yet is turned on from
 * the mount down, and stays on. What was written before a failure stays. *ret_nproc: as many processes and threads something else
 * has to bound the jail to, as this host cannot by its control group; else it is left as it is.
 */
must_check int limit_set(const struct os_jail *j, const char *text, uint64_t *ret_nproc, struct err *e);

/* A number below /proc/sys; 0: there is none. */
uint64_t limit_of_host(const char *path);

#endif
