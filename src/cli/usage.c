/* usage.c - get --use: what a jail takes now of what bounds it. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"
#include "cli/table.h"

/* Amounts as the properties take them: the largest unit that says it exactly, else kilobytes, rounded up. */
static char *bytes_text(uint64_t n)
{
	static const char units[] = "kmgt";
	uint64_t k = (n + 1023) / 1024;
	size_t unit = 0;

	while (k && k % 1024 == 0 && unit + 2 < sizeof(units)) {
		k /= 1024;
		unit++;
	}
	return n ? strf("%llu%c", (unsigned long long)k, units[unit]) : strdup("0");
}

static char *amount_text(const struct prop *p, uint64_t n)
{
	if (streq(p->name, "console_log_size")) /* a property in kilobytes */
		return strf("%llu", (unsigned long long)((n + 1023) / 1024));
	return p->type == PT_TMPFS || p->type == PT_SIZE || (p->type == PT_RCTL && p->min == 1)
	               ? bytes_text(n)
	               : strf("%llu", (unsigned long long)n);
}

static const struct os_use *find_use(const struct os_usage *u, const char *prop)
{
	for (size_t i = 0; i < u->n; i++)
		if (streq(u->v[i].prop, prop))
			return &u->v[i];
	return NULL;
}

/* A bound that this system does not hold is none. */
static bool is_bound(const struct prop *p, const struct os_use *use)
{
	return use || (streq(p->group, "limits") && !(p->flags & (PF_NOLINUX | PF_LATER)));
}

static int add_row(struct table *t, const struct config *cfg, enum prop_id id, const struct os_use *use, struct err *e)
{
	_cleanup_free_ char *bound = config_value(cfg, prop_table[id].name);
	_cleanup_free_ char *used = use ? amount_text(&prop_table[id], use->n) : strdup("-");

	if (!bound || !used)
		return err_oom(e);
	table_row(t, (const char *[]){ prop_table[id].name, bound, used });
	return 0;
}

/* The jail's run as the backend knows it; *ret_log is the caller's. 0 when it is down. */
static int running_jail(struct cli *c, const char *jail, struct os_jail *ret, char **ret_log, struct err *e)
{
	static struct state st;
	int r = jail_shown(c, jail, &st);

	if (r <= 0)
		return 0;
	*ret_log = strf("%s/log/%s-console.log", c->st.root, jail);
	if (!*ret_log)
		return err_oom(e);
	*ret = (struct os_jail){
		.jail = jail, .run = c->st.run, .pid = st.pid, .vnet = st.vnet, .console_log = *ret_log
	};
	return str_copy(ret->cgroup, sizeof(ret->cgroup), st.cgroup) < 0 ? err_set(e, EINVAL, "%s: bad state", jail)
	                                                                 : 1;
}

int print_usage(struct cli *c, const struct config *cfg, const char *key, bool script, struct err *e)
{
	static const char *const head[] = { "PROPERTY", "BOUND", "USE" };
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	_cleanup_(table_done) struct table t;
	_cleanup_free_ char *log = NULL;
	struct os_usage u = { .n = 0 };
	struct os_jail j;
	int r = running_jail(c, cfg->name, &j, &log, e);

	table_init(&t, head, 3);
	if (r > 0)
		r = os_usage(&j, &u, e);
	for (enum prop_id id = 0; r >= 0 && id < PROP__COUNT; id++) {
		const struct os_use *use = find_use(&u, prop_table[id].name);

		if (streq(key, "all") ? is_bound(&prop_table[id], use) : streq(key, prop_table[id].name))
			r = add_row(&t, cfg, id, use, e);
	}
	if (r < 0)
		return r;
	if (!t.rows)
		return err_set(e, EINVAL, "%s is not a valid property!", key);
	return table_print(&t, script, &out) ? print_sbuf(&out, e) : err_oom(e);
}
