/* plan_impl.h - between the files that build the plan of `start`; nobody else includes it. */
#ifndef IOCAGE_CORE_PLAN_IMPL_H
#define IOCAGE_CORE_PLAN_IMPL_H

#include "core/plan.h"

/* A step whose trace goes with the jail itself: no inverse. */
void plan_add_plain(struct plan *p, enum phase ph, const struct op *redo);

/* Root file system, /dev and friends, and the lines of the jail's fstab. */
must_check int plan_mounts(struct plan *p, const struct jail *j, const struct root_source *root, struct err *e);

/* Shared IP. Aliases on the host come before the jail; the view and the hold when it is there. */
must_check int plan_shared_aliases(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
/*
 * When the wire is asked, aliases are journalled there but added here, when the answers are in: the jail is made meanwhile.
 */
void plan_shared_delayed(struct plan *p, const struct jail *j);
must_check int plan_shared_view(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);

/* Addresses of one family and how a shared-IP jail has them: [0] IPv4, [1] IPv6. */
struct plan_family {
	const struct jaddr *list;
	size_t n;
	enum ip_mode mode;
	const struct gateway_fact *gw;
	const char *prop, *words;
};
void plan_families(const struct jail *j, const struct facts *f, struct plan_family out[static 2]);

/* On which host interface an address is, or is to be. */
must_check int plan_find_link(const struct plan_family *fam, const struct facts *f, const struct jaddr *a,
                              const struct link_fact **ret, struct err *e);
/* The interface of that name; addr is for the message. */
must_check int plan_check_link(const struct plan_family *fam, const struct facts *f, const char *name, const char *addr,
                               const struct link_fact **ret, struct err *e);
/* A shared-IP jail has no client to ask for an address. */
must_check int plan_check_static(const struct jail *j, const struct jaddr *a, struct err *e);
/* FreeBSD's rule: jails may share an address only when it is the sole one of its family in each. */
must_check int plan_check_holder(const struct plan_family *fam, const struct jail *j, const struct addr_fact *fact,
                                 struct err *e);
/* An address without a prefix is one host. */
struct ipaddr plan_with_prefix(const struct ipaddr *a);
/* *ret: show the interface in the view; false: it is the loopback, which is there anyhow. */
bool plan_view_op(struct plan *p, const struct link_fact *link, struct op *ret);
/* *ret: hold the jail's sockets to its addresses; kind OP_HOLD or OP_HOLD_SET. */
must_check int plan_hold_op(struct plan *p, const struct jail *j, enum op_kind kind, struct op *ret, struct err *e);

/* *ret: add address a inside a VNET jail; OP_NONE: its own client asks for it, or the kernel has it there. prop is for the message. */
must_check int plan_vnet_addr(struct plan *p, const struct jail *j, const struct facts *f, const struct jaddr *a,
                              const char *prop, struct op *ret, struct err *e);
/* *ret: the default route of a family inside a VNET jail; OP_NONE: it gets none. */
must_check int plan_vnet_route(struct plan *p, const struct jail *j, const struct facts *f, int family, struct op *ret,
                               struct err *e);
/* A NIC's MTU: its own; else that of the bridge's first member; else the default one. */
unsigned plan_vnet_mtu(const struct jail *j, const struct jnic *nic, const struct facts *f);

/* The NIC an address names: none means vnet0; its name inside will do too. NULL: not one of the jail's. */
const struct jnic *plan_find_nic(const struct jail *j, const char *name);

/* VNET, addresses that are learned. Which NICs listen to routers, before they are up. */
must_check int plan_lease_accept(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
/* The DHCP client, and the wait for what it and the routers give; after all other steps of the network. */
must_check int plan_lease(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);

/* Ask the wire for addr on link, unless nobody can be asked there. true: a PROBE_END has to follow. */
bool plan_probe(struct plan *p, enum phase ph, const struct jail *j, const struct link_fact *link,
                const struct ipaddr *addr);
void plan_probe_end(struct plan *p, enum phase ph, const struct jail *j);

/* VNET. The uplink joins the first bridge. */
must_check int plan_vnet_uplink(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
/* Interfaces that move into the jail: when it is there, before anything runs in it. */
must_check int plan_vnet_passed(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
/* Is name one of them: its name inside; else NULL. */
const char *plan_passed(const struct jail *j, const char *name);

/* VNET. Missing bridges come before the jail; pairs, addresses and routes when it is there. */
must_check int plan_vnet_bridges(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
/* Ask the wires for the jail's addresses; refuses one the host itself has there. The answers are awaited by _links. */
must_check int plan_vnet_probes(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);
must_check int plan_vnet_probe(struct plan *p, enum phase ph, const struct jail *j, const struct jaddr *a,
                               const struct facts *f, const char *prop, bool *ret_asked, struct err *e);
/* What a bridged NIC may send: rules before its pair, link is the host's end, mac the jail's. */
void plan_antispoof(struct plan *p, const struct jail *j, const struct jnic *nic, const char *link,
                    const struct macaddr *mac);
/* Behind the host's address: rules before the pair of the NAT NIC, whose host end is link; what needs the pair after it. */
must_check int plan_nat(struct plan *p, const struct jail *j, const struct facts *f, const char *link, struct err *e);
/* IPv6 has a least MTU: below it the kernel takes the addresses away. */
must_check int plan_check_mtu(const struct jail *j, const struct jnic *nic, const struct facts *f, struct err *e);
/* From the VLANs of one model to those of another: plan_vnet.c. */
must_check int plan_vlans_live(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                               struct err *e);
/* From the rules of one model to those of another: new ones replace the old at once. */
must_check int plan_rules_live(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                               struct err *e);
void plan_nat_link(struct plan *p, const struct jail *j, const struct facts *f);
must_check int plan_vnet_links(struct plan *p, const struct jail *j, const struct facts *f, struct err *e);

#endif
