#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify-federation.sh ROSTER UPDATE: checks by openssl that a threshold of the members of a federation
# cosigned each checkpoint of an update (GET /federation/v1/update), without ctga.
# ROSTER is the roster that is trusted, and has to be the one in force: what follows it is signed by BLS,
# which openssl does not know, as are accusations; `ctga federation verify` checks those.
#
# Checks the Ed25519 cosignatures (c2sp.org/tlog-cosignature), of which each member has one: docs/FEDERATION.md.
# Exit code 0 only if the update has a checkpoint, and each of them the threshold.
set -eu
LC_ALL=C
export LC_ALL

roster=${1:?usage: sh verify-federation.sh ROSTER UPDATE}
update=${2:?usage: sh verify-federation.sh ROSTER UPDATE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dash=$(printf '\342\200\224')

die() {
	echo "FAILS  $1"
	exit 1
}

hexdump_of() { od -An -v -tx1 | tr -d ' \n'; }

# --- the roster: the threshold, and the verifier keys ---------------------------------------------------

threshold=$(sed -n 's/^    "threshold": \([0-9]\{1,3\}\),$/\1/p' "$roster")
case $threshold in '' | *[!0-9]*) die "the roster has one threshold" ;; esac
sed -n '/^ *"vkeys": \[$/,/^ *\]/ s/^ *"\([^"\\]*\)",\{0,1\}$/\1/p' "$roster" | sort -u >"$work/vkeys"
: >"$work/keys"
while read -r vkey; do
	name=${vkey%%+*}
	rest=${vkey#*+}
	id=${rest%%+*}
	printf %s "${rest#*+}" | openssl base64 -d -A >"$work/key"
	# Type 0x04 and 32 bytes: an Ed25519 key of a cosigner.
	[ "$(head -c 1 "$work/key" | hexdump_of)" = 04 ] || continue
	[ "$(wc -c <"$work/key")" -eq 33 ] || die "the key of $name is 32 bytes"
	{ printf '\060\052\060\005\006\003\053\145\160\003\041\000' && tail -c 32 "$work/key"; } >"$work/$id.der"
	made=$({ printf '%s\n' "$name" && cat "$work/key"; } | openssl dgst -sha256 -r | cut -c1-8)
	[ "$made" = "$id" ] || die "the key ID of $name is that of its key"
	printf '%s %s\n' "$id" "$name" >>"$work/keys"
done <"$work/vkeys"

# --- the checkpoints ----------------------------------------------------------------------------------

sed -n '/^  "checkpoints": \[$/,/^  \]/ s/^    "\(.*\)",\{0,1\}$/\1/p' "$update" >"$work/checkpoints"
[ -s "$work/checkpoints" ] || die "the update has a checkpoint"
while read -r line; do
	# No other escape is in a checkpoint.
	case $(printf '%s\n' "$line" | sed 's/\\n//g') in *\\*) die "a checkpoint is plain text" ;; esac
	printf '%s' "$line" | awk '{ gsub(/\\n/, "\n"); printf "%s", $0 }' >"$work/note"
	sed '/^$/,$d' "$work/note" >"$work/text"
	[ "$(wc -l <"$work/text")" -ge 3 ] || die "a checkpoint has an origin, a size and a root"
	count=0
	while read -r id name; do
		good=no
		# At most four lines are tried: a member has one.
		sed -n "1,/^\$/!p" "$work/note" | grep -F "$dash $name " | head -n 4 >"$work/lines" || true
		while read -r _ named signature; do
			[ "$named" = "$name" ] || continue
			printf %s "$signature" | openssl base64 -d -A >"$work/line"
			[ "$(wc -c <"$work/line")" -eq 76 ] || continue
			[ "$(head -c 4 "$work/line" | hexdump_of)" = "$id" ] || continue
			seconds=$(head -c 12 "$work/line" | tail -c 8 | hexdump_of)
			tail -c 64 "$work/line" >"$work/signature"
			{ printf 'cosignature/v1\ntime %d\n' "0x$seconds" && cat "$work/text"; } >"$work/message"
			openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/$id.der" -rawin -in "$work/message" \
				-sigfile "$work/signature" >/dev/null 2>&1 && good=yes
		done <"$work/lines"
		[ $good = no ] || count=$((count + 1))
	done <"$work/keys"
	origin=$(sed -n 1p "$work/text")
	size=$(sed -n 2p "$work/text")
	[ "$count" -ge "$threshold" ] || die "$origin, size $size: $count members cosigned it, and it takes $threshold"
	echo "holds  $origin, size $size: $count members cosigned it, and it takes $threshold"
done <"$work/checkpoints"
