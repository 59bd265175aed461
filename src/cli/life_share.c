/* life_share.c - addresses that two jails use: whoever stops last removes the alias, whoever added it. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/life.h"

int share_lock(struct session *s, int *ret_fd, struct err *e)
{
	return store_lock_global(&s->c->st, "addresses", ret_fd, e);
}

int share_bridges(struct session *s, int *ret_fd, struct err *e)
{
	return store_lock_shared(&s->c->st, "bridges", ret_fd, e);
}

int share_bridges_alone(struct session *s, int *ret_fd, struct err *e)
{
	return store_lock_global(&s->c->st, "bridges", ret_fd, e);
}

static bool lists(const char *text, const struct ipaddr *a)
{
	_cleanup_free_ struct jaddr *list = NULL;
	size_t n = 0;

	if (jaddr_list_parse(text, a->family, &list, &n, NULL) < 0)
		return false;
	return jaddr_list_has(list, n, a);
}

int share_is_free(struct session *s, const struct ipaddr *a, bool *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(&s->c->st, &names, e);

	*ret = true;
	for (size_t i = 0; r == 0 && *ret && i < names.n; i++) {
		struct state st;

		int k = state_load(&s->c->st, names.v[i], &st, NULL);

		/* one that cannot be read may list it */
		if (k != -ENOENT)
			*ret = k == 0 && st.jid && !lists(a->family == 4 ? st.ip4 : st.ip6, a);
	}
	return r;
}

/* What a jail whose state cannot be read may use: the addresses of its configuration, into an empty state. -ENOENT: no jail. */
static int configured(struct session *s, const char *jail, struct state *st, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf ip4 = { 0 };
	struct config cfg = { 0 };
	int r = config_load(&s->c->st, jail, &cfg, e);

	if (r < 0)
		return r;
	r = jail_ip4_text(&cfg.conf, &ip4, e);
	if (r == 0 && (str_copy(st->ip4, sizeof(st->ip4), ip4.p) < 0 ||
	               str_copy(st->ip6, sizeof(st->ip6), conf_get(&cfg.conf, PROP_ip6_addr)) < 0))
		r = err_set(e, EFBIG, "%s: too many addresses", jail);
	config_done(&cfg);
	return r;
}

/* Does another jail that is up, or on its way up, use the address. True when it cannot be told: who ends last removes it. */
static bool used_by(struct session *s, const char *other, const struct ipaddr *a)
{
	struct state st;
	int r = streq(other, s->jail) ? -ENOENT : state_load(&s->c->st, other, &st, NULL);

	if (r < 0 && r != -ENOENT) {
		r = configured(s, other, &st, NULL);
		if (r < 0 && r != -ENOENT)
			return true;
	} else if (r == 0 && (st.vnet || st.lifecycle == LIFE_STOPPING ||
	                      (st.lifecycle == LIFE_UP && os_jail_alive(st.pid, st.pid_start, NULL) == 0))) {
		return false;
	}
	return r == 0 && lists(a->family == 6 ? st.ip6 : st.ip4, a);
}

static int give(struct session *s, const char *other, const struct op *op, struct err *e)
{
	_cleanup_close_ int fd = -1;
	int r = journal_open(&s->c->st, other, &fd, e);

	return r < 0 ? r : journal_append(fd, op, e);
}

int share_pass(struct session *s, const struct op *op, bool *ret, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(&s->c->st, &names, e);

	*ret = false;
	for (size_t k = 0; r == 0 && k < names.n; k++)
		if (used_by(s, names.v[k], &op->addr)) {
			*ret = true;
			return give(s, names.v[k], op, e);
		}
	return r;
}

static void match_holder(struct addr_fact *f, const char *jail, const char *list)
{
	_cleanup_free_ struct jaddr *a = NULL;
	size_t n = 0;
	unsigned have = 0;
	bool held = false;

	if (f->holder[0] || jaddr_list_parse(list, f->addr.family, &a, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		if (a[i].mode != JADDR_STATIC)
			continue;
		have++;
		held = held || ipaddr_same_host(&a[i].addr, &f->addr);
	}
	if (held && str_copy(f->holder, sizeof(f->holder), jail) == 0)
		f->holder_naddrs = have;
}

/* Not up, and not what a killed start left: somebody has its lock and works on it. */
static bool is_starting(struct session *s, const char *jail, const struct state *st)
{
	_cleanup_close_ int fd = -1;

	return st->jid && st->lifecycle == LIFE_STARTING &&
	       store_lock_jail(&s->c->st, jail, true, 0, &fd, NULL) == -EBUSY;
}

int share_holders(struct session *s, struct facts *f, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	bool any = false;
	int r;

	for (size_t i = 0; i < f->naddrs; i++)
		any = any || f->addrs[i].present;
	if (!any)
		return 0;
	r = state_names(&s->c->st, &names, e);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct err why = ERR_INIT;
		struct state st;
		int up = streq(names.v[i], s->jail) ? 0 : jail_running(s->c, names.v[i], &st, &why);

		/* one that may run counts as one that does */
		if (up < 0 && !st.jid)
			up = configured(s, names.v[i], &st, &why) == 0 ? 1 : why.code == ENOENT ? 0 : -1;
		if (up < 0 && !st.jid) {
			*e = why;
			return hint_untold(names.v[i], e);
		}
		if ((!up && !is_starting(s, names.v[i], &st)) || st.vnet)
			continue;
		for (size_t k = 0; k < f->naddrs; k++)
			if (f->addrs[k].present)
				match_holder(&f->addrs[k], names.v[i], f->addrs[k].addr.family == 4 ? st.ip4 : st.ip6);
	}
	return r;
}

/* --- aliases of several jails --- */

bool share_is_alias(const struct op *op, enum op_kind kind)
{
	return op->kind == kind && op->where == AT_HOST;
}

/* It was not there when the facts were gathered. Whose is it, and may both have it. */
static int use_alias(struct share_backend *u, const struct op *op, struct err *e)
{
	struct addr_fact addr = { .addr = op->addr, .present = true };
	struct facts f = { .addrs = &addr, .naddrs = 1 };
	_cleanup_close_ int lock = -1;
	int r = u->locked ? 0 : share_lock(u->s, &lock, e);

	if (r == 0)
		r = share_holders(u->s, &f, e);
	return r < 0 ? r : plan_may_share(u->j, &f, &op->addr, e);
}

static int add_each(struct share_backend *u, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct err why = ERR_INIT;
		size_t first;

		*ret_failed = i;
		r = u->real.apply(u->real.ctx, &ops[i], 1, &first, &why);
		if (r == -EEXIST)
			r = use_alias(u, ops[i], e);
		else if (r < 0 && e)
			*e = why;
	}
	return r;
}

static int remove_alias(struct share_backend *u, const struct op *op, struct err *e)
{
	_cleanup_close_ int lock = -1;
	bool passed = false;
	size_t failed;
	int r = u->locked ? 0 : share_lock(u->s, &lock, e);

	if (r == 0)
		r = share_pass(u->s, op, &passed, e);
	return r < 0 || passed ? r : u->real.apply(u->real.ctx, &op, 1, &failed, e);
}

static int apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct share_backend *u = ctx;
	struct err why = ERR_INIT;
	bool all = true;
	int r;

	*ret_failed = 0;
	if (n == 1 && share_is_alias(ops[0], OP_ADDR_DEL))
		return remove_alias(u, ops[0], e);
	r = u->real.apply(u->real.ctx, ops, n, ret_failed, &why);
	for (size_t i = 0; i < n; i++)
		all = all && share_is_alias(ops[i], OP_ADDR_ADD);
	if (r == -EEXIST && all && u->j)
		return add_each(u, ops, n, ret_failed, e);
	if (r < 0 && e)
		*e = why;
	return r;
}

struct backend share_backend(struct share_backend *u, struct session *s, const struct jail *j,
                             const struct backend *real, bool locked)
{
	*u = (struct share_backend){ s, j, *real, locked };
	return (struct backend){ u, apply };
}
