/* test_opt.c - the option parser and what the command table promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/commands.h"

#define WORDS(...)                \
	(const char *[])          \
	{                         \
		__VA_ARGS__, NULL \
	}

static int parse(const struct opt *opts, enum opt_mode mode, const char **words, struct args *a, struct err *e)
{
	int n = 0;

	while (words[n])
		n++;
	*e = (struct err)ERR_INIT;
	return opt_parse(opts, mode, n, (char **)(uintptr_t)words, a, e);
}

static const struct opt *of(const char *cmd)
{
	const struct cmd *c = cmd_find(cmd);

	assert_non_null(c);
	return c->opts;
}

static void test_mixed(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(parse(of("create"), OPT_MIXED,
	                       WORDS("boot=on", "-n", "www", "vnet=1", "--release=bookworm", "-T"), &a, &e),
	                 0);
	assert_int_equal(a.npos, 2);
	assert_string_equal(a.pos[1], "vnet=1");
	assert_null(a.pos[2]);
	assert_string_equal(a.val[OPT_NAME], "www");
	assert_string_equal(a.val[OPT_RELEASE], "bookworm");
	assert_true(args_has(&a, OPT_THICK));
	args_done(&a);
}

static void test_value_forms(void **state)
{
	static const char *const forms[][3] = {
		{ "-nwww", NULL, NULL },
		{ "-n", "www", NULL },
		{ "--name", "www", NULL },
		{ "--name=www", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct args a;
		struct err e;

		assert_int_equal(parse(of("create"), OPT_MIXED, (const char **)(uintptr_t)forms[i], &a, &e), 0);
		assert_string_equal(a.val[OPT_NAME], "www");
		assert_int_equal(a.npos, 0);
		args_done(&a);
	}
}

static void test_grouped_and_words(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(parse(of("destroy"), OPT_MIXED, WORDS("-rdf", "bookworm"), &a, &e), 0);
	assert_true(args_has(&a, OPT_RELEASE) && args_has(&a, OPT_DOWNLOAD) && args_has(&a, OPT_FORCE));
	args_done(&a);
	assert_int_equal(parse(of("create"), OPT_MIXED, WORDS("-Tsn", "www"), &a, &e), 0);
	assert_true(args_has(&a, OPT_THICK) && args_has(&a, OPT_SHORT));
	assert_string_equal(a.val[OPT_NAME], "www");
	args_done(&a);
	/* the whole word goes before single letters */
	assert_int_equal(parse(of("fetch"), OPT_MIXED, WORDS("-NV", "-V"), &a, &e), 0);
	assert_int_equal(a.count[OPT_BATCH_NO_VERIFY], 1);
	assert_int_equal(a.count[OPT_BATCH_VERIFY], 1);
	args_done(&a);
	assert_int_equal(parse(of("list"), OPT_MIXED, WORDS("-lH", "--base"), &a, &e), 0);
	assert_true(args_has(&a, OPT_LONG) && args_has(&a, OPT_HEADER) && args_has(&a, OPT_RELEASE));
	args_done(&a);
}

static void test_end_of_options(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(parse(of("stop"), OPT_MIXED, WORDS("-f", "--", "-i", "--", "-"), &a, &e), 0);
	assert_int_equal(a.npos, 3);
	assert_string_equal(a.pos[0], "-i");
	assert_false(args_has(&a, OPT_IGNORE));
	args_done(&a);
	assert_int_equal(parse(of("stop"), OPT_MIXED, WORDS("-"), &a, &e), 0);
	assert_int_equal(a.npos, 1);
	args_done(&a);
}

static void test_pass_through(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(parse(of("exec"), OPT_PASS, WORDS("-u", "bob", "J", "ls", "-l", "-f", "--", "--help"), &a, &e),
	                 0);
	assert_int_equal(a.npos, 6);
	assert_string_equal(a.pos[5], "--help");
	assert_false(args_has(&a, OPT_FORCE));
	args_done(&a);
	/* options of ours may still stand between jail and command; a foreign one begins it */
	assert_int_equal(parse(of("exec"), OPT_PASS, WORDS("J", "-f", "-x", "-f"), &a, &e), 0);
	assert_int_equal(a.npos, 3);
	assert_int_equal(a.count[OPT_FORCE], 1);
	args_done(&a);
	assert_int_equal(parse(of("exec"), OPT_PASS, WORDS("J", "--", "ls", "--", "x"), &a, &e), 0);
	assert_int_equal(a.npos, 4);
	assert_string_equal(a.pos[2], "--");
	args_done(&a);
}

static void test_help(void **state)
{
	struct args a;
	struct err e;

	(void)state;
	assert_int_equal(parse(of("start"), OPT_MIXED, WORDS("J", "--help", "--bogus"), &a, &e), 0);
	assert_true(a.help);
	args_done(&a);
	assert_int_equal(parse(global_opts, OPT_FIRST, WORDS("-f", "start", "--help"), &a, &e), 0);
	assert_false(a.help);
	assert_int_equal(a.npos, 2);
	args_done(&a);
}

static void wrong(const char *cmd, const char **words, const char *text)
{
	struct args a;
	struct err e;

	assert_true(parse(of(cmd), OPT_MIXED, words, &a, &e) < 0);
	assert_int_equal(e.cls, ERR_USAGE);
	assert_string_equal(e.msg, text);
	args_done(&a);
}

static void test_errors(void **state)
{
	(void)state;
	wrong("list", WORDS("--bogus"), "No such option: --bogus");
	wrong("list", WORDS("--bogus=1"), "No such option: --bogus");
	wrong("list", WORDS("-lz"), "No such option: -z");
	wrong("list", WORDS("-s"), "Option '-s' requires an argument.");
	wrong("list", WORDS("--sort"), "Option '--sort' requires an argument.");
	wrong("list", WORDS("--long=yes"), "Option '--long' does not take a value.");
	wrong("list", WORDS("--lon"), "No such option: --lon");
	wrong("list", WORDS("--=x"), "No such option: --");
}

/* No letter and no name twice in one command; every command has text. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < CMD__COUNT; i++) {
		const struct cmd *c = &cmd_table[i];

		assert_int_equal(c->id, i);
		assert_true(*c->name && *c->summary && c->text && c->min <= c->max);
		for (const struct opt *o = c->opts; o->longs; o++) {
			assert_true(*o->help);
			for (const struct opt *p = c->opts; p->longs; p++) {
				if (p == o)
					continue;
				assert_null(strpbrk(o->shorts, *p->shorts ? p->shorts : "\n"));
				assert_string_not_equal(o->longs, p->longs);
			}
		}
	}
	assert_null(cmd_find("nope"));
	assert_null(cmd_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_value_forms),
		cmocka_unit_test(test_grouped_and_words),
		cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_pass_through),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
