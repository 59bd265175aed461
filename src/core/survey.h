/* survey.h - a network stack as it is found: interfaces, addresses, default routes, neighbours, switches. Plain data. */
#ifndef IOCAGE_CORE_SURVEY_H
#define IOCAGE_CORE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"

struct sv_link {
	char name[IFNAME_CAP], kind[16], alias[160]; /* kind: "bridge", "veth", ..., "" = hardware or unknown */
	unsigned index, master, mtu; /* master: index of its bridge, 0 = none */
	bool up, wireless, loopback;
	struct macaddr mac;
	unsigned accept_ra; /* IPv6 router advertisements: 0 no, 1 unless forwarding, 2 always */
	bool no_ip6; /* IPv6 is switched off on it */
};

struct sv_addr {
	unsigned link;
	struct ipaddr addr;
	bool tentative, failed; /* IPv6: not yet known to be free; known to be somebody else's */
	bool local_scope; /* link-local or loopback */
};

struct sv_route { /* a default route */
	unsigned link;
	struct ipaddr via; /* family 0: none, on-link */
	int family;
	bool by_ra; /* learned from a router advertisement */
};

struct sv_neigh {
	unsigned link;
	struct ipaddr addr;
	bool permanent, failed;
	struct macaddr mac;
};

struct survey {
	struct sv_link *links;
	struct sv_addr *addrs;
	struct sv_route *routes;
	struct sv_neigh *neighs;
	size_t nlinks, naddrs, nroutes, nneighs;
	bool forward4, forward6;
	bool bridge_filter4, bridge_filter6; /* bridged frames go through the host's packet filter */
	const char *
		forward_drop; /* "ip filter FORWARD": a chain of somebody else's that drops what it does not know; NULL */
	size_t leftovers; /* what carries our mark and belongs to no jail that runs */
	const char *leftover; /* one of them, in words */
};

const struct sv_link *survey_link(const struct survey *s, const char *name); /* NULL: none */
const struct sv_link *survey_index(const struct survey *s, unsigned index);
const struct sv_addr *survey_addr(const struct survey *s, const struct ipaddr *host);
void survey_done(struct survey *s);

#endif
