#!/usr/bin/env bash
# observed.sh - runs every line of a table of observed answers (observed.tsv) in jails made by minijail, and compares.
# Usage: observed.sh DIR [TABLE]   DIR has probe, minijail and iocage-bpf. Ends with `N passed, N failed`.
#
# A line: case TAB who TAB action TAB answer (- for any). `starts ...` leaves a server running until a line `end` (all
# of them) or `end CASE` (that one).
# Who: host, lan, or a jail: s1 (one address per family), s2 (two), s0 (none), sr (raw sockets).
set -euo pipefail

dir=$(cd "$1" && pwd)
table=${2:-$(dirname "$0")/observed.tsv}
host=hold-h-$$ lan=hold-l-$$
tmp=$(mktemp -d /tmp/observed.XXXXXX)
chmod 777 "$tmp"
cp "$dir/probe" "$tmp/probe"
chmod 755 "$tmp/probe"
export MINIJAIL_LIBEXEC=$dir
jails=() servers=()

in_ns() (
	local ns=$1
	shift
	exec nsenter --net="/run/netns/$ns" "$@"
)

leave() {
	set +e
	for f in "$tmp"/*.pid; do [ -s "$f" ] && kill -9 "$(cat "$f")" 2>/dev/null; done
	for p in "${servers[@]}"; do kill -9 "$p" 2>/dev/null; done
	for j in s1 s2 s0 sr; do [ -p "$tmp/$j" ] && timeout 1 sh -c "echo exit >'$tmp/$j'"; done
	for p in "${jails[@]}"; do wait "$p" 2>/dev/null; done
	in_ns "$host" "$dir/iocage-bpf" -r
	ip netns del "$host" 2>/dev/null
	ip netns del "$lan" 2>/dev/null
	rm -rf "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM

ip netns add "$host"
ip netns add "$lan"
ip link add em0 netns "$host" type veth peer name gw0 netns "$lan"
for f in default em0; do in_ns "$host" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad"; done
in_ns "$lan" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/gw0/accept_dad'
ip -n "$host" link set lo up
ip -n "$host" link set em0 up
ip -n "$lan" link set lo up
ip -n "$lan" link set gw0 up
ip -n "$host" addr add 192.0.2.1/24 dev em0
ip -n "$host" addr add 2001:db8::1/64 dev em0 nodad
ip -n "$lan" addr add 192.0.2.254/24 dev gw0
ip -n "$lan" addr add 2001:db8::254/64 dev gw0 nodad
ip -n "$lan" route add 224.0.0.0/4 dev gw0
ip -n "$host" route add default via 192.0.2.254
ip -n "$host" -6 route add default via 2001:db8::254
for n in 11 12 13 14; do
	ip -n "$host" addr add "192.0.2.$n/32" dev em0
	ip -n "$host" addr add "2001:db8::$n/128" dev em0 nodad preferred_lft 0
done
sleep 0.3

# One long-lived process per jail that runs the lines it reads: all actions of a jail are in the same jail.
jail() {
	local name=$1 hold=$2
	mkfifo -m 666 "$tmp/$name"
	in_ns "$host" "$dir/minijail" "$name-$$" em0 "$hold" /bin/sh -c \
		"exec 3<>'$tmp/$name'; echo ready >'$tmp/$name.ready'; while read -r l <&3; do eval \"\$l\" 3<&-; done" &
	jails+=($!)
	for _ in $(seq 100); do
		[ -s "$tmp/$name.ready" ] && return
		sleep 0.02
	done
	echo "observed: jail $name did not start" >&2
	exit 1
}
flags="saddrsel4=1 saddrsel6=1 reserved=1"
jail s1 "ip4=new ip6=new $flags raw=0 a=192.0.2.11,2001:db8::11"
jail s2 "ip4=new ip6=new $flags raw=0 a=192.0.2.12,192.0.2.13,2001:db8::12,2001:db8::13"
jail s0 "ip4=disable ip6=disable $flags raw=0"
jail sr "ip4=new ip6=disable $flags raw=1 a=192.0.2.14"

count=0
# run WHO ARG... : prints the answer
run() {
	local who=$1 out
	shift
	case $who in
	host | lan) in_ns "${!who}" timeout 10 "$tmp/probe" "$@" 2>&1 || true ;;
	*)
		out=$tmp/out.$count
		echo "timeout 10 $tmp/probe $* >$out 2>&1; echo >$out.done" >"$tmp/$who"
		for _ in $(seq 500); do
			[ -e "$out.done" ] && break
			sleep 0.02
		done
		cat "$out"
		;;
	esac
}

# start WHO ARG... : leaves it running, prints what it says first
start() {
	local who=$1 out=$tmp/out.$count pid=$tmp/$case.$count.pid
	shift
	case $who in
	host | lan)
		nsenter --net="/run/netns/${!who}" "$tmp/probe" "$@" >"$out" 2>&1 &
		echo $! >"$pid"
		;;
	*) echo "$tmp/probe $* >$out 2>&1 & echo \$! >$pid" >"$tmp/$who" ;;
	esac
	for _ in $(seq 150); do
		[ -s "$out" ] && break
		sleep 0.02
	done
	cat "$out"
}

passed=0 failed=0
while IFS=$'\t' read -r case who action want; do
	count=$((count + 1))
	if [ "$case" = end ]; then
		for f in "$tmp"/${who:+$who.}*.pid; do
			[ -s "$f" ] || continue
			kill -9 "$(cat "$f")" 2>/dev/null || true
			rm -f "$f"
		done
		sleep 0.05
		continue
	fi
	read -ra words <<<"$action"
	if [ "${words[0]}" = starts ]; then
		got=$(start "$who" "${words[@]:1}" </dev/null)
	else
		got=$(run "$who" "${words[@]}" </dev/null)
	fi
	if [ "$got" = "$want" ] || [ "$want" = - ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s %s: %s\n  want %s\n  got  %s\n' "$case" "$who" "$action" "$want" "$got"
	fi
done <"$table"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
