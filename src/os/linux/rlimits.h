/* rlimits.h - the limits of a jail's processes, the same whoever starts them: setrlimit(2). */
#ifndef IOCAGE_OS_LINUX_RLIMITS_H
#define IOCAGE_OS_LINUX_RLIMITS_H

#include <sys/resource.h>

#include "base/err.h"

#define RLIMITS 16 /* RLIM_NLIMITS */

struct rlimits {
	struct rlimit v[RLIMITS]; /* by RLIMIT_ number */
};

/* All sixteen: a fixed table, with what text (limits_process() of core/limit.h; NULL: nothing) changes of it. */
must_check int rlimits_parse(const char *text, struct rlimits *ret, struct err *e);

/*
 * In two steps: as much as this process may have, before the jail's user namespace is joined; all
 * of it right before execve, as a process of ours may need more than is left. Without CAP_SYS_RESOURCE more cannot be had:
 * then it is what the caller has.
 */
void rlimits_raise(const struct rlimits *l);
must_check int rlimits_set(const struct rlimits *l, struct err *e);

/* For a process of ours on the host that stays: what whoever started it is limited to does not end it. */
void rlimits_of_ours(void);

#endif
