/* survey.c - reads a network stack, the host's or a jail's, as it is: dumps of rtnetlink(7) and a few switches. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/jailproc.h"
#include "os/linux/rtmsg.h"
#include "os/os.h"

#define SIOCGIWNAME 0x8B01 /* linux/wireless.h cannot be included beside net/if.h */

/* Room for one more in a list of n elements of this size, every power of two. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : realloc(list, (n ? n * 2 : 1) * size);
}

static int see_bridge(const struct nlattr *a, void *ctx)
{
	struct sv_link *l = ctx;

	switch (mnl_attr_get_type(a)) {
	case IFLA_BR_STP_STATE:
		l->stp = mnl_attr_get_u32(a) != 0;
		break;
	case IFLA_BR_FORWARD_DELAY: /* in hundredths: clock_t(3) */
		l->forward_delay = (mnl_attr_get_u32(a) + 99) / 100;
		break;
	case IFLA_BR_VLAN_FILTERING:
		l->vlan_filtering = mnl_attr_get_u8(a) != 0;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int see_port(const struct nlattr *a, void *ctx)
{
	static const enum sv_port_state states[] = { [BR_STATE_DISABLED] = SV_DISABLED,
		                                     [BR_STATE_LISTENING] = SV_LISTENING,
		                                     [BR_STATE_LEARNING] = SV_LEARNING,
		                                     [BR_STATE_FORWARDING] = SV_FORWARDING,
		                                     [BR_STATE_BLOCKING] = SV_BLOCKING };
	struct sv_link *l = ctx;

	if (mnl_attr_get_type(a) == IFLA_BRPORT_STATE && mnl_attr_get_u8(a) < sizeof(states) / sizeof(*states))
		l->state = states[mnl_attr_get_u8(a)];
	return MNL_CB_OK;
}

/* A dump may be told again from its start (nl_ask): a thing seen before is seen anew. */
static int see_link(const struct nlmsghdr *h, void *ctx)
{
	struct survey *s = ctx;
	struct sv_link l, *list;
	struct link_msg m;

	link_read(h, &m);
	l = (struct sv_link){ .index = m.index,
		              .up = m.flags & IFF_UP,
		              .carrier = m.flags & IFF_RUNNING,
		              .loopback = m.flags & IFF_LOOPBACK,
		              .mtu = m.mtu,
		              .master = m.master,
		              .mac = m.mac };
	(void)snprintf(l.name, sizeof(l.name), "%s", m.name);
	(void)snprintf(l.alias, sizeof(l.alias), "%s", m.alias);
	(void)snprintf(l.kind, sizeof(l.kind), "%s", m.kind);
	if (!m.abroad && m.parent != m.index && !streq(m.kind, "veth")) /* that of a veth is its other end */
		l.parent = m.parent;
	if (m.data && streq(m.kind, "bridge"))
		mnl_attr_parse_nested(m.data, see_bridge, &l);
	if (m.port && streq(m.port_kind, "bridge"))
		mnl_attr_parse_nested(m.port, see_port, &l);
	for (size_t i = 0; i < s->nlinks; i++)
		if (s->links[i].index == l.index) {
			s->links[i] = l;
			return MNL_CB_OK;
		}
	list = grow(s->links, s->nlinks, sizeof(*list));
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->links = list;
	s->links[s->nlinks++] = l;
	return MNL_CB_OK;
}

static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	struct survey *s = ctx;
	struct sv_addr *list = grow(s->addrs, s->naddrs, sizeof(*list));
	struct addr_msg m;

	addr_read(h, &m);
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->addrs = list;
	s->addrs[s->naddrs++] =
		(struct sv_addr){ .link = m.link,
		                  .addr = m.addr,
		                  .local_scope = m.scope >= RT_SCOPE_LINK,
		                  .failed = m.flags & IFA_F_DADFAILED,
		                  .tentative = (m.flags & IFA_F_TENTATIVE) && !(m.flags & IFA_F_OPTIMISTIC) };
	return MNL_CB_OK;
}

/* Made by a routing daemon: their numbers begin above those of the kernel, of ip(8) and of router advertisements. */
static bool is_told(uint8_t proto)
{
	switch (proto) {
	case RTPROT_GATED:
	case RTPROT_MRT:
	case RTPROT_ZEBRA:
	case RTPROT_BIRD:
	case RTPROT_XORP:
	case RTPROT_BABEL:
	case RTPROT_OPENR:
	case RTPROT_BGP:
	case RTPROT_ISIS:
	case RTPROT_OSPF:
	case RTPROT_RIP:
	case RTPROT_EIGRP:
		return true;
	default:
		return false;
	}
}

static int see_route(const struct nlmsghdr *h, void *ctx)
{
	struct survey *s = ctx;
	struct sv_route *list;
	struct route_msg m;

	route_read(h, &m);
	if (m.dst.family && is_told(m.proto))
		*(m.dst.family == 6 ? &s->routed6 : &s->routed4) = true;
	if (!m.dst.family || m.dst.prefix || m.table != RT_TABLE_MAIN || m.type != RTN_UNICAST)
		return MNL_CB_OK;
	list = grow(s->routes, s->nroutes, sizeof(*list));
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->routes = list;
	s->routes[s->nroutes++] = (struct sv_route){
		.link = m.multipath ? 0 : m.link, .via = m.gw, .family = m.dst.family, .by_ra = m.proto == RTPROT_RA
	};
	return MNL_CB_OK;
}

static int see_neigh_attr(const struct nlattr *at, void *ctx)
{
	struct sv_neigh *n = ctx;

	if (mnl_attr_get_type(at) == NDA_DST)
		ip_read(at, n->addr.family == 6 ? AF_INET6 : AF_INET, &n->addr);
	return MNL_CB_OK;
}

static int see_neigh(const struct nlmsghdr *h, void *ctx)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);
	struct survey *s = ctx;
	struct sv_neigh n = { .link = (unsigned)nd->ndm_ifindex,
		              .addr.family = nd->ndm_family == AF_INET6 ? 6 : 4,
		              .permanent = nd->ndm_state & NUD_PERMANENT,
		              .failed = nd->ndm_state & NUD_FAILED };
	struct sv_neigh *list;

	if (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6)
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*nd), see_neigh_attr, &n);
	list = grow(s->neighs, s->nneighs, sizeof(*list));
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->neighs = list;
	s->neighs[s->nneighs++] = n;
	return MNL_CB_OK;
}

static int see_port_vlans(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct survey *s = ctx;
	const struct nlattr *a, *one;
	size_t kept = 0;

	for (size_t i = 0; i < s->nvlans; i++)
		if (s->vlans[i].link != (unsigned)ifi->ifi_index)
			s->vlans[kept++] = s->vlans[i];
	s->nvlans = kept;
	mnl_attr_for_each(a, h, sizeof(*ifi))
	{
		if (mnl_attr_get_type(a) != IFLA_AF_SPEC)
			continue;
		mnl_attr_for_each_nested(one, a)
		{
			const struct bridge_vlan_info *v = mnl_attr_get_payload(one);
			struct sv_vlan *list;

			if (mnl_attr_get_type(one) != IFLA_BRIDGE_VLAN_INFO ||
			    mnl_attr_get_payload_len(one) < sizeof(*v))
				continue;
			if (v->flags & BRIDGE_VLAN_INFO_RANGE_END && s->nvlans) {
				s->vlans[s->nvlans - 1].last = v->vid;
				continue;
			}
			list = grow(s->vlans, s->nvlans, sizeof(*list));
			if (!list) {
				errno = ENOMEM;
				return MNL_CB_ERROR;
			}
			s->vlans = list;
			s->vlans[s->nvlans++] = (struct sv_vlan){ .link = (unsigned)ifi->ifi_index,
				                                  .first = v->vid,
				                                  .last = v->vid,
				                                  .untagged = v->flags & BRIDGE_VLAN_INFO_PVID };
		}
	}
	return MNL_CB_OK;
}

static int dump_vlans(struct nl *q, struct survey *s, struct err *e)
{
	bool filters = false;
	struct ifinfomsg *ifi;
	int r;

	for (size_t i = 0; i < s->nlinks; i++)
		filters = filters || s->links[i].vlan_filtering;
	if (!filters)
		return 0;
	ifi = nl_put(q, RTM_GETLINK, NLM_F_DUMP, sizeof(*ifi));
	if (ifi)
		ifi->ifi_family = AF_BRIDGE;
	nl_attr_u32(q, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	r = nl_ask(q, see_port_vlans, s);
	return r < 0 ? err_set(e, -r, "look at the VLANs of bridges: %s", strerror(-r)) : 0;
}

static int dump_all(struct nl *q, struct survey *s, struct err *e)
{
	static const struct {
		uint16_t type;
		size_t size;
		mnl_cb_t see;
	} dumps[] = { { RTM_GETLINK, sizeof(struct ifinfomsg), see_link },
		      { RTM_GETADDR, sizeof(struct ifaddrmsg), see_addr },
		      { RTM_GETROUTE, sizeof(struct rtmsg), see_route },
		      { RTM_GETNEIGH, sizeof(struct ndmsg), see_neigh } };

	for (size_t i = 0; i < sizeof(dumps) / sizeof(*dumps); i++) {
		int r;

		nl_put(q, dumps[i].type, NLM_F_DUMP, dumps[i].size);
		r = nl_ask(q, dumps[i].see, s);
		if (r < 0)
			return err_set(e, -r, "look at the network: %s", strerror(-r));
	}
	return dump_vlans(q, s, e);
}

static bool reads(const char *path, unsigned *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	uint64_t v;

	if (fs_read(AT_FDCWD, path, 64, &text, &len, NULL) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if (!str_to_uint(text, 0, 1000, &v))
		return false;
	*ret = (unsigned)v;
	return true;
}

static unsigned switch_of(int family, const char *link, const char *name)
{
	_cleanup_free_ char *path = strf("/proc/sys/net/ipv%d/conf/%s/%s", family, link, name);
	unsigned v = 0;

	return path && reads(path, &v) ? v : 0;
}

/* Of an interface that packets come in by: not of a port, whose bridge they come in by. */
static void read_manners(struct sv_link *l, unsigned all_filter, bool all_proxy)
{
	unsigned own = switch_of(4, l->name, "rp_filter");

	l->source_strict = (own > all_filter ? own : all_filter) == 1;
	l->proxy = all_proxy || switch_of(4, l->name, "proxy_arp") || switch_of(6, l->name, "proxy_ndp");
}

/* Tables of iptables before nftables, which nft does not show; there is none before somebody asks for it. */
static void see_old_tables(struct survey *s)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read(AT_FDCWD, "/proc/self/net/ip_tables_names", 4096, &text, &len, NULL) < 0)
		return;
	s->old_filter = strstr(text, "filter\n");
	s->translates = s->translates || strstr(text, "nat\n");
}

/* Of the namespace we are in: /proc/sys/net is that of who opens it. */
static void read_switches(struct survey *s)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned filter = switch_of(4, "all", "rp_filter"), v = 0;
	bool proxy = switch_of(4, "all", "proxy_arp") || switch_of(6, "all", "proxy_ndp");

	s->forward4 = reads("/proc/sys/net/ipv4/ip_forward", &v) && v;
	see_old_tables(s);
	s->forward6 = reads("/proc/sys/net/ipv6/conf/all/forwarding", &v) && v;
	s->bridge_filter4 = reads("/proc/sys/net/bridge/bridge-nf-call-iptables", &v) && v;
	s->bridge_filter6 = reads("/proc/sys/net/bridge/bridge-nf-call-ip6tables", &v) && v;
	for (size_t i = 0; i < s->nlinks; i++) {
		struct ifreq wireless = { 0 };

		s->links[i].accept_ra = switch_of(6, s->links[i].name, "accept_ra");
		s->links[i].forward4 = switch_of(4, s->links[i].name, "forwarding");
		s->links[i].no_ip6 = switch_of(6, s->links[i].name, "disable_ipv6");
		if (!s->links[i].master)
			read_manners(&s->links[i], filter, proxy);
		memcpy(wireless.ifr_name, s->links[i].name, IFNAMSIZ);
		s->links[i].wireless = fd >= 0 && ioctl(fd, SIOCGIWNAME, &wireless) == 0;
	}
}

int os_survey(pid_t jail, struct survey *ret, struct err *e)
{
	_cleanup_(nl_close) struct nl q = NL_INIT;
	_cleanup_close_ int home = -1, ns = -1;
	char path[64];
	int r;

	*ret = (struct survey){ 0 };
	if (jail > 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)jail);
		home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		ns = open(path, O_RDONLY | O_CLOEXEC);
		if (home < 0 || ns < 0 || setns(ns, CLONE_NEWNET) < 0)
			return err_sys(e, "enter the jail's network namespace");
	}
	r = nl_open(&q, -1, e);
	if (r == 0)
		r = dump_all(&q, ret, e);
	if (r == 0)
		read_switches(ret);
	if (home >= 0 && netns_return(home) < 0)
		r = err_sys(e, "return to the host's network namespace");
	if (r < 0)
		survey_done(ret);
	return r;
}

struct way_ctx {
	struct sv_way way;
	bool several;
};

static int see_way(const struct nlmsghdr *h, void *ctx)
{
	struct way_ctx *c = ctx;
	struct route_msg m;

	route_read(h, &m);
	c->way.local = m.type == RTN_LOCAL;
	c->way.link = m.link;
	c->several = m.multipath || m.object;
	return MNL_CB_OK;
}

/* The route itself is asked for, as the one way of a packet would hide that there are several. */
static int ask_way(struct nl *q, const struct ipaddr *to, struct survey *host, struct err *e)
{
	struct way_ctx c = { .way.to = *to };
	struct sv_way *list;
	int r;

	route_put_question(q, to, RTM_F_FIB_MATCH);
	r = nl_ask(q, see_way, &c);
	if (r < 0 && r != -ENETUNREACH && r != -EHOSTUNREACH && r != -EACCES)
		return 0; /* not known */
	if (c.several)
		return 0;
	list = grow(host->ways, host->nways, sizeof(*list));
	if (!list)
		return err_oom(e);
	host->ways = list;
	host->ways[host->nways++] = c.way;
	return 0;
}

int os_survey_ways(const struct survey *jail, struct survey *host, struct err *e)
{
	_cleanup_(nl_close) struct nl q = NL_INIT;
	int r = nl_open(&q, -1, e);

	for (size_t i = 0; r == 0 && i < jail->naddrs; i++) {
		const struct sv_addr *a = &jail->addrs[i];

		if (!a->local_scope && !a->failed && !a->tentative)
			r = ask_way(&q, &a->addr, host, e);
	}
	return r;
}

/* Below the jail's root, of its first process: nothing leads out of it, and nothing is waited for. */
char *os_jail_resolver(pid_t jail)
{
	_cleanup_close_ int root = -1, fd = -1;
	char path[64], *text;
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)jail);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = root < 0 ? -1 : open_in_root(root, "etc/resolv.conf", O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	/* a terminal there would be the caller's */
	text = fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ? NULL : calloc(1, RESOLVER_MAX + 1);
	if (!text)
		return NULL;
	n = read(fd, text, RESOLVER_MAX);
	if (n < 0)
		*text = '\0';
	/* it is quoted to whoever asks */
	for (char *p = text; *p; p++)
		if ((*p < 32 && *p != '\n' && *p != '\t') || *p == 127)
			*p = '?';
	return text;
}
