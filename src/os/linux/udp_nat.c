/* udp_nat.c - in the monitor: UDP sockets that have another port in the kernel than in their jail, until they close. */
#include "os/linux/udp_nat.h"

#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/linux/hold.h"
#include "os/linux/jailproc.h"
#include "os/linux/own_port.h"
#include "os/linux/relay.h"
#include "os/linux/shared.h"
#include "os/linux/translate.h"

#define RECORDS_MAX 1024
#define HOST_MAX    256

/* One hidden port. Sockets of a SO_REUSEPORT group have it in common. */
struct record {
	struct hold_port_key key;
	uint16_t real;
};

struct nat {
	struct hold_maps maps;
	uint64_t jail;
	struct translate *table; /* NULL: there can be none */
	struct relay *relay; /* NULL: packets to groups cannot be had */
	int ring, bell; /* the map the kernel rings in when such a socket closes; an epoll fd to hear it by */
	unsigned long *consumed, *produced; /* positions in the ring, shared with the kernel */
	struct record records[RECORDS_MAX];
	uint16_t groups[RECORDS_MAX];
	size_t n;
	/* at most every address of the jail for every record */
	uint8_t host4[HOST_MAX][16], host6[HOST_MAX][16]; /* the host's addresses of a family that is inherited */
	struct translation list[RECORDS_MAX + 2 * HOLD_ADDRS_MAX];
};

/* A ring of our own: it has one reader. Its records are not looked at, that there is one says enough. */
static int ring_open(struct nat *t)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct epoll_event ev = { .events = EPOLLIN };
	void *c, *p;

	t->ring = hold_ring(page);
	if (t->ring < 0)
		return t->ring;
	c = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, t->ring, 0);
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, t->ring, (off_t)page);
	t->bell = epoll_create1(EPOLL_CLOEXEC);
	if (c == MAP_FAILED || p == MAP_FAILED || t->bell < 0)
		return -errno;
	t->consumed = c;
	t->produced = p;
	if (epoll_ctl(t->bell, EPOLL_CTL_ADD, t->ring, &ev) < 0)
		return -errno;
	return hold_map_put(t->maps.hold_events, &t->jail, &t->ring, BPF_ANY);
}

static int open_table(struct nat *t)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct err e = ERR_INIT;

	t->relay = relay_open(&t->maps, t->jail);
	if (t->relay && epoll_ctl(t->bell, EPOLL_CTL_ADD, relay_fd(t->relay), &ev) == 0 &&
	    translate_open(t->jail, relay_group(t->relay), &t->table, &e) == 0)
		return 0;
	/* a kernel without nft_log or nfnetlink_log */
	relay_close(t->relay);
	t->relay = NULL;
	return translate_open(t->jail, 0, &t->table, &e);
}

/* What is opened stays until the monitor ends: also where it is of no use, as then nobody asks again. */
static struct nat *nat_open(void)
{
	struct nat *t = calloc(1, sizeof(*t));
	struct err e = ERR_INIT;

	if (!t)
		return NULL;
	t->ring = t->bell = -1;
	if (hold_maps_open(&t->maps, &e) < 0 || broker_own_group(&t->jail, &e) < 0 || ring_open(t) < 0 ||
	    open_table(t) < 0)
		t->table = NULL;
	return t;
}

static void alias_key(const struct nat *t, uint16_t real, struct hold_port_key *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->jail = t->jail;
	ret->port = real;
	ret->proto = IPPROTO_UDP;
	ret->kind = HOLD_ALIAS;
}

static size_t add(struct nat *t, size_t n, const struct record *x, const uint8_t addr[16])
{
	if (n == sizeof(t->list) / sizeof(t->list[0]))
		return n;
	memcpy(t->list[n].addr, addr, 16);
	t->list[n].shown = x->key.port;
	t->list[n].real = x->real;
	return n + 1;
}

/* Is it bound to all addresses of the family. */
static bool covers(const struct hold_port_key *k, bool v4)
{
	static const uint8_t zero[16] = { 0 }, zero4[16] = { [10] = 0xff, [11] = 0xff };

	return k->kind == HOLD_DUAL || memcmp(k->addr, v4 ? zero4 : zero, 16) == 0;
}

static bool is_one(const struct hold_port_key *k)
{
	return !covers(k, true) && !covers(k, false);
}

/* Whoever has a socket on all addresses hears what goes to groups and to all. */
static int update_groups(struct nat *t)
{
	struct err e = ERR_INIT;
	size_t n = 0;

	if (!t->relay)
		return 0;
	for (size_t i = 0; i < t->n; i++) {
		bool seen = is_one(&t->records[i].key);

		for (size_t k = 0; k < n && !seen; k++)
			seen = t->groups[k] == t->records[i].key.port;
		if (!seen)
			t->groups[n++] = t->records[i].key.port;
	}
	return translate_groups(t->table, t->groups, n, &e);
}

/* The real ports of those on the port shown. */
static unsigned hearers(void *ctx, bool v4, uint16_t shown, uint16_t *ret, unsigned cap)
{
	const struct nat *t = ctx;
	unsigned n = 0;

	for (size_t i = 0; i < t->n && n < cap; i++) {
		bool seen = t->records[i].key.port != shown || !covers(&t->records[i].key, v4);

		for (unsigned k = 0; k < n && !seen; k++)
			seen = ret[k] == t->records[i].real;
		if (!seen)
			ret[n++] = t->records[i].real;
	}
	return n;
}

/* What the table is to say: first the records of one address, as they are found before the wildcards. */
static int update(struct nat *t, const struct hold *h)
{
	struct err e = ERR_INIT;
	uint8_t a[16];
	size_t n = 0, n4 = 0, n6 = 0;

	if (t->n && (h->ip4 == IP_INHERIT || h->ip6 == IP_INHERIT)) {
		n4 = h->ip4 == IP_INHERIT ? host_addrs(true, t->host4, HOST_MAX) : 0;
		n6 = h->ip6 == IP_INHERIT ? host_addrs(false, t->host6, HOST_MAX) : 0;
	}
	for (size_t i = 0; i < t->n; i++)
		if (is_one(&t->records[i].key) && hold_lists(h, t->records[i].key.addr))
			n = add(t, n, &t->records[i], t->records[i].key.addr);
	for (size_t i = 0; i < t->n; i++) {
		const struct record *x = &t->records[i];

		for (uint32_t k = 0; h->ip4 == IP_NEW && covers(&x->key, true) && k < h->n4; k++) {
			hold_mapped(h->a4[k], a);
			n = add(t, n, x, a);
		}
		for (uint32_t k = 0; h->ip6 == IP_NEW && covers(&x->key, false) && k < h->n6; k++)
			n = add(t, n, x, h->a6[k]);
		for (size_t k = 0; covers(&x->key, true) && k < n4; k++)
			n = add(t, n, x, t->host4[k]);
		for (size_t k = 0; covers(&x->key, false) && k < n6; k++)
			n = add(t, n, x, t->host6[k]);
	}
	return update_groups(t) < 0 ? -EIO : translate_set(t->table, t->list, n, &e);
}

/* The broker is not trusted with more than its jail's own sockets and addresses. */
static bool is_proper(const struct nat *t, const struct nat_ask *q, const struct hold *h)
{
	const struct hold_port_key *k = &q->key;

	if (k->jail != t->jail || k->proto != IPPROTO_UDP || !k->port || k->slot)
		return false;
	return k->kind == HOLD_DUAL || (k->kind == HOLD_ADDR && (!is_one(k) || hold_lists(h, k->addr)));
}

static enum nat_what translate_one(struct nat *t, const struct nat_ask *q, const struct hold *h)
{
	struct hold_port value = { .count = 1, .real = q->key.port };
	enum nat_what yes = t && t->relay ? NAT_RELAYED : NAT_DONE;
	struct hold_port_key alias;

	if (!t)
		return NAT_REFUSED;
	if (!t->table)
		return NAT_NEVER;
	if (!q->real)
		return t->n < RECORDS_MAX ? yes : NAT_FULL;
	if (!is_proper(t, q, h))
		return NAT_REFUSED;
	for (size_t i = 0; i < t->n; i++)
		if (memcmp(&t->records[i].key, &q->key, sizeof(q->key)) == 0 && t->records[i].real == q->real)
			return yes;
	alias_key(t, q->real, &alias);
	if (t->n == RECORDS_MAX || hold_map_put(t->maps.hold_ports, &alias, &value, BPF_ANY) < 0)
		return NAT_FULL;
	t->records[t->n++] = (struct record){ .key = q->key, .real = q->real };
	if (update(t, h) == 0)
		return yes;
	t->n--;
	(void)hold_map_del(t->maps.hold_ports, &alias);
	return NAT_REFUSED;
}

static const char *bound_met(const struct nat_ask *q, enum nat_what answer)
{
	if (q->own == NAT_NO_SOCKETS)
		return "the jail has as many sockets as it may have: socket() is refused (ENOBUFS); see maxsockets";
	if (q->own == NAT_NO_PORTS)
		return "no port outside the host's ephemeral range is free for one more socket: bind() and listen() "
		       "are "
		       "refused (ENOBUFS)";
	return answer == NAT_FULL
	               ? "the jail has as many UDP sockets with a port of their own as it may have: bind() is "
	                 "refused (ENOBUFS)"
	               : NULL;
}

bool nat_serve(struct nat **t, int sock, const struct hold *h, struct nat_heard *ret)
{
	struct nat_answer a = { .what = NAT_REFUSED };
	struct nat_ask q;
	_cleanup_close_ int fd = -1;
	ssize_t n = sync_recv(sock, &q, sizeof(q), &fd, 1);

	*ret = (struct nat_heard){ 0 };
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	if (n != sizeof(q))
		return false;
	a.seq = q.seq;
	ret->met = bound_met(&q, NAT_DONE);
	if (q.own) {
		if (q.own == NAT_REBOOT || q.own == NAT_HALT) {
			ret->end = q.own;
			a.what = NAT_DONE;
		}
		if (q.own == NAT_OWN_PORT && fd >= 0 && own_port_bind(fd, q.key.addr, h))
			a.what = NAT_DONE;
		return send(sock, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(a);
	}
	if (!*t)
		*t = nat_open();
	if (*t && (*t)->table)
		nat_rung(*t, h); /* what has closed makes room */
	a.what = (char)translate_one(*t, &q, h);
	ret->met = bound_met(&q, (enum nat_what)a.what);
	return send(sock, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(a);
}

int nat_bell(const struct nat *t)
{
	return t && t->table ? t->bell : -1;
}

void nat_rung(struct nat *t, const struct hold *h)
{
	size_t kept = 0;

	if (t->relay)
		relay_serve(t->relay, hearers, t);
	/* first: what closes from now on rings again */
	__atomic_store_n(t->consumed, __atomic_load_n(t->produced, __ATOMIC_ACQUIRE), __ATOMIC_RELEASE);
	for (size_t i = 0; i < t->n; i++) {
		struct hold_port_key alias;
		struct hold_port p;

		if (hold_map_get(t->maps.hold_ports, &t->records[i].key, &p) == 0 && !(p.count & HOLD_DEAD) &&
		    p.real == t->records[i].real) {
			t->records[kept++] = t->records[i];
			continue;
		}
		alias_key(t, t->records[i].real, &alias);
		(void)hold_map_del(t->maps.hold_ports, &alias);
	}
	if (kept == t->n)
		return;
	t->n = kept;
	/* refused: what is left over is for ports that nobody has */
	if (update(t, h) < 0)
		return;
}

void nat_refresh(struct nat *t, const struct hold *h)
{
	/* refused: wildcards send from their old addresses until one of them closes */
	if (t && t->table && t->n && update(t, h) < 0)
		return;
}
