/* lease.h - a jail's DHCP client: what its starter and the program iocage-lease agree on. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_LEASE_H
#define IOCAGE_OS_LINUX_LEASE_H

#include "core/lease.h"
#include "os/linux/jailproc.h"

/*
 * argv: iocage-lease keep HOSTNAME ROUTER NIC...; ROUTER: an address instead of the leases' own, "none", or "". It runs in
 * the jail's network and user namespaces with three capabilities there, one udhcpc per NIC below it.
 * argv: iocage-lease hook EVENT is what those run: it tells the keeper over LEASE_FD_HOOK.
 */
enum {
	LEASE_FD_START = 3, /* the starter: 'r' + an fd of the jail's root directory, or without; answered by 'k' */
	LEASE_FD_CONTROL, /* listening: LEASE_END or LEASE_ASK; the connection's end is the answer */
	LEASE_FD_JAIL, /* pidfd of the jail's first process */
	LEASE_FD_SELF, /* this program: the jail's user may not reach its path */
	LEASE_FD_END,
};
#define LEASE_FD_HOOK \
	10 /* in clients (udhcpc has 3 and 4 for itself) and hooks: datagrams, EVENT NEWLINE and the lease as of core/lease.h */
#define LEASE_FD_PROG 11 /* in clients: the hook's program */
#define LEASE_SOCK    "lease.sock"
#define LEASE_END     'e' /* give the leases back, and end */
#define LEASE_ASK     'a' /* ask the servers once more, as if there were no lease */
#define LEASE_BUSYBOX "/bin/busybox"

/* LEASE: the client, in the jail's monitor group. LEASE_END: it gives its leases back; none there is success. */
must_check int lease_start(struct os *os, const struct op *op, struct err *e);
must_check int lease_end(struct os *os, struct err *e);
/* Its servers are to say once more what they gave it. No client there is success. */
must_check int lease_ask(struct os *os, struct err *e);
/* LEASE_WAIT: for addresses; then resolv.conf is written, before anything runs inside. */
must_check int lease_wait(struct os *os, const struct op *op, struct err *e);

/* --- iocage-lease's own: lease_apply.c --- */

/* Put a lease into this network namespace in the place of what the interface had; was, is: NULL for none. */
struct lease_routing {
	struct ipaddr router; /* instead of the leases'; family 0: theirs */
	bool none; /* no default route at all */
	unsigned metric;
};
must_check int lease_apply(const struct lease *was, const struct lease *is, const struct lease_routing *r,
                           struct err *e);

#endif
