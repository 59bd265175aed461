/* backend.c - carries out a plan's operations on Linux: dispatch, batching, and the backend's life. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/hook.h"
#include "os/linux/jail.h"
#include "os/linux/links.h"
#include "os/linux/shared.h"
#include "os/os.h"

int os_open(struct os_jail *j, struct os **ret, struct err *e)
{
	struct os *os = calloc(1, sizeof(*os));

	if (!os)
		return err_oom(e);
	os->j = j;
	os->host = os->hostq = os->in = os->inq = (struct nl)NL_INIT;
	os->userns = os->netns = os->cgroup = os->pidfd = os->sync = -1;
	if (!*j->cgroup)
		cgroup_name(j->run, j->jail, j->cgroup, sizeof(j->cgroup));
	*ret = os;
	return 0;
}

void os_close(struct os *os)
{
	int *const fds[] = { &os->userns, &os->netns, &os->cgroup, &os->pidfd, &os->sync };

	if (!os)
		return;
	jail_reap_holder(os);
	nl_close(&os->host);
	nl_close(&os->hostq);
	nl_close(&os->in);
	nl_close(&os->inq);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		closep(fds[i]);
	free(os->queue);
	free(os);
}

/* --- netlink operations, in batches --- */

/* Both sockets of a side; the jail's exist once its namespace does. */
static int sides(struct os *os, enum op_where where, struct nl **ret, struct nl **ret_q, struct err *e)
{
	struct nl *n = where == AT_JAIL ? &os->in : &os->host, *q = where == AT_JAIL ? &os->inq : &os->hostq;
	int r = 0;

	if (where == AT_JAIL && os->netns < 0)
		return err_set(e, ENOENT, "the jail has no network namespace yet");
	if (n->fd < 0)
		r = nl_open(n, where == AT_JAIL ? os->netns : -1, e);
	if (r == 0 && q->fd < 0)
		r = nl_open(q, where == AT_JAIL ? os->netns : -1, e);
	*ret = n;
	*ret_q = q;
	return r;
}

static bool is_removal(enum op_kind k)
{
	return k == OP_LINK_DEL || k == OP_BRIDGE_DEL || k == OP_ADDR_DEL;
}

static int apply_net(struct os *os, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	unsigned first[64], failed = 0;
	char text[256] = "", what[256];
	struct nl *nl = NULL, *q = NULL;
	size_t i = 0;
	int r = sides(os, ops[0]->where, &nl, &q, e);

	*ret_failed = 0;
	if (r < 0)
		return r;
	if (is_removal(ops[0]->kind)) {
		for (i = 0; i < n && r == 0; i++)
			r = links_del(nl, ops[i], e);
		*ret_failed = i ? i - 1 : 0;
		return r;
	}
	if (n > sizeof(first) / sizeof(*first)) {
		size_t half = n / 2;

		r = apply_net(os, ops, half, ret_failed, e);
		if (r < 0)
			return r;
		r = apply_net(os, ops + half, n - half, ret_failed, e);
		*ret_failed += half;
		return r;
	}
	for (i = 0; i < n; i++) {
		first[i] = nl->count;
		r = links_put(nl, q, ops[i], os->netns, e);
		if (r < 0) {
			/* those before it are done, as the contract says; the first error is the one told */
			*ret_failed = nl_flush(nl, &failed, text, sizeof(text)) < 0 ? failed : i;
			return r;
		}
	}
	r = nl_flush(nl, &failed, text, sizeof(text));
	if (r == 0)
		return 0;
	for (i = n; i-- > 0 && first[i] > failed;)
		;
	*ret_failed = i;
	op_describe(ops[i], what, sizeof(what));
	return err_set(e, -r, "%s: %s%s%s", what, strerror(-r), *text ? ": " : "", text);
}

/* --- the others, one at a time --- */

static int queue_mount(struct os *os, const struct op *op, struct err *e)
{
	if (os->nqueue == os->capqueue) {
		size_t cap = os->capqueue ? os->capqueue * 2 : 16;
		const struct op **q = realloc(os->queue, cap * sizeof(*q));

		if (!q)
			return err_oom(e);
		os->queue = q;
		os->capqueue = cap;
	}
	os->queue[os->nqueue++] = op;
	return 0;
}

static int apply_hold(struct os *os, const struct op *op, struct err *e)
{
	int r = hold_parse(op->text, &os->hold, e);

	if (r < 0)
		return r;
	os->held = true;
	if (os->cgroup < 0)
		os->cgroup = cgroup_open(os->j->cgroup, NULL, e);
	if (os->cgroup < 0)
		return os->cgroup;
	r = view_lo(os->netns, e);
	return r < 0 ? r : hold_attach(os->cgroup, &os->hold, e);
}

static int apply_one(struct os *os, const struct op *op, struct err *e)
{
	switch (op->kind) {
	case OP_NONE:
		return 0;
	case OP_HOOK:
		return hook_run(os->j, op, e);
	case OP_CGROUP_ADD:
		return cgroup_add(os->j->cgroup, e);
	case OP_CGROUP_DEL:
		return cgroup_del(os->j->cgroup, e);
	case OP_ROOT:
	case OP_MOUNT:
		return queue_mount(os, op, e);
	case OP_JAIL_ADD:
		return jail_add(os, op, e);
	case OP_JAIL_DEL:
		return jail_del(os, e);
	case OP_VIEW_ADD:
		return view_add(os->netns, op, e);
	case OP_HOLD:
		return apply_hold(os, op, e);
	case OP_FILE:
		return jail_file(os, op, e);
	case OP_JAIL_CONFINE:
		return jail_confine(os, op, e);
	case OP_JAIL_RUN:
		return jail_run(os, op, e);
	case OP_JAIL_EXEC:
		return hook_exec_inside(os->j, op, e);
	default:
		return err_set(e, EINVAL, "this system cannot do %s", op_kind_name(op->kind));
	}
}

static int apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct os *os = ctx;

	if (op_is_batched(ops[0]->kind) || is_removal(ops[0]->kind))
		return apply_net(os, ops, n, ret_failed, e);
	for (*ret_failed = 0; *ret_failed < n; ++*ret_failed) {
		int r = apply_one(os, ops[*ret_failed], e);

		if (r < 0)
			return r;
	}
	return 0;
}

struct backend os_backend(struct os *os)
{
	return (struct backend){ .ctx = os, .apply = apply };
}
