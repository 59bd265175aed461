#!/usr/bin/env bash
# lint.sh - every static check, each one line: ok, FAIL or skip. All of them, or those named: tools/lint.sh format layers
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=${IOCAGE_BUILD:-build}
jobs=$(nproc)
out=$(mktemp)
work=$(mktemp -d)
trap 'rm -rf "$out" "$work"' EXIT
fails=0 passes=0 skips=0

mapfile -t csrc < <(find src tests -name '*.[ch]' | sort)
mapfile -t scripts < <(grep -rlE '^#!.*(/|env )(ba)?sh$' .ci tools tests src | sort)

check() {
	local name=$1 t=$SECONDS
	shift
	if [ ${#want[@]} -gt 0 ] && [[ " ${want[*]} " != *" $name "* ]]; then return; fi
	"$@" >"$out" 2>&1
	case $? in
	0)
		passes=$((passes + 1))
		echo "ok $name ($((SECONDS - t)) s)"
		;;
	77)
		skips=$((skips + 1))
		echo "skip $name: $(tail -n 1 "$out")"
		;;
	*)
		fails=$((fails + 1))
		echo "FAIL $name"
		head -n 100 "$out" | sed 's/^/    /'
		;;
	esac
}

need() {
	command -v "$1" >/dev/null && return 0
	echo "$1 is not installed (make deps-test)"
	return 77
}

# These differ between releases in what they say, and it is Debian 12's that ours is written for. written_for TOOL VERSION
written_for() {
	need "$1" || return
	"$1" --version | grep -qE "(version|Cppcheck) $2(\.|$)" || {
		echo "it is checked with $1 $2 only"
		return 77
	}
}

format() {
	written_for clang-format 14 || return
	local bad
	bad=$(clang-format --dry-run -Werror "${csrc[@]}" 2>&1 | sed -n 's/^\([^: ]*\):[0-9]*:[0-9]*: error:.*/\1/p' | sort | uniq -c)
	[ -z "$bad" ] || {
		printf '%s\nto mend: clang-format -i FILE\n' "$bad"
		return 1
	}
}

# compiled: a line for each source file that is compiled, its name, a tab, and the flags that matter for looking at it.
compiled() {
	python3 - "$build/compile_commands.json" <<-'P'
		import json, os, shlex, sys
		top = os.getcwd()
		seen = {}
		for c in json.load(open(sys.argv[1])):
		    f = os.path.relpath(os.path.join(c["directory"], c["file"]), top)
		    flags = [a for a in shlex.split(c["command"]) if a.startswith(("-I", "-D", "-std"))]
		    flags = ["-I" + os.path.join(c["directory"], a[2:]) if a.startswith("-I") else a for a in flags]
		    if f.startswith("src/") and f.endswith(".c") and not f.endswith(".bpf.c"):
		        seen[f] = shlex.join(flags)
		for f in sorted(seen):
		    print(f, seen[f], sep="\t")
	P
}

# Without optimization, which removes what the analyzer would have to see. It loses sight of what is stored in arrays, and
# takes what dup2(2) returns for a new descriptor: leaks are left to the sanitizers. err.c defines what analyzer.h wraps.
gcc_analyzer() {
	need gcc || return
	local list
	list=$(compiled) || return 1
	[ -n "$list" ] || return 1
	grep -v '^src/base/err\.c' <<<"$list" | awk -F '\t' -v top="$PWD" '{
		printf "%s -O0 -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-fd-leak -Wno-analyzer-fd-use-without-check -include %s/tools/analyzer.h -c -o /dev/null %s\n", $2, top, $1 }' |
		xargs -P "$jobs" -L 1 gcc >"$work/log" 2>&1
	! grep -E 'warning:|error:' "$work/log"
}

tidy() {
	written_for clang-tidy 14 || return
	local list
	list=$(compiled | cut -f 1) || return 1
	[ -n "$list" ] || return 1
	# shellcheck disable=SC2086
	printf '%s\n' $list | grep -vx src/base/err.c |
		xargs -P "$jobs" -n 4 clang-tidy -p "$build" --quiet --extra-arg=-include --extra-arg="$PWD/tools/analyzer.h" 2>/dev/null &&
		clang-tidy -p "$build" --quiet src/base/err.c 2>/dev/null
}

# It does not know the cleanup attribute: leaks are left to the sanitizers.
cpp_check() {
	written_for cppcheck 2.10 || return
	cppcheck -q -j "$jobs" --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
		--suppress=missingInclude --suppress=unknownMacro --suppress=preprocessorErrorDirective --suppress=va_end_missing --suppress=memleak --suppress=resourceLeak --suppress=autoVariables:src/cli/known.c \
		-Isrc -D_GNU_SOURCE -D__x86_64__ --max-configs=2 src -i src/bpf
}

shell_check() {
	need shellcheck || return
	shellcheck -S warning "${scripts[@]}" &&
		shellcheck -S warning -s bash -e SC2016,SC2030,SC2031,SC2034,SC2154,SC1091,SC2317 tests/lab/*.bats tests/lab/*.bash
}

manual() {
	need mandoc || return
	local pages
	pages=$(find man "$build" -name 'iocage.8' -type f 2>/dev/null)
	[ -n "$pages" ] || {
		echo "no manual page"
		return 1
	}
	# shellcheck disable=SC2086
	mandoc -T lint -W warning $pages
}

# Read and compiled as it would be at a start, and not loaded: that needs no AppArmor here.
apparmor() {
	need apparmor_parser || return
	! apparmor_parser --skip-kernel-load --skip-read-cache --skip-cache --features-file=/etc/apparmor.d/abi/3.0 --warn=all \
		"$build/src/gen/iocage.apparmor" 2>&1 | grep .
}

# Units name the installed program, which need not be installed here: the one that was built takes its place.
units() {
	need systemd-analyze || return
	local u
	for u in "$build"/systemd/*.service; do
		sed "s,=/[^ ]*/iocage ,=$(cd "$build" && pwd)/iocage ," "$u" >"$work/${u##*/}"
	done
	# the directory alone is looked into beside the system's own: units of ours that name each other are found
	# a key it does not know is only a warning to it
	! SYSTEMD_UNIT_PATH="$work:" systemd-analyze verify --man=no "$work"/*.service 2>&1 | grep iocage
}

banned() {
	if grep -rnE --include='*.[ch]' \
		'\b(strcpy|strcat|sprintf|vsprintf|gets|system|popen|atoi|atol|alloca|strtok|mktemp|tmpnam|rand)[[:space:]]*\(' src; then
		echo "these calls are not used here; see base/str.h and base/proc.h"
		return 1
	fi
}

sizes() {
	local f n bad=0
	for f in "${csrc[@]}" "${scripts[@]}" tests/lab/*.bats; do
		n=$(wc -l <"$f")
		if [ "$n" -gt 800 ]; then
			echo "$f: $n lines, 800 at most"
			bad=1
		fi
	done
	return $bad
}

# The first line (the second after #!) says what a file is for.
purpose() {
	local f line bad=0
	for f in "${csrc[@]}" "${scripts[@]}" tests/lab/*.bats tests/lab/*.bash $(find . -name meson.build -not -path './build*') Makefile; do
		line=$(head -n 1 "$f")
		case $line in '#!'* | '/*') line=$(sed -n 2p "$f") ;; esac
		case $line in
		' * '?* | '/* '?* | '# '?*) ;;
		*)
			echo "$f: the first line does not say what the file is for"
			bad=1
			;;
		esac
	done
	return $bad
}

whitespace() {
	local found
	found=$(git ls-files -co --exclude-standard | grep -vE '^tests/(fuzz/corpus|data)/' | while read -r f; do
		[ -f "$f" ] && grep -nIE '[[:blank:]]+$' "$f" | sed "s|^|$f:|"
	done)
	[ -z "$found" ] || {
		echo "$found"
		return 1
	}
}

unfinished() {
	# the words themselves are kept apart so that this file passes
	local a=TO b=DO c=FIX d=ME
	if grep -rnE "\\b($a$b|$c$d)\\b|not implemented" src; then return 1; fi
}

# Both compilers, every warning an error.
warnings() {
	local cc=$1 dir=$work/$1
	need "$cc" || return
	CC=$cc meson setup "$dir" -Dwerror=true >"$work/log" 2>&1 || {
		cat "$work/log"
		return 1
	}
	ninja -C "$dir" >"$work/log" 2>&1 || {
		grep -E 'error|warning|FAILED' "$work/log"
		return 1
	}
}

want=("$@")
check format format
check purpose purpose
check sizes sizes
check banned banned
check unfinished unfinished
check whitespace whitespace
check layers tools/check-layers.sh
check shellcheck shell_check
check mandoc manual
check units units
check apparmor apparmor
check gcc warnings gcc
check clang warnings clang
check cppcheck cpp_check
check gcc-analyzer gcc_analyzer
check clang-tidy tidy
check freebsd tools/check-freebsd.sh

echo "lint: $passes passed, $fails failed$([ $skips -eq 0 ] || echo ", $skips skipped")"
[ "$fails" -eq 0 ]
