#!/usr/bin/env bats
# quickstart.bats - make quickstart does what the README says, twice, and quickstart-clean leaves nothing.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	quick quickstart-clean >/dev/null 2>&1 || true
	ip link del iocq0 2>/dev/null || true
	ip addr del 198.18.77.9/24 dev em0 2>/dev/null || true
}

quick() {
	IOCAGE_ROOT=$LAB_TMP/quick IOCAGE_RUN=$LAB_TMP/quickrun "$LAB_TOP/tools/$1.sh"
}

@test "quickstart shows both networks at work; twice is fine; clean leaves the machine as it was" {
	world_snapshot before
	ok quick quickstart
	has "Hello from a shared-IP jail."
	has "198.18.77.10"
	has "198.18.77.20"
	has "1 packets received"
	has "make quickstart-clean"
	[ "$(grep -c 'Hello from a shared-IP jail\.$' <<<"$output")" -ge 2 ]
	has_addr iocq0 198.18.77.10/24
	ok quick quickstart
	[ "$(grep -c 'Hello from a shared-IP jail\.$' <<<"$output")" -ge 2 ]
	ok quick quickstart-clean
	world_same before
	[ ! -e "$LAB_TMP/quick" ]
	[ ! -e "$LAB_TMP/quickrun" ]
	ok quick quickstart-clean
}

@test "its network in use: another is taken; its bridge's name in use: refused politely" {
	ip addr add 198.18.77.9/24 dev em0
	ok quick quickstart
	has "198.18.77.0/24 is in use"
	has "198.18.78.10"
	ok quick quickstart-clean
	ip addr del 198.18.77.9/24 dev em0
	ip link add iocq0 type bridge
	fails 1 quick quickstart
	has "not ours"
	ok quick quickstart-clean
	ok ip link show iocq0
}
