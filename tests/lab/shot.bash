# shot.bash - the world as text, one thing a line: what a jail, or a command that died, could leave in the kernel and in files.
# shellcheck shell=bash
#
# shot          links, addresses, routes, neighbours, rules, sysctls, mounts, control groups, BPF, running jails
# shot_files    all below IOCAGE_RUN and IOCAGE_ROOT, ids that are taken, locks that are held
# shot_inside   the stack, the processes and the BPF of each jail that runs
#
# Used by lib.bash (world_snapshot), faults.sh and soak.sh. Only what belongs to this network namespace and this IOCAGE_RUN is
# looked at: other suites may run beside us.

# The control groups of this IOCAGE_RUN are below iocage-HASH (os/linux/cgroup.c).
run_hash() {
	local h=0xcbf29ce484222325 i
	for ((i = 0; i < ${#IOCAGE_RUN}; i++)); do
		h=$(((h ^ $(printf '%d' "'${IOCAGE_RUN:i:1}")) * 0x100000001b3))
	done
	printf '%08x' $(((h ^ (h >> 32)) & 0xffffffff))
}

# Asked once: nothing of it changes.
shot_init() {
	[ "${SHOT_RUN:-}" != "$IOCAGE_RUN" ] || return 0
	local mnt=/sys/fs/cgroup
	[ -e $mnt/cgroup.controllers ] || mnt=$mnt/unified
	SHOT_RUN=$IOCAGE_RUN
	SHOT_GROUP=$mnt/iocage-$(run_hash)
	# the file system of IOCAGE_RUN, as /proc/locks writes it
	# shellcheck disable=SC2046,SC2183 # two numbers
	SHOT_DEV=$(printf '%02x:%02x' $(findmnt -n -o MAJ:MIN -T "$LAB_TMP" | tr ':' ' '))
	# pins are per network namespace, by its cookie (SO_NETNS_COOKIE)
	SHOT_COOKIE=$(python3 -c 'import socket; print("%x" % int.from_bytes(socket.socket().getsockopt(1, 71, 8), "little"))')
	SHOT_BPFTOOL=$(command -v bpftool || :)
	! command bridge vlan show >/dev/null 2>&1 || SHOT_VLANS=yes
	export SHOT_VLANS SHOT_RUN SHOT_GROUP SHOT_DEV SHOT_COOKIE SHOT_BPFTOOL
}

# Links, addresses, routes and neighbours, without what says nothing: indexes, clocks, carrier, numbers by lot.
shot_net() {
	{
		printf '%s\n' 'link show' 'addr show' 'route show table all' 'neigh show nud permanent' 'neigh show proxy' 'rule show' |
			command ip -o -batch - 2>/dev/null
		printf '%s\n' 'route show table all' 'rule show' | command ip -6 -o -batch - 2>/dev/null
	} | sed -E '/^multicast ff00::\/8/d; s/^[0-9]+: //; s/ state [A-Z]+//; s/@if[0-9]+/@/; s/NO-CARRIER,//; s/,LOWER_UP//
		s/(valid|preferred)_lft [^ ]+//g; s/ expires [^ ]+//; s/ linkdown//; s/ link-netns [^ ]+//; s/ link-netnsid [0-9]+//
		s/ tentative//; /alias (iocage: |associated with jail)/s/link\/ether [0-9a-f:]+/link\/ether ours/
		s/fe80::[0-9a-f:]+ff:fe[0-9a-f:]+/fe80::EUI/g'
}

# Every sysctl that the sources touch, and their neighbours.
shot_sysctls() {
	grep -s . /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ip_nonlocal_bind \
		/proc/sys/net/ipv4/conf/*/{forwarding,promote_secondaries,proxy_arp,arp_ignore,arp_announce,rp_filter,send_redirects} \
		/proc/sys/net/ipv6/conf/*/{forwarding,accept_ra,accept_ra_defrtr,autoconf,disable_ipv6,addr_gen_mode,keep_addr_on_down,proxy_ndp}
}

# Entries of the maps, without the numbers of groups: none is left when no jail runs. Programs that are loaded stay, for the next.
shot_bpf() {
	local d
	[ -n "$SHOT_BPFTOOL" ] || return 0
	for d in /sys/fs/bpf/iocage-*-"$SHOT_COOKIE"; do
		[ -d "$d" ] || continue
		"$SHOT_BPFTOOL" -j map dump pinned "$d/hold_owners" | grep -o '"key":\["0x[^]]*' | sed 's/.*\[/bpf owner /'
		"$SHOT_BPFTOOL" -j map dump pinned "$d/hold_ports" | grep -o '"key":\["0x[^]]*' | sed -E 's/.*\[("[^,]*,){8}/bpf port /'
		"$SHOT_BPFTOOL" -j map dump pinned "$d/hold_events" | grep -o '"key":\["0x' | sed 's/.*/bpf events/'
	done
}

shot() {
	shot_init
	{
		shot_net
		command bridge fdb show 2>/dev/null | awk '/permanent|static/ && !/ master / && !/^33:33:ff/ { print "fdb", $0 }'
		shot_sysctls
		# not what others had mounted before there was this world; what programs are pinned in is mounted by the first jail
		awk 'NR == FNR { others[$0]; next } ($1 " " $5) in others || $5 == "/sys/fs/bpf" || $5 ~ /^\/run\/netns\// { next }
			{ print "mount", $5, $9, $10 }' "$LAB_TMP/mounts.others" /proc/self/mountinfo
		find "$SHOT_GROUP" "$IOCAGE_RUN" /run/netns -mindepth 1 \( -path "$SHOT_GROUP/*" -type d -o -path '*/jails/*' -o -name '*.sock' \
			-o -name '*.pid' -o -name '*ioc*' -path '/run/netns/*' \) 2>/dev/null
		[ ! -e "$SHOT_GROUP" ] || echo "$SHOT_GROUP"
		shot_bpf
	} | LC_ALL=C sort
	[ "${SHOT_VLANS:-}" != yes ] || command bridge vlan show
	command nft -s list ruleset 2>/dev/null
	return 0
}

shot_files() {
	shot_init
	find "$IOCAGE_RUN" -mindepth 1 ! -path '*/lock/*' ! -name jid ! -path '*/run/forward' ! -path '*/run/promote' 2>/dev/null | LC_ALL=C sort
	grep -rs . "$IOCAGE_RUN/forward" "$IOCAGE_RUN/promote" "$IOCAGE_RUN/nat"
	find "$IOCAGE_ROOT" -mindepth 1 \( -path '*/releases/*/root' -o -path '*/layers/upper' -o -path '*/layers/work' -o -path '*/jails/*/root' \) \
		-prune -print -o -print 2>/dev/null | LC_ALL=C sort
	find "$IOCAGE_ROOT" -maxdepth 3 -type f \( -name '*.json' -o -name fstab -o -name nat \) -exec md5sum {} + 2>/dev/null | LC_ALL=C sort
	echo "ids $(xxd -p "$IOCAGE_RUN/jid" 2>/dev/null | tr -d '0\n')"
	awk -v dev="$SHOT_DEV" 'NR == FNR { name[dev ":" $1] = $2; next } $6 in name { print "locked", name[$6] }' \
		<(stat -c '%i %n' "$IOCAGE_RUN"/lock/* "$IOCAGE_RUN/forward" "$IOCAGE_RUN/promote" 2>/dev/null) "$LAB_TMP/locks" | LC_ALL=C sort
	return 0
}

shot_inside() {
	local f j pid
	shot_init
	for f in "$IOCAGE_RUN"/jails/*/state; do
		[ -e "$f" ] || continue
		j=${f%/state}
		j=${j##*/}
		pid=$(sed -n 's/^pid=//p' "$f")
		echo "jail $j:"
		[ -n "$pid" ] && [ "$pid" -gt 0 ] && [ -e "/proc/$pid/ns/net" ] || continue
		{
			# link-local ones come late; of two addresses put back, either may be called secondary
			nsenter --net="/proc/$pid/ns/net" bash -c "$(declare -f shot_net); shot_net" | grep -vE ' fe80::|ff00::' |
				sed 's/ secondary / /'
			for p in $(cat "$SHOT_GROUP/$j"/{jail,mon}/cgroup.procs 2>/dev/null); do
				# who tells the neighbours of a new address is gone in a moment
				sed '/^iocage-announce$/d; s/^/process /' "/proc/$p/comm" 2>/dev/null
			done
			for p in memory.max memory.swap.max pids.max cpu.max cpuset.cpus.effective; do
				[ ! -e "$SHOT_GROUP/$j/jail/$p" ] || sed "/^max/d; /^$/d; s/^/limit $p /" "$SHOT_GROUP/$j/jail/$p"
			done
			[ -z "$SHOT_BPFTOOL" ] || "$SHOT_BPFTOOL" cgroup show "$SHOT_GROUP/$j/mon" 2>/dev/null | awk 'NR > 1 { print "attached", $2, $NF }'
		} | LC_ALL=C sort
	done
	return 0
}
