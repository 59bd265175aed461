/* broker_bind.c - which address and port a jail's socket really gets, so that jails and host never fight over ports. */
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "os/linux/broker.h"

/*
 * What a bind comes to. TCP: the kernel's port is one of its own choice (a hidden one), the jail's port is an entry in
 * the map connections are steered by; so a listener of the host on the same port is in nobody's way, whoever comes
 * first. UDP: the jail's port on the jail's address, beside the host's wildcard (both with SO_REUSEADDR); a wildcard of
 * several addresses is steered as TCP is.
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
	if (!h->n6)
		return -EAFNOSUPPORT;
	if (IN6_IS_ADDR_UNSPECIFIED((struct in6_addr *)a)) {
		if (!flag(sock, IPPROTO_IPV6, IPV6_V6ONLY)) {
			p->s.key.kind = HOLD_DUAL;
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
		if (!IN6_IS_ADDR_LOOPBACK((struct in6_addr *)a))
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

/* May a socket with `mine` join what is there: on the very same address, or only overlapping (wildcard and address). */
static bool may_join(const struct hold_port *there, uint16_t mine, bool same, uint8_t proto)
{
	uint16_t both = there->flags & mine;

	if (!same)
		return (there->flags & (HOLD_S_REUSEADDR | HOLD_S_REUSEPORT)) &&
		       (mine & (HOLD_S_REUSEADDR | HOLD_S_REUSEPORT));
	return (both & HOLD_S_REUSEPORT) || (proto == IPPROTO_UDP && (both & HOLD_S_REUSEADDR));
}

/* 0, or -EADDRINUSE. *ret: the record of the same address and port, when there is one to join. */
static int check(struct broker *b, const struct hold_port_key *key, uint16_t flags, bool same, struct hold_port *ret)
{
	struct hold_port there;

	if (hold_map_get(b->maps.hold_ports, key, &there) < 0 || (there.count & HOLD_DEAD))
		return 0;
	if (!may_join(&there, flags, same, key->proto))
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
	return check(b, &key, p->s.flags, false, NULL);
}

/* Does the jail itself use the port in a way that excludes this. *ret: record to join, count 0: none. */
static int conflicts(struct broker *b, const struct plan *p, struct hold_port *ret)
{
	static const uint8_t zero[16] = { 0 };
	bool v4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)p->s.key.addr), dual = p->s.key.kind == HOLD_DUAL;
	uint8_t a[16];
	int r = check(b, &p->s.key, p->s.flags, true, ret);

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

/* Tell the kernel side what is coming, and bind. */
static int bind_told(struct broker *b, int sock, struct plan *p)
{
	socklen_t len = p->name.sa.sa_family == AF_INET ? sizeof(p->name.in) : sizeof(p->name.in6);
	int r, tries = 0;

	do { /* EAGAIN: the last socket of this port is in the middle of being closed */
		p->s.state = HOLD_PENDING;
		r = hold_map_put(b->maps.hold_socks, &sock, &p->s, BPF_ANY);
		if (r < 0)
			return r;
		r = bind(sock, &p->name.sa, len) < 0 ? -errno : 0;
	} while (r == -EAGAIN && ++tries < 100 && sched_yield() == 0);
	if (r < 0)
		(void)hold_map_del(b->maps.hold_socks, &sock);
	return r;
}

static int bind_tcp(struct broker *b, int sock, struct plan *p, const struct hold_port *join)
{
	/* the same address and port again: the same real port, where the kernel knows SO_REUSEPORT groups from others */
	set_port(&p->name, join->count ? join->real : 0);
	return bind_told(b, sock, p);
}

static void set_reuse(int sock, int on)
{
	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static int bind_udp(struct broker *b, int sock, struct plan *p)
{
	bool asked = p->s.flags & HOLD_S_REUSEADDR;
	union ip_name one = p->name;
	int r;

	set_port(&p->name, p->s.key.port);
	if (p->wild) {
		/* where nobody else has the port, the real wildcard: it hears groups too */
		uint16_t flags = p->s.flags;

		if (p->name.sa.sa_family == AF_INET)
			memset(&p->name.in.sin_addr, 0, 4);
		else if (IN6_IS_ADDR_V4MAPPED(&p->name.in6.sin6_addr))
			memset(p->name.in6.sin6_addr.s6_addr + 12, 0, 4);
		else
			memset(&p->name.in6.sin6_addr, 0, 16);
		p->s.flags &= (uint16_t)~HOLD_S_SHOW_WILD;
		set_reuse(sock, 0);
		r = bind_told(b, sock, p);
		if (r == 0) {
			set_reuse(sock, 1);
			return broker_steer(b, sock);
		}
		p->s.flags = flags;
		set_reuse(sock, asked);
		if (r != -EADDRINUSE || p->whole)
			return r;
		p->name = one;
		set_port(&p->name, p->s.key.port);
	}
	/* on the jail's own address, the host's wildcard is no hindrance if both say so; the jail's own were looked at */
	set_reuse(sock, 1);
	r = bind_told(b, sock, p);
	if (r < 0)
		set_reuse(sock, asked);
	return r < 0 || !p->wild ? r : broker_steer(b, sock);
}

int broker_bind_held(struct broker *b, int sock, int proto, const union ip_name *to, bool priv)
{
	bool v4 = to->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&to->in6.sin6_addr);
	struct hold_port join = { 0 };
	uint16_t port = ntohs(to->sa.sa_family == AF_INET ? to->in.sin_port : to->in6.sin6_port);
	struct hold_sock old;
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
	if (hold_map_get(b->maps.hold_socks, &sock, &old) == 0 && old.state == HOLD_BOUND)
		return -EINVAL; /* it has its name for life */
	r = plan_addr(&b->h, sock, &p);
	if (r < 0)
		return r;
	if (port && port < 1024 && !(priv && b->h.reserved_ports))
		return -EACCES;
	p.s.flags |= (flag(sock, SOL_SOCKET, SO_REUSEADDR) ? HOLD_S_REUSEADDR : 0) |
	             (flag(sock, SOL_SOCKET, SO_REUSEPORT) ? HOLD_S_REUSEPORT : 0);
	if (port) {
		r = conflicts(b, &p, &join);
		if (r < 0)
			return r;
	}
	return proto == IPPROTO_TCP ? bind_tcp(b, sock, &p, &join) : bind_udp(b, sock, &p);
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
