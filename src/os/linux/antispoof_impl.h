/* antispoof_impl.h - between the files of antispoof: the chains all ports share, and the parts rules are made of. */
#ifndef IOCAGE_OS_LINUX_ANTISPOOF_IMPL_H
#define IOCAGE_OS_LINUX_ANTISPOOF_IMPL_H

#include "os/linux/nft.h"

#define CHAIN_ROLES   "roles"
#define CHAIN_DROPPED "dropped"
#define MAP_NICS      "nics"
#define SET_DROPS     "drops"

/* Rules in CHAIN_ROLES itself: fewer, and somebody took some away. */
#define ROLES 5

#define OFF_ETHER_DADDR  0
#define OFF_ETHER_SADDR  6
#define OFF_ETHER_TYPE   12
#define OFF_VLAN_TCI     14
#define OFF_ARP_SHA      8
#define OFF_ARP_SPA      14
#define OFF_ARP_TPA      24
#define OFF_IP4_LEN      2
#define OFF_IP4_FRAG     6
#define OFF_IP4_SADDR    12
#define OFF_IP6_LEN_NEXT 4 /* payload length, and the next header */
#define OFF_IP6_NEXT     6
#define OFF_IP6_SADDR    8
#define OFF_SPORT        0
#define OFF_DPORT        2
#define OFF_ICMP_TYPE    0
#define OFF_ND_TARGET    8
#define OFF_RS_OPTION    8
#define OFF_ND_OPTION    24 /* of a neighbour solicitation or advertisement: its first option */
#define OFF_UDP_LEN      4
#define OFF_UDP_DATA     8

#define ND_OPT_NONCE 14 /* RFC 3971 */

/* Conditions of a rule. */
void match_protocol(struct nft *t, uint16_t ethertype);
void match_l4(struct nft *t, uint32_t cmp, uint8_t protocol);
void match_byte(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, uint8_t v);
void match_u16(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, uint16_t v);
void match_bytes(struct nft *t, uint32_t base, uint32_t off, uint32_t cmp, const void *v, size_t len);
void match_icmp6(struct nft *t, uint8_t type);
/* The end of a rule: the frame is dropped, and counted for its port. */
void rule_drop(struct nft *t, struct nft_rule r);
void rule_end_with(struct nft *t, struct nft_rule r, int verdict);

/* The table, with the chains that all ports share. */
void put_shared(struct nft *t);

#endif
