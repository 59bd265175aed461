#!/usr/bin/env bats
# escape.bats - a jail that means harm, or a process in it that swaps names while the host works: nothing outside is touched.

load lib

setup_file() {
	lab_setup_file
	cc -D_GNU_SOURCE -O1 -static -o "$LAB_TMP/swap" "$LAB_TOP/tests/lab/swap.c" || lab_die "cannot build swap"
	printf 'int pause(void); int main(void) { for (;;) pause(); }\n' >"$LAB_TMP/lazy.c"
	cc -O1 -static -o "$LAB_TMP/lazy" "$LAB_TMP/lazy.c" || lab_die "cannot build lazy"
}
teardown_file() { lab_teardown_file; }

SECRET=hostsecret4711
UP=../../../../../../../../../../../..

setup() {
	rm -rf "$LAB_TMP/victim"
	mkdir -p "$LAB_TMP/victim/dir"
	for f in resolv.conf hosts dir/file initctl; do echo "nameserver 127.66.66.66 $SECRET" >"$LAB_TMP/victim/$f"; done
	printf 'root:x:0:0:%s:/root:/bin/sh\nwww:x:4711:4711:%s:/:/bin/sh\n' $SECRET $SECRET >"$LAB_TMP/victim/passwd"
	printf 'www:x:4712:www\n' >"$LAB_TMP/victim/group"
	shot >"$LAB_TMP/victim.was"
}

teardown() {
	lab_reset
	rm -rf "$LAB_TMP/victim" "$LAB_TMP/shared"
}

# the victim, to the last time stamp (but those of reading)
shot() {
	find "$LAB_TMP/victim" -printf '%p %y %m %U %G %n %s %T@ %C@ %l\n' | sort
	find "$LAB_TMP/victim" -type f -print0 | sort -z | xargs -0 cat
}

untouched() {
	shot >"$LAB_TMP/victim.now"
	diff "$LAB_TMP/victim.was" "$LAB_TMP/victim.now"
	run ! grep -q " $LAB_TMP/victim" /proc/self/mountinfo
}

no_secret() {
	hasnt $SECRET
}

# in both spellings: from the root, and climbing
each_way() {
	local check=$1
	for to in "$LAB_TMP/victim" "$UP$LAB_TMP/victim"; do
		"$check" "$to" || return 1
		untouched || return 1
	done
}

@test "etc of a jail: resolv.conf, hosts, passwd, group, or all of it, are links that lead out" {
	links_out() {
		local u
		for name in resolv.conf hosts passwd group ''; do
			mk e vnet=on ip4_addr="vnet0|10.7.7.2/24" interfaces=vnet0:none
			u=$(upper e)
			[ -z "$name" ] || { mkdir -p "$u/etc" && rm -f "$u/etc/$name" && ln -s "$1/$name" "$u/etc/$name"; }
			[ -n "$name" ] || { rm -rf "${u:?}/etc" && ln -s "$1" "$u/etc"; }
			ok iocage set resolver="nameserver 192.0.2.53;search x" e
			run iocage start e
			no_secret
			run iocage exec -U www e id
			no_secret && hasnt 4711
			run iocage exec -U 80 e id
			no_secret && hasnt 4712
			run iocage console e <<<'cat /etc/passwd'
			no_secret
			run iocage doctor e
			no_secret && hasnt 127.66
			run iocage stop e
			untouched
			ok iocage destroy -f e
		done
	}
	each_way links_out
}

@test "etc of a release: hosts or all of it lead out; thin and thick jails of it" {
	from_release() {
		for name in hosts ''; do
			rm -rf "$LAB_TMP/rel" && mkdir -p "$LAB_TMP/rel/bin" "$LAB_TMP/rel/proc" "$LAB_TMP/rel/sys" "$LAB_TMP/rel/dev"
			cp /bin/busybox "$LAB_TMP/rel/bin/sh"
			if [ -n "$name" ]; then
				mkdir "$LAB_TMP/rel/etc" && ln -s "$1/hosts" "$LAB_TMP/rel/etc/hosts"
			else
				ln -s "$1" "$LAB_TMP/rel/etc"
			fi
			tar -C "$LAB_TMP/rel" -cf "$LAB_TMP/rel.tar" .
			ok iocage fetch -r evil -F "$LAB_TMP/rel.tar"
			ok iocage create -r evil -n thin
			ok iocage create -T -r evil -n thick
			run grep -rsl $SECRET "$IOCAGE_ROOT/jails" "$IOCAGE_ROOT/releases/evil"
			is ""
			run iocage start thin thick
			no_secret
			run iocage stop thin thick
			untouched
			ok iocage destroy -f thin thick
			ok iocage destroy -r -f evil
		done
	}
	each_way from_release
}

@test "fstab: a target below a link that leads out is made and mounted inside" {
	through() {
		mk f
		mkdir -p "$LAB_TMP/shared"
		echo shared >"$LAB_TMP/shared/x"
		ln -s "$1" "$(upper f)/srv"
		printf '%s /srv/new/deep nullfs rw 0 0\ntmpfs /srv/tmp tmpfs rw 0 0\n' "$LAB_TMP/shared" >"$IOCAGE_ROOT/jails/f/fstab"
		run iocage start f
		if [ "$status" -eq 0 ]; then
			inside_ok f 'cat /srv/new/deep/x; cat /proc/mounts'
			has shared
			no_secret
			down f
		fi
		[ ! -e "$LAB_TMP/victim/new" ]
		untouched
		ok iocage destroy -f f
	}
	each_way through
}

@test "fstab: targets and sources that climb, and kinds of files that do not fit" {
	mk f
	for to in /../x /a/../../x .. /.. /a/.. "$IOCAGE_ROOT/jails/f/root/../x"; do
		printf '%s %s nullfs rw 0 0\n' "$LAB_TMP/victim" "$to" >"$IOCAGE_ROOT/jails/f/fstab"
		fails 1 iocage start f
		has "fstab line 1"
	done
	for from in relative/path ../x "$LAB_TMP/../x"; do
		printf '%s /mnt nullfs rw 0 0\n' "$from" >"$IOCAGE_ROOT/jails/f/fstab"
		fails 1 iocage start f
		has "fstab line 1"
	done
	# a file on a directory, a directory on a fifo
	mkfifo "$(upper f)/fifo"
	printf '%s /mnt nullfs rw 0 0\n' "$LAB_TMP/victim/hosts" >"$IOCAGE_ROOT/jails/f/fstab"
	fails 1 iocage start f
	printf '%s /fifo nullfs rw 0 0\n' "$LAB_TMP/victim" >"$IOCAGE_ROOT/jails/f/fstab"
	fails 1 timeout 20 iocage start f
	untouched
}

@test "fstab: a source in another jail's root is what that jail sees there, not what its links say on the host" {
	mk a
	mk b
	mkdir -p "$(upper a)/share" "$(upper a)/victim"
	echo inner >"$(upper a)/victim/file"
	for to in "$LAB_TMP/victim/dir" "$UP$LAB_TMP/victim/dir" /victim "$UP/victim"; do
		rm -f "$(upper a)/share/d"
		ln -s "$to" "$(upper a)/share/d"
		for at in "$(upper a)/share/d" "$IOCAGE_ROOT//jails/./a/layers/upper/share/d" "$LAB_TMP/alias/share/d"; do
			ln -sfn "$(upper a)" "$LAB_TMP/alias"
			printf '%s /mnt nullfs rw 0 0\n' "$at" >"$IOCAGE_ROOT/jails/b/fstab"
			run iocage start b
			no_secret
			case $to in
			*/"${LAB_TMP##*/}"/*) [ "$status" -eq 1 ] && has "No such file" ;;
			*)
				[ "$status" -eq 0 ]
				inside_ok b 'cat /mnt/file'
				is inner
				;;
			esac
			run iocage stop b
			untouched
		done
	done
	# a link of the host's own is followed
	mkdir -p "$LAB_TMP/shared"
	echo shared >"$LAB_TMP/shared/x"
	ln -sfn "$LAB_TMP/shared" "$LAB_TMP/alias"
	printf '%s /mnt nullfs rw 0 0\n' "$LAB_TMP/alias" >"$IOCAGE_ROOT/jails/b/fstab"
	up b
	inside_ok b 'cat /mnt/x'
	is shared
}

@test "a jail without a /dev of ours: a fifo or a link there neither holds up a start nor leads out" {
	mk d mount_devfs=off
	rm -rf "${IOCAGE_ROOT:?}/jails/d/layers/upper/dev"
	mkdir -p "$(upper d)/dev"
	mkfifo "$(upper d)/dev/null"
	ok timeout 30 iocage start d
	ok timeout 30 iocage exec d true
	ok timeout 30 iocage stop d
	rm "$(upper d)/dev/null"
	ln -s "$UP$LAB_TMP/victim/hosts" "$(upper d)/dev/null"
	ok timeout 30 iocage start d
	ok iocage stop d
	untouched
}

@test "an init that is asked to shut down through a fifo: a link in its place is not followed out" {
	mk i exec_init=/sbin/init stop_timeout=2
	mkdir -p "$(upper i)/sbin"
	cp "$LAB_TMP/lazy" "$(upper i)/sbin/init"
	mkfifo "$LAB_TMP/victim/fifo"
	cat "$LAB_TMP/victim/fifo" >"$LAB_TMP/fifo.out" 3>&- &
	reader=$!
	for name in fifo initctl; do
		up i
		inside_ok i "mkdir -p /run/openrc; rm -f /run/initctl /run/openrc/init.ctl; ln -s $UP$LAB_TMP/victim/$name /run/initctl; ln -s $LAB_TMP/victim/$name /run/openrc/init.ctl"
		run iocage stop i
	done
	[ ! -s "$LAB_TMP/fifo.out" ]
	kill $reader
	rm "$LAB_TMP/victim/fifo"
	grep -q $SECRET "$LAB_TMP/victim/initctl"
}

@test "doctor: what a jail's resolv.conf says reaches no terminal as a command" {
	mk q vnet=on ip4_addr="vnet0|10.7.7.2/24" interfaces=vnet0:none
	up q
	inside_ok q 'printf "nameserver 127.0.0.1\033]0;owned\007\n" >/etc/resolv.conf'
	run iocage doctor q
	has "name server 127.0.0.1"
	hasnt $'\033'
	hasnt $'\007'
	# a terminal there would be the caller's
	inside_ok q 'rm /etc/resolv.conf; ln -s /dev/tty /etc/resolv.conf'
	run timeout 10 python3 "$LAB_TOP/tests/lab/onpty.py" iocage doctor q
	[ "$status" -ne 124 ]
	inside_ok q 'rm /etc/resolv.conf; mkfifo /etc/resolv.conf'
	run timeout 10 iocage doctor q
	[ "$status" -ne 124 ]
}

# swap_in JAIL A B: a process in the jail exchanges the two until the jail ends
swap_in() {
	cp "$LAB_TMP/swap" "$(upper "$1")/swap" 2>/dev/null || cp "$LAB_TMP/swap" "$IOCAGE_ROOT/jails/$1/root/swap"
	iocage exec "$1" -- /swap "$2" "$3" </dev/null >/dev/null 2>&1 3>&- &
	sleep 0.2
}

@test "race: exec by a jail's passwd, doctor, console, stop, while its etc is a link every other moment" {
	mk r vnet=on ip4_addr="vnet0|10.7.7.2/24" interfaces=vnet0:none
	up r
	inside_ok r "cp -a /etc /etc2; mv /etc /real; ln -s $UP$LAB_TMP/victim /link; mv /real /etc; mkdir -p /run/openrc"
	swap_in r /etc /link
	found=0
	for _ in $(seq 30); do
		run iocage exec -U www r id
		no_secret && hasnt 4711
		[ "$status" -ne 0 ] || found=$((found + 1))
		run iocage doctor r
		no_secret && hasnt 127.66
	done
	[ "$found" -gt 0 ]
	run iocage console r <<<'id'
	no_secret
	ok iocage stop r
	untouched
}

@test "race: a directory that two jails share is a link every other moment while the second starts" {
	mkdir -p "$LAB_TMP/shared/sub/point"
	mk a
	mk b
	printf '%s /shared nullfs rw 0 0\n' "$LAB_TMP/shared" >"$IOCAGE_ROOT/jails/a/fstab"
	# mount points below what the other jail swaps, one of them to be made
	printf '%s /s nullfs rw 0 0\ntmpfs /s/sub/point tmpfs rw 0 0\n%s /s/sub/new/x nullfs rw 0 0\n' "$LAB_TMP/shared" "$LAB_TMP/shared" \
		>"$IOCAGE_ROOT/jails/b/fstab"
	up a
	inside_ok a "ln -s $UP$LAB_TMP/victim /shared/link"
	swap_in a /shared/sub /shared/link
	started=0
	for _ in $(seq 25); do
		run iocage start b
		[ "$status" -ne 0 ] || started=$((started + 1))
		no_secret
		run iocage exec b cat /s/sub/dir/file
		no_secret
		run iocage stop b
	done
	[ "$started" -gt 0 ]
	down a
	[ ! -e "$LAB_TMP/victim/new" ]
	untouched
}

@test "race: the source of a mount is in another jail's root, which swaps it for a link" {
	mk a
	mk b
	mkdir -p "$(upper a)/data/sub"
	echo inner >"$(upper a)/data/sub/file"
	ln -s "$UP$LAB_TMP/victim/dir" "$(upper a)/data/link"
	printf '%s /mnt nullfs rw 0 0\n' "$(upper a)/data/sub" >"$IOCAGE_ROOT/jails/b/fstab"
	# the directory itself, not overlayfs's copy: as if a were thick
	mk m
	printf '%s /data nullfs rw 0 0\n' "$(upper a)/data" >"$IOCAGE_ROOT/jails/m/fstab"
	up m
	swap_in m /data/sub /data/link
	started=0
	for _ in $(seq 40); do
		run iocage start b
		if [ "$status" -eq 0 ]; then
			inside_ok b 'cat /mnt/file'
			is inner
			started=$((started + 1))
			down b
		else
			no_secret
		fi
	done
	[ "$started" -gt 0 ]
	down m
	untouched
}

@test "race: a jail's root is destroyed, or copied, while another jail has a part of it and swaps that" {
	mk m
	for _ in $(seq 8); do
		ok iocage create -e -n c
		mkdir -p "$IOCAGE_ROOT/jails/c/root/part/sub/deep"
		for i in $(seq 200); do : >"$IOCAGE_ROOT/jails/c/root/part/sub/deep/$i"; done
		ln -s "$UP$LAB_TMP/victim" "$IOCAGE_ROOT/jails/c/root/part/link"
		printf '%s /part nullfs rw 0 0\n' "$IOCAGE_ROOT/jails/c/root/part" >"$IOCAGE_ROOT/jails/m/fstab"
		up m
		swap_in m /part/sub /part/link
		run iocage destroy -f c
		[ ! -e "$IOCAGE_ROOT/jails/c" ]
		down m
		ok iocage gc
		[ "$(ls -A "$IOCAGE_ROOT/jails")" = m ]
		untouched
	done
}

@test "the jail's root tries to trace whoever comes in: none is traced before it runs the jail's program, held as that" {
	cc -D_GNU_SOURCE -O1 -static -o "$LAB_TMP/tracer" "$LAB_TOP/tests/lab/tracer.c"
	mk s 'ip4_addr=em0|192.0.2.10/24'
	mk v vnet=on ip4_addr=none interfaces=vnet0:none
	local j tries traced early open i
	for j in s v; do
		put "$j" "$LAB_TMP/tracer" bin/tracer
		up "$j"
		mkfifo "$LAB_TMP/end.$j"
		iocage exec "$j" tracer <"$LAB_TMP/end.$j" >"$LAB_TMP/traced.$j" 2>&1 3>&- &
		exec 7>"$LAB_TMP/end.$j"
		eventually grep -q ready "$LAB_TMP/traced.$j"
		for i in $(seq 60); do timeout 20 iocage exec "$j" true 7>&- 3>&- || true; done
		exec 7>&-
		wait
		cat "$LAB_TMP/traced.$j"
		read -r tries traced early open < <(tail -n 1 "$LAB_TMP/traced.$j")
		[ "$tries" -gt 0 ]
		[ "$early" -eq 0 ]
		[ "$open" -eq 0 ]
		rm -f "$LAB_TMP/end.$j"
	done
}
