#!/usr/bin/env bash
# run.sh - run test suites and count: tests/run.sh unit lint lab vm   (one lab file: lab:vnet). Ends with what failed, in
# short, so that the end of a long log says it, and "N passed, N failed".
#
# lab:vnet:REGEX runs those tests of the file whose names match, as bats -f does (no blanks: write a dot).
#
# vm runs the lab suites of IOCAGE_VM_SUITES under Debian's own kernel (tests/vm). A test that says "this kernel ..." when it
# is skipped is left to the other kernel. It is a failure if nothing there would run it, or, when vm is among the suites, if it
# did not run there. One that did is no skip under IOCAGE_TESTS_MUST_RUN=1.
#
# lint and vm run beside the other suites: they need a processor and nothing else.
#
#     IOCAGE_TESTS_SAY_RAN=1      say each lab test that ran; set in the guest, where what is skipped is the host's matter
set -uo pipefail
# Debian's programs, which tools/deps.sh has installed: the python3 of a version manager starts ten times as slowly
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
cd "$(dirname "$0")/.." || exit 1

build=${IOCAGE_BUILD:-build}
must_run=${IOCAGE_TESTS_MUST_RUN:-0}
# of faults only what runs nowhere else: all of it takes hours under software emulation
vm_suites=${IOCAGE_VM_SUITES:-lab:vlan lab:hostnet:(lo1|lagg0|gif0|tunnel|VLAN|manual) lab:vnet lab:shared lab:observed lab:kernel lab:limits lab:apparmor lab:broker:32.bit lab:antispoof:trunk lab:confine:system.call lab:faults:(VLAN.ports|with.limits)}
say_ran=${IOCAGE_TESTS_SAY_RAN:-0}
passed=0 failed=0 skipped=0
out=$(mktemp)
elsewhere=$(mktemp) # tests that are left to the other kernel, as "SUITE: NAME"
there=$(mktemp)     # those that ran under it, in the same form
lint_out=$(mktemp) vm_out=$(mktemp) beside=''
recap=$(mktemp) # what failed
vm_ran=0
leave() {
	[ -z "$beside" ] || kill -- "-$beside" 2>/dev/null
	rm -f "$out" "$elsewhere" "$there" "$lint_out" "$vm_out" "$recap"
}
trap leave EXIT
trap 'exit 130' INT TERM

# count SUITE PASSED FAILED SKIPPED SECONDS
count() {
	passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
	printf '== %-16s %4d passed, %d failed, %d skipped (%d s)\n' "$1" "$2" "$3" "$4" "$5"
}

meson_field() {
	sed -n "s/^$1: *\([0-9][0-9]*\).*/\1/p" "$out" | tail -n 1
}

run_unit() {
	local t=$SECONDS ok fail skip
	meson test -C "$build" --print-errorlogs >"$out" 2>&1
	local status=$?
	ok=$(meson_field Ok)
	skip=$(meson_field Skipped)
	fail=$(($(meson_field Fail) + $(meson_field Timeout) + $(meson_field 'Unexpected Pass')))
	if [ "$status" -ne 0 ] || [ "$fail" -ne 0 ]; then
		cat "$out"
		sed -nE 's@^ *[0-9]+/[0-9]+ +(.*[^ ]) +(FAIL|TIMEOUT|ERROR).*@failed: unit: \1@p' "$out" | sort -u >>"$recap"
		[ "$fail" -ne 0 ] || fail=1
	fi
	count unit "${ok:-0}" "$fail" "${skip:-0}" $((SECONDS - t))
}

end_lint() {
	local fail ok skip
	ok=$(grep -c '^ok ' "$lint_out")
	fail=$(grep -c '^FAIL ' "$lint_out")
	skip=$(grep -c '^skip ' "$lint_out")
	[ $((ok + fail)) -gt 0 ] || fail=1
	if [ "$fail" -ne 0 ] || [ "$skip" -ne 0 ]; then cat "$lint_out"; fi
	sed -nE 's/^FAIL (.*)/failed: lint: \1/p' "$lint_out" >>"$recap"
	# what it took itself, however long it was waited for
	count lint "$ok" "$fail" "$skip" "$(sed -n 's/^ok .* (\([0-9]*\) s)$/\1/p' "$lint_out" | awk '{ s += $1 } END { print s + 0 }')"
}

# recap_lab NAME: each test that failed, with the line and the last of what it said
recap_lab() {
	awk -v suite="$1" '
		function tell(i) {
			if (!bad) return
			print "failed: " suite ": " name
			for (i = 1; i <= n; i++) if (i <= 3 || i > n - 8) print "    " said[i]
			bad = 0
		}
		/^(not )?ok [0-9]+ / { tell(); bad = /^not/; n = 0; name = $0; sub(/^not ok [0-9]+ /, "", name) }
		/^# / && bad { said[++n] = substr($0, 3) }
		END { tell() }' "$out" >>"$recap"
}

# run_lab FILE [REGEX]: one bats file in a world of its own
run_lab() {
	local t=$SECONDS f=$1 name status planned ok fail skip
	name=lab:$(basename "$f" .bats)
	timeout --kill-after=20 "${IOCAGE_SUITE_SECONDS:-900}" tests/lab/world.sh bats ${2:+-f "$2"} --formatter tap "$f" >"$out" 2>&1
	status=$?
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out" | head -n 1)
	skip=$(grep -cE '^ok [0-9]+ .*# skip' "$out")
	ok=$(($(grep -cE '^ok [0-9]+ ' "$out") - skip))
	fail=$((${planned:-0} - ok - skip))
	if [ "${planned:-0}" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$fail" -eq 0 ]; }; then fail=$((fail + 1)); fi
	if [ "$fail" -ne 0 ]; then
		grep -vE '^ok [0-9]+ ' "$out"
		recap_lab "$name"
		grep -q '^not ok' "$out" || echo "failed: $name: ended with $status, $ok of ${planned:-0} tests were good" >>"$recap"
	else
		grep -E '# skip|^# [0-9]+ points in all' "$out"
	fi
	sed -nE "s/^ok [0-9]+ (.*) # skip this kernel.*/${name#lab:}: \\1/p" "$out" | tee -a "$elsewhere" | sed 's/^/not under this kernel: /'
	[ "$say_ran" = 0 ] || sed -nE "/# skip/d; s/^ok [0-9]+ (.*)/ran under this kernel: ${name#lab:}: \\1/p" "$out"
	count "$name" "$ok" "$fail" "$skip" $((SECONDS - t))
}

run_vm() {
	# there each point of a fault takes many times as long
	# shellcheck disable=SC2086 # a list of suites
	IOCAGE_TESTS_MUST_RUN=0 IOCAGE_TESTS_SAY_RAN=1 FAULT_STEP=${IOCAGE_VM_FAULT_STEP:-149} tests/vm/run.sh tests/run.sh $vm_suites 2>&1 |
		tr -d '\r'
	return "${PIPESTATUS[0]}"
}

# end_vm STATUS SECONDS
end_vm() {
	local status=$1 ok fail skip
	ok=$(sed -nE 's/^([0-9]+) passed, .*/\1/p' "$vm_out" | tail -n 1)
	fail=$(sed -nE 's/^[0-9]+ passed, ([0-9]+) failed.*/\1/p' "$vm_out" | tail -n 1)
	skip=$(sed -nE 's/^[0-9]+ passed, .* ([0-9]+) skipped.*/\1/p' "$vm_out" | tail -n 1)
	if [ -z "$ok" ] || { [ "$status" -ne 0 ] && [ "${fail:-0}" -eq 0 ]; }; then fail=$((${fail:-0} + 1)); fi
	grep -v '^ran under this kernel: ' "$vm_out"
	# its own recap
	sed -nE '/^failed: /,/^[0-9]+ passed, /{ /^[0-9]+ passed, /!{ s/^failed: /failed: vm: /; p } }' "$vm_out" >>"$recap"
	sed -n 's/^ran under this kernel: //p' "$vm_out" >>"$there"
	# what that kernel cannot do is this one's to run
	[ "${fail:-0}" -ne 0 ] || skip=$((${skip:-0} - $(grep -c '^not under this kernel: ' "$vm_out")))
	vm_ran=1
	count vm "${ok:-0}" "${fail:-0}" "${skip:-0}" "$2"
}

# A group of its own, which ends when we do.
start_beside() {
	set -m
	{
		local status
		[[ " $* " != *' lint '* ]] || nice tools/lint.sh >"$lint_out" 2>&1 &
		SECONDS=0
		[[ " $* " != *' vm '* ]] || run_vm >"$vm_out" 2>&1
		status="vm ended with $? after $SECONDS"
		wait
		echo "$status" >>"$lint_out"
	} </dev/null &
	beside=$!
	set +m
}

end_beside() {
	local ended
	[ -n "$beside" ] || return 0
	wait "$beside"
	beside=''
	[[ " $* " != *' lint '* ]] || end_lint
	ended=$(sed -n 's/^vm ended with \([0-9]*\) after \([0-9]*\)$/\1 \2/p' "$lint_out")
	# shellcheck disable=SC2086 # two words
	[[ " $* " != *' vm '* ]] || end_vm ${ended:-1 0}
}

# runs_there "SUITE: NAME": did it run under the other kernel, or, when that has not been asked, would it
runs_there() {
	local suite
	[ "$vm_ran" = 0 ] || {
		grep -qxF -e "$1" "$there"
		return
	}
	for suite in $vm_suites; do
		suite=${suite#lab:}
		[ "${suite%%:*}" = "${1%%: *}" ] || continue
		[[ $suite != *:* || ${1#*: } =~ ${suite#*:} ]] && return 0
	done
	return 1
}

# A test that runs under neither kernel says nothing: that is a failure.
check_elsewhere() {
	local line
	[ "$say_ran" = 0 ] || return 0
	while IFS= read -r line; do
		if ! runs_there "$line"; then
			echo "failed: skipped here, and not run under the other kernel: $line" >>"$recap"
			failed=$((failed + 1)) skipped=$((skipped - 1))
		elif [ "$vm_ran" = 1 ]; then
			skipped=$((skipped - 1))
		fi
	done <"$elsewhere"
}

[[ " $* " != *' lint '* && " $* " != *' vm '* ]] || start_beside "$@"
for suite in "${@:-unit}"; do
	case $suite in
	unit) run_unit ;;
	lint | vm) ;; # beside
	lab)
		for f in tests/lab/*.bats; do run_lab "$f"; done
		;;
	lab:*:*)
		regex=${suite#lab:*:} name=${suite#lab:}
		run_lab "tests/lab/${name%%:*}.bats" "$regex"
		;;
	lab:*) run_lab "tests/lab/${suite#lab:}.bats" ;;
	*)
		echo "usage: $0 [unit] [lint] [lab] [lab:NAME] [vm]" >&2
		exit 2
		;;
	esac
done

end_beside "$@"
check_elsewhere
if [ "$must_run" = 1 ] && [ "$skipped" -gt 0 ]; then
	failed=$((failed + skipped)) skipped=0
fi
cat "$recap"
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
