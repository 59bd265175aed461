/* plan_start.c - the plan of `start`: which steps, in which order. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/limit.h"
#include "core/plan_impl.h"

#define FLAG_VNET (1U << 31)

void plan_add_plain(struct plan *p, enum phase ph, const struct op *redo)
{
	plan_add(p, ph, redo, NULL);
}

/* A command that is there because something has to be. */
static bool does_nothing(const char *cmd)
{
	return !*cmd || streq(cmd, "true") || streq(cmd, "/bin/true") || streq(cmd, "/usr/bin/true");
}

bool plan_probe(struct plan *p, enum phase ph, const struct jail *j, const struct link_fact *link,
                const struct ipaddr *addr)
{
	struct op op = { .kind = OP_PROBE, .addr = *addr };

	if (!j->conflict_wait || !link->can_ask)
		return false;
	op.addr.has_prefix = false;
	op.addr.prefix = 0;
	op.link = plan_str(p, link->name);
	plan_add_plain(p, ph, &op);
	return true;
}

void plan_probe_end(struct plan *p, enum phase ph, const struct jail *j)
{
	plan_add_plain(p, ph, &(struct op){ .kind = OP_PROBE_END, .timeout = j->conflict_wait });
}

static void add_hook(struct plan *p, const struct jail *j, enum prop_id id, enum phase ph)
{
	const char *cmd = conf_get(j->conf, id);
	struct op op = { .kind = OP_HOOK, .name = prop_table[id].name };

	if (does_nothing(cmd))
		return;
	op.text = plan_str(p, cmd);
	plan_add_plain(p, ph, &op);
}

static uint32_t jail_flags(const struct jail *j)
{
	return j->allow | (j->vnet ? FLAG_VNET : 0);
}

static int add_jail(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf process = { 0 }, ipc = { 0 };
	const char *name = plan_str(p, j->name);
	struct op redo = {
		.kind = OP_JAIL_ADD,
		.name = name,
		.id = f->jid,
		.host = plan_str(p, j->hostname),
		.domain = j->domainname[0] ? plan_str(p, j->domainname) : NULL,
		.flags = jail_flags(j),
		.index = j->children_max,
	};
	struct op undo = { .kind = OP_JAIL_DEL, .name = name };

	limits_process(j->conf, &process);
	limits_ipc(j->conf, &ipc);
	if (process.failed || ipc.failed)
		return err_oom(e);
	redo.text = process.len ? plan_str(p, process.p) : NULL;
	redo.opts = ipc.len ? plan_str(p, ipc.p) : NULL;
	plan_add(p, PH_START, &redo, &undo);
	return 0;
}

static void add_cgroup(struct plan *p, const struct jail *j)
{
	const char *name = plan_str(p, j->name);

	plan_add(p, PH_START, &(struct op){ .kind = OP_CGROUP_ADD, .name = name },
	         &(struct op){ .kind = OP_CGROUP_DEL, .name = name });
}

/* Before its first process: whatever that becomes is limited from its first moment. The limits go with the group. */
static int add_limits(struct plan *p, const struct jail *j, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf b = { 0 };

	limits_format(j->conf, NULL, &b);
	if (b.len && !b.failed)
		plan_add_plain(
			p, PH_START,
			&(struct op){ .kind = OP_LIMIT, .name = plan_str(p, j->name), .text = plan_str(p, b.p) });
	return b.failed ? err_oom(e) : 0;
}

static void add_run(struct plan *p, const struct jail *j, const struct root_source *root)
{
	const char *start = conf_get(j->conf, PROP_exec_start);
	uint64_t timeout = 0;
	struct op run = {
		.kind = OP_JAIL_RUN,
		.name = plan_str(p, j->name),
		.path = plan_str(p, root->init),
		.text = root->init || root->no_rc || does_nothing(start) ? NULL : plan_str(p, start),
	};

	if (str_to_uint(conf_get(j->conf, PROP_exec_timeout), 0, UINT32_MAX, &timeout))
		run.timeout = (uint32_t)timeout;
	plan_add_plain(p, PH_SERVICES, &run);
}

/*
 * What the first process does by itself while the network is being configured. It is told early and asked at the end how
 * that went: nothing here waits for it.
 */
static void add_first_process(struct plan *p, const struct jail *j, const struct root_source *root)
{
	struct op file = { .kind = OP_FILE, .where = AT_JAIL, .path = "/etc/resolv.conf" };
	struct op hosts = { .kind = OP_HOSTS, .where = AT_JAIL };
	struct op zone = { .kind = OP_FILE, .where = AT_JAIL, .path = "/etc/localtime", .opts = "/etc/localtime" };
	struct op confine = { .kind = OP_JAIL_CONFINE, .name = plan_str(p, j->name), .flags = jail_flags(j) };

	if (root->resolv) {
		file.text = plan_str(p, root->resolv);
		plan_add_plain(p, PH_START, &file);
	}
	if (j->localhost.family) {
		hosts.addr = j->localhost;
		plan_add_plain(p, PH_START, &hosts);
	}
	if (conf_true(j->conf, PROP_host_time))
		plan_add_plain(p, PH_START, &zone);
	confine.path = plan_str(p, root->init);
	plan_add_plain(p, PH_START, &confine);
}

static int build(struct plan *p, const struct jail *j, const struct facts *f, const struct root_source *root,
                 struct err *e)
{
	int r;

	add_hook(p, j, PROP_exec_prestart, PH_PRESTART);
	r = j->vnet ? plan_vnet_bridges(p, j, f, e) : plan_shared_aliases(p, j, f, e);
	if (r == 0 && j->vnet)
		r = plan_vnet_uplink(p, j, f, e);
	if (r == 0 && j->vnet)
		r = plan_vnet_probes(p, j, f, e);
	if (r < 0)
		return r;
	add_cgroup(p, j);
	r = add_limits(p, j, e);
	if (r == 0)
		r = plan_mounts(p, j, root, e);
	if (r < 0)
		return r;
	r = add_jail(p, j, f, e);
	if (r < 0)
		return r;
	add_first_process(p, j, root);
	r = j->vnet ? plan_vnet_passed(p, j, f, e) : 0;
	if (r < 0)
		return r;
	r = j->vnet ? plan_vnet_links(p, j, f, e) : plan_shared_view(p, j, f, e);
	if (r < 0)
		return r;
	if (!j->vnet)
		plan_shared_delayed(p, j);
	add_hook(p, j, PROP_exec_created, PH_QUIET);
	add_run(p, j, root);
	add_hook(p, j, PROP_exec_poststart, PH_POSTSTART);
	return plan_check(p, e);
}

int plan_start(const struct jail *j, const struct facts *f, const struct root_source *root, struct plan *ret,
               struct err *e)
{
	struct plan p = { 0 };
	int r = build(&p, j, f, root, e);

	if (r < 0) {
		plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
