#!/usr/bin/env bats
# props.bats - get and set: every property, the manual's lines, refusals, and what survives a rewrite.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

config() { echo "$IOCAGE_ROOT/jails/$1/config.json"; }

@test "the manual's own lines work verbatim" {
	mk J
	ok iocage get vnet J
	is 0
	ok iocage set vnet=on J
	is "vnet: 0 -> 1"
	ok iocage set vnet=off J
	is "vnet: 1 -> 0"
	ok iocage set ip4_addr="em0|10.1.1.10/24,em0|10.1.1.11/24" J
	is "ip4_addr: none -> em0|10.1.1.10/24,em0|10.1.1.11/24"
	ok iocage set ip6_addr="em0|2001:123:456:242::5/64" J
	is "ip6_addr: none -> em0|2001:123:456:242::5/64"
	ok iocage set defaultrouter=10.1.1.254 J
	is "defaultrouter: auto -> 10.1.1.254"
	ok iocage set ip4_addr="vnet0|10.1.1.10/24" J
	ok iocage set defaultrouter6="2001:123:456:242::1" J
	is "defaultrouter6: auto -> 2001:123:456:242::1"
	ok iocage set ip4_addr=none ip6_addr=none defaultrouter=none defaultrouter6=none J
	for p in ip4_addr ip6_addr defaultrouter defaultrouter6; do
		ok iocage get $p J
		is none
	done
}

@test "every property of get all can be got by itself" {
	mk all
	ok iocage get all all
	all=$output
	n=$(printf '%s\n' "$all" | grep -c :)
	[ "$n" -ge 100 ]
	[ "$(printf '%s\n' "$all" | cut -d: -f1)" = "$(printf '%s\n' "$all" | cut -d: -f1 | LC_ALL=C sort)" ]
	while IFS=: read -r k v; do
		run iocage get "$k" all
		[ "$k" = state ] || [ "$status" -eq 0 ] || { echo "$k: $output"; return 1; }
	done <<<"$all"
	ok iocage get -a all
	is "$all"
}

@test "the whole table exists" {
	mk table
	for p in vnet ip4_addr ip6_addr ip4 ip6 ip4_saddrsel ip6_saddrsel interfaces vnet0_mac vnet3_mac mac_prefix \
		vnet_default_interface vnet0_mtu vnet0_vlan vnet3_vlan vnet_default_mtu vnet_interfaces defaultrouter defaultrouter6 dhcp bpf rtsold \
		ip_hostname resolver host_hostname host_domainname exec_fib assign_localhost localhost_ip nat nat_forwards \
		nat_prefix nat_interface nat_backend securelevel devfs_ruleset min_dyn_devfs_ruleset enforce_statfs children_max \
		sysvmsg sysvsem sysvshm allow_set_hostname allow_sysvipc allow_raw_sockets allow_chflags allow_quotas \
		allow_socket_af allow_mlock allow_vmm allow_mount allow_mount_fusefs allow_mount_devfs allow_mount_fdescfs \
		allow_mount_nullfs allow_mount_procfs allow_mount_linprocfs allow_mount_linsysfs allow_mount_tmpfs \
		allow_mount_zfs allow_nfsd allow_tun mount_devfs mount_fdescfs mount_procfs mount_linprocfs exec_prestart \
		exec_created exec_start exec_poststart exec_prestop exec_stop exec_poststop exec_clean exec_timeout stop_timeout \
		exec_jail_user exec_system_jail_user exec_system_user login_flags boot priority depends template notes owner \
		comment type basejail release cloned_release last_started hostid hostid_strict_check host_time jail_zfs \
		jail_zfs_dataset jail_zfs_mountpoint count rlimits quota reservation dedup origin mountpoint compressratio \
		available used cpuset cputime datasize stacksize coredumpsize memoryuse memorylocked maxproc openfiles \
		vmemoryuse pseudoterminals swapuse nthr msgqqueued msgqsize nmsgq nsem nsemop nshm shmsize wallclock pcpu \
		readbps writebps readiops writeiops plugin_name plugin_repository exec_init; do
		run iocage get $p table
		[ "$status" -eq 0 ] || { echo "$p: $output"; return 1; }
	done
}

@test "booleans: every spelling in, 0 or 1 out, nothing else" {
	mk bools
	for v in 1 on yes true ON Yes TRUE; do
		ok iocage set boot=$v bools
		ok iocage get boot bools
		is 1
	done
	for v in 0 off no false OFF No False; do
		ok iocage set boot=$v bools
		ok iocage get boot bools
		is 0
	done
	for v in 10 nope yesterday 2 -1 '' ' 1' o; do
		fails 1 iocage set "boot=$v" bools
		has boot
	done
	fails 1 iocage set boot=10 bools
	has "10 is not a valid value for boot."
	has "Value must be 0 or 1 or off or on or no or yes or false or true"
	ok iocage get boot bools
	is 0
}

@test "enumerations and numbers are exact" {
	mk enums
	for v in newest ne '' new,inherit NEW; do fails 1 iocage set "ip4=$v" enums; done
	for v in 100 -1 0 a,b 1.5 99999999999999999999 ' 5' 0x10; do fails 1 iocage set "priority=$v" enums; done
	ok iocage set ip4=inherit enums
	ok iocage set priority=5 enums
	fails 1 iocage set enforce_statfs=3 enums
	fails 1 iocage set devfs_ruleset=-4 enums
}

@test "addresses that cannot be are refused, each with one clear message" {
	mk addrs
	for v in 10.0.0.300 10.0.0.5/33 'em0|' '|10.0.0.1' 'em0|2001:db8::1/64' 10.0.0 10.0.0.5/ 'em0|10.0.0.5/24,' \
		'10.0.0.5/24;x' 'em0|10.0.0.5/24|x' 010.0.0.1 1.2.3.4.5 'averyverylongname0|10.0.0.1/24' 'a/b|10.0.0.1/24' \
		'em0|10.0.0.5/255.0.255.0' 0x0a.1.1.1 foo; do
		fails 1 iocage set "ip4_addr=$v" addrs
		[ -n "$stderr" ]
		one_line 3
	done
	for v in 10.0.0.1 'em0|2001:db8::1/129' 'em0|2001:db8:::1/64' 'em0|' '|2001:db8::1' gggg::1; do
		fails 1 iocage set "ip6_addr=$v" addrs
	done
	for v in 10.0.0.300 2001:db8::1 foo 10.0.0.1/24; do fails 1 iocage set "defaultrouter=$v" addrs; done
	for v in 10.0.0.1 foo; do fails 1 iocage set "defaultrouter6=$v" addrs; done
	for p in ip4_addr ip6_addr; do
		ok iocage get $p addrs
		is none
	done
}

@test "addresses that can be: host bits, masks, blanks, scope, DHCP, accept_rtadv" {
	mk good
	ok iocage set 'ip4_addr=em0|10.0.0.5/24, em0|10.0.0.6/255.255.255.0' good
	ok iocage get ip4_addr good
	hasnt " "
	ok iocage set ip4_addr=10.0.0.5 good
	ok iocage set 'ip6_addr=vnet0|fe80::1%em0/64' good
	ok iocage set 'ip6_addr=vnet0|accept_rtadv' good
	ok iocage set 'ip4_addr=vnet0|DHCP' good
}

@test "interfaces, MACs, MTUs, resource limits, forwards" {
	mk nets
	ok iocage set interfaces=vnet0:bridge0,vnet1:bridge1 nets
	ok iocage set interfaces=vnet0:none nets
	for v in vnet0 foo: :bridge0 'vnet0:bridge0,' 'vnet0:bridge0,vnet0:bridge1' vnet0:averyverylongbridge; do
		fails 1 iocage set "interfaces=$v" nets
	done
	ok iocage set vnet0_mac=02ff606a86aa,02ff606a86ab nets
	ok iocage set "vnet1_mac=02:ff:60:6a:86:aa 02:ff:60:6a:86:ab" nets
	for v in 02ff606a86aa 02ff606a86aa,02ff606a86aa 02ff60,02ff61 zz; do
		fails 1 iocage set "vnet0_mac=$v" nets
		has "Please enter two valid and different space/comma-delimited MAC addresses for vnet0_mac."
	done
	ok iocage set vnet0_mac=none nets
	ok iocage set vnet0_mtu=9000 nets
	fails 1 iocage set vnet0_mtu=67 nets
	fails 1 iocage set vnet0_mtu=70000 nets
	ok iocage set mac_prefix=02ff60 nets
	fails 1 iocage set mac_prefix=01ff60 nets
	fails 1 iocage set mac_prefix=zzzzzz nets
	ok iocage set memoryuse=deny=512M nets
	fails 1 iocage set memoryuse=512M:deny nets
	ok iocage set 'nat_forwards=tcp(80:8080)' nets
	fails 1 iocage set 'nat_forwards=tcp(80:99999)' nets
	fails 1 iocage set quota=xxG nets
	ok iocage set vnet7_mac=02ff606a86aa,02ff606a86ab nets
	ok iocage get vnet7_mac nets
}

@test "what a user may not change" {
	mk ro
	for p in type release cloned_release basejail host_hostuuid last_started; do
		fails 1 iocage set $p=x ro
		has "$p cannot be changed by the user."
	done
	fails 1 iocage set nosuchproperty=1 ro
	has "nosuchproperty is not a valid property!"
	fails 1 iocage get nosuchproperty ro
	has "nosuchproperty is not a valid property!"
	fails 1 iocage set notes ro
	has "notes is missing a value!"
	fails 1 iocage set nat_prefix=172.17 ro
	has "nat_prefix can only be changed for defaults!"
}

@test "set of several properties is all or nothing" {
	mk atomic notes=before
	cp "$(config atomic)" "$LAB_TMP/before.json"
	fails 1 iocage set notes=after boot=on ip4_addr=10.0.0.300 atomic
	cmp "$(config atomic)" "$LAB_TMP/before.json"
	ok iocage set notes=after boot=on priority=7 atomic
	has "notes: before -> after"
	has "boot: 0 -> 1"
	has "priority: 99 -> 7"
}

@test "text is kept verbatim: quotes, backslashes, non-ASCII, equals signs" {
	mk text
	for v in 'foo "bar"' "it's" 'a\b' 'x=y=z' 'grüße 日本' '%s%n' '$(id)' '{"a":1}'; do
		ok iocage set "notes=$v" text
		ok iocage get notes text
		is "$v"
	done
}

@test "unknown keys of config.json survive a rewrite, values stay what they were" {
	mk future
	python3 - "$(config future)" <<-'P'
		import json, sys
		c = json.load(open(sys.argv[1]))
		c.update({"zz_future": {"a": [1, 2.5, None, True]}, "CONFIG_VERSION": "34", "an_unknown": "kept"})
		json.dump(c, open(sys.argv[1], "w"))
	P
	ok iocage set notes=changed future
	python3 - "$(config future)" <<-'P'
		import json, sys
		c = json.load(open(sys.argv[1]))
		assert c["zz_future"] == {"a": [1, 2.5, None, True]}, c
		assert c["CONFIG_VERSION"] == "34" and c["an_unknown"] == "kept" and c["notes"] == "changed", c
	P
}

@test "config.json: sorted keys, four blanks, 0600, booleans as numbers, only what differs" {
	mk form boot=off notes=x vnet=on
	f=$(config form)
	[ "$(stat -c %a "$f")" = 600 ]
	python3 - "$f" <<-'P'
		import json, sys
		t = open(sys.argv[1]).read()
		c = json.loads(t)
		assert list(c) == sorted(c), list(c)
		assert c["vnet"] == 1 and c["notes"] == "x", c
		assert "priority" not in c, c
		assert "\n    \"" in t, t
	P
}

@test "defaults: set and get through the name default, jails follow" {
	mk follows
	mk own notes=own
	ok iocage set notes=fromdefault default
	has "Default Property: notes has been updated to fromdefault"
	ok iocage get notes default
	is fromdefault
	ok iocage get notes follows
	is fromdefault
	ok iocage get notes own
	is own
	ok iocage get all default
	ok iocage set nat_prefix=172.17 default
	fails 1 iocage set boot=maybe default
}

@test "dhcp needs a jail that is down; vnet says it needs a restart" {
	mk live
	up live
	fails 1 iocage set dhcp=on live
	has "live is running."
	ok iocage set vnet=on live
	has "vnet changes require a jail restart"
	down live
}

@test "old values are understood: ip4=none in config.json means disable" {
	mk old
	python3 - "$(config old)" <<-'P'
		import json, sys
		c = json.load(open(sys.argv[1])); c["ip4"] = "none"; json.dump(c, open(sys.argv[1], "w"))
	P
	ok iocage get ip4 old
	is disable
}

@test "get -s, -j, -r and its script form" {
	mk one notes=n1
	mk two notes=n2
	ok iocage get -s one
	is down
	ok iocage get -j one
	is -
	up one
	ok iocage get -s one
	is up
	ok iocage get -j one
	[[ $output =~ ^[0-9]+$ ]]
	ok iocage get -r notes
	has "NAME"
	has "n1"
	ok iocage get -r notes -h
	is "$(printf 'one\tn1\ntwo\tn2')"
	# -r is a flag, wherever it stands
	for words in '-r -h notes' '-rh notes' '-hr notes' 'notes -r -H' '--recursive --header notes'; do
		# shellcheck disable=SC2086
		ok iocage get $words
		is "$(printf 'one\tn1\ntwo\tn2')"
	done
	ok iocage get -r -s -h
	is "$(printf 'one\tup\ntwo\tdown')"
	fails 2 iocage get -r
	fails 2 iocage get -r notes one
	fails 1 iocage get notes
	has "You must specify a jail!"
	run iocage get -a -r one
	[ "$status" -ne 0 ]
}

@test "two sets at once: neither is lost" {
	mk race
	for i in 1 2 3 4 5 6 7 8; do
		iocage set notes=n$i race >/dev/null &
		iocage set owner=o$i race >/dev/null &
		wait
		[ "$(iocage get notes race)$(iocage get owner race)" = n${i}o${i} ]
	done
}

@test "a property without meaning here is kept, and named once at start" {
	mk nofbsd securelevel=3
	ok iocage get securelevel nofbsd
	is 3
	ok iocage start nofbsd
	[ "$(grep -c securelevel <<<"$output")" -eq 1 ]
}

@test "the defaults of docs/limits.md are those of the program" {
	local n=0 names name value
	while IFS='|' read -r _ names value _; do
		value=$(sed -n 's/^ `\([^`]*\)`.*/\1/p' <<<"$value")
		for name in $(grep -o '`[a-z_]*`' <<<"$names" | tr -d '\`'); do
			run --separate-stderr iocage get "$name" default
			[ "$output" = "$value" ] || { echo "$name: $output, the page says $value"; return 1; }
			n=$((n + 1))
		done
	done < <(grep '^| `' "$LAB_TOP/docs/limits.md")
	[ "$n" -ge 20 ]
}
