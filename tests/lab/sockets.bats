#!/usr/bin/env bats
# sockets.bats - `iocage sockets`: what the jails' sockets are bound to, connected with, and who else uses the port.

load lib

setup_file() {
	lab_setup_file
	cc -O1 -static -D_GNU_SOURCE -o "$LAB_TMP/hoard" "$LAB_TOP/tests/lab/hoard.c"
}
teardown_file() { lab_teardown_file; }
teardown() {
	[ -z "${bg:-}" ] || kill "$bg" 2>/dev/null || true
	lab_reset
}

# shared NAME ADDRESSES [prop=value...]: runs, and has hoard(1)
shared() {
	mk "$1" vnet=off "ip4_addr=$2" "${@:3}"
	put "$1" "$LAB_TMP/hoard" bin/hoard
	up "$1"
}

# hoard JAIL ARG...: in the background
hoard() {
	iocage exec "$1" -- /bin/sh -c "hoard ${*:2} >/ready 2>&1 &"
	eventually grep -q ready "$(upper "$1")/ready"
}

@test "a listener: the port that was asked for, its process on the host, and no other line" {
	shared so 'em0|192.0.2.10/24'
	serve so 80 page 0.0.0.0
	pid=$(pgrep -f 'httpd -p 0.0.0.0:80 -h /www')
	ok iocage sockets -H so
	is "$(printf 'tcp4\t192.0.2.10:80\t*:*\tLISTEN\t%s\thttpd\t-' "$pid")"
	ok iocage sockets so
	has "| PROTO |"
	has "| tcp4  | 192.0.2.10:80 | *:*  | LISTEN |"
	hasnt "JAIL"
}

@test "without a jail: all of them, with a column for it" {
	shared sa 'em0|192.0.2.10/24'
	shared sb 'em0|192.0.2.11/24'
	mk sv vnet=on 'ip4_addr=vnet0|10.1.1.10/24'
	up sv
	serve sa 80 a 0.0.0.0
	serve sb 8080 b 0.0.0.0
	serve sv 81 v
	ok iocage sockets -H
	has "$(printf 'sa\ttcp4\t192.0.2.10:80\t')"
	has "$(printf 'sb\ttcp4\t192.0.2.11:8080\t')"
	has "$(printf 'sv\ttcp46\t*:81\t')" || has "$(printf 'sv\ttcp4\t*:81\t')"
	[ "$(wc -l <<<"$output")" -eq 3 ]
	ok iocage sockets
	has "| JAIL | PROTO |"
}

@test "wildcards are shown as the program sees them: of one address, of several, of both families" {
	shared sw 'em0|192.0.2.10/24,em0|192.0.2.11/24' 'ip6_addr=em0|2001:db8::10/64'
	hoard sw kinds 7000
	ok iocage sockets -lH sw
	has "$(printf 'udp4\t*:7000\t*:*\t-\t')"
	has "$(printf 'udp46\t*:7001\t*:*\t-\t')"
	has "$(printf 'tcp46\t*:7002\t*:*\tLISTEN\t')"
	# on its way between processes: nobody's, and yet with the port that was asked for
	has "$(printf 'tcp4\t192.0.2.10:7003\t*:*\tLISTEN\t-\t-\t-')"
	ok iocage sockets -H sw
	has "$(printf 'tcp4\t*:*\t*:*\tCLOSED\t')"
	has "$(printf 'udp4\t*:*\t*:*\t-\t')"
	hasnt raw
}

@test "raw and ping sockets, where a jail may have them" {
	shared sr 'em0|192.0.2.10/24' allow_raw_sockets=1
	hoard sr kinds 7000
	ok iocage sockets -H sr
	has "$(printf 'raw4\t192.0.2.10:1\t')"
}

@test "a connection: both ends, on both sides" {
	shared sc 'em0|192.0.2.10/24'
	lan busybox nc -l -p 7777 >/dev/null </dev/zero 3>&- &
	bg=$!
	eventually sh -c "nsenter --net=$LAB_LAN_NS ss -Htln | grep -q :7777"
	iocage exec sc -- /bin/sh -c 'sleep 60 | nc 192.0.2.254 7777 >/dev/null 2>&1 &'
	eventually sh -c 'iocage sockets -H sc | grep -q ESTABLISHED'
	ok iocage sockets -H sc
	printf '%s\n' "$output" | grep -qP '^tcp4\t192\.0\.2\.10:[0-9]+\t192\.0\.2\.254:7777\tESTABLISHED\t[0-9]+\tnc\t-$'
	ok iocage sockets -lH sc
	is ""
}

@test "a connection that nobody has accepted yet is listed" {
	shared sq 'em0|192.0.2.10/24'
	hoard sq 1 7000
	lan sh -c 'sleep 60 | busybox nc 192.0.2.10 7000' 3>&- &
	bg=$!
	eventually sh -c 'iocage sockets -H sq | grep -q ESTABLISHED'
	ok iocage sockets -H sq
	has "$(printf 'tcp4\t192.0.2.10:7000\t192.0.2.254:')"
	lan pkill -f 'nc 192.0.2.10 7000' || true
}

@test "who shares a port: the host and another jail, by name and address" {
	shared s1 'em0|192.0.2.10/24'
	shared s2 'em0|192.0.2.11/24'
	serve s1 80 one 0.0.0.0
	serve s2 80 two 0.0.0.0
	busybox httpd -f -p 0.0.0.0:80 -h "$LAB_TMP" 3>&- &
	bg=$!
	eventually sh -c 'ss -Htln | grep -q 0.0.0.0:80'
	ok iocage sockets -H s1
	[[ $output == *$'\t'httpd$'\t'* ]]
	[[ $output == *s2@192.0.2.11* && $output == *host@\** ]]
	hasnt s1@
	ok iocage sockets --json
	python3 - <<-P
		import json
		v = json.loads('''$output''')
		assert [s["jail"] for s in v] == ["s1", "s2"], v
		assert v[0]["local"] == "192.0.2.10" and v[0]["local_port"] == 80 and v[0]["peer"] is None, v
		assert sorted(v[0]["also"]) == ["host@*", "s2@192.0.2.11"], v
		assert sorted(v[1]["also"]) == ["host@*", "s1@192.0.2.10"], v
		assert v[0]["listens"] and len(v[0]["pids"]) == 1 and v[0]["command"] == "httpd", v
	P
}

@test "a jail of another IOCAGE_RUN is not taken for the host" {
	shared so1 'em0|192.0.2.10/24'
	serve so1 80 one
	cp -a "$IOCAGE_RUN" "$LAB_TMP/none"
	rm -rf "$LAB_TMP/none/jails"
	ok env IOCAGE_RUN="$LAB_TMP/none" iocage sockets -H
	is ""
	ok iocage sockets -H
	hasnt host@
}

@test "never a hidden port: what is listed is what answers" {
	shared sh 'em0|192.0.2.10/24,em0|192.0.2.11/24'
	hoard sh 20 7000
	ok iocage sockets -lH sh
	[ "$(grep -c LISTEN <<<"$output")" -eq 20 ]
	for i in $(seq 7000 7019); do has "*:$i"; done
}

@test "two thousand sockets of one jail" {
	shared st 'em0|192.0.2.10/24'
	iocage exec st -- /bin/sh -c 'ulimit -n 4096; hoard 2000 10000 >/ready 2>&1 &'
	eventually grep -q ready "$(upper st)/ready"
	n=$(iocage sockets -H | wc -l)
	[ "$n" -eq 2000 ]
}

@test "a jail that does not run; a name that is none; the program's name cannot break the output" {
	mk sd
	fails 1 iocage sockets sd
	has "sd is not running!"
	one_line
	fails 1 iocage sockets nosuch
	has "jail 'nosuch' not found!"
	ok iocage sockets
	hasnt LISTEN
	ok iocage sockets --json
	is "[]"
	shared se 'em0|192.0.2.10/24'
	inside_ok se 'cp /bin/hoard "/bin/a\"b" && ln -s hoard /bin/x'
	iocage exec se -- /bin/sh -c "'/bin/a\"b' 1 7000 >/ready 2>&1 &"
	eventually grep -q ready "$(upper se)/ready"
	iocage sockets --json se | python3 -c 'import json,sys; assert json.load(sys.stdin)[0]["command"] == "a\"b"'
}
