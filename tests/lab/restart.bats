#!/usr/bin/env bats
# restart.bats - a jail that reboots, halts or dies from inside: what starts it again, what does not, and how often.
# shellcheck disable=SC2016 # expanded inside

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

both_kinds() {
	mk s 'ip4_addr=em0|192.0.2.21/24,em0|192.0.2.22/24' 'ip6_addr=em0|2001:db8::21/64' "$@"
	mk v vnet=on 'ip4_addr=vnet0|10.7.7.2/24' interfaces=vnet0:bridge7 "$@"
}

# A first process of its own, that does as it is told: first J 'shell text'
first() {
	printf '#!/bin/sh\n%s\n' "$2" >"$LAB_TMP/first"
	chmod 755 "$LAB_TMP/first"
	put "$1" "$LAB_TMP/first" sbin/first
	ok iocage set exec_init=/sbin/first "$1"
}

log() {
	cat "$IOCAGE_ROOT/log/$1-console.log"
}

log_has() {
	eventually grep -qF "$2" "$IOCAGE_ROOT/log/$1-console.log" || {
		log "$1"
		return 1
	}
}

# again J PID: it is up, with another first process than PID
again() {
	local i
	for i in $(seq 100); do
		if [ "$(init_pid "$1" 2>/dev/null)" != "$2" ] && is_up "$1" 2>/dev/null; then return 0; fi
		sleep 0.1
	done
	log "$1"
	return 1
}

# Down, with nobody about to change that.
stays_down() {
	eventually is_down "$1"
	sleep 2.5
	is_down "$1"
	[ ! -e "$IOCAGE_RUN/jails/$1" ]
}

addrs() {
	inside_ok "$1" "ip -o addr show scope global | sed -E 's/^[0-9]+: //; s/(valid|preferred)_lft.*//'; cat /sys/class/net/*/address | sort"
	printf '%s\n' "$output"
}

@test "reboot inside is a stop and a start: hooks, addresses, files and log, in both networks" {
	local j pid h how
	printf '#!/bin/sh\necho "$IOCAGE_NAME ${0##*/}" >>%s\ncat /proc/self/oom_score_adj >%s\n' "$LAB_TMP/hooks" "$LAB_TMP/oom" >"$LAB_TMP/prestart"
	chmod 755 "$LAB_TMP/prestart"
	for h in poststart prestop poststop; do cp "$LAB_TMP/prestart" "$LAB_TMP/$h"; done
	world_snapshot before
	both_kinds "exec_prestart=$LAB_TMP/prestart" "exec_poststart=$LAB_TMP/poststart" "exec_prestop=$LAB_TMP/prestop" \
		"exec_poststop=$LAB_TMP/poststop" 'exec_stop=/bin/touch /stopped'
	for j in s v; do
		up $j
		addrs $j >"$LAB_TMP/addrs"
		for how in reboot 'reboot -f'; do
			inside_ok $j 'rm -f /stopped; touch /dev/shm/gone'
			: >"$LAB_TMP/hooks"
			pid=$(init_pid $j)
			inside $j "$how"
			again $j "$pid"
			eventually grep -q poststart "$LAB_TMP/hooks"
			[ "$(tr '\n' ' ' <"$LAB_TMP/hooks")" = "ioc-$j prestop ioc-$j poststop ioc-$j prestart ioc-$j poststart " ]
			[ "$(cat "$LAB_TMP/oom")" -eq "$(cat /proc/self/oom_score_adj)" ]
			inside_ok $j '[ -e /stopped ] && [ ! -e /dev/shm/gone ]'
			addrs $j | diff "$LAB_TMP/addrs" -
		done
		log_has $j "* Rebooting $j: root in it called reboot(2)"
	done
	down s v
	world_same before
}

@test "halt and poweroff inside are a stop, whatever the property restart says" {
	local j how
	world_snapshot before
	both_kinds restart=on "exec_poststop=/bin/touch $LAB_TMP/poststop"
	for j in s v; do
		for how in halt poweroff 'poweroff -f'; do
			up $j
			rm -f "$LAB_TMP/poststop"
			inside $j "$how"
			stays_down $j
			[ -e "$LAB_TMP/poststop" ]
		done
		log_has $j "* Stopping $j: root in it called reboot(2) to halt"
	done
	world_same before
}

@test "who is not root of the jail ends nothing: other users, other namespaces, other commands of reboot(2)" {
	local j pid
	both_kinds
	for j in s v; do
		put $j "$LAB_TMP/trycall" bin/trycall
		up $j
		pid=$(init_pid $j)
		run iocage exec -U nobody $j reboot -f
		[ "$status" -ne 0 ]
		inside_ok $j 'trycall reboot'
		is "reboot EPERM"
		sleep 0.5
		[ "$(init_pid $j)" = "$pid" ]
		is_up $j
		down $j
	done
	ok iocage set children_max=9 s
	ok iocage set children_max=9 v
	for j in s v; do
		up $j
		pid=$(init_pid $j)
		# root of a user namespace of its own, in the jail's pid namespace
		inside $j 'unshare -Ur reboot -f'
		[ "$status" -ne 0 ]
		# a pid namespace of its own is the kernel's to end
		inside $j 'unshare -Urpf sh -c "reboot -f; sleep 100"'
		[ "$status" -ne 0 ]
		sleep 0.5
		[ "$(init_pid $j)" = "$pid" ]
		is_up $j
		down $j
	done
}

@test "restart: a jail whose first process is gone stays down, or not" {
	local pid
	world_snapshot before
	mk a 'ip4_addr=em0|192.0.2.21/24'
	up a
	kill -9 "$(init_pid a)"
	stays_down a
	log_has a 'a ended by itself'
	ok iocage set restart=on a
	up a
	pid=$(init_pid a)
	kill -9 "$pid"
	again a "$pid"
	# it holds for who runs already
	pid=$(init_pid a)
	ok iocage set restart=off a
	kill -9 "$pid"
	stays_down a
	fails 1 iocage set restart=always a
	has 'not a valid value for restart'
	world_same before
}

@test "restart=on-failure: exit status 0 is none, another one and a signal are" {
	local pid
	mk a restart=on-failure
	first a '[ ! -e /fail ] || { rm /fail; sleep 1; exit 3; }; while [ ! -e /quit ]; do sleep 0.1; done; exit 0'
	up a
	pid=$(init_pid a)
	kill -9 "$pid"
	again a "$pid"
	pid=$(init_pid a)
	inside_ok a 'touch /fail'
	kill -9 "$pid"
	again a "$pid"
	pid=$(init_pid a)
	log_has a '(exit:3)' || skip "this kernel does not tell how a process ended to who is not its parent"
	again a "$pid"
	inside_ok a 'touch /quit'
	stays_down a
	log_has a '(exit:0)'
}

@test "a jail that ends again and again is left down, and list, get, doctor and the log say so" {
	world_snapshot before
	mk a restart=on
	first a 'sleep 0.4; exit 1'
	up a
	for _ in $(seq 200); do
		grep -q '^gave_up=1' "$IOCAGE_RUN/jails/a/restarts" 2>/dev/null && break
		sleep 0.1
	done
	log_has a 'a: not started again: that was done 5 times within 60 seconds'
	[ "$(log a | grep -c '^\* Starting a')" -eq 5 ]
	sleep 1.5
	run --separate-stderr iocage list -h
	[ "$(cut -f 3 <<<"$output")" = down ]
	has 'a: ended again and again, and is not started any more'
	run --separate-stderr iocage get -s a
	is down
	has 'ended again and again'
	fails 1 iocage doctor a
	has 'a: restarts: it ended again and again'
	has 'iocage start a'
	ok iocage gc
	run --separate-stderr iocage list -h
	has 'ended again and again'
	# a start by hand begins anew
	first a 'sleep 1000'
	up a
	run --separate-stderr iocage list -h
	hasnt 'again'
	ok iocage doctor a
	down a
	world_same before
}

@test "a stop wins: a jail that is about to be started again, or whose init reboots meanwhile, stays down" {
	local i
	world_snapshot before
	mk a restart=on stop_timeout=2
	first a 'sleep 0.3; exit 1'
	for i in 1 2 3 4 5 6; do
		run iocage start a
		sleep "0.$((i * 3 % 10))"
		run iocage stop a
		[ "$status" -eq 0 ] || iocage stop -f a
		stays_down a
	done
	# in the middle of its pause
	run iocage start a
	for _ in $(seq 100); do
		grep -q '^pending=' "$IOCAGE_RUN/jails/a/restarts" 2>/dev/null && [ ! -e "$IOCAGE_RUN/jails/a/state" ] &&
			[ "$(grep -c '^at=' "$IOCAGE_RUN/jails/a/restarts")" -gt 1 ] && break
		sleep 0.02
	done
	run iocage stop a
	[ "$status" -eq 0 ]
	has 'about to be started again, and is not any more'
	stays_down a
	log_has a 'not started again: another command stopped or started it meanwhile'
	# an init that reboots when it is asked to end
	first a 'trap "reboot -f" PWR; while :; do sleep 0.1; done'
	up a
	ok iocage stop a
	stays_down a
	# destroy, too
	first a 'sleep 0.3; exit 1'
	run iocage start a
	sleep 0.5
	ok iocage destroy -f a
	sleep 2.5
	[ ! -e "$IOCAGE_ROOT/jails/a" ] && [ ! -e "$IOCAGE_RUN/jails/a" ]
	world_same before
}

@test "set, start and restart meanwhile: one jail runs, as its configuration says" {
	local pid c
	world_snapshot before
	mk a 'ip4_addr=em0|192.0.2.21/24' 'exec_prestart=sleep 0.5; true' restart=on
	up a
	for c in 'start a' 'restart a' 'set ip4_addr=em0|192.0.2.23/24 a' 'set notes=x a'; do
		pid=$(init_pid a)
		inside a reboot
		# shellcheck disable=SC2086
		run iocage $c
		again a "$pid"
	done
	inside_ok a 'ip -o -4 addr show scope global'
	has 192.0.2.23/24
	hasnt 192.0.2.21/
	down a
	stays_down a
	world_same before
}

@test "a start that fails when it is to be started again is tried again, then given up" {
	mk a restart=on "exec_prestart=[ ! -e $LAB_TMP/refuse ]"
	up a
	touch "$LAB_TMP/refuse"
	kill -9 "$(init_pid a)"
	log_has a 'exec_prestart FAILED'
	rm "$LAB_TMP/refuse"
	again a 0
	touch "$LAB_TMP/refuse"
	kill -9 "$(init_pid a)"
	for _ in $(seq 150); do
		grep -q '^gave_up=1' "$IOCAGE_RUN/jails/a/restarts" 2>/dev/null && break
		sleep 0.1
	done
	log_has a 'not started again: that was done 5 times'
	is_down a
	rm "$LAB_TMP/refuse"
}

@test "who was about to start it again is killed: list says so, start does it, gc removes the note" {
	local how pid
	world_snapshot before
	mk a restart=on
	for how in start gc; do
		first a 'sleep 0.4; exit 1'
		run iocage start a
		for _ in $(seq 200); do
			pid=$(sed -n 's/^pending=//p' "$IOCAGE_RUN/jails/a/restarts" 2>/dev/null || true)
			[ -z "$pid" ] || [ "$(grep -c '^at=' "$IOCAGE_RUN/jails/a/restarts")" -lt 2 ] || break
			sleep 0.02
		done
		kill -9 "$pid"
		sleep 0.2
		run --separate-stderr iocage list -h
		has "a: was about to be started again when process $pid, which does that, was killed; iocage start a does it now"
		first a 'sleep 1000'
		if [ $how = start ]; then
			ok iocage start a
			down a
		else
			ok iocage gc
		fi
		run --separate-stderr iocage list -h
		hasnt again
		[ ! -e "$IOCAGE_RUN/jails/a" ]
	done
	world_same before
}

@test "busybox as init: reboot and poweroff" {
	local pid
	world_snapshot before
	mk a 'ip4_addr=em0|192.0.2.21/24' exec_init=/sbin/init
	printf '::shutdown:/bin/touch /went\n' >"$LAB_TMP/inittab"
	put a "$LAB_TMP/inittab" etc/inittab
	mkdir -p "$(upper a)/sbin"
	ln -sf /bin/busybox "$(upper a)/sbin/init"
	up a
	pid=$(init_pid a)
	inside_ok a reboot
	again a "$pid"
	inside_ok a '[ -e /went ]'
	inside_ok a poweroff
	stays_down a
	world_same before
}
