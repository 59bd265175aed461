#!/usr/bin/env bats
# confine.bats - what a jail's root cannot do and see: one test for each promise, tried from inside.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

TRY="$LAB_TMP/trycall"

# Shared and VNET: every promise holds for both
setup() {
	[ -n "${ONCE:-}" ] || :
	mk s 'ip4_addr=em0|192.0.2.10/24'
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	for j in s v; do
		put $j "$LAB_TMP/trycall" bin/trycall
		up $j
	done
}

# refused CALL...: in both jails each call gives one of the errors that mean no
refused() {
	local j
	for j in s v; do
		inside_ok $j "trycall $*"
		if grep -vE ' (EPERM|ENOSYS|EACCES)$' <<<"$output"; then
			echo "^ not refused in $j"
			return 1
		fi
		[ "$(grep -c . <<<"$output")" -eq $# ]
	done
}

@test "user namespace: root inside is somebody of a private range of 65536 outside; each jail its own range" {
	for j in s v; do
		inside_ok $j 'cat /proc/self/uid_map'
		read -r in out n <<<"$output"
		[ "$in" -eq 0 ]
		[ "$out" -ge 65536 ]
		[ "$n" -eq 65536 ]
		eval "base_$j=$out"
		inside_ok $j 'cat /proc/self/gid_map'
		read -r in out n <<<"$output"
		[ "$in $n" = "0 65536" ]
		[ "$out" -ge 65536 ]
		[ "$(stat -c %u "/proc/$(init_pid $j)")" -ge 65536 ] || [ "$(awk '/^Uid:/ { print $2 }' "/proc/$(init_pid $j)/status")" -ge 65536 ]
	done
	[ $((base_s > base_v ? base_s - base_v : base_v - base_s)) -ge 65536 ]
}

@test "files on disk keep ids 0..65535" {
	inside_ok s 'touch /f0; touch /f33; chown 33:44 /f33'
	[ "$(stat -c %u:%g "$(upper s)/f0")" = 0:0 ]
	[ "$(stat -c %u:%g "$(upper s)/f33")" = 33:44 ]
	inside_ok s 'stat -c %u /bin/busybox'
	is 0
}

@test "namespaces: none of the host's" {
	for j in s v; do
		for ns in user pid mnt uts ipc cgroup net; do
			inside_ok $j "readlink /proc/self/ns/$ns"
			[ "$output" != "$(readlink /proc/self/ns/$ns)" ] || { echo "$j shares $ns"; return 1; }
		done
	done
}

@test "processes of the host are neither seen nor signalled" {
	sleep 3131 &
	p=$!
	for j in s v; do
		inside_ok $j ps
		hasnt "sleep 3131"
		hasnt bats
		inside_ok $j "HOST_PID=$p trycall kill_host"
		is "kill_host ESRCH"
		inside_ok $j 'ls -d /proc/[0-9]* | wc -l'
		[ "$output" -lt 12 ]
		inside $j 'kill -9 -1; true'
	done
	kill -0 $p
	kill $p
}

@test "mounting, unmounting, binding, moving the root: refused" {
	refused mount bind remount umount fsopen open_tree pivot_root unshare_mount
}

@test "kernel modules, kexec, reboot, swap, io ports, clocks, accounting, quotas: refused" {
	refused init_module finit_module delete_module kexec kexec_file reboot swapon iopl settimeofday clock_settime acct quotactl
}

@test "io_uring, bpf, perf, userfaultfd, keys, syslog, handles: refused" {
	refused io_uring bpf perf userfaultfd keyctl add_key syslog open_by_handle
}

@test "new user and network namespaces: refused" {
	refused unshare_user clone_user clone3_user unshare_net
}

@test "device nodes: refused, whatever the device" {
	refused mknod_block mknod_mem
}

@test "vsock and kernel crypto sockets: refused; raw and packet in a shared-IP jail too" {
	for j in s v; do
		inside_ok $j 'trycall vsock alg'
		hasnt OK
	done
	inside_ok s 'trycall raw raw6 packet'
	hasnt OK
}

@test "capabilities: none that reach the kernel or the host" {
	# bits: LINUX_IMMUTABLE 9, NET_ADMIN 12 (shared), IPC_LOCK 14, SYS_MODULE 16, RAWIO 17, PTRACE 19, PACCT 20, ADMIN 21,
	# BOOT 22, NICE 23, RESOURCE 24, TIME 25, MAC 32 33, SYSLOG 34, WAKE_ALARM 35, BLOCK_SUSPEND 36, PERFMON 38, BPF 39, CR 40
	for j in s v; do
		for set in CapEff CapBnd CapPrm CapInh CapAmb; do
			inside_ok $j "grep $set /proc/self/status"
			c=$((16#${output##*[[:blank:]]}))
			for bit in 9 16 17 20 21 22 25 32 33 34 35 36 38 39 40; do
				[ $(((c >> bit) & 1)) -eq 0 ] || { echo "$j: $set has $bit"; return 1; }
			done
		done
	done
	inside_ok s 'grep CapBnd /proc/self/status'
	[ $(((16#${output##*[[:blank:]]} >> 12) & 1)) -eq 0 ]
}

@test "what a system needs works: chown, setuid, chroot, binding low ports, setuid programs" {
	for j in s v; do
		inside_ok $j 'trycall chown chroot'
		is "$(printf 'chown OK\nchroot OK')"
		inside_ok $j 'trycall setuid'
		is "setuid OK"
		inside_ok $j 'grep NoNewPrivs /proc/self/status'
		has 0
	done
}

@test "seccomp filters are on, for exec as for services" {
	for j in s v; do
		inside_ok $j 'grep ^Seccomp: /proc/self/status; grep ^Seccomp: /proc/1/status'
		has 2
	done
}

@test "/dev: small, its own, without disks, memory or the kernel log" {
	for j in s v; do
		inside_ok $j 'ls /dev'
		for d in null zero full random urandom tty ptmx pts fd stdin stdout stderr shm; do grep -qx $d <<<"$output"; done
		for d in mem kmem port kmsg vda sda loop0 loop-control fuse kvm mapper net vhost-net console-host; do
			if grep -qx "$d" <<<"$output"; then echo "$j has /dev/$d"; return 1; fi
		done
		inside_ok $j 'head -c 4 /dev/zero | wc -c; echo x >/dev/null; ls /dev/pts'
	done
}

@test "/proc: masked and read-only where it reaches the kernel" {
	for j in s v; do
		for f in kcore keys timer_list sched_debug kallsyms-write; do
			inside $j "head -c 1 /proc/$f 2>/dev/null | wc -c"
			[ "$output" -eq 0 ]
		done
		for f in sysrq-trigger sys/kernel/core_pattern sys/kernel/modprobe sys/vm/drop_caches sys/kernel/panic irq/default_smp_affinity; do
			inside $j "echo 0 >/proc/$f"
			[ "$status" -ne 0 ] || { echo "$j may write /proc/$f"; return 1; }
		done
		inside $j 'ls /proc/acpi /proc/scsi 2>/dev/null | grep -v : | grep -c .'
		[ "$output" = 0 ]
	done
}

@test "/sys: nothing of it can be written" {
	for j in s v; do
		inside $j 'find /sys -maxdepth 3 -type f -perm -200 2>/dev/null | head -200 | while read f; do (echo 1 >"$f") 2>/dev/null && echo "wrote $f"; done; true'
		hasnt wrote
	done
}

@test "mount table: no path of the host" {
	for j in s v; do
		inside_ok $j 'cut -d" " -f4,5 /proc/self/mountinfo; cat /proc/mounts | cut -d" " -f1,2'
		hasnt "$LAB_TMP/run"
		hasnt "/sys/fs/cgroup/unified/"
		inside_ok $j 'ls /proc/1/root/; ls /'
		hasnt work
	done
}

@test "cgroups: the jail's own is its root" {
	for j in s v; do
		inside_ok $j 'cat /proc/self/cgroup'
		hasnt ioc-
		hasnt ../
	done
}

@test "host name and domain: changing them is the jail's own affair, and can be forbidden" {
	h=$(hostname)
	inside s 'hostname other'
	[ "$(hostname)" = "$h" ]
	down s
	ok iocage set allow_set_hostname=0 s
	up s
	inside_ok s 'trycall sethostname'
	is "sethostname EPERM"
}

@test "System V and POSIX IPC, abstract sockets: private" {
	for j in s v; do
		inside_ok $j 'cat /proc/net/unix | wc -l'
		[ "$output" -le 3 ]
		inside_ok $j 'cat /proc/sysvipc/shm 2>/dev/null | wc -l'
		[ "$output" -le 1 ]
	done
}

@test "symlinks planted in the root do not lead the host anywhere: resolv.conf, fstab target, dev, proc, tmp" {
	echo untouched >"$LAB_TMP/victim"
	mkdir -p "$LAB_TMP/victimdir" "$LAB_TMP/data"
	inside_ok s "mkdir -p /etc && rm -f /etc/resolv.conf && ln -s ../../../../../../..$LAB_TMP/victim /etc/resolv.conf"
	inside_ok s "ln -s $LAB_TMP/victim /abs; mkdir -p /mnt; ln -s ../../../../../../..$LAB_TMP/victimdir /mnt/data"
	down s
	printf '%s\t/mnt/data\tnullfs\trw\t0\t0\n' "$LAB_TMP/data" >"$IOCAGE_ROOT/jails/s/fstab"
	ok iocage set "resolver=nameserver 192.0.2.53" s
	run iocage start s
	[ "$(cat "$LAB_TMP/victim")" = untouched ]
	run ! grep -q " $LAB_TMP/victimdir " /proc/self/mountinfo
	run iocage stop s
	: >"$IOCAGE_ROOT/jails/s/fstab"
	for d in dev proc etc; do
		rm -rf "$LAB_TMP/root/jails/s/layers/upper/$d"
		ln -s "$LAB_TMP/victimdir" "$(upper s)/$d"
		run iocage start s
		[ -z "$(ls -A "$LAB_TMP/victimdir")" ] || { ls -la "$LAB_TMP/victimdir"; return 1; }
		run ! grep -q " $LAB_TMP/victimdir" /proc/self/mountinfo
		run iocage stop s
		rm -f "$(upper s)/$d"
	done
}

@test "a planted symlink as init, shell or exec_start runs nothing of the host" {
	printf '#!/bin/sh\ntouch %s/ran-on-host\n' "$LAB_TMP" >"$LAB_TMP/evil"
	chmod 755 "$LAB_TMP/evil"
	inside_ok s "ln -sf ../../../../../../..$LAB_TMP/evil /bin/evil"
	run iocage exec s -- /bin/evil x
	[ "$status" -ne 0 ]
	[ ! -e "$LAB_TMP/ran-on-host" ]
}

@test "fds of the host do not come in with start" {
	down s
	ok iocage set 'exec_start=/bin/sh -c "ls -l /proc/self/fd /proc/1/fd >/fds 2>&1"' s
	exec 9</etc/shadow
	up s
	exec 9<&-
	inside_ok s 'cat /fds'
	hasnt shadow
	hasnt "$LAB_TMP/root/jails"
	hasnt /work
}

@test "the environment of the host does not come in with start" {
	down s
	ok iocage set 'exec_start=/bin/sh -c "env >/env; cat /proc/1/environ >>/env"' s
	SECRET_OF_HOST=x up s
	inside_ok s 'cat /env'
	hasnt SECRET_OF_HOST
	hasnt BATS_
}

@test "no jail reaches the other: processes, files, abstract sockets" {
	inside_ok s 'sleep 3232 >/dev/null 2>&1 & echo started'
	inside_ok v 'ps'
	hasnt "sleep 3232"
	inside_ok s 'echo private >/secret'
	inside v 'cat /secret'
	[ "$status" -ne 0 ]
}

@test "/proc of a jail's first process gives the jail no way to ours" {
	for j in s v; do
		inside $j 'ls -l /proc/1/exe; cat /proc/1/exe >/dev/null; echo x >>/proc/1/exe'
		[ "$status" -ne 0 ]
		inside $j 'ls /proc/1/cwd/ /proc/1/root/'
		hasnt "lost+found"
		hasnt "work"
	done
	cmp "$IOCAGE" "$IOCAGE"
}

@test "a fork bomb's worth of processes ends with the jail" {
	inside_ok s 'i=0; while [ $i -lt 200 ]; do sleep 5000 >/dev/null 2>&1 & i=$((i+1)); done; echo done'
	ok iocage stop s
	run ! pgrep -f 'sleep 5000'
}

@test "a VNET jail's network is its own: it cannot reach the host's by setns" {
	inside_ok v 'trycall setns'
	inside_ok v 'ip -o link'
	hasnt em0
	hasnt bridge0
}
