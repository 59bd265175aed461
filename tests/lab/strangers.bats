#!/usr/bin/env bats
# strangers.bats - somebody else changed what a running jail has: stop still ends, in its time, and nothing of ours is left.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

setup() {
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	other=
}

teardown() {
	[ -z "$other" ] || kill -9 "$other" 2>/dev/null || true
	umount -l "$IOCAGE_ROOT"/jails/*/layers/upper "$IOCAGE_ROOT"/jails/* 2>/dev/null || true
	lab_reset
	for l in br0 own0 strange0 bent; do ip link del $l 2>/dev/null || true; done
}

vnet() {
	mk "$1" vnet=on interfaces="vnet0:$2" 'ip4_addr=vnet0|10.77.0.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' "${@:3}"
}

gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"
}

nic() {
	echo "vnet0.$(jid "$1")"
}

# stops JAIL [WORD...]: within a minute, with status 0, and the world is as it was before it started
stops() {
	ok timeout 60 iocage stop "$1"
	is_down "$1"
	world_same before
	ok iocage gc
	is 'Nothing to remove.'
}

@test "its interface was renamed, on the host and inside" {
	vnet v br0
	world_snapshot before
	up v
	n=$(nic v)
	ip link set "$n" down
	ip link set "$n" name strange0
	nsenter --net="/proc/$(init_pid v)/ns/net" sh -c 'ip link set epair0b down; ip link set epair0b name bent'
	stops v
	fails 1 ip link show strange0
}

@test "its interface was taken out of the bridge and put into another one" {
	vnet v br0
	ip link add strange0 address 02:00:00:00:00:b1 type bridge
	ip link set strange0 addrgenmode none up
	world_snapshot before
	up v
	ip link set "$(nic v)" master strange0
	stops v
}

@test "its interface has a second name and an address of somebody's" {
	vnet v br0
	world_snapshot before
	up v
	n=$(nic v)
	ip link property add dev "$n" altname somebodys-name
	ip addr add 10.99.0.1/24 dev "$n"
	stops v
}

@test "the bridge was removed: one that start made, and one of the administrator's" {
	vnet v own0
	world_snapshot before
	up v
	ip link del own0
	stops v
	ok iocage set interfaces=vnet0:br0 v
	up v
	ip link del br0
	ok timeout 60 iocage stop v
	is_down v
	ok iocage gc
	is 'Nothing to remove.'
}

@test "the bridge that start made has another's port, or became another's: it stays, and is not ours any more" {
	vnet v own0
	up v
	ip link add strange0 type veth peer name bent
	ip link set strange0 master own0
	ok timeout 60 iocage stop v
	is_down v
	ok ip link show own0
	ip link del strange0
	ip link del own0
	up v
	ip link del own0
	ip link add own0 address 02:00:00:00:00:b2 type bridge
	ok timeout 60 iocage stop v
	ok ip link show own0
	ok iocage gc
	is 'Nothing to remove.'
	ok ip link show own0
}

@test "its addresses were deleted, and one of them given to another interface" {
	mk s 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::10/64'
	world_snapshot before
	up s
	ip addr del 192.0.2.10/24 dev em0
	ip addr del 2001:db8::10/64 dev em0
	ip addr add 192.0.2.10/32 dev br0
	ok timeout 60 iocage stop s
	is_down s
	has_addr br0 192.0.2.10/32
	ip addr del 192.0.2.10/32 dev br0
	world_same before
}

@test "the rule set was flushed: of a jail behind NAT, of one with antispoof rules, of a shared-IP jail" {
	vnet v br0
	mk n vnet=on nat=1 nat_forwards=8080
	mk s 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up v n s
	nft flush ruleset
	for j in v n s; do
		ok timeout 60 iocage stop $j
		is_down $j
	done
	world_same before
	up v n
	# the tables, but not what is in them
	nft flush table bridge iocage
	nft flush table inet iocage
	ok timeout 60 iocage stop n
	ok timeout 60 iocage stop v
	world_same before
	ok iocage gc
	is 'Nothing to remove.'
}

@test "something is mounted over the jail's mounts, inside; and over its files, on the host" {
	vnet v br0
	mkdir -p "$(upper v)/mnt"
	world_snapshot before
	up v
	p=$(init_pid v)
	nsenter --mount="/proc/$p/ns/mnt" --root="/proc/$p/root" /bin/busybox sh -c \
		'mount -t tmpfs none /mnt && mount -t tmpfs none /mnt && mount -t tmpfs none /proc && mount -t tmpfs none /dev'
	stops v
	up v
	mount -t tmpfs none "$(upper v)"
	ok timeout 60 iocage stop v
	is_down v
	# it is somebody's: left alone, and destroy says so
	fails 1 iocage destroy -f v
	has "something is mounted on"
	umount "$(upper v)"
	world_same before
}

@test "its root is busy: open files and a working directory on the host, a process that entered its mounts" {
	vnet v br0
	world_snapshot before
	up v
	echo text >"$(upper v)/open"
	(cd "$(upper v)" && exec sleep 600 4<open) 3>&- &
	other=$!
	stops v
	kill -9 "$other"
	up v
	nsenter --mount="/proc/$(init_pid v)/ns/mnt" sleep 600 3>&- &
	other=$!
	eventually sh -c "[ \"\$(cat /proc/$other/comm)\" = sleep ]"
	stops v
	ok iocage destroy -f v
	[ ! -e "$IOCAGE_ROOT/jails/v" ]
	kill -9 "$other"
	other=
}

@test "an init that does not listen, and processes that ignore every signal: killed after stop_timeout" {
	mk deaf vnet=on interfaces=vnet0:br0 exec_init=/deaf stop_timeout=1
	mkdir -p "$(upper deaf)"
	printf '#!/bin/sh\ntrap "" TERM INT HUP QUIT USR1 USR2 PWR\nsleep 600 &\nwhile :; do sleep 600; done\n' >"$(upper deaf)/deaf"
	chmod 755 "$(upper deaf)/deaf"
	world_snapshot before
	up deaf
	p=$(init_pid deaf)
	run --separate-stderr timeout 60 iocage stop deaf
	[ "$status" -eq 0 ]
	has 'did not shut down within 1 seconds'
	is_down deaf
	eventually gone "$p"
	world_same before
}

@test "its processes are stopped (SIGSTOP), many, and as many as it can make: they end all the same" {
	mk many 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up many
	inside_ok many 'for i in $(seq 200); do sleep 600 & done >/dev/null 2>&1'
	for p in $(cat "$SHOT_GROUP/many/jail/cgroup.procs"); do kill -STOP "$p"; done
	ok timeout 60 iocage stop -f many
	is_down many
	world_same before
}

@test "what cannot be removed is said and kept, the rest goes, gc tries again" {
	vnet v own0
	mk s 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	shot_init
	for j in v s; do
		up $j
		mkdir "$SHOT_GROUP/$j/stranger"
		sleep 600 3>&- &
		other=$!
		echo $other >"$SHOT_GROUP/$j/stranger/cgroup.procs"
		fails 1 timeout 60 iocage stop $j
		has "remove control group $SHOT_GROUP/$j"
		has "busy"
		has "what could not be removed is tried again"
		is_down $j
		# all but that
		fails 1 ip link show own0
		run ip addr show dev em0
		hasnt 192.0.2.10
		run cat "$IOCAGE_RUN/jails/$j/journal"
		has cgroup-del
		[ "${#lines[@]}" -eq 1 ] || {
			echo "$output"
			return 1
		}
		ok iocage gc --dry-run
		has "$j: would remove control group of $j"
		fails 1 timeout 60 iocage gc
		has "remove control group $SHOT_GROUP/$j"
		[ -d "$SHOT_GROUP/$j/stranger" ]
		kill -9 $other
		eventually rmdir "$SHOT_GROUP/$j/stranger"
		ok iocage gc
		has "$j: remove control group of $j"
		world_same before
	done
	other=
}

@test "a bridge that took the name of ours is left alone and named by gc" {
	vnet v own0
	up v
	for sub in mon jail; do echo 1 >"$SHOT_GROUP/v/$sub/cgroup.kill"; done
	eventually is_down v
	ip link del own0
	ip link add own0 address 02:00:00:00:00:b2 type bridge
	run --separate-stderr iocage gc
	[ "$status" -eq 0 ]
	has 'did not remove bridge own0'
	ok ip link show own0
}

@test "what is ours says so in the kernel: interfaces, bridges, addresses, rules" {
	vnet v own0
	mk s 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	mk n vnet=on nat=1
	up v s n
	ok ip link show "$(nic v)"
	has 'alias associated with jail: v as nic: epair0b'
	ok ip link show own0
	has 'alias iocage: bridge for jails'
	# of addresses ip(8) may not print it (IFA_PROTO): one that is added anew without it is nobody's of ours
	ip addr del 192.0.2.10/24 dev em0
	ip addr add 192.0.2.10/24 dev em0
	down s
	has_addr em0 192.0.2.10/24
	ip addr del 192.0.2.10/24 dev em0
	ok nft list table bridge iocage
	has 'comment "iocage: '
	has 'comment "v"'
	ok nft list table inet iocage
	has 'comment "iocage'
}
