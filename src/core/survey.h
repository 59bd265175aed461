/* survey.h - a network stack as it is found: interfaces, addresses, routes, neighbours, VLANs, switches. Plain data. */
#ifndef IOCAGE_CORE_SURVEY_H
#define IOCAGE_CORE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/addr.h"

/* What a bridge does with the frames of a port. */
enum sv_port_state { SV_FORWARDING, SV_DISABLED, SV_LISTENING, SV_LEARNING, SV_BLOCKING };

struct sv_link {
	char name[IFNAME_CAP], kind[16], alias[160]; /* kind: "bridge", "veth", ..., "" = hardware or unknown */
	unsigned index, master, mtu; /* master: index of its bridge, 0 = none */
	unsigned parent; /* index of what it is made on, in the same stack: a VLAN's interface; 0 = nothing */
	bool up, carrier, wireless, loopback;
	enum sv_port_state state; /* of a port of a bridge */
	bool stp, vlan_filtering; /* of a bridge: it runs a spanning tree; it tells VLANs apart */
	unsigned forward_delay; /* of a bridge with stp: seconds in each of two states before a port forwards */
	bool source_strict; /* IPv4 packets whose source has another way back are dropped (rp_filter 1) */
	bool proxy; /* it answers for the addresses of others (proxy ARP, proxy NDP) */
	struct macaddr mac;
	unsigned accept_ra; /* IPv6 router advertisements: 0 no, 1 unless forwarding, 2 always */
	bool no_ip6; /* IPv6 is switched off on it */
	bool forward4; /* IPv4 packets that come in by it go on */
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

/* How packets to an address leave. */
struct sv_way {
	struct ipaddr to;
	unsigned link; /* 0: no route leads there */
	bool local; /* the address is this stack's own */
};

struct sv_vlan { /* VLANs first..last of a port */
	unsigned link, first, last;
	bool untagged; /* frames of it leave without a tag, and those that come without one belong to it */
};

struct survey {
	struct sv_link *links;
	struct sv_addr *addrs;
	struct sv_route *routes;
	struct sv_neigh *neighs;
	struct sv_way *ways; /* to those that were asked about */
	struct sv_vlan *vlans; /* of the ports of bridges that filter */
	size_t nlinks, naddrs, nroutes, nneighs, nways, nvlans;
	bool forward4, forward6;
	bool routed4, routed6; /* a routing protocol made routes here: it may tell others of ours, too */
	bool translates; /* a packet filter not ours may change the source of what leaves */
	bool bridge_filter4, bridge_filter6; /* bridged frames go through the host's packet filter */
	/* a chain of somebody else's that drops what it does not know, as nft names it: "ip filter FORWARD"; NULL */
	const char *forward_drop;
	bool old_filter, drop_is_old; /* there are tables of iptables-legacy; forward_drop is one of them */
	size_t leftovers; /* what carries our mark and belongs to no jail that runs */
	const char *leftover; /* one of them, in words */
};

const struct sv_link *survey_link(const struct survey *s, const char *name); /* NULL: none */
const struct sv_link *survey_index(const struct survey *s, unsigned index);
const struct sv_addr *survey_addr(const struct survey *s, const struct ipaddr *host);
/* Is it the host's own: one of its addresses, or of an IPv4 network of its loopback interface. */
bool survey_is_own(const struct survey *s, const struct ipaddr *host);
const struct sv_way *survey_way(const struct survey *s, const struct ipaddr *to); /* NULL: not asked, or no answer */
void survey_done(struct survey *s);

#endif
