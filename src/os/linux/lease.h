/* lease.h - a jail's DHCP client: what its starter and the program iocage-lease agree on. Internal to os/linux. */
#ifndef IOCAGE_OS_LINUX_LEASE_H
#define IOCAGE_OS_LINUX_LEASE_H

#include "core/lease.h"
#include "os/linux/jailproc.h"
#include "os/linux/lease_hook.h"

/*
 * argv: iocage-lease keep HOSTNAME ROUTER NIC...; ROUTER: an address instead of the leases' own, "none", or "". Started as the
 * host's root in the jail's network namespace, it gives up everything but three capabilities in the jail's namespaces and a root
 * with three files (lease_view.c), and keeps one udhcpc per NIC below it. Those run iocage-lease-hook EVENT (lease_hook.c),
 * which tells the keeper over LEASE_FD_HOOK.
 */
enum {
	LEASE_FD_START = 3, /* the starter: 'r' + an fd of the jail's root directory, or without; answered by 'k' */
	LEASE_FD_CONTROL, /* listening: LEASE_END or LEASE_ASK; the connection's end is the answer */
	LEASE_FD_JAIL, /* pidfd of the jail's first process */
	LEASE_FD_USERNS, /* the jail's user namespace, to be joined */
	LEASE_FD_PROG, /* the hook's program */
	LEASE_FD_END,
};
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

/* --- iocage-lease's own: lease_apply.c, lease_view.c --- */

/* Give everything up, before anything is heard from outside. Takes LEASE_FD_USERNS and LEASE_FD_PROG. */
must_check int lease_confine(struct err *e);
/* In a client's process, before execve: what is not a client's business. */
must_check int lease_client_caps(struct err *e);

/* Put a lease into this network namespace in the place of what the interface had; was, is: NULL for none. */
struct lease_routing {
	struct ipaddr router; /* instead of the leases'; family 0: theirs */
	bool none; /* no default route at all */
	unsigned metric;
};
must_check int lease_apply(const struct lease *was, const struct lease *is, const struct lease_routing *r,
                           struct err *e);

#endif
