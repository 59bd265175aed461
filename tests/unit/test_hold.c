/* test_hold.c - the text of the `hold` operation and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hold.h"

static void round_trip(void **state)
{
	static const char *const texts[] = {
		"ip4=new ip6=new saddrsel4=1 saddrsel6=1 raw=0 reserved=1 a=10.0.0.5,10.0.0.6,2001:db8::5",
		"ip4=inherit ip6=disable saddrsel4=0 saddrsel6=1 raw=1 reserved=0",
		"ip4=new ip6=new saddrsel4=1 saddrsel6=1 raw=0 reserved=1 sockets=100 a=10.0.0.5",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sbuf out = { 0 };
		struct hold h;
		struct err e = ERR_INIT;

		assert_int_equal(hold_parse(texts[i], &h, &e), 0);
		hold_format(&h, &out);
		assert_string_equal(out.p, texts[i]);
		sbuf_done(&out);
	}
}

static void refused(void **state)
{
	static const char *const texts[] = { "ip4=old", "raw=2", "a=10.0.0.300", "a=10.0.0.1/24", "a=fe80::1%em0",
		                             "x=1",     "word",  "sockets=",     "sockets=-1",    "sockets=1x" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct hold h;
		struct err e = ERR_INIT;

		assert_true(hold_parse(texts[i], &h, &e) < 0);
		assert_true(e.msg[0]);
	}
}

static void silence_allows_nothing(void **state)
{
	struct hold h;

	(void)state;
	assert_int_equal(hold_parse("", &h, NULL), 0);
	assert_int_equal(h.ip4, IP_DISABLE);
	assert_int_equal(h.ip6, IP_DISABLE);
	assert_false(h.raw_sockets);
}

static void at_most_255(void **state)
{
	struct sbuf t = { 0 };
	struct hold *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	sbuf_add(&t, "ip4=new a=10.0.0.0");
	for (int i = 1; i < 255; i++)
		sbuf_addf(&t, ",10.0.0.%d", i);
	assert_int_equal(hold_parse(t.p, h, NULL), 0);
	assert_int_equal(h->n4, 255);
	sbuf_add(&t, ",10.0.1.0");
	assert_true(hold_parse(t.p, h, NULL) < 0);
	sbuf_done(&t);
	free(h);
}

static void from_jail(void **state)
{
	struct jaddr a4[2] = { { .mode = JADDR_STATIC }, { .mode = JADDR_STATIC } };
	struct jail j = {
		.a4 = a4, .n4 = 2, .ip4_saddrsel = true, .allow = ALLOW_RAW_SOCKETS, .sockets_max = HOLD_SOCKETS
	};
	struct sbuf out = { 0 };
	struct hold h;

	(void)state;
	assert_int_equal(ipaddr_parse("10.0.0.5/24", 4, &a4[0].addr, NULL), 0);
	assert_int_equal(ipaddr_parse("10.0.0.6", 4, &a4[1].addr, NULL), 0);
	hold_from_jail(&j, &h);
	hold_format(&h, &out);
	assert_string_equal(out.p, "ip4=new ip6=new saddrsel4=1 saddrsel6=0 raw=1 reserved=1 a=10.0.0.5,10.0.0.6");
	sbuf_done(&out);
	/* all of the host's addresses, or none: the list says nothing */
	j.ip4 = IP_INHERIT;
	hold_from_jail(&j, &h);
	assert_int_equal(h.n4, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),  cmocka_unit_test(refused),   cmocka_unit_test(silence_allows_nothing),
		cmocka_unit_test(at_most_255), cmocka_unit_test(from_jail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
