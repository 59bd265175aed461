/* nl.h - rtnetlink over libmnl: one socket per namespace, several requests in one batch, the kernel's own sentence kept. */
#ifndef IOCAGE_OS_LINUX_NL_H
#define IOCAGE_OS_LINUX_NL_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/addr.h"

/* fd -1: not open. The buffer holds requests until nl_flush(). */
struct nl {
	int fd;
	uint32_t seq; /* of the last request put */
	uint32_t first; /* seq of the first request waiting */
	unsigned count; /* requests waiting */
	bool overflow; /* a request did not fit: nl_flush() says so */
	size_t len;
	char *buf;
	struct nlmsghdr *cur;
};

#define NL_INIT          \
	{                \
		.fd = -1 \
	}

/* A socket in the current namespace that hears these multicast groups (RTMGRP_*, 0 = none). The fd, or -errno. */
must_check int nl_socket(unsigned groups);

/*
 * setns(2) back to the network namespace we came from. It can fail for want of memory only, and whoever went on in the wrong
 * namespace would undo things there: so it is tried for a while. 0, or -1 and errno.
 */
must_check int netns_return(int home);

/* Open in the namespace nsfd (-1: the current one); the caller stays where it is. */
must_check int nl_open(struct nl *n, int nsfd, struct err *e);
/* The same for another netlink family (NETLINK_NETFILTER), in the current namespace. */
must_check int nl_open_family(struct nl *n, int family, struct err *e);
void nl_close(struct nl *n);

/* Begin a request; the fixed header of `size` bytes is zeroed and returned. NULL when the buffer is full (sticky). */
void *nl_put(struct nl *n, uint16_t type, uint16_t flags, size_t size);
void nl_attr(struct nl *n, uint16_t type, const void *data, size_t len);
void nl_attr_u32(struct nl *n, uint16_t type, uint32_t v);
void nl_attr_u8(struct nl *n, uint16_t type, uint8_t v);
void nl_attr_str(struct nl *n, uint16_t type, const char *s);
struct nlattr *nl_nest(struct nl *n, uint16_t type);
void nl_nest_end(struct nl *n, struct nlattr *nest);
/* Room for a fixed structure inside a nest (struct ifinfomsg of a veth peer). */
void *nl_extra(struct nl *n, size_t size);

/*
 * Send what is waiting and collect every answer. 0, or the first failure: -errno, with its index among the requests in
 * *ret_failed and the kernel's sentence in text (cap bytes, may be empty).
 */
must_check int nl_flush(struct nl *n, unsigned *ret_failed, char *text, size_t cap);

/* Forget what is waiting. */
void nl_reset(struct nl *n);

/*
 * Send what is waiting as one transaction: the kernel does all of it or nothing, and answers before send(2) returns. 0, or
 * the first failure with the kernel's sentence in text. (Only the errors of a transaction are told by all kernels.)
 */
must_check int nl_transact(struct nl *n, char *text, size_t cap);

/*
 * One request, one answer message handed to cb (MNL_CB_OK/ERROR). Dumps call it for each, and again from the start when the
 * kernel says that it changed meanwhile: cb may see a thing twice. 0 or -errno.
 */
must_check int nl_ask(struct nl *n, mnl_cb_t cb, void *ctx);

/* Index of an interface in the socket's namespace; 0: there is none. */
unsigned nl_index(struct nl *n, const char *name);
/*
 * For one that should exist (a missing one costs the search for a module): no lock, no message. 0, and *ret 0 when there is
 * none; -errno: it cannot be told.
 */
must_check int nl_find(const struct nl *n, const char *name, unsigned *ret);
/* The name of the interface of this index in the namespace we are in. 1, 0: there is none any more, or -errno. */
must_check int nl_name(unsigned index, char ret[static IFNAME_CAP]);
/* As nl_find(); 0: there is none, or it cannot be told. */
unsigned nl_index_known(const struct nl *n, const char *name);

#endif
