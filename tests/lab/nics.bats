#!/usr/bin/env bats
# nics.bats - VNET jails with several interfaces: names, MACs, MTUs, addresses of each, and a bridge that is full.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	for b in br7 br8 br9; do ip link del $b 2>/dev/null || true; done
}

bridge() {
	ip link add "$1" address "02:00:5e:00:01:0${1: -1}" type bridge
	ip link set "$1" addrgenmode none
	ip link set "$1" up
	[ -z "${2:-}" ] || ip addr add "$2" dev "$1"
	[ -z "${3:-}" ] || ip -6 addr add "$3" dev "$1" nodad
}

mac_of() {
	sed -nE 's,.*link/ether ([^ ]*).*,\1,p' <<<"$1" | head -n 1 | tr -d :
}

@test "four NICs, several addresses on each, v4 and v6; the one without any exists, too" {
	bridge br7 10.7.0.1/24 2001:db8:a:7::1/64
	bridge br8 10.8.0.1/24 2001:db8:a:8::1/64
	bridge br9 10.9.0.1/24
	mk many vnet=on interfaces=vnet0:br7,vnet1:br8,vnet2:br9,vnet3:none defaultrouter=none defaultrouter6=none \
		'ip4_addr=vnet0|10.7.0.5/24,vnet0|10.7.0.6/24,vnet1|10.8.0.5/24,vnet2|10.9.0.5/24,lo0|10.99.0.1' \
		'ip6_addr=vnet0|2001:db8:a:7::5/64,vnet1|2001:db8:a:8::5/64,vnet1|2001:db8:a:8::6/64,lo0|2001:db8:a:99::1'
	world_snapshot before
	up many
	inside_ok many 'ip -o link'
	[ "$(grep -c epair <<<"$output")" -eq 4 ]
	for a in 10.7.0.5 10.7.0.6 10.8.0.5 10.9.0.5; do ok busybox ping -c 1 -W 2 $a; done
	for a in 2001:db8:a:7::5 2001:db8:a:8::5 2001:db8:a:8::6; do ok busybox ping6 -c 1 -W 2 $a; done
	inside_ok many 'ip -o addr show dev lo'
	has 10.99.0.1/32
	has 2001:db8:a:99::1/128
	has "::1/128"
	inside_ok many 'ip -o addr show dev epair3b'
	hasnt "inet "
	inside_ok many 'ip -o addr show dev epair1b'
	has 2001:db8:a:8::6/64
	ok ip -o link show master br8
	has "vnet1.$(jid many)"
	down many
	world_same before
}

@test "what loopback has anyway may be named" {
	mk loop vnet=on interfaces=vnet0:none 'ip4_addr=lo0|127.0.0.1,lo0|127.0.0.2/8' 'ip6_addr=lo0|::1' defaultrouter=none
	up loop
	inside_ok loop 'ip -o addr show dev lo'
	has 127.0.0.1/8
	has 127.0.0.2/8
	has ::1/128
}

@test "a NIC that is not listed: the error says which are, and nothing is left" {
	bridge br7
	mk not vnet=on interfaces=vnet0:br7,vnet1:br7 'ip4_addr=vnet2|10.7.0.5/24'
	world_snapshot before
	fails 1 iocage start not
	has "ip4_addr names vnet2, but the jail's interfaces are vnet0, vnet1; lo0 would be its loopback"
	world_same before
}

@test "vnetN_mac: kept in the configuration for every NIC, none makes it anew, both ends are used" {
	bridge br7
	mk macs vnet=on interfaces=vnet0:br7,vnet9:br7 defaultrouter=none
	first=$(iocage get vnet9_mac macs)
	[[ $first =~ ^[0-9a-f]{12}\ [0-9a-f]{12}$ ]]
	[ "$first" != "$(iocage get vnet0_mac macs)" ]
	grep -q '"vnet9_mac"' "$IOCAGE_ROOT/jails/macs/config.json"
	up macs
	ok ip -o link show "vnet9.$(jid macs)"
	host=$(mac_of "$output")
	inside_ok macs 'ip -o link show epair9b'
	output="$host $(mac_of "$output")"
	is "$first"
	down macs
	ok iocage set vnet9_mac=02aabbccdd01,02aabbccdd02 macs
	up macs
	inside_ok macs 'ip -o link show epair9b'
	has 02:aa:bb:cc:dd:02
	down macs
	ok iocage set vnet9_mac=none macs
	[ "$(iocage get vnet9_mac macs)" = "$first" ]
	ok iocage set mac_prefix=02ff60 vnet9_mac=none macs
	[[ $(iocage get vnet9_mac macs) == 02ff60??????\ 02ff60?????? ]]
	ok iocage get -r vnet9_mac
	has 02ff60
}

@test "MTU: vnetN_mtu of any N, the bridge's first member, the default; too small for IPv6 is refused" {
	bridge br7
	bridge br8
	ip link add m0 mtu 1350 type veth peer name m1 mtu 1350
	ip link set m0 master br8
	mk mtu vnet=on interfaces=vnet0:br7,vnet1:br8,vnet12:br7,vnet2:none vnet12_mtu=9000 vnet_default_mtu=1400 defaultrouter=none
	up mtu
	for p in epair0b:1400 epair1b:1350 epair12b:9000 epair2b:1400; do
		inside_ok mtu "ip -o link show ${p%:*}"
		has "mtu ${p#*:} "
	done
	ok ip -o link show "vnet12.$(jid mtu)"
	has "mtu 9000 "
	down mtu
	ip link del m0
	ok iocage set vnet0_mtu=1000 'ip6_addr=vnet0|2001:db8:a:7::5/64' mtu
	fails 1 iocage start mtu
	has "IPv6 needs an MTU of at least 1280, and that of vnet0 is 1000"
}

@test "a long NIC name: shortened on the host, whole as a second name, whole in the jail" {
	bridge br7 10.7.0.1/24
	mk long vnet=on interfaces=storage-network:br7,backup-network0:br7 'ip4_addr=storage-network|10.7.0.5/24' defaultrouter=none
	world_snapshot before
	up long
	ok ip -o link show master br7
	[ "$(grep -c 'altname storage-network.\|altname backup-network0.' <(ip link show master br7))" -eq 2 ]
	ok ip link show "storage-network.$(jid long)"
	has "~"
	inside_ok long 'ip -o addr show dev storage-network'
	has 10.7.0.5/24
	ok busybox ping -c 1 -W 2 10.7.0.5
	down long
	world_same before
	fails 1 iocage set interfaces=averyverylongname:br7 long
	has "must have 1 to 15 characters"
}

@test "a bridge that is full: which one, how many it holds, and nothing is left" {
	bridge br7
	for ((i = 0; i < 512; i++)); do
		echo "link add p$i master br7 type veth peer name q$i"
		[ "$i" -eq 511 ] || echo "link set q$i master br7"
	done >"$LAB_TMP/ports"
	ip -batch "$LAB_TMP/ports"
	mk full vnet=on interfaces=vnet0:br7 defaultrouter=none
	world_snapshot before
	fails 1 iocage start full
	has "The bridge br7 is full: a Linux bridge has at most 1023 ports."
	world_same before
	ip link del p0
	up full
	down full
	for ((i = 1; i < 512; i++)); do echo "link del p$i"; done >"$LAB_TMP/ports"
	ip -batch "$LAB_TMP/ports"
}
