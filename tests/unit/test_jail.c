/* test_jail.c - from configuration to the model of a jail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hosts.h"
#include "core/jail.h"

/* key, value, key, value, ..., NULL */
static struct conf make_conf(const char *const *kv)
{
	struct conf c = { 0 };

	for (; *kv; kv += 2)
		assert_int_equal(conf_layer_set(&c.own, kv[0], kv[1]), 0);
	return c;
}

#define CONF(...) make_conf((const char *const[]){ __VA_ARGS__, NULL })

static void shared(void **state)
{
	struct conf c = CONF("ip4_addr", "em0|10.0.0.5/24,10.0.0.6", "ip6_addr", "fe80::1%em0/64", "ip6", "inherit",
	                     "allow_raw_sockets", "1", "sysvmsg", "disable");
	struct err e = ERR_INIT;
	struct jail j;

	(void)state;
	assert_int_equal(jail_build(&c, "my_www", &j, &e), 0);
	assert_string_equal(j.hostname, "my-www");
	assert_false(j.vnet);
	assert_int_equal(j.n4, 2);
	assert_string_equal(j.a4[0].ifname, "em0");
	assert_string_equal(j.a4[1].ifname, "");
	assert_int_equal(j.n6, 1);
	assert_string_equal(j.a6[0].ifname, "em0");
	assert_string_equal(j.a6[0].addr.zone, "");
	assert_int_equal(j.ip4, IP_NEW);
	assert_int_equal(j.ip6, IP_INHERIT);
	assert_int_equal(j.allow, ALLOW_RAW_SOCKETS | ALLOW_SET_HOSTNAME | ALLOW_SYSVSEM | ALLOW_SYSVSHM);
	jail_done(&j);
	conf_done(&c);
}

static void vnet(void **state)
{
	struct conf c = CONF("vnet", "1", "interfaces", "vnet0:bridge0,vnet5:none", "vnet5_mac",
	                     "02ff606a86aa 02ff606a86ab", "vnet5_mtu", "9000", "defaultrouter", "10.0.0.1",
	                     "defaultrouter6", "none", "children_max", "3", "host_domainname", "none");
	struct err e = ERR_INIT;
	struct jail j;

	(void)state;
	assert_int_equal(jail_build(&c, "www", &j, &e), 0);
	assert_int_equal(j.nnics, 2);
	assert_string_equal(j.nics[0].bridge, "bridge0");
	assert_false(j.nics[0].mac_host.set);
	assert_string_equal(j.nics[1].bridge, "");
	assert_int_equal(j.nics[1].mac_jail.b[5], 0xab);
	assert_int_equal(j.nics[1].mtu, 9000);
	assert_int_equal(j.default_mtu, 1500);
	assert_string_equal(j.uplink, "");
	assert_int_equal(j.router4.mode, ROUTER_ADDR);
	assert_int_equal(j.router6.mode, ROUTER_NONE);
	assert_true(j.allow & ALLOW_NESTED);
	assert_string_equal(j.domainname, "");
	jail_done(&j);
	conf_done(&c);
}

static void dhcp_everywhere(void **state)
{
	struct conf c = CONF("vnet", "1", "dhcp", "1", "bpf", "1", "interfaces", "vnet0:bridge0,vnet1:bridge1",
	                     "ip4_addr", "vnet0|10.0.0.5/24");
	struct jail j;

	(void)state;
	assert_int_equal(jail_build(&c, "www", &j, NULL), 0);
	assert_int_equal(j.n4, 2);
	assert_int_equal(j.a4[0].mode, JADDR_DHCP);
	assert_string_equal(j.a4[1].ifname, "vnet1");
	jail_done(&j);
	conf_done(&c);
}

/* What a hand-edited config.json may hold. */
static void broken(void **state)
{
	static const char *const kv[][4] = {
		{ "ip4_addr", "em0|", NULL },
		{ "ip6_addr", "x", NULL },
		{ "vnet", "1", "interfaces", "vnet0" },
		{ "vnet", "1", "defaultrouter", "10.0.0.300" },
		{ "vnet", "1", "defaultrouter", "10.0.0.1/8" },
		{ "vnet", "1", "vnet0_mac", "x" },
		{ "vnet", "1", "vnet0_mtu", "x" },
		{ "vnet", "1", "vnet0_vlan", "1,2" },
		{ "vnet", "1", "mac_prefix", "0123456789" },
		{ "vnet", "1", "vnet_default_interface", "a b" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kv) / sizeof(kv[0]); i++) {
		struct conf c = { 0 };
		struct err e = ERR_INIT;
		struct jail j;

		for (int k = 0; k < 4 && kv[i][k]; k += 2)
			assert_int_equal(conf_layer_set(&c.own, kv[i][k], kv[i][k + 1]), 0);
		if (jail_build(&c, "www", &j, &e) >= 0)
			fail_msg("case %zu was taken", i);
		assert_true(e.msg[0]);
		conf_done(&c);
	}
}

static void nic_names(void **state)
{
	char out[IFNAME_CAP], names[2][IFNAME_CAP];

	(void)state;
	assert_int_equal(jnic_inside_name("vnet0", out), 0);
	assert_string_equal(out, "epair0b");
	assert_int_equal(jnic_inside_name("lan", out), 0);
	assert_string_equal(out, "lan");
	assert_int_equal(jnic_outside_name("vnet0", 7, out), 0);
	assert_string_equal(out, "vnet0.7");
	/* what does not fit is cut, and still tells two names apart */
	assert_int_equal(jnic_outside_name("abcdefghi", 99999, out), 0);
	assert_string_equal(out, "abcdefghi.99999");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(jnic_outside_name(i ? "storage-net2" : "storage-net1", 99999, names[i]), 1);
		assert_true(str_starts(names[i], "stora~"));
		assert_true(str_ends(names[i], ".99999"));
		assert_int_equal(strlen(names[i]), IFNAME_CAP - 1);
	}
	assert_string_not_equal(names[0], names[1]);
	assert_true(jnic_inside_name("vnetabcdefghij", out) < 0);
}

/* Which addresses a jail with assign_localhost has, and what localhost is in its /etc/hosts. */
static void localhost(void **state)
{
	static const struct {
		const char *vnet, *ip4, *on, *list, *own, *text, *hosts;
	} t[] = {
		{ "0", "new", "1", "em0|10.0.0.5/24", "127.0.0.2", "em0|10.0.0.5/24,lo0|127.0.0.2/32", "127.0.0.2" },
		{ "0", "new", "1", "none", "127.0.0.2", "lo0|127.0.0.2/32", "127.0.0.2" },
		{ "0", "new", "1", "10.0.0.5,lo|127.0.0.2/8", "127.0.0.2", "10.0.0.5,lo|127.0.0.2/8", "127.0.0.2" },
		{ "0", "new", "1", "10.0.0.5", "none", "10.0.0.5", NULL },
		{ "0", "new", "0", "10.0.0.5", "127.0.0.2", "10.0.0.5", "127.0.0.1" },
		{ "0", "inherit", "1", "10.0.0.5", "127.0.0.2", "10.0.0.5", "127.0.0.1" },
		{ "1", "new", "1", "vnet0|10.0.0.5", "127.0.0.2", "vnet0|10.0.0.5", "127.0.0.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct conf c = { 0 };
		struct jail j;
		struct sbuf text = { 0 };
		char is[IPADDR_TEXT];

		assert_int_equal(conf_layer_set(&c.own, "vnet", t[i].vnet), 0);
		assert_int_equal(conf_layer_set(&c.own, "ip4", t[i].ip4), 0);
		assert_int_equal(conf_layer_set(&c.own, "ip4_addr", t[i].list), 0);
		assert_int_equal(conf_layer_set(&c.own, "assign_localhost", t[i].on), 0);
		assert_int_equal(conf_layer_set(&c.own, "localhost_ip", t[i].own), 0);
		assert_int_equal(jail_ip4_text(&c, &text, NULL), 0);
		assert_string_equal(text.p, t[i].text);
		assert_int_equal(jail_build(&c, "j", &j, NULL), 0);
		assert_int_equal(j.localhost.family, t[i].hosts ? 4 : 0);
		if (t[i].hosts)
			assert_string_equal(ipaddr_format(&j.localhost, is), t[i].hosts);
		jail_done(&j);
		sbuf_done(&text);
		conf_done(&c);
	}
}

static void localhost_in_hosts(void **state)
{
	static const struct {
		const char *was, *is; /* NULL: nothing is to be changed */
	} t[] = {
		{ "127.0.0.1 localhost\n", "127.0.0.9 localhost\n" },
		{ "# 127.0.0.1 localhost\n127.0.0.1\tx localhost # y\n\n::1 localhost\n10.0.0.1 db",
		  "# 127.0.0.1 localhost\n127.0.0.9\tx localhost # y\n\n::1 localhost\n10.0.0.1 db" },
		{ "10.9.9.9 localhost", "127.0.0.9 localhost" },
		{ "127.0.0.9 localhost\n", NULL },
		{ "127.0.0.1 localhost.localdomain # localhost\n127.0.1.1 a\n", NULL },
		{ "", NULL },
	};
	struct ipaddr a;

	(void)state;
	assert_int_equal(ipaddr_parse("127.0.0.9", 4, &a, NULL), 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct sbuf out = { 0 };

		assert_int_equal(hosts_localhost(t[i].was, &a, &out, NULL), t[i].is != NULL);
		if (t[i].is)
			assert_string_equal(out.p, t[i].is);
		sbuf_done(&out);
	}
}

/* What becomes of a release's /etc/hosts. */
static void hosts(void **state)
{
	static const struct {
		const char *name, *ip4, *release, *want;
	} t[] = {
		{ "www", "em0|10.0.0.5/24", "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
		  "127.0.0.1\tlocalhost www\n::1\tlocalhost\n10.0.0.5\twww\n" },
		{ "www.example.com", "vnet0|10.0.0.5/24,vnet0|10.0.0.6/24",
		  "# all\n127.0.0.1 localhost  # me\n127.0.0.10 x",
		  "# all\n127.0.0.1 localhost www  # me\n127.0.0.10 x\n10.0.0.5\twww.example.com www\n" },
		{ "localhost", "none", "127.0.0.1\tlocalhost\n", "127.0.0.1\tlocalhost\n" },
		{ "w", "lo0|127.0.0.2,10.0.0.5", NULL, "127.0.0.1\tlocalhost w\n::1\tlocalhost\n10.0.0.5\tw\n" },
		{ "w", "vnet0|DHCP", "", "" },
		{ "", "10.0.0.5", "127.0.0.1 a\n\n", "127.0.0.1 a\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct conf c = { 0 };
		struct sbuf out = { 0 };

		assert_int_equal(conf_layer_set(&c.own, "host_hostname", t[i].name), 0);
		assert_int_equal(conf_layer_set(&c.own, "ip4_addr", t[i].ip4), 0);
		assert_int_equal(hosts_text(&c, t[i].release, &out, NULL), 0);
		assert_string_equal(out.p ? out.p : "", t[i].want);
		sbuf_done(&out);
		conf_done(&c);
	}
}

static void too_many(void **state)
{
	struct sbuf v = { 0 };
	struct jaddr *list = NULL;
	struct err e = ERR_INIT;
	size_t n;

	(void)state;
	for (int i = 0; i < 256; i++)
		sbuf_addf(&v, "%s10.0.1.%d", i ? "," : "", i);
	assert_true(jaddr_list_parse(v.p, 4, &list, &n, &e) < 0);
	assert_string_equal(e.msg, "too many IPv4 addresses: 256, at most 255");
	sbuf_done(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shared), cmocka_unit_test(vnet),      cmocka_unit_test(dhcp_everywhere),
		cmocka_unit_test(broken), cmocka_unit_test(nic_names), cmocka_unit_test(too_many),
		cmocka_unit_test(hosts),  cmocka_unit_test(localhost), cmocka_unit_test(localhost_in_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
