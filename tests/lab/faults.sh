#!/usr/bin/env bash
# faults.sh - a command is killed, or one of its system calls fails, at every point; then everything must be as before.
# Usage: faults.sh NAME kill|EIO|ENOMEM|... PREPARE RUN   (shell functions or commands; run inside world.sh, by faults.bats)
#
# The fault is put in by strace(1) at system call number N of the program itself, from the first lock it takes to its end,
# with FAULT_STEP between two points (1: every one). After each: what runs is stopped, `iocage gc`, and the world compared.
set -uo pipefail

name=$1 how=$2 prepare=$3 cmd=$4
step=${FAULT_STEP:-1}
tmp=$(mktemp -d "$LAB_TMP/faults.XXXXXX")

case $how in
kill) what=signal=KILL ;;
*) what=error=$how ;;
esac

# Everything a jail could leave, as text.
shot() {
	ip -o link show | sed -E 's/^[0-9]+: //; s/ state [A-Z]+//; s/@if[0-9]+/@/; s/NO-CARRIER,//; s/,LOWER_UP//' | sort
	ip -o addr show | sed -E 's/^[0-9]+: //; s/(valid|preferred)_lft [^ ]+//g' | sort
	{ ip route show table all; ip -6 route show table all; } | sed -E 's/ expires [^ ]+//; s/ linkdown//' | grep -v '^multicast ff00::/8' | sort
	nft list ruleset 2>/dev/null
	awk '{ print $5, $9, $10 }' /proc/self/mountinfo | grep -v -E '^/run/netns/|^/sys/fs/bpf bpf |/iocage-lab\.' | sort
	grep -F "$LAB_TMP" /proc/self/mountinfo | awk '{ print $5 }'
	find /sys/fs/cgroup -type d -path "*/iocage-$RUN_HASH*" 2>/dev/null | sort
	find "$IOCAGE_RUN" -mindepth 1 ! -path '*/lock/*' 2>/dev/null | sort
	find "$IOCAGE_ROOT" -mindepth 1 -path "*${SHOT_ROOT:-/none/}*" 2>/dev/null | sort
	xxd -p "$IOCAGE_RUN/jid" | tr -d '0\n'
}

# What the kernel does late gets a moment.
same() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		shot >"$tmp/after"
		cmp -s "$tmp/before" "$tmp/after" && return 0
		sleep 0.1
	done
	return 1
}

tidy() {
	local j
	for j in $FAULT_JAILS; do
		if [ "$(iocage get -s "$j" 2>/dev/null)" = up ]; then
			timeout 30 iocage stop -f "$j" >"$tmp/stop.out" 2>&1 || {
				echo "stop -f $j failed:"
				cat "$tmp/stop.out"
				return 1
			}
		fi
	done
	timeout 30 iocage gc >"$tmp/gc.out" 2>&1 || {
		echo "gc failed:"
		cat "$tmp/gc.out"
		return 1
	}
}

# How many system calls, and which of them is the first lock.
eval "$prepare" >/dev/null 2>&1
# shellcheck disable=SC2086
strace -o "$tmp/log" $cmd >"$tmp/out" 2>&1 || {
	echo "$name: does not work without a fault:"
	cat "$tmp/out"
	exit 1
}
tidy || exit 1
shot >"$tmp/before"
grep -vE '^(---|\+\+\+)' "$tmp/log" >"$tmp/calls"
total=$(wc -l <"$tmp/calls")
first=$(grep -n '^flock(' "$tmp/calls" | head -n 1 | cut -d : -f 1)
first=${first:-1}

points=0 bad=0 hit=0
for ((n = first + ${FAULT_OFFSET:-0} % step; n <= total; n += step)); do
	eval "$prepare" >/dev/null 2>&1
	# strace counts each system call by itself
	call=$(sed -n "${n}s/(.*//p" "$tmp/calls")
	# the kernel has no error to give here, and the C library expects none
	[ "$call" != brk ] || [ "$how" = kill ] || continue
	nth=$(head -n "$n" "$tmp/calls" | grep -c "^$call(")
	# shellcheck disable=SC2086
	(exec timeout 60 strace -o /dev/null -e "inject=$call:$what:when=$nth" $cmd >"$tmp/out" 2>&1 </dev/null) 2>/dev/null
	status=$?
	points=$((points + 1))
	[ $status -eq 0 ] || hit=$((hit + 1))
	if [ $status -eq 124 ]; then
		echo "$name, $how at call $n ($(sed -n "${n}p" "$tmp/calls" | cut -c1-90)): hangs"
		bad=$((bad + 1))
	fi
	if ! tidy >"$tmp/why" || ! same; then
		echo "$name, $how at call $n ($(sed -n "${n}p" "$tmp/calls" | cut -c1-90)), ended with $status:"
		cat "$tmp/why" "$tmp/out"
		diff "$tmp/before" "$tmp/after"
		bad=$((bad + 1))
		[ $bad -lt 5 ] || break
		shot >"$tmp/before" # only what is new next time
	fi
done
echo "$name, $how: $points points of $((total - first + 1)), $hit ended the command, $bad bad"
rm -rf "$tmp"
# faults that do no harm at all are not put in
[ $bad -eq 0 ] && [ $hit -gt $((points / 4)) ]
