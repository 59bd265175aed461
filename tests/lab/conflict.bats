#!/usr/bin/env bats
# conflict.bats - an address that a jail, the host or another machine holds is refused, at start and live, with who it is.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

teardown() {
	lab_reset
	for b in br7 br8; do ip link del $b 2>/dev/null || true; done
	lan ip addr del 192.0.2.50/24 dev gw0 2>/dev/null || true
	lan ip addr del 2001:db8::50/64 dev gw0 2>/dev/null || true
	ip neigh flush dev em0 nud all 2>/dev/null || true
}

# A second machine, on the wire of em0.
other_machine() {
	lan ip addr add 192.0.2.50/24 dev gw0
	lan ip -6 addr add 2001:db8::50/64 dev gw0 nodad
}

# No trace of our questions in the host's neighbour tables.
not_asked_of() {
	run ip neigh show to "$1"
	is ""
}

@test "another machine has it: the start is refused and says which, IPv4 and IPv6; nothing is left" {
	other_machine
	mk c4 vnet=off conflict_wait=50 'ip4_addr=em0|192.0.2.49/24,em0|192.0.2.50/24'
	mk c6 vnet=off conflict_wait=50 'ip6_addr=em0|2001:db8::50/64'
	world_snapshot before
	fails 1 iocage start c4
	has "192.0.2.50 is in use on em0: 02:00:5e:00:00:fe answers for it"
	is_down c4
	fails 1 iocage start c6
	has "2001:db8::50 is in use on em0: 02:00:5e:00:00:fe answers for it"
	world_same before
	not_asked_of 192.0.2.49
	not_asked_of 192.0.2.50
	not_asked_of 2001:db8::50
}

@test "another machine has it: a live change is refused, and the jail is as before" {
	other_machine
	mk live vnet=off conflict_wait=50 'ip4_addr=em0|192.0.2.10/24'
	up live
	world_snapshot running
	fails 1 iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.50/24' live
	has "02:00:5e:00:00:fe answers for it"
	fails 1 iocage set 'ip6_addr=em0|2001:db8::50/64' live
	world_same running
	[ "$(iocage get ip4_addr live)" = 'em0|192.0.2.10/24' ]
	[ "$(iocage get ip6_addr live)" = none ]
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' live
	not_asked_of 192.0.2.11
}

@test "conflict_wait=0 asks nobody; a free address is taken without a trace" {
	other_machine
	mk quiet vnet=off conflict_wait=0 'ip4_addr=em0|192.0.2.50/24'
	up quiet
	has_addr em0 192.0.2.50/24
	down quiet
	mk free vnet=off conflict_wait=20 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	world_snapshot before
	up free
	ok lan busybox ping -c 1 -W 2 192.0.2.10
	not_asked_of 192.0.2.10
	not_asked_of 2001:db8::10
	down free
	world_same before
}

@test "what is only remembered of earlier days is no conflict; what the administrator entered stays" {
	ip neigh replace 192.0.2.60 lladdr 02:00:00:00:00:60 dev em0 nud stale
	ip neigh replace 192.0.2.61 lladdr 02:00:00:00:00:61 dev em0 nud permanent
	mk old vnet=off conflict_wait=20 'ip4_addr=em0|192.0.2.60/24,em0|192.0.2.61/24'
	up old
	down old
	ok ip neigh show to 192.0.2.61
	has PERMANENT
	ip neigh del 192.0.2.61 dev em0
}

@test "VNET: a jail on the same bridge, or the host itself, has it; on another bridge it does not matter" {
	for b in br7 br8; do
		ip link add $b type bridge
		ip link set $b up
	done
	ip addr add 10.7.0.1/24 dev br7
	ip addr add 10.8.0.1/24 dev br8
	mk n1 vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk n2 vnet=on interfaces=vnet0:br7 conflict_wait=50 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk n3 vnet=on interfaces=vnet0:br8 conflict_wait=50 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk n4 vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.1/24' defaultrouter=none
	up n1
	mac=$(iocage exec n1 -- ip -o link show epair0b | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
	world_snapshot before
	fails 1 iocage start n2
	has "10.7.0.5 is in use on br7: $mac answers for it"
	fails 1 iocage start n4
	has "10.7.0.1 is in use on br7 by this host"
	world_same before
	up n3
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24' n2
	up n2
	fails 1 iocage set 'ip4_addr=vnet0|10.7.0.6/24,vnet0|10.7.0.5/24' n2
	has "$mac answers for it"
	fails 1 iocage set 'ip4_addr=vnet0|10.7.0.1/24' n2
	has "by this host"
	inside_ok n2 'ip -o addr'
	has 10.7.0.6/24
	hasnt 10.7.0.5
}

@test "the neighbours hear of a jail's addresses: who remembers another machine for one forgets it" {
	mk here vnet=off 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	lan ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:66 dev gw0 nud stale
	lan ip neigh replace 192.0.2.11 lladdr 02:00:00:00:00:66 dev gw0 nud stale
	lan ip neigh replace 2001:db8::10 lladdr 02:00:00:00:00:66 dev gw0 nud stale
	up here
	eventually sh -c "nsenter --net=$LAB_LAN_NS ip neigh show to 192.0.2.10 | grep -q 02:00:5e:00:00:01"
	eventually sh -c "nsenter --net=$LAB_LAN_NS ip neigh show to 2001:db8::10 | grep -q 02:00:5e:00:00:01"
	ok lan ip neigh show to 192.0.2.11
	has 02:00:00:00:00:66
	ok iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' here
	eventually sh -c "nsenter --net=$LAB_LAN_NS ip neigh show to 192.0.2.11 | grep -q 02:00:5e:00:00:01"
	lan ip neigh flush dev gw0 nud all
	down here
}
