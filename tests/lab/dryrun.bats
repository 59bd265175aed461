#!/usr/bin/env bats
# dryrun.bats - start --dry-run: the plan is printed, nothing is done.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

@test "VNET: prints the steps in order with their inverses, changes nothing" {
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=10.7.0.1
	world_snapshot before
	ok iocage start --dry-run v
	for k in bridge-add veth-add addr-add route-add jail-add jail-run; do has "$k"; done
	has 10.7.0.5/24
	has epair0b
	has "associated with jail: v as nic: epair0b"
	[ "$(grep -n bridge-add <<<"$output" | head -1 | cut -d: -f1)" -lt "$(grep -n veth-add <<<"$output" | head -1 | cut -d: -f1)" ]
	[ "$(grep -n veth-add <<<"$output" | head -1 | cut -d: -f1)" -lt "$(grep -n route-add <<<"$output" | head -1 | cut -d: -f1)" ]
	is_down v
	world_same before
}

@test "shared IP: aliases on the host, views and the hold" {
	mk s 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	world_snapshot before
	ok iocage start --dry-run s
	has "192.0.2.10/24"
	has "2001:db8::10/64"
	for k in addr-add view-add hold jail-add; do has "$k"; done
	hasnt veth-add
	is_down s
	world_same before
}

@test "an address that is there already is not in the plan's undo" {
	mk h 'ip4_addr=em0|192.0.2.1/24'
	ok iocage start --dry-run h
	hasnt addr-del
}

@test "the same plan twice, and it names what fails before it would" {
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	ok iocage start --dry-run v
	first=$output
	ok iocage start --dry-run v
	is "$first"
	ok iocage set 'ip4_addr=em0|10.7.0.5/24' v
	fails 1 iocage start --dry-run v
	has em0
}

@test "hooks are printed, not run" {
	mk hk "exec_prestart=touch $LAB_TMP/hook-ran"
	ok iocage start --dry-run hk
	has "hook-ran"
	[ ! -e "$LAB_TMP/hook-ran" ]
}
