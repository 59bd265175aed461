/* cmd_run.c - start, stop, restart; keep and reap, which a jail's monitor runs. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/boot.h"

/* What to do with one of several jails. */
typedef int (*act_fn)(struct cli *c, const char *jail, const struct run_opts *o, struct err *e);

struct many {
	act_fn act;
	struct run_opts o;
	bool go_on; /* a failure ends nothing */
	int harmless; /* this error is not a failure where jails were not named: it runs (or not) already */
	bool harmless_ok; /* nor where they were */
	bool hush; /* do not even report it */
};

/* Exit status: 0 all done, 1 something failed. Every failure is reported here. */
static int act_on(struct cli *c, const struct strv *names, const struct many *m)
{
	int status = 0;

	for (size_t i = 0; i < names->n; i++) {
		struct err e = ERR_INIT;
		int r = m->act(c, names->v[i], &m->o, &e);

		if (r >= 0)
			continue;
		if (r == m->harmless && e.cls == ERR_BUSY) {
			if (!m->hush)
				report(&e);
			if (m->harmless_ok)
				continue;
		} else {
			report(&e);
		}
		status = 1;
		if (!m->go_on)
			break;
	}
	return status;
}

int cmd_start(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	struct many m = { .act = life_start, .harmless = -EALREADY };
	bool many;
	int r = cli_open(c, true, e);

	if (r == 0)
		r = select_jails(c, a, false, &names, &many, e);
	if (r < 0)
		return r;
	m.o = (struct run_opts){ .quiet = args_has(a, OPT_RC), .dry_run = args_has(a, OPT_DRY_RUN) };
	m.go_on = many || args_has(a, OPT_IGNORE);
	m.harmless_ok = many;
	m.hush = m.o.quiet;
	if (args_has(a, OPT_RC) && !m.o.dry_run)
		return boot_jails(c, &names, &m.o, false, e);
	return act_on(c, &names, &m);
}

/* Of many jails only those that left a state have anything to stop. */
static int only_with_state(struct cli *c, struct strv *names, struct err *e)
{
	_cleanup_(strv_done) struct strv have = { 0 }, kept = { 0 };
	int r = state_names(&c->st, &have, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < names->n; i++)
		if (strv_has(&have, names->v[i]) && strv_add(&kept, names->v[i]) < 0)
			return err_oom(e);
	strv_done(names);
	*names = kept;
	kept = (struct strv){ 0 };
	return 0;
}

int cmd_stop(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	struct many m = { .act = life_stop, .harmless = -ESRCH, .harmless_ok = true };
	bool many;
	int r = cli_open(c, true, e);

	if (r == 0)
		r = select_jails(c, a, true, &names, &many, e);
	if (r == 0 && many)
		r = only_with_state(c, &names, e);
	if (r < 0)
		return r;
	m.o = (struct run_opts){ .quiet = args_has(a, OPT_RC), .force = args_has(a, OPT_FORCE) };
	m.go_on = many || args_has(a, OPT_IGNORE);
	m.hush = many;
	if (args_has(a, OPT_RC))
		return boot_jails(c, &names, &m.o, true, e);
	return act_on(c, &names, &m);
}

/* Stop, if it runs, then start. */
static int restart_one(struct cli *c, const char *jail, const struct run_opts *o, struct err *e)
{
	struct err why = ERR_INIT;
	int r = life_stop(c, jail, o, &why);

	if (r < 0 && !(r == -ESRCH && why.cls == ERR_BUSY)) {
		*e = why;
		return r;
	}
	return life_start(c, jail, o, e);
}

static int soft_one(struct cli *c, const char *jail, const struct run_opts *o, struct err *e)
{
	struct err why = ERR_INIT; /* told by what follows */

	(void)o;
	if (jail_running(c, jail, NULL, &why) > 0)
		info("Soft restarting %s (%s)", jail, jail);
	return life_soft_restart(c, jail, e);
}

int cmd_restart(struct cli *c, struct args *a, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	bool soft = args_has(a, OPT_SOFT), many;
	struct many m = { .act = soft ? soft_one : restart_one, .harmless = -ESRCH, .harmless_ok = true };
	int r = cli_open(c, true, e);

	if (r == 0)
		r = select_jails(c, a, false, &names, &many, e);
	if (r < 0)
		return r;
	m.go_on = many;
	return act_on(c, &names, &m);
}

/* TIMES: how often of late; the monitor counts. */
int cmd_keep(struct cli *c, struct args *a, struct err *e)
{
	uint64_t times = 0;
	int r = cli_open(c, true, e);

	if (r == 0 && !str_to_uint(a->pos[1], 0, 255, &times))
		return usage_err(e, "TIMES is a number from 0 to 255.");
	return r < 0 ? r : life_keep(c, a->pos[0], (unsigned)times, e);
}

/* STATUS is what an interrupted start is to exit with; HOW, what the monitor of a jail that ends knows of that. */
int cmd_reap(struct cli *c, struct args *a, struct err *e)
{
	uint64_t status = 0;
	int r = cli_open(c, true, e);

	if (r == 0 && a->npos > 1 && !str_to_uint(a->pos[1], 0, 255, &status))
		return usage_err(e, "STATUS is a number from 0 to 255.");
	if (r == 0)
		r = a->npos > 2 ? life_ended(c, a->pos[0], a->pos[2], e) : life_reap(c, a->pos[0], e);
	return r < 0 ? r : (int)status;
}
