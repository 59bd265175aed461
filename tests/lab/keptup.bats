#!/usr/bin/env bats
# keptup.bats - addresses of running shared-IP jails that other programs take from the host: they come back, and it is said.

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
	ip link set em0 up
	ip -6 addr replace 2001:db8::1/64 dev em0 nodad
	ip route replace default via 192.0.2.254 2>/dev/null || true
	ip -6 route replace default via 2001:db8::254 2>/dev/null || true
}

mkkept() {
	mk "$1" vnet=off 'ip4_addr=em1|198.51.100.10/24,em1|198.51.100.11/24' 'ip6_addr=em1|2001:db8:5::10/64' "${@:2}"
}

on() {
	ip -o addr show dev "$1" | grep -q " $2 "
}

# All three aliases are on em1, and IPv6's is still no source for the host.
all_on() {
	on em1 198.51.100.10/24 && on em1 198.51.100.11/24 && on em1 2001:db8:5::10/64 &&
		ip -o addr show dev em1 to 2001:db8:5::10 | grep -q deprecated
}

monitor_pid() {
	sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/$1/state"
}

# The monitor looks at the host half a second after the start.
upped() {
	up "$@"
	sleep 0.8
}

log_of() {
	cat "$IOCAGE_ROOT/log/$1-console.log"
}

logged() {
	log_of "$1" | grep -qF "$2"
}

@test "an alias that is deleted or flushed comes back, marked as it was; the log and doctor say so; stop removes it" {
	world_snapshot before
	mkkept k
	upped k
	all_on
	ip addr del 198.51.100.11/24 dev em1
	eventually all_on
	eventually logged k 'iocage: 198.51.100.11/24 was removed from em1 by another program, and is put back'
	ip addr flush dev em1 scope global
	eventually all_on
	inside_ok k 'busybox nc -l -p 80 -s 198.51.100.10 & sleep 0.3; kill %1'
	ok iocage doctor k
	has 'alias-removed: a note'
	has 'another program removed 198.51.100.11/24 from em1, and it was put back 2 times'
	ok iocage list
	down k
	[ "$(ip -o addr show dev em1 scope global | wc -l)" -eq 0 ]
	iocage destroy -f k
	world_same before
}

@test "the host's own addresses that are flushed and put back at once stay before the aliases" {
	ip addr add 198.51.100.1/24 dev em1
	mkkept p
	upped p
	ip addr flush dev em1 scope global
	sleep 0.2
	ip addr add 198.51.100.1/24 dev em1
	eventually all_on
	[ "$(ip -o -4 addr show dev em1 | awk '{ print $4 }' | head -n 1)" = 198.51.100.1/24 ]
	ip route get 198.51.100.77 | grep -q 'src 198.51.100.1 '
	down p
	on em1 198.51.100.1/24
}

@test "IPv6 aliases lost on link down come back when it is up again, and not before" {
	mkkept d
	upped d
	ip link set em1 down
	sleep 1.2
	run ! on em1 2001:db8:5::10/64
	on em1 198.51.100.10/24
	ip link set em1 up
	eventually all_on
	ip link set em1 down
	ip link set em1 up
	eventually all_on
}

@test "stop of a jail whose interface is down, or whose address is away, leaves nothing" {
	world_snapshot before
	mkkept s
	upped s
	ip link set em1 down
	ip addr flush dev em1 scope global
	down s
	ip link set em1 up
	sleep 1.2
	[ "$(ip -o addr show dev em1 scope global | wc -l)" -eq 0 ]
	iocage destroy -f s
	world_same before
}

@test "what stops at the same moment does not leave an address behind" {
	mkkept r
	for i in 1 2 3 4 5 6; do
		upped r
		ip addr flush dev em1 scope global &
		down r
		wait
		[ "$(ip -o addr show dev em1 scope global | wc -l)" -eq 0 ]
	done
	sleep 0.5
	[ "$(ip -o addr show dev em1 scope global | wc -l)" -eq 0 ]
}

@test "what set takes away is not put back; what it brings is kept up" {
	mkkept c
	upped c
	ok iocage set 'ip4_addr=em1|198.51.100.10/24,em1|198.51.100.12/24' c
	sleep 1.2
	run ! on em1 198.51.100.11/24
	on em1 198.51.100.12/24
	ip addr del 198.51.100.12/24 dev em1
	eventually on em1 198.51.100.12/24
	run ! on em1 198.51.100.11/24
	ok iocage set ip6_addr=none c
	sleep 1.2
	run ! on em1 2001:db8:5::10/64
	ip addr flush dev em1 scope global
	eventually on em1 198.51.100.10/24
	run ! on em1 2001:db8:5::10/64
}

@test "an address of two jails: the one that has to remove it puts it back, also when that was passed on" {
	mk a vnet=off 'ip4_addr=em1|198.51.100.20/24'
	mk b vnet=off 'ip4_addr=em1|198.51.100.20/24'
	up a
	upped b
	ip addr del 198.51.100.20/24 dev em1
	eventually on em1 198.51.100.20/24
	down a
	on em1 198.51.100.20/24
	ip addr del 198.51.100.20/24 dev em1
	eventually on em1 198.51.100.20/24
	down b
	run ! on em1 198.51.100.20/24
}

@test "an address that was the host's own is not ours to put back" {
	ip addr add 198.51.100.30/24 dev em1
	mk h vnet=off 'ip4_addr=em1|198.51.100.30/24'
	upped h
	ip addr del 198.51.100.30/24 dev em1
	sleep 1.2
	run ! on em1 198.51.100.30/24
	# seen again, it is looked after as before: by nobody
	ip addr add 198.51.100.30/24 dev em1
	sleep 1
	down h
	on em1 198.51.100.30/24
}

@test "no fight: after five times in a minute it stays away, which the log and doctor say; doctor --fix ends that" {
	mkkept f
	upped f
	away_for_good 198.51.100.11/24 em1
	sleep 1.2
	run ! on em1 198.51.100.11/24
	logged f 'it is not put back any more'
	[ "$(log_of f | grep -c 'and is put back')" -eq 5 ]
	fails 1 iocage doctor f
	has 'alias-removed: a note: another program removed 198.51.100.11/24 from em1, and it was put back 5 times; after too many'
	has 'alias-missing'
	# the others are there
	on em1 198.51.100.10/24
	ok iocage doctor --fix f
	on em1 198.51.100.11/24
	ok iocage doctor f
	hasnt 'not put back'
}

@test "doctor names programs that run and change addresses" {
	mkkept w
	upped w
	cp "$(command -v sleep)" "$LAB_TMP/keepalived"
	"$LAB_TMP/keepalived" 60 &
	pid=$!
	ip addr del 198.51.100.11/24 dev em1
	eventually logged w "it may be keepalived (process $pid)"
	ok iocage doctor w
	has "it may be keepalived (process $pid)"
	kill "$pid"
	wait "$pid" || true
	ok iocage doctor w
	hasnt keepalived
}

@test "an interface that is removed and made again has them again, outside and inside" {
	mkkept n
	upped n
	ip link del em1
	sleep 1.2
	ip link add em1 address 02:00:5e:00:01:02 type veth peer name em1far
	ip link set em1far up
	ip link set em1 up
	eventually all_on
	inside_ok n 'ip -o addr show dev em1'
	has 198.51.100.10/24
	has 198.51.100.11/24
	eventually inside_ok n 'ip -o -6 addr show dev em1 | grep -q 2001:db8:5::10'
	inside_ok n 'ip link show dev em1'
	has 02:00:5e:00:01:02
	ip link set em1 mtu 1400
	eventually inside_ok n 'ip link show dev em1 | grep -q 1400'
	down n
	[ "$(ip -o addr show dev em1 scope global | wc -l)" -eq 0 ]
}

@test "a monitor that is flooded with events still sees what was lost" {
	mkkept o
	upped o
	for i in $(seq 200); do
		ip addr add "10.9.$i.1/32" dev em1
	done
	# the monitor is held meanwhile: its queue overflows
	kill -STOP "$(monitor_pid o)"
	for i in 1 2 3 4 5 6 7 8; do
		printf 'link set em1 mtu 1400\nlink set em1 mtu 1500\n%.0s' $(seq 300) | ip -batch -
	done
	ip addr flush dev em1 scope global
	kill -CONT "$(monitor_pid o)"
	eventually all_on
}

@test "the loopback's, too" {
	mk l vnet=off 'ip4_addr=lo|10.88.0.9/32'
	upped l
	ip addr del 10.88.0.9/32 dev lo
	eventually on lo 10.88.0.9/32
}

@test "VNET: IPv6 addresses outlive an interface that is down, inside and from outside" {
	ip link add own0 type bridge
	ip link set own0 up
	mk v vnet=on interfaces=vnet0:own0 'ip6_addr=vnet0|2001:db8:a::5/64' 'ip4_addr=vnet0|203.0.113.5/24'
	up v
	inside_ok v 'ip link set epair0b down; ip link set epair0b up; ip -o addr show dev epair0b'
	has 2001:db8:a::5/64
	has 203.0.113.5/24
	down v
	ip link del own0
}
