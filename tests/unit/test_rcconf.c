/* test_rcconf.c - rc.conf and sysctl.conf as text: quoting, what is refused and where, and the model they become. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hostnet.h"

static void takes(const char *text, const char *key, const char *value, unsigned line)
{
	struct rcvars vars = { 0 };
	struct err e = ERR_INIT;
	const struct rcvar *v;

	if (rcconf_parse(text, "rc.conf", &vars, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	v = rcvars_get(&vars, key);
	assert_non_null(v);
	assert_string_equal(v->value, value);
	assert_int_equal(v->line, line);
	rcvars_done(&vars);
}

static void quoting(void **state)
{
	(void)state;
	takes("a=b", "a", "b", 1);
	takes("a=", "a", "", 1);
	takes("\n# comment\n  a=\"b c\"  # more\n", "a", "b c", 3);
	takes("a='b \"c\" $x'", "a", "b \"c\" $x", 1);
	takes("a=\"x \\\"y\\\" \\\\ \\$z \\q\"", "a", "x \"y\" \\ $z \\q", 1);
	takes("a=b\\ c\\#d#e", "a", "b c#d#e", 1);
	takes("a=\"one \\\n two\"\nb=3\n", "a", "one  two", 1);
	takes("a=\"one\ntwo\"\nb=3\n", "b", "3", 3);
	takes("a=x'y'\"z\"", "a", "xyz", 1);
	takes("a=1\na=2\n", "a", "2", 2);
	takes("ifconfig_em0=\"#no comment\"", "ifconfig_em0", "#no comment", 1);
}

static void refuses(const char *text, const char *why)
{
	struct rcvars vars = { 0 };
	struct err e = ERR_INIT;

	if (rcconf_parse(text, "rc.conf", &vars, &e) >= 0)
		fail_msg("taken: %s", text);
	if (!strstr(e.msg, why))
		fail_msg("%s: got '%s', wanted '%s'", text, e.msg, why);
	rcvars_done(&vars);
}

static void no_shell(void **state)
{
	(void)state;
	refuses("a=1\na+=2\n", "rc.conf:2: +=");
	refuses("a=$b", "rc.conf:1: $ and `");
	refuses("a=\"`id`\"", "rc.conf:1: $ and `");
	refuses("a=1; reboot", "rc.conf:1: shell");
	refuses("a=1 reboot", "rc.conf:1: one assignment");
	refuses("\n\nreboot", "rc.conf:3: not an assignment");
	refuses("export a=1", "rc.conf:1: not an assignment");
	refuses(". /etc/rc.conf.local", "rc.conf:1: not an assignment");
	refuses("a =1", "rc.conf:1: not an assignment");
	refuses("a=\"1\nb=2\n", "rc.conf:1: a quote that is not closed");
	refuses("x=1\na='1\n\n", "rc.conf:2: a quote that is not closed");
	refuses("a=~/x", "rc.conf:1: ~");
	refuses("a=1\r\n", "carriage return");
	refuses("a=\x01", "control character");
	refuses("a=\\", "backslash");
}

static void sysctls(void **state)
{
	struct rcvars vars = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(sysctlconf_parse("# x\nnet.inet.ip.forwarding=1   # on\n a.b = \"0\"\n", "s", &vars, &e), 0);
	assert_string_equal(rcvars_get(&vars, "net.inet.ip.forwarding")->value, "1");
	assert_string_equal(rcvars_get(&vars, "a.b")->value, "0");
	assert_int_equal(rcvars_get(&vars, "a.b")->line, 3);
	assert_true(sysctlconf_parse("a.b 1\n", "s", &vars, &e) < 0);
	assert_string_equal(e.msg, "s:1: not a line of sysctl.conf, name=value");
	rcvars_done(&vars);
}

/* --- the model --- */

static int model(const char *text, struct hostnet *h, struct err *e)
{
	struct rcvars vars = { 0 };
	int r = rcconf_parse(text, "rc.conf", &vars, e);

	if (r == 0)
		return hostnet_build(&vars, h, e);
	rcvars_done(&vars);
	*h = (struct hostnet){ 0 };
	return r;
}

static void means(const char *text, const char *want)
{
	struct sbuf out = { 0 };
	struct hostnet h;
	struct err e = ERR_INIT;

	if (model(text, &h, &e) < 0)
		fail_msg("%s: %s", text, e.msg);
	hostnet_describe(&h, &out);
	assert_string_equal(out.p ? out.p : "", want);
	sbuf_done(&out);
	hostnet_done(&h);
}

static void understood(void **state)
{
	(void)state;
	means("cloned_interfaces=\"bridge0 bridge1\"\nifconfig_bridge0=\"addm em0 up\"\n",
	      "bridge0: bridge up member em0\nbridge1: bridge\n");
	means("ifconfig_em0=\"inet 10.0.0.1/24\"\n", "em0: up 10.0.0.1/24\n");
	means("ifconfig_em0=\"inet 10.0.0.1 netmask 255.255.255.0 mtu 9000\"\n", "em0: up mtu 9000 10.0.0.1/24\n");
	means("ifconfig_em0=\"10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255 up\"\n", "em0: up 10.0.0.1/24\n");
	means("ifconfig_em0=\"DHCP\"\nifconfig_em0_ipv6=\"inet6 2001:db8::1/64\"\n",
	      "em0: up 2001:db8::1/64 DHCP (by a client of the host's own)\n");
	means("ifconfig_em0_ipv6=\"inet6 2001:db8::1 prefixlen 64\"\nifconfig_em0_ipv6=\"inet6 accept_rtadv\"\n",
	      "em0: up\n");
	means("ifconfig_em0_alias0=\"inet 10.0.0.2/32\"\nifconfig_em0_alias12=\"inet6 2001:db8::2/128\"\n",
	      "em0: up 10.0.0.2/32 2001:db8::2/128\n");
	means("ifconfig_em0_666=\"inet 10.6.0.1/24\"\nvlans_em0=\"666\"\ncreate_args_em0_666=\"\"\n",
	      "em0.666: VLAN 666 on em0 up 10.6.0.1/24\n");
	means("vlans_em0=\"guests\"\ncreate_args_guests=\"vlan 102\"\nifconfig_guests=\"up\"\n",
	      "guests: VLAN 102 on em0 up\n");
	means("cloned_interfaces=\"vlan0\"\nifconfig_vlan0=\"vlan 5 vlandev em0 up\"\n", "vlan0: VLAN 5 on em0 up\n");
	means("cloned_interfaces=bridge0\nifconfig_bridge0=\"addm em0 addm em1\"\nifconfig_em0=\"ether "
	      "02:00:00:00:00:09 inet 10.0.0.1/24\"\n",
	      "bridge0: bridge member em0 member em1\nem0: up ether 02:00:00:00:00:09 10.0.0.1/24 (on bridge0, whose "
	      "member it is)\n");
	means("defaultrouter=\"10.0.0.254\"\nipv6_defaultrouter=\"fe80::1%em0\"\ngateway_enable=\"YES\"\n"
	      "ipv6_gateway_enable=no\niocage_enable=\"YES\"\n",
	      "default router: 10.0.0.254\ndefault router: fe80::1%em0\nnet/ipv4/ip_forward = 1\n");
	means("defaultrouter=\"NO\"\n", "");
}

static void misunderstood(const char *text, const char *why)
{
	struct hostnet h;
	struct err e = ERR_INIT;

	if (model(text, &h, &e) >= 0)
		fail_msg("taken: %s", text);
	if (!strstr(e.msg, why))
		fail_msg("%s: got '%s', wanted '%s'", text, e.msg, why);
	hostnet_done(&h);
}

static void not_understood(void **state)
{
	(void)state;
	misunderstood("\nsshd_enable=YES\n", "rc.conf:2: sshd_enable: not understood");
	misunderstood("ifconfig_em0=\"-nosuch up\"\n", "rc.conf:1: ifconfig_em0: -nosuch is not understood");
	misunderstood("ifconfig_em0=\"inet 10.0.0.1\"\n", "needs a prefix, as in 10.0.0.1/24");
	misunderstood("ifconfig_em0=\"inet 10.0.0.300/24\"\n", "rc.conf:1: ifconfig_em0: 10.0.0.300/24");
	misunderstood("ifconfig_em0=\"inet\"\n", "something is missing after inet");
	misunderstood("ifconfig_em0=\"inet 10.0.0.1 netmask 255.0.255.0\"\n", "contiguous");
	misunderstood("ifconfig_em0=\"mtu x\"\n", "mtu: a number from 68");
	misunderstood("ifconfig_em0=\"ether zz\"\n", "not a MAC address");
	misunderstood("ifconfig_em0=\"addm em1\"\n", "addm is for bridges");
	misunderstood("ifconfig_em0_name=\"lan0\"\n", "not understood");
	misunderstood("ifconfig_DEFAULT=\"DHCP\"\n", "not understood");
	misunderstood("ifconfig_averyverylongname0=\"up\"\n", "longer than an interface's name");
	misunderstood("cloned_interfaces=\"epair0\"\n", "cannot be made here");
	misunderstood("cloned_interfaces=\"vlan0\"\n", "vlan0 has no VLAN tag");
	misunderstood("vlans_em0=\"4095\"\n", "from 1 to 4094");
	misunderstood("cloned_interfaces=\"bridge0 bridge1\"\nifconfig_bridge0=\"addm em0\"\nifconfig_bridge1=\"addm "
	              "em0\"\n",
	              "em0 is in bridge0 already (line 1)");
	misunderstood("cloned_interfaces=\"bridge0 bridge1\"\nifconfig_bridge0=\"addm bridge1\"\n",
	              "cannot be a member");
	misunderstood("gateway_enable=maybe\n", "YES or NO");
	misunderstood("defaultrouter=10.0.0.1/24\n", "a router has no prefix");
	misunderstood("ifconfig_em0=\"inet 10.0.0.1/24\"\nifconfig_em0_alias0=\"inet 10.0.0.1/24\"\n", "said twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quoting),    cmocka_unit_test(no_shell),       cmocka_unit_test(sysctls),
		cmocka_unit_test(understood), cmocka_unit_test(not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
