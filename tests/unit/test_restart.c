/* test_restart.c - jails that are started again: whether, how often, and what is written down of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/restart.h"

static void whether(void **state)
{
	static const char *const ends[] = { "reboot", "halt", "exit:0", "exit:3", "signal:9", "end" };
	static const struct {
		const char *policy, *want;
	} cases[] = { { "off", "100000" }, { "on", "101111" }, { "on-failure", "100111" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t k = 0; k < sizeof(ends) / sizeof(*ends); k++)
			assert_int_equal(restart_wanted(ends[k], cases[i].policy), cases[i].want[k] == '1');
}

static void how_often(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (int i = 0; i < RESTARTS_MAX; i++)
		assert_true(restart_note(&r, 100 + i));
	assert_false(restart_note(&r, 100 + RESTARTS_WITHIN - 1));
	assert_true(r.gave_up);
	/* the first one is long enough ago */
	assert_true(restart_note(&r, 100 + RESTARTS_WITHIN));
	assert_false(r.gave_up);
	assert_int_equal(r.n, RESTARTS_MAX);
	assert_int_equal(r.at[0], 101);
	/* of another boot, whose clock was ahead */
	assert_true(restart_note(&r, 5));
	assert_int_equal(r.n, 1);
}

static void written(void **state)
{
	struct restarts r = { .at = { 7, 9 }, .n = 2, .pending = 42 }, back;
	struct sbuf b = { 0 };

	(void)state;
	restart_format(&r, &b);
	assert_string_equal(b.p, "pending=42\nat=7\nat=9\n");
	assert_int_equal(restart_parse(b.p, &back), 0);
	assert_memory_equal(&r, &back, sizeof(r));
	sbuf_done(&b);
}

static void damaged(void **state)
{
	static const char *const texts[] = { "at",
		                             "at=",
		                             "at=-1",
		                             "at=x",
		                             "pending=99999999999",
		                             "what=1",
		                             "at=1 ",
		                             "at=1\nat=2\nat=3\nat=4\nat=5\nat=6" };
	static const struct restarts none;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct restarts r = { .n = 1 };
		char text[128];

		(void)strcpy(text, texts[i]);
		assert_true(restart_parse(text, &r) < 0);
		assert_memory_equal(&r, &none, sizeof(r));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whether),
		cmocka_unit_test(how_often),
		cmocka_unit_test(written),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
