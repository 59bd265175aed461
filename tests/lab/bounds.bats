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
	[ $((${1% *} - ${2% *})) -ge 50 ] || [ "${1#* }" != "${2#* }" ] || return 0
	echo "had $1, has $2"
	return 1
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

@test "terminals: no more than pseudoterminals; the console of another jail works" {
	takers sp vp
	ok iocage set pseudoterminals=deny=40 vp
	up sp
	up vp
	hold sp ptys
	[ "$got" = '256 ENOSPC' ]
	hold vp ptys
	[ "$got" = '40 ENOSPC' ]
	run python3 "$LAB_TOP/tests/lab/onpty.py" iocage exec vp -- true
	for p in $TAKERS; do kill -KILL "$p"; done
	TAKERS=''
	eventually iocage exec sp -- counters ptys
}

@test "processes: a fork bomb in each of two jails at once, and the host and a third go on" {
	takers sb vb vx
	up sb
	up vb
	up vx
	hold sb processes
	[ "${got#* }" = EAGAIN ]
	[ "${got% *}" -le 8192 ]
	hold vb processes
	[ "${got#* }" = EAGAIN ]
	[ "$(sh -c 'echo host | cat')" = host ]
	inside_ok vx 'echo third'
	has third
	# its own rc.shutdown finds no room for a process; what is there ends all the same
	ok iocage stop -f sb
	ok iocage stop -f vb
}

@test "limits of processes are the same whoever starts them: init, exec, and a caller with few or with none of its environment" {
	mk vr vnet=on interfaces=vnet0:none ip4_addr=none exec_start='/bin/sh -c "cat /proc/self/limits >/limits"'
	(
		ulimit -S -n 77 -s 1000 -c unlimited -f 100000 -t 600
		env -i IOCAGE_ROOT="$IOCAGE_ROOT" IOCAGE_RUN="$IOCAGE_RUN" "$IOCAGE" start vr
	)
	cp "$(upper vr)/limits" "$LAB_TMP/limits.low"
	inside_ok vr 'cat /proc/self/limits'
	diff <(echo "$output") "$LAB_TMP/limits.low"
	down vr
	up vr
	diff "$(upper vr)/limits" "$LAB_TMP/limits.low"
	grep -q '^Max open files  *1024 ' "$LAB_TMP/limits.low"
	grep -q '^Max stack size  *8388608 ' "$LAB_TMP/limits.low"
	(
		ulimit -S -n 77 -c unlimited
		iocage exec vr -- cat /proc/self/limits
	) | diff - "$LAB_TMP/limits.low"
	[ "$(awk '/Max open files/ { print $4 }' "/proc/$(init_pid vr)/limits")" = 1024 ]
	down vr
	ok iocage set openfiles=deny=20 stacksize=deny=1m coredumpsize=deny=0 datasize=deny=256m vmemoryuse=deny=512m memorylocked=deny=64k vr
	up vr
	inside_ok vr 'cat /proc/self/limits'
	for want in 'open files  *20  *20 ' 'stack size  *1048576  *1048576 ' 'data size  *268435456  *268435456 ' \
		'address space  *536870912  *536870912 ' 'locked memory  *65536  *65536 '; do
		grep -q "^Max $want" <<<"$output"
	done
	down vr
}

@test "tmpfs: /dev/shm is full at tmpfs_size and tmpfs_inodes" {
	mk vm vnet=on interfaces=vnet0:none ip4_addr=none tmpfs_size=1m tmpfs_inodes=20
	up vm
	inside vm 'dd if=/dev/zero of=/dev/shm/f bs=64k count=100'
	has 'No space left'
	inside vm 'rm /dev/shm/f; for i in $(seq 40); do echo >/dev/shm/f$i || break; done; ls /dev/shm | wc -l'
	has 19
	fails 1 iocage set tmpfs_size=lots vm
	down vm
	ok iocage set tmpfs_size=10% tmpfs_inodes=65536 vm
	up vm
	mem=$(awk '/MemTotal/ { print $2 }' /proc/meminfo)
	shm=$(iocage exec vm -- df -k /dev/shm | awk 'END { print $2 }')
	[ "$shm" -le $((mem / 9)) ]
}

@test "System V IPC: as many as the properties say" {
	takers vi
	ok iocage set nshm=deny=7 vi
	up vi
	inside_ok vi 'counters segments'
	has '7 ENOSPC'
	inside_ok vi 'cat /proc/sys/kernel/sem /proc/sys/kernel/msgmni /proc/sys/kernel/shmall'
	has 512
	has 65536
	[ "$(cat /proc/sys/kernel/shmmni)" != 7 ]
}

@test "control groups: number and depth; deep and wide ones are removed with few descriptors" {
	takers vg
	ok iocage set exec_init=/bin/init.sh cgroup_max=300 cgroup_depth=0 vg
	printf '#!/bin/sh\nexec sleep 100000\n' >"$LAB_TMP/init.sh"
	put vg "$LAB_TMP/init.sh" bin/init.sh
	chmod 755 "$(upper vg)/bin/init.sh"
	up vg
	inside_ok vg 'counters groups'
	has '300 EAGAIN'
	inside vg 'echo max >/sys/fs/cgroup/cgroup.max.descendants && echo free'
	hasnt free
	down vg
	ok iocage set cgroup_max=0 stop_timeout=0 vg
	up vg
	inside_ok vg 'counters depth'
	(
		ulimit -n 256
		iocage stop -f vg
	)
	[ ! -e "$SHOT_GROUP/vg" ]
	ok iocage set cgroup_depth=32 vg
	up vg
	inside_ok vg 'counters depth'
	has '32 EAGAIN'
	ok iocage stop -f vg
}

@test "masks are there without a /dev of ours, whatever the jail has at /dev/null" {
	for what in nothing file link; do
		mk vn vnet=on interfaces=vnet0:none ip4_addr=none mount_devfs=0
		mkdir -p "$(upper vn)/dev"
		case $what in
		file) echo trap >"$(upper vn)/dev/null" ;;
		link) ln -sf /proc/keys "$(upper vn)/dev/null" ;;
		esac
		up vn
		for f in keys timer_list key-users kcore; do
			[ ! -e "/proc/$f" ] || [ "$(iocage exec vn -- stat -c %t:%T /proc/$f)" = 1:3 ]
		done
		down vn
		ok iocage destroy -f vn
	done
}

@test "allow_mount: mounting works without a namespace of one's own; masks stay" {
	mk vo vnet=on interfaces=vnet0:none ip4_addr=none allow_mount=1
	up vo
	inside_ok vo 'mkdir -p /m && mount -t tmpfs tmpfs /m && grep " /m " /proc/mounts'
	inside vo 'umount /proc/keys && echo uncovered'
	hasnt uncovered
	inside vo 'umount /proc && echo uncovered'
	hasnt uncovered
}
