/* test_addr.c - addresses: what is taken, what is refused, and that printing is the inverse of parsing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/addr.h"

static void good_addresses(void **state)
{
	static const struct {
		const char *in;
		int family;
		const char *out;
	} t[] = {
		{ "10.0.0.5", 0, "10.0.0.5" },
		{ "10.0.0.5/24", 4, "10.0.0.5/24" },
		{ "10.0.0.5/255.255.255.0", 4, "10.0.0.5/24" },
		{ "10.0.0.5/255.255.255.255", 4, "10.0.0.5/32" },
		{ "10.0.0.5/0.0.0.0", 4, "10.0.0.5/0" },
		{ "0.0.0.0/0", 4, "0.0.0.0/0" },
		{ "2001:DB8::1/64", 6, "2001:db8::1/64" },
		{ "2001:123:456:242::5/64", 0, "2001:123:456:242::5/64" },
		{ "fe80::1%em0/64", 6, "fe80::1%em0/64" },
		{ "::", 6, "::" },
		{ "::1/128", 6, "::1/128" },
		{ "::ffff:10.0.0.1", 6, "::ffff:10.0.0.1" },
	};
	char buf[IPADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ipaddr a, b;
		struct err e = ERR_INIT;

		assert_int_equal(ipaddr_parse(t[i].in, t[i].family, &a, &e), 0);
		assert_string_equal(ipaddr_format(&a, buf), t[i].out);
		assert_int_equal(ipaddr_parse(buf, 0, &b, &e), 0);
		assert_true(ipaddr_same_host(&a, &b));
		assert_int_equal(a.prefix, b.prefix);
		assert_string_equal(e.msg, "");
	}
}

static void bad_addresses(void **state)
{
	static const struct {
		const char *in;
		int family;
	} t[] = {
		{ "", 0 },
		{ "/", 0 },
		{ "/24", 0 },
		{ "10.0.0.300", 0 },
		{ "10.0.0", 0 },
		{ "10.0.0.5/33", 0 },
		{ "10.0.0.5/", 0 },
		{ "10.0.0.5/-1", 0 },
		{ "10.0.0.5/+8", 0 },
		{ "10.0.0.5/024", 0 },
		{ "10.0.0.5/24x", 0 },
		{ "10.0.0.5/24/24", 0 },
		{ "10.0.0.5/255.0.255.0", 0 },
		{ "10.0.0.5/4294967320", 0 },
		{ " 10.0.0.5", 0 },
		{ "10.0.0.5 ", 0 },
		{ "10.0.0.5\n", 0 },
		{ "0x0a.0.0.5", 0 },
		{ "010.0.0.5", 0 },
		{ "2001:db8::1/129", 0 },
		{ "2001:db8::1/255.0.0.0", 0 },
		{ "2001:db8:::1", 0 },
		{ "1:2:3:4:5:6:7:8:9", 0 },
		{ "fe80::1%", 0 },
		{ "fe80::1%a/b/64", 0 },
		{ "fe80::1%abcdefghijklmnop", 0 },
		{ "10.0.0.5%em0", 0 },
		{ "10.0.0.5", 6 },
		{ "2001:db8::1", 4 },
		{ "none", 0 },
		{ "1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111"
		  "111111",
		  0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ipaddr a = { .family = 99 };
		struct err e = ERR_INIT;

		assert_true(ipaddr_parse(t[i].in, t[i].family, &a, &e) < 0);
		assert_int_equal(a.family, 99);
		assert_true(e.msg[0] != '\0');
		assert_null(strchr(e.msg, '\n') && !strchr(t[i].in, '\n') ? e.msg : NULL);
	}
}

static bool in_prefix(const char *host, const char *net)
{
	struct ipaddr a, n;

	assert_int_equal(ipaddr_parse(host, 0, &a, NULL), 0);
	assert_int_equal(ipaddr_parse(net, 0, &n, NULL), 0);
	return ipaddr_in_prefix(&a, &n);
}

static void prefixes(void **state)
{
	(void)state;
	assert_true(in_prefix("10.0.0.1", "10.0.0.5/24"));
	assert_true(in_prefix("10.0.0.127", "10.0.0.5/25"));
	assert_false(in_prefix("10.0.0.128", "10.0.0.5/25"));
	assert_true(in_prefix("192.168.0.1", "10.0.0.5/0"));
	assert_true(in_prefix("10.0.0.5", "10.0.0.5/32"));
	assert_false(in_prefix("10.0.0.4", "10.0.0.5/32"));
	assert_false(in_prefix("10.0.0.4", "10.0.0.5"));
	assert_true(in_prefix("2001:db8::1", "2001:db8::5/64"));
	assert_false(in_prefix("2001:db9::1", "2001:db8::5/64"));
	assert_true(in_prefix("2001:db9::1", "2001:db8::5/31"));
	assert_false(in_prefix("10.0.0.1", "::/0"));
}

static void bits(void **state)
{
	uint8_t a[4] = { 0xff, 0xff, 0xff, 0xff }, b[4] = { 0xff, 0xff, 0xfb, 0xff };

	(void)state;
	assert_int_equal(bits_common(a, b, 32), 21);
	assert_int_equal(bits_common(a, b, 21), 21);
	assert_int_equal(bits_common(a, b, 20), 20);
	assert_int_equal(bits_common(a, a, 32), 32);
	assert_int_equal(bits_common(a, b, 0), 0);
	bits_clear(a, 21, 32);
	assert_memory_equal(a, ((uint8_t[]){ 0xff, 0xff, 0xf8, 0 }), 4);
	bits_clear(a, 32, 32);
	assert_int_equal(a[2], 0xf8);
	bits_clear(a, 0, 16);
	assert_memory_equal(a, ((uint8_t[]){ 0, 0, 0xf8, 0 }), 4);
}

static void loopback_names(void **state)
{
	(void)state;
	assert_true(ifname_same("lo", "lo0"));
	assert_true(ifname_same("em0", "em0"));
	assert_false(ifname_same("lo1", "lo0"));
	assert_false(ifname_same("", "lo"));
}

static void macs(void **state)
{
	static const char *const good[] = { "02:ff:60:6a:86:aa", "02-FF-60-6A-86-AA", "02ff606a86aa" };
	static const char *const bad[] = { "",
		                           "02",
		                           "02:ff:60:6a:86",
		                           "02:ff:60:6a:86:aa:bb",
		                           "02:ff-60:6a:86:aa",
		                           "02ff606a86a",
		                           "02ff606a86aag",
		                           "0g:ff:60:6a:86:aa",
		                           "02:ff:60:6a:86:aa ",
		                           "2:ff:60:6a:86:aa",
		                           ":::::" };
	char buf[18];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct macaddr m;

		assert_int_equal(mac_parse(good[i], &m, NULL), 0);
		assert_true(m.set);
		assert_string_equal(mac_format(&m, buf), "02:ff:60:6a:86:aa");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct macaddr m = { .set = false };

		assert_true(mac_parse(bad[i], &m, NULL) < 0);
		assert_false(m.set);
	}
}

static bool same(const struct macaddr *a, const struct macaddr *b)
{
	return memcmp(a->b, b->b, 6) == 0;
}

static void derived_macs(void **state)
{
	struct macaddr h, j, h2, j2;

	(void)state;
	mac_derive("host-a", "www", "vnet0", NULL, &h, &j);
	mac_derive("host-a", "www", "vnet0", NULL, &h2, &j2);
	assert_true(same(&h, &h2) && same(&j, &j2));
	assert_true(h.set && j.set);
	assert_int_equal(h.b[0] & 3, 2);
	assert_memory_equal(h.b, j.b, 5);
	assert_int_equal(h.b[5] + 1, j.b[5]);
	mac_derive("host-b", "www", "vnet0", NULL, &h2, &j2);
	assert_false(same(&h, &h2));
	mac_derive("host-a", "www", "vnet1", NULL, &h2, &j2);
	assert_false(same(&h, &h2));
	mac_derive("host-a", "wwwv", "net0", NULL, &h2, &j2);
	assert_false(same(&h, &h2));
	mac_derive("host-a", "www", "vnet0", "02ff60", &h2, &j2);
	assert_memory_equal(h2.b, "\x02\xff\x60", 3);
	/* a prefix that is no local unicast one is made so */
	mac_derive("host-a", "www", "vnet0", "01ff60", &h2, &j2);
	assert_int_equal(h2.b[0], 0x02);
}

/* 2,000 jails of one host: with 39 free bits no two may meet */
static void derived_macs_spread(void **state)
{
	enum { N = 2000 };
	struct macaddr *m = calloc(N, sizeof(*m)), j;
	char name[16];

	(void)state;
	assert_non_null(m);
	for (int i = 0; i < N; i++) {
		name[0] = 'j';
		name[1] = (char)('0' + i / 1000);
		name[2] = (char)('0' + i / 100 % 10);
		name[3] = (char)('0' + i / 10 % 10);
		name[4] = (char)('0' + i % 10);
		name[5] = '\0';
		mac_derive("0123456789abcdef", name, "vnet0", NULL, &m[i], &j);
		for (int k = 0; k < i; k++)
			assert_false(same(&m[i], &m[k]));
	}
	free(m);
}

static void names(void **state)
{
	static const char *const good[] = { "em0", "vnet0.7", "br-lan", "a", "abcdefghijklmno", "en0@x" };
	static const char *const bad[] = { "",    ".",   "..",  "a b",  "a/b",   "a:b",
		                           "a|b", "a%d", "a,b", "a\tb", "a\x7f", "abcdefghijklmnop" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(ifname_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ifname_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses), cmocka_unit_test(bad_addresses),       cmocka_unit_test(prefixes),
		cmocka_unit_test(bits),           cmocka_unit_test(loopback_names),      cmocka_unit_test(macs),
		cmocka_unit_test(derived_macs),   cmocka_unit_test(derived_macs_spread), cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
