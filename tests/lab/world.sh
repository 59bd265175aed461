#!/usr/bin/env bash
# world.sh - run a command in the standard test world, made for it and removed after it. Usage: world.sh COMMAND [ARG...]
#
#     netns lan (the outside)            netns host (where the command runs: "the host")
#     +--------------------------+       +------------------------------------------+
#     |  gw0  192.0.2.254/24     |=======|  em0  192.0.2.1/24                       |
#     |       2001:db8::254/64   | veth  |       2001:db8::1/64                     |
#     +--------------------------+       |       default routes to gw0              |
#                                        |  bridges, aliases and vnet0.N of jails   |
#                                        +------------------------------------------+
#
# The world has a mount and a process namespace of its own: what other programs of the machine mount, run or call /run/netns/NAME
# is not seen in it. What its own leave is: its mounts are shared with the namespaces made in it, as those of a host that systemd
# started are; its processes are looked through at the end. Control groups are the machine's, below a name of IOCAGE_RUN's.
# The machine's own network is never touched. nsenter --net, as `ip netns exec` would remount /sys and so hide the control groups.
set -euo pipefail

[ $# -gt 0 ] || {
	echo "usage: $0 COMMAND [ARG...]" >&2
	exit 2
}
[ "$(id -u)" -eq 0 ] || {
	echo "world: needs root (network namespaces)" >&2
	exit 1
}

top=$(cd "$(dirname "$0")/../.." && pwd)
build=${IOCAGE_BUILD:-build}
case $build in /*) ;; *) build=$top/$build ;; esac

# --- outside: what has a name on the machine, and is removed however the world ended ---

# Jails of a run that was shot.
groups_away() {
	local g
	# shellcheck source=tests/lab/shot.bash
	. "$top/tests/lab/shot.bash"
	for g in /sys/fs/cgroup{,/unified}/iocage-"$(IOCAGE_RUN=$LAB_TMP/run run_hash)"; do
		[ -d "$g" ] || continue
		echo 1 >"$g/cgroup.kill"
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			find "$g" -depth -type d -exec rmdir {} + 2>/dev/null && break
			sleep 0.1
		done
	done
}

leave() {
	set +e
	groups_away
	rm -rf --one-file-system "$LAB_TMP"
}

if [ -z "${LAB_INSIDE:-}" ]; then
	LAB_TMP=$(mktemp -d /tmp/iocage-lab.XXXXXX)
	trap leave EXIT
	# the world inside is told as well, and ends first
	trap : INT TERM
	export LAB_TMP
	LAB_INSIDE=1 unshare --mount --propagation private --pid --fork --kill-child "$0" "$@"
	exit
fi

# --- inside ---

unset LAB_INSIDE
host=host lan=lan

# The machine's own list of locks has those, too, whose owner is gone and left them to another process.
: >"$LAB_TMP/locks"
mount --bind /proc/locks "$LAB_TMP/locks"
mount -t proc proc /proc
# Namespaces that others have names for are not kept alive by ours.
awk '/ - nsfs / { print $5 }' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2>/dev/null || :; done
mkdir -p /run/netns
umount -l /run/netns 2>/dev/null || :
mount -t tmpfs -o mode=755 none /run/netns
umount -l /sys/fs/bpf 2>/dev/null || :
# what others had mounted may still go, with its directory (shot.bash)
awk -v me="$LAB_TMP/" '$5 != "/" && $5 !~ /^\/(proc|sys|dev|run\/netns)(\/|$)/ { print $1, $5 }' /proc/self/mountinfo >"$LAB_TMP/mounts.others"
mount --make-rshared /

# Processes of the program that outlived the last jail: what ends late gets a moment.
strays() {
	local p seen=''
	for _ in $(seq 50); do
		seen=$(for p in /proc/[0-9]*; do
			case $(readlink "$p/exe") in */iocage*) tr '\0' ' ' <"$p/cmdline" && echo ;; esac
		done 2>/dev/null)
		[ -n "$seen" ] || return 1
		sleep 0.1
	done
	printf 'world: nobody ended\n%s\n' "$seen" >&2
}

trap 'exit 130' INT TERM

in_ns() {
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}

ip netns add "$host"
ip netns add "$lan"
ip link add em0 netns "$host" address 02:00:5e:00:00:01 type veth peer name gw0 netns "$lan" address 02:00:5e:00:00:fe
for f in all default em0; do
	in_ns "$host" sh -c "echo 0 >/proc/sys/net/ipv6/conf/$f/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/$f/accept_ra"
done
in_ns "$lan" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/gw0/accept_dad'
ip -n "$host" link set lo up
ip -n "$host" link set em0 up
ip -n "$lan" link set lo up
ip -n "$lan" link set gw0 up
ip -n "$host" addr add 192.0.2.1/24 dev em0
ip -n "$host" addr add 2001:db8::1/64 dev em0 nodad
ip -n "$lan" addr add 192.0.2.254/24 dev gw0
ip -n "$lan" addr add 2001:db8::254/64 dev gw0 nodad
ip -n "$host" route add default via 192.0.2.254
ip -n "$host" route add default via 2001:db8::254
# what jails behind a host bridge use in these tests: answered through the host when it forwards
ip -n "$lan" route add 10.0.0.0/8 via 192.0.2.1
ip -n "$lan" route add 2001:db8:a::/48 via 2001:db8::1

exec 8</proc/self/ns/net
export LAB_TMP LAB_HOST_NS=/run/netns/$host LAB_LAN_NS=/run/netns/$lan
export LAB_OUTSIDE_NS=/proc/$$/fd/8 # the machine's own network: to download from a mirror, nothing else
export LAB_TOP=$top IOCAGE=${IOCAGE:-$build/iocage}
export BATS_LIB_PATH=$top/tests/lab
export IOCAGE_SANITIZER_LOG=$LAB_TMP/sanitizers # builds with sanitizers (src/sanitized.c) report there
unset IOCAGE_ROOT IOCAGE_RUN IOCAGE_COLOR
exec 9<&-
status=0
nsenter --net="/run/netns/$host" "$@" 8<&- || status=$?
if [ -s "$IOCAGE_SANITIZER_LOG" ]; then
	echo "world: the sanitizers found:"
	cat "$IOCAGE_SANITIZER_LOG"
	[ $status -ne 0 ] || status=1
fi >&2
if strays; then [ $status -ne 0 ] || status=1; fi
exit $status
