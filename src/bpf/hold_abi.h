/* hold_abi.h - what the BPF programs that hold a jail's sockets share with user space: map keys, values, pin names. */
#ifndef IOCAGE_BPF_HOLD_ABI_H
#define IOCAGE_BPF_HOLD_ABI_H

#include <linux/types.h>

/*
 * Addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. Ports are in host order. A jail is named by the
 * cgroup id of the group its sockets are made in, which no later group gets again. All maps belong to one host network
 * namespace: their pins live in a directory named after it.
 *
 * A jail is ended by whatever version is installed by then, which strikes it out of the maps of ports, owners, sources and
 * events wherever these have keys and values of its own sizes: who changes what is in one changes its size or its name.
 */

enum hold_flags {
	HOLD_INHERIT4 = 1 << 0, /* IPv4 is not held; without it, to the list (maybe empty): zero holds most */
	HOLD_INHERIT6 = 1 << 1,
	HOLD_SELECT4 = 1 << 3, /* the source is found in the map of sources, else it is the primary address */
	HOLD_SELECT6 = 1 << 4,
};

/*
 * Value of the cgroup storage map. Further addresses than the primary are found in the map of owners. All zero: the jail has
 * ended (or is not told of yet), and nothing that a socket of its own sends or receives passes.
 */
struct hold_jail {
	__u64 jail; /* the name used in the other maps */
	__u32 flags;
	__u32 n4, n6;
	__u32 prim4; /* network order */
	__u32 prim6[4]; /* network order */
	__u32 socks_max,
		udp_max; /* how many sockets there may be that the jail has made; and how many of these for UDP */
};

/* By jail: what it has. Only the kernel side counts. */
struct hold_use {
	__u32 socks, udp; /* sockets made and not closed yet; accepted connections are not made by socket(2) */
	__u64 refused; /* sockets that were one too many */
};

/* Value of a socket storage map of its own, which no broker can open: which jail counts the socket. */
struct hold_made {
	__u64 jail;
	__u64 udp; /* 1: also among those for UDP */
};

/* By jail and destination (the longest prefix counts): which of its addresses a jail of several sends from. */
struct hold_source_key {
	__u32 bits; /* prefix length: all of the jail, then those of the address */
	__u8 jail[8];
	__u8 addr[16];
};

/*
 * A page that brokers see without a system call. By the last bits of a jail's name: has some socket of such a jail sent
 * without being bound.
 */
#define HOLD_SENT 4096

/* Which jails an address belongs to: the newest first, 0 = none. Several only where each has no other address. */
#define HOLD_OWNERS 16

struct hold_owner {
	__u64 jail[HOLD_OWNERS];
};

/*
 * What a bound socket occupies in its jail: a port on an address, on the wildcard of a family, or on both families.
 * HOLD_ALIAS is none of these: it tells of a UDP port in the kernel (key) which port of the jail it stands for (real).
 */
enum hold_kind { HOLD_ADDR = 0, HOLD_DUAL = 1, HOLD_ALIAS = 2 };

struct hold_port_key {
	__u64 jail;
	__u16 port; /* as the jail sees it */
	__u8 proto; /* IPPROTO_TCP, IPPROTO_UDP */
	__u8 kind;
	__u8 addr[16]; /* ::ffff:0.0.0.0 and :: are the wildcards; zero for HOLD_DUAL and HOLD_ALIAS */
	__u32 slot; /* in the map of listeners only, else 0 */
};

#define HOLD_SLOTS 16 /* sockets of one SO_REUSEPORT group that are found without each other */
#define HOLD_DEAD  0x80000000U /* in count: its last socket is just being closed */

struct hold_port {
	__u32 count; /* sockets */
	__u16 real; /* the port these sockets have in the kernel */
	__u16 flags; /* enum hold_sock_flags of the first of them */
	__u32 uid; /* whose they are, as the broker numbers users */
};

/* By port in the kernel: how many listeners of jails have it on one address, and on a wildcard. */
struct hold_hidden {
	__u32 somewhere, everywhere;
};

enum hold_sock_flags {
	HOLD_S_REUSEADDR = 1 << 0,
	HOLD_S_REUSEPORT = 1 << 1,
	HOLD_S_SHOW_WILD = 1 << 2, /* bound to one address in the kernel, shown as the wildcard */
	HOLD_S_NAT = 1 << 3, /* UDP on another port than shown: the packet filter translates */
	HOLD_S_STEERED = 1 << 4, /* in the map of listeners */
	HOLD_S_HIDDEN = 1 << 5, /* counted in the map of hidden ports */
	HOLD_S_COUNTED = 1 << 6, /* when PENDING: counted on its key since it was NAMED */
	HOLD_S_OWN = 1 << 7, /* TCP that is to connect from the port it asked for: it is nobody's to hide */
	HOLD_S_TALKS = 1 << 8, /* of a port: the UDP socket that came last is connected, another may take its place */
	HOLD_S_HIDES_ALL = 1 << 9, /* counted there as a wildcard */
	HOLD_S_GROUPS = 1 << 10, /* UDP that has joined a group */
};

/*
 * PENDING: the broker is about to bind it. A TCP socket that asked for a port is only NAMED at first: it has the name in
 * its jail, and a port in the kernel when it listens (a hidden one) or connects (the one it asked for). NAMING and
 * UNNAMING are said by the broker just before it calls bind(2), for the hook to do. RELAY: the monitor's own raw socket, by
 * which packets to groups reach the jail's sockets.
 */
enum hold_sock_state { HOLD_NONE = 0, HOLD_PENDING, HOLD_BOUND, HOLD_NAMING, HOLD_NAMED, HOLD_UNNAMING, HOLD_RELAY };

/* Value of the socket storage map: what the socket was asked for. */
struct hold_sock {
	struct hold_port_key key;
	__u16 real;
	__u16 flags; /* enum hold_sock_flags */
	__u32 state; /* enum hold_sock_state */
	__u32 pin[4]; /* unbound datagram socket: the source it has sent from, network order; zero: none */
	__u32 uid; /* as in struct hold_port */
};

/*
 * Pins, in this order: X(name, attach type). The directory is BPFFS/iocage-HOLD_VERSION-NETNSCOOKIE.
 */
#define HOLD_PROGS(X)                                 \
	X(hold_make, BPF_CGROUP_INET_SOCK_CREATE)     \
	X(hold_bind4, BPF_CGROUP_INET4_BIND)          \
	X(hold_bind6, BPF_CGROUP_INET6_BIND)          \
	X(hold_bound4, BPF_CGROUP_INET4_POST_BIND)    \
	X(hold_bound6, BPF_CGROUP_INET6_POST_BIND)    \
	X(hold_connect4, BPF_CGROUP_INET4_CONNECT)    \
	X(hold_connect6, BPF_CGROUP_INET6_CONNECT)    \
	X(hold_sendmsg4, BPF_CGROUP_UDP4_SENDMSG)     \
	X(hold_sendmsg6, BPF_CGROUP_UDP6_SENDMSG)     \
	X(hold_name4, BPF_CGROUP_INET4_GETSOCKNAME)   \
	X(hold_name6, BPF_CGROUP_INET6_GETSOCKNAME)   \
	X(hold_setopt, BPF_CGROUP_SETSOCKOPT)         \
	X(hold_release, BPF_CGROUP_INET_SOCK_RELEASE) \
	X(hold_in, BPF_CGROUP_INET_INGRESS)           \
	X(hold_out, BPF_CGROUP_INET_EGRESS)           \
	X(hold_option, BPF_CGROUP_SETSOCKOPT)

#define HOLD_MAPS(X)    \
	X(hold_jails)   \
	X(hold_socks)   \
	X(hold_owners)  \
	X(hold_ports)   \
	X(hold_listen)  \
	X(hold_hidden)  \
	X(hold_sources) \
	X(hold_sent)    \
	X(hold_use)     \
	X(hold_made)    \
	X(hold_events)

#define HOLD_BPFFS       "/sys/fs/bpf"
#define HOLD_LOOKUP_LINK "hold_lookup"
#define HOLD_READY       "ready" /* a directory made when all pins are there */

#endif
