/* life_uplink.c - host interfaces that are ports of jails' bridges: the first jail joins them, the last takes them out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/host_run.h"
#include "cli/life.h"

int uplink_lock(struct session *s, struct err *e)
{
	/* hostnet works on the same things */
	return s->uplinks >= 0 ? 0 : store_lock_global(&s->c->st, "hostnet", &s->uplinks, e);
}

void uplink_release(struct session *s)
{
	store_unlock(&s->uplinks);
}

/*
 * A jail uses an uplink as long as its journal says that it takes it out. link or bridge NULL: any. *ret: the first such
 * line of another jail; its strings are mem's.
 */
static int find_user(struct store *st, const char *but, const char *link, const char *bridge, struct op *ret,
                     struct journal *mem, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(st, &names, e);

	*ret = (struct op){ .kind = OP_NONE };
	for (size_t i = 0; r == 0 && ret->kind == OP_NONE && i < names.n; i++) {
		if (but && streq(names.v[i], but))
			continue;
		journal_done(mem);
		r = journal_load(st, names.v[i], mem, e);
		for (size_t k = 0; r == 0 && k < mem->n; k++) {
			const struct op *op = &mem->undo[k];

			if (op->kind == OP_UPLINK_DEL && (!link || streq(op->link, link)) &&
			    (!bridge || streq(op->bridge, bridge)))
				*ret = *op;
		}
	}
	return r;
}

/* --- which one --- */

/* The interface with the default route. When that is the jail's own bridge, it is what jails have put into it. */
static int resolve_auto(struct session *s, struct facts *f, struct err *e)
{
	_cleanup_(journal_done) struct journal mem = { 0 };
	const struct gateway_fact *gw = f->gw4.have ? &f->gw4 : &f->gw6;
	const char *bridge;
	struct op op;
	int r;

	if (!gw->have)
		return err_set(e, ENETUNREACH,
		               "vnet_default_interface=auto: No default interface found: this host has no default "
		               "route; name an interface, or none");
	memcpy(f->uplink, gw->ifname, sizeof(f->uplink));
	bridge = plan_uplink_bridge(&s->model, f);
	if (!bridge || !streq(bridge, gw->ifname))
		return 0;
	r = find_user(&s->c->st, s->jail, NULL, bridge, &op, &mem, e);
	f->uplink[0] = '\0'; /* the administrator's own work */
	if (r == 0 && op.kind != OP_NONE)
		r = str_copy(f->uplink, sizeof(f->uplink), op.link);
	return r;
}

int uplink_facts(struct session *s, struct facts *f, struct err *e)
{
	static const struct hostnet none;
	const char *uplink = s->model.uplink;
	int r;

	if (!s->model.vnet || (!*uplink && !s->model.npassed))
		return 0;
	f->host = calloc(1, sizeof(*f->host));
	if (!f->host)
		return err_oom(e);
	r = os_hostnet_facts(s->os, &none, f->host, e);
	if (r < 0)
		return r;
	if (streq(uplink, "auto"))
		return resolve_auto(s, f, e);
	return str_copy(f->uplink, sizeof(f->uplink), uplink);
}

/* An interface is in one bridge only. Other bridges that lead nowhere are named, or it would look as if they had it, too. */
static void warn_others(const struct session *s, const struct facts *f, const char *bridge)
{
	for (size_t i = 0; i < s->model.nnics; i++) {
		const struct jnic *nic = &s->model.nics[i];
		const struct link_fact *l = nic->bridge[0] ? facts_link(f, nic->bridge) : NULL;

		if (nic->bridge[0] && !streq(nic->bridge, bridge) && (!l || !l->first_member_mtu))
			warning("%s: %s joins %s only: %s, the bridge of %s, has no port that leads out", s->jail,
			        f->uplink, bridge, nic->bridge, nic->name);
	}
}

void uplink_warn(const struct session *s, const struct facts *f)
{
	const char *bridge = plan_uplink_bridge(&s->model, f);
	const struct hn_link *l = bridge ? plan_uplink_of(&s->model, f, bridge) : NULL;

	for (size_t i = 0; i < s->model.npassed; i++) {
		const struct hn_link *in = hn_facts_link(f->host, s->model.passed[i]);

		if (in && in->manager[0])
			warning("%s: %s moves into the jail although %s manages it", s->jail, in->name, in->manager);
	}
	if (l && l->manager[0] && !l->master)
		warning("%s: %s joins %s although %s manages it: what that does to it later may undo this", s->jail,
		        l->name, bridge, l->manager);
	if (l)
		warn_others(s, f, bridge);
}

/* --- in and out --- */

static int join(struct session *s, const struct backend *b, const struct op *op, struct err *e)
{
	static const struct hostnet none;
	_cleanup_(plan_done) struct plan p = { 0 };
	_cleanup_(hn_facts_done) struct hn_facts f = { 0 };
	_cleanup_free_ char *name = strf(JOURNAL_UPLINK "%s", op->link);
	size_t stuck = 0;
	int r = name ? uplink_lock(s, e) : err_oom(e);

	if (r == 0)
		r = os_hostnet_facts(s->os, &none, &f, e);
	/* the user named it: who else manages it was told, and does not matter */
	for (size_t i = 0; i < f.nlinks; i++)
		f.links[i].manager[0] = '\0';
	if (r == 0)
		r = plan_uplink_join(op->link, op->bridge, &f, &p, e);
	if (r == 0 && p.n)
		r = host_plan_run(&s->c->st, name, &p, b, &stuck, e);
	if (r < 0) {
		err_wrap(e, "vnet_default_interface: %s cannot join %s", op->link, op->bridge);
		if (p.n && !stuck)
			err_hint(e, "The host's network is as it was before.");
		return r;
	}
	uplink_release(s);
	return 0;
}

static int undo_uplink(struct session *s, const struct backend *b, const char *link, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_free_ char *name = strf(JOURNAL_UPLINK "%s", link);
	int r = name ? journal_load(&s->c->st, name, &j, e) : err_oom(e);

	if (r < 0)
		return r;
	/* nothing was done yet, or nothing is left to do: only its directory is there */
	return j.n ? host_plan_undo(&s->c->st, name, &j, b, e) : journal_keep(&s->c->st, name, &j, NULL, e);
}

/* The lock stays ours until the journal has lost the line: or two that stop would each leave it to the other. */
static int leave(struct session *s, const struct backend *b, const struct op *op, struct err *e)
{
	_cleanup_(journal_done) struct journal mem = { 0 };
	struct op other = { 0 };
	int r = uplink_lock(s, e);

	if (r == 0)
		r = find_user(&s->c->st, s->jail, op->link, NULL, &other, &mem, e);
	return r < 0 || other.kind != OP_NONE ? r : undo_uplink(s, b, op->link, e);
}

static int apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct uplink_backend *u = ctx;

	*ret_failed = 0;
	if (n == 1 && ops[0]->kind == OP_UPLINK_ADD)
		return join(u->s, &u->real, ops[0], e);
	if (n == 1 && ops[0]->kind == OP_UPLINK_DEL)
		return leave(u->s, &u->real, ops[0], e);
	return u->real.apply(u->real.ctx, ops, n, ret_failed, e);
}

struct backend uplink_backend(struct uplink_backend *u, struct session *s, const struct backend *real)
{
	*u = (struct uplink_backend){ s, *real };
	return (struct backend){ u, apply };
}

int uplink_orphan(struct session *s, const char *link, bool dry, bool *ret, struct err *e)
{
	_cleanup_(journal_done) struct journal mem = { 0 };
	struct backend b;
	struct op user = { 0 };
	int r = uplink_lock(s, e);

	*ret = false;
	if (r == 0)
		r = find_user(&s->c->st, NULL, link, NULL, &user, &mem, e);
	if (r < 0 || user.kind != OP_NONE)
		return r;
	*ret = true;
	if (dry)
		return 0;
	r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	if (r < 0)
		return r;
	b = os_backend(s->os);
	return undo_uplink(s, &b, link, e);
}
