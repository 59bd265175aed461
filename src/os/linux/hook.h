/* hook.h - commands of the user's around a jail's life: on the host (hooks) and inside (exec_stop). */
#ifndef IOCAGE_OS_LINUX_HOOK_H
#define IOCAGE_OS_LINUX_HOOK_H

#include "core/op.h"
#include "os/os.h"

/*
 * HOOK: one word is an executable file, several are a line for /bin/sh. Environment: ours plus IOCAGE_NAME,
 * IOCAGE_HOSTNAME, JID, JNAME. A status other than 0 is an error with the first of its output.
 */
must_check int hook_run(const struct os_jail *j, const struct op *op, struct err *e);

/* JAIL_EXEC: text run inside, output to the console log, bounded by op->timeout seconds (0: not). */
must_check int hook_exec_inside(const struct os_jail *j, const struct op *op, struct err *e);

#endif
