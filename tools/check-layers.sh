#!/bin/sh
# check-layers.sh - prove the layers: who may include whom, and that core asks nothing of an operating system.
#     base <- core <- { store, os } <- cli <- main
set -eu
cd "$(dirname "$0")/.."
build=${IOCAGE_BUILD:-build}
bad=0

say() {
	echo "layers: $*"
	bad=1
}

# may LAYER ALLOWED...: every quoted include in src/LAYER names a layer that is allowed there
may() {
	layer=$1
	shift
	[ -d "src/$layer" ] || return 0
	allowed=$(printf '%s|' "$layer" "$@")
	found=$(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "src/$layer" |
		grep -vE "include[[:space:]]*\"(${allowed%|})/" | grep -vE 'include[[:space:]]*"[^/"]*\.h"' || true)
	[ -z "$found" ] || say "src/$layer may include only: $layer $*
$found"
}

may base
may core base
may store base core
may os base core bpf
may bpf
may init base
may cli base core store os
may gen base core cli os

# a parent directory in an include would walk round the rule
up=$(grep -rnE --include='*.[ch]' '#[[:space:]]*include[[:space:]]*"[^"]*\.\./' src || true)
[ -z "$up" ] || say "includes go by layer, not by ..:
$up"

# os/linux is reached through os/os.h only
inside=$(grep -rnE --include='*.[ch]' '#[[:space:]]*include[[:space:]]*"os/(linux|freebsd)/' src/cli src/store src/main.c 2>/dev/null || true)
[ -z "$inside" ] || say "only os/os.h is for other layers:
$inside"

# core: headers of the C library that ask nothing of the system, and inet_pton/ntop
core='assert|ctype|errno|inttypes|limits|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|arpa/inet|sys/socket|netinet/in'
sys=$(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*<' src/core | grep -vE "<($core)\.h>" || true)
[ -z "$sys" ] || say "core includes the operating system:
$sys"

# files are chosen by system, lines are not
ifdef=$(grep -rnE --include='*.[ch]' '#[[:space:]]*(if|ifdef|ifndef|elif).*(__linux__|__FreeBSD__|__gnu_linux__)' src || true)
[ -z "$ifdef" ] || say "system named in a condition:
$ifdef"

# core's object code calls nothing but itself, base and the pure part of the C library
libs=$(find "$build" -name 'libcore*.a' 2>/dev/null || true)
if [ -n "$libs" ]; then
	base=$(find "$build" -name 'libbase*.a')
	# thin archives name members relative to themselves: nm follows
	# shellcheck disable=SC2086
	nm --defined-only $libs $base 2>/dev/null | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u >"$build/layers.own"
	# shellcheck disable=SC2086
	calls=$(nm -u $libs | awk '$1 == "U" { print $2 }' | sort -u | grep -vxF -f "$build/layers.own" |
		grep -vE '^(__(asan|ubsan|sanitizer|gcov|stack_chk_fail|popcountdi2|udivti3|multi3|errno_location|assert_fail|ctype_|isoc99_|isoc23_|fprintf_chk)|_GLOBAL_|llvm_)' |
		grep -vE '^__(snprintf|vsnprintf|vasprintf|asprintf|memcpy|memset|memmove|strncpy)_chk$' |
		grep -vxE '(mem(cpy|move|set|cmp|chr|rchr)|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|rchr|chrnul|str|dup|ndup|spn|cspn|pbrk|sep|tok_r|tol|toul|toll|toull|error)|malloc|calloc|realloc|reallocarray|free|qsort|bsearch|abort|v?snprintf|v?asprintf|sscanf|inet_(pton|ntop)|is(alnum|alpha|digit|xdigit|space|print|upper|lower|punct)|to(upper|lower)|stpcpy)' || true)
	rm -f "$build/layers.own"
	[ -z "$calls" ] || say "libcore needs from outside:
$calls"
else
	say "no libcore.a in $build: build first"
fi

exit $bad
