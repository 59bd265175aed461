#!/usr/bin/env bash
# many.sh - run many jails at once: does the last start as fast as the first, what memory do idle ones hold.
# Usage: many.sh [shared|vnet [JAILS]]: 1000 shared-IP jails, or 500 VNET jails on two bridges, each of which reaches the host
# at the end. Without words both. Prints ratios and sizes with their targets, and met or missed.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ $# -eq 0 ]; then
	status=0
	"$PWD/tests/bench/many.sh" shared || status=1
	"$PWD/tests/bench/many.sh" vnet || status=1
	exit $status
fi
if [ -z "${LAB_TMP:-}" ]; then exec tests/lab/world.sh unshare --mount "$PWD/tests/bench/many.sh" "$@"; fi
# shellcheck source=tests/bench/lib.bash
. tests/bench/lib.bash
kind=$1 jails=${2:-${JAILS:-}}
case $kind in
shared) jails=${jails:-1000} what=shared-IP ;;
vnet) jails=${jails:-500} what=VNET ;;
*)
	echo "usage: $0 [shared|vnet [JAILS]]" >&2
	exit 2
	;;
esac
step=$((jails < 40 ? jails / 2 : 20)) # the first and the last this many are compared, by their median
bench_run
d=$LAB_TMP/many
mkdir -p "$d"
chmod 755 "$LAB_TMP"
cc -O2 -D_GNU_SOURCE -static -o "$d/timeit" tests/bench/timeit.c
started=0

cleanup() {
	set +e
	for i in $(seq "$started"); do "$IOCAGE" stop -f "m$i" >/dev/null 2>&1; done
	if [ -n "${lxc:-}" ]; then for i in $(seq 10); do lxc-stop -k -P "$d/lxc" -n "l$i" >/dev/null 2>&1; done; fi
}
trap cleanup EXIT

"$IOCAGE" fetch -r busybox >/dev/null
if [ "$kind" = vnet ]; then
	for b in 0 1; do
		ip link add "many$b" address "02:00:5e:00:02:0$b" type bridge
		ip link set "many$b" up
	done
	ip addr add 10.0.255.254/16 dev many0
	ip addr add 10.1.255.254/16 dev many1
	net=(vnet=on interfaces=vnet0:many1 'ip4_addr=vnet0|10.1.0.1/16' defaultrouter=none conflict_wait=0)
else
	net=('ip4_addr=em0|10.0.0.1/32')
fi
"$IOCAGE" create -r busybox -n m1 "${net[@]}" exec_start=/bin/true exec_stop=/bin/true >/dev/null
for i in $(seq 2 "$jails"); do
	mkdir -p "$IOCAGE_ROOT/jails/m$i"
	cp -a "$IOCAGE_ROOT/jails/m1/." "$IOCAGE_ROOT/jails/m$i/"
	c=$IOCAGE_ROOT/jails/m$i/config.json
	sed -i "s#10\.0\.0\.1/32#10.$((i / 65536)).$((i / 256 % 256)).$((i % 256))/32#; s/\"m1\"/\"m$i\"/" "$c"
	# every other one on the other bridge; MACs are made of the name
	sed -i -e "s#10\\.1\\.0\\.1/16#10.$((i % 2)).$((i / 256)).$((i % 256))/16#; s/vnet0:many1/vnet0:many$((i % 2))/" \
		-e 's/\("vnet0_mac": "\)[^"]*/\1none/' "$c"
done
# once per host what is loaded once per host
"$IOCAGE" start m1 >/dev/null
"$IOCAGE" stop m1 >/dev/null

# pss PID...: kibibytes of all of them, and of all their descendants
family() {
	local p
	for p in "$@"; do
		echo "$p"
		# shellcheck disable=SC2046 # several
		family $(cat "/proc/$p/task/$p/children" 2>/dev/null)
	done
}
pss() {
	local p
	for p in "$@"; do sed -n 's/^Pss: *\([0-9]*\) kB/\1/p' "/proc/$p/smaps_rollup" 2>/dev/null; done | awk '{ s += $1 } END { print s + 0 }'
}
# of the jails that run, the average
pss_jails() {
	local i all=()
	for i in $(seq "$started"); do
		mapfile -t -O ${#all[@]} all < <(sed -n -e 's/^pid=//p' -e 's/^monitor=//p' "$IOCAGE_RUN/jails/m$i/state")
	done
	mapfile -t all < <(family "${all[@]}")
	echo $(($(pss "${all[@]}") / started))
}

for i in $(seq "$jails"); do
	"$d/timeit" "$IOCAGE" start "m$i" >>"$d/times" 2>"$d/err" || {
		echo "the start of jail $i failed:"
		cat "$d/err"
		exit 1
	}
	started=$i
	case $i in
	1 | 10 | "$jails") echo "$i $(pss_jails)" >>"$d/pss" ;;
	esac
done

median() { sort -n | awk '{ v[NR] = $1 } END { printf "%.2f", (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) / 1000 }'; }
first=$(head -n "$step" "$d/times" | median)
last=$(tail -n "$step" "$d/times" | median)
missed=0
# target TEXT VALUE LIMIT UNIT
target() {
	awk -v t="$1" -v v="$2" -v l="$3" -v u="$4" 'BEGIN {
		printf "  %-52s %8s %-3s  target <= %s  %s\n", t, v, u, l, v <= l ? "met" : "missed"; exit !(v <= l) }' || missed=$((missed + 1))
}
echo "$jails $what jails at once ($(uname -r), $(nproc) processors); the first $step started in $first ms each, the last $step in $last"
target "start of the last / of the first" "$(awk -v a="$last" -v b="$first" 'BEGIN { printf "%.2f", a / b }')" 1.5 ''
while read -r n kib; do
	target "memory (PSS) of an idle jail, of $n" "$kib" 1024 KiB
done < <(sort -nu "$d/pss")

# --- they are there: every one answers ---
if [ "$kind" = vnet ]; then
	silent=0
	for i in $(seq "$jails"); do
		busybox ping -q -c 1 -W 2 "10.$((i % 2)).$((i / 256)).$((i % 256))" >/dev/null || silent=$((silent + 1))
	done
	target "jails that do not answer a ping" "$silent" 0 ''
fi

# --- lxc: ten containers that do nothing ---
if command -v lxc-start >/dev/null; then
	tree=$d/tree lxc=1 pids=()
	mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys"
	cp /bin/busybox "$tree/bin/sleep"
	for i in $(seq 10); do
		mkdir -p "$d/lxc/l$i"
		cat >"$d/lxc/l$i/config" <<-C
			lxc.uts.name = l$i
			lxc.rootfs.path = dir:$tree
			lxc.init.cmd = /bin/sleep 100000
			lxc.net.0.type = empty
			lxc.mount.auto = proc:mixed
			lxc.apparmor.profile = unconfined
		C
		if ! lxc-start -P "$d/lxc" -n "l$i" -o "$d/lxc.log" -l ERROR 2>"$d/err"; then
			echo "lxc-start does not work here: $(tail -n 1 "$d/err")"
			pids=()
			break
		fi
		p=$(lxc-info -P "$d/lxc" -n "l$i" -p -H)
		pids+=("$p" "$(awk '$1 == "PPid:" { print $2 }' "/proc/$p/status")")
	done
	if [ ${#pids[@]} -gt 0 ]; then printf '  %-52s %8s KiB\n' "memory (PSS) of an lxc container, of 10" "$(($(pss "${pids[@]}") / 10))"; fi
fi
echo "$missed missed"
[ "$missed" -eq 0 ]
