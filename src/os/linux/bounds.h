/* bounds.h - hearing from the kernel that a jail has met a bound of its control group. Of the monitor. */
#ifndef IOCAGE_OS_LINUX_BOUNDS_H
#define IOCAGE_OS_LINUX_BOUNDS_H

#include <stdint.h>

#define BOUNDS 2

struct bounds {
	int fd[BOUNDS]; /* to poll for POLLPRI; -1: this host does not count it */
	uint64_t seen[BOUNDS];
};

/* From the group of the calling process, the jail's mon/. What cannot be opened is not watched. */
void bounds_open(struct bounds *b);

/* Called when fd[which] says POLLPRI, which it does no more then: what was met, or NULL. Static. */
const char *bounds_met(struct bounds *b, unsigned which);

#endif
