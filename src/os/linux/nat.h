/* nat.h - jails behind the host's address: rules in table inet iocage, and which of the host's interfaces forward. */
#ifndef IOCAGE_OS_LINUX_NAT_H
#define IOCAGE_OS_LINUX_NAT_H

#include "base/err.h"
#include "core/op.h"
#include "os/os.h"

/* All in the current network namespace; run is IOCAGE_RUN. What is there already is written anew; what is gone is success. */

/* OP_NAT: the rules of one jail. -EADDRINUSE: another jail has one of its ports. */
must_check int nat_set(const char *run, const struct op *op, struct err *e);
must_check int nat_del(const char *run, const struct op *op, struct err *e);

/*
 * OP_FORWARD. Without a name: link forwards what comes in by it. With the name of a jail: the same, for as long as one of the
 * jails that said so is there; if it did not forward before, nobody but jails can make use of it.
 */
must_check int forward_on(const char *run, const struct op *op, struct err *e);
must_check int forward_off(const char *run, const struct op *op, struct err *e);

/* An address of the host becomes, or ceases to be, a shared-IP jail's: ports of it are not forwarded. Best effort. */
void nat_spare(const char *run, const struct ipaddr *a, bool spare);

/* The rules and forwarding interfaces of os_marked(). */
must_check int marked_rules(const char *run, os_marked_fn see, void *ctx, struct err *e);

/* One at a time works on the rules and on forwarding; *ret_fd is closed to release. RUN/forward is opened by it. */
must_check int nat_lock(const char *run, int *ret_fd, struct err *e);

#endif
