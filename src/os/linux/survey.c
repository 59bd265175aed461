/* survey.c - reads a network stack, the host's or a jail's, as it is: dumps of rtnetlink(7) and a few switches. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
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
#include "os/os.h"

#define SIOCGIWNAME 0x8B01 /* linux/wireless.h cannot be included beside net/if.h */

/* Room for one more in a list of n elements of this size, every power of two. */
static void *grow(void *list, size_t n, size_t size)
{
	return n & (n - 1) ? list : realloc(list, (n ? n * 2 : 1) * size);
}

static int see_kind(const struct nlattr *a, void *ctx)
{
	struct sv_link *l = ctx;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		snprintf(l->kind, sizeof(l->kind), "%s", mnl_attr_get_str(a));
	return MNL_CB_OK;
}

static int see_link_attr(const struct nlattr *a, void *ctx)
{
	struct sv_link *l = ctx;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_IFALIAS:
		snprintf(l->alias, sizeof(l->alias), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_MTU:
		l->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_MASTER:
		l->master = mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(l->mac.b)) {
			memcpy(l->mac.b, mnl_attr_get_payload(a), sizeof(l->mac.b));
			l->mac.set = true;
		}
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(a, see_kind, l);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* A dump may be told again from its start (nl_ask): a thing seen before is seen anew. */
static int see_link(const struct nlmsghdr *h, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct survey *s = ctx;
	struct sv_link l = { .index = (unsigned)ifi->ifi_index,
		             .up = ifi->ifi_flags & IFF_UP,
		             .loopback = ifi->ifi_flags & IFF_LOOPBACK };
	struct sv_link *list;

	mnl_attr_parse(h, sizeof(*ifi), see_link_attr, &l);
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

static void take_ip(struct ipaddr *a, const struct nlattr *at)
{
	size_t len = mnl_attr_get_payload_len(at);

	if (len == (a->family == 6 ? 16U : 4U))
		memcpy(a->b, mnl_attr_get_payload(at), len);
}

struct addr_ctx {
	struct sv_addr a;
	bool local;
	uint32_t flags;
};

static int see_addr_attr(const struct nlattr *at, void *ctx)
{
	struct addr_ctx *c = ctx;

	switch (mnl_attr_get_type(at)) {
	case IFA_LOCAL:
		take_ip(&c->a.addr, at);
		c->local = true;
		break;
	case IFA_ADDRESS:
		if (!c->local)
			take_ip(&c->a.addr, at);
		break;
	case IFA_FLAGS:
		c->flags = mnl_attr_get_u32(at);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct survey *s = ctx;
	struct addr_ctx c = { .a = { .link = ifa->ifa_index,
		                     .addr = { .family = ifa->ifa_family == AF_INET6 ? 6 : 4,
		                               .prefix = ifa->ifa_prefixlen,
		                               .has_prefix = true },
		                     .local_scope = ifa->ifa_scope >= RT_SCOPE_LINK },
		              .flags = ifa->ifa_flags };
	struct sv_addr *list;

	mnl_attr_parse(h, sizeof(*ifa), see_addr_attr, &c);
	c.a.failed = c.flags & IFA_F_DADFAILED;
	c.a.tentative = (c.flags & IFA_F_TENTATIVE) && !(c.flags & IFA_F_OPTIMISTIC);
	list = grow(s->addrs, s->naddrs, sizeof(*list));
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->addrs = list;
	s->addrs[s->naddrs++] = c.a;
	return MNL_CB_OK;
}

static int see_route_attr(const struct nlattr *at, void *ctx)
{
	struct sv_route *r = ctx;

	if (mnl_attr_get_type(at) == RTA_OIF) {
		r->link = mnl_attr_get_u32(at);
	} else if (mnl_attr_get_type(at) == RTA_GATEWAY) {
		r->via.family = (uint8_t)r->family;
		take_ip(&r->via, at);
	}
	return MNL_CB_OK;
}

static int see_route(const struct nlmsghdr *h, void *ctx)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct survey *s = ctx;
	struct sv_route r = { .family = rt->rtm_family == AF_INET6 ? 6 : 4, .by_ra = rt->rtm_protocol == RTPROT_RA };
	struct sv_route *list;

	if (rt->rtm_dst_len || rt->rtm_table != RT_TABLE_MAIN || rt->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*rt), see_route_attr, &r);
	list = grow(s->routes, s->nroutes, sizeof(*list));
	if (!list) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	s->routes = list;
	s->routes[s->nroutes++] = r;
	return MNL_CB_OK;
}

static int see_neigh_attr(const struct nlattr *at, void *ctx)
{
	struct sv_neigh *n = ctx;

	if (mnl_attr_get_type(at) == NDA_DST)
		take_ip(&n->addr, at);
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
	return 0;
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

/* Of the namespace we are in: /proc/sys/net is that of who opens it. */
static void read_switches(struct survey *s)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned v = 0;

	s->forward4 = reads("/proc/sys/net/ipv4/ip_forward", &v) && v;
	s->forward6 = reads("/proc/sys/net/ipv6/conf/all/forwarding", &v) && v;
	s->bridge_filter4 = reads("/proc/sys/net/bridge/bridge-nf-call-iptables", &v) && v;
	s->bridge_filter6 = reads("/proc/sys/net/bridge/bridge-nf-call-ip6tables", &v) && v;
	for (size_t i = 0; i < s->nlinks; i++) {
		_cleanup_free_ char *ra = strf("/proc/sys/net/ipv6/conf/%s/accept_ra", s->links[i].name);
		_cleanup_free_ char *off = strf("/proc/sys/net/ipv6/conf/%s/disable_ipv6", s->links[i].name);
		struct ifreq wireless = { 0 };

		if (ra && reads(ra, &v))
			s->links[i].accept_ra = v;
		s->links[i].no_ip6 = off && reads(off, &v) && v;
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
