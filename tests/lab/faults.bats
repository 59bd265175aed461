#!/usr/bin/env bats
# faults.bats - commands killed, or failing, at any of their system calls leave nothing behind. FAULT_STEP=1 tries every one.

setup_file() {
	load lib
	lab_setup_file
	ip link add br0 address 02:00:00:00:00:b0 type bridge
	ip link set br0 addrgenmode none up
	common=(exec_init=builtin exec_start=/bin/true exec_stop=/bin/true)
	mk v vnet=on interfaces=vnet0:br0 'ip4_addr=vnet0|10.77.0.5/24' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=10.77.0.1 "${common[@]}"
	mk w vnet=on interfaces=vnet0:br0,vnet1:br1 'ip4_addr=vnet1|10.77.1.5/24' "${common[@]}"
	mk s 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::10/64' "${common[@]}"
	mk a1 'ip4_addr=em0|192.0.2.30/24' "${common[@]}"
	mk a2 'ip4_addr=em0|192.0.2.30/24' "${common[@]}"
	mk o 'ip4_addr=em0|192.0.2.20/24' assign_localhost=1 "${common[@]}"
	# their own link and uplink: em0 stays as it is for the others
	ip link add em1 address 02:00:5e:00:00:21 type veth peer name gw1 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw1 up
	lan ip addr add 198.51.100.254/24 dev gw1
	ip link set em1 addrgenmode none up
	ip addr add 198.51.100.1/24 dev em1
	ip route add default via 198.51.100.254 dev em1 metric 9
	ip link add br7 address 02:00:00:00:00:b7 type bridge
	ip link set br7 addrgenmode none up
	ip link add em2 address 02:00:5e:00:00:22 type veth peer name gw2 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw2 up
	ip link set em2 addrgenmode none mtu 1400 up
	ip addr add 203.0.113.1/24 dev em2
	mk u vnet=on interfaces=vnet0:br7 ip4_addr=none vnet_default_interface=em1 "${common[@]}"
	mk p vnet=on interfaces=vnet0:none ip4_addr=none vnet_interfaces=em2 "${common[@]}"
	# behind NAT, with ports forwarded; a router of the lan's that gives addresses
	mk n vnet=on nat=1 'nat_forwards=tcp(80:8080),udp(53:5353)' "${common[@]}"
	dhcp_network
	mk d vnet=on bpf=on dhcp=on interfaces=vnet0:br8 "${common[@]}"
	if filtering; then
		ip link add br9 address 02:00:00:00:00:b9 type bridge vlan_filtering 1
		ip link set br9 addrgenmode none up
		mk t vnet=on interfaces=vnet0:br9,vnet1:br9 vnet0_vlan=5 vnet1_vlan=6,10t 'ip4_addr=vnet0|10.79.0.5/24' defaultrouter=none "${common[@]}"
	fi
	! grep -qsw memory /sys/fs/cgroup/cgroup.controllers ||
		mk l vnet=on interfaces=vnet0:none ip4_addr=none memoryuse=deny=256m maxproc=deny=100 "${common[@]}"
	# an archive, and the host's own network
	mkdir -p "$LAB_TMP/tree/bin" "$LAB_TMP/tree/etc" "$LAB_TMP/tree/deep/er"
	cp "$(command -v busybox)" "$LAB_TMP/tree/bin/busybox"
	ln -s busybox "$LAB_TMP/tree/bin/sh"
	for i in 1 2 3 4 5 6 7 8; do echo $i >"$LAB_TMP/tree/deep/er/$i"; done
	tar -C "$LAB_TMP/tree" -cf "$LAB_TMP/t.tar" .
	# shellcheck disable=SC2016
	printf '%s\n' 'cloned_interfaces="bridge0 bridge1"' 'ifconfig_bridge0="addm em3 up"' 'ifconfig_bridge1="inet 10.78.0.1/24"' \
		'ifconfig_em3="mtu 1400"' >"$LAB_TMP/rc.conf"
	echo net.inet.ip.forwarding=1 >"$LAB_TMP/sysctl.conf"
	ip link add em3 address 02:00:5e:00:00:23 type veth peer name gw3 netns "$(basename "$LAB_LAN_NS")"
	lan ip link set gw3 up
	ip link set em3 addrgenmode none up
	ip addr add 198.18.0.1/24 dev em3
	ip addr add 198.18.0.2/24 dev em3
	ip route add 198.18.9.0/24 via 198.18.0.9
	export FAULT_STEP=${FAULT_STEP:-89} FAULT_OFFSET=${FAULT_OFFSET:-0}
	export HN="-f $LAB_TMP/rc.conf -f $LAB_TMP/sysctl.conf"
	: >"$LAB_TMP/counts"
	echo "# FAULT_STEP=$FAULT_STEP FAULT_OFFSET=$FAULT_OFFSET" >&3
}

filtering() {
	ip link add vt0 type bridge vlan_filtering 1 2>/dev/null && ip link del vt0
}

# br8 with a DHCP server in a namespace of its own
dhcp_network() {
	ip netns add "dhcp-$$"
	echo "dhcp-$$" >"$LAB_TMP/dhcp.ns"
	ip link add br8 address 02:00:00:00:00:b8 type bridge
	ip link set br8 addrgenmode none up
	ip link add s8 netns "dhcp-$$" type veth peer name srv8
	ip link set srv8 master br8 addrgenmode none
	ip link set srv8 up
	ip -n "dhcp-$$" link set lo up
	ip -n "dhcp-$$" link set s8 up
	ip -n "dhcp-$$" addr add 10.8.0.1/24 dev s8
	nsenter --net="/run/netns/dhcp-$$" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --interface=s8 --bind-interfaces --user=root \
		--no-ping --dhcp-authoritative --dhcp-leasefile="$LAB_TMP/leases" --dhcp-range=10.8.0.50,10.8.0.50,255.255.255.0,2m \
		>"$LAB_TMP/dnsmasq.log" 2>&1 3>&- &
	echo $! >"$LAB_TMP/dhcp.pid"
	eventually grep -q DHCP "$LAB_TMP/dnsmasq.log"
}

teardown_file() {
	load lib
	awk '{ n += $1 } END { print "# " n " points in all" }' "$LAB_TMP/counts" >&3
	kill "$(cat "$LAB_TMP/dhcp.pid")" 2>/dev/null || true
	ip link del srv8 2>/dev/null || true
	ip netns del "$(cat "$LAB_TMP/dhcp.ns")" 2>/dev/null || true
	lab_reset
	for l in br0 br7 br8 br9 em1 em2 em3; do ip link del $l 2>/dev/null || true; done
	lab_teardown_file
}

setup() {
	load lib
	unset ERRNO FAULT_RESET FAULT_WHO FAULT_ALSO FAULT_FILTER
}

# faults JAILS NAME PREPARE RUN [FINISH]: killed, and with an error (ERRNO)
faults() {
	FAULT_JAILS=$1 run "$LAB_TOP/tests/lab/faults.sh" "$2" "kill ${ERRNO:-EIO}" "${@:3}"
	echo "$output"
	sed -n '/: [0-9]* points of /s/^/# /p' <<<"$output" >&3
	sed -nE 's/.*: ([0-9]+) points of .*/\1/p' <<<"$output" >>"$LAB_TMP/counts"
	[ "$status" -eq 0 ]
}

@test "start of a VNET jail" {
	faults v 'start v' : 'iocage start v'
}

@test "stop of a VNET jail" {
	faults v 'stop v' 'iocage start v' 'iocage stop v'
}

@test "start of a VNET jail with two NICs and a bridge to make" {
	faults w 'start w' : 'iocage start w'
}

@test "stop of a VNET jail with a bridge to remove" {
	faults w 'stop w' 'iocage start w' 'iocage stop w'
}

@test "start of a shared-IP jail" {
	ERRNO=ENOMEM faults s 'start s' : 'iocage start s'
}

@test "stop of a shared-IP jail" {
	faults s 'stop s' 'iocage start s' 'iocage stop s'
}

@test "stop of a jail whose address another one uses, too" {
	faults 'a1 a2' 'stop a1 of a1 and a2' 'iocage start a1 && iocage start a2' 'iocage stop a1'
}

@test "start of a jail whose loopback address is to be chosen" {
	# an address that was chosen may stay
	export FAULT_FILTER='/^[0-9a-f]{32} .*jails.o.config.json$/d'
	faults o 'start o' 'iocage set localhost_ip=none o' 'iocage start o'
}

@test "start of a jail with an uplink" {
	faults u 'start u' : 'iocage start u'
}

@test "stop of a jail with an uplink" {
	faults u 'stop u' 'iocage start u' 'iocage stop u'
}

@test "start of a jail that is handed an interface" {
	faults p 'start p' : 'iocage start p'
}

@test "stop of a jail that was handed an interface" {
	faults p 'stop p' 'iocage start p' 'iocage stop p'
}

@test "start of a jail behind NAT with forwarded ports" {
	faults n 'start n' : 'iocage start n'
}

@test "stop of a jail behind NAT" {
	faults n 'stop n' 'iocage start n' 'iocage stop n'
}

@test "start of a jail with DHCP" {
	faults d 'start d' : 'iocage start d'
}

@test "stop of a jail with DHCP" {
	faults d 'stop d' 'iocage start d' 'iocage stop d'
}

@test "start and stop of a jail on VLAN ports" {
	filtering || skip "this kernel's bridges do not filter VLANs (CONFIG_BRIDGE_VLAN_FILTERING)"
	faults t 'start t' : 'iocage start t'
	faults t 'stop t' 'iocage start t' 'iocage stop t'
}

@test "start, live change and stop of a jail with limits" {
	grep -qsw memory /sys/fs/cgroup/cgroup.controllers || skip "this kernel's cgroup2 has no memory controller"
	export FAULT_RESET='iocage set memoryuse=deny=256m maxproc=deny=100 pcpu=off l'
	faults l 'start l' : 'iocage start l'
	faults l 'set l' 'iocage start l' 'iocage set memoryuse=deny=128m maxproc=off pcpu=deny=50 l'
	faults l 'stop l' 'iocage start l' 'iocage stop l'
}

@test "start after the first process and the monitor were killed" {
	crash='iocage start v && echo 1 >$SHOT_GROUP/v/mon/cgroup.kill && echo 1 >$SHOT_GROUP/v/jail/cgroup.kill'
	export FAULT_ALSO=before
	faults v 'start v again' "$crash" 'iocage start v' 'iocage gc'
	faults v 'gc' "$crash" 'iocage gc'
}

@test "live change of a VNET jail's addresses and router" {
	old="ip4_addr=vnet0|10.77.0.5/24" new="ip4_addr=vnet0|10.77.0.5/24,vnet0|10.77.0.6/24 ip6_addr=none defaultrouter=10.77.0.2"
	export FAULT_RESET="iocage set '$old' 'ip6_addr=vnet0|2001:db8:a::5/64' defaultrouter=10.77.0.1 v"
	faults v 'set v' 'iocage start v' "iocage set $new v"
}

# Which of several addresses of one network is the first may be another one when a removal was taken back.
any_first() {
	export FAULT_FILTER='s/ secondary / /; s/ src [^ ]+//'
}

@test "live change of a shared-IP jail's addresses" {
	any_first
	export FAULT_RESET="iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::10/64' s"
	faults s 'set s' 'iocage start s' "iocage set ip4_addr=em0|192.0.2.11/24,em0|192.0.2.12/24,em0|203.0.113.9/24 ip6_addr=none s"
}

@test "live change that removes the first address of a network with others in it" {
	any_first
	export FAULT_RESET="iocage set 'ip4_addr=em0|192.0.2.10/24,em0|192.0.2.11/24' s"
	faults s 'set s, first address' 'iocage set "ip4_addr=em0|203.0.113.7/24,em0|203.0.113.8/24" s && iocage start s' \
		"iocage set ip4_addr=em0|203.0.113.8/24 s"
}

@test "restart and soft restart" {
	export FAULT_ALSO=before
	faults v 'restart v' 'iocage start v' 'iocage restart v'
	faults s 'restart --soft s' 'iocage start s' 'iocage restart -s s'
}

@test "exec in a running jail" {
	ERRNO=EPERM
	faults v 'exec v' 'iocage start v' 'iocage exec v -- /bin/true'
	faults s 'exec s' 'iocage start s' 'iocage exec s -- /bin/true'
}

@test "create and destroy" {
	export FAULT_RESET='iocage destroy -f x; [ ! -e "$IOCAGE_ROOT/jails/x" ]'
	faults x 'create x' : 'iocage create -r busybox -n x exec_start=/bin/true'
	faults x 'destroy x' 'iocage create -r busybox -n x exec_start=/bin/true exec_stop=/bin/true' 'iocage destroy -f x'
	faults x 'destroy running x' 'iocage create -r busybox -n x "ip4_addr=em0|192.0.2.13/24" exec_start=/bin/true exec_stop=/bin/true && iocage start x' \
		'iocage destroy -f x' 'iocage destroy -f x; iocage gc'
}

@test "fetch: the built-in release and an archive" {
	export FAULT_RESET='rm -rf "$IOCAGE_ROOT/releases/local"'
	faults '' 'fetch archive' : "iocage fetch -r local -F $LAB_TMP/t.tar"
	FAULT_WHO=child faults '' 'extract archive' : "iocage fetch -r local -F $LAB_TMP/t.tar"
	export FAULT_RESET='iocage fetch -r busybox'
	faults '' 'fetch busybox' 'rm -rf "$IOCAGE_ROOT/releases/busybox"' 'iocage fetch -r busybox'
}

@test "hostnet apply, undone or applied again; hostnet undo" {
	export FAULT_RESET='iocage hostnet undo'
	faults '' 'hostnet apply, undo' : "iocage hostnet apply $HN" 'iocage hostnet undo'
	faults '' 'hostnet apply, again' : "iocage hostnet apply $HN" "iocage hostnet apply $HN"
	faults '' 'hostnet undo' "iocage hostnet apply $HN" 'iocage hostnet undo' 'iocage hostnet undo'
}
