/* broker_bind.c - which address and port a jail's socket really gets, so that jails and host never fight over ports. */
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "os/linux/broker.h"

/*
 * What a bind comes to. The kernel's port is one of its own choice (a hidden one), the jail's port is an entry in the map
 * that packets are steered by: a socket of the host on the same port is in nobody's way, whoever comes first.
 * TCP: until a socket listens it may yet connect, which is done from the real port; so it only gets its name at first.
 * UDP: what it sends is translated back, and what goes to groups is relayed to it (udp_nat.c). Where the kernel cannot relay,
 * a wildcard that may hear groups has the real port while nobody else has.
 */
struct plan {
	struct hold_sock s; /* what the kernel side is told */
	union ip_name name; /* what bind(2) is called with */
	bool wild; /* to be reached by several addresses */
	bool whole; /* the wildcard in the kernel too, for groups (UDP) or both families */
};

static bool flag(int sock, int level, int name)
{
	int v = 0;
	socklen_t len = sizeof(v);

	return getsockopt(sock, level, name, &v, &len) == 0 && v;
}

static bool owned4(const struct hold *h, const uint8_t *a)
{
	for (uint32_t i = 0; i < h->n4; i++)
		if (memcmp(h->a4[i], a, 4) == 0)
			return true;
	return false;
}

static bool owned6(const struct hold *h, const uint8_t *a)
{
	for (uint32_t i = 0; i < h->n6; i++)
		if (memcmp(h->a6[i], a, 16) == 0)
			return true;
	return false;
}

/* FreeBSD's rules for the address. a: 4 bytes, replaced by what it becomes. */
static int plan_addr4(const struct hold *h, uint8_t *a, struct plan *p)
{
	static const uint8_t any[4] = { 0 }, loop[4] = { 127, 0, 0, 1 };

	if (!h->n4)
		return -EAFNOSUPPORT;
	if (memcmp(a, any, 4) == 0) {
		hold_mapped(a, p->s.key.addr);
		p->wild = h->n4 > 1;
		if (!p->wild)
			hold_mapped(h->a4[0], p->s.key.addr);
		memcpy(a, h->a4[0], 4);
		return 0;
	}
	if (!owned4(h, a)) {
		if (memcmp(a, loop, 4) != 0)
			return -EADDRNOTAVAIL;
		memcpy(a, h->a4[0], 4);
	}
	hold_mapped(a, p->s.key.addr);
	return 0;
}

static int plan_addr6(const struct hold *h, int sock, uint8_t *a, struct plan *p)
{
	if (IN6_IS_ADDR_UNSPECIFIED((struct in6_addr *)a)) {
		bool dual = !flag(sock, IPPROTO_IPV6, IPV6_V6ONLY);

		/* without IPv6 addresses the wildcard is there as on such a host: programs listen on both and need one */
		if (dual || !h->n6) {
			p->s.key.kind = dual ? HOLD_DUAL : HOLD_ADDR;
			p->wild = p->whole = true;
			return 0;
		}
		p->wild = h->n6 > 1;
		memcpy(a, h->a6[0], 16);
		if (!p->wild)
			memcpy(p->s.key.addr, a, 16);
		return 0;
	}
	if (!owned6(h, a)) {
		if (!h->n6 || !IN6_IS_ADDR_LOOPBACK((struct in6_addr *)a))
			return -EADDRNOTAVAIL;
		memcpy(a, h->a6[0], 16);
	}
	memcpy(p->s.key.addr, a, 16);
	return 0;
}

static int plan_addr(const struct hold *h, int sock, struct plan *p)
{
	uint8_t *a6 = p->name.in6.sin6_addr.s6_addr;
	int r;

	if (p->name.sa.sa_family == AF_INET)
		r = plan_addr4(h, (uint8_t *)&p->name.in.sin_addr, p);
	else if (IN6_IS_ADDR_V4MAPPED(&p->name.in6.sin6_addr))
		r = plan_addr4(h, a6 + 12, p);
	else
		r = plan_addr6(h, sock, a6, p);
	if (r == 0 && p->wild && !p->whole)
		p->s.flags |= HOLD_S_SHOW_WILD;
	return r;
}

/*
 * May `mine` join what is there: on the very same address, or only overlapping (wildcard and address). FreeBSD's rule, for
 * UDP too: only who comes second is asked about an overlap, only SO_REUSEPORT shares an address, and nobody shares with
 * another user. Programs made for Linux that hear groups share an address by SO_REUSEADDR, once the first has joined one.
 */
static bool may_join(const struct hold_port *there, const struct hold_sock *mine, bool same)
{
	if (there->uid != mine->uid)
		return false;
	if (!same || (there->flags & HOLD_S_TALKS))
		return mine->flags & (HOLD_S_REUSEADDR | HOLD_S_REUSEPORT);
	if (there->flags & mine->flags & HOLD_S_REUSEPORT)
		return true;
	return (there->flags & HOLD_S_GROUPS) && (there->flags & mine->flags & HOLD_S_REUSEADDR);
}

/* 0, or -EADDRINUSE. *ret: the record of the same address and port, when there is one to join. */
static int check(struct broker *b, const struct hold_port_key *key, const struct hold_sock *mine, bool same,
                 struct hold_port *ret)
{
	struct hold_port there;

	if (hold_map_get(b->maps.hold_ports, key, &there) < 0 || (there.count & HOLD_DEAD))
		return 0;
	if (!may_join(&there, mine, same))
		return -EADDRINUSE;
	if (ret)
		*ret = there;
	return 0;
}

/* As check(), for one more address that the wildcard covers or is covered by. */
static int check_addr(struct broker *b, const struct plan *p, const uint8_t addr[16], uint8_t kind)
{
	struct hold_port_key key = p->s.key;

	memcpy(key.addr, addr, 16);
	key.kind = kind;
	if (memcmp(&key, &p->s.key, sizeof(key)) == 0)
		return 0;
	return check(b, &key, &p->s, false, NULL);
}

/* Does the jail itself use the port in a way that excludes this. *ret: record to join, count 0: none. */
static int conflicts(struct broker *b, const struct plan *p, struct hold_port *ret)
{
	static const uint8_t zero[16] = { 0 };
	bool v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p->s.key.addr), dual = p->s.key.kind == HOLD_DUAL;
	uint8_t a[16];
	int r = check(b, &p->s.key, &p->s, true, ret);

	hold_mapped(zero, a);
	if (r == 0 && (v4 || dual))
		r = check_addr(b, p, a, HOLD_ADDR);
	if (r == 0 && (!v4 || dual))
		r = check_addr(b, p, zero, HOLD_ADDR);
	if (r == 0)
		r = check_addr(b, p, zero, HOLD_DUAL);
	for (uint32_t i = 0; r == 0 && p->wild && (v4 || dual) && i < b->h.n4; i++) {
		hold_mapped(b->h.a4[i], a);
		r = check_addr(b, p, a, HOLD_ADDR);
	}
	for (uint32_t i = 0; r == 0 && p->wild && (!v4 || dual) && i < b->h.n6; i++)
		r = check_addr(b, p, b->h.a6[i], HOLD_ADDR);
	return r;
}

static void set_port(union ip_name *n, uint16_t port)
{
	*(n->sa.sa_family == AF_INET ? &n->in.sin_port : &n->in6.sin6_port) = htons(port);
}

static socklen_t name_len(const union ip_name *n)
{
	return n->sa.sa_family == AF_INET ? sizeof(n->in) : sizeof(n->in6);
}

static void set_reuse(int sock, int on)
{
	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* Of the family that it inherits, a socket for both shares the ports with the host. */
static int host_conflicts(const struct broker *b, int sock, int proto, const struct plan *p)
{
	union ip_name n = { .sa = { .sa_family = b->h.ip4 == IP_INHERIT ? AF_INET : AF_INET6 } };
	_cleanup_close_ int probe = -1;
	int on = 1;

	if (p->s.key.kind != HOLD_DUAL || (b->h.ip4 != IP_INHERIT && b->h.ip6 != IP_INHERIT))
		return 0;
	probe = socket(n.sa.sa_family, (proto == IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	if (n.sa.sa_family == AF_INET6)
		(void)setsockopt(probe, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	set_reuse(probe, flag(sock, SOL_SOCKET, SO_REUSEADDR));
	set_port(&n, p->s.key.port);
	return bind(probe, &n.sa, name_len(&n)) < 0 ? -errno : 0;
}

static bool is_wild(const struct hold_port_key *k)
{
	static const uint8_t any6[16] = { 0 }, any4[16] = { [10] = 0xff, [11] = 0xff };

	return k->kind == HOLD_DUAL || memcmp(k->addr, any4, 16) == 0 || memcmp(k->addr, any6, 16) == 0;
}

/* Tell the kernel side what is coming (HOLD_PENDING, HOLD_NAMING), and bind. */
static int bind_told(struct broker *b, int sock, struct plan *p, uint32_t state)
{
	int r, tries = 0;

	do { /* EAGAIN: the last socket of this port is in the middle of being closed */
		p->s.state = state;
		r = hold_map_put(b->maps.hold_socks, &sock, &p->s, BPF_ANY);
		if (r < 0)
			return r;
		r = bind(sock, &p->name.sa, name_len(&p->name)) < 0 ? -errno : 0;
	} while (r == -EAGAIN && ++tries < 100 && sched_yield() == 0);
	if (r < 0 && state == HOLD_PENDING)
		(void)hold_map_del(b->maps.hold_socks, &sock);
	return r;
}

/*
 * As bind_told(), on the first hidden port that is free. While one is looked for, the socket shares with nobody, whatever it says.
 * Then SO_REUSEADDR stays on: a service of the host that is started beside the connections taken gets its port by it, and a
 * datagram socket that is connected may be joined. -ENOBUFS: all are taken.
 */
static int bind_hidden(struct broker *b, int sock, struct plan *p)
{
	int proto = p->s.key.proto, r = -EADDRINUSE;
	unsigned n = broker_hidden_start(b);
	int group = flag(sock, SOL_SOCKET, SO_REUSEPORT), off = 0;

	set_reuse(sock, 0);
	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &off, sizeof(off));
	for (unsigned i = 0; i < n && r == -EADDRINUSE; i++) {
		set_port(&p->name, broker_hidden_next(b, proto));
		r = bind_told(b, sock, p, HOLD_PENDING);
	}
	set_reuse(sock, r == 0 || (p->s.flags & HOLD_S_REUSEADDR));
	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &group, sizeof(group));
	return r == -EADDRINUSE ? broker_full(b, false) : r;
}

/* Address and port in the jail; in the kernel the address at most. */
static int name_tcp(struct broker *b, int sock, struct plan *p)
{
	bool asked = flag(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
	struct hold_sock s;
	int on = 1, off = 0, r;

	set_port(&p->name, 0);
	(void)setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	r = bind_told(b, sock, p, HOLD_NAMING);
	if (r == 0)
		b->named++;
	if (r < 0) {
		if (hold_map_get(b->maps.hold_socks, &sock, &s) == 0 && s.state == HOLD_NAMED) {
			/* the hook counted it before the kernel refused the address */
			s.state = HOLD_UNNAMING;
			if (hold_map_put(b->maps.hold_socks, &sock, &s, BPF_EXIST) == 0 &&
			    bind(sock, &p->name.sa, name_len(&p->name)) == 0)
				r = -EINVAL; /* does not happen: the hook refuses */
		}
		(void)hold_map_del(b->maps.hold_socks, &sock);
	}
	if (!asked)
		(void)setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &off, sizeof(off));
	return r;
}

/* It has no port in the kernel after all. */
static void still_named(struct broker *b, int sock, struct plan *p)
{
	p->s.flags &= (uint16_t)~HOLD_S_COUNTED;
	p->s.state = HOLD_NAMED;
	if (hold_map_put(b->maps.hold_socks, &sock, &p->s, BPF_ANY) < 0)
		return; /* the map is full: the socket has no name in the jail any more */
}

/* One that has a name in the jail, or has asked for an address alone (IP_BIND_ADDRESS_NO_PORT), gets a hidden port. */
static int bind_named(struct broker *b, int sock, struct hold_sock *s)
{
	const bool named = s->state == HOLD_NAMED;
	struct hold_port there = { 0 };
	struct plan p = { .s = *s };
	int domain = 0, r;
	socklen_t len = sizeof(domain);
	bool v4;

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p.s.key.addr);
	p.name.sa.sa_family = (sa_family_t)domain;
	if (domain == AF_INET)
		memcpy(&p.name.in.sin_addr, p.s.flags & HOLD_S_SHOW_WILD ? b->h.a4[0] : p.s.key.addr + 12, 4);
	else if (!(p.s.flags & HOLD_S_SHOW_WILD))
		memcpy(&p.name.in6.sin6_addr, p.s.key.addr, 16);
	else if (v4)
		hold_mapped(b->h.a4[0], p.name.in6.sin6_addr.s6_addr);
	else
		memcpy(&p.name.in6.sin6_addr, b->h.a6[0], 16);
	if (named)
		p.s.flags |= HOLD_S_COUNTED;
	/* the same address and port again: the same real port, where the kernel knows SO_REUSEPORT groups from others */
	if (named && hold_map_get(b->maps.hold_ports, &p.s.key, &there) == 0 && there.real) {
		set_port(&p.name, there.real);
		set_reuse(sock, 1);
		r = bind_told(b, sock, &p, HOLD_PENDING);
	} else {
		r = bind_hidden(b, sock, &p);
	}
	if (r < 0 && named)
		still_named(b, sock, &p);
	else if (r == 0 && named && b->named)
		b->named--;
	return r;
}

/* The address it is bound to, as the jail is shown it; port 0: none. 0 or -errno. */
static int shown_name(int sock, union ip_name *ret)
{
	socklen_t len = sizeof(*ret);

	memset(ret, 0, sizeof(*ret));
	return getsockname(sock, &ret->sa, &len) < 0 ? -errno : 0;
}

static uint16_t port_of(const union ip_name *n)
{
	return ntohs(n->sa.sa_family == AF_INET ? n->in.sin_port : n->in6.sin6_port);
}

static bool inherits(const struct broker *b, const union ip_name *n)
{
	bool v4 = n->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&n->in6.sin6_addr);

	return (v4 ? b->h.ip4 : b->h.ip6) == IP_INHERIT;
}

int broker_bind_to_listen(struct broker *b, int sock)
{
	union ip_name name, any = { .sa = { .sa_family = AF_UNSPEC } };
	struct hold_sock s;
	int r = shown_name(sock, &name);

	if (r < 0)
		return r;
	if (hold_map_get(b->maps.hold_socks, &sock, &s) < 0)
		s.state = HOLD_NONE;
	if (s.state == HOLD_NAMED || s.state == HOLD_PENDING)
		return bind_named(b, sock, &s);
	if (s.state == HOLD_BOUND && !(s.flags & HOLD_S_HIDDEN))
		return -EADDRINUSE;
	if (s.state == HOLD_BOUND) {
		/* it has listened, and was shut down since: the kernel has struck it out */
		if (!(s.flags & HOLD_S_STEERED) || flag(sock, SOL_SOCKET, SO_ACCEPTCONN))
			return 0;
		s.flags &= (uint16_t)~HOLD_S_STEERED;
		return hold_map_put(b->maps.hold_socks, &sock, &s, BPF_EXIST);
	}
	if (port_of(&name)) /* it has bound itself to the host's, or is connected */
		return inherits(b, &name) ? 0 : -EINVAL;
	any.sa.sa_family = name.sa.sa_family;
	r = broker_bind_held(b, sock, IPPROTO_TCP, &any, true);
	if (r == 0 && hold_map_get(b->maps.hold_socks, &sock, &s) == 0 && s.state != HOLD_BOUND)
		r = bind_named(b, sock, &s);
	return r;
}

static bool has_pin(const struct hold_sock *s)
{
	return s->pin[0] || s->pin[1] || s->pin[2] || s->pin[3];
}

/* Loopback and the wildcard are the jail's own address (as the hooks say when it connects). */
static const uint8_t *real_target(const struct broker *b, bool v4, const uint8_t *a)
{
	static const uint8_t any[16] = { 0 }, loop4[4] = { 127, 0, 0, 1 }, loop6[16] = { [15] = 1 };
	const size_t len = v4 ? 4 : 16;

	if (memcmp(a, any, len) == 0 ||
	    (memcmp(a, v4 ? loop4 : loop6, len) == 0 && !(v4 ? owned4(&b->h, a) : owned6(&b->h, a))))
		return v4 ? b->h.a4[0] : b->h.a6[0];
	return a;
}

static bool selects(const struct broker *b, bool v4)
{
	return v4 ? b->h.n4 > 1 && b->h.saddrsel4 : b->h.n6 > 1 && b->h.saddrsel6;
}

/* Which of the jail's addresses is sent to dst from; both of one family, as bytes in network order. */
static void source_for(struct broker *b, bool v4, const uint8_t *dst, uint8_t *ret)
{
	const size_t len = v4 ? 4 : 16;
	struct hold_source_key key = { .bits = 8 * (sizeof(key.jail) + sizeof(key.addr)) };
	uint8_t src[16];

	memcpy(key.jail, &b->jail, sizeof(key.jail));
	if (v4)
		hold_mapped(dst, key.addr);
	else
		memcpy(key.addr, dst, 16);
	memcpy(ret, v4 ? b->h.a4[0] : b->h.a6[0], len); /* may be where dst was */
	if (selects(b, v4) && hold_map_get(b->maps.hold_sources, &key, src) == 0)
		memcpy(ret, src + 16 - len, len);
}

/* The address part of a name, as bytes: the last four of a mapped one. */
static uint8_t *bytes_of(union ip_name *n, bool *ret_v4)
{
	*ret_v4 = n->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&n->in6.sin6_addr);
	if (n->sa.sa_family == AF_INET)
		return (uint8_t *)&n->in.sin_addr;
	return n->in6.sin6_addr.s6_addr + (*ret_v4 ? 12 : 0);
}

/* As bind_told(), where the host has the port. */
static int bind_beside(struct broker *b, int sock, struct plan *p)
{
	uint8_t addr[16];
	int r;

	if (p->name.sa.sa_family == AF_INET)
		hold_mapped((const uint8_t *)&p->name.in.sin_addr, addr);
	else
		memcpy(addr, &p->name.in6.sin6_addr, 16);
	p->s.state = HOLD_PENDING;
	r = hold_map_put(b->maps.hold_socks, &sock, &p->s, BPF_ANY);
	if (r == 0)
		r = broker_own_port(b, sock, addr);
	return r;
}

/*
 * The jail's root may have a port below 1024, and a port that the host uses too. The kernel gives it neither in the hook,
 * where the caller's own rights count. Where it cannot be had here either, it connects from another port.
 */
void broker_connect_named(struct broker *b, int sock, const union ip_name *to)
{
	union ip_name dst = *to;
	struct plan p;
	uint8_t *a;
	bool v4;

	memset(&p, 0, sizeof(p));
	if (hold_map_get(b->maps.hold_socks, &sock, &p.s) < 0 || p.s.state != HOLD_NAMED || !p.s.key.port)
		return;
	a = bytes_of(&dst, &v4);
	if ((v4 ? b->h.ip4 : b->h.ip6) != IP_NEW || !(v4 ? b->h.n4 : b->h.n6))
		return;
	p.name = dst;
	if (!is_wild(&p.s.key))
		memcpy(bytes_of(&p.name, &v4), p.s.key.addr + (v4 ? 12 : 0), v4 ? 4 : 16);
	else
		source_for(b, v4, real_target(b, v4, a), bytes_of(&p.name, &v4));
	set_port(&p.name, p.s.key.port);
	p.s.flags |= HOLD_S_COUNTED | HOLD_S_OWN;
	if (bind_told(b, sock, &p, HOLD_PENDING) < 0 && bind_beside(b, sock, &p) < 0) {
		p.s.flags &= (uint16_t)~HOLD_S_OWN;
		still_named(b, sock, &p);
		return;
	}
	/* a service of the host that is started while it has the port */
	set_reuse(sock, 1);
	if (b->named)
		b->named--;
}

/* bind with SO_REUSEADDR or without, whatever was asked for. It stays on where that helped: the host may come later. */
static int bind_reuse(struct broker *b, int sock, struct plan *p, int on)
{
	bool asked = p->s.flags & HOLD_S_REUSEADDR;
	int r;

	set_reuse(sock, on);
	r = bind_told(b, sock, p, HOLD_PENDING);
	set_reuse(sock, r == 0 && p->s.key.port ? 1 : asked);
	return r;
}

static void make_wild(struct plan *p)
{
	if (p->name.sa.sa_family == AF_INET)
		memset(&p->name.in.sin_addr, 0, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&p->name.in6.sin6_addr))
		memset(p->name.in6.sin6_addr.s6_addr + 12, 0, 4);
	else
		memset(&p->name.in6.sin6_addr, 0, 16);
}

/* On a hidden port (or that of the group it joins), translated. */
static int bind_translated(struct broker *b, int sock, struct plan *p, const struct hold_port *join)
{
	struct hold_sock s;
	int r;

	p->s.flags |= HOLD_S_NAT;
	if (join->count) {
		set_port(&p->name, join->real);
		r = bind_reuse(b, sock, p, 1);
	} else {
		r = bind_hidden(b, sock, p);
	}
	if (r < 0 || hold_map_get(b->maps.hold_socks, &sock, &s) < 0)
		return r;
	r = broker_translate(b, &s.key, s.real);
	return r < 0 ? r : 0;
}

/* Does a wildcard of this jail hear groups and broadcasts: as on FreeBSD, where it has several addresses. */
static bool hears(const struct broker *b, const struct plan *p)
{
	bool v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p->s.key.addr), dual = p->s.key.kind == HOLD_DUAL;

	return p->wild && (((v4 || dual) && b->h.n4 > 1) || ((!v4 || dual) && b->h.n6 > 1));
}

static int bind_udp(struct broker *b, int sock, struct plan *p, const struct hold_port *join)
{
	int can = p->s.key.port ? broker_translate(b, &p->s.key, 0) : -EOPNOTSUPP;
	bool nat = can >= 0 || (can == -ENOBUFS && join->count);
	bool alone = !join->count && (!nat || (can == 0 && hears(b, p)));
	int r = -EADDRINUSE;

	/* never the port of the host because no other can be had: who is many shall not get more than who is one */
	if (can == -ENOBUFS && !nat)
		return can;
	p->s.flags &= (uint16_t)~HOLD_S_SHOW_WILD;
	if (p->wild) {
		make_wild(p);
		b->wild_udp = true;
	}
	set_port(&p->name, p->s.key.port);
	if (alone)
		r = bind_reuse(b, sock, p, 0);
	if (r == -EADDRINUSE && nat && (!join->count || join->real != p->s.key.port))
		r = bind_translated(b, sock, p, join);
	/* without translation: beside the host's wildcard, if both say so; the jail's own were looked at */
	else if (r == -EADDRINUSE && p->s.key.port && (!p->wild || join->count))
		r = bind_reuse(b, sock, p, 1);
	/*
	 * A translated one is found by the kernel, by the port it has there. Being in the map of listeners changes what ioctl,
	 * poll and splice do on a datagram socket; without translation it is the only way to go first, beside the host's wildcard.
	 */
	if (r < 0 || !p->s.key.port || (p->s.flags & HOLD_S_NAT) || !p->wild)
		return r;
	return broker_steer(b, sock);
}

/* Any port: the jail's, of which the kernel hears when it listens or connects. */
static int name_any_tcp(struct broker *b, int sock, struct plan *p)
{
	struct hold_port join = { 0 };
	int r = -EADDRINUSE;

	for (int i = 0; i < 256 && r == -EADDRINUSE; i++) {
		p->s.key.port = broker_any_port(b);
		r = conflicts(b, p, &join);
		if (r == 0 && join.count)
			r = -EADDRINUSE;
	}
	return r < 0 ? r : name_tcp(b, sock, p);
}

int broker_bind_held(struct broker *b, int sock, int proto, const union ip_name *to, bool priv)
{
	bool v4 = to->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&to->in6.sin6_addr);
	struct hold_port join = { 0 };
	uint16_t port = port_of(to);
	struct hold_sock old;
	struct stat st;
	struct plan p;
	int r;

	memset(&p, 0, sizeof(p));
	p.name = *to;
	p.s.key.jail = b->jail;
	p.s.key.port = port;
	p.s.key.proto = (uint8_t)proto;
	if ((v4 ? b->h.ip4 : b->h.ip6) == IP_INHERIT) {
		socklen_t len = to->sa.sa_family == AF_INET ? sizeof(to->in) : sizeof(to->in6);

		if (!priv)
			return -EACCES;
		return bind(sock, &to->sa, len) < 0 ? -errno : 0;
	}
	if (hold_map_get(b->maps.hold_socks, &sock, &old) < 0)
		memset(&old, 0, sizeof(old));
	if (old.state == HOLD_BOUND || old.state == HOLD_NAMED)
		return -EINVAL; /* it has its name for life */
	r = plan_addr(&b->h, sock, &p);
	if (r < 0)
		return r;
	if (!priv)
		return -EACCES;
	if (fstat(sock, &st) < 0)
		return -errno;
	p.s.uid = st.st_uid;
	p.s.flags |= (old.flags & HOLD_S_GROUPS) | (flag(sock, SOL_SOCKET, SO_REUSEADDR) ? HOLD_S_REUSEADDR : 0) |
	             (flag(sock, SOL_SOCKET, SO_REUSEPORT) ? HOLD_S_REUSEPORT : 0);
	if (port) {
		r = conflicts(b, &p, &join);
		if (r == 0)
			r = host_conflicts(b, sock, proto, &p);
		if (r < 0)
			return r;
	}
	if (proto == IPPROTO_UDP)
		return bind_udp(b, sock, &p, &join);
	if (port)
		return name_tcp(b, sock, &p);
	if (flag(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) && !(p.wild && selects(b, v4)))
		return bind_told(b, sock, &p, HOLD_PENDING);
	/* of a family that it inherits, it has the port in the kernel, too */
	return b->h.ip4 == IP_INHERIT || b->h.ip6 == IP_INHERIT ? bind_hidden(b, sock, &p) : name_any_tcp(b, sock, &p);
}

/*
 * The source of a socket that is bound to the wildcard is found by the kernel on the way to where it connects, and would
 * be the host's. On the way to the jail's own address it is that address, and it stays when the socket connects again.
 */
int broker_connect_udp(struct broker *b, int sock, const union ip_name *to)
{
	const union ip_name nowhere = { .sa = { .sa_family = AF_UNSPEC } };
	union ip_name self = *to, peer;
	int domain = 0;
	socklen_t len = sizeof(peer), dlen = sizeof(domain);
	struct hold_sock s;
	bool turned = false, v4;
	uint8_t *a = bytes_of(&self, &v4);
	int r;

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &dlen) < 0)
		return -errno;
	/* its source is to be found: it is bound to a wildcard, or has a port since it sent something */
	if ((v4 ? b->h.ip4 == IP_NEW && b->h.n4 : b->h.ip6 == IP_NEW && b->h.n6) &&
	    hold_map_get(b->maps.hold_socks, &sock, &s) == 0 &&
	    (s.state == HOLD_BOUND ? is_wild(&s.key) : s.state == HOLD_NONE && has_pin(&s)) &&
	    getpeername(sock, &peer.sa, &len) < 0) {
		if (s.state == HOLD_NONE && domain == AF_INET && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)s.pin) &&
		    hold_lists(&b->h, (const uint8_t *)s.pin))
			memcpy(a, (const uint8_t *)s.pin + 12, 4);
		else
			source_for(b, v4, real_target(b, v4, a), a);
		set_port(&self, 9);
		turned = connect(sock, &self.sa, name_len(&self)) == 0;
	}
	r = connect(sock, &to->sa, name_len(to)) < 0 ? -errno : 0;
	if (r < 0 && turned)
		(void)connect(sock, &nowhere.sa, sizeof(nowhere.sa));
	return r;
}

int broker_steer(struct broker *b, int sock)
{
	struct hold_port_key key;
	struct hold_sock s;
	uint64_t fd = (uint64_t)sock;
	int r;

	/* not bound through us: nothing is steered to it, it has its real port */
	if (hold_map_get(b->maps.hold_socks, &sock, &s) < 0 || s.state != HOLD_BOUND || (s.flags & HOLD_S_STEERED))
		return 0;
	key = s.key;
	for (key.slot = 0; key.slot < HOLD_SLOTS; key.slot++) {
		r = hold_map_put(b->maps.hold_listen, &key, &fd, BPF_NOEXIST);
		if (r == 0)
			break;
		if (r != -EEXIST)
			return r;
	}
	/* with all places taken it is still reached through its SO_REUSEPORT group */
	s.flags |= HOLD_S_STEERED;
	return hold_map_put(b->maps.hold_socks, &sock, &s, BPF_EXIST);
}
