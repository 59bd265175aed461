/* cmd_gc.c - gc: removes what jails that are gone left behind, and what carries our mark and belongs to no jail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define LOCK_WAIT 2 /* seconds: the processes of a killed command hold its lock until they notice */

/* One run of gc. Everything removed, or to be removed, is a line on stdout. */
struct gc {
	struct cli *c;
	bool dry, silent; /* silent: dry, and nothing is said or waited for: it is counted */
	size_t found;
	char first[256]; /* silent: the first, in words */
	int status; /* 1: something could not be removed, which is reported */
	struct strv wanted; /* what journals list, as op_format writes it: it has an owner */
	struct strv marked; /* what carries our mark, in the same form */
};

/* what: begins with a verb */
static void say_text(struct gc *g, const char *what, const char *jail)
{
	g->found++;
	if (!g->silent)
		info("%s%s%s%s", jail ? jail : "", jail ? ": " : "", g->dry ? "would " : "", what);
	else if (g->found == 1)
		(void)!str_copy(g->first, sizeof(g->first), what);
}

static void say(struct gc *g, const struct op *undo, const char *jail)
{
	char what[256];

	op_describe(undo, what, sizeof(what));
	say_text(g, what, jail);
}

static void failed(struct gc *g, const struct err *e)
{
	if (!g->silent)
		report(e);
	g->status = 1;
}

/* --- jails that are gone --- */

static int note_journal(struct gc *g, const struct journal *j, struct err *e)
{
	for (size_t i = 0; i < j->n; i++) {
		_cleanup_(sbuf_done) struct sbuf b = { 0 };

		op_format(&j->undo[i], &b);
		if (b.failed || strv_add(&g->wanted, b.p) < 0)
			return err_oom(e);
	}
	return 0;
}

/* Under its name, but not what we made: it stays, and is named. */
static void tell_strangers(struct session *s, const struct journal *j)
{
	for (size_t i = j->n; i-- > 0;)
		if (os_is_there(s->os, &j->undo[i])) {
			char what[256];

			op_describe(&j->undo[i], what, sizeof(what));
			warning("%s: did not %s: it is in use, or not what %s made", s->jail, what, s->jail);
		}
}

/* A change of a running jail that was cut off. False: the jail is down meanwhile. */
static bool collect_live(struct gc *g, struct session *s)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	struct err e = ERR_INIT;
	int r = g->dry ? live_load(&g->c->st, s->jail, &j, &e) : live_recover(s, &e);

	if (r == -ESRCH)
		return false;
	if (r < 0)
		failed(g, &e);
	else if (j.n)
		say_text(g, "take back a change that was cut off", s->jail);
	return true;
}

static int collect_jail(struct gc *g, const char *name, struct err *e)
{
	_cleanup_(session_done) struct session s;
	_cleanup_(journal_done) struct journal j = { 0 };
	struct run_opts o = { .quiet = true };
	bool running;
	int r, up;

	session_init(&s, g->c, name, &o);
	r = store_lock_jail(&g->c->st, name, false, g->silent ? 0 : LOCK_WAIT, &s.lock, e);
	if (r == -EBUSY) {
		if (!g->silent)
			warning("%s: left alone, another iocage command works on it", name);
		return journal_load(&g->c->st, name, &j, e) < 0 ? 0 : note_journal(g, &j, e);
	}
	if (r == 0)
		r = journal_load(&g->c->st, name, &j, e);
	if (r < 0)
		return r;
	r = state_load(&g->c->st, name, &s.st, e);
	up = r == 0 ? state_up(&s.st, e) : r == -ENOENT ? 0 : r;
	if (up < 0) {
		/* it may run: what its journal lists has an owner */
		if (note_journal(g, &j, NULL) < 0)
			return -ENOMEM;
		return hint_untold(name, e);
	}
	running = up > 0;
	if (running)
		running = collect_live(g, &s);
	if (running || g->dry) {
		for (size_t i = j.n; !running && i-- > 0;)
			say(g, &j.undo[i], name);
		return note_journal(g, &j, e);
	}
	for (size_t i = j.n; i-- > 0;)
		say(g, &j.undo[i], name);
	if (r == -ENOENT && !j.n) {
		struct restarts rs;

		/* a jail that is about to be started again, or ended too often: the next start or stop takes that away */
		restarts_load(&g->c->st, name, &rs);
		return (restarts_underway(&rs) || rs.gave_up) && store_has_jail(&g->c->st, name) ? 0
		                                                                                 : session_sweep(&s, e);
	}
	r = session_clean_leftovers(&s, true, e);
	if (r < 0) {
		failed(g, e);
		return note_journal(g, &j, e);
	}
	r = session_os_jail(&s, e);
	if (r == 0)
		r = session_os(&s, e);
	if (r == 0)
		tell_strangers(&s, &j);
	return r;
}

static int collect_jails(struct gc *g, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = state_names(&g->c->st, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct err one = ERR_INIT;

		if (collect_jail(g, names.v[i], &one) < 0)
			failed(g, &one);
	}
	return r;
}

/* --- things without a jail --- */

/* Uplinks that were joined and that no journal takes out again. */
static int collect_uplinks(struct gc *g, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = uplink_names(&g->c->st, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		_cleanup_(session_done) struct session s;
		struct run_opts o = { .quiet = true };
		struct err one = ERR_INIT;
		bool orphan = false;

		session_init(&s, g->c, "", &o);
		if (uplink_orphan(&s, names.v[i], g->dry, &orphan, &one) < 0)
			failed(g, &one);
		else if (orphan)
			say(g, &(struct op){ .kind = OP_UPLINK_DEL, .link = names.v[i], .bridge = "its bridge" }, NULL);
	}
	return r;
}

static int see_marked(void *ctx, const struct op *undo)
{
	struct gc *g = ctx;
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	op_format(undo, &b);
	return b.failed || strv_add(&g->marked, b.p) < 0 ? -ENOMEM : 0;
}

/* A journal lists it: the same kind of thing under the same name. */
static bool has_owner(const struct gc *g, const struct op *undo)
{
	for (size_t i = 0; i < g->wanted.n; i++) {
		_cleanup_free_ char *mem = NULL;
		struct op w;

		if (op_parse(g->wanted.v[i], &w, &mem, NULL) == 0 && op_same_thing(&w, undo))
			return true;
	}
	return false;
}

/* The jail a marked thing belongs to by its own words, "" when it does not say. */
static void jail_of(const struct op *undo, char *buf, size_t cap)
{
	const char *p = undo->name ? undo->name : "";

	if (undo->kind == OP_LINK_DEL && undo->alias && str_starts(undo->alias, OP_MARK_LINK))
		p = undo->alias + strlen(OP_MARK_LINK);
	snprintf(buf, cap, "%.*s", (int)strcspn(p, " "), p);
}

struct looked_for {
	const struct op *undo;
	bool found;
};

static int see_again(void *ctx, const struct op *undo)
{
	struct looked_for *l = ctx;

	l->found = l->found || op_same_thing(undo, l->undo);
	return 0;
}

/*
 * With the lock under which such things are made: is it still nobody's. What was looked at before may have been made by a
 * start since.
 */
static int lock_thing(struct session *s, const struct op *undo, bool *ret_free, struct err *e)
{
	struct state st;
	int r;

	*ret_free = true;
	if (undo->kind == OP_BRIDGE_DEL)
		return share_bridges_alone(s, &s->share, e);
	if (undo->kind == OP_ADDR_DEL) {
		r = share_lock(s, &s->share, e);
		return r < 0 ? r : share_is_free(s, &undo->addr, ret_free, e);
	}
	r = store_lock_jail(&s->c->st, s->jail, false, LOCK_WAIT, &s->lock, e);
	if (r == 0)
		r = state_load(&s->c->st, s->jail, &st, e);
	*ret_free = r == -ENOENT;
	if (r == -ENOENT) {
		/* a jail that started since may have its number, and so the name of its interface */
		struct looked_for l = { undo, false };

		r = os_marked(s->c->st.run, see_again, &l, e);
		*ret_free = l.found;
	}
	return r == -EBUSY ? 0 : r;
}

/* As if a journal had listed it. A control group stands for its whole jail. */
static int remove_thing(struct gc *g, const struct op *undo, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { .quiet = true };
	char name[JAIL_NAME_MAX + 1];
	struct op list[2] = { *undo, { .kind = OP_JAIL_DEL, .name = name } };
	struct backend b;
	bool is_free;
	int r;

	jail_of(undo, name, sizeof(name));
	session_init(&s, g->c, name, &o);
	r = lock_thing(&s, undo, &is_free, e);
	if (r < 0 || !is_free)
		return r;
	r = session_os_jail(&s, e);
	if (r == 0)
		r = session_os(&s, e);
	if (r < 0)
		return r;
	say(g, undo, NULL);
	b = os_backend(s.os);
	r = plan_undo(list, undo->kind == OP_CGROUP_DEL ? 2 : 1, &b, NULL, e);
	if (r == 0 && os_is_there(s.os, undo)) {
		char what[256];

		op_describe(undo, what, sizeof(what));
		warning("did not %s: it is in use", what);
	}
	return r;
}

static int collect_one(struct gc *g, const char *text, bool shared, bool bridges, struct err *e)
{
	_cleanup_free_ char *mem = NULL;
	struct err one = ERR_INIT;
	char what[256];
	struct op undo;
	int r = op_parse(text, &undo, &mem, e);

	if (r < 0 || (undo.kind == OP_BRIDGE_DEL) != bridges || has_owner(g, &undo))
		return r;
	op_describe(&undo, what, sizeof(what));
	if (shared && undo.kind != OP_CGROUP_DEL) {
		if (!g->silent)
			warning("did not %s: jails of another IOCAGE_RUN run on this host, it may be theirs", what);
		return 0;
	}
	if (g->dry)
		say(g, &undo, NULL);
	else if (remove_thing(g, &undo, &one) < 0)
		failed(g, &one);
	return 0;
}

static int collect_marked(struct gc *g, struct err *e)
{
	/* addresses and interfaces do not say which run directory they belong to */
	bool shared = os_other_runs(g->c->st.run);
	int r = os_marked(g->c->st.run, see_marked, g, e);

	/* bridges last: one that has ports stays */
	for (int bridges = 0; bridges < 2; bridges++)
		for (size_t i = 0; r == 0 && i < g->marked.n; i++)
			r = collect_one(g, g->marked.v[i], shared, bridges, e);
	return r;
}

size_t gc_count(struct cli *c, char *first, size_t cap)
{
	struct gc g = { .c = c, .dry = true, .silent = true };
	struct err ignored = ERR_INIT;

	if (collect_jails(&g, &ignored) == 0 && collect_uplinks(&g, &ignored) == 0)
		(void)!collect_marked(&g, &ignored);
	strv_done(&g.wanted);
	strv_done(&g.marked);
	(void)!str_copy(first, cap, g.first);
	return g.found;
}

int cmd_gc(struct cli *c, struct args *a, struct err *e)
{
	struct gc g = { .c = c, .dry = args_has(a, OPT_DRY_RUN) };
	size_t files = 0;
	int r = cli_open(c, true, e);

	if (r == 0)
		r = collect_jails(&g, e);
	if (r == 0)
		r = collect_uplinks(&g, e);
	if (r == 0 && !g.dry)
		r = os_settle(c->st.run, e);
	if (r == 0)
		r = collect_marked(&g, e);
	if (r == 0 && !g.dry)
		r = store_sweep(&c->st, &files, e);
	if (r == 0 && files)
		info("removed %zu unfinished files and directories", files);
	if (r == 0 && !g.found && !files)
		info("Nothing to remove.");
	strv_done(&g.wanted);
	strv_done(&g.marked);
	return r < 0 ? r : g.status;
}
