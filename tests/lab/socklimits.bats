#!/usr/bin/env bats
# socklimits.bats - what the sockets of a shared-IP jail take of the host, what is left of them when it ends, and that they are
# ordinary sockets.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/socks" "$LAB_TOP/tests/lab/socks.c"
}
teardown_file() { lab_teardown_file; }
teardown() {
	exec 7>&- 8>&- 9>&-
	pkill -x socks || : # one whose peer is dead would wait for ever
	lab_reset
}

V4='ip4_addr=em0|192.0.2.10/24'
V6='ip6_addr=em0|2001:db8::10/64'

# A jail with the program, and a directory that it has in common with the host and the others.
mksocks() {
	local n=$1
	shift
	mk "$n" vnet=off "$@"
	put "$n" "$LAB_TMP/socks" bin/socks
	mkdir -p "$LAB_TMP/common" "$(upper "$n")/common"
	chmod 777 "$LAB_TMP/common"
	echo "$LAB_TMP/common /common nullfs rw 0 0" >"$IOCAGE_ROOT/jails/$n/fstab"
}

# --- what outlives the jail ---

# handed WHO KIND PORT ADDR: jail `gone` makes a socket and hands it to WHO (host or a jail), which is asked through fd 7 and
# answers in $LAB_TMP/said.
handed() {
	local who=$1 at=/common/s
	shift
	rm -f "$LAB_TMP/ask" "$LAB_TMP/said" "$LAB_TMP/common/s"
	mkfifo "$LAB_TMP/ask"
	if [ "$who" = host ]; then
		"$LAB_TMP/socks" take "$LAB_TMP/common/s" <"$LAB_TMP/ask" >"$LAB_TMP/said" 2>&1 &
	else
		iocage exec "$who" -- socks take /common/s <"$LAB_TMP/ask" >"$LAB_TMP/said" 2>&1 &
	fi
	exec 7>"$LAB_TMP/ask"
	eventually grep -q ready "$LAB_TMP/said"
	ok iocage exec gone -- socks pass $at "$@"
	eventually grep -q taken "$LAB_TMP/said"
}

# asked LINE: what the holder of the socket says to it
asked() {
	local n
	n=$(wc -l <"$LAB_TMP/said")
	echo "$1" >&7
	eventually eval "[ \$(wc -l <'$LAB_TMP/said') -gt $n ]"
	output=$(tail -n 1 "$LAB_TMP/said")
}

# What comes to the lan, at ADDR, within MS: in $LAB_TMP/heard.
heard() {
	lan "$LAB_TMP/socks" hear "$1" "$2" >"$LAB_TMP/heard" 2>&1 &
	eventually grep -q ready "$LAB_TMP/heard"
}

# After the stop somebody else has the addresses.
taken_over() {
	ip addr "$1" 192.0.2.10/24 dev em0
	ip addr "$1" 2001:db8::10/64 dev em0 nodad
}

own_of() {
	case $1 in *:*) echo 2001:db8::10 ;; *) echo 192.0.2.10 ;; esac
}

@test "a UDP socket that was passed on before the stop is dead after it, IPv4 and IPv6" {
	local who kind to word
	mksocks other 'ip4_addr=em0|192.0.2.11/24'
	up other
	mksocks gone "$V4" "$V6"
	while read -r who kind to; do
		up gone
		handed $who $kind 4444 $to
		word="send $to 5555"
		[ $kind = udp ] || word="write"
		heard $to 5000
		asked "$word"
		has "${word%% *} 4"
		eventually grep -q heard "$LAB_TMP/heard"
		down gone
		taken_over add
		heard $to 500
		asked "$word"
		asked "send $to 5555"
		eventually grep -q -E 'heard|nothing' "$LAB_TMP/heard"
		grep -q nothing "$LAB_TMP/heard"
		# nor does it hear
		ok lan "$LAB_TMP/socks" tell "$(own_of $to)" 4444
		asked recv
		is "recv EAGAIN"
		asked "bind 4445"
		hasnt "bind 0"
		exec 7>&-
		taken_over del
	done <<-END
		other udp 192.0.2.254
		host udpc 192.0.2.254
		host udp 2001:db8::254
		other udpc 2001:db8::254
	END
}

@test "a TCP socket that was passed on before the stop is dead after it: a connection" {
	local to
	mksocks gone "$V4" "$V6"
	for to in 192.0.2.254 2001:db8::254; do
		up gone
		lan "$LAB_TMP/socks" serve $to >"$LAB_TMP/heard" &
		eventually grep -q ready "$LAB_TMP/heard"
		handed host tcpc 0 $to
		asked write
		is "write 4"
		eventually grep -q heard "$LAB_TMP/heard"
		down gone
		taken_over add
		asked write
		sleep 0.5
		[ "$(grep -c heard "$LAB_TMP/heard")" -eq 1 ]
		exec 7>&-
		kill %?serve 2>/dev/null || true
		taken_over del
	done
}

@test "a TCP socket that was passed on before the stop is dead after it: a listener, and one that could connect" {
	local who kind to
	mksocks other 'ip4_addr=em0|192.0.2.11/24'
	up other
	mksocks gone "$V4" "$V6"
	while read -r who kind to; do
		up gone
		handed $who $kind 4444 $to
		down gone
		taken_over add
		# shellcheck disable=SC2046 # several
		ok lan "$LAB_TMP/socks" reach "$(own_of $to)" 4444 $(ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }')
		hasnt connected
		asked accept
		hasnt "accept 0"
		asked "connect $to 5555"
		hasnt "connect 0"
		hasnt EINPROGRESS
		exec 7>&-
		taken_over del
	done <<-END
		host tcpl 192.0.2.254
		other tcp 192.0.2.254
		other tcpl 2001:db8::254
	END
}

@test "also when the monitor was killed: the next command makes its sockets dead, whoever has them" {
	mksocks gone "$V4"
	for how in 'stop gone' gc; do
		up gone
		handed host udp 4444 192.0.2.254
		kill -9 "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/gone/state")"
		eventually is_down gone
		# shellcheck disable=SC2086 # words
		ioc $how
		eventually eval '! has_addr em0 192.0.2.10/24'
		ip addr add 192.0.2.10/24 dev em0
		asked "send 192.0.2.254 5555"
		hasnt "send 4"
		exec 7>&-
		ip addr del 192.0.2.10/24 dev em0
	done
}

@test "an address that is taken away live is out of reach of sockets passed on, connected ones too" {
	mksocks gone "$V4"
	for kind in udpc tcpc; do
		up gone
		if [ $kind = tcpc ]; then
			lan "$LAB_TMP/socks" serve 192.0.2.254 >"$LAB_TMP/heard" &
			eventually grep -q ready "$LAB_TMP/heard"
		fi
		handed host $kind 4444 192.0.2.254
		asked write
		is "write 4"
		ok iocage set 'ip4_addr=em0|192.0.2.12/24' gone
		ip addr add 192.0.2.10/24 dev em0
		asked write
		hasnt "write 4"
		exec 7>&-
		ip addr del 192.0.2.10/24 dev em0
		ok iocage stop gone
		ok iocage set "$V4" gone
	done
}

# --- what they take ---

# fill FD JAIL WORDS...: a program that keeps sockets until FD is closed; what it says is in $LAB_TMP/fill.FD
fill() {
	local fd=$1 j=$2
	shift 2
	rm -f "$LAB_TMP/keep.$fd"
	mkfifo "$LAB_TMP/keep.$fd"
	# nobody else holds the other end open
	iocage exec "$j" -- socks "$@" <"$LAB_TMP/keep.$fd" >"$LAB_TMP/fill.$fd" 2>&1 8>&- 9>&- &
	eval "exec $fd>'$LAB_TMP/keep.$fd'"
	for _ in $(seq 600); do
		! grep -q . "$LAB_TMP/fill.$fd" || break
		sleep 0.1
	done
	output=$(cat "$LAB_TMP/fill.$fd")
}

# The host still gets sockets of every kind, as its own programs ask for them.
host_works() {
	"$LAB_TMP/socks" many send4 20 </dev/null | grep -q '^20 ok'
	"$LAB_TMP/socks" many send6 20 </dev/null | grep -q '^20 ok'
	"$LAB_TMP/socks" many talk4 20 </dev/null | grep -q '^20 ok'
	"$LAB_TMP/socks" many udp4 20 </dev/null | grep -q '^20 ok'
	"$LAB_TMP/socks" many listen4 20 </dev/null | grep -q '^20 ok'
	"$LAB_TMP/socks" many dual 20 </dev/null | grep -q '^20 ok'
	ok "$LAB_TMP/socks" reach 192.0.2.254 9
}

@test "two jails at their bounds, and the host beside them, go on working: UDP that sends, is bound, is connected; TCP" {
	local kind
	mksocks full "$V4" "$V6" maxsockets=3000
	mksocks also 'ip4_addr=em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::11/64'
	mksocks third 'ip4_addr=em0|192.0.2.12/24' 'ip6_addr=em0|2001:db8::12/64'
	up third
	for kind in send4 udp6 tcp4; do
		up full also
		fill 8 full many $kind 30000
		has ENOBUFS
		fill 9 also many $kind 30000
		has ENOBUFS
		host_works
		ok iocage exec third -- socks many $kind 20 </dev/null
		has "20 ok"
		# one that is closed makes room
		exec 8>&-
		eventually eval 'iocage exec full -- socks many send6 10 </dev/null | grep -q "^10 ok"'
		# said once
		[ "$(grep -c maxsockets "$IOCAGE_ROOT/log/full-console.log")" -eq 1 ]
		exec 9>&-
		down full also
		rm -f "$IOCAGE_ROOT/log/full-console.log"
	done
}

@test "maxsockets: that many are made, accepted connections are not counted, closing gives back, exec too" {
	mksocks m "$V4" maxsockets=100
	up m
	fill 8 m many new4 200
	# some are the broker's and the monitor's own
	[[ $output =~ ^(9[6-9]|100)\ ENOBUFS$ ]]
	fails 0 iocage exec m -- socks many new6 1 </dev/null
	has "0 E"
	exec 8>&-
	eventually eval 'iocage exec m -- socks many listen4 95 7000 </dev/null | grep -q "^95 ok"'
}

@test "hidden ports are outside the host's ephemeral range and its reserved ports, also when these change" {
	local j=h low high was
	was=$(cat /proc/sys/net/ipv4/ip_local_port_range)
	mksocks h "$V4" "$V6"
	up h
	for range in '32768 60999' '10000 65535' '40000 50000'; do
		echo "$range" >/proc/sys/net/ipv4/ip_local_port_range
		echo 61000-61100,9000-9100,50001-50100 >/proc/sys/net/ipv4/ip_local_reserved_ports
		read -r low high <<<"$range"
		fill 8 h many listen4 150 2000
		has "150 ok"
		fill 9 h many udp6 150 2000
		has "150 ok"
		ss -Hlntu | awk -v l="$low" -v h="$high" '{ sub(/.*:/, "", $5); p = $5 + 0
			if ((p >= l && p <= h) || (p >= 61000 && p <= 61100) || (p >= 9000 && p <= 9100) || (p >= 50001 && p <= 50100)) print }' >"$LAB_TMP/inside"
		cat "$LAB_TMP/inside"
		[ ! -s "$LAB_TMP/inside" ]
		exec 8>&- 9>&-
		eventually eval '[ "$(ss -Hlntu | grep -c 192.0.2.10)" -eq 0 ]'
	done
	echo >/proc/sys/net/ipv4/ip_local_reserved_ports
	echo "$was" >/proc/sys/net/ipv4/ip_local_port_range
}

@test "more UDP ports than are translated: ENOBUFS, no real port, and another jail goes on" {
	mksocks udp "$V4"
	mksocks also 'ip4_addr=em0|192.0.2.11/24'
	up udp also
	fill 8 udp many udp4 1300 20000
	is "1024 ENOBUFS"
	run bash -c "ss -Hlnu | grep -E ':2[01][0-9]{3} '"
	[ "$status" -ne 0 ]
	ok iocage exec also -- socks many udp4 20 20000 </dev/null
	has "20 ok"
	grep -q 'UDP sockets' "$IOCAGE_ROOT"/log/*udp*
}

@test "more names than there may be: another jail still binds" {
	mksocks n "$V4" "$V6"
	mksocks also 'ip4_addr=em0|192.0.2.11/24'
	up n also
	fill 8 n names 300000 192.0.2.10 2001:db8::10
	has ENOBUFS
	ok iocage exec also -- socks many listen4 50 3000 </dev/null
	has "50 ok"
	host_works
}

# --- ordinary sockets ---

@test "each call on a socket answers as on the host: FIONREAD, poll, splice, peeking, segments, zero copy" {
	mksocks ops "$V4" "$V6"
	up ops
	"$LAB_TMP/socks" ops | grep ^udp >"$LAB_TMP/on.host"
	ok iocage exec ops -- socks ops
	# option 2, SO_REUSEADDR: it is on
	diff <(grep -v 'option 2:' "$LAB_TMP/on.host") <(grep ^udp <<<"$output" | grep -v 'option 2:')
}

@test "the broker can write only the maps that it has to" {
	mksocks fds "$V4"
	up fds
	broker=$(pgrep -P "$(sed -n 's/^monitor=//p' "$IOCAGE_RUN/jails/fds/state")" | while read -r p; do grep -q '^Seccomp:.2' "/proc/$p/status" && echo "$p"; done)
	for f in /proc/"$broker"/fdinfo/*; do
		# flags: O_WRONLY 1, O_RDWR 2
		if grep -q ^map_id: "$f" && grep -qE '^flags:.*[12]$' "$f"; then sed -n 's/^map_type:[[:space:]]*//p' "$f"; fi
	done | sort -n >"$LAB_TMP/writable"
	# what is kept of its own sockets (24), and where they listen (18)
	diff <(printf '18\n24\n') "$LAB_TMP/writable"
}
