/* test_hostnet.c - golden plans of `hostnet apply`, what it refuses, what it leaves alone, and that it is done once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/hostnet.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

static struct ipaddr ip(const char *s)
{
	struct ipaddr a = { 0 };

	assert_int_equal(ipaddr_parse(s, 0, &a, NULL), 0);
	return a;
}

/* --- a host made by hand: em0 with addresses and default routes, em1 without --- */

struct host {
	struct hn_link links[8];
	struct hn_ip ips[8];
	struct hn_route routes[8];
	struct hn_facts f;
};

static struct host *host(void)
{
	static struct host h;

	h = (struct host){
		.links = { { .name = "lo", .index = 1, .mtu = 65536, .up = true },
		           { .name = "em0", .index = 2, .mtu = 1500, .up = true, .mac = { { 2, 0, 0, 0, 0, 1 }, true } },
		           { .name = "em1", .index = 3, .mtu = 1500, .mac = { { 2, 0, 0, 0, 0, 2 }, true } } },
		.ips = { { .index = 2, .addr = ip("192.0.2.1/24") },
		         { .index = 2, .addr = ip("192.0.2.9/24") },
		         { .index = 2, .addr = ip("2001:db8::1/64"), .dynamic = true, .valid = 600, .preferred = 300 } },
		.routes = { { .index = 2, .table = 254, .proto = 3, .dst = ip("0.0.0.0/0"), .gw = ip("192.0.2.254") },
		            { .index = 2,
		              .table = 254,
		              .proto = 9,
		              .metric = 1024,
		              .dst = ip("::/0"),
		              .gw = ip("fe80::1"),
		              .expires = 1800 },
		            { .index = 2,
		              .table = 7,
		              .proto = 4,
		              .scope = 253,
		              .dst = ip("10.8.0.0/16"),
		              .src = ip("192.0.2.9") } },
		.f = { .nlinks = 3, .nips = 3, .nroutes = 3 },
	};
	h.f.links = h.links;
	h.f.ips = h.ips;
	h.f.routes = h.routes;
	for (size_t i = 0; i < HN_SYSCTLS; i++) {
		h.f.sysctls[i].present = true;
		strcpy(h.f.sysctls[i].value, "0");
	}
	return &h;
}

static int build(const char *rc, const char *sysctl, const struct hn_facts *f, struct plan *p, struct strv *left,
                 struct err *e)
{
	struct rcvars vars = { 0 };
	struct hostnet h = { 0 };
	int r = rcconf_parse(rc, "rc.conf", &vars, e);

	if (r == 0)
		r = sysctlconf_parse(sysctl, "sysctl.conf", &vars, e);
	if (r == 0)
		r = hostnet_build(&vars, &h, e);
	if (r == 0)
		r = plan_hostnet(&h, f, p, left, e);
	hostnet_done(&h);
	rcvars_done(&vars);
	return r;
}

static char *slurp(const char *path)
{
	struct sbuf b = { 0 };
	FILE *f = fopen(path, "r");
	char buf[4096];
	size_t n;

	if (!f)
		return NULL;
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		sbuf_addn(&b, buf, n);
	fclose(f);
	return sbuf_take(&b);
}

static void compare(const char *name, const struct plan *p, const struct strv *left)
{
	struct sbuf got = { 0 };
	char path[512], *want;

	plan_format(p, &got);
	for (size_t i = 0; i < left->n; i++)
		sbuf_addf(&got, "left: %s\n", left->v[i]);
	snprintf(path, sizeof(path), "%s/plans/%s.txt", TEST_DATA, name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *out = fopen(path, "w");

		assert_non_null(out);
		assert_true(fputs(got.p ? got.p : "", out) >= 0);
		assert_int_equal(fclose(out), 0);
	}
	want = slurp(path);
	if (!want)
		fail_msg("cannot read %s", path);
	assert_string_equal(got.p ? got.p : "", want);
	free(want);
	sbuf_done(&got);
}

static void golden(const char *name, const char *rc, const char *sysctl, const struct hn_facts *f)
{
	struct plan p = { 0 };
	struct strv left = { 0 };
	struct err e = ERR_INIT;

	if (build(rc, sysctl, f, &p, &left, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	compare(name, &p, &left);
	plan_done(&p);
	strv_done(&left);
}

static const char manual[] = "cloned_interfaces=\"bridge0 bridge1\"\nifconfig_bridge0=\"addm em0 up\"\n"
			     "ifconfig_bridge1=\"inet 10.1.1.254/24\"\n";
static const char manual_sysctl[] = "net.inet.ip.forwarding=1\nnet.link.bridge.pfil_onlyip=0\n"
				    "net.link.bridge.pfil_bridge=0\nnet.link.bridge.pfil_member=0\n";

static void golden_plans(void **state)
{
	struct host *h = host();

	(void)state;
	golden("hostnet-manual", manual, manual_sysctl, &h->f);
	golden("hostnet-vlan",
	       "vlans_em1=\"666\"\nifconfig_em1=\"up mtu 9000\"\nifconfig_em1_666=\"inet 10.6.0.1/24\"\n"
	       "cloned_interfaces=bridge6\nifconfig_bridge6=\"addm em1.666 up ether 02:00:00:00:06:06\"\n",
	       "", &h->f);
	golden("hostnet-devices",
	       "cloned_interfaces=\"lo1 lagg0 gif0 tap0 bridge0\"\nifconfig_lo1=\"inet 10.3.0.1/32\"\n"
	       "ifconfig_lagg0=\"laggproto lacp laggport em1 inet 10.4.0.1/24\"\nifconfig_em1=\"up -tso -vlanhwtso\"\n"
	       "ifconfig_gif0=\"tunnel 192.0.2.1 198.51.100.1 inet 10.5.0.1 10.5.0.2 netmask 255.255.255.255\"\n"
	       "ifconfig_gif0_ipv6=\"inet6 2001:db8:5::1 2001:db8:5::2 prefixlen 128\"\n"
	       "ifconfig_bridge0=\"addm tap0 stp tap0 up\"\nifconfig_em0_ipv6=\"inet6 -ifdisabled accept_rtadv\"\n",
	       "", &h->f);
	golden("hostnet-static-routes",
	       "static_routes=\"office lab:em1 one\"\nroute_office=\"-net 10.20.0.0/16 192.0.2.254\"\n"
	       "route_lab=\"-net 10.30.1.9 -netmask 255.255.255.0 -iface em0\"\nroute_one=\"-host 10.40.0.1 "
	       "192.0.2.254\"\n"
	       "ipv6_static_routes=six\nipv6_route_six=\"-net 2001:db8:20:: -prefixlen 48 fe80::1%em0\"\n"
	       "route_unused=\"-net 10.50.0.0/16 192.0.2.254\"\n",
	       "", &h->f);
	golden("hostnet-routers",
	       "ifconfig_em1=\"inet 10.0.0.1/24\"\nifconfig_em1_ipv6=\"inet6 2001:db8:9::1/64\"\n"
	       "ifconfig_em1_alias0=\"inet 10.0.0.2/32\"\ndefaultrouter=10.0.0.254\n"
	       "ipv6_defaultrouter=fe80::9%em1\nipv6_gateway_enable=YES\n",
	       "", &h->f);
	/* addresses said for a member are the bridge's; those that are move once */
	golden("hostnet-member-addrs",
	       "cloned_interfaces=bridge0\nifconfig_bridge0=\"addm em0 up\"\n"
	       "ifconfig_em0=\"inet 192.0.2.1/24\"\nifconfig_em0_alias0=\"inet 192.0.2.77/24\"\n"
	       "defaultrouter=192.0.2.254\n",
	       "", &h->f);
	/* a jail's start made the bridge */
	h->links[3] = (struct hn_link){ .name = "bridge0",
		                        .index = 4,
		                        .mtu = 1500,
		                        .up = true,
		                        .is_bridge = true,
		                        .mac = { { 2, 0, 0, 0, 0, 9 }, true },
		                        .alias = "iocage: bridge for jails" };
	h->f.nlinks = 4;
	golden("hostnet-adopts", manual, "", &h->f);
	h = host();
	strcpy(h->links[1].manager, "NetworkManager (/run/NetworkManager/devices/2)");
	golden("hostnet-managed", manual, "", &h->f);
}

/* A jail's start: the bridge is there, and stays a jail's. */
static void uplink(void **state)
{
	struct host *h = host();
	struct strv none = { 0 };
	struct plan p = { 0 }, again = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	h->links[3] = (struct hn_link){ .name = "bridge0",
		                        .index = 4,
		                        .mtu = 1500,
		                        .up = true,
		                        .is_bridge = true,
		                        .mac = { { 2, 0, 0, 0, 0, 9 }, true },
		                        .alias = "iocage: bridge for jails" };
	h->f.nlinks = 4;
	assert_int_equal(plan_uplink_join("em0", "bridge0", &h->f, &p, &e), 0);
	compare("uplink-join", &p, &none);
	plan_done(&p);
	/* done: nothing is left to do */
	for (size_t i = 0; i < 3; i++)
		h->ips[i].index = h->routes[i].index = 4;
	h->links[1].master = 4;
	assert_int_equal(plan_uplink_join("em0", "bridge0", &h->f, &again, &e), 0);
	assert_int_equal(again.n, 0);
	plan_done(&again);
	h->ips[0] = (struct hn_ip){ .index = 2, .addr = ip("192.0.2.1/24"), .mark = 0x69 };
	h->f.nips = 1;
	assert_true(plan_uplink_join("em0", "bridge0", &h->f, &again, &e) < 0);
	assert_non_null(strstr(e.msg, "of a running jail"));
	plan_done(&again);
}

/* In the middle of a move, or after it: only what is missing is done. */
static void goes_on(void **state)
{
	struct host *h = host();

	(void)state;
	h->links[1].master = 4;
	h->links[3] = (struct hn_link){ .name = "bridge0",
		                        .index = 4,
		                        .mtu = 1500,
		                        .up = true,
		                        .is_bridge = true,
		                        .mac = { { 2, 0, 0, 0, 0, 1 }, true },
		                        .alias = "iocage: hostnet bridge0" };
	h->links[4] = (struct hn_link){
		.name = "bridge1", .index = 5, .mtu = 1500, .up = true, .is_bridge = true, .alias = ""
	};
	h->f.nlinks = 5;
	h->ips[3] = (struct hn_ip){ .index = 4, .addr = ip("192.0.2.1/24") };
	h->ips[4] = (struct hn_ip){ .index = 5, .addr = ip("10.1.1.254/24") };
	h->f.nips = 5;
	golden("hostnet-goes-on", manual, "", &h->f);
	for (size_t i = 0; i < 3; i++)
		h->ips[i].index = h->routes[i].index = 4;
	h->ips[0].index = 99;
	golden("hostnet-done", manual, "", &h->f);
}

static void refused(const char *rc, const struct hn_facts *f, const char *why)
{
	struct plan p = { 0 };
	struct strv left = { 0 };
	struct err e = ERR_INIT;

	if (build(rc, "", f, &p, &left, &e) >= 0)
		fail_msg("taken, but wanted: %s", why);
	if (!strstr(e.msg, why))
		fail_msg("got '%s', wanted '%s'", e.msg, why);
	plan_done(&p);
	strv_done(&left);
}

static void refuses(void **state)
{
	struct host *h = host();

	(void)state;
	refused("\nifconfig_em7=up\n", &h->f, "rc.conf:2: ifconfig_em7: there is no interface em7");
	refused("cloned_interfaces=bridge0\nifconfig_bridge0=\"addm em7\"\n", &h->f,
	        "rc.conf:2: ifconfig_bridge0: there is no interface em7");
	refused("vlans_em7=5\n", &h->f, "there is no interface em7");
	refused("defaultrouter=10.99.0.1\n", &h->f, "no interface has an address in the network of 10.99.0.1");
	h->ips[0].mark = 0x69;
	refused(manual, &h->f, "of a running jail");
	h = host();
	h->ips[0].dynamic = true;
	refused(manual, &h->f, "by DHCP");
	h = host();
	h->ips[0].peer = true;
	refused(manual, &h->f, "point-to-point");
	h = host();
	h->routes[0].multipath = true;
	refused(manual, &h->f, "several next hops");
	h = host();
	h->links[1].master = 3;
	refused(manual, &h->f, "em0 is in em1 already");
	h = host();
	strcpy(h->links[2].name, "bridge0");
	refused(manual, &h->f, "bridge0 exists but is not a bridge");
	h = host();
	h->f.sysctls[0].present = false;
	refused("cloned_interfaces=wg0\n", &h->f, "wg0 cannot be made here: bridge0, vlan0");
	refused("cloned_interfaces=lo0\n", &h->f, "lo0 is there already");
	refused("cloned_interfaces=gif0\n", &h->f, "gif0 has no ends");
	refused("cloned_interfaces=lagg0\n", &h->f, "lagg0 has no ports");
	refused("cloned_interfaces=lagg0\nifconfig_lagg0=\"laggproto fast\"\n", &h->f, "not fast");
	refused("cloned_interfaces=lagg0\nifconfig_lagg0=\"laggport em0\"\n", &h->f, "em0 carries addresses");
	refused("cloned_interfaces=lagg0\nifconfig_lagg0=\"laggport em1\"\nifconfig_em1=\"inet 10.0.0.1/24\"\n", &h->f,
	        "em1 is a port of lagg0: the address belongs into ifconfig_lagg0");
	refused("ifconfig_em1=\"laggport em0\"\n", &h->f, "laggport is for laggs");
	refused("cloned_interfaces=gif0\nifconfig_gif0=\"tunnel 192.0.2.1 2001:db8::1\"\n", &h->f,
	        "an IPv4 address is wanted here");
	refused("static_routes=a\n", &h->f, "there is no route_a");
	refused("static_routes=a\nroute_a=\"-net 10.1.0.0 192.0.2.254\"\n", &h->f, "needs a prefix");
	refused("static_routes=a\nroute_a=\"-net 10.1.0.0/16 10.9.9.9\"\n", &h->f, "no interface has an address");
	refused("static_routes=a\nroute_a=\"-net 10.1.0.0/16 192.0.2.254 7\"\n", &h->f, "one word too many");
	refused("static_routes=a\nroute_a=\"-net 10.1.0.0/16 -iface em7\"\n", &h->f, "there is no interface em7");
	refused("static_routes=\"a b\"\nroute_a=\"-net 10.1.0.0/16 192.0.2.254\"\nroute_b=\"10.1.0.9/16 "
	        "192.0.2.253\"\n",
	        &h->f, "has a route already");
	refused("gateway_enable=YES\n", &h->f, "/proc/sys/net/ipv4/ip_forward does not exist");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_plans),
		cmocka_unit_test(uplink),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
