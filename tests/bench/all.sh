#!/usr/bin/env bash
# all.sh - every part of the bench, whatever the one before said; at the end each target that was missed and each part that broke
# off, once more. Usage: all.sh [PART...], parts being scripts beside this one, with their arguments. Ends with 1 if there is any such line.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

[ $# -gt 0 ] || set -- bench.sh net.sh sockets.sh "many.sh shared" "many.sh vnet"
out=$(mktemp) said=$(mktemp)
trap 'rm -f "$out" "$said"' EXIT
trap 'exit 130' INT TERM

for part; do
	echo "== $part"
	# shellcheck disable=SC2086 # its arguments
	./$part 2>&1 | tee "$out"
	status=${PIPESTATUS[0]}
	missed=$(grep -E '  missed$' "$out")
	[ -z "$missed" ] || sed "s/^ */$part: /" <<<"$missed" >>"$said"
	# a part ends with how many it missed: without that it measured nothing, or not all
	if ! tail -n 1 "$out" | grep -qE '^[0-9]+ missed$' || { [ "$status" -ne 0 ] && [ -z "$missed" ]; }; then
		echo "$part: broke off with status $status: $(grep -v '^$' "$out" | tail -n 1)" >>"$said"
	fi
done
echo
if [ -s "$said" ]; then
	cat "$said"
	exit 1
fi
echo "every target was met"
