/* op_describe.c - an operation in words, for error messages. */
#include <stdio.h>

#include "core/op.h"

static const char *or_none(const char *s)
{
	return s ? s : "?";
}

static void describe_set(const struct op *op, char *buf, size_t cap)
{
	const char *link = or_none(op->link);
	char mac[18];

	if (op->mac.set)
		snprintf(buf, cap, "give %s the MAC address %s", link, mac_format(&op->mac, mac));
	else if (op->mtu)
		snprintf(buf, cap, "set the MTU of %s to %u", link, op->mtu);
	else if (op->flags)
		snprintf(buf, cap, "bring %s %s", link, op->flags & OP_LINK_DOWN ? "down" : "up");
	else
		snprintf(buf, cap, "mark %s as '%.100s'", link, or_none(op->alias));
}

static void describe_route(const struct op *op, char *buf, size_t cap)
{
	char dst[IPADDR_TEXT] = "default", gw[IPADDR_TEXT];

	if (op->dst.family && op->dst.prefix)
		ipaddr_format(&op->dst, dst);
	snprintf(buf, cap, "%s %s%s%s on %s", op->kind == OP_ROUTE_UNSET ? "remove route" : "route", dst,
	         op->gw.family ? " through " : "", ipaddr_format_host(&op->gw, gw), or_none(op->link));
}

static void describe_link(const struct op *op, char *buf, size_t cap)
{
	const char *link = or_none(op->link);
	char a[IPADDR_TEXT];

	switch (op->kind) {
	case OP_BRIDGE_ADD:
		snprintf(buf, cap, "add bridge %s", link);
		break;
	case OP_BRIDGE_SET:
		snprintf(buf, cap, "turn the spanning tree of %s %s", link, op->flags & OP_BRIDGE_STP ? "on" : "off");
		break;
	case OP_DEV_ADD:
		snprintf(buf, cap, "add %s %s", or_none(op->fstype), link);
		break;
	case OP_BRIDGE_DEL:
		snprintf(buf, cap, "remove bridge %s", link);
		break;
	case OP_VETH_ADD:
		if (op->bridge)
			snprintf(buf, cap, "add epair %s (%s in the jail) on %s", link, or_none(op->peer), op->bridge);
		else
			snprintf(buf, cap, "add epair %s (%s in the jail)", link, or_none(op->peer));
		break;
	case OP_VLAN_SET:
		snprintf(buf, cap, "VLANs %s of %s", or_none(op->text), link);
		break;
	case OP_LINK_DEL:
		snprintf(buf, cap, "remove interface %s", link);
		break;
	case OP_LINK_UP:
		snprintf(buf, cap, "bring up %s", link);
		break;
	case OP_ADDR_ADD:
		snprintf(buf, cap, "alias %s on %s", ipaddr_format(&op->addr, a), link);
		break;
	case OP_ADDR_DEL:
		snprintf(buf, cap, "remove alias %s from %s", ipaddr_format(&op->addr, a), link);
		break;
	case OP_ROUTE_ADD:
		snprintf(buf, cap, "default route through %s on %s", ipaddr_format_host(&op->gw, a), link);
		break;
	case OP_ROUTE_DEL:
		snprintf(buf, cap, "remove default route through %s on %s", ipaddr_format_host(&op->gw, a), link);
		break;
	case OP_PROBE:
		snprintf(buf, cap, "ask for %s on %s", ipaddr_format_host(&op->addr, a), link);
		break;
	case OP_PROBE_END:
		snprintf(buf, cap, "see whether anybody has the jail's addresses");
		break;
	case OP_LINK_MTU:
		snprintf(buf, cap, "set MTU %u on %s", op->mtu, link);
		break;
	case OP_VIEW_DEL:
		snprintf(buf, cap, "hide interface %s", link);
		break;
	case OP_LINK_SET:
		describe_set(op, buf, cap);
		break;
	case OP_VLAN_ADD:
		snprintf(buf, cap, "add VLAN %s (%u on %s)", link, op->id, or_none(op->parent));
		break;
	case OP_PORT_ADD:
		snprintf(buf, cap, "put %s into %s", link, or_none(op->bridge));
		break;
	case OP_PORT_DEL:
		snprintf(buf, cap, "take %s out of %s", link, or_none(op->bridge));
		break;
	case OP_ADDR_DROP:
		snprintf(buf, cap, "remove %s from %s", ipaddr_format(&op->addr, a), link);
		break;
	case OP_ROUTE_SET:
	case OP_ROUTE_UNSET:
		describe_route(op, buf, cap);
		break;
	case OP_UPLINK_ADD:
		snprintf(buf, cap, "join %s to %s, with its addresses and routes", link, or_none(op->bridge));
		break;
	case OP_UPLINK_DEL:
		snprintf(buf, cap, "take %s out of %s, with its addresses and routes", link, or_none(op->bridge));
		break;
	case OP_LINK_IN:
		snprintf(buf, cap, "hand %s to the jail", link);
		break;
	case OP_LINK_OUT:
		snprintf(buf, cap, "take %s home from the jail", link);
		break;
	case OP_REACH:
		snprintf(buf, cap, "reach %s on %s", ipaddr_format_host(&op->gw, a), link);
		break;
	case OP_SYSCTL:
		snprintf(buf, cap, "set %s to %.40s", or_none(op->name), or_none(op->text));
		break;
	case OP_SPOOF:
		snprintf(buf, cap, "hold %s to its own addresses", link);
		break;
	case OP_SPOOF_DEL:
		snprintf(buf, cap, "remove the antispoof rules of %s", link);
		break;
	case OP_NAT:
		snprintf(buf, cap, "add the NAT rules of %s", or_none(op->name));
		break;
	case OP_NAT_DEL:
		snprintf(buf, cap, "remove the NAT rules of %s", or_none(op->name));
		break;
	case OP_FORWARD:
		snprintf(buf, cap, "forward packets that come in by %s", link);
		break;
	case OP_FORWARD_DEL:
		snprintf(buf, cap, "end the forwarding of %s", link);
		break;
	case OP_VIEW_ADD:
		snprintf(buf, cap, "show interface %s", link);
		break;
	default:
		snprintf(buf, cap, "%s", op_kind_name(op->kind));
	}
}

static void describe_jail(const struct op *op, char *buf, size_t cap)
{
	const char *name = or_none(op->name);
	char a[IPADDR_TEXT];

	switch (op->kind) {
	case OP_HOOK:
		snprintf(buf, cap, "run %s '%.200s'", name, or_none(op->text));
		break;
	case OP_CGROUP_ADD:
		snprintf(buf, cap, "add control group of %s", name);
		break;
	case OP_CGROUP_DEL:
		snprintf(buf, cap, "remove control group of %s", name);
		break;
	case OP_LIMIT:
		snprintf(buf, cap, "limit jail %s", name);
		break;
	case OP_ROOT:
		snprintf(buf, cap, "root file system %s", op->path ? op->path : or_none(op->source));
		break;
	case OP_MOUNT:
		snprintf(buf, cap, "mount %s on %s", or_none(op->source), or_none(op->path));
		break;
	case OP_JAIL_ADD:
		snprintf(buf, cap, "create jail %s", name);
		break;
	case OP_JAIL_DEL:
		snprintf(buf, cap, "remove jail %s", name);
		break;
	case OP_NETNS_PIN:
		snprintf(buf, cap, "name the network namespace of %s", name);
		break;
	case OP_NETNS_UNPIN:
		snprintf(buf, cap, "let go of the network namespace of %s", name);
		break;
	case OP_CONN_END:
		snprintf(buf, cap, "end connections of %s on %s", name, ipaddr_format_host(&op->addr, a));
		break;
	case OP_HOLD:
	case OP_HOLD_SET:
		snprintf(buf, cap, "hold sockets of %s to its addresses", name);
		break;
	case OP_LEASE:
		snprintf(buf, cap, "ask for addresses by DHCP on %s", or_none(op->text));
		break;
	case OP_LEASE_END:
		snprintf(buf, cap, "give back the DHCP leases of %s", name);
		break;
	case OP_LEASE_WAIT:
		snprintf(buf, cap, "wait for addresses on %s", or_none(op->text));
		break;
	case OP_HOSTS:
		snprintf(buf, cap, "write /etc/hosts in the jail");
		break;
	case OP_RESOLV:
		snprintf(buf, cap, "write /etc/resolv.conf in the jail");
		break;
	case OP_FILE:
		snprintf(buf, cap, "%s %s in the jail", op->opts ? "copy the host's" : "write", or_none(op->path));
		break;
	case OP_JAIL_CONFINE:
		snprintf(buf, cap, "confine jail %s", name);
		break;
	case OP_JAIL_RUN:
		snprintf(buf, cap, "run '%.200s' in the jail", op->path ? op->path : or_none(op->text));
		break;
	case OP_JAIL_EXEC:
		snprintf(buf, cap, "run '%.200s' in the jail", or_none(op->text));
		break;
	default:
		describe_link(op, buf, cap);
	}
	if (op->where == AT_JAIL && op->link) {
		size_t n = 0;

		while (n < cap && buf[n])
			n++;
		snprintf(buf + n, cap - n, " in the jail");
	}
}

void op_describe(const struct op *op, char *buf, size_t cap)
{
	if (cap)
		describe_jail(op, buf, cap);
}
