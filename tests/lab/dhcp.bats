#!/usr/bin/env bats
# dhcp.bats - addresses that VNET jails learn: DHCP by a client of the host's, router advertisements by the kernel.

load lib
load forge

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

setup() {
	ip link add br7 address 02:00:5e:00:01:07 type bridge
	ip link set br7 addrgenmode none
	ip link set br7 up
	srv=dhcp-$$
	server=
}

teardown() {
	[ -z "${listener:-}" ] || kill "$listener" 2>/dev/null || true
	lab_reset
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	for p in ${routers:-}; do kill "$p" 2>/dev/null || true; done
	for b in br7 br8; do ip link del "ra$b" 2>/dev/null || true; done
	for n in ${spaces:-}; do ip netns del "$n" 2>/dev/null || true; done
	# a namespace takes its interfaces along, but some time later
	ip link del srv7 2>/dev/null || true
	ip netns del "$srv" 2>/dev/null || true
	for b in br7 br8; do ip link del $b 2>/dev/null || true; done
}

# serve_dhcp [OPTION...]: dnsmasq in a namespace of its own on br7; no DNS, no ping before an offer
serve_dhcp() {
	if [ ! -e "/run/netns/$srv" ]; then
		ip netns add "$srv"
		ip link add s7 netns "$srv" type veth peer name srv7
		nsenter --net="/run/netns/$srv" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/s7/accept_dad'
		ip link set srv7 master br7 addrgenmode none
		ip link set srv7 up
		ip -n "$srv" link set lo up
		ip -n "$srv" link set s7 up
		ip -n "$srv" addr add 10.7.0.1/24 dev s7
		ip -n "$srv" addr add 2001:db8:a:7::1/64 dev s7 nodad
	fi
	nsenter --net="/run/netns/$srv" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=s7 --bind-interfaces \
		--user=root --no-ping --dhcp-authoritative --log-dhcp --dhcp-leasefile="$LAB_TMP/leases" "$@" >"$LAB_TMP/dnsmasq.log" 2>&1 3>&- &
	server=$!
	eventually grep -q 'DHCP' "$LAB_TMP/dnsmasq.log"
}

# router BRIDGE PREFIX::/64: a radvd in a namespace of its own, short intervals. Its pid is in $radvd.
router() {
	local ns=ra-$1-$$ b=$1 net=${2%::/64}
	ip netns add "$ns"
	ip link add r7 netns "$ns" type veth peer name "ra$b"
	ip link set "ra$b" master "$b" addrgenmode none
	ip link set "ra$b" up
	nsenter --net="/run/netns/$ns" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/r7/accept_dad; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	ip -n "$ns" link set lo up
	ip -n "$ns" link set r7 up
	ip -n "$ns" addr add "$net::1/64" dev r7 nodad
	cat >"$LAB_TMP/radvd.$b" <<-C
		interface r7 {
			AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime 30; AdvLinkMTU 1440;
			prefix $2 { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 60; AdvPreferredLifetime 40; };
		};
	C
	nsenter --net="/run/netns/$ns" radvd -n -C "$LAB_TMP/radvd.$b" -p "$LAB_TMP/radvd.$b.pid" -m stderr >"$LAB_TMP/radvd.$b.log" 2>&1 3>&- &
	radvd=$!
	routers="${routers:-} $radvd"
	spaces="${spaces:-} $ns"
	eventually test -s "$LAB_TMP/radvd.$b.pid"
}

V4=--dhcp-range=10.7.0.50,10.7.0.59,255.255.255.0,2m
V6=(--enable-ra '--dhcp-range=2001:db8:a:7::,ra-only')

logged() { grep -q "$1" "$LAB_TMP/dnsmasq.log"; }
times() { [ "$(grep -c "$1" "$LAB_TMP/dnsmasq.log")" -ge "$2" ]; }

# host processes of the jail's client
keeper() { pgrep -f "^iocage-lease keep $1 "; }
client() { pgrep -P "$(keeper "$1")"; }
no_client() { ! pgrep -f "^iocage-lease keep $1 "; }

@test "dhcp=on: address, route and name server before services start; shown; given back at stop" {
	serve_dhcp $V4 --dhcp-option=6,10.7.0.1 --domain=lab.example
	mk d vnet=on bpf=on dhcp=on interfaces=vnet0:br7 exec_start='/bin/sh -c "cp /etc/resolv.conf /seen; ip -4 addr show epair0b >>/seen; ip route >>/seen"'
	world_snapshot before
	ok iocage start d
	has "  + DHCP Address: 10.7.0.5"
	a=$(sed -n 's/.*DHCP Address: \([0-9.]*\)\/24.*/\1/p' <<<"$output")
	inside_ok d 'cat /seen'
	has "inet $a/24"
	has "default via 10.7.0.1 dev epair0b"
	has "nameserver 10.7.0.1"
	has "search lab.example"
	inside_ok d 'ping -c 1 -W 2 10.7.0.1'
	ok iocage list -H
	has "$a"
	ok iocage list -l -H
	has "epair0b|$a"
	ok iocage list --json
	has "\"ip4\": \"epair0b|$a\""
	ok iocage get ip4_addr d
	is "epair0b|$a"
	grep -q " $a d " "$LAB_TMP/leases"
	ok iocage stop d
	logged "DHCPRELEASE(s7) $a"
	eventually no_client d
	world_same before
	ok iocage list -l -H
	has "DHCP (not running)"
	ok iocage get ip4_addr d
	is none
}

@test "the client has three capabilities in the jail's namespaces, none on the host, and is out of the jail's sight" {
	serve_dhcp $V4
	mk c vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	up c
	client c
	for p in $(keeper c) $(client c); do
		ok cat "/proc/$p/status"
		has "CapBnd:	0000000000003400"
		has "NoNewPrivs:	1"
		has "Seccomp:	2"
		# a root of its own with what it takes to run, and no /proc
		[ "$(cd "/proc/$p/root" && find . -maxdepth 1 ! -name . ! -name usr ! -name "lib*" | sort | xargs)" = "./bin ./dev ./hook" ]
		[ ! -e "/proc/$p/root/etc" ]
		grep -q '^Max core file size *0 ' "/proc/$p/limits"
		[ "$(readlink "/proc/$p/ns/net")" = "$(readlink "/proc/$(init_pid c)/ns/net")" ]
		[ "$(readlink "/proc/$p/ns/user")" = "$(readlink "/proc/$(init_pid c)/ns/user")" ]
		[ "$(awk '/^Uid/ { print $2 }' "/proc/$p/status")" -gt 65536 ]
		grep -q '/c/mon$' "/proc/$p/cgroup"
	done
	grep -q '^CapPrm:	0000000000003400' "/proc/$(keeper c)/status"
	# addresses are not the client's to set
	grep -q '^CapPrm:	0000000000002400' "/proc/$(client c)/status"
	grep -q '^CapEff:	0000000000002400' "/proc/$(client c)/status"
	# what it could write is nowhere
	run nsenter --mount="/proc/$(client c)/ns/mnt" --root="/proc/$(client c)/root" /bin/busybox touch /x
	[ "$status" -ne 0 ]
	inside_ok c 'ps'
	hasnt udhcpc
	hasnt iocage-lease
}

@test "a lease is renewed while the jail runs, and keeps its address" {
	# the shortest dnsmasq gives
	serve_dhcp --dhcp-range=10.7.0.50,10.7.0.59,255.255.255.0,2m --dhcp-option=option:T1,2 --dhcp-option=option:T2,60
	mk r vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	up r
	ok iocage get ip4_addr r
	before=$output
	# when it is told to
	busybox kill -USR1 "$(client r)"
	eventually times 'DHCPACK(s7)' 2
	# the kernel counts the lease down, and would take the address away at its end
	left() { iocage exec r -- ip -4 addr show dev epair0b | sed -n 's/.*valid_lft \([0-9]*\)sec.*/\1/p'; }
	[ "$(left)" -le 120 ]
	# and by itself, after half of the time
	for _ in $(seq 90); do if times 'DHCPACK(s7)' 3; then break; fi; sleep 1; done
	times 'DHCPACK(s7)' 3
	eventually eval '[ "$(left)" -gt 100 ]'
	ok iocage get ip4_addr r
	is "$before"
	inside_ok r 'ip route'
	has "default via 10.7.0.1"
}

@test "no server: the start goes on and says so; the address comes when the server does" {
	mk n vnet=on bpf=on dhcp=on interfaces=vnet0:br7 dhcp_timeout=1
	ok iocage start n
	has "n: no DHCP address on epair0b within 1 seconds (dhcp_timeout); the client goes on asking"
	is_up n
	ok iocage list -l -H
	has "	DHCP	"
	serve_dhcp $V4
	eventually sh -c 'iocage get ip4_addr n | grep -q "epair0b|10.7.0.5" || { sleep 0.5; false; }'
}

@test "no server and dhcp_required: the start fails and leaves nothing" {
	mk q vnet=on bpf=on dhcp=on interfaces=vnet0:br7 dhcp_timeout=1 dhcp_required=on
	world_snapshot before
	fails 1 iocage start q
	has "no address by DHCP on epair0b within dhcp_timeout (1 seconds), and dhcp_required is on"
	is_down q
	eventually no_client q
	world_same before
}

@test "two NICs, one static and one by DHCP: each its own, the static router stays" {
	serve_dhcp $V4
	mk two vnet=on bpf=on interfaces=vnet0:br8,vnet1:br7 'ip4_addr=vnet0|10.8.0.5/24,vnet1|DHCP' defaultrouter=10.8.0.1
	ok iocage start two
	has "  + DHCP Address: 10.7.0.5"
	has " on epair1b"
	inside_ok two 'ip -4 addr'
	has "inet 10.8.0.5/24"
	has "inet 10.7.0.5"
	inside_ok two 'ip route'
	has "default via 10.8.0.1 dev epair0b"
	hasnt "via 10.7.0.1"
	ok iocage list -l -H
	has "vnet0|10.8.0.5/24,epair1b|10.7.0.5"
}

@test "defaultrouter: none makes no route, a named one replaces the server's; resolver that is set stays" {
	serve_dhcp $V4 --dhcp-option=6,10.7.0.1
	mk none vnet=on bpf=on dhcp=on interfaces=vnet0:br7 defaultrouter=none 'resolver=nameserver 192.0.2.9'
	up none
	inside_ok none 'ip route; cat /etc/resolv.conf'
	hasnt "default"
	has "nameserver 192.0.2.9"
	hasnt "10.7.0.1"
	mk named vnet=on bpf=on dhcp=on interfaces=vnet0:br7 defaultrouter=10.7.0.9
	up named
	inside_ok named 'ip route'
	has "default via 10.7.0.9"
	mk far vnet=on bpf=on dhcp=on interfaces=vnet0:br7 defaultrouter=10.9.0.9
	up far
	inside_ok far 'ip route'
	hasnt "default"
	hasnt "via 10.7.0.1"
}

@test "resolv.conf: a link that leads out of the jail is replaced, not followed" {
	serve_dhcp $V4 --dhcp-option=6,10.7.0.1
	echo untouched >"$LAB_TMP/victim"
	mk l vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	mkdir -p "$(upper l)/etc"
	ln -sf "$LAB_TMP/victim" "$(upper l)/etc/resolv.conf"
	up l
	inside_ok l 'cat /etc/resolv.conf; test ! -L /etc/resolv.conf'
	has "nameserver 10.7.0.1"
	[ "$(cat "$LAB_TMP/victim")" = untouched ]
}

@test "SLAAC: an address and a router by advertisements, only where asked for" {
	serve_dhcp "${V6[@]}"
	mk s vnet=on interfaces=vnet0:br7,vnet1:br7 'ip6_addr=vnet0|accept_rtadv' rtsold=on
	ok iocage start s
	has "  + SLAAC Address: 2001:db8:a:7:"
	hasnt "rtsold"
	inside_ok s 'ip -6 route show default'
	has "dev epair0b"
	inside_ok s 'ping6 -c 1 -W 2 2001:db8:a:7::1'
	inside_ok s 'cat /proc/sys/net/ipv6/conf/epair0b/accept_ra /proc/sys/net/ipv6/conf/epair1b/accept_ra'
	is "2
0"
	inside_ok s 'ip -6 addr show dev epair1b'
	hasnt "2001:db8"
	ok iocage list -l -H
	has "epair0b|2001:db8:a:7:"
	ok iocage get ip6_addr s
	has "epair0b|2001:db8:a:7:"
}

@test "radvd: two NICs, a router for each; what each says is for its NIC, and one that says goodbye is left" {
	ip link add br8 address 02:00:5e:00:01:08 type bridge
	ip link set br8 addrgenmode none
	ip link set br8 up
	router br7 2001:db8:a:7::/64
	first=$radvd
	router br8 2001:db8:a:8::/64
	mk two vnet=on interfaces=vnet0:br7,vnet1:br8,vnet2:br7 'ip6_addr=vnet0|accept_rtadv,vnet1|accept_rtadv,vnet2|2001:db8:a:7::5/64'
	ok iocage start two
	has "  + SLAAC Address: 2001:db8:a:7:"
	has "  + SLAAC Address: 2001:db8:a:8:"
	inside_ok two 'ip -6 addr show dev epair0b'
	has "2001:db8:a:7:"
	hasnt "2001:db8:a:8:"
	inside_ok two 'ip -6 addr show dev epair1b'
	has "2001:db8:a:8:"
	hasnt "2001:db8:a:7:"
	inside_ok two 'ip -6 addr show dev epair2b scope global'
	is_static=$(grep -c inet6 <<<"$output")
	[ "$is_static" -eq 1 ]
	has "2001:db8:a:7::5/64"
	inside_ok two 'ip -6 route show default'
	[ "$(grep -c 'default via' <<<"$output")" -eq 2 ]
	inside_ok two 'ping6 -c 1 -W 2 2001:db8:a:7::1 && ping6 -c 1 -W 2 2001:db8:a:8::1'
	inside_ok two 'cat /proc/sys/net/ipv6/conf/epair0b/mtu /proc/sys/net/ipv6/conf/epair2b/mtu'
	is "1440
1500"
	# the last word of a radvd that ends is that it is no router any more
	kill "$first"
	eventually eval '[ "$(iocage exec two -- ip -6 route show default | grep -c "default via")" -eq 1 ]'
	inside_ok two 'ip -6 route show default'
	has "dev epair1b"
}

@test "a router and no DHCP server, a DHCP server and no router: each family has what it can get, and says what not" {
	router br7 2001:db8:a:7::/64
	mk six vnet=on bpf=on dhcp=on interfaces=vnet0:br7 'ip6_addr=vnet0|accept_rtadv' dhcp_timeout=6
	ok iocage start six
	has "  + SLAAC Address: 2001:db8:a:7:"
	has "six: no DHCP address on epair0b within 6 seconds"
	inside_ok six 'ping6 -c 1 -W 2 2001:db8:a:7::1; ip -6 route show default'
	has "dev epair0b"
	kill "$radvd"
	down six
	serve_dhcp $V4
	mk four vnet=on bpf=on dhcp=on interfaces=vnet0:br7 'ip6_addr=vnet0|accept_rtadv' dhcp_timeout=6
	ok iocage start four
	has "  + DHCP Address: 10.7.0.5"
	hasnt "SLAAC Address: 2001"
	inside_ok four 'ping -c 1 -W 2 10.7.0.1; ip route'
	has "default via 10.7.0.1"
}

@test "DHCP and SLAAC together; static IPv6 beside DHCP" {
	serve_dhcp $V4 "${V6[@]}"
	mk both vnet=on bpf=on interfaces=vnet0:br7 'ip4_addr=vnet0|DHCP' 'ip6_addr=vnet0|accept_rtadv'
	ok iocage start both
	has "  + DHCP Address: 10.7.0.5"
	has "  + SLAAC Address: 2001:db8:a:7:"
	mk mixed vnet=on bpf=on dhcp=on interfaces=vnet0:br7 'ip6_addr=vnet0|2001:db8:a:7::5/64'
	ok iocage start mixed
	has "  + DHCP Address: 10.7.0.5"
	inside_ok mixed 'ip -6 addr'
	has "2001:db8:a:7::5/64"
	hasnt "dynamic"
}

@test "a client that is killed comes back and keeps the address; killed keeper: stop leaves nothing" {
	serve_dhcp $V4
	mk k vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	world_snapshot before
	up k
	ok iocage get ip4_addr k
	before=$output
	old=$(client k)
	kill -9 "$old"
	eventually sh -c "p=\$(pgrep -P $(keeper k)) && [ \"\$p\" != $old ]"
	eventually times 'DHCPACK(s7)' 2
	ok iocage get ip4_addr k
	is "$before"
	c=$(client k)
	kill -9 "$(keeper k)"
	eventually sh -c "! kill -0 $c"
	down k
	world_same before
}

@test "the jail ends by itself, or its monitor is killed: no client stays" {
	serve_dhcp $V4
	mk e vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	world_snapshot before
	up e
	kill -9 "$(init_pid e)"
	eventually is_down e
	eventually no_client e
	eventually logged DHCPRELEASE
	world_same before
	up e
	kill -9 "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/e/state")"
	run iocage stop e
	eventually no_client e
	world_same before
}

@test "iocage killed while it waits for an address: the next command leaves nothing" {
	mk w vnet=on bpf=on dhcp=on interfaces=vnet0:br7 dhcp_timeout=60
	world_snapshot before
	iocage start w >/dev/null 2>&1 3>&- &
	pid=$!
	eventually keeper w
	kill -9 $pid
	eventually no_client w
	run iocage stop w
	is_down w
	world_same before
}

@test "set on a running jail: what is learned and its router need a restart, the other family changes at once" {
	serve_dhcp $V4
	mk t vnet=on bpf=on interfaces=vnet0:br7,vnet1:br7 'ip4_addr=vnet0|DHCP'
	up t
	ok iocage set 'ip4_addr=vnet1|DHCP' t
	has "ip4_addr changes require a jail restart"
	ok iocage set 'ip4_addr=vnet0|DHCP' t
	ok iocage set defaultrouter=10.7.0.9 t
	has "defaultrouter changes require a jail restart"
	ok iocage set 'ip6_addr=vnet0|2001:db8:a:7::5/64' t
	hasnt restart
	inside_ok t 'ip -6 addr; ip -4 addr show dev epair0b'
	has "2001:db8:a:7::5/64"
	has "inet 10.7.0.5"
}

# What the kernel takes for the address of the jail's first NIC.
taken_for() {
	nft -j list set bridge iocage "dhcp.vnet0.$(jid "$1")" | python3 -c 'import json, sys
for o in json.load(sys.stdin)["nftables"]:
    print(*o.get("set", {}).get("elem", []))' | tr -d '\n'
}

@test "the jail is held to the address the server gave it, from its first packet on, and to no other" {
	serve_dhcp $V4
	mk d vnet=on bpf=on dhcp=on interfaces=vnet0:br7 exec_start='/bin/ping -c 1 -W 2 10.7.0.1'
	up d
	a=$(iocage get ip4_addr d | sed 's/.*|\([0-9.]*\).*/\1/')
	[ "$(taken_for d)" = "$a" ]
	hear br7
	from d own-arp arp src="$a"
	from d own ip4 src="$a"
	from d asks ask src=0.0.0.0
	from d router arp src=10.7.0.1
	from d free-arp arp src=10.7.0.77
	from d free ip4 src=10.7.0.77
	for n in 50 51 52 58 59; do [ "10.7.0.$n" = "$a" ] || from d "other-lease-$n" ip4 src=10.7.0.$n; done
	heard own-arp own asks
	# also not after it gave itself another
	inside_ok d 'ip addr add 10.7.0.66/24 dev epair0b'
	run nsenter --net="/run/netns/$srv" busybox ping -c 1 -W 1 10.7.0.66
	[ "$status" -ne 0 ]
	ok nsenter --net="/run/netns/$srv" busybox ping -c 1 -W 2 "$a"
	# it can renew, and give back
	busybox kill -USR1 "$(client d)"
	eventually times 'DHCPACK(s7)' 2
	down d
	logged "DHCPRELEASE(s7) $a"
	ok nft list ruleset
	hasnt iocage
}

@test "what a port takes for its address is told by servers, not by jails" {
	serve_dhcp $V4
	mk d vnet=on bpf=on dhcp=on interfaces=vnet0:br7 vnet0_mac=02aabbccdd01,02aabbccdd02
	mk evil vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	mk router vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.6/24' defaultrouter=none vnet_antispoof=off
	up d evil router
	first=$(taken_for d)
	[ -n "$first" ]
	# to itself, from a jail that is held, for somebody else's MAC
	from d self ack src=10.7.0.1 chaddr=02:aa:bb:cc:dd:02 yiaddr=10.7.0.88
	from evil evil ack src=10.7.0.5 chaddr=02:aa:bb:cc:dd:02 yiaddr=10.7.0.88
	from router other ack src=10.7.0.6 chaddr=02:aa:bb:cc:dd:03 yiaddr=10.7.0.88
	from router question dhcp4 src=10.7.0.6
	[ "$(taken_for d)" = "$first" ]
	# one that may be a server is believed, as the client would
	from router server ack src=10.7.0.6 chaddr=02:aa:bb:cc:dd:02 yiaddr=10.7.0.89
	[ "$(taken_for d)" = "$first 10.7.0.89" ] || [ "$(taken_for d)" = "10.7.0.89 $first" ]
}

# rogue PORT: who answers questions for addresses from that port, in the jail of that name
rogue() {
	nsenter --net="/proc/$(init_pid rogue)/ns/net" python3 "$LAB_TOP/tests/lab/rogue.py" epair0b "$1" "$LAB_TMP/asked" 3>&- &
	listener=$!
	eventually test -e "$LAB_TMP/asked"
}

@test "a DHCP server in a jail is heard by no client, from whatever port it answers; with vnet_antispoof=off it is" {
	spaces=cl-$$
	ip netns add "cl-$$"
	ip link add c7 netns "cl-$$" type veth peer name cl7
	ip link set cl7 master br7 up
	ip -n "cl-$$" link set c7 up
	ask() { nsenter --net="/run/netns/cl-$$" busybox udhcpc -f -n -q -t 2 -T 1 -i c7 -s /bin/true; }
	mk rogue vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	for port in 67 1067 68 40000; do
		up rogue
		rogue "$port"
		run ask
		[ "$status" -ne 0 ]
		# it was asked: nothing is kept from the jail
		grep -q . "$LAB_TMP/asked"
		kill "$listener"
		rm "$LAB_TMP/asked"
		down rogue
	done
	ok iocage set vnet_antispoof=off rogue
	up rogue
	rogue 1067
	ok ask
}

@test "a flush: doctor --fix puts the rules back and has the servers say once more what they gave" {
	serve_dhcp $V4
	mk d vnet=on bpf=on dhcp=on interfaces=vnet0:br7
	world_snapshot before
	up d
	a=$(iocage get ip4_addr d)
	nft flush ruleset
	fails 1 iocage doctor d
	has "rules-missing"
	run iocage doctor --fix d # the kernel's bridge-nf-call is another matter
	has 'd: rules-missing: mended'
	eventually eval '[ -n "$(taken_for d)" ]'
	ok iocage get ip4_addr d
	is "$a"
	inside_ok d 'ping -c 1 -W 2 10.7.0.1'
	hear br7
	from d forged ip4 src=10.7.0.77
	from d own ip4 src="$(taken_for d)"
	heard own
	# and what belongs to the other family leaves what was learned alone
	ok iocage set 'ip6_addr=vnet0|2001:db8:a:7::5/64' d
	inside_ok d 'ping -c 1 -W 2 10.7.0.1; ping6 -c 1 -W 2 2001:db8:a:7::1'
	down d
	world_same before
}

@test "nothing of it is there for jails with static addresses" {
	mk p vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24'
	ok iocage start --dry-run p
	hasnt "lease at=jail"
	hasnt "lease-wait"
	hasnt accept_ra
	up p
	no_client p
	[ ! -e "$IOCAGE_RUN/jails/p/lease.sock" ]
	inside_ok p 'cat /proc/sys/net/ipv6/conf/epair0b/accept_ra'
	is 0
}
