#!/usr/bin/env bats
# passthrough.bats - vnet_interfaces: host interfaces move into the jail and come home as they were, whatever happens.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

setup() {
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	lan ip addr add 198.51.100.254/24 dev gw1
	furnish
	mk a vnet=on interfaces=vnet0:br0 ip4_addr=none vnet_interfaces=em1
	settled
	world_snapshot before
}

# What em1 has.
furnish() {
	ip link set em1 mtu 1400 up
	ip addr add 198.51.100.1/24 dev em1
	ip addr add 198.51.100.2/24 dev em1
	ip addr add 2001:db8:1::1/64 dev em1 nodad
	ip route add 203.0.113.0/24 via 198.51.100.254 dev em1
	ip route add 203.0.112.0/24 dev em1 metric 7
	ip -6 route add 2001:db8:2::/64 via 2001:db8:1::254 dev em1
}

teardown() {
	lab_reset
	iocage gc >/dev/null 2>&1 || true
	for l in em1 em1-1 tun7 tap7 mv7 ifb7 br7; do ip link del $l 2>/dev/null || true; done
}

# The kernel's own link-local address has come.
settled() {
	local_there() { ip -6 addr show dev em1 | grep -q 'fe80:'; }
	eventually local_there
}

gone() { ! ip link show em1; }

home() {
	world_same before
}

@test "an interface moves into the jail with its name, and comes home with all it had" {
	ok iocage start --dry-run a
	has 'link-in link=em1'
	up a
	gone
	inside_ok a 'ip -o link show em1; ip -o addr show em1'
	has 'mtu 1400'
	has ',UP'
	hasnt 198.51.100.1
	inside_ok a 'ip addr add 198.51.100.7/24 dev em1; ping -c 1 -W 5 198.51.100.254'
	down a
	home
	ok lan busybox ping -c 1 -W 5 198.51.100.1
}

@test "addresses of the jail may be on it" {
	ok iocage set 'ip4_addr=em1|198.51.100.9/24' 'ip6_addr=em1|2001:db8:1::9/64' a
	up a
	inside_ok a 'ip -o addr show em1; ping -c 1 -W 5 198.51.100.254'
	has 198.51.100.9/24
	has 2001:db8:1::9/64
	ok lan busybox ping -c 1 -W 5 198.51.100.9
	ok iocage set 'ip4_addr=em1|198.51.100.10/24' a
	inside_ok a 'ip -o addr show em1'
	has 198.51.100.10/24
	hasnt 198.51.100.9/24
	down a
	home
}

@test "what the jail did to it is not brought home" {
	up a
	inside_ok a 'ip link set em1 down; ip link set em1 address 02:00:00:00:77:77 mtu 900; ip link set em1 name em0;
		ip link add link em0 name up1 type macvlan; ip link set up1 up'
	down a
	home
	up a
	inside_ok a 'ip link add b0 type bridge && ip link set em1 master b0'
	down a
	home
}

@test "virtual devices of all kinds, several at a time" {
	ip tuntap add tun7 mode tun
	ip tuntap add tap7 mode tap
	ip link add mv7 link em0 type macvlan mode bridge
	ip link add ifb7 type ifb
	ip addr add 192.0.2.71/24 dev mv7
	ip link set mv7 up
	for l in tun7 tap7 ifb7; do ip link set $l up; done
	sleep 1 # link-local addresses
	world_snapshot many
	ok iocage set 'vnet_interfaces=em1 tun7 tap7 mv7 ifb7' a
	up a
	for l in em1 tun7 tap7 mv7 ifb7; do inside_ok a "ip link show $l"; done
	kill -9 "$(init_pid a)"
	eventually world_same many
	up a
	down a
	world_same many
}

@test "kill -9 of the jail, of its monitor, of both: the interface comes home" {
	local pid mon
	up a
	pid=$(init_pid a)
	kill -9 "$pid"
	eventually home
	up a
	mon=$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/a/state")
	kill -9 "$mon"
	eventually is_down a
	ok iocage gc
	home
	up a
	for sub in mon jail; do
		echo 1 >"$(find /sys/fs/cgroup -type d -path "*/iocage-$(run_hash)/a/$sub")/cgroup.kill"
	done
	eventually is_down a
	gone
	ok iocage gc --dry-run
	has 'a: would take em1 home from the jail'
	ok iocage gc
	home
	# the next start does it, too
	up a
	for sub in mon jail; do
		echo 1 >"$(find /sys/fs/cgroup -type d -path "*/iocage-$(run_hash)/a/$sub")/cgroup.kill"
	done
	eventually is_down a
	up a
	inside_ok a 'ip link show em1'
	down a
	home
}

@test "a start that fails later brings it home" {
	ok iocage set exec_poststart=/bin/false a
	fails 1 iocage start a
	is_down a
	home
}

@test "a name that is taken at home: it gets a free one, with what it had, and that is said" {
	up a
	ip link add em1 type bridge
	run --separate-stderr iocage stop a
	[ "$status" -eq 0 ]
	has 'a: em1 came home as em1-1: its name is taken'
	ok ip -o link show em1-1
	has 'mtu 1400'
	has 02:00:5e:00:00:21
	has_addr em1-1 198.51.100.1/24
	ok ip -o addr show em1
	hasnt 198.51.100.1
	ip link del em1
	ip link set em1-1 down
	ip link set em1-1 name em1 up
}

# What it had is on it, whatever it is called now, and nowhere else.
all_home() {
	local at
	at=$(ip -o link show | sed -nE 's/^[0-9]+: (em1(-1)?)[:@].* mtu 1400 .* 02:00:5e:00:00:21 .*/\1/p')
	[ "$at" = "$1" ] && has_addr "$at" 198.51.100.1/24 && has_addr "$at" 198.51.100.2/24 &&
		has_addr "$at" 2001:db8:1::1/64 && ip route show 203.0.113.0/24 | grep -q "dev $at " && ip route show 203.0.112.0/24 | grep -q "dev $at " &&
		ip -6 route show 2001:db8:2::/64 | grep -q "dev $at " && [ "$(ip -o addr show | grep -c 198.51.100.1/)" -eq 1 ]
}

# failing_stop NAME CALL...: each of these calls of a stop fails once; at home it is NAME then
failing_stop() {
	local want=$1 call n when error
	shift
	for call in "$@"; do
		up a
		[ "$want" = em1 ] || ip link add em1 type bridge
		ok strace -o "$LAB_TMP/trace" -e "trace=$call" iocage stop a
		n=$(grep -c "^$call(" "$LAB_TMP/trace" || :)
		[ "$want" = em1 ] || back
		for ((when = 1; when <= n; when++)); do
			error=EIO
			[ $call != recvfrom ] || error=ENOBUFS
			up a
			[ "$want" = em1 ] || ip link add em1 type bridge
			run strace -o /dev/null -e "inject=$call:error=$error:when=$when" iocage stop a
			run iocage stop -f a
			run iocage gc
			is_down a
			all_home "$want" || {
				echo "$call $when of $n:"
				ip -o addr show
				ip route
				return 1
			}
			points=$((points + 1))
			[ "$want" = em1 ] || back
		done
	done
}

# Before Linux 6.2 only an interface that is down gets another name.
back() {
	ip link del em1
	ip link set em1-1 down
	ip addr flush dev em1-1
	ip link set em1-1 name em1
	furnish
}

@test "the kernel does not answer once while it comes home: it comes with all it had" {
	points=0
	failing_stop em1 sendto openat
	echo "# $points points" >&3
	[ "$points" -gt 50 ]
}

@test "the same when its name is taken: what it had is not given to whoever has the name" {
	points=0
	failing_stop em1-1 sendto recvfrom ioctl setns
	echo "# $points points" >&3
	[ "$points" -gt 50 ]
}

@test "an interface the jail deleted is named, and its stop succeeds" {
	up a
	inside_ok a 'ip link del em1'
	run --separate-stderr iocage stop a
	[ "$status" -eq 0 ]
	has 'a: em1 is not in the jail any more: it is gone'
	is_down a
	ok iocage gc
	is 'Nothing to remove.'
}

@test "what cannot be handed over is refused, in words" {
	refused() {
		ok iocage set "vnet_interfaces=$1" a
		fails 1 iocage start a
		has "$2"
		is_down a
	}
	refused em9 'vnet_interfaces: there is no interface em9 on this host'
	refused lo 'lo cannot move into a jail'
	refused em0 "the host's default route goes through em0"
	ip link add br7 type bridge
	refused br7 'br7 cannot move into a jail: it is a bridge'
	mk b vnet=on interfaces=vnet0:br0 ip4_addr=none vnet_interfaces=em1
	up b
	refused em1 'there is no interface em1 on this host (does another jail have it?)'
	down b
	ip link set em1 master br7
	refused em1 'em1 is a port of br7'
	ip link set em1 nomaster
}
