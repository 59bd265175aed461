/* lease_apply.c - a DHCP lease as address and default route of the network namespace this runs in. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "os/linux/lease.h"
#include "os/linux/links.h"

/* The router of a lease, as the configuration wants it. family 0: none. */
static struct ipaddr router_of(const struct lease *l, const struct lease_routing *r)
{
	const struct ipaddr none = { 0 };

	if (!r->router.family)
		return r->none ? none : l->router;
	/* of several NICs, that in whose network it is */
	return ipaddr_in_prefix(&r->router, &l->addr) || l->addr.prefix == 32 ? r->router : none;
}

static struct op address(const struct lease *l, enum op_kind kind)
{
	struct op op = { .kind = kind, .link = l->ifname, .addr = l->addr, .flags = OP_ADDR_LEASE, .opts = OP_AGAIN };

	/* the kernel ends it if nobody renews it */
	op.timeout = op.id = l->seconds;
	return op;
}

static struct op route(const struct lease *l, const struct lease_routing *r, enum op_kind kind)
{
	struct op op = { .kind = kind, .link = l->ifname, .metric = r->metric, .gw = router_of(l, r) };

	op.flags = RTPROT_DHCP | RT_SCOPE_UNIVERSE << 8;
	/* RFC 3442's cousins: a host address whose router is beside it */
	if (!ipaddr_in_prefix(&op.gw, &l->addr))
		op.flags |= OP_ROUTE_ONLINK;
	op.addr = l->addr;
	op.addr.has_prefix = false;
	return op;
}

static int put(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	char text[256] = "", what[256];
	unsigned failed;
	int r = links_put(n, q, op, -1, e);

	if (r < 0)
		return r;
	r = nl_flush(n, &failed, text, sizeof(text));
	op_describe(op, what, sizeof(what));
	return r < 0 ? err_set(e, -r, "%s: %s%s%s", what, strerror(-r), *text ? ": " : "", text) : 0;
}

static bool same_routing(const struct lease *a, const struct lease *b, const struct lease_routing *r)
{
	struct ipaddr x = router_of(a, r), y = router_of(b, r);

	return ipaddr_same_host(&a->addr, &b->addr) && a->addr.prefix == b->addr.prefix && ipaddr_same_host(&x, &y);
}

/* Its route goes first, which is nobody's when the address is gone. */
static int take_away(struct nl *n, const struct lease *was, const struct lease *is, const struct lease_routing *r,
                     struct err *e)
{
	struct op op = route(was, r, OP_ROUTE_UNSET);
	int k = op.gw.family && (!is || !same_routing(was, is, r)) ? links_del(n, &op, NULL, e) : 0;

	if (k < 0 || (is && ipaddr_same_host(&was->addr, &is->addr) && was->addr.prefix == is->addr.prefix))
		return k;
	op = address(was, OP_ADDR_DEL);
	return links_del(n, &op, NULL, e);
}

int lease_apply(const struct lease *was, const struct lease *is, const struct lease_routing *r, struct err *e)
{
	struct nl n = NL_INIT, q = NL_INIT;
	struct op op;
	int k = nl_open(&n, -1, e);

	if (k == 0)
		k = nl_open(&q, -1, e);
	if (k == 0 && was)
		k = take_away(&n, was, is, r, e);
	if (k == 0 && is) {
		op = address(is, OP_ADDR_ADD);
		k = put(&n, &q, &op, e);
	}
	if (k == 0 && is) {
		op = route(is, r, OP_ROUTE_SET);
		if (op.gw.family)
			k = put(&n, &q, &op, e);
	}
	nl_close(&n);
	nl_close(&q);
	return k;
}
