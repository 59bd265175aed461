/* view.c - the interfaces a shared-IP jail sees: devices that look like the host's and lead nowhere. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/linux/shared.h"
#include "os/linux/view.h"

/* What a view link can be made of, in the order tried. Each needs its driver in the kernel. */
static const char *const kinds[] = { "dummy", "ifb", "veth" };

#define OPER_DORMANT 5 /* IF_OPER_DORMANT */
#define OPER_UP      6 /* IF_OPER_UP */

/* The kind that worked last: what the kernel lacks is asked for once. */
static size_t kind;

/* One RTM_NEWLINK that makes the link down, so that what follows can change it. */
static void put_link(struct nl *n, const struct op *op, const char *what)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi));
	struct nlattr *info, *data, *peer;

	if (!ifi)
		return;
	ifi->ifi_index = (int)op->index;
	nl_attr_str(n, IFLA_IFNAME, op->link);
	if (op->mac.set)
		nl_attr(n, IFLA_ADDRESS, op->mac.b, sizeof(op->mac.b));
	if (op->mtu)
		nl_attr_u32(n, IFLA_MTU, op->mtu);
	info = nl_nest(n, IFLA_LINKINFO);
	nl_attr_str(n, IFLA_INFO_KIND, what);
	if (strcmp(what, "veth") == 0) {
		data = nl_nest(n, IFLA_INFO_DATA);
		peer = nl_nest(n, VETH_INFO_PEER);
		(void)nl_extra(n, sizeof(struct ifinfomsg));
		nl_nest_end(n, peer);
		nl_nest_end(n, data);
	}
	nl_nest_end(n, info);
}

/* No link-local address and no solicitations: only what the jail was given appears. Has to be said before it is up. */
static void put_quiet(struct nl *n, const struct op *op)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));
	struct nlattr *spec, *inet6;

	if (!ifi)
		return;
	ifi->ifi_index = (int)op->index;
	spec = nl_nest(n, IFLA_AF_SPEC);
	inet6 = nl_nest(n, AF_INET6);
	nl_attr_u8(n, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nl_nest_end(n, inet6);
	nl_nest_end(n, spec);
}

bool view_kind(const char *what)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i], what) == 0)
			return true;
	return false;
}

/* ifb has neither ARP nor groups by itself */
void view_put_flags(struct nl *n, unsigned index, unsigned flags)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));

	if (!ifi)
		return;
	ifi->ifi_index = (int)index;
	ifi->ifi_flags = flags & VIEW_FLAGS;
	ifi->ifi_change = VIEW_FLAGS;
	if (flags & IFF_RUNNING)
		nl_attr_u8(n, IFLA_OPERSTATE, OPER_UP);
}

static void put_attr(struct nl *n, unsigned index, uint16_t type, uint8_t value)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_NEWLINK, 0, sizeof(*ifi));

	if (!ifi)
		return;
	ifi->ifi_index = (int)index;
	nl_attr_u8(n, type, value);
}

/* Only dummy has a carrier to be taken away. The others are made dormant: they do not run, either. */
void view_put_state(struct nl *n, unsigned index, unsigned flags)
{
	put_attr(n, index, IFLA_OPERSTATE, flags & IFF_RUNNING ? OPER_UP : OPER_DORMANT);
	put_attr(n, index, IFLA_CARRIER, flags & IFF_LOWER_UP ? 1 : 0);
}

/* With the first kind that the kernel has. As nl_flush() says. */
static int make_link(struct nl *n, const struct op *op, unsigned *failed, char *text, size_t cap)
{
	int r = -EOPNOTSUPP;

	for (; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		put_link(n, op, kinds[kind]);
		put_quiet(n, op);
		view_put_flags(n, op->index, op->flags);
		r = nl_flush(n, failed, text, cap);
		if (r != -EOPNOTSUPP || *failed != 0)
			break;
	}
	return r;
}

/* Its number is taken: *op gets another. What the batch has done to the tunnel that has it is undone. */
static int make_moved(struct nl *n, struct op *op, unsigned *failed, char *text, size_t cap)
{
	view_put_flags(n, op->index, 0);
	(void)!nl_flush(n, failed, text, cap);
	op->index += VIEW_MOVED;
	return make_link(n, op, failed, text, cap);
}

int view_add(int nsfd, const struct op *given, struct err *e)
{
	struct op copy = *given, *op = &copy;
	char text[256] = "";
	struct nl n = NL_INIT;
	unsigned failed;
	int r = nl_open(&n, nsfd, e);

	if (r < 0)
		return r;
	r = make_link(&n, op, &failed, text, sizeof(text));
	if (r == -EEXIST && failed == 0 && op->index && op->index < VIEW_MOVED)
		r = make_moved(&n, op, &failed, text, sizeof(text));
	/* no IPv6 on this host, or not with such an MTU: then there is nothing to be quiet about */
	if (r == -EAFNOSUPPORT && failed == 1)
		r = 0;
	if (r == 0 && (op->flags & IFF_UP) && !(op->flags & IFF_RUNNING)) {
		view_put_state(&n, op->index, op->flags);
		(void)!nl_flush(&n, &failed, text, sizeof(text)); /* as far as this kind of link goes */
	}
	nl_close(&n);
	if (kind == sizeof(kinds) / sizeof(kinds[0])) {
		kind = 0;
		return err_set(e, EOPNOTSUPP, "the kernel has no driver for %s inside a jail (dummy, ifb or veth)",
		               op->link);
	}
	if (r < 0)
		return err_set(e, -r, "show interface %s inside the jail: %s%s%s", op->link, strerror(-r),
		               text[0] ? ": " : "", text);
	return 0;
}

/*
 * lo comes up with 127.0.0.1 and ::1, which a shared-IP jail has not: IPv6 is off on it while it comes up, and IPv4's
 * address goes again.
 */
int view_lo(int nsfd, struct err *e)
{
	static const uint8_t lo4[4] = { 127, 0, 0, 1 }, lo6[16] = { [15] = 1 };
	struct nl n = NL_INIT;
	struct ifinfomsg *ifi;
	struct ifaddrmsg *ifa;
	char text[256] = "";
	unsigned failed;
	int r = nl_open(&n, nsfd, e);

	if (r < 0)
		return r;
	ifi = nl_put(&n, RTM_NEWLINK, 0, sizeof(*ifi));
	if (ifi) {
		ifi->ifi_index = 1;
		ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	}
	ifa = nl_put(&n, RTM_DELADDR, 0, sizeof(*ifa));
	if (ifa) {
		*ifa = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_index = 1 };
		nl_attr(&n, IFA_LOCAL, lo4, sizeof(lo4));
	}
	ifa = nl_put(&n, RTM_DELADDR, 0, sizeof(*ifa));
	if (ifa) {
		*ifa = (struct ifaddrmsg){ .ifa_family = AF_INET6, .ifa_prefixlen = 128, .ifa_index = 1 };
		nl_attr(&n, IFA_LOCAL, lo6, sizeof(lo6));
	}
	r = nl_flush(&n, &failed, text, sizeof(text));
	nl_close(&n);
	/* the addresses may never have come: a kernel without IPv6, or one told to leave lo alone */
	if (r < 0 && failed > 0 && (r == -EADDRNOTAVAIL || r == -EOPNOTSUPP || r == -EAFNOSUPPORT))
		return 0;
	return r < 0 ? err_set(e, -r, "bring up lo inside the jail: %s %s", strerror(-r), text) : 0;
}
