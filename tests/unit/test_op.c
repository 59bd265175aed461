/* test_op.c - operations print on one line and parse back to the same, whatever bytes their strings hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/op.h"

static void round_trip(const struct op *op)
{
	struct sbuf out = { 0 };
	struct err e = ERR_INIT;
	struct op back;
	char *mem = NULL;

	op_format(op, &out);
	assert_false(out.failed);
	assert_null(strchr(out.p, '\n'));
	for (const char *s = out.p; *s; s++)
		assert_true(*s >= 0x20 && *s < 0x7f);
	if (op_parse(out.p, &back, &mem, &e) < 0)
		fail_msg("%s", e.msg);
	assert_true(op_equal(op, &back));
	free(mem);
	sbuf_done(&out);
}

static void looks(void **state)
{
	struct op op = { .kind = OP_VETH_ADD,
		         .link = "vnet0.7",
		         .peer = "epair0b",
		         .bridge = "bridge0",
		         .mtu = 1500,
		         .alias = "associated with jail: www as nic: epair0b" };
	struct sbuf out = { 0 };

	(void)state;
	assert_int_equal(mac_parse("02ff606a86aa", &op.mac, NULL), 0);
	op_format(&op, &out);
	assert_string_equal(out.p, "veth-add link=vnet0.7 peer=epair0b bridge=bridge0 mac=02:ff:60:6a:86:aa mtu=1500 "
	                           "alias=\"associated with jail: www as nic: epair0b\"");
	sbuf_done(&out);
	round_trip(&op);
}

static void every_kind(void **state)
{
	(void)state;
	for (int k = 0; k < OP__COUNT; k++) {
		struct op op = { .kind = (enum op_kind)k,
			         .where = AT_JAIL,
			         .name = "a b",
			         .text = "",
			         .flags = 0x80000001,
			         .timeout = UINT32_MAX };

		round_trip(&op);
	}
}

static uint32_t seed = 12345;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* NULL, empty, plain or any bytes */
static const char *rnd_str(char *buf, size_t cap)
{
	size_t n = rnd((uint32_t)cap);

	if (rnd(4) == 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		buf[i] = (char)(1 + rnd(255));
	buf[n] = '\0';
	return buf;
}

static void rnd_addr(struct ipaddr *a)
{
	if (rnd(2))
		return;
	a->family = rnd(2) ? 4 : 6;
	for (unsigned i = 0; i < (a->family == 4 ? 4u : 16u); i++)
		a->b[i] = (uint8_t)rnd(256);
	a->has_prefix = rnd(2);
	a->prefix = a->has_prefix ? (uint8_t)rnd(ipaddr_max_prefix(a) + 1) : 0;
	if (a->family == 6 && rnd(2))
		memcpy(a->zone, "e\"m=0", 6);
}

static void any_bytes(void **state)
{
	(void)state;
	for (int i = 0; i < 5000; i++) {
		char b[12][24];
		struct op op = { .kind = (enum op_kind)rnd(OP__COUNT), .where = rnd(2) ? AT_JAIL : AT_HOST };
		const char **strs[] = { &op.name,   &op.link,   &op.peer, &op.bridge, &op.alias,  &op.path,
			                &op.source, &op.fstype, &op.opts, &op.host,   &op.domain, &op.text };

		for (size_t k = 0; k < 12; k++)
			*strs[k] = rnd_str(b[k], sizeof(b[k]));
		rnd_addr(&op.addr);
		rnd_addr(&op.gw);
		op.mac.set = rnd(2);
		op.mac.b[3] = op.mac.set ? 7 : 0;
		op.mtu = rnd(2) ? 0 : rnd(70000);
		op.index = rnd(10);
		op.id = rnd(2) ? UINT32_MAX : 0;
		op.flags = rnd(2) ? 0xdeadbeef : 0;
		op.timeout = rnd(100);
		round_trip(&op);
	}
}

static void malformed(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"nonsense",
		"link-del link",
		"link-del link=",
		"link-del link=a link=b",
		"link-del colour=red",
		"link-del link=\"a",
		"link-del link=\"a\\\"",
		"link-del link=\"a\\q\"",
		"link-del link=\"a\\x0\"",
		"link-del link=\"a\\x00\"",
		"link-del link=\"a\"b",
		"link-del link=a|b",
		"addr-del addr=10.0.0.300",
		"veth-add mtu=x",
		"veth-add mtu=4294967296",
		"veth-add mac=zz",
		"link-del  link=a",
		"link-del at=moon",
		"jail-add flags=0x",
		"jail-add flags=0x123456789",
		"link-del =a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct err e = ERR_INIT;
		struct op op;
		char *mem = NULL;

		if (op_parse(lines[i], &op, &mem, &e) >= 0)
			fail_msg("'%s' was taken", lines[i]);
		assert_null(mem);
		assert_true(e.msg[0]);
	}
}

static void trailing_newline(void **state)
{
	struct op op;
	char *mem;

	(void)state;
	assert_int_equal(op_parse("link-del link=a alias=\"b \"\n", &op, &mem, NULL), 0);
	assert_int_equal(op.kind, OP_LINK_DEL);
	assert_string_equal(op.alias, "b ");
	free(mem);
}

static void described(void **state)
{
	struct op op = { .kind = OP_ADDR_ADD, .link = "em0" };
	char buf[128], tiny[8];

	(void)state;
	assert_int_equal(ipaddr_parse("10.0.0.5/24", 4, &op.addr, NULL), 0);
	op_describe(&op, buf, sizeof(buf));
	assert_string_equal(buf, "alias 10.0.0.5/24 on em0");
	op.where = AT_JAIL;
	op_describe(&op, buf, sizeof(buf));
	assert_string_equal(buf, "alias 10.0.0.5/24 on em0 in the jail");
	op_describe(&op, tiny, sizeof(tiny));
	assert_string_equal(tiny, "alias 1");
	op_describe(&(struct op){ .kind = OP_BRIDGE_ADD, .link = "bridge0" }, buf, sizeof(buf));
	assert_string_equal(buf, "add bridge bridge0");
	for (int k = 0; k < OP__COUNT; k++) {
		op_describe(&(struct op){ .kind = (enum op_kind)k }, buf, sizeof(buf));
		assert_true(buf[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks),     cmocka_unit_test(every_kind),       cmocka_unit_test(any_bytes),
		cmocka_unit_test(malformed), cmocka_unit_test(trailing_newline), cmocka_unit_test(described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
