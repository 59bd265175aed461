/* sockets.c - which IP sockets jails have: those their processes hold, asked one by one, and those nobody holds. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "os/linux/cgroup.h"
#include "os/linux/hold.h"
#include "os/linux/sock_diag.h"
#include "os/os.h"

#define SO_TCP_INFO   11 /* TCP_INFO; netinet/tcp.h and the kernel's header do not go together */
#define PROTO_MPTCP   262
#define STATES_NO_TW  (~(1U << SOCK_TIME_WAIT | 1U << SOCK_NEW_SYN_RECV)) /* what no group is told of */
#define STATES_LISTEN (1U << SOCK_LISTEN | 1U << SOCK_CLOSED) /* closed: a datagram socket without a peer */

/* A descriptor of a jail's process that is a socket. */
struct have {
	uint64_t inode;
	pid_t pid;
	int fd, owner;
};

struct work {
	const struct os_jail *jails;
	size_t njails;
	uint64_t *group; /* of each jail, where its sockets are made */
	struct have *have;
	size_t nhave, caphave;
	struct os_sockets *out;
	size_t capout;
	int only; /* the jail whose own stack is listed; -1: it is the host's */
	bool failed; /* out of memory */
};

static void *grown(void *v, size_t n, size_t *cap, size_t each)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *p;

	if (n < *cap)
		return v;
	p = reallocarray(v, more, each);
	if (p)
		*cap = more;
	return p;
}

/* --- who has which --- */

static void see_fd(struct work *w, int owner, pid_t pid, int dir, const char *name)
{
	char target[48];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);
	struct have *p;

	if (n < 9 || memcmp(target, "socket:[", 8) != 0)
		return;
	target[n] = '\0';
	p = grown(w->have, w->nhave, &w->caphave, sizeof(*p));
	if (!p) {
		w->failed = true;
		return;
	}
	w->have = p;
	p[w->nhave++] = (struct have){ strtoull(target + 8, NULL, 10), pid, (int)strtol(name, NULL, 10), owner };
}

static void see_process(struct work *w, int owner, pid_t pid)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *de;
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (fs_opendir(AT_FDCWD, path, &d) < 0)
		return; /* it may be gone: then it has none */
	while (fs_readdir(d, &de) > 0)
		see_fd(w, owner, pid, dirfd(d), de->d_name);
}

struct seen_by {
	struct work *w;
	int owner;
};

static void see_one(void *ctx, pid_t pid)
{
	struct seen_by *s = ctx;

	see_process(s->w, s->owner, pid);
}

static int by_inode(const void *a, const void *b)
{
	const struct have *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* --- what it is --- */

static const char *state_name(unsigned state)
{
	static const char *const names[] = {
		[SOCK_ESTABLISHED] = "ESTABLISHED", [SOCK_SYN_SENT] = "SYN_SENT",     [SOCK_SYN_RECV] = "SYN_RECV",
		[SOCK_FIN_WAIT1] = "FIN_WAIT_1",    [SOCK_FIN_WAIT2] = "FIN_WAIT_2",  [SOCK_TIME_WAIT] = "TIME_WAIT",
		[SOCK_CLOSED] = "CLOSED",           [SOCK_CLOSE_WAIT] = "CLOSE_WAIT", [SOCK_LAST_ACK] = "LAST_ACK",
		[SOCK_LISTEN] = "LISTEN",           [SOCK_CLOSING] = "CLOSING",
	};

	return state < sizeof(names) / sizeof(*names) && names[state] ? names[state] : "-";
}

static bool is_tcp(int proto)
{
	return proto == IPPROTO_TCP || proto == PROTO_MPTCP;
}

static const char *proto_name(int type, int proto)
{
	if (type == SOCK_RAW)
		return "raw";
	if (is_tcp(proto))
		return "tcp";
	switch (proto) {
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return "icmp";
	case IPPROTO_SCTP:
		return "sctp";
	default:
		return "ip";
	}
}

/* len 4 or 16; what a v6 socket calls ::ffff:a.b.c.d is a.b.c.d */
static struct ipaddr address(const uint8_t *b, size_t len)
{
	struct ipaddr a = { .family = 6 };

	if (len == 16 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)b)) {
		b += 12;
		len = 4;
	}
	if (len == 4)
		a.family = 4;
	memcpy(a.b, b, len);
	return a;
}

static bool is_wild(const struct ipaddr *a)
{
	static const uint8_t zero[16] = { 0 };

	return memcmp(a->b, zero, sizeof(zero)) == 0;
}

/* proto[], state and listens, from the rest. */
static void describe(struct os_socket *s, int family, bool v6only, int type, int proto, unsigned state)
{
	bool both = family == AF_INET6 && !v6only && !s->peer.family && is_wild(&s->local) && type != SOCK_RAW;

	(void)snprintf(s->proto, sizeof(s->proto), "%s%s", proto_name(type, proto),
	               both                   ? "46"
	               : s->local.family == 4 ? "4"
	                                      : "6");
	if (is_tcp(proto)) {
		s->state = state_name(state);
		s->listens = state == SOCK_LISTEN;
	} else {
		s->state = s->peer.family ? "ESTABLISHED" : "-";
		s->listens = !s->peer.family && s->lport != 0;
	}
}

/* A socket's address and port; *ret_port 0 when it has none. */
static struct ipaddr name_of(const struct sockaddr_in6 *sa, uint16_t *ret_port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;

	if (sa->sin6_family == AF_INET) {
		*ret_port = ntohs(in->sin_port);
		return address((const uint8_t *)&in->sin_addr, 4);
	}
	*ret_port = ntohs(sa->sin6_port);
	return address(sa->sin6_addr.s6_addr, 16);
}

static int option(int sock, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(sock, level, name, &v, &len) < 0 ? -1 : v;
}

/* false: it is no IP socket */
static bool ask(int sock, uint64_t host_cookie, struct os_socket *s)
{
	int family = option(sock, SOL_SOCKET, SO_DOMAIN), type = option(sock, SOL_SOCKET, SO_TYPE);
	int proto = option(sock, SOL_SOCKET, SO_PROTOCOL);
	bool v6only = family == AF_INET6 && option(sock, IPPROTO_IPV6, IPV6_V6ONLY) > 0;
	struct sockaddr_in6 sa = { .sin6_family = AF_UNSPEC };
	socklen_t len = sizeof(sa);
	uint8_t state[256] = { 0 }; /* struct tcp_info begins with it */

	if (family != AF_INET && family != AF_INET6)
		return false;
	if (getsockname(sock, (struct sockaddr *)&sa, &len) < 0)
		return false;
	s->local = name_of(&sa, &s->lport);
	len = sizeof(sa);
	if (getpeername(sock, (struct sockaddr *)&sa, &len) == 0)
		s->peer = name_of(&sa, &s->pport);
	len = sizeof(state);
	if (is_tcp(proto) && getsockopt(sock, IPPROTO_TCP, SO_TCP_INFO, state, &len) < 0)
		state[0] = 0;
	s->shared = hold_netns_cookie(sock) == host_cookie;
	describe(s, family, v6only, type, proto, state[0]);
	return true;
}

static void command_of(pid_t pid, char *buf, size_t cap)
{
	_cleanup_free_ char *text = NULL;
	char path[40];
	size_t len = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	if (fs_read(AT_FDCWD, path, 4096, &text, &len, NULL) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	for (char *p = text; *p; p++) /* the jail chose it */
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	(void)snprintf(buf, cap, "%s", text);
}

/* --- putting it together --- */

static struct os_socket *new_socket(struct work *w)
{
	struct os_socket *p = grown(w->out->v, w->out->n, &w->capout, sizeof(*p));

	if (!p) {
		w->failed = true;
		return NULL;
	}
	w->out->v = p;
	p += w->out->n++;
	*p = (struct os_socket){ .state = "-" };
	return p;
}

static bool fetch(const struct have *h, uint64_t host_cookie, struct os_socket *s)
{
	_cleanup_close_ int pidfd = pidfd_open(h->pid, 0), sock = -1;
	struct stat st;

	sock = pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, pidfd, h->fd, 0);
	/* the number may mean another file by now */
	return sock >= 0 && fstat(sock, &st) == 0 && st.st_ino == h->inode && ask(sock, host_cookie, s);
}

/* One socket that n descriptors mean. */
static void add_held(struct work *w, const struct have *h, size_t n, uint64_t host_cookie)
{
	struct os_socket s = { .owner = h->owner }, *p;
	pid_t *pids;

	for (size_t i = 0; i < n; i++)
		if (fetch(&h[i], host_cookie, &s))
			break;
		else if (i + 1 == n)
			return;
	pids = calloc(n, sizeof(*pids));
	p = pids ? new_socket(w) : NULL;
	if (!p) {
		free(pids);
		w->failed = true;
		return;
	}
	*p = s;
	p->pids = pids;
	for (size_t i = 0; i < n; i++)
		if (!p->npids || pids[p->npids - 1] != h[i].pid)
			pids[p->npids++] = h[i].pid;
	command_of(pids[0], p->command, sizeof(p->command));
}

static void add_all_held(struct work *w)
{
	_cleanup_close_ int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = any >= 0 ? hold_netns_cookie(any) : 0;

	if (w->nhave)
		qsort(w->have, w->nhave, sizeof(*w->have), by_inode);
	for (size_t i = 0, n; i < w->nhave; i += n) {
		for (n = 1; i + n < w->nhave && w->have[i + n].inode == w->have[i].inode; n++)
			;
		add_held(w, &w->have[i], n, cookie);
	}
}

static bool is_held(const struct work *w, uint64_t inode)
{
	size_t lo = 0, hi = w->nhave;

	while (inode && lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (w->have[mid].inode == inode)
			return true;
		if (w->have[mid].inode < inode)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* The port a jail's listener that no process holds (it is on its way in a message) was bound to. */
static uint16_t asked_port(uint64_t jail, int proto, uint16_t real)
{
	_cleanup_(hold_maps_close) struct hold_maps m;
	struct hold_port_key key, next;
	struct err ignored = ERR_INIT;
	struct hold_port p;
	bool have;

	if (hold_maps_open(&m, &ignored) < 0)
		return 0;
	have = hold_map_next(m.hold_ports, NULL, &key) == 0;
	while (have) {
		if (key.jail == jail && key.proto == proto && hold_map_get(m.hold_ports, &key, &p) == 0 &&
		    p.real == real)
			return key.port;
		have = hold_map_next(m.hold_ports, &key, &next) == 0;
		key = next;
	}
	return 0;
}

static int owner_of(const struct work *w, const struct diag_sock *d)
{
	if (w->only >= 0)
		return w->only;
	for (size_t i = 0; i < w->njails; i++)
		if (w->group[i] && w->group[i] == d->cgroup)
			return (int)i;
	return OS_SOCKET_HOST;
}

/* A socket in the kernel's list: of a jail and not held by any process of it, or a listener of the host's. */
static void see_listed(const struct diag_sock *d, void *ctx)
{
	struct work *w = ctx;
	int owner = owner_of(w, d);
	bool unheld = d->state == SOCK_LISTEN || d->proto == IPPROTO_UDP;
	struct os_socket *s;
	size_t len = d->family == AF_INET ? 4 : 16;

	if (is_held(w, d->inode))
		return;
	if (owner == OS_SOCKET_HOST && (!(STATES_LISTEN >> d->state & 1) || cgroup_is_maker(d->cgroup)))
		return;
	s = new_socket(w);
	if (!s)
		return;
	s->owner = owner;
	s->shared = w->only < 0;
	s->local = address(d->local, len);
	s->lport = d->lport;
	if (unheld && s->shared && owner >= 0)
		s->lport = asked_port(d->cgroup, d->proto, d->lport);
	if (d->pport) {
		s->peer = address(d->peer, len);
		s->pport = d->pport;
	}
	describe(s, d->family, d->v6only, d->proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, d->proto, d->state);
	/* nothing to reach: a socket that is not bound yet */
	if (owner == OS_SOCKET_HOST && !s->listens)
		w->out->n--;
}

/* The list of a VNET jail's own stack, all of which is the jail's. */
static int add_own_stack(struct work *w, size_t i, struct err *e)
{
	_cleanup_close_ int ns = -1;
	char path[40];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)w->jails[i].pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0)
		return errno == ENOENT ? 0 : err_sys(e, "open %s", path);
	w->only = (int)i;
	r = diag_list(ns, STATES_NO_TW, see_listed, w, e);
	w->only = -1;
	return r;
}

static int see_jail(struct work *w, size_t i, struct err *e)
{
	const struct os_jail *j = &w->jails[i];
	_cleanup_close_ int dir = cgroup_open_jail(j, NULL, e);
	struct stat st;
	int r;

	if (dir == -ENOENT) /* it has just ended */
		return 0;
	if (dir < 0)
		return dir;
	if (fstatat(dir, "mon", &st, 0) == 0)
		w->group[i] = st.st_ino;
	r = cgroup_each(dir, "jail", see_one, &(struct seen_by){ w, (int)i });
	return r < 0 ? err_set(e, -r, "list the processes of jail %s: %s", j->jail, strerror(-r)) : 0;
}

int os_sockets(const struct os_jail *jails, size_t n, struct os_sockets *ret, struct err *e)
{
	_cleanup_free_ uint64_t *group = calloc(n + 1, sizeof(*group));
	struct work w = { .jails = jails, .njails = n, .group = group, .out = ret, .only = -1 };
	bool shared = false;
	int r = 0;

	*ret = (struct os_sockets){ NULL, 0 };
	if (!group)
		return err_oom(e);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = see_jail(&w, i, e);
		shared = shared || !jails[i].vnet;
	}
	if (r == 0)
		add_all_held(&w);
	for (size_t i = 0; i < n && r == 0; i++)
		if (jails[i].vnet)
			r = add_own_stack(&w, i, e);
	if (r == 0 && shared)
		r = diag_list(-1, STATES_NO_TW, see_listed, &w, e);
	free(w.have);
	if (r == 0 && w.failed)
		r = err_oom(e);
	if (r < 0)
		os_sockets_done(ret);
	return r;
}

void os_sockets_done(struct os_sockets *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].pids);
	free(s->v);
	*s = (struct os_sockets){ NULL, 0 };
}
