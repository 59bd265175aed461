#!/usr/bin/env bash
# noise.sh - run a command while this machine is busy with what other people run on it. Usage: noise.sh COMMAND [ARG...]
#
# In the machine's own mount and process namespaces, until COMMAND has ended: the jails of quickstart.sh with their web server, an
# httpd of the host, mounts that come and go (tmpfs, overlay, bind, a named network namespace), control groups, locks, pins, and
# Debian systems made by mmdebstrap(1) where it is installed. The network of all that is a namespace of its own. Ends with COMMAND's status.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

[ $# -gt 0 ] || {
	echo "usage: $0 COMMAND [ARG...]" >&2
	exit 2
}
[ "$(id -u)" -eq 0 ] || {
	echo "noise: needs root" >&2
	exit 1
}
tmp=$(mktemp -d /tmp/noise.XXXXXX)
mkdir "$tmp"/{lower,upper,work,merged,small,bound,www}
net=ioc-noise-$$
export IOCAGE_ROOT=$tmp/root IOCAGE_RUN=$tmp/run
loops=()

in_net() {
	nsenter --net="/run/netns/$net" "$@"
}

leave() {
	set +e
	for l in "${loops[@]}"; do kill -- "-$l" 2>/dev/null; done
	wait
	in_net tools/quickstart-clean.sh >/dev/null || echo "noise: $tmp/root has jails that could not be ended" >&2
	ip netns del "$net"
	ip netns del "$net-2" 2>/dev/null
	for m in merged small bound www system; do umount -l "$tmp/$m" 2>/dev/null; done
	rmdir /sys/fs/cgroup{,/unified}/iocage-noise-$$ 2>/dev/null
	rm -rf --one-file-system "$tmp"
}
trap leave EXIT
trap 'exit 130' INT TERM

mounts() {
	while :; do
		mount -t tmpfs noise "$tmp/small"
		mount -t overlay -o "lowerdir=$tmp/lower,upperdir=$tmp/upper,workdir=$tmp/work" noise "$tmp/merged"
		mount --bind "$tmp/lower" "$tmp/bound"
		ip netns add "$net-2"
		sleep 0.2
		ip netns del "$net-2"
		umount "$tmp/bound"
		umount "$tmp/merged"
		umount "$tmp/small"
		# a mount point that goes takes its mounts with it, in every namespace
		mkdir -p "$tmp/gone"
		mount -t tmpfs noise "$tmp/gone"
		sleep 0.1
		umount "$tmp/gone"
		rmdir "$tmp/gone"
	done
}

groups() {
	local top=/sys/fs/cgroup
	[ -e "$top/cgroup.controllers" ] || top=$top/unified
	while :; do
		mkdir "$top/iocage-noise-$$"
		flock "$tmp/lower" sleep 0.2
		rmdir "$top/iocage-noise-$$"
	done
}

# Processes called as those of the tests are.
processes() {
	while :; do
		(exec -a 'iocage-lease keep d ' sleep 0.3) &
		(exec -a 'held /own' sleep 0.3) &
		sleep 5000 &
		sleep 0.2
		kill $!
	done
}

systems() {
	command -v mmdebstrap >/dev/null || return
	while :; do
		mkdir -p "$tmp/system"
		mmdebstrap --variant=essential bookworm "$tmp/system" >"$tmp/mmdebstrap.log" 2>&1 || sleep 5
		rm -rf --one-file-system "$tmp/system"
	done
}

ip netns add "$net"
in_net ip link set lo up
echo noise >"$tmp/www/index.html"
in_net tools/quickstart.sh >"$tmp/quickstart.log" 2>&1 || {
	cat "$tmp/quickstart.log"
	exit 1
}
# each a group of its own, to be ended with all it runs
set -m
in_net busybox httpd -f -p 127.0.0.1:80 -h "$tmp/www" &
loops+=($!)
for what in mounts groups processes systems; do
	$what >/dev/null 2>&1 &
	loops+=($!)
done
set +m
status=0
env -u IOCAGE_ROOT -u IOCAGE_RUN "$@" || status=$?
for l in "${loops[@]}"; do
	[ "$l" = "${loops[-1]}" ] || kill -0 "$l" 2>/dev/null || {
		echo "noise: a part of it ended early" >&2
		status=1
	}
done
exit $status
