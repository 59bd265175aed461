#!/usr/bin/env bats
# streams.bats - no stream of the host's comes into a jail: exec, hooks, the console and its log.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

PY=${LAB_TOP:-.}/tests/lab/streams.py

setup() {
	mk j 'exec_start=/bin/true'
}

# What each of 0, 1, 2 is, into a file inside.
FDS='a=$(for i in 0 1 2; do readlink /proc/$$/fd/$i; done); echo "$a" >/fds'

fds_are_own() {
	local l n=0
	while read -r l; do
		n=$((n + 1))
		case $l in
		pipe:* | /dev/pts/* | /dev/null) ;;
		*)
			echo "inside: $l"
			return 1
			;;
		esac
	done <"$(upper j)/fds"
	[ $n -eq 3 ]
}

@test "standard streams that are files, sockets, fifos, devices, closed: the command gets pipes" {
	up j
	echo text >"$LAB_TMP/file"
	iocage exec j -- /bin/sh -c "$FDS" <"$LAB_TMP/file" >"$LAB_TMP/out" 2>>"$LAB_TMP/err"
	fds_are_own
	iocage exec j -- /bin/sh -c "$FDS" </dev/zero >/dev/full 2>&1
	fds_are_own
	mkfifo "$LAB_TMP/fifo"
	iocage exec j -- /bin/sh -c "$FDS" <>"$LAB_TMP/fifo" >"$LAB_TMP/fifo" 2>/dev/null
	fds_are_own
	iocage exec j -- /bin/sh -c "$FDS" <&- >&- 2>&-
	fds_are_own
	for kind in unix tcp; do
		ok timeout 20 python3 "$PY" $kind iocage exec j -- /bin/sh -c "$FDS; cat; exit 7"
		is "sent back, 7"
		fds_are_own
	done
	inside_ok j 'ls /proc/self/fd | wc -l'
	is 4
}

@test "an input that is a file: what the command does not read is left to the next one" {
	up j
	printf '%s\n' a b c d >"$LAB_TMP/lines"
	run bash -c 'while read -r l; do echo "$l"; iocage exec j -- true; done <"$LAB_TMP/lines"'
	is "$(printf '%s\n' a b c d)"
	# dd reads as much as it is told to, and no more
	run bash -c '{ iocage exec j -- dd bs=1 count=4 2>/dev/null; cat; } <"$LAB_TMP/lines"'
	is "$(printf '%s\n' a b c d)"
}

@test "both outputs in one file keep their order; two files stay two" {
	up j
	iocage exec j -- /bin/sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo e$i >&2; done' >"$LAB_TMP/o" 2>&1
	run cat "$LAB_TMP/o"
	is "$(for i in 1 2 3 4 5 6 7 8 9; do printf '%s\ne%s\n' $i $i; done)"
	iocage exec j -- /bin/sh -c 'echo o; echo e >&2' >"$LAB_TMP/o" 2>"$LAB_TMP/e"
	run cat "$LAB_TMP/o" "$LAB_TMP/e"
	is "$(printf 'o\ne')"
}

@test "a background process does not keep exec, and writes nothing after it" {
	up j
	timeout 20 iocage exec j -- /bin/sh -c '(while [ ! -e /go ]; do sleep 0.1; done; echo late; echo done >/went) & echo soon' >"$LAB_TMP/dump"
	[ "$(cat "$LAB_TMP/dump")" = soon ]
	inside_ok j 'touch /go'
	sleep 1
	[ "$(cat "$LAB_TMP/dump")" = soon ]
	# one that never stops writing, neither
	timeout 20 iocage exec j -- /bin/sh -c '(trap "" PIPE; yes) & sleep 0.2' | tail -c 100 >"$LAB_TMP/dump"
	# with its output nowhere it lives on
	iocage exec j -- /bin/sh -c '(while :; do echo x; sleep 0.1; done) & echo $! >/bg' >/dev/null 2>&1
	sleep 0.5
	inside_ok j 'kill $(cat /bg)'
}

@test "200 MB through files and pipes, byte for byte; a slow reader loses nothing" {
	up j
	head -c 209715200 /dev/urandom >"$LAB_TMP/big"
	sum=$(md5sum <"$LAB_TMP/big")
	iocage exec j -- cat <"$LAB_TMP/big" >"$LAB_TMP/big2"
	[ "$(md5sum <"$LAB_TMP/big2")" = "$sum" ]
	rm "$LAB_TMP/big" "$LAB_TMP/big2"
	[ "$(iocage exec j -- seq 1 300000 | (sleep 1; md5sum))" = "$(seq 1 300000 | md5sum)" ]
}

@test "a user's command may open its streams by name" {
	up j
	inside_ok j 'echo "foo:x:1234:1234::/home:/bin/sh" >>/etc/passwd'
	run bash -c 'iocage exec -U foo j -- /bin/sh -c "echo a >/proc/self/fd/1; cat /proc/self/fd/0" </etc/hostname | cat'
	has a
	has "$(cat /etc/hostname)"
}

@test "exec_stop writes the console log through a pipe, and no more than the log's bound" {
	cat >"$LAB_TMP/rc.shutdown" <<-'P'
		a=$(for i in 0 1 2; do readlink /proc/$$/fd/$i; done)
		echo "$a" >/fds
		dd if=/dev/zero bs=1024 count=8192 2>/dev/null
		dd if=/dev/zero of=/dev/stdout bs=1 count=1 seek=3000000000 conv=notrunc 2>/dev/null
		echo the end
	P
	put j "$LAB_TMP/rc.shutdown" etc/rc.shutdown
	ok iocage set console_log_size=64 j
	up j
	down j
	fds_are_own
	log=$IOCAGE_ROOT/log/j-console.log
	grep -aq 'the end' "$log"
	[ "$(stat -c %s "$log")" -le 65536 ]
	[ "$(stat -c %s "$log.1")" -le 65536 ]
}

@test "what services write is bounded, too, and never blocks them" {
	ok iocage set console_log_size=64 'exec_start=/bin/sh -c "dd if=/dev/zero bs=1024 count=20000 2>/dev/null; echo written"' j
	up j
	log=$IOCAGE_ROOT/log/j-console.log
	eventually grep -aq written "$log"
	[ "$(stat -c %s "$log")" -le 65536 ]
	[ "$(stat -c %s "$log.1")" -le 65536 ]
	run bash -c 'printf "%s\n" "$IOCAGE_ROOT"/log/j-console*'
	[ "${#lines[@]}" -eq 2 ]
}

@test "rc.shutdown that stops itself costs exec_timeout, not more" {
	echo 'kill -STOP $$' >"$LAB_TMP/rc.shutdown"
	put j "$LAB_TMP/rc.shutdown" etc/rc.shutdown
	ok iocage set exec_timeout=2 stop_timeout=2 j
	up j
	run timeout 60 iocage stop j
	[ "$status" -eq 0 ]
	has 'did not end within 2 seconds'
	is_down j
}

@test "services get SIGTERM after exec_stop, and stop_timeout to end" {
	ok iocage set exec_stop=/bin/true stop_timeout=20 j
	up j
	iocage exec j -- /bin/sh -c '(trap "sleep 1; echo yes >/got; exit" TERM; echo r >/ready; while :; do sleep 0.1; done) &' >/dev/null 2>&1
	eventually test -s "$(upper j)/ready"
	ok timeout 60 iocage stop j
	grep -q yes "$(upper j)/got"
	hasnt FAILED
	# one that will not: told, and ended all the same
	ok iocage set stop_timeout=1 j
	up j
	iocage exec j -- /bin/sh -c '(trap "" TERM; echo r >/ready2; while :; do sleep 0.1; done) &' >/dev/null 2>&1
	eventually test -s "$(upper j)/ready2"
	run timeout 60 iocage stop j
	[ "$status" -eq 0 ]
	has 'within 1 seconds'
	is_down j
}

@test "jail root reads the console pipe itself: the monitor goes on, an address is taken away" {
	cc -O1 -static -D_GNU_SOURCE -pthread -o "$LAB_TMP/conrace" "$LAB_TOP/tests/lab/conrace.c"
	mk r vnet=off 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	put r "$LAB_TMP/conrace" bin/conrace
	up r
	iocage exec r -- /bin/conrace >/dev/null 2>&1 &
	p=$!
	for i in 1 2 3; do
		sleep 2
		ok timeout 30 iocage set "ip4_addr=em0|192.0.2.10/24" r
		run ip -o addr show dev em0
		hasnt 192.0.2.11/
		ok timeout 30 iocage set "ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24" r
	done
	is_up r
	kill $p
	wait $p || true
}

@test "a jail that renames its interfaces: addresses, MTU and routers still change; one that removes them is told" {
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=none defaultrouter6=none
	world_snapshot before
	up v
	inside_ok v 'ip link set epair0b down; ip link set epair0b name mine; ip link set mine up; ip link add epair0b type dummy 2>/dev/null; ip link set mine mtu 1400; :'
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24' v
	inside_ok v 'ip addr show dev mine'
	has 10.7.0.6/24
	hasnt 10.7.0.5/24
	ok iocage set 'ip6_addr=vnet0|2001:db8:a::6/64' v
	inside_ok v 'ip -6 addr show dev mine'
	has 2001:db8:a::6/64
	hasnt 2001:db8:a::5/64
	ok iocage set defaultrouter=10.7.0.1 v
	inside_ok v 'ip route'
	has "default via 10.7.0.1 dev mine"
	ok iocage set vnet0_mtu=1300 v
	inside_ok v 'cat /sys/class/net/mine/mtu'
	is 1300
	# what it does to its own stack does not keep an address from being taken away
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24,vnet0|10.7.0.9/24' v
	inside_ok v 'ip route add default dev lo metric 1; ip link set mine down'
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24' v
	inside_ok v 'ip addr show dev mine'
	hasnt 10.7.0.9
	inside_ok v 'ip link del mine'
	fails 1 iocage set 'ip4_addr=vnet0|10.7.0.6/24,vnet0|10.7.0.7/24' v
	has 'there is no interface epair0b in the jail'
	has restart
	ok iocage set ip4_addr=none v
	down v
	world_same before
}

@test "installing an init does not change how a running jail is stopped" {
	ok iocage set exec_stop='/bin/sh -c "echo bye >/stopped"' j
	up j
	inside_ok j 'printf "#!/bin/sh\nsleep 100000\n" >/sbin/init; chmod 755 /sbin/init'
	ok timeout 60 iocage stop j
	hasnt 'did not shut down'
	grep -q bye "$(upper j)/stopped"
}
