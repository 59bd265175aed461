/* test_plan_run.c - the runner of plans: order, journal, and unwinding at every step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plan_world.h"

#define LOG_MAX 64

/* Backend, journal and progress in one: all in the order it happened. */
struct world {
	struct op done[LOG_MAX], undone[LOG_MAX], journal[LOG_MAX];
	size_t ndone, nundone, njournal, calls;
	size_t fail_redo; /* the op that fails, counted over all; SIZE_MAX: none */
	size_t fail_append; /* the journal entry that cannot be written */
	size_t fail_undo; /* inverses from this one on, counted in undoing, fail once */
	bool undoing;
	char phases[LOG_MAX];
	size_t nphases;
};

static bool is_inverse(const struct op *op)
{
	return op->kind == OP_ADDR_DEL || op->kind == OP_LINK_DEL || op->kind == OP_BRIDGE_DEL ||
	       op->kind == OP_CGROUP_DEL || op->kind == OP_JAIL_DEL || op->kind == OP_SPOOF_DEL ||
	       op->kind == OP_NAT_DEL || op->kind == OP_FORWARD_DEL;
}

static int world_apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct world *w = ctx;

	w->calls++;
	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || (op_is_batched(ops[i]->kind) && ops[i]->where == ops[0]->where));
		if (is_inverse(ops[i])) {
			w->undone[w->nundone++] = *ops[i];
			if (w->nundone - 1 == w->fail_undo)
				return err_set(e, EBUSY, "cannot undo %s", op_kind_name(ops[i]->kind));
			continue;
		}
		assert_int_equal(w->nundone, 0);
		if (w->ndone == w->fail_redo) {
			*ret_failed = i;
			return err_set(e, ENXIO, "step %zu failed", w->ndone);
		}
		w->done[w->ndone++] = *ops[i];
	}
	return 0;
}

static int world_append(void *ctx, const struct op *undo, struct err *e)
{
	struct world *w = ctx;

	if (w->njournal == w->fail_append)
		return err_set(e, ENOSPC, "journal: no space");
	w->journal[w->njournal++] = *undo;
	return 0;
}

static void world_phase(void *ctx, enum phase ph, bool ok)
{
	struct world *w = ctx;

	w->phases[w->nphases++] = (char)((ok ? 'a' : 'A') + (int)ph);
}

static struct world *new_world(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->fail_redo = w->fail_append = w->fail_undo = SIZE_MAX;
	return w;
}

static int run_in(struct world *w, const struct plan *p, size_t *stuck, struct err *e)
{
	struct backend b = { w, world_apply };
	struct journal_sink sink = { w, world_append };

	return plan_run(p, &b, &sink, world_phase, w, stuck, e);
}

static void make_plan(struct plan *p, bool vnet)
{
	struct facts f = host();
	struct err e = ERR_INIT;
	int r;

	if (vnet)
		r = build(KV("vnet", "1", "interfaces", "vnet0:br7,vnet1:br8", "ip4_addr", "10.0.0.5/24",
		             "exec_prestart", "a", "exec_poststart", "b"),
		          &f, &thin, p, &e);
	else
		r = build(KV("ip4_addr", "em0|10.0.0.5/24,em0|10.0.0.6/24", "exec_prestart", "a", "exec_poststart",
		             "b"),
		          &f, &thin, p, &e);
	if (r < 0)
		fail_msg("%s", e.msg);
	assert_true(p->n < LOG_MAX);
}

static void all_goes_well(void **state)
{
	(void)state;
	for (int vnet = 0; vnet < 2; vnet++) {
		struct world *w = new_world();
		struct plan p = { 0 };
		size_t stuck = 99;

		make_plan(&p, vnet);
		assert_int_equal(run_in(w, &p, &stuck, NULL), 0);
		assert_int_equal(stuck, 0);
		assert_int_equal(w->ndone, p.n);
		for (size_t i = 0; i < p.n; i++)
			assert_true(op_equal(&w->done[i], &p.steps[i].redo));
		assert_true(w->calls < p.n);
		assert_string_equal(w->phases, vnet ? "bcdef" : "bcef");
		plan_done(&p);
		free(w);
	}
}

/* What was journalled is undone in reverse, all of it and nothing else; done steps are always among it. */
static void check_unwound(const struct plan *p, const struct world *w)
{
	size_t k = 0;

	assert_int_equal(w->nundone, w->njournal);
	for (size_t i = 0; i < w->njournal; i++)
		assert_true(op_equal(&w->undone[i], &w->journal[w->njournal - 1 - i]));
	for (size_t i = 0; i < w->ndone; i++)
		if (p->steps[i].undo.kind != OP_NONE) {
			assert_true(k < w->njournal);
			assert_true(op_equal(&w->journal[k++], &p->steps[i].undo));
		}
}

static void fails_at_every_step(void **state)
{
	(void)state;
	for (int vnet = 0; vnet < 2; vnet++) {
		struct plan p = { 0 };

		make_plan(&p, vnet);
		for (size_t i = 0; i < p.n; i++) {
			struct world *w = new_world();
			struct err e = ERR_INIT;
			char want[64];
			size_t stuck = 99;

			w->fail_redo = i;
			assert_int_equal(run_in(w, &p, &stuck, &e), -ENXIO);
			snprintf(want, sizeof(want), "step %zu failed", i);
			assert_string_equal(e.msg, want);
			assert_int_equal(stuck, 0);
			assert_int_equal(w->ndone, i);
			check_unwound(&p, w);
			if (p.steps[i].phase != PH_QUIET)
				assert_int_equal(w->phases[w->nphases - 1], 'A' + (int)p.steps[i].phase);
			free(w);
		}
		plan_done(&p);
	}
}

static void journal_fails_everywhere(void **state)
{
	struct plan p = { 0 };
	size_t n = 0;

	(void)state;
	make_plan(&p, true);
	for (size_t i = 0; i < p.n; i++)
		n += p.steps[i].undo.kind != OP_NONE;
	for (size_t i = 0; i < n; i++) {
		struct world *w = new_world();
		struct err e = ERR_INIT;
		size_t stuck = 99;

		w->fail_append = i;
		assert_int_equal(run_in(w, &p, &stuck, &e), -ENOSPC);
		assert_string_equal(e.msg, "journal: no space");
		check_unwound(&p, w);
		free(w);
	}
	plan_done(&p);
}

static void stuck_inverses(void **state)
{
	struct world *w = new_world();
	struct plan p = { 0 };
	struct err e = ERR_INIT;
	size_t stuck = 0;

	(void)state;
	make_plan(&p, true);
	w->fail_redo = p.n - 1;
	w->fail_undo = 0;
	assert_int_equal(run_in(w, &p, &stuck, &e), -ENXIO);
	assert_int_equal(stuck, 1);
	assert_int_equal(w->nundone, w->njournal);
	assert_true(str_starts(e.msg, "step "));
	assert_non_null(strstr(e.msg, "\ncannot undo link-del"));
	plan_done(&p);
	free(w);
}

/* A backend that says nothing still gives a sentence. */
static int mute_apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	(void)ctx;
	(void)ops;
	(void)n;
	(void)ret_failed;
	(void)e;
	return -EPERM;
}

static void mute_backend(void **state)
{
	struct backend b = { NULL, mute_apply };
	struct op undo[3] = { { .kind = OP_BRIDGE_DEL, .link = "br7" },
		              { .kind = OP_NONE },
		              { .kind = OP_CGROUP_DEL, .name = "www" } };
	bool stuck[3] = { false, true, false };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(plan_undo(undo, 3, &b, stuck, &e), -EPERM);
	assert_true(stuck[0] && !stuck[1] && stuck[2]);
	assert_string_equal(
		e.msg,
		"remove control group of www: Operation not permitted\nremove bridge br7: Operation not permitted");
	assert_int_equal(plan_undo(undo, 3, &b, NULL, NULL), -EPERM);
	assert_int_equal(plan_undo(undo, 0, &b, NULL, NULL), 0);
}

/* Fails for one kind, says nothing of the others. */
struct one_fails {
	enum op_kind kind;
	int r;
};

static int one_fails_apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	const struct one_fails *f = ctx;

	(void)n;
	(void)e;
	*ret_failed = 0;
	return ops[0]->kind == f->kind ? f->r : 0;
}

/* On an interface that is gone nothing is put back; one that comes home from a jail is waited for. */
static void gone_interface(void **state)
{
	struct one_fails f = { OP_LINK_SET, -ENODEV };
	struct backend b = { &f, one_fails_apply };
	struct op undo[2] = { { .kind = OP_LINK_SET, .link = "br7", .flags = OP_LINK_DOWN },
		              { .kind = OP_LINK_SET, .link = "em1", .flags = OP_LINK_UPPED, .index = 4 } };
	bool stuck[2];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(plan_undo(undo, 1, &b, stuck, &e), 0);
	assert_false(stuck[0]);
	assert_int_equal(plan_undo(undo, 2, &b, stuck, &e), -ENODEV);
	assert_true(!stuck[0] && stuck[1]);
	f.r = -EIO;
	assert_int_equal(plan_undo(undo, 1, &b, stuck, &e), -EIO);
	assert_true(stuck[0]);
}

/* What it had, and what keeps the network it is in, wait for an interface that is still in the jail. */
static void what_is_still_inside_is_waited_for(void **state)
{
	struct one_fails f = { OP_LINK_OUT, -EIO };
	struct backend b = { &f, one_fails_apply };
	struct op undo[7] = { { .kind = OP_JAIL_DEL, .name = "www" },
		              { .kind = OP_NETNS_UNPIN, .name = "www" },
		              { .kind = OP_ROUTE_SET, .link = "em1", .index = 4 },
		              { .kind = OP_ADDR_ADD, .link = "em2", .index = 5 },
		              { .kind = OP_ADDR_ADD, .link = "em1" },
		              { .kind = OP_LINK_SET, .link = "em1", .flags = OP_LINK_UPPED, .index = 4 },
		              { .kind = OP_LINK_OUT, .link = "em1", .id = 4 } };
	const bool wait[7] = { false, true, true, false, false, true, true };
	bool stuck[7];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(plan_undo(undo, 7, &b, stuck, &e), -EIO);
	assert_memory_equal(stuck, wait, sizeof(wait));
	/* one line: what waits has not failed */
	assert_null(strchr(e.msg, '\n'));
	f.r = 0;
	assert_int_equal(plan_undo(undo, 7, &b, stuck, &e), 0);
	assert_false(stuck[1] || stuck[2] || stuck[5]);
}

/* Fails once for one address, and writes down which came in which order. */
struct in_order {
	uint8_t fails;
	char order[8];
	size_t n;
};

static int in_order_apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct in_order *o = ctx;

	(void)n;
	*ret_failed = 0;
	if (ops[0]->addr.b[3] == o->fails) {
		o->fails = 0;
		return err_set(e, EIO, "once");
	}
	o->order[o->n++] = (char)('0' + ops[0]->addr.b[3]);
	return 0;
}

/* The first address of a network is its primary one: it is put back before the second, also when the kernel says no once. */
static void addresses_come_back_in_order(void **state)
{
	struct in_order o = { .fails = 1 };
	struct backend b = { &o, in_order_apply };
	struct op undo[2] = { { .kind = OP_ADDR_ADD, .link = "em3", .addr = { .family = 4, .b = { 198, 18, 0, 2 } } },
		              { .kind = OP_ADDR_ADD, .link = "em3", .addr = { .family = 4, .b = { 198, 18, 0, 1 } } } };
	struct err e = ERR_INIT;
	bool stuck[2];

	(void)state;
	assert_int_equal(plan_undo(undo, 2, &b, stuck, &e), 0);
	assert_string_equal(o.order, "12");
	assert_true(!stuck[0] && !stuck[1] && e.code == 0);
}

/* A bridge stays while it is used, without an error: what failed before may be what uses it. */
static void bridge_waits_for_what_is_stuck(void **state)
{
	struct one_fails f = { OP_LINK_DEL, -EIO };
	struct backend b = { &f, one_fails_apply };
	struct op undo[3] = { { .kind = OP_BRIDGE_DEL, .link = "br7" },
		              { .kind = OP_LINK_DEL, .link = "vnet0.1" },
		              { .kind = OP_BRIDGE_DEL, .link = "br8" } };
	bool stuck[3];
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(plan_undo(undo, 3, &b, stuck, &e), -EIO);
	assert_true(!stuck[0] && stuck[1] && !stuck[2]);
	plan_keep_bridges(undo, 3, stuck);
	assert_true(stuck[0] && stuck[1] && !stuck[2]);
	assert_string_equal(e.msg, "remove interface vnet0.1: Input/output error");
}

/* Every line of a plan is an operation, and perhaps its inverse, that parse back. */
static void plan_prints_what_parses(void **state)
{
	struct plan p = { 0 };

	(void)state;
	make_plan(&p, true);
	for (size_t i = 0; i < p.n; i++) {
		const struct op *ops[2] = { &p.steps[i].redo, &p.steps[i].undo };

		for (int k = 0; k < 2; k++) {
			struct sbuf out = { 0 };
			struct op back;
			char *mem;

			op_format(ops[k], &out);
			assert_int_equal(op_parse(out.p, &back, &mem, NULL), 0);
			assert_true(op_equal(ops[k], &back));
			free(mem);
			sbuf_done(&out);
		}
	}
	plan_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_goes_well),
		cmocka_unit_test(fails_at_every_step),
		cmocka_unit_test(journal_fails_everywhere),
		cmocka_unit_test(stuck_inverses),
		cmocka_unit_test(mute_backend),
		cmocka_unit_test(gone_interface),
		cmocka_unit_test(what_is_still_inside_is_waited_for),
		cmocka_unit_test(addresses_come_back_in_order),
		cmocka_unit_test(bridge_waits_for_what_is_stuck),
		cmocka_unit_test(plan_prints_what_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
