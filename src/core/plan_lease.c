/* plan_lease.c - the part of `start` for addresses a VNET jail learns: DHCP, and router advertisements. */
#include <string.h>

#include "base/cleanup.h"
#include "core/plan_impl.h"

/* Does a NIC learn addresses of that kind; its name inside. */
static bool learns(const struct jail *j, const struct jnic *nic, enum jaddr_mode mode, char inside[static IFNAME_CAP])
{
	const struct jaddr *list = mode == JADDR_DHCP ? j->a4 : j->a6;
	size_t n = mode == JADDR_DHCP ? j->n4 : j->n6;

	for (size_t i = 0; i < n; i++)
		if (list[i].mode == mode && plan_find_nic(j, list[i].ifname) == nic)
			return jnic_inside_name(nic->name, inside) == 0;
	return false;
}

static bool any(const struct jail *j, enum jaddr_mode mode)
{
	char inside[IFNAME_CAP];

	for (size_t i = 0; i < j->nnics; i++)
		if (learns(j, &j->nics[i], mode, inside))
			return true;
	return false;
}

int plan_lease_accept(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct op route, op = { .kind = OP_SYSCTL, .where = AT_JAIL };
	char inside[IFNAME_CAP];
	bool own_route;
	int r;

	if (!any(j, JADDR_RTADV))
		return 0;
	r = plan_vnet_route(p, j, f, 6, &route, e);
	if (r < 0)
		return r;
	own_route = route.kind != OP_NONE || j->router6.mode == ROUTER_NONE;
	for (size_t i = 0; i < j->nnics; i++) {
		if (!learns(j, &j->nics[i], JADDR_RTADV, inside))
			continue;
		if (own_route) {
			op.name = plan_strf(p, "net/ipv6/conf/%s/accept_ra_defrtr", inside);
			op.text = "0";
			plan_add_plain(p, PH_VNET, &op);
		}
		/* 2: also when the jail is a router itself */
		op.name = plan_strf(p, "net/ipv6/conf/%s/accept_ra", inside);
		op.text = "2";
		plan_add_plain(p, PH_VNET, &op);
	}
	return 0;
}

static void add_client(struct plan *p, const struct jail *j, const char *links, bool own_route)
{
	struct op redo = { .kind = OP_LEASE, .where = AT_JAIL }, undo = { .kind = OP_LEASE_END };

	redo.name = undo.name = plan_str(p, j->name);
	redo.text = plan_str(p, links);
	redo.host = plan_str(p, j->hostname);
	if (own_route || j->router4.mode == ROUTER_NONE)
		redo.flags |= OP_LEASE_NOROUTE;
	else if (j->router4.mode == ROUTER_ADDR)
		redo.gw = j->router4.addr;
	plan_add(p, PH_VNET, &redo, &undo);
}

int plan_lease(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct op route, wait = { .kind = OP_LEASE_WAIT, .where = AT_JAIL, .name = plan_str(p, j->name) };
	_cleanup_(sbuf_done) struct sbuf links = { 0 }, all = { 0 };
	uint64_t timeout = 0;
	char inside[IFNAME_CAP];
	int r;

	for (size_t i = 0; i < j->nnics; i++) {
		if (learns(j, &j->nics[i], JADDR_DHCP, inside)) {
			sbuf_addf(&links, "%s%s", links.len ? " " : "", inside);
			sbuf_addf(&all, "%s%s/4", all.len ? " " : "", inside);
		}
		if (learns(j, &j->nics[i], JADDR_RTADV, inside))
			sbuf_addf(&all, "%s%s/6", all.len ? " " : "", inside);
	}
	if (links.failed || all.failed)
		return err_oom(e);
	if (links.len) {
		r = plan_vnet_route(p, j, f, 4, &route, e);
		if (r < 0)
			return r;
		add_client(p, j, links.p, route.kind != OP_NONE);
	}
	if (!all.len)
		return 0;
	(void)str_to_uint(conf_get(j->conf, PROP_dhcp_timeout), 0, 3600, &timeout);
	wait.text = plan_str(p, all.p);
	wait.timeout = (uint32_t)timeout;
	wait.flags = conf_true(j->conf, PROP_dhcp_required) ? OP_LEASE_REQUIRED : 0;
	if (links.len && streq(conf_get(j->conf, PROP_resolver), prop_table[PROP_resolver].def))
		wait.flags |= OP_LEASE_RESOLV;
	plan_add_plain(p, PH_VNET, &wait);
	return 0;
}
