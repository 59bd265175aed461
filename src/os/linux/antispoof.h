/* antispoof.h - what the port of a jail on a bridge takes from it: its own MAC and addresses, no advertisements. */
#ifndef IOCAGE_OS_LINUX_ANTISPOOF_H
#define IOCAGE_OS_LINUX_ANTISPOOF_H

#include "base/err.h"
#include "core/op.h"

/*
 * Rules of one port (OP_SPOOF), replacing those it has, in the current network namespace. At once or not at all. The link
 * need not exist yet. What DHCP servers gave the port is kept.
 */
must_check int antispoof_set(const struct op *op, struct err *e);

/* Remove the rules of a port (OP_SPOOF_DEL), and the table with those of the last one. What is gone is success. */
must_check int antispoof_del(const struct op *op, struct err *e);

#endif
