#!/usr/bin/env bats
# view.bats - the interfaces a shared-IP jail sees: the host's, as they are now, with the jail's addresses and nothing else.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
setup() {
	ip link add em1 address 02:00:5e:00:01:01 type veth peer name em1far
	ip link set em1 up
	ip link set em1far up
}
teardown() {
	lab_reset
	ip link del em1far 2>/dev/null || true
	ip link set em0 mtu 1500
}

mkview() {
	mk "$1" vnet=off 'ip4_addr=em0|192.0.2.10/24,em1|198.51.100.10/24' 'ip6_addr=em1|2001:db8:5::10/64' "${@:2}"
}

# In the view, with the host's programs.
view() {
	nsenter --net="/proc/$(init_pid "$1")/ns/net" "${@:2}"
}

# One line for an interface: index, name, flags that are to be the same, MTU, MAC. From ip(8) in $1... (a command prefix).
line_of() {
	local dev=$1
	shift
	"$@" ip -o link show dev "$dev" | sed -E 's/@[^:]*:/:/; s/^([0-9]+): ([^:]+): <([^>]*)> mtu ([0-9]+).*link\/ether ([0-9a-f:]+).*/\1 \2 \3 \4 \5/' |
		awk '{ n = split($3, f, ","); s = ""; for (i = 1; i <= n; i++) if (f[i] !~ /LOWER_UP|NO-CARRIER|BROADCAST/) s = s "," f[i]; print $1, $2, s, $4, $5 }'
}

same_line() {
	[ "$(line_of "$2")" = "$(line_of "$2" nsenter --net="/proc/$(init_pid "$1")/ns/net")" ]
}

# the v6 address of the jail is there, and no link-local one
addrs_right() {
	[ "$(view "$1" ip -o addr show | awk '{ print $2, $4 }' | sort | tr '\n' ' ')" = "em0 192.0.2.10/24 em1 198.51.100.10/24 em1 2001:db8:5::10/64 " ]
}

running() {
	view "$1" busybox ifconfig "$2" | grep -q RUNNING
}

not_running() {
	! running "$@"
}

@test "index, name, MTU, MAC and flags are the host's; the addresses are the jail's; nothing else is there" {
	ip link set em1 mtu 1400
	ip link set em1 multicast off
	mkview vw
	up vw
	same_line vw em0
	same_line vw em1
	addrs_right vw
	[ "$(view vw ip -o link show | wc -l)" -eq 3 ]
	[ "$(view vw ip -o addr show dev lo | wc -l)" -eq 0 ]
	sleep 1.2
	addrs_right vw
	[ "$(view vw ip -o link show | wc -l)" -eq 3 ]
}

@test "MTU, MAC, up and down, multicast and promiscuous mode of the host's interface are followed" {
	mkview vf
	up vf
	ip link set em1 mtu 1300
	eventually same_line vf em1
	ip link set em1 address 02:00:5e:00:01:77
	eventually same_line vf em1
	addrs_right vf
	ip link set em1 multicast off
	eventually same_line vf em1
	ip link set em1 promisc on
	eventually same_line vf em1
	ip link set em1 promisc off
	ip link set em1 down
	eventually same_line vf em1
	addrs_right vf
	ip link set em1 up
	eventually same_line vf em1
	addrs_right vf
	same_line vf em0
}

@test "the carrier is followed: an interface without one is not running, from the start or later" {
	ip link set em1far down
	mkview vc
	up vc
	not_running vc em1
	running vc em0
	ip link set em1far up
	eventually running vc em1
	eventually same_line vc em1
	ip link set em1far down
	eventually not_running vc em1
	addrs_right vc
}

@test "a renamed interface has its new name inside, with its addresses; names that change places" {
	mkview vr
	up vr
	# before Linux 6.2 only one that is down gets another name
	ip link set em1 name em9 2>/dev/null || {
		ip link set em1 down
		ip link set em1 name em9
		ip link set em9 up
	}
	eventually same_line vr em9
	[ "$(view vr ip -o addr show dev em9 | wc -l)" -eq 2 ]
	inside_ok vr 'ip addr show dev em9'
	has 198.51.100.10
	ip link set em9 down
	ip link set em9 name em1
	ip link set em1 up
	eventually same_line vr em1
	# em1 and a third one change names
	ip link add em2 address 02:00:5e:00:02:01 type veth peer name em2far
	ip link set em2 up
	ip link set em2far up
	mk vr2 vnet=off 'ip4_addr=em1|198.51.100.11/24,em2|203.0.113.11/24'
	up vr2
	i1=$(cat /sys/class/net/em1/ifindex 2>/dev/null || ip -o link show em1 | cut -d: -f1)
	ip link set em1 down
	ip link set em2 down
	ip link set em1 name emx
	ip link set em2 name em1
	ip link set emx name em2
	ip link set em1 up
	ip link set em2 up
	eventually same_line vr2 em1
	eventually same_line vr2 em2
	[ "$(view vr2 ip -o link show em2 | cut -d: -f1)" = "$(ip -o link show em2 | cut -d: -f1)" ]
	view vr2 ip -o addr show em2 | grep -q 198.51.100.11
	down vr2
	down vr
	ip link del em2far
	ip link add em1 type veth peer name em1far 2>/dev/null || true
}

@test "an interface that is removed is gone inside; the rest stays, and the jail can be stopped" {
	mkview vd
	up vd
	world_snapshot gone
	ip link del em1
	eventually sh -c "! nsenter --net=/proc/$(init_pid vd)/ns/net ip link show em1"
	same_line vd em0
	inside_ok vd 'ifconfig'
	has 192.0.2.10
	hasnt em1
	down vd
}

@test "MTU below what IPv6 needs and back: no link-local address appears; a jail starts on such a link" {
	mkview vm
	up vm
	ip link set em1 mtu 1200
	eventually same_line vm em1
	ip link set em1 mtu 1500
	eventually same_line vm em1
	sleep 0.3
	run view vm ip -6 addr show
	hasnt fe80
	down vm
	ip link set em1 mtu 1200
	mk vm4 vnet=off 'ip4_addr=em1|198.51.100.12/24'
	up vm4
	same_line vm4 em1
	down vm4
	ip link set em1 mtu 1500
}

@test "an interface that a live change brings into the view is followed, too" {
	mk vl vnet=off 'ip4_addr=em0|192.0.2.10/24'
	up vl
	sleep 1
	ok iocage set 'ip4_addr=em0|192.0.2.10/24,em1|198.51.100.10/24' vl
	eventually same_line vl em1
	ip link set em1 mtu 1333
	eventually same_line vl em1
	ok iocage set 'ip4_addr=em0|192.0.2.10/24' vl
	eventually sh -c "! nsenter --net=/proc/$(init_pid vl)/ns/net ip link show em1"
	ip link set em0 mtu 1444
	eventually same_line vl em0
}

@test "nothing of the host's other interfaces wakes the monitor" {
	mkview vi
	up vi
	sleep 1
	mon=$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/vi/state")
	switches() { awk '/voluntary_ctxt/ { s += $2 } END { print s }' "/proc/$mon/status"; }
	before=$(switches)
	for i in 1 2 3 4 5; do
		ip link add busy0 type veth peer name busy1
		ip link set busy0 up
		ip link set busy1 up
		ip link del busy0
	done
	[ "$(switches)" = "$before" ]
	ip link set em0 mtu 1499
	eventually same_line vi em0
	[ "$(switches)" != "$before" ]
}

@test "ip, ifconfig of busybox and of net-tools, /proc/net, getifaddrs and SIOCGIF agree" {
	cc -O1 -static -D_GNU_SOURCE -I"$LAB_TOP/src" -o "$LAB_TMP/probe" "$LAB_TOP/tests/lab/probe.c"
	mkview va
	put va "$LAB_TMP/probe" bin/probe
	# net-tools' own, with its libraries, as a Debian root would have it
	put va "$(command -v ifconfig)" usr/bin/nt-ifconfig
	for l in $(ldd "$(command -v ifconfig)" | grep -oE '/[^ ]+'); do put va "$(readlink -f "$l")" "$l"; done
	up va
	want="em0 192.0.2.10 em1 198.51.100.10 em1 2001:db8:5::10 "
	inside_ok va 'ip -o addr'
	[ "$(awk '{ sub("/.*", "", $4); print $2, $4 }' <<<"$output" | sort | tr '\n' ' ')" = "$want" ]
	for prog in ifconfig /usr/bin/nt-ifconfig; do
		inside_ok va "$prog -a"
		[ "$(awk '/^[a-z]/ { sub(":", "", $1); d = $1 } $1 == "inet" { sub("addr:", "", $2); print d, $2 }
			$1 == "inet6" { a = $2 == "addr:" ? $3 : $2; sub("/.*", "", a); print d, a }' <<<"$output" | sort | tr '\n' ' ')" = "$want" ] || {
			echo "$prog: $output"
			return 1
		}
		[ "$(grep -ciE '(ether|HWaddr) 02:00:5e:00:0[01]:01' <<<"$output")" -eq 2 ]
		inside_ok va "$prog em1"
		has 198.51.100.10
	done
	inside_ok va 'cat /proc/net/dev'
	[ "$(sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' <<<"$output" | sort | tr '\n' ' ')" = "em0 em1 lo " ]
	inside_ok va 'cat /proc/net/if_inet6'
	[ "$(wc -l <<<"$output")" -eq 1 ]
	has 20010db8000500000000000000000010
	inside_ok va 'ls /sys/class/net'
	[ "$(sort <<<"$output" | tr '\n' ' ')" = "em0 em1 lo " ]
	inside_ok va 'probe ifaddrs; probe ifconf'
	has 192.0.2.10
	has 198.51.100.10
	hasnt 192.0.2.1/
	hasnt fe80
	inside_ok va 'ip route; route -n'
	hasnt em0
}

@test "nothing of the view can be changed from inside, whatever the program" {
	cc -O1 -static -D_GNU_SOURCE -I"$LAB_TOP/src" -o "$LAB_TMP/probe" "$LAB_TOP/tests/lab/probe.c"
	mkview ve
	put ve "$LAB_TMP/probe" bin/probe
	up ve
	was=$(view ve ip -d addr)
	for c in 'ip link set em1 mtu 1300' 'ip link set em1 address 02:00:00:00:00:01' 'ip link set em1 name em7' 'ip link del em1' \
		'ip link set em1 down' 'ip addr flush dev em1' 'ip addr add 192.0.2.66/24 dev em1' 'ip route add default dev em1' \
		'ifconfig em1 down' 'ifconfig em1 mtu 1300' 'ifconfig em1 hw ether 02:00:00:00:00:01' 'route add default dev em1' \
		'arp -s 192.0.2.66 02:00:00:00:00:01' 'ip neigh add 192.0.2.66 lladdr 02:00:00:00:00:01 dev em1' \
		'echo 1 >/proc/sys/net/ipv4/ip_forward'; do
		inside ve "$c"
		[ "$status" -ne 0 ] || { echo "allowed: $c"; return 1; }
	done
	inside ve 'ip link set em1 mtu 1300'
	has "Operation not permitted"
	inside ve 'probe setmtu em1; probe down em1'
	has EPERM
	hasnt OK
	[ "$(view ve ip -d addr)" = "$was" ]
}

@test "an inherited family follows the host: addresses and interfaces that come and go, beside the jail's own" {
	mk v vnet=off ip4=inherit 'ip6_addr=em0|2001:db8::10/64'
	up v
	ok view v ip -o -4 addr show dev em0
	has "inet 192.0.2.1/24"
	ip addr add 198.51.100.7/24 dev em1
	ip addr add 192.0.2.77/24 dev em0
	shows() { view v ip -o addr show dev "$1" | grep -qF " $2 "; }
	hides() { ! view v ip -o addr 2>/dev/null | grep -qF " $1 "; }
	eventually shows em1 198.51.100.7/24
	eventually shows em0 192.0.2.77/24
	shows em0 2001:db8::10/64
	ip addr del 192.0.2.77/24 dev em0
	eventually hides 192.0.2.77/24
	ip link add em2 address 02:00:5e:00:01:02 type veth peer name em2far
	ip link set em2 up
	ip addr add 203.0.113.7/24 dev em2
	eventually shows em2 203.0.113.7/24
	ip link del em2
	eventually hides 203.0.113.7/24
	# the host's IPv6 addresses are none of its business
	hides 2001:db8::1/64
	inside_ok v 'ip -o addr show dev em0'
	has "2001:db8::10/64"
	hasnt "2001:db8::1/64"
}
