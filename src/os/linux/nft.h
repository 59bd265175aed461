/* nft.h - nf_tables over netlink: what a table is made of, in one transaction. nft(8) lists what comes of it. */
#ifndef IOCAGE_OS_LINUX_NFT_H
#define IOCAGE_OS_LINUX_NFT_H

#include <stdbool.h>
#include <stdint.h>

#include "os/linux/nl.h"

#define NFT_OUR_TABLE "iocage" /* the only table that is touched, one in a family */

/* Requests that wait to be sent as one transaction. Zeroed but for NFT_INIT is closed. */
struct nft {
	struct nl nl;
	uint8_t family; /* NFPROTO_* */
	bool removed; /* something, in any transaction of this socket */
	uint32_t constant; /* of nft_set_constant(), for the nft_lookup() that follows */
};

/* nft(8)'s numbers of types, for its listing */
#define NFT_TYPE_INTEGER 4
#define NFT_TYPE_IP4     7
#define NFT_TYPE_IP6     8
#define NFT_TYPE_ETHER   10 /* an EtherType */
#define NFT_TYPE_PROTO   12
#define NFT_TYPE_PORT    13
#define NFT_TYPE_ICMP6   29
#define NFT_TYPE_IFNAME  41

#define NFT_INIT        \
	{               \
		NL_INIT \
	}

/* A socket in the current namespace. */
must_check int nft_open(struct nft *t, uint8_t family, struct err *e);
void nft_close(struct nft *t);

/* Begin a transaction; nft_commit() does all of it, or nothing. -ENOENT, -EBUSY, ...; text as nl_flush(). */
void nft_begin(struct nft *t);
must_check int nft_commit(struct nft *t, char *text, size_t cap);

/* Rules and references that a chain of our table has. -ENOENT: there is no such chain. */
must_check int nft_chain_use(struct nft *t, const char *chain);

/* --- what a transaction does. Adding what is there already changes nothing. --- */
void nft_table(struct nft *t, const char *comment);
void nft_table_del(struct nft *t);
void nft_chain(struct nft *t, const char *chain);
void nft_base_chain(struct nft *t, const char *chain, const char *type, uint32_t hook, int32_t priority);
void nft_chain_flush(struct nft *t, const char *chain);
void nft_chain_del(struct nft *t, const char *chain);
/* type: NFT_TYPE_*, of the key; a set takes up to size elements, a map (verdicts) any number (0). */
void nft_set(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size, bool verdicts);
/* A set that nft_learn() adds to. */
void nft_set_learned(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size);
/* A set each of whose elements counts the packets it was found for. */
void nft_set_counted(struct nft *t, const char *set, uint32_t type, uint32_t len);
/*
 * A set that is made for the next nft_lookup() and goes with its rule. Before nft_rule(); set has a %d, for which the
 * kernel puts a number.
 */
void nft_set_constant(struct nft *t, const char *set, uint32_t type, uint32_t len, const void *keys, size_t n);
void nft_set_flush(struct nft *t, const char *set);
void nft_set_del(struct nft *t, const char *set);
/* Elements of one set: between nft_elems() and nft_elems_end(). chain: the verdict of a map's element, else NULL. */
struct nft_list {
	struct nlattr *nest;
};
struct nft_list nft_elems(struct nft *t, const char *set, bool del);
void nft_elem(struct nft *t, const void *key, uint32_t len, const char *chain, const char *comment);
void nft_elem_range(struct nft *t, const void *key, const void *key_end, uint32_t len);
void nft_elems_end(struct nft *t, struct nft_list l);

/* --- what there is --- */
/* An element of a map, for the time of the call. key_end: of an interval, else NULL. chain, comment: "" = none. */
struct nft_seen {
	const void *key, *key_end;
	uint32_t len;
	const char *chain, *comment;
	uint64_t packets; /* of a counted set */
};
typedef int (*nft_elem_cb)(const struct nft_seen *el, void *ctx);
/* -ENOENT: there is no such set. */
must_check int nft_each_elem(struct nft *t, const char *set, nft_elem_cb cb, void *ctx);
typedef int (*nft_chain_cb)(const char *chain, void *ctx);
must_check int nft_each_chain(struct nft *t, nft_chain_cb cb, void *ctx);

/* --- rules: expressions between nft_rule() and nft_rule_end(); each works on the one register there is --- */
struct nft_rule {
	struct nlattr *exprs;
};
struct nft_rule nft_rule(struct nft *t, const char *chain);
void nft_rule_end(struct nft *t, struct nft_rule r);
void nft_meta(struct nft *t, uint32_t key); /* NFT_META_* */
void nft_payload(struct nft *t, uint32_t base, uint32_t off, uint32_t len);
/* Of the first IPv6 extension header of that kind; a packet without one does not match. */
void nft_exthdr(struct nft *t, uint8_t header, uint32_t off, uint32_t len);
void nft_bits(struct nft *t, const void *mask, size_t len); /* of the register only those stay */
void nft_cmp(struct nft *t, uint32_t op, const void *data, size_t len); /* NFT_CMP_*, as numbers in network order */
void nft_lookup(struct nft *t, const char *set, bool not ); /* goes on when it is (not) in the set */
void nft_learn(struct nft *t, const char *set); /* what is in the register becomes an element */
void nft_vmap(struct nft *t, const char *map);
void nft_verdict(struct nft *t, int code, const char *chain); /* NF_DROP, NFT_JUMP, ...; chain or NULL */

#endif
