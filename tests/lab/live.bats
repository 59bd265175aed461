#!/usr/bin/env bats
# live.bats - set on a jail that runs: addresses, routes and MTUs change at once, all or nothing, and stop still fits.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }

teardown() {
	lab_reset
	for l in br7 m0; do ip link del $l 2>/dev/null || true; done
	[ -z "${strays:-}" ] || kill $strays 2>/dev/null || true
}

mkshared() {
	local n=$1
	shift
	mk "$n" vnet=off "$@"
}

# What there is of a jail besides the host's world: its own view, its journal, its configuration, what it runs with.
inner() {
	iocage exec "$1" -- sh -c 'ip -o addr; ip route; ip -6 route; ip -o link' | sed -E 's/(valid|preferred)_lft [^ ]+//g; s/ expires [^ ]+//' |
		grep -v 'inet6 fe80::'
	cat "$IOCAGE_RUN/jails/$1/journal" "$IOCAGE_RUN/jails/$1/state" "$IOCAGE_ROOT/jails/$1/config.json"
	ls "$IOCAGE_RUN/jails/$1"
}

same_inner() {
	diff <(printf '%s\n' "$2") <(inner "$1") || { echo "the jail is not as it was"; return 1; }
}

@test "an address more, and one less: alias, view, sockets and stop follow at once" {
	mkshared a 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up a
	p=$(init_pid a)
	serve a 80 first
	ok iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::11/64' a
	is "ip4_addr: em0|192.0.2.10/24 -> em0|192.0.2.10/24,em0|192.0.2.11/24
ip6_addr: none -> em0|2001:db8::11/64"
	has_addr em0 192.0.2.11/24
	has_addr em0 2001:db8::11/64
	inside_ok a 'ip -o addr'
	has 192.0.2.10/24
	has 192.0.2.11/24
	has 2001:db8::11/64
	serve a 81 second 192.0.2.11
	inside_ok a "httpd -p '[2001:db8::11]:82' -h /www"
	ok lan busybox wget -q -O - http://192.0.2.11:81/
	is second
	ok lan busybox wget -q -O - 'http://[2001:db8::11]:82/'
	ok lan busybox wget -q -O - http://192.0.2.10/
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' ip6_addr=none a
	run ip -o addr show em0
	hasnt 192.0.2.10
	hasnt 2001:db8::11
	has 192.0.2.1/24
	inside_ok a 'ip -o addr'
	hasnt 192.0.2.10
	hasnt 2001:db8::11
	inside a 'httpd -f -p 192.0.2.10:83 -h /'
	[ "$status" -ne 0 ]
	inside a "httpd -f -p '[2001:db8::11]:83' -h /"
	[ "$status" -ne 0 ]
	run lan busybox timeout 2 busybox wget -q -O - http://192.0.2.10/
	[ "$status" -ne 0 ]
	ok lan busybox wget -q -O - http://192.0.2.11:81/
	[ "$(init_pid a)" = "$p" ]
	[ "$(iocage get ip4_addr a)" = 'em0|192.0.2.11/24' ]
	down a
	world_same before
}

@test "the listener of an address that goes and comes back hears again" {
	mkshared back 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	up back
	serve back 80 page 192.0.2.10
	[ "$(page http://192.0.2.10/)" = page ]
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' back
	run page http://192.0.2.10/
	[ "$status" -ne 0 ]
	ok iocage set 'ip4_addr=em0|192.0.2.11/24,em0|192.0.2.10/24' back
	[ "$(page http://192.0.2.10/)" = page ]
}

@test "another primary address: new connections come from it" {
	mkshared prim 'ip4_addr=em0|192.0.2.10/24'
	up prim
	printf '%s\n' 'import socket' 's = socket.create_server(("192.0.2.254", 7777)); print("ready", flush=True)' \
		'while True:' '    c, a = s.accept(); c.sendall(a[0].encode() + b"\n"); c.close()' >"$LAB_TMP/peer.py"
	lan python3 "$LAB_TMP/peer.py" >"$LAB_TMP/peer.out" 3>&- &
	strays=$!
	eventually grep -q ready "$LAB_TMP/peer.out"
	inside_ok prim 'nc -w 3 192.0.2.254 7777 </dev/null'
	is 192.0.2.10
	ok iocage set 'ip4_addr=em0|192.0.2.11/24,em0|192.0.2.10/24' prim
	inside_ok prim 'nc -w 3 192.0.2.254 7777 </dev/null'
	is 192.0.2.11
	ok iocage set 'ip4_addr=em0|192.0.2.12/32' prim
	inside_ok prim 'nc -w 3 192.0.2.254 7777 </dev/null'
	is 192.0.2.12
}

@test "a connection on an address that is taken away ends; one on another goes on" {
	mkshared conn 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	up conn
	inside_ok conn 'for p in 7000 7001; do
		(sleep 1000 | nc -l -p $p) >/dev/null 2>&1 </dev/null & done; sleep 0.5'
	lan sh -c 'sleep 1000 | busybox nc 192.0.2.10 7000' >/dev/null 3>&- &
	strays=$!
	lan sh -c 'sleep 1000 | busybox nc 192.0.2.11 7001' >/dev/null 3>&- &
	strays="$strays $!"
	eventually sh -c 'ss -Htn | grep -c ESTAB | grep -qx 2'
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' conn
	run ss -Htn state established
	hasnt 192.0.2.10
	has 192.0.2.11
	down conn
}

@test "an address the host has is used and never removed" {
	mkshared hostip 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up hostip
	ok iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.1/24' hostip
	inside_ok hostip 'ip -o addr'
	has 192.0.2.1/24
	ok iocage set 'ip4_addr=em0|192.0.2.10/24' hostip
	has_addr em0 192.0.2.1/24
	ok iocage set 'ip4_addr=em0|192.0.2.1/24' hostip
	down hostip
	world_same before
}

@test "an address two jails use stays until the last of them lets go" {
	mkshared two1 'ip4_addr=em0|192.0.2.10/24'
	mkshared two2 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up two1
	up two2
	ok iocage set 'ip4_addr=em0|192.0.2.11/24' two1
	has_addr em0 192.0.2.10/24
	fails 1 iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.12/24' two1
	has "192.0.2.10 is in use by jail two2"
	ok iocage set 'ip4_addr=em0|192.0.2.13/24' two2
	run ! has_addr em0 192.0.2.10/24
	down two1
	down two2
	world_same before
}

@test "an address another running jail holds is refused, and nothing changes" {
	mkshared h1 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24'
	mkshared h2 'ip4_addr=em0|192.0.2.12/24'
	up h1
	up h2
	was=$(inner h2)
	world_snapshot running
	fails 1 iocage set 'ip4_addr=em0|192.0.2.10/24' h2
	has "in use by jail h1"
	one_line 2
	same_inner h2 "$was"
	world_same running
}

@test "another interface, another prefix, a second interface in the view" {
	ip link add m0 type veth peer name m1
	ip link set m0 up
	ip link set m1 up
	mkshared mv 'ip4_addr=em0|192.0.2.10/24'
	world_snapshot before
	up mv
	ok iocage set 'ip4_addr=em0|192.0.2.10/25,m0|198.51.100.5/24' mv
	has_addr em0 192.0.2.10/25
	has_addr m0 198.51.100.5/24
	inside_ok mv 'ip -o addr show dev m0'
	has 198.51.100.5/24
	inside_ok mv 'ip -o addr show dev em0'
	has 192.0.2.10/25
	ok iocage set 'ip4_addr=m0|192.0.2.10/25' mv
	has_addr m0 192.0.2.10/25
	inside_ok mv 'ip -o link'
	hasnt em0
	down mv
	world_same before
	ip link del m0
}

@test "a step that fails: the jail, the host and the configuration are as before" {
	ip link add m0 type veth peer name m1
	ip link set m0 up
	echo 1 >/proc/sys/net/ipv6/conf/m0/disable_ipv6
	mkshared half 'ip4_addr=em0|192.0.2.10/24'
	up half
	was=$(inner half)
	world_snapshot running
	fails 1 iocage set notes=changed 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::7/64,m0|2001:db8:5::1/64' half
	has 2001:db8:5::1
	world_same running
	same_inner half "$was"
	fails 1 iocage set 'ip4_addr=em0|192.0.2.11/24,nosuch|192.0.2.12/24' half
	has nosuch
	world_same running
	same_inner half "$was"
	fails 1 iocage set 'ip4_addr=em0|DHCP' half
	same_inner half "$was"
	inside_ok half 'httpd -p 192.0.2.10:80 -h / && echo up'
	down half
}

@test "a configuration that cannot be written: the change is taken back" {
	mkshared full 'ip4_addr=em0|192.0.2.10/24'
	up full
	was=$(inner full)
	world_snapshot running
	run timeout 20 strace -o /dev/null -e trace=fsync -e inject=fsync:error=EIO \
		iocage set 'ip4_addr=em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::11/64' full
	[ "$status" -eq 1 ]
	world_same running
	same_inner full "$was"
	down full
}

@test "killed in the middle: the next set finds the jail as it was, or the change made; stop removes all" {
	mkshared killed 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64'
	world_snapshot before
	ok iocage set comment=none killed
	up killed
	was=$(inner killed)
	world_snapshot running
	ok iocage set 'ip4_addr=em0|192.0.2.11/24,em0|192.0.2.12/24' ip6_addr=none killed
	done=$(inner killed)
	world_snapshot changed
	ok iocage set 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64' killed
	same_inner killed "$was"
	cut=0
	for call in sendto bpf sendmsg renameat renameat2 fsync unlinkat; do
		for when in 1 2 3 4 5 6 7 8 10 12 15 18 21 25; do
			run timeout -s KILL 20 strace -o /dev/null -e trace=$call -e inject=$call:signal=KILL:when=$when \
				iocage set 'ip4_addr=em0|192.0.2.11/24,em0|192.0.2.12/24' ip6_addr=none killed
			[ "$status" -ne 0 ] || break
			cut=$((cut + 1))
			ok iocage set comment=none killed
			if [ "$(iocage get ip6_addr killed)" = none ]; then
				same_inner killed "$done"
				world_same changed
				ok iocage set 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64' killed
			fi
			world_same running
			same_inner killed "$was"
		done
		[ "$status" -eq 0 ] || ok iocage set 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64' killed
		ok iocage set 'ip4_addr=em0|192.0.2.10/24' 'ip6_addr=em0|2001:db8::10/64' killed
	done
	echo "cut off $cut times"
	[ "$cut" -ge 15 ]
	inside_ok killed 'httpd -p 192.0.2.10:80 -h / && echo up'
	for when in 8 14; do
		timeout -s KILL 20 strace -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=$when \
			iocage set 'ip4_addr=em0|192.0.2.11/24,em0|192.0.2.12/24' ip6_addr=none killed || true
		down killed
		world_same before
		up killed
	done
	timeout -s KILL 20 strace -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=12 \
		iocage set 'ip4_addr=em0|192.0.2.11/24' killed || true
	kill -9 "$(init_pid killed)"
	eventually is_down killed
	world_same before
}

@test "the jail ends while a change that was cut off is taken back: it is cleaned up like any that ended" {
	local pid lock=$IOCAGE_RUN/lock/.addresses n
	for how in 'iocage gc' 'iocage set notes=later v'; do
		mk v vnet=on interfaces=vnet0:none 'ip4_addr=vnet0|10.77.0.5/24' defaultrouter=none
		world_snapshot before
		up v
		for n in $(seq 4 40); do
			run timeout -s KILL 20 strace -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when="$n" \
				iocage set 'ip4_addr=vnet0|10.77.0.6/24' v
			[ ! -s "$IOCAGE_RUN/jails/v/live" ] || break
		done
		[ -s "$IOCAGE_RUN/jails/v/live" ]
		exec 8>>"$lock"
		flock 8
		$how >"$LAB_TMP/out" 2>&1 8>&- &
		pid=$!
		# it has seen that the jail runs, and waits for the addresses
		eventually sh -c "ls -l /proc/$pid/fd | grep -q lock/.addresses"
		kill -9 "$(init_pid v)"
		eventually is_down v
		exec 8>&-
		wait "$pid" || { cat "$LAB_TMP/out"; return 1; }
		[ "$how" = 'iocage gc' ] || [ "$(iocage get notes v)" = later ]
		ok iocage gc
		world_same before
		up v
		down v
		ok iocage destroy -f v
	done
}

@test "killed, or out of space, before anything was noted: not even an empty note of it is left" {
	local f=$IOCAGE_RUN/jails/j/live
	mkshared j 'ip4_addr=em0|192.0.2.10/24'
	up j
	# at the first line that is to be written
	for how in 'iocage set notes=x j' 'iocage gc' 'iocage stop j'; do
		run timeout -s KILL 20 strace -o /dev/null -P "$f" -e trace=write -e inject=write:signal=KILL:when=1 \
			iocage set 'ip4_addr=em0|192.0.2.11/24' j
		[ "$status" -ne 0 ]
		[ -e "$f" ] && [ ! -s "$f" ]
		# shellcheck disable=SC2086
		ok $how
		[ ! -e "$f" ]
		hasnt 'took back'
	done
	up j
	for when in 1 2; do
		fails 1 timeout 20 strace -o /dev/null -P "$f" -e trace=write -e inject=write:error=ENOSPC:when=$when \
			iocage set 'ip4_addr=em0|192.0.2.11/24' j
		[ ! -e "$f" ]
		has_addr em0 192.0.2.10/24
		[ "$(iocage get ip4_addr j)" = 'em0|192.0.2.10/24' ]
	done
	down j
}

@test "the source of what a jail sends follows the host's routes, and the jail's addresses" {
	ip link add em9 type veth peer name gw9 netns "$(basename "$LAB_LAN_NS")"
	ip link set em9 up
	lan ip link set gw9 up
	lan ip addr add 203.0.113.9/32 dev gw9
	mk w vnet=off 'ip4_addr=em0|192.0.2.30/32,em0|192.0.2.31/32'
	put w "$(dirname "$IOCAGE")/tests/lab/calls" bin/calls
	up w
	from() { [ "$(iocage exec w -- calls new/4/udp connect/203.0.113.9/9 name)" = "$1,any" ]; }
	from 192.0.2.30
	ip route add 203.0.113.0/24 dev em9
	eventually from 192.0.2.30
	ok iocage set 'ip4_addr=em0|192.0.2.30/32,em0|192.0.2.31/32,em9|198.51.100.30/32' w
	eventually from 198.51.100.30
	ip route replace 203.0.113.0/24 dev em0
	eventually from 192.0.2.30
	ip route replace 203.0.113.0/24 dev em0 src 192.0.2.31
	eventually from 192.0.2.31
	ok iocage set 'ip4_addr=em0|192.0.2.30/32' w
	from 192.0.2.30
	ip route del 203.0.113.0/24 2>/dev/null || true
	ip link del em9
}

@test "VNET: addresses, routers and MTU change inside at once" {
	ip link add br7 address 02:00:5e:00:01:07 type bridge
	ip link set br7 up
	ip addr add 10.7.0.1/24 dev br7
	ip addr add 10.8.0.1/24 dev br7
	ip -6 addr add 2001:db8:a:7::1/64 dev br7 nodad
	mk v vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=10.7.0.1
	up v
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24,vnet0|10.7.0.7/24' v
	inside_ok v 'ip -o addr; ip route'
	hasnt 10.7.0.5
	has "10.7.0.6/24"
	has "default via 10.7.0.1"
	ok busybox ping -c 1 -W 2 10.7.0.7
	# the first address of a prefix goes, the others stay
	ok iocage set 'ip4_addr=vnet0|10.7.0.7/24' v
	ok busybox ping -c 1 -W 2 10.7.0.7
	ok iocage set 'ip4_addr=vnet0|10.8.0.7/24' defaultrouter=10.8.0.1 'ip6_addr=vnet0|2001:db8:a:7::7/64' \
		defaultrouter6=2001:db8:a:7::1 vnet0_mtu=1400 v
	hasnt restart
	inside_ok v 'ip -o addr; ip route; ip -6 route; ip -o link'
	has "10.8.0.7/24"
	has "default via 10.8.0.1"
	has "default via 2001:db8:a:7::1"
	has "mtu 1400"
	ok ip -o link show "vnet0.$(jid v)"
	has "mtu 1400"
	inside_ok v 'ping -c 1 -W 2 10.8.0.1 && ping6 -c 1 -W 2 2001:db8:a:7::1'
	was=$(inner v)
	# the kernel would take the IPv6 addresses away
	fails 1 iocage set vnet0_mtu=1279 v
	has "IPv6 needs an MTU of at least 1280, and that of vnet0 is 1279"
	same_inner v "$was"
	fails 1 iocage set 'ip4_addr=vnet0|10.8.0.9/24' defaultrouter=172.31.0.1 v
	has 172.31.0.1
	fails 1 iocage set 'ip4_addr=vnet3|10.8.0.9/24' v
	has vnet3
	# the default route is already another one, of the jail's own making: nothing is half done
	same_inner v "$was"
	inside_ok v 'ip route del default; ip route add default via 10.8.0.1 dev epair0b'
	ok iocage set 'ip4_addr=vnet0|10.8.0.7/16' v
	inside_ok v 'ip -o addr; ip route'
	has 10.8.0.7/16
	has "default via 10.8.0.1"
	ok iocage set vnet_default_mtu=1300 vnet0_mtu=auto v
	inside_ok v 'ip -o link'
	has "mtu 1300"
	ok iocage set defaultrouter=none v
	inside_ok v 'ip route'
	hasnt default
	down v
}

# what programs inside read
resolv() { iocage exec "$1" -- cat /etc/resolv.conf; }

@test "resolver: written at once, as the jail's root, through no link, and taken back with the rest" {
	mkshared s 'ip4_addr=em0|192.0.2.10/24' 'resolver=nameserver 192.0.2.7'
	mk v vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	up s v
	for j in s v; do
		ok iocage set 'resolver=nameserver 192.0.2.9;search lab.example' $j
		hasnt restart
		[ "$(resolv $j)" = "nameserver 192.0.2.9
search lab.example" ]
		inside_ok $j 'stat -c "%u:%g %a" /etc/resolv.conf'
		is "0:0 644"
		# a link is replaced, not followed
		echo untouched >"$LAB_TMP/victim"
		inside_ok $j "ln -sf $LAB_TMP/victim /etc/resolv.conf"
		ok iocage set 'resolver=nameserver 192.0.2.8' $j
		inside_ok $j 'test ! -L /etc/resolv.conf'
		[ "$(resolv $j)" = "nameserver 192.0.2.8" ]
		[ "$(cat "$LAB_TMP/victim")" = untouched ]
		# left alone
		inside_ok $j 'echo mine >/etc/resolv.conf'
		ok iocage set resolver=/dev/null $j
		[ "$(resolv $j)" = mine ]
		ok iocage set resolver=none $j
		[ "$(resolv $j)" = "$(cat /run/systemd/resolve/resolv.conf 2>/dev/null || cat /etc/resolv.conf)" ]
	done
	inside_ok s 'echo mine >/etc/resolv.conf'
	was=$(inner s)
	run timeout 20 strace -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO \
		iocage set 'ip4_addr=em0|192.0.2.11/24' 'resolver=nameserver 192.0.2.6' s
	[ "$status" -eq 1 ]
	same_inner s "$was"
	[ "$(resolv s)" = mine ]
	inside_ok s 'rm /etc/resolv.conf'
	run timeout 20 strace -f -o /dev/null -e trace=fsync -e inject=fsync:error=EIO iocage set 'resolver=nameserver 192.0.2.6' s
	[ "$status" -eq 1 ]
	inside s 'cat /etc/resolv.conf'
	has "No such file"
	same_inner s "$was"
	down s v
}

@test "what a running jail cannot change: each is told, kept for the next start, and nothing else happens" {
	ip link add br7 address 02:00:5e:00:01:07 type bridge
	mk r vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' defaultrouter=none
	up r
	world_snapshot running
	for p in interfaces=vnet0:br7,vnet1:br7 vnet_antispoof=off vnet_isolated=on vnet0_mac=02aabbccdd01,02aabbccdd02 \
		host_hostname=other vnet_default_interface=em0 vnet_interfaces=em0; do
		ok iocage set "$p" r
		has "${p%%=*} changes require a jail restart"
		[ "$(iocage get "${p%%=*}" r | tr ' ' ,)" = "${p#*=}" ] || [ "${p#*=} $(iocage get "${p%%=*}" r)" = "off 0" ] ||
			[ "${p#*=} $(iocage get "${p%%=*}" r)" = "on 1" ]
	done
	world_same running
	# what can, still does
	ok iocage set 'ip4_addr=vnet0|10.7.0.6/24' r
	hasnt restart
	inside_ok r 'ip -o -4 addr show epair0b'
	has 10.7.0.6/24
	hasnt 10.7.0.5
	down r
	ip link del br7
}

@test "what needs a restart says so, and is not half applied" {
	mkshared r 'ip4_addr=em0|192.0.2.10/24'
	put r "$LAB_TMP/trycall" bin/trycall
	up r
	ok iocage set ip6=disable r
	has "ip6 changes require a jail restart"
	ok iocage set vnet=on 'ip4_addr=vnet0|10.7.0.5/24' r
	has "vnet changes require a jail restart"
	has "ip4_addr changes require a jail restart"
	has_addr em0 192.0.2.10/24
	ok iocage set vnet=off 'ip4_addr=em0|192.0.2.11/24' r
	hasnt "ip4_addr changes"
	has_addr em0 192.0.2.11/24
	run ip -o addr show em0
	hasnt 192.0.2.10/24
	# allowed at the next start only, also where the hold is told anew
	ok iocage set allow_raw_sockets=1 r
	ok iocage set 'ip4_addr=em0|192.0.2.12/24' r
	inside r 'trycall raw'
	has raw
	hasnt OK
	down r
}

@test "an IPv6 alias that came a moment ago is known for the jail's own" {
	mk fresh 'ip6_addr=em0|2001:db8::77/64' exec_start=/bin/true exec_stop=/bin/true
	for _ in 1 2 3 4 5 6 7 8; do
		ok sh -c 'iocage start fresh && iocage set ip6_addr=none fresh'
		ok ip -o addr show em0
		hasnt 2001:db8::77
		down fresh
		ok iocage set 'ip6_addr=em0|2001:db8::77/64' fresh
	done
}
