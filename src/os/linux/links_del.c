/* links_del.c - removals: each looks first whether the thing is still ours, and success is that it is gone. */
#include "os/linux/links_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/rtmsg.h"

struct seen_link {
	unsigned index;
	bool is_bridge;
	char alias[256];
};

static int see_link(const struct nlmsghdr *h, void *ctx)
{
	struct seen_link *s = ctx;
	struct link_msg m;

	link_read(h, &m);
	s->index = m.index;
	s->is_bridge = streq(m.kind, "bridge");
	(void)snprintf(s->alias, sizeof(s->alias), "%s", m.alias);
	return MNL_CB_OK;
}

/* 0 with index 0 when there is none of that name; not knowing is an error, or things would be left behind for gone. */
static int get_link(struct nl *n, const char *name, struct seen_link *ret, struct err *e)
{
	int r;

	*ret = (struct seen_link){ 0 };
	nl_put(n, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, name);
	r = nl_ask(n, see_link, ret);
	return r < 0 && r != -ENODEV ? err_set(e, -r, "look for interface %s: %s", name, strerror(-r)) : 0;
}

static int get_link_of(struct nl *n, const struct op *op, struct seen_link *ret, struct err *e)
{
	if (!is_numbered(op))
		return get_link(n, op->link, ret, e);
	*ret = (struct seen_link){ .index = op->index };
	return 0;
}

static int flush_one(struct nl *n, int gone, struct err *e, const char *what, const char *link)
{
	char text[256] = "";
	unsigned failed;
	int r = nl_flush(n, &failed, text, sizeof(text));

	if (r == 0 || r == -gone || r == -ENODEV)
		return 0;
	return err_set(e, -r, "%s %s: %s%s%s", what, link, strerror(-r), *text ? ": " : "", text);
}

/* Somebody renamed our link: its altname-free mark is the alias text, which names the jail and the NIC. */
struct by_alias {
	const char *alias;
	unsigned index;
};

static int match_alias(const struct nlmsghdr *h, void *ctx)
{
	struct by_alias *b = ctx;
	struct link_msg m;

	link_read(h, &m);
	if (streq(m.alias, b->alias))
		b->index = m.index;
	return MNL_CB_OK;
}

static int del_link(struct nl *n, const struct op *op, struct err *e)
{
	struct seen_link s;
	struct by_alias b = { .alias = op->alias ? op->alias : "" };

	int r = get_link(n, op->link, &s, e);

	if (r < 0)
		return r;
	if (s.index && (!op->alias || streq(s.alias, op->alias)))
		return link_remove(s.index, op->link, e);
	if (!op->alias)
		return 0;
	nl_put(n, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	r = nl_ask(n, match_alias, &b);
	if (r < 0)
		return err_set(e, -r, "look for interface %s: %s", op->link, strerror(-r));
	return b.index ? link_remove(b.index, op->link, e) : 0;
}

struct bridge_use {
	unsigned index;
	bool used;
};

static int match_port(const struct nlmsghdr *h, void *ctx)
{
	struct bridge_use *u = ctx;
	struct link_msg m;

	link_read(h, &m);
	u->used = u->used || m.master == u->index;
	return MNL_CB_OK;
}

static int match_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct bridge_use *u = ctx;

	/* link-local comes with the link and goes with it */
	if (ifa->ifa_index == u->index && ifa->ifa_scope != RT_SCOPE_LINK)
		u->used = true;
	return MNL_CB_OK;
}

/* The last user removes a bridge of ours; one that got ports, addresses or another mark stays. */
static int del_bridge(struct nl *n, const struct op *op, struct err *e)
{
	struct bridge_use u = { 0 };
	struct seen_link s;
	int r = get_link(n, op->link, &s, e);

	if (r < 0 || !s.index || !s.is_bridge || !streq(s.alias, op->alias ? op->alias : MARK_BRIDGE))
		return r;
	u.index = s.index;
	nl_put(n, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	r = nl_ask(n, match_port, &u);
	if (r == 0 && !u.used) {
		nl_put(n, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		r = nl_ask(n, match_addr, &u);
	}
	if (r < 0)
		return err_set(e, -r, "look who uses bridge %s: %s", op->link, strerror(-r));
	return u.used ? 0 : link_remove(s.index, op->link, e);
}

struct addr_seen {
	const struct op *op;
	unsigned index;
	bool here, ours;
	bool secondary, others; /* it is one; there are others that are */
};

static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	struct addr_seen *s = ctx;
	struct addr_msg m;

	addr_read(h, &m);
	if (m.link != s->index)
		return MNL_CB_OK;
	if (ipaddr_same_host(&m.addr, &s->op->addr)) {
		s->here = true;
		s->ours = m.proto == mark_of(s->op);
		s->secondary = m.flags & IFA_F_SECONDARY;
	} else {
		s->others = s->others || m.flags & IFA_F_SECONDARY;
	}
	return MNL_CB_OK;
}

/*
 * Removing the first IPv4 address of a prefix takes the others of that prefix with it unless the interface promotes them:
 * another jail's alias, or the host's. It is made to for the moment of the removal.
 */
static int del_addr(struct nl *n, const struct op *op, const char *run, struct err *e)
{
	struct addr_seen s = { .op = op };
	struct ifaddrmsg *ifa;
	struct seen_link l;
	int note = -1, promoting = 0, k, r = get_link_of(n, op, &l, e);

	if (r == 0 && run)
		r = promote_settle(run, e);
	if (r < 0 || !l.index)
		return r;
	s.index = l.index;
	ifa = nl_put(n, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	if (ifa) {
		ifa->ifa_family = (uint8_t)af_of(&op->addr);
		ifa->ifa_index = s.index;
	}
	r = nl_ask(n, see_addr, &s);
	if (r < 0)
		return err_set(e, -r, "list the addresses of %s: %s", op->link, strerror(-r));
	if (!s.here || !s.ours)
		return 0;
	if (op->addr.family == 4 && !s.secondary && s.others)
		promoting = promote_begin(run, op->link, &note, e);
	if (promoting < 0)
		return promoting;
	ifa = nl_put(n, RTM_DELADDR, 0, sizeof(*ifa));
	if (ifa) {
		ifa->ifa_family = (uint8_t)af_of(&op->addr);
		ifa->ifa_prefixlen = op->addr.has_prefix ? op->addr.prefix : (uint8_t)ipaddr_max_prefix(&op->addr);
		ifa->ifa_index = s.index;
	}
	nl_attr(n, IFA_LOCAL, op->addr.b, len_of(&op->addr));
	r = flush_one(n, EADDRNOTAVAIL, e, "remove an address from", op->link);
	k = promoting ? promote_end(run, op->link, note, r < 0 ? NULL : e) : 0;
	return r < 0 ? r : k;
}

static int del_view(struct nl *n, const struct op *op, struct err *e)
{
	struct seen_link l;
	int r = get_link(n, op->link, &l, e);

	return r == 0 && l.index ? link_remove(l.index, op->link, e) : r;
}

static int del_route(struct nl *n, const struct op *op, struct err *e)
{
	struct seen_link l;
	int r = get_link_of(n, op, &l, e);

	if (r < 0 || !l.index)
		return r;
	links_put_default(n, RTM_DELROUTE, 0, op, l.index);
	return flush_one(n, ESRCH, e, "remove the default route from", op->link);
}

bool links_removes(enum op_kind k)
{
	return k == OP_LINK_DEL || k == OP_BRIDGE_DEL || k == OP_ADDR_DEL || k == OP_VIEW_DEL || k == OP_ROUTE_DEL ||
	       k == OP_PORT_DEL || k == OP_ROUTE_UNSET;
}

/* Out of the bridge, if it is (still) in this one. */
static int del_port(struct nl *n, const struct op *op, struct err *e)
{
	struct bridge_use u = { 0 };
	struct seen_link bridge, port = { 0 };
	struct ifinfomsg *ifi;
	int r = get_link(n, op->bridge, &bridge, e);

	if (r == 0)
		r = get_link(n, op->link, &port, e);
	if (r < 0 || !bridge.index || !port.index)
		return r;
	u.index = bridge.index;
	ifi = nl_put(n, RTM_GETLINK, 0, sizeof(*ifi));
	if (ifi)
		ifi->ifi_index = (int)port.index;
	r = nl_ask(n, match_port, &u);
	if (r < 0 && r != -ENODEV)
		return err_set(e, -r, "look which bridge %s is in: %s", op->link, strerror(-r));
	if (!u.used)
		return 0;
	ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));
	if (ifi)
		ifi->ifi_index = (int)port.index;
	nl_attr_u32(n, IFLA_MASTER, 0);
	return flush_one(n, ENODEV, e, "take out of its bridge", op->link);
}

static int unset_route(struct nl *n, const struct op *op, struct err *e)
{
	struct seen_link l;
	int r = get_link(n, op->link, &l, e);

	if (r == 0 && l.index)
		r = links_put_route_as(n, n, op, RTM_DELROUTE, 0, e);
	return r < 0 || !l.index ? r : flush_one(n, ESRCH, e, "remove a route on", op->link);
}

int links_del(struct nl *n, const struct op *op, const char *run, struct err *e)
{
	switch (op->kind) {
	case OP_PORT_DEL:
		return del_port(n, op, e);
	case OP_ROUTE_UNSET:
		return unset_route(n, op, e);
	case OP_LINK_DEL:
		return del_link(n, op, e);
	case OP_BRIDGE_DEL:
		return del_bridge(n, op, e);
	case OP_ADDR_DEL:
		return del_addr(n, op, run, e);
	case OP_VIEW_DEL:
		return del_view(n, op, e);
	case OP_ROUTE_DEL:
		return del_route(n, op, e);
	default:
		return err_set(e, EINVAL, "%s removes nothing from the network", op_kind_name(op->kind));
	}
}
