/* life_end.c - a jail that ends by what happens inside it: reboot(2), or its first process is gone. And its next start. */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/life.h"

#define PAUSE_S 1 /* between one restart and the next: whoever ends at once shall not keep the host busy */

static int64_t now_s(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec;
}

/* Is it the jail whose monitor called us: it became this process, or waits for us. */
static bool is_ours(const struct state *st)
{
	return st->lifecycle == LIFE_UP && st->monitor && (st->monitor == getpid() || st->monitor == getppid());
}

static void say_how(const struct session *s, const char *how)
{
	if (streq(how, "reboot"))
		session_say(s, "* Rebooting %s: root in it called reboot(2)", s->jail);
	else if (streq(how, "halt"))
		session_say(s, "* Stopping %s: root in it called reboot(2) to halt", s->jail);
	else
		session_say(s, "* %s ended by itself: its first process is gone (%s)", s->jail, how);
}

/* With the lock and the jail down: is it started again. 1: *rs is written, and says so. */
static int decide(struct session *s, const char *how, struct restarts *rs, struct err *e)
{
	int r;

	if (!s->have_model || !restart_wanted(how, conf_get(&s->cfg.conf, PROP_restart)))
		return 0;
	if (restart_note(rs, now_s())) {
		rs->pending = getpid();
		r = restarts_save(&s->c->st, s->jail, rs, e);
		return r < 0 ? r : 1;
	}
	rs->pending = 0;
	warning("%s: not started again: that was done %u times within %d seconds", s->jail, rs->n, RESTARTS_WITHIN);
	return restarts_save(&s->c->st, s->jail, rs, e);
}

/* The stop. With the lock, of a jail that is ours. 1: it is to be started again, 0: not. */
static int end_ours(struct session *s, const char *how, struct restarts *rs, struct err *e)
{
	struct err why = ERR_INIT;
	int alive = os_jail_alive(s->st.pid, s->st.pid_start, e), r;

	if (alive < 0)
		return hint_untold(s->jail, e);
	restarts_load(&s->c->st, s->jail, rs);
	if (s->st.monitor == getpid())
		s->st.monitor = 0; /* it must not be ended like any other */
	r = session_os_jail(s, e);
	if (r == 0)
		r = session_os(s, e);
	if (r < 0)
		return r;
	if (live_recover(s, &why) < 0 && why.code != ESRCH)
		report(&why);
	stop_load(s);
	say_how(s, how);
	if (s->have_model)
		stop_services(s, alive > 0);
	r = stop_replay(s, e);
	if (r < 0)
		return err_wrap(e, "%s", s->jail);
	if (s->have_model)
		stop_after(s);
	return decide(s, how, rs, e);
}

static int end_one(struct cli *c, const char *jail, const char *how, struct restarts *rs, struct err *e)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { 0 };
	int r;

	session_init(&s, c, jail, &o);
	r = session_lock(&s, e);
	if (r == 0)
		r = state_load(&c->st, jail, &s.st, e);
	/* a stop was faster, or a start after it: then it is not ours any more */
	if (r < 0 || !is_ours(&s.st))
		return r == -ENOENT ? 0 : r;
	return end_ours(&s, how, rs, e);
}

/* A start failed, which has said so: is there to be another. 1 or 0. */
static int once_more(struct cli *c, const char *jail, struct restarts *rs)
{
	_cleanup_(session_done) struct session s;
	struct run_opts o = { 0 };
	struct err e = ERR_INIT;
	int r;

	session_init(&s, c, jail, &o);
	r = session_lock(&s, &e);
	if (r == 0)
		r = restart_pending(&s, &e);
	if (r == 0)
		r = session_config(&s, &e);
	if (r == 0)
		r = decide(&s, "reboot", rs, &e);
	if (r < 0)
		report(&e);
	return r > 0;
}

int restart_pending(struct session *s, struct err *e)
{
	struct restarts rs;

	restarts_load(&s->c->st, s->jail, &rs);
	return rs.pending == getpid()
	               ? 0
	               : err_set(e, ECANCELED, "%s: not started again: another command stopped or started it meanwhile",
	                         s->jail);
}

int life_ended(struct cli *c, const char *jail, const char *how, struct err *e)
{
	struct restarts rs = { 0 };
	int again = end_one(c, jail, how, &rs, e);

	if (again < 0)
		return again;
	/* what is not ours, or was cut off, is cleaned up as after any other death */
	if (!again)
		return life_reap(c, jail, e);
	while (again) {
		struct run_opts o = { .again = &rs };
		int r;

		if (rs.n > 1)
			(void)sleep(PAUSE_S);
		*e = (struct err)ERR_INIT;
		r = life_start(c, jail, &o, e);
		if (r >= 0 || r == -ECANCELED || r == -EALREADY)
			return r < 0 ? r : 0;
		report(e);
		again = once_more(c, jail, &rs);
	}
	return 0;
}
