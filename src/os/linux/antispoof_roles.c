/*
 * antispoof_roles.c - what every port takes and refuses alike, whoever is behind it:
 *
 *	chain roles { ethertype vmap { arp : goto arp, ip : goto ip4, ip6 : goto ip6 }; goto dropped }
 *	chain arp, ip4, ip6 { what an ordinary host says: return; goto dropped }
 *	chain dropped { iifname @drops; drop }    a counter for each port
 *
 * An allow list: what cannot be read as far as it has to be matches no rule, and so is dropped. Where a chain returns, the
 * port's own chain can rely on the headers being there: ARP as a whole; IPv4 and IPv6 with their transport protocol;
 * neighbour discovery without extension headers and with one option at most.
 *
 * A fragment that is not the first passes: it is nothing without the first one, whose ports and types are looked at and lie in
 * its first eight bytes, which no other fragment can overwrite.
 */
#include <errno.h>
#include <netinet/icmp6.h> /* before the kernel's headers, which give way to it */
#include <netinet/igmp.h>
#include <netinet/in.h>

#include <linux/if_ether.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter/nf_tables.h>

#include "base/str.h"
#include "os/linux/antispoof_impl.h"

#define CHAIN_CHECK   "check"
#define CHAIN_ARP     "arp"
#define CHAIN_IP4     "ip4"
#define CHAIN_IP6     "ip6"
#define MAP_PROTOCOLS "protocols"
#define SET_PORTS     "ports"
#define SET_ICMP6     "icmp6"

#define PRIORITY (-300) /* nft(8): dstnat of the bridge family, before all filters */

#define IPPROTO_VRRP    112 /* CARP, too */
#define FRAG_OFFSET4    0x1fff
#define FRAG_OFFSET6    0xfff8
#define ICMP4_REDIRECT  5
#define ICMP4_ROUTER    9 /* router advertisement (RFC 1256) */
#define IGMP_MRD_ADVERT 0x30 /* multicast router discovery (RFC 4286) */
#define IGMP_MRD_END    0x32
#define ICMP6_MLD2      143
#define ICMP6_EXT_ECHO  160
#define ICMP6_EXT_REPLY 161

/* --- parts of rules --- */

void match_protocol(struct nft *t, uint16_t ethertype)
{
	uint8_t v[2] = { (uint8_t)(ethertype >> 8), (uint8_t)ethertype };

	nft_meta(t, NFT_META_PROTOCOL);
	nft_cmp(t, NFT_CMP_EQ, v, sizeof(v));
}

void match_l4(struct nft *t, uint32_t cmp, uint8_t protocol)
{
	nft_meta(t, NFT_META_L4PROTO);
	nft_cmp(t, cmp, &protocol, 1);
}

void match_byte(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, uint8_t v)
{
	match_bytes(t, base, off, cmp, &v, 1);
}

void match_u16(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	match_bytes(t, base, off, cmp, b, sizeof(b));
}

void match_bytes(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, const void *v, size_t len)
{
	nft_payload(t, base, off, (uint32_t)len);
	nft_cmp(t, cmp, v, len);
}

void match_icmp6(struct nft *t, uint8_t type)
{
	match_l4(t, NFT_CMP_EQ, IPPROTO_ICMPV6);
	match_byte(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP_TYPE, NFT_CMP_EQ, type);
}

void rule_end_with(struct nft *t, struct nft_rule r, int verdict)
{
	nft_verdict(t, verdict, NULL);
	nft_rule_end(t, r);
}

void rule_drop(struct nft *t, struct nft_rule r)
{
	nft_verdict(t, NFT_GOTO, CHAIN_DROPPED);
	nft_rule_end(t, r);
}

static void drop_others(struct nft *t, const char *chain)
{
	rule_drop(t, nft_rule(t, chain));
}

/* --- the frame --- */

static void put_roles(struct nft *t)
{
	/* 802.1's own addresses (spanning tree, pause, LLDP, GVRP), and Cisco's (CDP, VTP, DTP, PAgP) */
	static const uint8_t groups[2][3] = { { 0x01, 0x80, 0xc2 }, { 0x01, 0x00, 0x0c } };
	struct nft_rule r;

	for (size_t i = 0; i < 2; i++) {
		r = nft_rule(t, CHAIN_ROLES);
		match_bytes(t, NFT_PAYLOAD_LL_HEADER, OFF_ETHER_DADDR, NFT_CMP_EQ, groups[i], sizeof(groups[i]));
		rule_drop(t, r);
	}
	/* the kernel has taken off one tag, of either kind; our ports have only one kind, and a second tag is no protocol */
	r = nft_rule(t, CHAIN_ROLES);
	match_u16(t, NFT_PAYLOAD_LL_HEADER, OFF_ETHER_TYPE, NFT_CMP_EQ, ETH_P_8021AD);
	rule_drop(t, r);
	r = nft_rule(t, CHAIN_ROLES);
	nft_meta(t, NFT_META_PROTOCOL);
	nft_vmap(t, MAP_PROTOCOLS);
	nft_rule_end(t, r);
	drop_others(t, CHAIN_ROLES);
}

static void put_protocols(struct nft *t)
{
	static const struct {
		uint8_t type[2];
		const char *chain;
	} known[] = {
		{ { 0x08, 0x00 }, CHAIN_IP4 },
		{ { 0x08, 0x06 }, CHAIN_ARP },
		{ { 0x86, 0xdd }, CHAIN_IP6 },
	};
	struct nft_list l;

	nft_set(t, MAP_PROTOCOLS, NFT_TYPE_ETHER, 2, 0, true);
	l = nft_elems(t, MAP_PROTOCOLS, false);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		nft_elem(t, known[i].type, 2, known[i].chain, NULL);
	nft_elems_end(t, l);
}

/* A request or an answer about IPv4 addresses of Ethernet stations, and all of it: RARP and its kind have other numbers. */
static void put_arp(struct nft *t)
{
	static const uint8_t first[] = { 0, 1, 8, 0, 6, 4, 0, 1 }, last[] = { 0, 1, 8, 0, 6, 4, 0, 2 };
	struct nft_rule r = nft_rule(t, CHAIN_ARP);

	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_ARP_TPA, 4);
	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, 0, sizeof(first));
	nft_cmp(t, NFT_CMP_GTE, first, sizeof(first));
	nft_cmp(t, NFT_CMP_LTE, last, sizeof(last));
	rule_end_with(t, r, NFT_RETURN);
	drop_others(t, CHAIN_ARP);
}

/* --- IPv4 and IPv6 --- */

static void return_l4(struct nft *t, const char *chain, uint8_t protocol)
{
	struct nft_rule r = nft_rule(t, chain);

	match_l4(t, NFT_CMP_EQ, protocol);
	rule_end_with(t, r, NFT_RETURN);
}

/* A protocol that is none of these. */
static void return_others(struct nft *t, const char *chain, const uint8_t *protocols, size_t n)
{
	struct nft_rule r = nft_rule(t, chain);

	nft_meta(t, NFT_META_L4PROTO);
	for (size_t i = 0; i < n; i++)
		nft_cmp(t, NFT_CMP_NEQ, &protocols[i], 1);
	rule_end_with(t, r, NFT_RETURN);
}

/* Of a transport protocol, when the byte its type is in is none of these. */
static void return_types(struct nft *t, const char *chain, uint8_t protocol, const uint8_t *types, size_t n)
{
	struct nft_rule r = nft_rule(t, chain);

	match_l4(t, NFT_CMP_EQ, protocol);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP_TYPE, 1);
	for (size_t i = 0; i < n; i++)
		nft_cmp(t, NFT_CMP_NEQ, &types[i], 1);
	rule_end_with(t, r, NFT_RETURN);
}

/* To DHCP clients, and to routers that share an address, nobody sends. DHCP's servers are the port's own chain's matter. */
static void put_ports(struct nft *t)
{
	/* DHCP and DHCPv6 clients; HSRP, HSRP for IPv6, GLBP */
	static const uint8_t ports[][2] = { { 0, 68 }, { 0x02, 0x22 }, { 0x07, 0xc1 }, { 0x07, 0xed }, { 0x0c, 0x96 } };
	struct nft_list l;

	nft_set(t, SET_PORTS, NFT_TYPE_PORT, 2, 0, false);
	l = nft_elems(t, SET_PORTS, false);
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		nft_elem(t, ports[i], 2, NULL, NULL);
	nft_elems_end(t, l);
}

static void return_udp(struct nft *t, const char *chain)
{
	static const uint8_t server[] = { 0, 67 }, server6[] = { 0x02, 0x23 };
	struct nft_rule r = nft_rule(t, chain);

	match_l4(t, NFT_CMP_EQ, IPPROTO_UDP);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_DPORT, 2);
	nft_lookup(t, SET_PORTS, true);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_SPORT, 2);
	nft_cmp(t, NFT_CMP_NEQ, server, 2);
	nft_cmp(t, NFT_CMP_NEQ, server6, 2);
	rule_end_with(t, r, NFT_RETURN);
}

/*
 * A first fragment that ends before its transport header does: what is read there is the padding behind it, and the header
 * comes in the next one. No stack makes any so short (RFC 791: 68 bytes), or has extension headers that are cut in two.
 */
static void drop_tiny4(struct nft *t)
{
	static const uint8_t mask[] = { 0x3f, 0xff }, first[] = { 0x20, 0 };
	struct nft_rule r = nft_rule(t, CHAIN_IP4);

	nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_FRAG, 2);
	nft_bits(t, mask, 2);
	nft_cmp(t, NFT_CMP_EQ, first, 2);
	match_u16(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_LEN, NFT_CMP_LT, 68);
	rule_drop(t, r);
}

static void is_first6(struct nft *t)
{
	static const uint8_t mask[] = { 0xff, 0xf9 }, first[] = { 0, 1 };

	nft_exthdr(t, IPPROTO_FRAGMENT, 2, 2);
	nft_bits(t, mask, 2);
	nft_cmp(t, NFT_CMP_EQ, first, 2);
}

static void drop_tiny6(struct nft *t)
{
	static const uint8_t extensions[] = { IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_DSTOPTS };
	struct nft_rule r = nft_rule(t, CHAIN_IP6);

	is_first6(t);
	match_byte(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_NEXT, NFT_CMP_NEQ, IPPROTO_FRAGMENT);
	rule_drop(t, r);
	r = nft_rule(t, CHAIN_IP6);
	is_first6(t);
	match_u16(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_LEN_NEXT, NFT_CMP_LT, 16);
	rule_drop(t, r);
	nft_set_constant(t, "__set%d", NFT_TYPE_PROTO, 1, extensions, sizeof(extensions));
	r = nft_rule(t, CHAIN_IP6);
	is_first6(t);
	nft_exthdr(t, IPPROTO_FRAGMENT, 0, 1);
	nft_lookup(t, "__set%d", false);
	rule_drop(t, r);
}

/* A fragment that is not the first, of a header that could be read. */
static void return_fragments(struct nft *t, const char *chain)
{
	static const uint8_t mask4[] = { FRAG_OFFSET4 >> 8, FRAG_OFFSET4 & 0xff },
			     mask6[] = { FRAG_OFFSET6 >> 8, FRAG_OFFSET6 & 0xff }, zero[2];
	bool v4 = streq(chain, CHAIN_IP4);
	struct nft_rule r = nft_rule(t, chain);

	nft_meta(t, NFT_META_L4PROTO);
	if (v4)
		nft_payload(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP4_FRAG, 2);
	else
		nft_exthdr(t, IPPROTO_FRAGMENT, 2, 2);
	nft_bits(t, v4 ? mask4 : mask6, 2);
	nft_cmp(t, NFT_CMP_NEQ, zero, 2);
	rule_end_with(t, r, NFT_RETURN);
}

static void put_ip4(struct nft *t)
{
	static const uint8_t looked_at[] = { IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_IGMP, IPPROTO_VRRP },
			     icmp[] = { ICMP4_REDIRECT, ICMP4_ROUTER },
			     igmp[] = { IGMP_MEMBERSHIP_QUERY, IGMP_MRD_ADVERT, IGMP_MRD_END };

	return_l4(t, CHAIN_IP4, IPPROTO_TCP);
	drop_tiny4(t);
	return_udp(t, CHAIN_IP4);
	return_fragments(t, CHAIN_IP4);
	return_types(t, CHAIN_IP4, IPPROTO_ICMP, icmp, sizeof(icmp));
	return_types(t, CHAIN_IP4, IPPROTO_IGMP, igmp, sizeof(igmp));
	return_others(t, CHAIN_IP4, looked_at, sizeof(looked_at));
	drop_others(t, CHAIN_IP4);
}

/* What a host says that is neither a router nor a neighbour: errors, echoes, what it listens to. */
static void put_icmp6(struct nft *t)
{
	static const uint8_t types[] = { ICMP6_DST_UNREACH,   ICMP6_PACKET_TOO_BIG,   ICMP6_TIME_EXCEEDED,
		                         ICMP6_PARAM_PROB,    ICMP6_ECHO_REQUEST,     ICMP6_ECHO_REPLY,
		                         MLD_LISTENER_REPORT, MLD_LISTENER_REDUCTION, ICMP6_MLD2,
		                         ICMP6_EXT_ECHO,      ICMP6_EXT_REPLY };
	struct nft_list l;

	nft_set(t, SET_ICMP6, NFT_TYPE_ICMP6, 1, 0, false);
	l = nft_elems(t, SET_ICMP6, false);
	for (size_t i = 0; i < sizeof(types); i++)
		nft_elem(t, &types[i], 1, NULL, NULL);
	nft_elems_end(t, l);
}

/* Of a fixed length, ICMPv6 at once behind the IPv6 header (RFC 6980), and with this option or (0) none. */
static void return_nd(struct nft *t, uint8_t type, uint8_t len, uint32_t option_off, uint8_t option)
{
	const uint8_t head[] = { 0, option ? (uint8_t)(len + 8) : len, IPPROTO_ICMPV6 };
	struct nft_rule r = nft_rule(t, CHAIN_IP6);

	match_bytes(t, NFT_PAYLOAD_NETWORK_HEADER, OFF_IP6_LEN_NEXT, NFT_CMP_EQ, head, sizeof(head));
	match_icmp6(t, type);
	if (option) /* a length of one, which is eight bytes */
		match_u16(t, NFT_PAYLOAD_TRANSPORT_HEADER, option_off, NFT_CMP_EQ, (uint16_t)(option << 8 | 1));
	rule_end_with(t, r, NFT_RETURN);
}

static void put_ip6(struct nft *t)
{
	static const uint8_t looked_at[] = { IPPROTO_UDP, IPPROTO_ICMPV6, IPPROTO_VRRP };
	struct nft_rule r;

	drop_tiny6(t);
	return_l4(t, CHAIN_IP6, IPPROTO_TCP);
	return_udp(t, CHAIN_IP6);
	r = nft_rule(t, CHAIN_IP6);
	match_l4(t, NFT_CMP_EQ, IPPROTO_ICMPV6);
	nft_payload(t, NFT_PAYLOAD_TRANSPORT_HEADER, OFF_ICMP_TYPE, 1);
	nft_lookup(t, SET_ICMP6, false);
	rule_end_with(t, r, NFT_RETURN);
	return_nd(t, ND_NEIGHBOR_SOLICIT, 24, OFF_ND_OPTION, 0);
	return_nd(t, ND_NEIGHBOR_SOLICIT, 24, OFF_ND_OPTION, ND_OPT_SOURCE_LINKADDR);
	return_nd(t, ND_NEIGHBOR_SOLICIT, 24, OFF_ND_OPTION, ND_OPT_NONCE); /* duplicate address detection (RFC 7527) */
	return_nd(t, ND_NEIGHBOR_ADVERT, 24, OFF_ND_OPTION, 0);
	return_nd(t, ND_NEIGHBOR_ADVERT, 24, OFF_ND_OPTION, ND_OPT_TARGET_LINKADDR);
	return_nd(t, ND_ROUTER_SOLICIT, 8, OFF_RS_OPTION, 0);
	return_nd(t, ND_ROUTER_SOLICIT, 8, OFF_RS_OPTION, ND_OPT_SOURCE_LINKADDR);
	return_fragments(t, CHAIN_IP6);
	return_others(t, CHAIN_IP6, looked_at, sizeof(looked_at));
	drop_others(t, CHAIN_IP6);
}

/* --- the table --- */

static void put_dropped(struct nft *t)
{
	struct nft_rule r = nft_rule(t, CHAIN_DROPPED);

	nft_meta(t, NFT_META_IIFNAME);
	nft_lookup(t, SET_DROPS, false);
	rule_end_with(t, r, NF_DROP);
	rule_end_with(t, nft_rule(t, CHAIN_DROPPED), NF_DROP);
}

void put_shared(struct nft *t)
{
	static const char *const chains[] = { CHAIN_CHECK, CHAIN_ROLES, CHAIN_ARP, CHAIN_IP4, CHAIN_IP6, CHAIN_DROPPED };
	struct nft_rule r;

	nft_table(t, "iocage: what jails may send");
	nft_set(t, MAP_NICS, NFT_TYPE_IFNAME, IFNAME_CAP, 0, true);
	nft_set_counted(t, SET_DROPS, NFT_TYPE_IFNAME, IFNAME_CAP);
	nft_base_chain(t, CHAIN_CHECK, "filter", NF_BR_PRE_ROUTING, PRIORITY);
	for (size_t i = 1; i < sizeof(chains) / sizeof(chains[0]); i++)
		nft_chain(t, chains[i]);
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++)
		nft_chain_flush(t, chains[i]);
	put_protocols(t);
	put_ports(t);
	put_icmp6(t);
	r = nft_rule(t, CHAIN_CHECK);
	nft_meta(t, NFT_META_IIFNAME);
	nft_vmap(t, MAP_NICS);
	nft_rule_end(t, r);
	put_roles(t);
	put_arp(t);
	put_ip4(t);
	put_ip6(t);
	put_dropped(t);
}
