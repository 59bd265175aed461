/* links_dev.c - rtnetlink requests that make a dummy, a bond or a tunnel; and a tap, which has a device file of its own. */
#include "os/linux/links_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* after net/if.h, or both define its types */
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/if_tunnel.h>

#include "base/cleanup.h"

#define LINK_CHECK_MS 100 /* how often a bond looks whether its ports have a carrier; 0, the default, is never */

/* lagg(4)'s protocols as modes of Linux (Documentation/networking/bonding.rst). */
static const struct {
	const char *proto;
	uint8_t mode;
} bond_modes[] = {
	{ "roundrobin", 0 }, { "failover", 1 }, { "loadbalance", 2 }, { "broadcast", 3 }, { "lacp", 4 },
};

static int put_bond(struct nl *n, const struct op *op, struct err *e)
{
	for (size_t i = 0; i < sizeof(bond_modes) / sizeof(*bond_modes); i++)
		if (op->opts && streq(bond_modes[i].proto, op->opts)) {
			nl_attr_u8(n, IFLA_BOND_MODE, bond_modes[i].mode);
			nl_attr_u32(n, IFLA_BOND_MIIMON, LINK_CHECK_MS);
			return 0;
		}
	return err_set(e, EINVAL, "%s: no such way to use a bond's ports: %s", op->link, op->opts ? op->opts : "");
}

/* IPv4 and IPv6 inside, as gif(4) carries both: protocol 0 is any. */
static void put_tunnel(struct nl *n, const struct op *op)
{
	nl_attr(n, IFLA_IPTUN_LOCAL, op->addr.b, len_of(&op->addr));
	nl_attr(n, IFLA_IPTUN_REMOTE, op->gw.b, len_of(&op->gw));
	nl_attr_u8(n, IFLA_IPTUN_PROTO, 0);
	nl_attr_u8(n, IFLA_IPTUN_TTL, 64);
}

/* Kept when the descriptor is closed (Documentation/networking/tuntap.rst): whoever opens it next has it. */
static int make_tap(const struct op *op, struct err *e)
{
	_cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0)
		return err_sys(e, "open /dev/net/tun");
	(void)!str_copy(ifr.ifr_name, sizeof(ifr.ifr_name), op->link);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETPERSIST, 1L) < 0)
		return err_sys(e, "make tap %s", op->link);
	return 0;
}

int links_put_dev(struct nl *n, const struct op *op, struct err *e)
{
	bool tunnel = streq(op->fstype, "tunnel"), bond = streq(op->fstype, "bond");
	struct nlattr *info, *data;
	int r = 0;

	if (streq(op->fstype, "tap")) {
		r = make_tap(op, e);
		if (r == 0)
			links_put_alias(n, op);
		return r;
	}
	nl_put(n, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	info = nl_nest(n, IFLA_LINKINFO);
	nl_attr_str(n, IFLA_INFO_KIND, tunnel ? (op->addr.family == 6 ? "ip6tnl" : "sit") : op->fstype);
	if (tunnel || bond) {
		data = nl_nest(n, IFLA_INFO_DATA);
		if (bond)
			r = put_bond(n, op, e);
		else
			put_tunnel(n, op);
		nl_nest_end(n, data);
	}
	nl_nest_end(n, info);
	links_put_alias(n, op);
	return r;
}
