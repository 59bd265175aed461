/* plan_shared.c - the part of `start` that gives a shared-IP jail its addresses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/hold.h"
#include "core/plan_impl.h"

void plan_families(const struct jail *j, const struct facts *f, struct plan_family out[static 2])
{
	out[0] = (struct plan_family){ j->a4, j->n4, j->ip4, &f->gw4, "ip4_addr", "IPv4" };
	out[1] = (struct plan_family){ j->a6, j->n6, j->ip6, &f->gw6, "ip6_addr", "IPv6" };
}

int plan_check_link(const struct plan_family *fam, const struct facts *f, const char *name, const char *addr,
                    const struct link_fact **ret, struct err *e)
{
	*ret = facts_link(f, name);
	if (*ret)
		return 0;
	return err_set(e, ENODEV,
	               "%s: there is no interface %s on this host for %s; name one that exists: %s=\"IFACE|%s\"",
	               fam->prop, name, addr, fam->prop, addr);
}

/* On which host interface an address is, or is to be. */
int plan_find_link(const struct plan_family *fam, const struct facts *f, const struct jaddr *a,
                   const struct link_fact **ret, struct err *e)
{
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	char addr[IPADDR_TEXT];

	ipaddr_format(&a->addr, addr);
	if (fact && fact->present && fact->ifname[0]) {
		int r = plan_check_link(fam, f, a->ifname[0] ? a->ifname : fact->ifname, addr, ret, e);

		if (r < 0)
			return r;
		/* on both it would answer twice; moving it is not ours to do */
		if (!streq((*ret)->name, fact->ifname))
			return err_set(e, EEXIST, "%s: %s is on %s already, not on %s; remove it there, or name %s",
			               fam->prop, addr, fact->ifname, a->ifname, fact->ifname);
		return 0;
	}
	if (a->ifname[0])
		return plan_check_link(fam, f, a->ifname, addr, ret, e);
	if (fam->gw->have)
		return plan_check_link(fam, f, fam->gw->ifname, addr, ret, e);
	return err_set(e, ENODEV, "%s: the host has no default %s route, so %s needs an interface: %s=\"IFACE|%s\"",
	               fam->prop, fam->words, addr, fam->prop, addr);
}

struct ipaddr plan_with_prefix(const struct ipaddr *a)
{
	struct ipaddr r = *a;

	if (!r.has_prefix) {
		r.has_prefix = true;
		r.prefix = (uint8_t)ipaddr_max_prefix(a);
	}
	return r;
}

int plan_check_holder(const struct plan_family *fam, const struct jail *j, const struct addr_fact *fact, struct err *e)
{
	char addr[IPADDR_TEXT];

	if (!fact || !fact->holder[0] || streq(fact->holder, j->name) || (fam->n == 1 && fact->holder_naddrs == 1))
		return 0;
	return err_class(
		e, ERR_BUSY, EADDRINUSE,
		"%s: %s is in use by jail %s\njails can share an address only when each has no other of that family",
		ipaddr_same_host(&fact->addr, &j->localhost) ? "localhost_ip" : fam->prop,
		ipaddr_format_host(&fact->addr, addr), fact->holder);
}

int plan_may_share(const struct jail *j, const struct facts *f, const struct ipaddr *a, struct err *e)
{
	struct plan_family fam[2];

	plan_families(j, f, fam);
	return plan_check_holder(&fam[a->family == 6], j, facts_addr(f, a), e);
}

int plan_check_static(const struct jail *j, const struct jaddr *a, struct err *e)
{
	if (a->mode == JADDR_STATIC)
		return 0;
	return err_set(e, EINVAL, "%s: %s requires vnet!", j->name,
	               a->mode == JADDR_DHCP    ? "dhcp"
	               : a->mode == JADDR_RTADV ? "accept_rtadv"
	                                        : "self");
}

static int add_alias(struct plan *p, const struct plan_family *fam, const struct jail *j, const struct facts *f,
                     const struct jaddr *a, struct err *e)
{
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	const struct link_fact *link;
	struct op redo = { .kind = OP_ADDR_ADD }, undo = { .kind = OP_ADDR_DEL };
	int r;

	r = plan_check_static(j, a, e);
	if (r == 0)
		r = plan_find_link(fam, f, a, &link, e);
	if (r == 0)
		r = plan_check_holder(fam, j, fact, e);
	if (r < 0)
		return r;
	if (fact && fact->present)
		return 0; /* used, and not ours to remove */
	redo.link = undo.link = plan_str(p, link->name);
	redo.addr = undo.addr = plan_with_prefix(&a->addr);
	if (plan_probe(p, PH_START, j, link, &a->addr))
		redo.kind = OP_NONE; /* later: plan_shared_delayed */
	plan_add(p, PH_START, &redo, &undo);
	return 0;
}

void plan_shared_delayed(struct plan *p, const struct jail *j)
{
	size_t n = p->n;
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		struct op op = p->steps[i].undo;

		if (p->steps[i].redo.kind != OP_NONE || op.kind != OP_ADDR_DEL)
			continue;
		if (first)
			plan_probe_end(p, PH_START, j);
		first = false;
		op.kind = OP_ADDR_ADD;
		plan_add_plain(p, PH_START, &op);
	}
}

int plan_shared_aliases(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct plan_family fam[2];

	plan_families(j, f, fam);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; fam[i].mode == IP_NEW && k < fam[i].n; k++) {
			int r = add_alias(p, &fam[i], j, f, &fam[i].list[k], e);

			if (r < 0)
				return r;
		}
	return 0;
}

bool plan_view_op(struct plan *p, const struct link_fact *link, struct op *ret)
{
	*ret = (struct op){
		.kind = OP_VIEW_ADD,
		.where = AT_JAIL,
		.link = plan_str(p, link->name),
		.index = link->index,
		.mtu = link->mtu,
		.mac = link->mac,
		.flags = link->flags,
	};
	return !ifname_is_loopback(link->name);
}

/* The interface as the jail sees it, once however many addresses it has. */
static void add_view(struct plan *p, size_t from, const struct link_fact *link)
{
	struct op op;

	if (!plan_view_op(p, link, &op))
		return;
	for (size_t i = from; i < p->n; i++)
		if (p->steps[i].redo.kind == OP_VIEW_ADD && p->steps[i].redo.link &&
		    streq(p->steps[i].redo.link, link->name))
			return;
	plan_add_plain(p, PH_START, &op);
}

/* First all interfaces, then all addresses: the addresses travel in one batch. */
static int add_family(struct plan *p, const struct plan_family *fam, const struct facts *f, bool views, size_t from,
                      struct err *e)
{
	for (size_t k = 0; fam->mode == IP_NEW && k < fam->n; k++) {
		const struct link_fact *link;
		struct op op = { .kind = OP_ADDR_ADD, .where = AT_JAIL, .flags = OP_ADDR_NOROUTE };
		int r = plan_find_link(fam, f, &fam->list[k], &link, e);

		if (r < 0)
			return r;
		if (views) {
			add_view(p, from, link);
			continue;
		}
		op.link = plan_str(p, link->name);
		op.addr = plan_with_prefix(&fam->list[k].addr);
		plan_add_plain(p, PH_START, &op);
	}
	return 0;
}

int plan_hold_op(struct plan *p, const struct jail *j, enum op_kind kind, struct op *ret, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	_cleanup_free_ struct hold *hold = calloc(1, sizeof(*hold));

	if (!hold)
		return err_oom(e);
	hold_from_jail(j, hold);
	hold_format(hold, &text);
	if (text.failed)
		return err_oom(e);
	*ret = (struct op){ .kind = kind, .name = plan_str(p, j->name), .text = plan_str(p, text.p) };
	return 0;
}

int plan_shared_view(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct plan_family fam[2];
	size_t from = p->n;
	struct op op;
	int r;

	plan_families(j, f, fam);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 2; i++) {
			r = add_family(p, &fam[i], f, pass == 0, from, e);
			if (r < 0)
				return r;
		}
	r = plan_hold_op(p, j, OP_HOLD, &op, e);
	if (r == 0)
		plan_add_plain(p, PH_START, &op);
	return r;
}
