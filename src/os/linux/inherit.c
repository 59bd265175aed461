/* inherit.c - what a shared-IP jail sees of a family it inherits: all of the host's interfaces, with their addresses. */
#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "os/linux/nl.h"
#include "os/linux/rtmsg.h"
#include "os/linux/shared.h"
#include "os/linux/view.h"

struct address {
	unsigned link;
	unsigned char scope;
	struct ipaddr addr, peer; /* peer: the same again where there is none, as the kernel has it */
};

struct seen {
	struct link {
		char name[IFNAME_CAP];
		struct op op; /* without its name, which moves when the list grows */
	} * links;
	size_t nlinks;
	struct address *addrs;
	size_t naddrs;
	bool oom;
};

static int take_link(const struct nlmsghdr *h, void *ctx)
{
	struct seen *s = ctx;
	struct link *grown;
	struct link_msg m;

	link_read(h, &m);
	if (m.flags & IFF_LOOPBACK)
		return MNL_CB_OK;
	grown = realloc(s->links, (s->nlinks + 1) * sizeof(*grown));
	if (!grown) {
		s->oom = true;
		return MNL_CB_ERROR;
	}
	s->links = grown;
	grown += s->nlinks++;
	*grown = (struct link){ .op = { .kind = OP_VIEW_ADD,
		                        .where = AT_JAIL,
		                        .index = m.index,
		                        .flags = m.flags,
		                        .mtu = m.mtu,
		                        .mac = m.mac } };
	(void)snprintf(grown->name, sizeof(grown->name), "%s", m.name);
	return MNL_CB_OK;
}

static int take_addr(const struct nlmsghdr *h, void *ctx)
{
	struct seen *s = ctx;
	struct address *grown = realloc(s->addrs, (s->naddrs + 1) * sizeof(*grown));
	struct addr_msg m;

	if (!grown) {
		s->oom = true;
		return MNL_CB_ERROR;
	}
	s->addrs = grown;
	grown += s->naddrs++;
	addr_read(h, &m);
	*grown = (struct address){ m.link, m.scope, m.addr, m.peer.family ? m.peer : m.addr };
	return MNL_CB_OK;
}

static int look(struct nl *host, bool v4, bool v6, struct seen *s)
{
	struct ifaddrmsg *ifa;
	int r;

	nl_put(host, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	r = nl_ask(host, take_link, s);
	for (int i = 0; r == 0 && i < 2; i++) {
		if (!(i ? v6 : v4))
			continue;
		ifa = nl_put(host, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
		if (ifa)
			ifa->ifa_family = i ? AF_INET6 : AF_INET;
		r = nl_ask(host, take_addr, s);
	}
	return s->oom ? -ENOMEM : r;
}

/* The header of a request about it, and what it is. NULL: the buffer is full. */
static struct ifaddrmsg *put_head(struct nl *n, uint16_t type, uint16_t flags, const struct address *x, unsigned link)
{
	struct ifaddrmsg *ifa = nl_put(n, type, flags, sizeof(*ifa));
	size_t len = x->addr.family == 6 ? 16 : 4;

	if (!ifa)
		return NULL;
	ifa->ifa_family = x->addr.family == 6 ? AF_INET6 : AF_INET;
	ifa->ifa_prefixlen = x->addr.prefix;
	ifa->ifa_index = link;
	nl_attr(n, IFA_LOCAL, x->addr.b, len);
	nl_attr(n, IFA_ADDRESS, x->peer.b, len);
	return ifa;
}

/* No route comes with it: a jail is shown none. */
static void put_addr(struct nl *n, const struct address *x, unsigned link)
{
	struct ifaddrmsg *ifa = put_head(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, x, link);

	if (!ifa)
		return;
	ifa->ifa_scope = x->scope;
	nl_attr_u32(n, IFA_FLAGS, IFA_F_NOPREFIXROUTE | (x->addr.family == 6 ? IFA_F_NODAD : 0U));
}

static bool same_addr(const struct address *a, const struct address *b)
{
	return view_host_index(a->link) == view_host_index(b->link) && a->addr.prefix == b->addr.prefix &&
	       ipaddr_same_host(&a->addr, &b->addr) && ipaddr_same_host(&a->peer, &b->peer);
}

static bool is_in(const struct seen *s, const struct address *x)
{
	for (size_t i = 0; i < s->naddrs; i++)
		if (same_addr(&s->addrs[i], x))
			return true;
	return false;
}

/* What the view has and the host has not any more. */
static int remove_others(struct nl *view, const struct seen *host, const struct seen *now)
{
	unsigned failed;
	char text[256];
	int r = 0;

	for (size_t i = 0; i < now->naddrs; i++) {
		const struct address *x = &now->addrs[i];

		if (is_in(host, x))
			continue;
		if (!put_head(view, RTM_DELADDR, 0, x, x->link))
			return -ENOMEM;
		r = nl_flush(view, &failed, text, sizeof(text));
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

/* The number in the view of the host's link of this number. */
static unsigned view_index(struct nl *view, const struct seen *host, unsigned link)
{
	for (size_t i = 0; i < host->nlinks; i++)
		if (host->links[i].op.index == link) {
			unsigned at = nl_index(view, host->links[i].name);

			return at ? at : link;
		}
	return link;
}

/* now: what the view has already, NULL: nothing */
static int show(struct nl *view, int nsfd, struct seen *s, const struct seen *now, struct err *e)
{
	unsigned failed;
	char text[256];

	for (size_t i = 0; i < s->nlinks; i++) {
		s->links[i].op.link = s->links[i].name;
		if (nl_index(view, s->links[i].name))
			continue; /* it carries an address of the other family */
		/* an interface that cannot be shown is not missed by a jail that can use it all the same */
		if (view_add(nsfd, &s->links[i].op, NULL) < 0)
			continue;
	}
	for (size_t i = 0; i < s->naddrs; i++) {
		if (now && is_in(now, &s->addrs[i]))
			continue;
		put_addr(view, &s->addrs[i], view_index(view, s, s->addrs[i].link));
		if (nl_flush(view, &failed, text, sizeof(text)) == -ENOMEM)
			return err_oom(e);
	}
	return 0;
}

int view_inherit(struct nl *host, int nsfd, bool v4, bool v6, struct err *e)
{
	struct nl view = NL_INIT;
	struct seen s = { 0 };
	int r = look(host, v4, v6, &s);

	if (r < 0)
		r = err_set(e, -r, "ask for the host's interfaces: %s", strerror(-r));
	if (r == 0)
		r = nl_open(&view, nsfd, e);
	if (r == 0)
		r = show(&view, nsfd, &s, NULL, e);
	nl_close(&view);
	free(s.links);
	free(s.addrs);
	return r;
}

int view_inherit_again(struct nl *host, struct nl *view, int nsfd, bool v4, bool v6, struct err *e)
{
	struct seen s = { 0 }, now = { 0 };
	int r = look(host, v4, v6, &s);

	if (r == 0)
		r = look(view, v4, v6, &now);
	if (r == 0)
		r = remove_others(view, &s, &now);
	if (r < 0)
		r = err_set(e, -r, "ask for the host's interfaces: %s", strerror(-r));
	else
		r = show(view, nsfd, &s, &now, e);
	free(s.links);
	free(s.addrs);
	free(now.links);
	free(now.addrs);
	return r;
}

size_t host_addrs(bool v4, uint8_t (*ret)[16], size_t cap)
{
	struct nl host = NL_INIT;
	struct err ignored = ERR_INIT;
	struct seen s = { 0 };
	size_t n = 0;

	if (nl_open(&host, -1, &ignored) == 0 && look(&host, v4, !v4, &s) == 0)
		for (; n < s.naddrs && n < cap; n++) {
			memset(ret[n], 0, 16);
			if (v4)
				ret[n][10] = ret[n][11] = 0xff;
			memcpy(ret[n] + (v4 ? 12 : 0), s.addrs[n].addr.b, v4 ? 4 : 16);
		}
	nl_close(&host);
	free(s.links);
	free(s.addrs);
	return n;
}
