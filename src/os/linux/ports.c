/* ports.c - what the host's end of a pair has besides being there: a second name, and whom its bridge lets it talk to. */
#include <linux/if_link.h>
#include <net/if.h>

#include "os/linux/links.h"

void links_put_port(struct nl *n, uint32_t flags)
{
	struct nlattr *info = nl_nest(n, IFLA_LINKINFO), *data;

	nl_attr_str(n, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(n, IFLA_INFO_SLAVE_DATA);
	if (flags & OP_VETH_ISOLATED)
		nl_attr_u8(n, IFLA_BRPORT_ISOLATED, 1);
	/* a bridge that runs a spanning tree reads these before the packet filter does */
	if (flags & OP_VETH_NOBPDU)
		nl_attr_u8(n, IFLA_BRPORT_GUARD, 1);
	nl_nest_end(n, data);
	nl_nest_end(n, info);
}

void links_put_altname(struct nl *n, const struct op *op)
{
	struct nlattr *list;

	nl_put(n, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, sizeof(struct ifinfomsg));
	nl_attr_str(n, IFLA_IFNAME, op->link);
	list = nl_nest(n, IFLA_PROP_LIST);
	nl_attr_str(n, IFLA_ALT_IFNAME, op->text);
	nl_nest_end(n, list);
}
