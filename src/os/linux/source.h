/* source.h - tells the kernel side which address a jail with several sends from, and hears when that changes. */
#ifndef IOCAGE_OS_LINUX_SOURCE_H
#define IOCAGE_OS_LINUX_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hold.h"
#include "os/linux/hold.h"

struct sources;
/*
 * In the monitor, before the broker answers and after each change of h: fill the map of sources from the host's interfaces
 * and routes as they are now. *s: NULL before the first time, made when there is anything to choose.
 */
must_check int source_set(struct sources **s, const struct hold *h, struct err *e);
/* A netlink socket that is readable when addresses or routes change: source_heard() then, source_set() some time later. -1: none. */
int source_fd(const struct sources *s);
void source_heard(const struct sources *s);
/* Forget what the map has of a jail that has ended. 0, or the first -errno; the rest is tried all the same. */
must_check int source_forget(const struct hold_maps *m, uint64_t jail);

#endif
