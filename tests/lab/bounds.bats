#!/usr/bin/env bats
# bounds.bats - what one jail may take of what the host has once: by default, with the host and other jails beside it.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/counters" "$LAB_TOP/tests/lab/counters.c"
}
teardown_file() { lab_teardown_file; }
teardown() {
	local p
	for p in ${TAKERS:-}; do kill -KILL "$p" 2>/dev/null || true; done
	TAKERS=''
	lab_reset
}

# takers NAME...: jails that have counters(1); s*: shared IP, v*: VNET
takers() {
	local j i=10
	for j in "$@"; do
		case $j in
		s*) mk "$j" "ip4_addr=em0|192.0.2.$i/24" ;;
		*) mk "$j" vnet=on interfaces=vnet0:bridge0 "ip4_addr=vnet0|10.7.0.$i/24" ;;
		esac
		put "$j" "$LAB_TMP/counters" bin/counters
		mkdir -p "$(upper "$j")/tmp"
		chmod 1777 "$(upper "$j")/tmp"
		i=$((i + 1))
	done
}

# as_before HAD NOW: what the host's other programs have of it changes by a few meanwhile
as_before() {
	[ $((${1% *} - ${2% *})) -lt 50 ] && [ "${1#* }" = "${2#* }" ] || {
		echo "had $1, has $2"
		return 1
	}
}

# hold JAIL KIND [USER]: all there is of it, kept until the end of the test; what it says is in $got
hold() {
	local out=$LAB_TMP/got.$1.$2
	: >"$out"
	iocage exec ${3:+-u "$3"} "$1" -- counters "$2" hold >"$out" 2>&1 3>&- &
	TAKERS="${TAKERS:-} $!"
	for _ in $(seq 300); do
		! grep -q ' ' "$out" || break
		sleep 0.2
	done
	got=$(cat "$out")
}

@test "what the kernel counts per user is the jail's own: host root and other jails keep all of theirs" {
	takers sa vb
	for k in inotify fanotify mqueue timers locked; do
		up sa
		up vb
		had=$("$LAB_TMP/counters" $k)
		other=$(iocage exec vb -- counters $k)
		hold sa $k
		echo "$k: host $had, jail $got, other $other"
		[ "${got% *}" -gt 0 ]
		as_before "$had" "$("$LAB_TMP/counters" $k)"
		as_before "$other" "$(iocage exec vb -- counters $k)"
		hold vb $k
		as_before "$had" "$("$LAB_TMP/counters" $k)"
		for p in $TAKERS; do kill -KILL "$p" 2>/dev/null || true; done
		TAKERS=''
		# they do not outlive who took them, but are given back a moment later
		down sa
		down vb
	done
}

@test "a jail's own users share what is the jail's: one of them, and a service, take nothing of the host's" {
	takers vc
	down vc >/dev/null 2>&1 || true
	ok iocage set exec_start='/bin/sh -c "counters inotify hold >/tmp/got & counters timers hold >/tmp/timers & true"' vc
	had=$("$LAB_TMP/counters" inotify)
	timers=$("$LAB_TMP/counters" timers)
	up vc
	eventually grep -q ' ' "$(upper vc)/tmp/got"
	eventually grep -q ' ' "$(upper vc)/tmp/timers"
	as_before "$had" "$("$LAB_TMP/counters" inotify)"
	as_before "$timers" "$("$LAB_TMP/counters" timers)"
	inside_ok vc 'counters inotify'
	has '0 EMFILE'
}

@test "who is killed first when memory runs out does not depend on who started the jail" {
	mk so 'ip4_addr=em0|192.0.2.10/24'
	for adj in 700 -800; do
		# less than it is: not everybody's root may
		sh -c "echo $adj >/proc/self/oom_score_adj" 2>/dev/null || continue
		run sh -c "echo $adj >/proc/self/oom_score_adj && exec iocage start so"
		[ "$status" -eq 0 ]
		[ "$(cat "/proc/$(init_pid so)/oom_score_adj")" = 0 ]
		run sh -c "echo $adj >/proc/self/oom_score_adj && exec iocage exec so -- cat /proc/self/oom_score_adj"
		is 0
		inside so 'echo -100 >/proc/self/oom_score_adj && echo lowered'
		hasnt lowered
		down so
	done
}
