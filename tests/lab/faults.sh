#!/usr/bin/env bash
# faults.sh - a command is killed, or one of its system calls fails, at every point; then the world is the old or the new one.
# Usage: faults.sh NAME "kill EIO ENOMEM..." PREPARE RUN [FINISH]   (shell text; run inside world.sh, by faults.bats)
#
# The fault is put in by strace(1) at system call number N of the program itself, from the first lock it takes to its end, with
# FAULT_STEP between two points (1: every one). Killed at the entry of call N is killed after call N-1: so every step of a plan
# is hit before and after. After each point FINISH (default: iocage gc), and everything shot.bash sees has to be what it was
# before RUN, or what it is after RUN without a fault: never anything else. Then FAULT_RESET and the jails of FAULT_JAILS
# stopped, and the world as it was before PREPARE.
# FAULT_ALSO=before allows that at once, for a command that stops and starts. FAULT_WHO=child: the points are those of the longest of its children.
set -uo pipefail

name=$1 hows=$2 prepare=$3 cmd=$4 finish=${5:-iocage gc}
step=${FAULT_STEP:-1}
also= # FAULT_ALSO=before: or nothing of it, of a command that is two
tmp=$(mktemp -d "$LAB_TMP/faults.XXXXXX")
# shellcheck source=tests/lab/shot.bash
. "$LAB_TOP/tests/lab/shot.bash"

# Sanitizers ask for memory by calls of their own and end when they get none; they look for leaks by ptrace(2), as strace does.
no_error='brk'
if grep -q __asan_init "$IOCAGE"; then
	export ASAN_OPTIONS=detect_leaks=0
	no_error='brk mmap munmap madvise'
fi

follow=
[ "${FAULT_WHO:-}" != child ] || follow=-f
# A console's log stays; the monitor makes it, and may have been ended before it came to that.
all() {
	{
		shot
		shot_files
		shot_inside
	} | sed -E '/\/log\/[^/]*-console\.log$/d' | sed -E "${FAULT_FILTER:-}"
}

# same FILE...: one of them. What the kernel does late gets a moment.
same() {
	local f
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		all >"$tmp/now"
		for f in "$@"; do
			cmp -s "$f" "$tmp/now" && return 0
		done
		sleep 0.1
	done
	return 1
}

die() {
	echo "$name: $1"
	cat "$tmp/out"
	exit 1
}

finish() {
	eval "timeout 30 $finish" >"$tmp/finish.out" 2>&1
}

# Back to where PREPARE begins.
reset() {
	local j
	for j in $FAULT_JAILS; do
		[ ! -e "$IOCAGE_RUN/jails/$j" ] || timeout 30 iocage stop -f "$j" >"$tmp/stop.out" 2>&1 ||
			grep -q 'is not running' "$tmp/stop.out" || {
			echo "stop -f $j failed:"
			cat "$tmp/stop.out"
		}
	done
	eval "${FAULT_RESET:-:}" >"$tmp/reset.out" 2>&1 || cat "$tmp/reset.out"
	timeout 30 iocage gc >"$tmp/gc.out" 2>&1 || {
		echo "gc failed:"
		cat "$tmp/gc.out"
	}
}

prepare() {
	eval "$prepare" >"$tmp/out" 2>&1 || die "cannot be prepared:"
}

# From nothing to the state after RUN, and back: twice, as the first time may leave what stays (a log, programs that are loaded).
reset
prepare
$cmd >"$tmp/out" 2>&1 || die "does not work without a fault:"
finish
reset
all >"$tmp/before"
prepare
sleep 0.15
all >"$tmp/old"
# shellcheck disable=SC2086
if [ -n "$follow" ]; then
	strace -ff -o "$tmp/log" $cmd >"$tmp/out" 2>&1 || die "does not work without a fault:"
	# the first made is the command itself
	log=$(wc -l "$tmp"/log.* | grep -v total | sort -k2V | tail -n +2 | sort -n | tail -n 1 | awk '{ print $2 }')
else
	strace -o "$tmp/log" $cmd >"$tmp/out" 2>&1 || die "does not work without a fault:"
	log=$tmp/log
fi
finish
sleep 0.15
all >"$tmp/new"
reset
same "$tmp/before" || {
	diff "$tmp/before" "$tmp/now"
	die "leaves something behind without a fault:"
}
# what the kernel has tried again until its lock was free is one call
grep -vE '^(---|\+\+\+)|= \? ERESTARTNOINTR' "$log" >"$tmp/calls"
total=$(wc -l <"$tmp/calls")
first=$(grep -n '^flock(' "$tmp/calls" | head -n 1 | cut -d : -f 1)
first=${first:-1}

[ "${FAULT_ALSO:-}" != before ] || also=$tmp/before
complain() {
	echo "$name, $how at call $n ($(sed -n "${n}p" "$tmp/calls" | cut -c1-90)), ended with $status: $1"
	cat "$tmp/out"
	echo "-- $finish"
	cat "$tmp/finish.out" "$tmp/why" 2>/dev/null
	# the nearest of those it could be
	local f near=$2 n least=1000000
	for f in "${@:2}"; do
		n=$(diff "$f" "$tmp/now" | wc -l)
		[ "$n" -ge $least ] || near=$f least=$n
	done
	[ "$2" = /dev/null ] || diff "$near" "$tmp/now" | head -n 40
	bad=$((bad + 1))
}

# try HOW OFFSET: every point of one kind of fault; how many, how many of them ended the command, how many were bad.
try() {
	local how=$1 what=error=$1 points=0 hit=0 n call nth status
	bad=0 state=before
	[ "$how" != kill ] || what=signal=KILL
	for ((n = first + $2 % step; n <= total; n += step)); do
		[ $bad -lt 5 ] || break
		# strace counts each system call by itself
		call=$(sed -n "${n}s/(.*//p" "$tmp/calls")
		# the kernel has no error to give here, and the C library expects none
		[[ " $no_error " != *" $call "* ]] || [ "$how" = kill ] || continue
		# and a close that fails has closed all the same, which strace does not do
		[ "$call" != close ] || [ "$how" = kill ] || n=$((n + 1))
		[ $n -le $total ] || break
		call=$(sed -n "${n}s/(.*//p" "$tmp/calls")
		[ "$call" != close ] || [ "$how" = kill ] || continue
		[ $state = old ] || prepare
		nth=$(head -n "$n" "$tmp/calls" | grep -c "^$call(")
		: >"$tmp/why"
		# shellcheck disable=SC2086
		{ timeout 60 strace $follow -o "$tmp/trace" -e "inject=$call:$what:when=$nth" $cmd >"$tmp/out" 2>&1 </dev/null; } 2>/dev/null
		status=$?
		points=$((points + 1))
		[ $status -eq 0 ] || hit=$((hit + 1))
		[ $status -ne 124 ] || { complain "it hangs" /dev/null; tail -n 20 "$tmp/trace" | cut -c1-150; }
		finish
		if ! same "$tmp/old" "$tmp/new" $also; then
			complain "neither the old world nor the new one" "$tmp/old" "$tmp/new" $also
		elif cmp -s "$tmp/old" "$tmp/now" && ! cmp -s "$tmp/old" "$tmp/before"; then
			state=old
			continue
		fi
		state=before
		cmp -s "$tmp/before" "$tmp/now" && continue
		reset >"$tmp/why"
		if ! same "$tmp/before"; then
			complain "not as it was before" "$tmp/before"
			cp "$tmp/now" "$tmp/before" # only what is new next time
		fi
	done
	[ $state = before ] || reset
	echo "$name, $how: $points points of $((total - first + 1)), $hit ended the command, $bad bad"
	# faults that do no harm at all are not put in
	[ $bad -eq 0 ] && { [ $points -lt 10 ] || [ $hit -gt $((points / 5)) ]; }
}

# not the same points for each kind
ok=0 offset=${FAULT_OFFSET:-0}
for h in $hows; do
	try "$h" "$offset" || ok=1
	offset=$((offset + step / 2))
done
rm -rf "$tmp"
exit $ok
