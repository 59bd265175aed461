/* life_stop.c - `stop` of one jail: hooks, exec_stop, and the journal replayed. And the soft restart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define NO_HOOK "/usr/bin/true"

static unsigned seconds(const struct session *s, enum prop_id id)
{
	uint64_t v;

	return str_to_uint(conf_get(&s->cfg.conf, id), 0, 86400, &v) ? (unsigned)v : 0;
}

static int apply_one(struct session *s, const struct op *op, struct err *e)
{
	struct backend b = os_backend(s->os);
	const struct op *ops[] = { op };
	size_t failed;

	return b.apply(b.ctx, ops, 1, &failed, e);
}

static int run_hook(struct session *s, const char *name, enum prop_id id, struct err *e)
{
	struct op op = { .kind = OP_HOOK, .where = AT_HOST, .name = name, .id = s->st.jid };

	op.text = conf_get(&s->cfg.conf, id);
	op.timeout = seconds(s, PROP_exec_timeout);
	if (streq(op.text, NO_HOOK) || !*op.text)
		return 0;
	return apply_one(s, &op, e);
}

static int run_inside(struct session *s, enum prop_id id, enum prop_id timeout, struct err *e)
{
	struct op op = { .kind = OP_JAIL_EXEC, .where = AT_JAIL, .name = s->jail, .flags = session_allow(s) };

	op.text = conf_get(&s->cfg.conf, id);
	op.timeout = seconds(s, timeout);
	/* what only says yes need not be asked */
	return *op.text && !streq(op.text, NO_HOOK) && !streq(op.text, "/bin/true") ? apply_one(s, &op, e) : 0;
}

/* --- telling what the replay of the journal does --- */

struct teller {
	struct session *s;
	struct backend real;
	size_t links; /* LINK_DELs still to come */
	bool link_failed, jail_failed;
};

static void tell_done(struct teller *t, const struct op *op, bool ok)
{
	if (op->kind == OP_LINK_DEL && t->links) {
		t->link_failed = t->link_failed || !ok;
		if (--t->links || !t->s->st.vnet)
			return;
		if (t->link_failed)
			warning("  + Tearing down VNET FAILED");
		else
			session_say(t->s, "  + Tearing down VNET OK");
	} else if (op->kind == OP_JAIL_DEL) {
		t->jail_failed = !ok;
		if (ok)
			session_say(t->s, "  + Removing jail process OK");
		else
			warning("  + Removing jail process FAILED");
	}
}

static int telling_apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct teller *t = ctx;
	int r = t->real.apply(t->real.ctx, ops, n, ret_failed, e);

	/* a batch that failed is tried again one by one: only then each has its result */
	if (r < 0 && n > 1)
		return r;
	for (size_t i = 0; i < n; i++)
		tell_done(t, ops[i], r == 0);
	return r;
}

int stop_replay(struct session *s, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	struct teller t = { .s = s, .real = os_backend(s->os) };
	struct backend b = { &t, telling_apply };
	int r = journal_load(&s->c->st, s->jail, &j, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < j.n; i++)
		t.links += j.undo[i].kind == OP_LINK_DEL;
	return session_undo(s, &b, e);
}

/* --- what is known of it cannot be understood --- */

/* The processes by the control group of its name, the rest by its journal, if that can be read; gc knows things by marks. */
static int end_damaged(struct session *s, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	const struct op list[] = { { .kind = OP_CGROUP_DEL, .name = s->jail },
		                   { .kind = OP_JAIL_DEL, .name = s->jail } };
	struct backend b;
	int r;

	s->st = (struct state){ 0 };
	r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	if (r < 0)
		return r;
	b = os_backend(s->os);
	if (journal_load(&s->c->st, s->jail, &j, NULL) == 0) {
		r = session_undo(s, &b, e);
	} else {
		r = plan_undo(list, 2, &b, NULL, e);
		if (r == 0)
			r = journal_keep(&s->c->st, s->jail, &j, NULL, e);
	}
	if (r == 0)
		warning("%s: ended what ran of it; what else it had on this host is removed by: iocage gc", s->jail);
	return r;
}

/* --- stop --- */

/* What runs as the first process decides how, whatever the files inside are by now. */
static int end_services(struct session *s, struct err *e)
{
	const char *init = session_init_path(s);
	unsigned wait = seconds(s, PROP_stop_timeout);
	struct err why = ERR_INIT;
	int r, k;

	if (init) {
		r = os_jail_shutdown(&s->oj, wait, e);
		return r ? r : err_set(e, ETIMEDOUT, "%s did not shut down within %u seconds", init, wait);
	}
	r = s->root.no_rc_stop ? 0 : run_inside(s, PROP_exec_stop, PROP_exec_timeout, e);
	k = os_jail_end_services(&s->oj, wait, &why);
	if (r < 0)
		return r;
	return k > 0    ? 0
	       : k == 0 ? err_set(e, ETIMEDOUT,
	                          "what still runs did not end within %u seconds of SIGTERM (stop_timeout)", wait)
	                : err_set(e, why.code, "%s", why.msg);
}

static void services_told(struct session *s)
{
	struct err why = ERR_INIT;

	if (end_services(s, &why) < 0)
		warning("  + Stopping services FAILED\n%s: %s", s->jail, why.msg);
	else
		session_say(s, "  + Stopping services OK");
}

/* exec_prestop and what ends the services inside. Only a failed prestop stops the stop. */
static int before(struct session *s, struct err *e)
{
	struct err why = ERR_INIT;
	int r = run_hook(s, "exec_prestop", PROP_exec_prestop, &why);

	if (r < 0)
		return err_set(e, why.code,
		               "  + Executing prestop FAILED\nERROR:\n%s\n\nPlease use --force flag to force stop jail",
		               why.msg);
	session_say(s, "  + Executing prestop OK");
	services_told(s);
	return 0;
}

void stop_services(struct session *s, bool alive)
{
	struct err why = ERR_INIT;

	if (run_hook(s, "exec_prestop", PROP_exec_prestop, &why) < 0)
		warning("  + Executing prestop FAILED\n%s: %s", s->jail, why.msg);
	else
		session_say(s, "  + Executing prestop OK");
	if (alive)
		services_told(s);
}

void stop_after(struct session *s)
{
	struct err why = ERR_INIT;

	if (run_hook(s, "exec_poststop", PROP_exec_poststop, &why) < 0)
		warning("  + Executing poststop FAILED\n%s: %s", s->jail, why.msg);
	else
		session_say(s, "  + Executing poststop OK");
}

/* A jail can be stopped whatever its configuration looks like by now: then without hooks. */
void stop_load(struct session *s)
{
	struct err why = ERR_INIT;

	if (session_config(s, &why) < 0 || session_root(s, &why) < 0) {
		report(&why);
		warning("%s: stopping it without exec_prestop, exec_stop and exec_poststop", s->jail);
		if (s->have_model)
			jail_done(&s->model);
		s->have_model = false;
	}
}

/* -EBADMSG: what is written down of it cannot be read. */
static int read_state(struct session *s, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	struct err why = ERR_INIT;
	int r = state_load(&s->c->st, s->jail, &s->st, &why);

	if (r == 0 || r == -ENOENT) {
		int k = journal_load(&s->c->st, s->jail, &j, &why);

		if (k == 0)
			return r;
	}
	(void)hint_untold(s->jail, &why);
	return err_set(e, EBADMSG, "%s", why.msg);
}

static int check_up(struct session *s, struct err *e)
{
	struct restarts rs;
	int r = read_state(s, e);
	int up = r == 0 ? state_up(&s->st, e) : 0;

	if (r == -EBADMSG)
		return r;
	if (up < 0) {
		(void)hint_untold(s->jail, e);
		if (!s->o.force)
			return up;
		report(e); /* the journal is good, and it goes by that */
	}
	if (up > 0) {
		int held = session_held(s, e);

		if (held)
			return held < 0 ? held : 0;
		return err_class(e, ERR_BUSY, ESRCH, "%s is not running!", s->jail);
	}
	if (up)
		return 0;
	restarts_load(&s->c->st, s->jail, &rs);
	if (restarts_underway(&rs))
		warning("%s: it was about to be started again, and is not any more", s->jail);
	r = r == 0 ? session_clean_leftovers(s, s->o.quiet, e) : session_sweep(s, e);
	if (r < 0)
		return r;
	return err_class(e, ERR_BUSY, ESRCH, "%s is not running!", s->jail);
}

static int open_running(struct session *s, struct err *e)
{
	struct err why = ERR_INIT;
	int r = session_lock(s, e);

	if (r == 0)
		r = check_up(s, e);
	if (r == 0)
		r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	if (r == 0 && live_recover(s, &why) < 0)
		report(&why); /* a stop removes all of it anyhow */
	return r;
}

int life_stop(struct cli *c, const char *jail, const struct run_opts *o, struct err *e)
{
	_cleanup_(session_done) struct session s;
	int r;

	session_init(&s, c, jail, o);
	r = open_running(&s, e);
	if (r == -EBADMSG && o->force) {
		report(e);
		return end_damaged(&s, e);
	}
	if (r < 0)
		return r;
	stop_load(&s);
	session_say(&s, "* Stopping %s", jail);
	if (s.have_model && !o->force) {
		r = before(&s, e);
		if (r < 0)
			return r;
	}
	r = stop_replay(&s, e);
	if (r < 0)
		return err_wrap(e, "%s", jail);
	if (s.have_model)
		stop_after(&s);
	return 0;
}

/* --- soft restart --- */

/* Everything but the first process and the shell that does it. */
static int kill_inside(struct session *s, struct err *e)
{
	static char *const argv[] = {
		(char *)"/bin/sh", (char *)"-c",
		(char *)"trap '' TERM; kill -TERM -1 2>/dev/null; sleep 1; kill -KILL -1 2>/dev/null; :", NULL
	};
	static char *const env[] = { (char *)"PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL };
	struct os_exec x = { .argv = argv, .env = env, .allow = session_allow(s) };
	int status;

	return os_exec(&s->oj, &x, &status, e);
}

int life_soft_restart(struct cli *c, const char *jail, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { 0 };
	struct err why = ERR_INIT;
	int r;

	session_init(&s, c, jail, &o);
	r = open_running(&s, e);
	if (r == 0)
		r = session_config(&s, e);
	if (r == 0)
		r = session_root(&s, e);
	if (r < 0)
		return r;
	if (session_init_path(&s))
		return err_set(e, ENOTSUP, "%s runs an init of its own (%s): use 'iocage restart %s'", jail,
		               session_init_path(&s), jail);
	if (!s.root.no_rc_stop && run_inside(&s, PROP_exec_stop, PROP_exec_timeout, &why) < 0)
		warning("  + Stopping services FAILED\n%s: %s", jail, why.msg);
	r = kill_inside(&s, e);
	if (r == 0 && !s.root.src.no_rc)
		r = run_inside(&s, PROP_exec_start, PROP_exec_timeout, e);
	if (r < 0)
		return err_wrap(e, "%s", jail);
	s.st.started = (int64_t)time(NULL);
	return state_save(&c->st, jail, &s.st, e);
}
