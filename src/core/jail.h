/* jail.h - the typed model of a jail that a plan is built from. Pure. */
#ifndef IOCAGE_CORE_JAIL_H
#define IOCAGE_CORE_JAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "core/addr.h"
#include "core/conf.h"
#include "core/vlan.h"

#define JAIL_NAME_MAX 64

/* JADDR_SELF: the jail gives itself addresses, and the host does not know which */
enum jaddr_mode { JADDR_STATIC, JADDR_DHCP, JADDR_RTADV, JADDR_SELF };

/* One entry of ip4_addr or ip6_addr. */
struct jaddr {
	enum jaddr_mode mode;
	char ifname[IFNAME_CAP]; /* before the '|'; "" = none given */
	struct ipaddr addr; /* JADDR_STATIC only; a %zone has become ifname */
};

/* One entry of interfaces: NIC:BRIDGE. */
struct jnic {
	char name[IFNAME_CAP]; /* vnet0: host end is vnet0.JID, jail end epair0b */
	char bridge[IFNAME_CAP]; /* "" = a pair and nothing else */
	struct macaddr mac_host, mac_jail; /* set when vnetN_mac is */
	unsigned mtu; /* 0 = auto */
	struct vlans vlans; /* vnetN_vlan: of its port on the bridge; empty: the bridge decides */
};

enum ip_mode { IP_NEW, IP_INHERIT, IP_DISABLE };
enum router_mode { ROUTER_NONE, ROUTER_AUTO, ROUTER_ADDR };

struct router {
	enum router_mode mode;
	struct ipaddr addr; /* ROUTER_ADDR */
};

/* allow_* that change what a jail may do */
enum allow_flags {
	ALLOW_RAW_SOCKETS = 1 << 0,
	ALLOW_MOUNT = 1 << 1,
	ALLOW_SET_HOSTNAME = 1 << 2,
	ALLOW_CHFLAGS = 1 << 3,
	ALLOW_MLOCK = 1 << 4,
	ALLOW_SOCKET_AF = 1 << 5,
	ALLOW_TUN = 1 << 6,
	ALLOW_FUSE = 1 << 7,
	ALLOW_QUOTAS = 1 << 8,
	ALLOW_NESTED = 1 << 9, /* children_max > 0: user namespaces inside */
	ALLOW_SYSVMSG = 1 << 10,
	ALLOW_SYSVSEM = 1 << 11,
	ALLOW_SYSVSHM = 1 << 12, /* not "disable" */
	ALLOW_BPF = 1 << 13, /* packet sockets for DHCP clients inside */
	ALLOW_APPARMOR = 1 << 14, /* the jail runs under an AppArmor profile of ours */
};

struct jail {
	char name[JAIL_NAME_MAX + 1];
	char hostname[256], domainname[256];
	bool vnet;
	enum ip_mode ip4, ip6;
	bool ip4_saddrsel, ip6_saddrsel;
	struct jaddr *a4, *a6; /* in the order written, then that of assign_localhost; the first is the primary */
	size_t n4, n6;
	struct ipaddr localhost; /* localhost in its etc/hosts; family 0: as it is */
	struct jnic *nics;
	size_t nnics;
	bool antispoof, isolated;
	bool nat; /* VNET: the first NIC is the NAT one, see jail_nat_set() */
	struct ipaddr nat_addr; /* of the jail, with its /30; family 0: not chosen yet */
	char nat_interface[IFNAME_CAP]; /* "" = the one with the default route */
	unsigned default_mtu;
	char uplink[IFNAME_CAP]; /* vnet_default_interface: "" = none, "auto" or a name */
	char (*passed)[IFNAME_CAP]; /* vnet_interfaces: host interfaces that move into the jail */
	size_t npassed;
	struct router router4, router6;
	unsigned allow; /* enum allow_flags */
	unsigned sockets_max; /* made at a time; shared IP */
	unsigned children_max, conflict_wait; /* milliseconds, 0: addresses are not asked for */
	char mac_prefix[8];
	const struct conf *conf; /* borrowed: for everything else */
};

/* Is it got from a server or a router. */
static inline bool jaddr_is_learned(const struct jaddr *a)
{
	return a->mode == JADDR_DHCP || a->mode == JADDR_RTADV;
}

/* Build the model; validates what only shows across properties. The result borrows c, which must outlive it. */
must_check int jail_build(const struct conf *c, const char *name, struct jail *ret, struct err *e);
/*
 * The NAT address of the jail, with its prefix: the only one of its first NIC, and the other host of the network is its
 * router, whatever ip4_addr and defaultrouter say.
 */
must_check int jail_nat_set(struct jail *j, const struct ipaddr *a, struct err *e);
void jail_done(struct jail *j);

/* Is the jail to have a loopback address of its own (assign_localhost), whether chosen yet or not. */
bool jail_wants_localhost(const struct conf *c);
/* ip4_addr and the jail's own loopback address, if it has one, as one list. -ENOMEM, or negative when ip4_addr is no list. */
must_check int jail_ip4_text(const struct conf *c, struct sbuf *out, struct err *e);

/* Address list of one property ("none" gives 0 entries). *ret owned by the caller (free). */
must_check int jaddr_list_parse(const char *value, int family, struct jaddr **ret, size_t *ret_n, struct err *e);
/* Is the address in the list, whatever its interface and prefix. */
bool jaddr_list_has(const struct jaddr *list, size_t n, const struct ipaddr *host);
bool jail_lists(const struct jail *j, const struct ipaddr *host);
/* Can a be the address of one host: not 0.0.0.0 or ::, no broadcast, no multicast, no IPv4 in IPv6 form. */
must_check int jaddr_host_check(const struct ipaddr *a, struct err *e);
must_check int jnic_list_parse(const char *value, struct jnic **ret, size_t *ret_n, struct err *e);

/* vnet0 -> epair0b; a name without "vnet" keeps itself. */
must_check int jnic_inside_name(const char *nic, char out[static IFNAME_CAP]);
/* Does an address that names this interface belong to the NIC: its name, its name inside, or none at all for vnet0. */
bool jnic_is_called(const struct jnic *nic, const char *name);
bool jnic_has(const struct jnic *nic, const struct jaddr *a);
/*
 * vnet0, 7 -> vnet0.7. A name that does not fit is shortened: storage-net, 12345 -> stora~3fx.12345; 1 says so, 0 that
 * it fitted. Equal for equal names.
 */
int jnic_outside_name(const char *nic, unsigned jid, char out[static IFNAME_CAP]);

/* ip_hostname short form etc: "_" -> "-" as F does for host_hostname. */
void jail_default_hostname(const char *name, char *out, size_t cap);

#endif
