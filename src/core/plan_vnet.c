/* plan_vnet.c - the part of `start` that wires up a VNET jail: bridges, epairs, addresses, default routes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/plan_impl.h"

static bool bridge_seen(const struct jail *j, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(j->nics[k].bridge, j->nics[i].bridge))
			return true;
	return false;
}

int plan_vnet_bridges(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	for (size_t i = 0; i < j->nnics; i++) {
		const char *bridge = j->nics[i].bridge;
		const struct link_fact *link = facts_link(f, bridge);
		struct op redo = { .kind = OP_BRIDGE_ADD }, undo = { .kind = OP_BRIDGE_DEL };

		if (!bridge[0] || bridge_seen(j, i) || (link && link->is_bridge && !link->ours))
			continue;
		if (link && link->is_bridge)
			redo.kind = OP_NONE; /* another jail's start made it: whoever stops last removes it */
		else if (link)
			return err_set(e, EEXIST,
			               "interfaces: %s exists but is not a bridge; name a bridge for %s, or none",
			               bridge, j->nics[i].name);
		redo.link = undo.link = plan_str(p, bridge);
		plan_add(p, PH_START, &redo, &undo);
	}
	return 0;
}

unsigned plan_vnet_mtu(const struct jail *j, const struct jnic *nic, const struct facts *f)
{
	const struct link_fact *bridge = nic->bridge[0] ? facts_link(f, nic->bridge) : NULL;

	if (nic->mtu)
		return nic->mtu;
	return bridge && bridge->first_member_mtu ? bridge->first_member_mtu : j->default_mtu;
}

static int add_pair(struct plan *p, const struct jail *j, const struct jnic *nic, const struct facts *f, struct err *e)
{
	char outside[IFNAME_CAP], inside[IFNAME_CAP];
	struct op redo = { .kind = OP_VETH_ADD }, undo = { .kind = OP_LINK_DEL };

	if (jnic_outside_name(nic->name, f->jid, outside) < 0 || jnic_inside_name(nic->name, inside) < 0)
		return err_set(e, ENAMETOOLONG,
		               "interfaces: %s.%u is longer than an interface's name can be (%d characters)", nic->name,
		               f->jid, IFNAME_CAP - 1);
	if (nic->mac_host.set && nic->mac_jail.set) {
		redo.mac = nic->mac_host;
		redo.mac2 = nic->mac_jail;
	} else {
		mac_derive(f->host_id, j->name, nic->name, j->mac_prefix[0] ? j->mac_prefix : NULL, &redo.mac,
		           &redo.mac2);
	}
	redo.link = undo.link = plan_str(p, outside);
	redo.peer = plan_str(p, inside);
	redo.bridge = nic->bridge[0] ? plan_str(p, nic->bridge) : NULL;
	redo.mtu = plan_vnet_mtu(j, nic, f);
	redo.alias = undo.alias = plan_strf(p, OP_MARK_LINK "%s as nic: %s", j->name, inside);
	plan_add(p, PH_VNET, &redo, &undo);
	return 0;
}

/* The NIC an address names: none means vnet0; its name inside will do too. NULL: not one of the jail's. */
static const struct jnic *find_nic(const struct jail *j, const char *name)
{
	char inside[IFNAME_CAP];

	if (!name[0])
		name = "vnet0";
	for (size_t i = 0; i < j->nnics; i++)
		if (streq(j->nics[i].name, name) ||
		    (jnic_inside_name(j->nics[i].name, inside) == 0 && streq(inside, name)))
			return &j->nics[i];
	return NULL;
}

static bool is_lo(const char *name)
{
	return streq(name, "lo0") || streq(name, "lo");
}

static int no_such_nic(const struct jail *j, const char *prop, const char *name, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf have = { 0 };

	for (size_t i = 0; i < j->nnics; i++)
		sbuf_addf(&have, "%s%s", i ? ", " : "", j->nics[i].name);
	return err_set(e, EINVAL, "%s names %s, but the jail's interfaces are %s; lo0 would be its loopback", prop,
	               name[0] ? name : "vnet0 (an address without an interface)", have.len ? have.p : "none");
}

int plan_vnet_addr(struct plan *p, const struct jail *j, const struct jaddr *a, const char *prop, struct op *ret,
                   struct err *e)
{
	struct op op = { .kind = OP_ADDR_ADD, .where = AT_JAIL, .addr = a->addr };
	const struct jnic *nic = find_nic(j, a->ifname);
	char inside[IFNAME_CAP] = "lo", addr[IPADDR_TEXT];

	*ret = (struct op){ .kind = OP_NONE };
	if (!nic && !is_lo(a->ifname))
		return no_such_nic(j, prop, a->ifname, e);
	if (a->mode != JADDR_STATIC)
		return 0; /* the jail's own client asks for it */
	if (nic && jnic_inside_name(nic->name, inside) < 0)
		return err_set(e, ENAMETOOLONG, "interfaces: %s is too long", nic->name);
	if (!a->addr.has_prefix) {
		ipaddr_format(&a->addr, addr);
		if (nic)
			return err_set(e, EINVAL, "%s: %s needs a prefix, as in %s/%d", prop, addr, addr,
			               a->addr.family == 4 ? 24 : 64);
		op.addr.has_prefix = true;
		op.addr.prefix = (uint8_t)ipaddr_max_prefix(&a->addr);
	}
	op.link = plan_str(p, inside);
	*ret = op;
	return 0;
}

static int add_addrs(struct plan *p, const struct jail *j, const struct jaddr *list, size_t n, const char *prop,
                     struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct op op;
		int r = plan_vnet_addr(p, j, &list[i], prop, &op, e);

		if (r < 0)
			return r;
		if (op.kind != OP_NONE)
			plan_add_plain(p, PH_VNET, &op);
	}
	return 0;
}

/* Default route of one family. */
struct route {
	const struct jaddr *list;
	size_t n;
	const struct router *router;
	const struct gateway_fact *host;
	const char *prop;
};

/* Only a family whose addresses are all static and on a NIC gets its route from us. */
static bool wants_route(const struct jail *j, const struct route *r)
{
	bool on_nic = false;

	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].mode != JADDR_STATIC)
			return false;
		on_nic = on_nic || find_nic(j, r->list[i].ifname);
	}
	return on_nic && r->router->mode != ROUTER_NONE;
}

/* The NIC that reaches gw. */
static const struct jnic *route_nic(const struct jail *j, const struct route *r, const struct ipaddr *gw)
{
	bool link_local = gw->family == 6 && gw->b[0] == 0xfe && (gw->b[1] & 0xc0) == 0x80;

	if (gw->zone[0] || link_local) {
		const struct jnic *nic = gw->zone[0] ? find_nic(j, gw->zone) : NULL;

		return nic ? nic : &j->nics[0];
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct jnic *nic = find_nic(j, r->list[i].ifname);

		if (nic && ipaddr_in_prefix(gw, &r->list[i].addr))
			return nic;
	}
	return NULL;
}

static bool is_own(const struct route *r, const struct ipaddr *gw)
{
	for (size_t i = 0; i < r->n; i++)
		if (ipaddr_same_host(&r->list[i].addr, gw))
			return true;
	return false;
}

static int unreachable(const struct jail *j, const struct route *r, const struct ipaddr *gw, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf nets = { 0 };
	char buf[IPADDR_TEXT];

	if (is_own(r, gw))
		return err_set(e, EINVAL, "%s: %s is the jail's own address", r->prop, ipaddr_format_host(gw, buf));
	for (size_t i = 0; i < r->n; i++) {
		const struct jnic *nic = find_nic(j, r->list[i].ifname);

		if (nic)
			sbuf_addf(&nets, "%s%s on %s", nets.len ? ", " : "", ipaddr_format(&r->list[i].addr, buf),
			          nic->name);
	}
	return err_set(e, ENETUNREACH, "%s: %s is in none of the jail's networks: %s", r->prop,
	               ipaddr_format_host(gw, buf), nets.p ? nets.p : "none");
}

static int route_op(struct plan *p, const struct jail *j, const struct route *r, struct op *ret, struct err *e)
{
	struct op op = { .kind = OP_ROUTE_ADD, .where = AT_JAIL };
	bool named = r->router->mode == ROUTER_ADDR;
	const struct jnic *nic;
	char inside[IFNAME_CAP];

	if (!wants_route(j, r) || (!named && (!r->host->have || r->host->gw.family == 0)))
		return 0;
	op.gw = named ? r->router->addr : r->host->gw;
	nic = is_own(r, &op.gw) ? NULL : route_nic(j, r, &op.gw);
	if (!nic || jnic_inside_name(nic->name, inside) < 0)
		return named ? unreachable(j, r, &op.gw, e) : 0;
	op.gw.has_prefix = false;
	op.gw.prefix = 0;
	memset(op.gw.zone, 0, sizeof(op.gw.zone));
	op.link = plan_str(p, inside);
	*ret = op;
	return 0;
}

int plan_vnet_route(struct plan *p, const struct jail *j, const struct facts *f, int family, struct op *ret,
                    struct err *e)
{
	struct route r4 = { j->a4, j->n4, &j->router4, &f->gw4, "defaultrouter" };
	struct route r6 = { j->a6, j->n6, &j->router6, &f->gw6, "defaultrouter6" };

	*ret = (struct op){ .kind = OP_NONE };
	return route_op(p, j, family == 6 ? &r6 : &r4, ret, e);
}

int plan_vnet_probe(struct plan *p, enum phase ph, const struct jail *j, const struct jaddr *a, const struct facts *f,
                    const char *prop, bool *ret_asked, struct err *e)
{
	const struct jnic *nic = find_nic(j, a->ifname);
	const struct link_fact *bridge = nic && nic->bridge[0] ? facts_link(f, nic->bridge) : NULL;
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	char addr[IPADDR_TEXT];

	if (a->mode != JADDR_STATIC || !bridge || !j->conflict_wait)
		return 0;
	if (fact && fact->present && streq(fact->ifname, bridge->name))
		return err_class(e, ERR_BUSY, EADDRINUSE, "%s: %s is in use on %s by %s%s", prop,
		                 ipaddr_format_host(&a->addr, addr), bridge->name,
		                 fact->holder[0] ? "jail " : "this host", fact->holder);
	if (plan_probe(p, ph, j, bridge, &a->addr))
		*ret_asked = true;
	return 0;
}

int plan_vnet_probes(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->n4 + j->n6; i++)
		r = i < j->n4 ? plan_vnet_probe(p, PH_START, j, &j->a4[i], f, "ip4_addr", &any, e)
		              : plan_vnet_probe(p, PH_START, j, &j->a6[i - j->n4], f, "ip6_addr", &any, e);
	return r;
}

static bool asked(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].redo.kind == OP_PROBE)
			return true;
	return false;
}

int plan_vnet_links(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct op lo = { .kind = OP_LINK_UP, .where = AT_JAIL, .link = "lo" };
	int r;

	/* before there are pairs: a bridge that takes another MAC for a new port forgets its neighbours */
	if (asked(p))
		plan_probe_end(p, PH_START, j);
	for (size_t i = 0; i < j->nnics; i++) {
		r = add_pair(p, j, &j->nics[i], f, e);
		if (r < 0)
			return r;
	}
	/* after the pairs: all that happens inside is one batch */
	plan_add_plain(p, PH_VNET, &lo);
	for (size_t i = 0; i < j->nnics; i++) {
		struct op up = { .kind = OP_LINK_UP, .where = AT_JAIL };
		char inside[IFNAME_CAP];

		if (jnic_inside_name(j->nics[i].name, inside) < 0)
			continue; /* add_pair refused it already */
		up.link = plan_str(p, inside);
		plan_add_plain(p, PH_VNET, &up);
	}
	r = add_addrs(p, j, j->a4, j->n4, "ip4_addr", e);
	if (r == 0)
		r = add_addrs(p, j, j->a6, j->n6, "ip6_addr", e);
	for (int family = 4; r == 0 && family <= 6; family += 2) {
		struct op route;

		r = plan_vnet_route(p, j, f, family, &route, e);
		if (r == 0 && route.kind != OP_NONE)
			plan_add_plain(p, PH_VNET, &route);
	}
	return r;
}
