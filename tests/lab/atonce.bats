#!/usr/bin/env bats
# atonce.bats - fifty processes on a shared set of jails: no deadlock, no lost update, nothing left. ATONCE_SECONDS sets how long.

setup_file() {
	load lib
	lab_setup_file
}

teardown_file() {
	load lib
	lab_teardown_file
}

setup() {
	load lib
}

teardown() {
	lab_reset
}

@test "fifty processes create, start, stop, set, list and destroy the same jails" {
	run "$LAB_TOP/tests/lab/atonce.sh" 50 "${ATONCE_SECONDS:-15}"
	echo "$output"
	echo "# ${lines[0]}; ${lines[${#lines[@]} - 1]}" >&3
	[ "$status" -eq 0 ]
	lab_reset
	ok iocage gc
	is 'Nothing to remove.'
	world_same file
}

@test "set by many at once loses no update" {
	local i
	mk u
	for i in $(seq 40); do iocage set "notes=$i" u & done
	wait
	[ "$(iocage get notes u)" -ge 1 ]
	for i in 1 2 3 4 5 6 7 8; do
		iocage set "comment=c$i" u &
		iocage set "owner=o$i" u &
		wait
		[ "$(iocage get comment u)" = "c$i" ]
		[ "$(iocage get owner u)" = "o$i" ]
	done
}

@test "two jails that make the same bridge start and stop together" {
	local i
	mk b1 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.1/24'
	mk b2 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.2/24'
	for i in 1 2 3 4 5 6 7 8; do
		iocage start b1 &
		iocage start b2
		wait $!
		inside_ok b1 ping -c 1 -W 2 10.97.0.2
		iocage stop b1 &
		iocage stop b2
		wait $!
		run ip link show both0
		[ "$status" -ne 0 ]
	done
}

# Each call that changes something outside takes so long that the two meet at every one of them; the second begins later.
slowly() {
	timeout 60 strace -o /dev/null -e trace=sendto,mkdirat,unlinkat,flock,bpf \
		-e inject=sendto,mkdirat,unlinkat,flock,bpf:delay_enter=10000 iocage "$@" >/dev/null
}

# in_step JAIL JAIL CHECK...: started together; the first stopped and started again while the other is stopped, and so on:
# two commands at a time, at several distances. CHECK holds when both run, "works JAIL" when one does; nothing is left.
in_step() {
	local a=$1 b=$2 later other
	shift 2
	world_snapshot step
	for later in ${ATONCE_LATER:-0 0.05 0.2}; do
		slowly start "$a" &
		other=$!
		sleep "$later"
		slowly start "$b"
		wait "$other"
		"$@"
		slowly stop "$a" &
		other=$!
		sleep "$later"
		slowly stop "$b"
		wait "$other"
		world_same step
		# one comes while the other goes
		up "$a"
		slowly stop "$a" &
		other=$!
		sleep "$later"
		slowly start "$b"
		wait "$other"
		works "$b"
		down "$b"
		world_same step
	done
}

@test "in step: a bridge both make, and the rules of their ports" {
	mk b1 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.1/24'
	mk b2 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.2/24'
	works() { ip -o link show master both0 | grep -q UP; }
	in_step b1 b2 inside_ok b1 ping -c 1 -W 2 10.97.0.2
}

@test "the group that all jails' groups are in goes with the last jail just when another one makes its own in it" {
	local pid
	mk g vnet=on interfaces=vnet0:none ip4_addr=none
	shot_init
	[ ! -e "$SHOT_GROUP" ]
	strace -o /dev/null -P "$SHOT_GROUP/g" -e trace=mkdirat,mkdir -e inject=mkdirat,mkdir:delay_enter=1500000:when=1 \
		iocage start g >"$LAB_TMP/out" 2>&1 &
	pid=$!
	eventually test -d "$SHOT_GROUP"
	rmdir "$SHOT_GROUP"
	wait "$pid" || { cat "$LAB_TMP/out"; return 1; }
	is_up g
}

@test "in step: NAT, with what is switched on for it, and forwarded ports" {
	mk n1 vnet=on nat=1 'nat_forwards=tcp(80:8081)'
	mk n2 vnet=on nat=1 'nat_forwards=tcp(80:8082)'
	works() { inside_ok "$1" ping -c 1 -W 2 192.0.2.254; }
	in_step n1 n2 inside_ok n1 ping -c 1 -W 2 192.0.2.254
}

# An uplink em1 with the lan's gw1 behind it, and two jails u1, u2 that take it into br7.
uplinked() {
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	lan ip addr add 198.51.100.254/24 dev gw1
	ip link set em1 addrgenmode none up
	ip addr add 198.51.100.1/24 dev em1
	ip link add br7 address 02:00:00:00:00:b7 type bridge
	ip link set br7 addrgenmode none up
	mk u1 vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|198.51.100.5/24' vnet_default_interface=em1
	mk u2 vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|198.51.100.6/24' vnet_default_interface=em1
}

@test "in step: an uplink that joins their bridge" {
	uplinked
	works() { inside_ok "$1" ping -c 1 -W 2 198.51.100.254; }
	in_step u1 u2 inside_ok u2 ping -c 1 -W 2 198.51.100.254
	lab_reset
	ip link del em1
	ip link del br7
}

@test "in step: one address for both, and addresses of one network" {
	mk s1 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.41/24'
	mk s2 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.41/24'
	works() { inside_ok "$1" ping -c 1 -W 2 192.0.2.254; }
	in_step s1 s2 inside_ok s2 ping -c 1 -W 2 192.0.2.254
	mk s3 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.42/24' 'ip6_addr=em0|2001:db8::42/64'
	in_step s1 s3 inside_ok s3 ping -c 1 -W 2 192.0.2.254
}

@test "in step: two that may not have the same address: one starts, the other is told whose it is, and takes nothing away" {
	local later first second
	mk s5 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.41/24,em0|192.0.2.45/24'
	mk s6 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.41/24,em0|192.0.2.46/24'
	world_snapshot step
	for later in ${ATONCE_LATER:-0 0.1}; do
		slowly start s5 2>"$LAB_TMP/s5" &
		first=$!
		sleep "$later"
		second=0
		slowly start s6 2>"$LAB_TMP/s6" || second=$?
		if wait "$first"; then
			[ "$second" -eq 1 ]
			grep -F '192.0.2.41 is in use by jail s5' "$LAB_TMP/s6"
			inside_ok s5 ping -c 1 -W 2 192.0.2.254
		else
			[ "$second" -eq 0 ]
			grep -F '192.0.2.41 is in use by jail s6' "$LAB_TMP/s5"
			inside_ok s6 ping -c 1 -W 2 192.0.2.254
		fi
		[ "$(ip -4 -o addr show dev em0 | grep -c 'inet 192\.0\.2\.4')" -eq 2 ]
		iocage stop s5 s6 || true
		world_same step
	done
}

@test "in step: a live change and a start that want the same address: one has it, the other is told" {
	local later other set started
	mk s1 'ip4_addr=em0|192.0.2.41/24'
	mk s9 'ip4_addr=em0|192.0.2.48/24'
	world_snapshot step
	for later in ${ATONCE_LATER:-0 0.1}; do
		set=0 started=0
		iocage set 'ip4_addr=em0|192.0.2.41/24' s1
		up s1
		slowly start s9 2>"$LAB_TMP/s9" &
		other=$!
		sleep "$later"
		slowly set 'ip4_addr=em0|192.0.2.41/24,em0|192.0.2.48/24' s1 2>"$LAB_TMP/s1" || set=$?
		wait "$other" || started=$?
		[ $((set + started)) -eq 1 ]
		grep -hF '192.0.2.48 is in use by jail' "$LAB_TMP/s1" "$LAB_TMP/s9"
		ip -4 addr show dev em0 | grep -F 192.0.2.48/24
		ip -4 addr show dev em0 | grep -F 192.0.2.41/24
		iocage stop s1 s9 || true
		world_same step
	done
}

# fails_beside JAIL JAIL THERE...: the first one's start fails while the other, started meanwhile, runs; THERE: it has begun
fails_beside() {
	local a=$1 b=$2 starting status=0
	shift 2
	iocage set 'exec_start=/bin/sh -c "sleep 3; false"' "$a"
	world_snapshot step
	iocage start "$a" &
	starting=$!
	eventually "$@"
	up "$b"
	wait "$starting" || status=$?
	[ "$status" -eq 1 ]
	works "$b"
	down "$b"
	world_same step
}

@test "a start that fails leaves what it made to the jail that has come to use it meanwhile" {
	mk s7 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.47/24'
	mk s8 allow_raw_sockets=1 'ip4_addr=em0|192.0.2.47/24'
	works() { inside_ok "$1" ping -c 1 -W 2 192.0.2.254; }
	fails_beside s7 s8 sh -c 'ip -4 addr show dev em0 | grep -q 192.0.2.47'
	mk n1 vnet=on nat=1 'nat_forwards=tcp(80:8081)'
	mk n2 vnet=on nat=1 'nat_forwards=tcp(80:8082)'
	fails_beside n1 n2 nft list chain inet iocage jail-n1
	mk b1 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.1/24'
	mk b2 vnet=on interfaces=vnet0:both0 'ip4_addr=vnet0|10.97.0.2/24'
	works() { ip -o link show master both0 | grep -q UP; }
	fails_beside b1 b2 ip link show both0
	uplinked
	works() { inside_ok "$1" ping -c 1 -W 2 198.51.100.254; }
	fails_beside u1 u2 sh -c 'ip -o link show em1 | grep -q "master br7"'
	lab_reset
	ip link del em1
	ip link del br7
}

# The stop of a jail waits when its journal is read and its control group about to be removed; its pid in $stopping.
pause_stop() {
	# the first two: what a live change may have left, and what replacing the state has
	strace -o /dev/null -e trace=unlinkat -e inject=unlinkat:delay_enter=1500000:when=3 \
		iocage stop -f "$1" >"$LAB_TMP/out" 2>&1 &
	stopping=$!
}

@test "an address that is passed on to a jail that stops at that moment is removed by one of them" {
	local i
	for i in 4 6; do
		if [ "$i" = 4 ]; then a='ip4_addr=em0|192.0.2.77/24'; else a='ip6_addr=em0|2001:db8::77/64'; fi
		mk "sa$i" vnet=off "$a"
		mk "sb$i" vnet=off "$a"
		world_snapshot step
		up "sa$i"
		up "sb$i"
		[ "$(grep -c '77' "$IOCAGE_RUN/jails/sb$i/journal")" -eq 0 ] # it has not added the address
		pause_stop "sb$i"
		sleep 0.5
		down "sa$i"
		wait "$stopping" || { cat "$LAB_TMP/out"; return 1; }
		world_same step
		ok iocage gc
		is 'Nothing to remove.'
	done
}
