#!/usr/bin/env bash
# sockets.sh - what the socket broker costs: making sockets, opening and taking connections, in a shared-IP jail and on the
# host, interleaved, on loopback. Usage: sockets.sh [ROUNDS]. Prints medians in microseconds, ratios, targets.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${LAB_TMP:-}" ]; then
	exec tests/lab/world.sh unshare --mount "$PWD/tests/bench/sockets.sh" "$@"
fi

# shellcheck source=tests/bench/lib.bash
. tests/bench/lib.bash

rounds=${1:-${ROUNDS:-15}}
bench_run
d=$LAB_TMP/sockets
mkdir -p "$d/times"
chmod 755 "$LAB_TMP" "$d"
cc -O2 -D_GNU_SOURCE -static -o "$d/sockbench" tests/bench/sockbench.c

cleanup() {
	set +e
	"$IOCAGE" stop -f s >/dev/null 2>&1
	# shellcheck disable=SC2046 # several
	kill $(jobs -p) 2>/dev/null
}
trap cleanup EXIT

"$IOCAGE" fetch -r busybox >/dev/null
"$IOCAGE" create -r busybox -n s 'ip4_addr=em0|192.0.2.10/24' exec_start=/bin/true exec_stop=/bin/true >/dev/null
mkdir -p "$IOCAGE_ROOT/jails/s/layers/upper/bin"
cp "$d/sockbench" "$IOCAGE_ROOT/jails/s/layers/upper/bin/"
"$IOCAGE" start s >/dev/null
# a second address of the host's own, so that both sides talk to one
ip addr add 192.0.2.20/24 dev em0

inside() { "$IOCAGE" exec s -- "$@"; }

"$d/sockbench" serve 192.0.2.20 7000 >"$d/host.out" &
inside sockbench serve 192.0.2.10 7001 >"$d/jail.out" &
for f in host jail; do until grep -q ready "$d/$f.out"; do sleep 0.05; done; done

round() {
	local n=$1
	"$d/sockbench" socket "$n" >>"$d/times/socket-host"
	inside sockbench socket "$n" >>"$d/times/socket-jail"
	"$d/sockbench" connect 192.0.2.20 7000 "$n" >>"$d/times/connect-host"
	inside sockbench connect 192.0.2.20 7000 "$n" >>"$d/times/connect-jail"
	"$d/sockbench" ask 192.0.2.20 7000 "$n" >>"$d/times/serve-host"
	"$d/sockbench" ask 192.0.2.10 7001 "$n" >>"$d/times/serve-jail"
}
round 200
rm -f "$d"/times/*
for _ in $(seq "$rounds"); do round "${N:-4000}"; done

median() {
	sort -n "$d/times/$1" | awk '{ v[NR] = $1 } END { printf "%.2f", (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) / 1000 }'
}

missed=0
# line TEXT NAME TARGET: host's time / jail's time must be at least TARGET; 0: only told
line() {
	awk -v h="$(median "$2-host")" -v j="$(median "$2-jail")" -v l="$3" -v t="$1" 'BEGIN {
		r = h / j; ok = r >= l
		printf "  %-38s host %7.2f  jail %7.2f  ratio %.2f  %s\n", t, h, j, r, l == 0 ? "" : "target >= " l (ok ? "  met" : "  missed")
		exit !ok }' || missed=$((missed + 1))
}
echo "medians of $rounds interleaved rounds, microseconds ($(uname -r), $(nproc) processors)"
line "socket() + close()" socket 0
line "opening connections from inside" connect 0.80
line "taking new connections inside" serve 0.95
echo "$missed missed"
[ "$missed" -eq 0 ]
