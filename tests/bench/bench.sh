#!/usr/bin/env bash
# bench.sh - measure starting, stopping and listing beside a floor program and other tools, interleaved, in a world of its
# own. Usage: bench.sh [ROUNDS]. Prints medians in milliseconds, ratios, targets, and met or missed.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${LAB_TMP:-}" ]; then
	exec tests/lab/world.sh unshare --mount "$PWD/tests/bench/bench.sh" "$@"
fi

. tests/bench/lib.bash
bench_sys

rounds=${1:-${ROUNDS:-21}}
bench_run
d=$LAB_TMP/bench
mkdir -p "$d/times"
chmod 755 "$LAB_TMP"
cc -O2 -D_GNU_SOURCE -static -o "$d/floor" tests/bench/floor.c
cc -O2 -D_GNU_SOURCE -static -o "$d/timeit" tests/bench/timeit.c

cleanup() {
	set +e
	[ -z "${holder:-}" ] || kill "$holder"
	"$IOCAGE" stop ALL >/dev/null 2>&1
	if [ -n "${lxc:-}" ]; then lxc-stop -k -P "$d/lxc" -n peer >/dev/null 2>&1; fi
	if [ -s "$d/floor.pid" ]; then kill -9 "$(tail -n 1 "$d/floor.pid")" 2>/dev/null; fi
}
trap cleanup EXIT

# --- what each contender starts: the same busybox tree on the same bridge ---
ip link add br0 type bridge
ip link set br0 up
ip addr add 10.77.0.1/24 dev br0
tree=$d/tree
bench_tree "$tree"
mkdir -p "$d/layers/upper" "$d/layers/work" "$d/layers/merged"
chown -R 1000000:1000000 "$d/layers"

"$IOCAGE" fetch -r busybox >/dev/null
# the built-in init and nothing else: each contender executes one program
common=(exec_init=builtin exec_start=/bin/true)
"$IOCAGE" create -r busybox -n v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24' defaultrouter=10.77.0.1 \
	defaultrouter6=none "${common[@]}" >/dev/null
nics=vnet0:br0 addrs='vnet0|10.77.0.10/24'
for i in 1 2 3; do
	nics=$nics,vnet$i:br0 addrs="$addrs,vnet$i|10.77.$i.10/24"
	[ "$i" -eq 2 ] || "$IOCAGE" create -r busybox -n "nics$((i + 1))" vnet=on "interfaces=$nics" "ip4_addr=$addrs" \
		defaultrouter=10.77.0.1 defaultrouter6=none "${common[@]}" >/dev/null
done
"$IOCAGE" create -r busybox -n s 'ip4_addr=em0|192.0.2.10/24' "${common[@]}" >/dev/null

lxc=''
if command -v lxc-start >/dev/null; then
	lxc=1
	bench_lxc peer 10.77.0.6 "/bin/sleep 100000"
	if ! lxc-start -P "$d/lxc" -n peer -o "$d/lxc.log" -l ERROR 2>"$d/lxc.err"; then
		echo "lxc-start does not work here: $(tail -n 1 "$d/lxc.err")"
		lxc=''
	else
		lxc-stop -k -P "$d/lxc" -n peer
	fi
fi

gone() {
	local i
	for i in $(seq 200); do
		ip link show "$1" >/dev/null 2>&1 || return 0
		sleep 0.01
	done
}

# Every figure is of a kernel at rest: what one contender leaves for it to clean up (network namespaces, RCU) is not to be
# paid by the next.
settle() {
	sleep 0.15
}

# t NAME COMMAND...: one figure for NAME
t() {
	local name=$1
	shift
	settle
	"$d/timeit" "$@" >>"$d/times/$name" 2>"$d/last.err" || {
		echo "failed: $*"
		cat "$d/last.err"
		return 1
	}
}

floor() {
	settle
	"$d/timeit" "$d/floor" "$tree" "$d/layers" br0 10.77.0.7 24 10.77.0.1 vfloor >>"$d/times/floor" 2>"$d/floor.pid"
	kill -9 "$(tail -n 1 "$d/floor.pid")"
	: >"$d/floor.pid"
	gone vfloor
}

round() {
	t start-vnet "$IOCAGE" start v
	t stop-vnet "$IOCAGE" stop v
	floor
	for n in 2 4; do
		t start-$n-nics "$IOCAGE" start nics$n
		"$IOCAGE" stop nics$n >/dev/null
	done
	t start-shared "$IOCAGE" start s
	t stop-shared "$IOCAGE" stop s
	if [ -n "$lxc" ]; then
		t lxc-start lxc-start -P "$d/lxc" -n peer
		t lxc-stop lxc-stop -k -P "$d/lxc" -n peer
	fi
}

round # a first one for the caches, and once per host what is loaded once per host
rm -f "$d"/times/*
for _ in $(seq "$rounds"); do round; done

# --- listing ---
for i in $(seq 1000); do
	mkdir -p "$IOCAGE_ROOT/jails/j$i"
	cp "$IOCAGE_ROOT/jails/s/config.json" "$IOCAGE_ROOT/jails/j$i/"
done
for _ in $(seq "$rounds"); do
	t list "$IOCAGE" list
	t ls ls "$IOCAGE_ROOT/jails"
done
rm -rf "$IOCAGE_ROOT"/jails/j[0-9]*

# --- other tools, each doing as little as it can; few rounds, some are slow ---
few=$((rounds < 5 ? rounds : 5))

pure=()
bench_pure
peer() {
	local name=$1 what=$2 i
	shift 2
	command -v "$what" >/dev/null || {
		echo "$name: not installed" >>"$d/peers"
		return
	}
	for i in $(seq $((few + 1))); do
		if ! "${pure[@]}" "$d/timeit" "$@" >"$d/one" 2>"$d/last.err"; then
			echo "$name: does not work here ($(grep -v '^$' "$d/last.err" | tail -n 1 | cut -c1-90))" >>"$d/peers"
			rm -f "$d/times/$name"
			return
		fi
		[ "$i" -eq 1 ] || cat "$d/one" >>"$d/times/$name"
	done
}
: >"$d/peers"
if command -v crun >/dev/null; then
	mkdir -p "$d/oci"
	(cd "$d/oci" && crun spec) && python3 - "$d/oci/config.json" "$tree" <<-'P'
		import json, sys
		c = json.load(open(sys.argv[1]))
		c["root"] = {"path": sys.argv[2], "readonly": True}
		c["process"]["terminal"] = False
		c["process"]["args"] = ["/bin/true"]
		c["linux"].pop("resources", None)
		json.dump(c, open(sys.argv[1], "w"))
	P
fi
peer 'crun-run-true' crun crun --cgroup-manager=disabled --root "$d/crun" run -b "$d/oci" bench
peer 'bwrap-true' bwrap bwrap --unshare-all --ro-bind "$tree" / --proc /proc --dev /dev /bin/true
peer 'nspawn-veth-true' systemd-nspawn systemd-nspawn --quiet --register=no --keep-unit --network-veth -D "$tree" -M bench /bin/true
peer 'podman-run-true' podman podman --root "$d/pod" --runroot "$d/podrun" --cgroup-manager=cgroupfs --events-backend=none \
	--storage-driver=vfs run --rm --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 --log-driver=none --rootfs "$tree" /bin/true

# --- figures ---
echo
echo "medians of $rounds interleaved rounds, milliseconds ($(uname -r), $(nproc) processors)"
for n in floor start-vnet start-2-nics start-4-nics start-shared lxc-start stop-vnet stop-shared lxc-stop list ls crun-run-true bwrap-true \
	nspawn-veth-true podman-run-true; do
	if m=$(median $n 1000); then printf '  %-18s %9s   (%s)\n' "$n" "$m" "$(spread $n 1000)"; fi
done
sed 's/^/  /' "$d/peers"
echo

missed=0
target "start of a VNET jail / floor" start-vnet floor "<=" 2
awk -v a="$(median start-4-nics 1)" -v b="$(median start-vnet 1)" 'BEGIN { print (a - b) / 3 }' >"$d/times/each-nic"
target "each further NIC of a jail / floor" each-nic floor "<=" 0.3
target "start of a VNET jail / lxc-start" start-vnet lxc-start "<=" 0.25
target "start of a shared-IP jail / floor" start-shared floor "<=" 2
target "stop of a VNET jail / lxc-stop -k" stop-vnet lxc-stop "<=" 0.5
target "stop of a shared-IP jail / lxc-stop -k" stop-shared lxc-stop "<=" 0.5
target "list of 1,000 jails / ls of their directory" list ls "<=" 10
echo
echo "$missed missed"
[ "$missed" -eq 0 ]
