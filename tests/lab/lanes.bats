#!/usr/bin/env bats
# lanes.bats - tests/run.sh itself: a test that is skipped under this kernel has to run under the other one; what failed is said at the
# end. And tests/bench/all.sh, which does the same for the parts of the bench.

load lib

# A copy of it with nothing to run: tap.KERNEL.SUITE is what bats would say of a suite under a kernel.
setup() {
	top=$BATS_TEST_TMPDIR
	mkdir -p "$top/tests/lab" "$top/tests/vm"
	cp "$LAB_TOP/tests/run.sh" "$top/tests/run.sh"
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' 'for f; do :; done' 'echo "$*" >>asked' 'cat "tap.${KERNEL:-here}.$(basename "$f" .bats)"' >"$top/tests/lab/world.sh"
	printf '%s\n' '#!/bin/sh' 'KERNEL=there exec "$@"' >"$top/tests/vm/run.sh"
	chmod +x "$top"/tests/*/*.sh
	unset IOCAGE_TESTS_MUST_RUN IOCAGE_TESTS_SAY_RAN
	export IOCAGE_VM_SUITES='lab:a lab:b:VLAN.ports'
	tap here a 'ok 1 both' 'ok 2 only there # skip this kernel has no such thing'
	tap there a 'ok 1 both' 'ok 2 only there'
	tap here b 'ok 1 start' 'ok 2 start on VLAN ports # skip this kernel filters no VLANs'
	tap there b 'ok 1 start on VLAN ports'
	tap here c 'ok 1 alone'
}

# tap KERNEL SUITE LINE...
tap() {
	local k=$1 s=$2
	shift 2
	: >"$top/tests/lab/$s.bats"
	printf '%s\n' "1..$(printf '%s\n' "$@" | grep -c '^[^#]')" "$@" >"$top/tap.$k.$s"
}

lanes() {
	run "$top/tests/run.sh" "$@"
}

@test "what is skipped here runs there, all of a suite or what a filter names: no skip is left" {
	IOCAGE_TESTS_MUST_RUN=1 lanes lab:a lab:b lab:c vm
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = '6 passed, 0 failed' ]
	grep -q -- '-f VLAN.ports .*b.bats' "$top/asked"
	# in either order
	IOCAGE_TESTS_MUST_RUN=1 lanes vm lab
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = '6 passed, 0 failed' ]
	# without it, these are skips that are left to it
	lanes lab
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = '3 passed, 0 failed, 2 skipped' ]
}

@test "a suite that the other kernel never runs, or not that test of it" {
	tap here c 'ok 1 alone' 'ok 2 VLAN ports of c # skip this kernel has no such thing'
	lanes lab:c
	[ "$status" -eq 1 ]
	has 'skipped here, and not run under the other kernel: c: VLAN ports of c'
	[ "${lines[-1]}" = '1 passed, 1 failed' ]
	tap here b 'ok 1 start' 'ok 2 start on VXLAN # skip this kernel has no such thing'
	for lane in '' vm; do
		# shellcheck disable=SC2086
		lanes lab:b $lane
		[ "$status" -eq 1 ]
		has 'skipped here, and not run under the other kernel: b: start on VXLAN'
	done
}

@test "skipped under both kernels, or lost there" {
	tap there a 'ok 1 both' 'ok 2 only there # skip this kernel has no such thing either'
	lanes lab:a vm
	[ "$status" -eq 1 ]
	has 'skipped here, and not run under the other kernel: a: only there'
	tap there a 'ok 1 both'
	lanes lab:a vm
	[ "$status" -eq 1 ]
	has 'skipped here, and not run under the other kernel: a: only there'
	tap there a 'ok 1 both' 'not ok 2 only there'
	lanes lab:a vm
	[ "$status" -eq 1 ]
	# the other way round is this kernel's to run
	tap here a 'ok 1 both' 'ok 2 only here'
	tap there a 'ok 1 both' 'ok 2 only here # skip this kernel is too old'
	IOCAGE_TESTS_MUST_RUN=1 lanes lab:a vm
	[ "$status" -eq 0 ]
	# a skip that is no kernel's matter
	tap here a 'ok 1 both' 'ok 2 only here # skip no server'
	IOCAGE_TESTS_MUST_RUN=1 lanes lab:a vm
	[ "$status" -eq 1 ]
}

@test "the end says what failed, in either lane" {
	tap here c 'ok 1 alone' 'not ok 2 together' '# (in test file c.bats, line 7)' '# was refused'
	tap there a 'ok 1 both' 'not ok 2 only there' '# (in test file a.bats, line 9)'
	lanes lab:c lab:a vm
	[ "$status" -eq 1 ]
	[ "${lines[-1]}" = '4 passed, 3 failed' ]
	[ "${lines[-7]}" = 'failed: lab:c: together' ]
	[ "${lines[-6]}" = '    (in test file c.bats, line 7)' ]
	[ "${lines[-5]}" = '    was refused' ]
	[ "${lines[-4]}" = 'failed: vm: lab:a: only there' ]
	[ "${lines[-3]}" = '    (in test file a.bats, line 9)' ]
	[ "${lines[-2]}" = 'failed: skipped here, and not run under the other kernel: a: only there' ]
}

@test "the bench runs all of its parts and tells every miss at the end" {
	mkdir "$top/bench"
	cp "$LAB_TOP/tests/bench/all.sh" "$top/bench/all.sh"
	printf '%s\n' '#!/bin/sh' 'echo "  start  ratio 3  target <= 2  missed"' 'echo "  stop  ratio 1  target <= 2  met"' 'echo "1 missed"' 'exit 1' >"$top/bench/a.sh"
	printf '%s\n' '#!/bin/sh' 'echo "cannot be measured here: no kettle"' 'exit 3' >"$top/bench/b.sh"
	printf '%s\n' '#!/bin/sh' 'echo "  $1  ratio 2  target >= 4  missed"' 'echo "1 missed"' 'exit 1' >"$top/bench/c.sh"
	printf '%s\n' '#!/bin/sh' 'echo "0 missed"' >"$top/bench/d.sh"
	chmod +x "$top"/bench/*
	run "$top/bench/all.sh" a.sh b.sh 'c.sh few' d.sh
	[ "$status" -eq 1 ]
	has '== d.sh'
	[ "${lines[-3]}" = 'a.sh: start  ratio 3  target <= 2  missed' ]
	[ "${lines[-2]}" = 'b.sh: broke off with status 3: cannot be measured here: no kettle' ]
	[ "${lines[-1]}" = 'c.sh few: few  ratio 2  target >= 4  missed' ]
	run "$top/bench/all.sh" d.sh d.sh
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = 'every target was met' ]
}
