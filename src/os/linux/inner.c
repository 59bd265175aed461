/* inner.c - the interfaces of a VNET jail that runs, whatever its root calls them by now. */
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "core/jail.h"
#include "os/linux/links_impl.h"
#include "os/linux/rtmsg.h"

struct end {
	unsigned index, peer;
	char name[IFNAME_CAP];
};

static int see_end(const struct nlmsghdr *h, void *ctx)
{
	struct end *x = ctx;
	struct link_msg m;

	link_read(h, &m);
	*x = (struct end){ .index = m.index, .peer = m.abroad ? m.parent : 0 };
	(void)!str_copy(x->name, sizeof(x->name), m.name);
	return MNL_CB_OK;
}

/* name NULL: by index */
static int ask_end(struct nl *n, const char *name, unsigned index, struct end *ret)
{
	struct ifinfomsg *ifi = nl_put(n, RTM_GETLINK, 0, sizeof(*ifi));

	*ret = (struct end){ 0 };
	if (name)
		nl_attr_str(n, IFLA_IFNAME, name);
	else if (ifi)
		ifi->ifi_index = (int)index;
	return nl_ask(n, see_end, ret);
}

/* epair0b -> vnet0: how the configuration calls what a start called so inside. */
static int nic_of(const char *inside, char out[static IFNAME_CAP])
{
	const char *at = strstr(inside, "epair");
	size_t len = strlen(inside);
	int n;

	if (at && inside[len - 1] == 'b')
		n = snprintf(out, IFNAME_CAP, "%.*svnet%.*s", (int)(at - inside), inside,
		             (int)(len - (size_t)(at - inside) - 6), at + 5);
	else
		n = snprintf(out, IFNAME_CAP, "%s", inside);
	return n < IFNAME_CAP ? 0 : -ENAMETOOLONG;
}

unsigned inner_index(struct nl *host, struct nl *in, unsigned jid, const char *inside, char now[static IFNAME_CAP])
{
	char nic[IFNAME_CAP], outside[IFNAME_CAP];
	struct end ours, theirs;

	if (nic_of(inside, nic) < 0 || jnic_outside_name(nic, jid, outside) < 0)
		return 0;
	if (ask_end(host, outside, 0, &ours) < 0 || !ours.peer)
		return 0;
	/* an interface of that number may be another one: the pair is one that each names */
	if (ask_end(in, NULL, ours.peer, &theirs) < 0 || theirs.peer != ours.index)
		return 0;
	memcpy(now, theirs.name, IFNAME_CAP);
	return theirs.index;
}
