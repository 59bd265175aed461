/* plan_shared.c - the part of `start` that gives a shared-IP jail its addresses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/hold.h"
#include "core/plan_impl.h"

/* Addresses of one family and how the jail has them. */
struct family {
	const struct jaddr *list;
	size_t n;
	enum ip_mode mode;
	const struct gateway_fact *gw;
	const char *prop, *words;
};

static void families(const struct jail *j, const struct facts *f, struct family out[static 2])
{
	out[0] = (struct family){ j->a4, j->n4, j->ip4, &f->gw4, "ip4_addr", "IPv4" };
	out[1] = (struct family){ j->a6, j->n6, j->ip6, &f->gw6, "ip6_addr", "IPv6" };
}

static int check_link(const struct family *fam, const struct facts *f, const char *name, const char *addr,
                      const struct link_fact **ret, struct err *e)
{
	*ret = facts_link(f, name);
	/* the loopback's name on FreeBSD */
	if (!*ret && streq(name, "lo0"))
		*ret = facts_link(f, "lo");
	if (*ret)
		return 0;
	return err_set(e, ENODEV,
	               "%s: there is no interface %s on this host for %s; name one that exists: %s=\"IFACE|%s\"",
	               fam->prop, name, addr, fam->prop, addr);
}

/* On which host interface an address is, or is to be. */
static int find_link(const struct family *fam, const struct facts *f, const struct jaddr *a,
                     const struct link_fact **ret, struct err *e)
{
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	char addr[IPADDR_TEXT];

	ipaddr_format(&a->addr, addr);
	if (fact && fact->present && fact->ifname[0]) {
		int r = check_link(fam, f, a->ifname[0] ? a->ifname : fact->ifname, addr, ret, e);

		if (r < 0)
			return r;
		/* on both it would answer twice; moving it is not ours to do */
		if (!streq((*ret)->name, fact->ifname))
			return err_set(e, EEXIST, "%s: %s is on %s already, not on %s; remove it there, or name %s",
			               fam->prop, addr, fact->ifname, a->ifname, fact->ifname);
		return 0;
	}
	if (a->ifname[0])
		return check_link(fam, f, a->ifname, addr, ret, e);
	if (fam->gw->have)
		return check_link(fam, f, fam->gw->ifname, addr, ret, e);
	return err_set(e, ENODEV, "%s: the host has no default %s route, so %s needs an interface: %s=\"IFACE|%s\"",
	               fam->prop, fam->words, addr, fam->prop, addr);
}

static struct ipaddr with_prefix(const struct ipaddr *a)
{
	struct ipaddr r = *a;

	if (!r.has_prefix) {
		r.has_prefix = true;
		r.prefix = (uint8_t)ipaddr_max_prefix(a);
	}
	return r;
}

/* FreeBSD's rule: jails may share an address only when it is the sole one of its family in each. */
static int check_holder(const struct family *fam, const struct jail *j, const struct addr_fact *fact, struct err *e)
{
	char addr[IPADDR_TEXT];

	if (!fact || !fact->holder[0] || streq(fact->holder, j->name) || (fam->n == 1 && fact->holder_naddrs == 1))
		return 0;
	return err_class(
		e, ERR_BUSY, EADDRINUSE,
		"%s: %s is in use by jail %s\njails can share an address only when each has no other of that family",
		fam->prop, ipaddr_format_host(&fact->addr, addr), fact->holder);
}

static int add_alias(struct plan *p, const struct family *fam, const struct jail *j, const struct facts *f,
                     const struct jaddr *a, struct err *e)
{
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	const struct link_fact *link;
	struct op redo = { .kind = OP_ADDR_ADD }, undo = { .kind = OP_ADDR_DEL };
	int r;

	if (a->mode != JADDR_STATIC)
		return err_set(e, EINVAL, "%s: %s requires vnet!", j->name,
		               a->mode == JADDR_DHCP ? "dhcp" : "accept_rtadv");
	r = find_link(fam, f, a, &link, e);
	if (r == 0)
		r = check_holder(fam, j, fact, e);
	if (r < 0)
		return r;
	if (fact && fact->present)
		return 0; /* used, and not ours to remove */
	redo.link = undo.link = plan_str(p, link->name);
	redo.addr = undo.addr = with_prefix(&a->addr);
	plan_add(p, PH_START, &redo, &undo);
	return 0;
}

int plan_shared_aliases(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct family fam[2];

	families(j, f, fam);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; fam[i].mode == IP_NEW && k < fam[i].n; k++) {
			int r = add_alias(p, &fam[i], j, f, &fam[i].list[k], e);

			if (r < 0)
				return r;
		}
	return 0;
}

/* The interface as the jail sees it, once however many addresses it has. The loopback is there anyhow. */
static void add_view(struct plan *p, size_t from, const struct link_fact *link)
{
	struct op op = {
		.kind = OP_VIEW_ADD,
		.where = AT_JAIL,
		.index = link->index,
		.mtu = link->mtu,
		.mac = link->mac,
		.flags = link->flags,
	};

	if (streq(link->name, "lo") || streq(link->name, "lo0"))
		return;
	for (size_t i = from; i < p->n; i++)
		if (p->steps[i].redo.kind == OP_VIEW_ADD && p->steps[i].redo.link &&
		    streq(p->steps[i].redo.link, link->name))
			return;
	op.link = plan_str(p, link->name);
	plan_add_plain(p, PH_START, &op);
}

/* First all interfaces, then all addresses: the addresses travel in one batch. */
static int add_family(struct plan *p, const struct family *fam, const struct facts *f, bool views, size_t from,
                      struct err *e)
{
	for (size_t k = 0; fam->mode == IP_NEW && k < fam->n; k++) {
		const struct link_fact *link;
		struct op op = { .kind = OP_ADDR_ADD, .where = AT_JAIL, .flags = OP_ADDR_NOROUTE };
		int r = find_link(fam, f, &fam->list[k], &link, e);

		if (r < 0)
			return r;
		if (views) {
			add_view(p, from, link);
			continue;
		}
		op.link = plan_str(p, link->name);
		op.addr = with_prefix(&fam->list[k].addr);
		plan_add_plain(p, PH_START, &op);
	}
	return 0;
}

int plan_shared_view(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf text = { 0 };
	_cleanup_free_ struct hold *hold = calloc(1, sizeof(*hold));
	struct op op = { .kind = OP_HOLD };
	struct family fam[2];
	size_t from = p->n;

	if (!hold)
		return err_oom(e);
	families(j, f, fam);
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < 2; i++) {
			int r = add_family(p, &fam[i], f, pass == 0, from, e);

			if (r < 0)
				return r;
		}
	hold_from_jail(j, hold);
	hold_format(hold, &text);
	if (text.failed)
		return err_oom(e);
	op.name = plan_str(p, j->name);
	op.text = plan_str(p, text.p);
	plan_add_plain(p, PH_START, &op);
	return 0;
}
