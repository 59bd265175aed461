/* host_run.c - plans about the host's own network, each kind with a journal of its own: done, and taken back. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/host_run.h"

static int sink_append(void *ctx, const struct op *undo, struct err *e)
{
	return journal_append(*(const int *)ctx, undo, e);
}

/* What was there before stays in the journal; of this run only what could not be undone, which is all or nothing. */
static int trim_journal(struct store *st, const char *name, size_t before, bool all, struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_free_ bool *keep = NULL;
	int r = journal_load(st, name, &j, e);

	if (r < 0)
		return r;
	keep = calloc(j.n + 1, sizeof(*keep));
	if (!keep)
		return err_oom(e);
	for (size_t i = 0; i < j.n; i++)
		keep[i] = all || i < before;
	return journal_keep(st, name, &j, keep, e);
}

int host_plan_run(struct store *st, const char *name, const struct plan *p, const struct backend *b, size_t *ret_stuck,
                  struct err *e)
{
	_cleanup_(journal_done) struct journal j = { 0 };
	_cleanup_close_ int fd = -1;
	struct journal_sink sink = { &fd, sink_append };
	struct err ignored = ERR_INIT;
	int r = journal_load(st, name, &j, e);

	*ret_stuck = 0;
	if (r == 0)
		r = journal_open(st, name, &fd, e);
	if (r < 0)
		return r;
	r = plan_run(p, b, &sink, NULL, NULL, ret_stuck, e);
	if (r < 0)
		(void)!trim_journal(st, name, j.n, *ret_stuck > 0, &ignored);
	return r;
}

int host_plan_undo(struct store *st, const char *name, const struct journal *j, const struct backend *b, struct err *e)
{
	_cleanup_free_ bool *stuck = calloc(j->n + 1, sizeof(*stuck));
	struct err why = ERR_INIT;
	int r, k;

	if (!stuck)
		return err_oom(e);
	r = plan_undo(j->undo, j->n, b, stuck, e);
	plan_keep_bridges(j->undo, j->n, stuck);
	k = journal_keep(st, name, j, stuck, r < 0 ? &why : e);
	return r < 0 ? r : k;
}
