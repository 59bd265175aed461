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
		run open_to_others "$IOCAGE_ROOT"/log/*
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
