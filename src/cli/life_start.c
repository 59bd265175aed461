/* life_start.c - `start` of one jail: depends, facts, plan, journal, and what the user is told on the way. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/life.h"

/* The jails being started because of one another, innermost first. */
struct chain {
	const char *jail;
	const struct chain *up;
};

static int start_one(struct cli *c, const char *jail, const struct run_opts *o, const struct chain *up, struct err *e);

/* --- depends --- */

static int circle(const struct chain *at, const char *jail, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	_cleanup_(strv_done) struct strv names = { 0 };

	for (; at; at = at->up) {
		if (strv_add(&names, at->jail) < 0)
			return err_oom(e);
		if (streq(at->jail, jail))
			break;
	}
	for (size_t i = names.n; i-- > 0;)
		sbuf_addf(&b, "%s -> ", names.v[i]);
	sbuf_add(&b, jail);
	return b.failed ? err_oom(e) : err_set(e, ELOOP, "depends goes in a circle: %s", b.p);
}

static int start_depends(struct session *s, const struct chain *here, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	const char *depends = conf_get(&s->cfg.conf, PROP_depends);
	struct run_opts o = s->o;

	o.again = NULL;
	if (streq(depends, "none"))
		return 0;
	if (strv_split(&names, depends, " \t,") < 0)
		return err_oom(e);
	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.v[i];
		int r;

		for (const struct chain *at = here; at; at = at->up)
			if (streq(at->jail, name))
				return circle(here, name, e);
		if (!store_has_jail(&s->c->st, name))
			return err_class(e, ERR_MISSING, ENOENT, "%s depends on %s: jail '%s' not found!", s->jail,
			                 name, name);
		r = jail_running(s->c, name, NULL, e);
		if (r > 0)
			continue;
		if (r == 0)
			r = start_one(s->c, name, &o, here, e);
		/* somebody else was faster */
		if (r < 0 && r != -EALREADY)
			return err_hint(e, "%s depends on %s, which did not start", s->jail, name);
	}
	return 0;
}

static void release_share(struct session *s)
{
	store_unlock(&s->share);
}

/* --- what the user is told --- */

struct story {
	struct session *s;
	bool told_options, told[PH__COUNT];
	enum phase failed; /* PH__COUNT: none */
};

static void tell_options(struct story *t)
{
	const struct conf *c = &t->s->cfg.conf;
	_cleanup_(sbuf_done) struct sbuf b = { 0 }, ip4 = { 0 };
	struct {
		const char *addr;
		enum prop_id sel, mode;
		const char *name;
	} fam[] = { { "none", PROP_ip4_saddrsel, PROP_ip4, "ip4" },
		    { conf_get(c, PROP_ip6_addr), PROP_ip6_saddrsel, PROP_ip6, "ip6" } };

	if (t->told_options)
		return;
	t->told_options = true;
	if (t->s->model.vnet) {
		session_say(t->s, "  + Using IP options: vnet");
		return;
	}
	if (jail_ip4_text(c, &ip4, NULL) == 0)
		fam[0].addr = ip4.p;
	for (size_t i = 0; i < 2; i++) {
		if (!streq(fam[i].addr, "none"))
			sbuf_addf(&b, " %s.addr=%s", fam[i].name, fam[i].addr);
		sbuf_addf(&b, " %s.saddrsel=%d %s=%s", fam[i].name, conf_true(c, fam[i].sel), fam[i].name,
		          conf_get(c, fam[i].mode));
	}
	if (b.p)
		session_say(t->s, "  + Using IP options:%s", b.p);
}

/* Lines come in the order users know, whatever phases the plan had nothing to do in. */
static void tell(struct story *t, enum phase ph)
{
	if (t->told[ph])
		return;
	t->told[ph] = true;
	switch (ph) {
	case PH_START:
		session_say(t->s, "  + Started OK");
		if (!t->s->model.vnet)
			tell_options(t);
		break;
	case PH_VNET:
		if (t->s->model.vnet)
			session_say(t->s, "  + Configuring VNET OK");
		tell_options(t);
		break;
	case PH_SERVICES:
		session_say(t->s, "  + Starting services OK");
		break;
	case PH_POSTSTART:
		session_say(t->s, "  + Executing poststart OK");
		break;
	default:
		break;
	}
}

/* What is taken back now may be an uplink, and its lock comes before that of bridges. */
static void lock_again(struct session *s)
{
	struct err ignored = ERR_INIT;
	bool shared = s->share >= 0;

	release_share(s);
	(void)!uplink_lock(s, &ignored);
	if (shared)
		(void)!share_bridges_alone(s, &s->share, &ignored);
}

static void on_phase(void *ctx, enum phase ph, bool ok)
{
	struct story *t = ctx;

	if (!ok) {
		t->failed = ph;
		if (*t->s->model.uplink && t->s->uplinks < 0)
			lock_again(t->s);
		/* what is taken back now may be a bridge */
		while (t->s->share >= 0 && flock(t->s->share, LOCK_EX) < 0 && errno == EINTR)
			;
		return;
	}
	if (ph >= PH_VNET)
		release_share(t->s);
	for (enum phase p = PH_START; p <= ph; p++)
		tell(t, p);
}

static int start_failed(const struct story *t, struct err *e)
{
	const char *jail = t->s->jail;
	struct err why = *e;

	/* the jail's mounts and its confinement are heard of when its first command is to run */
	switch (t->failed == PH_SERVICES && why.cls != ERR_ENTRY ? PH_START : t->failed) {
	case PH_PRESTART:
		return err_set(e, why.code,
		               "  + Executing exec_prestart FAILED\nERROR:\n%s\n\nRefusing to start %s: "
		               "exec_prestart failed",
		               why.msg, jail);
	case PH_VNET:
		return err_set(e, why.code, "  + Configuring VNET FAILED\n%s: %s", jail, why.msg);
	case PH_SERVICES:
		return err_set(e, why.code,
		               "  + Starting services FAILED\nERROR:\n%s\n\nRefusing to start %s: "
		               "%s failed",
		               why.msg, jail, t->s->root.init ? "its init" : "exec_start");
	case PH_POSTSTART:
		return err_set(e, why.code,
		               "  + Executing poststart FAILED\nERROR:\n%s\n\nRefusing to start %s: "
		               "exec_poststart failed",
		               why.msg, jail);
	default:
		return err_set(e, why.code, "  + Start FAILED\n%s: %s", jail, why.msg);
	}
}

/* Properties that were changed and are not carried out here: one line, at every start that is not quiet. */
static void tell_ignored(const struct session *s)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	_cleanup_(sbuf_done) struct sbuf b = { 0 };
	size_t n = prop_nolinux_changed(&s->cfg.conf, &names);

	if (!n || s->o.quiet)
		return;
	for (size_t i = 0; i < names.n; i++)
		sbuf_addf(&b, "%s%s", i ? ", " : "", names.v[i]);
	if (b.p)
		warning("%s: kept, but without effect on this system: %s", s->jail, b.p);
}

/* --- ^C in the middle --- */

static struct {
	pid_t pid;
	const char *self;
	char *argv[5];
	char status[8];
} on_signal;

/*
 * The start ends where it is, and this process becomes the one that cleans up: nothing but execv is needed, which a signal
 * handler may call; the lock is let go by it. Children that have not executed anything yet just end.
 */
static void interrupted(int sig)
{
	static const char text[] = "\nInterrupted: removing what was started\n";

	if (getpid() == on_signal.pid && write(STDERR_FILENO, text, sizeof(text) - 1) >= 0)
		execv(on_signal.self, on_signal.argv);
	_exit(128 + sig);
}

static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
#define NCAUGHT (sizeof(caught) / sizeof(*caught))

static void catch_signals(const struct session *s, struct sigaction *old)
{
	struct sigaction sa = { .sa_handler = interrupted };

	on_signal.pid = getpid();
	on_signal.self = s->c->self;
	(void)snprintf(on_signal.status, sizeof(on_signal.status), "%d", 128 + SIGINT);
	on_signal.argv[0] = (char *)(uintptr_t) "iocage";
	on_signal.argv[1] = (char *)(uintptr_t) "reap";
	on_signal.argv[2] = (char *)(uintptr_t)s->jail;
	on_signal.argv[3] = on_signal.status;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < NCAUGHT; i++) {
		(void)sigaction(caught[i], NULL, &old[i]);
		/* what was ignored by who started us stays so (nohup) */
		if (*on_signal.self && old[i].sa_handler == SIG_DFL)
			(void)sigaction(caught[i], &sa, NULL);
	}
}

static void release_signals(const struct sigaction *old)
{
	for (size_t i = 0; i < NCAUGHT; i++)
		(void)sigaction(caught[i], &old[i], NULL);
}

/* --- the start itself --- */

static void state_from_os(struct session *s)
{
	s->st.pid = s->oj.pid;
	s->st.pid_start = s->oj.pid_start;
	s->st.monitor = s->oj.monitor;
	s->st.monitor_start = s->oj.monitor_start;
	memcpy(s->st.cgroup, s->oj.cgroup, sizeof(s->st.cgroup));
}

static int sink_append(void *ctx, const struct op *undo, struct err *e)
{
	const int *fd = ctx;

	return journal_append(*fd, undo, e);
}

static int sink_nothing(void *ctx, const struct op *undo, struct err *e)
{
	(void)ctx;
	(void)undo;
	(void)e;
	return 0;
}

static int print_plan(const struct plan *p, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct backend b = print_backend(&out);
	struct journal_sink sink = { NULL, sink_nothing };
	size_t stuck = 0;
	int r = plan_run(p, &b, &sink, NULL, NULL, &stuck, e);

	return r < 0 ? r : print_sbuf(&out, e);
}

/* What whoever cleans up after us needs: the control group has all of the jail's processes, so no pid is written down yet. */
static int first_state(struct session *s, struct err *e)
{
	const struct conf *c = &s->cfg.conf;
	int r;

	memcpy(s->st.cgroup, s->oj.cgroup, sizeof(s->st.cgroup));
	s->st.vnet = s->model.vnet;
	s->st.lifecycle = LIFE_STARTING;
	live_note(&s->st, c, s->model.nics, s->model.nnics);
	if (str_copy(s->st.release, sizeof(s->st.release), conf_get(c, PROP_release)) < 0)
		s->st.release[0] = '\0';
	/* a path that is too long is looked for again at the stop */
	if (str_copy(s->st.init, sizeof(s->st.init), s->root.init ? s->root.init : "builtin") < 0)
		s->st.init[0] = '\0';
	r = state_save(&s->c->st, s->jail, &s->st, e);
	if (r == 0 && s->o.again) {
		s->o.again->pending = 0;
		r = restarts_save(&s->c->st, s->jail, s->o.again, e);
	}
	return r;
}

/* Run the plan; on failure nothing of it is left (or the journal says what is). */
static int carry_out(struct session *s, const struct plan *p, struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct story t = { .s = s, .failed = PH__COUNT };
	struct journal_sink sink = { &fd, sink_append };
	struct backend real = os_backend(s->os), b = real;
	struct uplink_backend u;
	struct share_backend sh;
	struct err ignored = ERR_INIT;
	size_t stuck = 0;
	int r = first_state(s, e);

	if (*s->model.uplink)
		b = uplink_backend(&u, s, &real);
	if (!s->model.vnet)
		b = share_backend(&sh, s, &s->model, &real, false);

	/* from here on others see which addresses we use; a bridge is in use when it has our port */
	if (!s->model.vnet)
		release_share(s);
	if (r == 0)
		r = journal_open(&s->c->st, s->jail, &fd, e);
	if (r == 0)
		r = plan_run(p, &b, &sink, on_phase, &t, &stuck, e);
	release_share(s);
	if (r == 0) {
		state_from_os(s);
		s->st.lifecycle = LIFE_UP;
		s->st.started = (int64_t)time(NULL);
		r = state_save(&s->c->st, s->jail, &s->st, e);
		if (r < 0) {
			/* nobody would find this jail again */
			(void)!session_undo(s, &real, &ignored);
			return r;
		}
		for (enum phase ph = PH_START; ph < PH__COUNT; ph++)
			tell(&t, ph);
		learned_tell(s);
		if (!s->root.init && s->root.src.no_rc)
			session_say(s, "  + Nothing runs in it: its root has neither an init nor /etc/rc (exec_start)");
		return 0;
	}
	/* what the runner undid is gone; what another jail handed to us meanwhile is still to be done */
	if (!stuck)
		(void)!session_undo(s, &real, &ignored);
	return start_failed(&t, e);
}

static bool makes_bridge(const struct jail *j, const struct facts *f)
{
	for (size_t i = 0; j->vnet && i < j->nnics; i++)
		if (j->nics[i].bridge[0] && !facts_link(f, j->nics[i].bridge))
			return true;
	return false;
}

/* Two starts that miss the same bridge: one makes it, the other looks again. */
static int gather(struct session *s, struct facts *f, struct err *e)
{
	int r = os_facts(s->os, &s->model, f, e);

	if (r < 0 || s->share < 0 || !makes_bridge(&s->model, f))
		return r;
	while (flock(s->share, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_sys(e, "lock the bridges");
	facts_done(f);
	*f = (struct facts){ 0 };
	return os_facts(s->os, &s->model, f, e);
}

static int plan_and_run(struct session *s, struct err *e)
{
	_cleanup_(plan_done) struct plan p = { 0 };
	_cleanup_(facts_done) struct facts f = { 0 };
	struct sigaction old[NCAUGHT];
	struct err ignored = ERR_INIT;
	int r = jid_take(&s->c->st, &s->st.jid, e);

	if (r < 0)
		return r;
	s->st.vnet = s->model.vnet;
	r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	if (r == 0 && !s->o.dry_run && s->model.vnet && *s->model.uplink)
		r = uplink_lock(s, e);
	if (r == 0 && !s->o.dry_run && (!s->model.vnet || s->model.nnics))
		r = s->model.vnet ? share_bridges(s, &s->share, e) : share_lock(s, &s->share, e);
	if (r == 0)
		r = session_nat(s, e);
	if (r == 0)
		r = session_localhost(s, e);
	if (r == 0)
		r = gather(s, &f, e);
	if (r == 0)
		r = uplink_facts(s, &f, e);
	if (r == 0) {
		f.jid = s->st.jid;
		r = share_holders(s, &f, e);
	}
	if (r == 0)
		r = plan_start(&s->model, &f, &s->root.src, &p, e);
	if (r < 0 || s->o.dry_run) {
		(void)!jid_put(&s->c->st, s->st.jid, &ignored);
		return r < 0 ? err_wrap(e, "%s", s->jail) : print_plan(&p, e);
	}
	session_say(s, "* Starting %s", s->jail);
	tell_ignored(s);
	uplink_warn(s, &f);
	warn_shared(s, &p);
	if (!plan_uplink_bridge(&s->model, &f))
		uplink_release(s);
	catch_signals(s, old);
	r = carry_out(s, &p, e);
	release_signals(old);
	return r;
}

static int check_type(const struct session *s, struct err *e)
{
	const char *type = conf_get(&s->cfg.conf, PROP_type);

	if (streq(type, "template") || conf_true(&s->cfg.conf, PROP_template))
		return err_set(e, EINVAL, "Please convert back to a jail before trying to start %s", s->jail);
	if (streq(type, "basejail"))
		return err_set(e, EINVAL, "Please run \"iocage migrate\" before trying to start %s", s->jail);
	return 0;
}

/* With the lock: is it down, and is nothing left over from before. */
static int check_down(struct session *s, struct err *e)
{
	int r = state_load(&s->c->st, s->jail, &s->st, e);

	if (r == -ENOENT) {
		s->st = (struct state){ 0 };
		return s->o.dry_run ? 0 : session_sweep(s, e);
	}
	if (r == 0)
		r = state_up(&s->st, e);
	if (r < 0)
		return hint_untold(s->jail, e);
	if (r && !s->o.dry_run) {
		int held = session_held(s, e);

		if (held <= 0)
			return held;
	}
	if (r)
		return err_class(e, ERR_BUSY, EALREADY, "%s is already running!", s->jail);
	if (s->o.dry_run) {
		s->st = (struct state){ 0 };
		return 0;
	}
	return session_clean_leftovers(s, s->o.quiet, e);
}

static int load(struct session *s, struct err *e)
{
	int r = config_load(&s->c->st, s->jail, &s->cfg, e);

	if (r < 0)
		return r;
	s->have_cfg = true;
	return check_type(s, e);
}

/* The lock; and if nobody asked for this start, it has not been called off. */
static int lock_wanted(struct session *s, struct err *e)
{
	int r = store_has_jail(&s->c->st, s->jail) ? session_lock(s, e) : 0;

	return r == 0 && s->o.again ? restart_pending(s, e) : r;
}

/*
 * The configuration, as it stays while we have the jail's lock. What the jail depends on is started without it: two jails
 * that wait for each other's would wait for long.
 */
static int load_locked(struct session *s, const struct chain *here, struct err *e)
{
	int r = lock_wanted(s, e);

	if (r == 0)
		r = load(s, e);
	if (r < 0 || s->o.dry_run || streq(conf_get(&s->cfg.conf, PROP_depends), "none"))
		return r;
	closep(&s->lock);
	r = start_depends(s, here, e);
	if (r == 0)
		r = lock_wanted(s, e);
	if (r < 0)
		return r;
	config_done(&s->cfg);
	s->have_cfg = false;
	return load(s, e);
}

/* With the lock: nothing is left of the start but that another one may follow. */
static void restart_failed(struct session *s)
{
	struct err why = ERR_INIT;

	s->o.again->pending = getpid();
	if (s->lock >= 0 && restarts_save(&s->c->st, s->jail, s->o.again, &why) < 0)
		report(&why);
}

static int start_one(struct cli *c, const char *jail, const struct run_opts *o, const struct chain *up, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct chain here = { jail, up };
	int r;

	session_init(&s, c, jail, o);
	r = load_locked(&s, &here, e);
	if (r == 0)
		r = check_down(&s, e);
	if (r == 0 && !o->dry_run)
		r = store_private_jail(&c->st, jail, e);
	if (r == 0)
		r = conf_check_joint(&s.cfg.conf, jail, e);
	if (r == 0)
		r = session_config(&s, e);
	if (r == 0)
		r = session_root(&s, e);
	if (r == 0)
		r = o->dry_run ? 0 : os_check(s.model.vnet, e);
	if (r == 0 && !o->dry_run)
		r = session_apparmor(&s, e);
	if (r == 0)
		r = plan_and_run(&s, e);
	if (r < 0 && r != -ECANCELED && o->again)
		restart_failed(&s);
	return r;
}

int life_start(struct cli *c, const char *jail, const struct run_opts *o, struct err *e)
{
	return start_one(c, jail, o, NULL, e);
}
