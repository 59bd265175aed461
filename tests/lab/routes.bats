#!/usr/bin/env bats
# routes.bats - default routes of VNET jails, and IPv6 addresses that are usable when start returns.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	for b in br7 br8; do ip link del $b 2>/dev/null || true; done
}

bridge() {
	ip link add "$1" address "02:00:5e:00:01:0${1: -1}" type bridge
	ip link set "$1" addrgenmode none
	ip link set "$1" up
	[ -z "${2:-}" ] || ip addr add "$2" dev "$1"
	[ -z "${3:-}" ] || ip -6 addr add "$3" dev "$1" nodad
}

# default FAMILY JAIL: its default routes
default() {
	inside_ok "$2" "ip -$1 route |  sed -n '/^default/s/ *$//p'"
}

@test "auto: the host's own router where the jail can reach it, else none and no complaint" {
	bridge br7 192.0.2.129/25 # the default router's network, as far as the jail can tell
	mk au vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|192.0.2.130/24' 'ip6_addr=vnet0|2001:db8:a:7::5/64'
	ok iocage start au
	default 4 au
	is "default via 192.0.2.254 dev epair0b"
	default 6 au
	is ""
	down au
	ok iocage set defaultrouter=none au
	up au
	default 4 au
	is ""
}

@test "a router outside the jail's networks: the error names them all, with their NICs" {
	bridge br7
	bridge br8
	mk off vnet=on interfaces=vnet0:br7,vnet1:br8 'ip4_addr=vnet0|10.7.0.5/24,vnet1|10.8.0.5/16' defaultrouter=10.9.0.1 \
		'ip6_addr=vnet0|2001:db8:a:7::5/64' defaultrouter6=none
	world_snapshot before
	fails 1 iocage start off
	has "defaultrouter: 10.9.0.1 is in none of the jail's networks: 10.7.0.5/24 on vnet0, 10.8.0.5/16 on vnet1"
	ok iocage set defaultrouter=none defaultrouter6=2001:db8:a:8::1 off
	fails 1 iocage start off
	has "defaultrouter6: 2001:db8:a:8::1 is in none of the jail's networks: 2001:db8:a:7::5/64 on vnet0"
	world_same before
}

@test "the router's network decides which NIC the route goes by" {
	bridge br7 10.7.0.1/24
	bridge br8 10.8.0.1/24 2001:db8:a:8::1/64
	mk by vnet=on interfaces=vnet0:br7,vnet1:br8 'ip4_addr=vnet0|10.7.0.5/24,vnet1|10.8.0.5/24' defaultrouter=10.8.0.1 \
		'ip6_addr=vnet1|2001:db8:a:8::5/64' defaultrouter6=2001:db8:a:8::1
	up by
	default 4 by
	is "default via 10.8.0.1 dev epair1b"
	default 6 by
	has "default via 2001:db8:a:8::1 dev epair1b"
}

@test "a link-local router: with the jail's name for the link or the host's, without one, and with a wrong one" {
	bridge br7 '' fe80::1/64
	bridge br8 '' fe80::1/64
	mk ll vnet=on interfaces=vnet0:br7,vnet1:br8 'ip6_addr=vnet0|2001:db8:a:7::5/64,vnet1|2001:db8:a:8::5/64' defaultrouter=none
	for p in fe80::1%epair1b:epair1b fe80::1%vnet0:epair0b fe80::1%br8:epair1b fe80::1:epair0b; do
		ok iocage set "defaultrouter6=${p%:*}" ll
		up ll
		default 6 ll
		has "default via fe80::1 dev ${p##*:}"
		down ll
	done
	ok iocage set defaultrouter6=fe80::1%em7 ll
	fails 1 iocage start ll
	has "fe80::1%em7 is on a link that is none of the jail's: its interfaces are vnet0, vnet1"
}

@test "IPv6 is usable when start returns: nothing tentative, link-local included, and a service binds at once" {
	bridge br7 '' 2001:db8:a:7::1/64
	mk now vnet=on interfaces=vnet0:br7 'ip6_addr=vnet0|2001:db8:a:7::5/64' defaultrouter=none defaultrouter6=none \
		'exec_start=/bin/sh -c "ip -6 -o addr >/addrs; httpd -p [2001:db8:a:7::5]:80 -h /"'
	up now
	run cat "$(upper now)/addrs"
	has 2001:db8:a:7::5/64
	has fe80::
	hasnt tentative
	ok busybox ping6 -c 1 -W 2 2001:db8:a:7::5
	inside_ok now 'ip -6 -o addr show dev epair0b scope link'
	[ "$(grep -c fe80 <<<"$output")" -eq 1 ]
}
