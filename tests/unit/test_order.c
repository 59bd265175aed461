/* test_order.c - the order in which jails start and stop: needs, priorities, circles, failures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/order.h"

/* "a:5 b:1>a c:1>a,b": name, priority, needs */
static void build(struct order *o, const char *text)
{
	struct strv words = { 0 };
	size_t i;

	assert_int_equal(strv_split(&words, text, " "), 0);
	for (size_t w = 0; w < words.n; w++) {
		char name[2] = { words.v[w][0], '\0' };

		assert_int_equal(order_add(o, name, strtol(words.v[w] + 2, NULL, 10), &i, NULL), 0);
	}
	for (size_t w = 0; w < words.n; w++) {
		const char *s = strchr(words.v[w], '>');

		for (; s && *s; s += 2) {
			char name[2] = { s[1], '\0' };

			assert_int_equal(order_need(o, w, order_find(o, name), NULL), 0);
		}
	}
	strv_done(&words);
}

/* All that may run at once in a word; '!' after a name in `fail`: it fails. */
static void runs(const char *text, const char *fail, bool stop, const char *want)
{
	struct order o = { 0 };
	struct strv circles = { 0 };
	struct sbuf out = { 0 };
	size_t now[16], n, i, need;

	build(&o, text);
	assert_int_equal(order_settle(&o, &circles, NULL), 0);
	if (stop)
		for (i = 0; i < o.n; i++)
			o.v[i].state = ORDER_WAITS;
	for (i = 0; i < circles.n && !stop; i++)
		sbuf_addf(&out, "(%s) ", circles.v[i]);
	for (;;) {
		while (!stop && (i = order_hopeless(&o, &need)) != ORDER_NONE)
			sbuf_addf(&out, "-%s(%s) ", o.v[i].name, o.v[need].name);
		for (n = 0; (i = stop ? order_next_stop(&o) : order_next_start(&o)) != ORDER_NONE; n++) {
			sbuf_add(&out, o.v[i].name);
			now[n] = i;
		}
		if (!n)
			break;
		sbuf_addc(&out, ' ');
		while (n-- > 0)
			order_end(&o, now[n], !strstr(fail, o.v[now[n]].name));
	}
	for (i = 0; i < o.n; i++)
		assert_true(o.v[i].state == ORDER_DONE || o.v[i].state == ORDER_FAILED);
	assert_string_equal(out.p ? out.p : "", want);
	sbuf_done(&out);
	strv_done(&circles);
	order_done(&o);
}

static void starting(void **state)
{
	(void)state;
	runs("", "", false, "");
	runs("a:1 b:1 c:1", "", false, "abc ");
	runs("a:9 b:1 c:5", "", false, "b c a ");
	runs("a:1 b:1>a c:1>b d:1", "", false, "ad b c ");
	/* what is needed comes as early as who needs it */
	runs("a:99 b:1>a c:50", "", false, "a b c ");
	runs("a:99 b:98>a c:1>b d:1", "", false, "ad b c ");
	runs("a:1 b:1>a c:1>a,b", "", false, "a b c ");
}

static void failing(void **state)
{
	(void)state;
	runs("a:1 b:1>a c:1>b d:1", "a", false, "ad -b(a) -c(b) ");
	runs("a:1 b:2 c:3", "ab", false, "a b c ");
}

static void circles(void **state)
{
	(void)state;
	runs("a:1>b b:1>a c:1", "", false, "(a -> b -> a) c ");
	runs("a:1>a b:1", "", false, "(a -> a) b ");
	runs("z:1>a a:1>b b:1>c c:1>a d:1", "", false, "(a -> b -> c -> a) -z(a) d ");
	runs("a:1>b b:1>a c:1>d d:1>c", "", false, "(a -> b -> a) (c -> d -> c) ");
}

static void stopping(void **state)
{
	(void)state;
	runs("a:1 b:1 c:1", "", true, "cba ");
	runs("a:9 b:1 c:5", "", true, "a c b ");
	runs("a:1 b:1>a c:1>b d:1", "", true, "dc b a ");
	runs("a:99 b:1>a c:50", "", true, "c b a ");
	/* a failure holds nobody up, nor does a circle */
	runs("a:1 b:1>a", "b", true, "b a ");
	runs("a:1>b b:1>a", "", true, "b a ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starting),
		cmocka_unit_test(failing),
		cmocka_unit_test(circles),
		cmocka_unit_test(stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
