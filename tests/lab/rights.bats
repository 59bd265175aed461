#!/usr/bin/env bats
# rights.bats - who gets at what: files of jails on the host; rights of the helper programs that work for them.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# what of a jail the host's users can get at: nothing
nobody_reads() {
	local f left=''
	chmod 755 "$LAB_TMP" "$LAB_TMP/root" "$LAB_TMP/run"
	while IFS= read -r f; do
		if setpriv --reuid 12345 --regid 12345 --clear-groups busybox test -r "$f"; then left="$left $f"; fi
	done < <(find "$IOCAGE_ROOT/jails/" "$IOCAGE_RUN/jails/" "$IOCAGE_ROOT/log/" -mindepth 1; ls -d "$IOCAGE_ROOT"/defaults.json "$IOCAGE_RUN"/jid 2>/dev/null)
	[ -z "$left" ] || {
		echo "readable by everybody:$left"
		return 1
	}
}

open_to_others() { find "$@" ! -type l -perm /077; }

@test "what is kept of jails is root's alone, whatever the umask" {
	for mask in 000 022 077; do
		for how in '-r busybox' '-T -r busybox' -e; do
			name=j$mask${how//[!a-zA-Z]/}
			# shellcheck disable=SC2086
			ok bash -c "umask $mask; iocage create $how -n $name exec_start=/bin/true exec_stop=/bin/true"
			ok bash -c "umask $mask; iocage set notes=changed $name"
			d=$IOCAGE_ROOT/jails/$name
			[ "$(stat -c %a "$d")" = 700 ]
			for f in "$d"/config.json "$d"/fstab; do [ "$(stat -c %a "$f")" = 600 ]; done
		done
		ok bash -c "umask $mask; iocage set notes=x default"
		[ "$(stat -c %a "$IOCAGE_ROOT/defaults.json")" = 600 ]
		ok bash -c "umask $mask; iocage start j${mask}rbusybox"
		run open_to_others "$IOCAGE_RUN/jails/j${mask}rbusybox" "$IOCAGE_RUN/lock/j${mask}rbusybox"
		is ""
		run open_to_others "$IOCAGE_ROOT/log" -mindepth 1
		is ""
		nobody_reads
		# the jail's own files have their own modes all the same
		for p in / /etc /tmp /etc/hosts; do
			run iocage exec "j${mask}rbusybox" -- stat -c %a "$p"
			case $p in /tmp) is 1777 ;; /etc/hosts) is 644 ;; *) is 755 ;; esac
		done
		ok iocage stop "j${mask}rbusybox"
	done
}

@test "releases: the same modes inside, whatever the umask, and nothing for the host's users" {
	for mask in 000 077; do
		rm -rf "$IOCAGE_ROOT/releases/busybox"
		ok bash -c "umask $mask; iocage fetch -r busybox"
		[ "$(stat -c %a "$IOCAGE_ROOT/releases/busybox")" = 700 ]
		(cd "$IOCAGE_ROOT/releases/busybox/root" && find . ! -type l -printf '%m %p\n' | sort -k 2) >"$LAB_TMP/modes.$mask"
	done
	diff "$LAB_TMP/modes.000" "$LAB_TMP/modes.077"
	mkdir "$LAB_TMP/tree"
	touch "$LAB_TMP/tree/file"
	chmod 666 "$LAB_TMP/tree/file"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/tree.tar" .
	for mask in 000 077; do
		ok bash -c "umask $mask; iocage fetch -r t$mask -F '$LAB_TMP/tree.tar'"
		[ "$(stat -c %a "$IOCAGE_ROOT/releases/t$mask")" = 700 ]
		[ "$(stat -c %a "$IOCAGE_ROOT/releases/t$mask/root/file")" = 666 ]
	done
}

@test "what an older version left open is closed by the next start or change; links are not followed" {
	for how in start set; do
		mk old$how
		d=$IOCAGE_ROOT/jails/old$how
		echo 10.0.0.2/30 >"$d/nat"
		chmod 755 "$d"
		chmod 644 "$d/config.json" "$d/fstab" "$d/nat"
		echo '{}' >"$IOCAGE_ROOT/defaults.json"
		chmod 644 "$IOCAGE_ROOT/defaults.json"
		if [ $how = start ]; then ok iocage start oldstart; else ok iocage set notes=x oldset; fi
		run open_to_others "$d" -maxdepth 1
		is ""
		[ $how = set ] || nobody_reads
	done
	mk linked
	echo mine >"$LAB_TMP/victim"
	chmod 644 "$LAB_TMP/victim"
	ln -s "$LAB_TMP/victim" "$IOCAGE_ROOT/jails/linked/nat"
	run iocage set notes=x linked
	[ "$(stat -c %a "$LAB_TMP/victim")" = 644 ]
}

@test "a setuid program that a jail's root makes cannot be run, nor seen, by the host's users" {
	mk suid
	up suid
	inside_ok suid 'cp /bin/busybox /su; chmod 6755 /su; mkdir /open; chmod 777 /open; cp /su /open/su; chmod 6755 /open/su'
	p=$(upper suid)/open/su
	[ -u "$p" ]
	chmod 755 "$LAB_TMP" "$LAB_TMP/root"
	run setpriv --reuid 12345 --regid 12345 --clear-groups "$p" id
	[ "$status" -ne 0 ]
	run setpriv --reuid 12345 --regid 12345 --clear-groups busybox ls "$IOCAGE_ROOT/jails/suid"
	[ "$status" -ne 0 ]
}

# --- what unpacks archives ---

# many_files: an archive that takes a while
many_files() {
	python3 - "$LAB_TMP/many.tar" <<-'P'
		import io, sys, tarfile
		with tarfile.open(sys.argv[1], "w") as t:
		    for i in range(40000):
		        m = tarfile.TarInfo("f%d" % i)
		        t.addfile(m, io.BytesIO(b""))
	P
}

# the process that unpacks, stopped
stop_extractor() {
	local p
	for _ in $(seq 2000); do
		for p in $(pgrep -f "^[^ ]*iocage-extract $LAB_TMP/many.tar"); do
			grep -q '^Seccomp:	2' "/proc/$p/status" 2>/dev/null || continue
			kill -STOP "$p"
			echo "$p"
			return 0
		done
	done
	return 1
}

@test "the extractor: namespaces and a root of its own, five capabilities, no new privileges, few system calls, bounded memory" {
	many_files
	iocage fetch -r many -F "$LAB_TMP/many.tar" >"$LAB_TMP/fetch.out" 2>&1 3>&- &
	pid=$!
	p=$(stop_extractor)
	ok cat "/proc/$p/status"
	# chown, dac_override, fowner, fsetid, setfcap
	for set in CapInh:0000000000000000 CapPrm:000000008000001b CapEff:000000008000001b CapBnd:000000008000001b \
		CapAmb:0000000000000000 NoNewPrivs:1 Seccomp:2; do
		has "${set%:*}:	${set#*:}"
	done
	for ns in mnt net ipc uts pid; do
		[ "$(readlink "/proc/$p/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ] || { echo "the host's $ns"; return 1; }
	done
	# its target, and nothing mounted in it
	[ "$(wc -l <"/proc/$p/mountinfo")" -eq 1 ]
	grep -q ' / .*nosuid,nodev,noexec' "/proc/$p/mountinfo"
	[ ! -e "/proc/$p/root/proc" ]
	[ "$(stat -c %i "/proc/$p/root/.")" = "$(stat -c %i "$IOCAGE_ROOT"/releases/.many.*/root)" ]
	grep -q '^Max address space *1073741824 ' "/proc/$p/limits"
	grep -q '^Max core file size *0 ' "/proc/$p/limits"
	kill -CONT "$p"
	wait "$pid"
	[ "$(ls "$IOCAGE_ROOT/releases/many/root" | wc -l)" -eq 40000 ]
}

@test "fetch is killed while it unpacks: what unpacks ends, and the next fetch leaves nothing of it" {
	many_files
	iocage fetch -r gone -F "$LAB_TMP/many.tar" >/dev/null 2>&1 3>&- &
	pid=$!
	p=$(stop_extractor)
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$p/status")" "$pid"
	eventually sh -c "! kill -0 $p 2>/dev/null"
	mkdir -p "$LAB_TMP/tree"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/tree.tar" .
	touch "$LAB_TMP/tree/file"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/tree.tar" .
	ok iocage fetch -r after -F "$LAB_TMP/tree.tar"
	run find "$IOCAGE_ROOT/releases" -maxdepth 1 -name '.*'
	is ""
}

@test "an archive that wants gigabytes of memory to be unpacked is refused, and says why" {
	python3 - "$LAB_TMP/bomb.tar.xz" <<-'P'
		import binascii, io, lzma, struct, sys, tarfile
		raw = io.BytesIO()
		with tarfile.open(fileobj=raw, mode="w") as t:
		    t.addfile(tarfile.TarInfo("f"), io.BytesIO(b""))
		x = bytearray(lzma.compress(raw.getvalue(), check=lzma.CHECK_CRC32))
		size = (x[12] + 1) * 4
		at = x.index(b"\x21\x01", 12) + 2
		x[at] = 39  # a dictionary of 3 GiB
		x[12 + size - 4:12 + size] = struct.pack("<I", binascii.crc32(bytes(x[12:12 + size - 4])))
		open(sys.argv[1], "wb").write(x)
	P
	fails 1 iocage fetch -r bomb -F "$LAB_TMP/bomb.tar.xz"
	has "cannot extract $LAB_TMP/bomb.tar.xz: "
	one_line
	[ ! -e "$IOCAGE_ROOT/releases/bomb" ]
}

@test "labels of the host's own policy in an archive are left out, file capabilities are kept" {
	python3 - "$LAB_TMP/labels.tar" <<-'P'
		import io, sys, tarfile
		cap = bytes.fromhex("0100000200200000000000000000000000000000").decode("latin-1")
		with tarfile.open(sys.argv[1], "w", format=tarfile.PAX_FORMAT) as t:
		    m = tarfile.TarInfo("f")
		    m.pax_headers = {"SCHILY.xattr.security.selinux": "system_u:object_r:bin_t:s0", "SCHILY.xattr.security.capability": cap}
		    t.addfile(m, io.BytesIO(b""))
	P
	ok iocage fetch -r labels -F "$LAB_TMP/labels.tar"
	run python3 -c 'import os, sys; print(sorted(os.listxattr(sys.argv[1])))' "$IOCAGE_ROOT/releases/labels/root/f"
	is "['security.capability']"
}

# --- directories of the host that jails share ---

# shared JAIL DIRECTORY OPTIONS
shared() { echo "$2 /mnt nullfs $3 0 0" >"$IOCAGE_ROOT/jails/$1/fstab"; }

@test "a shared directory in which a set-user-ID program would reach the host's users: the start says so, and only then" {
	mk s
	open=$LAB_TMP/open
	mkdir -p "$open/dir" "$LAB_TMP/closed/dir"
	chmod 755 "$LAB_TMP" "$open"
	chmod 700 "$LAB_TMP/closed" "$open/dir"
	# its own mode is the jail's to change
	shared s "$open/dir" rw
	ok iocage start s
	has "fstab: the jail can write to $open/dir, and users of this host reach it"
	has "nosuid"
	inside_ok s 'cp /bin/busybox /mnt/su; chmod 4755 /mnt/su; chmod 755 /mnt'
	# and so it is
	run setpriv --reuid 12345 --regid 12345 --clear-groups "$open/dir/su" id -u
	rm -f "$open/dir/su"
	down s
	for how in "$open/dir ro" "$LAB_TMP/closed/dir rw"; do
		# shellcheck disable=SC2086
		shared s $how
		ok iocage start s
		hasnt "users of this host"
		down s
	done
	put s /usr/bin/id bin/hostid
	shared s "$open/dir" rw,idshift=300000
	chown 300000:300000 "$open/dir"
	ok iocage start s
	hasnt "users of this host"
	inside_ok s 'cp /bin/hostid /mnt/id; chmod 4755 /mnt/id; chmod 755 /mnt; stat -c %u /mnt /mnt/id'
	is $'0\n0'
	inside_ok s 'touch /mnt/f; chown 33:34 /mnt/f'
	run stat -c %u:%g "$open/dir/id" "$open/dir/f"
	is $'300000:300000\n300033:300034'
	run setpriv --reuid 12345 --regid 12345 --clear-groups "$open/dir/id" -u
	is 300000
	down s
	rm -f "$open/dir/id" "$open/dir/f"
	for bad in idshift=0 idshift=65535 idshift= idshift=-300000 idshift=4294967295 idshift=300000x; do
		shared s "$open/dir" "rw,$bad"
		fails 1 iocage start s
		has "idshift=N takes a number"
	done
	mount -t tmpfs -o nosuid shared "$open/dir"
	shared s "$open/dir" rw
	run iocage start s
	hasnt "users of this host"
	run iocage stop s
	umount "$open/dir"
	chmod 700 "$LAB_TMP"
}
