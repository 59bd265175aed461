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
};

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
/* type: nft(8)'s number of the key's type; a set takes up to size elements, a map (verdicts) any number (0). */
void nft_set(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size, bool verdicts);
/* A set that nft_learn() adds to. */
void nft_set_learned(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size);
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
void nft_cmp(struct nft *t, uint32_t op, const void *data, size_t len); /* NFT_CMP_EQ, NFT_CMP_NEQ */
void nft_lookup(struct nft *t, const char *set, bool not ); /* goes on when it is (not) in the set */
void nft_learn(struct nft *t, const char *set); /* what is in the register becomes an element */
void nft_vmap(struct nft *t, const char *map);
void nft_verdict(struct nft *t, int code, const char *chain); /* NF_DROP, NFT_JUMP, ...; chain or NULL */

#endif
