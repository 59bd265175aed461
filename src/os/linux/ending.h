/* ending.h - in the monitor: how a jail ends by what happens inside it, and reboot(2) of jails without a socket broker. */
#ifndef IOCAGE_OS_LINUX_ENDING_H
#define IOCAGE_OS_LINUX_ENDING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "os/linux/broker_decode.h"

/* The filters' listeners of a jail with a network stack of its own. */
struct listeners {
	int epoll; /* has them all; -1: none */
	dev_t user_dev, pid_dev; /* the jail's user and pid namespace */
	ino_t user_ino, pid_ino;
};

/* first: the jail's first process. 0 or -errno. */
must_check int listeners_open(struct listeners *l, pid_t first, struct err *e);
/* Takes fd. False: it is closed, and what its processes ask for is refused (ENOSYS). */
bool listeners_add(struct listeners *l, int fd);
/* When epoll is readable. What root in the jail asked for; END_NONE: nothing that may be. */
enum ending listeners_serve(struct listeners *l);

#define ENDING_TEXT 24
/*
 * How a first process that has ended did: "exit:STATUS", "signal:NUMBER"; "end" where the kernel does not tell whoever is not
 * its parent (before Linux 6.15: PIDFD_GET_INFO).
 */
void ending_status(int pidfd, char ret[static ENDING_TEXT]);

#endif
