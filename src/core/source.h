/* source.h - which of its addresses a shared-IP jail with several sends from, by where it sends to: FreeBSD's rules. Pure. */
#ifndef IOCAGE_CORE_SOURCE_H
#define IOCAGE_CORE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d; prefix lengths count from the first of them. */
struct source_addr {
	uint8_t a[16];
	uint32_t link; /* index of the interface that carries it; 0: none does */
};

/* Where packets to dst/len leave. A host's own address is one, too, by the interface that carries it. */
struct source_route {
	uint8_t dst[16];
	uint8_t len;
	uint32_t link;
	bool has_pref;
	uint8_t pref[16]; /* the source the route itself names */
};

struct source_entry {
	uint8_t dst[16];
	uint8_t len;
	uint8_t src[16];
};

/*
 * addrs: the jail's of one family, the primary first. routes: at most one for each dst/len. *ret, allocated: for a
 * destination the longest entry that has it counts; where there is none, the primary address. v4: FreeBSD's IPv4 rules
 * (the route's address, else the first on its interface, else the primary), else its IPv6 rules (on the interface first,
 * then the longest common prefix).
 */
must_check int source_select(bool v4, const struct source_addr *addrs, size_t naddrs, const struct source_route *routes,
                             size_t nroutes, struct source_entry **ret, size_t *ret_n, struct err *e);

#endif
