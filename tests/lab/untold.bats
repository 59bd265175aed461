#!/usr/bin/env bats
# untold.bats - when it cannot be told whether a jail runs, no command takes it for down: refused, with the reason and the way out.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

# Every command that would change something of a jail that is down, or lose something of one that runs.
COMMANDS=('set notes=x' 'set ip4_addr=em0|192.0.2.11/24' 'set vnet=on' start stop restart 'restart -s' destroy 'destroy -f' 'exec' 'exec -f'
	console 'console -f')

# What is kept and what runs.
all_of() {
	shot
	cat "$IOCAGE_ROOT/jails/a/config.json"
}

# as_it_was: the jail runs, and nothing of it was changed
as_it_was() {
	all_of | diff "$LAB_TMP/all" - || {
		echo "after: $*"
		return 1
	}
	kill -0 "$pid"
}

# untold WHAT [STRACE...]: each command under that, is refused and names WHAT
untold() {
	local what=$1 c words
	shift
	for c in "${COMMANDS[@]}"; do
		read -ra words <<<"$c"
		case $c in
		exec*) words+=(a true) ;;
		*) words+=(a) ;;
		esac
		run --separate-stderr timeout 20 "$@" iocage "${words[@]}" <<<y
		[ "$status" -eq 1 ] || { echo "$c: ended with $status: $output $stderr"; return 1; }
		has "$what"
		has 'iocage stop -f a'
		hasnt 'is not running'
		as_it_was "$c"
	done
	run --separate-stderr timeout 20 "$@" iocage gc
	[ "$status" -eq 1 ]
	has "$what"
	as_it_was gc
	# what only shows it says so, too
	run --separate-stderr timeout 20 "$@" iocage get -s a
	[ "$status" -eq 0 ]
	[ "$output" = N/A ]
	has "$what"
	run --separate-stderr timeout 20 "$@" iocage list -H
	[ "$status" -eq 0 ]
	[ "$(cut -f 3 <<<"$output")" = N/A ]
	has "$what"
}

one_jail() {
	mk a 'ip4_addr=em0|192.0.2.10/24' exec_start=/bin/true exec_stop=/bin/true
	up a
	pid=$(init_pid a)
	state=$IOCAGE_RUN/jails/a/state
	cp "$state" "$LAB_TMP/state"
	all_of >"$LAB_TMP/all"
}

@test "a state that is damaged" {
	one_jail
	echo 'rubbish' >>"$state"
	untold 'jails/a/state:'
	rm "$state"
	mkdir "$state"
	untold 'jails/a/state is not a regular file'
	rmdir "$state"
	ln -s "$LAB_TMP/state" "$state"
	untold 'jails/a/state: Too many levels of symbolic links'
	rm "$state"
	cp "$LAB_TMP/state" "$state"
	is_up a
	ok iocage set notes=x a
	down a
}

@test "a state that cannot be read" {
	one_jail
	for error in EIO EACCES EMFILE ENOMEM; do
		untold 'cannot open jails/a/state' strace -o /dev/null -P jails/a/state -e trace=openat -e inject=openat:error=$error
	done
	untold 'cannot read jails/a/state' strace -o /dev/null -P "$state" -e trace=read -e inject=read:error=EIO
	is_up a
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' a
	has_addr em0 192.0.2.11/24
	down a
}

@test "a process of which /proc says nothing: the first one, and the monitor" {
	one_jail
	for p in pid monitor; do
		n=$(sed -n "s/^$p=//p" "$state")
		for error in EMFILE ENFILE ENOMEM EACCES; do
			untold "cannot tell whether process $n is alive" strace -o /dev/null -P "/proc/$n/stat" -e trace=openat \
				-e inject=openat:error=$error
		done
		# no such process is an answer
		run --separate-stderr strace -o /dev/null -P "/proc/$n/stat" -e trace=openat -e inject=openat:error=ENOENT iocage get -s a
		is down
		run --separate-stderr strace -o /dev/null -P "/proc/$n/stat" -e trace=read -e inject=read:error=ESRCH iocage get -s a
		is down
	done
	is_up a
	# the way out
	ok strace -o /dev/null -P "/proc/$n/stat" -e trace=openat -e inject=openat:error=EMFILE iocage stop -f a
	is_down a
	ok iocage gc
	is 'Nothing to remove.'
}

@test "an alias that a jail may use whose state is damaged stays until that is ended, and is not given away" {
	world_snapshot clean
	mk a 'ip4_addr=em0|192.0.2.10/24' exec_start=/bin/true exec_stop=/bin/true
	mk b 'ip4_addr=em0|192.0.2.10/24' exec_start=/bin/true exec_stop=/bin/true
	mk c 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.12/24' exec_start=/bin/true exec_stop=/bin/true
	up b
	up a
	echo rubbish >>"$IOCAGE_RUN/jails/a/state"
	down b
	has_addr em0 192.0.2.10/24
	kill -0 "$(init_pid a)"
	# two jails may have one address only if neither has another
	fails 1 iocage start c
	has 192.0.2.10
	has a
	run iocage gc
	[ "$status" -eq 1 ]
	has_addr em0 192.0.2.10/24
	ok iocage stop -f a
	ok iocage gc
	world_same clean
}
