#!/usr/bin/env bats
# programs.bats - real servers and clients in Debian jails: two side by side on a host that listens on the same ports.

load lib

A4=192.0.2.10 A6=2001:db8::10 B4=192.0.2.11 B6=2001:db8::11
LAN4=192.0.2.254 LAN6=2001:db8::254
PACKAGES='nginx-light openssh-server openssh-client postgresql redis-server unbound dnsmasq-base caddy nodejs curl
	bind9-dnsutils systemd-sysv dbus strace gdb python3-minimal openjdk-17-jre-headless'

outside() {
	nsenter --net="$LAB_OUTSIDE_NS" "$@"
}

# Debian's programs run outside of jails too, from the release, in a mount namespace that has /dev and /proc there.
debian() {
	nsenter --mount="/proc/$(cat "$LAB_TMP/holder")/ns/mnt" chroot "$IOCAGE_ROOT/releases/bookworm/root" "$@"
}

# A client on the wire.
cl() {
	lan nsenter --mount="/proc/$(cat "$LAB_TMP/holder")/ns/mnt" chroot "$IOCAGE_ROOT/releases/bookworm/root" "$@"
}

install_packages() {
	local root=$IOCAGE_ROOT/releases/bookworm/root
	# nothing is to be started by installing it, and no database made
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mkdir -p "$root/etc/postgresql-common"
	echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
	printf 'path-exclude=/usr/share/%s/*\n' doc man locale >"$root/etc/dpkg/dpkg.cfg.d/small"
	cat /etc/resolv.conf >"$root/etc/resolv.conf"
	outside nsenter --mount="/proc/$(cat "$LAB_TMP/holder")/ns/mnt" chroot "$root" sh -ec "
		export DEBIAN_FRONTEND=noninteractive LC_ALL=C
		apt-get -qq update
		apt-get -qq -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io install $(echo $PACKAGES)
		systemctl disable caddy unbound redis-server postgresql" >"$LAB_TMP/apt.log" 2>&1 || {
		tail -n 20 "$LAB_TMP/apt.log"
		return 1
	}
	rm -rf "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
	rm -f "$root"/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf
}

hold_mounts() {
	unshare --mount sh -ec "
		cd '$IOCAGE_ROOT/releases/bookworm/root'
		for d in dev tmp run root; do mount -t tmpfs tmpfs \$d; done
		# their own: whose this machine's are, and who may use them, is its matter
		while read -r d n; do mknod -m 666 dev/\$d c \$n; done <<-DEVICES
			null 1 3
			zero 1 5
			full 1 7
			random 1 8
			urandom 1 9
			tty 5 0
		DEVICES
		ln -s /proc/self/fd dev/fd
		mount -t proc proc proc
		echo \$\$ >'$LAB_TMP/holder'
		exec sleep 100000" >/dev/null 2>&1 3>&- &
	eventually test -s "$LAB_TMP/holder"
}

# What the host itself runs: "host" to whoever connects, on all its addresses, and a DNS that answers 192.0.2.1.
host_services() {
	cat >"$LAB_TMP/wild.py" <<-'P'
		import socket, sys, threading
		def serve(port):
		    s = socket.socket(socket.AF_INET6)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
		    s.bind(("::", port)); s.listen(50)
		    while True:
		        c, _ = s.accept()
		        c.settimeout(3)
		        try: c.recv(4096); c.sendall(b"HTTP/1.0 200 OK\r\n\r\nhost\n"); c.shutdown(socket.SHUT_WR); c.recv(4096)
		        except OSError: pass
		        c.close()
		for p in sys.argv[1:]: threading.Thread(target=serve, args=(int(p),), daemon=True).start()
		print("ready", flush=True); threading.Event().wait()
	P
	python3 "$LAB_TMP/wild.py" 22 80 2019 3000 5432 6379 8080 >"$LAB_TMP/wild.out" 2>&1 3>&- &
	echo $! >"$LAB_TMP/pids"
	dns "$LAB_HOST_NS" 192.0.2.1
	dns "$LAB_LAN_NS" $LAN4
	eventually debian dig +time=1 +tries=1 @192.0.2.1 where.test
	eventually cl dig +time=1 +tries=1 @$LAN4 where.test
	eventually cl curl -s http://192.0.2.1:8080/
}

# dns NETNS ADDR: dnsmasq on the wildcard, which answers ADDR. (A function in the background would outlive its kill.)
dns() {
	nsenter --net="$1" --mount="/proc/$(cat "$LAB_TMP/holder")/ns/mnt" chroot "$IOCAGE_ROOT/releases/bookworm/root" \
		dnsmasq -k --user=root --pid-file= --conf-file=/dev/null --no-hosts --no-resolv \
		--address="/where.test/$2" >/dev/null 2>&1 3>&- &
	echo $! >>"$LAB_TMP/pids"
}

setup_file() {
	lab_setup_file
	ok outside "$IOCAGE" fetch -r bookworm
	hold_mounts
	install_packages
	host_services
	world_snapshot file
}

teardown_file() {
	# shellcheck disable=SC2046
	kill $(cat "$LAB_TMP/pids" "$LAB_TMP/holder") || true
	lab_teardown_file
}

teardown() {
	lab_reset
	ip link del br7 2>/dev/null || true
	if [ -s "$LAB_TMP/httpd" ]; then kill "$(cat "$LAB_TMP/httpd")" && rm "$LAB_TMP/httpd"; fi
	echo 1 0 >/proc/sys/net/ipv4/ping_group_range
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
}

# deb NAME [prop=value...]: a jail whose start runs nothing; what is put into its root then starts at once.
deb() {
	local name=$1
	shift
	ok iocage create -r bookworm -n "$name" "$@"
}

plain='exec_init=builtin exec_start=/bin/true exec_stop=/bin/true'

# Two of them side by side.
pair() {
	deb a "ip4_addr=em0|$A4/24" "ip6_addr=em0|$A6/64" $plain
	deb b "ip4_addr=em0|$B4/24" "ip6_addr=em0|$B6/64" $plain
	up a
	up b
}

# both TEXT: the same command in both; JAIL is set.
both() {
	inside_ok a "JAIL=a; $1"
	inside_ok b "JAIL=b; $1"
}

# daemon JAIL TEXT: a program that stays in the foreground, in the background.
daemon() {
	inside_ok "$1" "cd /tmp && setsid sh -c 'exec $2' </dev/null >/tmp/daemon.log 2>&1 &"
}

# says WHO TEXT COMMAND...: wait until the command says exactly that.
says() {
	local want=$1 i
	shift
	for i in $(seq 50); do
		run "$@"
		[ "$output" = "$want" ] && return 0
		sleep 0.1
	done
	echo "never was \"$want\": $*"
	echo "$output"
	return 1
}

get() {
	cl curl -gsS --max-time 5 "$1"
}

host_has() {
	says host cl curl -gsS --max-time 5 --http0.9 "http://192.0.2.1:$1/"
	says host cl curl -gsS --max-time 5 --http0.9 "http://[2001:db8::1]:$1/"
}

# Each its own page, both families, from the wire; from the host, from each other, and by loopback from inside.
pages() {
	says a get "http://$A4:$1/"
	says a get "http://[$A6]:$1/"
	says b get "http://$B4:$1/"
	says b get "http://[$B6]:$1/"
	host_has "$1"
	says b debian curl -gsS --max-time 5 "http://$B4:$1/"
	inside_ok a "curl -gsS --max-time 5 http://$B4:$1/ http://[$B6]:$1/ http://127.0.0.1:$1/ http://[::1]:$1/ http://localhost:$1/"
	is "$(printf 'b\nb\na\na\na')"
}

@test "nginx: two jails and the host on port 80; reload, and listeners with reuseport" {
	pair
	inside_ok b "sed -i 's/default_server;/default_server reuseport;/' /etc/nginx/sites-available/default"
	both 'echo $JAIL >/var/www/html/index.html; rm -f /var/www/html/*debian.html; nginx'
	pages 80
	both 'nginx -t && nginx -s reload'
	pages 80
	inside_ok a 'nginx -s quit'
	says host get "http://$A4:80/"
	says b get "http://$B4:80/"
	inside_ok a nginx
	pages 80
}

@test "a Go server (caddy) on :8080, a listener for both families; its administration on localhost" {
	pair
	both 'printf ":8080 {\nroot * /srv\nfile_server\n}\n" >/etc/caddy/Caddyfile; echo $JAIL >/srv/index.html'
	for j in a b; do daemon $j 'caddy run --config /etc/caddy/Caddyfile'; done
	pages 8080
	both 'printf ":8080 {\nrespond $JAIL\n}\n" >/etc/caddy/Caddyfile; caddy reload --config /etc/caddy/Caddyfile'
	says a get "http://$A4:8080/"
	says b get "http://[$B6]:8080/"
	host_has 2019
}

@test "node on :3000: knows who asked, and where" {
	pair
	for j in a b; do
		inside_ok $j "cat >/srv/s.js" <<-'P'
			require("http").createServer((q, r) => {
				const s = q.socket;
				r.end(process.argv[2] + (q.url == "/who" ? ` ${s.remoteAddress} ${s.localAddress} ${s.localPort}` : "") + "\n");
			}).listen(3000);
		P
		daemon $j "node /srv/s.js $j"
	done
	pages 3000
	says "a ::ffff:$LAN4 ::ffff:$A4 3000" get "http://$A4:3000/who"
	says "b $LAN6 $B6 3000" get "http://[$B6]:3000/who"
}

@test "OpenSSH: a login by key, a copied file, a forwarded port" {
	pair
	cl sh -c 'test -f /root/key || ssh-keygen -q -t ed25519 -N "" -f /root/key'
	key=$(cl cat /root/key.pub)
	both "mkdir -p -m 700 /root/.ssh /run/sshd; echo '$key' >/root/.ssh/authorized_keys; /usr/sbin/sshd"
	ssh='-i /root/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=5'
	for at in "a $LAN4 $A4" "a $LAN6 $A6" "b $LAN4 $B4" "b $LAN6 $B6"; do
		read -r j from to <<<"$at"
		says "$j $from $to 22" cl ssh $ssh "root@$to" 'echo $(hostname) $(echo $SSH_CONNECTION | cut -d" " -f1,3,4)'
	done
	host_has 22
	cl sh -c 'echo copied >/root/file'
	ok cl scp -q $ssh /root/file "root@[$A6]:/root/"
	inside_ok a 'cat /root/file'
	is copied
	inside_ok a 'echo a >/var/www/html/index.html; rm -f /var/www/html/*debian.html; nginx'
	says a cl sh -c "ssh $ssh -f -L 127.0.0.1:8888:localhost:80 root@$A4 sleep 2 && curl -sS http://127.0.0.1:8888/"
}

@test "PostgreSQL: a cluster made inside, reached by both families, under a little load" {
	pair
	both 'cd / && { pg_createcluster 15 main -- -A trust --no-sync && pg_conftool 15 main set listen_addresses "*" &&
		echo "host all all all trust" >>/etc/postgresql/15/main/pg_hba.conf && pg_ctlcluster 15 main start; } >/dev/null'
	q='select inet_server_addr(), inet_client_addr(), inet_server_port()'
	for to in "$A4 $LAN4" "$B4 $LAN4" "$A6 $LAN6" "$B6 $LAN6"; do
		says "${to% *}|${to#* }|5432" cl psql -h "${to% *}" -U postgres -Atc "$q"
	done
	host_has 5432
	inside_ok a "psql -h localhost -U postgres -Atc 'select 1'; psql -h $B4 -U postgres -Atc 'select inet_client_addr()'"
	is "$(printf '1\n%s' $A4)"
	ok cl sh -c "cd /tmp && pgbench -q -i -h $A4 -U postgres postgres && pgbench -c 4 -t 25 -h $A4 -U postgres postgres"
	has "100/100"
	both 'pg_ctlcluster 15 main stop'
}

@test "Redis: on the wildcard, on loopback, and a replica in the other jail" {
	pair
	inside_ok a 'redis-server --bind "*" "-::*" --protected-mode no --repl-diskless-sync-delay 0 --save "" --daemonize yes >/dev/null'
	inside_ok b "redis-server --bind '*' '-::*' --protected-mode no --save '' --daemonize yes --replicaof $A4 6379 >/dev/null"
	says PONG cl redis-cli -h $A4 ping
	says PONG cl redis-cli -h $B6 ping
	host_has 6379
	says OK cl redis-cli -h $A6 set who a
	says a cl redis-cli -h $B4 get who
	says "$B4" cl sh -c "redis-cli -h $A4 info replication | sed -n 's/^slave0:ip=\([^,]*\).*/\1/p'"
	inside_ok a 'redis-cli -h 127.0.0.1 get who; redis-cli -h ::1 get who'
	is "$(printf 'a\na')"
	inside_ok a 'redis-cli shutdown nosave'
	# as Debian configures it: loopback of the jail, which is the jail's address
	inside_ok a 'redis-server /etc/redis/redis.conf --protected-mode no --dir /tmp --logfile "" --daemonize yes >/dev/null'
	says PONG iocage exec a -- redis-cli ping
}

# asks NAME WANT ADDR...: by UDP and TCP, from the wire.
asks() {
	local name=$1 want=$2 at
	shift 2
	for at in "$@"; do
		says "$want" cl dig +time=2 +tries=1 +short "@$at" "$name"
		says "$want" cl dig +tcp +time=2 +tries=1 +short "@$at" "$name"
	done
}

@test "DNS: unbound in one jail, dnsmasq in the other, beside the host's" {
	pair
	inside_ok a "cat >/etc/unbound/unbound.conf.d/lab.conf" <<-E
		server:
		  interface: 0.0.0.0
		  interface: ::0
		  access-control: 0.0.0.0/0 allow
		  access-control: ::0/0 allow
		  use-syslog: no
		  do-not-query-localhost: no
		  domain-insecure: "."
		  local-zone: "test." nodefault
		  local-zone: "where.test." redirect
		  local-data: "where.test. A $A4"
		forward-zone:
		  name: "."
		  forward-addr: $B4
	E
	daemon a 'unbound -p -dd'
	daemon b "dnsmasq -k --user=root --pid-file= --conf-file=/dev/null --no-hosts --no-resolv --address=/where.test/$B4 --address=/far.example/192.0.2.99"
	asks where.test $A4 $A4 $A6
	asks where.test $B4 $B4 $B6
	asks where.test 192.0.2.1 192.0.2.1 2001:db8::1
	# one jail's resolver asks the other's
	asks far.example 192.0.2.99 $A4
	# clients inside: their own by loopback, the other's, the wire's
	inside_ok a "for s in 127.0.0.1 ::1 $B4 $B6 $LAN4 $LAN6 192.0.2.1; do dig +time=2 +tries=1 +short @\$s where.test; done"
	is "$(printf '%s\n' $A4 $A4 $B4 $B4 $LAN4 $LAN4 192.0.2.1)"
	inside_ok b "echo nameserver $LAN4 >/etc/resolv.conf; getent ahostsv4 where.test | head -n 1; dig +tcp +short where.test"
	has "$LAN4"
}

@test "strace, gdb, Python, Java: what runs and debugs programs does so inside" {
	pair
	inside_ok a 'strace -f -o /tmp/trace sh -c "id -un; sleep 0"; tail -n 1 /tmp/trace'
	has root
	has "exited with 0"
	# another user's process, by its number
	inside_ok a 'setpriv --reuid 33 --clear-groups sleep 100 & p=$!; sleep 1; strace -o /tmp/trace -p $p & sleep 2; kill $p; wait; tail -n 1 /tmp/trace'
	has "killed by SIGTERM"
	inside_ok a 'gdb -batch -ex run -ex "info inferiors" --args /bin/echo hi'
	has "exited normally"
	inside_ok a 'python3 -c "import subprocess, threading, select, mmap; print(subprocess.check_output([\"id\", \"-un\"]).decode())"'
	has root
	cat >"$LAB_TMP/Try.java" <<-'JAVA'
		import java.net.*;
		import java.util.*;
		import java.util.concurrent.*;
		public class Try {
			public static void main(String[] a) throws Exception {
				ExecutorService e = Executors.newFixedThreadPool(8);
				int sum = 0;
				List<Future<Integer>> l = new ArrayList<>();
				for (int i = 0; i < 100; i++) { int k = i; l.add(e.submit(() -> k)); }
				for (Future<Integer> f : l) sum += f.get();
				e.shutdown();
				ServerSocket s = new ServerSocket(8081);
				Socket c = new Socket(s.getInetAddress(), 8081);
				s.accept();
				System.out.println(sum + " " + new ProcessBuilder("id", "-un").start().inputReader().readLine());
				for (NetworkInterface n : Collections.list(NetworkInterface.getNetworkInterfaces()))
					System.out.println(n.getName() + " " + n.isUp());
			}
		}
	JAVA
	put a "$LAB_TMP/Try.java" tmp/Try.java
	inside_ok a 'java /tmp/Try.java'
	has "4950 root"
	has "em0 true"
}

@test "ping: by ping sockets where the host has them for everybody, by raw sockets where the jail may" {
	pair
	ok iocage set allow_raw_sockets=1 b
	down b
	up b
	inside a "ping -n -c 1 -W 2 $LAN4"
	[ "$status" -ne 0 ]
	has "socket: Operation not permitted"
	# $SHELL code that pings everything there is
	all="for t in $LAN4 $LAN6 192.0.2.1 $A4 $B6 127.0.0.1 ::1; do ping -n -c 1 -W 2 \$t >/dev/null || echo no \$t; done"
	inside_ok b "$all"
	is ""
	echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range
	inside_ok a "$all; setpriv --reuid=33 --regid=33 --clear-groups ping -n -c 1 -W 2 $LAN4"
	has "1 received"
	hasnt "no "
	# nothing that has no answer is answered
	inside a 'ping -n -c 1 -W 1 192.0.2.200'
	[ "$status" -ne 0 ]
	inside_ok a "for i in em0 $A4; do ping -n -c 1 -W 2 -I \$i $LAN4; done; ping -n -c 1 -W 2 -I $A6 $LAN6"
	inside a "ping -n -c 1 -W 1 -I $B4 192.0.2.254"
	[ "$status" -ne 0 ]
}

@test "curl and apt against the wire: a package is fetched and installed" {
	pair
	mkdir -p "$LAB_TMP/repo/p/DEBIAN" "$LAB_TMP/repo/p/usr/share/lab"
	printf 'Package: lab-hello\nVersion: 1\nArchitecture: all\nMaintainer: lab <lab@example.net>\nDescription: hello\n' >"$LAB_TMP/repo/p/DEBIAN/control"
	echo hello >"$LAB_TMP/repo/p/usr/share/lab/hello"
	dpkg-deb -b --root-owner-group "$LAB_TMP/repo/p" "$LAB_TMP/repo/lab-hello_1_all.deb" >/dev/null
	(
		cd "$LAB_TMP/repo"
		cat p/DEBIAN/control
		echo "Filename: ./lab-hello_1_all.deb"
		echo "Size: $(stat -c %s lab-hello_1_all.deb)"
		echo "SHA256: $(sha256sum <lab-hello_1_all.deb | cut -d' ' -f1)"
	) >"$LAB_TMP/repo/Packages"
	nsenter --net="$LAB_LAN_NS" busybox httpd -f -p 8000 -h "$LAB_TMP/repo" 3>&- &
	echo $! >"$LAB_TMP/httpd"
	eventually lan busybox wget -q -O /dev/null http://$LAN4:8000/Packages
	for at in "$LAN4" "[$LAN6]"; do
		both "curl -gsSf http://$at:8000/Packages | head -n 1"
		is "Package: lab-hello"
	done
	inside_ok a "curl -gsSf --interface em0 http://$LAN4:8000/Packages >/dev/null; curl -gsSf --interface $A6 http://[$LAN6]:8000/Packages >/dev/null"
	j=0
	for at in "$LAN4" "[$LAN6]"; do
		j=$((j + 1))
		inside_ok "$(echo a b | cut -d' ' -f$j)" "rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
			echo 'deb [trusted=yes] http://$at:8000/ ./' >/etc/apt/sources.list
			apt-get -q update && apt-get -q -y install lab-hello && cat /usr/share/lab/hello && dpkg-query -W lab-hello"
		has hello
		hasnt "W: "
	done
}

# booted JAIL: systemd has done what it does at boot.
booted() {
	local i
	for i in $(seq 100); do
		inside "$1" 'systemctl is-system-running'
		case $output in running) return 0 ;; degraded) break ;; esac
		sleep 0.2
	done
	inside "$1" 'systemctl --no-pager --failed; systemctl --no-pager list-jobs; journalctl --no-pager -p warning | tail -n 20'
	echo "$output"
	return 1
}

@test "systemd boots nginx and OpenSSH as services in both; PostgreSQL and Redis are enabled inside" {
	deb a "ip4_addr=em0|$A4/24" "ip6_addr=em0|$A6/64"
	deb b "ip4_addr=em0|$B4/24" "ip6_addr=em0|$B6/64"
	up a
	up b
	for j in a b; do booted $j; done
	both 'cat /proc/1/comm; echo $JAIL >/var/www/html/index.html; rm -f /var/www/html/*debian.html; systemctl is-active nginx ssh'
	is "$(printf 'systemd\nactive\nactive')"
	pages 80
	for to in $A4 $B6; do
		run cl ssh-keyscan -T 5 -t ed25519 $to
		has "SSH-2.0-OpenSSH"
		has ssh-ed25519
	done
	host_has 22
	inside_ok b 'echo "bind * -::*" >>/etc/redis/redis.conf; echo "protected-mode no" >>/etc/redis/redis.conf
		systemctl enable --now redis-server 2>&1; systemctl is-active redis-server'
	has active
	says PONG cl redis-cli -h $B4 ping
	inside_ok b 'systemctl restart nginx && systemctl reload ssh && systemctl is-active nginx ssh'
	pages 80
	down b
	up b
	booted b
	says PONG cl redis-cli -h $B6 ping
	pages 80
}

@test "the same in a VNET jail on a bridge: nginx, node, PostgreSQL, ping of the router, DNS" {
	ip link add br7 address 02:00:5e:00:01:07 type bridge
	ip link set br7 up
	ip addr add 10.7.0.1/24 dev br7
	ip -6 addr add 2001:db8:a:7::1/64 dev br7 nodad
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	deb v vnet=on interfaces=vnet0:br7 'ip4_addr=vnet0|10.7.0.5/24' 'ip6_addr=vnet0|2001:db8:a:7::5/64' \
		defaultrouter=10.7.0.1 defaultrouter6=2001:db8:a:7::1 $plain
	up v
	inside_ok v 'echo v >/var/www/html/index.html; rm -f /var/www/html/*debian.html; nginx'
	says v get http://10.7.0.5/
	says v get 'http://[2001:db8:a:7::5]/'
	daemon v 'node -e "require(\"http\").createServer((q, r) => r.end(q.socket.remoteAddress)).listen(3000)"'
	says $LAN6 get 'http://[2001:db8:a:7::5]:3000/'
	inside_ok v 'curl -gsS http://127.0.0.1/ http://[::1]/; ss -Hltn | grep -c ":80 "'
	is "$(printf 'v\nv\n2')"
	inside_ok v "for t in 10.7.0.1 2001:db8:a:7::1 $LAN4 $LAN6 127.0.0.1; do ping -n -c 1 -W 2 \$t >/dev/null || echo no \$t; done"
	is ""
	inside_ok v "dig +time=2 +tries=1 +short @$LAN4 where.test; dig +tcp +time=2 +tries=1 +short @$LAN6 where.test"
	is "$(printf '%s\n' $LAN4 $LAN4)"
	daemon v "dnsmasq -k --user=root --pid-file= --conf-file=/dev/null --no-hosts --no-resolv --address=/where.test/10.7.0.5"
	asks where.test 10.7.0.5 10.7.0.5 2001:db8:a:7::5
	inside_ok v 'mkdir -p /run/sshd; /usr/sbin/sshd'
	run cl ssh-keyscan -T 5 -t ed25519 2001:db8:a:7::5
	has "SSH-2.0-OpenSSH"
}
