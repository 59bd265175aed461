# forge.bash - frames of all kinds out of a jail, and what of them arrives. For suites that load lib, too.
# shellcheck shell=bash disable=SC2154

# from JAIL TOKEN KIND [key=value...]: out of the jail's first NIC
from() {
	local j=$1
	shift
	nsenter --net="/proc/$(init_pid "$j")/ns/net" python3 "$LAB_TOP/tests/lab/forge.py" send "${NIC:-epair0b}" "$@"
}

# hear IFACE: note the tokens that arrive there from now on. nsenter's arguments may come before.
hear() {
	rm -f "$LAB_TMP/listens"
	"${@:2}" python3 "$LAB_TOP/tests/lab/forge.py" listen "$1" "$LAB_TMP/listens" >"$LAB_TMP/heard" 3>&- &
	listener=$!
	eventually test -e "$LAB_TMP/listens"
}

# heard TOKEN...: exactly these arrived
heard() {
	sleep 0.3
	kill "$listener"
	listener=''
	local got want
	got=$(sort -u "$LAB_TMP/heard" | tr '\n' ' ')
	want=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ')
	[ "$got" = "$want" ] || {
		echo "arrived: $got"
		echo "wanted:  $want"
		nft list ruleset
		return 1
	}
}
