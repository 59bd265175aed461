#!/usr/bin/env bash
# run.sh - run tests under Debian's own kernel in a virtual machine: tests/vm/run.sh [COMMAND...]
#
# Without a command: all lab suites. The guest sees the machine's file system read-only through virtiofs, under a writable layer
# in memory; /tmp and /var/lib/iocage are on an ext4 disk of its own, cgroups are pure v2. For Debian 12: its kernel
# is not installed but unpacked below build/vm. Needs root (virtiofsd), no KVM.
#
#     IOCAGE_VM_SECONDS=18000     a machine that is not done by then is ended
#     IOCAGE_VM_MIRROR=1          it gets a way to the machine's network, for the suites that need Debian's mirror
#     IOCAGE_VM_KERNEL=6.1.0-47   that one instead of the newest 6.1 (any linux-image-*-cloud-amd64 the mirror has)
#     IOCAGE, IOCAGE_BUILD, IOCAGE_TESTS_MUST_RUN, IOCAGE_TESTS_SAY_RAN, IOCAGE_SUITE_SECONDS, FAULT_STEP, FAULT_OFFSET: as
#     elsewhere in tests, passed on
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
vm=$top/tests/vm
cache=${IOCAGE_VM_CACHE:-$top/build/vm}
build=${IOCAGE_BUILD:-$top/build}

die() {
	echo "vm: $*" >&2
	exit 1
}

build=$(cd "$top" && cd "$build" 2>/dev/null && pwd) || die "${IOCAGE_BUILD:-$top/build} is not there: build first"
IOCAGE_BUILD=$build
IOCAGE=${IOCAGE:-$build/iocage}
IOCAGE_SUITE_SECONDS=${IOCAGE_SUITE_SECONDS:-3600} # software emulation is slow
[ "$(id -u)" -eq 0 ] || die "needs root: the guest reads the machine's files as they are"
for p in qemu-system-x86_64 /usr/lib/qemu/virtiofsd busybox mke2fs; do
	command -v "$p" >/dev/null || die "$p is missing: as root run: tools/deps.sh vm"
done

run=$(mktemp -d /tmp/iocage-vm.XXXXXX)
fsd='' qemu=''
leave() {
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null || true
	[ -z "$fsd" ] || kill "$fsd" 2>/dev/null || true
	rm -rf "$run"
}
trap leave EXIT
trap 'exit 130' INT TERM

# --- the kernel: fetched once, unpacked beside its package ---

newest_kernel() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: linux-image-\(6\.1\..*\)-cloud-amd64$/\1/p' | head -n 1
}

# Prints the directory; fetches into it when it is not there.
kernel_dir() {
	local v=${IOCAGE_VM_KERNEL:-} d pkg
	[ -n "$v" ] || v=$(newest_kernel)
	if [ -z "$v" ]; then # no package lists: what was fetched before will do
		d=$(find "$cache" -maxdepth 1 -name 'kernel-*' 2>/dev/null | sort -V | tail -n 1)
		[ -n "$d" ] || die "apt knows no linux-image-cloud-amd64 of 6.1: run apt-get update"
		echo "$d"
		return
	fi
	d=$cache/kernel-$v pkg=linux-image-$v-cloud-amd64
	if [ ! -e "$d/boot" ]; then
		mkdir -p "$cache/fetch"
		# as root itself: the download user of apt need not be able to enter the directory
		(cd "$cache/fetch" && apt-get -qq -o APT::Sandbox::User=root download "$pkg") >&2 || die "cannot download $pkg"
		rm -rf "$d.new"
		dpkg-deb -x "$cache/fetch/$pkg"_*.deb "$d.new"
		busybox depmod -b "$d.new" "$v-cloud-amd64"
		mv "$d.new" "$d"
		rm -rf "$cache/fetch"
	fi
	echo "$d"
}

# --- the first root: busybox, the modules that reach the real one, and init ---

# module_files DIR NAME...: the files of these modules and of all they need, relative to DIR
module_files() {
	local d=$1
	shift
	awk -v want="$*" -F '[: ]+' '
		{ n = $1; sub(/.*\//, "", n); sub(/\.ko.*/, "", n); file[n] = $1; all[n] = $0 }
		END {
			c = split(want, w, " ")
			for (i = 1; i <= c; i++) {
				k = split(all[w[i]], f, /[: ]+/)
				for (j = 1; j <= k; j++) if (f[j] != "" && !seen[f[j]]++) print f[j]
			}
		}' "$d/modules.dep"
}

make_initramfs() {
	local mods=$1 r=$run/initramfs f
	mkdir -p "$r/bin" "$r/modules"
	cp "$(command -v busybox)" "$r/bin/busybox"
	ln -s busybox "$r/bin/sh"
	cp "$vm/init.sh" "$r/init"
	chmod 755 "$r/init"
	# one list, in an order in which they can be loaded: what a module needs stands after it
	for f in virtio_pci virtio_blk ext4 virtiofs overlay; do
		module_files "$mods" "$f" | tac
	done | awk '!seen[$0]++' >"$r/modules/order"
	while read -r f; do cp "$mods/$f" "$r/modules/"; done <"$r/modules/order"
	(cd "$r" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$run/initrd"
}

# --- what the guest runs ---

write_order() {
	local v
	{
		echo "cd '$top'"
		for v in IOCAGE IOCAGE_BUILD IOCAGE_TESTS_MUST_RUN IOCAGE_TESTS_SAY_RAN IOCAGE_SUITE_SECONDS FAULT_STEP FAULT_OFFSET; do
			[ -z "${!v:-}" ] || printf 'export %s=%q\n' "$v" "${!v}"
		done
		if [ $# -gt 0 ]; then
			printf '%q ' "$@"
			echo
		else
			echo "tests/run.sh lab"
		fi
	} >"$run/order"
}

kernel=$(kernel_dir)
mods=$(echo "$kernel"/lib/modules/*)
make_initramfs "$mods"
write_order "$@"
busybox truncate -s 4G "$run/disk"
mke2fs -q -t ext4 -O ^has_journal -E lazy_itable_init=1 "$run/disk"

/usr/lib/qemu/virtiofsd --socket-path="$run/fs.sock" -o source=/ -o cache=always -o xattr -o sandbox=chroot \
	>"$run/fsd.log" 2>&1 &
fsd=$!
for _ in $(seq 50); do
	[ -S "$run/fs.sock" ] && break
	sleep 0.1
done
[ -S "$run/fs.sock" ] || die "virtiofsd did not start: $(cat "$run/fsd.log")"

: >"$run/status"
mirror=()
[ "${IOCAGE_VM_MIRROR:-0}" = 0 ] || mirror=(-netdev "user,id=mirror" -device "virtio-net-pci,netdev=mirror,romfile=")
timeout --kill-after=10 "${IOCAGE_VM_SECONDS:-18000}" \
	qemu-system-x86_64 -accel tcg -cpu max -smp 2 -m 2G -nodefaults -no-user-config -display none -no-reboot \
	-object memory-backend-memfd,id=mem,size=2G,share=on -machine pc,memory-backend=mem \
	-kernel "$kernel"/boot/vmlinuz-* -initrd "$run/initrd" \
	-append "console=ttyS0 quiet panic=-1 loglevel=4 vm.run=$run vm.top=$top vm.build=$build vm.modules=$kernel/lib/modules" \
	-chardev socket,id=fs,path="$run/fs.sock" -device vhost-user-fs-pci,chardev=fs,tag=machine \
	-drive file="$run/disk",format=raw,if=virtio,cache=unsafe "${mirror[@]}" \
	-chardev stdio,id=console,signal=off -serial chardev:console -serial file:"$run/status" </dev/null &
qemu=$!
wait "$qemu" || die "the virtual machine failed: qemu ended with $?"
qemu=''
status=$(tr -cd 0-9 <"$run/status")
[ -n "$status" ] || die "the guest ended without saying how"
exit "$status"
