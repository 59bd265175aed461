/* plan_run.c - the one runner: carries a plan out, journal first, and takes it back when a step fails. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/plan.h"

/* A run in progress. undo[0..nundo) is what the journal holds. */
struct run {
	const struct plan *plan;
	const struct backend *backend;
	const struct journal_sink *sink;
	plan_progress progress;
	void *progress_ctx;
	struct op *undo;
	size_t nundo;
	const struct op **batch; /* room for the longest batch */
};

static int apply_one(const struct backend *b, const struct op *op, struct err *e)
{
	const struct op *ops[1] = { op };
	size_t failed = 0;

	return b->apply(b->ctx, ops, 1, &failed, e);
}

static bool puts_back(const struct op *undo)
{
	return undo->kind == OP_LINK_SET || undo->kind == OP_ADDR_ADD || undo->kind == OP_ROUTE_SET;
}

/*
 * An interface could not be taken out of the jail's network: what it had waits until it can, and so does what lets go of that
 * network, which would take it along.
 */
static bool waits(const struct op *undo, size_t i, size_t n, const bool *stuck)
{
	const struct op *op = &undo[i];

	for (size_t k = i + 1; stuck && k < n; k++)
		if (undo[k].kind == OP_LINK_OUT && stuck[k] &&
		    (op->kind == OP_NETNS_UNPIN || (op->index && puts_back(op) && streq(op->link, undo[k].link))))
			return true;
	return false;
}

/*
 * What an interface had cannot be put back on one that is gone: nothing is left of it to be undone. One with a number is on
 * its way home from a jail: there it can.
 */
static bool is_moot(const struct op *undo, int r)
{
	return r == -ENODEV && !undo->index && puts_back(undo);
}

int plan_undo(const struct op *undo, size_t n, const struct backend *b, bool *stuck, struct err *e)
{
	struct err all = ERR_INIT;
	size_t all_n = n;
	int first = 0;

	if (stuck)
		memset(stuck, 0, n * sizeof(*stuck));
	while (n-- > 0) {
		struct err one = ERR_INIT;
		int r;

		if (undo[n].kind == OP_NONE)
			continue;
		if (waits(undo, n, all_n, stuck)) {
			stuck[n] = true;
			continue;
		}
		r = apply_one(b, &undo[n], &one);
		if (r < 0 && undo[n].kind == OP_ADDR_ADD && !is_moot(&undo[n], r)) {
			/* the first of a network is its primary: once more, before the next one takes that place */
			one = (struct err)ERR_INIT;
			r = apply_one(b, &undo[n], &one);
		}
		if (r >= 0 || is_moot(&undo[n], r))
			continue;
		if (stuck)
			stuck[n] = true;
		if (!one.msg[0]) {
			char what[256];

			op_describe(&undo[n], what, sizeof(what));
			r = err_set(&one, -r, "%s: %s", what, strerror(-r));
		}
		if (first == 0) {
			first = r;
			all.code = -r;
		}
		err_hint(&all, "%s", one.msg);
	}
	return first == 0 ? 0 : err_set(e, -first, "%s", all.msg);
}

void plan_keep_bridges(const struct op *undo, size_t n, bool *stuck)
{
	bool any = false;

	while (n-- > 0) {
		stuck[n] = stuck[n] || (any && undo[n].kind == OP_BRIDGE_DEL);
		any = any || (stuck[n] && undo[n].kind != OP_CGROUP_DEL); /* that one uses none */
	}
}

static void tell(const struct run *x, enum phase ph, bool ok)
{
	if (x->progress && ph != PH_QUIET)
		x->progress(x->progress_ctx, ph, ok);
}

/* How many steps from i on travel together: neighbours of batched kinds, on the same side, of one phase. */
static size_t batch_len(const struct plan *p, size_t i)
{
	const struct step *first = &p->steps[i];
	size_t n = 1;

	if (!op_is_batched(first->redo.kind))
		return 1;
	while (i + n < p->n && op_is_batched(p->steps[i + n].redo.kind) &&
	       p->steps[i + n].redo.where == first->redo.where && p->steps[i + n].phase == first->phase)
		n++;
	return n;
}

/* The inverses of steps i..i+n into the journal. */
static int journal(struct run *x, size_t i, size_t n, struct err *e)
{
	for (; n > 0; i++, n--) {
		const struct op *undo = &x->plan->steps[i].undo;
		int r;

		if (undo->kind == OP_NONE)
			continue;
		r = x->sink ? x->sink->append(x->sink->ctx, undo, e) : 0;
		if (r < 0)
			return r;
		x->undo[x->nundo++] = *undo;
	}
	return 0;
}

/* Steps i..i+n: into the journal, then done. */
static int do_batch(struct run *x, size_t i, size_t n, struct err *e)
{
	size_t failed = 0;
	int r = journal(x, i, n, e);

	if (r < 0)
		return r;
	for (size_t k = 0; k < n; k++)
		x->batch[k] = &x->plan->steps[i + k].redo;
	r = x->backend->apply(x->backend->ctx, x->batch, n, &failed, e);
	if (r < 0 && e && !e->msg[0]) {
		char what[256];

		op_describe(x->batch[failed < n ? failed : 0], what, sizeof(what));
		r = err_set(e, -r, "%s: %s", what, strerror(-r));
	}
	return r;
}

static int run_steps(struct run *x, struct err *e)
{
	const struct plan *p = x->plan;
	size_t n;

	for (size_t i = 0; i < p->n; i += n) {
		enum phase ph = p->steps[i].phase;
		int r;

		n = batch_len(p, i);
		r = do_batch(x, i, n, e);
		if (r < 0) {
			tell(x, ph, false);
			return r;
		}
		if (i + n == p->n || p->steps[i + n].phase != ph)
			tell(x, ph, true);
	}
	return 0;
}

/* Take back what the journal holds; e keeps why the run failed. Returns how many inverses failed. */
static size_t unwind(const struct run *x, bool *stuck, struct err *e)
{
	struct err undo_err = ERR_INIT;
	size_t n = 0;

	if (plan_undo(x->undo, x->nundo, x->backend, stuck, &undo_err) == 0)
		return 0;
	err_hint(e, "%s", undo_err.msg);
	for (size_t i = 0; i < x->nundo; i++)
		n += stuck[i];
	return n;
}

int plan_run(const struct plan *p, const struct backend *b, const struct journal_sink *sink, plan_progress progress,
             void *progress_ctx, size_t *ret_stuck, struct err *e)
{
	size_t n = p->n ? p->n : 1, nstuck = 0;
	_cleanup_free_ struct op *undo = calloc(n, sizeof(*undo));
	_cleanup_free_ const struct op **batch = calloc(n, sizeof(*batch));
	_cleanup_free_ bool *stuck = calloc(n, sizeof(*stuck)); /* now: unwinding must not need memory */
	struct err own = ERR_INIT;
	struct run x = { p, b, sink, progress, progress_ctx, undo, 0, batch };
	int r;

	if (!e)
		e = &own;
	if (ret_stuck)
		*ret_stuck = 0;
	if (!undo || !batch || !stuck)
		return err_oom(e);
	r = plan_check(p, e);
	if (r < 0)
		return r;
	r = run_steps(&x, e);
	if (r == 0)
		return 0;
	nstuck = unwind(&x, stuck, e);
	if (ret_stuck)
		*ret_stuck = nstuck;
	return r;
}
