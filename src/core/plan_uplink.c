/* plan_uplink.c - host interfaces that a VNET jail takes: the uplink of its bridge. */
#include <errno.h>
#include <string.h>

#include "core/hostnet.h"
#include "core/plan_impl.h"

#define PROP "vnet_default_interface"

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
		               PROP ": %s is wireless: an access point takes frames of one MAC, so it cannot be bridged; "
		                    "use shared IP (vnet=off), or route",
		               name);
	if (!l->ether)
		return err_set(e, EOPNOTSUPP, PROP ": %s is no Ethernet interface and cannot be a port of a bridge",
		               name);
	if (str_starts(l->alias, OP_MARK_LINK))
		return err_set(e, EBUSY, PROP ": %s is the host's end of a jail's NIC (%s)", name, l->alias);
	if (l->master && (!b || l->master != b->index))
		return err_class(e, ERR_BUSY, EBUSY,
		                 PROP ": %s is in %s already, and an interface can be in one bridge only; put the jail on "
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
