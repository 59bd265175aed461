#!/usr/bin/env bats
# doctor.bats - each check of doctor: just that is broken, and just that is reported.

setup_file() {
	load lib
	lab_setup_file
	echo 1 >/proc/sys/net/ipv4/ip_forward
	for f in /proc/sys/net/bridge/bridge-nf-call-ip*tables; do [ ! -e "$f" ] || echo 0 >"$f"; done
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	ip addr add 10.77.0.1/24 dev br0
	mk v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=10.77.0.1 defaultrouter6=none 'resolver=nameserver 192.0.2.254'
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

# only CHECK [TEXT]: doctor reports this check once or more, and no other.
only() {
	fails 1 iocage doctor
	printf '%s\n' "$output" | grep -v '^    ' | grep -vE "^([a-z]+: )?$1: " && {
		echo "reported something else than $1"
		return 1
	}
	has "$1: "
	[ -z "${2:-}" ] || has "$2"
}

anew() {
	ok iocage restart "$1"
}

healthy() {
	ok iocage doctor
	is 'Nothing wrong was found.'
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
	ip link set br0 up
	healthy
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
	ip link set "$nic" master br0
	healthy
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
	ip link set "$nic" up
	inside_ok v 'ip link set epair0b down'
	# what goes with it: the default route; and IPv6 addresses that are not kept
	fails 1 iocage doctor
	has 'nic-down: epair0b inside is down'
	anew v
	healthy
}

@test "nic-missing" {
	mk g vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.7/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
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
	inside_ok v 'ip addr del 10.77.0.5/24 dev epair0b; ip addr add 10.77.0.99/24 dev epair0b; ip route add default via 10.77.0.1'
	only address-missing '10.77.0.5 is not on epair0b'
	anew v
	healthy
}

@test "no-address, by DHCP and by router advertisements" {
	mk w vnet=on bpf=on interfaces=vnet0:br0 'ip4_addr=vnet0|DHCP' dhcp_timeout=0 'resolver=nameserver 192.0.2.254'
	up w
	only no-address 'vnet0 is to get its IPv4 address by DHCP, and epair0b has none'
	inside_ok w 'ip addr add 10.77.0.44/24 dev epair0b'
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
	mk l vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.8/24' defaultrouter=none 'resolver=nameserver 192.0.2.254'
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
	only ipv6-tentative '2001:db8:a::66 on epair0b is tentative'
	inside_ok v 'ip -6 addr del 2001:db8:a::66/64 dev epair0b; cd /proc/sys/net/ipv6/conf/epair0b; echo 0 >accept_dad; echo 1 >dad_transmits'
	healthy
}

@test "no-route" {
	inside_ok v ip route del default
	only no-route 'no default IPv4 route inside'
	inside_ok v ip route add default via 10.77.0.1
	healthy
}

@test "gateway-off-link" {
	inside_ok v 'ip route del default; ip route add default via 10.99.0.1 dev epair0b onlink'
	only gateway-off-link 'goes to 10.99.0.1'
	inside_ok v 'ip route del default; ip route add default via 10.77.0.1'
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
	ip addr add 2001:db8:a::77/64 dev other nodad
	inside_ok v 'echo 1 >/proc/sys/net/ipv6/conf/epair0b/accept_dad; echo 1 >/proc/sys/net/ipv6/conf/epair0b/dad_transmits; ip -6 addr add 2001:db8:a::77/64 dev epair0b'
	eventually failed_inside
	only ipv6-duplicate '2001:db8:a::77 on epair0b is a duplicate'
	inside_ok v ip -6 addr del 2001:db8:a::77/64 dev epair0b
	ip link del other
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
	echo 1 >/proc/sys/net/ipv4/ip_forward
	healthy
}

@test "accept-ra" {
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 1 >/proc/sys/net/ipv6/conf/em0/accept_ra
	ip -6 route add default via 2001:db8::254 dev em0 proto ra metric 2048
	only accept-ra 'ignores router advertisements on em0'
	ip -6 route del default via 2001:db8::254 dev em0 proto ra metric 2048
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 0 >/proc/sys/net/ipv6/conf/em0/accept_ra
	healthy
}

@test "bridge-netfilter" {
	[ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || modprobe br_netfilter || skip "this kernel has no br_netfilter"
	echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
	only bridge-netfilter
	echo 0 >/proc/sys/net/bridge/bridge-nf-call-iptables
	healthy
}

@test "forward-drop" {
	nft 'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }'
	only forward-drop 'chain ip filter FORWARD of another program'
	nft delete table ip filter
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
	mk r vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.6/24' defaultrouter=none 'resolver=nameserver 127.0.0.53'
	up r
	only resolver "the jail's own loopback"
	inside_ok r 'echo >/etc/resolv.conf'
	only resolver 'names no name server'
	down r
	iocage destroy -f r
	healthy
}

@test "alias-missing; --fix adds it again" {
	ip addr del 192.0.2.10/24 dev em0
	only alias-missing '192.0.2.10/24 is not on em0 any more'
	ok iocage doctor --fix
	has 's: alias-missing: mended'
	ip addr show dev em0 | grep -q 192.0.2.10/24
	healthy
}

@test "stale-neighbour" {
	ip neigh add 10.77.0.5 lladdr 02:00:00:00:00:99 dev br0
	only stale-neighbour 'permanent neighbour entry for 10.77.0.5'
	ip neigh del 10.77.0.5 dev br0
	healthy
}

@test "same-address and same-hostname" {
	mk t vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24'
	only same-address '10.77.0.5 is configured in'
	ok iocage set 'ip4_addr=vnet0|10.77.0.9/24' t
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

@test "with a jail's name only what concerns it" {
	ip addr del 192.0.2.10/24 dev em0
	ok iocage doctor v
	fails 1 iocage doctor s
	has alias-missing
	fails 1 iocage doctor --json s
	python3 -c 'import json,sys; l = json.loads(sys.argv[1]); assert [f["check"] for f in l] == ["alias-missing"], l' "$output"
	ok iocage doctor --fix s
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
