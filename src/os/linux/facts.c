/* facts.c - what a plan asks about this host: links, default routes, addresses. Read-only. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/nat.h"
#include "os/linux/jailproc.h"
#include "os/linux/links.h"
#include "os/linux/rtmsg.h"
#include "os/os.h"

#define PORTS_MAX 1024 /* of a bridge */

/* The first line of a file, if it has one that is not empty. */
static bool first_line(const char *path, char *buf, size_t cap)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read(AT_FDCWD, path, 4096, &text, &len, NULL) < 0)
		return false;
	text[strcspn(text, "\r\n")] = '\0';
	(void)snprintf(buf, cap, "%s", text);
	return *text;
}

static int host_id(char *buf, size_t cap, struct err *e)
{
	static const char *const files[] = { "/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid",
		                             "/etc/hostname" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (first_line(files[i], buf, cap))
			return 0;
	if (gethostname(buf, cap) < 0)
		return err_sys(e, "read the host's identity");
	buf[cap - 1] = '\0';
	return 0;
}

/* --- links --- */

static int bridge_data(const struct nlattr *a, void *ctx)
{
	struct link_fact *l = ctx;

	if (mnl_attr_get_type(a) == IFLA_BR_VLAN_FILTERING) {
		l->vlan_filtering = mnl_attr_get_u8(a);
	} else if (mnl_attr_get_type(a) == IFLA_BR_VLAN_DEFAULT_PVID) {
		l->can_vlans = true; /* not told by a kernel without CONFIG_BRIDGE_VLAN_FILTERING */
		l->default_pvid = mnl_attr_get_u16(a);
	}
	return MNL_CB_OK;
}

int link_take(const struct nlmsghdr *h, void *ctx)
{
	const unsigned up = IFF_UP | IFF_RUNNING;
	struct link_fact *l = ctx;
	struct link_msg m;

	link_read(h, &m);
	*l = (struct link_fact){ .index = m.index,
		                 .flags = m.flags,
		                 .mtu = m.mtu,
		                 .master = m.master,
		                 .mac = m.mac,
		                 .is_bridge = streq(m.kind, "bridge"),
		                 .ours = streq(m.alias, MARK_BRIDGE) };
	(void)snprintf(l->name, sizeof(l->name), "%s", m.name);
	l->can_ask = (l->flags & up) == up && !(l->flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT));
	if (l->is_bridge && m.data)
		mnl_attr_parse_nested(m.data, bridge_data, l);
	return MNL_CB_OK;
}

struct first_member {
	unsigned bridge, index, mtu;
	const char *jail; /* whose own pairs do not count */
};

/* Is it the host's end of one of this jail's pairs. */
static bool is_own_pair(const char *alias, const char *jail)
{
	const char *s = alias + strlen(OP_MARK_LINK);

	return str_starts(alias, OP_MARK_LINK) && str_starts(s, jail) && s[strlen(jail)] == ' ';
}

static int take_member(const struct nlmsghdr *h, void *ctx)
{
	struct first_member *m = ctx;
	struct link_msg l;

	link_read(h, &l);
	if (l.master == m->bridge && !is_own_pair(l.alias, m->jail) && (!m->index || l.index < m->index)) {
		m->index = l.index;
		m->mtu = l.mtu;
	}
	return MNL_CB_OK;
}

/* The numbers of a bridge's ports, in one call: a dump of them would tell all about each. Their count, or -errno. */
static int port_numbers(const char *bridge, int numbers[static PORTS_MAX])
{
	_cleanup_close_ int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned long args[4] = { BRCTL_GET_PORT_LIST, (unsigned long)numbers, PORTS_MAX };
	struct ifreq ifr = { .ifr_data = (char *)args };
	int n = 0;

	if (s < 0)
		return -errno;
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", bridge);
	memset(numbers, 0, PORTS_MAX * sizeof(*numbers));
	if (ioctl(s, SIOCDEVPRIVATE, &ifr) < 0)
		return -errno;
	/* by the number of the port, with holes */
	for (int i = 0; i < PORTS_MAX; i++)
		if (numbers[i] > 0)
			numbers[n++] = numbers[i];
	return n;
}

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The first that is not one of the jail's own, which are few. */
static void ask_first_member(struct nl *q, const char *bridge, struct first_member *m)
{
	int numbers[PORTS_MAX], n = port_numbers(bridge, numbers);

	if (n < 0) {
		nl_put(q, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
		nl_attr_u32(q, IFLA_MASTER, m->bridge); /* the kernel filters */
		if (nl_ask(q, take_member, m) < 0)
			m->mtu = 0;
		return;
	}
	qsort(numbers, (size_t)n, sizeof(*numbers), by_number);
	for (int i = 0; i < n && !m->index; i++) {
		struct ifinfomsg *ifi = nl_put(q, RTM_GETLINK, 0, sizeof(*ifi));

		if (ifi)
			ifi->ifi_index = numbers[i];
		if (nl_ask(q, take_member, m) < 0)
			continue; /* gone meanwhile */
	}
}

static int add_link(struct os *os, struct facts *f, const char *name, struct err *e)
{
	struct link_fact l = { .index = 0 }, *grown;
	struct nl *q = &os->hostq;
	int r;

	if (ifname_is_loopback(name))
		name = "lo";
	if (!*name || facts_link(f, name))
		return 0;
	nl_put(q, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_attr_str(q, IFLA_IFNAME, name);
	r = nl_ask(q, link_take, &l);
	if (r < 0 && r != -ENODEV)
		return err_set(e, -r, "look for interface %s: %s", name, strerror(-r));
	if (!l.index)
		return 0; /* it does not exist: that is a fact too */
	if (l.is_bridge) {
		struct first_member m = { .bridge = l.index, .jail = os->j->jail };

		ask_first_member(q, l.name, &m);
		l.first_member_mtu = m.mtu;
	}
	grown = realloc(f->links, (f->nlinks + 1) * sizeof(*grown));
	if (!grown)
		return err_oom(e);
	f->links = grown;
	f->links[f->nlinks++] = l;
	return 0;
}

/* --- default routes --- */

struct route_seen {
	struct gateway_fact *gw;
	int family; /* 4 or 6 */
	uint32_t best; /* metric */
	int r; /* its interface cannot be told: no reason to take the next one */
};

static int take_route(const struct nlmsghdr *h, void *ctx)
{
	struct route_seen *s = ctx;
	struct route_msg m;
	char name[IFNAME_CAP];
	int r;

	route_read(h, &m);
	if (m.dst.family != s->family || m.dst.prefix || m.table != RT_TABLE_MAIN || m.type != RTN_UNICAST)
		return MNL_CB_OK;
	if (!m.link || m.multipath || (s->gw->have && m.metric >= s->best))
		return MNL_CB_OK;
	r = nl_name(m.link, name);
	if (r <= 0) {
		s->r = r < 0 ? r : s->r;
		return MNL_CB_OK;
	}
	s->best = m.metric;
	*s->gw = (struct gateway_fact){ .have = true, .gw = m.gw };
	memcpy(s->gw->ifname, name, sizeof(name));
	return MNL_CB_OK;
}

static int default_route(struct os *os, int family, struct gateway_fact *ret, struct err *e)
{
	struct route_seen s = { .gw = ret, .family = family };
	struct rtmsg *rt = nl_put(&os->hostq, RTM_GETROUTE, NLM_F_DUMP, sizeof(*rt));
	int r;

	if (rt) {
		rt->rtm_family = family == 6 ? AF_INET6 : AF_INET;
		rt->rtm_table = RT_TABLE_MAIN;
	}
	r = nl_ask(&os->hostq, take_route, &s);
	if (r == -EAFNOSUPPORT || r == -EOPNOTSUPP) /* a kernel without IPv6 */
		r = 0;
	if (r == 0)
		r = s.r;
	return r < 0 ? err_set(e, -r, "ask for the host's default route: %s", strerror(-r)) : 0;
}

/* --- addresses --- */

/* There is no way to it: no network, no family, or a route that refuses. */
static bool is_no_way(int r)
{
	return r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES || r == -EINVAL || r == -EAFNOSUPPORT ||
	       r == -EOPNOTSUPP;
}

static int look_up(struct os *os, struct addr_fact *f, struct err *e)
{
	char text[IPADDR_TEXT];
	struct addr_found found;
	int r = addr_ask(&os->hostq, &f->addr, &found);

	if (is_no_way(r))
		return 0;
	if (r == 0 && found.link)
		r = nl_name(found.link, f->ifname);
	if (r < 0)
		return err_set(e, -r, "ask who has %s: %s", ipaddr_format(&f->addr, text), strerror(-r));
	f->present = found.local;
	return 0;
}

static int add_addrs(struct os *os, struct facts *f, const struct jaddr *list, size_t n, struct err *e)
{
	struct addr_fact *grown = realloc(f->addrs, (f->naddrs + n + 1) * sizeof(*grown));

	if (!grown)
		return err_oom(e);
	f->addrs = grown;
	for (size_t i = 0; i < n; i++) {
		int r;

		if (list[i].mode != JADDR_STATIC)
			continue;
		f->addrs[f->naddrs] = (struct addr_fact){ .addr = list[i].addr };
		r = look_up(os, &f->addrs[f->naddrs++], e);
		if (r == 0)
			r = add_link(os, f, f->addrs[f->naddrs - 1].ifname, e);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- NAT --- */

struct ports_seen {
	struct facts *f;
	const char *prefix;
	int r; /* -errno: it is not the whole list */
};

/* One with our mark, or an end of another jail's network. */
static bool is_jails(const struct ports_seen *s, const struct addr_msg *m)
{
	return m->proto == MARK_ADDR_PROTO ||
	       (m->addr.family == 4 && nat_network_of(s->prefix, &m->addr) != NAT_NETWORKS);
}

/* An interface with an address that is not a jail's. */
static int take_port(const struct nlmsghdr *h, void *ctx)
{
	struct ports_seen *s = ctx;
	struct nat_link one = { "" }, *grown;
	struct addr_msg m;
	int r;

	addr_read(h, &m);
	if (is_jails(s, &m) || m.scope == RT_SCOPE_HOST)
		return MNL_CB_OK;
	r = nl_name(m.link, one.name);
	if (r <= 0) {
		s->r = r < 0 ? r : s->r; /* gone meanwhile: it has no address any more */
		return MNL_CB_OK;
	}
	for (size_t i = 0; i < s->f->nnat_links; i++)
		if (streq(s->f->nat_links[i].name, one.name))
			return MNL_CB_OK;
	grown = realloc(s->f->nat_links, (s->f->nnat_links + 1) * sizeof(*grown));
	if (!grown) {
		s->r = -ENOMEM;
		return MNL_CB_OK;
	}
	s->f->nat_links = grown;
	s->f->nat_links[s->f->nnat_links++] = one;
	return MNL_CB_OK;
}

static int add_nat(struct os *os, struct facts *f, const struct jail *j, struct err *e)
{
	struct ports_seen s = { .f = f, .prefix = conf_get(j->conf, PROP_nat_prefix) };
	struct ifaddrmsg *ifa;
	int r = add_link(os, f, j->nat_interface, e);

	if (r < 0)
		return r;
	ifa = nl_put(&os->hostq, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	if (ifa)
		ifa->ifa_family = AF_INET;
	r = nl_ask(&os->hostq, take_port, &s);
	if (r == 0)
		r = s.r;
	return r < 0 ? err_set(e, -r, "list the host's addresses: %s", strerror(-r)) : 0;
}

static int take_net(const struct nlmsghdr *h, void *ctx)
{
	struct route_msg m;

	route_read(h, &m);
	*(struct ipaddr *)ctx = m.dst;
	return MNL_CB_OK;
}

int os_route_to(struct os *os, const struct ipaddr *a, struct ipaddr *ret, struct err *e)
{
	struct ipaddr net = { 0 };
	int r = os->hostq.fd < 0 ? nl_open(&os->hostq, -1, e) : 0;

	if (r < 0)
		return r;
	route_put_question(&os->hostq, a, RTM_F_FIB_MATCH);
	r = nl_ask(&os->hostq, take_net, &net);
	if (r == -ENETUNREACH || (r == 0 && (!net.family || !net.prefix)))
		return 0;
	if (r < 0 && !is_no_way(r))
		return err_set(e, -r, "ask for the route to a network: %s", strerror(-r));
	/* a route that refuses is one, too */
	if (r < 0) {
		net = *a;
		net.has_prefix = true;
		net.prefix = 32;
	}
	*ret = net;
	return 1;
}

static bool bare(const struct jaddr *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!*a[i].ifname)
			return true;
	return false;
}

int os_facts(struct os *os, const struct jail *j, struct facts *ret, struct err *e)
{
	int r = host_id(ret->host_id, sizeof(ret->host_id), e);
	bool find = streq(j->uplink, "auto");

	if (r == 0 && os->hostq.fd < 0)
		r = nl_open(&os->hostq, -1, e);
	if (r < 0)
		return r;
	/* reading a big routing table is slow: only when an answer depends on it */
	if (find || (j->nat    ? !*j->nat_interface
	             : j->vnet ? j->router4.mode == ROUTER_AUTO && j->n4
	                       : bare(j->a4, j->n4)))
		r = default_route(os, 4, &ret->gw4, e);
	if (r == 0 && (j->vnet ? (j->router6.mode == ROUTER_AUTO && j->n6) || find : bare(j->a6, j->n6)))
		r = default_route(os, 6, &ret->gw6, e);
	if (r == 0)
		r = add_link(os, ret, ret->gw4.ifname, e);
	if (r == 0)
		r = add_link(os, ret, ret->gw6.ifname, e);
	for (size_t i = 0; j->vnet && i < j->nnics && r == 0; i++)
		r = add_link(os, ret, j->nics[i].bridge, e);
	/* it runs: the host ends of its pairs, too */
	for (size_t i = 0; j->vnet && os->j->pid > 0 && i < j->nnics && r == 0; i++) {
		char outside[IFNAME_CAP];

		(void)jnic_outside_name(j->nics[i].name, os->j->jid, outside);
		r = add_link(os, ret, outside, e);
	}
	if (r == 0 && j->vnet && j->router6.mode == ROUTER_ADDR)
		r = add_link(os, ret, j->router6.addr.zone, e);
	if (r == 0 && j->vnet && *j->uplink && !find)
		r = add_link(os, ret, j->uplink, e);
	if (r == 0 && j->nat)
		r = add_nat(os, ret, j, e);
	/* a VNET jail's are not the host's: only for conflicts */
	if (r < 0 || (j->vnet && !j->conflict_wait))
		return r;
	for (size_t i = 0; !j->vnet && i < j->n4 && r == 0; i++)
		r = add_link(os, ret, j->a4[i].ifname, e);
	for (size_t i = 0; !j->vnet && i < j->n6 && r == 0; i++)
		r = add_link(os, ret, j->a6[i].ifname, e);
	if (r == 0)
		r = add_addrs(os, ret, j->a4, j->n4, e);
	return r < 0 ? r : add_addrs(os, ret, j->a6, j->n6, e);
}
