#!/usr/bin/env bats
# shared.bats - jails on addresses of the host: aliases, what sockets may do, what is seen inside.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

mkshared() {
	local n=$1
	shift
	mk "$n" vnet=off "$@"
}

@test "the alias comes with start and goes with stop; v4 and v6" {
	mkshared al 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	world_snapshot before
	ok iocage start al
	has "* Starting al"
	has "+ Started OK"
	has "+ Using IP options:"
	has "ip4.addr=em0|192.0.2.10/24"
	has_addr em0 192.0.2.10/24
	has_addr em0 2001:db8::10/64
	ok lan busybox ping -c 1 -W 2 192.0.2.10
	ok lan busybox ping6 -c 1 -W 2 2001:db8::10
	down al
	world_same before
}

@test "several addresses, a mask, no prefix (a host address), no interface (the default route's)" {
	mkshared many 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/255.255.255.0,em0|192.0.2.12,192.0.2.13/24'
	world_snapshot before
	up many
	has_addr em0 192.0.2.10/24
	has_addr em0 192.0.2.11/24
	has_addr em0 192.0.2.12/32
	has_addr em0 192.0.2.13/24
	down many
	world_same before
}

@test "an address that was there before stays" {
	ip addr add 192.0.2.20/24 dev em0
	mkshared stays 'ip4_addr=em0|192.0.2.20/24'
	mkshared hostip 'ip4_addr=em0|192.0.2.1/24'
	world_snapshot before
	up stays
	down stays
	has_addr em0 192.0.2.20/24
	up hostip
	down hostip
	has_addr em0 192.0.2.1/24
	world_same before
	ip addr del 192.0.2.20/24 dev em0
}

@test "configuration changed while running: exactly what was added is removed" {
	mkshared changed 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up changed
	ok iocage set 'ip4_addr=em0|192.0.2.99/24' changed
	down changed
	world_same before
}

@test "somebody else's removal of the alias does not stop the stop" {
	mkshared removed 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up removed
	ip addr del 192.0.2.10/24 dev em0
	run iocage stop removed
	is_down removed
	world_same before
}

@test "an interface that does not exist: one line, nothing changed" {
	mkshared noif 'ip4_addr=nosuch0|192.0.2.10/24'
	world_snapshot before
	fails 1 iocage start noif
	has nosuch0
	is_down noif
	world_same before
}

@test "an address a running jail has: the second start says who holds it" {
	mkshared first 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	mkshared second 'ip4_addr=em0|192.0.2.10/24'
	up first
	world_snapshot before
	fails 1 iocage start second
	has first
	has 192.0.2.10
	world_same before
}

@test "wildcard becomes the jail's address; the lan sees it there and only there" {
	mkshared web 'ip4_addr=em0|192.0.2.10/24'
	up web
	serve web 80 "hello from web" 0.0.0.0
	[ "$(page http://192.0.2.10/)" = "hello from web" ]
	ok lan busybox wget -q -O - http://192.0.2.10/
	is "hello from web"
	run page http://192.0.2.1/
	[ "$status" -ne 0 ]
	run page http://127.0.0.1/
	[ "$status" -ne 0 ]
}

@test "v6 wildcard becomes the jail's v6 address" {
	mkshared web6 'ip6_addr=em0|2001:db8::10/64' 'ip4_addr=em0|192.0.2.10/24'
	up web6
	inside_ok web6 "mkdir -p /www && echo six >/www/index.html && httpd -p '[::]:80' -h /www"
	ok lan busybox wget -q -O - 'http://[2001:db8::10]/'
	is six
	run lan busybox timeout 3 busybox wget -q -O - 'http://[2001:db8::1]/'
	[ "$status" -ne 0 ]
}

@test "loopback is the jail's address: inside it answers, outside it is not on the host's" {
	mkshared lo 'ip4_addr=em0|192.0.2.10/24'
	up lo
	serve lo 8080 "loop" 127.0.0.1
	inside_ok lo 'wget -q -O - http://127.0.0.1:8080/'
	is loop
	run page http://127.0.0.1:8080/
	[ "$status" -ne 0 ]
}

@test "a service of the host on loopback is not reached from the jail" {
	mkdir -p "$LAB_TMP/www"
	echo private-page >"$LAB_TMP/www/index.html"
	busybox httpd -f -p 127.0.0.1:8099 -h "$LAB_TMP/www" &
	pid=$!
	mkshared nolo 'ip4_addr=em0|192.0.2.10/24'
	up nolo
	inside nolo 'timeout 3 wget -q -O - http://127.0.0.1:8099/'
	kill $pid
	[ "$status" -ne 0 ]
	hasnt private-page
}

@test "a foreign address is refused: cannot assign requested address" {
	mkshared foreign 'ip4_addr=em0|192.0.2.10/24'
	up foreign
	inside foreign 'httpd -f -p 192.0.2.1:8081 -h /'
	[ "$status" -ne 0 ]
	has "annot assign requested address"
	inside foreign 'nc -l -s 192.0.2.1 -p 8082 </dev/null'
	[ "$status" -ne 0 ]
}

@test "port 80 for jail root, not for another user of the jail" {
	mkshared low 'ip4_addr=em0|192.0.2.10/24'
	up low
	serve low 80 eighty
	[ "$(page http://192.0.2.10/)" = eighty ]
	inside low 'setpriv --reuid=33 httpd -f -p 81 -h /www 2>&1 || su -s /bin/sh nobody -c "httpd -f -p 81 -h /www" 2>&1'
	has "ermission denied"
}

@test "outgoing connections carry the jail's address" {
	mkshared out 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	up out
	cat >"$LAB_TMP/peer.py" <<-'P'
		import socket, sys
		s = socket.socket(socket.AF_INET6); s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("::", 7777)); s.listen(5); print("ready", flush=True)
		for _ in range(2):
		    c, a = s.accept(); c.sendall(a[0].encode() + b"\n"); c.close()
	P
	lan python3 "$LAB_TMP/peer.py" >"$LAB_TMP/peer.out" &
	eventually grep -q ready "$LAB_TMP/peer.out"
	inside_ok out 'nc -w 3 192.0.2.254 7777 </dev/null'
	is "::ffff:192.0.2.10"
	inside_ok out 'nc -w 3 2001:db8::254 7777 </dev/null'
	is "2001:db8::10"
	wait $! || true
}

@test "two jails and the host on one port, each its own page" {
	mkshared p1 'ip4_addr=em0|192.0.2.10/24'
	mkshared p2 'ip4_addr=em0|192.0.2.11/24'
	up p1
	up p2
	serve p1 80 one
	serve p2 80 two
	mkdir -p "$LAB_TMP/www"
	echo host >"$LAB_TMP/www/index.html"
	busybox httpd -f -p 192.0.2.1:80 -h "$LAB_TMP/www" &
	pid=$!
	eventually page http://192.0.2.1/
	[ "$(page http://192.0.2.10/)" = one ]
	[ "$(page http://192.0.2.11/)" = two ]
	[ "$(page http://192.0.2.1/)" = host ]
	inside p1 'wget -q -O - http://192.0.2.11/'
	kill $pid
	is two
}

@test "ifconfig, ip addr and /proc/net show only the jail's own" {
	mkshared view 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	up view
	inside_ok view 'ip -o addr'
	has "em0"
	has "192.0.2.10/24"
	has "2001:db8::10/64"
	hasnt "192.0.2.1/"
	hasnt "2001:db8::1/"
	inside_ok view 'ifconfig'
	has "192.0.2.10"
	hasnt "192.0.2.1 "
	inside_ok view 'ifconfig em0'
	has "192.0.2.10"
	inside_ok view 'cat /proc/net/if_inet6'
	hasnt 20010db8000000000000000000000001
	m=$(ip -o link show em0 | grep -o 'link/ether [^ ]*')
	inside_ok view 'ip -o link show em0'
	has "$m"
}

@test "nothing of the view can be changed from inside" {
	mkshared fixed 'ip4_addr=em0|192.0.2.10/24'
	up fixed
	for c in 'ip addr add 192.0.2.66/24 dev em0' 'ip link set em0 down' 'ip addr del 192.0.2.10/24 dev em0' \
		'ip route add default via 192.0.2.254' 'ifconfig em0 192.0.2.66' 'ip link add x type bridge'; do
		inside fixed "$c"
		[ "$status" -ne 0 ] || { echo "allowed: $c"; return 1; }
	done
	inside_ok fixed 'ip -o addr show dev em0'
	hasnt 192.0.2.66
	run ip -o addr show dev em0
	hasnt 192.0.2.66
}

@test "raw sockets: refused, and ping works where allowed" {
	mkshared raw 'ip4_addr=em0|192.0.2.10/24'
	put raw "$LAB_TMP/trycall" bin/trycall
	up raw
	inside_ok raw 'trycall raw raw6 packet'
	hasnt OK
	down raw
	ok iocage set allow_raw_sockets=1 raw
	up raw
	inside_ok raw 'trycall raw packet'
	has "raw OK"
	has "packet E"
	inside_ok raw 'ping -c 1 -W 2 192.0.2.254'
}

@test "UDP: wildcard is held too, both ways" {
	mkshared udp 'ip4_addr=em0|192.0.2.10/24'
	up udp
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/udp" "$LAB_TOP/tests/lab/udp.c"
	down udp
	put udp "$LAB_TMP/udp" bin/udp
	up udp
	# served inside, asked from the lan: the answer comes from the jail's address
	iocage exec udp -- udp serve 5353 >"$LAB_TMP/udp.in" &
	eventually grep -q ready "$LAB_TMP/udp.in"
	ok lan "$LAB_TMP/udp" ask 192.0.2.10 5353
	is "pong 192.0.2.10"
	wait $!
	grep -q "ping 192.0.2.254" "$LAB_TMP/udp.in"
	# served on the lan, asked from inside: the question comes from the jail's address
	lan "$LAB_TMP/udp" serve 5354 >"$LAB_TMP/udp.lan" &
	eventually grep -q ready "$LAB_TMP/udp.lan"
	inside_ok udp 'udp ask 192.0.2.254 5354'
	is "pong 192.0.2.254"
	wait $!
	grep -q "ping 192.0.2.10" "$LAB_TMP/udp.lan"
}

@test "a UDP service beside the host's: firewall rules see its port, a flush leaves it, and nothing stays" {
	local calls
	calls=$(dirname "$IOCAGE")/tests/lab/calls
	nft list ruleset >"$LAB_TMP/rules.before"
	mkshared nat 'ip4_addr=em0|192.0.2.10/24'
	put nat "$calls" bin/calls
	up nat
	mkfifo "$LAB_TMP/until"
	exec 7<>"$LAB_TMP/until"
	"$calls" new/4/udp bind/0.0.0.0/5353 serveudp/HOST <"$LAB_TMP/until" >"$LAB_TMP/nat.host" 3>&- 7>&- &
	eventually grep -q up "$LAB_TMP/nat.host"
	iocage exec nat -- calls new/4/udp bind/0.0.0.0/5353 serveudp/JAIL <"$LAB_TMP/until" >"$LAB_TMP/nat.jail" 3>&- 7>&- &
	eventually grep -q up "$LAB_TMP/nat.jail"
	nft -f - <<-'N'
		table inet fw {
			chain in { type filter hook input priority 0; policy drop; iif lo accept; meta l4proto icmpv6 accept; udp dport 5353 ct state new,established accept; }
			chain out { type filter hook output priority 0; policy drop; oif lo accept; meta l4proto icmpv6 accept; udp sport 5353 accept; }
		}
	N
	ok lan "$calls" new/4/udp sendto/192.0.2.10/5353 recv sendto/192.0.2.1/5353 recv
	is "from=192.0.2.10,5353 JAIL from=192.0.2.1,5353 HOST"
	nft flush ruleset
	ok lan "$calls" new/4/udp sendto/192.0.2.10/5353 recv sendto/192.0.2.1/5353 recv
	is "from=192.0.2.10,5353 JAIL from=192.0.2.1,5353 HOST"
	exec 7>&-
	wait
	down nat
	nft list ruleset | diff "$LAB_TMP/rules.before" -
}

@test "a UDP wildcard of both families: a changed address of the running jail has the port too" {
	local calls
	calls=$(dirname "$IOCAGE")/tests/lab/calls
	mkshared moves 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	put moves "$calls" bin/calls
	up moves
	mkfifo "$LAB_TMP/moves"
	exec 7<>"$LAB_TMP/moves"
	iocage exec moves -- calls new/6/udp bind/::/5353 serveudp/JAIL <"$LAB_TMP/moves" >"$LAB_TMP/moves.out" 3>&- 7>&- &
	eventually grep -q up "$LAB_TMP/moves.out"
	ok lan "$calls" new/4/udp sendto/192.0.2.10/5353 recv
	is "from=192.0.2.10,5353 JAIL"
	ok iocage set 'ip4_addr=em0|192.0.2.20/24' moves
	ok lan "$calls" new/4/udp sendto/192.0.2.20/5353 recv
	is "from=192.0.2.20,5353 JAIL"
	ok lan "$calls" new/6/udp sendto/2001:db8::10/5353 recv
	is "from=2001:db8::10,5353 JAIL"
	exec 7>&-
	wait
	down moves
}

@test "ip4=disable: no v4 socket at all; ip4=inherit: all of the host's" {
	mkshared dis ip4=disable 'ip6_addr=em0|2001:db8::10/64'
	up dis
	inside dis 'nc -w 2 192.0.2.254 7 </dev/null'
	[ "$status" -ne 0 ]
	mkshared inh ip4=inherit ip6=inherit
	up inh
	serve inh 8088 everywhere 0.0.0.0
	[ "$(page http://192.0.2.1:8088/)" = everywhere ]
}

@test "no address at all: no network, but a jail" {
	mkshared none ip4_addr=none ip6_addr=none
	world_snapshot before
	up none
	inside_ok none 'echo alive'
	inside none 'nc -w 2 192.0.2.254 7 </dev/null'
	[ "$status" -ne 0 ]
	down none
	world_same before
}

@test "two jails with the same single address: the alias stays until the last of them stops" {
	world_snapshot before
	mkshared tw1 'ip4_addr=em0|192.0.2.77/24'
	mkshared tw2 'ip4_addr=em0|192.0.2.77/24'
	up tw1
	up tw2
	down tw1
	ip addr show em0 | grep -q 192.0.2.77
	inside_ok tw2 'ifconfig em0'
	has 192.0.2.77
	down tw2
	! ip addr show em0 | grep -q 192.0.2.77
}
