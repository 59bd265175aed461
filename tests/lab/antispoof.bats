#!/usr/bin/env bats
# antispoof.bats - what a bridged jail can put on the wire, with frames forged in its network: MAC, addresses, roles.

load lib
load forge

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

V4='ip4_addr=vnet0|10.7.0.5/24'
V6='ip6_addr=vnet0|2001:db8:a:7::5/64'

# every PROFILE [prop=value...]: all kinds of frames out of a jail, and those that its port has to take arrive: frames.py
every() {
	local f
	# the wire's end is behind br7, which learns nothing of groups; and nobody cuts off what is behind the end of a packet
	ip link add br7 type bridge mcast_snooping 0
	ip link set br7 addrgenmode none up
	ip link add w7 type veth peer name w7p
	ip link set w7 master br7 addrgenmode none up
	ip link set w7p addrgenmode none up
	for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 >"$f"; done
	[ "$1" != T ] || ip link set br7 type bridge vlan_filtering 1
	[ "$1" != T ] || bridge vlan add dev w7 vid 10
	mk f vnet=on interfaces=vnet0:br7 vnet0_mac=02aabbccdd01,02aabbccdd02 defaultrouter=none defaultrouter6=none dhcp_timeout=0 "${@:2}"
	up f
	ok python3 "$LAB_TOP/tests/lab/frames.py" "$(init_pid f)" w7p "$1"
	has ", 0 as they should not be"
}

teardown() {
	[ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || true
	lab_reset
	ip link del w7 2>/dev/null || true
	ip link del br7 2>/dev/null || true
}

@test "every kind of frame: static IPv4, and no IPv6 at all" { every 4 "$V4"; }
@test "every kind of frame: static IPv6, and no IPv4 at all" { every 6 "$V6"; }
@test "every kind of frame: static IPv4 and IPv6" { every D "$V4" "$V6"; }
@test "every kind of frame: static IPv4, IPv6 by router advertisements" { every R "$V4" 'ip6_addr=vnet0|accept_rtadv'; }
@test "every kind of frame: DHCP, as long as there is no lease" { every C bpf=on 'ip4_addr=vnet0|DHCP'; }
@test "every kind of frame: the jail configures itself" { every S 'ip4_addr=vnet0|self' 'ip6_addr=vnet0|self'; }
@test "every kind of frame: none is none" { every N; }

@test "every kind of frame: a trunk takes the tags it was given, and what is in them is held alike" {
	ip link add fx type bridge vlan_filtering 1 2>/dev/null || skip "this kernel's bridges do not filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
	ip link del fx
	every T "$V4" "$V6" vnet0_vlan=1,10t
}

router() {
	ip link add "$1" address 02:00:5e:00:01:07 type bridge
	ip link set "$1" addrgenmode none
	ip link set "$1" up
	ip addr add 10.7.0.1/24 dev "$1"
	ip -6 addr add 2001:db8:a:7::1/64 dev "$1" nodad
}

static() {
	mk "$1" vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24,vnet0|10.7.0.6/24,lo0|10.99.0.1/32' \
		'ip6_addr=vnet0|2001:db8:a:7::5/64' defaultrouter=none defaultrouter6=none "${@:2}"
}

mac_of() {
	iocage exec "$1" -- cat /sys/class/net/epair0b/address
}

link_local() {
	iocage exec "$1" -- ip -6 -o addr show dev epair0b scope link | sed -E 's/.*inet6 ([^/]*).*/\1/'
}

@test "a bridge that runs a spanning tree: a jail cannot become its root; a port that tries is closed" {
	router br7
	ip link set br7 type bridge stp_state 1 forward_delay 200
	static s
	up s
	is_port() { bridge -d link show dev "vnet0.$(jid s)" | grep -q "state $1"; }
	root_of() { ip -d link show "$1" | grep -o "designated_root [^ ]*"; }
	eventually is_port forwarding || eventually is_port forwarding
	root=$(root_of br7)
	[ -n "$root" ]
	nsenter --net="/proc/$(init_pid s)/ns/net" python3 - <<-'P'
		import socket
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("epair0b", 0))
		own = s.getsockname()[4]
		# a configuration message: root and sender with priority 0
		body = bytes(5) + (bytes(2) + own) + bytes(4) + (bytes(2) + own) + bytes.fromhex("8001" "0000" "1400" "0200" "0f00")
		s.send(bytes.fromhex("0180c2000000") + own + b"\0\x26" + bytes.fromhex("424203") + body + bytes(8))
	P
	eventually is_port disabled
	[ "$(root_of br7)" = "$root" ]
}

@test "a static jail sends from its MAC and its addresses, and from nothing else" {
	router br7
	static s
	up s
	ll=$(link_local s)
	hear br7
	from s own-arp arp src=10.7.0.5
	from s second-arp arp src=10.7.0.6
	from s probe arp src=0.0.0.0 op=1 dst=10.7.0.5
	from s probe-other arp src=0.0.0.0 op=1 dst=10.7.0.9
	from s own-ip ip4 src=10.7.0.5
	from s second-ip ip4 src=10.7.0.6
	from s lo-ip ip4 src=10.99.0.1
	from s asks-for-a-lease ask src=0.0.0.0
	from s asks-for-another ask src=0.0.0.0 chaddr=02:aa:bb:cc:dd:ee
	from s no-source ip4 src=0.0.0.0
	from s own-ip6 ip6 src=2001:db8:a:7::5
	from s own-ll ip6 src="$ll"
	from s no-source6 ip6 src=::
	# not its own
	from s mac ip4 src=10.7.0.5 mac=02:aa:bb:cc:dd:ee
	from s mac-other other mac=02:aa:bb:cc:dd:ee
	from s arp-router arp src=10.7.0.1
	from s arp-free arp src=10.7.0.77
	from s arp-mac arp src=10.7.0.5 smac=02:aa:bb:cc:dd:ee
	from s ip-router ip4 src=10.7.0.1
	from s ip-far ip4 src=192.0.2.7
	from s ip6-router ip6 src=2001:db8:a:7::1
	from s ip6-ll ip6 src=fe80::1
	# what it is not
	from s ra ra src="$ll"
	from s dhcp4 dhcp4 src=10.7.0.5
	from s dhcp6 dhcp6 src="$ll"
	# hidden behind VLAN tags
	from s tagged-ip ip4 src=10.7.0.1 vlan=10
	from s tagged-twice ip4 src=10.7.0.1 vlan=10.20
	heard own-arp second-arp probe own-ip second-ip lo-ip asks-for-a-lease own-ip6 own-ll
}

@test "the jail works as before: neighbours, router, IPv6, several addresses, another jail" {
	router br7
	static s
	mk t vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.8/24' 'ip6_addr=vnet0|2001:db8:a:7::8/64'
	up s
	up t
	ip route add 10.99.0.1/32 via 10.7.0.5
	inside_ok s 'ping -c 1 -W 2 10.7.0.1 && ping -c 1 -W 2 -I 10.7.0.6 10.7.0.1 && ping -c 1 -W 2 10.7.0.8'
	inside_ok s 'ping6 -c 1 -W 2 2001:db8:a:7::1 && ping6 -c 1 -W 2 2001:db8:a:7::8'
	ok busybox ping -c 1 -W 2 10.7.0.6
	ok busybox ping -c 1 -W 2 10.99.0.1
	ok busybox ping6 -c 1 -W 2 2001:db8:a:7::5
	serve s 80 "from s"
	inside_ok t 'wget -q -O - http://10.7.0.5/'
	is "from s"
}

@test "an address the jail gives itself does not work: nobody hears it" {
	router br7
	static s
	up s
	inside_ok s 'ip addr add 10.7.0.66/24 dev epair0b'
	run busybox ping -c 1 -W 1 10.7.0.66
	[ "$status" -ne 0 ]
	ok busybox ping -c 1 -W 2 10.7.0.5
}

@test "a jail that configures itself: its MAC is held, its addresses are its own business; still no router, no server" {
	router br7
	mk d vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|self' 'ip6_addr=vnet0|self' defaultrouter=none defaultrouter6=none
	up d
	hear br7
	from d arp arp src=10.7.0.77
	from d ip4 ip4 src=10.7.0.77
	from d ip6 ip6 src=2001:db8:a:7::77
	from d tagged ip4 src=10.7.0.77 vlan=10
	from d mac ip4 src=10.7.0.77 mac=02:aa:bb:cc:dd:ee
	from d arp-mac arp src=10.7.0.77 smac=02:aa:bb:cc:dd:ee
	from d ra ra src=fe80::1
	from d dhcp4 dhcp4 src=10.7.0.77
	from d dhcp6 dhcp6 src=fe80::1
	heard arp ip4 ip6
	inside_ok d 'ip addr add 10.7.0.9/24 dev epair0b && ping -c 1 -W 2 10.7.0.1'
	inside_ok d 'ip addr add 2001:db8:a:7::9/64 dev epair0b; sleep 2; ping6 -c 1 -W 2 2001:db8:a:7::1'
	ok iocage list -l -H
	has "vnet0|self"
	ok iocage get ip4_addr d
	is "vnet0|self"
}

@test "none is none: what the jail gives itself is heard by nobody, in either family; set brings it, and takes it away" {
	router br7
	mk d vnet=on interfaces=vnet0:br7 ip4_addr=none ip6_addr=none defaultrouter=none defaultrouter6=none
	up d
	inside_ok d 'ip addr add 10.7.0.9/24 dev epair0b; ip addr add 2001:db8:a:7::9/64 dev epair0b; sleep 2'
	inside d 'ping -c 1 -W 1 10.7.0.1'
	[ "$status" -ne 0 ]
	inside d 'ping6 -c 1 -W 1 2001:db8:a:7::1'
	[ "$status" -ne 0 ]
	ok iocage set 'ip4_addr=vnet0|self' d
	hasnt restart
	inside_ok d 'ping -c 4 -W 2 10.7.0.1'
	inside d 'ping6 -c 1 -W 1 2001:db8:a:7::1'
	[ "$status" -ne 0 ]
	ok iocage set ip4_addr=none d
	inside d 'ping -c 1 -W 1 10.7.0.1'
	[ "$status" -ne 0 ]
}

@test "a NIC without addresses sends nothing, not even from those of another NIC" {
	router br7
	mk two vnet=on interfaces=vnet0:br7,vnet1:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	up two
	hear br7
	from two own ip4 src=10.7.0.5
	NIC=epair1b from two by-the-other ip4 src=10.7.0.5
	NIC=epair1b from two arp arp src=10.7.0.5
	heard own
}

@test "what was dropped is counted for each port, also after a change of addresses" {
	router br7
	static s
	up s
	dropped() { nft -j list set bridge iocage drops | python3 -c 'import json, sys
print(sum(e["elem"]["counter"]["packets"] for o in json.load(sys.stdin)["nftables"] for e in o.get("set", {}).get("elem", [])))'; }
	before=$(dropped)
	for i in 1 2 3; do from s "forged$i" ip4 src=10.7.0.77; done
	[ $(($(dropped) - before)) -ge 3 ]
	before=$(dropped)
	ok iocage set 'ip4_addr=vnet0|10.7.0.15/24' s
	[ "$(dropped)" -ge "$before" ]
}

@test "static IPv4 and IPv6 by advertisement: each is held to what is known of it" {
	router br7
	mk m vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' 'ip6_addr=vnet0|accept_rtadv' defaultrouter=none dhcp_timeout=0 \
		vnet0_mac=02aabbccdd01,02aabbccdd02
	up m
	hear br7
	from m ip4 ip4 src=10.7.0.5
	from m forged4 ip4 src=10.7.0.77
	# of any prefix, as a router gives them; the lower half is its MAC's
	from m ip6 ip6 src=2001:db8:a:7:aa:bbff:fecc:dd02
	from m other-prefix ip6 src=2001:db8:a:8:aa:bbff:fecc:dd02
	from m ll ip6 src=fe80::aa:bbff:fecc:dd02
	from m forged6 ip6 src=2001:db8:a:7::77
	from m forged-ll ip6 src=fe80::1
	from m host-end ip6 src=2001:db8:a:7:aa:bbff:fecc:dd01
	heard ip4 ip6 other-prefix ll
}

@test "vnet_antispoof=off: everything passes, and there are no rules" {
	router br7
	static o vnet_antispoof=off
	up o
	ok nft list ruleset
	hasnt iocage
	hear br7
	from o mac ip4 src=10.7.0.1 mac=02:aa:bb:cc:dd:ee
	from o arp arp src=10.7.0.1
	from o ra ra src=fe80::1
	heard mac arp ra
}

@test "the rules: one table of ours, named after their NICs, gone with the last jail; the host's own are not touched" {
	router br7
	static s
	mk t vnet=on interfaces=vnet0:br7,vnet1:br7 'ip4_addr=vnet0|10.7.0.8/24'
	nft -f - <<-'N'
		table bridge mine { chain c { type filter hook prerouting priority 0; policy accept; ether saddr 02:00:00:00:00:01 drop; }; }
		table inet mine { chain c { type filter hook input priority 0; policy accept; tcp dport 7777 drop; }; }
	N
	world_snapshot before
	up s
	up t
	ok nft list map bridge iocage nics
	has "\"vnet0.$(jid s)\" comment \"s\" : goto vnet0.$(jid s)"
	has "\"vnet1.$(jid t)\" comment \"t\" : goto vnet1.$(jid t)"
	ok nft list tables
	[ "$(grep -c iocage <<<"$output")" -eq 1 ]
	down s
	ok nft list table bridge iocage
	hasnt "vnet0.1"
	has '"t"'
	down t
	ok nft list ruleset
	has mine
	hasnt iocage
	world_same before
	nft delete table bridge mine
	nft delete table inet mine
}

@test "somebody flushed the ruleset, or a part of it: stop ends well, and the next start has its rules" {
	router br7
	static s
	mk t vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.8/24'
	world_snapshot before
	up s
	nft flush ruleset
	down s
	up s
	nft flush table bridge iocage
	up t
	hear br7
	from t forged ip4 src=10.7.0.1
	from t own ip4 src=10.7.0.8
	heard own
	down s
	down t
	up s
	nft delete element bridge iocage nics "{ \"vnet0.$(jid s)\" }"
	down s
	world_same before
}

@test "a crash takes the rules with it" {
	router br7
	static s
	world_snapshot before
	up s
	kill -9 "$(init_pid s)"
	eventually is_down s
	run iocage stop s
	world_same before
}

@test "twenty jails at once: every one has its rules, and none is left after" {
	router br7
	world_snapshot before
	for i in $(seq 11 30); do
		mk "p$i" vnet=on interfaces=vnet0:br7 "ip4_addr=vnet0|10.7.0.$i/24"
	done
	world_snapshot made
	for round in 1 2; do
		for i in $(seq 11 30); do iocage start "p$i" >/dev/null & done
		wait
		[ "$(nft list map bridge iocage nics | grep -c goto)" -eq 20 ]
		for i in $(seq 11 30); do iocage stop "p$i" >/dev/null & done
		wait
		world_same made
	done
}

@test "the last two jails gone at the very same time take the table with them" {
	local slow=(timeout 60 strace -f -o /dev/null -e trace=sendto -e inject=sendto:delay_enter=100000)
	router br7
	for i in 5 6; do
		mk "p$i" vnet=on interfaces=vnet0:br7 "ip4_addr=vnet0|10.7.0.$i/24"
	done
	world_snapshot made
	up p5 p6
	# so slow that each asks who else is there before the other's rules go
	"${slow[@]}" iocage stop p5 >/dev/null & "${slow[@]}" iocage stop p6 >/dev/null &
	wait
	world_same made
}

@test "vnet_isolated: two isolated jails on a bridge reach the router and not each other; one that is not reaches both" {
	router br7
	for i in 5 6; do mk "i$i" vnet=on interfaces=vnet0:br7 "ip4_addr=vnet0|10.7.0.$i/24" vnet_isolated=on; done
	mk open vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.7/24'
	up i5 i6 open
	inside_ok i5 'ping -c 1 -W 2 10.7.0.1'
	inside_ok i6 'ping -c 1 -W 2 10.7.0.1'
	inside i5 'ping -c 1 -W 1 10.7.0.6'
	[ "$status" -ne 0 ]
	inside_ok i5 'ping -c 1 -W 2 10.7.0.7'
	inside_ok open 'ping -c 1 -W 2 10.7.0.6'
	hear epair0b nsenter --net="/proc/$(init_pid i6)/ns/net"
	from i5 broadcast ip4 src=10.7.0.5
	from open heard ip4 src=10.7.0.7
	heard heard
}

@test "set ip4_addr on a running jail: what it may send follows" {
	router br7
	mk l vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' vnet0_mac=02aabbccdd01,02aabbccdd02
	up l
	ok iocage set 'ip4_addr=vnet0|10.7.0.15/24' l
	hear br7
	from l new ip4 src=10.7.0.15
	from l old ip4 src=10.7.0.5
	heard new
	ok busybox ping -c 1 -W 2 10.7.0.15
	down l
	ok nft list ruleset
	hasnt iocage
}
