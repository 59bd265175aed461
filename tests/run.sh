#!/usr/bin/env bash
# run.sh - run test suites and count: tests/run.sh unit lint lab   (one lab file: lab:vnet). Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=${IOCAGE_BUILD:-build}
must_run=${IOCAGE_TESTS_MUST_RUN:-0}
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

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
		[ "$fail" -ne 0 ] || fail=1
	fi
	count unit "${ok:-0}" "$fail" "${skip:-0}" $((SECONDS - t))
}

run_lint() {
	local t=$SECONDS
	tools/lint.sh >"$out" 2>&1
	local fail ok skip
	ok=$(grep -c '^ok ' "$out")
	fail=$(grep -c '^FAIL ' "$out")
	skip=$(grep -c '^skip ' "$out")
	[ $((ok + fail)) -gt 0 ] || fail=1
	if [ "$fail" -ne 0 ] || [ "$skip" -ne 0 ]; then cat "$out"; fi
	count lint "$ok" "$fail" "$skip" $((SECONDS - t))
}

# One bats file in a world of its own.
run_lab() {
	local t=$SECONDS f=$1 name status planned ok fail skip
	name=lab:$(basename "$f" .bats)
	timeout --kill-after=20 "${IOCAGE_SUITE_SECONDS:-900}" tests/lab/world.sh bats --formatter tap "$f" >"$out" 2>&1
	status=$?
	planned=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$out" | head -n 1)
	skip=$(grep -cE '^ok [0-9]+ .*# skip' "$out")
	ok=$(($(grep -cE '^ok [0-9]+ ' "$out") - skip))
	fail=$((${planned:-0} - ok - skip))
	if [ "${planned:-0}" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$fail" -eq 0 ]; }; then fail=$((fail + 1)); fi
	if [ "$fail" -ne 0 ]; then
		grep -vE '^ok [0-9]+ ' "$out"
	elif [ "$skip" -ne 0 ]; then
		grep '# skip' "$out"
	fi
	count "$name" "$ok" "$fail" "$skip" $((SECONDS - t))
}

for suite in "${@:-unit}"; do
	case $suite in
	unit) run_unit ;;
	lint) run_lint ;;
	lab)
		for f in tests/lab/*.bats; do run_lab "$f"; done
		;;
	lab:*) run_lab "tests/lab/${suite#lab:}.bats" ;;
	*)
		echo "usage: $0 [unit] [lint] [lab] [lab:NAME]" >&2
		exit 2
		;;
	esac
done

if [ "$must_run" = 1 ] && [ "$skipped" -gt 0 ]; then
	failed=$((failed + skipped)) skipped=0
fi
if [ "$skipped" -gt 0 ]; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ] && [ $((passed + failed)) -gt 0 ]
