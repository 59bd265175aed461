# lib.bash - helpers for the lab suites: the program under test, snapshots of the world, checks that say what they saw.
# shellcheck shell=bash disable=SC2034,SC2153,SC2154
bats_require_minimum_version 1.5.0
# shellcheck source=tests/lab/shot.bash
. "${LAB_TOP:?run this through tests/run.sh or tests/lab/world.sh}/tests/lab/shot.bash"

# --- once per file: refuse the real network, make directories, fetch the built-in release ---

lab_setup_file() {
	[ -n "${LAB_TMP:-}" ] || lab_die "run this through tests/run.sh or tests/lab/world.sh"
	[ "$(readlink /proc/self/ns/net)" != "$(readlink "$LAB_OUTSIDE_NS")" ] || lab_die "refusing to run in the machine's own network"
	[ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/1/ns/net)" ] || lab_die "refusing to run in the initial network namespace"
	[ -x "$IOCAGE" ] || lab_die "$IOCAGE is not built"
	export IOCAGE_ROOT=$LAB_TMP/root IOCAGE_RUN=$LAB_TMP/run
	mkdir -p "$LAB_TMP/bin"
	ln -sf "$IOCAGE" "$LAB_TMP/bin/iocage"
	PATH=$LAB_TMP/bin:$PATH
	export PATH
	iocage fetch -r busybox >/dev/null
	cc -D_GNU_SOURCE -O1 -static -o "$LAB_TMP/trycall" "$LAB_TOP/tests/lab/trycall.c" || lab_die "cannot build trycall"
	world_snapshot file
}

lab_teardown_file() {
	lab_reset
	world_same file
}

lab_die() {
	echo "lab: $*" >&2
	return 1
}

# --- after each test: nothing runs, nothing exists, nothing is left ---

lab_reset() {
	local j
	for j in $(iocage list -H 2>/dev/null | cut -f 2) $(ls "$IOCAGE_ROOT/jails" 2>/dev/null); do
		iocage stop -f "$j" >/dev/null 2>&1 || true
		iocage destroy -f "$j" >/dev/null 2>&1 || true
		rm -rf --one-file-system "${IOCAGE_ROOT:?}/jails/$j"
	done
	rm -f "$IOCAGE_ROOT/defaults.json"
	lab_sanitizers
}

# What a build with sanitizers had to say during this test; world.sh shows it.
lab_sanitizers() {
	local seen=$LAB_TMP/sanitizers.seen size
	size=$(stat -c %s "$IOCAGE_SANITIZER_LOG" 2>/dev/null || echo 0)
	[ "$size" -ne "$(cat "$seen" 2>/dev/null || echo 0)" ] || return 0
	echo "$size" >"$seen"
	echo "the sanitizers found something: see the end"
	return 1
}

# --- the world as text (shot.bash): what a jail must leave as it found it ---

world_snapshot() {
	mkdir -p "$LAB_TMP/world"
	shot >"$LAB_TMP/world/$1"
}

# world_same NAME: waits a moment for the kernel to finish what is asynchronous (namespaces die late), then compares.
world_same() {
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		world_snapshot now
		if diff "$LAB_TMP/world/$1" "$LAB_TMP/world/now" >"$LAB_TMP/world.diff"; then return 0; fi
		sleep 0.1
	done
	echo "the world is not as before (< before, > now):"
	cat "$LAB_TMP/world.diff"
	return 1
}

# --- running and checking ---

# The program; output in $output (both streams), status in $status.
ioc() {
	run iocage "$@"
}

# Must succeed.
ok() {
	run "$@"
	[ "$status" -eq 0 ] || {
		echo "failed with $status: $*"
		echo "$output"
		return 1
	}
}

# fails STATUS COMMAND...: must end with exactly this status.
fails() {
	local want=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$want" ] || {
		echo "ended with $status, not $want: $*"
		echo "stdout: $output"
		echo "stderr: $stderr"
		return 1
	}
}

# Output is exactly the text.
is() {
	[ "$output" = "$1" ] || {
		echo "expected: $1"
		echo "got:      $output"
		return 1
	}
}

# Output (or stderr) has the text somewhere.
has() {
	case $output${stderr:-} in
	*"$1"*) return 0 ;;
	esac
	echo "expected to see: $1"
	echo "stdout: $output"
	echo "stderr: ${stderr:-}"
	return 1
}

hasnt() {
	case $output${stderr:-} in
	*"$1"*)
		echo "did not expect: $1"
		echo "$output${stderr:-}"
		return 1
		;;
	esac
	return 0
}

# One clear message: something on stderr, at most $1 lines (default 1), nothing from a signal or a sanitizer.
one_line() {
	local n
	n=$(printf '%s\n' "$stderr" | grep -c .)
	if [ "$n" -lt 1 ] || [ "$n" -gt "${1:-1}" ]; then
		echo "expected 1..${1:-1} lines on stderr, got $n:"
		echo "$stderr"
		return 1
	fi
}

eventually() {
	local i
	for i in $(seq 50); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.1
	done
	echo "did not become true: $*"
	return 1
}

# away_for_good ADDRESS/LEN DEV: take a jail's alias from the host until its monitor puts it back no more.
away_for_good() {
	local i
	for i in $(seq 60); do
		grep -qs "^$1 $2 .* 1\$" "$IOCAGE_RUN"/jails/*/kept && return 0
		ip addr del "$1" dev "$2" 2>/dev/null || true
		sleep 0.2
	done
	echo "$1 still comes back on $2"
	return 1
}

# --- jails ---

# mk NAME [prop=value...]: a busybox jail whose start runs nothing, so that it is quick.
mk() {
	local name=$1
	shift
	ok iocage create -r busybox -n "$name" "$@"
}

up() {
	ok iocage start "$@"
}

down() {
	ok iocage stop "$@"
}

# inside JAIL 'shell text': output in $output
inside() {
	local j=$1
	shift
	run iocage exec "$j" -- /bin/sh -c "$*"
}

inside_ok() {
	inside "$@"
	[ "$status" -eq 0 ] || {
		echo "in $1, status $status: ${*:2}"
		echo "$output"
		return 1
	}
}

is_up() {
	[ "$(iocage get -s "$1")" = up ]
}

is_down() {
	[ "$(iocage get -s "$1")" = down ]
}

jid() {
	iocage get -j "$1"
}

# The host's pid of the first process of a jail.
init_pid() {
	sed -n 's/^pid=//p' "$IOCAGE_RUN/jails/$1/state"
}

# Directory on the host where what the jail writes appears.
upper() {
	echo "$IOCAGE_ROOT/jails/$1/layers/upper"
}

lan() {
	nsenter --net="$LAB_LAN_NS" "$@"
}

# Put a host file into a thin jail's root while it is down.
put() {
	mkdir -p "$(upper "$1")/$(dirname "$3")"
	cp "$2" "$(upper "$1")/$3"
}

has_addr() {
	ip -o addr show dev "$1" | grep -qF " $2 "
}

# serve JAIL PORT TEXT [ADDR]: a web page from inside; waits until it listens.
serve() {
	local j=$1 port=$2 text=$3 addr=${4:-}
	inside_ok "$j" "mkdir -p /www && echo '$text' >/www/index.html && httpd -p ${addr:+$addr:}$port -h /www"
}

page() {
	busybox timeout 5 busybox wget -q -O - "$1"
}

# --- what doctor says ---

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

healthy() {
	ok iocage doctor
	is 'Nothing wrong was found.'
}

# fix_of CHECK: the command that mends it, as doctor says it; what comes after "; or" is another way.
fix_of() {
	iocage doctor --json | python3 -c 'import json,sys
print([f["fix"] for f in json.load(sys.stdin) if f["check"] == sys.argv[1]][0].split("; or")[0])' "$1"
}

is_fix() {
	output=$(fix_of "$1")
	is "$2"
}

# mended CHECK: its command is run as it stands, and nothing is wrong then.
mended() {
	local fix
	fix=$(fix_of "$1")
	echo "runs: $fix"
	ok bash -c "$fix"
	healthy
}
