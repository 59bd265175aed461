#!/usr/bin/env bats
# held.bats - whatever way a process comes into a jail, it is held as the jail's own first ones are.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/held" "$LAB_TOP/tests/lab/held.c"
}
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# Both kinds of jail, whose start has left a process of its own: what it says is the measure.
mkheld() {
	mk hs vnet=off 'ip4_addr=em0|192.0.2.10/24' exec_start='/bin/sh -c "mkdir -p /tmp; held /own & true"'
	mk hv vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' exec_start='/bin/sh -c "mkdir -p /tmp; held /own & true"'
	for j in hs hv; do
		put $j "$LAB_TMP/held" bin/held
		put $j "$LAB_TMP/held" bin/held-suid
		chmod 4755 "$(upper $j)/bin/held-suid"
		up $j
		eventually grep -q end "$(upper $j)/own"
		grep -v end "$(upper $j)/own" >"$LAB_TMP/own.$j"
	done
	# the measure itself
	grep -q 'bind 0.0.0.0: 192.0.2.10' "$LAB_TMP/own.hs"
	grep -q 'bind 127.0.0.1: 192.0.2.10' "$LAB_TMP/own.hs"
	grep -q 'bind 192.0.2.1: Cannot assign' "$LAB_TMP/own.hs"
	grep -q 'Seccomp:.2' "$LAB_TMP/own.hs"
	grep -q 'bind 192.0.2.1: Cannot assign' "$LAB_TMP/own.hv"
	grep -q 'Seccomp:.2' "$LAB_TMP/own.hv"
	grep -q 'mount: Operation not permitted' "$LAB_TMP/own.hs"
	grep -q 'mount: Operation not permitted' "$LAB_TMP/own.hv"
}

same_as_own() {
	diff "$LAB_TMP/own.$1" - <<<"$output" || {
		echo "in $1 (<: the jail's own)"
		return 1
	}
}

# The host's view of a process that `held FILE` left: group, namespaces, ids.
same_place() {
	local p own=$2 mine=$3 n
	for p in "$own" "$mine"; do
		sed -n 's/^0:://p' "/proc/$p/cgroup"
		cat "/proc/$p/uid_map" "/proc/$p/gid_map"
		for n in cgroup ipc mnt net pid user uts; do readlink "/proc/$p/ns/$n"; done
		readlink "/proc/$p/root"
	done >"$LAB_TMP/places"
	n=$(($(wc -l <"$LAB_TMP/places") / 2))
	diff <(head -n $n "$LAB_TMP/places") <(tail -n $n "$LAB_TMP/places")
	grep -q "/$1/jail" "$LAB_TMP/places"
}

@test "a command of exec, its child, and a child of that" {
	mkheld
	for j in hs hv; do
		ok iocage exec $j -- held
		same_as_own $j
		ok iocage exec $j -- /bin/sh -c 'held; true'
		same_as_own $j
		ok iocage exec $j -- /bin/sh -c '/bin/sh -c "held; true"; true'
		same_as_own $j
	done
}

@test "what outlives exec: a daemon's grandchild" {
	mkheld
	for j in hs hv; do
		ok iocage exec $j -- /bin/sh -c '(setsid held /daemon >/dev/null 2>&1 </dev/null &) ; exit 0'
		eventually grep -q end "$(upper $j)/daemon"
		output=$(grep -v end "$(upper $j)/daemon")
		same_as_own $j
		same_place $j "$(pgrep -x -f 'held /own' | while read -r p; do grep -q "/$j/jail" "/proc/$p/cgroup" && echo "$p"; done)" \
			"$(pgrep -x -f 'held /daemon' | while read -r p; do grep -q "/$j/jail" "/proc/$p/cgroup" && echo "$p"; done)"
	done
	# and its sockets are still answered: the broker serves it as long as it lives
	ok iocage exec hs -- /bin/sh -c '(setsid /bin/sh -c "sleep 1; held /late" >/dev/null 2>&1 </dev/null &) ; exit 0'
	eventually grep -q end "$(upper hs)/late"
	output=$(grep -v end "$(upper hs)/late")
	same_as_own hs
	for j in hs hv; do down $j; done
	run pgrep -x -f 'held /(daemon|late|own)'
	[ "$status" -ne 0 ]
}

@test "a set-user-ID program of the jail is the jail's root and no more" {
	mkheld
	for j in hs hv; do
		ok iocage exec -U nobody $j -- held-suid
		same_as_own $j
		# without the bit: the user
		ok iocage exec -U nobody $j -- held
		has "euid: 65534"
		# what only root's capabilities open is all that differs
		diff <(grep -v -E '^(euid|packet)' "$LAB_TMP/own.$j") <(grep -v -E '^(euid|packet)' <<<"$output")
		has "packet: Operation not permitted"
	done
}

@test "console, from a pipe and on a terminal, and what it leaves running" {
	mkheld
	for j in hs hv; do
		output=$(echo held | iocage console $j)
		same_as_own $j
		echo '(setsid held /left >/dev/null 2>&1 </dev/null &)' | iocage console $j
		eventually grep -q end "$(upper $j)/left"
		output=$(grep -v end "$(upper $j)/left")
		same_as_own $j
		timeout 60 python3 "$LAB_TOP/tests/lab/onpty.py" wait=1 'type=(setsid held /tty >/dev/null 2>&1 </dev/null &)\n' wait=1 \
			'type=exit\n' -- iocage console $j >/dev/null || true
		eventually grep -q end "$(upper $j)/tty"
		output=$(grep -v end "$(upper $j)/tty")
		same_as_own $j
	done
}

@test "hooks inside and a soft restart: the same" {
	mkheld
	for j in hs hv; do
		ok iocage set exec_stop='/bin/sh -c "held /stopped & sleep 0.3"' $j
		ok iocage restart -s $j
		eventually grep -q end "$(upper $j)/stopped"
		output=$(grep -v end "$(upper $j)/stopped")
		same_as_own $j
	done
}
