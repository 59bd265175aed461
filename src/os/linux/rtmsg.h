/* rtmsg.h - rtnetlink's messages about interfaces, addresses and routes, for all who look for something in them. */
#ifndef IOCAGE_OS_LINUX_RTMSG_H
#define IOCAGE_OS_LINUX_RTMSG_H

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11 /* Linux 5.18 */
#endif

/* What an RTM_NEWLINK says. Strings belong to the message and are never NULL; what it does not say is "" or 0. */
struct link_msg {
	unsigned index, flags; /* IFF_* */
	unsigned short type; /* ARPHRD_* */
	const char *name, *alias, *kind;
	uint32_t mtu, master, parent; /* bytes; indices: of the bridge it is a port of, of what a VLAN is on */
	struct macaddr mac;
	bool abroad; /* its parent, or a veth's other end, is in another network namespace */
	const struct nlattr *data; /* IFLA_INFO_DATA: what it is by its kind; NULL = nothing */
	const char *port_kind; /* of what it is a port of: "bridge", "bond" */
	const struct nlattr *port; /* IFLA_INFO_SLAVE_DATA: what it is as such; NULL = nothing */
};
void link_read(const struct nlmsghdr *h, struct link_msg *ret);

/* What an RTM_NEWADDR says. cache belongs to the message. */
struct addr_msg {
	unsigned link; /* index */
	unsigned char scope; /* RT_SCOPE_* */
	uint32_t flags; /* IFA_F_* */
	uint8_t proto; /* IFA_PROTO: who made it */
	bool broadcast;
	struct ipaddr addr; /* the host's own, with its prefix; family 0: not an IP address */
	struct ipaddr peer; /* the other end's; family 0: none */
	const struct ifa_cacheinfo *cache; /* NULL: for ever */
};
void addr_read(const struct nlmsghdr *h, struct addr_msg *ret);

/* What an RTM_NEWROUTE says (rtnetlink(7)). */
struct route_msg {
	uint8_t type, proto, scope; /* RTN_*, RTPROT_*, RT_SCOPE_* */
	uint32_t flags, table, metric; /* RTM_F_* and RTNH_F_*; the table's whole number */
	unsigned link; /* index; of several ways the first one's */
	bool multipath, object; /* it has several ways; its ways are an object of their own (RTA_NH_ID) */
	struct ipaddr dst; /* with its prefix; family 0: not an IP route */
	struct ipaddr gw, src; /* family 0: none */
	uint32_t expires; /* seconds, at least 1; 0 = never */
};
void route_read(const struct nlmsghdr *h, struct route_msg *ret);

/* An attribute that is an address of this family (AF_*); *ret is left alone if it is none. */
void ip_read(const struct nlattr *a, int family, struct ipaddr *ret);

/*
 * Asks whether the namespace of q has this address: 0 with what it found, or -errno (-ENETUNREACH and the like: no network of
 * that family). IPv4's route says it however many addresses there are; IPv6's comes somewhat later than its address, which can
 * be asked for itself.
 */
struct addr_found {
	bool local;
	unsigned link; /* index; 0: not an address of an interface, but local by a route */
};
struct nl;
must_check int addr_ask(struct nl *q, const struct ipaddr *a, struct addr_found *ret);

/* For nl_ask(): which route leads to `to`. flags: RTM_F_*, with RTM_F_FIB_MATCH the route itself and not what is made of it. */
void route_put_question(struct nl *q, const struct ipaddr *to, unsigned flags);

#endif
