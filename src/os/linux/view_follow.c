/* view_follow.c - keeps the links of a view as the host's are: name, MTU, MAC, flags, carrier, and whether they exist. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/links.h"
#include "os/linux/shared.h"
#include "os/linux/view.h"

#define LINKS_MAX 64 /* further links of a view stay as they were made */
#define LOOPBACK  1 /* its index, in each network namespace */
#define TEMPORARY "iocview%u" /* name while another link still has the right one; one is enough for each index */
#define ADDRS_MAX 16384 /* bytes of the addresses of one link */

struct follow {
	int view; /* the namespace */
	bool v4, v6; /* inherited: everything of the host is shown */
	bool all; /* something is awaited: every event counts */
	bool lasting; /* its IPv6 addresses outlive a link that is down */
	int events; /* of the host. All such sockets of a machine are walked for every message: one in each monitor, no more */
	struct nl host, in;
	struct link_fact link[LINKS_MAX]; /* of the view */
	size_t n;
};

/* --- what there is --- */

static int info_attr(const struct nlattr *a, void *ctx)
{
	if (mnl_attr_get_type(a) == IFLA_INFO_KIND)
		*(bool *)ctx = view_kind(mnl_attr_get_str(a));
	return MNL_CB_OK;
}

static int kind_attr(const struct nlattr *a, void *ctx)
{
	if (mnl_attr_get_type(a) == IFLA_LINKINFO)
		mnl_attr_parse_nested(a, info_attr, ctx);
	return MNL_CB_OK;
}

/* Not lo, and not the tunnels that the kernel puts into each namespace. */
static int see_view_link(const struct nlmsghdr *h, void *ctx)
{
	struct follow *f = ctx;
	bool ours = false;

	mnl_attr_parse(h, sizeof(struct ifinfomsg), kind_attr, &ours);
	if (ours && f->n < LINKS_MAX)
		link_take(h, &f->link[f->n++]);
	return MNL_CB_OK;
}

/* The host's link of a link of the view, with the index that it has there. 0, -ENODEV when the host has none any more, or another error. */
static int host_link(struct follow *f, unsigned index, struct link_fact *ret)
{
	struct ifinfomsg *ifi = nl_put(&f->host, RTM_GETLINK, 0, sizeof(*ifi));

	int r;

	*ret = (struct link_fact){ 0 };
	if (ifi)
		ifi->ifi_index = (int)view_host_index(index);
	r = nl_ask(&f->host, link_take, ret);
	ret->index = index;
	return r;
}

/*
 * Hear only of the links of the view, and of addresses that go from them or from the loopback: whatever else happens on a busy
 * host, and router advertisements that renew an address, wake nobody. struct ifaddrmsg has its index where struct ifinfomsg has
 * it. The words of a classic filter are read as big-endian ones, so the numbers are compared in that form.
 */
static int filter_links(struct follow *f)
{
	struct sock_filter code[LINKS_MAX + 6];
	struct sock_fprog prog = { .filter = code };
	const uint32_t at = NLMSG_HDRLEN + offsetof(struct ifinfomsg, ifi_index);
	unsigned short n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWADDR), (uint8_t)(f->n + 2), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(LOOPBACK), (uint8_t)(f->n + 1), 0);
	for (size_t i = 0; i < f->n; i++, n++)
		code[n] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, htonl(view_host_index(f->link[i].index)), (uint8_t)(f->n - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffffffffU);
	prog.len = n;
	return setsockopt(f->events, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}

static int hear_of(struct follow *f)
{
	const int unused = 0; /* an option without a value is refused: socket(7) */

	if (!f->v4 && !f->v6 && !f->all)
		return filter_links(f);
	/* new ones are to be shown, too, or looked at */
	return setsockopt(f->events, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)) < 0 && errno != ENOENT
	               ? -errno
	               : 0;
}

void follow_hear(struct follow *f, bool all)
{
	if (f->all == all)
		return;
	f->all = all;
	(void)!hear_of(f);
}

/* --- changing the view --- */

static int flush(struct nl *n)
{
	char text[128];
	unsigned failed;

	return nl_flush(n, &failed, text, sizeof(text));
}

struct kept {
	char buf[ADDRS_MAX];
	size_t len;
	unsigned index;
};

static int keep_addr(const struct nlmsghdr *h, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(h);
	struct kept *k = ctx;
	size_t len = MNL_ALIGN(h->nlmsg_len);

	if (ifa->ifa_index == k->index && ifa->ifa_scope != RT_SCOPE_LINK && len <= sizeof(k->buf) - k->len) {
		memcpy(k->buf + k->len, h, h->nlmsg_len);
		k->len += len;
	}
	return MNL_CB_OK;
}

/* The label would be the old name, the times are for ever. */
static int put_addr_attr(const struct nlattr *a, void *ctx)
{
	struct nl *n = ctx;
	int type = mnl_attr_get_type(a);

	if (type == IFA_FLAGS)
		nl_attr_u32(n, IFA_FLAGS, mnl_attr_get_u32(a) & (IFA_F_NODAD | IFA_F_NOPREFIXROUTE));
	else if (type != IFA_LABEL && type != IFA_CACHEINFO)
		nl_attr(n, (uint16_t)type, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

static void put_addrs(struct nl *n, struct kept *k)
{
	int left = (int)k->len;

	for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)k->buf; mnl_nlmsg_ok(h, left);
	     h = mnl_nlmsg_next(h, &left)) {
		struct ifaddrmsg *ifa = nl_put(n, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*ifa));

		if (!ifa)
			return;
		*ifa = *(const struct ifaddrmsg *)mnl_nlmsg_get_payload(h);
		ifa->ifa_flags = 0;
		mnl_attr_parse(h, sizeof(*ifa), put_addr_attr, n);
	}
}

static int remove_link(struct follow *f, unsigned index)
{
	struct ifinfomsg *ifi = nl_put(&f->in, RTM_DELLINK, 0, sizeof(*ifi));

	if (ifi)
		ifi->ifi_index = (int)index;
	return flush(&f->in);
}

/* What cannot be changed (ifb's MAC; a name, while it is up, before Linux 6.2) is made anew, with the same addresses. */
static int make_anew(struct follow *f, const struct link_fact *want, const char *name)
{
	struct kept k = { .len = 0, .index = want->index };
	struct op op = {
		.kind = OP_VIEW_ADD, .index = want->index, .mtu = want->mtu, .mac = want->mac, .flags = want->flags
	};
	struct ifaddrmsg *ifa = nl_put(&f->in, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	struct err ignored = ERR_INIT;
	int r = nl_ask(&f->in, keep_addr, &k);

	op.link = name;
	if (r == 0)
		r = remove_link(f, want->index);
	if (r == 0)
		r = view_add(f->view, &op, &ignored);
	if (r < 0)
		return r;
	put_addrs(&f->in, &k);
	return flush(&f->in);
}

/* Name and MAC; -EEXIST: another link has the name, this one has a temporary one. */
static int change_name(struct follow *f, struct link_fact *now, const struct link_fact *want)
{
	struct ifinfomsg *ifi = nl_put(&f->in, RTM_NEWLINK, 0, sizeof(*ifi));
	char temporary[IFNAME_CAP];
	bool taken = false;
	int r;

	for (size_t i = 0; i < f->n; i++)
		taken = taken || (f->link[i].index != now->index && streq(f->link[i].name, want->name));
	(void)snprintf(temporary, sizeof(temporary), TEMPORARY, now->index);
	if (ifi)
		ifi->ifi_index = (int)now->index;
	nl_attr_str(&f->in, IFLA_IFNAME, taken ? temporary : want->name);
	if (want->mac.set)
		nl_attr(&f->in, IFLA_ADDRESS, want->mac.b, sizeof(want->mac.b));
	r = flush(&f->in);
	if (r == -EBUSY || r == -EOPNOTSUPP)
		r = make_anew(f, want, taken ? temporary : want->name);
	if (r == 0)
		(void)!str_copy(now->name, sizeof(now->name), taken ? temporary : want->name);
	return r < 0 ? r : taken ? -EEXIST : 0;
}

/*
 * Sysctls of the view: the jail's IPv6 addresses outlive a link that is down, and nothing ever makes one by itself. Not
 * before the first change that asks for it: each start would look through the entries of all jails in /proc/sys/net.
 */
static void make_lasting(struct follow *f)
{
	_cleanup_close_ int home = f->lasting ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || setns(f->view, CLONE_NEWNET) < 0)
		return;
	/* without IPv6 they are not there, and not needed */
	if (fs_poke(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/keep_addr_on_down", "1") == 0)
		(void)!fs_poke(AT_FDCWD, "/proc/sys/net/ipv6/conf/default/addr_gen_mode", "1");
	f->lasting = netns_return(home) == 0;
}

/* The rest, what differs of it. */
static void change_rest(struct follow *f, const struct link_fact *want)
{
	struct link_fact now;
	struct ifinfomsg *ifi = nl_put(&f->in, RTM_GETLINK, 0, sizeof(*ifi));

	if (ifi)
		ifi->ifi_index = (int)want->index;
	if (nl_ask(&f->in, link_take, &now) < 0)
		return;
	if (now.mtu != want->mtu || (now.flags & ~want->flags & IFF_UP))
		make_lasting(f);
	if (now.mtu != want->mtu) {
		ifi = nl_put(&f->in, RTM_NEWLINK, 0, sizeof(*ifi));
		if (ifi)
			ifi->ifi_index = (int)want->index;
		nl_attr_u32(&f->in, IFLA_MTU, want->mtu);
	}
	if ((now.flags ^ want->flags) & VIEW_FLAGS)
		view_put_flags(&f->in, want->index, want->flags);
	if ((want->flags & IFF_UP) && ((now.flags ^ want->flags) & (IFF_RUNNING | IFF_LOWER_UP)))
		view_put_state(&f->in, want->index, want->flags);
	/* each by itself: a kind of link that has no carrier to change is no reason to leave the rest */
	(void)!flush(&f->in);
}

static bool same_name(const struct link_fact *a, const struct link_fact *b)
{
	return streq(a->name, b->name) &&
	       (!b->mac.set || (a->mac.set && memcmp(a->mac.b, b->mac.b, sizeof(a->mac.b)) == 0));
}

/* One link. false: its name is taken by a link that comes later. */
static bool follow_link(struct follow *f, struct link_fact *now)
{
	struct link_fact want;
	int r = host_link(f, now->index, &want);

	if (r == -ENODEV) {
		(void)!remove_link(f, now->index);
		now->name[0] = '\0';
		return true;
	}
	if (r < 0)
		return true;
	r = same_name(now, &want) ? 0 : change_name(f, now, &want);
	change_rest(f, &want);
	return r != -EEXIST;
}

/* From what is, not from what the messages say: so none of them matters, and none may be lost. */
static void follow_all(struct follow *f)
{
	struct err ignored = ERR_INIT;
	bool done = false;

	if ((f->v4 || f->v6) && view_inherit_again(&f->host, &f->in, f->view, f->v4, f->v6, &ignored) < 0)
		return; /* at the next change */
	f->n = 0;
	nl_put(&f->in, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	if (nl_ask(&f->in, see_view_link, f) < 0 || hear_of(f) < 0)
		return;
	/* two that change names need a second round */
	for (int round = 0; round < 3 && !done; round++) {
		done = true;
		for (size_t i = 0; i < f->n; i++)
			if (f->link[i].name[0] && !follow_link(f, &f->link[i]))
				done = false;
	}
}

/* --- its life --- */

/* A socket that hears of links and of addresses. */
static int hear(struct follow *f, struct err *e)
{
	const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR };

	f->events = nl_socket(0);
	if (f->events < 0)
		return err_set(e, -f->events, "open a netlink socket: %s", strerror(-f->events));
	for (int i = 0; i < 3; i++)
		if (setsockopt(f->events, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(int)) < 0)
			return err_sys(e, "hear of changes of interfaces");
	return 0;
}

int follow_open(int nsfd, bool v4, bool v6, struct follow **ret, struct err *e)
{
	struct follow *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return err_oom(e);
	f->view = nsfd;
	f->v4 = v4;
	f->v6 = v6;
	f->events = -1;
	f->host = f->in = (struct nl)NL_INIT;
	r = hear(f, e);
	if (r == 0)
		r = nl_open(&f->host, -1, e);
	if (r == 0)
		r = nl_open(&f->in, nsfd, e);
	if (r < 0) {
		follow_close(f);
		return err_wrap(e, "follow the host's interfaces");
	}
	follow_all(f);
	*ret = f;
	return 0;
}

int follow_fd(const struct follow *f)
{
	return f->events;
}

/* Empty the queue; that some of it was lost (ENOBUFS) does not matter. */
static void drain(int fd)
{
	char buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}

void follow_serve(struct follow *f)
{
	drain(f->events);
	follow_all(f);
}

void follow_close(struct follow *f)
{
	if (!f)
		return;
	closep(&f->events);
	nl_close(&f->host);
	nl_close(&f->in);
	free(f);
}
