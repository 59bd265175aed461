/* plan_live.c - the plan of `set` on a jail that runs: addresses, default routes and MTUs changed at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/limit.h"
#include "core/plan_impl.h"

/* What is there, or shall be, as the operations that would add it. */
struct things {
	struct op *v;
	size_t n;
};

static void things_done(struct things *t)
{
	free(t->v);
}

/* Room for every address of the jail. */
static int things_init(struct things *t, const struct jail *j, struct err *e)
{
	t->v = calloc(j->n4 + j->n6 + 1, sizeof(*t->v));
	t->n = 0;
	return t->v ? 0 : err_oom(e);
}

static bool has(const struct things *t, const struct op *op)
{
	for (size_t i = 0; i < t->n; i++)
		if (op_equal(&t->v[i], op))
			return true;
	return false;
}

/* The same address, be it on another interface or with another prefix. */
static bool has_host(const struct things *t, const struct op *op)
{
	for (size_t i = 0; i < t->n; i++)
		if (ipaddr_same_host(&t->v[i].addr, &op->addr))
			return true;
	return false;
}

static struct op removal(const struct op *add)
{
	return (struct op){ .kind = OP_ADDR_DEL, .where = add->where, .link = add->link, .addr = add->addr };
}

static void add_step(struct plan *p, const struct op *add)
{
	struct op undo = removal(add);

	plan_add(p, PH_QUIET, add, &undo);
}

static void del_step(struct plan *p, const struct op *add)
{
	struct op redo = removal(add), undo = *add;

	undo.opts = OP_AGAIN;
	plan_add(p, PH_QUIET, &redo, &undo);
}

/* First what only changes its interface or prefix goes, because an address is there once; then the new ones come. */
static void bring(struct plan *p, const struct things *old, const struct things *new)
{
	for (size_t i = 0; i < old->n; i++)
		if (!has(new, &old->v[i]) && has_host(new, &old->v[i]))
			del_step(p, &old->v[i]);
	for (size_t i = 0; i < new->n; i++)
		if (!has(old, &new->v[i]))
			add_step(p, &new->v[i]);
}

static void take_away(struct plan *p, const struct things *old, const struct things *new)
{
	for (size_t i = 0; i < old->n; i++)
		if (!has_host(new, &old->v[i]))
			del_step(p, &old->v[i]);
}

/* --- shared IP --- */

/* What the host and the jail's view have of one model. */
struct side {
	struct things host, view;
	const struct link_fact **links; /* of the view, each once */
	size_t nlinks;
};

static void side_done(struct side *s)
{
	things_done(&s->host);
	things_done(&s->view);
	free(s->links);
}

static bool side_has_link(const struct side *s, const char *name)
{
	for (size_t i = 0; i < s->nlinks; i++)
		if (streq(s->links[i]->name, name))
			return true;
	return false;
}

/* Where a new address is to be. One that is the jail's own already may move; anybody else's may not. */
static int new_link(const struct plan_family *fam, const struct facts *f, const struct jaddr *a,
                    const struct addr_fact *fact, const struct link_fact **ret, struct err *e)
{
	char addr[IPADDR_TEXT];

	if (!fact || !fact->present || !fact->ours || fact->holder[0])
		return plan_find_link(fam, f, a, ret, e);
	return plan_check_link(fam, f, a->ifname[0] ? a->ifname : fact->ifname, ipaddr_format(&a->addr, addr), ret, e);
}

static void put(struct side *s, struct plan *p, const struct jaddr *a, const struct addr_fact *fact,
                const struct link_fact *link)
{
	struct op op = { .kind = OP_ADDR_ADD, .link = plan_str(p, link->name), .addr = plan_with_prefix(&a->addr) };

	/* what the host had before, or another jail uses too, is used and left alone */
	if (!fact || !fact->present || (fact->ours && !fact->holder[0]))
		s->host.v[s->host.n++] = op;
	op.where = AT_JAIL;
	op.flags = OP_ADDR_NOROUTE;
	s->view.v[s->view.n++] = op;
	if (!side_has_link(s, link->name))
		s->links[s->nlinks++] = link;
}

static int side_init(struct side *s, const struct jail *j, struct err *e)
{
	int r = things_init(&s->host, j, e);

	if (r == 0)
		r = things_init(&s->view, j, e);
	s->links = calloc(j->n4 + j->n6 + 1, sizeof(struct link_fact *));
	return r == 0 && !s->links ? err_oom(e) : r;
}

/* What the jail has: an address that somebody took from the host meanwhile is only in the view. */
static int old_side(struct side *s, struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct plan_family fam[2];
	int r = side_init(s, j, e);

	plan_families(j, f, fam);
	for (int i = 0; r == 0 && i < 2; i++)
		for (size_t k = 0; fam[i].mode == IP_NEW && k < fam[i].n; k++) {
			const struct jaddr *a = &fam[i].list[k];
			const struct addr_fact *fact = facts_addr(f, &a->addr);
			const struct link_fact *link = NULL;
			size_t host = s->host.n;

			if (a->mode != JADDR_STATIC)
				continue;
			if (fact && fact->present)
				link = facts_link(f, fact->ifname);
			if (!link && plan_find_link(&fam[i], f, a, &link, NULL) < 0)
				continue; /* its interface is gone, and with it the address */
			put(s, p, a, fact, link);
			if (!fact || !fact->present)
				s->host.n = host;
		}
	return r;
}

static int new_side(struct side *s, struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct plan_family fam[2];
	int r = side_init(s, j, e);

	plan_families(j, f, fam);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; r == 0 && fam[i].mode == IP_NEW && k < fam[i].n; k++) {
			const struct jaddr *a = &fam[i].list[k];
			const struct addr_fact *fact = facts_addr(f, &a->addr);
			const struct link_fact *link = NULL;

			r = plan_check_static(j, a, e);
			if (r == 0)
				r = new_link(&fam[i], f, a, fact, &link, e);
			if (r == 0)
				r = plan_check_holder(&fam[i], j, fact, e);
			if (r == 0)
				put(s, p, a, fact, link);
		}
	return r;
}

static void view_links(struct plan *p, const struct side *from, const struct side *to, bool show)
{
	for (size_t i = 0; i < from->nlinks; i++) {
		struct op add, del = { .kind = OP_VIEW_DEL, .where = AT_JAIL };

		if (side_has_link(to, from->links[i]->name) || !plan_view_op(p, from->links[i], &add))
			continue;
		del.link = add.link;
		if (show) {
			plan_add(p, PH_QUIET, &add, &del);
		} else {
			add.opts = OP_AGAIN;
			plan_add(p, PH_QUIET, &del, &add);
		}
	}
}

/* From one hold to the other, if they differ. */
static int change_hold(struct plan *p, const struct jail *old, const struct jail *new, struct err *e)
{
	struct op redo, undo;
	int r = plan_hold_op(p, new, OP_HOLD_SET, &redo, e);

	if (r == 0)
		r = plan_hold_op(p, old, OP_HOLD_SET, &undo, e);
	if (r == 0 && redo.text && undo.text && !streq(redo.text, undo.text))
		plan_add(p, PH_QUIET, &redo, &undo);
	return r;
}

/* Who else has the addresses that are to come. */
static void ask_shared(struct plan *p, const struct jail *new, const struct facts *f, const struct things *old,
                       const struct things *is)
{
	bool asked = false;

	for (size_t i = 0; i < is->n; i++) {
		const struct link_fact *link = is->v[i].link ? facts_link(f, is->v[i].link) : NULL;

		if (link && !has_host(old, &is->v[i]))
			asked = plan_probe(p, PH_QUIET, new, link, &is->v[i].addr) || asked;
	}
	if (asked)
		plan_probe_end(p, PH_QUIET, new);
}

static int change_shared(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                         struct err *e)
{
	_cleanup_(side_done) struct side o = { 0 }, n = { 0 };
	int r = old_side(&o, p, old, f, e);

	if (r == 0)
		r = new_side(&n, p, new, f, e);
	if (r < 0)
		return r;
	ask_shared(p, new, f, &o.host, &n.host);
	bring(p, &o.host, &n.host);
	view_links(p, &n, &o, true);
	bring(p, &o.view, &n.view);
	r = change_hold(p, old, new, e);
	take_away(p, &o.view, &n.view);
	view_links(p, &o, &n, false);
	take_away(p, &o.host, &n.host);
	return r;
}

/* --- VNET --- */

static int vnet_things(struct things *t, struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	int r = things_init(t, j, e);

	for (size_t i = 0; r == 0 && i < j->n4 + j->n6; i++) {
		bool v4 = i < j->n4;
		struct op op;

		r = plan_vnet_addr(p, j, f, v4 ? &j->a4[i] : &j->a6[i - j->n4], v4 ? "ip4_addr" : "ip6_addr", &op, e);
		if (r == 0 && op.kind != OP_NONE)
			t->v[t->n++] = op;
	}
	return r;
}

static bool family_changes(const struct things *old, const struct things *new, int family)
{
	for (size_t i = 0; i < old->n; i++)
		if (old->v[i].addr.family == family && !has(new, &old->v[i]))
			return true;
	for (size_t i = 0; i < new->n; i++)
		if (new->v[i].addr.family == family && !has(old, &new->v[i]))
			return true;
	return false;
}

/* The default route of a family before and after; both OP_NONE when it can stay. Addresses that go may take it along. */
static int vnet_route(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f, int family,
                      bool changes, struct op *ret_old, struct op *ret_new, struct err *e)
{
	int r = plan_vnet_route(p, new, f, family, ret_new, e);

	/* what it runs with worked when it started: if the host changed since, there is nothing to take away */
	if (r == 0 && plan_vnet_route(p, old, f, family, ret_old, NULL) < 0)
		ret_old->kind = OP_NONE;
	if (r == 0 && !changes && op_equal(ret_old, ret_new))
		ret_old->kind = ret_new->kind = OP_NONE;
	return r;
}

static void route_away(struct plan *p, const struct op *route)
{
	struct op del = *route, again = *route;

	if (route->kind == OP_NONE)
		return;
	del.kind = OP_ROUTE_DEL;
	again.opts = OP_AGAIN;
	plan_add(p, PH_QUIET, &del, &again);
}

static void route_come(struct plan *p, const struct op *route)
{
	struct op del = *route;

	if (route->kind == OP_NONE)
		return;
	del.kind = OP_ROUTE_DEL;
	plan_add(p, PH_QUIET, route, &del);
}

static void mtu_step(struct plan *p, enum op_where where, const char *link, unsigned to, unsigned from)
{
	struct op redo = { .kind = OP_LINK_MTU, .where = where, .link = plan_str(p, link), .mtu = to }, undo = redo;

	undo.mtu = from;
	plan_add(p, PH_QUIET, &redo, &undo);
}

/* Both ends of each NIC whose MTU is said anew. */
static void vnet_mtus(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f)
{
	for (size_t i = 0; i < new->nnics &&i < old->nnics; i++) {
		unsigned to = plan_vnet_mtu(new, &new->nics[i], f), from = plan_vnet_mtu(old, &old->nics[i], f);
		char outside[IFNAME_CAP], inside[IFNAME_CAP];
		const struct link_fact *link;

		if (to == from || jnic_outside_name(new->nics[i].name, f->jid, outside) < 0 ||
		    jnic_inside_name(new->nics[i].name, inside) < 0)
			continue;
		link = facts_link(f, outside);
		if (!link) /* somebody removed or renamed it */
			continue;
		mtu_step(p, AT_HOST, outside, to, link->mtu);
		mtu_step(p, AT_JAIL, inside, to, link->mtu);
	}
}

static int ask_vnet(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                    struct err *e)
{
	bool asked = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < new->n4 + new->n6; i++) {
		bool v4 = i < new->n4;
		const struct jaddr *a = v4 ? &new->a4[i] : &new->a6[i - new->n4];

		if (!jail_lists(old, &a->addr))
			r = plan_vnet_probe(p, PH_QUIET, new, a, f, v4 ? "ip4_addr" : "ip6_addr", &asked, e);
	}
	if (asked)
		plan_probe_end(p, PH_QUIET, new);
	return r;
}

static int change_vnet(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                       struct err *e)
{
	_cleanup_(things_done) struct things o = { 0 }, n = { 0 };
	struct op was[2] = { 0 }, is[2] = { 0 };
	int r = vnet_things(&o, p, old, f, e);

	if (r == 0)
		r = vnet_things(&n, p, new, f, e);
	for (int i = 0; r == 0 && i < 2; i++)
		r = vnet_route(p, old, new, f, 4 + 2 * i, family_changes(&o, &n, 4 + 2 * i), &was[i], &is[i], e);
	if (r == 0)
		r = ask_vnet(p, old, new, f, e);
	if (r < 0)
		return r;
	r = plan_rules_live(p, old, new, f, e);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < new->nnics; i++)
		r = plan_check_mtu(new, &new->nics[i], f, e);
	if (r == 0)
		r = plan_vlans_live(p, old, new, f, e);
	if (r < 0)
		return r;
	vnet_mtus(p, old, new, f);
	route_away(p, &was[0]);
	route_away(p, &was[1]);
	bring(p, &o, &n);
	take_away(p, &o, &n);
	route_come(p, &is[0]);
	route_come(p, &is[1]);
	return 0;
}

/* --- both --- */

static void end_connections(struct plan *p, const struct jail *old, const struct jail *new)
{
	for (size_t i = 0; i < old->n4 + old->n6; i++) {
		const struct jaddr *a = i < old->n4 ? &old->a4[i] : &old->a6[i - old->n4];
		struct op op = { .kind = OP_CONN_END, .where = old->vnet ? AT_JAIL : AT_HOST, .addr = a->addr };

		if (a->mode != JADDR_STATIC || jail_lists(new, &a->addr))
			continue;
		op.name = plan_str(p, old->name);
		op.addr.has_prefix = false;
		op.addr.prefix = 0;
		plan_add_plain(p, PH_QUIET, &op);
	}
}

/* Each way also frees it of what only the other says. */
static int change_limits(struct plan *p, const struct jail *old, const struct jail *new, struct err *e)
{
	struct op redo = { .kind = OP_LIMIT, .name = plan_str(p, new->name) }, undo = redo;
	_cleanup_(sbuf_done) struct sbuf to = { 0 }, back = { 0 };

	limits_format(new->conf, old->conf, &to);
	limits_format(old->conf, new->conf, &back);
	if (to.failed || back.failed)
		return err_oom(e);
	if (to.len && back.len && !streq(to.p, back.p)) {
		redo.text = plan_str(p, to.p);
		undo.text = plan_str(p, back.p);
		plan_add(p, PH_QUIET, &redo, &undo);
	}
	return 0;
}

int plan_live(const struct jail *old, const struct jail *new, const struct facts *f, struct plan *change,
              struct plan *after, struct err *e)
{
	struct plan p = { 0 }, q = { 0 };
	int r = old->vnet ? change_vnet(&p, old, new, f, e) : change_shared(&p, old, new, f, e);

	if (r == 0)
		r = change_limits(&p, old, new, e);
	if (r == 0)
		end_connections(&q, old, new);
	if (r == 0)
		r = plan_check(&p, e);
	if (r == 0)
		r = plan_check(&q, e);
	if (r < 0) {
		plan_done(&p);
		plan_done(&q);
		return r;
	}
	*change = p;
	*after = q;
	return 0;
}
