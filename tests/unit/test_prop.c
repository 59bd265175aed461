/* test_prop.c - the table of properties and the checks of their values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/prop.h"

/* Every built-in default must itself pass the check, or `set K=$(get K)` would fail. */
static void table_is_sound(void **state)
{
	(void)state;
	for (int i = 0; i < PROP__COUNT; i++) {
		const struct prop *p = &prop_table[i];
		struct err e = ERR_INIT;
		char *v = NULL;
		bool dyn = true;

		assert_non_null(p->name);
		assert_non_null(p->def);
		assert_non_null(p->group);
		assert_true(str_ends(p->help, "."));
		assert_int_equal(prop_find(p->name, &dyn), i);
		assert_false(dyn);
		if (prop_check(p->name, p->def, &v, &e) < 0)
			fail_msg("%s=%s: %s", p->name, p->def, e.msg);
		assert_string_equal(v, p->def);
		free(v);
	}
	assert_true(PROP__COUNT > 120);
}

static void finding(void **state)
{
	bool dyn;

	(void)state;
	assert_int_equal(prop_find("vnet0_mac", &dyn), PROP_vnet0_mac);
	assert_false(dyn);
	assert_int_equal(prop_find("vnet4_mac", &dyn), PROP_vnet0_mac);
	assert_true(dyn);
	assert_int_equal(prop_find("vnet12_mtu", &dyn), PROP_vnet0_mtu);
	assert_true(dyn);
	assert_int_equal(prop_find("vnet04_mac", &dyn), PROP__NONE);
	assert_int_equal(prop_find("vnet_mac", &dyn), PROP__NONE);
	assert_int_equal(prop_find("vnet99999_mac", &dyn), PROP__NONE);
	assert_int_equal(prop_find("vnet12_vlan", &dyn), PROP_vnet0_vlan);
	assert_true(dyn);
	assert_int_equal(prop_find("vnet4_macs", NULL), PROP__NONE);
	assert_int_equal(prop_find("", NULL), PROP__NONE);
	assert_int_equal(prop_find("Vnet", NULL), PROP__NONE);
}

/* out NULL: kept as typed */
static const struct {
	const char *name, *in, *out;
} good[] = {
	{ "vnet", "on", "1" },
	{ "vnet", "TRUE", "1" },
	{ "vnet", "off", "0" },
	{ "vnet", "No", "0" },
	{ "ip4", "inherit", NULL },
	{ "ip4", "none", "disable" },
	{ "priority", "1", NULL },
	{ "priority", "007", "7" },
	{ "securelevel", "-1", NULL },
	{ "ip4_addr", "em0|10.1.1.10/24,em0|10.1.1.11/24", NULL },
	{ "ip4_addr", " em0|10.1.1.10/24 , 10.1.1.11 ", "em0|10.1.1.10/24,10.1.1.11" },
	{ "ip4_addr", "DEFAULT|10.1.1.10/24,DEFAULT|10.1.1.11", "10.1.1.10/24,10.1.1.11" },
	{ "ip4_addr", "10.1.1.10/255.255.255.0", NULL },
	{ "ip4_addr", "vnet0|DHCP", NULL },
	{ "ip4_addr", "none", NULL },
	{ "ip6_addr", "em0|2001:123:456:242::5/64", NULL },
	{ "ip6_addr", "vnet0|accept_rtadv", NULL },
	{ "ip6_addr", "fe80::1%em0/64", NULL },
	{ "ip6_addr", "vnet0|fe80::1%em0/64", NULL },
	{ "ip6_addr", "vnet0|fe80::1/64,vnet1|fe80::1/64", NULL },
	{ "interfaces", "vnet0:bridge0, vnet1:none", "vnet0:bridge0,vnet1:none" },
	{ "interfaces", "lan:br-lan", NULL },
	{ "vnet0_mac", "02:ff:60:6a:86:aa,02:ff:60:6a:86:ab", "02ff606a86aa 02ff606a86ab" },
	{ "vnet0_vlan", "none", "none" },
	{ "vnet0_vlan", "10t, 20t,5", "5,10t,20t" },
	{ "vnet12_vlan", "4094", "4094" },
	{ "interfaces", "storage-net:bridge0", "storage-net:bridge0" },
	{ "vnet7_mac", "02ff606a86aa 02FF606A86AB", "02ff606a86aa 02ff606a86ab" },
	{ "mac_prefix", "02FF60", "02ff60" },
	{ "vnet0_mtu", "9000", NULL },
	{ "vnet9_mtu", "auto", NULL },
	{ "vnet_default_interface", "lagg0", NULL },
	{ "vnet_interfaces", "em1  em2", "em1 em2" },
	{ "defaultrouter", "10.1.1.254", NULL },
	{ "defaultrouter6", "2001:123:456:242::1", NULL },
	{ "defaultrouter6", "fe80::1%em0", NULL },
	{ "resolver", "nameserver 10.0.0.1; search example.com", NULL },
	{ "resolver", "/dev/null", NULL },
	{ "localhost_ip", "127.0.1.1", NULL },
	{ "nat_forwards", "80,tcp(80:8080), tcp/udp(53),udp(7000-7010),tcp(80-81:8090-8091)",
	  "80,tcp(80:8080),tcp/udp(53),udp(7000-7010),tcp(80-81:8090-8091)" },
	{ "nat_prefix", "192.168", NULL },
	{ "cpuset", "0,2,5", NULL },
	{ "cpuset", "0-3", NULL },
	{ "cpuset", "all", NULL },
	{ "memoryuse", "deny=8G", "deny=8g" },
	{ "maxproc", "sigterm=100", NULL },
	{ "readbps", "throttle=10m", NULL },
	{ "quota", "10G", NULL },
	{ "depends", "db  cache", "db cache" },
	{ "exec_init", "/lib/systemd/systemd", NULL },
	{ "exec_start", "/bin/sh /etc/rc", NULL },
	{ "notes", "line one\nline two, \"quoted\" \xc3\xa9", NULL },
	{ "notes", "", NULL },
	{ "host_hostname", "www.example.com", NULL },
	{ "devfs_ruleset", "5", NULL },
};

static void good_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct err e = ERR_INIT;
		char *v = NULL, *again = NULL;

		if (prop_check(good[i].name, good[i].in, &v, &e) < 0)
			fail_msg("%s=%s: %s", good[i].name, good[i].in, e.msg);
		assert_string_equal(v, good[i].out ? good[i].out : good[i].in);
		assert_int_equal(prop_check(good[i].name, v, &again, &e), 0);
		assert_string_equal(v, again);
		free(v);
		free(again);
	}
}

/* msg: how the message begins */
static const struct {
	const char *name, *in, *msg;
} bad[] = {
	{ "vnet", "nope",
	  "nope is not a valid value for vnet.\nValue must be 0 or 1 or off or on or no or yes or false or true" },
	{ "vnet", "10", "10 is not a valid value for vnet.\n" },
	{ "boot", "yesterday", "yesterday is not" },
	{ "boot", "", "'' is not a valid value for boot.\n" },
	{ "ip4", "newest", "newest is not a valid value for ip4.\nValue must be new or inherit or disable" },
	{ "priority", "0", "0 is not a valid value for priority.\nValue must be a whole number from 1 to 99" },
	{ "priority", "100", "100 is not" },
	{ "priority", "-1", "-1 is not" },
	{ "priority", "a,b", "a,b is not" },
	{ "priority", "9 ", "9  is not" },
	{ "devfs_ruleset", "x", "Invalid devfs_ruleset value: x" },
	{ "ip4_addr", "10.0.0.300", "Please provide a valid ip: 10.0.0.300" },
	{ "ip4_addr", "10.0.0.5/33", "Please provide a valid ip: 10.0.0.5/33" },
	{ "ip4_addr", "em0|", "Please provide a valid ip: em0|" },
	{ "ip4_addr", "|10.0.0.1", "Please provide a valid interface" },
	{ "ip4_addr", "a/b|10.0.0.1", "Please provide a valid interface" },
	{ "ip4_addr", "em0|em1|10.0.0.1", "Please provide a valid ip" },
	{ "ip4_addr", "2001:db8::1", "Please provide a valid ip: 2001:db8::1" },
	{ "ip4_addr", "0.0.0.0", "Please provide a valid ip: 0.0.0.0" },
	{ "ip4_addr", "255.255.255.255", "Please provide a valid ip" },
	{ "ip4_addr", "224.0.0.1", "Please provide a valid ip" },
	{ "ip4_addr", "10.0.0.1/0", "Please provide a valid ip" },
	{ "ip4_addr", "10.0.0.1,", "Please provide a valid ip" },
	{ "ip4_addr", "10.0.0.1,em0|10.0.0.1/24",
	  "Please provide a valid ip: em0|10.0.0.1/24\nit is in the list twice" },
	{ "ip4_addr", "vnet0|DHCP,vnet0|DHCP", "Please provide a valid ip" },
	{ "ip4_addr", "vnet0|accept_rtadv", "Please provide a valid ip" },
	{ "ip4_addr", "", "Please provide a valid ip" },
	{ "ip4_addr", "10.0.0.1,none", "Please provide a valid ip" },
	{ "ip4_addr", "DHCPx", "Please provide a valid ip" },
	{ "ip6_addr", "::", "Please provide a valid ip: ::" },
	{ "ip6_addr", "10.0.0.1", "Please provide a valid ip" },
	{ "ip6_addr", "ff02::1", "Please provide a valid ip" },
	{ "ip6_addr", "::ffff:10.0.0.1", "Please provide a valid ip" },
	{ "ip6_addr", "2001:db8::1%em0", "Please provide a valid ip" },
	{ "interfaces", "vnet0", "vnet0 is not a valid value for interfaces.\n" },
	{ "interfaces", "foo:", "foo: is not" },
	{ "interfaces", ":bridge0", ":bridge0 is not" },
	{ "interfaces", "vnet0:bridge0,vnet0:bridge1", "vnet0:bridge0,vnet0:bridge1 is not" },
	{ "interfaces", "vnet0:bridge0,epair0b:bridge1", "vnet0:bridge0,epair0b:bridge1 is not" },
	{ "interfaces", "vnet0:bridge0,", "vnet0:bridge0, is not" },
	{ "interfaces", "vnet0:a/b", "vnet0:a/b is not" },
	{ "interfaces", "averyverylongname:bridge0", "averyverylongname:bridge0 is not" },
	{ "interfaces", "vnetabcdefghij:bridge0", "vnetabcdefghij:bridge0 is not" },
	{ "vnet0_vlan", "0", "0 is not a valid value for vnet0_vlan.\n'0': a VLAN is a number from 1 to 4094" },
	{ "vnet0_vlan", "4095t",
	  "4095t is not a valid value for vnet0_vlan.\n'4095t': a VLAN is a number from 1 to 4094" },
	{ "vnet0_vlan", "5,6", "5,6 is not a valid value for vnet0_vlan.\n5 and 6: only one VLAN can be untagged" },
	{ "vnet0_vlan", "5,5t", "5,5t is not a valid value for vnet0_vlan.\nVLAN 5 is there twice" },
	{ "vnet0_vlan", "t", "t is not a valid value for vnet0_vlan.\n't': a VLAN is a number" },
	{ "vnet0_vlan", "10t,", "10t, is not a valid value for vnet0_vlan.\n'': a VLAN is a number" },
	{ "vnet0_vlan", "auto", "auto is not a valid value for vnet0_vlan" },
	{ "vnet12_vlan", "x", "x is not a valid value for vnet12_vlan" },
	{ "interfaces", "lo0:bridge0", "lo0:bridge0 is not" },
	{ "vnet0_mac", "02ff606a86aa",
	  "Please enter two valid and different space/comma-delimited MAC addresses for vnet0_mac." },
	{ "vnet0_mac", "02ff606a86aa 02ff606a86aa", "Please enter two" },
	{ "vnet5_mac", "x y",
	  "Please enter two valid and different space/comma-delimited MAC addresses for vnet5_mac." },
	{ "vnet0_mac", "01ff606a86aa 02ff606a86aa", "01ff606a86aa 02ff606a86aa is not" },
	{ "mac_prefix", "00ff60", "Invalid mac_prefix." },
	{ "mac_prefix", "02ff6g", "Invalid mac_prefix." },
	{ "mac_prefix", "02ff6", "Invalid mac_prefix." },
	{ "vnet0_mtu", "67", "67 is not" },
	{ "vnet0_mtu", "65536", "65536 is not" },
	{ "vnet_default_interface", "a b", "Please provide a valid NIC to be used with vnet" },
	{ "vnet_interfaces", "em1 em1", "em1 em1 is not" },
	{ "defaultrouter", "10.0.0.1/24", "10.0.0.1/24 is not" },
	{ "defaultrouter", "::1", "::1 is not" },
	{ "defaultrouter6", "10.0.0.1", "10.0.0.1 is not" },
	{ "resolver", "nameserver", "nameserver is not" },
	{ "resolver", "nameserver 10.0.0.300", "nameserver 10.0.0.300 is not" },
	{ "resolver", "/etc/shadow", "/etc/shadow is not" },
	{ "resolver", ";", "; is not" },
	{ "localhost_ip", "127.0.0.300", "Invalid IPv4 address: 127.0.0.300" },
	{ "nat_forwards", "tcp(80", "Invalid nat_forwards value: tcp(80" },
	{ "nat_forwards", "icmp(80)", "Invalid nat_forwards value" },
	{ "nat_forwards", "70000", "Invalid nat_forwards value" },
	{ "nat_forwards", "tcp(80-90:80-91)", "Invalid nat_forwards value" },
	{ "nat_forwards", "tcp()", "Invalid nat_forwards value" },
	{ "nat_forwards", "80,", "Invalid nat_forwards value" },
	{ "nat_forwards", "tcp(80)x)", "Invalid nat_forwards value" },
	{ "nat_prefix", "172.32", "Must be a private range" },
	{ "nat_prefix", "10", "Supply the first two octets only (XXX.XXX)" },
	{ "nat_prefix", "10.0.0", "Supply the first two octets only (XXX.XXX)" },
	{ "cpuset", "0,0", "0,0 is not" },
	{ "cpuset", "3-1", "3-1 is not" },
	{ "cpuset", "0,,1", "0,,1 is not" },
	{ "cpuset", "x", "x is not" },
	{ "memoryuse", "8G:deny", "8G:deny is not" },
	{ "memoryuse", "deny=8x", "deny=8x is not" },
	{ "memoryuse", "sig*=8g", "sig*=8g is not" },
	{ "maxproc", "deny=8g", "deny=8g is not" },
	{ "cputime", "deny=8", "deny=8 is not" },
	{ "memoryuse", "throttle=8g", "throttle=8g is not" },
	{ "quota", "xxG", "xxG is not" },
	{ "quota", "10", "10 is not" },
	{ "quota", "0G", "0G is not" },
	{ "depends", "a/b", "a/b is not" },
	{ "depends", " ", "  is not" },
	{ "exec_init", "init", "init is not" },
	{ "exec_init", "/../sbin/init", "/../sbin/init is not" },
	{ "exec_start", "", "'' is not a valid value for exec_start" },
	{ "exec_prestart", "  ", "   is not" },
	{ "exec_prestart", "a\nb", "the value for exec_prestart contains a control character" },
	{ "owner", "\x1b[31m", "the value for owner contains a control character" },
	{ "notes", "\xff", "the value for notes is not text" },
	{ "notes", "\xed\xa0\x80", "the value for notes is not text" },
	{ "notes", "\xc0\x80", "the value for notes is not text" },
	{ "notes", "cut \xe2\x82", "the value for notes is not text" },
	{ "host_hostname", "a b", "a b is not" },
	{ "CONFIG_VERSION", "29", "CONFIG_VERSION cannot be changed by the user." },
	{ "colour", "red", "colour is not a valid property!" },
	{ "vnet4_mtus", "1", "vnet4_mtus is not a valid property!" },
};

static void bad_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;
		char *v = NULL;

		if (prop_check(bad[i].name, bad[i].in, &v, &e) >= 0)
			fail_msg("%s=%s was taken", bad[i].name, bad[i].in);
		assert_null(v);
		if (!str_starts(e.msg, bad[i].msg))
			fail_msg("%s=%s: got '%s', want '%s...'", bad[i].name, bad[i].in, e.msg, bad[i].msg);
	}
}

/* No value makes any check read out of bounds or crash, whatever the property. */
static void odd_values_everywhere(void **state)
{
	static const char *const odd[] = { "",          ",",
		                           ",,",        "|",
		                           "||",        ":",
		                           "::",        "=",
		                           "==",        "-",
		                           "--",        "(",
		                           ")",         "()",
		                           "a(",        "/",
		                           "%",         "none,none",
		                           "DEFAULT|",  "DEFAULT|DEFAULT|1.2.3.4",
		                           "x|DHCP|y",  ";;;",
		                           "0-",        "-0",
		                           "tcp(:)",    "99999999999999999999",
		                           "\t",        "sig=1",
		                           "=1",        "deny=",
		                           "vnet:vnet", "vnet0:vnet0:vnet0" };

	(void)state;
	for (int p = 0; p < PROP__COUNT; p++)
		for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
			struct err e = ERR_INIT;
			char *v = NULL;

			if (prop_check(prop_table[p].name, odd[i], &v, &e) == 0) {
				char *again = NULL;

				assert_int_equal(prop_check(prop_table[p].name, v, &again, &e), 0);
				assert_string_equal(v, again);
				free(again);
			} else {
				assert_true(e.msg[0]);
			}
			free(v);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),        cmocka_unit_test(finding),
		cmocka_unit_test(good_values),           cmocka_unit_test(bad_values),
		cmocka_unit_test(odd_values_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
