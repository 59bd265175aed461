#!/usr/bin/env bats
# atonce.bats - fifty processes on a shared set of jails: no deadlock, no lost update, nothing left. ATONCE_SECONDS sets how long.

setup_file() {
	load lib
	lab_setup_file
}

teardown_file() {
	load lib
	lab_teardown_file
}

setup() {
	load lib
}

@test "fifty processes create, start, stop, set, list and destroy the same jails" {
	run "$LAB_TOP/tests/lab/atonce.sh" 50 "${ATONCE_SECONDS:-15}"
	echo "$output"
	echo "# ${lines[0]}; ${lines[${#lines[@]} - 1]}" >&3
	[ "$status" -eq 0 ]
	lab_reset
	ok iocage gc
	is 'Nothing to remove.'
	world_same file
}

@test "set by many at once loses no update" {
	local i
	mk u
	for i in $(seq 40); do iocage set "notes=$i" u & done
	wait
	[ "$(iocage get notes u)" -ge 1 ]
	for i in 1 2 3 4 5 6 7 8; do
		iocage set "comment=c$i" u &
		iocage set "owner=o$i" u &
		wait
		[ "$(iocage get comment u)" = "c$i" ]
		[ "$(iocage get owner u)" = "o$i" ]
	done
}

@test "two jails that make the same bridge start and stop together" {
	local i
	mk b1 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.1/24'
	mk b2 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.2/24'
	for i in 1 2 3 4 5 6 7 8; do
		iocage start b1 &
		iocage start b2
		wait $!
		inside_ok b1 ping -c 1 -W 2 10.97.0.2
		iocage stop b1 &
		iocage stop b2
		wait $!
		run ip link show both0
		[ "$status" -ne 0 ]
	done
}
