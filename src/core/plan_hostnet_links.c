/* plan_hostnet_links.c - the links that rc.conf asks for: bridges, VLANs, laggs, tunnels, and the values of each. */
#include <errno.h>
#include <string.h>

#include "core/plan_hostnet_impl.h"

/* A bridge takes the MAC of its first member: who knew the host by it goes on knowing it when the addresses move. */
struct macaddr hn_bridge_mac(const struct hn_build *b, const struct hn_if *i)
{
	for (size_t k = 0; !i->mac.set && k < i->nports; k++) {
		const struct hn_link *l = hn_usable_port(b, i, &i->ports[k]);

		if (l && l->mac.set && (hn_any_ip(b, l->index) || k + 1 == i->nports))
			return l->mac;
	}
	return i->mac;
}

static int plan_bridge(struct hn_build *b, const struct hn_if *i)
{
	const struct hn_link *l = hn_facts_link(b->f, i->name);
	struct op redo = { .kind = OP_BRIDGE_ADD, .link = i->name }, undo = { .kind = OP_BRIDGE_DEL, .link = i->name };

	if (l && !l->is_bridge)
		return err_set(b->e, EEXIST, "%s:%u: %s: %s exists but is not a bridge", i->var->file, i->var->line,
		               i->var->key, i->name);
	if (l && i->stp && !l->stp && !hn_leave(b, i->name)) {
		struct op on = { .kind = OP_BRIDGE_SET, .link = i->name, .flags = OP_BRIDGE_STP }, off = on;

		off.flags = OP_BRIDGE_NOSTP;
		hn_add(b, PH_START, &on, &off);
	}
	if (l && (hn_is_ours(l) || !str_starts(l->alias, "iocage")))
		return 0;
	redo.alias = undo.alias = hn_mark(b, i->name);
	if (l) { /* a jail's start made it: from now on it stays when the last jail goes */
		redo.kind = undo.kind = OP_LINK_SET;
		undo.alias = l->alias;
	} else {
		redo.mac = hn_bridge_mac(b, i);
		redo.flags =
			OP_LINK_DOWN |
			(i->stp ? OP_BRIDGE_STP : 0); /* it is opened when its members are in: then it works at once */
	}
	hn_add(b, PH_START, &redo, &undo);
	return 0;
}

static int plan_vlan(struct hn_build *b, const struct hn_if *i)
{
	const struct hn_link *l = hn_facts_link(b->f, i->name), *below = hn_facts_link(b->f, i->parent);
	const struct hn_if *made = hostnet_if(b->h, i->parent);
	struct op redo = { .kind = OP_VLAN_ADD, .link = i->name, .parent = i->parent, .id = i->tag };
	struct op undo = { .kind = OP_LINK_DEL, .link = i->name };

	if (!below && !(made && made->kind != HN_PLAIN))
		return err_set(b->e, ENODEV, "%s:%u: %s: there is no interface %s", i->var->file, i->var->line,
		               i->var->key, i->parent);
	if (l && !(l->is_vlan && l->tag == i->tag && below && l->parent == below->index))
		return err_set(b->e, EEXIST, "%s:%u: %s: %s exists but is not VLAN %u on %s", i->var->file,
		               i->var->line, i->var->key, i->name, i->tag, i->parent);
	if (l)
		return 0;
	redo.alias = undo.alias = hn_mark(b, i->name);
	hn_add(b, PH_PRESTART, &redo, &undo);
	return 0;
}

void hn_set_up(struct hn_build *b, enum phase ph, const struct hn_if *i, bool up)
{
	const struct hn_link *l = hn_facts_link(b->f, i->name);
	struct op redo = { .kind = OP_LINK_SET, .link = i->name, .flags = OP_LINK_UPPED }, undo = redo;

	if (!up || (l && l->up) || hn_leave(b, i->name))
		return;
	undo.flags = OP_LINK_DOWN;
	hn_add(b, ph, &redo, &undo);
}

/* MTU and MAC. A new bridge got its MAC when it was made. */
void hn_plan_values(struct hn_build *b, enum phase ph, const struct hn_if *i)
{
	const struct hn_link *l = hn_facts_link(b->f, i->name);
	struct op redo = { .kind = OP_LINK_SET, .link = i->name }, undo = redo;

	if (i->mac.set && (l || i->kind != HN_BRIDGE) && !(l && memcmp(l->mac.b, i->mac.b, 6) == 0) &&
	    !hn_leave(b, i->name)) {
		redo.mac = i->mac;
		if (l)
			undo.mac = l->mac;
		else
			undo.kind = OP_NONE;
		hn_add(b, ph, &redo, &undo);
	}
	redo = undo = (struct op){ .kind = OP_LINK_SET, .link = i->name };
	if (i->mtu && !(l && l->mtu == i->mtu) && !hn_leave(b, i->name)) {
		redo.mtu = i->mtu;
		if (l)
			undo.mtu = l->mtu;
		else
			undo.kind = OP_NONE;
		hn_add(b, ph, &redo, &undo);
	}
}

/* Is a link of that name what the files ask for; -EEXIST if it is something else. 0: there is none. */
static int is_there(struct hn_build *b, const struct hn_if *i, const char *kind, const char *word)
{
	const struct hn_link *l = hn_facts_link(b->f, i->name);

	if (!l)
		return 0;
	if (!streq(l->kind, kind))
		return err_set(b->e, EEXIST, "%s:%u: %s: %s exists but is not a %s", i->var->file, i->var->line,
		               i->var->key, i->name, word);
	return 1;
}

/* A dummy, a bond without its ports, a tunnel or a tap. */
static int plan_device(struct hn_build *b, const struct hn_if *i)
{
	struct op redo = { .kind = OP_DEV_ADD, .link = i->name }, undo = { .kind = OP_LINK_DEL, .link = i->name };
	int r;

	switch (i->kind) {
	case HN_DUMMY:
		redo.fstype = "dummy";
		r = is_there(b, i, "dummy", "dummy");
		break;
	case HN_BOND:
		redo.fstype = "bond";
		redo.opts = i->mode ? i->mode : HN_BOND_DEFAULT;
		r = is_there(b, i, "bond", "bond");
		break;
	case HN_TUNNEL:
		redo.fstype = "tunnel";
		redo.addr = i->outer;
		redo.gw = i->outer_peer;
		r = is_there(b, i, i->outer.family == 4 ? "sit" : "ip6tnl", "tunnel");
		break;
	default:
		redo.fstype = "tap";
		r = is_there(b, i, "tun", "tap");
		break;
	}
	if (r)
		return r < 0 ? r : 0;
	redo.alias = undo.alias = hn_mark(b, i->name);
	hn_add(b, PH_START, &redo, &undo);
	return 0;
}

/* A bond takes an interface that is down. What it carried could not be reached any more, so it must carry nothing. */
static int plan_bond_port(struct hn_build *b, const struct hn_if *bond, const struct hn_port *port)
{
	const struct hn_link *l = hn_facts_link(b->f, port->name), *is = hn_facts_link(b->f, bond->name);
	struct op down = { .kind = OP_LINK_SET, .link = port->name, .flags = OP_LINK_DOWN }, up = down;
	struct op in = { .kind = OP_PORT_ADD, .link = port->name, .bridge = bond->name }, out = in;

	if (!l)
		return err_set(b->e, ENODEV, "%s:%u: %s: there is no interface %s", port->var->file, port->var->line,
		               port->var->key, port->name);
	if (l->master && is && l->master == is->index)
		return 0;
	if (l->master)
		return err_set(b->e, EBUSY, "%s:%u: %s: %s is in %s already", port->var->file, port->var->line,
		               port->var->key, port->name,
		               hn_link_at(b, l->master) ? hn_link_at(b, l->master)->name : "another interface");
	if (hn_leave(b, port->name) || hn_leave(b, bond->name))
		return 0;
	if (hn_carries(b, l->index))
		return err_set(b->e, EBUSY,
		               "%s:%u: %s: %s carries addresses or routes, which a port of a lagg cannot use: remove "
		               "them, and give them to %s",
		               port->var->file, port->var->line, port->var->key, port->name, bond->name);
	up.flags = OP_LINK_UPPED;
	if (l->up)
		hn_add(b, PH_START, &down, &up);
	out.kind = OP_PORT_DEL;
	hn_add(b, PH_START, &in, &out);
	return 0;
}

static int plan_bond_ports(struct hn_build *b, const struct hn_if *i)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < i->nports; k++)
		r = plan_bond_port(b, i, &i->ports[k]);
	return r;
}

/* A bond brings its ports up itself. */
static bool is_bond_port(const struct hn_build *b, const char *name)
{
	const struct hn_if *master = hostnet_master_of(b->h, name);

	return master && master->kind == HN_BOND;
}

static bool is_device(const struct hn_if *i)
{
	return i->kind == HN_DUMMY || i->kind == HN_BOND || i->kind == HN_TUNNEL || i->kind == HN_TAP;
}

static int plan_devices(struct hn_build *b)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < b->h->n; k++) {
		const struct hn_if *i = &b->h->ifs[k];

		if (!is_device(i))
			continue;
		r = plan_device(b, i);
		if (r == 0 && i->kind == HN_BOND)
			r = plan_bond_ports(b, i);
		if (r == 0) {
			hn_plan_values(b, PH_START, i);
			hn_set_up(b, PH_START, i, i->up);
		}
	}
	return r;
}

static int plan_made(struct hn_build *b)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < b->h->n; k++) {
		const struct hn_if *i = &b->h->ifs[k];

		if (i->kind == HN_BRIDGE)
			r = plan_bridge(b, i);
		else if (i->kind == HN_PLAIN && !hn_facts_link(b->f, i->name))
			r = err_set(b->e, ENODEV, "%s:%u: %s: there is no interface %s", i->var->file, i->var->line,
			            i->var->key, i->name);
	}
	return r;
}

int hn_plan_links(struct hn_build *b)
{
	int r = plan_made(b);

	for (size_t k = 0; r == 0 && k < b->h->n; k++)
		if (b->h->ifs[k].kind == HN_PLAIN) {
			hn_plan_values(b, PH_START, &b->h->ifs[k]);
			hn_set_up(b, PH_START, &b->h->ifs[k], b->h->ifs[k].up && !is_bond_port(b, b->h->ifs[k].name));
		}
	if (r == 0)
		r = plan_devices(b);
	for (size_t k = 0; r == 0 && k < b->h->n; k++)
		if (b->h->ifs[k].kind == HN_VLAN)
			r = plan_vlan(b, &b->h->ifs[k]);
	for (size_t k = 0; r == 0 && k < b->h->n; k++)
		if (b->h->ifs[k].kind == HN_VLAN) {
			hn_plan_values(b, PH_POSTSTART, &b->h->ifs[k]);
			hn_set_up(b, PH_POSTSTART, &b->h->ifs[k], b->h->ifs[k].up);
		}
	return r;
}
