#!/usr/bin/env bats
# gc.bats - what a crash left is found and removed; what others made is left alone and named.

setup_file() {
	load lib
	lab_setup_file
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	world_snapshot clean
}

teardown_file() {
	load lib
	ip link del br0
	lab_teardown_file
}

setup() {
	load lib
	mk v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24'
	mk s 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
}

teardown() {
	ip link del stranger 2>/dev/null || true
	lab_reset
	world_same clean
}

link_gone() {
	! ip link show "$1"
}

# Everything of both jails dies at once, the monitors first: nobody cleans up.
crash() {
	local j sub g
	for j in "$@"; do
		for sub in mon jail; do
			# groups of others come and go meanwhile
			g=$(find /sys/fs/cgroup -type d -path "*/iocage-$(run_hash)/$j/$sub" 2>/dev/null || :)
			echo 1 >"$g/cgroup.kill"
		done
	done
	for j in "$@"; do eventually is_down "$j"; done
}

@test "with nothing to do gc says so and changes nothing of running jails" {
	up v s
	ok iocage gc
	is 'Nothing to remove.'
	is_up v
	is_up s
}

@test "gc removes what jails that died without a word left" {
	up v s
	crash v s
	ok iocage gc --dry-run
	has 'v: would remove interface vnet0.'
	has 's: would remove alias 192.0.2.10/24 from em0'
	ip addr show dev em0 | grep -q 192.0.2.10
	ok iocage gc
	has 's: remove alias 2001:db8::10/64 from em0'
	world_same clean
	ok iocage gc
	is 'Nothing to remove.'
}

@test "gc finds by their marks what no journal knows any more" {
	up v s
	rm -rf "${IOCAGE_RUN:?}/jails"
	mkdir "$IOCAGE_RUN/jails"
	ok iocage gc
	has 'remove interface vnet0.'
	has 'remove alias 192.0.2.10/24 from em0'
	has 'remove control group of v'
	world_same clean
}

@test "an address and an interface that others made stay" {
	up s v
	ip addr add 192.0.2.77/24 dev em0
	crash s v
	ip addr del 192.0.2.10/24 dev em0
	ip addr add 192.0.2.10/24 dev em0
	run --separate-stderr iocage gc
	[ "$status" -eq 0 ]
	has 's: did not remove alias 192.0.2.10/24 from em0'
	ip addr show dev em0 | grep -q 192.0.2.77
	ip addr show dev em0 | grep -q 192.0.2.10
	ip addr del 192.0.2.77/24 dev em0
	ip addr del 192.0.2.10/24 dev em0
}

@test "an interface that took the name of one of ours is left alone and named" {
	up v
	local nic
	nic=$(ip -o link show | sed -n 's/.*\(vnet0\.[0-9]*\)@.*/\1/p')
	crash v
	eventually link_gone "$nic"
	ip link add stranger type bridge
	ip link set stranger name "$nic"
	run --separate-stderr iocage gc
	[ "$status" -eq 0 ]
	has "did not remove interface $nic"
	ip link show "$nic"
	ip link del "$nic"
}

@test "unfinished files, directories and ids nobody has are swept" {
	mkdir "$IOCAGE_ROOT/jails/.half.0123abcd"
	: >"$IOCAGE_ROOT/jails/s/.config.json.89abcdef"
	printf '\377\377' >"$IOCAGE_RUN/jid"
	ok iocage gc
	has 'removed 18 unfinished files and directories'
	[ ! -e "$IOCAGE_ROOT/jails/.half.0123abcd" ]
	[ ! -e "$IOCAGE_ROOT/jails/s/.config.json.89abcdef" ]
	up s
	[ "$(jid s)" = 1 ]
}

@test "what a killed start left is swept at once, though its jail's lock is still held for a moment" {
	printf '\002' >"$IOCAGE_RUN/jid"
	: >"$IOCAGE_ROOT/jails/s/.config.json.89abcdef"
	exec 7>"$IOCAGE_RUN/lock/s"
	flock 7
	sleep 0.5 3>&- &
	exec 7>&-
	ok iocage gc
	is 'removed 2 unfinished files and directories'
	wait
	[ ! -e "$IOCAGE_ROOT/jails/s/.config.json.89abcdef" ]
	up s
	[ "$(jid s)" = 1 ]
}

@test "a jail that is made and started while gc looks keeps its id" {
	local gc start
	mk t1 vnet=on interfaces=vnet0:none ip4_addr=none
	# gc knows the jails there are, and comes to the map of ids a moment later
	strace -o /dev/null -P jid -e trace=openat -e inject=openat:delay_enter=1500000 iocage gc >"$LAB_TMP/gc" 2>&1 &
	gc=$!
	sleep 0.3
	mk t2 vnet=on interfaces=vnet0:none ip4_addr=none
	# has its id, and does not say so before gc has been there
	strace -o /dev/null -P "$IOCAGE_RUN/jid" -e trace=close -e inject=close:delay_exit=3000000:when=1 iocage start t2 >"$LAB_TMP/start" 2>&1 &
	start=$!
	wait "$gc"
	kill -0 "$start" # or it was not in time
	wait "$start"
	up t1
	[ "$(jid t1)" != "$(jid t2)" ]
}

@test "a jail that stops while gc looks gives its id back once" {
	local gc stop
	mk t1 vnet=on interfaces=vnet0:none ip4_addr=none
	mk t2 vnet=on interfaces=vnet0:none ip4_addr=none
	mk t3 vnet=on interfaces=vnet0:none ip4_addr=none
	up t1
	# gc has the map, and has seen that nobody works on a jail
	strace -o "$LAB_TMP/trace" -P jails/t1/state -e trace=openat -e inject=openat:delay_enter=2000000:when=2 \
		iocage gc >"$LAB_TMP/gc" 2>&1 &
	gc=$!
	eventually grep -q t1/state "$LAB_TMP/trace"
	sleep 0.3
	strace -o /dev/null -P jid -e trace=openat -e inject=openat:delay_enter=5000000 iocage stop t1 >"$LAB_TMP/stop" 2>&1 &
	stop=$!
	wait "$gc"
	up t2
	kill -0 "$stop" # or it was not in time
	wait "$stop"
	up t3
	[ "$(jid t2)" != "$(jid t3)" ]
}

@test "gc leaves alone what another command works on" {
	up s
	crash s
	exec 7>"$IOCAGE_RUN/lock/s"
	flock 7
	run --separate-stderr iocage gc
	exec 7>&-
	[ "$status" -eq 0 ]
	has 's: left alone, another iocage command works on it'
	ip addr show dev em0 | grep -q 192.0.2.10
}
