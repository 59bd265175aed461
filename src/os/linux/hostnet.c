/* hostnet.c - facts about the host's own network: all links, addresses and routes; and its sysctls. */
#include "os/linux/hostnet.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/jailproc.h"
#include "os/linux/rtmsg.h"
#include "os/os.h"

int host_sysctl_set(const struct op *op, struct err *e)
{
	_cleanup_free_ char *path = strf("/proc/sys/%s", op->name);
	int r;

	if (!path)
		return err_oom(e);
	r = fs_poke(AT_FDCWD, path, op->text);
	return r < 0 ? err_set(e, -r, "set %s to %s: %s", path, op->text, strerror(-r)) : 0;
}

/* Room for one more at *v; the new one is zeroed. NULL: out of memory. */
static void *grow(void *v, size_t n, size_t size)
{
	char *p = n & (n - 1) ? v : realloc(v, (n ? n * 2 : 1) * size); /* full at powers of two */

	if (p)
		memset(p + n * size, 0, size);
	return p;
}

/* A list that changed while it was read is read again, and what was seen comes twice: the last answer counts. */
static size_t seen_link(const struct hn_facts *f, unsigned index)
{
	size_t i = 0;

	while (i < f->nlinks && f->links[i].index != index)
		i++;
	return i;
}

static bool seen_ip(const struct hn_facts *f, const struct hn_ip *ip)
{
	for (size_t i = 0; i < f->nips; i++)
		if (f->ips[i].index == ip->index && ipaddr_same_host(&f->ips[i].addr, &ip->addr) &&
		    f->ips[i].addr.prefix == ip->addr.prefix)
			return true;
	return false;
}

/* --- links --- */

static int vlan_data(const struct nlattr *a, void *ctx)
{
	if (mnl_attr_get_type(a) == IFLA_VLAN_ID)
		((struct hn_link *)ctx)->tag = mnl_attr_get_u16(a);
	return MNL_CB_OK;
}

static int bridge_data(const struct nlattr *a, void *ctx)
{
	if (mnl_attr_get_type(a) == IFLA_BR_STP_STATE)
		((struct hn_link *)ctx)->stp = mnl_attr_get_u32(a) != 0;
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	struct hn_facts *f = ctx;
	struct hn_link *l, *v = grow(f->links, f->nlinks, sizeof(*v));
	struct link_msg m;

	if (!v) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	f->links = v;
	link_read(h, &m);
	l = &v[seen_link(f, m.index)];
	f->nlinks += l == &v[f->nlinks];
	*l = (struct hn_link){ .index = m.index,
		               .up = m.flags & IFF_UP,
		               .ether = m.type == ARPHRD_ETHER,
		               .mtu = m.mtu,
		               .master = m.master,
		               .parent = m.parent,
		               .mac = m.mac,
		               .is_bridge = streq(m.kind, "bridge"),
		               .is_vlan = streq(m.kind, "vlan") };
	(void)snprintf(l->name, sizeof(l->name), "%s", m.name);
	(void)snprintf(l->alias, sizeof(l->alias), "%s", m.alias);
	(void)snprintf(l->kind, sizeof(l->kind), "%s", m.kind);
	if (l->is_vlan && m.data)
		mnl_attr_parse_nested(m.data, vlan_data, l);
	if (l->is_bridge && m.data)
		mnl_attr_parse_nested(m.data, bridge_data, l);
	return MNL_CB_OK;
}

/* --- addresses --- */

static int take_addr(const struct nlmsghdr *h, void *ctx)
{
	struct hn_facts *f = ctx;
	struct hn_ip *v = grow(f->ips, f->nips, sizeof(*v)), *ip;
	struct addr_msg m;

	if (!v) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	f->ips = v;
	ip = &v[f->nips];
	addr_read(h, &m);
	ip->addr = m.addr;
	ip->peer = m.peer.family;
	ip->index = m.link;
	ip->mark = m.proto;
	ip->nobrd = m.addr.family == 4 && !m.broadcast;
	ip->noroute = m.flags & IFA_F_NOPREFIXROUTE;
	ip->dynamic = !(m.flags & IFA_F_PERMANENT);
	/* the kernel says forever as all ones; forever, but deprecated, is kept as it is */
	if (m.cache && (m.cache->ifa_valid != UINT32_MAX || m.cache->ifa_prefered != UINT32_MAX)) {
		ip->valid = m.cache->ifa_valid;
		ip->preferred = m.cache->ifa_prefered;
	}
	/* link-local belongs to the link */
	if ((ip->addr.family == 4 || (ip->addr.family == 6 && m.scope != RT_SCOPE_LINK)) && !seen_ip(f, ip))
		f->nips++;
	return MNL_CB_OK;
}

/* --- routes --- */

static int take_route(const struct nlmsghdr *h, void *ctx)
{
	struct hn_facts *f = ctx;
	struct route_msg m;
	struct hn_route *v;

	route_read(h, &m);
	/* what the kernel makes of addresses comes and goes with them */
	if (!m.dst.family || m.type != RTN_UNICAST || m.proto == RTPROT_KERNEL || m.flags & RTM_F_CLONED ||
	    m.table == RT_TABLE_LOCAL)
		return MNL_CB_OK;
	v = grow(f->routes, f->nroutes, sizeof(*v));
	if (!v) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	f->routes = v;
	v[f->nroutes] = (struct hn_route){ .index = m.link,
		                           .metric = m.metric,
		                           .table = m.table,
		                           .dst = m.dst,
		                           .gw = m.gw,
		                           .src = m.src,
		                           .proto = m.proto,
		                           .scope = m.scope,
		                           .onlink = m.flags & RTNH_F_ONLINK,
		                           .multipath = m.multipath,
		                           .expires = m.expires };
	/* twice does no harm: to set a route again changes nothing */
	if (m.link)
		f->nroutes++;
	return MNL_CB_OK;
}

static int neigh_attr(const struct nlattr *a, void *ctx)
{
	struct ipaddr *ip = ctx;

	if (mnl_attr_get_type(a) == NDA_DST && mnl_attr_get_payload_len(a) <= sizeof(ip->b))
		memcpy(ip->b, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

/* An entry that is merely not yet forgotten (stale) says nothing of now. */
static int take_neigh(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct ipaddr ip = { .family = nd->ndm_family == AF_INET6 ? 6 : 4 };
	struct hn_facts *f = ctx;

	if (!(nd->ndm_state & (NUD_REACHABLE | NUD_DELAY | NUD_PROBE)))
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*nd), neigh_attr, &ip);
	for (size_t i = 0; i < f->nroutes; i++)
		if ((int)f->routes[i].index == nd->ndm_ifindex && ipaddr_same_host(&f->routes[i].gw, &ip))
			f->routes[i].heard = true;
	return MNL_CB_OK;
}

/* --- all of it --- */

static int dump(struct nl *q, uint16_t type, size_t size, int family, mnl_cb_t cb, void *ctx, const char *what,
                struct err *e)
{
	unsigned char *head = nl_put(q, type, NLM_F_DUMP, size);
	int r;

	if (head)
		head[0] = (unsigned char)family; /* the first byte of each of these headers */
	r = nl_ask(q, cb, ctx);
	return r < 0 ? err_set(e, -r, "list the host's %s: %s", what, strerror(-r)) : 0;
}

static void read_sysctls(const struct hostnet *h, struct hn_facts *f)
{
	for (size_t i = 0; i < h->nsysctls; i++) {
		_cleanup_free_ char *path = strf("/proc/sys/%s", h->sysctls[i].name), *text = NULL;
		size_t len;

		if (!path || fs_read(AT_FDCWD, path, 64, &text, &len, NULL) < 0)
			continue;
		text[strcspn(text, "\n")] = '\0';
		f->sysctls[i].present = true;
		snprintf(f->sysctls[i].value, sizeof(f->sysctls[i].value), "%s", text);
	}
}

int os_hostnet_facts(struct os *os, const struct hostnet *h, struct hn_facts *ret, struct err *e)
{
	static const int family[] = { AF_INET, AF_INET6 };
	struct nl *q = &os->hostq;
	int r = q->fd < 0 ? nl_open(q, -1, e) : 0;

	*ret = (struct hn_facts){ 0 };
	if (r == 0)
		r = dump(q, RTM_GETLINK, sizeof(struct ifinfomsg), AF_UNSPEC, take_link, ret, "interfaces", e);
	for (size_t i = 0; r == 0 && i < 2; i++) {
		r = dump(q, RTM_GETADDR, sizeof(struct ifaddrmsg), family[i], take_addr, ret, "addresses", e);
		if (r == 0)
			r = dump(q, RTM_GETROUTE, sizeof(struct rtmsg), family[i], take_route, ret, "routes", e);
		if (r == 0)
			r = dump(q, RTM_GETNEIGH, sizeof(struct ndmsg), family[i], take_neigh, ret, "neighbours", e);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; i < ret->nlinks; i++) {
		struct hn_link *l = &ret->links[i];

		host_manager(l->name, l->index, l->manager, sizeof(l->manager));
		l->wireless = l->ether && host_wireless(l->name, l->index);
	}
	read_sysctls(h, ret);
	return 0;
}
