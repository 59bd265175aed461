#!/usr/bin/env bats
# crash.bats - the power fails at any moment of a command: each configuration is the old or the new one, the rest works.

load lib

# The system calls by which files change or become safe.
CALLS=openat,write,pwrite64,ftruncate,renameat,renameat2,unlinkat,mkdir,mkdirat,symlink,symlinkat,linkat,fsync,fdatasync,sync,syncfs
CALLS+=,copy_file_range,fchmod,fchmodat
# By which crash.py knows where a process of its own root writes.
CALLS+=,clone,clone3,fork,vfork,chdir,pivot_root
# And those that crash.py does not know, which must not be used on what is kept.
OTHERS=creat,rename,unlink,rmdir,link,truncate,writev,pwritev,sendfile,mknodat,fallocate

setup_file() {
	lab_setup_file
	# a release of a few files: every tree that may be left is made
	rm -rf "$LAB_TMP/tree"
	mkdir -p "$LAB_TMP/tree/bin" "$LAB_TMP/tree/etc" "$LAB_TMP/tree/proc" "$LAB_TMP/tree/sys" "$LAB_TMP/tree/dev"
	cp /bin/busybox "$LAB_TMP/tree/bin/busybox"
	ln -s busybox "$LAB_TMP/tree/bin/sh"
	printf '127.0.0.1\tlocalhost\n' >"$LAB_TMP/tree/etc/hosts"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/small.tar" .
	rm "$LAB_TMP/tree/bin/busybox"
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/tiny.tar" .
	iocage destroy -r -f busybox >/dev/null
	iocage fetch -r small -F "$LAB_TMP/small.tar" >/dev/null
}

teardown_file() { lab_teardown_file; }

setup() {
	ok iocage create -r small -n other vnet=on ip4_addr="vnet0|10.7.7.7/24" notes=stays interfaces=vnet0:none
	ok iocage create -e -n empty notes=stays
}

teardown() {
	export IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
	lab_reset
	rm -rf --one-file-system "$LAB_TMP/states" "$LAB_TMP/before" "${IOCAGE_ROOT:?}"/releases/[!s]* "$IOCAGE_ROOT"/jails/.[!.]*
}

# record COMMAND...: into $LAB_TMP/states, every tree that may be left at any moment of it
record() {
	rm -rf --one-file-system "$LAB_TMP/states" "$LAB_TMP/before"
	mkdir "$LAB_TMP/states"
	cp -al "$IOCAGE_ROOT" "$LAB_TMP/before"
	strace ${FOLLOW:+-f} -y -xx -s 10000000 -o "$LAB_TMP/trace" -e "trace=$CALLS,$OTHERS" "$@" >"$LAB_TMP/out" 2>&1 || {
		cat "$LAB_TMP/out"
		return 1
	}
	# changes in place would reach the copy, too: then this says nothing
	root=$(printf '%s' "$IOCAGE_ROOT" | od -An -v -tx1 | tr -d ' \n' | sed 's/../\\\\x&/g')
	if grep -E "(^|[0-9] )(${OTHERS//,/|})\(" "$LAB_TMP/trace" | grep -v ' = -1 ' | grep -F "${root//\\\\/\\}"; then
		echo "a call that crash.py does not know"
		return 1
	fi
	python3 "$LAB_TOP/tests/lab/crash.py" "$LAB_TMP/trace" "$IOCAGE_ROOT" "$LAB_TMP/before" "$LAB_TMP/states" >"$LAB_TMP/states.count"
	sed "s/^/# $BATS_TEST_DESCRIPTION: /" "$LAB_TMP/states.count" >&3
}

# What must hold in each, after a boot: the others are as they were, gc goes through and leaves nothing unfinished.
rest_works() {
	run --separate-stderr iocage list -h
	[ "$status" -eq 0 ] || { echo "list: $status $stderr"; return 1; }
	[ "$(grep -cE $'\t(other|empty)\t' <<<"$output")" -eq 2 ] || { echo "list: $output"; return 1; }
	for j in other empty; do
		iocage get all "$j" >"$LAB_TMP/now.$j" 2>&1
		cmp "$LAB_TMP/was.$j" "$LAB_TMP/now.$j" || return 1
	done
}

tidied() {
	ok iocage gc || return 1
	run find "$IOCAGE_ROOT" -maxdepth 3 -regex '.*/\.[^/]*\.[0-9a-f]+' ! -path '*/root/*'
	[ -z "$output" ] || { echo "gc left: $output"; return 1; }
}

# starts JAIL: it has all it needs
starts() {
	ok iocage start "$1" || return 1
	ok iocage exec "$1" true || return 1
	ok iocage stop "$1" || return 1
}

# each CHECK: in every tree, as after a boot
each() {
	local check=$1 s bad=0
	export IOCAGE_ROOT IOCAGE_RUN
	for j in other empty; do iocage get all "$j" >"$LAB_TMP/was.$j"; done
	[ "$(find "$LAB_TMP/states" -name '*.why' | wc -l)" -ge "${LEAST:-5}" ] || { echo "too few states"; return 1; }
	for s in "$LAB_TMP"/states/[0-9][0-9][0-9][0-9]; do
		IOCAGE_ROOT=$s IOCAGE_RUN=$s.run
		# the command has said that it is done: then it is
		DONE=$(grep -cx "${s##*/}" "$LAB_TMP/states/done" || true)
		if ! { rest_works && $check && tidied && rest_works; } >"$LAB_TMP/each.out" 2>&1; then
			echo "done: $DONE"
			cat "$s.why" "$LAB_TMP/each.out"
			find "$s/jails" "$s/releases" -maxdepth 3 | head -n 40
			bad=$((bad + 1))
			[ "$bad" -lt 3 ] || break
		fi
		rm -rf --one-file-system "$s" "$s.run"
	done
	IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
	[ "$bad" -eq 0 ]
}

# as NAME FILE...: get all of the jail is what one of the files says
as() {
	local j=$1 f
	shift
	iocage get all "$j" >"$LAB_TMP/now" 2>&1 || { cat "$LAB_TMP/now"; return 1; }
	for f in "$@"; do cmp -s "$f" "$LAB_TMP/now" && return 0; done
	echo "$j is neither"
	diff "$1" "$LAB_TMP/now"
	return 1
}

# --- the checks ---

not_done() {
	[ "$DONE" -eq 0 ] || { echo "the command had ended, and what it did is lost"; return 1; }
}

created() {
	if [ -e "$IOCAGE_ROOT/jails/web" ]; then
		as web "$LAB_TMP/new" && [ -f "$IOCAGE_ROOT/jails/web/fstab" ] && { [ "${START:-1}" = 0 ] || starts web; }
	else
		not_done && fails 1 iocage get all web && has "not found" && ok "${AGAIN[@]}" && as web "$LAB_TMP/new"
	fi
}

changed() {
	as web "$LAB_TMP/old" "$LAB_TMP/new" && { as web "$LAB_TMP/new" || not_done; } && ok "${AGAIN[@]}" && as web "$LAB_TMP/new" && starts web
}

destroyed() {
	if [ -e "$IOCAGE_ROOT/jails/web" ]; then
		not_done && as web "$LAB_TMP/old" && starts web && cmp "$IOCAGE_ROOT/jails/web/layers/upper/data" "$LAB_TMP/data" &&
			ok iocage destroy -f web || return 1
	fi
	[ ! -e "$IOCAGE_ROOT/jails/web" ]
}

fetched() {
	if [ -e "$IOCAGE_ROOT/releases/tiny" ]; then
		diff -r --no-dereference "$LAB_TMP/tree" "$IOCAGE_ROOT/releases/tiny/root"
	else
		not_done && fails 1 iocage create -r tiny -n x && ok "${AGAIN[@]}" &&
			diff -r --no-dereference "$LAB_TMP/tree" "$IOCAGE_ROOT/releases/tiny/root"
	fi
}

fetch_gone() {
	if [ -e "$IOCAGE_ROOT/releases/tiny" ]; then
		not_done && diff -r --no-dereference "$LAB_TMP/tree" "$IOCAGE_ROOT/releases/tiny/root" && ok iocage destroy -r -f tiny || return 1
	fi
	[ ! -e "$IOCAGE_ROOT/releases/tiny" ]
}

# A jail with nat: the address of the interrupted start, if it was told to anybody, is the address of the next.
started() {
	local f=$IOCAGE_ROOT/jails/web/nat was
	as web "$LAB_TMP/new" || return 1
	[ -e "$f" ] || not_done || return 1
	[ ! -e "$f" ] || [ "$(cat "$f")" = "$(cat "$LAB_TMP/nat")" ] || { echo "nat: $(cat "$f")"; return 1; }
	starts web && [ "$(cat "$f")" = "$(cat "$LAB_TMP/nat")" ]
}

# --- the commands ---

@test "create, thin" {
	AGAIN=(iocage create -r small -n web vnet=on notes=one)
	record "${AGAIN[@]}"
	iocage get all web >"$LAB_TMP/new"
	LEAST=15 each created
}

@test "create, the first of all" {
	AGAIN=(iocage create -e -n web notes=one)
	export IOCAGE_ROOT=$LAB_TMP/fresh
	mkdir "$IOCAGE_ROOT"
	record "${AGAIN[@]}"
	iocage get all web >"$LAB_TMP/new"
	rm -rf "$IOCAGE_ROOT"
	IOCAGE_ROOT=$LAB_TMP/root
	rest_works() { ok iocage list -h; }
	START=0 LEAST=15 each created
}

@test "create -T" {
	AGAIN=(iocage create -T -r small -n web notes=one)
	record "${AGAIN[@]}"
	iocage get all web >"$LAB_TMP/new"
	LEAST=20 each created
}

@test "create -e" {
	AGAIN=(iocage create -e -n web notes=one)
	record "${AGAIN[@]}"
	iocage get all web >"$LAB_TMP/new"
	START=0 LEAST=8 each created
}

@test "set of several properties" {
	ok iocage create -r small -n web notes=one
	iocage get all web >"$LAB_TMP/old"
	AGAIN=(iocage set notes=two vnet=on ip4_addr="vnet0|10.9.9.9/24" interfaces=vnet0:none web)
	record "${AGAIN[@]}"
	iocage get all web >"$LAB_TMP/new"
	each changed
}

@test "set of a jail that runs" {
	ok iocage create -r small -n web notes=one ip4_addr="em0|192.0.2.31/24"
	iocage get all web | grep -vE '^(state|jid|last_started)' >"$LAB_TMP/old"
	up web
	record iocage set notes=two ip4_addr="em0|192.0.2.32/24" web
	down web
	changed_live() {
		iocage get all web | grep -vE '^(state|jid|last_started)' >"$LAB_TMP/now"
		cmp -s "$LAB_TMP/now" "$LAB_TMP/new" || { cmp -s "$LAB_TMP/now" "$LAB_TMP/old" && not_done; } || { diff "$LAB_TMP/old" "$LAB_TMP/now"; return 1; }
		starts web
	}
	iocage get all web | grep -vE '^(state|jid|last_started)' >"$LAB_TMP/new"
	each changed_live
}

@test "set of the defaults" {
	ok iocage set notes=older default
	iocage get all default >"$LAB_TMP/old"
	record iocage set notes=newer stop_timeout=7 default
	iocage get all default >"$LAB_TMP/new"
	defaults_changed() { as default "$LAB_TMP/new" || { as default "$LAB_TMP/old" && not_done; }; }
	rm "$IOCAGE_ROOT/defaults.json"
	# the others' own notes stand above; stop_timeout is theirs too from then on
	rest_works() {
		run --separate-stderr iocage list -h
		[ "$status" -eq 0 ] && [ "$(grep -cE $'\t(other|empty)\t' <<<"$output")" -eq 2 ] && [ "$(iocage get notes other)" = stays ]
	}
	each defaults_changed
}

@test "destroy" {
	ok iocage create -r small -n web notes=one
	echo precious >"$LAB_TMP/data"
	cp "$LAB_TMP/data" "$(upper web)/data"
	iocage get all web >"$LAB_TMP/old"
	record iocage destroy -f web
	LEAST=8 each destroyed
}

@test "fetch from an archive" {
	AGAIN=(iocage fetch -r tiny -F "$LAB_TMP/tiny.tar")
	FOLLOW=1 record "${AGAIN[@]}"
	LEAST=15 each fetched
}

@test "destroy of a release" {
	ok iocage fetch -r tiny -F "$LAB_TMP/tiny.tar"
	record iocage destroy -r -f tiny
	each fetch_gone
}

@test "start of a jail with nat, the first and the next" {
	ok iocage create -r small -n web nat=on
	record iocage start web
	cp "$IOCAGE_ROOT/jails/web/nat" "$LAB_TMP/nat"
	down web
	iocage get all web | sed 's/^last_started.*/last_started:never/' >"$LAB_TMP/new"
	as() {
		iocage get all "$1" | sed 's/^last_started.*/last_started:never/' >"$LAB_TMP/now"
		cmp "$2" "$LAB_TMP/now"
	}
	LEAST=4 each started
	# the second changes nothing that is kept but the log
	record iocage start web
	down web
	LEAST=1 each started
}
