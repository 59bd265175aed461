/* jail.h - a jail's namespaces and first process. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_JAIL_H
#define IOCAGE_OS_LINUX_JAIL_H

#include "os/linux/jailproc.h"

/* JAIL_ADD: user namespace, network namespace, first process; its mounts go on while we configure the network. */
must_check int jail_add(struct os *os, const struct op *op, struct err *e);
/* The network namespace of a jail that runs, for os->netns. */
must_check int jail_netns(struct os *os, struct err *e);
/*
 * FILE, HOSTS: written by the first process as the jail's root. JAIL_CONFINE: it gives up what the jail may not have. They are
 * only asked for, to be done when its mounts are; a failure is JAIL_RUN's.
 */
must_check int jail_file(struct os *os, const struct op *op, struct err *e);
must_check int jail_hosts(struct os *os, const struct op *op, struct err *e);
must_check int jail_confine(struct os *os, const struct op *op, struct err *e);
/* RESOLV (resolv.c): of a jail that runs; of one that has ended success, for the next start writes it. */
must_check int jail_resolv(struct os *os, const struct op *op, struct err *e);
/* Until its mounts are made and it is confined. */
must_check int jail_await(struct os *os, struct err *e);
/* JAIL_RUN: init, monitor, exec_start. */
must_check int jail_run(struct os *os, const struct op *op, struct err *e);
/* JAIL_DEL: no process of it is left when this returns 0. */
must_check int jail_del(struct os *os, struct err *e);

/* Wait for what JAIL_ADD left to end by itself. */
void jail_reap_holder(struct os *os);

/* A child that is in the control group from its first instruction. -1 and errno, 0 in the child. */
pid_t jail_fork_into_cgroup(int cgroupfd, int *ret_pidfd);

#endif
