#!/usr/bin/env bash
# atonce.sh - many processes work on a shared set of jails for a while; every exit status must be explained.
# Usage: atonce.sh [WORKERS] [SECONDS] [SEED]   (inside world.sh; IOCAGE_ROOT and IOCAGE_RUN set, busybox fetched, em0 there)
set -uo pipefail

workers=${1:-50} seconds=${2:-30} seed=${3:-$RANDOM}
out=$(mktemp -d "$LAB_TMP/atonce.XXXXXX")
names=(a1 a2 a3 a4 a5 a6 a7 a8)
echo "seed $seed, $workers processes, $seconds seconds"

# What a command may fail with when others work on the same jail.
allowed="is already running!|is not running!|not found!|already exists!|in use by another iocage command|is in use by jail a"
allowed+="|was started in the meantime|was stopped in the meantime|left alone, another iocage command works on it"

# The first half of the jails are shared-IP ones, the others have stacks of their own: a live change fits whatever there is.
properties() {
	local n=${2#a}
	if [ "$n" -le 4 ]; then
		case $(($1 % 3)) in
		0) echo "ip4_addr=em0|192.0.2.$((100 + n))/24" ;;
		1) echo "ip4_addr=em0|192.0.2.$((100 + n))/24 assign_localhost=1" ;;
		2) echo "ip4_addr=em0|192.0.2.100/24 ip6_addr=em0|2001:db8::$n/64" ;;
		esac
		return
	fi
	case $(($1 % 3)) in
	0) echo "vnet=on interfaces=vnet0:shared0 ip4_addr=vnet0|10.99.0.$n/24" ;;
	1) echo "vnet=on interfaces=vnet0:shared0,vnet1:shared1 ip4_addr=vnet0|10.99.0.$n/24,vnet1|10.98.0.$n/24 defaultrouter=none" ;;
	2) echo "vnet=on nat=1 nat_forwards=tcp(80:808$n)" ;;
	esac
}

addresses() {
	local n=${2#a}
	case $(($1 % 3))$((n <= 4)) in
	01) echo "ip4_addr=em0|192.0.2.$((100 + n))/24" ;;
	11) echo "ip4_addr=em0|192.0.2.$((100 + n))/24,em0|192.0.2.$((110 + n))/24" ;;
	21) echo "ip6_addr=em0|2001:db8::$n/64,em0|2001:db8::1$n/64" ;;
	00) echo "ip4_addr=vnet0|10.99.0.$n/24" ;;
	10) echo "ip4_addr=vnet0|10.99.0.$n/24,vnet0|10.99.0.1$n/24" ;;
	20) echo "ip6_addr=vnet0|2001:db8:9::$n/64" ;;
	esac
}

worker() {
	local me=$1 n=0 end j what status
	RANDOM=$((seed + me))
	end=$((SECONDS + seconds))
	while [ $SECONDS -lt $end ]; do
		j=${names[RANDOM % ${#names[@]}]}
		n=$((n + 1))
		case $((RANDOM % 18)) in
		0 | 1) what="create -r busybox -n $j exec_init=builtin exec_start=/bin/true $(properties $RANDOM "$j")" ;;
		2) what="destroy -f $j" ;;
		3 | 4 | 5 | 6) what="start $j" ;;
		7 | 8 | 9) what="stop $j" ;;
		10) what="restart $j" ;;
		11) what="set notes=$me.$n $j" ;;
		12) what="get all $j" ;;
		13) what="list -l" ;;
		14) what="exec $j -- /bin/true" ;;
		15) what=$([ $((RANDOM % 4)) -eq 0 ] && echo gc || echo "get -s $j") ;;
		16) what="set $(addresses $RANDOM "$j") $j" ;;
		17) what="gc --dry-run" ;;
		esac
		# shellcheck disable=SC2086
		timeout 120 iocage $what >"$out/o.$me" 2>"$out/e.$me" </dev/null
		status=$?
		echo "${what%% *} $status" >>"$out/count.$me"
		case $status in
		0) continue ;;
		137 | 143) [ "${what%% *}" = exec ] && continue ;; # the jail was stopped meanwhile: SIGTERM, or SIGKILL
		1) grep -qE "$allowed" "$out/e.$me" && continue ;;
		esac
		{
			echo "process $me: iocage $what: status $status"
			head -n 5 "$out/e.$me"
		} >>"$out/bad.$me"
	done
}

for ((w = 1; w <= workers; w++)); do worker $w & done
wait
cat "$out"/count.* | sort | uniq -c | sort -rn | head -40
bad=$(cat "$out"/bad.* 2>/dev/null | grep -c '^process')
[ "$bad" -eq 0 ] || cat "$out"/bad.* | head -60
echo "$(cat "$out"/count.* | wc -l) commands, $bad without an explanation"
rm -rf "$out"
[ "$bad" -eq 0 ]
