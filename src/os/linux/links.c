/* links.c - rtnetlink requests for links, addresses and routes. */
#include "os/linux/links_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/vlan.h"
#include "os/linux/rtmsg.h"

/* No address of its own on a link that only carries a jail's frames: IPv6 link-local generation off. */
static void put_no_linklocal(struct nl *n)
{
	struct nlattr *spec = nl_nest(n, IFLA_AF_SPEC);
	struct nlattr *in6 = nl_nest(n, AF_INET6);

	nl_attr_u8(n, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(n, in6);
	nl_nest_end(n, spec);
}

static void put_setlink(struct nl *n, const char *link, const char *alias, bool up, bool no_linklocal)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));

	if (ifi && up) {
		ifi->ifi_flags = IFF_UP;
		ifi->ifi_change = IFF_UP;
	}
	nl_attr_str(n, IFLA_IFNAME, link);
	if (alias)
		nl_attr(n, IFLA_IFALIAS, alias, strlen(alias));
	if (no_linklocal)
		put_no_linklocal(n);
}

#define BRIDGE_SETTINGS (OP_BRIDGE_VLANS | OP_BRIDGE_STP | OP_BRIDGE_NOSTP)

void links_put_alias(struct nl *n, const struct op *op)
{
	put_setlink(n, op->link, op->alias, false, false);
}

static void put_bridge_info(struct nl *n, const struct op *op)
{
	struct nlattr *info = nl_nest(n, IFLA_LINKINFO), *data;

	nl_attr_str(n, IFLA_INFO_KIND, "bridge");
	data = op->flags & BRIDGE_SETTINGS ? nl_nest(n, IFLA_INFO_DATA) : NULL;
	if (op->flags & OP_BRIDGE_VLANS)
		nl_attr_u8(n, IFLA_BR_VLAN_FILTERING, 1);
	if (op->flags & (OP_BRIDGE_STP | OP_BRIDGE_NOSTP))
		nl_attr_u32(n, IFLA_BR_STP_STATE, op->flags & OP_BRIDGE_STP ? 1 : 0);
	if (data)
		nl_nest_end(n, data);
	nl_nest_end(n, info);
}

static int take_name(const struct nlmsghdr *h, void *ctx)
{
	struct link_msg m;

	link_read(h, &m);
	(void)!str_copy(ctx, IFNAME_CAP, m.name);
	return MNL_CB_OK;
}

/*
 * An interface that came home has its number again, and its name; or another one that begins like it, when that was taken.
 * When the number was taken, it has its name. *ret 0: it did not come home. -errno: it cannot be told.
 */
static int home_index(struct nl *q, const struct op *op, unsigned *ret)
{
	char name[IFNAME_CAP] = "";
	struct ifinfomsg *ifi = nl_put(q, RTM_GETLINK, 0, sizeof(*ifi));
	int r;

	*ret = op->index;
	if (ifi)
		ifi->ifi_index = (int)op->index;
	r = nl_ask(q, take_name, name);
	if (r == 0 && link_is_home(name, op->link))
		return 0;
	/* by its name it may be somebody else's, so only when the number is known not to be its own */
	return r == 0 || r == -ENODEV ? nl_find(q, op->link, ret) : r;
}

static int look_for(struct nl *q, const struct op *op, unsigned *ret, struct err *e)
{
	int r;

	if (is_numbered(op)) {
		*ret = op->index;
		return 0;
	}
	r = op->index && op->kind != OP_VLAN_SET ? home_index(q, op, ret) : nl_find(q, op->link, ret);

	return r < 0 ? err_set(e, -r, "look for interface %s: %s", op->link, strerror(-r)) : 0;
}

static int index_of(struct nl *q, const struct op *op, unsigned *ret, struct err *e)
{
	int r = look_for(q, op, ret, e);

	if (r < 0 || *ret)
		return r;
	if (op->where == AT_JAIL)
		return err_set(e, ENODEV,
		               "there is no interface %s in the jail: something inside removed it, or moved it away; a "
		               "restart of the jail makes it anew",
		               op->link);
	return err_set(e, ENODEV, "there is no interface %s", op->link);
}

static int put_bridge(struct nl *n, const struct op *op, struct err *e)
{
	uint8_t mac[6];

	/* a bridge without an address of its own takes its ports', and changes it as they come and go */
	if (op->mac.set)
		memcpy(mac, op->mac.b, sizeof(mac));
	else if (getentropy(mac, sizeof(mac)) < 0)
		return err_sys(e, "an address for bridge %s: no random bytes", op->link);
	else
		mac[0] = (uint8_t)((mac[0] & 0xfc) | 0x02);
	nl_put(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	nl_attr(n, IFLA_ADDRESS, mac, sizeof(mac));
	put_bridge_info(n, op);
	put_setlink(n, op->link, op->alias ? op->alias : MARK_BRIDGE, !(op->flags & OP_LINK_DOWN), false);
	return 0;
}

/* Settings of a bridge that is there. When it begins to tell VLANs apart, what its ports have stays in its default VLAN. */
static void put_bridge_change(struct nl *n, const struct op *op)
{
	nl_put(n, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	put_bridge_info(n, op);
}

static bool has_vlan(const struct vlans *v, unsigned id)
{
	bool has = v->untagged && v->untagged == id;

	for (size_t i = 0; i < v->ntagged; i++)
		has = has || v->tagged[i] == id;
	return has;
}

/* What a port has: none asked for is what the bridge gives to new ports. */
static int read_vlans(const char *text, unsigned default_vlan, struct vlans *ret, struct err *e)
{
	int r = vlans_parse(text ? text : "none", ret, e);

	if (r == 0 && !ret->untagged && !ret->ntagged)
		ret->untagged = (uint16_t)default_vlan;
	return r;
}

static struct nlattr *begin_vlans(struct nl *n, uint16_t msg, unsigned index)
{
	struct ifinfomsg *ifi = nl_put(n, msg, 0, sizeof(*ifi));

	if (ifi) {
		ifi->ifi_family = AF_BRIDGE;
		ifi->ifi_index = (int)index;
	}
	return nl_nest(n, IFLA_AF_SPEC);
}

static void one_vlan(struct nl *n, uint16_t flags, unsigned id)
{
	struct bridge_vlan_info one = { flags, (uint16_t)id };

	nl_attr(n, IFLA_BRIDGE_VLAN_INFO, &one, sizeof(one));
}

/* VLANs of a port (ip-link(8), bridge(8)): those it has go, unless they are among the new ones. */
static int put_vlans(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	struct vlans v = { 0 }, had = { 0 };
	struct nlattr *spec;
	unsigned index;
	size_t gone = 0;
	int r = index_of(q, op, &index, e);

	if (r == 0)
		r = read_vlans(op->text, op->index, &v, e);
	if (r == 0)
		r = read_vlans(op->opts, op->index, &had, e);
	if (r < 0)
		return r;
	spec = begin_vlans(n, RTM_SETLINK, index);
	if (v.untagged)
		one_vlan(n, BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED, v.untagged);
	for (size_t i = 0; i < v.ntagged; i++)
		one_vlan(n, 0, v.tagged[i]);
	nl_nest_end(n, spec);
	gone = had.untagged && !has_vlan(&v, had.untagged);
	for (size_t i = 0; i < had.ntagged; i++)
		gone += !has_vlan(&v, had.tagged[i]);
	if (!gone)
		return 0;
	spec = begin_vlans(n, RTM_DELLINK, index);
	if (had.untagged && !has_vlan(&v, had.untagged))
		one_vlan(n, 0, had.untagged);
	for (size_t i = 0; i < had.ntagged; i++)
		if (!has_vlan(&v, had.tagged[i]))
			one_vlan(n, 0, had.tagged[i]);
	nl_nest_end(n, spec);
	return 0;
}

/*
 * One queue each way is what a veth has anyway. Said beforehand, the kernel need not give the others up again, for which it
 * would wait twice until every processor has taken note.
 */
static void put_queues(struct nl *n)
{
	nl_attr_u32(n, IFLA_NUM_TX_QUEUES, 1);
	nl_attr_u32(n, IFLA_NUM_RX_QUEUES, 1);
}

static int put_veth(struct nl *n, struct nl *q, const struct op *op, int nsfd, struct err *e)
{
	unsigned master = 0;
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *ifi;

	if (op->bridge) {
		master = nl_index_known(q, op->bridge);
		if (!master)
			return err_set(e, ENODEV, "bridge %s does not exist", op->bridge);
	}
	nl_put(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	nl_attr_u32(n, IFLA_MTU, op->mtu);
	nl_attr(n, IFLA_ADDRESS, op->mac.b, 6);
	put_queues(n);
	if (master)
		nl_attr_u32(n, IFLA_MASTER, master);
	info = nl_nest(n, IFLA_LINKINFO);
	nl_attr_str(n, IFLA_INFO_KIND, "veth");
	data = nl_nest(n, IFLA_INFO_DATA);
	peer = nl_nest(n, VETH_INFO_PEER);
	ifi = nl_extra(n, sizeof(*ifi)); /* not up: a veth cannot open before both ends know each other */
	if (ifi)
		memset(ifi, 0, sizeof(*ifi));
	nl_attr_str(n, IFLA_IFNAME, op->peer);
	nl_attr_u32(n, IFLA_MTU, op->mtu);
	nl_attr(n, IFLA_ADDRESS, op->mac2.b, 6);
	put_queues(n);
	nl_attr_u32(n, IFLA_NET_NS_FD, (uint32_t)nsfd);
	nl_nest_end(n, peer);
	nl_nest_end(n, data);
	nl_nest_end(n, info);
	put_setlink(n, op->link, op->alias, true, true);
	if (op->flags & (OP_VETH_ISOLATED | OP_VETH_NOBPDU))
		links_put_port(n, op->flags);
	if (op->text)
		links_put_altname(n, op);
	return 0;
}

/* A request that makes something: what is there already is an error, or, when it is put back, as good. */
static uint16_t make_flags(const struct op *op)
{
	return NLM_F_CREATE | (op->opts && streq(op->opts, OP_AGAIN) ? NLM_F_REPLACE : NLM_F_EXCL);
}

/* Change what of mtu, mac, alias and state the operation carries. */
static int put_link_set(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	unsigned index = 0;
	int r = op->index ? index_of(q, op, &index, e) : 0;
	struct ifinfomsg *ifi = r < 0 ? NULL : nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));

	if (r < 0)
		return r;
	if (ifi && index)
		ifi->ifi_index = (int)index;

	if (ifi && op->flags) {
		ifi->ifi_flags = op->flags & OP_LINK_UPPED ? IFF_UP : 0;
		ifi->ifi_change = IFF_UP;
	}
	if (!index)
		nl_attr_str(n, IFLA_IFNAME, op->link);
	if (op->mtu)
		nl_attr_u32(n, IFLA_MTU, op->mtu);
	if (op->mac.set)
		nl_attr(n, IFLA_ADDRESS, op->mac.b, 6);
	if (op->alias)
		nl_attr(n, IFLA_IFALIAS, op->alias, strlen(op->alias));
	return 0;
}

static int put_vlan(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	unsigned below = nl_index_known(q, op->parent);
	struct nlattr *info, *data;
	uint16_t tag = (uint16_t)op->id;

	if (!below)
		return err_set(e, ENODEV, "there is no interface %s", op->parent);
	nl_put(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	nl_attr_u32(n, IFLA_LINK, below);
	info = nl_nest(n, IFLA_LINKINFO);
	nl_attr_str(n, IFLA_INFO_KIND, "vlan");
	data = nl_nest(n, IFLA_INFO_DATA);
	nl_attr(n, IFLA_VLAN_ID, &tag, sizeof(tag));
	nl_nest_end(n, data);
	nl_nest_end(n, info);
	put_setlink(n, op->link, op->alias, false, false);
	return 0;
}

static int put_port(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	unsigned bridge = nl_index_known(q, op->bridge);

	if (!bridge)
		return err_set(e, ENODEV, "there is no interface %s", op->bridge);
	nl_put(n, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	nl_attr_u32(n, IFLA_MASTER, bridge);
	return 0;
}

static int put_addr_drop(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	struct ifaddrmsg *ifa;
	unsigned index;
	int r = index_of(q, op, &index, e);

	if (r < 0)
		return r;
	ifa = nl_put(n, RTM_DELADDR, 0, sizeof(*ifa));
	if (ifa) {
		ifa->ifa_family = (uint8_t)af_of(&op->addr);
		ifa->ifa_prefixlen = op->addr.prefix;
		ifa->ifa_index = index;
	}
	nl_attr(n, IFA_LOCAL, op->addr.b, len_of(&op->addr));
	return 0;
}

static uint32_t addr_flags(const struct op *op)
{
	uint32_t flags = op->flags & OP_ADDR_NOROUTE ? IFA_F_NOPREFIXROUTE : 0U;

	/* usable at once, not only after duplicate address detection; a new one of the host's own is worth the wait */
	if (op->addr.family == 6 && (op->flags & (OP_ADDR_HOST | OP_ADDR_MOVED)) != OP_ADDR_HOST)
		flags |= IFA_F_NODAD;
	return flags;
}

static int put_addr(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	struct ifaddrmsg *ifa;
	unsigned index;
	int r = index_of(q, op, &index, e);

	if (r < 0)
		return r;
	ifa = nl_put(n, RTM_NEWADDR, make_flags(op), sizeof(*ifa));
	if (ifa) {
		ifa->ifa_family = (uint8_t)af_of(&op->addr);
		ifa->ifa_prefixlen = op->addr.has_prefix ? op->addr.prefix : (uint8_t)ipaddr_max_prefix(&op->addr);
		ifa->ifa_index = index;
		/* as 127.0.0.1 has it: addresses of one prefix must not differ in it */
		if (op->addr.family == 4 && op->addr.b[0] == 127)
			ifa->ifa_scope = RT_SCOPE_HOST;
	}
	nl_attr(n, IFA_LOCAL, op->addr.b, len_of(&op->addr));
	nl_attr(n, IFA_ADDRESS, op->gw.family ? op->gw.b : op->addr.b, len_of(&op->addr));
	if (!(op->flags & OP_ADDR_PLAIN))
		nl_attr_u8(n, IFA_PROTO, mark_of(op));
	if (addr_flags(op))
		nl_attr_u32(n, IFA_FLAGS, addr_flags(op));
	if (op->timeout) {
		struct ifa_cacheinfo ci = { .ifa_valid = op->timeout, .ifa_prefered = op->id };

		nl_attr(n, IFA_CACHEINFO, &ci, sizeof(ci));
	}
	if (op->addr.family == 6) {
		if (op->where == AT_HOST && !(op->flags & (OP_ADDR_HOST | OP_ADDR_PLAIN))) {
			/* never chosen as source by the host's own programs: RFC 6724 rule 3 avoids deprecated ones */
			struct ifa_cacheinfo ci = { .ifa_valid = 0xffffffffU, .ifa_prefered = 0 };

			nl_attr(n, IFA_CACHEINFO, &ci, sizeof(ci));
		}
	} else {
		if (ifa && ifa->ifa_prefixlen < 31 && !(op->flags & OP_ADDR_NOBRD)) {
			uint32_t host = 0xffffffffU >> ifa->ifa_prefixlen, bc;
			uint8_t b[4];

			bc = ((uint32_t)op->addr.b[0] << 24 | (uint32_t)op->addr.b[1] << 16 |
			      (uint32_t)op->addr.b[2] << 8 | op->addr.b[3]) |
			     host;
			for (int i = 0; i < 4; i++)
				b[i] = (uint8_t)(bc >> (24 - 8 * i));
			nl_attr(n, IFA_BROADCAST, b, 4);
		}
	}
	return 0;
}

/* An address it has when it comes up is the one it would make itself, but usable at once. */
static int put_up(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	int r = op->addr.family ? put_addr(n, q, op, e) : 0;

	if (r == 0)
		put_setlink(n, op->link, NULL, true, false);
	return r;
}

void links_put_default(struct nl *n, uint16_t type, uint16_t flags, const struct op *op, unsigned index)
{
	struct rtmsg *rt = nl_put(n, type, flags, sizeof(*rt));

	if (rt) {
		rt->rtm_family = (uint8_t)af_of(&op->gw);
		rt->rtm_table = RT_TABLE_MAIN;
		rt->rtm_protocol = RTPROT_STATIC;
		rt->rtm_type = RTN_UNICAST;
		rt->rtm_scope = RT_SCOPE_UNIVERSE;
	}
	nl_attr(n, RTA_GATEWAY, op->gw.b, len_of(&op->gw));
	nl_attr_u32(n, RTA_OIF, index);
}

static int put_route(struct nl *n, struct nl *q, const struct op *op, struct err *e)
{
	unsigned index;
	int r = index_of(q, op, &index, e);

	if (r == 0)
		links_put_default(n, RTM_NEWROUTE, make_flags(op), op, index);
	return r;
}

static void put_mtu(struct nl *n, const struct op *op)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));

	if (is_numbered(op) && ifi)
		ifi->ifi_index = (int)op->index;
	else
		nl_attr_str(n, IFLA_IFNAME, op->link);
	nl_attr_u32(n, IFLA_MTU, op->mtu);
}

/* One for RTM_NEWROUTE and RTM_DELROUTE: a route with all it was described by. */
int links_put_route_as(struct nl *n, struct nl *q, const struct op *op, uint16_t type, uint16_t flags, struct err *e)
{
	const struct ipaddr *any = op->dst.family ? &op->dst : &op->gw;
	struct rtmsg *rt;
	unsigned index;
	int r = index_of(q, op, &index, e);

	if (r < 0)
		return r;
	rt = nl_put(n, type, flags, sizeof(*rt));
	if (rt) {
		rt->rtm_family = (uint8_t)af_of(any);
		rt->rtm_dst_len = op->dst.prefix;
		rt->rtm_table = RT_TABLE_MAIN;
		rt->rtm_protocol = (uint8_t)op->flags;
		rt->rtm_scope = (uint8_t)(op->flags >> 8);
		rt->rtm_type = RTN_UNICAST;
		rt->rtm_flags = op->flags & OP_ROUTE_ONLINK ? RTNH_F_ONLINK : 0;
	}
	if (op->id) {
		if (rt)
			rt->rtm_table = RT_TABLE_UNSPEC;
		nl_attr_u32(n, RTA_TABLE, op->id);
	}
	if (op->dst.prefix)
		nl_attr(n, RTA_DST, op->dst.b, len_of(any));
	if (op->gw.family)
		nl_attr(n, RTA_GATEWAY, op->gw.b, len_of(any));
	if (op->addr.family)
		nl_attr(n, RTA_PREFSRC, op->addr.b, len_of(any));
	if (op->metric)
		nl_attr_u32(n, RTA_PRIORITY, op->metric);
	if (op->timeout && type == RTM_NEWROUTE)
		nl_attr_u32(n, RTA_EXPIRES, op->timeout);
	nl_attr_u32(n, RTA_OIF, index);
	return 0;
}

/* What an interface had that came home: when it did not (1), there is nothing to put back. */
static int of_one_gone(struct nl *q, const struct op *op, struct err *e)
{
	unsigned index;
	int r;

	if (!op->index || (op->kind != OP_LINK_SET && op->kind != OP_ADDR_ADD && op->kind != OP_ROUTE_SET))
		return 0;
	r = look_for(q, op, &index, e);
	return r < 0 ? r : !index;
}

int links_put(struct nl *n, struct nl *q, const struct op *op, int nsfd, struct err *e)
{
	int r = of_one_gone(q, op, e);

	if (r)
		return r < 0 ? r : 0;
	switch (op->kind) {
	case OP_NONE: /* only its inverse matters */
		return 0;
	case OP_BRIDGE_ADD:
		if (!nl_index(q, op->link)) /* a start beside ours may have been faster */
			return put_bridge(n, op, e);
		if (op->flags & OP_BRIDGE_VLANS)
			put_bridge_change(n, op);
		return 0;
	case OP_BRIDGE_SET:
		put_bridge_change(n, op);
		return 0;
	case OP_DEV_ADD:
		return links_put_dev(n, op, e);
	case OP_VLAN_SET:
		return put_vlans(n, q, op, e);
	case OP_VETH_ADD:
		return put_veth(n, q, op, nsfd, e);
	case OP_LINK_UP:
		return put_up(n, q, op, e);
	case OP_LINK_MTU:
		put_mtu(n, op);
		return 0;
	case OP_LINK_SET:
		return put_link_set(n, q, op, e);
	case OP_VLAN_ADD:
		return put_vlan(n, q, op, e);
	case OP_PORT_ADD:
		return put_port(n, q, op, e);
	case OP_ADDR_ADD:
		return put_addr(n, q, op, e);
	case OP_ADDR_DROP:
		return put_addr_drop(n, q, op, e);
	case OP_ROUTE_SET:
		return links_put_route_as(n, q, op, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, e);
	case OP_ROUTE_ADD:
		return put_route(n, q, op, e);
	default:
		return err_set(e, EINVAL, "%s is not a network operation", op_kind_name(op->kind));
	}
}

void links_hint(const struct op *op, int code, struct err *e)
{
	if (op->kind == OP_DEV_ADD && code == EOPNOTSUPP)
		(void)err_hint(e, "This kernel cannot make it: the module for %ss is missing.", op->fstype);
	if (op->kind == OP_VETH_ADD && op->bridge && code == EXFULL)
		(void)err_hint(
			e,
			"The bridge %s is full: a Linux bridge has at most 1023 ports. Put further jails on another "
			"one, as in interfaces=vnet0:bridge1.",
			op->bridge);
	if ((op->kind == OP_VLAN_SET || (op->kind == OP_BRIDGE_ADD && op->flags & OP_BRIDGE_VLANS)) &&
	    code == EOPNOTSUPP)
		(void)err_hint(e,
		               "This kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING): make a bridge for "
		               "each VLAN instead.");
}
