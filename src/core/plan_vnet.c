/* plan_vnet.c - the part of `start` that wires up a VNET jail: bridges, epairs, addresses, default routes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/hostnet.h"
#include "core/plan_impl.h"

#define IP6_MTU_MIN 1280 /* RFC 8200, section 5 */

static bool bridge_seen(const struct jail *j, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (streq(j->nics[k].bridge, j->nics[i].bridge))
			return true;
	return false;
}

static bool has_vlans(const struct jnic *nic)
{
	return nic->vlans.untagged || nic->vlans.ntagged;
}

/* The first NIC on this bridge that wants VLANs of it. */
static const struct jnic *wants_vlans(const struct jail *j, const char *bridge)
{
	for (size_t i = 0; i < j->nnics; i++)
		if (has_vlans(&j->nics[i]) && streq(j->nics[i].bridge, bridge))
			return &j->nics[i];
	return NULL;
}

/* A bridge that does not tell VLANs apart would join what is to be kept apart. */
static int check_vlans(const struct jnic *nic, const struct link_fact *bridge, struct err *e)
{
	if (!bridge->can_vlans)
		return err_set(e, EOPNOTSUPP,
		               "%s_vlan: this kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING); make a "
		               "bridge for each VLAN instead",
		               nic->name);
	if (!bridge->ours)
		return err_set(
			e, EINVAL,
			"%s_vlan: the bridge %s does not filter VLANs. It is not ours to change; 'ip link set %s "
			"type bridge vlan_filtering 1' switches it on (ports it has stay together in VLAN %u)",
			nic->name, bridge->name, bridge->name, bridge->default_pvid);
	return 0;
}

int plan_vnet_bridges(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	for (size_t i = 0; i < j->nnics; i++) {
		const char *bridge = j->nics[i].bridge;
		const struct link_fact *link = facts_link(f, bridge);
		const struct jnic *vlans = wants_vlans(j, bridge);
		struct op redo = { .kind = OP_BRIDGE_ADD, .flags = vlans ? OP_BRIDGE_VLANS : 0 };
		struct op undo = { .kind = OP_BRIDGE_DEL };

		if (!bridge[0] && has_vlans(&j->nics[i]))
			return err_set(e, EINVAL, "%s_vlan: %s is on no bridge", j->nics[i].name, j->nics[i].name);
		if (!bridge[0] || bridge_seen(j, i))
			continue;
		if (link && !link->is_bridge)
			return err_set(e, EEXIST,
			               "interfaces: %s exists but is not a bridge; name a bridge for %s, or none",
			               bridge, j->nics[i].name);
		if (link && vlans && !link->vlan_filtering) {
			int r = check_vlans(vlans, link, e);

			if (r < 0)
				return r;
		} else if (link) {
			redo = (struct op){ .kind = OP_NONE };
		}
		/* ours, made by another jail's start: whoever stops last removes it */
		if (link && !link->ours)
			continue;
		redo.link = undo.link = plan_str(p, bridge);
		plan_add(p, PH_START, &redo, &undo);
	}
	return 0;
}

unsigned plan_vnet_mtu(const struct jail *j, const struct jnic *nic, const struct facts *f)
{
	const struct link_fact *bridge = nic->bridge[0] ? facts_link(f, nic->bridge) : NULL;
	const struct hn_link *uplink = plan_uplink_of(j, f, nic->bridge);

	if (nic->mtu)
		return nic->mtu;
	if (bridge && bridge->first_member_mtu)
		return bridge->first_member_mtu;
	return uplink ? uplink->mtu : j->default_mtu;
}

/* Both ends' addresses: of the configuration, else the ones that are the same at every start. */
static void nic_macs(const struct jail *j, const struct jnic *nic, const struct facts *f, struct macaddr *ret_host,
                     struct macaddr *ret_jail)
{
	if (nic->mac_host.set && nic->mac_jail.set) {
		*ret_host = nic->mac_host;
		*ret_jail = nic->mac_jail;
	} else {
		mac_derive(f->host_id, j->name, nic->name, j->mac_prefix[0] ? j->mac_prefix : NULL, ret_host, ret_jail);
	}
}

/* Rules come before the pair: nothing of the jail passes without them. */
static int add_rules(struct plan *p, const struct jail *j, const struct jnic *nic, const struct facts *f,
                     const char *outside, const struct macaddr *mac, struct err *e)
{
	if (j->nat && nic == j->nics)
		return plan_nat(p, j, f, outside, e);
	if (j->antispoof && nic->bridge[0])
		plan_antispoof(p, j, nic, outside, mac);
	return 0;
}

static int add_all_rules(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	for (size_t i = 0; i < j->nnics; i++) {
		struct macaddr host, jail;
		char outside[IFNAME_CAP];
		int r;

		(void)jnic_outside_name(j->nics[i].name, f->jid, outside);
		nic_macs(j, &j->nics[i], f, &host, &jail);
		r = add_rules(p, j, &j->nics[i], f, plan_str(p, outside), &jail, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int plan_rules(const struct jail *j, const struct facts *f, struct plan *ret, struct err *e)
{
	struct plan p = { 0 };
	int r = j->vnet ? add_all_rules(&p, j, f, e) : 0;

	if (r == 0)
		r = plan_check(&p, e);
	if (r < 0)
		plan_done(&p);
	else
		*ret = p;
	return r;
}

static int add_pair(struct plan *p, const struct jail *j, const struct jnic *nic, const struct facts *f, struct err *e)
{
	char outside[IFNAME_CAP], inside[IFNAME_CAP];
	struct op redo = { .kind = OP_VETH_ADD }, undo = { .kind = OP_LINK_DEL };

	if (jnic_inside_name(nic->name, inside) < 0)
		return err_set(e, ENAMETOOLONG, "interfaces: %s is too long", nic->name);
	if (jnic_outside_name(nic->name, f->jid, outside) > 0)
		redo.text = plan_strf(p, "%s.%u", nic->name, f->jid);
	nic_macs(j, nic, f, &redo.mac, &redo.mac2);
	redo.link = undo.link = plan_str(p, outside);
	redo.peer = plan_str(p, inside);
	redo.bridge = nic->bridge[0] ? plan_str(p, nic->bridge) : NULL;
	redo.mtu = plan_vnet_mtu(j, nic, f);
	if (redo.bridge)
		redo.flags = (j->isolated ? OP_VETH_ISOLATED : 0) | (j->antispoof ? OP_VETH_NOBPDU : 0);
	redo.alias = undo.alias = plan_strf(p, OP_MARK_LINK "%s as nic: %s", j->name, inside);
	plan_add(p, PH_VNET, &redo, &undo);
	return 0;
}

/* After the pairs, which travel together; nothing runs in the jail yet. */
static void add_vlans(struct plan *p, const struct jail *j, const struct facts *f)
{
	for (size_t i = 0; i < j->nnics; i++) {
		const struct jnic *nic = &j->nics[i];
		const struct link_fact *bridge = facts_link(f, nic->bridge);
		_cleanup_(sbuf_done) struct sbuf list = { 0 };
		char outside[IFNAME_CAP];
		struct op op = { .kind = OP_VLAN_SET, .index = bridge ? bridge->default_pvid : 1 };

		if (!has_vlans(nic))
			continue;
		(void)jnic_outside_name(nic->name, f->jid, outside);
		vlans_format(&nic->vlans, &list);
		if (list.failed)
			p->failed = true;
		op.link = plan_str(p, outside);
		op.text = plan_str(p, list.p);
		plan_add_plain(p, PH_VNET, &op);
	}
}

/* A NIC whose VLANs are said anew. A bridge of ours begins to filter; it stays so if the change is taken back. */
static int change_vlans(struct plan *p, const struct jnic *old, const struct jnic *new, const struct facts *f,
                        struct err *e)
{
	const struct link_fact *bridge = new->bridge[0] ? facts_link(f, new->bridge) : NULL;
	_cleanup_(sbuf_done) struct sbuf was = { 0 }, is = { 0 };
	struct op redo = { .kind = OP_VLAN_SET }, undo = redo;
	char outside[IFNAME_CAP];

	vlans_format(&old->vlans, &was);
	vlans_format(&new->vlans, &is);
	if (was.failed || is.failed)
		return err_oom(e);
	if (streq(was.p ? was.p : "", is.p ? is.p : ""))
		return 0;
	if (!new->bridge[0])
		return err_set(e, EINVAL, "%s_vlan: %s is on no bridge", new->name, new->name);
	(void)jnic_outside_name(new->name, f->jid, outside);
	if (!bridge || !facts_link(f, outside))
		return err_set(e, ENODEV, "%s_vlan: %s is gone; see iocage doctor", new->name,
		               bridge ? outside : new->bridge);
	if (has_vlans(new) && !bridge->vlan_filtering) {
		struct op filter = { .kind = OP_BRIDGE_ADD, .flags = OP_BRIDGE_VLANS };
		int r = check_vlans(new, bridge, e);

		if (r < 0)
			return r;
		filter.link = plan_str(p, new->bridge);
		plan_add_plain(p, PH_QUIET, &filter);
	}
	redo.link = undo.link = plan_str(p, outside);
	redo.index = undo.index = bridge->default_pvid;
	redo.text = undo.opts = plan_str(p, has_vlans(new) ? is.p : "none");
	redo.opts = undo.text = plan_str(p, has_vlans(old) ? was.p : "none");
	plan_add(p, PH_QUIET, &redo, &undo);
	return 0;
}

int plan_vlans_live(struct plan *p, const struct jail *old, const struct jail *new, const struct facts *f,
                    struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < old->nnics; i++) {
		const struct jnic *nic = plan_find_nic(new, old->nics[i].name);

		if (nic)
			r = change_vlans(p, &old->nics[i], nic, f, e);
	}
	return r;
}

const struct jnic *plan_find_nic(const struct jail *j, const char *name)
{
	for (size_t i = 0; i < j->nnics; i++)
		if (jnic_is_called(&j->nics[i], name))
			return &j->nics[i];
	return NULL;
}

static void list_nics(const struct jail *j, struct sbuf *out)
{
	for (size_t i = 0; i < j->nnics; i++)
		sbuf_addf(out, "%s%s", i ? ", " : "", j->nics[i].name);
}

static int no_such_nic(const struct jail *j, const char *prop, const char *name, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf have = { 0 };

	list_nics(j, &have);
	return err_set(e, EINVAL, "%s names %s, but the jail's interfaces are %s; lo0 would be its loopback", prop,
	               name[0] ? name : "vnet0 (an address without an interface)", have.len ? have.p : "none");
}

static bool is_link_local(const struct ipaddr *a)
{
	return a->family == 6 && a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* The address every IPv6 interface has: fe80::/64 with the MAC as modified EUI-64 (RFC 4291, appendix A). */
static struct ipaddr own_link_local(const struct macaddr *m)
{
	return (struct ipaddr){
		.family = 6,
		.has_prefix = true,
		.prefix = 64,
		.b = { 0xfe, 0x80, [8] = m->b[0] ^ 2, m->b[1], m->b[2], 0xff, 0xfe, m->b[3], m->b[4], m->b[5] },
	};
}

static bool has_ip6(const struct jail *j, const struct jnic *nic)
{
	for (size_t i = 0; i < j->n6; i++)
		if (plan_find_nic(j, j->a6[i].ifname) == nic)
			return true;
	return false;
}

int plan_check_mtu(const struct jail *j, const struct jnic *nic, const struct facts *f, struct err *e)
{
	unsigned mtu = plan_vnet_mtu(j, nic, f);

	if (mtu >= IP6_MTU_MIN || !has_ip6(j, nic))
		return 0;
	return err_set(e, EINVAL, "ip6_addr: IPv6 needs an MTU of at least %d, and that of %s is %u; see %s_mtu",
	               IP6_MTU_MIN, nic->name, mtu, nic->name);
}

/* A NIC with IPv6 gets its link-local address from us: the kernel's own is not usable before a second has passed. */
static int add_up(struct plan *p, const struct jail *j, const struct jnic *nic, const struct facts *f, struct err *e)
{
	struct op up = { .kind = OP_LINK_UP, .where = AT_JAIL };
	struct macaddr host, mac;
	char inside[IFNAME_CAP];
	int r = plan_check_mtu(j, nic, f, e);

	if (r < 0)
		return r;
	if (jnic_inside_name(nic->name, inside) < 0)
		return 0; /* add_pair refused it already */
	if (has_ip6(j, nic)) {
		nic_macs(j, nic, f, &host, &mac);
		up.addr = own_link_local(&mac);
	}
	up.link = plan_str(p, inside);
	plan_add_plain(p, PH_VNET, &up);
	return 0;
}

/* Is it there without us: 127.0.0.1 and ::1 on the loopback, a NIC's own link-local address. */
static bool is_there(const struct ipaddr *a, const struct macaddr *mac)
{
	static const struct ipaddr lo4 = { .family = 4, .b = { 127, 0, 0, 1 } },
				   lo6 = { .family = 6, .b = { [15] = 1 } };
	struct ipaddr own = own_link_local(mac);

	return mac->set ? ipaddr_same_host(a, &own) : ipaddr_same_host(a, &lo4) || ipaddr_same_host(a, &lo6);
}

int plan_vnet_addr(struct plan *p, const struct jail *j, const struct facts *f, const struct jaddr *a, const char *prop,
                   struct op *ret, struct err *e)
{
	struct op op = { .kind = OP_ADDR_ADD, .where = AT_JAIL, .addr = a->addr };
	const struct jnic *nic = plan_find_nic(j, a->ifname);
	char inside[IFNAME_CAP] = "lo";
	struct macaddr host, mac = { .set = false };

	*ret = (struct op){ .kind = OP_NONE };
	if (!nic && plan_passed(j, a->ifname))
		(void)!str_copy(inside, sizeof(inside), a->ifname);
	else if (!nic && !ifname_is_loopback(a->ifname))
		return no_such_nic(j, prop, a->ifname, e);
	if (a->mode != JADDR_STATIC)
		return 0; /* plan_lease.c */
	if (nic && jnic_inside_name(nic->name, inside) < 0)
		return err_set(e, ENAMETOOLONG, "interfaces: %s is too long", nic->name);
	if (!a->addr.has_prefix) {
		op.addr.has_prefix = true;
		op.addr.prefix = (uint8_t)ipaddr_max_prefix(&a->addr);
	}
	if (nic)
		nic_macs(j, nic, f, &host, &mac);
	if (is_there(&op.addr, &mac))
		return 0;
	op.link = plan_str(p, inside);
	*ret = op;
	return 0;
}

static int add_addrs(struct plan *p, const struct jail *j, const struct facts *f, const struct jaddr *list, size_t n,
                     const char *prop, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		struct op op;
		int r = plan_vnet_addr(p, j, f, &list[i], prop, &op, e);

		if (r < 0)
			return r;
		if (op.kind != OP_NONE)
			plan_add_plain(p, PH_VNET, &op);
	}
	return 0;
}

/* Default route of one family. */
struct route {
	const struct jaddr *list;
	size_t n;
	const struct router *router;
	const struct gateway_fact *host;
	const char *prop;
};

/* Beside addresses that are learned only a router that was named is ours: the others come with them. */
static bool wants_route(const struct jail *j, const struct route *r)
{
	bool on_nic = false;

	for (size_t i = 0; i < r->n; i++) {
		if (r->list[i].mode == JADDR_SELF)
			continue;
		if (r->list[i].mode != JADDR_STATIC && r->router->mode != ROUTER_ADDR)
			return false;
		on_nic = on_nic || plan_find_nic(j, r->list[i].ifname);
	}
	return on_nic && r->router->mode != ROUTER_NONE;
}

static bool learns(const struct route *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (jaddr_is_learned(&r->list[i]))
			return true;
	return false;
}

/* The NIC a link is known by: its own names, or what its bridge joins on the host. NULL: none of the jail's. */
static const struct jnic *link_nic(const struct jail *j, const struct facts *f, const char *name)
{
	const struct link_fact *link = facts_link(f, name), *bridge;
	const struct jnic *nic = plan_find_nic(j, name);

	/* it joins the bridge before the jail is there */
	for (size_t i = 0; !nic && f->uplink[0] && streq(f->uplink, name) && i < j->nnics; i++)
		if (plan_uplink_of(j, f, j->nics[i].bridge))
			nic = &j->nics[i];
	for (size_t i = 0; !nic && link && i < j->nnics; i++) {
		bridge = j->nics[i].bridge[0] ? facts_link(f, j->nics[i].bridge) : NULL;
		if (bridge && (bridge == link || (link->master && link->master == bridge->index)))
			nic = &j->nics[i];
	}
	return nic;
}

/* A link-local router is on the link it names; without one, on that of the first address. */
static const struct jnic *scoped_nic(const struct jail *j, const struct facts *f, const struct route *r)
{
	bool named = r->router->mode == ROUTER_ADDR;
	const char *zone = named ? r->router->addr.zone : r->host->ifname;
	const struct jnic *nic = zone[0] ? link_nic(j, f, zone) : NULL;

	if (nic || !named)
		return nic;
	/* the host's name for the link, as F writes it */
	if (zone[0])
		return j->nnics == 1 ? &j->nics[0] : NULL;
	for (size_t i = 0; !nic && i < r->n; i++)
		nic = plan_find_nic(j, r->list[i].ifname);
	return nic;
}

/* The NIC that reaches gw. */
static const struct jnic *route_nic(const struct jail *j, const struct facts *f, const struct route *r,
                                    const struct ipaddr *gw)
{
	const struct jnic *only = gw->zone[0] ? plan_find_nic(j, gw->zone) : NULL;

	if (is_link_local(gw))
		return scoped_nic(j, f, r);
	for (size_t i = 0; i < r->n; i++) {
		const struct jnic *nic = plan_find_nic(j, r->list[i].ifname);

		if (nic && (!only || nic == only) && r->list[i].mode == JADDR_STATIC &&
		    ipaddr_in_prefix(gw, &r->list[i].addr))
			return nic;
	}
	return NULL;
}

static bool is_own(const struct route *r, const struct ipaddr *gw)
{
	for (size_t i = 0; i < r->n; i++)
		if (ipaddr_same_host(&r->list[i].addr, gw))
			return true;
	return false;
}

static int unreachable(const struct jail *j, const struct route *r, const struct ipaddr *gw, struct err *e)
{
	_cleanup_(sbuf_done) struct sbuf nets = { 0 };
	char buf[IPADDR_TEXT];

	if (is_own(r, gw))
		return err_set(e, EINVAL, "%s: %s is the jail's own address", r->prop, ipaddr_format_host(gw, buf));
	if (is_link_local(gw)) {
		list_nics(j, &nets);
		return err_set(e, ENETUNREACH, "%s: %s is on a link that is none of the jail's: its interfaces are %s",
		               r->prop, ipaddr_format_host(gw, buf), nets.p ? nets.p : "none");
	}
	for (size_t i = 0; i < r->n; i++) {
		const struct jnic *nic = plan_find_nic(j, r->list[i].ifname);

		if (nic)
			sbuf_addf(&nets, "%s%s on %s", nets.len ? ", " : "", ipaddr_format(&r->list[i].addr, buf),
			          nic->name);
	}
	return err_set(e, ENETUNREACH, "%s: %s is in none of the jail's networks: %s", r->prop,
	               ipaddr_format_host(gw, buf), nets.p ? nets.p : "none");
}

static int route_op(struct plan *p, const struct jail *j, const struct facts *f, const struct route *r, struct op *ret,
                    struct err *e)
{
	struct op op = { .kind = OP_ROUTE_ADD, .where = AT_JAIL };
	bool named = r->router->mode == ROUTER_ADDR;
	const struct jnic *nic;
	char inside[IFNAME_CAP];

	if (!wants_route(j, r) || (!named && (!r->host->have || r->host->gw.family == 0)))
		return 0;
	op.gw = named ? r->router->addr : r->host->gw;
	nic = is_own(r, &op.gw) ? NULL : route_nic(j, f, r, &op.gw);
	if (!nic || jnic_inside_name(nic->name, inside) < 0)
		return named && !learns(r) ? unreachable(j, r, &op.gw, e) : 0;
	op.gw.has_prefix = false;
	op.gw.prefix = 0;
	memset(op.gw.zone, 0, sizeof(op.gw.zone));
	op.link = plan_str(p, inside);
	*ret = op;
	return 0;
}

int plan_vnet_route(struct plan *p, const struct jail *j, const struct facts *f, int family, struct op *ret,
                    struct err *e)
{
	struct route r4 = { j->a4, j->n4, &j->router4, &f->gw4, "defaultrouter" };
	struct route r6 = { j->a6, j->n6, &j->router6, &f->gw6, "defaultrouter6" };

	*ret = (struct op){ .kind = OP_NONE };
	return route_op(p, j, f, family == 6 ? &r6 : &r4, ret, e);
}

int plan_vnet_probe(struct plan *p, enum phase ph, const struct jail *j, const struct jaddr *a, const struct facts *f,
                    const char *prop, bool *ret_asked, struct err *e)
{
	const struct jnic *nic = plan_find_nic(j, a->ifname);
	const struct link_fact *bridge = nic && nic->bridge[0] ? facts_link(f, nic->bridge) : NULL;
	const struct addr_fact *fact = facts_addr(f, &a->addr);
	const struct hn_link *uplink = nic && nic->bridge[0] ? plan_uplink_of(j, f, nic->bridge) : NULL;
	struct link_fact made = { .can_ask = uplink && uplink->up };
	char addr[IPADDR_TEXT];

	/* a bridge that the start makes and that leads out */
	if (!bridge && uplink && str_copy(made.name, sizeof(made.name), nic->bridge) == 0)
		bridge = &made;
	/* the host's end of the bridge may be in another VLAN, where the address may be somebody else's by right */
	if (a->mode != JADDR_STATIC || !bridge || !j->conflict_wait || has_vlans(nic))
		return 0;
	if (fact && fact->present &&
	    (streq(fact->ifname, bridge->name) || (uplink && streq(fact->ifname, uplink->name))))
		return err_class(e, ERR_BUSY, EADDRINUSE, "%s: %s is in use on %s by %s%s", prop,
		                 ipaddr_format_host(&a->addr, addr), bridge->name,
		                 fact->holder[0] ? "jail " : "this host", fact->holder);
	if (plan_probe(p, ph, j, bridge, &a->addr))
		*ret_asked = true;
	return 0;
}

int plan_vnet_probes(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < j->n4 + j->n6; i++)
		r = i < j->n4 ? plan_vnet_probe(p, PH_START, j, &j->a4[i], f, "ip4_addr", &any, e)
		              : plan_vnet_probe(p, PH_START, j, &j->a6[i - j->n4], f, "ip6_addr", &any, e);
	return r;
}

static bool asked(const struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->steps[i].redo.kind == OP_PROBE)
			return true;
	return false;
}

int plan_vnet_links(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	struct op lo = { .kind = OP_LINK_UP, .where = AT_JAIL, .link = "lo" };
	/* ping without raw sockets, for every group */
	struct op ping = {
		.kind = OP_SYSCTL, .where = AT_JAIL, .name = "net/ipv4/ping_group_range", .text = "0 2147483647"
	};
	int r;

	/* before there are pairs: a bridge that takes another MAC for a new port forgets its neighbours */
	if (asked(p))
		plan_probe_end(p, PH_START, j);
	r = add_all_rules(p, j, f, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < j->nnics; i++) {
		r = add_pair(p, j, &j->nics[i], f, e);
		if (r < 0)
			return r;
	}
	add_vlans(p, j, f);
	plan_add_plain(p, PH_VNET, &ping);
	r = plan_lease_accept(p, j, f, e);
	if (r < 0)
		return r;
	/* after the pairs: all that happens inside is one batch */
	plan_add_plain(p, PH_VNET, &lo);
	for (size_t i = 0; i < j->nnics; i++) {
		r = add_up(p, j, &j->nics[i], f, e);
		if (r < 0)
			return r;
	}
	r = add_addrs(p, j, f, j->a4, j->n4, "ip4_addr", e);
	if (r == 0)
		r = add_addrs(p, j, f, j->a6, j->n6, "ip6_addr", e);
	for (int family = 4; r == 0 && family <= 6; family += 2) {
		struct op route;

		r = plan_vnet_route(p, j, f, family, &route, e);
		if (r == 0 && route.kind != OP_NONE)
			plan_add_plain(p, PH_VNET, &route);
	}
	if (r == 0 && j->nat)
		plan_nat_link(p, j, f);
	return r < 0 ? r : plan_lease(p, j, f, e);
}
