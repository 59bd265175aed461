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
	# their own link and uplink: em0 stays as it is for the others
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	lan ip addr add 198.51.100.254/24 dev gw1
	ip link set em1 addrgenmode none up
	ip addr add 198.51.100.1/24 dev em1
	ip route add default via 198.51.100.254 dev em1 metric 9
	ip link add br7 address 02:00:00:00:00:b7 type bridge
	ip link set br7 addrgenmode none up
	ip link add em2 address 02:00:5e:00:00:22 type veth peer name gw2 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw2 up
	ip link set em2 addrgenmode none mtu 1400 up
	ip addr add 203.0.113.1/24 dev em2
	mk u vnet=on interfaces=vnet0:br7 ip4_addr=none vnet_default_interface=em1 "${common[@]}"
	mk p vnet=on interfaces=vnet0:none ip4_addr=none vnet_interfaces=em2 "${common[@]}"
	export FAULT_STEP=${FAULT_STEP:-9} FAULT_JAILS="v w s u p"
	export FAULT_OFFSET=${FAULT_OFFSET:-0}
	RUN_HASH=$(run_hash)
	export RUN_HASH
	echo "# FAULT_STEP=$FAULT_STEP FAULT_OFFSET=$FAULT_OFFSET" >&3
}

teardown_file() {
	load lib
	for l in br0 br7 em1 em2; do ip link del $l; done
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

@test "start of a jail with an uplink, killed" {
	faults 'start u' kill : 'iocage start u'
}

@test "stop of a jail with an uplink, killed" {
	faults 'stop u' kill 'iocage start u' 'iocage stop u'
}

@test "start of a jail that is handed an interface, killed" {
	faults 'start p' kill : 'iocage start p'
}

@test "start of a jail that is handed an interface, a call fails" {
	faults 'start p' EIO : 'iocage start p'
}

@test "stop of a jail that was handed an interface, killed" {
	faults 'stop p' kill 'iocage start p' 'iocage stop p'
}
