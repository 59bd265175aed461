/* facts.h - what a plan needs to know about the host, gathered by the operating system and passed in. Pure. */
#ifndef IOCAGE_CORE_FACTS_H
#define IOCAGE_CORE_FACTS_H

#include "core/addr.h"
#include "core/jail.h"

struct link_fact {
	char name[IFNAME_CAP];
	unsigned index, mtu, flags;
	struct macaddr mac;
	bool is_bridge;
	unsigned master; /* ifindex of the bridge it is in, 0 = none */
	unsigned first_member_mtu; /* bridges: MTU of the first port, 0 = no ports */
	bool ours; /* carries our mark */
	bool can_ask; /* neighbours on it can be asked for an address (ARP, NDP) */
	bool vlan_filtering; /* bridges: is it switched on */
	bool can_vlans; /* bridges: does the system know VLANs on them at all */
	unsigned default_pvid; /* bridges: VLAN of a new port, 0 = none */
};

struct gateway_fact {
	bool have;
	char ifname[IFNAME_CAP];
	struct ipaddr gw; /* family 0: on-link default route */
};

struct addr_fact { /* for each static address of a shared-IP jail: is it on the host already */
	struct ipaddr addr;
	bool present;
	bool ours; /* the running jail's own: its start, or a live change, put it there (journal) */
	char ifname[IFNAME_CAP];
	char holder[JAIL_NAME_MAX + 1]; /* running jail that uses it, "" = none */
	unsigned holder_naddrs; /* how many addresses of this family the holder has */
};

struct nat_link { /* an interface of the host by which somebody may ask for a forwarded port */
	char name[IFNAME_CAP];
};

struct hn_facts; /* core/hostnet.h */

struct facts {
	char host_id[65]; /* stable identity of this host */
	struct gateway_fact gw4, gw6;
	struct link_fact *links; /* those a jail names, and the default ones; only existing links appear */
	size_t nlinks;
	struct addr_fact *addrs;
	size_t naddrs;
	struct nat_link *nat_links; /* those with IPv4 addresses, for jails with nat */
	size_t nnat_links;
	unsigned jid; /* the id this start will use */
	char uplink[IFNAME_CAP]; /* the jail's uplink, auto resolved; "" = none is to be touched */
	struct hn_facts *host; /* the whole host network: only for jails that take interfaces of it, else NULL; owned */
};

const struct link_fact *facts_link(const struct facts *f, const char *name); /* NULL: does not exist */
const struct addr_fact *facts_addr(const struct facts *f, const struct ipaddr *a);
void facts_done(struct facts *f);

#endif
