/* backend.c - carries out a plan's operations on Linux: dispatch, batching, and the backend's life. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/antispoof.h"
#include "os/linux/cgroup.h"
#include "os/linux/conn.h"
#include "os/linux/handover.h"
#include "os/linux/hook.h"
#include "os/linux/hostnet.h"
#include "os/linux/jail.h"
#include "os/linux/lease.h"
#include "os/linux/limit.h"
#include "os/linux/links_impl.h"
#include "os/linux/probe.h"
#include "os/linux/nat.h"
#include "os/linux/shared.h"
#include "os/os.h"

int os_open(struct os_jail *j, struct os **ret, struct err *e)
{
	struct os *os = calloc(1, sizeof(*os));

	if (!os)
		return err_oom(e);
	os->j = j;
	os->host = os->hostq = os->in = os->inq = (struct nl)NL_INIT;
	os->userns = os->netns = os->cgroup = os->pidfd = os->sync = os->lease = -1;
	os->reported[0] = os->reported[1] = -1;
	if (!*j->cgroup)
		cgroup_name(j->run, j->jail, j->cgroup, sizeof(j->cgroup));
	*ret = os;
	return 0;
}

void os_close(struct os *os)
{
	int *const fds[] = { &os->userns, &os->netns, &os->cgroup,      &os->pidfd,
		             &os->sync,   &os->lease, &os->reported[0], &os->reported[1] };

	if (!os)
		return;
	jail_reap_holder(os);
	probe_forget(os);
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

	if (where == AT_JAIL && os->netns < 0 && os->j->pid > 0)
		r = jail_netns(os, e);
	if (r < 0)
		return r;
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

/* A shared-IP jail's address on the host is not one whose ports NAT jails get. */
static void note_alias(struct os *os, const struct op *op, bool there)
{
	if (op->where == AT_HOST && op->kind == (there ? OP_ADDR_ADD : OP_ADDR_DEL) &&
	    !(op->flags & (OP_ADDR_HOST | OP_ADDR_PLAIN)))
		nat_spare(os->j->run, &op->addr, there);
}

/* Into the jail's network namespace; *ret_home leads back. */
static int go_inside(struct os *os, int *ret_home, struct err *e)
{
	*ret_home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (*ret_home < 0)
		return err_sys(e, "open /proc/self/ns/net");
	return setns(os->netns, CLONE_NEWNET) < 0 ? err_sys(e, "enter the jail's network namespace") : 0;
}

static int go_home(int home, int r, struct err *e)
{
	if (home >= 0 && netns_return(home) < 0)
		return err_sys(e, "return to the host's network namespace");
	return r;
}

static int apply_sysctl_inside(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_close_ int home = -1;
	int r = go_inside(os, &home, e);

	return r < 0 ? r : go_home(home, host_sysctl_set(op, e), e);
}

/* Removals, one by one, in the namespace they are in. */
static int remove_net(struct os *os, struct nl *nl, const struct op *const *ops, size_t n, size_t *ret_failed,
                      struct err *e)
{
	_cleanup_close_ int home = -1;
	int r = ops[0]->where == AT_JAIL ? go_inside(os, &home, e) : 0;

	if (r < 0)
		return r;
	for (*ret_failed = 0; *ret_failed < n; ++*ret_failed) {
		r = links_del(nl, ops[*ret_failed], ops[0]->where == AT_JAIL ? NULL : os->j->run, e);
		if (r < 0)
			break;
		note_alias(os, ops[*ret_failed], false);
	}
	return go_home(home, r, e);
}

static int apply_net(struct os *os, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e);

/* The first `part` of n, then the others. */
static int apply_parts(struct os *os, const struct op *const *ops, size_t part, size_t n, size_t *ret_failed,
                       struct err *e)
{
	int r = apply_net(os, ops, part, ret_failed, e);

	if (r < 0)
		return r;
	r = apply_net(os, ops + part, n - part, ret_failed, e);
	*ret_failed += part;
	return r;
}

static int apply_net(struct os *os, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	unsigned first[64], failed = 0;
	char text[256] = "", what[256];
	struct nl *nl = NULL, *q = NULL;
	size_t i = 1;
	int r = sides(os, ops[0]->where, &nl, &q, e);

	*ret_failed = 0;
	if (r < 0)
		return r;
	while (i < n && links_removes(ops[i]->kind) == links_removes(ops[0]->kind))
		i++;
	if (i < n)
		return apply_parts(os, ops, i, n, ret_failed, e);
	if (links_removes(ops[0]->kind))
		return remove_net(os, nl, ops, n, ret_failed, e);
	if (n > sizeof(first) / sizeof(*first))
		return apply_parts(os, ops, n / 2, n, ret_failed, e);
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
	for (i = 0; r == 0 && i < n; i++)
		note_alias(os, ops[i], true);
	if (r == 0)
		return 0;
	for (i = n; i-- > 0 && first[i] > failed;)
		;
	*ret_failed = i;
	op_describe(ops[i], what, sizeof(what));
	(void)err_set(e, -r, "%s: %s%s%s", what, strerror(-r), *text ? ": " : "", text);
	links_hint(ops[i], -r, e);
	return r;
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
	if (r == 0 && (os->hold.ip4 == IP_INHERIT || os->hold.ip6 == IP_INHERIT))
		r = view_inherit(&os->hostq, os->netns, os->hold.ip4 == IP_INHERIT, os->hold.ip6 == IP_INHERIT, e);
	return r < 0 ? r : hold_attach(os->cgroup, &os->hold, e);
}

static int apply_view_add(struct os *os, const struct op *op, struct err *e)
{
	int r = os->netns < 0 ? jail_netns(os, e) : 0;

	if (r == 0)
		r = view_add(os->netns, op, e);
	/* put back, and never gone */
	return r == -EEXIST && op->opts ? 0 : r;
}

static int apply_hold_set(struct os *os, const struct op *op, struct err *e)
{
	int r = hold_parse(op->text, &os->hold, e);

	if (r == 0 && os->cgroup < 0)
		r = os->cgroup = cgroup_open(os->j->cgroup, NULL, e);
	if (r >= 0)
		r = hold_update(os->cgroup, &os->hold, e);
	return r < 0 ? r : monitor_set_hold(os->j, op->text, e);
}

static int apply_conn_end(struct os *os, const struct op *op)
{
	struct err ignored = ERR_INIT;
	int r = op->where == AT_JAIL && os->netns < 0 ? jail_netns(os, &ignored) : 0;

	/* best effort: a kernel that cannot end them leaves them to their timeouts */
	if (r == 0)
		conn_end(op->where == AT_JAIL ? os->netns : -1, op->where == AT_HOST ? os->j : NULL, &op->addr);
	return 0;
}

static int apply_one(struct os *os, const struct op *op, struct err *e)
{
	size_t failed;
	int r;

	switch (op->kind) {
	case OP_NONE:
		return 0;
	case OP_SYSCTL:
		return op->where == AT_JAIL ? apply_sysctl_inside(os, op, e) : host_sysctl_set(op, e);
	case OP_HOOK:
		return hook_run(os->j, op, e);
	case OP_CGROUP_ADD:
		return cgroup_add(os->j->cgroup, e);
	case OP_LIMIT:
		return limit_set(os->j, op->text, &os->nproc, e);
	case OP_CGROUP_DEL:
		r = os->j->vnet ? 0 : hold_end(os->j->cgroup, e);
		if (r == 0)
			r = cgroup_del(os->j->cgroup, e);
		hold_sweep();
		return r;
	case OP_VLAN_SET:
		return apply_net(os, &op, 1, &failed, e);
	case OP_SPOOF:
		return antispoof_set(op, e);
	case OP_SPOOF_DEL:
		return antispoof_del(op, e);
	case OP_NAT:
		return nat_set(os->j->run, op, e);
	case OP_NAT_DEL:
		return nat_del(os->j->run, op, e);
	case OP_FORWARD:
		return forward_on(os->j->run, op, e);
	case OP_FORWARD_DEL:
		return forward_off(os->j->run, op, e);
	case OP_ROOT:
	case OP_MOUNT:
		return queue_mount(os, op, e);
	case OP_JAIL_ADD:
		return jail_add(os, op, e);
	case OP_JAIL_DEL:
		return jail_del(os, e);
	case OP_VIEW_ADD:
		return apply_view_add(os, op, e);
	case OP_HOLD:
		return apply_hold(os, op, e);
	case OP_PROBE:
		return probe_ask(os, op, e);
	case OP_PROBE_END:
		return probe_answers(os, op->timeout, e);
	case OP_NETNS_PIN:
		return netns_pin(os, e);
	case OP_NETNS_UNPIN:
		return netns_unpin(os, e);
	case OP_LINK_IN:
		return link_in(os, op, e);
	case OP_LINK_OUT:
		return link_out(os, op, e);
	case OP_REACH:
		return probe_reach(os, op, e);
	case OP_HOLD_SET:
		return apply_hold_set(os, op, e);
	case OP_CONN_END:
		return apply_conn_end(os, op);
	case OP_LEASE:
		return lease_start(os, op, e);
	case OP_LEASE_END:
		return lease_end(os, e);
	case OP_LEASE_WAIT:
		return lease_wait(os, op, e);
	case OP_FILE:
		return jail_file(os, op, e);
	case OP_HOSTS:
		return jail_hosts(os, op, e);
	case OP_RESOLV:
		return jail_resolv(os, op, e);
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

#define NUMBERED_MAX 64

/*
 * The jail's root owns its stack, and may have removed, shut or routed what it likes: what fails by that is its loss, and must
 * not keep an address from being taken away by the steps beside it. An address that comes is not put where there is no interface.
 */
static bool is_its_loss(const struct op *op, int r)
{
	bool again = op->opts && streq(op->opts, OP_AGAIN);

	return op->kind == OP_ROUTE_ADD || (op->kind == OP_ADDR_ADD && (again || r == -EEXIST));
}

static int apply_numbered(struct os *os, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	for (size_t done = 0;;) {
		size_t failed = 0;
		int r = apply_net(os, ops + done, n - done, &failed, e);

		*ret_failed = done + failed;
		if (r >= 0 || !is_its_loss(ops[*ret_failed], r))
			return r;
		if (ops[*ret_failed]->kind == OP_ROUTE_ADD)
			(void)snprintf(os->j->note, sizeof(os->j->note), "%.*s", (int)sizeof(os->j->note) - 1, e->msg);
		*e = (struct err)ERR_INIT;
		done += failed + 1;
		if (done >= n)
			return 0;
	}
}

/* What a jail that runs calls its interfaces is its own business: those we made are known by the host's end. */
static int apply_inside(struct os *os, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct op copies[NUMBERED_MAX];
	const struct op *list[NUMBERED_MAX];
	char names[NUMBERED_MAX][IFNAME_CAP];
	struct err ignored = ERR_INIT;
	struct nl *in, *q, *host;

	if (n > NUMBERED_MAX || !os->j->vnet || os->sync >= 0 || ops[0]->where != AT_JAIL || !ops[0]->link ||
	    sides(os, AT_JAIL, &in, &q, &ignored) < 0 || sides(os, AT_HOST, &in, &host, &ignored) < 0)
		return apply_net(os, ops, n, ret_failed, e);
	for (size_t i = 0; i < n; i++) {
		copies[i] = *ops[i];
		if (copies[i].link && !copies[i].index)
			copies[i].index = inner_index(host, q, os->j->jid, copies[i].link, names[i]);
		if (copies[i].index != ops[i]->index)
			copies[i].link = names[i];
		/* only some are done by number */
		list[i] = is_numbered(&copies[i]) ? &copies[i] : ops[i];
	}
	return apply_numbered(os, list, n, ret_failed, e);
}

static int apply(void *ctx, const struct op *const *ops, size_t n, size_t *ret_failed, struct err *e)
{
	struct os *os = ctx;

	if (n == 1 && ops[0]->kind == OP_NONE)
		return 0;
	if (op_is_batched(ops[0]->kind) || links_removes(ops[0]->kind) || ops[0]->kind == OP_VLAN_ADD ||
	    ops[0]->kind == OP_DEV_ADD)
		return apply_inside(os, ops, n, ret_failed, e);
	for (*ret_failed = 0; *ret_failed < n; ++*ret_failed) {
		int r = apply_one(os, ops[*ret_failed], e);

		if (r < 0)
			return r;
	}
	return 0;
}

int os_settle(const char *run, struct err *e)
{
	return promote_settle(run, e);
}

struct backend os_backend(struct os *os)
{
	return (struct backend){ .ctx = os, .apply = apply };
}

int os_rules_restore(struct os *os, const struct jail *j, const struct facts *f, struct err *e)
{
	_cleanup_(plan_done) struct plan p = { 0 };
	int r = plan_rules(j, f, &p, e);
	bool learns = false;

	for (size_t i = 0; r == 0 && i < p.n; i++) {
		r = apply_one(os, &p.steps[i].redo, e);
		learns = learns || (p.steps[i].redo.kind == OP_SPOOF && p.steps[i].redo.flags & OP_SPOOF_DHCP);
	}
	/* what the kernel had learned went with its rules */
	return r == 0 && learns ? lease_ask(os, e) : r;
}
