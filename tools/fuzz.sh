#!/usr/bin/env bash
# fuzz.sh - build the fuzz targets with libFuzzer and sanitizers and run each for a while: SECONDS_EACH=60 tools/fuzz.sh [NAME...]
#
# What is found goes to IOCAGE_FUZZ_DIR (build/fuzz). After each run one line says how many inputs were tried and which part
# of the parser's lines they reach (COVERAGE=0: not measured).
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
[ ${#targets[@]} -gt 0 ] || targets=(prop addr op config fstab lease rcconf sysctl argv broker relay state journal apt tar passwd hosts
	names files)

# The sources whose lines a target is to reach.
measured() {
	case $1 in
	prop) echo src/core/prop_*.c ;;
	addr) echo src/core/addr.c ;;
	op) echo src/core/op.c ;;
	config) echo src/store/config_json.c ;;
	fstab) echo src/core/plan_mounts.c ;;
	lease) echo src/core/lease.c ;;
	rcconf | sysctl) echo src/core/rcconf.c ;;
	argv) echo src/cli/opt.c ;;
	broker) echo src/os/linux/broker_decode.c ;;
	relay) echo src/os/linux/relay_udp.c ;;
	state | journal) echo "src/store/$1.c" ;;
	apt) echo src/store/release_apt.c ;;
	tar) echo src/store/extract.c ;;
	passwd) echo src/os/linux/user.c ;;
	hosts) echo src/core/hosts.c ;;
	names) echo src/store/workdir.c ;;
	files) echo src/os/linux/managers.c src/os/linux/procstat.c src/store/nat.c src/base/fs_linux.c src/store/release_archive.c src/store/release_busybox.c ;;
	esac
}

# The same target with the plain driver and clang's counters, over all that was found.
coverage() {
	local name=$1
	shift
	clang -g -O0 -std=gnu17 -D_GNU_SOURCE -Isrc -Itests/fuzz "-DIOCAGE_VERSION=\"fuzz\"" "-DIOCAGE_LIBEXECDIR=\"/nonexistent\"" \
		-fprofile-instr-generate -fcoverage-mapping -o "$dir/cov_$name" tests/fuzz/driver.c "$@"
	LLVM_PROFILE_FILE=$dir/$name.raw "$dir/cov_$name" "$dir/found/$name" "tests/fuzz/corpus/$name" >"$dir/$name.cov"
	llvm-profdata merge -sparse -o "$dir/$name.prof" "$dir/$name.raw"
	# of the functions it enters: the rest of a file opens and writes things
	# shellcheck disable=SC2046 # a list of files
	llvm-cov report -show-functions "$dir/cov_$name" -instr-profile="$dir/$name.prof" $(measured "$name") 2>/dev/null |
		awk -v n="$name" 'NF == 10 && $5 ~ /^[0-9]+$/ && $1 != "TOTAL" && $6 < $5 { f++; l += $5; lm += $6; b += $8; bm += $9 }
			END { printf "%s: %d functions, %.1f %% of their %d lines, %.1f %% of their %d branches\n", n, f,
				100 * (l - lm) / l, l, b ? 100 * (b - bm) / b : 100, b }'
}

for name in "${targets[@]}"; do
	src=("${core[@]}") libs=()
	case $name in
	config | state | journal | apt | names)
		mapfile -t -O ${#src[@]} src < <(find src/store src/base -name '*.c' ! -name 'extract*' ! -name '*_freebsd.c' ! -name err.c ! -name str.c)
		libs=(-ljansson -lmd)
		;;
	files)
		mapfile -t -O ${#src[@]} src < <(find src/store src/base -name '*.c' ! -name 'extract*' ! -name '*_freebsd.c' ! -name err.c ! -name str.c)
		src+=(src/os/linux/managers.c src/os/linux/procstat.c)
		libs=(-ljansson -lmd)
		;;
	argv) src+=(src/cli/opt.c src/cli/commands.c) ;;
	broker) src=(src/os/linux/broker_decode.c) ;;
	relay) src=(src/os/linux/relay_udp.c) ;;
	tar) src=(src/store/extract.c src/base/err.c src/base/str.c) libs=(-larchive) ;;
	passwd) src+=(src/os/linux/user.c) ;;
	esac
	clang "${flags[@]}" -o "$dir/fuzz_$name" "tests/fuzz/fuzz_$name.c" "${src[@]}" "${libs[@]}"
	mkdir -p "$dir/found/$name"
	echo "== $name, $seconds seconds"
	"$dir/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
		-artifact_prefix="$dir/crash-$name-" "$dir/found/$name" "tests/fuzz/corpus/$name" 2>&1 | tee "$dir/$name.log" |
		sed -E -e '/^stat::number_of_executed_units/{s/.*: */executed: /;b' -e '}' -e '/^(stat::|####|"|INFO:)/d'
	[ "${COVERAGE:-1}" = 0 ] || coverage "$name" "tests/fuzz/fuzz_$name.c" "${src[@]}" "${libs[@]}"
done
echo "nothing found"
