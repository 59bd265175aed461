/* test_nat.c - NAT: networks of a prefix, forwarded ports, the rules as text, and which models ask for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/nat.h"

static struct ipaddr ip(const char *s)
{
	struct ipaddr a = { 0 };

	assert_int_equal(ipaddr_parse(s, 4, &a, NULL), 0);
	return a;
}

static void networks(void **state)
{
	static const struct {
		unsigned i;
		const char *jail, *router;
	} t[] = { { 0, "172.16.0.2/30", "172.16.0.1/30" },
		  { 1, "172.16.0.6/30", "172.16.0.5/30" },
		  { 63, "172.16.0.254/30", "172.16.0.253/30" },
		  { 64, "172.16.1.2/30", "172.16.1.1/30" },
		  { NAT_NETWORKS - 1, "172.16.255.254/30", "172.16.255.253/30" } };
	struct ipaddr a;
	char buf[IPADDR_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ipaddr r;

		assert_true(nat_network("172.16", t[i].i, &a));
		assert_string_equal(ipaddr_format(&a, buf), t[i].jail);
		r = nat_router(&a);
		assert_string_equal(ipaddr_format(&r, buf), t[i].router);
		assert_int_equal(nat_network_of("172.16", &a), t[i].i);
		assert_int_equal(nat_network_of("172.16", &r), t[i].i);
		assert_int_equal(nat_network_of("172.17", &a), NAT_NETWORKS);
	}
	assert_false(nat_network("172.16", NAT_NETWORKS, &a));
	assert_false(nat_network("172", 0, &a));
	assert_false(nat_network("172.16.1", 0, &a));
	assert_false(nat_network("172.256", 0, &a));
}

static void forwards(void **state)
{
	struct nat_forward *f;
	size_t n;

	(void)state;
	assert_int_equal(nat_forwards_parse("none", &f, &n, NULL), 0);
	assert_int_equal(n, 0);
	assert_int_equal(nat_forwards_parse("80,udp(53:5353),tcp/udp(7000-7009:9000-9009)", &f, &n, NULL), 0);
	assert_int_equal(n, 4);
	assert_true(!f[0].udp && f[0].host == 80 && f[0].jail == 80 && f[0].count == 1);
	assert_true(f[1].udp && f[1].host == 5353 && f[1].jail == 53 && f[1].count == 1);
	assert_true(!f[2].udp && f[2].host == 9000 && f[2].jail == 7000 && f[2].count == 10);
	assert_true(f[3].udp && f[3].host == 9000 && f[3].count == 10);
	free(f);
}

static void bad_forwards(void **state)
{
	static const char *const bad[] = {
		"",
		"80,",
		"0",
		"65536",
		"80-90",
		"80:81",
		"tcp()",
		"tcp(80",
		"icmp(80)",
		"tcp(80:)",
		"tcp(:80)",
		"tcp(90-80)",
		"tcp(80-81:90)",
		"tcp(80:90:100)",
		"tcp(80)x",
		"80,80",
		"tcp(80:8000),tcp(81-90:7995-8004)",
		"udp(53),tcp/udp(53)",
	};
	struct nat_forward *f;
	struct err e;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = (struct err)ERR_INIT;
		if (nat_forwards_parse(bad[i], &f, &n, &e) >= 0)
			fail_msg("taken: %s", bad[i]);
		assert_true(str_starts(e.msg, "Invalid nat_forwards value: "));
	}
}

static void has(const struct sbuf *b, const char *line)
{
	if (!strstr(b->p, line))
		fail_msg("no '%s' in:\n%s", line, b->p);
}

static void hasnt(const struct sbuf *b, const char *line)
{
	if (strstr(b->p, line))
		fail_msg("'%s' in:\n%s", line, b->p);
}

static void rules(void **state)
{
	struct op op = { .kind = OP_NAT, .name = "www", .link = "vnet0.7", .peer = "em0", .addr = ip("172.16.0.2/30") };
	struct sbuf b = { 0 };

	(void)state;
	op.text = "80,tcp(443:8443),udp(8000-8001),tcp(10-12:20-22)";
	op.flags = OP_NAT_ANTISPOOF;
	assert_int_equal(nat_rules(&op, &b, NULL), 0);
	has(&b, "flush chain inet iocage jail-www\n");
	has(&b, "jail-www tcp dport 80 dnat ip to 172.16.0.2\n");
	has(&b, "jail-www tcp dport 8443 dnat ip to 172.16.0.2:443\n");
	has(&b, "jail-www udp dport 8000-8001 dnat ip to 172.16.0.2\n");
	has(&b, "jail-www tcp dport 20-22 dnat ip to 172.16.0.2 : tcp dport map { 20 : 10, 21 : 11, 22 : 12 }\n");
	has(&b, "out-www ip daddr 172.16.0.2 masquerade\n");
	has(&b, "out-www oifname \"em0\" masquerade\n");
	has(&b, "in-www ip saddr != 172.16.0.2 drop\n");
	has(&b, "ports { tcp . 20-22 : goto jail-www }\n");
	has(&b, "ports { udp . 8000-8001 : goto jail-www }\n");
	hasnt(&b, "isolated { \"");
	/* nothing but our table is spoken of, and it is never emptied as a whole */
	for (char *rest = b.p, *line; (line = strsep(&rest, "\n")) && *line;)
		assert_non_null(strstr(line, " inet iocage"));
	sbuf_done(&b);
	op.text = NULL;
	op.flags = OP_NAT_ISOLATED;
	assert_int_equal(nat_rules(&op, &b, NULL), 0);
	hasnt(&b, "dnat ip to");
	hasnt(&b, "saddr !=");
	has(&b, "isolated { \"vnet0.7\" }\n");
	sbuf_done(&b);
}

static void hostile_names(void **state)
{
	struct op op = {
		.kind = OP_NAT, .name = "www", .link = "vnet0.7", .peer = "a\"}b", .addr = ip("172.16.0.2/30")
	};
	struct sbuf b = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(nat_rules(&op, &b, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "cannot stand in a rule"));
	assert_int_equal(b.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks), cmocka_unit_test(forwards),      cmocka_unit_test(bad_forwards),
		cmocka_unit_test(rules),    cmocka_unit_test(hostile_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
