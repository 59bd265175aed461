#!/usr/bin/env bats
# observed.bats - shared-IP jails answer as a FreeBSD kernel was seen to (observed.tsv), and by the same rules (rules.tsv).

load lib

setup_file() {
	lab_setup_file
	export PROBES
	PROBES=$(dirname "$IOCAGE")/tests/lab
	[ -x "$PROBES/probe" ] && [ -x "$PROBES/calls" ] || lab_die "$PROBES/probe and calls are not built"
	lan ip route add 224.0.0.0/4 dev gw0
	lan ip route add 255.255.255.255/32 dev gw0
	lan ip -6 route replace multicast ff00::/8 dev gw0 table local metric 1
	second_wire
	jail s1 'ip4_addr=em0|192.0.2.11/32' 'ip6_addr=em0|2001:db8::11/128'
	jail s2 'ip4_addr=em0|192.0.2.12/32,em0|192.0.2.13/32' 'ip6_addr=em0|2001:db8::12/128,em0|2001:db8::13/128'
	jail s0 ip4=disable ip6=disable
	jail sr 'ip4_addr=em0|192.0.2.14/32' allow_raw_sockets=1
	jail st 'ip4_addr=em0|192.0.2.15/32'
	jail su 'ip4_addr=em0|192.0.2.15/32'
	jail s6 'ip6_addr=em0|2001:db8::16/128'
	jail si ip4=inherit ip6=inherit
	jail sx 'ip4_addr=em0|192.0.2.21/32,em1|198.51.100.21/32' 'ip6_addr=em0|2001:db8::21/128,em1|2001:db8:1::21/128'
	jail sy 'ip4_addr=em0|192.0.2.22/32,em1|198.51.100.22/32' 'ip6_addr=em0|2001:db8::22/128,em1|2001:db8:1::22/128' \
		ip4_saddrsel=0 ip6_saddrsel=0
	jail sm ip4=inherit 'ip6_addr=em0|2001:db8::17/128'
}

# em1 of the host, 198.51.100.1, to gw1 of the lan, which is the way to 203.0.113.0/24 too
second_wire() {
	ip link add em1 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	ip link set em1 up
	lan ip link set gw1 up
	ip addr add 198.51.100.1/24 dev em1
	lan ip addr add 198.51.100.254/24 dev gw1
	lan ip addr add 203.0.113.9/32 dev gw1
	ip route add 203.0.113.0/24 via 198.51.100.254
	ip addr add 2001:db8:1::1/64 dev em1 nodad
	lan ip addr add 2001:db8:1::254/64 dev gw1 nodad
}

jail() {
	mkshared "$@"
	put "$1" "$PROBES/probe" bin/probe
	put "$1" "$PROBES/calls" bin/calls
	up "$1"
}

mkshared() {
	local n=$1
	shift
	mk "$n" vnet=off "$@"
}

teardown_file() {
	lab_reset
	ip link del em1
	lab_teardown_file
}

# section TABLE NAME...
section() {
	local t=$LAB_TOP/tests/lab/$1.tsv
	shift
	run python3 "$LAB_TOP/tests/lab/observed.py" "$t" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "observed: bind" {
	section observed "bind"
}

@test "observed: families" {
	section observed "families"
}

@test "observed: ports" {
	section observed "ports"
}

@test "observed: dual stack" {
	section observed "dual stack"
}

@test "observed: connect" {
	section observed "connect"
}

@test "observed: UDP" {
	section observed "UDP"
}

@test "observed: raw" {
	section observed "raw"
}

@test "observed: view" {
	section observed "view"
}

@test "rules: TCP ports" {
	section rules "TCP ports"
}

@test "rules: UDP ports" {
	section rules "UDP ports"
}

@test "rules: groups" {
	section rules "groups"
}

@test "rules: refusals and names" {
	section rules "refusals and names"
}

@test "rules: names and calls" {
	section rules "names and calls"
}

@test "rules: UDP host first" {
	section rules "UDP host first"
}

@test "rules: UDP jail first" {
	section rules "UDP jail first"
}

@test "rules: UDP connected" {
	section rules "UDP connected"
}

@test "rules: UDP dual stack" {
	section rules "UDP dual stack"
}

@test "rules: UDP sharing" {
	section rules "UDP sharing"
}

@test "rules: UDP groups" {
	section rules "UDP groups"
}

@test "rules: TCP sharing" {
	section rules "TCP sharing"
}

@test "rules: inherited families" {
	section rules "inherited families"
}

@test "rules: UDP wildcards that connect" {
	section rules "UDP wildcards that connect"
}

@test "rules: groups and broadcasts" {
	section rules "groups and broadcasts"
}

@test "rules: raw sockets" {
	section rules "raw sockets"
}

@test "rules: TCP inside one jail" {
	section rules "TCP inside one jail"
}

@test "rules: sources" {
	section rules "sources"
}

@test "rules: ports to connect from" {
	section rules "ports to connect from"
}

@test "rules: one family inherited" {
	section rules "one family inherited"
}

@test "rules: groups beside the host" {
	section rules "groups beside the host"
}

@test "rules: ports that stay the host's" {
	section rules "ports that stay the host's"
}

@test "rules: loopback of the host" {
	section rules "loopback of the host"
}

@test "rules: users" {
	section rules "users"
}

@test "every section of both tables was run" {
	for t in observed rules; do
		python3 "$LAB_TOP/tests/lab/observed.py" "$LAB_TOP/tests/lab/$t.tsv" | while read -r name; do
			grep -qF "section $t \"$name\"" "$BATS_TEST_FILENAME" || { echo "$t: $name"; exit 1; }
		done
	done
}
