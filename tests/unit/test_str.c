/* test_str.c - strings: buffers, lists, numbers, natural order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"

static void buffer_grows(void **state)
{
	struct sbuf b = { 0 };
	char *s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		sbuf_addf(&b, "%d,", i);
	sbuf_addc(&b, '!');
	assert_false(b.failed);
	assert_int_equal(b.len, strlen(b.p));
	assert_int_equal(b.p[b.len - 1], '!');
	s = sbuf_take(&b);
	assert_null(b.p);
	assert_true(str_starts(s, "0,1,2,"));
	free(s);
	s = sbuf_take(&b);
	assert_string_equal(s, "");
	free(s);
}

static void numbers_are_strict(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_true(str_to_uint("0", 0, 10, &v));
	assert_int_equal(v, 0);
	assert_true(str_to_uint("18446744073709551615", 0, UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_false(str_to_uint("18446744073709551616", 0, UINT64_MAX, &v));
	assert_false(str_to_uint("", 0, 10, &v));
	assert_false(str_to_uint("-1", 0, 10, &v));
	assert_false(str_to_uint("+1", 0, 10, &v));
	assert_false(str_to_uint(" 1", 0, 10, &v));
	assert_false(str_to_uint("1 ", 0, 10, &v));
	assert_false(str_to_uint("0x1", 0, 10, &v));
	assert_false(str_to_uint("11", 0, 10, &v));
	assert_false(str_to_uint("4", 5, 10, &v));
}

static void copy_fits_or_fails(void **state)
{
	char buf[4] = "abc";

	(void)state;
	assert_int_equal(str_copy(buf, sizeof(buf), "xyz"), 0);
	assert_string_equal(buf, "xyz");
	assert_true(str_copy(buf, sizeof(buf), "long") < 0);
	assert_string_equal(buf, "xyz");
}

static void lists(void **state)
{
	struct strv l = { 0 };

	(void)state;
	assert_int_equal(strv_split(&l, " a, b ,,c\t,", ","), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "a");
	assert_string_equal(l.v[1], "b");
	assert_string_equal(l.v[2], "c");
	assert_null(l.v[3]);
	assert_true(strv_has(&l, "b"));
	assert_false(strv_has(&l, "B"));
	for (int i = 0; i < 100; i++)
		assert_int_equal(strv_add(&l, "x"), 0);
	assert_int_equal(l.n, 103);
	assert_null(l.v[103]);
	strv_done(&l);
	assert_null(l.v);
}

static void natural_order(void **state)
{
	(void)state;
	assert_true(str_natcmp("x_2", "x_10") < 0);
	assert_true(str_natcmp("x_10", "x_2") > 0);
	assert_true(str_natcmp("x_2", "x_2") == 0);
	assert_true(str_natcmp("a", "b") < 0);
	assert_true(str_natcmp("a", "aa") < 0);
	assert_true(str_natcmp("a9b", "a09c") < 0);
	assert_true(str_natcmp("web12", "web12a") < 0);
	assert_true(str_natcmp("x99999999999999999999998", "x99999999999999999999999") < 0);
}

static void prefixes(void **state)
{
	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("a", "ab"));
	assert_true(str_ends("a.txz", ".txz"));
	assert_false(str_ends("txz", ".txz"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_grows),       cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(copy_fits_or_fails), cmocka_unit_test(lists),
		cmocka_unit_test(natural_order),      cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
