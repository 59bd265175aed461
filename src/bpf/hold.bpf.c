/* hold.bpf.c - holds the sockets of shared-IP jails to the jail's addresses, and steers connections to them. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "hold_abi.h"
#include "hold_addr.h"
#include "hold_maps.h"

#define AF_INET       2
#define AF_INET6      10
#define EADDRINUSE    98
#define EADDRNOTAVAIL 99
#define EAFNOSUPPORT  97
#define EAGAIN        11
#define EINVAL        22
#define ENETUNREACH   101
#define ENOPROTOOPT   92
#define EHOSTUNREACH  113
#define EEXIST        17
#define ENOBUFS       105
#define ETH_P_IP      0x0800
#define ETH_P_IPV6    0x86dd

#define SOL_SOCKET   1
#define SO_REUSEADDR 2
#define SO_REUSEPORT 15

#define MCAST_JOIN_GROUP        42
#define MCAST_JOIN_SOURCE_GROUP 46
#define SOL_IP                  0
#define IP_ADD_MEMBERSHIP       35
#define IP_ADD_SOURCE           39
#define IP_LOCAL_PORT_RANGE     51
#define SOL_IPV6                41
#define IPV6_ADD_MEMBERSHIP     20

#define NEXT_IS_ALLOWED 1
#define BIND_ANY_PORT   2 /* bind hooks: CAP_NET_BIND_SERVICE is not asked for */

static __always_inline int deny(int err)
{
	bpf_set_retval(-err);
	return 0;
}

static __always_inline bool is_owner(const struct hold_jail *j, const struct addr6 *a)
{
	struct hold_owner *o = bpf_map_lookup_elem(&hold_owners, a);

	/* shared addresses belong to jails without a second one, which need not come here: the first is the only owner */
	return o && o->jail[0] == j->jail;
}

/* Is a (network order) one of the jail's. The first test is the usual answer. */
static __always_inline bool own4(const struct hold_jail *j, __u32 a)
{
	struct addr6 m = { { 0, 0, MAPPED, a } };

	if (a == j->prim4 && j->n4)
		return true;
	return j->n4 > 1 && is_owner(j, &m);
}

static __always_inline bool own6(const struct hold_jail *j, const struct addr6 *a)
{
	if (a->w[3] == j->prim6[3] && a->w[2] == j->prim6[2] && a->w[1] == j->prim6[1] && a->w[0] == j->prim6[0])
		return j->n6 > 0;
	return j->n6 > 1 && is_owner(j, a);
}

/*
 * The jail's answer to an IPv4 address that a socket shall have: 0 and *a as it is to be, or an errno. The order of
 * the tests is FreeBSD's.
 */
static __always_inline int local4(const struct hold_jail *j, __u32 *a)
{
	if (!held4(j))
		return 0;
	if (!j->n4)
		return EAFNOSUPPORT;
	if (!*a) {
		if (j->n4 == 1)
			*a = j->prim4;
		return 0;
	}
	if (own4(j, *a))
		return 0;
	if (*a != LOOPBACK4)
		return EADDRNOTAVAIL;
	*a = j->prim4;
	return 0;
}

static __always_inline int local6(const struct hold_jail *j, struct addr6 *a)
{
	if (is_mapped(a))
		return local4(j, &a->w[3]);
	if (!held6(j))
		return 0;
	/* as on a host without IPv6 addresses: the wildcard is there, and reached by IPv4 if it is for both */
	if (!j->n6)
		return is_any6(a) ? 0 : EADDRNOTAVAIL;
	/* whether :: is v6-only is known to the broker alone, which asks for the address itself then */
	if (is_any6(a) || own6(j, a))
		return 0;
	if (!is_loop6(a))
		return EADDRNOTAVAIL;
	__builtin_memcpy(a->w, j->prim6, sizeof(a->w));
	return 0;
}

/*
 * Where what is sent to *a really goes: loopback and the wildcard are the jail's own address. 0 or an errno. Of the rest of
 * 127/8, all of which is the host's here, a jail reaches what it owns.
 */
static __always_inline int target4(const struct hold_jail *j, __u32 *a)
{
	if ((*a && !is_loop4(*a)) || own4(j, *a))
		return 0;
	if (*a && *a != LOOPBACK4)
		return EHOSTUNREACH;
	*a = j->prim4;
	return 0;
}

/* What the map of sources says of a destination, or NULL. */
static __always_inline __u32 *selected(const struct hold_jail *j, const struct addr6 *dst)
{
	struct hold_source_key key = { .bits = 8 * (sizeof(key.jail) + sizeof(key.addr)) };

	__builtin_memcpy(key.jail, &j->jail, sizeof(key.jail));
	__builtin_memcpy(key.addr, dst->w, sizeof(key.addr));
	return bpf_map_lookup_elem(&hold_sources, &key);
}

/* Which of its addresses the jail sends to dst from. */
static __always_inline __u32 source4(const struct hold_jail *j, __u32 dst)
{
	struct addr6 m = { { 0, 0, MAPPED, dst } };
	__u32 *src = j->flags & HOLD_SELECT4 ? selected(j, &m) : NULL;

	return src ? src[3] : j->prim4;
}

static __always_inline void source_to6(const struct hold_jail *j, const struct addr6 *dst, struct addr6 *ret)
{
	__u32 *src = j->flags & HOLD_SELECT6 ? selected(j, dst) : NULL;

	if (src)
		__builtin_memcpy(ret->w, src, sizeof(ret->w));
	else
		__builtin_memcpy(ret->w, j->prim6, sizeof(ret->w));
}

/*
 * Only the broker binds sockets, in the group in which it makes them. A process of the jail comes here when its call was not
 * held up, or was let go on and has changed since: it would get a port of the host.
 */
static __always_inline bool by_broker(const struct hold_jail *j)
{
	return bpf_get_current_cgroup_id() == j->jail;
}

/* Count one more socket on key. A record whose last socket is just going away cannot be joined: try again. */
static __always_inline int port_get(const struct hold_sock *s)
{
	struct hold_port fresh = { .count = 1, .real = s->real, .flags = s->flags, .uid = s->uid }, *p;

	p = bpf_map_lookup_elem(&hold_ports, &s->key);
	if (!p) {
		long r = bpf_map_update_elem(&hold_ports, &s->key, &fresh, BPF_NOEXIST);

		return !r ? 0 : r == -EEXIST ? EAGAIN : ENOBUFS;
	}
	for (int i = 0; i < 8; i++) {
		__u32 n = p->count;

		if (n & HOLD_DEAD)
			return EAGAIN;
		if (__sync_val_compare_and_swap(&p->count, n, n + 1) == n) {
			if (p->flags & HOLD_S_TALKS)
				p->flags = s->flags;
			return 0;
		}
	}
	return EAGAIN;
}

static __always_inline void port_put(const struct hold_sock *s)
{
	struct hold_port *p = bpf_map_lookup_elem(&hold_ports, &s->key);

	if (!p)
		return;
	for (int i = 0; i < 64; i++) {
		__u32 n = p->count;

		if (n & HOLD_DEAD)
			return;
		if (__sync_val_compare_and_swap(&p->count, n, n == 1 ? HOLD_DEAD : n - 1) == n) {
			if (n == 1)
				bpf_map_delete_elem(&hold_ports, &s->key);
			return;
		}
	}
}

/* A name in the jail without a port in the kernel comes and goes in the hooks, so that sockets are counted by one side. */
static __always_inline int name_only(struct bpf_sock *sk)
{
	struct hold_sock *s = sk ? bpf_sk_storage_get(&hold_socks, sk, NULL, 0) : NULL;
	int err;

	if (!s)
		return 0;
	if (s->state == HOLD_UNNAMING) {
		s->state = HOLD_NONE;
		port_put(s);
		return EADDRNOTAVAIL;
	}
	if (s->state != HOLD_NAMING)
		return 0;
	err = port_get(s);
	if (!err)
		s->state = HOLD_NAMED;
	return err;
}

/* One more of *n, of which there may be max. False: that is too many. */
static __always_inline bool take_one(__u32 *n, __u32 max)
{
	if (__sync_fetch_and_add(n, 1) < max)
		return true;
	__sync_fetch_and_add(n, -1);
	return false;
}

static __always_inline void give_back(const struct hold_made *m)
{
	struct hold_use *u = bpf_map_lookup_elem(&hold_use, &m->jail);

	if (!u)
		return;
	__sync_fetch_and_add(&u->socks, -1);
	if (m->udp)
		__sync_fetch_and_add(&u->udp, -1);
}

/*
 * A socket is counted from when it is made: the port that the kernel finds for one that sends without being bound is asked of
 * nobody. ENOBUFS is what socket(2) says where there can be no more.
 */
SEC("cgroup/sock_create")
int hold_make(struct bpf_sock *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	__u64 jail = j->jail;
	struct hold_use *u = bpf_map_lookup_elem(&hold_use, &jail);
	struct hold_made *m = bpf_sk_storage_get(&hold_made, ctx, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	bool udp = ctx->protocol == IPPROTO_UDP;

	if (!u || !m)
		return deny(ENOBUFS);
	if (!take_one(&u->socks, j->socks_max))
		goto full;
	if (udp && !take_one(&u->udp, j->udp_max)) {
		__sync_fetch_and_add(&u->socks, -1);
		goto full;
	}
	m->jail = jail;
	m->udp = udp;
	return 1;
full:
	__sync_fetch_and_add(&u->refused, 1);
	return deny(ENOBUFS);
}

SEC("cgroup/bind4")
int hold_bind4(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	__u32 a = ctx->user_ip4;
	int err = by_broker(j) ? local4(j, &a) : EADDRNOTAVAIL;

	if (err)
		return deny(err);
	if (!held4(j))
		return NEXT_IS_ALLOWED;
	err = name_only(ctx->sk);
	if (err)
		return deny(err);
	ctx->user_ip4 = a;
	return NEXT_IS_ALLOWED | BIND_ANY_PORT;
}

SEC("cgroup/bind6")
int hold_bind6(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct addr6 a = dest6(ctx);
	int err = by_broker(j) ? local6(j, &a) : EADDRNOTAVAIL;

	if (err)
		return deny(err);
	if (!(is_mapped(&a) ? held4(j) : held6(j)))
		return NEXT_IS_ALLOWED;
	err = name_only(ctx->sk);
	if (err)
		return deny(err);
	set_dest6(ctx, &a);
	return NEXT_IS_ALLOWED | BIND_ANY_PORT;
}

/*
 * The broker has said what it binds the socket for; now that the kernel has a port for it, it counts. everywhere: is it bound to
 * a wildcard in the kernel.
 */
static __always_inline int bound(struct bpf_sock *ctx, bool everywhere)
{
	struct hold_sock *s = bpf_sk_storage_get(&hold_socks, ctx, NULL, 0);
	struct hold_hidden *hidden;
	struct hold_jail *j;
	struct hold_port *p;
	__u32 real;
	int err;

	if (!s || s->state != HOLD_PENDING)
		return 1;
	j = bpf_get_local_storage(&hold_jails, 0);
	if (s->key.jail != j->jail) /* passed on from another jail: its name would be counted there */
		return deny(EADDRNOTAVAIL);
	real = ctx->src_port;
	s->real = real;
	if (!s->key.port)
		s->key.port = real;
	if (s->flags & HOLD_S_COUNTED) {
		p = bpf_map_lookup_elem(&hold_ports, &s->key);
		if (p && !p->real)
			p->real = real;
	} else {
		err = port_get(s);
		if (err)
			return deny(err);
	}
	s->state = HOLD_BOUND;
	if (s->key.proto != IPPROTO_TCP || (s->flags & HOLD_S_OWN))
		return 1;
	hidden = bpf_map_lookup_elem(&hold_hidden, &real);
	if (hidden) {
		if (everywhere) {
			s->flags |= HOLD_S_HIDES_ALL;
			__sync_fetch_and_add(&hidden->everywhere, 1);
		} else {
			__sync_fetch_and_add(&hidden->somewhere, 1);
		}
		s->flags |= HOLD_S_HIDDEN;
	}
	return 1;
}

SEC("cgroup/post_bind4")
int hold_bound4(struct bpf_sock *ctx)
{
	return bound(ctx, !ctx->src_ip4);
}

SEC("cgroup/post_bind6")
int hold_bound6(struct bpf_sock *ctx)
{
	__u32 w2 = ctx->src_ip6[2];

	return bound(ctx, !ctx->src_ip6[0] && !ctx->src_ip6[1] && (!w2 || w2 == MAPPED) && !ctx->src_ip6[3]);
}

/* It hears groups: such programs of one user share the port (broker_bind.c). */
static __always_inline void joins(struct bpf_sock *sk)
{
	struct hold_sock *s;
	struct hold_port *p;

	if (sk->protocol != IPPROTO_UDP)
		return;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return;
	s->flags |= HOLD_S_GROUPS;
	p = s->state == HOLD_BOUND ? bpf_map_lookup_elem(&hold_ports, &s->key) : NULL;
	if (p)
		p->flags |= HOLD_S_GROUPS;
}

/* The kernel reads the caller's memory itself, of any length; unless another program has seen to it that it need not (-1). */
static __always_inline void leave_option(struct bpf_sockopt *ctx)
{
	if (ctx->optlen != -1)
		ctx->optlen = 0;
}

static __always_inline bool is_join(const struct bpf_sockopt *ctx)
{
	if (ctx->level == SOL_IP && (ctx->optname == IP_ADD_MEMBERSHIP || ctx->optname == IP_ADD_SOURCE))
		return true;
	if (ctx->level == SOL_IPV6 && ctx->optname == IPV6_ADD_MEMBERSHIP)
		return true;
	return (ctx->level == SOL_IP || ctx->level == SOL_IPV6) &&
	       (ctx->optname == MCAST_JOIN_GROUP || ctx->optname == MCAST_JOIN_SOURCE_GROUP);
}

/*
 * With a port, a socket shares it as the broker has said, whatever its owner would like by now: without SO_REUSEADDR it would
 * keep a service of the host from the port that it connects from, or takes connections on.
 */
SEC("cgroup/setsockopt")
int hold_setopt(struct bpf_sockopt *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct bpf_sock *sk = ctx->sk;

	if (!sk || (!held4(j) && !held6(j)))
		goto pass;
	if (is_join(ctx)) /* whoever joins: the broker does, for an interface */
		joins(sk);
	if (by_broker(j))
		goto pass;
	if (ctx->level == SOL_SOCKET && (ctx->optname == SO_REUSEADDR || ctx->optname == SO_REUSEPORT) &&
	    sk->src_port && (sk->family == AF_INET ? held4(j) : 1)) {
		ctx->optlen = -1; /* done */
		return 1;
	}
	/* the kernel would choose the port among those; FreeBSD and older kernels know no such option */
	if (ctx->level == SOL_IP && ctx->optname == IP_LOCAL_PORT_RANGE)
		return deny(ENOPROTOOPT);
pass:
	leave_option(ctx);
	return 1;
}

SEC("cgroup/sock_release")
int hold_release(struct bpf_sock *ctx)
{
	struct hold_made *m = bpf_sk_storage_get(&hold_made, ctx, NULL, 0);
	struct hold_sock *s;
	struct hold_hidden *hidden;
	__u32 real;
	void *bell;

	if (m && m->jail) {
		give_back(m);
		m->jail = 0;
	}
	s = bpf_sk_storage_get(&hold_socks, ctx, NULL, 0);
	if (!s || (s->state != HOLD_BOUND && s->state != HOLD_NAMED))
		return 1;
	s->state = HOLD_NONE;
	port_put(s);
	real = s->real;
	if (s->flags & HOLD_S_HIDDEN) {
		hidden = bpf_map_lookup_elem(&hold_hidden, &real);
		if (hidden)
			__sync_fetch_and_add(s->flags & HOLD_S_HIDES_ALL ? &hidden->everywhere : &hidden->somewhere,
			                     -1);
	}
	if (s->flags & HOLD_S_NAT) {
		__u64 what = real;

		bell = bpf_map_lookup_elem(&hold_events, &s->key.jail);
		if (bell) /* full: it has been rung and not been heard yet */
			bpf_ringbuf_output(bell, &what, sizeof(what), 0);
	}
	return 1;
}

/* The storage of a socket that has a name in its jail and no port in the kernel, or NULL. */
static __always_inline struct hold_sock *named(struct bpf_sock *sk)
{
	struct hold_sock *s = bpf_sk_storage_get(&hold_socks, sk, NULL, 0);

	return s && s->state == HOLD_NAMED && !sk->src_port ? s : NULL;
}

/*
 * It connects: it has the port that it asked for in the kernel too, and never listens there. A service of the host that is
 * started later gets the port beside it by SO_REUSEADDR.
 */
static __always_inline int real_port(struct bpf_sock_addr *ctx, struct hold_sock *s)
{
	int on = 1;

	s->real = s->key.port;
	s->flags |= HOLD_S_OWN;
	s->state = HOLD_BOUND;
	(void)bpf_setsockopt(ctx, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return 1;
}

/* As on FreeBSD a connected UDP socket leaves its address to the next that says SO_REUSEADDR, as servers do for each client. */
static __always_inline void talks(struct bpf_sock *sk)
{
	struct hold_sock *s;
	struct hold_port *p;

	if (sk->protocol != IPPROTO_UDP)
		return;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, 0);
	if (!s || s->state != HOLD_BOUND)
		return;
	p = bpf_map_lookup_elem(&hold_ports, &s->key);
	if (p)
		p->flags |= HOLD_S_TALKS;
}

SEC("cgroup/connect4")
int hold_connect4(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct sockaddr_in sa = { .sin_family = AF_INET };
	struct bpf_sock *sk = ctx->sk;
	__u32 dst = ctx->user_ip4;
	struct hold_sock *s;
	int err;

	if (!held4(j))
		return 1;
	if (!j->n4)
		return deny(EAFNOSUPPORT);
	err = target4(j, &dst);
	if (err)
		return deny(err);
	ctx->user_ip4 = dst;
	if (!sk)
		return 1;
	talks(sk);
	sa.sin_addr.s_addr = source4(j, dst);
	s = named(sk);
	if (s) {
		__u32 own;

		__builtin_memcpy(&own, s->key.addr + 12, 4);
		if (own)
			sa.sin_addr.s_addr = own;
		sa.sin_port = bpf_htons(s->key.port);
		if (!bpf_bind(ctx, (struct sockaddr *)&sa, sizeof(sa)))
			return real_port(ctx, s);
		sa.sin_port = 0; /* somebody else has the port: from another */
		return bpf_bind(ctx, (struct sockaddr *)&sa, sizeof(sa)) ? deny(EADDRNOTAVAIL) : 1;
	}
	if (sk->src_ip4 || sk->src_port)
		return 1;
	return bpf_bind(ctx, (struct sockaddr *)&sa, sizeof(sa)) ? deny(EADDRNOTAVAIL) : 1;
}

/* The source a v6 socket gets when it connects to a: of a's family. */
static __always_inline bool source6(const struct hold_jail *j, const struct addr6 *a, struct addr6 *src)
{
	if (is_mapped(a)) {
		*src = (struct addr6){ { 0, 0, MAPPED, source4(j, a->w[3]) } };
		return held4(j);
	}
	source_to6(j, a, src);
	return held6(j);
}

/* Where a v6 socket's packets to a really go: loopback and the wildcard are the jail's own address. */
static __always_inline int target6(const struct hold_jail *j, struct addr6 *a)
{
	if (is_mapped(a)) {
		if (!held4(j))
			return 0;
		if (!j->n4)
			return EAFNOSUPPORT;
		return target4(j, &a->w[3]);
	}
	if (!held6(j))
		return 0;
	if (!j->n6)
		return is_any6(a) || is_loop6(a) ? EADDRNOTAVAIL : ENETUNREACH;
	if (is_any6(a) || (is_loop6(a) && !own6(j, a)))
		__builtin_memcpy(a->w, j->prim6, sizeof(a->w));
	return 0;
}

static __always_inline int bind_source6(struct bpf_sock_addr *ctx, struct sockaddr_in6 *sa)
{
	long err = bpf_bind(ctx, (struct sockaddr *)sa, sizeof(*sa));

	if (!err)
		return 1;
	/* a socket for IPv6 only gets no mapped address, and leads to none */
	return deny(err == -EINVAL ? ENETUNREACH : EADDRNOTAVAIL);
}

SEC("cgroup/connect6")
int hold_connect6(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	struct bpf_sock *sk = ctx->sk;
	struct addr6 a = dest6(ctx), src, own;
	struct hold_sock *s;
	int err = target6(j, &a);

	if (err)
		return deny(err);
	set_dest6(ctx, &a);
	if (sk)
		talks(sk);
	if (!source6(j, &a, &src) || !sk || sk->src_port)
		return 1;
	s = named(sk);
	if (s) {
		__builtin_memcpy(own.w, s->key.addr, sizeof(own.w));
		if (!is_any6(&own) && !(is_mapped(&own) && !own.w[3]))
			src = own;
		__builtin_memcpy(&sa.sin6_addr, src.w, sizeof(src.w));
		sa.sin6_port = bpf_htons(s->key.port);
		if (!bpf_bind(ctx, (struct sockaddr *)&sa, sizeof(sa)))
			return real_port(ctx, s);
		sa.sin6_port = 0;
		return bind_source6(ctx, &sa);
	}
	if (sk->src_ip6[0] || sk->src_ip6[1] || sk->src_ip6[2] || sk->src_ip6[3])
		return 1;
	__builtin_memcpy(&sa.sin6_addr, src.w, sizeof(src.w));
	return bind_source6(ctx, &sa);
}

/*
 * An unbound IPv4 datagram socket keeps the source that it sent from first: getsockname(2) shows it from then on. An IPv6 one
 * does not. src: what it would be now, and what it is. The socket has a port without an address in the kernel, which only
 * the broker can connect.
 */
static __always_inline void pin(const struct hold_jail *j, struct bpf_sock_addr *ctx, struct addr6 *src)
{
	struct bpf_sock *sk = ctx->sk;
	struct addr6 old;
	struct hold_sock *s;
	__u32 zero = 0;
	__u8 *sent;

	if (!sk)
		return;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s || s->state != HOLD_NONE)
		return;
	__builtin_memcpy(old.w, s->pin, sizeof(old.w));
	if (sk->family == AF_INET && !is_any6(&old) && is_mapped(&old) == is_mapped(src) &&
	    (is_mapped(&old) ? own4(j, old.w[3]) : own6(j, &old))) {
		*src = old;
		return;
	}
	__builtin_memcpy(s->pin, src->w, sizeof(s->pin));
	sent = bpf_map_lookup_elem(&hold_sent, &zero);
	if (sent)
		sent[j->jail & (HOLD_SENT - 1)] = 1;
}

SEC("cgroup/sendmsg4")
int hold_sendmsg4(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	__u32 dst = ctx->user_ip4, src = ctx->msg_src_ip4;
	int err;

	if (!held4(j))
		return 1;
	if (!j->n4)
		return deny(EAFNOSUPPORT);
	err = target4(j, &dst);
	if (err)
		return deny(err);
	ctx->user_ip4 = dst;
	if (src == LOOPBACK4 && !own4(j, src))
		src = 0;
	if (src && !own4(j, src))
		return deny(EADDRNOTAVAIL);
	if (!src || (j->flags & HOLD_SELECT4)) {
		struct addr6 a = { { 0, 0, MAPPED, source4(j, dst) } };

		pin(j, ctx, &a);
		if (!src)
			ctx->msg_src_ip4 = a.w[3];
	}
	return 1;
}

static __always_inline struct addr6 source_of(const volatile struct bpf_sock_addr *ctx)
{
	return (struct addr6){ { ctx->msg_src_ip6[0], ctx->msg_src_ip6[1], ctx->msg_src_ip6[2], ctx->msg_src_ip6[3] } };
}

static __always_inline void set_source(volatile struct bpf_sock_addr *ctx, const struct addr6 *a)
{
	ctx->msg_src_ip6[0] = a->w[0];
	ctx->msg_src_ip6[1] = a->w[1];
	ctx->msg_src_ip6[2] = a->w[2];
	ctx->msg_src_ip6[3] = a->w[3];
}

SEC("cgroup/sendmsg6")
int hold_sendmsg6(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct addr6 a = dest6(ctx), src;
	int err = target6(j, &a);

	if (err)
		return deny(err);
	set_dest6(ctx, &a);
	/* what goes to a mapped address passes the IPv4 hook too, which finds its source */
	if (is_mapped(&a) || !held6(j))
		return 1;
	src = source_of(ctx);
	if (!is_any6(&src) && !is_loop6(&src))
		return own6(j, &src) ? 1 : deny(EADDRNOTAVAIL);
	source_to6(j, &a, &src);
	pin(j, ctx, &src);
	set_source(ctx, &src);
	return 1;
}

#define STATE_SYN_SENT 2
#define STATE_CLOSE    7
#define STATE_LISTEN   10

/* Is the name the kernel gives that of a socket without a peer: only then is there something to put right. */
static __always_inline bool no_peer(const struct bpf_sock *sk)
{
	return sk->state == STATE_CLOSE || sk->state == STATE_LISTEN;
}

/* Is the port shown the jail's. A named socket that had to connect from another port shows that one. */
static __always_inline bool shows_own_port(const struct hold_sock *s, __u32 port)
{
	return s->state == HOLD_BOUND || (s->state == HOLD_NAMED && !port);
}

SEC("cgroup/getsockname4")
int hold_name4(struct bpf_sock_addr *ctx)
{
	struct hold_jail *j = bpf_get_local_storage(&hold_jails, 0);
	struct bpf_sock *sk = ctx->sk;
	struct hold_sock *s;

	if (!sk || !held4(j))
		return 1;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, 0);
	if (!ctx->user_port && s && s->state == HOLD_PENDING)
		return 1; /* bound by its owner with IP_BIND_ADDRESS_NO_PORT */
	if (!ctx->user_port && !(s && s->state == HOLD_NAMED)) {
		ctx->user_ip4 = 0; /* given an address by us beforehand, not by its owner */
		return 1;
	}
	if (!s)
		return 1;
	if (shows_own_port(s, ctx->user_port)) {
		ctx->user_port = bpf_htons(s->key.port);
		if ((s->flags & HOLD_S_SHOW_WILD) && no_peer(sk))
			ctx->user_ip4 = 0;
	} else if (s->state == HOLD_NONE && !ctx->user_ip4 && s->pin[2] == MAPPED) {
		ctx->user_ip4 = s->pin[3];
	}
	return 1;
}

SEC("cgroup/getsockname6")
int hold_name6(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct hold_sock *s;
	struct addr6 p = { { 0, 0, 0, 0 } };

	if (!sk)
		return 1;
	s = bpf_sk_storage_get(&hold_socks, sk, NULL, 0);
	if (!s)
		return 1;
	if (!shows_own_port(s, ctx->user_port))
		return 1;
	ctx->user_port = bpf_htons(s->key.port);
	if ((s->flags & HOLD_S_SHOW_WILD) && no_peer(sk)) {
		__builtin_memcpy(p.w, s->key.addr, sizeof(p.w));
		set_dest6(ctx, &p);
	}
	return 1;
}

#include "hold_lookup.h"
#include "hold_option.h"
#include "hold_packets.h"

/* Nothing here calls a helper that is for GPL programs only. */
char LICENSE[] SEC("license") = "BSD";
