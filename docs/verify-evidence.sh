#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# verify-evidence.sh FILE [LIST | KEY]: checks an evidence bundle of ctga without ctga.
# LIST is a log list (JSON, schema v3), KEY a log's public key (PEM): whose key the bundle has, by that alone.
# Of a log of checkpoints (version 2) LIST is a file with verifier keys: lines of "VKEY [URL]", a list of the witness
# network (logs/v0), or a policy (tlog-policy).
#
# Uses openssl for every hash and signature, sed to read the file, and the arithmetic below, which is
# RFC 9162, Sections 2.1.3.2 and 2.1.4.2, written out. docs/EVIDENCE.md explains each step.
# Exit code 5 if this machine's openssl cannot check the signatures (ML-DSA-44 takes OpenSSL 3.5): then nothing is said.
# Exit code 4 if all holds, but it is not known whose key that is: anybody may have made the file.
# Exit code 0 only if the key is in the list given, or is the key given, and the file proves that the log signed two trees which no append-only history connects, or one that
# contradicts the final tree in a log list; then it prints whose list, and whether to believe it is for you to say.
# Or, with "kind": "promise-broken", that the log signed a promise (an SCT) and a tree that has another entry in its place.
set -eu
LC_ALL=C
export LC_ALL

file=${1:?usage: sh verify-evidence.sh FILE [LIST | KEY]}
whose=${2:-}
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

# --- the form: every line is as ctga writes it, no field more or less -----------------------------------

raw() { # raw SECTION NAME: a string as it stands in the file, in quotes
	sed -n "/^  \"$1\": {\$/,/^  }/ s/^    \"$2\": \(\".*\"\),\{0,1\}\$/\1/p" "$file"
}
integer() { # numbers that JSON cannot hold are strings
	if [ "$1" -gt 9007199254740991 ]; then printf '"%s"' "$1"; else printf %s "$1"; fi
}
exhibit() {
	printf '  "%s": {\n    "tree_size": %s,\n' "$1" "$(integer "$(number "$1" tree_size)")"
	if [ $version = 2 ]; then
		printf '    "sha256_root_hash": "%s",\n    "checkpoint": "%s"\n  },\n' \
			"$(field "$1" sha256_root_hash)" "$(field "$1" checkpoint)"
	elif [ -n "$(field "$1" tree_head_signature)" ]; then
		printf '    "timestamp": %s,\n    "sha256_root_hash": "%s",\n    "tree_head_signature": "%s"\n  },\n' \
			"$(integer "$(number "$1" timestamp)")" "$(field "$1" sha256_root_hash)" "$(field "$1" tree_head_signature)"
	else
		printf '    "sha256_root_hash": "%s",\n    "log_list": {\n' "$(field "$1" sha256_root_hash)"
		for part in json signature key; do
			[ $part = json ] || printf ',\n'
			printf '      "%s": "%s"' $part "$(sed -n "/^  \"$1\": {\$/,/^  }/ s/^      \"$part\": \"\([^\"]*\)\",\{0,1\}\$/\1/p" "$file")"
		done
		printf '\n    }\n  },\n'
	fi
}
claim() {
	if [ "$bundle" = promise-broken ]; then
		printf 'promised a certificate to be entry %s of its tree, and signed a tree of size %s in which that is another.' \
			"$(number derivation leaf_index)" "$(number head tree_size)"
		return
	fi
	m=$(number first tree_size) n=$(number second tree_size)
	if [ $version = 1 ] && [ -z "$(field first tree_head_signature)" ]; then
		printf 'signed a tree of size %s that contradicts its final tree of size %s in a signed log list.' "$n" "$m"
	elif [ $version = 1 ] && [ -z "$(field second tree_head_signature)" ]; then
		printf 'signed a tree of size %s that contradicts its final tree of size %s in a signed log list.' "$m" "$n"
	elif [ "$m" = "$n" ]; then
		printf 'signed two different trees of size %s.' "$m"
	else
		printf 'signed a tree of size %s that its tree of size %s does not extend.' "$m" "$n"
	fi
}
promise() {
	printf '  "promise": {\n    "timestamp": %s,\n    "extensions": "%s",\n    "signature": "%s",\n' \
		"$(integer "$(number promise timestamp)")" "$(field promise extensions)" "$(field promise signature)"
	case $(field promise entry_type) in
	x509) printf '    "entry_type": "x509",\n' ;;
	precert)
		printf '    "entry_type": "precert",\n    "issuer_key_hash": "%s",\n' "$(field promise issuer_key_hash)"
		;;
	*) return 1 ;;
	esac
	printf '    "entry": "%s"\n  },\n' "$(field promise entry)"
}
form() {
	name=$(raw log description)
	name=${name#?} name=${name%?}
	printf '{\n  "format": "ctga-evidence",\n  "version": %s,\n' $version
	if [ "$bundle" = promise-broken ]; then printf '  "kind": "promise-broken",\n'; fi
	printf '  "created": %s,\n' "$(sed -n 's/^  "created": \(".*"\),$/\1/p' "$file")"
	printf '  "claim": "The log \\"%s\\" %s",\n  "log": {\n    "description": "%s",\n' "$name" "$(claim)" "$name"
	printf '    "url": %s,\n    "log_id": "%s",\n    "key": "%s"\n  },\n' "$(raw log url)" "$(field log log_id)" "$(field log key)"
	if [ "$bundle" = promise-broken ]; then promise && exhibit head; else exhibit first && exhibit second; fi
	printf '  "proof": {\n    "kind": "%s"' "$(field proof kind)"
	case $(field proof kind) in
	none) ;;
	inclusion | consistency | successor-consistency)
		if [ "$(field proof kind)" = inclusion ]; then printf ',\n    "leaf_hash": "%s"' "$(field proof leaf_hash)"; fi
		printf ',\n    "hashes": ['
		hashes | sed 's/.*/      "&"/; $!s/$/,/; 1s/^/\n/'
		if [ -n "$(hashes)" ]; then printf '    '; fi
		printf ']'
		;;
	*) return 1 ;;
	esac
	if [ "$bundle" = promise-broken ]; then
		printf '\n  },\n  "derivation": {\n    "leaf_index": %s,\n    "leaf_hash": "%s"\n  },\n' \
			"$(integer "$(number derivation leaf_index)")" "$(field derivation leaf_hash)"
		return
	fi
	printf '\n  },\n  "derivation": {\n    "first_root": "%s",\n    "second_root": "%s"\n  },\n' \
		"$(field derivation first_root)" "$(field derivation second_root)"
}
bundle=fork heads='first second' version=1 unchecked=''
if grep -q '^  "version": 2,$' "$file"; then version=2; fi
if [ $version = 1 ] && grep -q '^  "kind": "promise-broken",$' "$file"; then
	bundle=promise-broken heads=head
	[ "$(field proof kind)" = inclusion ] || die "the kind of proof fits the sizes"
fi
form >"$work/form" || die "the file has the form of version $version"
sed '/^  "digest": "/,$d' "$file" | cmp -s - "$work/form" || die "the file has the form of version $version"
del=$(printf '\177') # a control character that JSON does not escape
for text in "$(raw log description)" "$(raw log url)" "$(sed -n 's/^  "created": \(".*"\),$/\1/p' "$file")"; do
	printf '%s\n' "$text" | grep -Eqx '"([^"\\[:cntrl:]]|'"$del"'|\\["\\bfnrt]|\\u00(0[0-7bef]|1[0-9a-f]))*"' || die "the file has the form of version $version"
done
{ # 32 bytes each, in the one canonical spelling
	for which in $heads; do field "$which" sha256_root_hash; done
	if [ $bundle = promise-broken ]; then
		field derivation leaf_hash
		if [ "$(field promise entry_type)" = precert ]; then field promise issuer_key_hash; fi
	else
		field derivation first_root && field derivation second_root
	fi
	hashes
	if [ "$(field proof kind)" = inclusion ]; then field proof leaf_hash; fi
} | grep -Evqx '[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=' && die "every hash is 32 bytes in base64"
[ "$(hashes | wc -l)" -le 200 ] || die "the proof has at most 200 hashes"
canonical() { # canonical SECTION NAME
	text=$(field "$1" "$2")
	[ "$(plain "$text")" = "$text" ] || die "base64 is in its one canonical spelling"
}
canonical log log_id && canonical log key
for which in $heads; do
	if [ $version = 2 ]; then canonical "$which" checkpoint; else canonical "$which" tree_head_signature; fi
done
if [ $bundle = promise-broken ]; then
	for name in signature extensions entry; do canonical promise $name; done
fi
echo "holds  the file has the form of version $version"

# --- the key and the two signatures (RFC 6962, Sections 3.2 and 3.5) ----------------------------------

bytes "$(field log key)" >"$work/key.der" # of version 2 it is text
id=$(openssl dgst -sha256 -binary "$work/key.der" | openssl base64 -A)
[ "$id" = "$(field log log_id)" ] || die "the log ID is the SHA-256 of the key"
echo "holds  the log ID is the SHA-256 of the key"
ct_key() {
	openssl pkey -pubin -inform DER -in "$work/key.der" -out "$work/key.pem" 2>/dev/null || die "the key is a public key"
	kind=$(openssl pkey -pubin -in "$work/key.pem" -noout -text 2>/dev/null)
	case $kind in # RFC 6962, Section 2.1.4: the algorithm of the signatures follows, as TLS has it
	*prime256v1*) algorithm=0403 ;;
	*Modulus:*)
		algorithm=0401
		bits=$(printf %s "$kind" | sed -n 's/.*(\([0-9]*\) bit).*/\1/p')
		[ "${bits:-0}" -ge 2048 ] || die "the key is ECDSA P-256 or RSA of at least 2048 bits"
		;;
	*) die "the key is ECDSA P-256 or RSA of at least 2048 bits" ;;
	esac
}

# --- version 2: an origin, a verifier key, and checkpoints (c2sp.org/signed-note, tlog-checkpoint) ------

hex() { od -An -v -tx1 | tr -d ' \n'; }
octets() { # octets HEX: those bytes
	for octet in $(printf %s "$1" | sed 's/../& /g'); do
		# shellcheck disable=SC2059
		printf "\\$(printf %03o "0x$octet")"
	done
}
utf8() { # utf8 FILE: whether it is valid UTF-8
	iconv -f UTF-8 -t UTF-8 <"$1" 2>/dev/null | cmp -s - "$1"
}
key_fails() { die "the key is the origin and verifier key of a log of checkpoints"; }
checkpoint_key() { # the key is two lines: ORIGIN, and NAME+KEYID+base64(TYPE || PUBLIC KEY)
	origin=$(sed -n 1p "$work/key.der") vkey=$(sed -n 2p "$work/key.der")
	printf '%s\n%s' "$origin" "$vkey" | cmp -s - "$work/key.der" && utf8 "$work/key.der" || key_fails
	name=${vkey%%+*} rest=${vkey#*+}
	key_id=${rest%%+*} encoded=${rest#*+}
	[ "$name+$key_id+$encoded" = "$vkey" ] && [ -n "$origin" ] && [ -n "$name" ] || key_fails
	# No control characters, and in the name no space of Unicode's (White_Space)
	printf '%s%s' "$origin" "$vkey" | grep -Eq "[[:cntrl:]]|$(printf '\302[\200-\237]')" && key_fails
	printf %s "$name" | grep -Eq "$(printf ' |\302\240|\341\232\200|\342\200[\200-\212\250\251\257]|\342\201\237|\343\200\200')" && key_fails
	bytes "$encoded" >"$work/raw"
	[ "$(openssl base64 -A -in "$work/raw")" = "$encoded" ] || key_fails
	[ "$({ printf '%s\n' "$name" && cat "$work/raw"; } | openssl dgst -sha256 -r | cut -c1-8)" = "$key_id" ] ||
		die "the key ID of the verifier key is that of its name and key"
	public=$(tail -c +2 "$work/raw" | hex)
	case $(head -c 1 "$work/raw" | hex) in
	01) # RFC 8410
		algorithm=ed25519 spki=302a300506032b6570032100 length=33
		case $(printf %s "$public" | cut -c1-62)$(printf %02x $((0x0$(printf %s "$public" | cut -c63-64) & 127))) in # of small order: anybody can sign for it
		0000000000000000000000000000000000000000000000000000000000000000 | \
			0100000000000000000000000000000000000000000000000000000000000000 | \
			26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05 | \
			c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a | \
			e[cde]ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f)
			die "only the log can sign for the key"
			;;
		esac
		;;
	06) # RFC 9881
		algorithm=ml-dsa-44 spki=30820532300b06096086480165030403110382052100 length=1313
		[ "$(printf %s "$origin" | wc -c)" -lt 256 ] && [ "$(printf %s "$name" | wc -c)" -lt 256 ] || key_fails
		;;
	*) die "the key is Ed25519 or ML-DSA-44" ;;
	esac
	[ "$(wc -c <"$work/raw")" -eq $length ] || key_fails
	{ octets "$spki" && tail -c +2 "$work/raw"; } >"$work/spki.der"
	if openssl pkey -pubin -inform DER -in "$work/spki.der" -out "$work/key.pem" 2>/dev/null &&
		openssl pkeyutl -help 2>&1 | grep -q -e -rawin; then
		return
	fi
	unchecked=$algorithm
	echo "CANNOT CHECK  $(openssl version) does not check signatures of $algorithm"
}
check_checkpoint() { # check_checkpoint first|second: the log signed it, with its key, over its origin
	size=$(number "$1" tree_size)
	bytes "$(field "$1" checkpoint)" >"$work/note"
	sed '$d' "$work/note" | sed '$d' >"$work/signed"
	encoded=$(sed -n '$s/.* //p' "$work/note")
	bytes "$encoded" >"$work/line"
	{ cat "$work/signed" && printf '\n\342\200\224 %s %s\n' "$name" "$encoded"; } | cmp -s - "$work/note" &&
		[ "$(openssl base64 -A -in "$work/line")" = "$encoded" ] && [ "$(head -c 4 "$work/line" | hex)" = "$key_id" ] &&
		utf8 "$work/note" || die "the $1 checkpoint has the log's signature line alone"
	root=$(sed -n 3p "$work/signed")
	sed -n 1p "$work/signed" >"$work/origin"
	printf '%s\n' "$origin" | cmp -s - "$work/origin" || die "the $1 checkpoint is of the log's origin"
	[ "$(sed -n 2p "$work/signed" | cat -v)" = "$size" ] && printf '%s\n' "$root" | grep -Eqx '[A-Za-z0-9+/]{43}=' &&
		[ "$(plain "$root")" = "$(field "$1" sha256_root_hash)" ] || die "the $1 checkpoint has the size and the root in the file"
	tail -c +5 "$work/line" >"$work/signature"
	if [ $algorithm = ml-dsa-44 ]; then # c2sp.org/tlog-cosignature: it covers no more lines than three
		printf '%s\n%s\n%s\n' "$origin" "$size" "$(plain "$root")" | cmp -s - "$work/signed" || die "the $1 checkpoint has no extension lines"
		[ "$(wc -c <"$work/signature")" -eq 2428 ] || die "the signature of the $1 is of the key's algorithm"
		head -c 8 "$work/signature" >"$work/time"
		[ $((0x$(head -c 1 "$work/time" | hex))) -lt 128 ] || die "the time of the $1 signature is below 2^63"
		{
			printf 'subtree/v1\n\000' && uint 1 "$(printf %s "$name" | wc -c)" && printf %s "$name" && cat "$work/time"
			uint 1 "$(printf %s "$origin" | wc -c)" && printf %s "$origin" && uint64 0 && uint64 "$size" && bytes "$root"
		} >"$work/message"
		tail -c +9 "$work/signature" >"$work/bare" && mv "$work/bare" "$work/signature" && mv "$work/message" "$work/signed"
	elif [ "$(wc -c <"$work/signature")" -ne 64 ]; then
		die "the signature of the $1 is of the key's algorithm"
	fi
	if [ -n "$unchecked" ]; then
		echo "CANNOT CHECK  the log signed the tree head of size $size"
		return
	fi
	openssl pkeyutl -verify -pubin -inkey "$work/key.pem" -rawin -in "$work/signed" -sigfile "$work/signature" >/dev/null 2>&1 ||
		die "the log signed the tree head of size $size"
	echo "holds  the log signed the tree head of size $size"
}
listed_log() { # whether the file has the log: its key and its origin
	# The origin is the key's name, but for Go's checksum databases, which have one name among them.
	ORIGIN=$origin VKEY=$vkey awk '
		function done(name) {
			name = vkey; sub(/[+].*/, "", name)
			if (origin == "") origin = name == "sum.golang.org" || url ~ "/latest$" ? "go.sum database tree" : name
			if (vkey == ENVIRON["VKEY"] && origin == ENVIRON["ORIGIN"]) found = 1
		}
		{ sub(/\r$/, "") }
		$1 == "origin" { sub(/^[ \t]*origin[ \t]+/, ""); sub(/[ \t]+$/, ""); if (origin == "") origin = $0; next }
		$1 == "url" { if (url == "") url = $2; next }
		$1 == "vkey" || $1 == "log" || $1 ~ /^[^#].*[+]/ {
			done(); at = $1 == "vkey" || $1 == "log" ? 2 : 1; vkey = $at; url = $(at + 1); origin = ""
		}
		END { done(); exit !found }' "$whose"
}

if [ $version = 2 ]; then checkpoint_key; else ct_key; fi

check_signature() { # check_signature first|second
	size=$(number "$1" tree_size)
	time=$(number "$1" timestamp)
	# version 0, signature type 1 (tree_hash), timestamp, tree size, root hash: 50 bytes
	{ printf '\000\001' && uint64 "$time" && uint64 "$size" && bytes "$(field "$1" sha256_root_hash)"; } >"$work/signed"
	[ "$(wc -c <"$work/signed")" -eq 50 ] || die "the root hash of the $1 head is 32 bytes"
	check_signed "$1" tree_head_signature "the log signed the tree head of size $size"
}
check_signed() { # check_signed SECTION NAME WHAT: the signature there is over what is in signed
	# A TLS DigitallySigned: hash and signature algorithm, two bytes of length, then the signature
	bytes "$(field "$1" "$2")" >"$work/digitally-signed"
	tail -c +5 "$work/digitally-signed" >"$work/signature"
	[ "$(head -c 4 "$work/digitally-signed" | od -An -v -tx1 | tr -d ' \n')" = "$algorithm$(printf %04x "$(wc -c <"$work/signature")")" ] ||
		die "the signature of the $1 is of the key's algorithm"
	openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/signature" "$work/signed" >/dev/null 2>&1 ||
		die "$3"
	echo "holds  $3"
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

# --- a broken promise (docs/EVIDENCE.md, "Why it proves a broken promise") --------------------------------

uint() { # uint OCTETS NUMBER: the last OCTETS of 8
	uint64 "$2" | tail -c "$1"
}
check_promise() {
	time=$(number promise timestamp)
	bytes "$(field promise entry)" >"$work/entry"
	bytes "$(field promise extensions)" >"$work/extensions"
	length=$(wc -c <"$work/entry") more=$(wc -c <"$work/extensions")
	[ "$length" -gt 0 ] && [ "$length" -lt 16777216 ] || die "the entry is 1 to 2^24 - 1 bytes"
	[ "$more" -lt 65536 ] || die "the extensions are less than 2^16 bytes"
	# version 0, certificate_timestamp (0), and a TimestampedEntry: RFC 6962, Section 3.2. To the last bit this is the
	# MerkleTreeLeaf of Section 3.4 too, whose version and type are 0 as well.
	{
		printf '\000\000' && uint64 "$time"
		if [ "$(field promise entry_type)" = precert ]; then
			printf '\000\001' && bytes "$(field promise issuer_key_hash)"
		else
			printf '\000\000'
		fi
		uint 3 "$length" && cat "$work/entry" && uint 2 "$more" && cat "$work/extensions"
	} >"$work/signed"
	check_signed promise signature "the log signed the promise (an SCT) with the timestamp $time"
	promised=$({ printf '\000' && cat "$work/signed"; } | openssl dgst -sha256 -binary | openssl base64 -A)
}
leaf_index() { # of the extensions: type (1), length (2), data; leaf_index is type 0 with 5 bytes, and no type comes twice
	rest=$(od -An -v -tx1 "$work/extensions" | tr -d ' \n') seen='' index=''
	while [ -n "$rest" ]; do
		[ ${#rest} -ge 6 ] || die "the extensions are a list"
		type=$(printf %s "$rest" | cut -c1-2)
		octets=$((0x$(printf %s "$rest" | cut -c3-6)))
		[ ${#rest} -ge $((6 + 2 * octets)) ] || die "the extensions are a list"
		case $seen in *" $type "*) die "no extension comes twice" ;; esac
		seen="$seen $type "
		if [ "$type" = 00 ]; then
			[ "$octets" -eq 5 ] || die "the leaf index is 5 bytes"
			index=$((0x$(printf %s "$rest" | cut -c7-16)))
		fi
		rest=$(printf %s "$rest" | cut -c$((7 + 2 * octets))-)
	done
	[ -n "$index" ] || die "the promise has a leaf index"
}
check_place() { # the audit path from the other leaf to the signed root: RFC 9162, Section 2.1.3.2
	n=$(number head tree_size)
	leaf_index
	[ "$index" -lt "$n" ] || die "the tree of size $n has an entry $index"
	fn=$index sn=$((n - 1)) fold=$(plain "$(field proof leaf_hash)")
	for hash in $(hashes); do
		[ "$sn" -ne 0 ] || die "the proof is as long as the tree is high"
		if [ $((fn & 1)) -eq 1 ] || [ "$fn" -eq "$sn" ]; then
			fold=$(node "$hash" "$fold")
			while [ "$fn" -ne 0 ] && [ $((fn & 1)) -eq 0 ]; do fn=$((fn >> 1)) sn=$((sn >> 1)); done
		else
			fold=$(node "$fold" "$hash")
		fi
		fn=$((fn >> 1)) sn=$((sn >> 1))
	done
	[ "$sn" -eq 0 ] || die "the proof reaches the root"
	[ "$fold" = "$(plain "$(field head sha256_root_hash)")" ] ||
		die "the audit path leads to the root that the log signed for size $n"
	echo "holds  the audit path leads to the root that the log signed for size $n"
	[ "$(plain "$(field proof leaf_hash)")" != "$promised" ] || die "another leaf is in the promised place"
	echo "holds  another leaf is in the promised place"
	[ "$(number derivation leaf_index)" -eq "$index" ] && [ "$(field derivation leaf_hash)" = "$promised" ] ||
		die "the derivation in the file is the one computed here"
	echo "holds  the derivation in the file is the one computed here"
}

has_vkey() { # whether the file has the CT log's verifier key: c2sp.org/signed-note, type 5
	grep -v '^[[:space:]]*#' "$whose" | grep -Fq "+$({ printf '\005' && cat "$work/key.der"; } | openssl base64 -A)"
}
is_static_ct() { # only static-ct says what the extensions mean: a list has such logs with a monitoring_url
	[ -n "$whose" ] || return 0
	entry=$(tr -d ' \n\t\r' <"$whose" | sed 's/{"description"/\n&/g; s/{"key"/\n&/g; s/{"log_id"/\n&/g' |
		grep -F "\"key\":\"$(field log key)\"" || :)
	if [ -z "$entry" ] && has_vkey; then entry='"monitoring_url":'; fi # such logs have tiles
	case $entry in
	'') echo "It proves this of a log with the static-ct API, which is for you to know: $(shown "$whose") does not say." ;;
	*'"monitoring_url":'*) echo "holds  the log has the static-ct API, says $(shown "$whose")" ;;
	*) die "the log has the static-ct API, says $(shown "$whose")" ;;
	esac
}

listed=''
for which in $heads; do
	if [ $version = 2 ]; then
		check_checkpoint $which
	elif [ -n "$(field $which tree_head_signature)" ]; then
		check_signature $which
	else
		[ $bundle = fork ] && [ -z "$listed" ] || die "one of the trees is signed by the log"
		check_list $which
		listed=$which
	fi
done

shown() { # a text of somebody else's as a terminal may show it, whatever is in it
	printf %s "$1" | tr -c ' -~' '?'
}
stands() {
	if [ -n "$unchecked" ]; then
		echo "This machine cannot check signatures of $unchecked, so nothing is known of this file. ctga evidence verify can."
		exit 5
	fi
	echo "The log ID is $id (SHA-256 of the key, base64)."
	if [ $version = 2 ]; then printf 'The log is the one of origin %s and verifier key %s.\n' "$(shown "$origin")" "$(shown "$vkey")"; fi
	if [ -z "$whose" ]; then
		echo "UNKNOWN KEY: this script does not know whose key this is, and anybody may have made this file."
		echo "Give it a log list or the log's public key: sh verify-evidence.sh FILE LIST"
	elif [ $version = 2 ]; then
		if listed_log; then
			known=yes
			printf 'The key, with the origin, is in %s.\n' "$(shown "$whose")"
		else
			printf 'UNKNOWN KEY: it is not in %s, and anybody may have made this file.\n' "$(shown "$whose")"
		fi
	elif openssl pkey -pubin -in "$whose" -outform DER -out "$work/whose.der" 2>/dev/null && cmp -s "$work/whose.der" "$work/key.der"; then
		known=yes
		printf 'The key is the one in %s.\n' "$(shown "$whose")"
	elif has_vkey; then
		known=yes
		printf 'The key is in %s.\n' "$(shown "$whose")"
	elif tr -d ' \n\t\r' <"$whose" | grep -Fq "\"key\":\"$(field log key)\""; then
		known=yes
		printf 'The key is in %s%s.\n' "$(shown "$whose")" \
			"$(shown "$(tr -d ' \n\t\r' <"$whose" | sed -n 's/.*"log_list_timestamp":"\([^"]*\)".*/, of \1/p')")"
	else
		printf 'UNKNOWN KEY: it is not in %s, and anybody may have made this file.\n' "$(shown "$whose")"
	fi
	# Not by echo, which makes a line of "\n".
	printf 'The file claims that the log is %s at %s.\n' "$(shown "$(raw log description)")" "$(shown "$(raw log url)")"
	if [ "${known:-}" != yes ]; then
		echo "The evidence holds, but it accuses no log that is known: $1"
		exit 4
	fi
	echo "The evidence stands: $1"
	exit 0
}

if [ $bundle = promise-broken ]; then
	check_promise
	check_place
	is_static_ct
	stands "the log promised an entry, and signed a tree that has another in its place."
fi

m=$(number first tree_size)
n=$(number second tree_size)
root_m=$(plain "$(field first sha256_root_hash)")
root_n=$(plain "$(field second sha256_root_hash)")

# --- one size: no proof is needed ---------------------------------------------------------------------

derived() { # derived FIRST SECOND: what the file says of the derivation
	[ "$(field derivation first_root)" = "$1" ] && [ "$(field derivation second_root)" = "$2" ] ||
		die "the derivation in the file is the one computed here"
	echo "holds  the derivation in the file is the one computed here"
}
[ "$m" -gt 0 ] || die "the smaller tree has an entry (a root for size 0 accuses nobody)"
if [ "$m" -eq "$n" ]; then
	[ "$root_m" != "$root_n" ] || die "the two roots for size $n differ"
	echo "holds  the two roots for size $n differ"
	derived "$root_n" "$root_n"
	stands "the log signed two different trees of size $n."
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
derived "$left" "$right"
stands "the log's tree of size $n does not extend its tree of size $m."
