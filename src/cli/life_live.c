/* life_live.c - `set` on a jail that runs: the plan of the change, its journal, and taking back what was cut off. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"

/* --- what a jail runs with --- */

/* Besides the addresses; with the MTUs of its NICs. Their values have no blanks. */
static const enum prop_id noted[] = {
	PROP_ip4,           PROP_ip6,        PROP_ip4_saddrsel,  PROP_ip6_saddrsel,     PROP_allow_raw_sockets,
	PROP_dhcp,          PROP_interfaces, PROP_defaultrouter, PROP_defaultrouter6,   PROP_vnet_default_mtu,
	PROP_nat,           PROP_nat_prefix, PROP_nat_interface, PROP_nat_forwards,     PROP_vnet_antispoof,
	PROP_vnet_isolated, PROP_mac_prefix, PROP_memoryuse,     PROP_swapuse,          PROP_maxproc,
	PROP_nthr,          PROP_pcpu,       PROP_cpuset,        PROP_assign_localhost, PROP_localhost_ip,
};

static void note(struct sbuf *b, const char *key, const char *value)
{
	sbuf_addf(b, "%s%s=%s", b->len ? " " : "", key, value);
}

/* Whether the host's file, or what DHCP servers say instead of it, is the jail's: its text may have blanks. */
static void note_resolver(struct sbuf *b, const char *value)
{
	const char *def = prop_table[PROP_resolver].def;

	note(b, prop_table[PROP_resolver].name, streq(value, def) ? def : "/dev/null");
}

/* Two, which a comma parts as well as a blank. */
static void note_mac(struct sbuf *b, const char *key, const char *value)
{
	sbuf_addf(b, "%s%s=", b->len ? " " : "", key);
	for (; *value; value++)
		sbuf_addc(b, *value == ' ' ? ',' : *value);
}

/* A list of addresses, as many whole items as fit. */
static void copy_items(char *dst, size_t cap, const char *list)
{
	size_t n = strlen(list);

	if (n >= cap)
		for (n = cap - 1; n && list[n] != ',';)
			n--;
	memcpy(dst, list, n);
	dst[n] = '\0';
}

void live_note(struct state *st, const struct conf *c, const struct jnic *nics, size_t nnics)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 }, ip4 = { 0 };

	/* no list at all: then there is no jail that runs with it */
	copy_items(st->ip4, sizeof(st->ip4), jail_ip4_text(c, &ip4, NULL) == 0 ? ip4.p : "none");
	copy_items(st->ip6, sizeof(st->ip6), conf_get(c, PROP_ip6_addr));
	for (size_t i = 0; i < sizeof(noted) / sizeof(*noted); i++)
		note(&b, prop_table[noted[i]].name, conf_get(c, noted[i]));
	if (!streq(conf_get(c, PROP_vnet_interfaces), "none")) {
		size_t at = b.len;

		note(&b, "vnet_interfaces", conf_get(c, PROP_vnet_interfaces));
		for (size_t i = at + 1; b.p && i < b.len; i++)
			if (b.p[i] == ' ')
				b.p[i] = ',';
	}
	note_resolver(&b, conf_get(c, PROP_resolver));
	for (size_t i = 0; i < nnics; i++) {
		char key[IFNAME_CAP + 8];
		const char *v;

		(void)snprintf(key, sizeof(key), "%s_mtu", nics[i].name);
		v = conf_get_key(c, key);
		if (v)
			note(&b, key, v);
		(void)snprintf(key, sizeof(key), "%s_vlan", nics[i].name);
		v = conf_get_key(c, key);
		if (v)
			note(&b, key, v);
		(void)snprintf(key, sizeof(key), "%s_mac", nics[i].name);
		v = conf_get_key(c, key);
		if (v)
			note_mac(&b, key, v);
	}
	/* without it nothing changes live: better than to change from what is not so */
	if (b.failed || str_copy(st->net, sizeof(st->net), b.p) < 0)
		st->net[0] = '\0';
}

/* The configuration the state describes. -ESRCH: it does not say. */
static int running_conf(const struct state *st, struct conf *ret)
{
	_cleanup_(strv_done) struct strv words = { 0 };
	int r = strv_split(&words, st->net, " ");

	if (r == 0 && !words.n)
		return -ESRCH;
	for (size_t i = 0; r == 0 && i < words.n; i++) {
		char *eq = strchr(words.v[i], '=');

		if (!eq)
			return -ESRCH;
		*eq = '\0';
		r = conf_layer_set(&ret->own, words.v[i], eq + 1);
	}
	if (r == 0)
		r = conf_layer_set(&ret->own, "vnet", st->vnet ? "1" : "0");
	if (r == 0)
		r = conf_layer_set(&ret->own, "ip4_addr", *st->ip4 ? st->ip4 : "none");
	return r < 0 ? r : conf_layer_set(&ret->own, "ip6_addr", *st->ip6 ? st->ip6 : "none");
}

/* --- one change --- */

struct change {
	struct session s;
	struct config *cfg;
	const struct assigns *props;
	struct conf was, is;
	struct jail old, new;
	struct facts f;
	struct plan plan, after;
	struct op *undo; /* of every step of plan */
	int journal, live; /* open for append */
};

static void change_done(struct change *x)
{
	session_done(&x->s);
	jail_done(&x->old);
	jail_done(&x->new);
	conf_done(&x->was);
	conf_done(&x->is);
	facts_done(&x->f);
	plan_done(&x->plan);
	plan_done(&x->after);
	free(x->undo);
	closep(&x->journal);
	closep(&x->live);
}

/* What is learned, and from which router, is fixed at the start: true when the change leaves it alone. */
static bool same_clients(const struct change *x, bool v6)
{
	const struct jaddr *a = v6 ? x->old.a6 : x->old.a4, *b = v6 ? x->new.a6 : x->new.a4;
	size_t na = v6 ? x->old.n6 : x->old.n4, nb = v6 ? x->new.n6 : x->new.n4, i = 0, k = 0, n = 0;
	enum prop_id router = v6 ? PROP_defaultrouter6 : PROP_defaultrouter;

	for (;; i++, k++, n++) {
		while (i < na && !jaddr_is_learned(&a[i]))
			i++;
		while (k < nb && !jaddr_is_learned(&b[k]))
			k++;
		if (i == na || k == nb)
			break;
		if (a[i].mode != b[k].mode || !streq(a[i].ifname, b[k].ifname))
			return false;
	}
	return i == na && k == nb && (!n || streq(conf_get(&x->was, router), conf_get(&x->is, router)));
}

/* resolv.conf is the DHCP client's where the property is at its default: that is fixed at the start, too. */
static bool same_resolver(const struct change *x)
{
	const char *def = prop_table[PROP_resolver].def;
	bool was = streq(conf_get(&x->was, PROP_resolver), def), is = streq(conf_get(&x->is, PROP_resolver), def);

	for (size_t i = 0; i < x->old.n4; i++)
		if (x->old.a4[i].mode == JADDR_DHCP)
			return was == is;
	return true;
}

/* Both models. 1: it can change live; 0: only a restart can do it. */
static int models(struct change *x, struct err *e)
{
	const char *name = x->cfg->name;
	int r = running_conf(&x->s.st, &x->was);

	if (r == 0)
		r = running_conf(&x->s.st, &x->is);
	for (size_t i = 0; r == 0 && i < x->props->n; i++)
		if (prop_table[x->props->v[i].id].flags & PF_LIVE)
			r = conf_layer_set(&x->is.own, x->props->v[i].key, x->props->v[i].value);
	if (r == 0) /* of now: it is about this change */
		r = conf_layer_set(&x->is.own, "conflict_wait", conf_get(&x->cfg->conf, PROP_conflict_wait));
	if (r == -ESRCH || conf_true(&x->cfg->conf, PROP_vnet) != x->s.st.vnet)
		return 0;
	if (r < 0)
		return err_oom(e);
	/* what it runs with cannot be made sense of: say nothing, touch nothing */
	if (jail_build(&x->was, name, &x->old, NULL) < 0)
		return 0;
	r = jail_build(&x->is, name, &x->new, e);
	if (r < 0)
		return r;
	if (x->old.nat || x->new.nat) {
		struct ipaddr a;

		if (nat_addr_load(&x->s.c->st, name, &a, NULL) < 0)
			return 0;
		if (x->old.nat)
			r = jail_nat_set(&x->old, &a, e);
		if (r == 0 && x->new.nat)
			r = jail_nat_set(&x->new, &a, e);
		if (r < 0)
			return r;
	}
	if (!x->old.vnet)
		return 1;
	return same_clients(x, false) && same_clients(x, true) && same_resolver(x);
}

/* Which addresses on the host are the jail's own: those its journal removes. */
static int mark_ours(struct change *x, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	int r = journal_load(&x->s.c->st, x->s.jail, &j, e);

	for (size_t i = 0; r == 0 && i < j.n; i++)
		for (size_t k = 0; k < x->f.naddrs && j.undo[i].kind == OP_ADDR_DEL; k++)
			if (ipaddr_same_host(&j.undo[i].addr, &x->f.addrs[k].addr))
				x->f.addrs[k].ours = true;
	return r;
}

static const char *assigned(const struct assigns *props, enum prop_id id)
{
	const char *v = NULL;

	for (size_t i = 0; i < props->n; i++)
		if (props->v[i].id == id)
			v = props->v[i].value;
	return v;
}

/* Last of all: what is taken back is the text, whatever kind of file it was in. */
static int add_resolver(struct change *x, struct err *e)
{
	const char *value = assigned(x->props, PROP_resolver);
	_cleanup_free_ char *is = NULL, *was = NULL;
	struct op redo = { .kind = OP_RESOLV, .where = AT_JAIL }, undo = redo;

	if (!value)
		return 0;
	if (resolver_text(value, &is) < 0)
		return err_oom(e);
	if (!is)
		return 0;
	was = os_jail_resolver(x->s.st.pid);
	if (was && strlen(was) >= RESOLVER_MAX)
		return err_set(
			e, EFBIG,
			"resolver: the jail's own /etc/resolv.conf is too large to be put back if something fails");
	redo.name = undo.name = plan_str(&x->plan, x->s.jail);
	redo.text = plan_str(&x->plan, is);
	undo.text = was ? plan_str(&x->plan, was) : NULL;
	plan_add(&x->plan, PH_QUIET, &redo, &undo);
	return plan_check(&x->plan, e);
}

static int make_plan(struct change *x, struct err *e)
{
	struct session *s = &x->s;
	int r = session_os_jail(s, e);

	if (r == 0)
		r = session_os(s, e);
	if (r == 0 && !s->st.vnet)
		r = share_lock(s, &s->share, e);
	if (r == 0)
		r = os_facts(s->os, &x->old, &x->f, e);
	if (r == 0)
		r = os_facts(s->os, &x->new, &x->f, e);
	x->f.jid = s->st.jid;
	if (r == 0 && !s->st.vnet)
		r = mark_ours(x, e);
	if (r == 0)
		r = share_holders(s, &x->f, e);
	if (r == 0)
		r = plan_live(&x->old, &x->new, &x->f, &x->plan, &x->after, e);
	return r < 0 ? r : add_resolver(x, e);
}

/* An address that comes is in the jail's own journal, too: a stop must find it, however this ends. */
static int sink_append(void *ctx, const struct op *undo, struct err *e)
{
	struct change *x = ctx;
	bool stays = share_is_alias(undo, OP_ADDR_DEL) || undo->kind == OP_FORWARD_DEL;
	int r = stays ? journal_append(x->journal, undo, e) : 0;

	return r < 0 ? r : journal_append(x->live, undo, e);
}

static int write_note(struct change *x, const char *path, const char *name, const char *text, struct err *e)
{
	return journal_append(x->live, &(struct op){ .path = path, .name = name, .text = text }, e);
}

/* For whoever finds it: what the state was, and the values by which a change that was carried to its end is known. */
static int open_live(struct change *x, struct config *before, struct err *e)
{
	const struct state *st = &x->s.st;
	int r = live_remove(&x->s.c->st, x->s.jail, e);

	if (r == 0)
		r = journal_open(&x->s.c->st, x->s.jail, &x->journal, e);
	if (r == 0)
		r = live_open(&x->s.c->st, x->s.jail, &x->live, e);
	if (r == 0)
		r = write_note(x, "state", "ip4", st->ip4, e);
	if (r == 0)
		r = write_note(x, "state", "ip6", st->ip6, e);
	if (r == 0)
		r = write_note(x, "state", "net", st->net, e);
	for (size_t i = 0; r == 0 && i < x->props->n; i++) {
		const struct assign *p = &x->props->v[i];
		const char *old = conf_get_key(&before->conf, p->key);

		if (!old || !streq(old, p->value))
			r = write_note(x, "config", p->key, p->value, e);
	}
	return r;
}

/* As after a start: aliases first, so that a stop removes them when the jail is gone. */
static void aliases_first(struct journal *j)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n; i++) {
		struct op op = j->undo[i];
		char *mem = j->mem[i];

		if (!share_is_alias(&op, OP_ADDR_DEL))
			continue;
		memmove(&j->undo[n + 1], &j->undo[n], (i - n) * sizeof(*j->undo));
		memmove(&j->mem[n + 1], &j->mem[n], (i - n) * sizeof(*j->mem));
		j->undo[n] = op;
		j->mem[n++] = mem;
	}
}

/* Strike aliases out of the jail's journal: those ops (host's ADDR_DEL among others) remove. */
static int strike(struct session *s, const struct op *ops, size_t n, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_free_ bool *keep = NULL;
	int r = journal_load(&s->c->st, s->jail, &j, e);

	if (r < 0)
		return r;
	keep = calloc(j.n + 1, sizeof(*keep));
	if (!keep)
		return err_oom(e);
	aliases_first(&j);
	for (size_t i = 0; i < j.n; i++) {
		keep[i] = true;
		for (size_t k = 0; k < n && share_is_alias(&j.undo[i], OP_ADDR_DEL); k++)
			if (op_equal(&j.undo[i], &ops[k]))
				keep[i] = false;
	}
	return journal_keep(&s->c->st, s->jail, &j, keep, e);
}

/* The aliases the change took from the host: putting them back is among its inverses. */
static int strike_gone(struct session *s, const struct op *undo, size_t n, struct err *e)
{
	_cleanup_free_ struct op *gone = calloc(n + 1, sizeof(*gone));
	size_t k = 0;

	if (!gone)
		return err_oom(e);
	for (size_t i = 0; i < n; i++)
		if (share_is_alias(&undo[i], OP_ADDR_ADD))
			gone[k++] = (struct op){ .kind = OP_ADDR_DEL, .link = undo[i].link, .addr = undo[i].addr };
	return strike(s, gone, k, e);
}

/* The jail is as it was (or the note of what is not so stays for the next command). */
static void settle_undone(struct session *s, const struct op *undo, size_t n, bool stuck, struct err *e)
{
	struct err ignored = ERR_INIT;

	if (stuck) {
		err_hint(e, "%s: what could not be taken back is tried again at the next set or stop", s->jail);
		return;
	}
	(void)!strike(s, undo, n, &ignored);
	(void)!live_remove(&s->c->st, s->jail, &ignored);
}

/* An alias that another jail uses too stayed on the host; it is that jail's now. */
static int hand_over(struct change *x, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	int r = journal_load(&x->s.c->st, x->s.jail, &j, e);

	for (size_t i = 0; r == 0 && i < j.n; i++) {
		bool passed = false;

		if (!share_is_alias(&j.undo[i], OP_ADDR_DEL) || jail_lists(&x->new, &j.undo[i].addr))
			continue;
		r = share_pass(&x->s, &j.undo[i], &passed, e);
		if (r == 0 && passed)
			r = strike(&x->s, &j.undo[i], 1, e);
	}
	return r;
}

/* All is done and written. What is left is tidying: an alias listed twice, or listed and gone, does no harm. */
static void settle_done(struct change *x)
{
	struct backend b = os_backend(x->s.os);
	struct err ignored = ERR_INIT;
	size_t stuck;

	if (!x->s.st.vnet && strike_gone(&x->s, x->undo, x->plan.n, &ignored) == 0)
		(void)!hand_over(x, &ignored);
	if (live_remove(&x->s.c->st, x->s.jail, &ignored) < 0)
		report(&ignored);
	(void)!plan_run(&x->after, &b, NULL, NULL, NULL, &stuck, &ignored);
}

/* The state first, the configuration last: with it the change counts as made. */
static int commit(struct change *x, struct err *e)
{
	struct session *s = &x->s;
	struct state *was = malloc(sizeof(*was));
	struct err ignored = ERR_INIT;
	int r;

	if (!was)
		return err_oom(e);
	*was = s->st;
	live_note(&s->st, &x->is, x->new.nics, x->new.nnics);
	r = state_save(&s->c->st, s->jail, &s->st, e);
	if (r == 0)
		r = config_save(&s->c->st, x->cfg, e);
	if (r < 0) {
		s->st = *was;
		(void)!state_save(&s->c->st, s->jail, &s->st, &ignored);
	}
	free(was);
	return r;
}

static int carry_out(struct change *x, struct err *e)
{
	struct share_backend sh;
	struct backend real = os_backend(x->s.os), b = share_backend(&sh, &x->s, &x->new, &real, true);
	struct journal_sink sink = { x, sink_append };
	struct err why = ERR_INIT;
	size_t stuck = 0;
	int r = plan_run(&x->plan, &b, &sink, NULL, NULL, &stuck, e);

	if (r == 0) {
		r = commit(x, e);
		if (r < 0 && plan_undo(x->undo, x->plan.n, &b, NULL, &why) < 0) {
			err_hint(e, "%s", why.msg);
			stuck = 1;
		}
	}
	if (r < 0)
		settle_undone(&x->s, x->undo, x->plan.n, stuck > 0, e);
	else
		settle_done(x);
	if (x->s.oj.note[0])
		warning("%s: in the jail: %s", x->s.jail, x->s.oj.note);
	x->s.oj.note[0] = '\0';
	return r;
}

static int change_live(struct change *x, struct err *e)
{
	struct config before = { 0 };
	int r = make_plan(x, e);

	if (r < 0)
		return err_wrap(e, "%s", x->s.jail);
	x->undo = calloc(x->plan.n + 1, sizeof(*x->undo));
	if (!x->undo)
		return err_oom(e);
	for (size_t i = 0; i < x->plan.n; i++)
		x->undo[i] = x->plan.steps[i].undo;
	r = config_load(&x->s.c->st, x->s.jail, &before, e);
	if (r < 0)
		return r;
	r = open_live(x, &before, e);
	config_done(&before);
	if (r < 0) /* nothing was done yet */
		(void)!live_remove(&x->s.c->st, x->s.jail, NULL);
	else
		r = carry_out(x, e);
	return r < 0 ? err_wrap(e, "%s", x->s.jail) : r;
}

static bool any_live(const struct assigns *props)
{
	for (size_t i = 0; i < props->n; i++)
		if (prop_table[props->v[i].id].flags & PF_LIVE)
			return true;
	return false;
}

int life_set(struct cli *c, struct config *cfg, const struct assigns *props, bool *ret_live, struct err *e)
{
	_cleanup_(change_done) struct change x = { .cfg = cfg, .props = props, .journal = -1, .live = -1 };
	struct run_opts o = { 0 };
	sigset_t set, old;
	int r;

	*ret_live = false;
	session_init(&x.s, c, cfg->name, &o);
	store_sweep_jail(&c->st, cfg->name);
	r = state_load(&c->st, cfg->name, &x.s.st, e);
	if (r == 0) {
		r = session_held(&x.s, e);
		if (r >= 0)
			r = r ? live_recover(&x.s, e) : -ESRCH;
	}
	if (r == -ESRCH) { /* down meanwhile: the next start cleans up */
		*e = (struct err)ERR_INIT;
		return config_save(&c->st, cfg, e);
	}
	if (r == 0 && any_live(props))
		r = models(&x, e);
	if (r <= 0)
		return r < 0 ? r : config_save(&c->st, cfg, e);
	*ret_live = true;
	/* ^C waits until it is all or nothing */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	r = change_live(&x, e);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return r;
}

/* --- one that was cut off --- */

static bool is_note(const struct op *op, const char *path)
{
	return op->kind == OP_NONE && op->path && streq(op->path, path) && op->name && op->text;
}

/* Did it get as far as its configuration: then all of its steps are done. */
static bool is_committed(struct session *s, const struct journal *j)
{
	struct config cfg = { 0 };
	bool any = false, same = true;

	if (config_load(&s->c->st, s->jail, &cfg, NULL) < 0)
		return false;
	for (size_t i = 0; i < j->n; i++) {
		const char *v;

		if (!is_note(&j->undo[i], "config"))
			continue;
		v = conf_get_key(&cfg.conf, j->undo[i].name);
		any = true;
		same = same && v && streq(v, j->undo[i].text);
	}
	config_done(&cfg);
	return any && same;
}

static int restore_state(struct session *s, const struct journal *j, struct err *e)
{
	const struct {
		const char *name;
		char *to;
		size_t cap;
	} fields[] = { { "ip4", s->st.ip4, sizeof(s->st.ip4) },
		       { "ip6", s->st.ip6, sizeof(s->st.ip6) },
		       { "net", s->st.net, sizeof(s->st.net) } };

	for (size_t i = 0; i < j->n; i++)
		for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++)
			if (is_note(&j->undo[i], "state") && streq(j->undo[i].name, fields[k].name) &&
			    str_copy(fields[k].to, fields[k].cap, j->undo[i].text) < 0)
				return err_set(e, EINVAL, "%s: its note of a live change is not understood", s->jail);
	return state_save(&s->c->st, s->jail, &s->st, e);
}

static int take_back(struct session *s, const struct journal *j, struct err *e)
{
	bool own = !s->os;
	struct share_backend sh;
	struct backend real, b;
	int r = own ? session_os_jail(s, e) : 0;

	if (r == 0 && own)
		r = session_os(s, e);
	if (r < 0)
		return r;
	real = os_backend(s->os);
	b = share_backend(&sh, s, &s->model, &real, true);
	r = os_settle(s->c->st.run, e);
	if (r == 0)
		r = plan_undo(j->undo, j->n, &b, NULL, e);
	if (own) {
		os_close(s->os);
		s->os = NULL;
		free(take_ptr(s->console_log));
	}
	if (r == 0)
		r = restore_state(s, j, e);
	return r < 0 ? r : strike(s, j->undo, j->n, e);
}

int live_recover(struct session *s, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_close_ int lock = -1;
	int r = live_load(&s->c->st, s->jail, &j, e);

	if (r < 0)
		return r;
	/* none, or nothing was done yet of a change that was about to begin: then only the file is left */
	if (!j.n)
		return live_remove(&s->c->st, s->jail, e);
	r = share_lock(s, &lock, e);
	if (r < 0)
		return r;
	if (is_committed(s, &j)) {
		r = strike_gone(s, j.undo, j.n, e);
		if (r < 0)
			return r;
	} else {
		r = take_back(s, &j, e);
		/* what it was about went with the jail, and the rest is for whoever cleans up */
		if (r < 0 && state_up(&s->st, NULL) == 0)
			return err_set(e, ESRCH, "%s ended while a change that was cut off was taken back", s->jail);
		if (r < 0)
			return err_wrap(e, "%s: cannot take back a change that was cut off", s->jail);
		warning("%s: took back a change that was cut off", s->jail);
	}
	return live_remove(&s->c->st, s->jail, e);
}
