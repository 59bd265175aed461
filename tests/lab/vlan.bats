#!/usr/bin/env bats
# vlan.bats - VLANs: a bridge that carries one, and one bridge that filters them.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	for l in em0.666 br7 br8 bridge0 bridge666 vt0; do ip link del $l 2>/dev/null || true; done
	lan ip link del gw0.666 2>/dev/null || true
}

# What a test is about may be missing in this kernel.
can_filter() {
	ip link add vt0 type bridge vlan_filtering 1 2>/dev/null || return 1
	ip link del vt0
}

need_filtering() {
	can_filter || skip "this kernel's bridges do not filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
}

need_8021q() {
	ip link add link em0 name vt0 type vlan id 5 2>/dev/null || skip "this kernel has no 802.1Q (CONFIG_VLAN_8021Q)"
	ip link del vt0
}

filtering() {
	ip link add "$1" address 02:00:5e:00:01:07 type bridge vlan_filtering 1
	ip link set "$1" addrgenmode none
	ip link set "$1" up
}

# vlans NIC JAIL LIST: of its port, as `bridge vlan` prints them, joined by ','
vlans() {
	run bridge vlan show dev "$1.$(jid "$2")"
	output=$(sed '1d; s/^[^ \t]*[ \t]*//; s/ *$//' <<<"$output" | paste -sd,)
	is "$3"
}

@test "a bridge on a VLAN interface of the host: the jail is in that VLAN, untagged" {
	need_8021q
	ip link add link em0 name em0.666 type vlan id 666
	ip link add bridge666 address 02:00:5e:00:01:07 type bridge
	ip link set em0.666 master bridge666
	ip link set em0.666 up
	ip link set bridge666 up
	lan ip link add link gw0 name gw0.666 type vlan id 666
	lan ip link set gw0.666 up
	lan ip addr add 10.66.0.1/24 dev gw0.666
	mk on666 vnet=on interfaces=vnet0:bridge666 'ip4_addr=vnet0|10.66.0.5/24' defaultrouter=10.66.0.1
	world_snapshot before
	up on666
	inside_ok on666 'ping -c 1 -W 2 10.66.0.1'
	down on666
	world_same before
}

@test "access ports of one filtering bridge: the same VLAN talks, another does not" {
	need_filtering
	filtering br7
	for j in a:666:5 b:666:6 c:777:7; do
		IFS=: read -r name vlan last <<<"$j"
		mk "$name" vnet=on interfaces=vnet0:br7 "vnet0_vlan=$vlan" "ip4_addr=vnet0|10.7.0.$last/24" defaultrouter=none
	done
	world_snapshot before
	up a
	up b
	up c
	vlans vnet0 a "666 PVID Egress Untagged"
	vlans vnet0 c "777 PVID Egress Untagged"
	inside_ok a 'ping -c 1 -W 2 10.7.0.6'
	inside a 'ping -c 1 -W 2 10.7.0.7'
	[ "$status" -ne 0 ]
	down a
	down b
	down c
	world_same before
}

@test "a trunk: tagged inside, with an untagged VLAN beside them; an access jail hears its own" {
	need_filtering
	need_8021q
	filtering br7
	mk trunk vnet=on interfaces=vnet0:br7 vnet0_vlan=5,10t,20t 'ip4_addr=vnet0|10.5.0.5/24,vnet0|self' defaultrouter=none
	mk ten vnet=on interfaces=vnet0:br7 vnet0_vlan=10 'ip4_addr=vnet0|10.10.0.6/24' defaultrouter=none
	mk five vnet=on interfaces=vnet0:br7 vnet0_vlan=5 'ip4_addr=vnet0|10.5.0.6/24' defaultrouter=none
	up trunk
	up ten
	up five
	vlans vnet0 trunk "5 PVID Egress Untagged,10,20"
	inside_ok trunk 'ip link add link epair0b name v10 type vlan id 10 && ip link set v10 up && ip addr add 10.10.0.5/24 dev v10'
	inside_ok trunk 'ping -c 1 -W 2 10.10.0.6'
	inside_ok trunk 'ping -c 1 -W 2 10.5.0.6'
	# a VLAN it was not given stays out of its reach
	inside_ok trunk 'ip link add link epair0b name v30 type vlan id 30 && ip link set v30 up && ip addr add 10.30.0.5/24 dev v30'
	mk thirty vnet=on interfaces=vnet0:br7 vnet0_vlan=30 'ip4_addr=vnet0|10.30.0.6/24' defaultrouter=none
	up thirty
	inside trunk 'ping -c 1 -W 1 10.30.0.6'
	[ "$status" -ne 0 ]
}

@test "only tagged: the VLAN new ports get is taken away; the default VLAN may be tagged" {
	need_filtering
	filtering br7
	mk tags vnet=on interfaces=vnet0:br7,vnet1:br7 vnet0_vlan=10t,20t vnet1_vlan=1t,7 defaultrouter=none
	up tags
	vlans vnet0 tags "10,20"
	vlans vnet1 tags "1,7 PVID Egress Untagged"
}

@test "a bridge of ours filters when a jail asks for it, also one that is there already; its other jails go on" {
	need_filtering
	mk plain vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk plain2 vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.6/24' defaultrouter=none
	mk tagged vnet=on interfaces=vnet0:bridge0 vnet0_vlan=9 'ip4_addr=vnet0|10.7.0.7/24' defaultrouter=none
	world_snapshot before
	up plain
	up plain2
	ok ip -d link show bridge0
	has "vlan_filtering 0"
	up tagged
	ok ip -d link show bridge0
	has "vlan_filtering 1"
	inside_ok plain 'ping -c 1 -W 2 10.7.0.6'
	inside plain 'ping -c 1 -W 1 10.7.0.7'
	[ "$status" -ne 0 ]
	down plain
	down plain2
	down tagged
	world_same before
	up tagged
	ok ip -d link show bridge0
	has "vlan_filtering 1"
	down tagged
	world_same before
}

@test "a bridge of the administrator that does not filter, or cannot: refused with what to do, and not touched" {
	ip link add br7 type bridge
	ip link set br7 up
	mk flat vnet=on interfaces=vnet0:br7 vnet0_vlan=666 defaultrouter=none
	world_snapshot before
	fails 1 iocage start flat
	if can_filter; then
		has "vnet0_vlan: the bridge br7 does not filter VLANs"
		has "ip link set br7 type bridge vlan_filtering 1"
		ok ip -d link show br7
		has "vlan_filtering 0"
	else
		has "vnet0_vlan: this kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
		ok iocage set interfaces=vnet0:bridge0 flat
		fails 1 iocage start flat
		has "add bridge bridge0: Operation not supported"
		has "This kernel's bridges know no VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
	fi
	world_same before
}

@test "set vnet0_vlan on a running jail: at once, what is not named any more goes; a bridge of ours begins to filter" {
	need_filtering
	mk a vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk b vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.6/24' defaultrouter=none
	world_snapshot before
	up a
	up b
	inside_ok a 'ping -c 1 -W 2 10.7.0.6'
	ok iocage set vnet0_vlan=666 a
	hasnt restart
	vlans vnet0 a "666 PVID Egress Untagged"
	inside a 'ping -c 1 -W 1 10.7.0.6'
	[ "$status" -ne 0 ]
	ok iocage set vnet0_vlan=666 b
	inside_ok a 'ping -c 1 -W 2 10.7.0.6'
	# to a trunk and back, every kind of difference
	for to in 666,10t,20t:10,20,666_PVID_Egress_Untagged 20,30t:20_PVID_Egress_Untagged,30 1t,40t:1,40 40:40_PVID_Egress_Untagged \
		none:1_PVID_Egress_Untagged; do
		ok iocage set "vnet0_vlan=${to%%:*}" a
		want=${to#*:}
		vlans vnet0 a "${want//_/ }"
	done
	ok iocage set vnet0_vlan=none b
	inside_ok a 'ping -c 1 -W 2 10.7.0.6'
	# all or nothing
	fails 1 iocage set vnet0_vlan=77 'ip4_addr=vnet9|10.7.0.9/24' a
	vlans vnet0 a "1 PVID Egress Untagged"
	run timeout 20 strace -o /dev/null -e trace=fsync -e inject=fsync:error=EIO iocage set vnet0_vlan=77,78t a
	[ "$status" -eq 1 ]
	vlans vnet0 a "1 PVID Egress Untagged"
	[ "$(iocage get vnet0_vlan a)" = none ]
	down a
	down b
	world_same before
}

@test "set vnet0_vlan on a running jail: refused where a start would be, and nothing changes" {
	ip link add br7 type bridge
	ip link set br7 up
	mk flat vnet=on interfaces=vnet0:br7,vnet1:none defaultrouter=none
	up flat
	world_snapshot before
	fails 1 iocage set vnet0_vlan=666 flat
	if can_filter; then has "the bridge br7 does not filter VLANs"; else has "this kernel's bridges know no VLANs"; fi
	[ "$(iocage get vnet0_vlan flat)" = none ]
	fails 1 iocage set vnet1_vlan=666 flat
	has "vnet1_vlan: vnet1 is on no bridge"
	world_same before
	down flat
}

@test "vnetN_vlan: any N, checked, and a NIC on no bridge is refused" {
	mk props vnet=on interfaces=vnet0:none defaultrouter=none
	ok iocage set vnet7_vlan=10t,20t,5 props
	[ "$(iocage get vnet7_vlan props)" = 5,10t,20t ]
	for v in 0 4095 5,6 5,5t t; do
		fails 1 iocage set "vnet0_vlan=$v" props
		has "$v is not a valid value for vnet0_vlan."
	done
	ok iocage set vnet0_vlan=666 props
	fails 1 iocage start props
	has "vnet0_vlan: vnet0 is on no bridge"
}

@test "doctor: a bridge that stopped filtering" {
	need_filtering
	filtering br7
	mk a vnet=on interfaces=vnet0:br7 vnet0_vlan=666 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	mk b vnet=on interfaces=vnet0:br7 vnet0_vlan=777 'ip4_addr=vnet0|10.7.0.6/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up a b
	healthy
	inside a 'ping -c 1 -W 1 10.7.0.6'
	[ "$status" -ne 0 ]
	ip link set br7 type bridge vlan_filtering 0
	inside_ok a 'ping -c 1 -W 2 10.7.0.6'
	only vlan-filter-off 'a: vlan-filter-off: vnet0_vlan is set, and bridge br7 does not filter VLANs any more (vlan_filtering is 0)'
	has 'b: vlan-filter-off'
	mended vlan-filter-off
	inside a 'ip neigh flush dev epair0b; ping -c 1 -W 1 10.7.0.6'
	[ "$status" -ne 0 ]
}

@test "doctor: a port that is not in its VLANs, or in others" {
	need_filtering
	filtering br7
	mk a vnet=on interfaces=vnet0:br7 vnet0_vlan=666 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	mk b vnet=on interfaces=vnet0:br7 vnet0_vlan=666,10t,11t,12t 'ip4_addr=vnet0|10.7.0.6/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	mk plain vnet=on interfaces=vnet0:br7 defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up a b plain
	healthy
	port=vnet0.$(jid a)
	bridge vlan del dev "$port" vid 666
	inside b 'ping -c 1 -W 1 10.7.0.5'
	[ "$status" -ne 0 ]
	only vlan-mismatch "a: vlan-mismatch: $port, the port of vnet0 on br7, is not in the VLANs of vnet0_vlan: missing 666"
	is_fix vlan-mismatch "bridge vlan add dev $port vid 666 pvid untagged"
	mended vlan-mismatch
	inside_ok b 'ip neigh flush dev epair0b; ping -c 1 -W 2 10.7.0.5'
	bridge vlan add dev "$port" vid 777 pvid untagged
	bridge vlan add dev "$port" vid 100-120
	only vlan-mismatch ': missing 666, too many 100-120, 777'
	mended vlan-mismatch
	vlans vnet0 a "666 PVID Egress Untagged"
	inside_ok b 'ping -c 1 -W 2 10.7.0.5'
	# a trunk; tagged is not untagged
	port=vnet0.$(jid b)
	bridge vlan del dev "$port" vid 11
	bridge vlan add dev "$port" vid 666
	bridge vlan add dev "$port" vid 9-13
	bridge vlan del dev "$port" vid 11
	only vlan-mismatch ': missing 11t, 666, too many 9, 13'
	mended vlan-mismatch
	vlans vnet0 b "10,11,12,666 PVID Egress Untagged"
	down a b plain
}
