#!/usr/bin/env bats
# faults.bats - commands killed, or failing, at any of their system calls leave nothing behind. FAULT_STEP=1 tries every one.

setup_file() {
	load lib
	lab_setup_file
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	common=(exec_init=builtin exec_start=/bin/true exec_stop=/bin/true)
	mk v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=10.77.0.1 "${common[@]}"
	mk w vnet=on interfaces=vnet0:br0,vnet1:br1 'ip4_addr=vnet1|10.77.1.5/24' "${common[@]}"
	mk s 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::10/64' "${common[@]}"
	export FAULT_STEP=${FAULT_STEP:-9} FAULT_JAILS="v w s"
	export FAULT_OFFSET=${FAULT_OFFSET:-$RANDOM}
	RUN_HASH=$(run_hash)
	export RUN_HASH
	echo "# FAULT_STEP=$FAULT_STEP FAULT_OFFSET=$FAULT_OFFSET" >&3
}

teardown_file() {
	load lib
	ip link del br0
	lab_teardown_file
}

setup() {
	load lib
}

faults() {
	run "$LAB_TOP/tests/lab/faults.sh" "$@"
	echo "$output"
	echo "# ${lines[${#lines[@]} - 1]}" >&3
	[ "$status" -eq 0 ]
}

@test "start of a VNET jail, killed" {
	faults 'start v' kill : 'iocage start v'
}

@test "start of a VNET jail, a call fails" {
	faults 'start v' EIO : 'iocage start v'
}

@test "start of a VNET jail with two NICs and a bridge to make, killed" {
	faults 'start w' kill : 'iocage start w'
}

@test "start of a shared-IP jail, killed" {
	faults 'start s' kill : 'iocage start s'
}

@test "start of a shared-IP jail, a call fails" {
	faults 'start s' ENOMEM : 'iocage start s'
}

@test "stop of a VNET jail, killed" {
	faults 'stop v' kill 'iocage start v' 'iocage stop v'
}

@test "stop of a VNET jail with a bridge to remove, a call fails" {
	faults 'stop w' EIO 'iocage start w' 'iocage stop w'
}

@test "stop of a shared-IP jail, killed" {
	faults 'stop s' kill 'iocage start s' 'iocage stop s'
}

@test "stop of a shared-IP jail, a call fails" {
	faults 'stop s' EIO 'iocage start s' 'iocage stop s'
}
