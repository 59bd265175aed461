/* test_lease.c - DHCP leases: what a server may say, what of it is believed, and the resolv.conf it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/lease.h"

#define GOOD "interface=epair0b\nip=10.0.0.5\nlease=120\n"

static struct lease parsed(const char *text)
{
	struct err e = ERR_INIT;
	struct lease l;

	if (lease_parse(text, &l, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	return l;
}

static void prints_as(const char *text, const char *want)
{
	struct lease l = parsed(text);
	struct sbuf out = { 0 };

	lease_format(&l, &out);
	assert_string_equal(out.p, want);
	sbuf_done(&out);
}

static void all_of_it(void **state)
{
	static const char text[] = "interface=epair0b\nip=10.0.0.5\nmask=24\nrouter=10.0.0.1\n"
				   "dns=10.0.0.1 10.0.0.2\ndomain=lab.example\nsearch=a.example b.example\nlease=120\n";

	(void)state;
	prints_as(text, text);
}

static void mask_or_subnet(void **state)
{
	(void)state;
	prints_as(GOOD "subnet=255.255.254.0", "interface=epair0b\nip=10.0.0.5\nmask=23\nlease=120\n");
	prints_as(GOOD "mask=32\nrouter=169.254.1.1",
	          "interface=epair0b\nip=10.0.0.5\nmask=32\nrouter=169.254.1.1\nlease=120\n");
	assert_int_equal(parsed("interface=a\nip=10.0.0.5\nmask=8\nlease=4294967295\n").seconds, LEASE_FOREVER);
}

static void what_cannot_be_is_left_out(void **state)
{
	(void)state;
	prints_as(GOOD "mask=24\nrouter=10.0.0.5 0.0.0.0 224.0.0.1 x 10.0.0.9\ndns=127.0.0.1 255.255.255.255 10.0.0.3 "
	               "10.0.0.4 10.0.0.6 10.0.0.7\ndomain=a b\nsearch=-x.example ok.example ../etc a..b\n",
	          "interface=epair0b\nip=10.0.0.5\nmask=24\nrouter=10.0.0.9\ndns=10.0.0.3 10.0.0.4 10.0.0.6\n"
	          "search=ok.example\nlease=120\n");
	prints_as(GOOD "mask=24\ndomain=x;rm -rf\ndomain=second.example\n",
	          "interface=epair0b\nip=10.0.0.5\nmask=24\nlease=120\n");
}

static void refused(void **state)
{
	static const char *const texts[] = {
		"",
		"ip=10.0.0.5\nmask=24\nlease=1\n",
		"interface=a/b\nip=10.0.0.5\nmask=24\nlease=1\n",
		"interface=aaaaaaaaaaaaaaaaaaaa\nip=10.0.0.5\nmask=24\nlease=1\n",
		GOOD,
		GOOD "mask=0",
		GOOD "mask=33",
		GOOD "subnet=255.0.255.0",
		"interface=a\nip=10.0.0.0\nmask=24\nlease=1\n",
		"interface=a\nip=10.0.0.255\nmask=24\nlease=1\n",
		"interface=a\nip=127.0.0.5\nmask=24\nlease=1\n",
		"interface=a\nip=224.0.0.5\nmask=24\nlease=1\n",
		"interface=a\nip=0.0.0.0\nmask=24\nlease=1\n",
		"interface=a\nip=10.0.0.5/24\nmask=24\nlease=1\n",
		"interface=a\nip=2001:db8::1\nmask=24\nlease=1\n",
		"interface=a\nip=10.0.0.5\nmask=24\nlease=0\n",
		"interface=a\nip=10.0.0.5\nmask=24\nlease=-1\n",
		"interface=a\nip=10.0.0.5\nmask=24\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct err e = ERR_INIT;
		struct lease l;

		if (lease_parse(texts[i], &l, &e) == 0)
			fail_msg("taken: %s", texts[i]);
		assert_true(e.msg[0]);
	}
}

static void resolver(void **state)
{
	struct lease a = parsed(GOOD "mask=24\ndns=10.0.0.1 10.0.0.2\ndomain=a.example");
	struct lease b = parsed(GOOD "mask=24\ndns=10.0.0.2 10.0.0.3 10.0.0.4\nsearch=b.example a.example");
	const struct lease *both[] = { &a, NULL, &b };
	struct sbuf out = { 0 };

	(void)state;
	lease_resolv(both, 3, &out);
	assert_string_equal(out.p, "search a.example b.example\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n"
	                           "nameserver 10.0.0.3\n");
	sbuf_clear(&out);
	a = parsed(GOOD "mask=24\ndomain=a.example");
	lease_resolv(both, 1, &out);
	assert_int_equal(out.len, 0);
	sbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(mask_or_subnet),
		cmocka_unit_test(what_cannot_be_is_left_out),
		cmocka_unit_test(refused),
		cmocka_unit_test(resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
