#!/usr/bin/env bats
# uplink.bats - vnet_default_interface: the host's interface joins the bridge with all it carries, and comes back.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

setup() {
	lan ip route del 10.0.0.0/8 2>/dev/null || true
	world_snapshot before
	mk a vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.50/24' 'ip6_addr=vnet0|2001:db8::50/64' \
		defaultrouter=auto defaultrouter6=auto vnet_default_interface=em0
}

teardown() {
	touch "$LAB_TMP/done" # ends what talks
	lab_reset
	iocage gc >/dev/null 2>&1 || true
	for l in em1 tun7 br7 bridge0; do ip link del $l 2>/dev/null || true; done
	lan nft flush ruleset 2>/dev/null || true
	ip link set em0 nomaster
	lan ip link set gw0 arp on
}

joined() {
	ip -o link show em0 | grep -q 'master bridge0' && has_addr bridge0 192.0.2.1/24 && ! has_addr em0 192.0.2.1/24
}

reaches() {
	inside_ok "$1" 'ping -c 1 -W 5 192.0.2.254'
	ok lan busybox ping -c 1 -W 5 "$2"
	ok busybox ping -c 1 -W 5 192.0.2.254
	ok lan busybox ping -c 1 -W 5 192.0.2.1
}

@test "the uplink joins with addresses and routes, the jail is in its network, and stop takes all back" {
	ok iocage start --dry-run a
	has 'uplink-add link=em0 bridge=bridge0'
	world_same before
	up a
	joined
	has_addr bridge0 2001:db8::1/64
	ok ip route
	has "default via 192.0.2.254 dev bridge0"
	ok ip -6 route
	has "default via 2001:db8::254 dev bridge0"
	reaches a 192.0.2.50
	ok lan busybox ping6 -c 1 -W 5 2001:db8::50
	ok lan busybox ping6 -c 1 -W 5 2001:db8::1
	inside_ok a 'ip route; ip -6 route'
	has 'default via 192.0.2.254'
	has 'default via 2001:db8::254'
	ok iocage gc
	is 'Nothing to remove.'
	joined
	down a
	world_same before
	ok busybox ping -c 1 -W 5 192.0.2.254
}

@test "connections in both directions and a ping live through start and stop" {
	# a server on each side that echoes; who connects sends a byte every 50 ms
	cat >"$LAB_TMP/echo.py" <<-'X'
		import socket, sys
		s = socket.create_server((sys.argv[1], 7777))
		open(sys.argv[2], "w").close()
		c, _ = s.accept()
		while True:
		    b = c.recv(64)
		    if not b: break
		    c.sendall(b)
	X
	cat >"$LAB_TMP/talk.py" <<-'X'
		import os, socket, sys, time
		c = socket.create_connection((sys.argv[1], 7777))
		c.settimeout(10)
		n = 0
		while not os.path.exists(sys.argv[3]):
		    c.sendall(b"x")
		    assert c.recv(1) == b"x"
		    n += 1
		    open(sys.argv[2], "w").write(str(n))
		    time.sleep(0.05)
		print("fine", n)
	X
	rm -f "$LAB_TMP"/{e1,e2,done,n1,n2}
	lan python3 "$LAB_TMP/echo.py" 192.0.2.254 "$LAB_TMP/e1" 3>&- &
	python3 "$LAB_TMP/echo.py" 192.0.2.1 "$LAB_TMP/e2" 3>&- &
	eventually test -e "$LAB_TMP/e1"
	eventually test -e "$LAB_TMP/e2"
	python3 "$LAB_TMP/talk.py" 192.0.2.254 "$LAB_TMP/n1" "$LAB_TMP/done" >"$LAB_TMP/t1" 2>&1 3>&- &
	t1=$!
	lan python3 "$LAB_TMP/talk.py" 192.0.2.1 "$LAB_TMP/n2" "$LAB_TMP/done" >"$LAB_TMP/t2" 2>&1 3>&- &
	t2=$!
	eventually test -s "$LAB_TMP/n1"
	eventually test -s "$LAB_TMP/n2"
	busybox ping -i 0.1 -c 60 192.0.2.254 >"$LAB_TMP/ping" 2>&1 &
	ping=$!
	for _ in 1 2 3; do
		up a
		joined
		n=$(cat "$LAB_TMP/n1")
		goes_on() { [ "$(cat "$LAB_TMP/n1")" -gt $((n + 3)) ]; }
		eventually goes_on
		down a
	done
	touch "$LAB_TMP/done"
	wait "$t1"
	wait "$t2"
	grep fine "$LAB_TMP/t1"
	grep fine "$LAB_TMP/t2"
	wait "$ping"
	got=$(sed -n 's/.* \([0-9]*\) packets received.*/\1/p' "$LAB_TMP/ping")
	[ "$got" -ge 54 ] || {
		cat "$LAB_TMP/ping"
		return 1
	}
	world_same before
}

@test "the last jail that uses the uplink gives it back, in whatever order they come and go" {
	mk b vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.51/24' defaultrouter=192.0.2.254 vnet_default_interface=em0
	mk c vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.52/24' defaultrouter=192.0.2.254
	up a b c
	joined
	down a
	joined
	reaches b 192.0.2.51
	up a
	down b
	joined
	reaches a 192.0.2.50
	down a
	# c did not ask for it
	ok ip -o link show em0
	hasnt master
	has_addr em0 192.0.2.1/24
	down c
	world_same before
	# at once
	for _ in 1 2 3; do
		iocage start a &
		p1=$!
		ok iocage start b
		wait $p1
		joined
		iocage stop a &
		p1=$!
		ok iocage stop b
		wait $p1
		world_same before
	done
}

@test "auto is the interface with the default route, also for the jail that finds it joined" {
	ok iocage set vnet_default_interface=auto a
	mk b vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|192.0.2.51/24' vnet_default_interface=auto
	up a
	joined
	up b
	down a
	joined
	reaches b 192.0.2.51
	down b
	world_same before
	ip route del default
	ip -6 route del default
	fails 1 iocage start a
	has 'vnet_default_interface=auto: No default interface found'
	one_line 3
	ip route add default via 192.0.2.254
	ip -6 route add default via 2001:db8::254
	world_same before
}

@test "a jail that dies, whose monitor dies, or whose start is interrupted gives the uplink back" {
	up a
	kill -9 "$(init_pid a)"
	eventually world_same before
	up a
	for sub in mon jail; do
		echo 1 >"$(find /sys/fs/cgroup -type d -path "*/iocage-$(run_hash)/a/$sub")/cgroup.kill"
	done
	eventually is_down a
	joined
	ok iocage gc
	has 'a: take em0 out of bridge0'
	world_same before
	up a
	rm -rf "${IOCAGE_RUN:?}"/jails/a
	ok iocage gc
	has 'take em0 out of its bridge'
	ok ip -o addr show em0
	has 192.0.2.1/24
	ok iocage gc
	world_same before
}

@test "when the host's router does not answer over the bridge all is taken back and the start fails" {
	# as a switch that shuts the port at the sight of a bridge: it no longer answers as soon as em0 is a port
	lan nft -f - <<-'X'
		table arp t { chain in { type filter hook input priority 0; drop; }; }
	X
	ip neigh replace 192.0.2.254 lladdr 02:00:5e:00:00:fe dev em0 nud permanent
	world_snapshot before
	fails 1 iocage start a
	has "em0 cannot join bridge0: the host's router 192.0.2.254 does not answer on bridge0"
	has 'as it was before'
	is_down a
	# an entry that somebody made himself goes with the last address of its interface, and is not put back
	ip neigh replace 192.0.2.254 lladdr 02:00:5e:00:00:fe dev em0 nud permanent
	world_same before
	lan nft flush ruleset
	up a
	joined
}

@test "an uplink without a router, or without addresses, joins, and is brought up" {
	ip link add em1 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	# once opened it has a queue
	ip link set em1 up
	ip link set em1 down
	world_snapshot before
	ok iocage set vnet_default_interface=em1 a
	up a
	ok ip -o link show em1
	has 'master bridge0'
	has ',UP'
	hasnt 'master br7'
	ok ip -o link show em0
	hasnt master
	down a
	world_same before
	# into the first NIC's bridge, and no other
	ok iocage set interfaces=vnet1:none,vnet0:bridge0,vnet2:bridge1 a
	up a
	ok ip -o link show em1
	has 'master bridge0'
	down a
	world_same before
}

@test "two NICs, one uplink: the first bridge has it, and that the other leads nowhere is said" {
	mk two vnet=on interfaces=vnet0:bridge0,vnet1:br8 'ip4_addr=vnet0|192.0.2.60/24,vnet1|10.8.0.5/24' vnet_default_interface=em0
	ok iocage start two
	has "two: em0 joins bridge0 only: br8, the bridge of vnet1, has no port that leads out"
	joined
	reaches two 192.0.2.60
	down two
	# nothing to say of a bridge that has a port
	ip link add br7 type bridge
	ip link set br7 up
	ip link add em1 type veth peer name em1p
	ip link set em1 master br7
	ok iocage set interfaces=vnet0:bridge0,vnet1:br7 two
	ok iocage start two
	hasnt "leads out"
	down two
	# another jail that wants it in another bridge is refused
	up a
	mk other vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|192.0.2.61/24' vnet_default_interface=em0
	fails 1 iocage start other
	has em0
	has bridge0
	down a
	ip link del em1
	ip link del br7
	world_same before
}

@test "an uplink with another MTU gives it to the NIC" {
	ip link set em0 mtu 1400
	up a
	inside_ok a 'cat /sys/class/net/epair0b/mtu || ip link show epair0b'
	has 1400
	down a
	ip link set em0 mtu 1500
}

@test "an uplink the administrator has put into the bridge stays there" {
	ip link add bridge0 address 02:00:00:00:00:b7 type bridge
	ip link set bridge0 addrgenmode none up
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	ip link set em1 master bridge0 up
	ok iocage set vnet_default_interface=em1 a
	world_snapshot before
	up a
	down a
	world_same before
}

@test "what cannot be an uplink is refused, in words, and nothing is changed" {
	ip link add br7 type bridge
	ip link set br7 up
	ip tuntap add tun7 mode tun
	ip link add em1 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	ip link set em1 master br7
	world_snapshot before
	refused() {
		ok iocage set "vnet_default_interface=$1" a
		fails 1 iocage start a
		has "$2"
		is_down a
		world_same before
	}
	refused em9 'there is no interface em9 on this host; set it to auto, none or an interface'
	refused em1 'em1 is in br7 already, and an interface can be in one bridge only'
	refused br7 'br7 is a bridge, and a bridge cannot be a port of bridge0'
	refused lo 'lo is no Ethernet interface'
	refused tun7 'tun7 is no Ethernet interface'
	ok iocage set vnet_default_interface=em0 a
	mk s vnet=off 'ip4_addr=em0|192.0.2.60/24'
	up s
	fails 1 iocage start a
	has 'em0 carries 192.0.2.60/24 of a running jail: stop the shared-IP jails on em0'
	down s
	ip addr change 192.0.2.1/24 dev em0 valid_lft 3000 preferred_lft 3000
	fails 1 iocage start a
	has 'em0 got 192.0.2.1/24 by DHCP'
	ip addr change 192.0.2.1/24 dev em0 valid_lft forever preferred_lft forever
	world_same before
}

@test "a wireless uplink is refused; one that somebody else manages is named" {
	idx=$(cat <(ip -o link show em0 | cut -d : -f 1))
	cat >"$LAB_TMP/wifi.sh" <<-X
		mount -t tmpfs none /sys/class/net
		mkdir -p /sys/class/net/em0/phy80211
		echo $idx >/sys/class/net/em0/ifindex
		exec iocage start a
	X
	fails 1 unshare -m sh "$LAB_TMP/wifi.sh"
	has 'em0 is wireless: an access point takes frames of one MAC, so it cannot be bridged'
	cat >"$LAB_TMP/managed.sh" <<-X
		mount -t tmpfs none /etc/network 2>/dev/null || { mkdir -p $LAB_TMP/n; exit 9; }
		echo 'iface em0 inet static' >/etc/network/interfaces
		exec iocage start a
	X
	mkdir -p /etc/network
	run --separate-stderr unshare -m sh "$LAB_TMP/managed.sh"
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	has 'a: em0 joins bridge0 although ifupdown (/etc/network/interfaces) manages it'
	joined
	down a
	world_same before
}

@test "a conflict with another machine is found over the uplink before the bridge was there" {
	lan ip addr add 192.0.2.50/24 dev gw0
	fails 1 iocage start a
	has '192.0.2.50 is in use on bridge0'
	lan ip addr del 192.0.2.50/24 dev gw0
	world_same before
	ok iocage set 'ip4_addr=vnet0|192.0.2.1/24' a
	fails 1 iocage start a
	has '192.0.2.1 is in use on'
	world_same before
}
