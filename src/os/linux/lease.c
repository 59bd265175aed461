/* lease.c - a jail's DHCP client started and ended; waiting for addresses that are learned; asking which those are. */
#include "os/linux/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/jail.h"
#include "os/linux/links.h"
#include "os/linux/rlimits.h"
#include "os/linux/rtmsg.h"

#define END_MS 3000 /* for the leases to be given back; then it is killed with the jail */

/* --- the client --- */

/*
 * In the new process. Only its network is the jail's yet: the program finds itself and its libraries on the host, and then gives
 * all of that up (lease_view.c). Process numbers and control group stay the host's, so that nothing inside can see or touch it.
 */
static void become_keeper(const struct os *os, const char *path, char *const *argv, const int *fds)
{
	static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int high[LEASE_FD_END], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	rlimits_of_ours();
	setsid();
	if (setns(os->netns, CLONE_NEWNET) < 0)
		_exit(126);
	for (int i = LEASE_FD_START; i < LEASE_FD_END; i++)
		high[i] = fcntl(fds[i - LEASE_FD_START], F_DUPFD_CLOEXEC, 100);
	for (int i = LEASE_FD_START; i < LEASE_FD_END; i++)
		if (high[i] < 0 || dup2(high[i], i) < 0)
			_exit(126);
	if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || close_range(LEASE_FD_END, ~0U, 0) < 0 ||
	    chdir("/") < 0)
		_exit(126);
	execve(path, argv, env);
	_exit(127);
}

static int keeper_argv(const struct op *op, struct strv *argv, struct err *e)
{
	char gw[IPADDR_TEXT] = "";
	int r = strv_add(argv, "iocage-lease");

	if (op->flags & OP_LEASE_NOROUTE)
		(void)snprintf(gw, sizeof(gw), "none");
	else if (op->gw.family)
		ipaddr_format_host(&op->gw, gw);
	if (r == 0)
		r = strv_add(argv, "keep");
	if (r == 0)
		r = strv_add(argv, op->host ? op->host : "");
	if (r == 0)
		r = strv_add(argv, gw);
	if (r == 0)
		r = strv_split(argv, op->text ? op->text : "", " ");
	return r < 0 ? err_oom(e) : 0;
}

int lease_start(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_close_ int group = cgroup_open(os->j->cgroup, "mon", e), ctl = -1, hook = -1, theirs = -1, pidfd = -1;
	_cleanup_(strv_done) struct strv argv = { 0 };
	_cleanup_free_ char *path = strf("%s/iocage-lease", os_libexec()), *prog = strf("%s-hook", path ? path : "");
	int pair[2], r;
	pid_t pid;

	if (group < 0)
		return group;
	if (!path || !prog)
		return err_oom(e);
	if (access(LEASE_BUSYBOX, X_OK) < 0)
		return err_sys(e, "DHCP needs udhcpc of %s (Debian: busybox-static)", LEASE_BUSYBOX);
	if (access(path, X_OK) < 0)
		return err_sys(e, "run the DHCP client %s", path);
	hook = open(prog, O_PATH | O_CLOEXEC);
	if (hook < 0)
		return err_sys(e, "open the DHCP client's hook %s", prog);
	r = keeper_argv(op, &argv, e);
	if (r == 0)
		r = ctl = jail_sock_listen(os->j, LEASE_SOCK, e);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "make a socket pair");
	os->lease = pair[0];
	theirs = pair[1];
	pid = jail_fork_into_cgroup(group, &pidfd);
	if (pid == 0)
		become_keeper(os, path, argv.v, (int[]){ theirs, ctl, os->pidfd, os->userns, hook });
	return pid < 0 ? err_sys(e, "start the DHCP client") : 0;
}

/* Nobody there: it was killed, and its leases end by themselves. */
static void say(struct os *os, char what)
{
	struct err why = ERR_INIT;
	_cleanup_close_ int s = jail_sock_reach(os->j, LEASE_SOCK, &why);
	struct pollfd p = { .fd = s, .events = POLLIN };

	if (s >= 0 && send(s, &what, 1, MSG_NOSIGNAL) == 1)
		(void)poll(&p, 1, END_MS);
}

int lease_end(struct os *os, struct err *e)
{
	(void)e;
	say(os, LEASE_END);
	return 0;
}

int lease_ask(struct os *os, struct err *e)
{
	(void)e;
	say(os, LEASE_ASK);
	return 0;
}

/* --- addresses that were learned --- */

struct learned {
	unsigned index;
	int family; /* 4 or 6 */
	struct ipaddr *ret;
};

/* The first that is usable, stays, and was not put there by the start. */
static int see_addr(const struct nlmsghdr *h, void *ctx)
{
	struct learned *l = ctx;
	struct addr_msg m;

	addr_read(h, &m);
	if (m.link != l->index || m.addr.family != l->family || m.scope != RT_SCOPE_UNIVERSE || l->ret->family)
		return MNL_CB_OK;
	if (m.proto == MARK_ADDR_PROTO || m.flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED) ||
	    (m.flags & IFA_F_TENTATIVE && !(m.flags & IFA_F_OPTIMISTIC)) ||
	    (l->family == 6 && m.flags & IFA_F_TEMPORARY))
		return MNL_CB_OK;
	*l->ret = m.addr;
	return MNL_CB_OK;
}

/* 0 with family 0: none. */
static int find_learned(struct nl *n, const char *link, int family, struct ipaddr *ret)
{
	struct learned l = { .family = family, .ret = ret };
	struct ifaddrmsg *ifa;

	*ret = (struct ipaddr){ 0 };
	l.index = nl_index(n, link);
	if (!l.index)
		return 0;
	ifa = nl_put(n, RTM_GETADDR, NLM_F_DUMP, sizeof(*ifa));
	if (ifa) {
		ifa->ifa_family = family == 6 ? AF_INET6 : AF_INET;
		ifa->ifa_index = l.index;
	}
	return nl_ask(n, see_addr, &l);
}

int os_learned(pid_t pid, const char *link, int family, struct ipaddr *ret, struct err *e)
{
	_cleanup_free_ char *path = strf("/proc/%d/ns/net", (int)pid);
	_cleanup_close_ int ns = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct nl n = NL_INIT;
	int r;

	*ret = (struct ipaddr){ 0 };
	if (ns < 0)
		return err_sys(e, "open the jail's network namespace");
	r = nl_open(&n, ns, e);
	if (r == 0) {
		r = find_learned(&n, link, family, ret);
		if (r < 0)
			err_set(e, -r, "list the addresses of %s: %s", link, strerror(-r));
	}
	nl_close(&n);
	return r;
}

/* --- the wait --- */

struct wait {
	struct nl n;
	int events; /* hears of addresses that come */
	struct strv what; /* IFACE/FAMILY */
};

static int open_wait(struct os *os, const struct op *op, struct wait *w, struct err *e)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (strv_split(&w->what, op->text ? op->text : "", " ") < 0)
		return err_oom(e);
	if (home < 0 || setns(os->netns, CLONE_NEWNET) < 0)
		return err_sys(e, "enter the jail's network namespace");
	w->events = nl_socket(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	if (netns_return(home) < 0)
		return err_sys(e, "return to the host's network namespace");
	if (w->events < 0)
		return err_set(e, -w->events, "open a netlink socket: %s", strerror(-w->events));
	return nl_open(&w->n, os->netns, e);
}

/* The first that has no address yet; NULL: all have. */
static const char *missing(struct wait *w)
{
	for (size_t i = 0; i < w->what.n; i++) {
		char link[IFNAME_CAP] = "";
		const char *s = w->what.v[i];
		size_t n = strcspn(s, "/");
		struct ipaddr a;

		if (n >= sizeof(link))
			continue;
		memcpy(link, s, n);
		if (find_learned(&w->n, link, s[n] && s[n + 1] == '6' ? 6 : 4, &a) < 0 || !a.family)
			return s;
	}
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is still missing at the end, NULL: nothing. */
static const char *await(struct os *os, struct wait *w, unsigned seconds)
{
	int64_t until = now_ms() + (int64_t)seconds * 1000;
	const char *what;
	char buf[8192];

	while ((what = missing(w)) != NULL) {
		struct pollfd p[2] = { { .fd = w->events, .events = POLLIN }, { .fd = os->lease } };
		int64_t left = until - now_ms();

		if (left <= 0 || poll(p, 2, (int)left) == 0)
			return missing(w);
		while (recv(w->events, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		/* the client has ended: that will not become better, but routers may still be heard */
		if (p[1].revents & (POLLHUP | POLLERR))
			closep(&os->lease);
	}
	return NULL;
}

/* From now on the client may write resolv.conf; back when it is there. */
static int hand_root(struct os *os, const struct op *op, struct err *e)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int root = -1;
	struct timeval limit = { .tv_sec = 2 };
	char c;
	int r = 0, sent;

	if (os->lease < 0)
		return 0;
	if (op->flags & OP_LEASE_RESOLV) {
		r = jail_await(os, e);
		path = r == 0 ? strf("/proc/%d/root", (int)os->j->pid) : NULL;
		root = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (r == 0 && root < 0)
			r = err_sys(e, "open the jail's root");
	}
	(void)setsockopt(os->lease, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	sent = r == 0 ? sync_send(os->lease, "r", 1, &root, root >= 0 ? 1 : 0) : 0;
	if (r == 0 && sent == 0)
		(void)!recv(os->lease, &c, 1, 0);
	/* one that has ended has said so in the log; one that never hears of us ends as soon as we do */
	else if (sent != -EPIPE && sent != -ECONNRESET && r == 0)
		r = err_set(e, -sent, "talk to the jail's DHCP client: %s", strerror(-sent));
	closep(&os->lease);
	return r;
}

int lease_wait(struct os *os, const struct op *op, struct err *e)
{
	struct wait w = { .n = NL_INIT, .events = -1 };
	const char *what = NULL;
	int r = op->timeout || op->flags & OP_LEASE_REQUIRED ? open_wait(os, op, &w, e) : 0;

	if (r == 0 && w.events >= 0)
		what = await(os, &w, op->timeout);
	if (r == 0 && what && op->flags & OP_LEASE_REQUIRED)
		r = err_set(e, ETIMEDOUT,
		            "no address %s on %.*s within dhcp_timeout (%u seconds), and dhcp_required is on",
		            what[strcspn(what, "/") + 1] == '6' ? "by router advertisements" : "by DHCP",
		            (int)strcspn(what, "/"), what, op->timeout);
	if (r == 0)
		r = hand_root(os, op, e);
	nl_close(&w.n);
	closep(&w.events);
	strv_done(&w.what);
	return r;
}
