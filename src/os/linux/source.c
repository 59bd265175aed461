/* source.c - tells the kernel side which address a jail with several sends from: by the host's interfaces and routes. */
#include "os/linux/source.h"

#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "core/source.h"
#include "os/linux/nl.h"
#include "os/linux/rtmsg.h"
#include "os/linux/shared.h"

#define LOOPBACK   1 /* its index, in each network namespace */
#define ROUTES_MAX 4096 /* of one family; what further ones say does not count */

/* Of one family. */
struct look {
	bool v4, oom;
	struct source_addr *addrs;
	size_t naddrs;
	struct source_route *routes;
	uint32_t *metric; /* of each route */
	size_t n;
};

struct sources {
	struct hold_maps maps;
	uint64_t jail;
	int events; /* -1: what changes is not heard of */
};

/* Is there anything to choose. */
static bool matters(const struct hold *h, bool v4)
{
	if (v4)
		return h->ip4 == IP_NEW && h->saddrsel4 && h->n4 > 1;
	return h->ip6 == IP_NEW && h->saddrsel6 && h->n6 > 1;
}

static void widen(const struct look *l, const void *a, uint8_t ret[16])
{
	if (l->v4)
		hold_mapped(a, ret);
	else
		memcpy(ret, a, 16);
}

/* One more, unless there is one of the same prefix that is used before it. */
static struct source_route *add(struct look *l, const struct source_route *x, uint32_t metric)
{
	size_t i;

	/* each kind of dump names a prefix once, but for metrics and tables: looked up only where there are few */
	for (i = 0; i < l->n; i++)
		if (l->routes[i].len == x->len && memcmp(l->routes[i].dst, x->dst, 16) == 0)
			break;
	if (i == ROUTES_MAX || (i < l->n && l->metric[i] <= metric))
		return NULL;
	if (i == l->n)
		l->n++;
	l->routes[i] = *x;
	l->metric[i] = metric;
	return &l->routes[i];
}

/* Of an IPv4 address on the loopback interface the whole network is the host's own: 127.0.0.2 is on it, too. */
static void take_loopback(struct look *l, const struct addr_msg *m)
{
	struct source_route net = { .len = (uint8_t)(96 + m->addr.prefix), .link = m->link };

	widen(l, m->addr.b, net.dst);
	bits_clear(net.dst, net.len, 128);
	(void)add(l, &net, 0);
	for (size_t i = 0; i < l->naddrs; i++) {
		struct ipaddr a = { .family = 4 };

		memcpy(a.b, l->addrs[i].a + 12, 4);
		if (!l->addrs[i].link && ipaddr_in_prefix(&a, &m->addr))
			l->addrs[i].link = m->link;
	}
}

/* The host's own addresses: the interface that carries it counts, though packets to it do not leave. */
static int take_addr(const struct nlmsghdr *h, void *ctx)
{
	struct look *l = ctx;
	struct source_route own = { .len = 128 };
	struct addr_msg m;

	addr_read(h, &m);
	if (m.addr.family != (l->v4 ? 4 : 6))
		return MNL_CB_OK;
	own.link = m.link;
	widen(l, m.addr.b, own.dst);
	(void)add(l, &own, 0);
	for (size_t i = 0; i < l->naddrs; i++)
		if (memcmp(l->addrs[i].a, own.dst, 16) == 0)
			l->addrs[i].link = m.link;
	if (l->v4 && m.link == LOOPBACK && m.addr.prefix < 32)
		take_loopback(l, &m);
	return MNL_CB_OK;
}

/* A route without a source of its own leaves with that of the network its gateway is in. */
static void lend_source(const struct look *l, const uint8_t gateway[16], struct source_route *to)
{
	for (size_t i = 0; i < l->n && !to->has_pref; i++) {
		const struct source_route *r = &l->routes[i];

		if (!r->has_pref || r->link != to->link || bits_common(r->dst, gateway, 128) < r->len)
			continue;
		memcpy(to->pref, r->pref, 16);
		to->has_pref = true;
	}
}

static int take_route(const struct nlmsghdr *h, void *ctx)
{
	struct look *l = ctx;
	struct source_route r = { 0 };
	struct route_msg m;
	uint8_t gateway[16];

	route_read(h, &m);
	if (m.dst.family != (l->v4 ? 4 : 6) || m.type != RTN_UNICAST || (m.flags & RTM_F_CLONED) ||
	    m.table != RT_TABLE_MAIN)
		return MNL_CB_OK;
	r.link = m.link;
	r.len = (uint8_t)(m.dst.prefix + (l->v4 ? 96U : 0U));
	widen(l, m.dst.b, r.dst);
	r.has_pref = m.src.family;
	if (r.has_pref)
		widen(l, m.src.b, r.pref);
	if (l->v4 && m.gw.family) {
		widen(l, m.gw.b, gateway);
		lend_source(l, gateway, &r);
	}
	(void)add(l, &r, m.metric);
	return MNL_CB_OK;
}

static bool on_one_link(const struct look *l)
{
	for (size_t i = 1; i < l->naddrs; i++)
		if (l->addrs[i].link != l->addrs[0].link)
			return false;
	return true;
}

/* Addresses and routes of the family of l. */
static int see(struct nl *n, struct look *l)
{
	struct ifaddrmsg *ifa = nl_put(n, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	struct rtmsg *rt;
	int r;

	if (ifa)
		ifa->ifa_family = l->v4 ? AF_INET : AF_INET6;
	r = nl_ask(n, take_addr, l);
	if (r < 0)
		return r;
	if (!l->v4 && on_one_link(l)) { /* then only prefixes count */
		l->n = 0;
		return 0;
	}
	/* twice: those with a gateway are looked at again when all networks are known */
	for (int i = 0; r == 0 && i < (l->v4 ? 2 : 1); i++) {
		rt = nl_put(n, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt));
		if (rt)
			rt->rtm_family = l->v4 ? AF_INET : AF_INET6;
		r = nl_ask(n, take_route, l);
	}
	return r;
}

static int choose(struct nl *n, bool v4, const struct hold *h, struct source_entry **ret, size_t *ret_n, struct err *e)
{
	_cleanup_free_ struct source_addr *addrs = calloc(HOLD_ADDRS_MAX, sizeof(*addrs));
	_cleanup_free_ struct source_route *routes = calloc(ROUTES_MAX, sizeof(*routes));
	_cleanup_free_ uint32_t *metric = calloc(ROUTES_MAX, sizeof(*metric));
	struct look l = { .v4 = v4, .addrs = addrs, .naddrs = v4 ? h->n4 : h->n6, .routes = routes, .metric = metric };
	int r;

	if (!addrs || !routes || !metric)
		return err_oom(e);
	for (size_t i = 0; i < l.naddrs; i++)
		widen(&l, v4 ? h->a4[i] : h->a6[i], addrs[i].a);
	r = see(n, &l);
	if (r < 0)
		return err_set(e, -r, "ask for the host's addresses and routes: %s", strerror(-r));
	return source_select(v4, addrs, l.naddrs, routes, l.n, ret, ret_n, e);
}

static void key_of(uint64_t jail, const struct source_entry *x, struct hold_source_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->bits = (uint32_t)(8 * sizeof(ret->jail)) + x->len;
	memcpy(ret->jail, &jail, sizeof(ret->jail));
	memcpy(ret->addr, x->dst, sizeof(ret->addr));
}

static bool is_listed(const struct source_entry *list, size_t n, uint64_t jail, const struct hold_source_key *key)
{
	struct hold_source_key k;

	for (size_t i = 0; i < n; i++) {
		key_of(jail, &list[i], &k);
		if (memcmp(&k, key, sizeof(k)) == 0)
			return true;
	}
	return false;
}

/* Strike out of the jail's all that is in neither list. The first failure, when all was tried. */
static int forget_others(const struct hold_maps *m, uint64_t jail, struct source_entry *const list[2],
                         const size_t n[2])
{
	struct hold_source_key key, next;
	bool have = hold_map_next(m->hold_sources, NULL, &key) == 0;
	int result = 0;

	while (have) {
		have = hold_map_next(m->hold_sources, &key, &next) == 0;
		if (memcmp(key.jail, &jail, sizeof(jail)) == 0 && !is_listed(list[0], n[0], jail, &key) &&
		    !is_listed(list[1], n[1], jail, &key)) {
			int r = hold_map_del(m->hold_sources, &key);

			result = result < 0 || r == -ENOENT ? result : r;
		}
		key = next;
	}
	return result;
}

static int write_all(const struct hold_maps *m, uint64_t jail, const struct source_entry *list, size_t n, struct err *e)
{
	struct hold_source_key key;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		key_of(jail, &list[i], &key);
		r = hold_map_put(m->hold_sources, &key, list[i].src, BPF_ANY);
	}
	return r < 0 ? err_set(e, -r, "tell the kernel which addresses to send from: %s", strerror(-r)) : 0;
}

static int refresh(const struct hold_maps *m, uint64_t jail, const struct hold *h, struct err *e)
{
	struct source_entry *list[2] = { NULL, NULL };
	size_t n[2] = { 0, 0 };
	struct nl q = NL_INIT;
	int r = nl_open(&q, -1, e);

	if (r == 0 && matters(h, true))
		r = choose(&q, true, h, &list[0], &n[0], e);
	if (r == 0 && matters(h, false))
		r = choose(&q, false, h, &list[1], &n[1], e);
	for (int i = 0; i < 2 && r == 0; i++)
		r = write_all(m, jail, list[i], n[i], e);
	/* what is left over is never looked up, and goes with the jail */
	if (r == 0)
		(void)forget_others(m, jail, list, n);
	nl_close(&q);
	free(list[0]);
	free(list[1]);
	return r;
}

int source_forget(const struct hold_maps *m, uint64_t jail)
{
	struct source_entry *const none[2] = { NULL, NULL };

	return forget_others(m, jail, none, (const size_t[2]){ 0, 0 });
}

static struct sources *sources_open(struct err *e)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)err_oom(e);
		return NULL;
	}
	if (hold_maps_open(&s->maps, e) < 0 || broker_own_group(&s->jail, e) < 0) {
		hold_maps_close(&s->maps);
		free(s);
		return NULL;
	}
	s->events = nl_socket(0);
	return s;
}

/* Hear of the families in which there is something to choose; of others nobody wakes us. */
static void hear_of(const struct sources *s, const struct hold *h)
{
	static const int groups[2][2] = { { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE },
		                          { RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE } };

	for (int f = 0; f < 2; f++)
		for (int i = 0; i < 2; i++)
			if (setsockopt(s->events, SOL_NETLINK,
			               matters(h, f == 0) ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP,
			               &groups[f][i], sizeof(int)) < 0)
				return; /* it stays as it is now */
}

int source_set(struct sources **s, const struct hold *h, struct err *e)
{
	if (!*s && !matters(h, true) && !matters(h, false))
		return 0;
	if (!*s)
		*s = sources_open(e);
	if (*s)
		hear_of(*s, h);
	return *s ? refresh(&(*s)->maps, (*s)->jail, h, e) : -e->code;
}

int source_fd(const struct sources *s)
{
	return s ? s->events : -1;
}

void source_heard(const struct sources *s)
{
	char buf[8192];

	/* that some of it was lost does not matter */
	while (recv(s->events, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
