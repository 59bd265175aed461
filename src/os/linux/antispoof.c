/*
 * antispoof.c - what the port of a jail on a bridge takes from it, in a table of our own in nftables' bridge family:
 *
 *	map nics { vnet0.7 : goto vnet0.7 }                  one element a port
 *	chain check { hook prerouting; iifname vmap @nics }
 *	chain roles { what an ordinary host says, and nothing else }    antispoof_roles.c
 *	chain vnet0.7 { its MAC, its VLANs, roles, its addresses }      beside its sets ip4.vnet0.7, ip6.vnet0.7
 *
 * and where addresses come by DHCP
 *
 *	chain learn { hook postrouting; from a DHCP server: oifname vmap @clients }
 *	chain dhcp.vnet0.7 { an answer to its MAC: add the address to the set dhcp.vnet0.7 }
 *
 * The kernel reads the answer on its way to the port, so that it is neither late nor told by the jail, whose own client could
 * be told anything by its root. A jail cannot make such an answer for another: nothing of it goes to a DHCP client.
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
#include "core/vlan.h"
#include "os/linux/antispoof_impl.h"

#define CHAIN_LEARN "learn"
#define MAP_CLIENTS "clients"

#define PRIORITY_LEARN 300 /* srcnat: what somebody's filter dropped teaches nothing */
/* all addresses a jail can have, its link-local one, and some */
#define SET_SIZE       (HOLD_ADDRS_MAX + 33)
#define LEARNED_MAX    1024

#define PORT_DHCP         67
#define PORT_DHCP6        547
#define DHCP6_INFORMATION 11 /* a request for no address */
/* of a DHCP message (RFC 2131), from its UDP header on */
#define OFF_DHCP_OP       8 /* and hardware type, and length of an address of its */
#define OFF_DHCP_CIADDR   20
#define OFF_DHCP_YIADDR   24
#define OFF_DHCP_GIADDR   32
#define OFF_DHCP_CHADDR   36
#define OFF_DHCP_COOKIE   244
#define DHCP_LEN          OFF_DHCP_COOKIE /* with nothing but its fixed fields */

static const uint8_t unspecified[16];

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

/* --- one port --- */

static void rule_roles(struct nft *t, const struct names *n)
{
	struct nft_rule r = nft_rule(t, n->chain);

	nft_verdict(t, NFT_JUMP, CHAIN_ROLES);
	nft_rule_end(t, r);
}

static void rule_mac(struct nft *t, const struct names *n, const struct macaddr *mac)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_bytes(t, NFT_PAYLOAD_LL_HEADER, OFF_ETHER_SADDR, NFT_CMP_NEQ, mac->b, 6);
	rule_drop(t, r);
}

/* Without VLANs of its own no tag at all, and with them no other: neither the untagged one's, nor 0, which is a priority. */
static void rule_tags(struct nft *t, const struct names *n, const struct vlans *v)
{
	static const uint8_t id[] = { 0x0f, 0xff };
	uint8_t ids[VLANS_MAX][2];
	struct nft_rule r;

	for (size_t i = 0; i < v->ntagged; i++) {
		ids[i][0] = (uint8_t)(v->tagged[i] >> 8);
		ids[i][1] = (uint8_t)v->tagged[i];
	}
	if (v->ntagged)
		nft_set_constant(t, "__set%d", NFT_TYPE_INTEGER, 2, ids, v->ntagged);
	r = nft_rule(t, n->chain);
	match_u16(t, NFT_PAYLOAD_LL_HEADER, OFF_ETHER_TYPE, NFT_CMP_EQ, ETH_P_8021Q);
	if (v->ntagged) {
		nft_payload(t, NFT_PAYLOAD_LL_HEADER, OFF_VLAN_TCI, 2);
		nft_bits(t, id, sizeof(id));
		nft_lookup(t, "__set%d", true);
	}
	rule_drop(t, r);
}

/* A family it has no addresses of. */
static void rule_none(struct nft *t, const struct names *n, uint16_t ethertype)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ethertype);
	rule_drop(t, r);
}

/* What is in the register is no address of the port. */
static void is_foreign4(struct nft *t, const struct names *n, const struct op *op)
{
	nft_lookup(t, n->ip4, true);
	if (op->flags & OP_SPOOF_DHCP)
		nft_lookup(t, n->dhcp, true);
}

/* The same of IPv6. The lower half is what the kernel makes of a MAC and a router's prefix (RFC 4291, appendix A). */
static void is_foreign6(struct nft *t, const struct names *n, const struct op *op, uint32_t base, uint32_t off)
{
	const struct macaddr *m = &op->mac2;
	const uint8_t id[8] = { m->b[0] ^ 2, m->b[1], m->b[2], 0xff, 0xfe, m->b[3], m->b[4], m->b[5] };

	nft_lookup(t, n->ip6, true);
	if (op->flags & OP_SPOOF_SLAAC)
		match_bytes(t, base, off + 8, NFT_CMP_NEQ, id, sizeof(id));
}

/* --- IPv4: after the roles, when the headers are known to be there --- */

/* To a server of addresses: what begins with another byte than this; 0: anything. */
static void rule_server(struct nft *t, const struct names *n, uint16_t ethertype, uint16_t port, uint8_t first)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ethertype);
	match_l4(t, NFT_CMP_EQ, IPPROTO_UDP);
	match_u16(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DPORT, NFT_CMP_EQ, port);
	if (first)
		match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_UDP_DATA, NFT_CMP_NEQ, first);
	rule_drop(t, r);
}

/* An address in a DHCP client's message: none (0.0.0.0), or the port's. */
static void rule_client_addr(struct nft *t, const struct names *n, const struct op *op, uint32_t base, uint32_t off)
{
	static const uint8_t none[4];
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IP);
	match_l4(t, NFT_CMP_EQ, IPPROTO_UDP);
	match_u16(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DPORT, NFT_CMP_EQ, PORT_DHCP);
	match_bytes(t, base, off, NFT_CMP_NEQ, none, sizeof(none));
	is_foreign4(t, n, op);
	rule_drop(t, r);
}

/* What a DHCP client says for its own MAC, in one piece, and nothing else to a DHCP server. */
static void rules_client(struct nft *t, const struct names *n, const struct op *op)
{
	static const uint8_t request[] = { 1, 1, 6 }, fragmented[] = { 0x3f, 0xff }, zero[4];
	struct nft_rule r;

	if (!(op->flags & OP_SPOOF_SELF4)) {
		rule_client_addr(t, n, op, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_SADDR);
		rule_client_addr(t, n, op, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_CIADDR);
	}
	r = nft_rule(t, n->chain);
	match_protocol(t, ETH_P_IP);
	match_l4(t, NFT_CMP_EQ, IPPROTO_UDP);
	match_u16(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DPORT, NFT_CMP_EQ, PORT_DHCP);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_FRAG, 2);
	nft_bits(t, fragmented, sizeof(fragmented));
	nft_cmp(t, NFT_CMP_EQ, zero, 2);
	match_u16(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_LEN, NFT_CMP_GTE, 20 + DHCP_LEN);
	match_u16(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_UDP_LEN, NFT_CMP_GTE, DHCP_LEN);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_OP, NFT_CMP_EQ, request, sizeof(request));
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_GIADDR, NFT_CMP_EQ, zero, 4);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_CHADDR, NFT_CMP_EQ, op->mac2.b, 6);
	rule_end_with(t, r, NF_ACCEPT);
	rule_server(t, n, ETH_P_IP, PORT_DHCP, 0);
}

static void rule_source4(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IP);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_SADDR, 4);
	is_foreign4(t, n, op);
	rule_drop(t, r);
}

/* Who has an address, and (sender 0.0.0.0) whether anybody has one that is to be its own: a probe for another's takes it away. */
static void rules_arp(struct nft *t, const struct names *n, const struct op *op)
{
	static const uint8_t none[4];
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_ARP);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_SHA, NFT_CMP_NEQ, op->mac2.b, 6);
	rule_drop(t, r);
	if (op->flags & OP_SPOOF_SELF4)
		return;
	r = nft_rule(t, n->chain);
	match_protocol(t, ETH_P_ARP);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_SPA, NFT_CMP_NEQ, none, sizeof(none));
	is_foreign4(t, n, op);
	rule_drop(t, r);
	r = nft_rule(t, n->chain);
	match_protocol(t, ETH_P_ARP);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_SPA, NFT_CMP_EQ, none, sizeof(none));
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_TPA, 4);
	is_foreign4(t, n, op);
	rule_drop(t, r);
}

/* --- IPv6: after the roles --- */

static void rule_source6(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IPV6);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, NFT_CMP_NEQ, unspecified, sizeof(unspecified));
	is_foreign6(t, n, op, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR);
	rule_drop(t, r);
}

/* The unspecified address is for who has none yet: duplicate address detection, and asking for routers and groups. */
static void rules_unspecified(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IPV6);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, NFT_CMP_EQ, unspecified, sizeof(unspecified));
	match_l4(t, NFT_CMP_NEQ, IPPROTO_ICMPV6);
	rule_drop(t, r);
	r = nft_rule(t, n->chain);
	match_protocol(t, ETH_P_IPV6);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, NFT_CMP_EQ, unspecified, sizeof(unspecified));
	match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP_TYPE, NFT_CMP_LT, MLD_LISTENER_REPORT);
	rule_drop(t, r);
	r = nft_rule(t, n->chain);
	match_protocol(t, ETH_P_IPV6);
	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_SADDR, NFT_CMP_EQ, unspecified, sizeof(unspecified));
	match_icmp6(t, ND_NEIGHBOR_SOLICIT);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET, 16);
	is_foreign6(t, n, op, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET);
	rule_drop(t, r);
}

/* Who says that an address is its own must have it. */
static void rule_neighbour(struct nft *t, const struct names *n, const struct op *op)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IPV6);
	match_icmp6(t, ND_NEIGHBOR_ADVERT);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET, 16);
	is_foreign6(t, n, op, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ND_TARGET);
	rule_drop(t, r);
}

/* The one option that neighbour discovery of a port may have: its MAC, or a nonce. With one it is that long. */
static void rule_option(struct nft *t, const struct names *n, const struct op *op, uint8_t first, uint8_t last,
                        uint8_t len, uint32_t option)
{
	struct nft_rule r = nft_rule(t, n->chain);

	match_protocol(t, ETH_P_IPV6);
	match_l4(t, NFT_CMP_EQ, IPPROTO_ICMPV6);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP_TYPE, 1);
	nft_cmp(t, NFT_CMP_GTE, &first, 1);
	nft_cmp(t, NFT_CMP_LTE, &last, 1);
	match_u16(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_LEN_NEXT, NFT_CMP_EQ, len);
	match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, option, NFT_CMP_NEQ, ND_OPT_NONCE);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, option + 2, NFT_CMP_NEQ, op->mac2.b, 6);
	rule_drop(t, r);
}

/* --- addresses that servers give --- */

static void put_learn(struct nft *t)
{
	static const uint8_t to_client[] = { 0, 67, 0, 68 };
	struct nft_rule r;

	nft_set(t, MAP_CLIENTS, NFT_TYPE_IFNAME, IFNAME_CAP, 0, true);
	nft_base_chain(t, CHAIN_LEARN, "filter", NF_BR_POST_ROUTING, PRIORITY_LEARN);
	nft_chain_flush(t, CHAIN_LEARN);
	r = nft_rule(t, CHAIN_LEARN);
	match_protocol(t, ETH_P_IP);
	match_l4(t, NFT_CMP_EQ, IPPROTO_UDP);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_SPORT, NFT_CMP_EQ, to_client, sizeof(to_client));
	nft_meta(t, NFT_META_OIFNAME);
	nft_vmap(t, MAP_CLIENTS);
	nft_rule_end(t, r);
}

static void put_client(struct nft *t, const struct names *n, const struct op *op)
{
	static const uint8_t cookie[] = { 99, 130, 83, 99 };
	struct nft_list l;
	struct nft_rule r;

	put_learn(t);
	nft_chain(t, n->dhcp);
	nft_chain_flush(t, n->dhcp);
	nft_set_learned(t, n->dhcp, NFT_TYPE_IP4, 4, LEARNED_MAX);
	r = nft_rule(t, n->dhcp);
	match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_OP, NFT_CMP_EQ, 2);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_CHADDR, NFT_CMP_EQ, op->mac2.b, 6);
	match_bytes(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_COOKIE, NFT_CMP_EQ, cookie, sizeof(cookie));
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DHCP_YIADDR, 4);
	nft_learn(t, n->dhcp);
	nft_rule_end(t, r);
	l = nft_elems(t, MAP_CLIENTS, false);
	nft_elem(t, n->key, sizeof(n->key), n->dhcp, op->name);
	nft_elems_end(t, l);
}

/* What is in the list of the family. */
static void put_addrs(struct nft *t, const char *set, const struct strv *addrs, int family)
{
	uint32_t len = family == 4 ? 4 : 16;
	struct nft_list l = nft_elems(t, set, false);

	for (size_t i = 0; i < addrs->n; i++) {
		struct ipaddr a;

		if (ipaddr_parse(addrs->v[i], family, &a, NULL) == 0)
			nft_elem(t, a.b, len, NULL, NULL);
	}
	nft_elems_end(t, l);
}

static void put_sets(struct nft *t, const struct names *n, const struct strv *addrs)
{
	nft_set(t, n->ip4, NFT_TYPE_IP4, 4, SET_SIZE, false);
	nft_set(t, n->ip6, NFT_TYPE_IP6, 16, SET_SIZE, false);
	nft_set_flush(t, n->ip4);
	nft_set_flush(t, n->ip6);
	put_addrs(t, n->ip4, addrs, 4);
	put_addrs(t, n->ip6, addrs, 6);
}

static void put_ip4(struct nft *t, const struct names *n, const struct op *op)
{
	if (!(op->flags & OP_SPOOF_IP4)) {
		rule_none(t, n, ETH_P_IP);
		rule_none(t, n, ETH_P_ARP);
		return;
	}
	rules_client(t, n, op);
	if (!(op->flags & OP_SPOOF_SELF4))
		rule_source4(t, n, op);
	rules_arp(t, n, op);
}

static void put_ip6(struct nft *t, const struct names *n, const struct op *op)
{
	if (!(op->flags & OP_SPOOF_IP6)) {
		rule_none(t, n, ETH_P_IPV6);
		return;
	}
	if (!(op->flags & OP_SPOOF_SELF6)) {
		rule_source6(t, n, op);
		rules_unspecified(t, n, op);
		rule_neighbour(t, n, op);
		/* who takes its addresses from routers asks servers for the rest (RFC 8415), and nobody for an address */
		rule_server(t, n, ETH_P_IPV6, PORT_DHCP6, op->flags & OP_SPOOF_SLAAC ? DHCP6_INFORMATION : 0);
	}
	rule_option(t, n, op, ND_NEIGHBOR_SOLICIT, ND_NEIGHBOR_ADVERT, 32, OFF_ND_OPTION);
	rule_option(t, n, op, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT, 16, OFF_RS_OPTION);
}

static void put_port(struct nft *t, const struct names *n, const struct op *op, const struct strv *addrs,
                     const struct vlans *v)
{
	struct nft_list l;

	nft_chain(t, n->chain);
	nft_chain_flush(t, n->chain);
	put_sets(t, n, addrs);
	if (op->flags & OP_SPOOF_DHCP)
		put_client(t, n, op);
	rule_mac(t, n, &op->mac2);
	rule_tags(t, n, v);
	rule_roles(t, n);
	put_ip4(t, n, op);
	put_ip6(t, n, op);
	l = nft_elems(t, SET_DROPS, false);
	nft_elem(t, n->key, sizeof(n->key), NULL, NULL);
	nft_elems_end(t, l);
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

static int read_tags(const char *text, struct vlans *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv ids = { 0 };
	uint64_t id;

	if (strv_split(&ids, text, ",") < 0)
		return err_oom(e);
	for (size_t i = 0; i < ids.n; i++) {
		if (ret->ntagged == VLANS_MAX || !str_to_uint(ids.v[i], 1, VLAN_MAX, &id))
			return err_set(e, EINVAL, "antispoof: %.60s is no list of VLANs", text);
		ret->tagged[ret->ntagged++] = (uint16_t)id;
	}
	return 0;
}

int antispoof_set(const struct op *op, struct err *e)
{
	_cleanup_(nft_close) struct nft t = NFT_INIT;
	_cleanup_(strv_done) struct strv addrs = { 0 };
	struct vlans v = { 0 };
	struct names n;
	char text[256] = "";
	int r = nft_open(&t, NFPROTO_BRIDGE, e);

	if (r < 0)
		return r;
	if (op->text && strv_split(&addrs, op->text, ",") < 0)
		return err_oom(e);
	if (op->opts && read_tags(op->opts, &v, e) < 0)
		return -EINVAL;
	names_of(op->link, &n);
	/* who comes beside us may remove the table in between: then it is made in the second round */
	for (int round = 0; round < 2; round++) {
		bool base = round > 0 || nft_chain_use(&t, CHAIN_ROLES) < ROLES;

		nft_begin(&t);
		if (base)
			put_shared(&t);
		put_port(&t, &n, op, &addrs, &v);
		r = nft_commit(&t, text, sizeof(text));
		if (r != -ENOENT || base)
			break;
	}
	return r < 0 ? failed(op->link, r, text, e) : 0;
}

/* --- removal --- */

/* In this order: nobody removes what is used. The last three are those of a DHCP client. */
enum part {
	PART_NIC,
	PART_CHAIN,
	PART_IP4,
	PART_IP6,
	PART_DROPS,
	PARTS,
	PART_CLIENT = PARTS,
	PART_LEARN,
	PART_DHCP,
	PARTS_DHCP
};

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
	case PART_DROPS:
		l = nft_elems(t, SET_DROPS, true);
		nft_elem(t, n->key, sizeof(n->key), NULL, NULL);
		nft_elems_end(t, l);
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
