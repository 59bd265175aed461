/* rtmsg.c - takes rtnetlink's messages about interfaces, addresses and routes apart, and asks for routes. */
#include "os/linux/rtmsg.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "os/linux/nl.h"

static int link_info(const struct nlattr *a, void *ctx)
{
	struct link_msg *m = ctx;

	switch (mnl_attr_get_type(a)) {
	case IFLA_INFO_KIND:
		m->kind = mnl_attr_get_str(a);
		break;
	case IFLA_INFO_DATA:
		m->data = a;
		break;
	case IFLA_INFO_SLAVE_KIND:
		m->port_kind = mnl_attr_get_str(a);
		break;
	case IFLA_INFO_SLAVE_DATA:
		m->port = a;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int link_attr(const struct nlattr *a, void *ctx)
{
	struct link_msg *m = ctx;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		m->name = mnl_attr_get_str(a);
		break;
	case IFLA_IFALIAS:
		m->alias = mnl_attr_get_str(a);
		break;
	case IFLA_MTU:
		m->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_MASTER:
		m->master = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK:
		m->parent = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		m->abroad = true;
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(m->mac.b)) {
			memcpy(m->mac.b, mnl_attr_get_payload(a), sizeof(m->mac.b));
			m->mac.set = true;
		}
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(a, link_info, m);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

void link_read(const struct nlmsghdr *h, struct link_msg *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);

	*ret = (struct link_msg){ .index = (unsigned)ifi->ifi_index,
		                  .flags = ifi->ifi_flags,
		                  .type = ifi->ifi_type,
		                  .name = "",
		                  .alias = "",
		                  .kind = "",
		                  .port_kind = "" };
	mnl_attr_parse(h, sizeof(*ifi), link_attr, ret);
}

void ip_read(const struct nlattr *a, int family, struct ipaddr *ret)
{
	size_t len = family == AF_INET6 ? 16 : 4;

	if ((family != AF_INET && family != AF_INET6) || mnl_attr_get_payload_len(a) != len)
		return;
	ret->family = family == AF_INET6 ? 6 : 4;
	memcpy(ret->b, mnl_attr_get_payload(a), len);
}

struct reading {
	struct addr_msg *m;
	int family;
	struct ipaddr local, address;
};

static int addr_attr(const struct nlattr *a, void *ctx)
{
	struct reading *r = ctx;

	switch (mnl_attr_get_type(a)) {
	case IFA_LOCAL:
		ip_read(a, r->family, &r->local);
		break;
	case IFA_ADDRESS:
		ip_read(a, r->family, &r->address);
		break;
	case IFA_BROADCAST:
		r->m->broadcast = true;
		break;
	case IFA_FLAGS: /* all of them: the header has room for eight */
		r->m->flags = mnl_attr_get_u32(a);
		break;
	case IFA_PROTO:
		r->m->proto = mnl_attr_get_u8(a);
		break;
	case IFA_CACHEINFO:
		r->m->cache = mnl_attr_get_payload(a);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* IPv6 says IFA_LOCAL only where there is a peer, IPv4 always; IFA_ADDRESS is the peer then, or the same again. */
void addr_read(const struct nlmsghdr *h, struct addr_msg *ret)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct reading r = { .m = ret, .family = ifa->ifa_family };

	*ret = (struct addr_msg){ .link = ifa->ifa_index, .scope = ifa->ifa_scope, .flags = ifa->ifa_flags };
	mnl_attr_parse(h, sizeof(*ifa), addr_attr, &r);
	ret->addr = r.local.family ? r.local : r.address;
	if (r.local.family && r.address.family && !ipaddr_same_host(&r.local, &r.address))
		ret->peer = r.address;
	if (!ret->addr.family)
		return;
	ret->addr.prefix = ifa->ifa_prefixlen;
	ret->addr.has_prefix = true;
}

struct route_reading {
	struct route_msg *m;
	int family;
};

static int route_attr(const struct nlattr *a, void *ctx)
{
	const struct route_reading *r = ctx;
	const struct rtnexthop *way = mnl_attr_get_payload(a);
	const struct rta_cacheinfo *cache = mnl_attr_get_payload(a);

	switch (mnl_attr_get_type(a)) {
	case RTA_DST:
		ip_read(a, r->family, &r->m->dst);
		break;
	case RTA_GATEWAY:
		ip_read(a, r->family, &r->m->gw);
		break;
	case RTA_PREFSRC:
		ip_read(a, r->family, &r->m->src);
		break;
	case RTA_OIF:
		r->m->link = mnl_attr_get_u32(a);
		break;
	case RTA_PRIORITY:
		r->m->metric = mnl_attr_get_u32(a);
		break;
	case RTA_TABLE:
		r->m->table = mnl_attr_get_u32(a);
		break;
	case RTA_MULTIPATH:
		r->m->multipath = true;
		if (mnl_attr_get_payload_len(a) >= sizeof(*way))
			r->m->link = (unsigned)way->rtnh_ifindex;
		break;
	case RTA_NH_ID:
		r->m->object = true;
		break;
	case RTA_CACHEINFO:
		/* in ticks of a hundredth of a second (USER_HZ); negative: past */
		if (mnl_attr_get_payload_len(a) >= sizeof(*cache) && cache->rta_expires)
			r->m->expires = cache->rta_expires > 100 ? (uint32_t)cache->rta_expires / 100 : 1;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

void route_read(const struct nlmsghdr *h, struct route_msg *ret)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct route_reading r = { ret, rt->rtm_family };

	*ret = (struct route_msg){ .type = rt->rtm_type,
		                   .proto = rt->rtm_protocol,
		                   .scope = rt->rtm_scope,
		                   .flags = rt->rtm_flags,
		                   .table = rt->rtm_table };
	if (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6)
		ret->dst = (struct ipaddr){ .family = rt->rtm_family == AF_INET6 ? 6 : 4,
			                    .has_prefix = true,
			                    .prefix = rt->rtm_dst_len };
	mnl_attr_parse(h, sizeof(*rt), route_attr, &r);
}

void route_put_question(struct nl *q, const struct ipaddr *to, unsigned flags)
{
	struct rtmsg *rt = nl_put(q, RTM_GETROUTE, 0, sizeof(*rt));

	if (rt) {
		rt->rtm_family = to->family == 6 ? AF_INET6 : AF_INET;
		rt->rtm_dst_len = (uint8_t)ipaddr_max_prefix(to);
		rt->rtm_flags = flags;
	}
	nl_attr(q, RTA_DST, to->b, to->family == 6 ? 16 : 4);
}

/* --- one address --- */

/* The kernel makes one such route for each address; others are somebody's own. */
static int found_route(const struct nlmsghdr *h, void *ctx)
{
	struct addr_found *f = ctx;
	struct route_msg m;

	route_read(h, &m);
	f->local = m.type == RTN_LOCAL;
	if (f->local && m.dst.prefix == 32 && m.proto == RTPROT_KERNEL)
		f->link = m.link;
	return MNL_CB_OK;
}

static int found_addr(const struct nlmsghdr *h, void *ctx)
{
	struct addr_msg m;

	addr_read(h, &m);
	*(struct addr_found *)ctx = (struct addr_found){ .local = true, .link = m.link };
	return MNL_CB_OK;
}

int addr_ask(struct nl *q, const struct ipaddr *a, struct addr_found *ret)
{
	struct ifaddrmsg *ifa;
	int r;

	*ret = (struct addr_found){ false, 0 };
	if (a->family == 4) {
		route_put_question(q, a, RTM_F_FIB_MATCH);
		return nl_ask(q, found_route, ret);
	}
	ifa = nl_put(q, RTM_GETADDR, 0, sizeof(*ifa));
	if (ifa)
		ifa->ifa_family = AF_INET6;
	nl_attr(q, IFA_ADDRESS, a->b, 16);
	r = nl_ask(q, found_addr, ret);
	return r == -EADDRNOTAVAIL ? 0 : r;
}
