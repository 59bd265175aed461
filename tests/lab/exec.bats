#!/usr/bin/env bats
# exec.bats - exec and console: status, streams, signals, terminals, users, environment.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

PTY=${LAB_TOP:-.}/tests/lab/onpty.py

exited() {
	[ "$status" -eq "$1" ] || {
		echo "status $status, not $1:"
		echo "$output"
		return 1
	}
}

setup() {
	mk j 'exec_start=/bin/true'
	up j
}

@test "exit status of the command, any of them" {
	for s in 0 1 2 42 125 255; do
		run iocage exec j -- /bin/sh -c "exit $s"
		[ "$status" -eq $s ]
	done
}

@test "killed by a signal: 128 and its number" {
	run iocage exec j -- /bin/sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	run iocage exec j -- /bin/sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
}

@test "not found is 127, not executable is 126" {
	fails 127 iocage exec j -- /no/such/program x
	has "/no/such/program"
	fails 126 iocage exec j -- /etc/passwd x
}

@test "one word is a shell line, several are arguments as they are" {
	ok iocage exec j 'echo $((1+1)) | cat'
	is 2
	ok iocage exec j echo '$HOME' 'a  b' '*' ''
	is "\$HOME a  b * "
}

@test "options of the command are not ours" {
	ok iocage exec j ls -d /etc
	is /etc
	ok iocage exec j -- ls -d /etc
	is /etc
}

@test "stdout and stderr stay apart" {
	run --separate-stderr iocage exec j -- /bin/sh -c 'echo out; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "10 MB through a pipe, both ways, byte for byte" {
	head -c 10485760 /dev/urandom >"$LAB_TMP/big"
	sum=$(md5sum <"$LAB_TMP/big")
	[ "$(iocage exec j -- cat <"$LAB_TMP/big" | md5sum)" = "$sum" ]
	[ "$(iocage exec j -- md5sum <"$LAB_TMP/big")" = "$sum" ]
	iocage exec j -- /bin/sh -c 'cat >/big' <"$LAB_TMP/big"
	[ "$(iocage exec j -- cat /big | md5sum)" = "$sum" ]
}

@test "end of input reaches the command; /dev/null too; closed streams do no harm" {
	[ "$(printf 'a\nb\n' | iocage exec j -- wc -l)" -eq 2 ]
	run bash -c 'iocage exec j -- cat </dev/null'
	[ "$status" -eq 0 ]
	run bash -c 'iocage exec j -- true <&- >&- 2>&-'
	[ "$status" -eq 0 ]
}

@test "a reader that goes away ends the writer" {
	run timeout 10 bash -c 'iocage exec j -- yes | head -1'
	[ "$status" -eq 0 ]
	eventually bash -c '! iocage exec j -- ps | grep -v grep | grep -q " yes"'
}

@test "TERM, INT, HUP, USR1 to us go to the command" {
	for s in TERM INT HUP USR1; do
		# a background command of a script ignores INT; a shell of its own resets that through setsid and trap
		python3 - $s <<-'P' >"$LAB_TMP/sig.$s" &
			import os, signal, subprocess, sys, time
			p = subprocess.Popen(["iocage", "exec", "j", "--", "/bin/sh", "-c",
			    "trap 'echo got %s; exit 9' %s; echo ready; while :; do sleep 0.05; done" % (sys.argv[1], sys.argv[1])],
			    stdout=subprocess.PIPE, preexec_fn=lambda: [signal.signal(x, signal.SIG_DFL) for x in (1, 2, 10, 15)])
			assert p.stdout.readline() == b"ready\n"
			p.send_signal(getattr(signal, "SIG" + sys.argv[1]))
			print(p.stdout.read().decode().strip(), p.wait(10))
		P
		wait $!
		[ "$(cat "$LAB_TMP/sig.$s")" = "got $s 9" ] || { cat "$LAB_TMP/sig.$s"; return 1; }
	done
}

@test "we are killed: the command does not live on unseen" {
	iocage exec j -- sleep 4242 &
	p=$!
	eventually iocage exec j -- pidof sleep
	kill -9 $p
	wait $p || true
	eventually bash -c '! iocage exec j -- ps | grep -q "[s]leep 4242"'
}

@test "we are killed: a user's command ends too, and one that was about to begin" {
	inside_ok j 'echo "foo:x:1234:1234::/home:/bin/sh" >>/etc/passwd'
	iocage exec -U foo j -- sleep 4243 &
	p=$!
	eventually iocage exec j -- pidof sleep
	kill -9 $p
	wait $p || true
	for ms in 002 004 006 008 010 012 014 016 018 020 025 030 040; do
		timeout -s KILL 0.$ms iocage exec j -- sleep 4243 || true
	done
	eventually bash -c '! iocage exec j -- ps | grep -q "[s]leep 424"'
}

@test "a signal at any time ends the attempt or the command, with 128 and its number" {
	for ms in 002 004 006 008 010 012 014 016 018 020 025 030 040; do
		run timeout --preserve-status -k 5 0.$ms iocage exec j -- sleep 4244
		exited 143
	done
	inside_ok j '! pidof sleep'
}

@test "environment: reset, nothing of the host" {
	SECRET=x LD_PRELOAD='' run iocage exec j -- env
	hasnt SECRET
	has PATH=
	has HOME=
	hasnt IOCAGE
	hasnt BATS
}

@test "working directory is the jail's, ids are root's" {
	inside_ok j 'pwd; id -u; id -g'
	is "$(printf '/\n0\n0')"
}

@test "-U: a user of the jail; -u: a user of the host by number; not both; unknown ones are named" {
	inside_ok j 'echo "foo:x:1234:1234::/home:/bin/sh" >>/etc/passwd; echo "foo:x:1234:" >>/etc/group'
	ok iocage exec -U foo j id -u
	is 1234
	ok iocage exec -u nobody j id -u
	is "$(id -u nobody)"
	fails 1 iocage exec -U nosuchuser j id
	has nosuchuser
	fails 1 iocage exec -u nosuchuser j id
	has nosuchuser
	run iocage exec -u nobody -U foo j id
	[ "$status" -ne 0 ]
	has "Please only specify either host_user or jail_user, not both!"
}

@test "a jail that is down: refused; -f starts it" {
	mk off
	fails 1 iocage exec off -- true
	has off
	is_down off
	ok iocage exec -f off -- touch /made
	is_up off
	inside_ok off 'test -e /made'
}

@test "exec ALL runs in every jail" {
	mk k
	up k
	ok iocage exec ALL -- hostname
	has j
	has k
}

@test "no fd of ours is inside, only 0, 1 and 2" {
	exec 9</etc/shadow
	inside_ok j 'ls /proc/self/fd | tr "\n" " "'
	exec 9<&-
	[[ $output =~ ^0\ 1\ 2\ [0-9]*\ ?$ ]]
}

@test "exec on a terminal: the jail's own, with its size; the status comes back" {
	run python3 "$PTY" size=33x99 -- iocage exec j -- /bin/sh -c 'tty; stty size; exit 7'
	exited 7
	has "/dev/pts/0"
	has "33 99"
}

@test "a change of the window reaches the jail" {
	run python3 "$PTY" size=24x80 "expect=ready" size=40x132 wait=0.3 'type=go\n' "expect=40 132" \
		-- iocage exec j -- /bin/sh -c 'echo ready; read x; stty size'
	exited 0
}

@test "^C on the terminal interrupts the command in the jail, not us" {
	run python3 "$PTY" size=24x80 expect=ready 'type=\x03' 'expect=interrupted' \
		-- iocage exec j -- /bin/sh -c 'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1; done'
	exited 5
}

@test "the caller's terminal is put back as it was" {
	run python3 "$PTY" size=24x80 -- bash -c 'a=$(stty -g); iocage exec j -- true; b=$(stty -g); [ "$a" = "$b" ] && echo same'
	has same
}

@test "the host's terminal is not reachable from inside" {
	put j "$LAB_TMP/trycall" bin/trycall
	run python3 "$PTY" size=24x80 -- iocage exec j -- /bin/sh -c 'readlink /proc/self/fd/0; trycall tiocsti; ls /dev/pts'
	has "/dev/pts/"
	run bash -c 'iocage exec j -- readlink /proc/self/fd/0 </dev/null'
	has "/dev/null"
}

@test "console: a login on a terminal of the jail's own" {
	run python3 "$PTY" size=30x90 wait=0.7 'type=stty size; tty; hostname; exit\n' -- iocage console j
	has "30 90"
	has "/dev/pts/"
	has j
}

@test "console of a jail that is down: refused with F's words; -f starts it" {
	mk off
	fails 1 iocage console off
	has "off is not running! Please supply --force (-f) or start the jail"
	run python3 "$PTY" size=30x90 wait=1 'type=touch /root-was-here; exit\n' -- iocage console -f off
	is_up off
	inside_ok off 'test -e /root-was-here'
}

@test "console with commands on stdin: the login shell runs them, no login in between; its status is ours" {
	run bash -c 'echo "touch /from-stdin" | timeout 10 iocage console j'
	exited 0
	inside_ok j 'test -e /from-stdin'
	inside_ok j 'mkdir -p /root /home; echo "export PROFILE=read" >/root/.profile'
	run bash -c 'printf "%s\n" "id -u; pwd; echo \$USER \$PROFILE" "tty" "exit 5" | timeout 10 iocage console j'
	exited 5
	is "$(printf '0\n%s\nroot read\nnot a tty' "$(iocage exec j -- sh -c 'grep ^root: /etc/passwd | cut -d: -f6')")"
	run timeout 10 iocage console j </dev/null
	exited 0
}

@test "console with commands on stdin: login_flags name the user; without a passwd file root has a shell" {
	inside_ok j 'mkdir -p /home; echo "foo:x:1234:1234::/home:/bin/sh" >>/etc/passwd'
	ok iocage set 'login_flags=-f foo' j
	run bash -c 'echo "id -u; pwd" | timeout 10 iocage console j'
	is "$(printf '1234\n/home')"
	ok iocage set 'login_flags=-f root' j
	inside_ok j 'mv /etc/passwd /etc/passwd.away'
	run bash -c 'echo "id -u" | timeout 10 iocage console j'
	is 0
}
