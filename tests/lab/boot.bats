#!/usr/bin/env bats
# boot.bats - start --rc and stop --rc: which jails, in which order, several at a time, what a failure and a circle do.

load lib

setup_file() { lab_setup_file; }
teardown_file() { lab_teardown_file; }
teardown() { lab_reset; }

setup() {
	LOG=$LAB_TMP/order
	: >"$LOG"
	rm -f "$LAB_TMP"/met-*
}

# jail NAME [prop=value...]: one of the boot that writes down when it came and went
jail() {
	local n=$1
	shift
	mk "$n" "exec_poststart=echo +$n >>$LOG" "exec_poststop=echo -$n >>$LOG" "$@"
	ok iocage set boot=on "$n"
	[ "$(iocage get -s "$n")" = down ] || down "$n"
	: >"$LOG"
}

order() {
	[ "$(tr '\n' ' ' <"$LOG")" = "$1 " ] || {
		echo "expected: $1"
		echo "got: $(tr '\n' ' ' <"$LOG")"
		return 1
	}
}

# before A B: A was written before B
before() {
	[ "$(grep -nxF -e "$1" "$LOG" | cut -d: -f1)" -lt "$(grep -nxF -e "$2" "$LOG" | cut -d: -f1)" ] || {
		cat "$LOG"
		return 1
	}
}

@test "by priority, and back in reverse; only boot jails, quietly" {
	jail c priority=30
	jail a priority=10
	jail b priority=20
	mk other
	ok iocage start --rc
	is ""
	order "+a +b +c"
	is_down other
	: >"$LOG"
	ok iocage start --rc
	is ""
	[ ! -s "$LOG" ]
	ok iocage stop --rc
	is ""
	order "-c -b -a"
}

@test "depends before priority; what is needed but not of the boot is started, and not stopped" {
	jail web priority=1 'depends=db cache'
	jail db priority=50 depends=store
	jail cache priority=60
	mk store "exec_poststart=echo +store >>$LOG"
	ok iocage start --rc
	before +store +db
	before +db +web
	before +cache +web
	: >"$LOG"
	ok iocage stop --rc
	before -web -db
	before -web -cache
	is_up store
}

@test "those that need not wait for one another start side by side, and stop so" {
	# each waits for the other: one after the other would never end well
	meet='n=0; touch LAB/met-MINE; while [ ! -e LAB/met-OTHER ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; [ -e LAB/met-OTHER ]'
	meet=${meet//LAB/$LAB_TMP}
	m1=${meet//MINE/one} m1=${m1//OTHER/two}
	m2=${meet//MINE/two} m2=${m2//OTHER/one}
	printf '#!/bin/sh\n%s\n' "$m1" >"$LAB_TMP/m1"
	printf '#!/bin/sh\n%s\n' "$m2" >"$LAB_TMP/m2"
	chmod 755 "$LAB_TMP/m1" "$LAB_TMP/m2"
	jail one
	jail two
	iocage set "exec_prestart=$LAB_TMP/m1" "exec_prestop=$LAB_TMP/m1" one
	iocage set "exec_prestart=$LAB_TMP/m2" "exec_prestop=$LAB_TMP/m2" two
	ok iocage start --rc
	is_up one
	is_up two
	rm -f "$LAB_TMP"/met-*
	ok iocage stop --rc
	is_down one
	is_down two
}

@test "one that fails holds back only those that depend on it" {
	jail bad priority=1 exec_prestart=/bin/false
	jail needy depends=bad
	jail fine priority=90
	fails 1 iocage start --rc
	has "Refusing to start bad"
	has "needy depends on bad, which did not start"
	is_down bad
	is_down needy
	is_up fine
	ok iocage set exec_prestop=/bin/false fine
	ok iocage set exec_prestart=/usr/bin/true bad
	ok iocage start --rc
	is_up needy
	fails 1 iocage stop --rc
	is_down bad
	is_down needy
	is_up fine
}

@test "a circle in depends is named; the others start" {
	jail x depends=y
	jail y depends=z
	jail z depends=x
	jail w depends=x
	jail fine
	fails 1 timeout 30 iocage start --rc
	has "depends goes in a circle: x -> y -> z -> x"
	has "w depends on x, which did not start"
	for j in x y z w; do is_down $j; done
	is_up fine
	# what runs can be stopped, whatever depends says by then
	ok iocage set depends=none z
	ok iocage start --rc
	is_up x
	ok iocage set depends=x z
	ok timeout 30 iocage stop --rc
	for j in x y z w fine; do is_down $j; done
}

@test "a configuration that is broken, a jail that is missing: told, the others start" {
	jail lost depends=nosuch
	jail fine
	jail broken
	echo '{ not json' >"$IOCAGE_ROOT/jails/broken/config.json"
	fails 1 iocage start --rc
	has "lost depends on nosuch: jail 'nosuch' not found!"
	is_up fine
	ok iocage stop --rc
	is_down fine
}

@test "many at once: all up, all down, nothing left" {
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		mk "m$i" "ip4_addr=em0|10.3.0.$i/32"
		ok iocage set boot=on "m$i"
		[ "$(iocage get -s "m$i")" = down ] || down "m$i"
	done
	world_snapshot before
	ok iocage start --rc
	[ "$(iocage list -H | grep -c up)" -eq 12 ]
	[ "$(iocage list -H | cut -f 1 | sort -u | wc -l)" -eq 12 ]
	ok iocage stop --rc
	[ "$(iocage list -H | grep -c up)" -eq 0 ]
	world_same before
}
