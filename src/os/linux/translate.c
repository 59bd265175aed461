/* translate.c - rewrites the ports of a jail's UDP packets in nf_tables: no connection tracking, nothing kept per flow. */
#include "os/linux/translate.h"

#include <netinet/in.h> /* first: the kernel's headers make room for it */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The table has two chains and, per family, two maps: `out` from address and real port to the shown one, `in` from address
 * and shown port to the real one. `output` is rewritten before anything else sees the packet and `input` after all
 * others have, so that firewall rules and connection tracking know only the shown port.
 */
#define BATCH_MAX    (256 * 1024)
#define ELEMS_MAX    500 /* of one message: its list has a 16-bit length */
#define TYPE_ADDR4   7 /* nft(8)'s numbers of data types, for whoever lists the table */
#define TYPE_ADDR6   8
#define TYPE_PORT    13
#define TYPE_JOIN    6 /* bits per type in a concatenation */
#define REG_KEY      NFT_REG32_00
#define REG_PORT     NFT_REG32_08
#define UDP_CSUM_AT  6
#define GROUPS       "groups" /* a set */
#define GROUPS_ID    99
#define ICMP_CSUM_AT 2
#define ICMP_HEADER  8 /* then the header of the packet that the error is about */

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2 /* Linux 5.12 */
#endif

static const struct family {
	const char *out, *in;
	uint8_t nfproto, size, src_at, dst_at; /* of the address: length, offsets in the network header */
	uint32_t type;
	uint8_t icmp, header, proto_at,
		first; /* its ICMP; of its header: length, where the protocol is, usual first byte */
} families[] = {
	{ "out4", "in4", NFPROTO_IPV4, 4, 12, 16, TYPE_ADDR4, IPPROTO_ICMP, 20, 9, 0x45 },
	{ "out6", "in6", NFPROTO_IPV6, 16, 8, 24, TYPE_ADDR6, IPPROTO_ICMPV6, 40, 6, 0x60 },
};

#define NFAMILIES (sizeof(families) / sizeof(families[0]))

struct translate {
	struct mnl_socket *nl;
	uint32_t seq;
	struct nlmsghdr *last; /* whose answer is awaited */
	char table[40];
	size_t used;
	bool full;
	_Alignas(8) char buf[BATCH_MAX];
};

/* --- a transaction --- */

static struct nlmsghdr *put(struct translate *t, uint16_t type, uint16_t flags, uint8_t family, uint16_t res)
{
	struct nfgenmsg *g;
	struct nlmsghdr *h;

	if (t->full || t->used + 4096 > sizeof(t->buf)) {
		t->full = true;
		t->used = 0; /* what is written now is never sent */
	}
	h = mnl_nlmsg_put_header(t->buf + t->used);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	h->nlmsg_seq = ++t->seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htons(res);
	return h;
}

static struct nlmsghdr *put_nft(struct translate *t, uint16_t type, uint16_t flags)
{
	return put(t, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

static void done(struct translate *t, struct nlmsghdr *h)
{
	t->used += MNL_ALIGN(h->nlmsg_len);
	t->last = h;
}

static void begin(struct translate *t)
{
	t->used = 0;
	t->full = false;
	done(t, put(t, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
}

/* Send it; the first refusal is the answer to all of it. */
static int commit(struct translate *t)
{
	char in[8192];
	int first = 0;
	uint32_t last = t->last->nlmsg_seq;

	/* the answer to the last request comes last */
	t->last->nlmsg_flags |= NLM_F_ACK;
	done(t, put(t, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	if (t->full)
		return -ENOSPC;
	if (mnl_socket_sendto(t->nl, t->buf, t->used) < 0)
		return -errno;
	for (;;) {
		ssize_t got = mnl_socket_recvfrom(t->nl, in, sizeof(in));
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (struct nlmsghdr *h = (struct nlmsghdr *)in; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error && !first)
				first = e->error;
			if (h->nlmsg_seq == last)
				return first;
		}
	}
}

/* --- table, maps, chains, rules --- */

static void put_map(struct translate *t, const struct family *f, const char *name, uint32_t id)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_NEWSET, NLM_F_CREATE);

	mnl_attr_put_strz(h, NFTA_SET_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_SET_NAME, name);
	mnl_attr_put_u32(h, NFTA_SET_ID, htonl(id));
	mnl_attr_put_u32(h, NFTA_SET_FLAGS, htonl(NFT_SET_MAP));
	mnl_attr_put_u32(h, NFTA_SET_KEY_TYPE, htonl(f->type << TYPE_JOIN | TYPE_PORT));
	mnl_attr_put_u32(h, NFTA_SET_KEY_LEN, htonl(f->size + 4U));
	mnl_attr_put_u32(h, NFTA_SET_DATA_TYPE, htonl(TYPE_PORT));
	mnl_attr_put_u32(h, NFTA_SET_DATA_LEN, htonl(sizeof(uint16_t)));
	done(t, h);
}

static void put_chain(struct translate *t, const char *name, uint32_t hook, int32_t priority)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, name);
	nest = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, htonl((uint32_t)priority));
	mnl_attr_nest_end(h, nest);
	mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
	done(t, h);
}

struct expr {
	struct nlattr *elem, *data;
};

static struct expr expr_start(struct nlmsghdr *h, const char *name)
{
	struct expr x;

	x.elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	mnl_attr_put_strz(h, NFTA_EXPR_NAME, name);
	x.data = mnl_attr_nest_start(h, NFTA_EXPR_DATA);
	return x;
}

static void expr_end(struct nlmsghdr *h, struct expr x)
{
	mnl_attr_nest_end(h, x.data);
	mnl_attr_nest_end(h, x.elem);
}

/* The rule goes on if what was loaded last compares so. */
static void put_cmp(struct nlmsghdr *h, uint32_t how, const void *value, size_t len)
{
	struct expr x = expr_start(h, "cmp");
	struct nlattr *data;

	mnl_attr_put_u32(h, NFTA_CMP_SREG, htonl(REG_KEY));
	mnl_attr_put_u32(h, NFTA_CMP_OP, htonl(how));
	data = mnl_attr_nest_start(h, NFTA_CMP_DATA);
	mnl_attr_put(h, NFTA_DATA_VALUE, len, value);
	mnl_attr_nest_end(h, data);
	expr_end(h, x);
}

static void put_is(struct nlmsghdr *h, const void *value, size_t len)
{
	put_cmp(h, NFT_CMP_EQ, value, len);
}

static void put_meta(struct nlmsghdr *h, uint32_t key, uint32_t how, uint8_t value)
{
	struct expr x = expr_start(h, "meta");

	mnl_attr_put_u32(h, NFTA_META_KEY, htonl(key));
	mnl_attr_put_u32(h, NFTA_META_DREG, htonl(REG_KEY));
	expr_end(h, x);
	put_cmp(h, how, &value, sizeof(value));
}

static void put_meta_is(struct nlmsghdr *h, uint32_t key, uint8_t value)
{
	put_meta(h, key, NFT_CMP_EQ, value);
}

static void put_load(struct nlmsghdr *h, uint32_t base, uint32_t at, uint32_t len, uint32_t reg)
{
	struct expr x = expr_start(h, "payload");

	mnl_attr_put_u32(h, NFTA_PAYLOAD_DREG, htonl(reg));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_BASE, htonl(base));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_OFFSET, htonl(at));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_LEN, htonl(len));
	expr_end(h, x);
}

/* A sender may leave the checksum out over IPv4; then it stays out. how: equal, it has; not equal, it has not. */
static void put_no_checksum(struct nlmsghdr *h, uint32_t how)
{
	const uint16_t zero = 0;

	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, UDP_CSUM_AT, sizeof(zero), REG_KEY);
	put_cmp(h, how, &zero, sizeof(zero));
}

/* NF_DROP, or NF_ACCEPT: no more rules of this chain. */
static void put_verdict(struct nlmsghdr *h, uint32_t code)
{
	struct expr x = expr_start(h, "immediate");
	struct nlattr *data, *verdict;

	mnl_attr_put_u32(h, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
	data = mnl_attr_nest_start(h, NFTA_IMMEDIATE_DATA);
	verdict = mnl_attr_nest_start(h, NFTA_DATA_VERDICT);
	mnl_attr_put_u32(h, NFTA_VERDICT_CODE, htonl(code));
	mnl_attr_nest_end(h, verdict);
	mnl_attr_nest_end(h, data);
	expr_end(h, x);
}

/* checksum_at: 0 for none */
static void put_store(struct nlmsghdr *h, uint32_t at, uint32_t checksum_at)
{
	struct expr x = expr_start(h, "payload");

	mnl_attr_put_u32(h, NFTA_PAYLOAD_SREG, htonl(REG_PORT));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_BASE, htonl(NFT_PAYLOAD_TRANSPORT_HEADER));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_OFFSET, htonl(at));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_LEN, htonl(sizeof(uint16_t)));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_CSUM_TYPE, htonl(checksum_at ? NFT_PAYLOAD_CSUM_INET : NFT_PAYLOAD_CSUM_NONE));
	mnl_attr_put_u32(h, NFTA_PAYLOAD_CSUM_OFFSET, htonl(checksum_at));
	expr_end(h, x);
}

static void put_lookup(struct nlmsghdr *h, const char *map, uint32_t id)
{
	struct expr x = expr_start(h, "lookup");

	mnl_attr_put_strz(h, NFTA_LOOKUP_SET, map);
	mnl_attr_put_u32(h, NFTA_LOOKUP_SET_ID, htonl(id));
	mnl_attr_put_u32(h, NFTA_LOOKUP_SREG, htonl(REG_KEY));
	mnl_attr_put_u32(h, NFTA_LOOKUP_DREG, htonl(REG_PORT));
	expr_end(h, x);
}

static void put_member(struct nlmsghdr *h, const char *set, uint32_t id)
{
	struct expr x = expr_start(h, "lookup");

	mnl_attr_put_strz(h, NFTA_LOOKUP_SET, set);
	mnl_attr_put_u32(h, NFTA_LOOKUP_SET_ID, htonl(id));
	mnl_attr_put_u32(h, NFTA_LOOKUP_SREG, htonl(REG_KEY));
	expr_end(h, x);
}

enum what { DROP, STORE_PLAIN, STORE_SUMMED };

/* One rule: a UDP packet whose address and port are found in the map. source: its own, else where it goes. */
static void put_rule(struct translate *t, const struct family *f, const char *chain, const char *map, uint32_t id,
                     bool source, enum what what)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	uint32_t port_at = source ? 0 : sizeof(uint16_t);
	struct nlattr *list;

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
	list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	put_meta_is(h, NFT_META_NFPROTO, f->nfproto);
	put_meta_is(h, NFT_META_L4PROTO, IPPROTO_UDP);
	if (what != DROP && f->nfproto == NFPROTO_IPV4)
		put_no_checksum(h, what == STORE_PLAIN ? NFT_CMP_EQ : NFT_CMP_NEQ);
	put_load(h, NFT_PAYLOAD_NETWORK_HEADER, source ? f->src_at : f->dst_at, f->size, REG_KEY);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, port_at, sizeof(uint16_t), REG_KEY + f->size / 4U);
	put_lookup(h, map, id);
	if (what != DROP)
		put_store(h, port_at, what == STORE_SUMMED ? UDP_CSUM_AT : 0);
	put_verdict(h, what == DROP ? NF_DROP : NF_ACCEPT);
	mnl_attr_nest_end(h, list);
	done(t, h);
}

/* An ICMP error about a packet of ours tells its socket only if it names the real port. */
static void put_error_rule(struct translate *t, const struct family *f, uint32_t id)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	const uint8_t udp = IPPROTO_UDP;
	uint32_t port_at = ICMP_HEADER + f->header;
	struct nlattr *list;

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, "input");
	list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	put_meta_is(h, NFT_META_NFPROTO, f->nfproto);
	put_meta_is(h, NFT_META_L4PROTO, f->icmp);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_HEADER, 1, REG_KEY);
	put_is(h, &f->first, 1);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_HEADER + f->proto_at, 1, REG_KEY);
	put_is(h, &udp, 1);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_HEADER + f->src_at, f->size, REG_KEY);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, port_at, sizeof(uint16_t), REG_KEY + f->size / 4U);
	put_lookup(h, f->in, id);
	put_store(h, port_at, ICMP_CSUM_AT);
	mnl_attr_nest_end(h, list);
	done(t, h);
}

static void put_log(struct nlmsghdr *h, uint16_t group)
{
	struct expr x = expr_start(h, "log");

	mnl_attr_put_u16(h, NFTA_LOG_GROUP, htons(group));
	mnl_attr_put_u32(h, NFTA_LOG_SNAPLEN, htonl(UINT16_MAX));
	mnl_attr_put_u16(h, NFTA_LOG_QTHRESHOLD, htons(1));
	expr_end(h, x);
}

/* The ports of sockets that hear groups, and the rule that tells of packets that are not for this host alone. */
static void put_groups(struct translate *t, uint16_t group)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_NEWSET, NLM_F_CREATE);
	const uint8_t host = 0; /* PACKET_HOST */
	struct nlattr *list;

	mnl_attr_put_strz(h, NFTA_SET_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_SET_NAME, GROUPS);
	mnl_attr_put_u32(h, NFTA_SET_ID, htonl(GROUPS_ID));
	mnl_attr_put_u32(h, NFTA_SET_KEY_TYPE, htonl(TYPE_PORT));
	mnl_attr_put_u32(h, NFTA_SET_KEY_LEN, htonl(sizeof(uint16_t)));
	done(t, h);
	h = put_nft(t, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(h, NFTA_RULE_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, "input");
	list = mnl_attr_nest_start(h, NFTA_RULE_EXPRESSIONS);
	put_meta(h, NFT_META_PKTTYPE, NFT_CMP_NEQ, host);
	put_meta_is(h, NFT_META_L4PROTO, IPPROTO_UDP);
	put_load(h, NFT_PAYLOAD_TRANSPORT_HEADER, sizeof(uint16_t), sizeof(uint16_t), REG_KEY);
	put_member(h, GROUPS, GROUPS_ID);
	put_log(h, group);
	mnl_attr_nest_end(h, list);
	done(t, h);
}

static int make_table(struct translate *t, uint16_t log)
{
	struct nlmsghdr *h;

	begin(t);
	h = put_nft(t, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	mnl_attr_put_strz(h, NFTA_TABLE_NAME, t->table);
	mnl_attr_put_u32(h, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER));
	done(t, h);
	for (uint32_t i = 0; i < NFAMILIES; i++) {
		put_map(t, &families[i], families[i].out, 2 * i + 1);
		put_map(t, &families[i], families[i].in, 2 * i + 2);
	}
	/* of all others, the first and the last but the confirmation of tracked connections */
	put_chain(t, "output", NF_INET_LOCAL_OUT, -500);
	put_chain(t, "input", NF_INET_LOCAL_IN, INT32_MAX - 16);
	if (log)
		put_groups(t, log);
	/* the usual packet first: it meets no rule but its own */
	for (uint32_t i = 0; i < NFAMILIES; i++) {
		const struct family *f = &families[i];

		put_rule(t, f, "output", f->out, 2 * i + 1, true, STORE_SUMMED);
		put_rule(t, f, "input", f->in, 2 * i + 2, false, STORE_SUMMED);
		if (f->nfproto == NFPROTO_IPV4) {
			put_rule(t, f, "input", f->in, 2 * i + 2, false, STORE_PLAIN);
			put_rule(t, f, "output", f->out, 2 * i + 1, true, STORE_PLAIN);
		}
	}
	for (uint32_t i = 0; i < NFAMILIES; i++) {
		/* the port that is only the kernel's is nobody's to reach */
		put_rule(t, &families[i], "input", families[i].out, 2 * i + 1, false, DROP);
		put_error_rule(t, &families[i], 2 * i + 2);
	}
	return commit(t);
}

/* --- elements --- */

static bool is_v4(const uint8_t addr[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)addr);
}

static void put_elem(struct nlmsghdr *h, const struct family *f, const uint8_t addr[16], uint16_t from, uint16_t to)
{
	struct nlattr *elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM), *nest;
	uint16_t from_be = htons(from), to_be = htons(to);
	uint8_t key[20] = { 0 };

	memcpy(key, addr + 16 - f->size, f->size);
	memcpy(key + f->size, &from_be, sizeof(from_be));
	nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
	mnl_attr_put(h, NFTA_DATA_VALUE, f->size + 4U, key);
	mnl_attr_nest_end(h, nest);
	nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_DATA);
	mnl_attr_put(h, NFTA_DATA_VALUE, sizeof(to_be), &to_be);
	mnl_attr_nest_end(h, nest);
	mnl_attr_nest_end(h, elem);
}

static void put_port(struct nlmsghdr *h, uint16_t port)
{
	struct nlattr *elem = mnl_attr_nest_start(h, NFTA_LIST_ELEM), *nest;
	uint16_t be = htons(port);

	nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
	mnl_attr_put(h, NFTA_DATA_VALUE, sizeof(be), &be);
	mnl_attr_nest_end(h, nest);
	mnl_attr_nest_end(h, elem);
}

/* Is there one before `i` that says the same of the same key. */
static bool is_repeated(const struct translation *list, size_t i, bool in)
{
	for (size_t k = 0; k < i; k++)
		if (memcmp(list[k].addr, list[i].addr, 16) == 0 &&
		    (in ? list[k].shown == list[i].shown : list[k].real == list[i].real))
			return true;
	return false;
}

static void fill(struct translate *t, const struct family *f, const char *map, bool in, const struct translation *list,
                 size_t n)
{
	struct nlmsghdr *h = put_nft(t, NFT_MSG_DELSETELEM, 0); /* all */
	size_t i = 0;

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, map);
	done(t, h);
	while (i < n && !t->full) {
		struct nlattr *nest;
		unsigned put_now = 0;

		if (t->used + ELEMS_MAX * 64 + 4096 > sizeof(t->buf)) {
			t->full = true;
			return;
		}
		h = put_nft(t, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, t->table);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, map);
		nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (; i < n && put_now < ELEMS_MAX; i++) {
			const struct translation *x = &list[i];

			if (is_v4(x->addr) != (f->nfproto == NFPROTO_IPV4) || is_repeated(list, i, in))
				continue;
			put_elem(h, f, x->addr, in ? x->shown : x->real, in ? x->real : x->shown);
			put_now++;
		}
		mnl_attr_nest_end(h, nest);
		if (put_now) /* else it is not sent, and written over */
			done(t, h);
	}
}

int translate_set(struct translate *t, const struct translation *list, size_t n, struct err *e)
{
	int r;

	begin(t);
	for (size_t i = 0; i < NFAMILIES; i++) {
		fill(t, &families[i], families[i].out, false, list, n);
		fill(t, &families[i], families[i].in, true, list, n);
	}
	r = commit(t);
	return r < 0 ? err_set(e, -r, "translate UDP ports: %s", strerror(-r)) : 0;
}

int translate_open(uint64_t jail, uint16_t log, struct translate **ret, struct err *e)
{
	struct translate *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_oom(e);
	(void)snprintf(t->table, sizeof(t->table), "iocage-%llx", (unsigned long long)jail);
	t->seq = (uint32_t)time(NULL);
	t->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	r = !t->nl || mnl_socket_bind(t->nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : make_table(t, log);
	if (r < 0) {
		translate_close(t);
		return err_set(e, -r, "make a packet filter table: %s", strerror(-r));
	}
	*ret = t;
	return 0;
}

int translate_groups(struct translate *t, const uint16_t *ports, size_t n, struct err *e)
{
	struct nlmsghdr *h;
	int r;

	begin(t);
	h = put_nft(t, NFT_MSG_DELSETELEM, 0); /* all */
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, t->table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, GROUPS);
	done(t, h);
	if (n) {
		struct nlattr *nest;

		h = put_nft(t, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, t->table);
		mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, GROUPS);
		nest = mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (size_t i = 0; i < n; i++)
			put_port(h, ports[i]);
		mnl_attr_nest_end(h, nest);
		done(t, h);
	}
	r = commit(t);
	return r < 0 ? err_set(e, -r, "hear of packets to groups: %s", strerror(-r)) : 0;
}

void translate_close(struct translate *t)
{
	if (!t)
		return;
	if (t->nl)
		(void)mnl_socket_close(t->nl);
	free(t);
}
