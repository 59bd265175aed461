/* nft.c - nf_tables messages (linux/netfilter/nf_tables.h), put together by hand: executing nft(8) costs a whole start. */
#include "os/linux/nft.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "os/linux/links.h"

#define COMMENT_MAX 120

int nft_open(struct nft *t, uint8_t family, struct err *e)
{
	int r = nl_open_family(&t->nl, NETLINK_NETFILTER, e);

	t->family = family;
	return r;
}

void nft_close(struct nft *t)
{
	/* the end of a socket waits until all processors have let go of what was removed: 10 ms and more */
	if (t->removed && t->nl.fd >= 0)
		close_behind(take_fd(&t->nl.fd));
	nl_close(&t->nl);
}

static void put(struct nft *t, unsigned msg, uint16_t flags)
{
	struct nfgenmsg *g = nl_put(&t->nl, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | msg), flags, sizeof(*g));

	if (g)
		g->nfgen_family = t->family;
	/* of a transaction failures are told anyhow */
	if (t->nl.cur)
		t->nl.cur->nlmsg_flags &= (uint16_t)~NLM_F_ACK;
}

static void put_edge(struct nft *t, uint16_t msg)
{
	struct nfgenmsg *g = nl_put(&t->nl, msg, 0, sizeof(*g));

	if (g) {
		t->nl.cur->nlmsg_flags = NLM_F_REQUEST;
		g->res_id = htons(NFNL_SUBSYS_NFTABLES);
	}
}

static void attr_be32(struct nft *t, uint16_t type, uint32_t v)
{
	nl_attr_u32(&t->nl, type, htonl(v));
}

static struct nlattr *nest(struct nft *t, uint16_t type)
{
	return nl_nest(&t->nl, NLA_F_NESTED | type);
}

static void nest_end(struct nft *t, struct nlattr *n)
{
	nl_nest_end(&t->nl, n);
}

/* --- transactions --- */

void nft_begin(struct nft *t)
{
	nl_reset(&t->nl);
	put_edge(t, NFNL_MSG_BATCH_BEGIN);
}

int nft_commit(struct nft *t, char *text, size_t cap)
{
	put_edge(t, NFNL_MSG_BATCH_END);
	return nl_transact(&t->nl, text, cap);
}

static int take_use(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == NFTA_CHAIN_USE) * (int *)ctx =
		(int)ntohl(mnl_attr_get_u32(a));
	return MNL_CB_OK;
}

int nft_chain_use(struct nft *t, const char *chain)
{
	int use = 0, r;

	nl_reset(&t->nl);
	put(t, NFT_MSG_GETCHAIN, 0);
	if (t->nl.cur)
		t->nl.cur->nlmsg_flags |= NLM_F_ACK;
	nl_attr_str(&t->nl, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_CHAIN_NAME, chain);
	r = nl_ask(&t->nl, take_use, &use);
	return r < 0 ? r : use;
}

/* --- tables, chains, sets --- */

/* A comment as nft(8) keeps it: type, length and text with its NUL. */
static void put_comment(struct nft *t, uint16_t attr, const char *text)
{
	struct {
		uint8_t type, len;
		char text[COMMENT_MAX];
	} u = { .type = 0 };

	u.len = (uint8_t)(snprintf(u.text, sizeof(u.text), "%.*s", COMMENT_MAX - 1, text) + 1);
	if (u.len > COMMENT_MAX)
		u.len = COMMENT_MAX;
	nl_attr(&t->nl, attr, &u, 2U + u.len);
}

void nft_table(struct nft *t, const char *comment)
{
	put(t, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	nl_attr_str(&t->nl, NFTA_TABLE_NAME, NFT_OUR_TABLE);
	put_comment(t, NFTA_TABLE_USERDATA, comment);
}

void nft_table_del(struct nft *t)
{
	t->removed = true;
	put(t, NFT_MSG_DELTABLE, 0);
	nl_attr_str(&t->nl, NFTA_TABLE_NAME, NFT_OUR_TABLE);
}

static void put_chain(struct nft *t, unsigned msg, uint16_t flags, const char *chain)
{
	put(t, msg, flags);
	nl_attr_str(&t->nl, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_CHAIN_NAME, chain);
}

void nft_chain(struct nft *t, const char *chain)
{
	put_chain(t, NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain);
}

void nft_base_chain(struct nft *t, const char *chain, const char *type, uint32_t hook, int32_t priority)
{
	struct nlattr *n;

	put_chain(t, NFT_MSG_NEWCHAIN, NLM_F_CREATE, chain);
	nl_attr_str(&t->nl, NFTA_CHAIN_TYPE, type);
	n = nest(t, NFTA_CHAIN_HOOK);
	attr_be32(t, NFTA_HOOK_HOOKNUM, hook);
	attr_be32(t, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nest_end(t, n);
	attr_be32(t, NFTA_CHAIN_POLICY, NF_ACCEPT);
}

void nft_chain_flush(struct nft *t, const char *chain)
{
	put(t, NFT_MSG_DELRULE, 0);
	nl_attr_str(&t->nl, NFTA_RULE_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_RULE_CHAIN, chain);
}

void nft_chain_del(struct nft *t, const char *chain)
{
	t->removed = true;
	put_chain(t, NFT_MSG_DELCHAIN, 0, chain);
}

static void put_set(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size, uint32_t flags)
{
	bool verdicts = flags & NFT_SET_MAP;
	struct nlattr *n;

	put(t, NFT_MSG_NEWSET, NLM_F_CREATE);
	nl_attr_str(&t->nl, NFTA_SET_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_NAME, set);
	attr_be32(t, NFTA_SET_FLAGS, flags);
	attr_be32(t, NFTA_SET_KEY_TYPE, type);
	attr_be32(t, NFTA_SET_KEY_LEN, len);
	if (verdicts)
		attr_be32(t, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	/* for nft(8)'s listing: names are not in network order */
	if (type == NFT_TYPE_IFNAME)
		nl_attr(&t->nl, NFTA_SET_USERDATA, (const uint8_t[]){ 0, 4, 1, 0, 0, 0 }, 6);
	attr_be32(t, NFTA_SET_ID, t->nl.seq);
	if (size) {
		n = nest(t, NFTA_SET_DESC);
		attr_be32(t, NFTA_SET_DESC_SIZE, size);
		nest_end(t, n);
	}
}

void nft_set(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size, bool verdicts)
{
	put_set(t, set, type, len, size, verdicts ? NFT_SET_MAP : 0);
}

void nft_set_learned(struct nft *t, const char *set, uint32_t type, uint32_t len, uint32_t size)
{
	put_set(t, set, type, len, size, NFT_SET_EVAL);
}

void nft_set_counted(struct nft *t, const char *set, uint32_t type, uint32_t len)
{
	struct nlattr *n;

	put_set(t, set, type, len, 0, 0);
	n = nest(t, NFTA_SET_EXPR);
	nl_attr_str(&t->nl, NFTA_EXPR_NAME, "counter");
	nest_end(t, n);
}

void nft_set_constant(struct nft *t, const char *set, uint32_t type, uint32_t len, const void *keys, size_t n)
{
	uint32_t id;
	struct nlattr *list;

	put_set(t, set, type, len, 0, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	id = t->nl.seq;
	put(t, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_SET, set);
	attr_be32(t, NFTA_SET_ELEM_LIST_SET_ID, id);
	list = nest(t, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < n; i++)
		nft_elem(t, (const uint8_t *)keys + i * len, len, NULL, NULL);
	nest_end(t, list);
	t->constant = id;
}

void nft_set_flush(struct nft *t, const char *set)
{
	put(t, NFT_MSG_DELSETELEM, 0);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_SET, set);
}

void nft_set_del(struct nft *t, const char *set)
{
	t->removed = true;
	put(t, NFT_MSG_DELSET, 0);
	nl_attr_str(&t->nl, NFTA_SET_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_NAME, set);
}

static void put_verdict(struct nft *t, uint16_t attr, int code, const char *chain)
{
	struct nlattr *d = nest(t, attr), *v = nest(t, NFTA_DATA_VERDICT);

	attr_be32(t, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		nl_attr_str(&t->nl, NFTA_VERDICT_CHAIN, chain);
	nest_end(t, v);
	nest_end(t, d);
}

static void put_value(struct nft *t, uint16_t attr, const void *data, size_t len)
{
	struct nlattr *d = nest(t, attr);

	nl_attr(&t->nl, NFTA_DATA_VALUE, data, len);
	nest_end(t, d);
}

struct nft_list nft_elems(struct nft *t, const char *set, bool del)
{
	t->removed = t->removed || del;
	put(t, del ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM, del ? 0 : NLM_F_CREATE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_SET, set);
	return (struct nft_list){ nest(t, NFTA_SET_ELEM_LIST_ELEMENTS) };
}

void nft_elem(struct nft *t, const void *key, uint32_t len, const char *chain, const char *comment)
{
	struct nlattr *el = nest(t, NFTA_LIST_ELEM);

	put_value(t, NFTA_SET_ELEM_KEY, key, len);
	if (chain)
		put_verdict(t, NFTA_SET_ELEM_DATA, NFT_GOTO, chain);
	if (comment)
		put_comment(t, NFTA_SET_ELEM_USERDATA, comment);
	nest_end(t, el);
}

void nft_elem_range(struct nft *t, const void *key, const void *key_end, uint32_t len)
{
	struct nlattr *el = nest(t, NFTA_LIST_ELEM);

	put_value(t, NFTA_SET_ELEM_KEY, key, len);
	if (key_end)
		put_value(t, NFTA_SET_ELEM_KEY_END, key_end, len);
	nest_end(t, el);
}

void nft_elems_end(struct nft *t, struct nft_list l)
{
	nest_end(t, l.nest);
}

/* --- questions --- */

/* The attribute of a type inside a nest; NULL: it has none. */
static const struct nlattr *inside(const struct nlattr *nest_attr, uint16_t type)
{
	const struct nlattr *a;

	if (!nest_attr)
		return NULL;
	mnl_attr_for_each_nested(a, nest_attr) if (mnl_attr_get_type(a) == type) return a;
	return NULL;
}

struct elems_seen {
	nft_elem_cb cb;
	void *ctx;
};

/* What a counter has seen; 0: there is none. */
static uint64_t get_packets(const struct nlattr *counter)
{
	const struct nlattr *n = inside(inside(counter, NFTA_EXPR_DATA), NFTA_COUNTER_PACKETS);

	return n && mnl_attr_get_payload_len(n) == sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(n)) : 0;
}

/* As put_comment() made it. */
static void get_comment(const struct nlattr *data, char out[static COMMENT_MAX])
{
	const uint8_t *p = data ? mnl_attr_get_payload(data) : NULL;
	size_t len = data ? mnl_attr_get_payload_len(data) : 0;

	out[0] = '\0';
	if (len > 2 && p[0] == 0 && p[1] <= len - 2 && p[1] < COMMENT_MAX)
		(void)snprintf(out, COMMENT_MAX, "%.*s", (int)p[1], (const char *)p + 2);
}

static int take_elem(const struct nlattr *el, const struct elems_seen *s)
{
	const struct nlattr *key = inside(inside(el, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	const struct nlattr *end = inside(inside(el, NFTA_SET_ELEM_KEY_END), NFTA_DATA_VALUE);
	const struct nlattr *verdict = inside(inside(el, NFTA_SET_ELEM_DATA), NFTA_DATA_VERDICT);
	const struct nlattr *chain = inside(verdict, NFTA_VERDICT_CHAIN);

	const struct nlattr *data = inside(el, NFTA_SET_ELEM_USERDATA);
	char comment[COMMENT_MAX];

	if (!key || (end && mnl_attr_get_payload_len(end) != mnl_attr_get_payload_len(key)))
		return 0;
	get_comment(data, comment);
	return s->cb(&(struct nft_seen){ .key = mnl_attr_get_payload(key),
	                                 .key_end = end ? mnl_attr_get_payload(end) : NULL,
	                                 .len = mnl_attr_get_payload_len(key),
	                                 .chain = chain ? mnl_attr_get_str(chain) : "",
	                                 .packets = get_packets(inside(el, NFTA_SET_ELEM_EXPR)),
	                                 .comment = comment },
	             s->ctx);
}

static int take_elems(const struct nlmsghdr *h, void *ctx)
{
	const struct nlattr *list, *el;

	mnl_attr_for_each(list, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested(el, list)
		{
			int r = take_elem(el, ctx);

			if (r < 0) {
				errno = -r;
				return MNL_CB_ERROR;
			}
		}
	}
	return MNL_CB_OK;
}

int nft_each_elem(struct nft *t, const char *set, nft_elem_cb cb, void *ctx)
{
	struct elems_seen s = { cb, ctx };

	nl_reset(&t->nl);
	put(t, NFT_MSG_GETSETELEM, NLM_F_DUMP);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_SET_ELEM_LIST_SET, set);
	return nl_ask(&t->nl, take_elems, &s);
}

struct chains_seen {
	nft_chain_cb cb;
	void *ctx;
};

static int take_chain(const struct nlmsghdr *h, void *ctx)
{
	const struct chains_seen *s = ctx;
	const char *table = "", *chain = "";
	const struct nlattr *a;
	int r;

	mnl_attr_for_each(a, h, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_CHAIN_TABLE)
			table = mnl_attr_get_str(a);
		else if (mnl_attr_get_type(a) == NFTA_CHAIN_NAME)
			chain = mnl_attr_get_str(a);
	}
	r = strcmp(table, NFT_OUR_TABLE) == 0 ? s->cb(chain, s->ctx) : 0;
	if (r < 0)
		errno = -r;
	return r < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int nft_each_chain(struct nft *t, nft_chain_cb cb, void *ctx)
{
	struct chains_seen s = { cb, ctx };

	nl_reset(&t->nl);
	put(t, NFT_MSG_GETCHAIN, NLM_F_DUMP);
	return nl_ask(&t->nl, take_chain, &s);
}

/* --- rules --- */

struct nft_rule nft_rule(struct nft *t, const char *chain)
{
	put(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_attr_str(&t->nl, NFTA_RULE_TABLE, NFT_OUR_TABLE);
	nl_attr_str(&t->nl, NFTA_RULE_CHAIN, chain);
	return (struct nft_rule){ nest(t, NFTA_RULE_EXPRESSIONS) };
}

void nft_rule_end(struct nft *t, struct nft_rule r)
{
	nest_end(t, r.exprs);
}

struct expr {
	struct nlattr *elem, *data;
};

static struct expr expr(struct nft *t, const char *name)
{
	struct expr x = { .elem = nest(t, NFTA_LIST_ELEM) };

	nl_attr_str(&t->nl, NFTA_EXPR_NAME, name);
	x.data = nest(t, NFTA_EXPR_DATA);
	return x;
}

static void expr_end(struct nft *t, struct expr x)
{
	nest_end(t, x.data);
	nest_end(t, x.elem);
}

void nft_meta(struct nft *t, uint32_t key)
{
	struct expr x = expr(t, "meta");

	attr_be32(t, NFTA_META_DREG, NFT_REG_1);
	attr_be32(t, NFTA_META_KEY, key);
	expr_end(t, x);
}

void nft_payload(struct nft *t, uint32_t base, uint32_t off, uint32_t len)
{
	struct expr x = expr(t, "payload");

	attr_be32(t, NFTA_PAYLOAD_DREG, NFT_REG_1);
	attr_be32(t, NFTA_PAYLOAD_BASE, base);
	attr_be32(t, NFTA_PAYLOAD_OFFSET, off);
	attr_be32(t, NFTA_PAYLOAD_LEN, len);
	expr_end(t, x);
}

void nft_cmp(struct nft *t, uint32_t op, const void *data, size_t len)
{
	struct expr x = expr(t, "cmp");

	attr_be32(t, NFTA_CMP_SREG, NFT_REG_1);
	attr_be32(t, NFTA_CMP_OP, op);
	put_value(t, NFTA_CMP_DATA, data, len);
	expr_end(t, x);
}

void nft_bits(struct nft *t, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct expr x = expr(t, "bitwise");

	attr_be32(t, NFTA_BITWISE_SREG, NFT_REG_1);
	attr_be32(t, NFTA_BITWISE_DREG, NFT_REG_1);
	attr_be32(t, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(t, NFTA_BITWISE_MASK, mask, len);
	put_value(t, NFTA_BITWISE_XOR, zero, len);
	expr_end(t, x);
}

void nft_exthdr(struct nft *t, uint8_t header, uint32_t off, uint32_t len)
{
	struct expr x = expr(t, "exthdr");

	attr_be32(t, NFTA_EXTHDR_DREG, NFT_REG_1);
	nl_attr(&t->nl, NFTA_EXTHDR_TYPE, &header, 1);
	attr_be32(t, NFTA_EXTHDR_OFFSET, off);
	attr_be32(t, NFTA_EXTHDR_LEN, len);
	expr_end(t, x);
}

void nft_lookup(struct nft *t, const char *set, bool not )
{
	struct expr x = expr(t, "lookup");

	nl_attr_str(&t->nl, NFTA_LOOKUP_SET, set);
	/* one without a name of its own is found by its number in the transaction */
	if (t->constant)
		attr_be32(t, NFTA_LOOKUP_SET_ID, t->constant);
	t->constant = 0;
	attr_be32(t, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (not )
		attr_be32(t, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_end(t, x);
}

void nft_learn(struct nft *t, const char *set)
{
	struct expr x = expr(t, "dynset");

	nl_attr_str(&t->nl, NFTA_DYNSET_SET_NAME, set);
	attr_be32(t, NFTA_DYNSET_OP, NFT_DYNSET_OP_ADD);
	attr_be32(t, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	expr_end(t, x);
}

void nft_vmap(struct nft *t, const char *map)
{
	struct expr x = expr(t, "lookup");

	nl_attr_str(&t->nl, NFTA_LOOKUP_SET, map);
	attr_be32(t, NFTA_LOOKUP_SREG, NFT_REG_1);
	attr_be32(t, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	expr_end(t, x);
}

void nft_verdict(struct nft *t, int code, const char *chain)
{
	struct expr x = expr(t, "immediate");

	attr_be32(t, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(t, NFTA_IMMEDIATE_DATA, code, chain);
	expr_end(t, x);
}
