/* test_conf.c - layers of configuration, joint rules, names of jails. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/conf.h"

static void put(struct conf_layer *l, const char *key, const char *value)
{
	assert_int_equal(conf_layer_set(l, key, value), 0);
}

static void layers(void **state)
{
	struct conf c = { 0 };

	(void)state;
	assert_string_equal(conf_get(&c, PROP_vnet), "0");
	assert_string_equal(conf_get(&c, PROP_vnet_default_interface), "none");
	assert_string_equal(conf_get(&c, PROP_host_domainname), "");
	put(&c.base, "vnet", "1");
	assert_true(conf_true(&c, PROP_vnet));
	put(&c.own, "vnet", "0");
	assert_false(conf_true(&c, PROP_vnet));
	put(&c.own, "vnet", NULL);
	assert_true(conf_true(&c, PROP_vnet));
	assert_string_equal(conf_get_key(&c, "vnet"), "1");
	assert_null(conf_get_key(&c, "colour"));
	assert_int_equal(conf_layer_set(&c.own, "colour", "red"), -ENOENT);
	conf_done(&c);
}

static void dynamic_keys(void **state)
{
	struct conf c = { 0 };

	(void)state;
	assert_string_equal(conf_get_key(&c, "vnet7_mtu"), "auto");
	put(&c.base, "vnet7_mtu", "1400");
	assert_string_equal(conf_get_key(&c, "vnet7_mtu"), "1400");
	put(&c.own, "vnet7_mtu", "9000");
	put(&c.own, "vnet8_mtu", "8000");
	put(&c.own, "vnet7_mtu", "9001");
	assert_string_equal(conf_get_key(&c, "vnet7_mtu"), "9001");
	assert_string_equal(conf_get_key(&c, "vnet8_mtu"), "8000");
	assert_string_equal(conf_get(&c, PROP_vnet0_mtu), "auto");
	put(&c.own, "vnet7_mtu", NULL);
	put(&c.own, "vnet7_mtu", NULL);
	assert_string_equal(conf_get_key(&c, "vnet7_mtu"), "1400");
	assert_string_equal(conf_get_key(&c, "vnet8_mtu"), "8000");
	conf_done(&c);
}

static void joint_rules(void **state)
{
	struct conf c = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(conf_check_joint(&c, "www", &e), 0);
	put(&c.own, "dhcp", "1");
	put(&c.own, "ip6_addr", "vnet0|accept_rtadv");
	assert_int_equal(conf_check_joint(&c, "www", &e), -EINVAL);
	assert_string_equal(e.msg,
	                    "www: dhcp requires bpf!\nwww: dhcp requires vnet!\nwww: accept_rtadv requires vnet!");
	put(&c.own, "dhcp", "0");
	put(&c.own, "ip6_addr", "none");
	put(&c.own, "bpf", "1");
	assert_true(conf_check_joint(&c, "www", &e) < 0);
	assert_string_equal(e.msg, "www: bpf requires vnet!");
	put(&c.own, "vnet", "1");
	put(&c.own, "ip4_addr", "vnet0|DHCP");
	assert_int_equal(conf_check_joint(&c, "www", NULL), 0);
	put(&c.own, "rtsold", "1");
	assert_true(conf_check_joint(&c, "www", &e) < 0);
	assert_string_equal(e.msg, "www: Must set at least one ip6_addr to accept_rtadv!");
	conf_done(&c);
}

static void enabling(void **state)
{
	struct conf c = { 0 };
	struct strv w = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(conf_enable_required(&c, &w, &e), 0);
	assert_int_equal(w.n, 0);
	put(&c.own, "dhcp", "1");
	put(&c.own, "assign_localhost", "1");
	assert_int_equal(conf_enable_required(&c, &w, &e), 0);
	assert_int_equal(w.n, 3);
	assert_string_equal(w.v[0], "dhcp requires vnet, enabling!");
	assert_string_equal(w.v[1], "dhcp requires bpf, enabling!");
	assert_string_equal(w.v[2], "assign_localhost only applies to shared IP jails, disabling!");
	assert_int_equal(conf_check_joint(&c, "www", &e), 0);
	assert_int_equal(conf_enable_required(&c, &w, &e), 0);
	assert_int_equal(w.n, 3);
	strv_done(&w);
	conf_done(&c);
}

static void ignored(void **state)
{
	struct conf c = { 0 };
	struct strv names = { 0 };

	(void)state;
	assert_int_equal(prop_nolinux_changed(&c, &names), 0);
	put(&c.own, "securelevel", "3");
	put(&c.own, "memoryuse", "log=1g");
	put(&c.own, "maxproc", "deny=10");
	put(&c.own, "sysvshm", "inherit");
	put(&c.own, "sysvsem", "disable");
	put(&c.own, "vnet", "1");
	put(&c.own, "mount_fdescfs", "yes"); /* the same as the default */
	assert_int_equal(prop_nolinux_changed(&c, &names), 3);
	assert_true(strv_has(&names, "securelevel") && strv_has(&names, "memoryuse") && strv_has(&names, "sysvshm"));
	strv_done(&names);
	conf_done(&c);
}

static void names(void **state)
{
	static const char *const good[] = { "www",
		                            "www.example.com",
		                            "a",
		                            "0",
		                            "FIREWALL",
		                            "foo-bar_2",
		                            "0123456789012345678901234567890123456789012345678901234567890123" };
	static const char *const bad[] = {
		"",         ".",       "..",
		"a/b",      "-x",      "_x",
		".x",       "a b",     "a\n",
		"ALL",      "default", "help",
		"\xc3\xa9", "a%",      "01234567890123456789012345678901234567890123456789012345678901234"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(jail_name_check(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		assert_true(jail_name_check(bad[i], &e) < 0);
		assert_true(e.msg[0] && !strchr(e.msg, '\n'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers),   cmocka_unit_test(dynamic_keys), cmocka_unit_test(joint_rules),
		cmocka_unit_test(enabling), cmocka_unit_test(ignored),      cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
