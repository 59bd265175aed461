/* links.h - interfaces, addresses and routes: operations turned into netlink requests and checked removals. */
#ifndef IOCAGE_OS_LINUX_LINKS_H
#define IOCAGE_OS_LINUX_LINKS_H

#include "core/facts.h"
#include "core/op.h"
#include "os/linux/nl.h"

/* What an address or a bridge of ours carries in the kernel, so that nobody else's is ever removed. */
#define MARK_ADDR_PROTO  OP_MARK_ADDR
#define MARK_HOST_PROTO  0x6a /* addresses of the host itself, from rc.conf */
#define MARK_LEASE_PROTO 0x6b /* addresses inside, from DHCP */
#define MARK_BRIDGE      "iocage: bridge for jails"

/*
 * Append the requests of one batched op to n. q: a second socket in the same namespace, for questions while n fills.
 * nsfd: namespace of the jail (for a veth's peer). 0 or -errno with e.
 */
must_check int links_put(struct nl *n, struct nl *q, const struct op *op, int nsfd, struct err *e);

/* Is name the one that an interface called `own` has at home: its own, or own-N, when that was taken. */
bool link_is_home(const char *name, const char *own);

/* An answer about a link (RTM_NEWLINK) as what is known of it: a callback of nl_ask(). */
int link_take(const struct nlmsghdr *h, void *ret_link_fact);
/* What to do about a request that the kernel refused with this errno, where that is known: added to e. */
void links_hint(const struct op *op, int code, struct err *e);

/*
 * The removals, each only if the thing is still ours; a thing that is gone is success. To be called in the namespace of n:
 * an address that goes may need a sysctl of its interface, which is noted in run, NULL in a jail's.
 */
bool links_removes(enum op_kind k);
must_check int links_del(struct nl *n, const struct op *op, const char *run, struct err *e);
/* What somebody who was killed while he removed an address left turned on in run's host. */
must_check int promote_settle(const char *run, struct err *e);

/*
 * Remove an interface of the current namespace. It is gone when this returns 0 (also when it was before); the kernel may be
 * busy with its remains for some milliseconds, which costs the next user of its name nothing.
 */
must_check int link_remove(unsigned index, const char *name, struct err *e);

/* Close a descriptor whose last close waits for the kernel's afterwork: a process of its own waits. fd is closed for us. */
void close_behind(int fd);

/* ports.c: attributes of the RTM_NEWLINK that is being put together. */
/* OP_VETH_ISOLATED, OP_VETH_NOBPDU, of a port in the request that is being put together. */
void links_put_port(struct nl *n, uint32_t flags);
void links_put_altname(struct nl *n, const struct op *op); /* the full name of an interface whose own had to be cut */

#endif
