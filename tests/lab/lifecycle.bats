#!/usr/bin/env bats
# lifecycle.bats - start, stop, restart: order, hooks, failures half way, and death at any moment.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

@test "start and stop say what F says, in its order" {
	mk www
	world_snapshot before
	ok iocage start www
	[ "${lines[0]}" = "* Starting www" ]
	[ "${lines[1]}" = "  + Started OK" ]
	has "  + Starting services OK"
	has "  + Executing poststart OK"
	hasnt FAILED
	ok iocage stop www
	[ "${lines[0]}" = "* Stopping www" ]
	has "  + Executing prestop OK"
	has "  + Stopping services OK"
	has "  + Removing jail process OK"
	has "  + Executing poststop OK"
	world_same before
}

@test "host name: the jail's own, underscore becomes a dash, nobody else's changes" {
	mk a_b
	h=$(hostname)
	up a_b
	inside_ok a_b hostname
	is a-b
	[ "$(hostname)" = "$h" ]
}

@test "start and stop of several; with -i one that fails does not stop the others" {
	mk s1
	mk s2
	mk s3
	up s2
	run iocage start -i s1 s2 s3
	[ "$status" -eq 1 ]
	has "s2 is already running!"
	is_up s1
	is_up s3
	ok iocage stop s1 s2 s3
	is_down s3
}

@test "restart, hard: a new first process; of a jail that is down: it starts" {
	mk r
	ok iocage restart r
	is_up r
	p=$(init_pid r)
	ok iocage restart r
	is_up r
	[ "$(init_pid r)" != "$p" ]
}

@test "restart -s: services again, the same jail, the same id" {
	mk soft 'exec_start=/bin/sh -c "echo start >>/log"' 'exec_stop=/bin/sh -c "echo stop >>/log"'
	up soft
	p=$(init_pid soft) id=$(jid soft)
	ok iocage restart -s soft
	has "Soft restarting soft"
	[ "$(init_pid soft)" = "$p" ]
	[ "$(jid soft)" = "$id" ]
	inside_ok soft 'cat /log'
	is "$(printf 'start\nstop\nstart')"
	down soft
	fails 0 iocage restart -s soft
	has "soft is not running!"
}

@test "ALL: up by priority, down in reverse" {
	hook="echo \$JNAME >>$LAB_TMP/order"
	rm -f "$LAB_TMP/order"
	mk late priority=50 "exec_poststart=echo late >>$LAB_TMP/order" "exec_poststop=echo late down >>$LAB_TMP/order"
	mk early priority=1 "exec_poststart=echo early >>$LAB_TMP/order" "exec_poststop=echo early down >>$LAB_TMP/order"
	mk mid priority=20 "exec_poststart=echo mid >>$LAB_TMP/order" "exec_poststop=echo mid down >>$LAB_TMP/order"
	run iocage start ALL
	[ "$status" -eq 0 ]
	[ "$(tr '\n' ' ' <"$LAB_TMP/order")" = "early mid late " ]
	: >"$LAB_TMP/order"
	run iocage stop ALL
	[ "$status" -eq 0 ]
	[ "$(tr '\n' ' ' <"$LAB_TMP/order")" = "late down mid down early down " ]
}

@test "--rc: only boot jails, quiet, one failure does not stop the others with -i" {
	mk b1 boot=off
	mk b2
	mk b3
	ok iocage set boot=on b2
	ok iocage set boot=on b3
	ok iocage start --rc
	is ""
	is_up b2
	is_up b3
	is_down b1
	ok iocage stop --rc
	is_down b2
	is_down b3
	ok iocage set priority=1 exec_prestart=/bin/false b2
	run iocage start --rc -i
	is_up b3
	is_down b2
	has b2
}

@test "depends: first what is needed; a ring and a missing one are errors, not endless" {
	mk db
	mk app depends=db
	up app
	is_up db
	is_up app
	ok iocage stop app db
	mk x depends=y
	mk y depends=x
	fails 1 timeout 10 iocage start x
	has x
	has y
	is_down x
	is_down y
	mk z depends=nosuch
	fails 1 iocage start z
	has nosuch
	is_down z
}

@test "hooks: where, when, with JID and JNAME" {
	h=$LAB_TMP/hooks
	rm -f "$h"
	mk hk "exec_prestart=echo prestart \$(hostname) >>$h" "exec_poststart=echo poststart \$JNAME \$JID >>$h" \
		"exec_prestop=echo prestop >>$h" "exec_poststop=echo poststop >>$h"
	up hk
	id=$(jid hk)
	down hk
	[ "$(cat "$h")" = "$(printf 'prestart %s\npoststart ioc-hk %s\nprestop\npoststop' "$(hostname)" "$id")" ] ||
		[ "$(cat "$h")" = "$(printf 'prestart %s\npoststart hk %s\nprestop\npoststop' "$(hostname)" "$id")" ] || { cat "$h"; false; }
}

@test "a hook that is one word must be an executable file" {
	: >"$LAB_TMP/notexec"
	chmod 644 "$LAB_TMP/notexec"
	mk one "exec_prestart=$LAB_TMP/notexec"
	world_snapshot before
	fails 1 iocage start one
	is_down one
	world_same before
}

@test "prestart fails: refused, with the hook's words, nothing left" {
	mk pre 'exec_prestart=echo the reason; exit 3'
	world_snapshot before
	fails 1 iocage start pre
	has "Executing exec_prestart FAILED"
	has "the reason"
	has "Refusing to start pre: exec_prestart failed"
	is_down pre
	world_same before
}

@test "exec_start fails: everything is undone, shared and VNET" {
	mk s 'ip4_addr=em0|192.0.2.10/24' 'exec_start=/bin/sh -c "echo cannot; exit 4"'
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' exec_start=/bin/false
	world_snapshot before
	fails 1 iocage start s
	has "Starting services FAILED"
	has "Refusing to start s: exec_start failed"
	is_down s
	fails 1 iocage start v
	has "Refusing to start v: exec_start failed"
	is_down v
	world_same before
}

@test "a program to start that does not exist is named" {
	mk nox exec_start=/no/such/program
	world_snapshot before
	fails 1 iocage start nox
	has "/no/such/program"
	is_down nox
	world_same before
}

@test "poststart fails: the jail is stopped again" {
	mk post 'exec_poststart=exit 1'
	world_snapshot before
	fails 1 iocage start post
	has "Executing poststart FAILED"
	is_down post
	world_same before
}

@test "prestop fails: the jail stays, -f stops it without the hook" {
	mk pst "exec_prestop=touch $LAB_TMP/prestop-ran; exit 1"
	up pst
	fails 1 iocage stop pst
	has "--force"
	is_up pst
	rm -f "$LAB_TMP/prestop-ran"
	ok iocage stop -f pst
	[ ! -e "$LAB_TMP/prestop-ran" ]
	is_down pst
}

@test "exec_timeout bounds exec_start, stop_timeout a stop that hangs" {
	mk slow 'exec_start=/bin/sleep 600' exec_timeout=2
	world_snapshot before
	fails 1 timeout 20 iocage start slow
	is_down slow
	world_same before
	mk hang 'exec_stop=/bin/sleep 600' stop_timeout=2 exec_timeout=2
	up hang
	run timeout 30 iocage stop hang
	[ "$status" -ne 124 ]
	is_down hang
}

@test "processes left by exec_start end at stop, also those that ignore TERM" {
	mk daemon 'exec_start=/bin/sh -c "(trap : TERM HUP INT; while :; do sleep 1; done) >/dev/null 2>&1 &"' stop_timeout=2
	world_snapshot before
	up daemon
	inside_ok daemon 'ps | grep -c "sleep 1"'
	down daemon
	world_same before
}

@test "orphans are reaped by the built-in init" {
	mk reap exec_init=builtin
	up reap
	inside_ok reap 'for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; sleep 0.5; ps -o stat,pid | grep -c ^Z; true'
	is 0
}

@test "the first process is killed: everything is cleaned up by itself, and it starts again" {
	mk die 'ip4_addr=em0|192.0.2.10/24'
	mk diev vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	world_snapshot before
	for j in die diev; do
		up $j
		kill -9 "$(init_pid $j)"
		eventually is_down $j
	done
	world_same before
	up die
	up diev
	down die
	down diev
	world_same before
}

@test "the starter is killed at any moment: the next start or stop puts everything right" {
	mk k vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' 'exec_start=/bin/sleep 0.02'
	world_snapshot before
	for ms in 1 2 3 4 5 6 8 10 12 15 20 30 40; do
		iocage start k >/dev/null 2>&1 &
		p=$!
		sleep "0.$(printf %03d $ms)"
		kill -9 $p 2>/dev/null || true
		wait $p || true
		if [ $((ms % 2)) -eq 0 ]; then
			run iocage start k
			[ "$status" -eq 0 ] || has "already running"
			is_up k
		fi
		run iocage stop k
		[ "$status" -eq 0 ]
		world_same before || { echo "killed after $ms ms"; return 1; }
	done
}

@test "the starter of a shared-IP jail is killed: no alias stays after stop" {
	mk ks 'ip4_addr=em0|192.0.2.10/24' 'exec_start=/bin/sleep 0.02'
	world_snapshot before
	for ms in 1 2 4 6 9 14 25; do
		iocage start ks >/dev/null 2>&1 &
		p=$!
		sleep "0.$(printf %03d $ms)"
		kill -9 $p 2>/dev/null || true
		wait $p || true
		run iocage stop ks
		[ "$status" -eq 0 ]
		world_same before || { echo "killed after $ms ms"; return 1; }
	done
}

@test "the stopper is killed: the next stop ends the work" {
	mk kst vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	world_snapshot before
	for ms in 1 2 4 8 16; do
		up kst
		iocage stop kst >/dev/null 2>&1 &
		p=$!
		sleep "0.$(printf %03d $ms)"
		kill -9 $p 2>/dev/null || true
		wait $p || true
		run iocage stop kst
		[ "$status" -eq 0 ]
		is_down kst
		world_same before || { echo "killed after $ms ms"; return 1; }
	done
}

@test "the monitor is killed: the jail does not outlive it unseen; stop and start work" {
	mk mon 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up mon
	m=$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/mon/state")
	[ "$m" -gt 1 ]
	kill -9 "$m"
	sleep 0.3
	run iocage stop mon
	is_down mon
	world_same before
	up mon
	down mon
	world_same before
}

@test "two starts at once: one starts it, one says it runs" {
	mk two
	for _ in 1 2 3; do
		iocage start two >"$LAB_TMP/t1" 2>&1 &
		p1=$!
		iocage start two >"$LAB_TMP/t2" 2>&1 &
		p2=$!
		s1=0 s2=0
		wait $p1 || s1=$?
		wait $p2 || s2=$?
		[ $((s1 + s2)) -eq 1 ] || { cat "$LAB_TMP/t1" "$LAB_TMP/t2"; return 1; }
		is_up two
		down two
	done
}

@test "ten jails at once: ids differ, all come up, all go" {
	ok iocage create -r busybox -n p -c 10
	world_snapshot before
	pids=
	for i in 1 2 3 4 5 6 7 8 9 10; do
		iocage start p_$i >/dev/null &
		pids="$pids $!"
	done
	for p in $pids; do wait "$p"; done
	[ "$(iocage list -h | grep -c "	up	")" -eq 10 ]
	[ "$(iocage list -h | cut -f1 | sort -u | wc -l)" -eq 10 ]
	ok iocage stop ALL
	world_same before
}

@test "starting writes nothing below IOCAGE_ROOT but the console log" {
	mk quiet
	find "$IOCAGE_ROOT/jails/quiet" -maxdepth 1 -type f -exec md5sum {} + >"$LAB_TMP/sums"
	t=$(stat -c %Y%Z "$IOCAGE_ROOT/jails/quiet/config.json")
	up quiet
	down quiet
	md5sum -c --quiet "$LAB_TMP/sums"
	[ "$(stat -c %Y%Z "$IOCAGE_ROOT/jails/quiet/config.json")" = "$t" ]
}

@test "what the services print goes to the console log" {
	mk log 'exec_start=/bin/sh -c "echo to the console"'
	up log
	eventually grep -rq "to the console" "$IOCAGE_ROOT/log/"
}

@test "last_started: never, then a time in UTC" {
	mk when
	ok iocage get last_started when
	[ "$output" = never ] || [ "$output" = none ]
	up when
	ok iocage get last_started when
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}$ ]]
}

@test "resolver: host's file, none of it, literal lines" {
	mk res "resolver=nameserver 192.0.2.53;search example.org"
	up res
	inside_ok res 'cat /etc/resolv.conf'
	is "$(printf 'nameserver 192.0.2.53\nsearch example.org')"
	down res
	ok iocage set resolver=/etc/resolv.conf res
	up res
	inside_ok res 'cat /etc/resolv.conf'
	is "$(cat /etc/resolv.conf)"
}

@test "resolver: none is the host's file, /dev/null leaves the jail's alone, a link of the release is replaced by a file" {
	mk res resolver=none
	up res
	inside_ok res 'cat /etc/resolv.conf'
	is "$(cat /etc/resolv.conf)"
	down res
	ok iocage set resolver=/dev/null res
	echo "nameserver 198.51.100.53" >"$(upper res)/etc/resolv.conf"
	up res
	inside_ok res 'cat /etc/resolv.conf; rm /etc/resolv.conf; ln -s ../run/resolve/stub.conf /etc/resolv.conf'
	is "nameserver 198.51.100.53"
	down res
	up res
	inside_ok res 'readlink /etc/resolv.conf'
	is ../run/resolve/stub.conf
	down res
	ok iocage set 'resolver=nameserver 192.0.2.53' res
	up res
	inside_ok res 'cat /etc/resolv.conf'
	is "nameserver 192.0.2.53"
}

@test "host_hostname, host_domainname: as set, by default the jail's name with dashes and no domain" {
	mk my_box
	up my_box
	inside_ok my_box 'hostname; cat /proc/sys/kernel/domainname'
	is "my-box
(none)"
	down my_box
	ok iocage set host_hostname=www.example.com host_domainname=nis.example.com my_box
	up my_box
	inside_ok my_box 'hostname; cat /proc/sys/kernel/domainname'
	is "www.example.com
nis.example.com"
}

@test "/etc/hosts of a new jail: its name beside localhost, its address with its name; later it is the jail's own" {
	mk thin ip4_addr=em0\|192.0.2.77/24 host_hostname=www.example.com
	ok iocage create -r busybox -T -n thick
	ok cat "$IOCAGE_ROOT/jails/thick/root/etc/hosts"
	is "127.0.0.1	localhost thick
::1	localhost"
	[ "$(stat -c %a:%u "$(upper thin)/etc")" = "$(stat -c %a:%u "$IOCAGE_ROOT/releases/busybox/root/etc")" ]
	up thin
	inside_ok thin 'cat /etc/hosts'
	is "127.0.0.1	localhost www
::1	localhost
192.0.2.77	www.example.com www"
	inside_ok thin 'echo 192.0.2.1 me >/etc/hosts'
	ok iocage restart thin
	inside_ok thin 'cat /etc/hosts; ls /etc/passwd'
	is "192.0.2.1 me
/etc/passwd"
}

@test "host_time: the host's /etc/localtime, whatever a link there says; or the jail's own, or the one mounted there" {
	printf 'TZif2\0not\0text\n' >"$LAB_TMP/zone"
	: >"$LAB_TMP/victim"
	mk z
	mkdir -p "$(upper z)/etc"
	ln -s "../../../../../../../..$LAB_TMP/victim" "$(upper z)/etc/localtime"
	# another zone for the program only
	# shellcheck disable=SC2016
	ok unshare --mount sh -c 'mount --bind "$1" "$(readlink -e /etc/localtime)" && iocage start z' sh "$LAB_TMP/zone"
	cmp "$LAB_TMP/zone" "$(upper z)/etc/localtime"
	[ ! -L "$(upper z)/etc/localtime" ]
	[ ! -s "$LAB_TMP/victim" ]
	inside_ok z 'stat -c "%a %u" /etc/localtime'
	is '644 0'
	ok iocage restart z
	cmp /etc/localtime "$(upper z)/etc/localtime"
	down z
	echo own >"$(upper z)/etc/localtime"
	ok iocage set host_time=0 z
	up z
	inside_ok z 'cat /etc/localtime'
	is own
	ok iocage set host_time=1 z
	printf '%s /etc/localtime nullfs ro 0 0\n' "$LAB_TMP/zone" >"$IOCAGE_ROOT/jails/z/fstab"
	ok iocage restart z
	cmp "$LAB_TMP/zone" <(iocage exec z cat /etc/localtime)
}

@test "a resolv.conf that is mounted there stays; an /etc that is not for writing needs resolver=/dev/null, no more" {
	mk m
	echo 'nameserver 192.0.2.7' >"$LAB_TMP/resolv"
	printf '%s /etc/resolv.conf nullfs ro 0 0\n' "$LAB_TMP/resolv" >"$IOCAGE_ROOT/jails/m/fstab"
	up m
	inside_ok m 'cat /etc/resolv.conf'
	is 'nameserver 192.0.2.7'
	down m
	mkdir "$LAB_TMP/etc"
	: >"$LAB_TMP/etc/hosts"
	printf '%s /etc nullfs ro 0 0\n' "$LAB_TMP/etc" >"$IOCAGE_ROOT/jails/m/fstab"
	fails 1 iocage start m
	has 'write /etc/resolv.conf in the jail'
	has 'Read-only file system'
	ok iocage set resolver=/dev/null assign_localhost=1 exec_start=/bin/true m
	up m
	inside_ok m 'ls /etc'
	is hosts
}

@test "fstab of a jail: mounted at start, gone at stop, host paths never followed out" {
	mkdir -p "$LAB_TMP/data"
	echo shared >"$LAB_TMP/data/file"
	mk fs
	mkdir -p "$(upper fs)/mnt/data"
	printf '%s\t%s\tnullfs\tro\t0\t0\n' "$LAB_TMP/data" "$IOCAGE_ROOT/jails/fs/root/mnt/data" >"$IOCAGE_ROOT/jails/fs/fstab"
	world_snapshot before
	up fs
	inside_ok fs 'cat /mnt/data/file'
	is shared
	inside fs 'echo x >/mnt/data/new'
	[ "$status" -ne 0 ]
	down fs
	world_same before
}

@test "fstab as FreeBSD has it: comments, four fields, another machine's paths, its file systems, options" {
	mkdir -p "$LAB_TMP/data"
	echo shared >"$LAB_TMP/data/file"
	ln -sf file "$LAB_TMP/data/link"
	mk fb
	fstab=$IOCAGE_ROOT/jails/fb/fstab
	cat >"$fstab" <<-F
		# by hand
		devfs /dev devfs rw 0 0
		tmpfs /dev/shm tmpfs rw,size=1g,mode=1777 0 0
		fdescfs /dev/fd fdescfs rw,linrdlnk 0 0
		linprocfs /proc linprocfs rw 0 0
		linsysfs /sys linsysfs rw 0 0
		$LAB_TMP/data /mnt/tank/iocage/jails/fb/root/a nullfs ro,nosymfollow,noatime 0 0 # Added by iocage on 2021-04-03 12:11:10
		$LAB_TMP/data /b nullfs rw
	F
	up fb
	inside_ok fb 'cat /a/file /b/link; grep " /a " /proc/self/mountinfo; ls -d /dev/fd/0; grep -c " /proc proc" /proc/mounts'
	has noatime
	inside fb 'cat /a/link'
	[ "$status" -ne 0 ]
	[ ! -e "$(upper fb)/mnt/tank" ]
	down fb
	echo "x /y zfs rw 0 0" >>"$fstab"
	fails 1 iocage start fb
	has 'fstab line 9: mount x on /y in the jail: this kernel has no file system zfs'
	has 'Start FAILED'
	hasnt exec_start
	sed -i '$d' "$fstab"
	echo "tmpfs /y tmpfs rw,bogus=1 0 0" >>"$fstab"
	fails 1 iocage start fb
	has 'options rw,bogus=1'
	sed -i '$d' "$fstab"
	echo "$LAB_TMP/data /y nullfs rw,bogus 0 0" >>"$fstab"
	fails 1 iocage start fb
	has 'fstab line 9: nullfs does not have the option "bogus"'
	is_down fb
	# what exec_start says is still its own
	: >"$fstab"
	ok iocage set exec_start=/bin/false fb
	fails 1 iocage start fb
	has 'exec_start failed'
}

@test "init of the release as pid 1: it boots, and stop asks it to shut down" {
	mk real exec_init=/sbin/init
	mkdir -p "$(upper real)/etc" "$(upper real)/sbin"
	ln -s /bin/busybox "$(upper real)/sbin/init"
	printf '::sysinit:/bin/touch /booted\n::shutdown:/bin/touch /shutdown\n::respawn:/bin/sleep 1000\n' >"$(upper real)/etc/inittab"
	world_snapshot before
	up real
	eventually iocage exec real -- test -e /booted
	inside_ok real 'cat /proc/1/comm; readlink /proc/1/exe'
	hasnt iocage
	ok iocage stop real
	[ -e "$(upper real)/shutdown" ]
	world_same before
}
