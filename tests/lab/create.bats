#!/usr/bin/env bats
# create.bats - making jails: each kind, names, refusals, races, a full disk, broken configurations.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	umount "$LAB_TMP/small" 2>/dev/null || true
}

# Fill the small file system, and never more than it should hold.
fill() {
	mountpoint -q "$LAB_TMP/small"
	dd if=/dev/zero of="$LAB_TMP/small/fill" bs=4k count=1000 2>/dev/null || true
}

@test "create -r: thin, instant, says so" {
	ok iocage create -r busybox -n thin
	is "thin successfully created!"
	[ -d "$IOCAGE_ROOT/jails/thin/layers" ]
	[ ! -e "$IOCAGE_ROOT/jails/thin/root" ]
	[ "$(du -sk "$IOCAGE_ROOT/jails/thin" | cut -f1)" -lt 200 ]
	ok iocage get release thin
	is busybox
	ok iocage get cloned_release thin
	is busybox
	ok iocage get host_hostname thin
	is thin
}

@test "create fetches a release that is missing by itself" {
	rm -rf "$IOCAGE_ROOT/releases/busybox"
	ok iocage create -r busybox -n fetches
	has "fetches successfully created!"
	[ -x "$IOCAGE_ROOT/releases/busybox/root/bin/busybox" ]
}

@test "create -e: empty; it can be filled and started" {
	ok iocage create -e -n empty exec_start=/bin/true exec_stop=/bin/true
	root=$IOCAGE_ROOT/jails/empty/root
	[ -d "$root" ]
	ok iocage get release empty
	is EMPTY
	mkdir -p "$root/bin"
	cp /bin/busybox "$root/bin/busybox"
	for a in sh true ls; do ln -s busybox "$root/bin/$a"; done
	up empty
	inside_ok empty 'echo from inside'
	is "from inside"
}

@test "create -T: a full copy that needs its release no more" {
	ok iocage create -T -r busybox -n thick
	[ -x "$IOCAGE_ROOT/jails/thick/root/bin/busybox" ]
	up thick
	inside_ok thick 'echo x >/etc/marker; cat /etc/marker'
	is x
	[ ! -e "$IOCAGE_ROOT/releases/busybox/root/etc/marker" ]
}

@test "what a thin jail writes does not reach its release or its neighbour" {
	mk n1
	mk n2
	up n1
	up n2
	inside_ok n1 'echo mine >/etc/marker; rm /bin/ls; test ! -e /bin/ls'
	inside_ok n2 'test ! -e /etc/marker && test -e /bin/ls'
	[ ! -e "$IOCAGE_ROOT/releases/busybox/root/etc/marker" ]
	[ -e "$IOCAGE_ROOT/releases/busybox/root/bin/ls" ]
	down n1
	up n1
	inside_ok n1 'cat /etc/marker; test ! -e /bin/ls'
}

@test "create -c N: numbered names" {
	ok iocage create -r busybox -n many -c 3
	is "$(printf 'many_%d successfully created!\n' 1 2 3)"
	for i in 1 2 3; do ok iocage get -s many_$i; done
	fails 1 iocage get -s many_4
}

@test "create -u, -s, and no name at all" {
	u=11111111-2222-4333-8444-555555555555
	ok iocage create -r busybox -u $u
	ok iocage get -s $u
	is down
	fails 1 iocage create -r busybox -u not-a-uuid
	has "Please provide a valid UUID"
	run iocage create -r busybox -u $u -c 2
	[ "$status" -ne 0 ]
	ok iocage create -s -r busybox
	[[ $output =~ ^[0-9a-f]{8}\ successfully\ created!$ ]]
	ok iocage create -r busybox
	[[ $output =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\ successfully\ created!$ ]]
}

@test "create with properties; a bad one leaves nothing" {
	ok iocage create -r busybox -n props vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.0.0.5/24' notes='two words'
	ok iocage get notes props
	is 'two words'
	fails 1 iocage create -r busybox -n bad boot=maybe
	[ ! -e "$IOCAGE_ROOT/jails/bad" ]
	fails 1 iocage create -r busybox -n bad nosuch=1
	[ ! -e "$IOCAGE_ROOT/jails/bad" ]
	[ "$(find "$IOCAGE_ROOT/jails" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
}

@test "create switches on what is required, and says so" {
	ok iocage create -r busybox -n d dhcp=on
	has "dhcp requires vnet, enabling!"
	ok iocage get vnet d
	is 1
}

@test "boot=on starts it at once" {
	ok iocage create -r busybox -n booted boot=on
	is_up booted
}

@test "names that exist, and names that are nearly the same" {
	mk same
	fails 1 iocage create -r busybox -n same
	has "Jail: same already exists!"
	ok iocage get -s same
	mk a.b
	fails 1 iocage create -r busybox -n a_b
	has "already exists!"
}

@test "nothing to make it from, or something unknown" {
	fails 1 iocage create -n nothing
	has "Must supply either --template (-t) or --release (-r)!"
	fails 1 iocage create -r nosuchrelease -n nothing
	has nosuchrelease
	fails 1 iocage create -r ../../etc -n nothing
	[ ! -e "$IOCAGE_ROOT/jails/nothing" ]
}

@test "two creates of one name at once: one wins, one says why" {
	for i in 1 2 3 4 5; do
		iocage create -r busybox -n race >"$LAB_TMP/r1" 2>&1 &
		p1=$!
		iocage create -r busybox -n race >"$LAB_TMP/r2" 2>&1 &
		p2=$!
		s1=0 s2=0
		wait $p1 || s1=$?
		wait $p2 || s2=$?
		[ $((s1 + s2)) -eq 1 ] || { cat "$LAB_TMP/r1" "$LAB_TMP/r2"; return 1; }
		grep -q "already exists" "$LAB_TMP/r1" "$LAB_TMP/r2"
		ok iocage get -s race
		ok iocage destroy -f race
	done
	[ -z "$(ls -A "$IOCAGE_ROOT/jails")" ]
}

@test "a full disk: one clear line, and no half jail" {
	mkdir -p "$LAB_TMP/small"
	mount -t tmpfs -o size=3m,mode=755 small "$LAB_TMP/small"
	IOCAGE_ROOT=$LAB_TMP/small ok iocage fetch -r busybox
	fill
	IOCAGE_ROOT=$LAB_TMP/small fails 1 iocage create -r busybox -n full
	has "o space left"
	one_line 2
	[ ! -e "$LAB_TMP/small/jails/full" ]
	left=$(find "$LAB_TMP/small/jails" -mindepth 1 | wc -l)
	rm "$LAB_TMP/small/fill"
	IOCAGE_ROOT=$LAB_TMP/small ok iocage create -r busybox -n full
	fill
	cp "$LAB_TMP/small/jails/full/config.json" "$LAB_TMP/was.json"
	IOCAGE_ROOT=$LAB_TMP/small fails 1 iocage set notes="$(head -c 9000 /dev/zero | tr '\0' x)" full
	cmp "$LAB_TMP/small/jails/full/config.json" "$LAB_TMP/was.json"
	[ "$left" -eq 0 ]
}

@test "a broken config.json of each kind: one clear line, the file is left alone" {
	mk broken
	f=$IOCAGE_ROOT/jails/broken/config.json
	cp "$f" "$LAB_TMP/good.json"
	breakit() {
		case $1 in
		truncated) head -c 20 "$LAB_TMP/good.json" ;;
		empty) : ;;
		binary) head -c 4096 /dev/urandom ;;
		huge) head -c 20000000 /dev/zero | tr '\0' ' ' ;;
		array) echo '[1,2]' ;;
		deep) head -c 200000 /dev/zero | tr '\0' '[' ;;
		badvalue) echo '{"ip4_addr": {"a": 1}}' ;;
		esac
	}
	for kind in truncated empty binary huge array deep; do
		breakit $kind >"$f"
		cp "$f" "$LAB_TMP/bad.json"
		for c in "start broken" "get notes broken" "set notes=x broken" "restart broken"; do
			# shellcheck disable=SC2086
			fails 1 iocage $c
			has broken
			one_line 2
		done
		cmp "$f" "$LAB_TMP/bad.json"
		ok iocage list
		has CORRUPT
	done
	breakit badvalue >"$f"
	fails 1 iocage start broken
	rm "$f"
	fails 1 iocage start broken
	has broken
	ok iocage destroy -f broken
	[ ! -e "$IOCAGE_ROOT/jails/broken" ]
}

@test "config.json as a symlink or a device is not followed" {
	mk link
	f=$IOCAGE_ROOT/jails/link/config.json
	rm "$f"
	ln -s /etc/passwd "$f"
	fails 1 iocage get notes link
	hasnt root:x
}

@test "a release that jails need is not destroyed" {
	mk needs
	run iocage destroy -r -f busybox
	[ "$status" -ne 0 ]
	has needs
	[ -d "$IOCAGE_ROOT/releases/busybox/root" ]
	up needs
}

@test "destroy of several, -f" {
	mk d1
	mk d2
	ok iocage destroy -f d1 d2
	[ -z "$(ls -A "$IOCAGE_ROOT/jails")" ]
}

@test "destroy foo leaves foo-bar" {
	mk foo
	mk foo-bar
	ok iocage destroy -f foo
	ok iocage get -s foo-bar
	is down
}
