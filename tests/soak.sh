#!/usr/bin/env bash
# soak.sh - random operations with faults thrown in, for a long time: nothing may be left, grow or hang. Usage: see make soak.
#
#     tests/lab/world.sh tests/soak.sh        MINUTES=60  SEED=what an earlier run printed  ROUND=120 (operations of a round)
#
# One command after another on six jails of every kind, chosen by SEED alone. Some are killed (kill -9) after a time that
# SEED chooses, too; between them monitors, brokers, DHCP clients and first processes of jails are killed. After each round all
# of it is stopped and destroyed, and the world (shot.bash) is compared with what it was. Two jails run from start to end: the
# descriptors and the memory of their monitor, broker, lease keeper and first process are counted after each round.
set -uo pipefail

minutes=${MINUTES:-60} seed=${SEED:-$RANDOM$RANDOM} round=${ROUND:-120}
[ -n "${LAB_TMP:-}" ] || {
	echo "soak: run this by make soak, or through tests/lab/world.sh" >&2
	exit 2
}
export IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
# shellcheck source=tests/lab/shot.bash
. "$LAB_TOP/tests/lab/shot.bash"
mkdir -p "$LAB_TMP/bin" "$LAB_TMP/soak"
ln -sf "$IOCAGE" "$LAB_TMP/bin/iocage"
PATH=$LAB_TMP/bin:$PATH
tmp=$LAB_TMP/soak
jails=(k1 k2 k3 k4 k5 k6)
common='exec_init=builtin exec_start=/bin/true exec_stop=/bin/true'
bad=0 ops=0 killed=0 shot_down=0 rounds=0

# What a command may fail with, as another one before it was killed, or the jail is not in the state it wants.
allowed='is already running!|is not running!|not found!|already exists|was killed|is not up|took back|left over from its last run|'
allowed+='in use by another iocage command|another iocage command works on it|ended unexpectedly|has ended|carries .* of a running jail|'
allowed+="names (em0|vnet0), but|there is no interface vnet0 on this host|is in none of the jail's networks|"
allowed+='takes no more commands|was stopped in the meantime|enter the jail.*No such process|no longer|stop it first|is running|no address by DHCP|Nothing to undo|does not answer|Everything is as it was before'

# From 0 to $1 - 1, by the seed alone.
pick() {
	R=$((RANDOM % $1))
}

complain() {
	bad=$((bad + 1))
	echo "BAD (operation $ops, seed $seed): $*"
}

# --- the world: bridges, a DHCP server, an interface for hostnet ---

build() {
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	ip link add br8 address 02:00:00:00:00:b8 type bridge
	ip link set br8 addrgenmode none up
	ip netns add "soak-$$"
	ip link add s8 netns "soak-$$" type veth peer name srv8
	ip link set srv8 master br8 addrgenmode none
	ip link set srv8 up
	ip -n "soak-$$" link set s8 up
	ip -n "soak-$$" addr add 10.8.0.1/24 dev s8
	nsenter --net="/run/netns/soak-$$" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=s8 --bind-interfaces --user=root \
		--no-ping --dhcp-authoritative --dhcp-leasefile="$tmp/leases" --dhcp-range=10.8.0.50,10.8.0.99,255.255.255.0,2m \
		>"$tmp/dnsmasq.log" 2>&1 &
	server=$!
	ip link add em3 address 02:00:5e:00:00:23 type veth peer name gw3 netns "$(basename "$LAB_LAN_NS")"
	ip -n "$(basename "$LAB_LAN_NS")" link set gw3 up
	ip link set em3 addrgenmode none up
	ip addr add 198.18.0.1/24 dev em3
	ip route add 198.18.9.0/24 via 198.18.0.9
	printf '%s\n' 'cloned_interfaces="bridge7 bridge8"' 'ifconfig_bridge7="addm em3 up"' 'ifconfig_bridge8="inet 10.78.0.1/24"' >"$tmp/rc.conf"
	: >"$tmp/sysctl.conf"
	iocage fetch -r busybox >/dev/null
}

unbuild() {
	local j
	for j in longs longd; do
		iocage stop -f $j >/dev/null 2>&1
		iocage destroy -f $j >/dev/null 2>&1
	done
	kill "$server" 2>/dev/null
	ip link del srv8 2>/dev/null
	ip netns del "soak-$$" 2>/dev/null
}

# --- operations ---

# The addresses a jail may have: its own, so that no two quarrel.
properties() {
	local i=${1#k}
	pick 7
	case $R in
	0) echo "ip4_addr=em0|192.0.2.$((100 + i))/24" ;;
	1) echo "ip4_addr=em0|192.0.2.$((100 + i))/24,em0|203.0.113.$i/24 ip6_addr=em0|2001:db8::$i/64" ;;
	2) echo "vnet=on interfaces=vnet0:br0 ip4_addr=vnet0|10.77.0.$i/24 ip6_addr=vnet0|2001:db8:a::$i/64 defaultrouter=10.77.0.254" ;;
	3) echo "vnet=on interfaces=vnet0:own0,vnet1:own1 ip4_addr=vnet1|10.98.0.$i/24 defaultrouter=none" ;;
	4) echo "vnet=on nat=1 nat_forwards=tcp(80:$((8000 + i)))" ;;
	5) echo "vnet=on bpf=on dhcp=on dhcp_timeout=2 interfaces=vnet0:br8" ;;
	6) echo "ip4_addr=em0|192.0.2.$((100 + i))/24 assign_localhost=1" ;;
	esac
}

# A change that may be live. The jail's kind decides whether the words fit: an error is fine, half of it is not.
change() {
	local i=${1#k}
	pick 7
	case $R in
	0) echo "ip4_addr=em0|192.0.2.$((100 + i))/24,em0|192.0.2.$((120 + i))/24" ;;
	1) echo "ip4_addr=em0|203.0.113.$i/24 ip6_addr=none" ;;
	2) echo "ip4_addr=vnet0|10.77.0.$i/24,vnet0|10.77.0.$((100 + i))/24" ;;
	3) echo "defaultrouter=10.77.0.253" ;;
	4) echo "notes=$ops" ;;
	5) echo "assign_localhost=1 localhost_ip=none" ;;
	6) echo "assign_localhost=0" ;;
	esac
}

operation() {
	pick 6
	local j=${jails[R]}
	pick 40
	case $R in
	[0-4]) what="create -r busybox -n $j $common $(properties "$j")" ;;
	5) what="destroy -f $j" ;;
	[6-9] | 1[0-4]) what="start $j" ;;
	1[5-8]) what="stop $j" ;;
	19 | 20) what="stop -f $j" ;;
	21 | 22) what="restart $j" ;;
	23) what="restart -s $j" ;;
	2[4-8]) what="set $(change "$j") $j" ;;
	29 | 30) what="exec $j -- /bin/true" ;;
	31) what="get all $j" ;;
	32) what='list -l' ;;
	33) what="get -s $j" ;;
	34) what='gc' ;;
	35) what="hostnet apply -f $tmp/rc.conf -f $tmp/sysctl.conf" ;;
	36) what='hostnet undo' ;;
	37) what="exec longs -- /bin/true" ;;
	38) what="exec longd -- /bin/true" ;;
	39) what='sockets' ;;
	esac
}

# One command; killed after some milliseconds if the seed says so.
run_one() {
	local status pid after=
	operation
	ops=$((ops + 1))
	pick 5
	[ "$R" -ne 0 ] || {
		pick 25
		after=$R
	}
	echo "$ops ${after:+killed after $after ms: }iocage $what" >>"$tmp/log"
	# shellcheck disable=SC2086
	if [ -n "$after" ]; then
		iocage $what >"$tmp/out" 2>"$tmp/err" </dev/null &
		pid=$!
		sleep "0.$(printf '%03d' "$after")"
		kill -9 $pid 2>/dev/null && killed=$((killed + 1))
		wait $pid 2>/dev/null
		return
	fi
	# shellcheck disable=SC2086
	timeout -k 5 90 iocage $what >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	case $status in
	0) return ;;
	1) grep -qE "$allowed" "$tmp/err" && return ;;
	2) [ "${what%% *}" = set ] && return ;;
	esac
	# what does not fit the jail's kind is refused in words
	case $what in
	'set '* | 'create '*) [ $status -eq 1 ] && [ -s "$tmp/err" ] && return ;;
	esac
	complain "iocage $what: status $status: $(head -c 600 "$tmp/err")"
}

# Somebody who works for a jail is gone, without a word.
assassinate() {
	local j pid monitor
	pick 6
	j=${jails[R]}
	pick 4
	monitor=$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/$j/state" 2>/dev/null)
	[ "${monitor:-0}" -gt 0 ] || return 0
	case $R in
	0) pid=$monitor ;;
	1) pid=$(sed -n 's/^pid=//p' "$IOCAGE_RUN/jails/$j/state" 2>/dev/null) ;;
	2) pid=$(pgrep -P "$monitor" | head -n 1) ;;                             # the broker, if it has one
	3) pid=$(grep -v "^$monitor$" "$SHOT_GROUP/$j/mon/cgroup.procs" 2>/dev/null | tail -n 1) ;; # a lease keeper or its client
	esac
	[ "${pid:-0}" -gt 1 ] || return 0
	kill -9 "$pid" 2>/dev/null && shot_down=$((shot_down + 1))
	echo "$ops kill -9 $j ($R)" >>"$tmp/log"
}

# --- what there is ---

all() {
	{
		shot
		shot_files
	} | grep -v -- '-console.log'
}

# Back to the beginning; then everything has to be as it was.
settle() {
	local j i
	for j in "${jails[@]}"; do
		# what a killed command left is the next one's: twice is what a user would do
		timeout 90 iocage destroy -f "$j" >"$tmp/out" 2>&1 || timeout 90 iocage destroy -f "$j" >"$tmp/out" 2>&1 ||
			[ ! -e "$IOCAGE_ROOT/jails/$j" ] || complain "destroy -f $j: $(head -c 400 "$tmp/out")"
	done
	timeout 90 iocage hostnet undo >"$tmp/out" 2>&1 || complain "hostnet undo: $(head -c 400 "$tmp/out")"
	timeout 90 iocage gc >"$tmp/out" 2>&1 || complain "gc: $(head -c 400 "$tmp/out")"
	for ((i = 0; i < 40; i++)); do
		all >"$tmp/now"
		cmp -s "$tmp/before" "$tmp/now" && return
		sleep 0.2
	done
	complain "the world is not as it was (< before, > now):"
	diff "$tmp/before" "$tmp/now" | head -n 60
	tail -n 30 "$tmp/log"
	echo "(all of them: $tmp/log)"
	cp "$tmp/now" "$tmp/before"
}

# Descriptors and memory of what runs all the time: "name fds rss-kB"
long_lived() {
	local j p
	for j in longs longd; do
		for p in $(cat "$SHOT_GROUP/$j"/{jail,mon}/cgroup.procs 2>/dev/null); do
			echo "$j/$(tr -d '\0' <"/proc/$p/comm")/$p $(find "/proc/$p/fd" -mindepth 1 2>/dev/null | wc -l) $(awk '/^VmRSS/ { print $2 }' "/proc/$p/status")"
		done
	done | sort
}

# Processes of this run that no control group of a jail has: a moment after all is stopped there are none.
strays() {
	local p
	for p in $(pgrep -f '^iocage|/iocage' || :); do
		[ "$p" != $$ ] && [ "$p" != "$server" ] && tr '\0' '\n' 2>/dev/null <"/proc/$p/environ" | grep -qxF "IOCAGE_RUN=$IOCAGE_RUN" || continue
		grep -q '/long[sd]/' "/proc/$p/cgroup" 2>/dev/null || echo "$p $(tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline")"
	done
}

report() {
	local figures
	figures=$(long_lived | sed -E 's#/[0-9]+ # #' | awk '{ printf "%s%s %d fds %d kB", n++ ? ", " : "", $1, $2, $3 }')
	printf '%5d s  %6d operations, %d killed, %d of their processes shot, %d bad; %s; dying groups %s\n' "$SECONDS" "$ops" "$killed" \
		"$shot_down" "$bad" "$figures" "$(awk '/nr_dying_descendants/ { print $2 }' "$SHOT_GROUP/cgroup.stat" 2>/dev/null)"
}

# Between the first count and the last: no process another one, no descriptor more, no memory that grows.
compare_long() {
	join "$tmp/long.first" "$tmp/long.last" >"$tmp/long.both"
	[ "$(wc -l <"$tmp/long.both")" -eq "$(wc -l <"$tmp/long.first")" ] || complain "a process of a jail that ran all the time is another one"
	while read -r name fds rss fds2 rss2; do
		[ "$fds2" -le "$fds" ] || complain "$name: $fds descriptors, now $fds2"
		[ "$rss2" -le $((rss + rss / 4 + 512)) ] || complain "$name: $rss kB, now $rss2"
	done <"$tmp/long.both"
}

server=
trap 'unbuild' EXIT
echo "soak: seed $seed, $minutes minutes; again by: make soak MINUTES=$minutes SEED=$seed"
RANDOM=$seed
build
shot_init
# shellcheck disable=SC2086
iocage create -r busybox -n longs $common 'ip4_addr=em0|192.0.2.99/24' >/dev/null &&
	iocage create -r busybox -n longd $common vnet=on bpf=on dhcp=on interfaces=vnet0:br8 >/dev/null &&
	iocage start longs >/dev/null && iocage start longd >/dev/null || {
	echo "soak: the two jails that run all the time cannot be started" >&2
	exit 1
}
# a shared-IP jail, so that programs are loaded; a first round of everything; then the figures begin
all >"$tmp/before"
settle
all >"$tmp/before"
while [ $SECONDS -lt $((minutes * 60)) ] && [ $bad -lt 20 ]; do
	for ((k = 0; k < round; k++)); do
		run_one
		pick 6
		[ "$R" -ne 0 ] || assassinate
	done
	settle
	rounds=$((rounds + 1))
	long_lived >"$tmp/long.last"
	[ -e "$tmp/long.first" ] || cp "$tmp/long.last" "$tmp/long.first"
	report
done
compare_long
sleep 2
strays >"$tmp/strays"
[ ! -s "$tmp/strays" ] || {
	complain "processes that nobody ended:"
	cat "$tmp/strays"
}
echo "soak: seed $seed, $rounds rounds, $ops operations ($killed killed), $shot_down processes of jails shot, $SECONDS seconds: $bad bad"
[ $bad -eq 0 ] && echo "soak: PASSED" || echo "soak: FAILED"
[ $bad -eq 0 ]
