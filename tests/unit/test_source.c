/* test_source.c - which address a jail with several sends from: FreeBSD's rules, as prefixes to be looked up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/addr.h"
#include "core/source.h"

static void wide(const char *text, uint8_t ret[16], uint8_t *ret_len)
{
	struct ipaddr a;

	assert_int_equal(ipaddr_parse(text, 0, &a, NULL), 0);
	memset(ret, 0, 16);
	if (a.family == 4) {
		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, a.b, 4);
	} else {
		memcpy(ret, a.b, 16);
	}
	if (ret_len)
		*ret_len = (uint8_t)(a.has_prefix ? a.prefix + (a.family == 4 ? 96 : 0) : 128);
}

struct addr {
	const char *text;
	uint32_t link;
};

struct route {
	const char *dst;
	uint32_t link;
	const char *pref;
};

struct world {
	struct source_addr addrs[8];
	size_t naddrs;
	struct source_entry *list;
	size_t n;
};

static void make(struct world *w, bool v4, const struct addr *addrs, const struct route *routes)
{
	struct source_route r[16];
	struct err e = ERR_INIT;
	size_t n = 0;

	memset(w, 0, sizeof(*w));
	memset(r, 0, sizeof(r));
	for (; addrs->text; addrs++) {
		wide(addrs->text, w->addrs[w->naddrs].a, NULL);
		w->addrs[w->naddrs++].link = addrs->link;
	}
	for (; routes->dst; routes++) {
		wide(routes->dst, r[n].dst, &r[n].len);
		r[n].link = routes->link;
		r[n].has_pref = routes->pref != NULL;
		if (routes->pref)
			wide(routes->pref, r[n].pref, NULL);
		n++;
	}
	assert_int_equal(source_select(v4, w->addrs, w->naddrs, r, n, &w->list, &w->n, &e), 0);
}

/* As the kernel looks it up: the longest prefix, else the primary address. */
static void goes(const struct world *w, const char *dst, const char *src)
{
	const uint8_t *got = w->addrs[0].a;
	uint8_t d[16], want[16];
	int best = -1;

	wide(dst, d, NULL);
	wide(src, want, NULL);
	for (size_t i = 0; i < w->n; i++) {
		const struct source_entry *x = &w->list[i];
		unsigned same = 0;

		while (same < 128 && ((d[same / 8] ^ x->dst[same / 8]) & (0x80 >> same % 8)) == 0)
			same++;
		if (same >= x->len && (int)x->len > best) {
			best = x->len;
			got = x->src;
		}
	}
	if (memcmp(got, want, 16) != 0)
		fail_msg("to %s: not from %s", dst, src);
}

static void one_address(void **state)
{
	static const struct addr a[] = { { "192.0.2.11", 2 }, { NULL, 0 } };
	static const struct route r[] = { { "0.0.0.0/0", 3, NULL }, { NULL, 0, NULL } };
	struct world w;

	(void)state;
	make(&w, true, a, r);
	assert_int_equal(w.n, 0);
	assert_null(w.list);
}

static void by_interface(void **state)
{
	static const struct addr a[] = {
		{ "192.0.2.11", 2 }, { "198.51.100.11", 3 }, { "198.51.100.12", 3 }, { NULL, 0 }
	};
	static const struct route r[] = { { "192.0.2.0/24", 2, NULL },
		                          { "198.51.100.0/24", 3, "198.51.100.1" },
		                          { "203.0.113.0/24", 3, "198.51.100.12" },
		                          { "203.0.113.9/32", 4, NULL },
		                          { "0.0.0.0/0", 2, NULL },
		                          { NULL, 0, NULL } };
	struct world w;

	(void)state;
	make(&w, true, a, r);
	goes(&w, "192.0.2.254", "192.0.2.11");
	/* the route's own source is not the jail's: the first on its interface */
	goes(&w, "198.51.100.254", "198.51.100.11");
	goes(&w, "203.0.113.8", "198.51.100.12");
	/* an interface without an address of the jail */
	goes(&w, "203.0.113.9", "192.0.2.11");
	goes(&w, "9.9.9.9", "192.0.2.11");
	free(w.list);
}

/* Nothing is looked up where the answer is always the same. */
static void always_primary(void **state)
{
	static const struct addr a[] = { { "192.0.2.11", 2 }, { "192.0.2.12", 2 }, { NULL, 0 } };
	static const struct route r[] = { { "192.0.2.0/24", 2, "192.0.2.1" },
		                          { "0.0.0.0/0", 2, NULL },
		                          { NULL, 0, NULL } };
	struct world w;

	(void)state;
	make(&w, true, a, r);
	assert_int_equal(w.n, 0);
}

static void by_prefix(void **state)
{
	static const struct addr a[] = { { "2001:db8::12", 2 }, { "2001:db8::13", 2 }, { "fd00::5", 2 }, { NULL, 0 } };
	static const struct route none[] = { { NULL, 0, NULL } };
	struct world w;

	(void)state;
	make(&w, false, a, none);
	goes(&w, "2001:db8::12", "2001:db8::12");
	goes(&w, "2001:db8::13", "2001:db8::13");
	goes(&w, "2001:db8::254", "2001:db8::12");
	goes(&w, "2001:4860::1", "2001:db8::12");
	goes(&w, "fd00::99", "fd00::5");
	goes(&w, "fdff::1", "fd00::5");
	goes(&w, "::1", "2001:db8::12");
	free(w.list);
}

/* The interface comes first, and a longer route is not overruled by what is near another one. */
static void interface_before_prefix(void **state)
{
	static const struct addr a[] = {
		{ "2001:db8::21", 2 }, { "2001:db8:1::21", 3 }, { "2001:db8:1::22", 3 }, { NULL, 0 }
	};
	static const struct route r[] = { { "::/0", 2, NULL },
		                          { "2001:db8:1::/64", 3, NULL },
		                          { "2001:db8:1::8000/113", 2, NULL },
		                          { "2001:db8:2::/64", 9, NULL },
		                          { NULL, 0, NULL } };
	struct world w;

	(void)state;
	make(&w, false, a, r);
	goes(&w, "2001:db8::1", "2001:db8::21");
	goes(&w, "2001:db8:1::254", "2001:db8:1::21");
	goes(&w, "2001:db8:1::22", "2001:db8:1::22");
	goes(&w, "2001:db8:1::8001", "2001:db8::21");
	goes(&w, "2001:db9::1", "2001:db8::21");
	/* none on that interface: the longest prefix of all; 2001:db8:: and 2001:db8:1:: are as near */
	goes(&w, "2001:db8:2::1", "2001:db8::21");
	free(w.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address),
		cmocka_unit_test(by_interface),
		cmocka_unit_test(always_primary),
		cmocka_unit_test(by_prefix),
		cmocka_unit_test(interface_before_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
