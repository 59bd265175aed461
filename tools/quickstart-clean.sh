#!/bin/sh
# quickstart-clean.sh - remove what quickstart.sh made on this machine, and nothing else.
set -eu
cd "$(dirname "$0")/.."

IOCAGE_ROOT=${IOCAGE_ROOT:-/var/lib/iocage-quickstart}
IOCAGE_RUN=${IOCAGE_RUN:-/run/iocage-quickstart}
export IOCAGE_ROOT IOCAGE_RUN
iocage=${IOCAGE:-$PWD/build/iocage}
bridge=iocq0
notes=$IOCAGE_ROOT/.quickstart

[ "$(id -u)" -eq 0 ] || {
	echo "quickstart-clean: needs root" >&2
	exit 1
}

noted() {
	grep -qxF "$*" "$notes" 2>/dev/null
}

if [ -e "$notes" ]; then
	[ -x "$iocage" ] || {
		echo "quickstart-clean: $iocage is not built; run: make" >&2
		exit 1
	}
	for j in web box; do
		if noted "jail $j" && [ -d "$IOCAGE_ROOT/jails/$j" ]; then "$iocage" destroy -f "$j"; fi
	done
	if noted 'release busybox' && [ -d "$IOCAGE_ROOT/releases/busybox" ]; then "$iocage" destroy -r -f busybox; fi
fi
if ip link show dev "$bridge" 2>/dev/null | grep -q 'alias iocage quickstart'; then
	ip link del "$bridge"
fi
if [ -e "$notes" ]; then
	# programs for sockets, loaded once per host: gone too, unless somebody else's jails may use them by now
	if [ -z "$(ls -A /run/iocage/jails 2>/dev/null)" ]; then
		pins=$(sed -n 's,^bpf \(/sys/fs/bpf/iocage-.*\)$,\1,p' "$notes")
		if [ -n "$pins" ]; then rm -rf "$pins"; fi
		if noted bpffs; then umount /sys/fs/bpf 2>/dev/null || true; fi
	fi
	# directories go whole only when they were made by quickstart and hold no jail of anybody else
	if noted root && [ -z "$(ls -A "$IOCAGE_ROOT/jails" 2>/dev/null)" ]; then
		noted run && rm -rf --one-file-system "$IOCAGE_RUN"
		rm -rf --one-file-system "$IOCAGE_ROOT"
	else
		rm -f "$notes"
	fi
fi
echo "quickstart-clean: nothing of it is left"
