#!/bin/sh
# deps.sh - install what building, testing or benchmarking needs, from Debian. Usage: deps.sh build|test|vm|bench...
set -eu

build='gcc make meson ninja-build pkg-config libc6-dev libmnl-dev libjansson-dev libarchive-dev libmd-dev
	libseccomp-dev libbpf-dev libcap-dev linux-libc-dev clang llvm bpftool musl-tools busybox-static iproute2'
test='bats libcmocka-dev clang-format clang-tidy cppcheck shellcheck mandoc git mmdebstrap nftables iptables python3-minimal
	util-linux procps net-tools strace xxd dnsmasq-base radvd xz-utils zstd libclang-rt-dev apparmor'
vm='qemu-system-x86 e2fsprogs'
bench='lxc crun bubblewrap systemd-container podman iperf3 wrk'

list=''
for what in "${@:-build}"; do
	case $what in
	build) list="$list $build" ;;
	test) list="$list $test" ;;
	vm) list="$list $vm" ;;
	bench) list="$list $bench" ;;
	*)
		echo "usage: $0 build|test|vm|bench..." >&2
		exit 2
		;;
	esac
done

# the FreeBSD check fetches its compiler with npm, which may have come from elsewhere than Debian
case " $* " in
*' test '*) command -v npm >/dev/null || list="$list npm" ;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "deps: no dpkg here; install what corresponds to: $list" >&2
	exit 0
fi

missing=''
for p in $list; do
	dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -q '^installed$' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "deps: missing packages; as root run: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

known() {
	for p in $missing; do
		apt-cache show "$p" >/dev/null 2>&1 || return 1
	done
}

echo "deps: installing$missing"
export DEBIAN_FRONTEND=noninteractive
known || apt-get update -qq
# shellcheck disable=SC2086 # a list of package names
apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
	# package lists can be older than what the mirror still has
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends $missing >/dev/null
}
