#!/usr/bin/env bats
# reboot.bats - the machine stops without a word and boots again; and what is written of running jails is damaged.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() {
	nft flush ruleset
	lab_reset
	iocage gc >/dev/null 2>&1
	rm -rf "$LAB_TMP/kept"
}

# What a power failure takes: processes, control groups, interfaces, addresses, rules, switches; and RUN, unless it is kept.
power_off() {
	local cg l groups
	mapfile -t groups < <(find /sys/fs/cgroup -depth -type d \( -path "*/iocage-$(run_hash)" -o -path "*/iocage-$(run_hash)/*" \) 2>/dev/null)
	for cg in "${groups[@]}"; do
		[ ! -e "$cg/cgroup.kill" ] || echo 1 >"$cg/cgroup.kill"
	done
	for cg in "${groups[@]}"; do
		eventually rmdir "$cg" || return 1
	done
	find "$IOCAGE_RUN/jails" -name netns -exec umount -l {} +
	for l in $(ip -o link show | sed -E 's/^[0-9]+: ([^:@]+)[:@].*/\1/' | grep -vE '^(lo|em0)$'); do
		ip link del "$l" 2>/dev/null || true
	done
	ip addr flush dev em0 scope global
	ip addr add 192.0.2.1/24 dev em0
	ip addr add 2001:db8::1/64 dev em0 nodad
	ip route replace default via 192.0.2.254
	ip route replace default via 2001:db8::254
	nft flush ruleset
	# a boot begins with none
	echo 0 >/proc/sys/net/ipv4/conf/all/forwarding
	echo 0 >/proc/sys/net/ipv4/conf/em0/forwarding
	[ "${1:-}" = keep ] || rm -rf --one-file-system "$IOCAGE_RUN"
}

# Everything about a jail that a boot must not change.
lasting() {
	# ip4_addr of a jail behind NAT shows the address that it has now
	iocage get all "$1" | grep -vE "^(state|jid|last_started$([ "$1" != n ] || echo "|ip4_addr")):"
}

live_facts() {
	inside_ok "$1" "cat /sys/class/net/*/address | sort; ip -o addr show scope global | sed -E 's/^[0-9]+: //; s/(valid|preferred)_lft.*//; s/ *\\\\//'; ip route; hostname; cat /mine"
	printf '%s\n' "$output"
}

three_jails() {
	mk v vnet=on ip4_addr="vnet0|10.7.7.2/24" ip6_addr="vnet0|2001:db8:a::2/64" interfaces=vnet0:bridge7 boot=on
	mk s ip4_addr="em0|192.0.2.21/24" ip6_addr="em0|2001:db8::21/64" boot=on
	mk n nat=on nat_forwards="tcp(80:8080)" boot=on
	for j in v s n; do inside_ok $j "echo mine-$j >/mine"; done
}

@test "a boot: all down, nothing refers to what is gone, all come up as they were" {
	world_snapshot boot
	three_jails
	mkdir -p "$LAB_TMP/kept"
	for j in v s n; do
		lasting $j >"$LAB_TMP/kept/$j"
		live_facts $j >"$LAB_TMP/kept/$j.live"
	done
	cp "$IOCAGE_ROOT/jails/n/nat" "$LAB_TMP/kept/nat"
	power_off
	run --separate-stderr iocage list -h
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
	[ "$(cut -f 3 <<<"$output" | sort -u)" = down ]
	for j in v s n; do lasting $j | cmp - "$LAB_TMP/kept/$j"; done
	run --separate-stderr iocage gc
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
	is "Nothing to remove."
	run --separate-stderr iocage start --rc
	[ "$status" -eq 0 ] && [ -z "$stderr" ]
	for j in v s n; do
		is_up $j
		lasting $j | cmp - "$LAB_TMP/kept/$j"
		live_facts $j | diff "$LAB_TMP/kept/$j.live" -
	done
	cmp "$IOCAGE_ROOT/jails/n/nat" "$LAB_TMP/kept/nat"
	down v s n
	world_same boot
}

@test "a boot with IOCAGE_RUN on a disk: what it says is stale, and nobody else's process is touched" {
	world_snapshot boot
	three_jails
	power_off keep
	sleep 300 &
	stranger=$!
	# the numbers of then are somebody else's now
	sed -i "s/^pid=.*/pid=$stranger/; s/^monitor=.*/monitor=$stranger/" "$IOCAGE_RUN"/jails/*/state
	run --separate-stderr iocage list -h
	[ "$status" -eq 0 ]
	[ "$(cut -f 3 <<<"$output" | sort -u)" = down ]
	ok iocage start v
	ok iocage gc
	ok iocage start n
	ok iocage start s
	for j in v s n; do
		inside_ok $j "cat /mine"
		is "mine-$j"
	done
	kill -0 $stranger
	down v s n
	kill $stranger
	world_same boot
}

@test "power fails while IOCAGE_RUN is on a disk: state and journals empty, cut, or full of zeros" {
	world_snapshot boot
	for how in 'truncate -s 0' 'truncate -s 7' 'fill'; do
		three_jails
		power_off keep
		for f in "$IOCAGE_RUN"/jails/*/state "$IOCAGE_RUN"/jails/*/journal; do
			if [ "$how" = fill ]; then
				n=$(stat -c %s "$f")
				head -c "$n" /dev/zero >"$f"
			else
				$how "$f"
			fi
		done
		run --separate-stderr iocage list -h
		[ "$status" -eq 0 ]
		# cut in the middle of a line it cannot be told
		[ "$(cut -f 3 <<<"$output" | sort -u)" = "$([ "$how" = 'truncate -s 7' ] && echo N/A || echo down)" ]
		for j in v s n; do
			run iocage start $j
			if [ "$status" -ne 0 ]; then
				has "iocage stop -f $j"
				ok iocage stop -f $j
				ok iocage start $j
			fi
			inside_ok $j "cat /mine"
			is "mine-$j"
		done
		down v s n
		ok iocage gc
		for j in v s n; do ok iocage destroy -f $j; done
	done
	world_same boot
}

@test "IOCAGE_RUN is removed under running jails: gc finds all of it, and they start again" {
	world_snapshot boot
	three_jails
	find "$IOCAGE_RUN/jails" -name netns -exec umount -l {} +
	rm -rf --one-file-system "$IOCAGE_RUN"
	ok iocage gc
	ok iocage gc
	is "Nothing to remove."
	for j in v s n; do
		ok iocage start $j
		inside_ok $j "cat /mine"
		is "mine-$j"
	done
	down v s n
	# that it was us who turned it on was written there
	echo 0 >/proc/sys/net/ipv4/conf/em0/forwarding
	world_same boot
}

@test "a state or a journal that makes no sense is named, the rest works, stop -f ends the jail" {
	world_snapshot damage
	mk a vnet=on ip4_addr="vnet0|10.7.7.2/24" interfaces=vnet0:bridge7
	mk b ip4_addr="em0|192.0.2.22/24"
	for f in state journal; do
		up a
		up b
		printf 'rubb\001ish\n' >"$IOCAGE_RUN/jails/a/$f"
		run --separate-stderr iocage list -h
		[ "$status" -eq 0 ]
		has $'\tb\tup'
		[ $f = journal ] || { has "jails/a/state:1:"; hasnt $'\001'; }
		for c in stop restart 'destroy -f'; do
			fails 1 iocage $c a
			has "jails/a/$f:1:"
			has "iocage stop -f a"
		done
		[ -d "$IOCAGE_ROOT/jails/a" ]
		ok iocage exec b true
		down b
		up b
		run iocage gc
		[ "$status" -eq 1 ]
		has "jails/a/$f:1:"
		[ "$(iocage get -s b)" = up ]
		# it runs, so what it has stays
		ip link show bridge7
		ok iocage stop -f a
		ok iocage gc
		is_down a
		up a
		down a
		down b
	done
	world_same damage
}

@test "a nat file that makes no sense is named, and the jail gets an address all the same" {
	mk n nat=on
	for text in '' 172.16.0 172.16.0.2/8 172.16.0.1/30 rubbish $'172.16\001'; do
		printf '%s' "$text" >"$IOCAGE_ROOT/jails/n/nat"
		ok iocage start n
		has "jails/n/nat"
		has "its address was lost"
		grep -qE '^[0-9.]+/30$' "$IOCAGE_ROOT/jails/n/nat"
		down n
		ok iocage start n
		hasnt "its address was lost"
		down n
	done
}

@test "a broken config.json is named with line and column, and no command writes it" {
	mk a notes=x
	mk b notes=y
	mkdir -p "$LAB_TMP/kept"
	printf '{\n    "notes": "x",\n    oops\n}\n' >"$LAB_TMP/kept/config.json"
	cp "$LAB_TMP/kept/config.json" "$IOCAGE_ROOT/jails/a/config.json"
	n=$(stat -c '%i %Y %s' "$IOCAGE_ROOT/jails/a/config.json")
	for c in 'set notes=z a' 'start a' 'restart a' 'get notes a' 'get all a' 'exec -f a true' 'start --dry-run a'; do
		fails 1 iocage $c
		has "jails/a/config.json:3:"
	done
	for c in 'list' 'list -l' 'gc' 'create -r busybox -n c' 'destroy -f c' 'set notes=q b' 'start b' 'stop b' 'fetch -r busybox' 'set stop_timeout=9 default' \
		'start --rc' 'stop --rc' 'get notes default' 'doctor'; do
		run iocage $c
	done
	run iocage start -i ALL
	run iocage stop -i ALL
	[ "$(iocage get notes b)" = q ]
	cmp "$LAB_TMP/kept/config.json" "$IOCAGE_ROOT/jails/a/config.json"
	[ "$n" = "$(stat -c '%i %Y %s' "$IOCAGE_ROOT/jails/a/config.json")" ]
	ok iocage list -h
	has $'\tb\t'
	has CORRUPT
	# it can be destroyed, which is what its message says
	ok iocage destroy -f a
	[ ! -e "$IOCAGE_ROOT/jails/a" ]
}
