#!/usr/bin/env bats
# ports.bats - a shared-IP jail's sockets have no port and no address of the host's, whatever way they try.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/past" "$LAB_TOP/tests/lab/past.c" -lpthread || lab_die "cannot build past"
	cat >"$LAB_TMP/hostbinds.py" <<-'P'
		# hostbinds.py PORT: binds the port as a service of the host does, in every way; says what is refused
		import socket, sys
		port = int(sys.argv[1])
		for family, addr in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
		    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
		        s = socket.socket(family, kind)
		        if kind == socket.SOCK_STREAM:
		            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        try:
		            s.bind((addr, port))
		            if kind == socket.SOCK_STREAM:
		                s.listen()
		        except OSError as e:
		            print(addr, kind.name, e.strerror)
		        s.close()
	P
}
teardown_file() { lab_teardown_file; }
teardown() {
	let_go
	lab_reset
}

# mkp NAME ADDRESSES [prop=value...]: a running jail with the test programs in it
mkp() {
	local n=$1 a=$2
	shift 2
	mk "$n" "ip4_addr=$a" "$@"
	put "$n" "$LAB_TMP/past" bin/past
	put "$n" "$(dirname "$IOCAGE")/tests/lab/calls" bin/calls
	up "$n"
}

# begin JAIL COMMAND...: it goes on until let_go; what it has said is in $said
begin() {
	local j=$1
	shift
	let_go
	rm -f "$LAB_TMP/held"
	mkfifo "$LAB_TMP/held"
	iocage exec "$j" -- "$@" <"$LAB_TMP/held" >"$LAB_TMP/said" 2>&1 &
	holder=$!
	exec 8>"$LAB_TMP/held"
	for _ in $(seq 600); do
		! grep -q . "$LAB_TMP/said" || break
		kill -0 "$holder" 2>/dev/null || break
		sleep 0.1
	done
	said=$(cat "$LAB_TMP/said")
	echo "$*: $said"
}

let_go() {
	[ -n "${holder:-}" ] || return 0
	exec 8>&-
	wait "$holder" || true
	holder=
}

# The host has every port, whatever the jail did.
host_has() {
	run python3 "$LAB_TMP/hostbinds.py" "$1"
	[ -z "$output" ] || {
		echo "port $1 of the host is taken: $output"
		return 1
	}
}

@test "an address that the broker cannot read, or takes for another, binds no port of the host" {
	mkp one 'em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	mkp two 'em0|192.0.2.20/24,em0|192.0.2.21/24' 'ip6_addr=em0|2001:db8::20/64,em0|2001:db8::21/64'
	for j in one two; do
		for s in tcp4 tcp6 udp4 udp6; do
			for way in unspec secret nowhere long; do
				begin $j past $way $s 8443
				host_has 8443
			done
		done
	done
}

@test "an address that is rewritten while the call waits binds no port of the host" {
	mkp two 'em0|192.0.2.20/24,em0|192.0.2.21/24' 'ip6_addr=em0|2001:db8::20/64,em0|2001:db8::21/64'
	for s in tcp4 tcp6 udp6; do
		for way in family port; do
			begin two past $way $s 8444
			host_has 8444
			host_has 8445
		done
	done
	begin two past swap tcp4 8446
	host_has 8446
	mkp raw 'em0|192.0.2.30/24,em0|192.0.2.31/24' allow_raw_sockets=1
	for way in unspec family; do
		begin raw past $way tcp4 8447
		host_has 8447
	done
}

@test "what cannot be read is EFAULT, a family that is none the kernel's errno, and AF_UNSPEC with the wildcard is IPv4" {
	mkp one 'em0|192.0.2.10/24'
	begin one past nowhere tcp4 8443
	[ "$said" = $'bind: Bad address\nlisten: done' ]
	begin one past unspec tcp4 8443
	[ "$said" = $'bind: done\nlisten: done' ]
	begin one past long tcp4 8443
	[ "$said" = $'bind: done\nlisten: done' ]
}

@test "a port that a connection left from is not listened on, in any order of calls" {
	mkp one 'em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	local dead=connect/192.0.2.254/9
	for way in "$dead" "$dead disconnect" "fork $dead disconnect" "dup $dead use/0 disconnect" "pass $dead disconnect" \
		"$dead $dead disconnect"; do
		# shellcheck disable=SC2086 # words
		begin one calls new/4/tcp bind/0.0.0.0/22 $way listen up
		[[ "$said" = *listen:E* ]]
		host_has 22
	done
	begin one calls new/6/tcp bind/::/22 connect/2001:db8::254/9 disconnect listen up
	[[ "$said" = *listen:E* ]]
	host_has 22
	# the call that carries data is not looked at by the broker: it leaves from another port then
	begin one calls new/4/tcp bind/0.0.0.0/22 fastopen/192.0.2.254/9 disconnect listen up
	host_has 22
	begin one calls new/6/tcp set/v6only/0 bind/::/8022 connect/::ffff:192.0.2.254/9 disconnect listen up
	host_has 8022
}

@test "a listener that was shut down and listens again is where it was, and its port in the kernel answers nobody" {
	mkp one 'em0|192.0.2.10/24'
	begin one calls new/4/tcp bind/0.0.0.0/8023 listen shut listen up
	ok lan python3 -c 'import socket; socket.create_connection(("192.0.2.10", 8023), 5)'
	run ss -Hltn src 192.0.2.10
	hasnt ":8023 "
	has 192.0.2.10:
	hidden=${output#*192.0.2.10:}
	run lan python3 -c "import socket; socket.create_connection(('192.0.2.10', ${hidden%% *}), 5)"
	has ConnectionRefusedError
	host_has 8023
}

@test "a jail's connections keep no service of the host from starting, whatever it does to their options" {
	mkp one 'em0|192.0.2.10/24'
	# it takes a connection itself and keeps it
	begin one calls new/4/tcp bind/0.0.0.0/8024 listen reach/192.0.2.10/8024 use/0 accept use/0 close use/2 set/reuseaddr/0 up
	host_has 8024
	begin one calls new/4/tcp bind/0.0.0.0/8025 connect/192.0.2.254/9 set/reuseaddr/0 set/reuseport/0 up
	host_has 8025
	begin one calls new/4/tcp bind/0.0.0.0/25 connect/192.0.2.254/9 set/reuseaddr/0 up
	host_has 25
}

@test "the host's own listeners are reached with thousands of a jail's on hidden ports" {
	mkp two 'em0|192.0.2.20/24,em0|192.0.2.21/24'
	cat >"$LAB_TMP/own.py" <<-'P'
		import socket
		bad = 0
		for i in range(500):
		    s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
		    c = socket.socket(); c.settimeout(5)
		    try: c.connect(s.getsockname())
		    except OSError: bad += 1
		    c.close(); s.close()
		print(bad)
	P
	put two "$LAB_TMP/own.py" own.py
	cat >"$LAB_TMP/many.c" <<-'P'
		#include <netinet/in.h>
		#include <stdio.h>
		#include <sys/resource.h>
		#include <sys/socket.h>
		#include <unistd.h>
		int main(void)
		{
			struct rlimit l = { 4096, 4096 };
			int n = 0;
			char c;

			(void)setrlimit(RLIMIT_NOFILE, &l);
			while (n < 3000 && listen(socket(AF_INET, SOCK_STREAM, 0), 1) == 0)
				n++;
			printf("%d\n", n);
			(void)fflush(stdout);
			return read(0, &c, 1) > 0;
		}
	P
	cc -static -o "$LAB_TMP/many" "$LAB_TMP/many.c"
	down two
	put two "$LAB_TMP/many" bin/many
	up two
	begin two many
	[ "$said" -ge 900 ]
	run python3 "$LAB_TMP/own.py"
	is 0
}

@test "users of one jail take no port of each other, in either order and whatever both allow" {
	mkp one 'em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	mkp two 'em0|192.0.2.20/24,em0|192.0.2.21/24' 'ip6_addr=em0|2001:db8::20/64,em0|2001:db8::21/64'
	local order first second proto opts pair a b port=7300
	for order in "0 1001" "1001 0" "1001 1002"; do
		first=${order% *} second=${order#* }
		for proto in tcp udp; do
			for opts in set/reuseaddr/1 set/reuseport/1 "set/reuseaddr/1 set/reuseport/1"; do
				for pair in "0.0.0.0 192.0.2.20" "192.0.2.20 0.0.0.0" "192.0.2.20 192.0.2.20" ":: 192.0.2.20" "192.0.2.20 ::" \
					":: 2001:db8::20" "2001:db8::20 2001:db8::20"; do
					port=$((port + 1)) a=${pair% *} b=${pair#* }
					# shellcheck disable=SC2086 # words
					ok iocage exec two -- calls "as/$first" "$(new "$a" $proto)" set/v6only/0 $opts "bind/$a/$port" \
						as/0 "as/$second" "$(new "$b" $proto)" set/v6only/0 $opts "bind/$b/$port"
					[[ "$output" = *"bind:EADDRINUSE" ]] || {
						echo "$first then $second: $proto $opts $pair: $output"
						return 1
					}
				done
			done
		done
	done
	# the same user may, as before
	ok iocage exec two -- calls as/1001 new/4/tcp set/reuseport/1 bind/0.0.0.0/7290 listen new/4/tcp set/reuseport/1 \
		bind/0.0.0.0/7290 listen new/4/tcp set/reuseaddr/1 bind/192.0.2.20/7290
	is ok
	# what a socket belongs to is who made it
	inside_ok two 'su -s /bin/sh nobody -c "nc -l -p 7291 & sleep 0.3; stat -L -c %u /proc/\$!/fd/3; kill \$!"'
	is 65534
}

# The call that makes a socket for an address.
new() {
	case $1 in *:*) echo "new/6/$2" ;; *) echo "new/4/$2" ;; esac
}

@test "from which port on no privilege is needed is the host's setting" {
	mkp one 'em0|192.0.2.10/24'
	local had
	had=$(sysctl -n net.ipv4.ip_unprivileged_port_start)
	sysctl -qw net.ipv4.ip_unprivileged_port_start=79
	run iocage exec one -- calls as/1001 new/4/tcp bind/0.0.0.0/80 listen new/4/tcp bind/0.0.0.0/78
	sysctl -qw net.ipv4.ip_unprivileged_port_start=2000
	is "bind:EACCES"
	run iocage exec one -- calls as/1001 new/4/udp bind/0.0.0.0/1999 as/0 new/4/udp bind/0.0.0.0/1999
	sysctl -qw net.ipv4.ip_unprivileged_port_start="$had"
	is "bind:EACCES"
}

@test "what the host has on its loopback alone is not reached, whatever the address and the call" {
	cat >"$LAB_TMP/lo.py" <<-'P'
		# answers on loopback addresses of the host, and says what came
		import select, socket
		socks = []
		for family, addr in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.53"), (socket.AF_INET, "127.1.2.3"),
		                     (socket.AF_INET6, "::1")):
		    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
		        s = socket.socket(family, kind); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		        s.bind((addr, 6100))
		        if kind == socket.SOCK_STREAM: s.listen()
		        socks.append(s)
		print("ready", flush=True)
		while True:
		    for s in select.select(socks, [], [])[0]:
		        if s.type == socket.SOCK_STREAM: c, a = s.accept(); c.close()
		        else: d, a = s.recvfrom(100)
		        print("reached", s.getsockname(), a, flush=True)
	P
	python3 "$LAB_TMP/lo.py" >"$LAB_TMP/lo.out" 3>&- &
	local peer=$! j a
	eventually grep -q ready "$LAB_TMP/lo.out"
	mkp one 'em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	mkp two 'em0|192.0.2.20/24,em0|192.0.2.21/24' 'ip6_addr=em0|2001:db8::20/64,em0|2001:db8::21/64'
	mkp raw 'em0|192.0.2.30/24' allow_raw_sockets=1
	for j in one two raw; do
		for a in 127.0.0.1 127.0.0.53 127.1.2.3; do
			run iocage exec $j -- calls new/4/tcp connect/$a/6100 new/4/udp sendto/$a/6100 new/4/udp connect/$a/6100 send \
				new/4/tcp fastopen/$a/6100 new/4/tcp bind/0.0.0.0/6200 connect/$a/6100 new/4/udp bind/0.0.0.0/6201 sendto/$a/6100 \
				connect/$a/6100 new/6/udp set/v6only/0 sendto/::ffff:$a/6100 new/6/udp set/v6only/0 connect/::ffff:$a/6100 send \
				new/6/tcp set/v6only/0 connect/::ffff:$a/6100
			[ $a = 127.0.0.1 ] || has connect:EHOSTUNREACH
		done
		run iocage exec $j -- calls new/6/tcp connect/::1/6100 new/6/udp sendto/::1/6100 new/6/udp connect/::1/6100 send
	done
	# the jail's own address there is reached
	ip addr add 127.0.0.77/32 dev lo
	mkp lo 'em0|192.0.2.40/24,lo|127.0.0.77/32'
	ok iocage exec lo -- calls new/4/tcp bind/127.0.0.77/6100 listen new/4/tcp connect/127.0.0.77/6100 peer
	is 127.0.0.77,6100
	down lo
	ip addr del 127.0.0.77/32 dev lo
	kill $peer
	wait $peer || true
	run cat "$LAB_TMP/lo.out"
	is ready
}

@test "a jail without IPv6 addresses has IPv6 sockets as such a host has, ip6=disable has none" {
	mkp one 'em0|192.0.2.10/24'
	run iocage exec one -- calls new/6/tcp set/v6only/1 bind/::/80 listen name new/4/tcp bind/0.0.0.0/80 listen name
	is "::,80 192.0.2.10,80"
	begin one calls new/6/tcp set/v6only/0 bind/::/81 listen serve/dual
	[ "$(lan busybox nc -w 3 192.0.2.10 81 </dev/null)" = dual ]
	run iocage exec one -- calls new/6/tcp connect/2001:db8::254/9 new/6/udp sendto/2001:db8::254/9 new/6/tcp connect/::1/9 \
		new/6/tcp bind/2001:db8::1/80 new/6/tcp bind/::1/80
	is "connect:ENETUNREACH sendto:ENETUNREACH connect:EADDRNOTAVAIL bind:EADDRNOTAVAIL bind:EADDRNOTAVAIL"
	let_go
	down one
	ok iocage set ip6=disable one
	up one
	run iocage exec one -- calls new/6/tcp new/6/udp
	is "new:EPROTONOSUPPORT new:EPROTONOSUPPORT"
}

@test "programs of one user that hear a group share the port by SO_REUSEADDR, others do not" {
	mkp one 'em0|192.0.2.10/24'
	ok iocage exec one -- calls new/4/udp set/reuseaddr/1 bind/0.0.0.0/1900 join/239.255.255.250 new/4/udp set/reuseaddr/1 \
		bind/0.0.0.0/1900 join/239.255.255.250 new/6/udp set/v6only/1 set/reuseaddr/1 join/ff02::c bind/::/1900 \
		new/6/udp set/v6only/1 set/reuseaddr/1 bind/::/1900
	is ok
	run iocage exec one -- calls new/4/udp set/reuseaddr/1 bind/0.0.0.0/1901 new/4/udp set/reuseaddr/1 bind/0.0.0.0/1901
	is bind:EADDRINUSE
	run iocage exec one -- calls new/4/udp set/reuseaddr/1 bind/0.0.0.0/1902 join/239.255.255.250 as/1001 new/4/udp \
		set/reuseaddr/1 bind/0.0.0.0/1902
	is bind:EADDRINUSE
	run iocage exec one -- calls new/4/udp set/reuseaddr/1 bind/0.0.0.0/1903 join/239.255.255.250 new/4/udp bind/0.0.0.0/1903
	is bind:EADDRINUSE
}
