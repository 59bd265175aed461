/* keepup.h - notices that another program took an address of a running shared-IP jail from the host, and has it put back. */
#ifndef IOCAGE_OS_LINUX_KEEPUP_H
#define IOCAGE_OS_LINUX_KEEPUP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/hold.h"
#include "os/linux/conlog.h"

#define KEEPUP_TIMES  5 /* put back so often at most ... */
#define KEEPUP_WITHIN 60000 /* ... in so many milliseconds; once more is a fight, and the address stays away */

struct keepup;
/*
 * self: the path of iocage, which does it, by `iocage keep JAIL N`; self and jail are borrowed. NULL: out of memory, then
 * nothing is kept up. All times are monotonic milliseconds.
 */
struct keepup *keepup_open(const char *self, const char *jail);
/*
 * Look which of the addresses of h the host has (RTM_GETADDR, rtnetlink(7)), and have put back what can be. From the host's
 * namespace, after each event and each change of h.
 */
void keepup_look(struct keepup *k, const struct hold *h, int64_t now);
/* Look so soon that a second has not passed, but not for each of many events. */
void keepup_heard(struct keepup *k, int64_t now);
/* When keepup_look() is due, 0: not by itself. */
int64_t keepup_due(const struct keepup *k);
/* Is something away: then events of all interfaces count, for the one it was on may come back under another number. */
bool keepup_waits(const struct keepup *k);
/* Readable when the command says something or has ended: keepup_serve() then. -1: none runs. */
int keepup_fd(const struct keepup *k);
/* What the command says goes to the log. True: it has ended and put something back. */
bool keepup_serve(struct keepup *k, struct conlog *log, int64_t now);

#endif
