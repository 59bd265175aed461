#!/usr/bin/env bats
# apparmor.bats - jails run under an AppArmor profile where the host has AppArmor, and cannot leave it.

load lib

setup_file() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || return 0
	lab_setup_file
}
teardown_file() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || return 0
	lab_teardown_file
}
setup() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || skip "this kernel has no AppArmor"
}
teardown() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" = Y ] || return 0
	lab_reset
	rm -f "$IOCAGE_RUN/apparmor"
}

label() { tr -d '\0' <"/proc/$1/attr/apparmor/current"; }

# with what cannot load a profile in apparmor_parser's place
without_parser() {
	unshare --mount bash -c 'mount --bind /bin/false "$(command -v apparmor_parser)" && exec "$@"' - "$@"
}

@test "first process, services, exec and console run under the profile; the monitor and the broker do not" {
	mk a exec_start='/bin/sh -c "cat /proc/self/attr/apparmor/current >/label; sleep 1000 &"'
	up a
	[ "$(label "$(init_pid a)")" = "iocage-default (enforce)" ]
	[ "$(cat "$(upper a)/label")" = "iocage-default (enforce)" ]
	inside_ok a 'cat /proc/self/attr/apparmor/current'
	is "iocage-default (enforce)"
	for p in $(cat "$(find /sys/fs/cgroup -path '*/a/jail/cgroup.procs')"); do
		[ "$(label "$p")" = "iocage-default (enforce)" ]
	done
	[ "$(label "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/a/state")")" = unconfined ]
	# what stops it may do so
	ok iocage stop a
	is_down a
	mk v vnet=on interfaces=vnet0:none
	up v
	[ "$(label "$(init_pid v)")" = "iocage-default (enforce)" ]
	# a stack of its own is its to configure
	inside_ok v 'echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward'
	is 1
	inside_ok v 'kill -0 1 && ls /proc/1/fd >/dev/null'
}

@test "what the profile refuses is refused, whatever else would allow it" {
	mk a
	up a
	# world-readable, and no matter for capabilities or filters
	for f in /proc/kallsyms /proc/sched_debug /proc/timer_list; do
		[ -e "$f" ] || continue
		run iocage exec a -- cat "$f"
		[ "$status" -ne 0 ] || { echo "read $f"; return 1; }
		has "Permission denied"
	done
	for f in /proc/sysrq-trigger /proc/kcore /proc/sys/vm/drop_caches /proc/sys/kernel/core_pattern /sys/power/state; do
		run iocage exec a -- sh -c "echo x >$f"
		[ "$status" -ne 0 ] || { echo "wrote $f"; return 1; }
	done
	# to leave it, for what is open or for nothing
	for to in 'changeprofile unconfined' 'changeprofile iocage-mount' 'exec unconfined' 'exec iocage-mount'; do
		run iocage exec a -- sh -c "echo '$to' >/proc/self/attr/apparmor/\${0}; /bin/cat /proc/self/attr/apparmor/current" \
			"$([[ $to = exec* ]] && echo exec || echo current)"
		has "iocage-default (enforce)"
	done
	run iocage exec a -- cat /proc/self/attr/apparmor/current
	is "iocage-default (enforce)"
}

@test "processes of one jail signal and trace each other" {
	mk a
	up a
	inside_ok a 'sleep 1000 & p=$!; cat /proc/$p/environ >/dev/null && kill -TERM $p; wait $p 2>/dev/null; echo ended with $?'
	has "ended with 143"
}

@test "allow_mount has a profile that lets it mount; the others' does not" {
	mk m allow_mount=on
	mk n
	up m
	up n
	[ "$(label "$(init_pid m)")" = "iocage-mount (enforce)" ]
	# in a mount namespace that it makes itself
	inside_ok m 'unshare -m sh -c "mount -t tmpfs x /mnt && umount /mnt && cat /proc/self/attr/apparmor/current"'
	is "iocage-mount (enforce)"
	run iocage exec n -- mount -t tmpfs x /mnt
	[ "$status" -ne 0 ]
	run iocage exec m -- sh -c 'echo x >/proc/sys/kernel/core_pattern'
	[ "$status" -ne 0 ]
}

@test "where /proc is not the kernel's, nothing runs without the profile" {
	mk f
	echo 'tmpfs /proc tmpfs rw 0 0' >"$IOCAGE_ROOT/jails/f/fstab"
	fails 1 iocage start f
	has "put on the AppArmor profile iocage-default"
	is_down f
	echo 'tmpfs /proc tmpfs rw 0 0' >"$IOCAGE_ROOT/jails/f/fstab"
	ok iocage set apparmor=unconfined f
	up f
}

@test "apparmor=unconfined: without; a jail that runs keeps what it was started with" {
	mk u apparmor=unconfined
	up u
	[ "$(label "$(init_pid u)")" = unconfined ]
	ok iocage set apparmor=auto u
	inside_ok u 'cat /proc/self/attr/apparmor/current'
	is unconfined
	down u
	up u
	inside_ok u 'cat /proc/self/attr/apparmor/current'
	is "iocage-default (enforce)"
	fails 1 iocage set apparmor=other u
}

@test "loaded once: later starts do not ask the parser; one that was unloaded is loaded again" {
	mk a
	up a
	down a
	ok without_parser iocage start a
	[ "$(label "$(init_pid a)")" = "iocage-default (enforce)" ]
	down a
	apparmor_parser --remove "${IOCAGE_BUILD:-$LAB_TOP/build}/src/gen/iocage.apparmor"
	up a
	[ "$(label "$(init_pid a)")" = "iocage-default (enforce)" ]
}

@test "a profile that cannot be loaded: auto goes on and says it once, iocage-default does not start" {
	mk auto
	mk must apparmor=iocage-default
	rm -f "$IOCAGE_RUN/apparmor"
	ok without_parser iocage start auto
	has "auto: cannot load the AppArmor profile iocage-default: apparmor_parser ended with status 1"
	[ "$(label "$(init_pid auto)")" = unconfined ]
	inside_ok auto 'cat /proc/self/attr/apparmor/current'
	is unconfined
	down auto
	ok without_parser iocage start auto
	hasnt AppArmor
	fails 1 without_parser iocage start must
	has "Refusing to start must: cannot load the AppArmor profile iocage-default"
	has "auto would"
	is_down must
	up must
	[ "$(label "$(init_pid must)")" = "iocage-default (enforce)" ]
}
