/* boot.h - the jails that start and stop with the host. */
#ifndef IOCAGE_CLI_BOOT_H
#define IOCAGE_CLI_BOOT_H

#include "cli/life.h"

/*
 * Start the named jails and what they depend on, or stop those named: what is needed first, lower priorities first (stop:
 * the reverse), jails that need not wait for one another side by side in processes of their own. A failure keeps only those
 * back that depend on it; every failure is reported. Returns the exit status (0, 1) or a negative errno.
 */
must_check int boot_jails(struct cli *c, const struct strv *names, const struct run_opts *o, bool stop, struct err *e);

#endif
