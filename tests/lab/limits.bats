#!/usr/bin/env bats
# limits.bats - memoryuse, swapuse, maxproc, nthr, pcpu, cpuset: what a jail's processes may take, by cgroup v2.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# has_controllers NAME...: those of this test, in the version of cgroups that jails are in
has_controllers() {
	local c
	for c in "$@"; do grep -qw "$c" "${SHOT_GROUP%/*}/cgroup.controllers" || skip "this kernel's cgroup2 has no $c controller"; done
}

# group JAIL FILE
group() {
	cat "$SHOT_GROUP/$1/jail/$2"
}

@test "without the controller a start is refused, in words, and nothing is left; off starts" {
	! grep -qw memory "${SHOT_GROUP%/*}/cgroup.controllers" || skip "this kernel's cgroup2 has the memory controller"
	mk m vnet=on ip4_addr=none interfaces=vnet0:none memoryuse=deny=64m
	world_snapshot before
	fails 1 iocage start m
	has "this host's cgroup2 has no controller \"memory\""
	world_same before
	ok iocage set memoryuse=off m
	up m
	fails 1 iocage set maxproc=deny=10 m
	has 'no controller "pids"'
	ok iocage get maxproc m
	is deny=8192
	# and that was all: nothing is left to be taken back
	ok iocage set notes=later m
	fails 1 iocage set memoryuse=deny=64m pcpu=deny=50 m
	ok iocage set notes=again m
	ok iocage gc
	is "Nothing to remove."
}

@test "memory: who takes more than memoryuse is ended, and the jail goes on" {
	has_controllers memory
	mk m vnet=on ip4_addr=none interfaces=vnet0:none memoryuse=deny=32M swapuse=deny=0
	up m
	[ "$(group m memory.max)" = 33554432 ]
	inside m 'dd if=/dev/zero of=/dev/null bs=64M count=1'
	[ "$status" -ne 0 ]
	inside_ok m 'dd if=/dev/zero of=/dev/null bs=1M count=1; echo still here'
	has "still here"
	inside m 'echo max >/sys/fs/cgroup/memory.max'
	[ "$status" -ne 0 ]
	[ "$(group m memory.max)" = 33554432 ]
}

@test "processes: no more than maxproc; the smaller one of maxproc and nthr counts" {
	has_controllers pids
	mk p vnet=on ip4_addr=none interfaces=vnet0:none maxproc=deny=12 nthr=deny=500
	up p
	[ "$(group p pids.max)" = 12 ]
	inside p 'i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i + 1)); done; echo all'
	hasnt all
	inside_ok p 'echo again'
	has again
}

@test "processors: cpuset and pcpu" {
	has_controllers cpu cpuset
	mk c vnet=on ip4_addr=none interfaces=vnet0:none cpuset=0 pcpu=deny=50
	up c
	[ "$(group c cpu.max)" = '50000 100000' ]
	inside_ok c 'grep Cpus_allowed_list /proc/self/status'
	has "	0"
	hasnt "0-"
	down c
	ok iocage set cpuset=4095 c
	world_snapshot before
	fails 1 iocage start c
	has "limit jail c"
	world_same before
}

@test "set on a running jail: at once, and free again; what fails changes nothing" {
	has_controllers memory pids cpu cpuset
	mk l 'ip4_addr=em0|192.0.2.10/24' maxproc=deny=100
	up l
	ok iocage set memoryuse=deny=1g maxproc=off pcpu=deny=150 l
	hasnt restart
	[ "$(group l memory.max)" = 1073741824 ]
	[ "$(group l pids.max)" = max ]
	[ "$(group l cpu.max)" = '150000 100000' ]
	ok iocage set memoryuse=off pcpu=off cpuset=0 l
	[ "$(group l memory.max)" = max ]
	[ "$(group l cpu.max)" = 'max 100000' ]
	[ "$(group l cpuset.cpus)" = 0 ]
	fails 1 iocage set memoryuse=deny=2g cpuset=4095 l
	[ "$(group l memory.max)" = max ]
	[ "$(group l cpuset.cpus)" = 0 ]
	ok iocage get memoryuse l
	is off
	ok iocage set cpuset=all l
	[ "$(group l cpuset.cpus.effective)" = "$(group l ../cpuset.cpus.effective)" ]
}

# field JAIL FILE WORD: a number of the group that has all that is the jail's
field() {
	awk -v word="$3" '$1 == word { print $2 }' "$SHOT_GROUP/$1/$2"
}

busy() { [ "$(field "$1" mon/cpu.stat usage_usec)" -gt 100000 ]; }

@test "processors: what the broker does for the jail counts, and the monitor still answers" {
	has_controllers cpu
	mk c 'ip4_addr=em0|192.0.2.10/24' pcpu=deny=20
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/socks" "$LAB_TOP/tests/lab/socks.c"
	put c "$LAB_TMP/socks" bin/socks
	up c
	[ "$(cat "$SHOT_GROUP/c/cpu.max")" = '20000 100000' ]
	iocage exec c -- sh -c 'while :; do socks many new4 5000 </dev/null >/dev/null; done' 3>&- &
	local flood=$! from used
	eventually busy c
	from=$(field c cpu.stat usage_usec)
	read -r begin _ </proc/uptime
	sleep 5
	used=$(($(field c cpu.stat usage_usec) - from))
	read -r end _ </proc/uptime
	# of what it may have: a tenth is for the clocks
	awk -v used="$used" -v begin="$begin" -v end="$end" 'BEGIN { exit !(used / 1e6 <= 0.22 * (end - begin) + 0.1) }'
	[ "$(field c cpu.stat nr_throttled)" -gt 0 ]
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' c
	kill "$flood"
	wait "$flood" || true
}

@test "memory: the broker's and the monitor's is within memoryuse" {
	has_controllers memory
	mk m 'ip4_addr=em0|192.0.2.10/24' memoryuse=deny=64m
	up m
	[ "$(cat "$SHOT_GROUP/m/memory.max")" = 67108864 ]
	[ "$(group m memory.max)" = 67108864 ]
	ok iocage set memoryuse=off m
	[ "$(cat "$SHOT_GROUP/m/memory.max")" = max ]
}

# use PROP JAIL: what get says that it takes
use() {
	iocage get -uh "$1" "$2" | cut -f 3
}

uses() { [ "$(use "$1" "$2")" = "$3" ]; }

@test "get --use: the bound, and what is taken of it now" {
	mk u 'ip4_addr=em0|192.0.2.10/24' openfiles=deny=100
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/socks" "$LAB_TOP/tests/lab/socks.c"
	put u "$LAB_TMP/socks" bin/socks
	ok iocage get --use u
	has maxproc
	[ "$(use maxproc u)" = - ]
	up u
	local procs socks
	procs=$(use maxproc u) socks=$(use maxsockets u)
	inside_ok u 'sleep 60 </dev/null >/dev/null 2>&1 & sleep 60 </dev/null >/dev/null 2>&1 &
		dd if=/dev/zero of=/dev/shm/x bs=1k count=64 2>/dev/null
		(sleep 60 | socks many new4 7) </dev/null >/dev/null 2>&1 &'
	eventually uses maxsockets u $((socks + 7))
	[ "$(use maxproc u)" -ge $((procs + 4)) ]
	[ "$(use openfiles u)" -ge 10 ]
	[ "$(use tmpfs_size u)" = 64k ]
	[ "$(use pseudoterminals u)" = 0 ]
	ok iocage get -u openfiles u
	has deny=100
	fails 1 iocage get -u nonsense u
	has "nonsense is not a valid property!"
	fails 2 iocage get -r -u maxproc
	down u
	[ "$(use maxsockets u)" = - ]
}

@test "an action that is not deny is kept, and named at start" {
	mk a vnet=on ip4_addr=none interfaces=vnet0:none memoryuse=log=64m maxproc=sigterm=10
	up a
	has memoryuse
	has maxproc
}
