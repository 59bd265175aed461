#!/bin/sh
# quickstart.sh - two jails on this machine in one go: one on a shared address, one with a network stack of its own.
# Makes a bridge of its own and touches no other interface; quickstart-clean.sh removes all of it. Twice is fine.
set -eu
cd "$(dirname "$0")/.."

IOCAGE_ROOT=${IOCAGE_ROOT:-/var/lib/iocage-quickstart}
IOCAGE_RUN=${IOCAGE_RUN:-/run/iocage-quickstart}
export IOCAGE_ROOT IOCAGE_RUN
iocage=${IOCAGE:-$PWD/build/iocage}
bridge=iocq0
mark='iocage quickstart'
notes=$IOCAGE_ROOT/.quickstart # what we made, for quickstart-clean

die() {
	echo "quickstart: $*" >&2
	exit 1
}

# show COMMAND...: print it as it would be typed, then run it
show() {
	printf '\n# iocage'
	for a in "$@"; do
		case $a in
		*[!A-Za-z0-9_./:=,@%+-]* | '') printf " '%s'" "$a" ;;
		*) printf ' %s' "$a" ;;
		esac
	done
	echo
	"$iocage" "$@"
}

note() {
	grep -qxF "$*" "$notes" 2>/dev/null || echo "$*" >>"$notes"
}

[ "$(id -u)" -eq 0 ] || die "jails need root: sudo make quickstart"
[ -x "$iocage" ] || die "$iocage is not built; run: make"

# --- our own bridge, with a network that nothing here uses ---
in_use() {
	{ ip -4 -o addr show; ip -4 route show table all; } | grep -v " $bridge " | grep -qE "(^| )$1\.[0-9]+"
}

if ip link show dev "$bridge" >/dev/null 2>&1; then
	ip link show dev "$bridge" | grep -q "alias $mark" ||
		die "an interface $bridge exists and is not ours; it was left alone. Remove or rename it, then try again."
	net=$(sed -n 's/^net //p' "$notes" 2>/dev/null | tail -n 1)
	[ -n "$net" ] || die "$bridge is ours but its network is not known here; run: make quickstart-clean"
else
	net=''
	for n in 198.18.77 198.18.78 198.19.77 198.19.78 10.207.77; do
		in_use "$n" || {
			net=$n
			break
		}
		echo "quickstart: $n.0/24 is in use here, taking another"
	done
	[ -n "$net" ] || die "every network this script knows is in use on this machine; nothing was changed"
fi

[ -d "$IOCAGE_ROOT" ] || made_root=1
[ -d "$IOCAGE_RUN" ] || made_run=1
mkdir -p "$IOCAGE_ROOT" "$IOCAGE_RUN"
[ -z "${made_root:-}" ] || note root
[ -z "${made_run:-}" ] || note run
# what the kernel keeps beyond a jail's life: to be removed only if it was not there before us
grep -qs ' /sys/fs/bpf bpf ' /proc/self/mounts || note bpffs
pins=$(build/iocage-bpf -p)
[ -e "$pins" ] || note "bpf $pins"
note "net $net"

if ! ip link show dev "$bridge" >/dev/null 2>&1; then
	ip link add "$bridge" type bridge
	ip link set "$bridge" alias "$mark"
	ip addr add "$net.1/24" dev "$bridge"
	ip link set "$bridge" up
fi
echo "A bridge of its own: $bridge with $net.1/24. No other interface is touched."

# --- the jails ---
[ -d "$IOCAGE_ROOT/releases/busybox" ] || {
	show fetch -r busybox
	note "release busybox"
}
if ! "$iocage" get -s web >/dev/null 2>&1; then
	show create -r busybox -n web "ip4_addr=$bridge|$net.10/24" 'notes=shared IP'
	note "jail web"
fi
if ! "$iocage" get -s box >/dev/null 2>&1; then
	show create -r busybox -n box vnet=on "interfaces=vnet0:$bridge" "ip4_addr=vnet0|$net.20/24" "defaultrouter=$net.1" \
		defaultrouter6=none 'notes=VNET'
	note "jail box"
fi
for j in web box; do
	[ "$("$iocage" get -s $j)" = up ] || show start $j
done

fetch_from_host() {
	if command -v busybox >/dev/null; then
		timeout 10 busybox wget -q -O - "$1"
	else
		timeout 10 wget -q -O - "$1"
	fi
}

want='Hello from a shared-IP jail.'
if [ "$(fetch_from_host "http://$net.10/" 2>/dev/null || true)" != "$want" ]; then
	show exec web "mkdir -p /www && echo '$want' >/www/index.html && httpd -p 80 -h /www"
fi

echo
echo "The page, fetched by the host from http://$net.10/:"
got=$(fetch_from_host "http://$net.10/") || die "the host cannot fetch http://$net.10/"
echo "    $got"
[ "$got" = "$want" ] || die "that is not the page of the jail"
echo "The same, fetched by the other jail:"
got=$("$iocage" exec box -- timeout 10 wget -q -O - "http://$net.10/") || die "the jail box cannot fetch http://$net.10/"
echo "    $got"
[ "$got" = "$want" ] || die "that is not the page of the jail"

show exec web ifconfig
show exec box ifconfig
show exec box -- ping -c 1 "$net.1"
show list

cat <<TEXT

Look around (the jails live apart from your own, in these directories):
    export IOCAGE_ROOT=$IOCAGE_ROOT IOCAGE_RUN=$IOCAGE_RUN
    $iocage console box            a shell in the VNET jail
    $iocage get all web            every property
    $iocage start --dry-run web    what a start does (stop it first)
    $iocage help
Remove all of it:
    make quickstart-clean
TEXT
