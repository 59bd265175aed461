#!/usr/bin/env bats
# localhost.bats - assign_localhost: a loopback address of its own for a shared-IP jail, which nobody on the wire reaches.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

mkown() {
	mk "$1" vnet=off assign_localhost=1 "ip4_addr=em0|$2/24" "${@:3}"
}

# what localhost is in a jail that runs
localhost_of() {
	inside_ok "$1" "sed -n 's/[[:blank:]].*localhost.*//p' /etc/hosts"
	is "$2"
}

@test "a service on localhost is reached inside and not from the wire; two jails on one port of it" {
	mkown a 192.0.2.10
	mkown b 192.0.2.11
	world_snapshot before
	up a
	has 'ip4.addr=em0|192.0.2.10/24,lo0|127.0.0.2/32'
	up b
	has 'lo0|127.0.0.3/32'
	serve a 8080 'private to a' 127.0.0.2
	serve b 8080 'private to b' 127.0.0.3
	inside_ok a 'wget -q -O - http://localhost:8080/'
	is 'private to a'
	inside_ok b 'wget -q -O - http://localhost:8080/'
	is 'private to b'
	healthy
	# the jail's own loopback, and so what is on the wire, is the primary address as ever
	inside a 'wget -q -O - http://127.0.0.1:8080/'
	[ "$status" -ne 0 ]
	run lan busybox timeout 5 busybox wget -q -O - http://192.0.2.10:8080/
	[ "$status" -ne 0 ]
	ok lan ip addr add 127.0.9.9/32 dev lo
	ok lan sysctl -qw net.ipv4.conf.all.route_localnet=1
	run lan busybox timeout 5 busybox wget -q -O - http://127.0.0.2:8080/
	[ "$status" -ne 0 ]
	ok page http://127.0.0.2:8080/
	is 'private to a'
	ok iocage sockets -H -l a
	has '127.0.0.2:8080'
	lan ip addr del 127.0.9.9/32 dev lo
	lan sysctl -qw net.ipv4.conf.all.route_localnet=0
	down a
	down b
	world_same before
}

@test "what comes from inside has the address that fits: to localhost that one, to the wire the primary one" {
	mkown a 192.0.2.10
	up a
	serve a 8080 private 127.0.0.2
	sleep 5 | lan busybox nc -l -p 9001 >"$LAB_TMP/seen" &
	sleep 0.3
	inside_ok a '{ sleep 30 | nc localhost 8080; } >/dev/null 2>&1 & { sleep 30 | nc 192.0.2.254 9001; } >/dev/null 2>&1 & sleep 0.5; ifconfig lo'
	has 'inet addr:127.0.0.2'
	run iocage sockets -H a
	[[ $output =~ 127\.0\.0\.2:[0-9]+$'\t'127\.0\.0\.2:8080 ]] || { echo "$output"; return 1; }
	[[ $output =~ 192\.0\.2\.10:[0-9]+$'\t'192\.0\.2\.254:9001 ]] || { echo "$output"; return 1; }
	down a
	wait
}

@test "the address is the first free one, is kept, and is nobody else's" {
	mk x vnet=off 'ip4_addr=em0|192.0.2.20/24,lo|127.0.0.2/32'
	mk y vnet=off localhost_ip=127.0.0.4
	mkown a 192.0.2.10
	mkown b 192.0.2.11
	[ "$(iocage get localhost_ip a)" = none ]
	ok iocage start --dry-run a
	has 'hosts at=jail addr=127.0.0.3'
	[ "$(iocage get localhost_ip a)" = none ]
	up a
	[ "$(iocage get localhost_ip a)" = 127.0.0.3 ]
	up b
	[ "$(iocage get localhost_ip b)" = 127.0.0.5 ]
	localhost_of b '127.0.0.5
::1'
	up x
	down a
	down b
	up b
	up a
	localhost_of a '127.0.0.3
::1'
	down b
	# what a runs with is a's until it ends
	ok iocage set localhost_ip=none a
	ok iocage set localhost_ip=none b
	up b
	[ "$(iocage get localhost_ip b)" = 127.0.0.5 ]
	ok iocage set localhost_ip=127.0.0.3 a
	down b
	ok iocage set localhost_ip=127.0.0.3 b
	only same-address '127.0.0.3 is configured in a and in b'
	fails 1 iocage start b
	has 'localhost_ip: 127.0.0.3 is in use by jail a'
	is_down b
}

@test "addresses that hosts use themselves are left out" {
	local i
	for i in $(seq 60); do mk "p$i" vnet=off "localhost_ip=127.0.0.$((i == 52 || i == 53 ? 200 : i + 1))"; done
	mkown a 192.0.2.10
	ip addr add 127.0.0.62/32 dev lo
	up a
	ip addr del 127.0.0.62/32 dev lo
	# neither 127.0.0.53 nor 127.0.0.54, nor an alias of the host's
	[ "$(iocage get localhost_ip a)" = 127.0.0.63 ]
}

@test "started together: each its own" {
	local i
	for i in 1 2 3 4 5 6; do mkown "t$i" "192.0.2.3$i"; done
	for i in 1 2 3 4 5 6; do iocage start "t$i" >"$LAB_TMP/start.$i" 2>&1 & done
	wait
	for i in 1 2 3 4 5 6; do is_up "t$i" || { cat "$LAB_TMP/start.$i"; return 1; }; done
	[ "$(for i in 1 2 3 4 5 6; do iocage get localhost_ip "t$i"; done | sort | tr '\n' ' ')" = \
		'127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6 127.0.0.7 ' ]
}

@test "/etc/hosts follows: another address, off, on, vnet; what else is in it stays" {
	mkown a 192.0.2.10
	printf '# mine\n127.0.0.1 localhost.localdomain localhost # here\n127.0.1.1 a.example a\n::1 localhost\n10.0.0.1 db' >"$LAB_TMP/hosts"
	put a "$LAB_TMP/hosts" etc/hosts
	up a
	inside_ok a 'cat /etc/hosts'
	is "$(sed '2s/127.0.0.1/127.0.0.2/' "$LAB_TMP/hosts")"
	ok iocage set localhost_ip=10.88.0.1 a
	has 'restart'
	localhost_of a '127.0.0.2
::1'
	ok iocage restart a
	localhost_of a '10.88.0.1
::1'
	has_addr lo 10.88.0.1/32
	away_for_good 10.88.0.1/32 lo
	fails 1 iocage doctor
	has 'a: alias-missing: 10.88.0.1/32 is not on lo any more'
	ok iocage doctor --fix
	has_addr lo 10.88.0.1/32
	ok iocage doctor
	ok iocage set assign_localhost=0 a
	ok iocage restart a
	inside_ok a 'cat /etc/hosts'
	is "$(cat "$LAB_TMP/hosts")"
	fails 1 has_addr lo 10.88.0.1/32
	down a
	ok iocage set assign_localhost=1 localhost_ip=127.0.0.7 a
	up a
	localhost_of a '127.0.0.7
::1'
	down a
	ok iocage set vnet=on interfaces=vnet0:none ip4_addr=none a
	up a
	localhost_of a '127.0.0.1
::1'
}

@test "a root without /etc/hosts, with a link there, or something that is no text: left alone" {
	mkown a 192.0.2.10
	up a
	inside_ok a 'rm /etc/hosts'
	ok iocage restart a
	inside_ok a '[ ! -e /etc/hosts ] && ln -s /tmp/elsewhere /etc/hosts && echo 127.0.0.1 localhost >/tmp/elsewhere'
	ok iocage restart a
	inside_ok a '[ -L /etc/hosts ] && cat /tmp/elsewhere'
	is '127.0.0.1 localhost'
	inside_ok a 'rm /etc/hosts; mkfifo /etc/hosts'
	ok iocage restart a
	inside_ok a 'rm /etc/hosts; printf "127.0.0.1 localhost\n\0" >/etc/hosts'
	ok iocage restart a
	inside_ok a 'wc -c </etc/hosts'
	is 21
	# a file of the host's, mounted over it
	inside_ok a 'echo 127.0.0.1 localhost >/etc/hosts'
	echo '127.0.0.1 localhost # shared' >"$LAB_TMP/hosts"
	printf '%s /etc/hosts nullfs ro 0 0\n' "$LAB_TMP/hosts" >"$IOCAGE_ROOT/jails/a/fstab"
	ok iocage restart a
	inside_ok a 'cat /etc/hosts'
	is '127.0.0.1 localhost # shared'
}

@test "addresses change live, and the loopback address stays what it was" {
	mkown a 192.0.2.10
	up a
	serve a 8080 private 127.0.0.2
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' a
	inside_ok a 'wget -q -O - http://localhost:8080/'
	is private
	inside_ok a 'ip -4 addr'
	has 127.0.0.2
	has 192.0.2.11
	# written down, but only a restart does it
	ok iocage set assign_localhost=0 a
	ok iocage set 'ip4_addr=em0|192.0.2.12/24' a
	inside_ok a 'wget -q -O - http://localhost:8080/'
	is private
	ok iocage restart a
	inside_ok a 'ip -4 addr'
	hasnt 127.0.0.2
}

@test "without other addresses; with an inherited or a disabled family it does nothing" {
	mk only vnet=off assign_localhost=1 ip4_addr=none
	up only
	has 'ip4.addr=lo0|127.0.0.2/32'
	serve only 8080 alone 127.0.0.2
	inside_ok only 'wget -q -O - http://localhost:8080/'
	is alone
	mk inh vnet=off assign_localhost=1 ip4=inherit
	up inh
	[ "$(iocage get localhost_ip inh)" = none ]
	mk dis vnet=off assign_localhost=1 ip4=disable 'ip6_addr=em0|2001:db8::10/64'
	up dis
	[ "$(iocage get localhost_ip dis)" = none ]
}

@test "create: not with vnet" {
	run iocage create -r busybox -n v vnet=on assign_localhost=1
	[ "$status" -eq 0 ]
	has 'assign_localhost only applies to shared IP jails, disabling!'
	[ "$(iocage get assign_localhost v)" = 0 ]
}
