/* cgroup.h - the control group (v2) of a jail: PARENT/NAME with jail/ for its processes and mon/ for its monitor. */
#ifndef IOCAGE_OS_LINUX_CGROUP_H
#define IOCAGE_OS_LINUX_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "os/os.h"

/* Where cgroup2 is mounted (hybrid hosts too); -ENOENT with a clear word when nowhere. Points to static memory. */
must_check int cgroup_mount(const char **ret, struct err *e);

/* Name below the mount for a jail: "iocage/NAME", or "iocage-HASH/NAME" when run is not the usual directory. */
void cgroup_name(const char *run, const char *jail, char *buf, size_t cap);

/* Make PARENT/NAME/{jail,mon}. A leftover of the same name without processes is used. */
must_check int cgroup_add(const char *rel, struct err *e);

/* Kill every process in rel/sub: not one more instruction of theirs is executed. A group that is gone is success. */
must_check int cgroup_kill(const char *rel, const char *sub, struct err *e);
/* Wait until no process is left in rel/sub, at most wait_ms milliseconds (-ETIMEDOUT). */
must_check int cgroup_wait(const char *rel, const char *sub, unsigned wait_ms, struct err *e);

/* Remove it and all below (jails make groups of their own), then the parent if it is empty. Gone is success. */
must_check int cgroup_del(const char *rel, struct err *e);

/* O_DIRECTORY fd of rel, or of rel/sub. -errno with e. */
must_check int cgroup_open(const char *rel, const char *sub, struct err *e);
must_check int cgroup_open_jail(const struct os_jail *j, const char *sub, struct err *e);

/*
 * Call see for each process of parent/name and of the groups below it, 64 deep at most; others may come and go meanwhile. A group
 * that is gone has none. 0 or -errno.
 */
typedef void (*cgroup_fn)(void *ctx, pid_t pid);
must_check int cgroup_each(int parent, const char *name, cgroup_fn see, void *ctx);

/* Is the group of this id one in which a jail's monitor (of whatever IOCAGE_RUN) makes sockets. */
bool cgroup_is_maker(uint64_t id);

/* The group of jail/ belongs to the jail's root: a real init may make groups below it. */
must_check int cgroup_delegate(const char *rel, unsigned uid, struct err *e);

#endif
