# lib.bash - what the benchmarks share: the world they run in, a file system for each contender, medians.
# shellcheck shell=bash disable=SC2034,SC2154

# Some tools look for a bridge in /sys: give everybody the /sys of this network, with the cgroups that were there.
bench_sys() {
	local bpf
	mkdir -p "$LAB_TMP/cg" "$LAB_TMP/bpf"
	mount --rbind /sys/fs/cgroup "$LAB_TMP/cg"
	bpf=$(awk '$5 == "/sys/fs/bpf" { print 1 }' /proc/self/mountinfo | head -n 1)
	if [ -n "$bpf" ]; then mount --bind /sys/fs/bpf "$LAB_TMP/bpf"; fi
	mount -t sysfs sysfs /sys
	mount --rbind "$LAB_TMP/cg" /sys/fs/cgroup
	if [ -n "$bpf" ]; then mount --bind "$LAB_TMP/bpf" /sys/fs/bpf; fi
	umount -R "$LAB_TMP/cg"
	if [ -n "$bpf" ]; then umount "$LAB_TMP/bpf"; fi
}

# State where it is on real machines: /run is no disk. (Making files on ext4 takes longer after many were removed.)
bench_run() {
	export IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
	mkdir -p "$IOCAGE_RUN"
	mount -t tmpfs -o mode=755 tmpfs "$IOCAGE_RUN"
}

# tree DIR: the busybox system that each contender runs.
bench_tree() {
	local tree=$1 a
	mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/etc" "$tree/tmp" "$tree/usr/bin" "$tree/run" "$tree/var" "$tree/root"
	cp /bin/busybox "$tree/bin/busybox"
	for a in sh true sleep ip; do ln -s busybox "$tree/bin/$a"; done
	ln -s ../bin/true "$tree/usr/bin/true"
	echo 'NAME=bench' >"$tree/etc/os-release"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
}

# Where cgroups are hybrid some tools want the second version alone: a mount namespace in which it is, to be entered by
# "${pure[@]}". $holder is to be killed at the end.
bench_pure() {
	[ -d /sys/fs/cgroup/unified ] || return 0
	unshare --mount --propagation private sh -c "mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup && : >'$d/pure' && exec sleep 100000" &
	holder=$!
	until [ -e "$d/pure" ]; do sleep 0.05; done
	pure=(nsenter --mount="/proc/$holder/ns/mnt")
}

# lxc_config NAME ADDR COMMAND: an lxc container of $tree on br0.
bench_lxc() {
	mkdir -p "$d/lxc/$1"
	cat >"$d/lxc/$1/config" <<-C
		lxc.uts.name = $1
		lxc.rootfs.path = dir:$tree
		lxc.init.cmd = $3
		lxc.net.0.type = veth
		lxc.net.0.link = br0
		lxc.net.0.flags = up
		lxc.net.0.ipv4.address = $2/24
		lxc.net.0.ipv4.gateway = 10.77.0.1
		lxc.mount.auto = proc:mixed
		lxc.apparmor.profile = unconfined
	C
}

# median NAME [DIVISOR], spread NAME [DIVISOR]: of the figures in $d/times/NAME.
median() {
	[ -s "$d/times/$1" ] || return 1
	sort -n "$d/times/$1" | awk -v by="${2:-1}" '{ v[NR] = $1 }
		END { printf "%.2f", (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) / by }'
}

spread() {
	sort -n "$d/times/$1" | awk -v by="${2:-1}" '{ v[NR] = $1 } END { printf "%.2f..%.2f", v[1] / by, v[NR] / by }'
}

# target TEXT A B OP LIMIT: counts in $missed unless the median of A / that of B is OP (<= or >=) LIMIT.
target() {
	local a b
	if ! a=$(median "$2") || ! b=$(median "$3"); then
		printf '  %-44s not measured\n' "$1"
		return
	fi
	if ! awk -v a="$a" -v b="$b" -v op="$4" -v l="$5" -v t="$1" 'BEGIN {
		r = a / b; met = op == "<=" ? r <= l : r >= l
		printf "  %-44s ratio %7.3f  target %7s  %s\n", t, r, op " " l, met ? "met" : "missed"; exit !met }'; then
		missed=$((missed + 1))
	fi
}
