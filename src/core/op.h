/* op.h - typed operations: the whole vocabulary in which a plan speaks to an operating system. Pure. */
#ifndef IOCAGE_CORE_OP_H
#define IOCAGE_CORE_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "core/addr.h"

/*
 * Kinds. B = several neighbours of kind B travel to the kernel in one batch. What each kind uses of struct op is in
 * op.c's field table; an operation prints as `kind field=value ...`, one line, and parses back to the same value.
 */
#define OP_KINDS(X)                                                                                      \
	X(NONE, "none", 1) /* an inverse that is not needed: dies with something else */                 \
	X(HOOK, "hook", 0) /* run a host command: text, name (which hook) */                             \
	X(CGROUP_ADD, "cgroup-add", 0) /* the jail's control group: name */                              \
	X(CGROUP_DEL, "cgroup-del", 0)                                                                   \
	X(LIMIT, "limit", 0) /* what its jail's processes may take: name text (core/limit.h) */          \
	X(ROOT, "root", 0) /* root file system: path, or overlay source(lower) + path(layers) */         \
	X(MOUNT, "mount", 0) /* below the root: source path fstype opts */                               \
	X(JAIL_ADD, "jail-add", 0) /* namespaces and first process: name id host domain flags */         \
	X(JAIL_DEL, "jail-del", 0) /* kill all of it: name */                                            \
	X(BRIDGE_ADD, "bridge-add", 1) /* link; alias and mac when they matter, flags down */            \
	X(BRIDGE_DEL, "bridge-del", 0) /* link; only if ours (alias), without ports and addresses */     \
	X(BRIDGE_SET, "bridge-set", 1) /* link; flags: its spanning tree on or off */                    \
	X(DEV_ADD, "dev-add", 0) /* link alias fstype (dummy, tap, bond, tunnel) opts addr gw */         \
	X(VETH_ADD, "veth-add", 1) /* pair: link peer bridge mac mac2 mtu alias; text: full name */      \
	X(VLAN_SET, "vlan-set", 0) /* of a bridge port: link text index (default VLAN) opts (it had) */  \
	X(LINK_DEL, "link-del", 1) /* link, only if alias still matches */                               \
	X(LINK_UP, "link-up", 1) /* link; addr: link-local, there when it comes up */                    \
	X(LINK_SET, "link-set", 1) /* link: mtu, mac, alias, flags (up or down), those that are set */   \
	X(VLAN_ADD, "vlan-add", 0) /* link parent id (tag) alias */                                      \
	X(PORT_ADD, "port-add", 1) /* link into bridge */                                                \
	X(PORT_DEL, "port-del", 0) /* link out of bridge, only if it still is in it */                   \
	X(SPOOF, "antispoof", 0) /* what link may send: name mac2 flags text (addresses) opts (VLANs) */ \
	X(SPOOF_DEL, "antispoof-del", 0) /* link name */                                                 \
	X(NAT, "nat", 0) /* rules of a NAT jail: name link peer (outside) addr flags text (forwards) */  \
	X(NAT_DEL, "nat-del", 0) /* name link peer addr flags text */                                    \
	X(FORWARD, "forward", 0) /* link forwards packets; name: the jail that needs it of a host's */   \
	X(FORWARD_DEL, "forward-del", 0) /* link name: off with the last jail, if we turned it on */     \
	X(ADDR_ADD, "addr-add", 1) /* link addr */                                                       \
	X(ADDR_DEL, "addr-del", 1) /* link addr, only if it still is our mark */                         \
	X(ADDR_DROP, "addr-drop", 1) /* link addr, whoever put it there */                               \
	X(ROUTE_ADD, "route-add", 1) /* default route: link gw */                                        \
	X(ROUTE_DEL, "route-del", 1) /* link gw; gone is success */                                      \
	X(PROBE, "probe", 0) /* ask the wire who has an address: link addr */                            \
	X(PROBE_END, "probe-end", 0) /* fail if somebody answered within timeout (ms) of the first */    \
	X(LINK_MTU, "link-mtu", 1) /* link mtu */                                                        \
	X(ROUTE_SET, "route-set", 1) /* make or replace: link dst gw addr metric id (table) flags */     \
	X(ROUTE_UNSET, "route-unset", 0) /* the same */                                                  \
	X(UPLINK_ADD, "uplink-add", 0) /* link into bridge, with all it carries */                       \
	X(UPLINK_DEL, "uplink-del", 0) /* and back, unless another jail uses it: link bridge */          \
	X(NETNS_PIN, "netns-pin", 0) /* a name keeps the network namespace of name */                    \
	X(NETNS_UNPIN, "netns-unpin", 0)                                                                 \
	X(LINK_IN, "link-in", 0) /* host interface into the jail: link index (its number there) */       \
	X(LINK_OUT, "link-out", 0) /* and home: link index mtu mac id (its number at home) */            \
	X(REACH, "reach", 0) /* fail unless a router answers within timeout (ms): link gw */             \
	X(SYSCTL, "sysctl", 0) /* name below /proc/sys, text: value */                                   \
	X(VIEW_ADD, "view-add", 0) /* shared IP: link as it is seen inside: link index mtu mac flags */  \
	X(VIEW_DEL, "view-del", 0) /* link; gone is success */                                           \
	X(HOLD, "hold", 0) /* shared IP: hold sockets to addresses: text = list */                       \
	X(HOLD_SET, "hold-set", 0) /* of a jail that runs: name text */                                  \
	X(CONN_END, "conn-end", 0) /* end the jail's TCP connections on an address: name addr */         \
	X(LEASE, "lease", 0) /* DHCP: name, text: links, host, gw: router instead of theirs, flags */    \
	X(LEASE_END, "lease-end", 0) /* give the leases back: name */                                    \
	X(LEASE_WAIT, "lease-wait", 0) /* until all have one: text: IFACE/FAMILY ..., timeout, flags */  \
	X(FILE, "file", 0) /* a file inside the root: path text; opts: a copy of that one of the host */ \
	X(HOSTS, "hosts", 0) /* localhost is addr in the jail's etc/hosts, if it is there */             \
	X(RESOLV, "resolv", 0) /* of a jail that runs: its resolv.conf: name text; none: no file */      \
	X(JAIL_CONFINE, "jail-confine", 0) /* first process gives up rights: path (init) flags */        \
	X(JAIL_RUN, "jail-run", 0) /* run: path (init) text (exec_start) */                              \
	X(JAIL_EXEC, "jail-exec", 0) /* run a command inside and wait: text */

enum op_kind {
#define X(id, name, batch) OP_##id,
	OP_KINDS(X)
#undef X
		OP__COUNT,
};

enum op_where { AT_HOST, AT_JAIL };

/* How the alias text of a jail's interface begins; the jail's name and the NIC's follow. */
#define OP_MARK_LINK "associated with jail: "

/* The mark (protocol number) of an address that a jail's start made. */
#define OP_MARK_ADDR 0x69

/* op.flags of OP_ADDR_ADD: the address makes no route to its prefix (views: FreeBSD shows a jail no such route) */
#define OP_ADDR_NOROUTE 1u
/* The host's own address: with our mark for such, a source for the host's programs; also in OP_ADDR_DEL */
#define OP_ADDR_HOST    2u
/* The host's own address, as it was: without a mark */
#define OP_ADDR_PLAIN   4u
/* It is in use already, on another link: no duplicate address detection */
#define OP_ADDR_MOVED   8u
/* IPv4: without a broadcast address */
#define OP_ADDR_NOBRD   16u

/* op.flags of OP_LINK_SET, OP_BRIDGE_ADD */
#define OP_LINK_UPPED   1u
#define OP_LINK_DOWN    2u
/* op.flags of OP_BRIDGE_ADD: the bridge tells VLANs apart; one of ours that did not so far begins to */
#define OP_BRIDGE_VLANS 4u
/* op.flags of OP_BRIDGE_ADD, OP_BRIDGE_SET: the bridge runs a spanning tree; it stops running one */
#define OP_BRIDGE_STP   8u
#define OP_BRIDGE_NOSTP 16u

/* op.flags of OP_ROUTE_SET, OP_ROUTE_UNSET: protocol, scope << 8, and whether the gateway is on the link whatever the prefix */
#define OP_ROUTE_ONLINK  0x10000u
/* op.flags of OP_VETH_ADD: the port does not talk to other ports of that kind */
#define OP_VETH_ISOLATED (1u << 8)
/* The port closes when it hears the bridge protocol (BPDU): who sends that would shape the host's spanning tree */
#define OP_VETH_NOBPDU   (1u << 9)
/*
 * op.flags of OP_SPOOF: it sends IPv4, IPv6, from the addresses in text; beside them it may send from what DHCP servers
 * give it, from addresses in whose lower half is its MAC (SLAAC), and from any (SELF). What is not there it does not send at all.
 */
#define OP_SPOOF_IP4     1u
#define OP_SPOOF_IP6     2u
#define OP_SPOOF_DHCP    4u
#define OP_SPOOF_SLAAC   8u
#define OP_SPOOF_SELF4   16u
#define OP_SPOOF_SELF6   32u
/* op.flags of OP_NAT: hold the jail to its address; keep it from other jails */
#define OP_NAT_ANTISPOOF 1u
#define OP_NAT_ISOLATED  2u

/* An address that DHCP gave; also in OP_ADDR_DEL */
#define OP_ADDR_LEASE 32u

/* op.flags of OP_LEASE: make no default route; of OP_LEASE_WAIT: write resolv.conf, no address is a failure */
#define OP_LEASE_RESOLV   1u
#define OP_LEASE_NOROUTE  2u
#define OP_LEASE_REQUIRED 4u

/* op.opts of an inverse that puts back (ADDR_ADD, ROUTE_ADD, VIEW_ADD): that it is there already is success */
#define OP_AGAIN "again"

/*
 * One operation. Plain data: strings are borrowed from the plan (or journal) that holds the op. Unused fields are
 * NULL/0. No pids or fds here: the backend knows them by the jail's name.
 */
struct op {
	enum op_kind kind;
	enum op_where where;
	const char *name; /* jail, cgroup or hook name */
	const char *link; /* interface */
	const char *peer; /* VETH_ADD: name inside */
	const char *bridge; /* VETH_ADD: bridge to join, NULL = none; PORT_* */
	const char *alias; /* owner mark on the link */
	const char *path, *source, *fstype, *opts;
	const char *parent; /* VLAN_ADD: interface below */
	const char *host, *domain;
	const char *text;
	struct ipaddr addr, gw, dst;
	struct macaddr mac, mac2;
	uint32_t mtu, index, id, flags, metric;
	uint32_t timeout; /* seconds, 0 = none; ADDR_ADD, ROUTE_SET: how long it is valid; LEASE_WAIT; PROBE_END: ms */
};

const char *op_kind_name(enum op_kind k);
bool op_is_batched(enum op_kind k);

/* `veth-add link=vnet0.7 peer=epair0b ...` appended to out; values with blanks are quoted. */
void op_format(const struct op *op, struct sbuf *out);

/*
 * The inverse of op_format. Strings of *ret point into arena memory: *ret_mem is to be freed after the op is done with.
 */
must_check int op_parse(const char *line, struct op *ret, char **ret_mem, struct err *e);

bool op_equal(const struct op *a, const struct op *b);

/* Two removals of one thing: the same kind, name, interface (by name or owner mark) and address. */
bool op_same_thing(const struct op *a, const struct op *b);

/* For error messages: "add bridge bridge0", "alias 10.0.0.5/24 on em0". */
void op_describe(const struct op *op, char *buf, size_t cap);

#endif
