#!/usr/bin/env bats
# nat.bats - jails behind the host's address: out, forwarded ports and hairpins, addresses that stay, and the way back.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
	lab_reset
	ip link del br7 2>/dev/null || true
	lan ip route del 10.7.0.0/24 2>/dev/null || true
}

# A network of the host's with jails on it, of a host that is no router.
network() {
	ip link add br7 address 02:00:5e:00:01:07 type bridge
	ip link set br7 addrgenmode none
	ip link set br7 up
	ip addr add 10.7.0.1/24 dev br7
}

behind() {
	mk "$1" vnet=on nat=1 "${@:2}"
}

# The page on a port, asked for with the command in front: asks COMMAND... URL TEXT
gets() {
	local text=${*: -1} url=${*: -2:1} got
	got=$("${@:1:$#-2}" busybox timeout 5 busybox wget -q -O - "$url") || true
	[ "$got" = "$text" ] || {
		echo "$url: got '$got', wanted '$text'"
		nft list ruleset
		return 1
	}
}

gets_not() {
	! "${@:1:$#-1}" busybox timeout 2 busybox wget -q -O - "${*: -1}"
}

forwarding() {
	cat "/proc/sys/net/ipv4/conf/$1/forwarding"
}

# Who connects to port 7000 on the lan.
peers() {
	rm -f "$LAB_TMP/port"
	nsenter --net="$LAB_LAN_NS" python3 - "$LAB_TMP/port" >"$LAB_TMP/peers" 3>&- <<-'P' &
		import socket, sys
		s = socket.create_server(("", 7000))
		open(sys.argv[1], "w").close()
		while True:
		    c, a = s.accept()
		    print(a[0], flush=True)
		    c.close()
	P
	server=$!
	eventually test -e "$LAB_TMP/port"
}

@test "out: the jail reaches the lan, which sees the host's address; interfaces and routes are as documented" {
	behind n
	world_snapshot before
	up n
	n=vnet0.$(jid n)
	has_addr "$n" 172.16.0.1/30
	ok ip -o link show "$n"
	hasnt master
	inside_ok n 'ip -o addr show dev epair0b; ip route'
	has 172.16.0.2/30
	has "default via 172.16.0.1 dev epair0b"
	inside_ok n 'ping -c 1 -W 2 192.0.2.254'
	peers
	inside n 'nc -w 2 192.0.2.254 7000 </dev/null'
	eventually grep -q . "$LAB_TMP/peers"
	[ "$(cat "$LAB_TMP/peers")" = 192.0.2.1 ]
	down n
	world_same before
}

@test "list and get show the address of a jail that runs, and doctor finds nothing on a host that is no router" {
	echo 0 >/proc/sys/net/ipv4/ip_forward
	behind n1
	ok iocage get ip4_addr n1
	is none
	up n1
	addr=$(cat "$IOCAGE_ROOT/jails/n1/nat")
	ok iocage get ip4_addr n1
	is "epair0b|$addr"
	ok iocage list -h
	has "${addr%/*}"
	inside_ok n1 'ip -4 -o addr show dev epair0b'
	has "$addr"
	ok iocage doctor
	is 'Nothing wrong was found.'
	echo 0 >"/proc/sys/net/ipv4/conf/vnet0.$(jid n1)/forwarding"
	fails 1 iocage doctor
	has 'forwarding-off'
	down n1
	ok iocage get ip4_addr n1
	is none
}

@test "forwarded ports: from the lan, the host, the jail itself, another nat jail, a jail on a bridge, a shared-IP jail" {
	network
	behind n 'nat_forwards=tcp(80:8080),81,udp(53:5353)'
	behind other
	mk bridged vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=10.7.0.1
	mk shared 'ip4_addr=em0|192.0.2.77/24'
	up n other bridged shared
	serve n 80 "from n"
	serve n 81 "from n"
	gets lan http://192.0.2.1:8080/ "from n"
	gets lan http://192.0.2.1:81/ "from n"
	gets http://192.0.2.1:8080/ "from n"
	gets http://10.7.0.1:8080/ "from n"
	gets_not lan http://192.0.2.1:80/
	rm -f "$LAB_TMP/port"
	for j in n other bridged shared; do
		inside_ok "$j" 'timeout 5 wget -q -O - http://192.0.2.1:8080/'
		is "from n"
	done
	inside_ok bridged 'timeout 5 wget -q -O - http://10.7.0.1:8080/'
	is "from n"
	inside_ok n 'timeout 5 wget -q -O - http://172.16.0.1:81/'
	is "from n"
	nsenter --net="/proc/$(init_pid n)/ns/net" python3 - "$LAB_TMP/port" 3>&- <<-'P' &
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("", 53))
		open(sys.argv[1], "w").close()
		while True:
		    s.sendto(*s.recvfrom(100))
	P
	server=$!
	eventually test -e "$LAB_TMP/port"
	for from in "lan" "" "nsenter --net=/proc/$(init_pid n)/ns/net"; do
		ok $from python3 - <<-'P'
			import socket
			s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
			s.settimeout(3)
			s.connect(("192.0.2.1", 5353))
			s.send(b"hello")
			print(s.recv(100).decode())
		P
		is hello
	done
}

@test "ranges, as they are and moved" {
	behind n 'nat_forwards=tcp(8000-8003),tcp(9000-9002:7000-7002),tcp/udp(25:2525)'
	up n
	for p in 8000 8003 9000 9002 25; do serve n $p "page"; done
	gets lan http://192.0.2.1:8000/ page
	gets lan http://192.0.2.1:8003/ page
	gets lan http://192.0.2.1:7000/ page
	gets lan http://192.0.2.1:7002/ page
	gets http://192.0.2.1:2525/ page
	gets_not lan http://192.0.2.1:9000/
}

@test "addresses: one network each, the same after other jails came and went, none that the host has a route to" {
	behind a
	behind b
	up a b
	inside_ok b 'ip -o addr show dev epair0b'
	has 172.16.0.6/30
	down a b
	up b
	has_addr "vnet0.$(jid b)" 172.16.0.5/30
	down b
	ip route add 172.16.0.0/24 via 192.0.2.254
	behind c
	up c
	has_addr "vnet0.$(jid c)" 172.16.1.1/30
	run --separate-stderr iocage start b
	[ "$status" -eq 0 ]
	has "b: its network at 172.16.0.6/30 is in use on this host (172.16.0.0/24)"
	has_addr "vnet0.$(jid b)" 172.16.1.5/30
	ip route del 172.16.0.0/24
	down b
	up b
	has_addr "vnet0.$(jid b)" 172.16.1.5/30
	# 10.99.0.0/16 is another prefix; 192.168 is taken as a whole
	down b c
	ok iocage set nat_prefix=10.99 default
	up b
	has_addr "vnet0.$(jid b)" 10.99.0.1/30
	down b
	ok iocage set nat_prefix=192.168 default
	ip route add 192.168.0.0/16 via 192.0.2.254
	fails 1 iocage start b
	has "An unused RFC1918 compliant address could not be allocated."
	has "Please set an unused nat_prefix."
	ip route del 192.168.0.0/16
}

@test "jails started at once get different networks" {
	for i in 1 2 3 4 5 6; do behind "j$i"; done
	world_snapshot before
	for i in 1 2 3 4 5 6; do iocage start "j$i" >/dev/null & done
	wait
	[ "$(ip -o -4 addr show | grep -c ' 172\.16\.0\.[0-9]*/30 ')" -eq 6 ]
	for i in 1 2 3 4 5 6; do inside_ok "j$i" 'ping -c 1 -W 2 192.0.2.254'; done
	for i in 1 2 3 4 5 6; do iocage stop "j$i" >/dev/null & done
	wait
	world_same before
	[ "$(forwarding em0)" = 0 ]
}

@test "forwarding: on for the interfaces that need it, off after the last jail, left alone where it was on" {
	network
	behind a
	behind b nat_forwards=80
	[ "$(forwarding em0)" = 0 ]
	up a
	[ "$(forwarding em0)" = 1 ]
	[ "$(forwarding br7)" = 0 ]
	[ "$(forwarding all)" = 0 ]
	up b
	[ "$(forwarding br7)" = 1 ]
	down b
	[ "$(forwarding br7)" = 0 ]
	[ "$(forwarding em0)" = 1 ]
	down a
	[ "$(forwarding em0)" = 0 ]
	echo 1 >/proc/sys/net/ipv4/conf/em0/forwarding
	up a
	down a
	[ "$(forwarding em0)" = 1 ]
	echo 0 >/proc/sys/net/ipv4/conf/em0/forwarding
	# it becomes a router while the jail runs
	up a
	echo 1 >/proc/sys/net/ipv4/ip_forward
	down a
	[ "$(forwarding em0)" = 1 ]
	echo 0 >/proc/sys/net/ipv4/ip_forward
}

@test "the host does not become a router for its neighbours" {
	network
	mk inner vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=10.7.0.1
	behind n nat_forwards=8080
	lan ip route add 10.7.0.0/24 via 192.0.2.1 2>/dev/null || true
	up inner n
	lan ip route add 172.16.0.0/30 via 192.0.2.1
	run lan busybox ping -c 1 -W 1 10.7.0.5
	[ "$status" -ne 0 ]
	run lan busybox ping -c 1 -W 1 172.16.0.2
	[ "$status" -ne 0 ]
	lan ip route del 172.16.0.0/30
	inside inner 'ping -c 1 -W 1 192.0.2.254'
	[ "$status" -ne 0 ]
	inside_ok n 'ping -c 1 -W 2 192.0.2.254'
}

@test "a port that another running jail has is refused, and nothing is left of the start" {
	behind a 'nat_forwards=tcp(8000-8010)'
	behind b 'nat_forwards=tcp(80:8005)'
	up a
	world_snapshot before
	fails 1 iocage start b
	has "Please correct FORWARDS port rule as another running jail is using one of the mentioned ports."
	has "(a)"
	is_down b
	world_same before
	down a
	up b
}

@test "the ports of a shared-IP jail stay its own, whichever starts first" {
	mk first 'ip4_addr=em0|192.0.2.71/24'
	mk second 'ip4_addr=em0|192.0.2.72/24'
	behind n nat_forwards=80
	up first n second
	serve n 80 "from n"
	serve first 80 "from first"
	serve second 80 "from second"
	gets lan http://192.0.2.1/ "from n"
	gets lan http://192.0.2.71/ "from first"
	gets lan http://192.0.2.72/ "from second"
	down second
	ok nft list set inet iocage spared
	hasnt 192.0.2.72
}

@test "the jail is held to its address; with vnet_antispoof=off it is not" {
	behind n
	up n
	nft add table inet count '{ chain c { type filter hook prerouting priority 0; ip saddr 10.1.2.3 counter; }; }'
	forged() {
		local m
		m=$(ip -o link show "vnet0.$(jid n)" | grep -o 'link/ether [^ ]*' | cut -d' ' -f2)
		nsenter --net="/proc/$(init_pid n)/ns/net" python3 "$LAB_TOP/tests/lab/forge.py" send epair0b x ip4 src=10.1.2.3 dst=192.0.2.1 dmac="$m"
		nft list table inet count
	}
	run forged
	has "packets 0"
	down n
	ok iocage set vnet_antispoof=off n
	up n
	run forged
	hasnt "packets 0"
	nft delete table inet count
}

@test "vnet_isolated: nat jails reach each other through the host, isolated ones do not" {
	for j in a b; do behind $j; done
	behind c vnet_isolated=on
	behind d vnet_isolated=on 'nat_forwards=tcp(80:8012)'
	up a b c d
	addr() { iocage exec "$1" -- ip -4 -o addr show dev epair0b | sed -E 's/.*inet ([^/]*).*/\1/'; }
	inside_ok a "ping -c 1 -W 2 $(addr b)"
	inside c "ping -c 1 -W 1 $(addr d)"
	[ "$status" -ne 0 ]
	inside_ok c "ping -c 1 -W 2 $(addr a)"
	inside_ok c 'ping -c 1 -W 2 192.0.2.254'
	serve d 80 "from d"
	inside_ok c 'timeout 5 wget -q -O - http://192.0.2.1:8012/'
	is "from d"
}

@test "the host's own rules stay as they are; ours go with the last jail, also after a flush or a crash" {
	behind a nat_forwards=8080
	behind b
	nft -f - <<-'N'
		table inet mine { chain c { type filter hook input priority 0; policy accept; tcp dport 7777 drop; }; }
		table ip nat { chain postrouting { type nat hook postrouting priority 100; policy accept; ip saddr 10.44.0.0/16 masquerade; }; }
	N
	world_snapshot before
	up a b
	ok nft list table inet iocage
	has 'goto jail-a'
	down a
	ok nft list table inet iocage
	hasnt 'jail-a'
	has 'out-b'
	down b
	world_same before
	up a b
	nft delete table inet iocage
	down a
	down b
	world_same before
	up a
	kill -9 "$(init_pid a)"
	eventually is_down a
	run iocage stop a
	world_same before
	nft delete table inet mine
	nft delete table ip nat
	[ "$(forwarding em0)" = 0 ]
}

@test "nat switches vnet on; another interface keeps its own addresses; nat_interface is used" {
	network
	run --separate-stderr iocage create -r busybox -n on nat=1
	[ "$status" -eq 0 ]
	has "nat requires vnet, enabling!"
	[ "$(iocage get vnet on)" = 1 ]
	ok iocage set interfaces=vnet0:bridge0,vnet1:br7 on
	ok iocage set 'ip4_addr=vnet0|10.1.1.1/24,vnet1|10.7.0.5/24' on
	up on
	inside_ok on 'ip -o addr; ip route'
	has 172.16.0.2/30
	has 10.7.0.5/24
	hasnt 10.1.1.1
	has "default via 172.16.0.1"
	inside_ok on 'ping -c 1 -W 2 10.7.0.1 && ping -c 1 -W 2 192.0.2.254'
	run ip link show bridge0
	[ "$status" -ne 0 ]
	down on
	ok iocage set nat_interface=nosuch0 default
	world_snapshot before
	fails 1 iocage start on
	has "nat_interface: there is no interface nosuch0 on this host"
	ok iocage set nat_interface=br7 default
	up on
	ok nft list chain inet iocage out-on
	has 'oifname "br7" masquerade'
	down on
	ok iocage set nat_interface=none default
	ip route del default via 192.0.2.254
	fails 1 iocage start on
	has "the host has no default IPv4 route"
	ip route add default via 192.0.2.254
	world_same before
}

@test "start --dry-run chooses and keeps nothing" {
	behind n nat_forwards=80
	ok iocage start --dry-run n
	has "nat name=n link=vnet0.1 peer=em0 addr=172.16.0.2/30"
	[ ! -e "$IOCAGE_ROOT/jails/n/nat" ]
}

@test "set nat_forwards on a running jail: at once, others stay, a port that is taken changes nothing" {
	network
	behind n 'nat_forwards=tcp(80:8080),81'
	behind other 'nat_forwards=9090'
	world_snapshot before
	up n other
	serve n 80 "from n"
	serve n 81 "from n"
	ok iocage set 'nat_forwards=tcp(80:8088),81' n
	hasnt restart
	gets lan http://192.0.2.1:8088/ "from n"
	gets lan http://192.0.2.1:81/ "from n"
	gets_not lan http://192.0.2.1:8080/
	fails 1 iocage set 'nat_forwards=tcp(80:9090)' n
	has "Please correct FORWARDS port rule"
	[ "$(iocage get nat_forwards n)" = 'tcp(80:8088),81' ]
	gets lan http://192.0.2.1:8088/ "from n"
	ok iocage set nat_forwards=none n
	gets_not lan http://192.0.2.1:8088/
	[ "$(forwarding br7)" = 1 ] # the other jail's
	ok iocage set nat_forwards=none other
	[ "$(forwarding br7)" = 0 ]
	ok iocage set 'nat_forwards=tcp(80:8080)' n
	[ "$(forwarding br7)" = 1 ]
	gets http://10.7.0.1:8080/ "from n"
	inside_ok n 'ping -c 1 -W 2 192.0.2.254'
	down n other
	[ "$(forwarding br7)" = 0 ]
	[ "$(forwarding em0)" = 0 ]
	world_same before
}

@test "gc finds rules and forwarding that no journal knows any more" {
	behind n nat_forwards=80
	world_snapshot before
	up n
	rm -rf "${IOCAGE_RUN:?}/jails"
	mkdir "$IOCAGE_RUN/jails"
	ok iocage gc
	has 'remove the NAT rules of n'
	has 'end the forwarding of em0'
	[ "$(forwarding em0)" = 0 ]
	world_same before
}

@test "start killed while nft works: what nft does afterwards is not left" {
	local starting bin=$LAB_TMP/slow
	mkdir -p "$bin"
	cat >"$bin/nft" <<-S
		#!/bin/sh
		[ "\$1" = -f ] || exec $(command -v nft) "\$@"
		: >$bin/here
		sleep 1
		$(command -v nft) "\$@"
		: >$bin/done
	S
	chmod +x "$bin/nft"
	behind n nat_forwards='tcp(80:8080)'
	up n
	down n
	world_snapshot before
	PATH=$bin:$PATH "$IOCAGE" start n &
	starting=$!
	eventually test -e "$bin/here"
	kill -9 $starting
	iocage stop n || true
	eventually test -e "$bin/done"
	world_same before
	# the next jail gets its number, and so the name of its port
	behind m
	up m
	down m
	world_same before
}
