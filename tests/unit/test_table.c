/* test_table.c - text tables: shape, centring, script mode, and what must not reach a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"

static const char *const head[] = { "JID", "NAME", "STATE", "RELEASE", "IP4" };

static void fill(struct table *t)
{
	table_init(t, head, 5);
	table_row(t, (const char *const[]){ "3", "www", "up", "14.2-RELEASE", "10.0.0.5" });
	table_row(t, (const char *const[]){ "-", "db_1", "down", "14.2-RELEASE", "DHCP" });
}

static void test_box(void **state)
{
	struct sbuf out = { 0 };
	struct table t;

	(void)state;
	fill(&t);
	assert_true(table_print(&t, false, &out));
	assert_string_equal(out.p, "+-----+------+-------+--------------+----------+\n"
	                           "| JID | NAME | STATE |   RELEASE    |   IP4    |\n"
	                           "+=====+======+=======+==============+==========+\n"
	                           "| 3   | www  | up    | 14.2-RELEASE | 10.0.0.5 |\n"
	                           "+-----+------+-------+--------------+----------+\n"
	                           "| -   | db_1 | down  | 14.2-RELEASE | DHCP     |\n"
	                           "+-----+------+-------+--------------+----------+\n");
	table_done(&t);
	sbuf_done(&out);
}

static void test_script(void **state)
{
	struct sbuf out = { 0 };
	struct table t;

	(void)state;
	fill(&t);
	assert_true(table_print(&t, true, &out));
	assert_string_equal(out.p, "3\twww\tup\t14.2-RELEASE\t10.0.0.5\n-\tdb_1\tdown\t14.2-RELEASE\tDHCP\n");
	table_done(&t);
	sbuf_done(&out);
}

static void test_empty(void **state)
{
	struct sbuf out = { 0 };
	struct table t;

	(void)state;
	table_init(&t, head, 2);
	assert_true(table_print(&t, false, &out));
	assert_string_equal(out.p, "+-----+------+\n| JID | NAME |\n+=====+======+\n");
	sbuf_clear(&out);
	assert_true(table_print(&t, true, &out));
	assert_string_equal(out.p, "");
	table_done(&t);
	sbuf_done(&out);
}

static void test_characters(void **state)
{
	struct sbuf out = { 0 };
	struct table t;

	(void)state;
	table_init(&t, head + 1, 1);
	table_row(&t, (const char *const[]){ "M\xc3\xbcller" });
	table_row(&t, (const char *const[]){ "a\tb\n\x1b[31m" });
	assert_true(table_print(&t, false, &out));
	assert_string_equal(out.p, "+-----------+\n|   NAME    |\n+===========+\n"
	                           "| M\xc3\xbcller    |\n+-----------+\n"
	                           "| a?b??[31m |\n+-----------+\n");
	table_done(&t);
	sbuf_done(&out);
}

static void test_many_rows(void **state)
{
	struct sbuf out = { 0 };
	struct table t;
	size_t lines = 0;

	(void)state;
	table_init(&t, head, 1);
	for (int i = 0; i < 1000; i++)
		table_row(&t, (const char *const[]){ "x" });
	assert_true(table_print(&t, true, &out));
	for (const char *p = out.p; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 1000);
	table_done(&t);
	sbuf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_box),        cmocka_unit_test(test_script),    cmocka_unit_test(test_empty),
		cmocka_unit_test(test_characters), cmocka_unit_test(test_many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
