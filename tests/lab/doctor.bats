#!/usr/bin/env bats
# doctor.bats - each check of doctor: just that is broken, and just that is reported.

setup_file() {
	load lib
	lab_setup_file
	echo 1 >/proc/sys/net/ipv4/ip_forward
	for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do [ ! -e "$f" ] || echo 0 >"$f"; done
	# with a delay the kernel has a timer for each port that has joined, which moves on one that was put into a state by hand
	ip link add br0 address 02:00:00:00:00:b0 type bridge forward_delay 0
	ip link set br0 addrgenmode none up
	ip addr add 203.0.113.1/24 dev br0
	mk v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=203.0.113.1 defaultrouter6=none 'resolver=nameserver 192.0.2.254'
	mk s 'ip4_addr=em0|192.0.2.10/24' 'resolver=nameserver 192.0.2.254'
	up v s
}

teardown_file() {
	load lib
	iocage stop v s
	ip link del br0
	echo 0 >/proc/sys/net/ipv4/ip_forward
	lab_teardown_file
}

setup() {
	load lib
	nic=$(ip -o link show master br0 | sed -n 's/.*\(vnet0\.[0-9]*\)@.*/\1/p')
}

anew() {
	ok iocage restart "$1"
}

@test "a healthy network: nothing is reported, and --json is an empty list" {
	healthy
	ok iocage doctor --json
	is '[]'
	ok iocage doctor v
}

@test "bridge-down" {
	ip link set br0 down
	only bridge-down 'bridge br0 of vnet0 is down'
	mended bridge-down
}

@test "bridge-missing" {
	mk m vnet=on interfaces=vnet0:br1 'ip4_addr=vnet0|10.78.0.5/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up m
	ip link del br1
	only bridge-missing 'no such bridge any more'
	down m
	iocage destroy -f m
	healthy
}

@test "port-taken" {
	ip link set "$nic" nomaster
	only port-taken 'in no bridge, not in br0'
	mended port-taken
}

@test "address-on-port" {
	ip link add up0 type veth peer name up1
	ip link set up0 master br0 addrgenmode none up
	ip addr add 10.79.0.1/24 dev up0
	only address-on-port '10.79.0.1/24 is on up0, a port of bridge br0'
	ip link del up0
	healthy
}

@test "mtu-mismatch, with the jail's end and with another port" {
	inside_ok v ip link set epair0b mtu 1400
	only mtu-mismatch 'of 1400 inside'
	inside_ok v ip link set epair0b mtu 1500
	ip link add up0 mtu 1400 type veth peer name up1
	ip link set up0 addrgenmode none master br0
	only mtu-mismatch 'up0 on the same bridge br0 one of 1400'
	ip link del up0
	ip link set br0 mtu 1500
	healthy
}

@test "nic-down, at either end" {
	ip link set "$nic" down
	only nic-down "$nic, the host's end of vnet0, is down"
	mended nic-down
	inside_ok v 'ip link set epair0b down'
	# what goes with it: the default route; and IPv6 addresses that are not kept
	fails 1 iocage doctor
	has 'nic-down: epair0b inside is down'
	anew v
	healthy
}

@test "nic-missing" {
	mk g vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.7/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up g
	ip link del "vnet0.$(jid g)"
	fails 1 iocage doctor g
	has "nic-missing: the host's end of vnet0, vnet0.$(jid g), is gone"
	hasnt address-missing
	[ "$(grep -c 'mend it' <<<"$output")" -eq 1 ]
	down g
	iocage destroy -f g
	healthy
}

@test "address-missing" {
	inside_ok v 'ip addr del 203.0.113.5/24 dev epair0b; ip addr add 203.0.113.99/24 dev epair0b; ip route add default via 203.0.113.1'
	fails 1 iocage doctor
	has 'address-missing: 203.0.113.5 is not on epair0b'
	has 'address-dropped: the jail gave itself 203.0.113.99 on epair0b'
	mended address-missing
}

@test "no-address, by DHCP and by router advertisements" {
	mk w vnet=on bpf=on interfaces=vnet0:br0 'ip4_addr=vnet0|DHCP' dhcp_timeout=0 'resolver=nameserver 192.0.2.254'
	up w
	only no-address 'vnet0 is to get its IPv4 address by DHCP, and epair0b has none'
	inside_ok w 'ip addr add 203.0.113.44/24 dev epair0b'
	healthy
	down w
	ok iocage set ip4_addr=none 'ip6_addr=vnet0|accept_rtadv' w
	up w
	only no-address 'vnet0 is to get its IPv6 address by router advertisements'
	down w
	iocage destroy -f w
	healthy
}

@test "leftover" {
	mk l vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.8/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up l
	# the monitor would clean up; both are killed, and the state with them
	kill -9 "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/l/state")" "$(init_pid l)"
	eventually is_down l
	only leftover 'of jails that are gone are left, such as: '
	ok iocage doctor v
	ok iocage gc
	down l || true
	iocage destroy -f l
	healthy
}

@test "ipv6-tentative" {
	inside_ok v 'cd /proc/sys/net/ipv6/conf/epair0b; echo 1 >accept_dad; echo 30 >dad_transmits; ip -6 addr add 2001:db8:a::66/64 dev epair0b'
	fails 1 iocage doctor
	has 'ipv6-tentative: 2001:db8:a::66 on epair0b is tentative'
	has 'address-dropped: the jail gave itself 2001:db8:a::66 on epair0b'
	inside_ok v 'ip -6 addr del 2001:db8:a::66/64 dev epair0b; cd /proc/sys/net/ipv6/conf/epair0b; echo 0 >accept_dad; echo 1 >dad_transmits'
	healthy
}

@test "no-route" {
	inside_ok v ip route del default
	only no-route 'no default IPv4 route inside'
	mended no-route
}

@test "gateway-off-link" {
	inside_ok v 'ip route del default; ip route add default via 10.99.0.1 dev epair0b onlink'
	only gateway-off-link 'goes to 10.99.0.1'
	inside_ok v 'ip route del default; ip route add default via 203.0.113.1'
	healthy
}

@test "ipv6-off" {
	inside_ok v 'echo 1 >/proc/sys/net/ipv6/conf/epair0b/disable_ipv6'
	only ipv6-off 'switched off on epair0b'
	inside_ok v 'cd /proc/sys/net/ipv6/conf/epair0b; echo 0 >accept_dad; echo 0 >disable_ipv6; ip -6 addr add 2001:db8:a::5/64 dev epair0b'
	healthy
}

@test "ipv6-duplicate" {
	ip link add other type veth peer name other0
	ip link set other0 addrgenmode none master br0 up
	ip link set other addrgenmode none up
	ip addr add 2001:db8:a::5/64 dev other nodad
	inside_ok v 'echo 1 >/proc/sys/net/ipv6/conf/epair0b/accept_dad; echo 1 >/proc/sys/net/ipv6/conf/epair0b/dad_transmits; ip -6 addr del 2001:db8:a::5/64 dev epair0b; ip -6 addr add 2001:db8:a::5/64 dev epair0b'
	eventually failed_inside
	only ipv6-duplicate '2001:db8:a::5 on epair0b is a duplicate'
	ip link del other
	inside_ok v 'echo 0 >/proc/sys/net/ipv6/conf/epair0b/accept_dad; ip -6 addr del 2001:db8:a::5/64 dev epair0b; ip -6 addr add 2001:db8:a::5/64 dev epair0b'
	healthy
}

failed_inside() {
	iocage exec v ip -6 addr show dev epair0b | grep -q dadfailed || iocage exec v ip -6 addr show dev epair0b | grep -q 'flags 08'
}

@test "mac-duplicate" {
	local mac
	mac=$(iocage exec v cat /sys/class/net/epair0b/address)
	ip link add twin0 address "$mac" type veth peer name twin1
	only mac-duplicate "have the same MAC address $mac"
	ip link del twin0
	healthy
}

@test "forwarding-off" {
	echo 0 >/proc/sys/net/ipv4/ip_forward
	only forwarding-off 'it does not forward'
	mended forwarding-off
}

@test "accept-ra" {
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 1 >/proc/sys/net/ipv6/conf/em0/accept_ra
	ip -6 route add default via 2001:db8::254 dev em0 proto ra metric 2048
	only accept-ra 'ignores router advertisements on em0'
	mended accept-ra
	ip -6 route del default via 2001:db8::254 dev em0 proto ra metric 2048
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 0 >/proc/sys/net/ipv6/conf/em0/accept_ra
	healthy
}

@test "bridge-netfilter" {
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || modprobe br_netfilter || skip "this kernel has no br_netfilter"
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	only bridge-netfilter
	mended bridge-netfilter
}

@test "forward-drop" {
	nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	only forward-drop 'chain ip filter FORWARD of another program'
	inside v 'ping -c 1 -W 1 192.0.2.254'
	[ "$status" -ne 0 ]
	mended forward-drop
	lan ip route add 203.0.113.0/24 via 192.0.2.1
	inside_ok v 'ping -c 1 -W 2 192.0.2.254'
	# firewalld's way: the policy accepts, the last rule refuses
	nft 'flush chain ip filter FORWARD; chain ip filter FORWARD { policy accept; }; add rule ip filter FORWARD ct state established accept; add rule ip filter FORWARD reject'
	only forward-drop
	mended forward-drop
	inside_ok v 'ping -c 1 -W 2 192.0.2.254'
	nft 'flush chain ip filter FORWARD; add rule ip filter FORWARD ip saddr 198.18.0.1 drop'
	healthy
	nft delete table ip filter
	lan ip route del 203.0.113.0/24
	healthy
}

@test "forward-drop: iptables before nftables" {
	iptables-legacy -P FORWARD DROP || skip "this kernel has no tables of iptables before nftables"
	only forward-drop 'chain FORWARD of iptables-legacy of another program'
	mended forward-drop
	iptables-legacy -F FORWARD
	iptables-legacy -P FORWARD ACCEPT
	healthy
}

@test "rules-missing; --fix puts them back" {
	mk n vnet=on nat=on 'nat_forwards=tcp(80:8080)' 'resolver=nameserver 192.0.2.254'
	up n
	nft list ruleset >"$LAB_TMP/rules.before"
	nft flush ruleset
	only rules-missing 'its rules are gone from the packet filter'
	ok iocage doctor --fix
	has 'n: rules-missing: mended'
	has 'v: rules-missing: mended'
	nft list ruleset | grep -q 'vnet0'
	nft list ruleset | grep -q 8080
	healthy
	down n
	iocage destroy -f n
	healthy
}

@test "resolver: empty, and the jail's own loopback" {
	mk r vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.6/24' defaultrouter=none 'resolver=nameserver 127.0.0.53'
	up r
	only resolver "the jail's own loopback"
	inside_ok r 'echo >/etc/resolv.conf'
	only resolver 'names no name server'
	down r
	iocage destroy -f r
	healthy
}

@test "alias-missing; --fix adds it again" {
	away_for_good 192.0.2.10/24 em0
	fails 1 iocage doctor
	has 's: alias-missing: 192.0.2.10/24 is not on em0 any more'
	ok iocage doctor --fix
	has 's: alias-missing: mended'
	ip addr show dev em0 | grep -q 192.0.2.10/24
	ok iocage doctor
	ok iocage restart s
	healthy
}

@test "stale-neighbour" {
	ip neigh replace 203.0.113.5 nud permanent lladdr 02:00:00:00:00:99 dev br0
	only stale-neighbour 'permanent neighbour entry for 203.0.113.5'
	ip neigh del 203.0.113.5 dev br0
	healthy
}

@test "same-address and same-hostname" {
	mk t vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.5/24'
	only same-address '203.0.113.5 is configured in'
	ok iocage set 'ip4_addr=vnet0|203.0.113.9/24' t
	ok iocage set host_hostname=v t
	only same-hostname
	iocage destroy -f t
	healthy
}

@test "one-mac" {
	ip link add mv0 link em0 type macvlan mode bridge
	ip link set mv0 addrgenmode none master br0 || {
		ip link del mv0
		skip "this kernel puts no macvlan into a bridge"
	}
	only one-mac 'mv0, a port of bridge br0, is macvlan'
	ip link del mv0
	healthy
}

@test "no-router: the bridge leads nowhere; an uplink, a bridge that has one, and the host's own address mend it" {
	down s
	mk o vnet=on interfaces=vnet0:br1 'ip4_addr=vnet0|192.0.2.50/24' defaultrouter=192.0.2.254 'resolver=nameserver 192.0.2.254'
	up o
	inside o 'ping -c 1 -W 1 192.0.2.254'
	[ "$status" -ne 0 ]
	only no-router 'its router 192.0.2.254 is nowhere: the host does not have it on br1'
	is_fix no-router 'iocage set vnet_default_interface=em0 o; iocage restart o'
	mended no-router
	inside_ok o 'ping -c 1 -W 2 192.0.2.254'
	down o
	# as above, with em0 a port of a bridge of the administrator's
	ip link add br2 address 02:00:00:00:00:b2 type bridge
	ip link set br2 addrgenmode none up
	ip addr del 192.0.2.1/24 dev em0
	ip addr del 2001:db8::1/64 dev em0
	ip link set em0 master br2
	ip addr add 192.0.2.1/24 dev br2
	ip route add default via 192.0.2.254
	ok iocage set vnet_default_interface=none o
	up o
	only no-router
	is_fix no-router 'iocage set interfaces=vnet0:br2 o; iocage restart o'
	mended no-router
	inside_ok o 'ping -c 1 -W 2 192.0.2.254'
	down o
	ip link set em0 nomaster
	ip link del br2
	ip addr add 192.0.2.1/24 dev em0
	ip route add default via 192.0.2.254
	ip addr add 2001:db8::1/64 dev em0 nodad
	# a network of nobody's
	ok iocage set interfaces=vnet0:br1 'ip4_addr=vnet0|198.51.100.5/24' defaultrouter=198.51.100.1 o
	up o
	only no-router
	# who we cannot look into may be it
	ip link add up0 type veth peer name up1
	ip link set up0 master br1 addrgenmode none up
	healthy
	ip link del up0
	# another jail is it
	mk o2 vnet=on interfaces=vnet0:br1 'ip4_addr=vnet0|198.51.100.1/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up o2
	healthy
	down o2
	mended no-router
	inside_ok o 'ping -c 1 -W 2 198.51.100.1'
	down o
	iocage destroy -f o
	iocage destroy -f o2
	ip link del br1 # a stop leaves one that has an address now
	up s
	healthy
}

@test "no-router: on a pair without a bridge, IPv6" {
	mk q vnet=on interfaces=vnet0:none 'ip6_addr=vnet0|2001:db8:b::5/64' defaultrouter6=2001:db8:b::1 defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up q
	only no-router 'nothing else is at the other end'
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	mended no-router
	inside_ok q 'ping -6 -c 1 -W 2 2001:db8:b::1'
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	down q
	iocage destroy -f q
}

@test "router-silent: it asked, and nobody answered" {
	ip link add up0 type veth peer name up1
	ip link set up0 master br0 addrgenmode none up
	ip link set up1 addrgenmode none up
	anew v # with the default route that is ours
	ok iocage set defaultrouter=203.0.113.77 v
	healthy
	inside v 'ping -c 1 -W 1 192.0.2.254'
	[ "$status" -ne 0 ]
	eventually only router-silent 'it asked for its router 203.0.113.77 on vnet0, and nobody answered'
	# somebody is there now: the first half of the advice
	ip addr add 203.0.113.77/24 dev up1
	ok bash -c "$(fix_of router-silent | sed 's/ asks again;.*//')"
	healthy
	ip addr del 203.0.113.77/24 dev up1
	inside v 'ip neigh flush dev epair0b; ping -c 1 -W 1 192.0.2.254'
	eventually only router-silent
	# the second
	ok bash -c "$(fix_of router-silent | sed 's/.*too: //; s/ADDRESS/203.0.113.1/')"
	ip link del up0
	healthy
}

@test "no-way-back: a private address leaves as it is. A note, which does not change the status; nat mends it" {
	healthy
	ip link add br1 address 02:00:00:00:00:b1 type bridge
	ip link set br1 addrgenmode none up
	ip addr add 10.78.0.1/24 dev br1
	mk p vnet=on interfaces=vnet0:br1 'ip4_addr=vnet0|10.78.0.5/24' defaultrouter=10.78.0.1 'resolver=nameserver 192.0.2.254'
	mk p2 vnet=on interfaces=vnet0:br1 'ip4_addr=vnet0|10.78.0.6/24' defaultrouter=10.78.0.1 'resolver=nameserver 192.0.2.254'
	up p p2
	lan ip route del 10.0.0.0/8
	inside p 'ping -c 1 -W 1 192.0.2.254'
	[ "$status" -ne 0 ]
	ok iocage doctor
	has 'p: no-way-back: a note: what it sends leaves by em0 with its private address 10.78.0.5, and nothing here translates that'
	[ "$(grep -c 'mend it' <<<"$output")" -eq 1 ] # one of a network
	ok iocage doctor p2
	has 'p2: no-way-back: a note: '
	ok iocage doctor --json
	python3 -c 'import json,sys; l = json.loads(sys.argv[1]); assert [(f["check"], f["level"]) for f in l] == [("no-way-back", "note")], l' "$output"
	# the router knows the way: from here that looks the same
	fix=$(sed -n 's/.*"fix": ".*; or on 192.0.2.254: \(.*\)".*/\1/p' <<<"$output")
	[ "$fix" = 'ip route add 10.78.0.0/24 via 192.0.2.1' ]
	# shellcheck disable=SC2086 # a command
	lan $fix
	inside_ok p 'ping -c 1 -W 2 192.0.2.254'
	ok iocage doctor
	has no-way-back
	lan ip route del 10.78.0.0/24
	down p2
	iocage destroy -f p2
	# where somebody may translate or announce it, there is nothing to say
	nft 'add table ip other; add chain ip other post { type nat hook postrouting priority 100; }'
	healthy
	nft delete table ip other
	ip route add 198.18.0.0/24 via 192.0.2.254 proto bird
	healthy
	ip route del 198.18.0.0/24
	mended no-way-back
	inside_ok p 'ping -c 1 -W 2 192.0.2.254'
	lan ip route add 10.0.0.0/8 via 192.0.2.1
	down p
	iocage destroy -f p
	ip link del br1
}

@test "no-way-back: IPv6 of its own (ULA)" {
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	ip addr add fd00:78::1/64 dev br0 nodad
	mk u vnet=on interfaces=vnet0:br0 'ip6_addr=vnet0|fd00:78::5/64' defaultrouter6=fd00:78::1 defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up u
	ok iocage doctor
	has 'u: no-way-back: a note: '
	fix=$(fix_of no-way-back)
	[ "$fix" = 'on 2001:db8::254: ip -6 route add fd00:78::/64 via 2001:db8::1' ]
	inside u 'ping -6 -c 1 -W 1 2001:db8::254'
	[ "$status" -ne 0 ]
	# shellcheck disable=SC2086 # a command
	lan ${fix#*: }
	inside_ok u 'ping -6 -c 1 -W 2 2001:db8::254'
	lan ip -6 route del fd00:78::/64
	down u
	iocage destroy -f u
	ip addr del fd00:78::1/64 dev br0
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	healthy
}

@test "rp-filter: the way back leads elsewhere, and what comes from the jail is dropped" {
	echo 1 >/proc/sys/net/ipv4/conf/br0/rp_filter
	healthy
	inside_ok v 'ping -c 1 -W 2 203.0.113.1'
	ip route add 203.0.113.5/32 via 192.0.2.254
	inside v 'ping -c 1 -W 1 203.0.113.1'
	[ "$status" -ne 0 ]
	only rp-filter "the host's way back to 203.0.113.5 leads to em0, so it drops what comes from there on br0"
	mended rp-filter
	inside_ok v 'ping -c 1 -W 2 203.0.113.1'
	ip route del 203.0.113.5/32
	# loose, of all: not dropped for that, but answers go astray all the same
	echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter
	ip route add 203.0.113.5/32 via 192.0.2.254
	only route-elsewhere
	ip route del 203.0.113.5/32
	echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
	echo 0 >/proc/sys/net/ipv4/conf/br0/rp_filter
	healthy
}

@test "route-elsewhere: both families, and where no route leads there" {
	ip addr add 2001:db8:a::1/64 dev br0 nodad
	healthy
	ip route add 203.0.113.5/32 via 192.0.2.254
	only route-elsewhere "the host's way to 203.0.113.5 leads to em0, not to br0"
	mended route-elsewhere
	ip route del 203.0.113.5/32
	ip route add unreachable 203.0.113.5/32
	only route-elsewhere 'leads nowhere'
	mended route-elsewhere
	ip route del 203.0.113.5/32
	ip -6 route add 2001:db8:a::5/128 via 2001:db8::254
	only route-elsewhere "the host's way to 2001:db8:a::5 leads to em0, not to br0"
	mended route-elsewhere
	inside_ok v 'ping -6 -c 1 -W 2 2001:db8:a::1'
	ip -6 route del 2001:db8:a::5/128
	# several ways are not judged
	ip route add 203.0.113.5/32 nexthop via 192.0.2.254 nexthop dev br0
	healthy
	ip route del 203.0.113.5/32
	ip addr del 2001:db8:a::1/64 dev br0
	ip neigh flush dev br0
}

@test "same-address: the host has a jail's" {
	ip addr add 203.0.113.5/32 dev em0
	only same-address "203.0.113.5 is the jail's and the host's own, on em0"
	fix=$(sed -n "s/.*; or, if it is not the host's: //p" <<<"$output")
	ok bash -c "$(fix_of same-address | sed 's/ANOTHER/203.0.113.55\/24/')"
	healthy
	ok iocage set 'ip4_addr=vnet0|203.0.113.5/24' v
	only same-address
	ok bash -c "$fix"
	healthy
}

@test "port-blocked: by hand, and by STP" {
	ip link add up0 type veth peer name up1
	ip link set up0 master br0 addrgenmode none up
	ip link set up1 addrgenmode none up
	healthy
	for state in 0 1 2; do # without STP the kernel does not leave a port blocking
		bridge link set dev "$nic" state $state
		only port-blocked "$nic, a port of bridge br0, is in the state"
		inside v 'ping -c 1 -W 1 203.0.113.1'
		[ "$status" -ne 0 ]
		mended port-blocked
		eventually iocage exec v -- ping -c 1 -W 2 203.0.113.1
		inside_ok v 'ip neigh flush dev epair0b'
		ip neigh flush dev br0
	done
	bridge link set dev up0 state 2
	fails 1 iocage doctor
	is "port-blocked: up0, a port of bridge br0, is in the state learning: nothing passes it
    mend it: bridge link set dev up0 state 3"
	ok iocage doctor s
	mended port-blocked
	ip link set dev br0 type bridge stp_state 1 forward_delay 1500
	ip link set up0 down
	ip link set up0 up
	eventually only port-blocked 'up0, a port of bridge br0, is in the state l' # the kernel sees its carrier a moment later
	has 'and the bridge runs a spanning tree (STP)'
	fails 1 iocage doctor --json
	python3 -c 'import json,sys; l = json.loads(sys.argv[1]); assert [f["check"] for f in l] == ["port-blocked"] and "or wait: 30 s" in l[0]["fix"], l' "$output"
	mended port-blocked
	ip link set dev br0 type bridge forward_delay 0
	# without a carrier, or down, it is something else
	ip link set up1 down
	healthy
	ip link del up0
}

@test "port-blocked: of two uplinks STP blocks one, and that is no fault" {
	# two cables to a switch that is the root
	ip link add sw address 02:00:00:00:00:01 type bridge
	ip link set sw type bridge stp_state 1 priority 0 forward_delay 200
	ip link set dev br0 type bridge stp_state 1 forward_delay 200
	for i in 1 2; do
		ip link add "up$i" type veth peer name "down$i"
		ip link set "up$i" addrgenmode none master br0
		ip link set "down$i" addrgenmode none master sw
	done
	ip link set sw addrgenmode none up
	ip link set up1 up
	ip link set down1 up
	slowly healthy
	ip link set up2 up
	ip link set down2 up
	slowly is_blocked up2
	slowly healthy
	ip link del up1
	ip link del up2
	ip link del sw
	ip link set dev br0 type bridge stp_state 0
	ip link set dev br0 type bridge forward_delay 0
	slowly healthy
}

@test "port-blocked: STP blocks a jail's port, as the jail makes a loop" {
	ip link set dev br0 type bridge stp_state 1 forward_delay 200 max_age 600
	mk y vnet=on vnet_antispoof=off interfaces=vnet0:br0,vnet1:br0 defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up y
	slowly healthy
	inside_ok y 'ip link add loop type bridge && ip link set epair0b master loop && ip link set epair1b master loop && ip link set loop up'
	nic="vnet1.$(jid y)"
	slowly is_blocked "$nic"
	only port-blocked "$nic, a port of bridge br0, is in the state blocking, and the bridge runs a spanning tree (STP)"
	has "look for a second way from $nic to br0"
	inside_ok y 'ip link del loop'
	slowly healthy
	down y
	iocage destroy -f y
	ip link set dev br0 type bridge stp_state 0 max_age 2000
	ip link set dev br0 type bridge forward_delay 0
	healthy
}

# STP takes its time: two times forward_delay, and what it hears every two seconds
slowly() {
	eventually "$@" || eventually "$@" || eventually "$@"
}

is_blocked() {
	bridge -d link show dev "$1" | grep -q 'state blocking'
}

@test "ra-off: a jail that is to listen to routers does not" {
	mk w vnet=on interfaces=vnet0:br0 'ip6_addr=vnet0|accept_rtadv' dhcp_timeout=0 defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up w
	inside_ok w 'ip addr add 2001:db8:a::44/64 dev epair0b'
	inside_ok w 'echo 0 >/proc/sys/net/ipv6/conf/epair0b/accept_ra'
	eventually only ra-off 'epair0b does not listen to them (accept_ra is 0)'
	mended ra-off
	inside_ok w 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/epair0b/accept_ra'
	only ra-off 'and the jail forwards'
	mended ra-off
	down w
	iocage destroy -f w
}

@test "address-dropped: what a jail gave itself and its port does not take; of one that configures itself nothing is said" {
	mk g vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|203.0.113.9/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up g
	healthy
	inside_ok g 'ip addr add 203.0.113.66/24 dev epair0b'
	only address-dropped 'the jail gave itself 203.0.113.66 on epair0b, and vnet0 takes nothing from it (vnet_antispoof)'
	is_fix address-dropped "iocage set ip4_addr='vnet0|203.0.113.9/24,vnet0|self' g"
	mended address-dropped
	inside_ok g 'ip addr add 2001:db8:c::66/64 dev epair0b'
	eventually only address-dropped 2001:db8:c::66
	mended address-dropped
	down g
	iocage destroy -f g
}

@test "no-address: only jails are on the bridge, and their ports take no answers of a DHCP server" {
	ip link add br8 type bridge
	ip link set br8 up
	mk n vnet=on bpf=on dhcp=on interfaces=vnet0:br8 dhcp_timeout=0 'resolver=nameserver 192.0.2.254'
	mk srv vnet=on interfaces=vnet0:br8 'ip4_addr=vnet0|10.80.0.1/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up n srv
	run iocage doctor n
	has 'only jails are on that bridge, and vnet_antispoof takes no such answers from them'
	down n srv
	iocage destroy -f n
	iocage destroy -f srv
	ip link del br8
}

@test "a NIC whose name is shortened is found" {
	mk x vnet=on interfaces=storage-net-01:br0 'ip4_addr=storage-net-01|203.0.113.9/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
	up x
	healthy
	down x
	iocage destroy -f x
}

@test "with a jail's name only what concerns it" {
	away_for_good 192.0.2.10/24 em0
	ok iocage doctor v
	fails 1 iocage doctor s
	has alias-missing
	fails 1 iocage doctor --json s
	python3 -c 'import json,sys; l = json.loads(sys.argv[1]); assert [f["check"] for f in l] == ["alias-missing", "alias-removed"], l' "$output"
	ok iocage doctor --fix s
	ok iocage restart s
	healthy
}

@test "leftover: a change that was cut off is counted, and --json stays JSON" {
	timeout -s KILL 20 strace -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=8 \
		iocage set 'ip4_addr=em0|192.0.2.11/24' s || true
	[ -e "$IOCAGE_RUN/jails/s/live" ]
	run --separate-stderr iocage doctor --json
	[ "$status" -eq 1 ]
	python3 -c 'import json,sys; l = json.loads(sys.argv[1]); assert "leftover" in [f["check"] for f in l], l' "$output"
	ok iocage gc
	ok iocage doctor
}
