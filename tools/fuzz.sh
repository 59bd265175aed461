#!/usr/bin/env bash
# fuzz.sh - build the fuzz targets with libFuzzer and sanitizers and run each for a while: SECONDS_EACH=60 tools/fuzz.sh [NAME...]
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${IOCAGE_FUZZ_DIR:-build/fuzz}
seconds=${SECONDS_EACH:-60}
flags=(-g -O1 -std=gnu17 -fno-omit-frame-pointer -D_GNU_SOURCE -Isrc -Itests/fuzz
	"-fsanitize=fuzzer,address,undefined" -fno-sanitize-recover=undefined
	-DIOCAGE_VERSION='"fuzz"' -DIOCAGE_LIBEXECDIR='"/nonexistent"')
mkdir -p "$dir"
core=(src/core/*.c src/base/err.c src/base/str.c)

targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(prop addr op config fstab lease rcconf sysctl argv broker)
for name in "${targets[@]}"; do
	src=("${core[@]}") libs=()
	case $name in
	config)
		mapfile -t -O ${#src[@]} src < <(find src/store src/base -name '*.c' ! -name 'extract*' ! -name '*_freebsd.c' ! -name err.c ! -name str.c)
		libs=(-ljansson -lmd)
		;;
	argv) src+=(src/cli/opt.c src/cli/commands.c) ;;
	broker) src=(src/os/linux/broker_decode.c) ;;
	esac
	clang "${flags[@]}" -o "$dir/fuzz_$name" "tests/fuzz/fuzz_$name.c" "${src[@]}" "${libs[@]}"
	mkdir -p "$dir/found/$name"
	echo "== $name, $seconds seconds"
	"$dir/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0 \
		-artifact_prefix="$dir/crash-$name-" "$dir/found/$name" "tests/fuzz/corpus/$name"
done
echo "nothing found"
