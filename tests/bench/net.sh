#!/usr/bin/env bash
# net.sh - measure the network of a server and of a client in each kind of jail, on the host itself, and in other tools'
# containers, interleaved, in a world of its own. Usage: net.sh [ROUNDS]. Prints medians, ratios, targets, and met or missed.
# ROWS="kept new" CONTENDERS="host shared" measures only these.
#
# Clients and servers of the wire are in `lan`. The wire and every bridge are veth, so it is the processors that limit.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ -z "${LAB_TMP:-}" ]; then
	exec tests/lab/world.sh unshare --mount "$PWD/tests/bench/net.sh" "$@"
fi
# shellcheck source=tests/bench/lib.bash
. tests/bench/lib.bash
bench_sys

rounds=${1:-${ROUNDS:-7}}
seconds=${SECONDS_EACH:-1}
bench_run
d=$LAB_TMP/bench
mkdir -p "$d/times"
chmod 755 "$LAB_TMP"

cleanup() {
	set +e
	[ -z "${podman_id:-}" ] || "${podman[@]}" rm -f -t 0 bench bench2 >/dev/null 2>&1
	[ -z "${holder:-}" ] || kill "$holder"
	"$IOCAGE" stop ALL >/dev/null 2>&1
	for c in lxc lxc2; do lxc-stop -k -P "$d/lxc" -n $c >/dev/null 2>&1; done
}
trap cleanup EXIT

lan() {
	nsenter --net="$LAB_LAN_NS" "$@"
}

# --- one system for all: a server of one page, iperf3 and wrk with the libraries they are linked with ---
tree=$d/tree
bench_tree "$tree"
cc -O2 -D_GNU_SOURCE -static -o "$tree/bin/onepage" tests/bench/onepage.c
for p in iperf3 wrk; do
	cp "$(command -v $p)" "$tree/bin/"
	for lib in $(ldd "$(command -v $p)" | grep -o '/[^ ]*'); do
		mkdir -p "$tree$(dirname "$lib")"
		cp -L "$lib" "$tree$lib"
	done
done
cat >"$tree/bin/serve" <<-'S'
	#!/bin/sh
	iperf3 -4 -s -D -p 5201
	exec onepage 8080
S
ln -s busybox "$tree/bin/setsid"
chmod 755 "$tree/bin/serve"
tar -C "$tree" -cf "$d/bench.tar" .

ip link add br0 type bridge
ip link set br0 up
ip addr add 10.77.0.1/24 dev br0
echo 1 >/proc/sys/net/ipv4/ip_forward
for ns in "$LAB_HOST_NS" "$LAB_LAN_NS"; do
	nsenter --net="$ns" sh -c 'echo 8192 >/proc/sys/net/core/somaxconn; echo 8192 >/proc/sys/net/ipv4/tcp_max_syn_backlog
		echo 1024 65000 >/proc/sys/net/ipv4/ip_local_port_range'
done

# --- contenders: where each is reached, and how a program is run in it ---
declare -A at port perf run neighbour=([host]=192.0.2.1 [shared]=192.0.2.11 [vnet]=10.77.0.8 [lxc]=10.77.0.9)
read -ra contenders <<<"${CONTENDERS:-host shared vnet}"
at=([host]=192.0.2.1 [shared]=192.0.2.10 [vnet]=10.77.0.5)
run=([host]=env [shared]="$IOCAGE exec s --" [vnet]="$IOCAGE exec v --")
# the host on ports of its own: it would answer in place of a jail that does not
port=([host]=18081) perf=([host]=15202)
iperf3 -4 -s -D -p 15202
setsid "$tree/bin/onepage" 18081 & # a session of its own, as in a jail: the scheduler shares by sessions
lan setsid "$tree/bin/onepage" 8080 &

"$IOCAGE" fetch -r bench -F "$d/bench.tar" >/dev/null
plain=(exec_init=builtin exec_start=/bin/true)
"$IOCAGE" create -r bench -n s 'ip4_addr=em0|192.0.2.10/24' "${plain[@]}" >/dev/null
"$IOCAGE" create -r bench -n s2 'ip4_addr=em0|192.0.2.11/24' "${plain[@]}" >/dev/null
"$IOCAGE" create -r bench -n v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24' defaultrouter=10.77.0.1 \
	defaultrouter6=none "${plain[@]}" >/dev/null
"$IOCAGE" create -r bench -n v2 vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.8/24' defaultrouter=10.77.0.1 \
	defaultrouter6=none "${plain[@]}" >/dev/null
for j in s s2 v v2; do
	"$IOCAGE" start $j >/dev/null
	"$IOCAGE" exec $j -- /bin/sh -c 'setsid serve </dev/null >/dev/null 2>&1 &'
done

# absent NAME WHY: said once, with the figures
: >"$d/absent"
absent() {
	echo "$1: $2" >>"$d/absent"
}

if [ -n "${CONTENDERS:-}" ]; then
	:
elif command -v lxc-start >/dev/null; then
	bench_lxc lxc 10.77.0.6 "/bin/serve"
	bench_lxc lxc2 10.77.0.9 "/bin/serve"
	if lxc-start -P "$d/lxc" -n lxc 2>"$d/lxc.err" && lxc-start -P "$d/lxc" -n lxc2 2>"$d/lxc.err"; then
		contenders+=(lxc)
		at[lxc]=10.77.0.6 run[lxc]="lxc-attach -P $d/lxc -n lxc --"
	else
		absent lxc "does not work here: $(tail -n 1 "$d/lxc.err" | cut -c1-90)"
	fi
else
	absent lxc "not installed"
fi

# As bridged as podman is by default: its bridge, and a port of the host's that is translated.
start_podman() {
	local m
	command -v podman >/dev/null || { absent podman "not installed"; return; }
	pure=()
	bench_pure
	for m in /etc/cni/net.d /var/lib/cni /etc/containers/networks; do
		if [ -d $m ]; then "${pure[@]}" mount -t tmpfs tmpfs $m; fi
	done
	podman=("${pure[@]}" podman --root "$d/pod" --runroot "$d/podrun" --cgroup-manager=cgroupfs --events-backend=none
		--storage-driver=vfs)
	if ! podman_id=$("${podman[@]}" run -d --name bench --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 \
		--log-driver=none -p 18080:8080 -p 15201:5201 -p 15201:5201/udp --rootfs "$tree" /bin/serve 2>"$d/podman.err"); then
		podman_id=''
		absent podman "does not work here: $(grep -v '^$' "$d/podman.err" | tail -n 1 | cut -c1-90)"
		return
	fi
	contenders+=(podman)
	at[podman]=192.0.2.1 port[podman]=18080 perf[podman]=15201 run[podman]="${podman[*]} exec bench"
	# on podman's own bridge, and reached without a translation
	if "${podman[@]}" run -d --name bench2 --cgroups=disabled --ulimit nofile=1024:1024 --ulimit nproc=1000:1000 \
		--log-driver=none --rootfs "$tree" /bin/serve >"$d/podman.out" 2>"$d/podman.err"; then
		neighbour[podman]=$("${podman[@]}" inspect -f '{{.NetworkSettings.IPAddress}}' bench2)
	else
		absent podman "no neighbour: $(grep -v '^$' "$d/podman.err" | tail -n 1 | cut -c1-90)"
	fi
}
[ -n "${CONTENDERS:-}" ] || start_podman

for c in "${contenders[@]}"; do
	for _ in $(seq 100); do
		if lan busybox timeout 1 busybox wget -q -O /dev/null "http://${at[$c]}:${port[$c]:-8080}/" 2>/dev/null; then continue 2; fi
		sleep 0.05
	done
	absent "$c" "its server is not reached"
done

# --- one figure each, appended to the file of its name ---
figure() {
	local name=$1
	shift
	"$@" >"$d/out" 2>&1 || {
		echo "failed: $*"
		tail -n 3 "$d/out"
		return 1
	}
	awk -v name="$name" '/Requests\/sec:/ { print $2 } /receiver$/ { for (i = 2; i <= NF; i++) if ($i ~ /bits\/sec/) v = $(i - 1) }
		END { if (v) print v }' "$d/out" >>"$d/times/$name"
}

# measure ROW CONTENDER: one figure. tcp, back, udp, kept, new: load from the wire on its server; out: a client inside asks
# the wire's server, a connection each; jjtcp, jjnew: a client inside asks the neighbour.
measure() {
	local row=$1 c=$2 to page in
	read -ra in <<<"${run[$2]}"
	to=${at[$c]}
	case $row in jj*) to=${neighbour[$c]} ;; esac
	page=http://$to:${port[$c]:-8080}/
	# neighbours have the ports they listen on; the host is its own
	case $row-$c in
	jj*-host) ;;
	jj*) page=http://$to:8080/ ;;
	esac
	local iperf=(iperf3 -f m -t "$seconds" -c "$to" -p "${perf[$c]:-5201}") wrk=(wrk -t 1 -c 16 -d "$seconds")
	case $row in
	tcp) figure "$row-$c" lan "${iperf[@]}" ;;
	back) figure "$row-$c" lan "${iperf[@]}" -R ;;
	udp) figure "$row-$c" lan "${iperf[@]}" -u -b 0 -l 1400 ;;
	kept) figure "$row-$c" lan "${wrk[@]}" "$page" ;;
	new) figure "$row-$c" lan "${wrk[@]}" -H 'Connection: close' "$page" ;;
	out) figure "$row-$c" "${in[@]}" "${wrk[@]}" -H 'Connection: close' http://192.0.2.254:8080/ ;;
	jjtcp)
		[ "$c" = host ] || iperf[8]=5201
		figure "$row-$c" "${in[@]}" "${iperf[@]}"
		;;
	jjnew) figure "$row-$c" "${in[@]}" "${wrk[@]}" -H 'Connection: close' "$page" ;;
	esac
}

# The contenders of a row one after the other, in turn forwards and backwards: what disturbs them disturbs all.
read -ra rows <<<"${ROWS:-tcp back udp kept new out jjtcp jjnew}"
for n in $(seq "$rounds"); do
	order=("${contenders[@]}")
	if [ $((n % 2)) -eq 0 ]; then
		order=()
		for c in "${contenders[@]}"; do order=("$c" "${order[@]}"); done
	fi
	for row in "${rows[@]}"; do
		for c in "${order[@]}"; do
			case $row in jj*) [ -n "${neighbour[$c]:-}" ] || continue ;; esac
			measure "$row" "$c"
		done
	done
done

# --- figures ---
echo
echo "medians of $rounds interleaved rounds of $seconds s ($(uname -r), $(nproc) processors)"
show() {
	local c m
	printf '  %-36s' "$2"
	for c in host shared vnet lxc podman; do
		if m=$(median "$1-$c"); then printf ' %11.0f' "$m"; else printf ' %11s' -; fi
	done
	echo
}
printf '  %-36s %11s %11s %11s %11s %11s\n' '' host shared vnet lxc podman
show tcp "TCP from the wire, Mbit/s"
show back "TCP to the wire, Mbit/s"
show udp "UDP from the wire, Mbit/s received"
show kept "requests/s, connections kept"
show new "requests/s, a connection each"
show out "requests/s from inside, one each"
show jjtcp "TCP to a neighbour, Mbit/s"
show jjnew "requests/s to a neighbour, one each"
sed 's/^/  /' "$d/absent"
echo
missed=0
target "shared / host: TCP from the wire" tcp-shared tcp-host ">=" 0.98
target "shared / host: TCP to the wire" back-shared back-host ">=" 0.98
target "shared / host: UDP from the wire" udp-shared udp-host ">=" 0.98
target "shared / host: requests, connections kept" kept-shared kept-host ">=" 0.98
target "shared / host: requests, a connection each" new-shared new-host ">=" 0.95
target "shared / host: requests from inside" out-shared out-host ">=" 0.80
for c in lxc podman; do
	for r in tcp back udp kept new out; do
		target "shared / $c: $r" $r-shared $r-$c ">=" 1
	done
done
for c in lxc podman; do
	for r in tcp back udp kept new out jjtcp jjnew; do
		target "vnet / $c: $r" $r-vnet $r-$c ">=" 0.98
	done
done
echo
echo "$missed missed"
[ "$missed" -eq 0 ]
