#!/usr/bin/env bats
# versions.bats - iocage is upgraded while shared-IP jails run: each keeps the kernel programs it was started with.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# The same programs under another version: its name is in the helpers as text, and only names the pins.
upgrade() {
	local here old f
	here=$(dirname "$(readlink -f "$IOCAGE")")
	old=$(grep -aoE 'iocage-[0-9a-f]{12}-%llx' "$here/iocage-monitor" | head -n 1)
	mkdir -p "$LAB_TMP/new"
	for f in iocage iocage-init iocage-monitor iocage-bpf iocage-extract; do
		sed "s/$old/iocage-ffffffffffff-%llx/g" "$here/$f" >"$LAB_TMP/new/$f"
		chmod 755 "$LAB_TMP/new/$f"
	done
}

# How many versions are pinned for this network namespace. Its cookie is in the name of what the first start pinned.
pinned() {
	find /sys/fs/bpf -maxdepth 1 -name "iocage-*-$cookie" | wc -l
}

pins_are() {
	[ "$(pinned)" -eq "$1" ]
}

# Have the maps of that kind of the version of the jail old an entry.
old_keeps() {
	[ -e "/sys/fs/bpf/iocage-$version-$cookie/hold_${1}s" ] || return 1
	bpftool -j map dump pinned "/sys/fs/bpf/iocage-$version-$cookie/hold_${1}s" | grep -q '"key"'
}

mkshared() {
	local n=$1
	shift
	mk "$n" vnet=off "$@"
}

@test "old jails go on, new ones use the new version, the old one goes with its last jail" {
	find /sys/fs/bpf -maxdepth 1 -name 'iocage-*' | sort >"$LAB_TMP/pins"
	# of several networks: the kernel is told which it sends from
	mkshared old 'ip4_addr=em0|192.0.2.10/24,em0|203.0.113.9/24'
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/udp" "$LAB_TOP/tests/lab/udp.c"
	put old "$LAB_TMP/udp" bin/udp
	mkshared new 'ip4_addr=em0|192.0.2.11/24'
	up old
	cookie=$(find /sys/fs/bpf -maxdepth 1 -name 'iocage-*' | sort | comm -13 "$LAB_TMP/pins" - | head -n 1)
	cookie=${cookie##*-}
	[ -n "$cookie" ]
	version=$("$IOCAGE-bpf" -p | sed 's,.*/iocage-,,; s/-[^-]*$//')
	[ -d "/sys/fs/bpf/iocage-$version-$cookie" ]
	pins_are 1
	serve old 80 old-page
	upgrade
	PATH=$LAB_TMP/new:$PATH
	up new
	pins_are 2
	serve new 80 new-page
	[ "$(page http://192.0.2.10/)" = old-page ]
	[ "$(page http://192.0.2.11/)" = new-page ]
	# the new program in the old jail, and the jails to each other
	serve old 81 old-too
	inside_ok new 'wget -q -O - http://192.0.2.10:81/'
	is old-too
	inside_ok old 'wget -q -O - http://192.0.2.11/'
	is new-page
	inside old 'httpd -f -p 192.0.2.11:82 -h /'
	has "annot assign requested address"
	down old
	eventually pins_are 1
	[ -d "/sys/fs/bpf/iocage-ffffffffffff-$cookie" ]
	[ "$(page http://192.0.2.11/)" = new-page ]
	# what was removed is loaded again when it is wanted again
	ok "$IOCAGE" start old
	pins_are 2
	serve old 80 again
	[ "$(page http://192.0.2.10/)" = again ]
	down new
	eventually pins_are 1
	[ "$(page http://192.0.2.10/)" = again ]
	# ended by another version, nothing of it is left in the maps of the one it was started with
	# (a UDP port is the monitor's to translate: it is told of each)
	inside_ok old '(udp serve 53 </dev/null >/dev/null 2>&1 &)'
	for m in owner port source event; do eventually old_keeps $m; done
	ok "$LAB_TMP/new/iocage" stop old
	pins_are 1
	[ -d "/sys/fs/bpf/iocage-$version-$cookie" ]
	for m in owner port source event; do ! old_keeps $m || return 1; done
}
