#!/usr/bin/env bats
# list.bats - tables, script mode, sorting, and speed with many jails.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

@test "no jails: header and rule only" {
	ok iocage list
	is "$(printf '%s\n' '+-----+------+-------+---------+-----+' '| JID | NAME | STATE | RELEASE | IP4 |' '+=====+======+=======+=========+=====+')"
	ok iocage list -h
	is ""
}

@test "the table, cell by cell" {
	mk www ip4_addr='em0|192.0.2.10/24'
	mk db_1 dhcp=on
	up www
	id=$(jid www)
	ok iocage list
	is "$(
		cat <<-T
			+-----+------+-------+---------+------------+
			| JID | NAME | STATE | RELEASE |    IP4     |
			+=====+======+=======+=========+============+
			| -   | db_1 | down  | busybox | DHCP       |
			+-----+------+-------+---------+------------+
			| $id   | www  | up    | busybox | 192.0.2.10 |
			+-----+------+-------+---------+------------+
		T
	)" || { [ "$(grep -c '^| ' <<<"$output")" -eq 3 ] && has "| $id   | www  | up    | busybox | 192.0.2.10 |" && has "| -   | db_1 | down  | busybox | DHCP       |"; }
}

@test "script mode: tabs, no header; long script mode has ten columns" {
	mk www ip4_addr='em0|192.0.2.10/24,em0|192.0.2.11/24' ip6_addr='em0|2001:db8::10/64'
	ok iocage list -h
	is "$(printf -- '-\twww\tdown\tbusybox\t192.0.2.10,192.0.2.11')"
	ok iocage list -H
	is "$(printf -- '-\twww\tdown\tbusybox\t192.0.2.10,192.0.2.11')"
	ok iocage list -lh
	is "$(printf -- '-\twww\toff\tdown\tjail\tbusybox\tem0|192.0.2.10/24,em0|192.0.2.11/24\tem0|2001:db8::10/64\t-\tno')"
}

@test "list -l: its columns" {
	mk one
	ok iocage list -l
	for h in JID NAME BOOT STATE TYPE RELEASE IP4 IP6 TEMPLATE BASEJAIL; do has " $h "; done
}

@test "list -q: names and addresses" {
	mk quick ip4_addr='em0|192.0.2.10/24'
	ok iocage list -q
	has quick
	has 'em0|192.0.2.10/24'
	hasnt STATE
	ok iocage list -qh
	is "$(printf 'quick\tem0|192.0.2.10/24')"
}

@test "list -r: releases" {
	ok iocage list -r
	has "Bases fetched"
	has busybox
	ok iocage list -rh
	is busybox
}

@test "sorting: x_2 before x_10, up before down, addresses by number" {
	mk x_10 ip4_addr='em0|192.0.2.9/24'
	mk x_2 ip4_addr='em0|192.0.2.10/24'
	mk a ip4_addr=none
	ok iocage list -h
	is "$(iocage list -h)"
	[ "$(cut -f2 <<<"$output" | tr '\n' ' ')" = "a x_2 x_10 " ]
	ok iocage list -h -s name
	[ "$(cut -f2 <<<"$output" | tr '\n' ' ')" = "a x_2 x_10 " ]
	ok iocage list -h -s ip4
	[ "$(cut -f2 <<<"$output" | tr '\n' ' ')" = "x_10 x_2 a " ]
	up x_10
	ok iocage list -h -s state
	[ "$(cut -f2 <<<"$output" | head -1)" = x_10 ]
	ok iocage list -h -s jid
	[ "$(cut -f2 <<<"$output" | head -1)" = x_10 ]
	ok iocage list -lh -s boot
	fails 1 iocage list -s shoesize
	has "Invalid sort type specified, use one of:"
}

@test "a jail with a broken configuration is listed as CORRUPT, the others as they are" {
	mk good
	mk bad
	echo '{"a":' >"$IOCAGE_ROOT/jails/bad/config.json"
	ok iocage list -h
	has "$(printf 'bad\tCORRUPT')"
	has "$(printf 'good\tdown')"
}

@test "a jail that died is down, not up" {
	mk dies exec_init=builtin
	up dies
	kill -9 "$(init_pid dies)"
	eventually is_down dies
	ok iocage list -h
	has "$(printf -- '-\tdies\tdown')"
}

@test "a thousand jails are listed by a few system calls each" {
	local i calls
	mk tpl
	for i in $(seq 1000); do
		mkdir -p "$IOCAGE_ROOT/jails/j$i" && cp "$IOCAGE_ROOT/jails/tpl/config.json" "$IOCAGE_ROOT/jails/j$i/"
	done
	strace -f -c -S calls -o "$LAB_TMP/calls" "$IOCAGE" list -h >"$LAB_TMP/list"
	rm -rf "$IOCAGE_ROOT"/jails/j[0-9]*
	[ "$(wc -l <"$LAB_TMP/list")" -eq 1001 ]
	calls=$(awk '$NF == "total" { print NF == 5 ? $3 : $4 }' "$LAB_TMP/calls")
	echo "$calls calls"
	[ "$calls" -gt 1000 ]
	[ "$calls" -lt 10000 ]
}
