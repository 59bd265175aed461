#!/usr/bin/env bats
# monitor.bats - a jail's monitor is killed or stopped: nothing runs unheld, the next command says so and clears it away.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -I"$LAB_TOP/src" -o "$LAB_TMP/probe" "$LAB_TOP/tests/lab/probe.c"
}
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

monitor_pid() {
	sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/$1/state"
}

dead() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"
}

mkboth() {
	mk ms vnet=off 'ip4_addr=em0|192.0.2.10/24'
	mk mv vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	put ms "$LAB_TMP/probe" bin/probe
}

# kill9 JAIL: its monitor, and wait until it is gone
kill_monitor() {
	local m
	m=$(monitor_pid "$1")
	kill -9 "$m"
	eventually dead "$m"
}

@test "the monitor is killed: down to list and get, which say why; what is left cannot leave its addresses" {
	mkboth
	world_snapshot before
	up ms
	up mv
	for j in ms mv; do
		kill_monitor $j
		run --separate-stderr iocage get -s $j
		[ "$output" = down ]
		has "$j: its monitor (process "
		run --separate-stderr iocage list -H
		[ "$status" -eq 0 ]
		has "$j: its monitor (process "
		has "$(printf -- '-\t%s\tdown' $j)"
	done
	# no socket can be made any more in the host's stack
	p=$(init_pid ms)
	[ -d "/proc/$p" ]
	for j in ms mv; do
		p=$(init_pid $j)
		run --separate-stderr iocage stop $j
		[ "$status" -eq 0 ]
		has "was killed: ended the jail and removed what it had added"
		has "$j is not running!"
		eventually dead "$p"
	done
	world_same before
	# once told it is over
	run --separate-stderr iocage list -H
	[ -z "$stderr" ]
}

@test "a process that outlives the monitor gets no new socket, and keeps the old one held" {
	mk ms vnet=off 'ip4_addr=em0|192.0.2.10/24'
	put ms "$LAB_TMP/probe" bin/probe
	up ms
	serve ms 80 page
	iocage exec ms -- /bin/sh -c 'while :; do probe socket 4 tcp 0; sleep 0.1; done >/said 2>&1 &'
	eventually test -s "$(upper ms)/said"
	run cat "$(upper ms)/said"
	hasnt ENOSYS
	kill_monitor ms
	eventually grep -q socket:ENOSYS "$(upper ms)/said"
	[ "$(page http://192.0.2.10/)" = page ]
	run page http://192.0.2.1/
	[ "$status" -ne 0 ]
	ok iocage stop ms
}

@test "start after the monitor was killed: says so, and starts it anew" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		up $j
		p=$(init_pid $j)
		kill_monitor $j
		run --separate-stderr iocage start $j
		[ "$status" -eq 0 ]
		has "was killed: ended the jail and removed what it had added"
		eventually dead "$p"
		is_up $j
		inside_ok $j 'echo alive'
		is alive
		down $j
	done
	world_same before
}

@test "exec, console and restart after the monitor was killed; destroy, too" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		up $j
		kill_monitor $j
		fails 1 iocage exec $j -- /bin/true
		has "was killed: ended the jail and removed what it had added"
		has "$j is not running!"
		is_down $j
		up $j
		kill_monitor $j
		run --separate-stderr iocage exec -f $j -- /bin/echo again
		[ "$status" -eq 0 ]
		has again
		kill_monitor $j
		run --separate-stderr iocage console $j
		[ "$status" -eq 1 ]
		has "was killed"
		up $j
		kill_monitor $j
		ok iocage restart $j
		is_up $j
		kill_monitor $j
		ok iocage destroy -f $j
	done
	world_same before
}

@test "gc ends a jail whose monitor was killed, too" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		up $j
		kill_monitor $j
	done
	run --separate-stderr iocage gc
	[ "$status" -eq 0 ]
	has "ms: its monitor (process"
	has "mv: its monitor (process"
	world_same before
}

@test "the first process is killed: the monitor clears everything away by itself" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		up $j
		kill -9 "$(init_pid $j)"
		eventually is_down $j
	done
	world_same before
}

@test "monitor and first process are killed, in either order: the next command clears it away" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		for order in mi im both; do
			up $j
			m=$(monitor_pid $j) i=$(init_pid $j)
			case $order in
			mi) kill -9 "$m" && eventually dead "$m" && kill -9 "$i" ;;
			im) kill -STOP "$m" && kill -9 "$i" && eventually dead "$i" && kill -9 "$m" ;;
			both) kill -9 "$m" "$i" ;;
			esac
			eventually dead "$m"
			eventually dead "$i"
			run --separate-stderr iocage stop $j
			[ "$status" -eq 0 ]
			has "$j: "
			has "$j is not running!"
			world_same before || { echo "$j $order"; return 1; }
		done
	done
}

@test "the monitor is stopped (SIGSTOP): stop ends, with exec_stop and without; exec does not hang" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		ok iocage set exec_stop='/bin/sh -c "echo bye"' $j
		for force in '' -f; do
			up $j
			kill -STOP "$(monitor_pid $j)"
			ok timeout 60 iocage stop $force $j
			is_down $j
			world_same before
		done
	done
	up ms
	kill -STOP "$(monitor_pid ms)"
	fails 1 timeout 60 iocage exec ms -- /bin/true
	has "does not answer"
	ok timeout 60 iocage stop -f ms
	world_same before
}

@test "the monitor is the last to be chosen when memory runs out" {
	mk mo
	up mo
	# what root of this machine may do: a container's root may have lost the right
	want=$(sh -c 'echo -900 2>/dev/null >/proc/self/oom_score_adj; cat /proc/self/oom_score_adj')
	[ "$(cat "/proc/$(monitor_pid mo)/oom_score_adj")" = "$want" ]
	[ "$(cat "/proc/$(init_pid mo)/oom_score_adj")" = 0 ]
}

@test "the monitor hangs: set, exec, console and start find out, say so, and end it as if it had been killed" {
	mkboth
	world_snapshot before
	for j in ms mv; do
		up $j
		m=$(monitor_pid $j) p=$(init_pid $j)
		kill -STOP "$m"
		case $j in ms) new='em0|192.0.2.11/24' ;; mv) new='vnet0|10.7.0.6/24' ;; esac
		run --separate-stderr timeout 60 iocage set "ip4_addr=$new" $j
		[ "$status" -eq 0 ]
		has "$j: its monitor (process $m) does not answer"
		eventually dead "$m"
		eventually dead "$p"
		is_down $j
		world_same before
		up $j
		kill -STOP "$(monitor_pid $j)"
		fails 1 timeout 60 iocage exec $j -- /bin/true
		has "does not answer"
		is_down $j
		up $j
		kill -STOP "$(monitor_pid $j)"
		run --separate-stderr timeout 60 iocage start $j
		[ "$status" -eq 0 ]
		has "does not answer"
		is_up $j
		inside_ok $j 'echo alive'
		down $j
		world_same before
	done
}

@test "the broker hangs: an address is taken away all the same, and it is ended" {
	mk mb vnet=off 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	up mb
	m=$(monitor_pid mb)
	b=$(pgrep -o -P "$m")
	kill -STOP "$b"
	ok timeout 60 iocage set 'ip4_addr=em0|192.0.2.10/24' mb
	run ip -o addr show dev em0
	hasnt 192.0.2.11/
	eventually dead "$b"
	grep -q 'socket broker has ended' "$IOCAGE_ROOT/log/mb-console.log"
	fails 1 timeout 60 iocage exec mb -- /bin/true
	has 'restart the jail'
	ok iocage restart mb
	inside_ok mb true
}

@test "an init that ends at once: the start fails and shows the last of its console; one that was recorded is asked" {
	mk mi exec_init=/sbin/badinit
	printf '#!/bin/sh\necho I cannot live\nexit 3\n' >"$LAB_TMP/badinit"
	chmod 755 "$LAB_TMP/badinit"
	put mi "$LAB_TMP/badinit" sbin/badinit
	world_snapshot before
	fails 1 iocage start mi
	has 'init /sbin/badinit ended right after its start, with status 3'
	has 'I cannot live'
	is_down mi
	world_same before
}

@test "a console that its users close and open again is read on, and never blocks them" {
	mk mc exec_init=/sbin/conit
	printf '%s\n' '#!/bin/sh' 'exec </dev/null >/dev/null 2>&1' 'trap exit PWR' 'sleep 1' \
		'i=0; while [ $i -lt 5000 ]; do echo "line $i of many that are written to the console" >/dev/console; i=$((i + 1)); done' \
		'setsid sh -c "exec <>/dev/console >&0 2>&0; echo a session"' 'echo the last line >/dev/console' \
		'echo >/done; while :; do sleep 1; done' >"$LAB_TMP/conit"
	chmod 755 "$LAB_TMP/conit"
	put mc "$LAB_TMP/conit" sbin/conit
	ok iocage set console_log_size=4096 mc
	up mc
	for _ in 1 2 3 4 5 6; do eventually test -e "$(upper mc)/done" && break; done
	[ -e "$(upper mc)/done" ]
	log=$IOCAGE_ROOT/log/mc-console.log
	eventually grep -q 'the last line' "$log"
	[ "$(grep -c 'of many that are written' "$log")" -eq 5000 ]
	iocage stop -f mc
}
