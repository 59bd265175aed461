#!/usr/bin/env bats
# broker.bats - the socket broker of shared-IP jails: what it may itself, and that nobody goes round it.

load lib

setup_file() {
	lab_setup_file
	cc -m32 -nostdlib -static -ffreestanding -fno-stack-protector -fno-pie -no-pie -O1 -o "$LAB_TMP/compat32" \
		"$LAB_TOP/tests/lab/compat32.c" || lab_die "cannot build compat32"
}
teardown_file() { lab_teardown_file; }
teardown() {
	lab_reset
	if [ -n "${peer:-}" ]; then kill "$peer"; wait; fi 2>/dev/null
}

# mks NAME [prop=value...]: a shared-IP jail with the test programs in it, running
mks() {
	local n=$1
	shift
	mk "$n" 'ip4_addr=em0|192.0.2.10/24' "$@"
	put "$n" "$LAB_TMP/trycall" bin/trycall
	put "$n" "$LAB_TMP/compat32" bin/compat32
	up "$n"
}

# tells who connects: the address, a line
start_peer() {
	cat >"$LAB_TMP/peer.py" <<-'P'
		import os, socket
		s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("192.0.2.254", 7777)); s.listen(5); print(os.getpid(), flush=True)
		while True:
		    c, a = s.accept(); c.sendall(a[0].encode() + b"\n"); c.close()
	P
	lan python3 "$LAB_TMP/peer.py" >"$LAB_TMP/peer.out" 3>&- &
	eventually grep -q . "$LAB_TMP/peer.out"
	peer=$(cat "$LAB_TMP/peer.out")
}

# The first answer comes when the broker has given up its rights. The monitor may have another child: it tells the neighbours.
broker_pid() {
	local m p
	iocage exec "$1" -- nc -z -w 1 192.0.2.254 9 >/dev/null 2>&1 </dev/null || true
	m=$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/$1/state")
	for p in $(cat "/proc/$m/task/$m/children"); do
		if [ "$(readlink "/proc/$p/root")" = /proc ]; then echo "$p"; fi
	done
}

field() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

@test "the broker has no capability on the host, no way to new ones, and a filter of its own" {
	mks b
	p=$(broker_pid b)
	[ "$(field "$p" NoNewPrivs)" = 1 ]
	[ "$(field "$p" Seccomp)" = 2 ]
	[ "$(readlink "/proc/$p/ns/user")" = "$(readlink "/proc/$(init_pid b)/ns/user")" ]
	[ "$(readlink "/proc/$p/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	# over the jail only: to read its processes, to give them their sockets, and to change its host name
	[ "$(field "$p" CapPrm)" = 0000000000280001 ]
	[ "$(readlink "/proc/$p/root")" = /proc ]
	# effective, saved and file system ids are the jail's
	read -r _ e s f <<<"$(field "$p" Uid)"
	[ "$e" -ge 65536 ] && [ "$e" = "$s" ] && [ "$e" = "$f" ]
	down b
	ok iocage set allow_set_hostname=0 b
	up b
	[ "$(field "$(broker_pid b)" CapPrm)" = 0000000000080001 ]
}

@test "what more it keeps for raw sockets and for the host's own addresses" {
	mks b allow_raw_sockets=1
	[ "$(field "$(broker_pid b)" CapPrm)" = 0000000000002001 ]
	inside_ok b 'trycall raw'
	is "raw OK"
	inside_ok b 'hostname renamed; hostname'
	is renamed
	down b
	ok iocage set allow_raw_sockets=0 ip4=inherit ip4_addr=none b
	up b
	[ "$(field "$(broker_pid b)" CapPrm)" = 0000000000000401 ]
	serve b 80 inherited 0.0.0.0
	[ "$(page http://192.0.2.1/)" = inherited ]
}

@test "the broker ends with the monitor, and with the jail" {
	mks b
	p=$(broker_pid b)
	kill -9 "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/b/state")"
	eventually test ! -e "/proc/$p/ns/net"
	# without it no socket is made, and nobody waits for one
	inside b 'timeout 5 nc -z -w 1 192.0.2.254 9'
	[ "$status" -ne 0 ]
	down b
	up b
	p=$(broker_pid b)
	kill -9 "$(init_pid b)"
	eventually test ! -e "/proc/$p"
}

@test "the broker alone is killed: what runs goes on and is held, nothing gets a new socket, and it is said why" {
	mks b
	serve b 8080 before
	p=$(broker_pid b)
	kill -9 "$p"
	eventually test ! -e "/proc/$p/ns/net"
	[ "$(page http://192.0.2.10:8080/)" = before ]
	fails 1 iocage exec b -- true
	has "the socket broker of jail b has ended"
	has "restart the jail"
	eventually grep -rq "socket broker has ended" "$IOCAGE_ROOT/log/"
	# its addresses can still be changed: the kernel side holds it
	ok iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.20/24' b
	ok iocage restart b
	[ -n "$(broker_pid b)" ]
	inside_ok b 'nc -z -w 1 192.0.2.20 9 || true'
}

# 126: it was not executed
runs32() {
	local status=0
	"$LAB_TMP/compat32" >/dev/null 2>&1 || status=$?
	[ "$status" -ne 126 ] || skip "this kernel runs no 32-bit programs"
}

@test "32-bit programs: their sockets are the jail's too, by socketcall and by the newer calls" {
	runs32
	mks b
	start_peer
	inside_ok b 'compat32 old'
	is 192.0.2.10
	inside_ok b 'compat32 new'
	is 192.0.2.10
	inside_ok b 'compat32 serve'
	is OK
}

@test "32-bit programs: families the jail may not have, arguments that cannot be read" {
	runs32
	mks b
	# EPROTONOSUPPORT: the arguments of socketcall are in memory, where they could change behind a filter's back
	for what in vsock newvsock unix pair; do
		inside_ok b "compat32 $what"
		is E93
	done
	inside_ok b 'compat32 newunix'
	is OK
	inside_ok b 'compat32 fault'
	is E14
	inside_ok b 'trycall x32'
	is "x32 ENOSYS"
	down b
	ok iocage set allow_socket_af=1 b
	up b
	inside_ok b 'compat32 unix'
	is OK
}

@test "32-bit programs in a VNET jail: the newer calls work, socketcall is refused" {
	runs32
	mk v vnet=on interfaces=vnet0:bridge0 'ip4_addr=vnet0|10.7.0.5/24'
	put v "$LAB_TMP/compat32" bin/compat32
	put v "$LAB_TMP/trycall" bin/trycall
	up v
	inside_ok v 'compat32 newunix'
	is OK
	for what in old unix vsock; do
		inside_ok v "compat32 $what"
		is E93
	done
	inside_ok v 'trycall x32'
	is "x32 ENOSYS"
}

@test "a network namespace made inside has sockets of its own" {
	mks b children_max=2
	start_peer
	inside_ok b 'nc -w 3 192.0.2.254 7777 </dev/null'
	is 192.0.2.10
	# nothing is configured there, so nothing is reached; its loopback is not the jail's address
	inside_ok b 'unshare -Urn sh -c "nc -w 1 192.0.2.254 7777 </dev/null; ip link set lo up; ip -o addr; httpd -p 127.0.0.1:80 -h /; netstat -ltn"'
	hasnt "192.0.2.10"
	has "127.0.0.1/8"
	has "127.0.0.1:80"
	# capabilities in a user namespace of one's own are none over the jail
	inside_ok b 'unshare -Ur sh -c "hostname other" 2>&1; hostname'
	has b
	hasnt other
}

@test "what exec_start runs may do the same as what exec brings" {
	cat >"$LAB_TMP/begin" <<-'S'
		#!/bin/sh
		hostname first
		unshare -Urn sh -c 'ip link set lo up; httpd -p 127.0.0.1:80 -h /; netstat -ltn' >/started 2>&1
	S
	chmod 755 "$LAB_TMP/begin"
	mk b 'ip4_addr=em0|192.0.2.10/24' children_max=2 exec_start=/bin/begin
	put b "$LAB_TMP/begin" bin/begin
	up b
	inside_ok b 'hostname; cat /started'
	has first
	has 127.0.0.1:80
}

@test "host and domain name: the jail's root may change its own, others may not, and it can be forbidden" {
	h=$(hostname)
	mks b
	inside_ok b 'hostname other; hostname'
	is other
	inside_ok b 'hostname'
	is other
	[ "$(hostname)" = "$h" ]
	inside b 'su -s /bin/sh nobody -c "hostname mine" 2>&1; hostname'
	has other
	hasnt mine
	inside b 'hostname aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; hostname'
	has other
	down b
	ok iocage set allow_set_hostname=0 b
	up b
	inside b 'hostname again; hostname'
	hasnt again
	[ "$(hostname)" = "$h" ]
}
