/* hostnet.h - the host's own network as FreeBSD's files describe it: the model, what is, and the plan between. Pure. */
#ifndef IOCAGE_CORE_HOSTNET_H
#define IOCAGE_CORE_HOSTNET_H

#include "core/addr.h"
#include "core/plan.h"
#include "core/rcconf.h"

/* --- what the files ask for --- */

/* PLAIN: one that is there; the others are made. TUNNEL: IP in IP, gif(4). */
enum hn_kind { HN_PLAIN, HN_BRIDGE, HN_VLAN, HN_DUMMY, HN_BOND, HN_TUNNEL, HN_TAP };

struct hn_port {
	char name[IFNAME_CAP];
	const struct rcvar *var; /* where it was said */
};

struct hn_addr {
	struct ipaddr addr; /* always with a prefix */
	struct ipaddr peer; /* of a point-to-point link; family 0: none */
	const struct rcvar *var;
};

struct hn_if {
	char name[IFNAME_CAP]; /* as Linux calls it */
	enum hn_kind kind;
	const struct rcvar *var; /* what named it first */
	char parent[IFNAME_CAP]; /* VLAN: the interface below, "" = not said */
	unsigned tag; /* VLAN: 1..4094, 0 = not said */
	bool up, dhcp;
	bool stp; /* bridge: a spanning tree */
	const char *mode; /* bond: how it uses its ports, in Linux's word; static */
	struct ipaddr outer, outer_peer; /* tunnel: its ends on the outside, without prefix; family 0: not said */
	unsigned mtu; /* 0 = not said */
	struct macaddr mac;
	struct hn_port *ports; /* of a bridge, its members; of a bond */
	size_t nports;
	struct hn_addr *addrs;
	size_t naddrs;
};

/* static_routes: gw has family 0 where the route leads to a link itself. */
struct hn_static {
	struct ipaddr dst, gw; /* dst with its prefix; a link-local gw with its zone */
	char link[IFNAME_CAP]; /* -iface; "" = the link whose network gw is in */
	const struct rcvar *var;
};

/* How a bond uses its ports when the files do not say it, as lagg(4) does. */
#define HN_BOND_DEFAULT "failover"

#define HN_SYSCTLS 8

struct hn_sysctl {
	const char *name; /* below /proc/sys; static */
	bool on;
	const struct rcvar *var;
};

struct hostnet {
	struct rcvars vars;
	struct hn_if *ifs;
	size_t n;
	struct ipaddr gw4, gw6; /* family 0: none */
	const struct rcvar *gw4_var, *gw6_var;
	struct hn_static *routes;
	size_t nroutes;
	struct hn_sysctl sysctls[HN_SYSCTLS];
	size_t nsysctls;
	struct strv notes; /* lines that are understood and ask for nothing here */
};

/*
 * Model of the assignments; takes vars over, also on failure. A line that is not understood is an error with its file and
 * line. hostnet_done() in every case.
 */
must_check int hostnet_build(struct rcvars *vars, struct hostnet *ret, struct err *e);
void hostnet_done(struct hostnet *h);
/* NULL: the files do not name it. */
struct hn_if *hostnet_if(const struct hostnet *h, const char *name);
/* The bridge or bond the files put an interface into, or NULL. */
const struct hn_if *hostnet_master_of(const struct hostnet *h, const char *port);
/* In words, one line an interface, router and sysctl, for `show`. */
void hostnet_describe(const struct hostnet *h, struct sbuf *out);

/* --- what is --- */

struct hn_link {
	char name[IFNAME_CAP];
	unsigned index, mtu, master, parent, tag; /* parent: index of the link below a VLAN */
	struct macaddr mac;
	bool up, is_bridge, is_vlan;
	bool stp; /* bridge: it runs a spanning tree */
	char kind[16]; /* what the kernel calls it (ip-link(8)): "bond", "dummy", ...; "" = hardware */
	bool ether, wireless; /* carries Ethernet frames; by radio */
	char alias[128];
	char manager[80]; /* who else configures it, and where that was seen; "" = nobody */
};

/* An address on a link. IPv6 link-local ones are not listed: they belong to their link. */
struct hn_ip {
	unsigned index;
	struct ipaddr addr;
	bool noroute, nobrd, peer, dynamic; /* nobrd: IPv4 without a broadcast address */
	uint32_t valid, preferred; /* seconds, all ones: forever; both 0: forever */
	uint8_t mark; /* its protocol number, 0 = none */
};

/* A unicast route through one link that the kernel did not make by itself. */
struct hn_route {
	unsigned index, metric, table;
	struct ipaddr dst, gw, src; /* dst with prefix; family 0: none */
	uint8_t proto, scope;
	bool onlink, multipath;
	bool heard; /* the gateway: it answered lately */
	uint32_t expires; /* seconds, 0 = never */
};

struct hn_value {
	bool present;
	char value[32];
};

struct hn_facts {
	struct hn_link *links;
	size_t nlinks;
	struct hn_ip *ips;
	size_t nips;
	struct hn_route *routes;
	size_t nroutes;
	struct hn_value sysctls[HN_SYSCTLS]; /* as in the model */
};

void hn_facts_done(struct hn_facts *f);
const struct hn_link *hn_facts_link(const struct hn_facts *f, const char *name);

/* --- the plan --- */

/* Owner's mark on links: this and the link's name. */
#define HN_MARK "iocage: hostnet "

/* A jail's uplink. The bridge it joins: that of the first NIC which has one; NULL: there is none, or no uplink. */
const char *plan_uplink_bridge(const struct jail *j, const struct facts *f);
/* The uplink, if it is the one that joins this bridge; else NULL. */
const struct hn_link *plan_uplink_of(const struct jail *j, const struct facts *f, const char *bridge);

/*
 * A step that moves the interface into the jail, with the number `inside` there, and whose inverse brings it home: with
 * name, MTU, MAC, addresses and routes, and up if it is.
 */
void plan_hand_over(struct plan *p, const struct hn_facts *f, const struct hn_link *l, unsigned inside);

/*
 * Steps that put one interface into a bridge that is there, with all it carries; its routers have to answer at the end.
 * None when it is so already. What somebody else manages according to f is left out, as in plan_hostnet().
 */
must_check int plan_uplink_join(const char *link, const char *bridge, const struct hn_facts *f, struct plan *ret,
                                struct err *e);

/*
 * Steps that make what is into what the files ask for; none when it is so already. left gets a line for each interface
 * that would have to change but is managed by somebody else.
 */
must_check int plan_hostnet(const struct hostnet *h, const struct hn_facts *f, struct plan *ret, struct strv *left,
                            struct err *e);

#endif
