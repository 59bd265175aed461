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

@test "an action that is not deny is kept, and named at start" {
	mk a vnet=on ip4_addr=none interfaces=vnet0:none memoryuse=log=64m maxproc=sigterm=10
	up a
	has memoryuse
	has maxproc
}
