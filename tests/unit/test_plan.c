/* test_plan.c - golden plans of `start` and of changes to a jail that runs, and what they refuse. */
#include <stdio.h>
#include <string.h>

#include "core/hostnet.h"
#include "plan_world.h"

#ifndef TEST_DATA
#define TEST_DATA "tests/data"
#endif

static struct nat_link nat_links[] = { { "em0" }, { "em1" } };

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

/* UPDATE_GOLDEN=1 in the environment writes the files anew: read the difference before it is kept. */
static void compare(const char *name, const struct sbuf *got)
{
	char path[512], *want;

	snprintf(path, sizeof(path), "%s/plans/%s.txt", TEST_DATA, name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *out = fopen(path, "w");

		assert_non_null(out);
		assert_true(fputs(got->p, out) >= 0);
		assert_int_equal(fclose(out), 0);
	}
	want = slurp(path);
	if (!want)
		fail_msg("cannot read %s", path);
	assert_string_equal(got->p, want);
	free(want);
}

static void golden(const char *name, const char *const *kv, const struct facts *f, const struct root_source *root)
{
	struct plan p = { 0 };
	struct sbuf got = { 0 };
	struct err e = ERR_INIT;

	if (build(kv, f, root, &p, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	plan_format(&p, &got);
	compare(name, &got);
	sbuf_done(&got);
	plan_done(&p);
}

static size_t count(const struct plan *p, enum op_kind k, enum op_where where)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		n += p->steps[i].redo.kind == k && p->steps[i].redo.where == where;
	return n;
}

/* The host's network of links[], for jails that take interfaces of it. */
static struct hn_link host_links[] = {
	{ .name = "em0", .index = 2, .mtu = 1450, .mac = { { 2, 0, 0, 0, 0, 1 }, true }, .up = true, .ether = true },
	{ .name = "em1", .index = 3, .mtu = 9000, .mac = { { 2, 0, 0, 0, 0, 2 }, true }, .up = true, .ether = true },
	{ .name = "tun0", .index = 8, .mtu = 1500 },
	{ .name = "wlan0", .index = 9, .mtu = 1500, .ether = true, .wireless = true },
	{ .name = "br9", .index = 10, .mtu = 1500, .ether = true, .is_bridge = true },
	{ .name = "em2", .index = 11, .mtu = 1500, .ether = true, .master = 10 },
};

static void refused(const char *msg, const char *const *kv, const struct facts *f, const struct root_source *root);

static void golden_taken(void **state)
{
	struct facts f = host();
	struct hn_ip ips[3] = { { .index = 3 }, { .index = 3 }, { .index = 2 } };
	struct hn_route routes[3] = { { .index = 3, .table = 254, .proto = 3, .scope = 253 },
		                      { .index = 3, .table = 254, .proto = 3 },
		                      { .index = 2, .table = 254, .proto = 3 } };
	struct hn_facts h = { .links = host_links, .nlinks = 6, .ips = ips, .nips = 3, .routes = routes, .nroutes = 3 };
	static const struct {
		const char *uplink, *msg;
	} bad[] = {
		{ "em9", "there is no interface em9" }, { "tun0", "no Ethernet interface" },
		{ "wlan0", "wlan0 is wireless" },       { "br9", "br9 is a bridge" },
		{ "em2", "em2 is in br9 already" },
	};

	(void)state;
	assert_int_equal(ipaddr_parse("10.1.0.1/24", 4, &ips[0].addr, NULL), 0);
	assert_int_equal(ipaddr_parse("2001:db8:1::1/64", 6, &ips[1].addr, NULL), 0);
	assert_int_equal(ipaddr_parse("10.0.0.2/24", 4, &ips[2].addr, NULL), 0);
	assert_int_equal(ipaddr_parse("10.2.0.0/16", 4, &routes[0].dst, NULL), 0);
	assert_int_equal(ipaddr_parse("10.3.0.0/16", 4, &routes[1].dst, NULL), 0);
	routes[1].gw = ip("10.2.0.1");
	assert_int_equal(ipaddr_parse("0.0.0.0/0", 4, &routes[2].dst, NULL), 0);
	routes[2].gw = ip("10.0.0.1");
	f.host = &h;
	golden("vnet-handed", KV("vnet", "1", "ip4_addr", "em1|10.1.0.5/24", "vnet_interfaces", "em1 tun0"), &f, &thin);
	assert_int_equal(str_copy(f.uplink, sizeof(f.uplink), "em0"), 0);
	golden("vnet-uplink",
	       KV("vnet", "1", "interfaces", "vnet1:none,vnet0:bridge1", "ip4_addr", "vnet0|10.0.0.5/24",
	          "vnet_default_interface", "em0"),
	       &f, &thin);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(str_copy(f.uplink, sizeof(f.uplink), bad[i].uplink), 0);
		refused(bad[i].msg, KV("vnet", "1"), &f, &thin);
	}
	f.uplink[0] = '\0';
	refused("default route goes through em0", KV("vnet", "1", "vnet_interfaces", "em0"), &f, &thin);
	refused("em2 is a port of br9", KV("vnet", "1", "vnet_interfaces", "em2"), &f, &thin);
	refused("wlan0 cannot move into a jail", KV("vnet", "1", "vnet_interfaces", "wlan0"), &f, &thin);
}

static void golden_plans(void **state)
{
	struct facts f = host();
	struct root_source empty = { .dir = "/r/jails/www/root" };
	struct link_fact asking[sizeof(links) / sizeof(links[0])];

	(void)state;
	golden("shared-v4-v6", KV("ip4_addr", "em0|10.0.0.5/24", "ip6_addr", "em0|2001:db8::5/64"), &f, &thin);
	golden("shared-bare", KV("ip4_addr", "10.0.0.5"), &f, &thin);
	golden("shared-two-interfaces",
	       KV("ip4_addr", "em0|10.0.0.5/24,em1|192.168.9.5/24,em0|10.0.0.6/32", "allow_raw_sockets", "1"), &f,
	       &thin);
	golden("shared-inherit", KV("ip4", "inherit", "ip6", "disable", "ip4_addr", "em0|10.0.0.5/24"), &f, &thin);
	golden("vnet-dual-stack",
	       KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "ip6_addr", "vnet0|2001:db8::5/64", "defaultrouter6",
	          "fe80::1%em0"),
	       &f, &thin);
	golden("vnet-none", KV("vnet", "1", "interfaces", "vnet0:none", "vnet_default_mtu", "1280"), &f, &thin);
	golden("vnet-two-nics",
	       KV("vnet", "1", "interfaces", "vnet0:bridge0,vnet1:bridge1", "ip4_addr",
	          "vnet0|10.0.0.5/24,vnet1|192.168.9.5/24,lo0|127.0.0.2", "defaultrouter", "192.168.9.1", "vnet1_mac",
	          "02ff606a86aa 02ff606a86ab", "vnet1_mtu", "9000"),
	       &f, &thin);
	golden("vnet-vlans",
	       KV("vnet", "1", "interfaces", "vnet0:trunk0,vnet1:bridge5,vnet2:bridge6,storage-network:bridge0",
	          "vnet0_vlan", "5,10t,20t", "vnet1_vlan", "666", "vnet2_vlan", "7t", "ip4_addr",
	          "vnet0|10.0.0.5/24,vnet0|10.0.0.6/24,vnet1|10.1.0.5/24,lo0|127.0.0.1", "ip6_addr",
	          "vnet0|fe80::2/64,vnet0|2001:db8::5/64,vnet1|2001:db8:1::5/64,lo0|::1,lo0|2001:db8:2::1",
	          "defaultrouter6", "fe80::1%epair1b", "defaultrouter", "none"),
	       &f, &thin);
	golden("vnet-dhcp", KV("vnet", "1", "bpf", "1", "dhcp", "1", "ip6_addr", "vnet0|accept_rtadv"), &f, &thin);
	golden("vnet-self",
	       KV("vnet", "1", "interfaces", "vnet0:bridge0,vnet1:bridge1", "ip4_addr",
	          "vnet0|self,vnet1|10.0.0.5/24,vnet1|self", "ip6_addr", "vnet1|self"),
	       &f, &thin);
	golden("vnet-dhcp-beside-static",
	       KV("vnet", "1", "bpf", "1", "interfaces", "vnet0:bridge0,vnet1:bridge1", "ip4_addr",
	          "vnet0|10.0.0.5/24,vnet1|DHCP", "defaultrouter", "10.0.0.1", "resolver", "nameserver 10.0.0.9",
	          "ip6_addr", "vnet0|2001:db8::5/64,vnet1|accept_rtadv", "defaultrouter6", "none", "dhcp_timeout", "3",
	          "dhcp_required", "1"),
	       &f, &thin);
	golden("vnet-dhcp-named-router",
	       KV("vnet", "1", "bpf", "1", "dhcp", "1", "defaultrouter", "10.0.0.9", "dhcp_timeout", "0"), &f, &thin);
	golden("limits",
	       KV("ip4_addr", "em0|10.0.0.5/24", "memoryuse", "deny=2g", "maxproc", "deny=100", "nthr", "deny=80",
	          "pcpu", "deny=0", "cpuset", "0-1,3", "swapuse", "log=1g"),
	       &f, &thin);
	golden("vnet-no-antispoof",
	       KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "vnet_antispoof", "0", "vnet_isolated", "1"), &f,
	       &thin);
	f.nat_links = nat_links;
	f.nnat_links = 2;
	golden("vnet-nat", KV("vnet", "1", "nat", "1", "ip4_addr", "vnet0|10.0.0.5/24"), &f, &thin);
	golden("vnet-nat-forwards",
	       KV("vnet", "1", "nat", "1", "nat_forwards", "tcp(80:8080),53", "vnet_antispoof", "0", "interfaces",
	          "vnet0:bridge0,vnet1:bridge0", "ip4_addr", "vnet1|10.0.0.5/24"),
	       &f, &thin);
	golden("empty", KV("ip4_addr", "none"), &f, &empty);
	memcpy(asking, links, sizeof(links));
	asking[0].can_ask = asking[2].can_ask = true;
	f.links = asking;
	golden("shared-probe", KV("ip4_addr", "em0|10.0.0.5/24,em1|10.0.0.6/24", "ip6_addr", "em0|2001:db8::5/64"), &f,
	       &thin);
	golden("vnet-probe",
	       KV("vnet", "1", "interfaces", "vnet0:bridge0,vnet1:bridge1", "ip4_addr",
	          "vnet0|10.0.0.5/24,vnet1|10.0.1.5/24"),
	       &f, &thin);
	golden("shared-no-probe", KV("ip4_addr", "em0|10.0.0.5/24", "conflict_wait", "0"), &f, &thin);
}

/* --- a jail that runs --- */

static int build_live(const char *const *was, const char *const *is, const struct facts *f, struct plan *p,
                      struct plan *after, struct err *e)
{
	struct conf a = { 0 }, b = { 0 };
	struct jail old, new;
	int r;

	fill(&a, was);
	fill(&b, is);
	assert_int_equal(jail_build(&a, "www", &old, e), 0);
	assert_int_equal(jail_build(&b, "www", &new, e), 0);
	r = plan_live(&old, &new, f, p, after, e);
	jail_done(&old);
	jail_done(&new);
	conf_done(&a);
	conf_done(&b);
	return r;
}

static void golden_live(const char *name, const char *const *was, const char *const *is, const struct facts *f)
{
	char file[64];
	struct plan p = { 0 }, after = { 0 };
	struct sbuf got = { 0 };
	struct err e = ERR_INIT;

	if (build_live(was, is, f, &p, &after, &e) < 0)
		fail_msg("%s: %s", name, e.msg);
	plan_format(&p, &got);
	plan_format(&after, &got);
	if (!got.p)
		sbuf_add(&got, "");
	snprintf(file, sizeof(file), "live-%s", name);
	compare(file, &got);
	sbuf_done(&got);
	plan_done(&p);
	plan_done(&after);
}

#define HERE(a, l, o)                                                  \
	{                                                              \
		.addr = ip(a), .present = true, .ours = o, .ifname = l \
	}

static void golden_lives(void **state)
{
	struct facts f = host();
	struct addr_fact af[] = { HERE("10.0.0.5", "em0", true),
		                  HERE("10.0.0.6", "em0", true),
		                  HERE("10.0.0.1", "em0", false),
		                  HERE("2001:db8::5", "em0", true),
		                  { .addr = ip("10.0.0.7") } };
	struct link_fact more[sizeof(links) / sizeof(links[0]) + 1];

	(void)state;
	f.addrs = af;
	f.naddrs = sizeof(af) / sizeof(*af);
	memcpy(more, links, sizeof(links));
	more[f.nlinks] = (struct link_fact){ .name = "vnet0.7", .index = 9, .mtu = 1400 };
	golden_live("shared-add", KV("ip4_addr", "em0|10.0.0.5/24"),
	            KV("ip4_addr", "em0|10.0.0.5/24,em0|10.0.0.7/24", "ip6_addr", "em1|2001:db8::7/64"), &f);
	golden_live("shared-remove",
	            KV("ip4_addr", "em0|10.0.0.5/24,em0|10.0.0.6/24", "ip6_addr", "em0|2001:db8::5/64"),
	            KV("ip4_addr", "em0|10.0.0.6/24"), &f);
	golden_live("shared-other-link", KV("ip4_addr", "em0|10.0.0.5/24"), KV("ip4_addr", "em1|10.0.0.5/24"), &f);
	golden_live("shared-prefix", KV("ip4_addr", "em0|10.0.0.5/24"), KV("ip4_addr", "em0|10.0.0.5/16"), &f);
	golden_live("shared-host-address", KV("ip4_addr", "em0|10.0.0.1/24"), KV("ip4_addr", "em0|10.0.0.5/24"), &f);
	golden_live("shared-primary", KV("ip4_addr", "em0|10.0.0.5/24,em0|10.0.0.6/24"),
	            KV("ip4_addr", "em0|10.0.0.6/24,em0|10.0.0.5/24"), &f);
	more[0].can_ask = true;
	f.links = more;
	golden_live("shared-probe", KV("ip4_addr", "em0|10.0.0.5/24"), KV("ip4_addr", "em0|10.0.0.7/24"), &f);
	golden_live("shared-same", KV("ip4_addr", "em0|10.0.0.5/24"), KV("ip4_addr", "em0|10.0.0.5/24"), &f);
	golden_live("limits", KV("ip4_addr", "em0|10.0.0.5/24", "memoryuse", "deny=64m", "cpuset", "0"),
	            KV("ip4_addr", "em0|10.0.0.5/24", "memoryuse", "deny=999999999999999999p", "pcpu", "deny=150"), &f);
	f.links = more;
	f.nlinks++;
	golden_live("vnet-all",
	            KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "ip6_addr", "vnet0|2001:db8::5/64",
	               "defaultrouter", "10.0.0.1"),
	            KV("vnet", "1", "ip4_addr", "vnet0|10.9.0.5/24", "ip6_addr", "vnet0|2001:db8::5/64",
	               "defaultrouter", "10.9.0.1", "vnet0_mtu", "9000"),
	            &f);
	golden_live("vnet-router", KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24"),
	            KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "defaultrouter", "none"), &f);
	golden_live("vnet-vlans", KV("vnet", "1", "interfaces", "vnet0:trunk0", "vnet0_vlan", "5,10t"),
	            KV("vnet", "1", "interfaces", "vnet0:trunk0", "vnet0_vlan", "10,20t"), &f);
	golden_live("vnet-no-vlans", KV("vnet", "1", "interfaces", "vnet0:trunk0", "vnet0_vlan", "5"),
	            KV("vnet", "1", "interfaces", "vnet0:trunk0"), &f);
	golden_live("vnet-lo", KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24,lo0|127.0.0.2"),
	            KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24"), &f);
}

static void live_refused(const char *msg, const char *const *was, const char *const *is, const struct facts *f)
{
	struct plan p = { 0 }, after = { 0 };
	struct err e = ERR_INIT;

	if (build_live(was, is, f, &p, &after, &e) >= 0)
		fail_msg("taken, but wanted: %s", msg);
	assert_int_equal(p.n + after.n, 0);
	if (!strstr(e.msg, msg))
		fail_msg("got '%s', wanted '%s'", e.msg, msg);
}

static void refuses_live(void **state)
{
	struct addr_fact af[] = { HERE("10.0.0.5", "em0", true), HERE("10.0.0.1", "em1", false) };
	struct facts f = host();

	(void)state;
	f.addrs = af;
	f.naddrs = 2;
	live_refused("there is no interface em7", KV("ip4_addr", "em0|10.0.0.5"), KV("ip4_addr", "em7|10.0.0.7"), &f);
	live_refused("10.0.0.1 is on em1 already, not on em0", KV("ip4_addr", "em0|10.0.0.5"),
	             KV("ip4_addr", "em0|10.0.0.1"), &f);
	live_refused("dhcp requires vnet!", KV("ip4_addr", "em0|10.0.0.5"), KV("ip4_addr", "em0|DHCP"), &f);
	live_refused("10.9.9.1 is in none of the jail's networks", KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24"),
	             KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "defaultrouter", "10.9.9.1"), &f);
	/* its own address is shared with another jail: then it may not have a second one */
	snprintf(af[0].holder, sizeof(af[0].holder), "db");
	af[0].holder_naddrs = 1;
	live_refused("10.0.0.5 is in use by jail db", KV("ip4_addr", "em0|10.0.0.5"),
	             KV("ip4_addr", "em0|10.0.0.5,em0|10.0.0.7"), &f);
}

/* An alias that another jail uses too stays on the host. */
static void live_shared_alias(void **state)
{
	struct addr_fact af = HERE("10.0.0.5", "em0", true);
	struct facts f = host();
	struct plan p = { 0 }, after = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	snprintf(af.holder, sizeof(af.holder), "db");
	af.holder_naddrs = 1;
	f.addrs = &af;
	f.naddrs = 1;
	assert_int_equal(build_live(KV("ip4_addr", "em0|10.0.0.5"), KV("ip4_addr", "em0|10.0.0.7"), &f, &p, &after, &e),
	                 0);
	assert_int_equal(count(&p, OP_ADDR_DEL, AT_HOST), 0);
	assert_int_equal(count(&p, OP_ADDR_DEL, AT_JAIL), 1);
	plan_done(&p);
	plan_done(&after);
}

/* As ifconfig(8) there: the mask of the class, 64 bits of IPv6; one host on the loopback. */
static void prefix_of_class(void **state)
{
	static const struct {
		const char *prop, *value, *want;
	} t[] = {
		{ "ip4_addr", "vnet0|198.51.100.70", "198.51.100.70/24" },
		{ "ip4_addr", "10.0.0.5", "10.0.0.5/8" },
		{ "ip4_addr", "vnet0|172.16.0.5", "172.16.0.5/16" },
		{ "ip4_addr", "lo0|127.0.0.5", "127.0.0.5/32" },
		{ "ip4_addr", "vnet0|10.0.0.5/30", "10.0.0.5/30" },
		{ "ip6_addr", "vnet0|2001:db8::5", "2001:db8::5/64" },
	};
	struct facts f = host();

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct plan p = { 0 };
		struct err e = ERR_INIT;
		char text[IPADDR_TEXT];
		size_t seen = 0;

		if (build(KV("vnet", "1", t[i].prop, t[i].value), &f, &thin, &p, &e) != 0)
			fail_msg("%s: %s", t[i].value, e.msg);
		for (size_t k = 0; k < p.n; k++)
			if (p.steps[k].redo.kind == OP_ADDR_ADD && p.steps[k].redo.where == AT_JAIL)
				seen += streq(ipaddr_format(&p.steps[k].redo.addr, text), t[i].want);
		if (seen != 1)
			fail_msg("%s: %zu times %s", t[i].value, seen, t[i].want);
		plan_done(&p);
	}
}

/* The mounts that the lines of an fstab become: source, path, type, options; those that every jail has are left out. */
static char *fstab_mounts(const char *fstab, const char *const *kv)
{
	struct facts f = host();
	struct root_source root = { .dir = "/r/jails/www/root", .host_root = "/r/jails/www/root", .fstab = fstab };
	struct sbuf b = { 0 };
	struct plan p = { 0 };
	struct err e = ERR_INIT;

	if (build(kv, &f, &root, &p, &e) != 0)
		fail_msg("%s: %s", fstab, e.msg);
	for (size_t i = 0; i < p.n; i++) {
		const struct op *op = &p.steps[i].redo;

		if (op->kind == OP_MOUNT && op->text)
			sbuf_addf(&b, "%s:%s %s %s %s\n", op->text + strlen("fstab line "), op->source, op->path,
			          op->fstype, op->opts ? op->opts : "-");
	}
	plan_done(&p);
	return b.p ? sbuf_take(&b) : strdup("");
}

static void fstab_of_freebsd(void **state)
{
	static const struct {
		const char *line, *mounts;
	} t[] = {
		/* as the tool there appends them, and as fstab(5) allows */
		{ "/src /mnt nullfs ro 0 0 # Added by iocage on 2021-04-03 12:11:10", "1:/src /mnt bind ro\n" },
		{ "/src /mnt nullfs ro", "1:/src /mnt bind ro\n" },
		{ "/src /mnt nullfs ro 0", "1:/src /mnt bind ro\n" },
		{ "/src /mnt nullfs ro # why", "1:/src /mnt bind ro\n" },
		{ "  # a comment\n\t/src\t/mnt/\tnullfs\trw,noatime,nosymfollow,late\t0\t0\t#\r",
		  "2:/src /mnt bind rw,noatime,nosymfollow,late\n" },
		{ "/src /mnt nullfs xx 0 0", "" },
		/* written on another machine */
		{ "/src /mnt/pool/iocage/jails/www/root/x nullfs ro 0 0", "1:/src /x bind ro\n" },
		{ "/src /iocage/jails/0a1b2c3d-0000-11e8/root/x nullfs ro 0 0", "1:/src /x bind ro\n" },
		{ "/src /r/jails/www/root/jails/db/root/x nullfs ro 0 0", "1:/src /jails/db/root/x bind ro\n" },
		/* what a jail has on Linux in any case; elsewhere it is Linux's own */
		{ "devfs /dev devfs rw 0 0\ntmpfs /dev/shm tmpfs rw,size=1g,mode=1777 0 0\nfdescfs /dev/fd fdescfs "
		  "rw,linrdlnk 0 0\n"
		  "linprocfs /proc linprocfs rw 0 0\nlinsysfs /sys linsysfs rw 0 0\nproc /proc procfs rw 0 0",
		  "2:tmpfs /dev/shm tmpfs rw,size=1g,mode=1777\n" },
		{ "linprocfs /compat/linux/proc linprocfs rw 0 0\nlinsysfs /compat/linux/sys linsysfs rw 0 0\n"
		  "devfs /compat/linux/dev devfs rw,tun 0 0\nfdescfs /compat/linux/dev/fd fdescfs rw 0 0",
		  "1:linprocfs /compat/linux/proc proc rw\n2:linsysfs /compat/linux/sys sysfs ro\n"
		  "3:devfs /compat/linux/dev dev -\n" },
	};
	const char *const *kv = KV("vnet", "0", "host_hostuuid", "0a1b2c3d-0000-11e8");
	const char *const *no_dev = KV("vnet", "0", "mount_devfs", "0");
	struct root_source root = { .dir = "/r/jails/www/root", .fstab = "devfs /dev devfs rw 0 0\n" };
	struct facts f = host();
	struct plan p = { 0 };
	struct err e = ERR_INIT;
	size_t devs = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char *got = fstab_mounts(t[i].line, kv);

		assert_string_equal(got, t[i].mounts);
		free(got);
	}
	/* with mount_devfs off, a line for it is as good as the property: once, and before /proc, whose masks need it */
	assert_int_equal(build(no_dev, &f, &root, &p, &e), 0);
	for (size_t i = 0; i < p.n; i++)
		if (p.steps[i].redo.kind == OP_MOUNT && streq(p.steps[i].redo.fstype, "proc"))
			assert_int_equal(devs, 1);
		else
			devs += p.steps[i].redo.kind == OP_MOUNT && streq(p.steps[i].redo.fstype, "dev");
	assert_int_equal(devs, 1);
	plan_done(&p);
}

static void golden_rest(void **state)
{
	struct facts f = host();
	struct root_source full = {
		.dir = "/r/jails/www/root",
		.host_root = "/r/jails/www/root/",
		.init = "/sbin/init",
		.fstab = "# comment\n\n/srv/a\\040b\t/r/jails/www/root/data\tnullfs\tro\t0\t0\n"
			 "tmpfs /tmp tmpfs rw,mode=1777 0 0\n/srv/c mnt none bind,rw 0 0\n/dev/x /x ext4 noauto 0 0\n",
	};

	(void)state;
	golden("hooks-init-fstab",
	       KV("exec_prestart", "echo \"a | b\"", "exec_created", "/root/created", "exec_poststart", "/root/up",
	          "allow_tun", "1", "allow_mount_fusefs", "1", "children_max", "2", "host_domainname", "example",
	          "exec_timeout", "0"),
	       &f, &full);
	full.fstab = NULL;
	golden("no-devfs", KV("mount_devfs", "0"), &f, &full);
}

/* --- what a plan refuses --- */

static void refused(const char *msg, const char *const *kv, const struct facts *f, const struct root_source *root)
{
	struct plan p = { 0 };
	struct err e = ERR_INIT;

	if (build(kv, f, root, &p, &e) >= 0)
		fail_msg("taken, but wanted: %s", msg);
	assert_int_equal(p.n, 0);
	if (!strstr(e.msg, msg))
		fail_msg("got '%s', wanted '%s'", e.msg, msg);
}

static void refuses_shared(void **state)
{
	struct facts f = host(), lonely = host();

	(void)state;
	refused("there is no interface em7 on this host", KV("ip4_addr", "em7|10.0.0.5/24"), &f, &thin);
	refused("www: dhcp requires vnet!", KV("ip4_addr", "em0|DHCP"), &f, &thin);
	refused("www: accept_rtadv requires vnet!", KV("ip6_addr", "accept_rtadv"), &f, &thin);
	lonely.gw4.have = false;
	refused("the host has no default IPv4 route, so 10.0.0.5/24 needs an interface", KV("ip4_addr", "10.0.0.5/24"),
	        &lonely, &thin);
}

static void refuses_vnet(void **state)
{
	struct facts f = host();

	(void)state;
	refused("em0 exists but is not a bridge", KV("vnet", "1", "interfaces", "vnet0:em0"), &f, &thin);
	refused("ip4_addr names em0, but the jail's interfaces are vnet0",
	        KV("vnet", "1", "ip4_addr", "em0|10.0.0.5/24"), &f, &thin);
	refused("interfaces are none", KV("vnet", "1", "interfaces", "none", "ip4_addr", "10.0.0.5/24"), &f, &thin);
	refused("defaultrouter: 10.9.9.1 is in none of the jail's networks: 10.0.0.5/24 on vnet0",
	        KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "defaultrouter", "10.9.9.1"), &f, &thin);
	refused("vnet0_vlan: the bridge flat0 does not filter VLANs. It is not ours to change; 'ip link set flat0 type "
	        "bridge vlan_filtering 1' switches it on (ports it has stay together in VLAN 1)",
	        KV("vnet", "1", "interfaces", "vnet0:flat0", "vnet0_vlan", "10t"), &f, &thin);
	refused("vnet0_vlan: this kernel's bridges know no VLANs",
	        KV("vnet", "1", "interfaces", "vnet0:bridge0", "vnet0_vlan", "10t"), &f, &thin);
	refused("vnet0_vlan: vnet0 is on no bridge", KV("vnet", "1", "interfaces", "vnet0:none", "vnet0_vlan", "10"),
	        &f, &thin);
	refused("ip6_addr: IPv6 needs an MTU of at least 1280, and that of vnet0 is 1000; see vnet0_mtu",
	        KV("vnet", "1", "vnet0_mtu", "1000", "ip6_addr", "vnet0|2001:db8::5/64"), &f, &thin);
	refused("defaultrouter6: fe80::1%em7 is on a link that is none of the jail's: its interfaces are vnet0, vnet1",
	        KV("vnet", "1", "interfaces", "vnet0:bridge0,vnet1:none", "ip6_addr", "vnet0|2001:db8::5/64",
	           "defaultrouter6", "fe80::1%em7"),
	        &f, &thin);
	refused("10.0.0.5 is the jail's own address",
	        KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24", "defaultrouter", "10.0.0.5"), &f, &thin);
}

/* What the host itself has on the jail's bridge. */
static void refuses_host_address(void **state)
{
	struct addr_fact af = { .addr = ip("10.0.0.5"), .present = true, .ifname = "bridge0" };
	struct facts f = host();

	(void)state;
	f.addrs = &af;
	f.naddrs = 1;
	refused("10.0.0.5 is in use on bridge0 by this host", KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24"), &f,
	        &thin);
	snprintf(af.holder, sizeof(af.holder), "db");
	refused("10.0.0.5 is in use on bridge0 by jail db", KV("vnet", "1", "ip4_addr", "vnet0|10.0.0.5/24"), &f,
	        &thin);
}

static void refuses_fstab(void **state)
{
	static const struct {
		const char *line, *msg;
	} t[] = {
		{ "/a /b nullfs\n", "Malformed fstab at line 1: /a /b nullfs" },
		{ "/a /b nullfs # ro\n", "Malformed fstab at line 1: /a /b nullfs # ro" },
		{ "/a /b nullfs ro 0 0 0\n", "four to six fields" },
		{ "/a /b nullfs ro,bogus 0 0\n", "fstab line 1: nullfs does not have the option \"bogus\"" },
		{ "/a /b nullfs ro,sync\n", "does not have the option \"sync\"" },
		{ "/a /tank/iocage/jails/db/root/x nullfs ro 0 0",
		  "fstab line 1: Destination: /tank/iocage/jails/db/root/x must include jail's mountpoint! (/)" },
		{ "/a /tank/iocage/jails/www/root nullfs ro 0 0", "must be a directory below the jail's root" },
		{ "/a /tank/iocage/jails/www/root/../../db/root/x nullfs ro 0 0",
		  "must be a directory below the jail's root" },
		{ "\n/a /b nullfs ro 0 10\n", "Malformed fstab at line 2" },
		{ "/a\\ /b nullfs ro 0 0", "Malformed fstab at line 1" },
		{ "/a\\000 /b nullfs ro 0 0", "Malformed fstab at line 1" },
		{ "/a /../b nullfs ro 0 0", "must be a directory below the jail's root" },
		{ "/a /b/\\056\\056/\\056\\056/c nullfs ro 0 0", "must be a directory below the jail's root" },
		{ "/a / nullfs ro 0 0", "must be a directory below the jail's root" },
		{ "a /b nullfs ro 0 0", "must use an absolute path!" },
	};
	struct facts f = host();

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct root_source root = { .dir = "/r/jails/www/root", .fstab = t[i].line };

		refused(t[i].msg, KV("vnet", "0"), &f, &root);
	}
}

/* An address the host has already is used, and is not ours to remove. */
static void address_present(void **state)
{
	struct addr_fact af = { .addr = ip("10.0.0.5"), .present = true, .ifname = "em1" };
	struct facts f = host();
	struct plan p = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	f.addrs = &af;
	f.naddrs = 1;
	assert_int_equal(build(KV("ip4_addr", "10.0.0.5"), &f, &thin, &p, &e), 0);
	assert_int_equal(count(&p, OP_ADDR_ADD, AT_HOST), 0);
	assert_int_equal(count(&p, OP_ADDR_ADD, AT_JAIL), 1);
	for (size_t i = 0; i < p.n; i++)
		if (p.steps[i].redo.kind == OP_VIEW_ADD)
			assert_string_equal(p.steps[i].redo.link, "em1");
	plan_done(&p);
	refused("10.0.0.5/24 is on em1 already, not on em0", KV("ip4_addr", "em0|10.0.0.5/24"), &f, &thin);
}

static void address_held(void **state)
{
	struct addr_fact af = {
		.addr = ip("10.0.0.5"), .present = true, .ifname = "em0", .holder = "db", .holder_naddrs = 1
	};
	struct facts f = host();
	struct plan p = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	f.addrs = &af;
	f.naddrs = 1;
	assert_int_equal(build(KV("ip4_addr", "em0|10.0.0.5"), &f, &thin, &p, &e), 0);
	plan_done(&p);
	refused("10.0.0.5 is in use by jail db", KV("ip4_addr", "em0|10.0.0.5,em0|10.0.0.6"), &f, &thin);
	af.holder_naddrs = 2;
	refused("10.0.0.5 is in use by jail db", KV("ip4_addr", "em0|10.0.0.5"), &f, &thin);
}

/* defaultrouter=auto stays silent where the host's router cannot be reached, or the host has none. */
static void auto_router(void **state)
{
	struct facts f = host();
	struct plan p = { 0 };

	(void)state;
	assert_int_equal(build(KV("vnet", "1", "ip4_addr", "10.9.0.5/24"), &f, &thin, &p, NULL), 0);
	assert_int_equal(count(&p, OP_ROUTE_ADD, AT_JAIL), 0);
	plan_done(&p);
	assert_int_equal(build(KV("vnet", "1", "ip4_addr", "10.0.0.1/24"), &f, &thin, &p, NULL), 0);
	assert_int_equal(count(&p, OP_ROUTE_ADD, AT_JAIL), 0);
	plan_done(&p);
	assert_int_equal(build(KV("vnet", "1", "ip4_addr", "10.0.0.5/24"), &f, &thin, &p, NULL), 0);
	assert_int_equal(count(&p, OP_ROUTE_ADD, AT_JAIL), 1);
	plan_done(&p);
	f.gw4.gw.family = 0;
	assert_int_equal(build(KV("vnet", "1", "ip4_addr", "10.0.0.5/24"), &f, &thin, &p, NULL), 0);
	assert_int_equal(count(&p, OP_ROUTE_ADD, AT_JAIL), 0);
	plan_done(&p);
}

/* Which NIC a link-local router is on: the one it names, by the jail's name for it or the host's; else the first's. */
static void link_local_router(void **state)
{
	static const struct {
		const char *router, *link; /* link NULL: no route */
		bool auto_on_em0;
	} t[] = {
		{ "fe80::1", "epair1b", false },
		{ "fe80::1%vnet0", "epair0b", false },
		{ "fe80::1%epair1b", "epair1b", false },
		{ "fe80::1%flat0", "epair1b", false },
		{ "fe80::1%em0", "epair0b", false }, /* em0 is a port of bridge0 */
		{ "auto", "epair0b", true },
		{ "auto", NULL, false }, /* the host's is on em1, which no bridge of the jail joins */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct facts f = host();
		struct plan p = { 0 };
		struct err e = ERR_INIT;

		f.gw6 = (struct gateway_fact){ true, "em1", ip("fe80::1") };
		if (t[i].auto_on_em0)
			memcpy(f.gw6.ifname, "em0", 4);
		if (build(KV("vnet", "1", "interfaces", "vnet0:bridge0,vnet1:flat0", "ip6_addr", "vnet1|2001:db8::5/64",
		             "defaultrouter6", t[i].router),
		          &f, &thin, &p, &e) < 0)
			fail_msg("%s: %s", t[i].router, e.msg);
		assert_int_equal(count(&p, OP_ROUTE_ADD, AT_JAIL), t[i].link ? 1 : 0);
		for (size_t k = 0; k < p.n; k++)
			if (p.steps[k].redo.kind == OP_ROUTE_ADD)
				assert_string_equal(p.steps[k].redo.link, t[i].link);
		plan_done(&p);
	}
}

/* Who is in another VLAN than the host's end of the bridge is not asked. */
static void vlans_ask_nobody(void **state)
{
	struct link_fact asks[] = {
		{ .name = "br",
		  .index = 9,
		  .is_bridge = true,
		  .can_vlans = true,
		  .vlan_filtering = true,
		  .can_ask = true },
	};

	(void)state;
	for (int vlan = 0; vlan < 2; vlan++) {
		struct facts f = host();
		struct plan p = { 0 };

		f.links = asks;
		f.nlinks = 1;
		assert_int_equal(build(KV("vnet", "1", "interfaces", "vnet0:br", "ip4_addr", "10.9.0.5/24",
		                          "vnet0_vlan", vlan ? "7" : "none"),
		                       &f, &thin, &p, NULL),
		                 0);
		assert_int_equal(count(&p, OP_PROBE, AT_HOST), vlan ? 0 : 1);
		plan_done(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_plans),         cmocka_unit_test(golden_taken),
		cmocka_unit_test(golden_lives),         cmocka_unit_test(refuses_live),
		cmocka_unit_test(live_shared_alias),    cmocka_unit_test(golden_rest),
		cmocka_unit_test(refuses_shared),       cmocka_unit_test(refuses_vnet),
		cmocka_unit_test(refuses_host_address), cmocka_unit_test(refuses_fstab),
		cmocka_unit_test(fstab_of_freebsd),     cmocka_unit_test(prefix_of_class),
		cmocka_unit_test(address_present),      cmocka_unit_test(address_held),
		cmocka_unit_test(auto_router),          cmocka_unit_test(link_local_router),
		cmocka_unit_test(vlans_ask_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
