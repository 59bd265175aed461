#!/usr/bin/env bats
# confine.bats - what a jail's root cannot do and see: one test for each promise, tried from inside.
# shellcheck disable=SC2046,SC2086 # lists of numbers

load lib

setup_file() {
	lab_setup_file
	cc -D_GNU_SOURCE -O1 -static -o "$LAB_TMP/everycall" "$LAB_TOP/tests/lab/everycall.c" || lab_die "cannot build everycall"
}
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

# meets JAIL WHAT ABI NUMBER[:ARG...]...: calls that all have this answer; "allowed": the filter lets the kernel decide
meets() {
	local jail=$1 want=$2
	shift 2
	inside_ok "$jail" "everycall $*"
	if grep -v " $want\$" <<<"$output"; then
		echo "^ $jail, $1: not $want"
		return 1
	fi
	[ "$(grep -c . <<<"$output")" -eq $(($# - 1)) ]
}

# with NUMBER WORD...: NUMBER:WORD of each
with() {
	local nr=$1
	shift
	printf "$nr:%s " "$@"
}

SPACES="0x00020000 0x02000000 0x04000000 0x08000000 0x10000000 0x20000000 0x40000000 0x20011"
FAMILIES="3 4 5 9 11 15 21 29 30 31 38 39 40 41 42 43 44 45 46 200 0xffffffff 0x100000028"

numbers_known() {
	[ "$(uname -m)" = x86_64 ] || skip "this kernel has other numbers"
	for j in s v; do
		put $j "$LAB_TMP/everycall" bin/everycall
		[ ! -e "$(dirname "$IOCAGE")/src/gen/seccomp_table" ] || put $j "$(dirname "$IOCAGE")/src/gen/seccomp_table" table
	done
}

compat_known() {
	numbers_known
	"$LAB_TMP/everycall" compat 20 || skip "this kernel runs no 32-bit programs"
}

# table JAIL ABI [SLOT=ANSWER ...]: every number against the build's table; slots have what most jails have
table() {
	local jail=$1 abi=$2
	shift 2
	inside "$jail" "everycall $abi /table MOUNT=EPERM QUOTAS=EPERM NAMESPACES=EPERM CLONE3=ENOSYS REBOOT=EPERM MSG=allowed SEM=allowed SHM=allowed $*"
	[ "$status" -eq 0 ] || {
		echo "$jail: $output"
		return 1
	}
	has ", 0 differ"
}

@test "every system call there is: one that is not listed is ENOSYS, one that attacks kernels EPERM" {
	local j
	numbers_known
	for j in s v; do
		table $j native
		table $j x32
		# the numbers of some, whatever the table says
		meets $j EPERM native 425 426 427 321 298 175 246 248 304 323 312 320
		meets $j ENOSYS native 435 184 237 500 559
		meets $j ENOSYS x32 0 1 41 57 512 520 547
	done
}

@test "every system call there is: 32-bit programs'" {
	local j
	compat_known
	for j in s v; do
		table $j compat
		meets $j EPERM compat 425 357 336 128 283 286 342 374 349
		meets $j ENOSYS compat 435 274 500 559
		meets $j EPERM compat $(with 120 $SPACES) $(with 310 $SPACES) $(with 136 0x0400000 0x0100000 0x8000000)
		meets $j EPROTONOSUPPORT compat $(with 359 3 31 38 40) $(with 359:16:3 9 21)
		meets $j EPERM compat $(with 54:0 0x5412 0x541c 0x5423 0x894c)
	done
	down s
	ok iocage set sysvmsg=disable sysvsem=disable sysvshm=disable s
	up s
	meets s ENOSYS compat $(with 117 1 2 4 11 13 21 24 0x10001 5)
}

@test "system calls by their arguments: namespaces, personalities, socket families, netlink, requests" {
	local j
	numbers_known
	for j in s v; do
		# clone, unshare: each kind of namespace, beside flags that threads use
		meets $j EPERM native $(with 56 $SPACES) $(with 56 0x10050f00) $(with 272 $SPACES 0x80)
		meets $j allowed native 56:0x3d0f00 56:17 272:0x400
		# setns: joining is as good as making
		meets $j EPERM native 308:3 308:3:0x40000000
		# personality: what is asked, 32-bit, no randomisation for debuggers; nothing that makes data executable
		meets $j allowed native $(with 135 0 8 0x40000 0xffffffff)
		# the upper half of an argument that has 32 bits changes nothing
		meets $j EPERM native $(with 135 0x0400000 0x0100000 0x8000000 0x0440000 1 6 0x100400000)
		meets $j EPROTONOSUPPORT native $(with 41 $FAMILIES) $(with 53 $FAMILIES)
		meets $j allowed native 41:1:1 41:16:3:0 41:16:3:4
		meets $j EPROTONOSUPPORT native $(with 41:16:3 1 2 3 5 7 8 9 10 11 14 18 19 20 21 22 23 31)
		meets $j EPERM native $(with 16:0 0x5412 0x541c 0x5423 0x894c 0x100005412)
		meets $j allowed native 16:0:0x5401
	done
	meets s EPROTONOSUPPORT native $(with 41:16:3 6 12 16)
	meets v allowed native $(with 41:16:3 6 12 15 16)
	meets s EPERM native 41:17:3
	meets v EPERM native 41:17:3
}

@test "a property gives back the calls it names, and no others" {
	numbers_known
	down s
	ok iocage set allow_mount=1 sysvmsg=disable sysvsem=disable sysvshm=disable s
	up s
	meets s allowed native 165 166 155 428 429 430 442 56:0x20000
	meets s EPERM native 56:0x10000000
	meets s ENOSYS native 435 29 64 68 71
	down s
	ok iocage set allow_mount=0 children_max=1 allow_socket_af=1 s
	up s
	meets s allowed native 56:0x10000000 435 41:40:1
	meets s EPERM native 165
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

@test "a VNET jail makes no raw and no packet sockets without allow_raw_sockets and bpf, in any form; ping works for everybody" {
	mk w vnet=on interfaces=vnet0:none 'ip4_addr=vnet0|10.78.0.5/24' 'ip6_addr=vnet0|2001:db8:78::5/64' defaultrouter=none defaultrouter6=none
	put w "$LAB_TMP/trycall" bin/trycall
	up w
	inside_ok w 'trycall rawtcp rawtcp6 rawheader rawheader6 packet oldpacket rawflags'
	hasnt OK
	inside_ok w 'ping -c 1 -W 2 127.0.0.1 && ping6 -c 1 -W 2 ::1'
	inside_ok w 'trycall ping'
	has OK
	down w
	ok iocage set allow_raw_sockets=1 w
	up w
	inside_ok w 'trycall rawtcp rawtcp6 rawheader rawheader6'
	hasnt E
	inside_ok w 'trycall packet oldpacket'
	hasnt OK
	down w
	ok iocage set allow_raw_sockets=0 bpf=1 w
	up w
	inside_ok w 'trycall rawtcp rawtcp6 rawflags'
	hasnt OK
	inside_ok w 'trycall packet'
	has OK
	down w
	iocage destroy -f w
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

@test "/proc and /sys: what tells of the host or of others' work is empty, what the kernel takes is read-only" {
	local ro
	for j in s v; do
		for f in kcore keys key-users timer_list sched_debug latency_stats kpagecount kpageflags kpagecgroup kmsg interrupts; do
			inside $j "head -c 1 /proc/$f 2>/dev/null | wc -c"
			[ "$output" -eq 0 ] || { echo "$j reads /proc/$f"; return 1; }
		done
		for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu0/thermal_throttle; do
			[ -d $d ] || continue
			inside $j "ls -A $d"
			is ""
		done
		inside_ok $j "cat /proc/mounts"
		for ro in bus fs irq sysrq-trigger sys/dev sys/fs sys/kernel sys/vm; do
			[ -e /proc/$ro ] || continue
			grep -q "^[^ ]* /proc/$ro proc ro," <<<"$output" || { echo "$j: /proc/$ro is not read-only"; return 1; }
		done
	done
	# what is the jail's own stays so
	inside_ok v 'echo 1 >/proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward'
	is 1
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

# --- what a shared-IP jail's sockets, which are the host's, tell of the host ---

host_names() {
	cc -D_GNU_SOURCE -O1 -static -pthread -o "$LAB_TMP/hostnames" "$LAB_TOP/tests/lab/hostnames.c" || lab_die "cannot build hostnames"
	mk n 'ip4_addr=em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::11/64'
	put n "$LAB_TMP/hostnames" bin/hostnames
	up n
	ip link show secretbr >/dev/null 2>&1 || ip link add secretbr type bridge
	ip addr replace 10.77.0.1/24 dev secretbr
	ip link set secretbr up
	secret=$(ip -o link show secretbr | cut -d: -f1)
	em0=$(ip -o link show em0 | cut -d: -f1)
}

@test "shared IP: requests about interfaces that are not answered from the jail's view are refused" {
	host_names
	inside_ok n 'hostnames requests; hostnames size'
	ip link del secretbr
	is "$(((0x200 - 22) * 3)) tried
OK 1"
}

@test "shared IP: interfaces of the host have no names inside: by number, by name, by a descriptor that changes" {
	host_names
	inside_ok n "hostnames numbers $((secret + 8)); hostnames device em0; hostnames device secretbr; hostnames swap"
	ip link del secretbr
	hasnt secretbr
	hasnt bridge0
	hasnt bound
	hasnt 10.77
	has em0
	has "$(printf 'OK\nENODEV')"
}

@test "shared IP: no news of the host's devices, on any group and with any filter" {
	host_names
	inside_ok n 'mkfifo /wait; (hostnames uevents <>/wait >/got &) >/dev/null 2>&1'
	eventually inside_ok n 'grep -q up /got'
	for _ in 1 2 3; do echo change >/sys/devices/virtual/mem/null/uevent; done
	ip link del secretbr
	inside_ok n 'echo >/wait; sleep 1; cat /got'
	is "$(printf 'filter OK\nunlock EPERM\nup\n0 heard')"
}

@test "shared IP: multicast groups on the jail's own interfaces only, and so many" {
	host_names
	inside_ok n "hostnames join $secret 16; hostnames join $em0 100"
	is "$(printf '0 joined\n256 joined')"
	# those were closed: others may be joined
	inside_ok n "hostnames join $em0 16"
	is "80 joined"
	# naming none, it is on the jail's own, whatever the host's routes say
	ip route add 224.0.0.0/4 dev secretbr
	inside_ok n 'mkfifo /wait; (hostnames anywhere <>/wait >/got &) >/dev/null 2>&1; sleep 1; cat /got'
	hasnt E
	ip -o maddr show dev em0 >"$LAB_TMP/em0.groups"
	ip -o maddr show dev secretbr >"$LAB_TMP/secretbr.groups"
	ip link del secretbr
	grep -q 239.255.0.7 "$LAB_TMP/em0.groups"
	run ! grep -q 239.255 "$LAB_TMP/secretbr.groups"
}
