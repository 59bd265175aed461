/* life_nat.c - the address of a jail with nat: chosen once, kept, and chosen anew only when somebody else has it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/life.h"
#include "core/nat.h"

/* Which networks of the prefix are spoken for by other jails, running or not. */
static int mark_others(struct session *s, const char *prefix, bool *used, struct err *e)
{
	_cleanup_(strv_done) struct strv names = { 0 };
	int r = store_jails(&s->c->st, &names, e);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct ipaddr a;

		if (streq(names.v[i], s->jail) || nat_addr_load(&s->c->st, names.v[i], &a, NULL) < 0)
			continue;
		used[nat_network_of(prefix, &a)] = true;
	}
	return r;
}

/* 1: the host knows a way to the network of a, to *ret; so it is not free. */
static int host_has(struct session *s, const struct ipaddr *a, struct ipaddr *ret, struct err *e)
{
	struct ipaddr router = nat_router(a);
	int r = os_route_to(s->os, a, ret, e);

	return r ? r : os_route_to(s->os, &router, ret, e);
}

/* The first network of the prefix past a in which net, which has a in it, ends. */
static unsigned past(const char *prefix, const struct ipaddr *net, unsigned i)
{
	struct ipaddr a;

	for (i++; i < NAT_NETWORKS && nat_network(prefix, i, &a) && ipaddr_in_prefix(&a, net); i++)
		;
	return i;
}

static int choose(struct session *s, const char *prefix, struct ipaddr *ret, struct err *e)
{
	_cleanup_free_ bool *used = calloc(NAT_NETWORKS + 1, sizeof(*used));
	int r = used ? mark_others(s, prefix, used, e) : err_oom(e);

	for (unsigned i = 0; r == 0 && i < NAT_NETWORKS;) {
		struct ipaddr a, net;

		if (used[i] || !nat_network(prefix, i, &a)) {
			i++;
			continue;
		}
		r = host_has(s, &a, &net, e);
		if (r < 0)
			return r;
		if (r == 0) {
			*ret = a;
			return 0;
		}
		i = past(prefix, &net, i);
		r = 0;
	}
	return r < 0 ? r
	             : err_set(e, EADDRNOTAVAIL,
	                       "An unused RFC1918 compliant address could not be allocated.\nPlease set an unused "
	                       "nat_prefix.");
}

int session_nat(struct session *s, struct err *e)
{
	const char *prefix = conf_get(&s->cfg.conf, PROP_nat_prefix);
	char was[IPADDR_TEXT], is[IPADDR_TEXT];
	_cleanup_close_ int lock = -1;
	struct err why = ERR_INIT;
	struct ipaddr a, net;
	bool had;
	int r;

	if (!s->model.nat)
		return 0;
	/* one at a time chooses: what is chosen is written down before the next one looks */
	r = s->o.dry_run ? 0 : share_lock(s, &lock, e);
	if (r < 0)
		return r;
	r = nat_addr_load(&s->c->st, s->jail, &a, &why);
	if (r < 0 && r != -ENOENT && !s->o.quiet)
		warning("%s: its address was lost (%s): it gets another one", s->jail, why.msg);
	had = r == 0 && nat_network_of(prefix, &a) != NAT_NETWORKS;
	r = 0;
	if (had) {
		r = host_has(s, &a, &net, e);
		if (r == 1 && !s->o.quiet)
			warning("%s: its network at %s is in use on this host (%s): it gets another one", s->jail,
			        ipaddr_format(&a, was), ipaddr_format(&net, is));
		if (r == 0)
			return jail_nat_set(&s->model, &a, e);
	}
	if (r >= 0)
		r = choose(s, prefix, &a, e);
	if (r == 0 && !s->o.dry_run)
		r = nat_addr_save(&s->c->st, s->jail, &a, e);
	return r < 0 ? r : jail_nat_set(&s->model, &a, e);
}
