/* plan_uplink.c - host interfaces that a VNET jail takes: the uplink of its bridge, and those that move into it. */
#include <errno.h>
#include <string.h>

#include "core/hostnet.h"
#include "core/plan_impl.h"

#define PROP  "vnet_default_interface"
#define PROPS "vnet_interfaces"

/* Numbers of interfaces that are handed over, inside: from here on, so that stop knows them whatever they are called by then. */
#define INSIDE_FIRST 1001U

static const char *first_bridge(const struct jail *j)
{
	for (size_t i = 0; i < j->nnics; i++)
		if (j->nics[i].bridge[0])
			return j->nics[i].bridge;
	return NULL;
}

const char *plan_uplink_bridge(const struct jail *j, const struct facts *f)
{
	return f->uplink[0] && f->host ? first_bridge(j) : NULL;
}

const struct hn_link *plan_uplink_of(const struct jail *j, const struct facts *f, const char *bridge)
{
	const char *own = plan_uplink_bridge(j, f);

	return own && streq(own, bridge) ? hn_facts_link(f->host, f->uplink) : NULL;
}

static const char *name_at(const struct hn_facts *h, unsigned index)
{
	for (size_t i = 0; i < h->nlinks; i++)
		if (h->links[i].index == index)
			return h->links[i].name;
	return "another bridge";
}

/* Can it be a port of this bridge, and is it not somebody else's. */
static int check(const struct hn_facts *h, const char *name, const char *bridge, struct err *e)
{
	const struct hn_link *l = hn_facts_link(h, name), *b = hn_facts_link(h, bridge);

	if (!l)
		return err_set(e, ENODEV,
		               PROP ": there is no interface %s on this host; set it to auto, none or an interface",
		               name);
	if (l->is_bridge)
		return err_set(e, EINVAL,
		               PROP ": %s is a bridge, and a bridge cannot be a port of %s; put the jail on it "
		                    "(interfaces=vnet0:%s) with " PROP "=none",
		               name, bridge, name);
	if (l->wireless)
		return err_set(e, EOPNOTSUPP,
		               PROP
		               ": %s is wireless: an access point takes frames of one MAC, so it cannot be bridged; "
		               "use shared IP (vnet=off), or route",
		               name);
	if (!l->ether)
		return err_set(e, EOPNOTSUPP, PROP ": %s is no Ethernet interface and cannot be a port of a bridge",
		               name);
	if (str_starts(l->alias, OP_MARK_LINK))
		return err_set(e, EBUSY, PROP ": %s is the host's end of a jail's NIC (%s)", name, l->alias);
	if (l->master && (!b || l->master != b->index))
		return err_class(e, ERR_BUSY, EBUSY,
		                 PROP
		                 ": %s is in %s already, and an interface can be in one bridge only; put the jail on "
		                 "%s, or choose another uplink",
		                 name, name_at(h, l->master), name_at(h, l->master));
	return 0;
}

int plan_vnet_uplink(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	const char *bridge = plan_uplink_bridge(j, f);
	struct op redo = { .kind = OP_UPLINK_ADD }, undo = { .kind = OP_UPLINK_DEL };
	int r;

	if (!bridge)
		return 0;
	r = check(f->host, f->uplink, bridge, e);
	if (r < 0)
		return r;
	redo.link = undo.link = plan_str(p, f->uplink);
	redo.bridge = undo.bridge = plan_str(p, bridge);
	plan_add(p, PH_START, &redo, &undo);
	return 0;
}

/* --- vnet_interfaces --- */

static int check_passed(const struct hn_facts *h, const char *name, struct err *e)
{
	const struct hn_link *l = hn_facts_link(h, name);
	char a[IPADDR_TEXT];

	if (!l)
		return err_set(e, ENODEV, PROPS ": there is no interface %s on this host (does another jail have it?)",
		               name);
	if (streq(name, "lo") || l->is_bridge || l->wireless)
		return err_set(e, EOPNOTSUPP, PROPS ": %s cannot move into a jail: it is %s", name,
		               l->is_bridge  ? "a bridge"
		               : l->wireless ? "wireless, and goes only together with its radio"
		                             : "the loopback");
	if (str_starts(l->alias, OP_MARK_LINK))
		return err_set(e, EBUSY, PROPS ": %s is the host's end of a jail's NIC (%s)", name, l->alias);
	if (l->master)
		return err_class(e, ERR_BUSY, EBUSY, PROPS ": %s is a port of %s", name, name_at(h, l->master));
	for (size_t i = 0; i < h->nips; i++)
		if (h->ips[i].index == l->index && h->ips[i].mark == OP_MARK_ADDR)
			return err_class(e, ERR_BUSY, EBUSY, PROPS ": %s carries %s of a running jail", name,
			                 ipaddr_format(&h->ips[i].addr, a));
	for (size_t i = 0; i < h->nroutes; i++)
		if (h->routes[i].index == l->index && (!h->routes[i].dst.prefix || h->routes[i].multipath))
			return err_class(e, ERR_BUSY, EBUSY,
			                 PROPS
			                 ": the host's %s route goes through %s: without it the host would be cut off",
			                 h->routes[i].dst.prefix ? "multipath" : "default", name);
	return 0;
}

int plan_vnet_passed(struct plan *p, const struct jail *j, const struct facts *f, struct err *e)
{
	const char *name = plan_str(p, j->name);

	if (!j->npassed)
		return 0;
	plan_add(p, PH_START, &(struct op){ .kind = OP_NETNS_PIN, .name = name },
	         &(struct op){ .kind = OP_NETNS_UNPIN, .name = name });
	for (size_t i = 0; i < j->npassed; i++) {
		int r = check_passed(f->host, j->passed[i], e);

		if (r < 0)
			return r;
		plan_hand_over(p, f->host, hn_facts_link(f->host, j->passed[i]), INSIDE_FIRST + (unsigned)i);
	}
	for (size_t i = 0; i < j->npassed; i++)
		plan_add_plain(p, PH_START,
		               &(struct op){ .kind = OP_LINK_UP, .where = AT_JAIL, .link = plan_str(p, j->passed[i]) });
	return 0;
}

const char *plan_passed(const struct jail *j, const char *name)
{
	for (size_t i = 0; i < j->npassed; i++)
		if (streq(j->passed[i], name))
			return j->passed[i];
	return NULL;
}
