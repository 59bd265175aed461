#!/usr/bin/env bats
# kernel.bats - a kernel without a feature jails need: one clear line each, and nothing left of the attempt.

load lib

setup_file() {
	lab_setup_file
	cc -D_GNU_SOURCE -O1 -static -o "$LAB_TMP/nosys" "$LAB_TOP/tests/lab/nosys.c"
}
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# number of a system call on this machine
nr() {
	printf '#include <sys/syscall.h>\nNR SYS_%s\n' "$1" | cc -E -P - | sed -n 's/^NR //p'
}

# without CALL JAIL: the start fails with one message, and the world is as before
without() {
	world_snapshot before
	fails 1 "$LAB_TMP/nosys" "$(nr "$1")" "$IOCAGE" start "$2"
	has "Function not implemented" || has "too old"
	is_down "$2"
	world_same before
}

@test "no mount_setattr(2): the kernel is too old, and that is said before anything is done" {
	mk old vnet=on interfaces=vnet0:none
	without mount_setattr old
	has "this kernel is too old"
	hasnt "FAILED"
}

@test "no clone3(2)" {
	mk old vnet=on interfaces=vnet0:none
	without clone3 old
}

@test "no bpf(2): a shared-IP jail cannot be held, so it does not start" {
	mk sh vnet=off 'ip4_addr=em0|192.0.2.10/24'
	without bpf sh
}

@test "no seccomp(2): nothing runs unconfined" {
	mk sec vnet=on interfaces=vnet0:none
	without seccomp sec
}

@test "no openat2(2): no path of the jail is followed any other way" {
	mk o2 vnet=on interfaces=vnet0:none
	without openat2 o2
}
