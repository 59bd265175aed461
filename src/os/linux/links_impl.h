/* links_impl.h - what putting links together and removing them share. Internal to links*.c. */
#ifndef IOCAGE_OS_LINUX_LINKS_IMPL_H
#define IOCAGE_OS_LINUX_LINKS_IMPL_H

#include <sys/socket.h>

#include "os/linux/links.h"

static inline int af_of(const struct ipaddr *a)
{
	return a->family == 6 ? AF_INET6 : AF_INET;
}

static inline uint8_t mark_of(const struct op *op)
{
	return op->flags & OP_ADDR_HOST    ? MARK_HOST_PROTO
	       : op->flags & OP_ADDR_LEASE ? MARK_LEASE_PROTO
	                                   : MARK_ADDR_PROTO;
}

static inline size_t len_of(const struct ipaddr *a)
{
	return a->family == 6 ? 16 : 4;
}

/* A default route, into the request that is being put together. */
void links_put_default(struct nl *n, uint16_t type, uint16_t flags, const struct op *op, unsigned index);
/* A route as it was found, added or removed. */
must_check int links_put_route_as(struct nl *n, struct nl *q, const struct op *op, uint16_t type, uint16_t flags,
                                  struct err *e);

/* A device of its own kind: dummy, bond, tunnel, tap (links_dev.c). */
must_check int links_put_dev(struct nl *n, const struct op *op, struct err *e);

/* The alias and, where it is said, the state of a link that is being made by the same batch. */
void links_put_alias(struct nl *n, const struct op *op);

/*
 * The number, inside, of what a start called so there: the other end of the host's. host and in: to ask both namespaces. now:
 * its name at the moment. 0: the host's end has another name, or it is in the jail's namespace no more.
 */
unsigned inner_index(struct nl *host, struct nl *in, unsigned jid, const char *inside, char now[static IFNAME_CAP]);
/* An operation on an interface of a jail's whose number is known: its name is the jail's to change. */
static inline bool is_numbered(const struct op *op)
{
	return op->where == AT_JAIL && op->index &&
	       (op->kind == OP_ADDR_ADD || op->kind == OP_ADDR_DEL || op->kind == OP_ROUTE_ADD ||
	        op->kind == OP_ROUTE_DEL || op->kind == OP_LINK_MTU);
}

/*
 * Secondary addresses of the link stay when the one they are secondary to goes. 1: until promote_end(), which closes *ret_fd;
 * 0: they do anyway, or the link is gone. run NULL: in a jail's namespace, and not noted, for it goes with the jail.
 */
must_check int promote_begin(const char *run, const char *link, int *ret_fd, struct err *e);
must_check int promote_end(const char *run, const char *link, int fd, struct err *e);

#endif
