#!/usr/bin/env bats
# badinput.bats - names, properties and full disks that no command may fall over: one clear message each, nothing changed.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	umount "$LAB_TMP/small" 2>/dev/null || true
	export IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
}

# everything that is kept, and nothing else
kept() {
	find "$IOCAGE_ROOT" -path "$IOCAGE_ROOT/releases/busybox/root" -prune -o -printf '%p %y %m %s\n' | sort
	find "$IOCAGE_RUN" ! -path '*/lock/*' -printf '%p %y\n' | sort
}

@test "every command, with names that are none: 1 or 2, nothing made, nothing of the terminal's" {
	mk real
	kept >"$LAB_TMP/kept"
	long=$(printf 'x%.0s' $(seq 300))
	huge=$(printf 'x%.0s' $(seq 100000))
	for n in a/b .. . ../real /etc real/ ./real -x --no-such 'a b' "$long" "$huge" '' $'a\nb' $'\033[31mred' 'ä' '*' 'real;id' '$(id)' '%s%n' real/../real; do
		for c in start stop restart 'exec -f' console 'get notes' 'get all' 'set notes=x' 'destroy -f' 'start --dry-run' 'create -r busybox -n' \
			'create -e -n' 'create -r' 'fetch -r' 'destroy -r -f' 'fetch -F' 'list -z'; do
			# shellcheck disable=SC2086
			run --separate-stderr timeout 20 iocage $c "$n" </dev/null
			[ "$status" -eq 1 ] || [ "$status" -eq 2 ] || { echo "$c ${n:0:40}: $status"; return 1; }
			hasnt $'\033'
			[ "${#stderr}" -lt 3000 ] || { echo "$c ${n:0:40}: ${#stderr} bytes"; return 1; }
			[ -n "$stderr" ] || [ -n "$output" ] || { echo "$c ${n:0:40}: says nothing"; return 1; }
		done
	done
	kept | diff "$LAB_TMP/kept" -
}

@test "ALL and default where they mean nothing" {
	mk real
	kept >"$LAB_TMP/kept"
	for c in 'create -r busybox -n ALL' 'create -r busybox -n default' 'create -e -n help' 'start default' 'stop default' 'exec default true' \
		'destroy -f default' 'console ALL' 'console default' 'fetch -r ..'; do
		# shellcheck disable=SC2086
		run --separate-stderr iocage $c </dev/null
		[ "$status" -eq 1 ] || [ "$status" -eq 2 ] || { echo "$c: $status $output $stderr"; return 1; }
	done
	kept | diff "$LAB_TMP/kept" -
}

@test "an interface that does not exist, wherever one is named: the start says which, and leaves nothing" {
	world_snapshot before
	for p in 'ip4_addr=nosuch0|192.0.2.77/24' 'ip6_addr=nosuch0|2001:db8::77/64' 'vnet=on vnet_interfaces=nosuch0 interfaces=vnet0:none' \
		'nat=on nat_interface=nosuch0' 'vnet=on interfaces=vnet0:bridge7 vnet_default_interface=nosuch0'; do
		# shellcheck disable=SC2086
		run iocage create -r busybox -n i $p
		if [ "$status" -eq 0 ]; then
			fails 1 iocage start i
			has nosuch0
			ok iocage destroy -f i
		else
			has nosuch0
		fi
		world_same before
	done
}

fill() {
	head -c 100000000 /dev/zero >"$LAB_TMP/small/fill" 2>/dev/null || true
}

@test "a full IOCAGE_RUN: start, exec and stop say so, and leave nothing" {
	mk j ip4_addr="em0|192.0.2.30/24"
	mkdir -p "$LAB_TMP/small"
	for limit in size=256k nr_inodes=64; do
		mount -t tmpfs -o "$limit,mode=755" small "$LAB_TMP/small"
		export IOCAGE_RUN=$LAB_TMP/small/run
		ok iocage list
		ok iocage gc
		world_snapshot before
		if [ $limit = size=256k ]; then
			fill
		else
			for i in $(seq 80); do : >"$LAB_TMP/small/fill.$i" || break; done 2>/dev/null
		fi
		fails 1 iocage start j
		has "o space left"
		rm -f "$LAB_TMP"/small/fill*
		is_down j
		world_same before
		up j
		fill
		ok iocage exec j true
		rm -f "$LAB_TMP/small/fill"
		down j
		world_same before
		export IOCAGE_RUN=$LAB_TMP/run
		umount "$LAB_TMP/small"
	done
}

@test "a full disk: fetch says so and leaves no half release" {
	mkdir -p "$LAB_TMP/small" "$LAB_TMP/tree/bin"
	head -c 3000000 /dev/urandom >"$LAB_TMP/tree/big"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/big.tar" .
	mount -t tmpfs -o size=2m,mode=755 small "$LAB_TMP/small"
	export IOCAGE_ROOT=$LAB_TMP/small
	fails 1 iocage fetch -r big -F "$LAB_TMP/big.tar"
	has "o space left"
	one_line 2
	[ -z "$(ls -A "$IOCAGE_ROOT/releases")" ]
	fill
	fails 1 iocage fetch -r busybox
	has "o space left"
	[ -z "$(ls -A "$IOCAGE_ROOT/releases")" ]
}
