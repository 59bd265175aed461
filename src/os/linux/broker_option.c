/* broker_option.c - socket options that name an interface: set for a jail's programs if it is one that the jail sees. */
#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "bpf/hold_options.h"
#include "os/linux/broker.h"
#include "os/linux/view.h"

#define GROUPS_FILE_MAX (4 << 20) /* bytes of /proc/net/igmp and igmp6 */
#define COMPAT_GROUP_AT 4 /* where the group is in a 32-bit program's struct group_req */

/* One option, its value as a 64-bit program would give it. */
struct option {
	int level, name;
	socklen_t len;
	union {
		int index;
		uint32_t be_index; /* in network order */
		struct in_addr in;
		struct ip_mreqn mreqn; /* begins as struct ip_mreq */
		struct ip_mreq_source source;
		struct ipv6_mreq mreq6;
		struct group_req group;
		struct group_source_req group_source;
		char name[IFNAMSIZ];
	} v;
};

static bool is_listed(int level, int name)
{
#define X(l, n)                          \
	if (level == (l) && name == (n)) \
		return true;
	HOLD_OPTIONS(X)
#undef X
	return false;
}

static bool is_group_req(const struct option *o)
{
	return o->level != SOL_SOCKET && (o->name == MCAST_JOIN_GROUP || o->name == MCAST_JOIN_SOURCE_GROUP);
}

/* The value, from the caller's memory. 0 or -errno. */
static int read_value(const struct request *r, struct option *o)
{
	uint32_t len = (uint32_t)r->arg[4];
	uint8_t *p = (uint8_t *)&o->v;
	size_t gap = offsetof(struct group_req, gr_group) - COMPAT_GROUP_AT;

	memset(&o->v, 0, sizeof(o->v));
	if (len > INT32_MAX)
		return -EINVAL;
	if (o->level == SOL_SOCKET && o->name == SO_BINDTODEVICE && len >= IFNAMSIZ)
		len = IFNAMSIZ - 1; /* as the kernel does */
	if (len > sizeof(o->v))
		len = sizeof(o->v); /* what is longer than any of them means nothing to the kernel */
	o->len = len;
	if (len && broker_read(r, r->arg[3], p, len) < 0)
		return -EFAULT;
	if (!r->compat || !is_group_req(o) || gap == 0)
		return 0;
	if (len < COMPAT_GROUP_AT || len > sizeof(o->v) - gap)
		return -EINVAL;
	memmove(p + COMPAT_GROUP_AT + gap, p + COMPAT_GROUP_AT, len - COMPAT_GROUP_AT);
	memset(p + COMPAT_GROUP_AT, 0, gap);
	o->len = (socklen_t)(len + gap);
	return 0;
}

/*
 * *index becomes the host's, if the jail sees an interface of that number which is one of the host's: a view has others, too, tunnels that
 * the kernel puts into each namespace. 0 names none, and is always fine.
 */
static int map_index(const struct broker *b, uint32_t *index)
{
	struct ifreq ifr = { .ifr_ifindex = (int)*index };
	uint32_t host = view_host_index(*index);

	if (!*index)
		return 0;
	if (ioctl(b->view_sock, SIOCGIFNAME, &ifr) < 0 || ioctl(b->test_sock, SIOCGIFINDEX, &ifr) < 0 ||
	    (uint32_t)ifr.ifr_ifindex != host)
		return -ENODEV;
	*index = host;
	return 0;
}

static int check_name(const struct broker *b, const char name[IFNAMSIZ])
{
	struct ifreq ifr;
	uint32_t index;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	if (!*name)
		return 0;
	index = ioctl(b->view_sock, SIOCGIFINDEX, &ifr) < 0 ? 0 : (uint32_t)ifr.ifr_ifindex;
	return index ? map_index(b, &index) : -ENODEV;
}

/* The interface of the jail's first IPv4 address, in the numbers of the view. 0: none. */
static uint32_t primary_index4(const struct broker *b)
{
	_cleanup_free_ struct ifreq *all = calloc(1, IFCONF_MAX);
	struct ifconf c = { .ifc_len = IFCONF_MAX, .ifc_req = all };

	if (!all || !b->h.n4 || ioctl(b->view_sock, SIOCGIFCONF, &c) < 0)
		return 0;
	for (size_t i = 0; i < (size_t)c.ifc_len / sizeof(*all); i++) {
		struct sockaddr_in a;

		memcpy(&a, &all[i].ifr_addr, sizeof(a));
		if (memcmp(&a.sin_addr, b->h.a4[0], 4) == 0)
			return ioctl(b->view_sock, SIOCGIFINDEX, &all[i]) < 0 ? 0 : (uint32_t)all[i].ifr_ifindex;
	}
	return 0;
}

/* The same for IPv6, from a file of the caller's, who is in the view. */
static uint32_t primary_index6(struct broker *b, const struct request *r)
{
	_cleanup_free_ char *text = NULL;
	char path[48], want[33];
	const char *line;
	size_t n;

	(void)snprintf(path, sizeof(path), "%d/net/if_inet6", (int)r->pid);
	if (!b->h.n6 || !broker_in_view(b, r) || fs_read(b->proc, path, GROUPS_FILE_MAX, &text, &n, NULL) < 0)
		return 0;
	for (int i = 0; i < 16; i++)
		(void)snprintf(want + 2 * (ptrdiff_t)i, 3, "%02x", b->h.a6[0][i]);
	line = strstr(text, want);
	return line ? (uint32_t)strtoul(line + 32, NULL, 16) : 0;
}

/* An interface named by one of its addresses: the jail's, or none. */
static int check_address(const struct broker *b, const struct in_addr *a)
{
	if (a->s_addr == htonl(INADDR_ANY) || b->h.ip4 == IP_INHERIT)
		return 0;
	for (uint32_t i = 0; i < b->h.n4; i++)
		if (memcmp(a, b->h.a4[i], sizeof(*a)) == 0)
			return 0;
	return -ENODEV;
}

/* IPv4, by address or number. Named by neither, it is the jail's first: the kernel would ask the host's routes. */
static int check_mreqn(const struct broker *b, struct option *o)
{
	uint32_t index;
	int r;

	if (o->len < sizeof(struct ip_mreq))
		return o->name == IP_MULTICAST_IF && o->len >= sizeof(o->v.in) ? check_address(b, &o->v.in) : -EINVAL;
	index = o->len >= sizeof(o->v.mreqn) ? (uint32_t)o->v.mreqn.imr_ifindex : 0;
	r = map_index(b, &index);
	if (index)
		o->v.mreqn.imr_ifindex = (int)index;
	if (r == 0)
		r = check_address(b, &o->v.mreqn.imr_address);
	if (r == 0 && o->name == IP_ADD_MEMBERSHIP && !o->v.mreqn.imr_address.s_addr && b->h.ip4 != IP_INHERIT &&
	    b->h.n4 && !(o->len >= sizeof(o->v.mreqn) && o->v.mreqn.imr_ifindex))
		memcpy(&o->v.mreqn.imr_address, b->h.a4[0], sizeof(struct in_addr));
	return r;
}

static int check_source(const struct broker *b, struct option *o)
{
	int r = o->len < sizeof(o->v.source) ? -EINVAL : check_address(b, &o->v.source.imr_interface);

	if (r == 0 && !o->v.source.imr_interface.s_addr && b->h.ip4 != IP_INHERIT && b->h.n4)
		memcpy(&o->v.source.imr_interface, b->h.a4[0], sizeof(struct in_addr));
	return r;
}

static int check_group(struct broker *b, const struct request *r, struct option *o)
{
	bool v4 = o->level == IPPROTO_IP;

	if (o->len < sizeof(o->v.group))
		return -EINVAL;
	if (!o->v.group.gr_interface && (v4 ? b->h.ip4 : b->h.ip6) != IP_INHERIT)
		o->v.group.gr_interface = v4 ? primary_index4(b) : primary_index6(b, r);
	return map_index(b, &o->v.group.gr_interface);
}

static int check_mreq6(struct broker *b, const struct request *r, struct option *o)
{
	uint32_t index;
	int e;

	if (o->len < sizeof(o->v.mreq6))
		return -EINVAL;
	if (!o->v.mreq6.ipv6mr_interface && b->h.ip6 != IP_INHERIT)
		o->v.mreq6.ipv6mr_interface = primary_index6(b, r);
	index = o->v.mreq6.ipv6mr_interface;
	e = map_index(b, &index);
	o->v.mreq6.ipv6mr_interface = index;
	return e;
}

/* An option that is a number and nothing else. */
static int map_value(const struct broker *b, struct option *o, bool network_order)
{
	uint32_t index = network_order ? ntohl(o->v.be_index) : (uint32_t)o->v.index;
	int r = map_index(b, &index);

	if (network_order)
		o->v.be_index = htonl(index);
	else
		o->v.index = (int)index;
	return r;
}

/* May a jail's socket name this interface. Completes what names none. 0 or -errno. */
static int check(struct broker *b, const struct request *r, struct option *o)
{
	if (o->level == SOL_SOCKET && o->name == SO_BINDTODEVICE)
		return check_name(b, o->v.name);
	if (o->len < sizeof(o->v.index))
		return -EINVAL;
	if (o->level == SOL_SOCKET || (o->level == IPPROTO_IPV6 && o->name == IPV6_MULTICAST_IF))
		return map_value(b, o, false);
	if (o->name == (o->level == IPPROTO_IP ? IP_UNICAST_IF : IPV6_UNICAST_IF))
		return map_value(b, o, true);
	if (is_group_req(o))
		return check_group(b, r, o);
	if (o->level == IPPROTO_IPV6)
		return o->name == IPV6_JOIN_GROUP ? check_mreq6(b, r, o) : -EPERM;
	return o->name == IP_ADD_SOURCE_MEMBERSHIP ? check_source(b, o) : check_mreqn(b, o);
}

/* Which group is joined, and on what. False: it is none of those options. */
static bool joined(const struct option *o, struct broker_group *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (o->level == SOL_SOCKET)
		return false;
	if (is_group_req(o)) {
		ret->index = o->v.group.gr_interface;
		if (o->v.group.gr_group.ss_family == AF_INET6)
			memcpy(ret->addr, &((const struct sockaddr_in6 *)&o->v.group.gr_group)->sin6_addr, 16);
		else
			hold_mapped((const uint8_t *)&((const struct sockaddr_in *)&o->v.group.gr_group)->sin_addr,
			            ret->addr);
		return true;
	}
	if (o->level == IPPROTO_IPV6 && o->name == IPV6_JOIN_GROUP) {
		memcpy(ret->addr, &o->v.mreq6.ipv6mr_multiaddr, 16);
		ret->index = o->v.mreq6.ipv6mr_interface;
		return true;
	}
	if (o->level != IPPROTO_IP || (o->name != IP_ADD_MEMBERSHIP && o->name != IP_ADD_SOURCE_MEMBERSHIP))
		return false;
	hold_mapped((const uint8_t *)&o->v.mreqn.imr_multiaddr, ret->addr); /* first in both structures */
	ret->index = o->name == IP_ADD_MEMBERSHIP && o->len >= sizeof(o->v.mreqn) ? (uint32_t)o->v.mreqn.imr_ifindex
	                                                                          : 0;
	return true;
}

/* Groups that nobody on this host is in any more: what is left of them by a jail's sockets that were closed. */
static void forget_left(struct broker *b)
{
	_cleanup_free_ char *igmp = NULL, *igmp6 = NULL;
	size_t n, kept = 0;
	char hex[33];

	if (fs_read(b->proc, "self/net/igmp", GROUPS_FILE_MAX, &igmp, &n, NULL) < 0 ||
	    (b->h.n6 && fs_read(b->proc, "self/net/igmp6", GROUPS_FILE_MAX, &igmp6, &n, NULL) < 0))
		return;
	for (size_t i = 0; i < b->ngroups; i++) {
		const uint8_t *a = b->groups[i].addr;
		bool v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)a);

		if (v4)
			(void)snprintf(hex, sizeof(hex), "%02X%02X%02X%02X", a[15], a[14], a[13], a[12]);
		for (int k = 0; !v4 && k < 16; k++)
			(void)snprintf(hex + 2 * (ptrdiff_t)k, 3, "%02x", a[k]);
		if (strstr(v4 ? igmp : igmp6 ? igmp6 : "", hex))
			b->groups[kept++] = b->groups[i];
	}
	b->ngroups = kept;
}

/* Every group costs the host memory, a filter of its network card, and messages on the wire. */
static int count(struct broker *b, const struct broker_group *g)
{
	for (size_t i = 0; i < b->ngroups; i++)
		if (memcmp(&b->groups[i], g, sizeof(*g)) == 0)
			return 0;
	if (b->ngroups == BROKER_GROUPS)
		forget_left(b);
	if (b->ngroups == BROKER_GROUPS)
		return -ENOBUFS;
	b->groups[b->ngroups++] = *g;
	return 0;
}

/*
 * What is not listed comes here only by socketcall(2), and is left to the kernel: should its arguments have become a listed
 * option by then, hold_option refuses it.
 */
enum answer broker_option(struct broker *b, const struct request *r, int64_t *ret)
{
	struct option o = { .level = (int)(uint32_t)r->arg[1], .name = (int)(uint32_t)r->arg[2] };
	_cleanup_close_ int sock = -1;
	struct broker_group g;

	if (!is_listed(o.level, o.name))
		return ANSWER_CONTINUE;
	sock = broker_fetch_any(b, r, (int)(uint32_t)r->arg[0]);
	*ret = sock == -ENOTTY ? -ENOTSOCK : sock;
	if (sock < 0)
		return ANSWER_VALUE;
	*ret = read_value(r, &o);
	/* a socket in a namespace that the jail has made names what is there */
	if (*ret == 0 && hold_netns_cookie(sock) == b->host_cookie) {
		*ret = check(b, r, &o);
		if (*ret == 0 && joined(&o, &g))
			*ret = count(b, &g);
	}
	if (*ret == 0 && setsockopt(sock, o.level, o.name, &o.v, o.len) < 0)
		*ret = -errno;
	return ANSWER_VALUE;
}
