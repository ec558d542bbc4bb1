#!/bin/sh
# verify-evidence.sh FILE: checks an evidence bundle of ctga without ctga.
#
# Uses openssl for every hash and signature, sed to read the file, and the arithmetic below, which is
# RFC 9162, Sections 2.1.3.2 and 2.1.4.2, written out. docs/EVIDENCE.md explains each step.
# Exit code 0 only if the file proves that the log signed two trees which no append-only history connects, or one that
# contradicts the final tree in a log list; then it prints whose list, and whether to believe it is for you to say.
set -eu
LC_ALL=C
export LC_ALL

file=${1:?usage: sh verify-evidence.sh FILE}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
	echo "FAILS  $1"
	exit 1
}

# --- reading: the bundle has one value a line ---------------------------------------------------------

field() { # field SECTION NAME: a string or number directly inside a section
	sed -n "/^  \"$1\": {\$/,/^  }/ s/^    \"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$file"
}
hashes() { # the proof's hashes, one a line, in base64
	sed -n '/^    "hashes": \[$/,/^    \]/ s/^      "\([^"]*\)",\{0,1\}$/\1/p' "$file"
}
number() { # number SECTION NAME: decimal digits, or die: the shell would take other text as an expression
	value=$(field "$1" "$2")
	case $value in '' | *[!0-9]* | ????????????????????*) die "$1.$2 is not a number below 10^19" ;; esac
	printf %s "$value"
}

# --- bytes --------------------------------------------------------------------------------------------

bytes() { printf %s "$1" | openssl base64 -d -A; }
plain() { bytes "$1" | openssl base64 -A; } # the one canonical spelling, so that text can be compared
uint64() { # 8 bytes, most significant first
	for shift in 56 48 40 32 24 16 8 0; do
		# shellcheck disable=SC2059 # the format is the byte, as an octal escape
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}
node() { # node LEFT RIGHT: SHA-256(01 || left || right), RFC 6962, Section 2.1
	{ printf '\001' && bytes "$1" && bytes "$2"; } | openssl dgst -sha256 -binary | openssl base64 -A
}

# --- the file: as it was written, to the last bit ------------------------------------------------------
# It keeps descriptions honest, which no signature covers. Whoever forges the rest can forge this as well.

digest=$(sed '/^  "digest": "/,$d' "$file" | openssl dgst -sha256 -r | cut -c1-64)
end=$(sed -n '/^  "digest": "/,$p' "$file" && echo .)
[ "$end" = "$(printf '  "digest": "%s"\n}\n.' "$digest")" ] || die "the file is to the last bit as it was written"
echo "holds  the file is to the last bit as it was written"

# --- the key and the two signatures (RFC 6962, Sections 3.2 and 3.5) ----------------------------------

bytes "$(field log key)" >"$work/key.der"
id=$(openssl dgst -sha256 -binary "$work/key.der" | openssl base64 -A)
[ "$id" = "$(field log log_id)" ] || die "the log ID is the SHA-256 of the key"
echo "holds  the log ID is the SHA-256 of the key"
openssl pkey -pubin -inform DER -in "$work/key.der" -out "$work/key.pem" 2>/dev/null || die "the key is a public key"

check_signature() { # check_signature first|second
	size=$(number "$1" tree_size)
	time=$(number "$1" timestamp)
	# version 0, signature type 1 (tree_hash), timestamp, tree size, root hash: 50 bytes
	{ printf '\000\001' && uint64 "$time" && uint64 "$size" && bytes "$(field "$1" sha256_root_hash)"; } >"$work/signed"
	[ "$(wc -c <"$work/signed")" -eq 50 ] || die "the root hash of the $1 head is 32 bytes"
	# A TLS DigitallySigned: hash and signature algorithm, two bytes of length, then the signature
	bytes "$(field "$1" tree_head_signature)" | tail -c +5 >"$work/signature"
	openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/signature" "$work/signed" >/dev/null 2>&1 ||
		die "the log signed the tree head of size $size"
	echo "holds  the log signed the tree head of size $size"
}
check_list() { # check_list first|second: the final tree of the log in a log list, which its publisher signed
	sed -n "/^  \"$1\": {\$/,/^  }/ s/^      \"\([a-z]*\)\": \"\([^\"]*\)\",\{0,1\}\$/\1 \2/p" "$file" >"$work/list"
	for part in json signature key; do
		bytes "$(sed -n "s/^$part //p" "$work/list")" >"$work/list.$part"
	done
	openssl pkey -pubin -inform DER -in "$work/list.key" -out "$work/list.pem" 2>/dev/null || die "the list's key is a public key"
	openssl dgst -sha256 -verify "$work/list.pem" -signature "$work/list.signature" "$work/list.json" >/dev/null 2>&1 ||
		die "the log list is signed"
	echo "holds  the log list is signed with the key whose SHA-256 is $(openssl dgst -sha256 -r "$work/list.key" | cut -c1-64)"
	# The entry of the log: from its key to the end of its final tree head, whatever stands in between.
	tr -d ' \n\t\r' <"$work/list.json" | sed 's/{"description"/\n&/g; s/{"key"/\n&/g; s/{"log_id"/\n&/g' |
		grep -F "$(field log key)" | grep -F "\"sha256_root_hash\":\"$(field "$1" sha256_root_hash)\"" |
		grep -Eq "\"tree_size\":$(number "$1" tree_size)[,}]" ||
		die "the list has the log's final tree at size $(number "$1" tree_size)"
	echo "holds  the list has the log's final tree at size $(number "$1" tree_size)"
}
listed=''
for which in first second; do
	if [ -n "$(field $which tree_head_signature)" ]; then
		check_signature $which
	else
		[ -z "$listed" ] || die "one of the trees is signed by the log"
		check_list $which
		listed=$which
	fi
done

m=$(number first tree_size)
n=$(number second tree_size)
root_m=$(plain "$(field first sha256_root_hash)")
root_n=$(plain "$(field second sha256_root_hash)")

# --- one size: no proof is needed ---------------------------------------------------------------------

[ "$m" -gt 0 ] || die "the smaller tree has an entry (a root for size 0 accuses nobody)"
if [ "$m" -eq "$n" ]; then
	[ "$root_m" != "$root_n" ] || die "the two roots for size $n differ"
	echo "holds  the two roots for size $n differ"
	echo "The evidence stands: the log signed two different trees of size $n."
	exit 0
fi
[ "$m" -lt "$n" ] || die "the heads are in order of size"

# --- folding the log's proof: the root it has for size m (left) and for size n (right) -----------------

kind=$(field proof kind)
left=''
case $kind in
consistency) # from m; the walk starts at leaf m - 1, and the first hash is on both sides
	fn=$((m - 1)) sn=$((n - 1)) watch=no seed='' skip=yes
	if [ $((m & (m - 1))) -eq 0 ]; then seed=$root_m skip=no; fi
	;;
successor-consistency) # from m + 1, m = 2^k: the first hash that joins from the left is the tree of size m
	if [ "$m" -lt 2 ] || [ $((m & (m - 1))) -ne 0 ] || [ "$n" -lt $((m + 2)) ]; then die "the kind of proof fits the sizes"; fi
	fn=$m sn=$((n - 1)) watch=yes seed='' skip=yes
	;;
inclusion) # of leaf m, m = 1 or n = m + 1 = 2^k + 1: the first hash of its path is the tree of size m
	if [ "$m" -ne 1 ] && { [ $((m & (m - 1))) -ne 0 ] || [ "$n" -ne $((m + 1)) ]; }; then die "the kind of proof fits the sizes"; fi
	fn=$m sn=$((n - 1)) watch=yes seed=$(field proof leaf_hash) skip=no
	;;
*) die "the kind of proof is known" ;;
esac
if [ "$kind" != inclusion ]; then
	while [ $((fn & 1)) -eq 1 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
fi
right=$seed fold=$seed
for hash in $(hashes); do
	if [ $skip = yes ]; then
		right=$(plain "$hash") fold=$right skip=no
		continue
	fi
	[ "$sn" -ne 0 ] || die "the proof is as long as the tree is high"
	if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
		if [ -z "$left" ]; then left=$(plain "$hash"); fi
		fold=$(node "$hash" "$fold")
		right=$(node "$hash" "$right")
		while [ "$fn" -ne 0 ] && [ $((fn & 1)) -eq 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
	else
		right=$(node "$right" "$hash")
	fi
	fn=$((fn >> 1)) sn=$((sn >> 1))
done
[ "$sn" -eq 0 ] || die "the proof reaches the root"
[ $watch = yes ] || left=$fold

[ "$right" = "$root_n" ] || die "the log's proof leads to the root that it signed for size $n"
echo "holds  the log's proof leads to the root that it signed for size $n"
[ "$left" != "$root_m" ] || die "the proof shows another root for size $m than the log signed"
echo "holds  the proof shows another root for size $m than the log signed"
echo "The evidence stands: the log's tree of size $n does not extend its tree of size $m."
