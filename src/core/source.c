/* source.c - which of its addresses a jail sends from: a list of prefixes, for the kernel to look destinations up in. */
#include "core/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/addr.h"

struct maker {
	bool v4;
	const struct source_addr *addrs;
	size_t naddrs;
	const struct source_route *routes;
	size_t nroutes;
	struct source_entry *list;
	size_t n;
};

static unsigned common(const uint8_t a[16], const uint8_t b[16])
{
	return bits_common(a, b, 128);
}

static int by_prefix(const void *a, const void *b)
{
	const struct source_entry *x = a, *y = b;
	int r = memcmp(x->dst, y->dst, 16);

	return r ? r : (int)x->len - (int)y->len;
}

static void add(struct maker *m, const uint8_t dst[16], unsigned len)
{
	struct source_entry *x = &m->list[m->n++];

	memset(x, 0, sizeof(*x));
	memcpy(x->dst, dst, sizeof(x->dst));
	bits_clear(x->dst, len, 128);
	x->len = (uint8_t)len;
}

/* Everything that goes to this prefix and to no longer one of the list has one answer. */
static void add_prefixes(struct maker *m)
{
	for (size_t i = 0; i < m->nroutes; i++)
		add(m, m->routes[i].dst, m->routes[i].len);
	if (m->v4)
		return;
	/* from where two of the jail's addresses differ, a destination may be nearer to one of them */
	for (size_t i = 0; i < m->naddrs; i++) {
		bool differs[128] = { false };

		for (size_t k = 0; k < m->naddrs; k++) {
			unsigned c = common(m->addrs[i].a, m->addrs[k].a);

			if (c < 128)
				differs[c] = true;
		}
		for (unsigned c = 0; c < 128; c++)
			if (differs[c])
				add(m, m->addrs[i].a, c + 1);
	}
}

static const struct source_route *route_of(const struct maker *m, const struct source_entry *x)
{
	const struct source_route *best = NULL;

	for (size_t i = 0; i < m->nroutes; i++) {
		const struct source_route *r = &m->routes[i];

		if (r->len <= x->len && (!best || r->len > best->len) && common(r->dst, x->dst) >= r->len)
			best = r;
	}
	return best;
}

static const uint8_t *choose(const struct maker *m, const struct source_entry *x)
{
	const struct source_route *r = route_of(m, x);
	const struct source_addr *best = NULL;
	bool on_link = false;
	unsigned longest = 0;

	for (size_t i = 0; r && i < m->naddrs; i++) {
		if (m->v4 && r->has_pref && memcmp(m->addrs[i].a, r->pref, 16) == 0)
			return m->addrs[i].a;
		on_link |= r->link && m->addrs[i].link == r->link;
	}
	for (size_t i = 0; i < m->naddrs; i++) {
		unsigned c = common(m->addrs[i].a, x->dst);

		if (on_link && m->addrs[i].link != r->link)
			continue;
		if (m->v4) {
			best = &m->addrs[i];
			break;
		}
		/* within the prefix all are as near as each other: what is nearer has an entry of its own */
		if (c > x->len)
			c = x->len;
		if (!best || c > longest) {
			best = &m->addrs[i];
			longest = c;
		}
	}
	return best ? best->a : m->addrs[0].a;
}

static void strike_repeated(struct maker *m)
{
	size_t kept = 0;

	if (!m->n)
		return;
	qsort(m->list, m->n, sizeof(m->list[0]), by_prefix);
	for (size_t i = 1; i < m->n; i++)
		if (by_prefix(&m->list[kept], &m->list[i]) != 0)
			m->list[++kept] = m->list[i];
	m->n = kept + 1;
}

int source_select(bool v4, const struct source_addr *addrs, size_t naddrs, const struct source_route *routes,
                  size_t nroutes, struct source_entry **ret, size_t *ret_n, struct err *e)
{
	struct maker m = { .v4 = v4, .addrs = addrs, .naddrs = naddrs, .routes = routes, .nroutes = nroutes };
	bool plain = true;

	*ret = NULL;
	*ret_n = 0;
	if (naddrs < 2)
		return 0;
	/* an address differs from the others in at most 128 places, and in no more than there are others */
	m.list = calloc(nroutes + (v4 ? 0 : naddrs * (naddrs < 128 ? naddrs : 128)) + 1, sizeof(m.list[0]));
	if (!m.list)
		return err_oom(e);
	add_prefixes(&m);
	strike_repeated(&m);
	for (size_t i = 0; i < m.n; i++) {
		memcpy(m.list[i].src, choose(&m, &m.list[i]), 16);
		plain = plain && memcmp(m.list[i].src, addrs[0].a, 16) == 0;
	}
	if (plain) { /* always the primary: nothing to look up */
		free(m.list);
		return 0;
	}
	*ret = m.list;
	*ret_n = m.n;
	return 0;
}
