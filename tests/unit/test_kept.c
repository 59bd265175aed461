/* test_kept.c - what other programs took from a jail, as text and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "core/kept.h"

static void kept_there_and_back(void **state)
{
	static const char text[] = "192.0.2.10/24 em0 3 1700000000 0\n2001:db8::5/64 em1 5 1700000001 1\n";
	_cleanup_(sbuf_done) struct sbuf out = { 0 };
	struct kept_list l;

	(void)state;
	assert_int_equal(kept_parse(text, &l), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0].times, 3);
	assert_false(l.v[0].left);
	assert_string_equal(l.v[1].link, "em1");
	assert_true(l.v[1].left);
	kept_format(&l, &out);
	assert_string_equal(out.p, text);
	kept_done(&l);
}

/* A file that was damaged: what can be read of it counts. */
static void kept_bad_lines(void **state)
{
	struct kept_list l;

	(void)state;
	assert_int_equal(
		kept_parse(
			"\nx em0 1 1 0\n192.0.2.1/24 em0 1\n192.0.2.1/24 a/b 1 1 0\n"
			"192.0.2.1/24 aaaaaaaaaaaaaaaaaaaaaaaa 1 1 0\n192.0.2.2/24 em0 1 1 0\n192.0.2.3/24 em0 1 1 0",
			&l),
		0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.v[0].addr.b[3], 2);
	kept_done(&l);
}

static void kept_one_entry_each(void **state)
{
	struct kept_list l = { 0 };
	struct ipaddr a = { 0 };

	(void)state;
	assert_int_equal(ipaddr_parse("192.0.2.1/24", 4, &a, NULL), 0);
	kept_get(&l, &a, "em0")->times = 7;
	assert_int_equal(kept_get(&l, &a, "em0")->times, 7);
	assert_int_equal(l.n, 1);
	for (unsigned i = 0; i < 2 * KEPT_MAX; i++) {
		a.b[2] = (uint8_t)(i >> 8);
		a.b[3] = (uint8_t)i;
		(void)kept_get(&l, &a, "em0");
	}
	assert_int_equal(l.n, KEPT_MAX);
	assert_null(kept_get(&l, &a, "em0"));
	kept_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_there_and_back),
		cmocka_unit_test(kept_bad_lines),
		cmocka_unit_test(kept_one_entry_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
