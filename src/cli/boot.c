/* boot.c - start --rc and stop --rc: the jails of the boot in the order of depends and priority, several at a time. */
#include "cli/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/order.h"

#define AT_ONCE_MAX 8

struct boot {
	struct cli *c;
	struct run_opts o;
	bool stop;
	const struct strv *names; /* those to be started or stopped; others only stand in between */
	struct order order;
	pid_t *pids; /* of each node: the process that does it, 0 = none */
	size_t running;
	int status;
};

/* --- the order --- */

static long priority_of(const struct config *cfg)
{
	return strtol(conf_get(&cfg->conf, PROP_priority), NULL, 10);
}

/* A node for the jail and, behind it in the list, for all it depends on; a jail that is not there gets none. */
static int add_needs(struct boot *b, size_t i, const struct config *cfg, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	const char *depends = conf_get(&cfg->conf, PROP_depends);
	int r = 0;

	if (streq(depends, "none"))
		return 0;
	if (strv_split(&names, depends, " \t,") < 0)
		return err_oom(e);
	for (size_t k = 0; r == 0 && k < names.n; k++) {
		size_t need = order_find(&b->order, names.v[k]);

		if (need == ORDER_NONE && !store_has_jail(&b->c->st, names.v[k]))
			continue; /* the start itself says that it is missing */
		if (need == ORDER_NONE)
			r = order_add(&b->order, names.v[k], 0, &need, e);
		if (r == 0)
			r = order_need(&b->order, i, need, e);
	}
	return r;
}

static int make_order(struct boot *b, struct err *e)
{
	size_t i;
	int r = 0;

	for (size_t k = 0; r == 0 && k < b->names->n; k++)
		r = order_add(&b->order, b->names->v[k], 0, &i, e);
	/* the list grows while we go through it */
	for (i = 0; r == 0 && i < b->order.n; i++) {
		struct config cfg = { 0 };
		struct err why = ERR_INIT;

		if (config_load(&b->c->st, b->order.v[i].name, &cfg, &why) < 0) {
			b->order.v[i].priority = 99; /* who starts it says what is wrong with it */
			continue;
		}
		b->order.v[i].priority = priority_of(&cfg);
		r = add_needs(b, i, &cfg, e);
		config_done(&cfg);
	}
	return r;
}

/* --- carrying it out --- */

static void failed(struct boot *b)
{
	b->status = 1;
}

/* In a process of its own: one jail. Its errors are told here, whole. */
static void do_one(struct boot *b, const char *name) __attribute__((noreturn));
static void do_one(struct boot *b, const char *name)
{
	struct err e = ERR_INIT;
	int r = b->stop ? life_stop(b->c, name, &b->o, &e) : life_start(b->c, name, &b->o, &e);
	bool ok = r >= 0 || (e.cls == ERR_BUSY && r == (b->stop ? -ESRCH : -EALREADY));

	if (!ok)
		report(&e);
	(void)fflush(NULL);
	_exit(ok ? 0 : 1);
}

static void launch(struct boot *b, size_t i)
{
	const char *name = b->order.v[i].name;

	/* a jail that others depend on but that is not of the boot: started with them, not stopped */
	if (b->stop && !strv_has(b->names, name)) {
		order_end(&b->order, i, true);
		return;
	}
	(void)fflush(NULL);
	b->pids[i] = fork();
	if (b->pids[i] == 0)
		do_one(b, name);
	if (b->pids[i] < 0) {
		warning("%s: cannot make a process: %s", name, strerror(errno));
		b->pids[i] = 0;
		failed(b);
		order_end(&b->order, i, false);
		return;
	}
	b->running++;
}

static void wait_for_one(struct boot *b)
{
	int status = 0;
	pid_t pid;

	do
		pid = waitpid(-1, &status, 0);
	while (pid < 0 && errno == EINTR);
	for (size_t i = 0; i < b->order.n; i++) {
		bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

		if (!b->pids[i] || (pid >= 0 && b->pids[i] != pid))
			continue;
		b->pids[i] = 0;
		b->running--;
		if (!ok || pid < 0)
			failed(b);
		order_end(&b->order, i, ok && pid >= 0);
	}
}

static void skip_hopeless(struct boot *b)
{
	size_t i, need;

	while (!b->stop && (i = order_hopeless(&b->order, &need)) != ORDER_NONE) {
		warning("%s depends on %s, which did not start", b->order.v[i].name, b->order.v[need].name);
		failed(b);
	}
}

/* Jails mostly wait for one another and for disks: a few more than processors, and never only one. */
static size_t at_once(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN) + 1;

	return n < 2 ? 2 : n > AT_ONCE_MAX ? AT_ONCE_MAX : (size_t)n;
}

static int carry_out(struct boot *b, struct err *e)
{
	size_t most = at_once();

	b->pids = calloc(b->order.n + 1, sizeof(*b->pids));
	if (!b->pids)
		return err_oom(e);
	for (;;) {
		size_t i = ORDER_NONE;

		skip_hopeless(b);
		if (b->running < most)
			i = b->stop ? order_next_stop(&b->order) : order_next_start(&b->order);
		if (i != ORDER_NONE)
			launch(b, i);
		else if (b->running)
			wait_for_one(b);
		else
			return b->status;
	}
}

int boot_jails(struct cli *c, const struct strv *names, const struct run_opts *o, bool stop, struct err *e)
{
	_cleanup_(strv_done) struct strv circles = { 0 };
	struct boot b = { .c = c, .o = *o, .stop = stop, .names = names };
	int r = make_order(&b, e);

	if (r == 0)
		r = order_settle(&b.order, &circles, e);
	for (size_t i = 0; r == 0 && !stop && i < circles.n; i++) {
		warning("depends goes in a circle: %s", circles.v[i]);
		failed(&b);
	}
	/* what runs can be stopped, whatever depends says by now */
	for (size_t i = 0; r == 0 && stop && i < b.order.n; i++)
		b.order.v[i].state = ORDER_WAITS;
	if (r == 0)
		r = carry_out(&b, e);
	free(b.pids);
	order_done(&b.order);
	return r;
}
