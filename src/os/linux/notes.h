/* notes.h - switches of interfaces that are ours for a while, and the notes below RUN that say so. */
#ifndef IOCAGE_OS_LINUX_NOTES_H
#define IOCAGE_OS_LINUX_NOTES_H

#include <stdbool.h>

#include "base/err.h"

/* /proc/sys/net/ipv4/conf/LINK/KEY, in the network namespace we are in: 0, 1, or -errno; -ENOENT: there is no such interface. */
must_check int link_switch(const char *link, const char *key);
must_check int link_switch_set(const char *link, const char *key, bool on);
/*
 * The directory RUN/what, locked for one at a time until *ret_fd, the caller's, is closed. make: it need not be there yet;
 * otherwise -ENOENT, without a message, when it is not.
 */
must_check int notes_lock(const char *run, const char *what, bool make, int *ret_fd, struct err *e);

#endif
