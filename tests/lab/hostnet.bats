#!/usr/bin/env bats
# hostnet.bats - the host's own network from rc.conf and sysctl.conf lines: applied once, checked, shown, taken back.

load lib

# makes TYPE [OPTION...]: can this kernel make such a link
makes() {
	ip link add probe0 type "$@" 2>/dev/null || return 1
	ip link del probe0
}

setup_file() {
	# the module's first use leaves a sit0 in each namespace: a matter of the kernel's, and none of what is compared
	makes sit local 127.0.0.1 remote 127.0.0.2 || true
	lab_setup_file
}
teardown_file() { lab_teardown_file; }

setup() {
	R=$LAB_TMP/rc.conf S=$LAB_TMP/sysctl.conf
	: >"$R"
	: >"$S"
	# em1: a second interface of the host, its other end in the lan
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	# once opened it has a queue
	ip link set em1 up
	ip link set em1 down
}

teardown() {
	lab_reset
	iocage hostnet undo >/dev/null 2>&1 || true
	rm -rf "$IOCAGE_RUN/hostnet"
	for l in em1 em2 bridge0 bridge1 br7 lagg0 gif0 lo1 tap0; do ip link del $l 2>/dev/null || true; done
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	umount -l /etc/iocage 2>/dev/null || true
}

rc() { printf '%s\n' "$@" >"$R"; }
hn() { iocage hostnet "$1" -f "$R" -f "$S" "${@:2}"; }

manual() {
	rc '# the lines of the manual' 'cloned_interfaces="bridge0 bridge1"' 'ifconfig_bridge0="addm em0 up"' \
		'ifconfig_bridge1="up"' 'defaultrouter="192.0.2.254"'
	cat >"$S" <<-'X'
		net.inet.ip.forwarding=1       # Enable IP forwarding between interfaces
		net.link.bridge.pfil_onlyip=0  # Only pass IP packets when pfil is enabled
		net.link.bridge.pfil_bridge=0  # Packet filter on the bridge interface
		net.link.bridge.pfil_member=0  # Packet filter on the member interface
	X
}

@test "the manual's lines: the bridge, its member, the sysctls; once, and back as it was" {
	manual
	world_snapshot before
	fails 1 hn check
	has "to do: put em0 into bridge0"
	has "to do: set net/ipv4/ip_forward to 1"
	world_same before
	ok hn apply --dry-run
	has "port-add link=em0 bridge=bridge0 | port-del link=em0 bridge=bridge0"
	world_same before
	ok hn apply
	has "+ add bridge bridge0"
	ok ip -o link show em0
	has "master bridge0"
	ok ip -o addr show em0
	hasnt 192.0.2.1
	has_addr bridge0 192.0.2.1/24
	has_addr bridge0 2001:db8::1/64
	ok ip route
	has "default via 192.0.2.254 dev bridge0"
	ok ip -6 route
	has "default via 2001:db8::254 dev bridge0"
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok busybox ping6 -c 1 -W 2 2001:db8::254
	ok lan busybox ping -c 1 -W 2 192.0.2.1
	ok lan busybox ping6 -c 1 -W 2 2001:db8::1
	ok hn check
	is "The host's network is as the files say"
	world_snapshot applied
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage gc
	world_same applied
	ok iocage hostnet undo
	world_same before
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
	ok iocage hostnet undo
	is "Nothing to undo"
}

@test "a ping and a TCP connection live through apply and undo" {
	manual
	lan python3 -c '
import socket
s = socket.create_server(("192.0.2.254", 7777))
c, _ = s.accept()
while True:
    d = c.recv(4096)
    if not d: break
    c.sendall(d)
' &
	server=$!
	eventually lan sh -c 'ss -ltn | grep -q :7777'
	# a line a moment, each awaited: one that is lost for good ends it
	python3 -c '
import socket, sys, time, os
c = socket.create_connection(("192.0.2.254", 7777))
c.settimeout(20)
n = 0
while not os.path.exists(sys.argv[1]):
    m = b"%08d" % n
    c.sendall(m)
    d = b""
    while len(d) < 8:
        x = c.recv(8 - len(d))
        if not x: sys.exit(3)
        d += x
    if d != m: sys.exit(4)
    n += 1
    time.sleep(0.01)
print(n)
' "$LAB_TMP/enough" >"$LAB_TMP/tcp" &
	tcp=$!
	busybox ping -i 0.1 -c 40 192.0.2.254 >"$LAB_TMP/ping" 2>&1 &
	ping=$!
	eventually grep -q 'bytes from' "$LAB_TMP/ping"
	ok hn apply
	sleep 1
	ok iocage hostnet undo
	sleep 0.5
	ok hn apply
	sleep 0.5
	touch "$LAB_TMP/enough"
	wait "$tcp"
	[ "$(cat "$LAB_TMP/tcp")" -gt 20 ]
	kill "$server" 2>/dev/null || true
	wait "$ping"
	# one packet may be under way at the moment of each of the three
	got=$(sed -n 's/.* \([0-9]*\) packets received.*/\1/p' "$LAB_TMP/ping")
	[ "$got" -ge 37 ] || {
		cat "$LAB_TMP/ping"
		return 1
	}
	rm -f "$LAB_TMP/enough"
}

@test "a router that answered before and does not over the bridge: all is taken back; one that was silent before is no matter" {
	manual
	world_snapshot before
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok busybox ping6 -c 1 -W 2 2001:db8::254
	ok hn apply --dry-run
	has "reach link=bridge0"
	# as a switch that shuts the port at the sight of a bridge
	lan nft -f - <<-'X'
		table arp t { chain in { type filter hook input priority 0; drop; }; }
	X
	fails 1 hn apply
	has "the host's router 192.0.2.254 does not answer on bridge0"
	world_same before
	lan nft flush ruleset
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok hn apply
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok hn undo
	world_same before
	# as at boot: nobody has talked to it
	lan nft -f - <<-'X'
		table arp t { chain in { type filter hook input priority 0; drop; }; }
	X
	ip neigh flush dev em0
	ok hn apply --dry-run
	hasnt "reach link=bridge0 gw=192"
	ok hn apply
	has_addr bridge0 192.0.2.1/24
	lan nft flush ruleset
	ok busybox ping -c 1 -W 5 192.0.2.254
	ok hn undo
}

@test "secondary addresses, routes of other tables, with a source, and through link-local routers move too" {
	ip addr add 192.0.2.7/24 dev em0
	ip addr add 10.4.0.1/16 dev em0
	ip -6 addr add 2001:db8::dd/64 dev em0 nodad preferred_lft 0
	ip route add 10.5.0.0/16 via 10.4.0.9 src 192.0.2.7
	ip route add 10.6.0.0/16 via 10.4.0.9 metric 50 table 77
	ip route add 10.7.7.0/24 dev em0
	ip -6 route add 2001:db8:7::/48 via fe80::99 dev em0
	# a worker of the kernel's makes the route to an address a moment after the address
	eventually sh -c 'ip -6 route show table local | grep -q 2001:db8::dd'
	manual
	world_snapshot before
	ok hn apply
	ok ip route show table all
	has "10.5.0.0/16 via 10.4.0.9 dev bridge0 src 192.0.2.7"
	has "10.6.0.0/16 via 10.4.0.9 dev bridge0 table 77 metric 50"
	has "10.7.7.0/24 dev bridge0 scope link"
	ok ip -6 route
	has "2001:db8:7::/48 via fe80::99 dev bridge0"
	ok ip -o -4 addr show dev bridge0
	[ "$(grep -c secondary <<<"$output")" -eq 1 ]
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage hostnet undo
	world_same before
	ip route del 10.5.0.0/16
	ip route flush table 77
	ip route del 10.7.7.0/24
	ip -6 route del 2001:db8:7::/48
	ip addr del 192.0.2.7/24 dev em0
	ip addr del 10.4.0.1/16 dev em0
	ip -6 addr del 2001:db8::dd/64 dev em0
}

@test "a failure in the middle: everything is as before, the reason is told" {
	manual
	echo 'ifconfig_bridge1_ipv6="inet6 2001:db8:b::1/64"' >>"$R"
	world_snapshot before
	# new interfaces get no IPv6: the addresses of em0 cannot move
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	fails 1 hn apply
	has "alias 2001:db8::1/64 on bridge0"
	has "Everything is as it was before"
	echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	world_same before
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
	[ ! -e "$IOCAGE_RUN/hostnet/journal" ]
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok hn apply
	ok iocage hostnet undo
	world_same before
}

@test "addresses, aliases, netmask, mtu, ether, up, routers of both families" {
	rc 'ifconfig_em1="inet 10.1.1.1 netmask 255.255.255.0 mtu 1400 ether 02:00:00:00:00:77"' \
		'ifconfig_em1_alias0="inet 10.1.1.2/32"' 'ifconfig_em1_ipv6="inet6 2001:db8:1::1/64"' \
		'ifconfig_em1_alias1="inet6 2001:db8:1::2/128"' 'ipv6_defaultrouter="2001:db8:1::fe"' \
		'defaultrouter="10.1.1.254"' 'ipv6_gateway_enable="YES"'
	world_snapshot before
	ok hn apply
	ok ip -o link show em1
	has "mtu 1400"
	has "02:00:00:00:00:77"
	has "state UP"
	for a in 10.1.1.1/24 10.1.1.2/32 2001:db8:1::1/64 2001:db8:1::2/128; do has_addr em1 $a; done
	ok ip -6 -o addr show em1
	hasnt deprecated
	ok ip route
	has "default via 10.1.1.254 dev em1"
	ok ip -6 route
	has "default via 2001:db8:1::fe dev em1"
	[ "$(cat /proc/sys/net/ipv6/conf/all/forwarding)" = 1 ]
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ip addr del 10.1.1.2/32 dev em1
	fails 1 hn check
	is "to do: alias 10.1.1.2/32 on em1"
	ok hn apply
	is "  + alias 10.1.1.2/32 on em1"
	ok iocage hostnet undo
	world_same before
}

@test "show says how the lines are understood and what is to do" {
	manual
	echo 'ifconfig_em1="DHCP"' >>"$R"
	run --separate-stderr hn show
	[ "$status" -eq 0 ]
	has "bridge0: bridge up member em0"
	has "default router: 192.0.2.254"
	has "net/ipv4/ip_forward = 1"
	has "to do: add bridge bridge1"
	has "no DHCP client is started by iocage"
}

@test "a line that is not understood: file, line and word; nothing is changed, nothing is run" {
	world_snapshot before
	rc 'cloned_interfaces="bridge0"' "ifconfig_em0=\"up\$(touch $LAB_TMP/ran)\""
	fails 1 hn apply
	one_line
	has "$R:2: \$ and \` are not understood here"
	rc 'cloned_interfaces="bridge0"' '' 'ifconfig_bridge0="addm em0 span em1"'
	fails 1 hn apply
	one_line
	has "$R:3: ifconfig_bridge0: span is not understood here"
	rc 'cloned_interfaces="bridge0"' 'cloned_interfaces+=" bridge1"'
	fails 1 hn apply
	has "$R:2: +="
	echo 'kern.maxproc=1' >"$S"
	rc ''
	fails 1 hn check
	has "$S:1: kern.maxproc: not understood here"
	: >"$S"
	rc 'ifconfig_nosuch="up"'
	fails 1 hn apply
	has "$R:1: ifconfig_nosuch: there is no interface nosuch"
	fails 1 iocage hostnet apply -f "$LAB_TMP/missing"
	one_line
	fails 2 iocage hostnet frobnicate
	fails 2 iocage hostnet check --dry-run
	[ ! -e "$LAB_TMP/ran" ]
	world_same before
}

@test "without -f: /etc/iocage/rc.conf and sysctl.conf; neither is there: nothing to do" {
	manual
	cat >"$LAB_TMP/usual" <<-'X'
		mkdir -p /etc/iocage && mount -t tmpfs none /etc/iocage || exit 9
		iocage hostnet check || exit 1
		cp "$1" "$2" /etc/iocage/
		iocage hostnet apply && iocage hostnet check && iocage hostnet undo
	X
	had=$([ ! -d /etc/iocage ] || echo yes)
	ok unshare -m sh "$LAB_TMP/usual" "$R" "$S"
	has "neither /etc/iocage/rc.conf nor /etc/iocage/sysctl.conf is there"
	has "+ put em0 into bridge0"
	has "The host's network is as the files say"
	[ -n "$had" ] || rmdir /etc/iocage
}

# with_etc 'commands' FILE...: FILE=TEXT laid over /etc and /run for the commands only.
with_files() {
	local script=$1
	shift
	cat >"$LAB_TMP/with" <<-'X'
		script=$1
		shift
		for d in /run/systemd/netif /run/NetworkManager /etc/network /etc/netplan; do
			[ -d "$d" ] || { mkdir -p "$d" && made="$d $made"; }
			mount -t tmpfs none "$d" || exit 9
		done
		for f in "$@"; do
			mkdir -p "$(dirname "${f%%=*}")"
			printf '%b' "${f#*=}" >"${f%%=*}"
		done
		sh -c "$script"
		status=$?
		for d in /run/systemd/netif /run/NetworkManager /etc/network /etc/netplan; do umount "$d"; done
		for d in $made; do rmdir "$d"; done
		exit $status
	X
	run unshare -m sh "$LAB_TMP/with" "$script" "$@"
}

@test "interfaces that NetworkManager, networkd, ifupdown or netplan manage are left alone, with a word" {
	i=$(cat /proc/net/dev_snmp6/em0 2>/dev/null | awk '/ifIndex/ { print $2 }')
	[ -n "$i" ] || i=$(ip -o link show em0 | cut -d: -f1)
	manual
	apply="iocage hostnet apply -f $R -f $S"
	for m in "/run/NetworkManager/devices/$i=[device]\nmanaged=true\n" \
		"/run/systemd/netif/links/$i=ADMIN_STATE=configured\nOPER_STATE=routable\n" \
		"/etc/network/interfaces=auto em0\niface em0 inet static\n  address 192.0.2.1/24\n" \
		"/etc/network/interfaces.d/lan=iface em0 inet dhcp\n" \
		"/etc/netplan/1.yaml=network:\n  ethernets:\n    em0:\n      dhcp4: true\n"; do
		with_files "$apply" "$m"
		[ "$status" -eq 1 ]
		has "em0 is left alone: "
		has "${m%%=*}"
		ok ip -o link show em0
		hasnt master
		ok ip link show bridge1
		ok iocage hostnet undo
	done
	for m in "/run/NetworkManager/devices/$i=[device]\nmanaged=false\n" \
		"/run/systemd/netif/links/$i=ADMIN_STATE=unmanaged\n" \
		"/etc/network/interfaces=auto em0\niface em0 inet manual\n" "/etc/netplan/1.yaml=network: {}\n"; do
		with_files "$apply" "$m"
		[ "$status" -eq 0 ]
		ok ip -o link show em0
		has "master bridge0"
		ok iocage hostnet undo
	done
}

@test "jails on the bridges: theirs stays when they stop; one a jail made is taken over" {
	mk j vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.50/24' defaultrouter=192.0.2.254
	up j
	manual
	ok hn apply
	has "mark bridge0"
	inside_ok j 'ping -c 1 -W 5 192.0.2.254'
	ok lan busybox ping -c 1 -W 5 192.0.2.50
	ok busybox ping -c 1 -W 5 192.0.2.50
	down j
	ok ip link show bridge0
	has_addr bridge0 192.0.2.1/24
	up j
	inside_ok j 'ping -c 1 -W 5 192.0.2.254'
	down j
}

@test "an uplink with the address of a running shared-IP jail is not moved" {
	mk s vnet=off 'ip4_addr=em0|192.0.2.60/24'
	up s
	manual
	world_snapshot before
	fails 1 hn apply
	one_line
	has "em0 carries 192.0.2.60/24 of a running jail"
	world_same before
	down s
	ok hn apply
	# from now on the bridge is the interface
	ok iocage set 'ip4_addr=bridge0|192.0.2.60/24' s
	up s
	ok lan busybox ping -c 1 -W 2 192.0.2.60
	down s
}

@test "killed in the middle: the next apply goes on from there" {
	manual
	world_snapshot before
	# the first half by hand: the bridge is there, the member in it, its addresses not moved yet
	ip link add bridge0 address 02:00:5e:00:00:01 type bridge
	ip link set em0 master bridge0
	ip addr add 192.0.2.1/24 dev bridge0
	ok hn apply
	has_addr bridge0 192.0.2.1/24
	has_addr bridge0 2001:db8::1/64
	ok ip route
	has "default via 192.0.2.254 dev bridge0"
	ok busybox ping -c 1 -W 2 192.0.2.254
	ok hn check
	ok iocage hostnet undo
	ip link del bridge0
	world_same before
}

vlans_work() {
	ip link add link em1 name vtest type vlan id 9 2>/dev/null && ip link del vtest
}

@test "VLANs: vlans_em1, create_args, an address on it, a bridge over it" {
	vlans_work || skip "this kernel has no 802.1Q VLANs"
	lan ip link add link gw1 name gw1.666 type vlan id 666
	lan ip link set gw1.666 up
	lan ip addr add 10.66.0.254/24 dev gw1.666
	rc 'vlans_em1="666 guests"' 'create_args_em1_666="vlan 666"' 'create_args_guests="vlan 667"' 'ifconfig_em1="up"' \
		'ifconfig_em1_666="inet 10.66.0.1/24"' 'cloned_interfaces="bridge1"' 'ifconfig_bridge1="addm guests up"'
	world_snapshot before
	ok hn apply
	ok ip -d link show em1.666
	has "vlan protocol 802.1Q id 666"
	ok ip -d link show guests
	has "id 667"
	has "master bridge1"
	ok busybox ping -c 1 -W 5 10.66.0.254
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage hostnet undo
	world_same before
}

# Can this kernel make a link of that kind.
@test "tap: made, in a bridge with a spanning tree; taken back" {
	rc 'cloned_interfaces="bridge0 tap0"' 'ifconfig_bridge0="addm tap0 stp tap0 up"' 'ifconfig_tap0="up"'
	world_snapshot before
	ok hn show
	has "bridge0: bridge with a spanning tree up member tap0"
	has "the spanning tree runs on all members"
	ok hn apply
	ok ip -d -o link show tap0
	has "master bridge0"
	has "tun type tap"
	[ "$(ip -d -o link show bridge0 | grep -o 'stp_state [01]')" = "stp_state 1" ]
	ok hn check
	ok hn apply
	has "Nothing to do: the host's network is as the files say"
	# one that is there without it begins to run one, and stops again
	ok iocage hostnet undo
	world_same before
	ip link add bridge0 type bridge
	ok hn apply
	[ "$(ip -d -o link show bridge0 | grep -o 'stp_state [01]')" = "stp_state 1" ]
	ok iocage hostnet undo
	[ "$(ip -d -o link show bridge0 | grep -o 'stp_state [01]')" = "stp_state 0" ]
	ip link del bridge0
	world_same before
}

@test "static routes: to networks and hosts, through routers and interfaces; taken back" {
	rc 'static_routes="office lab one"' 'route_office="-net 10.20.0.0/16 192.0.2.254"' \
		'route_lab="-net 10.30.1.0 -netmask 255.255.255.0 -iface em0"' 'route_one="-host 10.40.0.1 192.0.2.254"' \
		'ipv6_static_routes="six"' 'ipv6_route_six="-net 2001:db8:20:: -prefixlen 48 2001:db8::254"'
	ip route add 10.40.0.1 via 192.0.2.253
	world_snapshot before
	ok hn apply
	ok ip route show
	has "10.20.0.0/16 via 192.0.2.254 dev em0"
	has "10.30.1.0/24 dev em0 proto static scope link"
	has "10.40.0.1 via 192.0.2.254 dev em0"
	ok ip -6 route show
	has "2001:db8:20::/48 via 2001:db8::254 dev em0"
	ok hn check
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	# they move with the uplink
	rc 'cloned_interfaces="bridge0"' 'ifconfig_bridge0="addm em0 up"' "$(cat "$R")"
	ok hn apply
	ok ip route show 10.20.0.0/16
	has "dev bridge0"
	ok iocage hostnet undo
	world_same before
	ip route del 10.40.0.1
}

@test "lo1: a dummy with addresses; taken back" {
	makes dummy || skip "this kernel has no dummy interfaces"
	rc 'cloned_interfaces="lo1"' 'ifconfig_lo1="inet 10.3.0.1/32"' 'ifconfig_lo1_ipv6="inet6 2001:db8:3::1/128"'
	world_snapshot before
	ok hn apply
	has_addr lo1 10.3.0.1/32
	has_addr lo1 2001:db8:3::1/128
	ok ip -d -o link show lo1
	has dummy
	# a shared-IP jail on it, as on FreeBSD
	mk lj vnet=off allow_raw_sockets=1 'ip4_addr=lo1|10.3.0.9/32'
	up lj
	has_addr lo1 10.3.0.9/32
	inside_ok lj ping -c 1 -W 2 10.3.0.9
	down lj
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage hostnet undo
	world_same before
}

@test "lagg0: a bond of two ports carries an address and outlives one of them; taken back" {
	makes bond || skip "this kernel has no bonds"
	ip link add em2 type veth peer name gw2 netns "$(basename "$LAB_LAN_NS")"
	# once in a bond, a port that is down keeps the group of all nodes, and a queue
	ip link add bond9 type bond
	for l in em1 em2; do ip link set $l up; ip link set $l down; ip link set $l master bond9; done
	ip link del bond9
	for l in em1 em2; do ip link set $l down; done
	lan ip link add br9 type bridge
	lan ip link set gw1 master br9
	lan ip link set gw2 up master br9
	lan ip link set br9 up
	lan ip addr add 10.4.0.254/24 dev br9
	rc 'cloned_interfaces="lagg0"' 'ifconfig_em1="up"' 'ifconfig_em2="up"' \
		'ifconfig_lagg0="laggproto failover laggport em1 laggport em2 inet 10.4.0.1/24"'
	world_snapshot before
	ok hn apply
	ok ip -d -o link show lagg0
	has "bond mode active-backup"
	has "miimon 100"
	eventually busybox ping -c 1 -W 1 10.4.0.254
	ip link set em1 down
	eventually busybox ping -c 1 -W 1 10.4.0.254
	ip link set em1 up
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage hostnet undo
	world_same before
	ip link del em2
	lan ip link del br9
}

@test "gif0: a tunnel carries IPv4 and IPv6; taken back" {
	makes sit local 127.0.0.1 remote 127.0.0.2 || skip "this kernel has no tunnels"
	lan ip link add gif9 type sit mode any local 192.0.2.254 remote 192.0.2.1
	lan ip addr add 10.5.0.2 peer 10.5.0.1/32 dev gif9
	lan ip link set gif9 up
	lan ip addr add 2001:db8:5::2 peer 2001:db8:5::1/128 dev gif9
	rc 'cloned_interfaces="gif0"' 'ifconfig_gif0="tunnel 192.0.2.1 192.0.2.254 inet 10.5.0.1 10.5.0.2 netmask 0xffffffff"' \
		'ifconfig_gif0_ipv6="inet6 2001:db8:5::1 2001:db8:5::2 prefixlen 128"'
	world_snapshot before
	ok hn apply
	eventually busybox ping -c 1 -W 1 10.5.0.2
	eventually busybox ping6 -c 1 -W 1 2001:db8:5::2
	ok hn apply
	is "Nothing to do: the host's network is as the files say"
	ok iocage hostnet undo
	world_same before
	lan ip link del gif9
}

@test "a tunnel of the kernel's has the number of the jail's interface in each namespace: the jail starts, sees it, and follows it" {
	makes sit local 127.0.0.1 remote 127.0.0.2 || skip "this kernel has no tunnels"
	local taken name host
	taken=$(unshare -n cat /proc/net/dev_snmp6/sit0 | awk '$1 == "ifIndex" { print $2 }')
	name=$(ip -o link | awk -v n="$taken:" '$1 == n { sub(/[@:].*/, "", $2); print $2 }')
	[ -n "$name" ] || { name=em4; ip link add em4 index "$taken" type dummy; }
	ip link set "$name" up
	mk t "ip4_addr=$name|198.18.4.5/24" "ip6_addr=$name|2001:db8:44::5/64"
	up t
	inside_ok t "ip -o addr show dev $name"
	has "198.18.4.5/24"
	has "2001:db8:44::5/64"
	ip link set "$name" mtu 1400
	follows() { iocage exec t -- ip -o link show dev "$name" | grep -q 'mtu 1400'; }
	eventually follows
	ip link set "$name" mtu 1500
	# by name it is the host's; the tunnel is nobody's
	python3 -c 'import socket; socket.if_nametoindex("sit0")'
	inside t 'ping6 -c 1 -W 1 -I sit0 2001:db8:44::5'
	[ "$status" -ne 0 ]
	inside_ok t "nc -l -p 81 </dev/null >/dev/null 2>&1 & sleep 1; ip -o addr | grep -c $name"
	down t
	# all of the host's
	mk i ip4=inherit ip6=inherit
	ip addr add 198.18.4.1/24 dev "$name"
	up i
	inside_ok i "ip -o addr show dev $name"
	has "198.18.4.1/24"
	ip addr add 198.18.4.2/24 dev "$name"
	shows() { iocage exec i -- ip -o addr show dev "$name" | grep -q 198.18.4.2; }
	eventually shows
	ip addr del 198.18.4.2/24 dev "$name"
	gone() { ! shows; }
	eventually gone
	down i
	ip addr del 198.18.4.1/24 dev "$name"
	ip link del em4 2>/dev/null || true
}
