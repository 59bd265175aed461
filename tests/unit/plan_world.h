/* plan_world.h - a host made by hand, and plans built for it from properties; for the unit tests of plans. */
#ifndef IOCAGE_TESTS_PLAN_WORLD_H
#define IOCAGE_TESTS_PLAN_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/plan.h"

/* --- a host made by hand: em0 with the default routes, bridge0 with em0 in it, em1, lo --- */

static struct link_fact links[] = {
	{ .name = "em0", .index = 2, .mtu = 1500, .flags = 0x1003, .mac = { { 2, 0, 0, 0, 0, 1 }, true }, .master = 4 },
	{ .name = "em1", .index = 3, .mtu = 9000, .flags = 0x1003, .mac = { { 2, 0, 0, 0, 0, 2 }, true } },
	{ .name = "bridge0", .index = 4, .mtu = 1500, .flags = 0x1003, .is_bridge = true, .first_member_mtu = 1400 },
	{ .name = "lo", .index = 1, .mtu = 65536, .flags = 0x49 },
	{ .name = "trunk0", .index = 5, .is_bridge = true, .can_vlans = true, .vlan_filtering = true, .default_pvid = 5 },
	{ .name = "bridge5", .index = 6, .is_bridge = true, .can_vlans = true, .ours = true, .default_pvid = 1 },
	{ .name = "flat0", .index = 7, .is_bridge = true, .can_vlans = true, .default_pvid = 1 },
};

static struct ipaddr ip(const char *s)
{
	struct ipaddr a = { 0 };

	assert_int_equal(ipaddr_parse(s, 0, &a, NULL), 0);
	return a;
}

static struct facts host(void)
{
	return (struct facts){
		.host_id = "0123456789abcdef",
		.gw4 = { true, "em0", ip("10.0.0.1") },
		.gw6 = { true, "em0", ip("2001:db8::1") },
		.links = links,
		.nlinks = sizeof(links) / sizeof(links[0]),
		.jid = 7,
	};
}

static const struct root_source thin = {
	.lower = "/r/releases/x/root",
	.layers = "/r/jails/www/layers",
	.resolv = "nameserver 10.0.0.1\n",
};

/* --- building --- */

/* key, value, ..., NULL; each through the check, as `set` does */
static void fill(struct conf *c, const char *const *kv)
{
	for (; *kv; kv += 2) {
		struct err e = ERR_INIT;
		char *v;

		if (prop_check(kv[0], kv[1], &v, &e) < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(conf_layer_set(&c->own, kv[0], v), 0);
		free(v);
	}
}

static int build(const char *const *kv, const struct facts *f, const struct root_source *root, struct plan *ret,
                 struct err *e)
{
	struct conf c = { 0 };
	struct jail j;
	int r;

	fill(&c, kv);
	r = jail_build(&c, "www", &j, e);
	if (r == 0) {
		struct ipaddr nat = ip("172.16.0.2/30");

		if (j.nat)
			r = jail_nat_set(&j, &nat, e);
		if (r == 0)
			r = plan_start(&j, f, root, ret, e);
		jail_done(&j);
	}
	conf_done(&c); /* a plan must not lean on what it was made from */
	return r;
}

#define KV(...)                   \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}

#endif
