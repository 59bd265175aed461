#!/usr/bin/env bats
# vnet.bats - jails with a stack of their own: epair, bridge, addresses, routes, and their way back.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# A bridge with an address, as an administrator would make it; jails behind it reach the lan through the host.
router() {
	# an address of its own, or it would change with its ports
	ip link add "$1" address "02:00:5e:00:01:0${1: -1}" type bridge
	ip link set "$1" addrgenmode none
	ip link set "$1" up
	ip addr add "$2" dev "$1"
	[ -z "${3:-}" ] || ip -6 addr add "$3" dev "$1" nodad
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
}

teardown() {
	lab_reset
	for b in br7 br8 bridge0 bridge1; do ip link del $b 2>/dev/null || true; done
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
}

@test "one NIC on a bridge: static v4 and v6, default routes, the router and the lan answer" {
	router br7 10.7.0.1/24 2001:db8:a:7::1/64
	mk v vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' 'ip6_addr=vnet0|2001:db8:a:7::5/64' \
		defaultrouter=10.7.0.1 defaultrouter6=2001:db8:a:7::1
	world_snapshot before
	ok iocage start v
	has "* Starting v"
	has "+ Started OK"
	has "+ Configuring VNET OK"
	has "+ Starting services OK"
	inside_ok v 'ip -o addr show dev epair0b'
	has "inet 10.7.0.5/24"
	has "inet6 2001:db8:a:7::5/64"
	inside_ok v 'ip route'
	has "default via 10.7.0.1 dev epair0b"
	inside_ok v 'ip -6 route'
	has "default via 2001:db8:a:7::1 dev epair0b"
	inside_ok v 'ping -c 1 -W 2 10.7.0.1 && ping -c 1 -W 2 192.0.2.254'
	inside_ok v 'ping6 -c 1 -W 2 2001:db8:a:7::1 && ping6 -c 1 -W 2 2001:db8::254'
	ok busybox ping -c 1 -W 2 10.7.0.5
	ok lan busybox ping -c 1 -W 2 10.7.0.5
	ok iocage stop v
	has "+ Tearing down VNET OK"
	has "+ Removing jail process OK"
	world_same before
}

@test "names, alias text, state and master of both ends" {
	router br7 10.7.0.1/24
	mk names vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	up names
	n=vnet0.$(jid names)
	ok ip -d link show "$n"
	has "master br7"
	has "alias associated with jail: names as nic: epair0b"
	has "state UP"
	inside_ok names 'cat /sys/class/net/epair0b/operstate 2>/dev/null || ip link show epair0b'
	has "p"
	inside_ok names 'ip -o link'
	# a kernel with a module of tunnels gives each namespace the one without a far end (sit0@NONE)
	[ "$(grep -vc '@NONE:' <<<"$output")" -eq 2 ]
	has "lo:"
	inside_ok names 'ifconfig lo'
	has "127.0.0.1"
}

@test "MACs: locally administered, the two ends differ by one, the same at each start, shown by get" {
	mk macs vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	up macs
	n=vnet0.$(jid macs)
	host1=$(cat "/sys/class/net/$n/address" 2>/dev/null || ip -o link show "$n" | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
	jail1=$(iocage exec macs -- ip -o link show epair0b | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
	[ $((0x${host1:0:2} & 3)) -eq 2 ]
	h=$(tr -d : <<<"$host1") j=$(tr -d : <<<"$jail1")
	[ $((0x$j - 0x$h)) -eq 1 ]
	down macs
	up macs
	jail2=$(iocage exec macs -- ip -o link show epair0b | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
	[ "$jail1" = "$jail2" ]
	down macs
	ok iocage set vnet0_mac=02aabbccdd01,02aabbccdd02 macs
	up macs
	ok ip -o link show "vnet0.$(jid macs)"
	has 02:aa:bb:cc:dd:01
	inside_ok macs 'ip -o link show epair0b'
	has 02:aa:bb:cc:dd:02
}

@test "MTU: of the property, else of the bridge's first member, else the default" {
	router br7 10.7.0.1/24
	mk mtu vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	up mtu
	inside_ok mtu 'cat /sys/class/net/epair0b/mtu 2>/dev/null || ip -o link show epair0b'
	has 1500
	down mtu
	ok iocage set vnet_default_mtu=1400 mtu
	up mtu
	inside_ok mtu 'ip -o link show epair0b'
	has "mtu 1400"
	down mtu
	ok iocage set vnet0_mtu=9000 mtu
	up mtu
	inside_ok mtu 'ip -o link show epair0b'
	has "mtu 9000"
	ok ip -o link show "vnet0.$(jid mtu)"
	has "mtu 9000"
	down mtu
	ok iocage set vnet0_mtu=auto mtu
	ip link add m0 mtu 1350 type veth peer name m1 mtu 1350
	ip link set m0 master br7
	up mtu
	run iocage exec mtu -- ip -o link show epair0b
	ip link del m0
	has "mtu 1350"
}

@test "a missing bridge is made, and removed when its last jail stops; one of the administrator stays" {
	mk b1 vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	mk b2 vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.6/24'
	world_snapshot before
	up b1
	ok ip -d link show bridge0
	has "bridge"
	up b2
	inside_ok b1 'ping -c 1 -W 2 10.7.0.6'
	down b1
	ok ip link show bridge0
	inside_ok b2 'ip -o addr show dev epair0b'
	down b2
	world_same before
	router bridge0 10.7.0.1/24
	world_snapshot mine
	up b1
	down b1
	world_same mine
	ok ip link show bridge0
}

@test "a bridge we made to which somebody gave an address is not removed" {
	mk kept vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	up kept
	ip addr add 10.7.0.1/24 dev bridge0
	inside_ok kept 'ping -c 1 -W 2 10.7.0.1'
	down kept
	ok ip addr show bridge0
	has 10.7.0.1
}

@test "no uplink joins a bridge unless it is named" {
	mk noup vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.50/24'
	up noup
	ok ip -o link show em0
	hasnt master
	down noup
}

@test "bridge none: a pair and nothing else" {
	mk pair vnet=on interfaces=vnet0:none 'ip6_addr=vnet0|fe80::2/64' ip4_addr=none defaultrouter=none defaultrouter6=none
	world_snapshot before
	up pair
	n=vnet0.$(jid pair)
	ok ip -o link show "$n"
	hasnt master
	inside_ok pair 'ip -o addr show dev epair0b'
	has fe80::2/64
	ip -6 addr add fe80::1/64 dev "$n" nodad
	ok busybox ping6 -c 1 -W 2 "fe80::2%$n"
	down pair
	world_same before
}

@test "a VNET jail that configures itself has its NIC, and no address before" {
	router br7 10.7.0.1/24
	mk bare vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|self' ip6_addr=none defaultrouter=none defaultrouter6=none
	up bare
	inside_ok bare 'ip addr add 10.7.0.9/24 dev epair0b && ip route add default via 10.7.0.1 && ping -c 1 -W 2 10.7.0.1'
}

@test "two NICs on two bridges" {
	router br7 10.7.0.1/24
	router br8 10.8.0.1/24
	mk two vnet=on interfaces=vnet0:br7,vnet1:br8 'ip4_addr=vnet0|10.7.0.5/24,vnet1|10.8.0.5/24' defaultrouter=10.7.0.1
	world_snapshot before
	up two
	inside_ok two 'ping -c 1 -W 2 10.7.0.1 && ping -c 1 -W 2 10.8.0.1; ip -o addr'
	has "epair0b"
	has "epair1b"
	inside_ok two 'ip route | grep -c ^default'
	is 1
	down two
	world_same before
}

@test "several addresses on one NIC; lo0 takes one too" {
	router br7 10.7.0.1/24
	mk several vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24,vnet0|10.7.0.6/24,lo0|10.99.0.1/32'
	up several
	inside_ok several 'ip -o addr'
	has 10.7.0.5/24
	has 10.7.0.6/24
	inside_ok several 'ip -o addr show dev lo'
	has 10.99.0.1/32
	ok busybox ping -c 1 -W 2 10.7.0.6
}

@test "an address on an interface the jail does not have is an error, and nothing is left" {
	mk wrongif vnet=on interfaces=vnet0:br7 'ip4_addr=em0|10.7.0.5/24'
	world_snapshot before
	fails 1 iocage start wrongif
	has em0
	is_down wrongif
	world_same before
}

@test "a router that cannot be reached fails the start and leaves nothing" {
	mk noroute vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=172.31.0.1
	world_snapshot before
	fails 1 iocage start noroute
	has 172.31.0.1
	is_down noroute
	world_same before
}

@test "the name of something that is not a bridge is refused" {
	mk notbridge vnet=on interfaces=vnet0:em0 'ip4_addr=vnet0|10.7.0.5/24'
	world_snapshot before
	fails 1 iocage start notbridge
	has em0
	world_same before
}

@test "the jail owns its stack: addresses, routes, links and a firewall of its own; none of the host's" {
	router br7 10.7.0.1/24
	mk owner vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	up owner
	inside_ok owner 'ip addr add 10.7.0.77/24 dev epair0b && ip link set epair0b down && ip link set epair0b up'
	inside_ok owner 'ip link'
	hasnt em0
	hasnt br7
	inside_ok owner 'httpd -p 0.0.0.0:80 -h / && echo up'
	has up
}

@test "a page from one VNET jail to another, and to the host" {
	router br7 10.7.0.1/24
	mk s vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	mk c vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.6/24'
	up s
	up c
	serve s 80 "hello from s"
	[ "$(page http://10.7.0.5/)" = "hello from s" ]
	inside_ok c 'wget -q -O - http://10.7.0.5/'
	is "hello from s"
}

@test "the same jail twice, ids grow and are given back" {
	router br7 10.7.0.1/24
	mk again vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	world_snapshot before
	for _ in 1 2 3 4 5; do
		up again
		down again
	done
	up again
	[ "$(jid again)" -le 10 ]
	down again
	world_same before
}

@test "a host interface removed behind our back: stop still ends, everything else goes" {
	router br7 10.7.0.1/24
	mk torn vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	world_snapshot before
	up torn
	ip link del "vnet0.$(jid torn)"
	run iocage stop torn
	is_down torn
	world_same before
}

@test "an interface that only has our name is not removed at stop" {
	router br7 10.7.0.1/24
	mk mine vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	up mine
	n=vnet0.$(jid mine)
	ip link del "$n"
	ip link add "$n" type bridge
	run iocage stop mine
	ok ip link show "$n"
	ip link del "$n"
	is_down mine
}
