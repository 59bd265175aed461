/*
 * antispoof.c - what the port of a jail on a bridge takes from it, in a table of our own in nftables' bridge family:
 *
 *	map nics { vnet0.7 : goto vnet0.7 }                  one element a port
 *	chain check { hook prerouting; iifname vmap @nics }
 *	chain roles { what only routers and servers say: drop }
 *	chain vnet0.7 { its MAC, roles, its addresses }      beside its sets ip4.vnet0.7, ip6.vnet0.7
 *
 * and where addresses come by DHCP
 *
 *	chain learn { hook postrouting; from a DHCP server: oifname vmap @clients }
 *	chain dhcp.vnet0.7 { an answer to its MAC: add the address to the set dhcp.vnet0.7 }
 *
 * The kernel reads the answer on its way to the port, so that it is neither late nor told by the jail, whose own client could
 * be told anything by its root. A jail cannot make such an answer for another: servers' ports are among the roles.
 * Frames of other ports cost one look into the map. br_netfilter is not needed.
 */
#include "os/linux/antispoof.h"

#include <errno.h>
#include <netinet/icmp6.h> /* before the kernel's headers, which give way to it */
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "core/hold.h"
#include "os/linux/nft.h"

#define CHAIN_CHECK "check"
#define CHAIN_ROLES "roles"
#define CHAIN_LEARN "learn"
#define MAP_NICS    "nics"
#define MAP_CLIENTS "clients"

/* nft(8)'s numbers of types, for its listing */
#define TYPE_IP4    7
#define TYPE_IP6    8
#define TYPE_IFNAME 41

#define PRIORITY       (-300) /* nft(8): dstnat of the bridge family, before all filters */
#define PRIORITY_LEARN 300 /* srcnat: what somebody's filter dropped teaches nothing */
/* all addresses a jail can have, its link-local one, and the unspecified one */
#define SET_SIZE       (HOLD_ADDRS_MAX + 33)
#define LEARNED_MAX    1024

#define OFF_ETHER_SADDR 6
#define OFF_ARP_SHA     8
#define OFF_ARP_SPA     14
#define OFF_IP4_SADDR   12
#define OFF_IP6_SADDR   8
#define OFF_ICMP6_TYPE  0
#define OFF_ND_TARGET   8
/* of a DHCP message (RFC 2131), from its UDP header on */
#define OFF_DHCP_OP     8
#define OFF_DHCP_YIADDR 24
#define OFF_DHCP_CHADDR 36
#define OFF_DHCP_COOKIE 244

struct names {
	char chain[IFNAME_CAP], ip4[IFNAME_CAP + 4], ip6[IFNAME_CAP + 4];
	char dhcp[IFNAME_CAP + 5]; /* a chain and a set */
	char key[IFNAME_CAP]; /* of the map: zeros to its end */
};

static void names_of(const char *link, struct names *n)
{
	memset(n, 0, sizeof(*n));
	(void)snprintf(n->chain, sizeof(n->chain), "%s", link);
	(void)snprintf(n->key, sizeof(n->key), "%s", link);
	(void)snprintf(n->ip4, sizeof(n->ip4), "ip4.%s", link);
	(void)snprintf(n->ip6, sizeof(n->ip6), "ip6.%s", link);
	(void)snprintf(n->dhcp, sizeof(n->dhcp), "dhcp.%s", link);
}

/* --- parts of rules --- */

static void is_protocol(struct nft *t, uint16_t ethertype)
{
	uint8_t v[2] = { (uint8_t)(ethertype >> 8), (uint8_t)ethertype };

	nft_meta(t, NFT_META_PROTOCOL);
	nft_cmp(t, NFT_CMP_EQ, v, sizeof(v));
}

static void is_l4(struct nft *t, uint8_t protocol)
{
	nft_meta(t, NFT_META_L4PROTO);
	nft_cmp(t, NFT_CMP_EQ, &protocol, 1);
}

static void is_icmp6(struct nft *t, uint8_t type)
{
	is_protocol(t, ETH_P_IPV6);
	is_l4(t, IPPROTO_ICMPV6);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP6_TYPE, 1);
	nft_cmp(t, NFT_CMP_EQ, &type, 1);
}

static void drop(struct nft *t, struct nft_rule r)
{
	nft_verdict(t, NF_DROP, NULL);
	nft_rule_end(t, r);
}

/* --- what all ports share --- */

static void drop_icmp6(struct nft *t, uint8_t type)
{
	struct nft_rule r = nft_rule(t, CHAIN_ROLES);

	is_icmp6(t, type);
	drop(t, r);
}

static void drop_server(struct nft *t, uint16_t ethertype, uint16_t port)
{
	struct nft_rule r = nft_rule(t, CHAIN_ROLES);
	uint8_t v[2] = { (uint8_t)(port >> 8), (uint8_t)port };

	is_protocol(t, ethertype);
	is_l4(t, IPPROTO_UDP);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2);
	nft_cmp(t, NFT_CMP_EQ, v, sizeof(v));
	drop(t, r);
}

/* A second VLAN tag would hide what is in the frame: the kernel has taken off one, and only one. */
static void drop_protocol(struct nft *t, uint16_t ethertype)
{
	struct nft_rule r = nft_rule(t, CHAIN_ROLES);

	is_protocol(t, ethertype);
	drop(t, r);
}

#define ROLES 6

static void put_base(struct nft *t)
{
	struct nft_rule r;

	nft_table(t, "iocage: what jails may send");
	nft_set(t, MAP_NICS, TYPE_IFNAME, IFNAME_CAP, 0, true);
	nft_base_chain(t, CHAIN_CHECK, "filter", NF_BR_PRE_ROUTING, PRIORITY);
	nft_chain(t, CHAIN_ROLES);
	nft_chain_flush(t, CHAIN_CHECK);
	nft_chain_flush(t, CHAIN_ROLES);
	r = nft_rule(t, CHAIN_CHECK);
	nft_meta(t, NFT_META_IIFNAME);
	nft_vmap(t, MAP_NICS);
	nft_rule_end(t, r);
	drop_icmp6(t, ND_ROUTER_ADVERT);
	drop_icmp6(t, ND_REDIRECT);
	drop_server(t, ETH_P_IP, 67);
	drop_server(t, ETH_P_IPV6, 547);
	drop_protocol(t, ETH_P_8021Q);
	drop_protocol(t, ETH_P_8021AD);
}

/* --- one port --- */

static void rule_mac(struct nft *t, const struct names *n, const struct macaddr *mac)
{
	struct nft_rule r = nft_rule(t, n->chain);

	nft_payload(t, NFT_PAYLOAD_LL_HEADER, OFF_ETHER_SADDR, 6);
	nft_cmp(t, NFT_CMP_NEQ, mac->b, 6);
	drop(t, r);
	r = nft_rule(t, n->chain);
	is_protocol(t, ETH_P_ARP);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_SHA, 6);
	nft_cmp(t, NFT_CMP_NEQ, mac->b, 6);
	drop(t, r);
	r = nft_rule(t, n->chain);
	nft_verdict(t, NFT_JUMP, CHAIN_ROLES);
	nft_rule_end(t, r);
}

/* The lower half of what the kernel makes of a MAC and a router's prefix (RFC 4291, appendix A). */
static void is_not_slaac(struct nft *t, uint32_t base, uint32_t off, const struct macaddr *m)
{
	const uint8_t id[8] = { m->b[0] ^ 2, m->b[1], m->b[2], 0xff, 0xfe, m->b[3], m->b[4], m->b[5] };

	nft_payload(t, base, off + 8, sizeof(id));
	nft_cmp(t, NFT_CMP_NEQ, id, sizeof(id));
}

static void rule_source4(struct nft *t, const struct names *n, const struct op *op, uint16_t ethertype, uint32_t off)
{
	struct nft_rule r = nft_rule(t, n->chain);

	is_protocol(t, ethertype);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, off, 4);
	nft_lookup(t, n->ip4, true);
	if (op->flags & OP_SPOOF_DHCP)
		nft_lookup(t, n->dhcp, true);
	drop(t, r);
}

static void rule_source6(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	is_protocol(t, ETH_P_IPV6);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, 16);
	nft_lookup(t, n->ip6, true);
	if (op->flags & OP_SPOOF_SLAAC)
		is_not_slaac(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, &op->mac2);
	drop(t, r);
}

/* Who says that an address is its own must have it. */
static void rule_neighbour(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	is_icmp6(t, ND_NEIGHBOR_ADVERT);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET, 16);
	nft_lookup(t, n->ip6, true);
	if (op->flags & OP_SPOOF_SLAAC)
		is_not_slaac(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET, &op->mac2);
	drop(t, r);
}

/* --- addresses that servers give --- */

static void put_learn(struct nft *t)
{
	static const uint8_t server[] = { 0, 67 };
	struct nft_rule r;

	nft_set(t, MAP_CLIENTS, TYPE_IFNAME, IFNAME_CAP, 0, true);
	nft_base_chain(t, CHAIN_LEARN, "filter", NF_BR_POST_ROUTING, PRIORITY_LEARN);
	nft_chain_flush(t, CHAIN_LEARN);
	r = nft_rule(t, CHAIN_LEARN);
	is_protocol(t, ETH_P_IP);
	is_l4(t, IPPROTO_UDP);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof(server));
	nft_cmp(t, NFT_CMP_EQ, server, sizeof(server));
	nft_meta(t, NFT_META_OIFNAME);
	nft_vmap(t, MAP_CLIENTS);
	nft_rule_end(t, r);
}

static void put_client(struct nft *t, const struct names *n, const struct op *op)
{
	static const uint8_t reply = 2, cookie[] = { 99, 130, 83, 99 };
	struct nft_list l;
	struct nft_rule r;

	put_learn(t);
	nft_chain(t, n->dhcp);
	nft_chain_flush(t, n->dhcp);
	nft_set_learned(t, n->dhcp, TYPE_IP4, 4, LEARNED_MAX);
	r = nft_rule(t, n->dhcp);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_OP, 1);
	nft_cmp(t, NFT_CMP_EQ, &reply, 1);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_CHADDR, 6);
	nft_cmp(t, NFT_CMP_EQ, op->mac2.b, 6);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_COOKIE, sizeof(cookie));
	nft_cmp(t, NFT_CMP_EQ, cookie, sizeof(cookie));
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_YIADDR, 4);
	nft_learn(t, n->dhcp);
	nft_rule_end(t, r);
	l = nft_elems(t, MAP_CLIENTS, false);
	nft_elem(t, n->key, sizeof(n->key), n->dhcp, op->name);
	nft_elems_end(t, l);
}

/* What is in the list of the family. The unspecified address is everybody's: probes for duplicates, asking for a lease. */
static void put_addrs(struct nft *t, const char *set, const struct strv *addrs, int family)
{
	static const uint8_t any[16];
	uint32_t len = family == 4 ? 4 : 16;
	struct nft_list l = nft_elems(t, set, false);

	nft_elem(t, any, len, NULL, NULL);
	for (size_t i = 0; i < addrs->n; i++) {
		struct ipaddr a;

		if (ipaddr_parse(addrs->v[i], family, &a, NULL) == 0)
			nft_elem(t, a.b, len, NULL, NULL);
	}
	nft_elems_end(t, l);
}

static void put_port(struct nft *t, const struct names *n, const struct op *op, const struct strv *addrs)
{
	struct nft_list l;

	nft_chain(t, n->chain);
	nft_chain_flush(t, n->chain);
	nft_set(t, n->ip4, TYPE_IP4, 4, SET_SIZE, false);
	nft_set(t, n->ip6, TYPE_IP6, 16, SET_SIZE, false);
	nft_set_flush(t, n->ip4);
	nft_set_flush(t, n->ip6);
	put_addrs(t, n->ip4, addrs, 4);
	put_addrs(t, n->ip6, addrs, 6);
	if (op->flags & OP_SPOOF_DHCP)
		put_client(t, n, op);
	rule_mac(t, n, &op->mac2);
	if (op->flags & OP_SPOOF_IP4) {
		rule_source4(t, n, op, ETH_P_ARP, OFF_ARP_SPA);
		rule_source4(t, n, op, ETH_P_IP, OFF_IP4_SADDR);
	}
	if (op->flags & OP_SPOOF_IP6) {
		rule_source6(t, n, op);
		rule_neighbour(t, n, op);
	}
	l = nft_elems(t, MAP_NICS, false);
	nft_elem(t, n->key, sizeof(n->key), n->chain, op->name);
	nft_elems_end(t, l);
}

static int failed(const char *link, int r, const char *text, struct err *e)
{
	(void)err_set(e, -r, "antispoof rules of %s: %s%s%s", link, strerror(-r), *text ? ": " : "", text);
	if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT || r == -EPROTONOSUPPORT)
		err_hint(e, "this kernel has no nftables for bridges (CONFIG_NF_TABLES_BRIDGE); without it: "
		            "vnet_antispoof=off");
	return r;
}

int antispoof_set(const struct op *op, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	_cleanup_(strv_done) struct strv addrs = { 0 };
	struct names n;
	char text[256] = "";
	int r = nft_open(&t, NFPROTO_BRIDGE, e);

	if (r < 0)
		return r;
	if (op->text && strv_split(&addrs, op->text, ",") < 0)
		return err_oom(e);
	names_of(op->link, &n);
	/* who comes beside us may remove the table in between: then it is made in the second round */
	for (int round = 0; round < 2; round++) {
		bool base = round > 0 || nft_chain_use(&t, CHAIN_ROLES) < ROLES;

		nft_begin(&t);
		if (base)
			put_base(&t);
		put_port(&t, &n, op, &addrs);
		r = nft_commit(&t, text, sizeof(text));
		if (r != -ENOENT || base)
			break;
	}
	return r < 0 ? failed(op->link, r, text, e) : 0;
}

/* --- removal --- */

/* In this order: nobody removes what is used. The last three are those of a DHCP client. */
enum part { PART_NIC, PART_CHAIN, PART_IP4, PART_IP6, PARTS, PART_CLIENT = PARTS, PART_LEARN, PART_DHCP, PARTS_DHCP };

/* Whatever it is now: with a change of addresses it may have become a client, or ceased to be one. */
static int parts_of(struct nft *t, const struct names *n)
{
	return nft_chain_use(t, n->dhcp) == -ENOENT ? PARTS : PARTS_DHCP;
}

static void put_removal(struct nft *t, const struct names *n, enum part part)
{
	struct nft_list l;

	switch (part) {
	case PART_NIC:
		l = nft_elems(t, MAP_NICS, true);
		nft_elem(t, n->key, sizeof(n->key), NULL, NULL);
		nft_elems_end(t, l);
		break;
	case PART_CHAIN:
		nft_chain_del(t, n->chain);
		break;
	case PART_IP4:
		nft_set_del(t, n->ip4);
		break;
	case PART_IP6:
		nft_set_del(t, n->ip6);
		break;
	case PART_CLIENT:
		l = nft_elems(t, MAP_CLIENTS, true);
		nft_elem(t, n->key, sizeof(n->key), NULL, NULL);
		nft_elems_end(t, l);
		break;
	case PART_LEARN:
		nft_chain_del(t, n->dhcp);
		break;
	default:
		nft_set_del(t, n->dhcp);
		break;
	}
}

/* All of the port, and the table if the port is the last: the kernel refuses that while another jumps to the roles. */
static int remove_all(struct nft *t, const struct names *n, int parts, bool last, char *text, size_t cap)
{
	nft_begin(t);
	for (int part = 0; part < parts; part++)
		put_removal(t, n, (enum part)part);
	if (last) {
		nft_chain_del(t, CHAIN_ROLES);
		nft_table_del(t);
	}
	return nft_commit(t, text, cap);
}

/* Two that go at once each see the other's port and leave the table to it: who has removed its own looks again. */
static void remove_unused(struct nft *t)
{
	char text[256];
	int use = nft_chain_use(t, CHAIN_ROLES);

	if (use < 0 || use > ROLES)
		return;
	nft_begin(t);
	nft_chain_del(t, CHAIN_ROLES);
	nft_table_del(t);
	(void)!nft_commit(t, text, sizeof(text)); /* refused: another port came meanwhile, or another removed it */
}

/* Somebody took a part of it away: each of the others by itself. */
static int remove_parts(struct nft *t, const struct names *n, char *text, size_t cap)
{
	int result = 0;

	for (int part = 0; part < PARTS_DHCP; part++) {
		int r;

		nft_begin(t);
		put_removal(t, n, (enum part)part);
		r = nft_commit(t, text, cap);
		if (r < 0 && r != -ENOENT)
			result = r;
	}
	return result;
}

int antispoof_del(const struct op *op, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	struct names n;
	char text[256] = "";
	bool last;
	int use, parts, r = nft_open(&t, NFPROTO_BRIDGE, e);

	if (r < 0)
		return r;
	names_of(op->link, &n);
	use = nft_chain_use(&t, CHAIN_ROLES);
	if (use == -ENOENT)
		return 0;
	if (use < 0)
		return failed(op->link, use, text, e);
	parts = parts_of(&t, &n);
	last = use <= ROLES + 1; /* less: somebody flushed the rules, and nobody is held by them any more */
	r = remove_all(&t, &n, parts, last, text, sizeof(text));
	if (r == 0 && last)
		return 0;
	if (r == -EBUSY)
		r = remove_all(&t, &n, parts, false, text, sizeof(text));
	if (r < 0)
		r = remove_parts(&t, &n, text, sizeof(text));
	remove_unused(&t);
	return r < 0 ? failed(op->link, r, text, e) : 0;
}
