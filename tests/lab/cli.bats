#!/usr/bin/env bats
# cli.bats - grammar, texts and exit codes of the command line.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

COMMANDS="create destroy start stop restart list get set exec console sockets fetch"

@test "--version: Version, a tab, a number; exit 0" {
	ok iocage --version
	[[ $output =~ ^Version$'\t'[0-9]+\.[0-9]+ ]]
	ok iocage -v
	[[ $output =~ ^Version$'\t'[0-9] ]]
}

@test "no command: help, exit 0" {
	ok iocage
	for c in $COMMANDS; do has "$c"; done
}

@test "help and --help name every command" {
	for h in help --help; do
		ok iocage $h
		for c in $COMMANDS; do has "$c"; done
	done
}

@test "COMMAND --help and COMMAND help describe it, exit 0, on stdout" {
	for c in $COMMANDS; do
		run --separate-stderr iocage "$c" --help
		[ "$status" -eq 0 ]
		has "Usage: iocage"
		has "$c"
		[ -z "$stderr" ]
		ok iocage "$c" help
		has "$c"
	done
}

@test "unknown command: usage on stderr, exit 2" {
	fails 2 iocage frobnicate
	[ -z "$output" ]
	has "No such command 'frobnicate'."
	has "Usage:"
}

@test "unknown option: exit 2, says which" {
	for c in create destroy start stop restart list get set console sockets fetch; do
		fails 2 iocage "$c" --nonsense
		has "--nonsense"
		has "Usage:"
	done
	fails 2 iocage --nonsense
}

@test "an option without its value: exit 2" {
	fails 2 iocage create -n
	fails 2 iocage list -s
}

@test "start and stop without a name: usage, exit 1 or 2" {
	run --separate-stderr iocage start
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
	has "Missing argument"
	run --separate-stderr iocage stop
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ]
}

@test "unknown jail: one line, exit 1, for every command that takes one" {
	for c in "start nojail" "stop nojail" "restart nojail" "get vnet nojail" "set notes=x nojail" "exec nojail true" \
		"console nojail" "destroy -f nojail"; do
		# shellcheck disable=SC2086
		fails 1 iocage $c
		has "nojail"
		one_line
	done
}

@test "jail names that cannot be are refused by create, nothing is made" {
	long=$(printf 'x%.0s' $(seq 300))
	for n in a/b .. . -x 'a b' "a'b" 'a;b' "$long" ALL default help $'a\nb' 'ä' '' '../../etc' 'a|b' '*'; do
		run --separate-stderr iocage create -r busybox -n "$n"
		[ "$status" -eq 1 ] || [ "$status" -eq 2 ] || { echo "accepted: $n"; return 1; }
		one_line 4
	done
	[ -z "$(ls "$IOCAGE_ROOT/jails" 2>/dev/null)" ]
}

@test "slash and dots as a jail's name never reach the file system" {
	for n in a/b .. ../jails "$LAB_TMP"; do
		fails 1 iocage start "$n"
		has "not found"
		fails 1 iocage destroy -f "$n"
	done
	[ -d "$IOCAGE_ROOT/releases/busybox" ]
}

@test "a unique prefix names a jail, several are listed, destroy wants the whole name" {
	mk web1
	mk web2
	mk mail
	ok iocage get -s mai
	is down
	fails 1 iocage get -s we
	has "Multiple jails found for we:"
	has "web1"
	has "web2"
	fails 1 iocage destroy -f mai
	ok iocage get -s mail
}

@test "ALL is a word, not a part of one" {
	mk FIREWALL
	mk other
	up FIREWALL
	is_up FIREWALL
	is_down other
	down FIREWALL
}

@test "options may follow arguments, be grouped, and take = or a blank" {
	ok iocage create --release=busybox --name grouped
	ok iocage get -s grouped
	ok iocage list -lh
	ok iocage destroy grouped -f
}

@test "root is needed where something changes, and only there" {
	mk rootless notes=mine
	chmod 755 "$LAB_TMP"
	# by descriptor: others cannot reach the program where the sources are below a home directory
	exec 9<"$IOCAGE"
	local nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/9)
	for c in "create -r busybox -n x" "start rootless" "stop rootless" "restart rootless" "set notes=x rootless" \
		"exec rootless true" "console rootless" "destroy -f rootless" "fetch -r busybox"; do
		# shellcheck disable=SC2086
		fails 1 "${nobody[@]}" $c
		has "You need to have root privileges to run ${c%% *}"
		one_line
	done
	# names are no secret; what is configured may be
	ok "${nobody[@]}" list
	has rootless
	hasnt mine
	for c in "get notes rootless" "get all rootless"; do
		# shellcheck disable=SC2086
		fails 1 "${nobody[@]}" $c
		has "You need to have root privileges to read the configuration of rootless"
		one_line
	done
	ok "${nobody[@]}" --version
	ok "${nobody[@]}" start --help
}

@test "stopping what does not run: said on stderr, exit 0" {
	mk still
	fails 0 iocage stop still
	has "still is not running!"
}

@test "starting what runs: exit 1" {
	mk twice
	up twice
	fails 1 iocage start twice
	has "twice is already running!"
	is_up twice
}

@test "destroy asks; no and end of input leave everything" {
	mk keep
	run bash -c "echo n | iocage destroy keep"
	has "This will destroy jail keep"
	has "Are you sure? [y/N]: "
	ok iocage get -s keep
	run bash -c "iocage destroy keep </dev/null"
	[ "$status" -eq 1 ]
	has "Aborted!"
	ok iocage get -s keep
	run bash -c "echo y | iocage destroy keep"
	[ "$status" -eq 0 ]
	has "Destroying keep"
	fails 1 iocage get -s keep
}

@test "destroy refuses a running jail without -f, stops it with -f" {
	mk alive
	up alive
	fails 1 iocage destroy alive
	has "Jail alive is still running, please stop the jail first or destroy it with -f"
	is_up alive
	ok iocage destroy -f alive
	has "Stopping alive"
	fails 1 iocage get -s alive
}

@test "a closed output pipe and a full one end quietly" {
	mk pipe
	run bash -c "iocage get all pipe | head -1"
	[ "$status" -eq 0 ]
	hasnt "roken pipe"
	run bash -c "iocage list >/dev/full"
	[ "$status" -ne 0 ]
}

@test "works with closed standard streams" {
	mk closed
	run bash -c "iocage start closed <&- >&- 2>&-"
	[ "$status" -eq 0 ]
	is_up closed
	run bash -c "iocage stop closed <&- >&- 2>&-"
	is_down closed
}

@test "a directory that cannot be written to is named" {
	: >"$LAB_TMP/plainfile"
	IOCAGE_ROOT=$LAB_TMP/plainfile/x fails 1 iocage create -r busybox -n x
	has "plainfile"
	one_line 2
}
