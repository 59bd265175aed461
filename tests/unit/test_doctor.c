/* test_doctor.c - the checks of doctor that a lab cannot show under every kernel: VLANs of ports, states of ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "core/doctor.h"

/* A jail with one NIC, whose end is a port of br0. */
struct world {
	struct jnic nic;
	struct jail jail;
	struct doctor_jail d;
	struct sv_link links[3]; /* br0, vnet0.7, em0 */
	struct sv_vlan vlans[4];
	struct survey host;
	struct findings f;
};

static void make(struct world *w, const char *vlans)
{
	*w = (struct world){
		.nic = { .name = "vnet0", .bridge = "br0" },
		.jail = { .name = "www", .hostname = "www", .vnet = true, .nnics = 1 },
		.d = { .running = true, .jid = 7 },
		.links = { { .name = "br0", .kind = "bridge", .index = 1, .up = true, .carrier = true },
		           { .name = "vnet0.7", .kind = "veth", .index = 2, .master = 1, .up = true, .carrier = true },
		           { .name = "em0", .index = 3, .master = 1, .up = true, .carrier = true } },
	};
	assert_int_equal(vlans_parse(vlans, &w->nic.vlans, NULL), 0);
	w->jail.nics = &w->nic;
	w->d.jail = &w->jail;
	w->host = (struct survey){ .links = w->links, .nlinks = 3, .vlans = w->vlans };
}

static void examine(struct world *w)
{
	assert_int_equal(doctor_examine(&w->d, 1, &w->host, NULL, &w->f, NULL), 0);
}

static void port_vlans(void **state)
{
	static const struct {
		const char *want;
		struct sv_vlan have[4];
		size_t n;
		const char *what, *fix; /* NULL: nothing is wrong */
	} t[] = {
		{ "none", { { 2, 1, 1, true } }, 1, NULL, NULL },
		{ "666", { { 2, 666, 666, true }, { 3, 1, 1, true } }, 2, NULL, NULL },
		{ "5,10t,11t", { { 2, 10, 11, false }, { 2, 5, 5, true } }, 2, NULL, NULL },
		{ "666",
		  { { 3, 666, 666, true } },
		  1,
		  " missing 666",
		  "bridge vlan add dev vnet0.7 vid 666 pvid untagged" },
		{ "666",
		  { { 2, 666, 666, true }, { 2, 1, 1, false } },
		  2,
		  " too many 1",
		  "bridge vlan del dev vnet0.7 vid 1" },
		/* it was untagged, now another is; what is tagged has to be tagged */
		{ "5,10t",
		  { { 2, 5, 5, false }, { 2, 10, 10, true } },
		  2,
		  " missing 10t, 5",
		  "bridge vlan add dev vnet0.7 vid 10; bridge vlan add dev vnet0.7 vid 5 pvid untagged" },
		{ "10t,12t",
		  { { 2, 8, 14, false } },
		  1,
		  " too many 8-9, 11, 13-14",
		  "bridge vlan del dev vnet0.7 vid 8-9; bridge vlan del dev vnet0.7 vid 11; bridge vlan del dev "
		  "vnet0.7 vid 13-14" },
		{ "20t",
		  { { 2, 1, 4094, false } },
		  1,
		  " too many 1-19, 21-4094",
		  "bridge vlan del dev vnet0.7 vid 1-19; bridge vlan del dev vnet0.7 vid 21-4094" },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		make(&w, t[i].want);
		w.links[0].vlan_filtering = true;
		memcpy(w.vlans, t[i].have, sizeof(w.vlans));
		w.host.nvlans = t[i].n;
		examine(&w);
		assert_int_equal(w.f.n, t[i].what != NULL);
		if (t[i].what) {
			assert_string_equal(w.f.v[0].id, "vlan-mismatch");
			assert_true(str_ends(w.f.v[0].what, t[i].what));
			assert_string_equal(w.f.v[0].fix, t[i].fix);
		}
		findings_done(&w.f);
	}
}

static void filter_off(void **state)
{
	struct world w;

	(void)state;
	make(&w, "666");
	examine(&w);
	assert_int_equal(w.f.n, 1);
	assert_string_equal(w.f.v[0].id, "vlan-filter-off");
	assert_string_equal(w.f.v[0].jail, "www");
	assert_string_equal(w.f.v[0].fix, "ip link set dev br0 type bridge vlan_filtering 1");
	findings_done(&w.f);
}

static void port_states(void **state)
{
	struct world w;

	(void)state;
	/* the only uplink, the jail's port; without a carrier, down, or below a bridge that is down it is not the state */
	for (size_t i = 1; i < 3; i++)
		for (int how = 0; how < 4; how++) {
			make(&w, "none");
			w.links[0].stp = true;
			w.links[i].state = SV_BLOCKING;
			w.links[0].up = how != 1;
			w.links[i].up = how != 2;
			w.links[i].carrier = how != 3;
			examine(&w);
			assert_int_equal(w.f.n > 0 && streq(w.f.v[w.f.n - 1].id, "port-blocked"), how == 0);
			assert_true(how > 0 || streq(w.f.v[0].jail, i == 1 ? "www" : ""));
			findings_done(&w.f);
		}
	/* what becomes of it in a while says how long that takes */
	make(&w, "none");
	w.links[0].stp = true;
	w.links[0].forward_delay = 15;
	w.links[1].state = SV_LEARNING;
	examine(&w);
	assert_int_equal(w.f.n, 1);
	assert_true(str_ends(w.f.v[0].fix, "; or wait: 30 s at most"));
	findings_done(&w.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_vlans),
		cmocka_unit_test(filter_off),
		cmocka_unit_test(port_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
