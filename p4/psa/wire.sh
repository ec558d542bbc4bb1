#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program at TC as a wire between two interfaces of this machine, with iproute2 and bpftool. Copies leave at a
# third, which is one end of a veth pair: `ctga attach` reads the other end. Run it as root, where `ctga p4 compile
# --target psa --output DIR` has laid it out: the file names has what the tables of names hold.
#
#   wire.sh up LEFT RIGHT COPIES
#   wire.sh down LEFT RIGHT
set -eu
cd "$(dirname "$0")"
# Where iproute2 pins the maps of what it loads.
maps=/sys/fs/bpf/tc/globals

index() { ip -o link show dev "$1" | cut -d : -f 1; }
# A number of 32 bits as bpftool takes the bytes of it.
number() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\4 \3 \2 \1/'; }
update() { bpftool map update pinned "$maps/$1" key hex $2 value $3 $4; }
attach() {
	tc qdisc replace dev "$1" clsact
	tc filter replace dev "$1" ingress pref 1 handle 1 bpf direct-action object-file tc.bpf.o section "$2"
}
remove() {
	for map in ctga_session $(sed -n 's/^REGISTER_TABLE[A-Z_]*(\(\w*\),.*/\1/p' tc.bpf.c); do
		rm -f "$maps/$map"
	done
}

up() {
	make -s OUT=.
	remove
	# Without its initializer the program would drop what a table does not know. It runs before there is any packet.
	attach "$3" classifier/map-initializer
	initializer=$(tc filter show dev "$3" ingress | sed -n 's/.* id \([0-9]*\) .*/\1/p')
	head -c 64 /dev/zero >zeros
	bpftool prog run id "$initializer" data_in zeros >/dev/null
	tc qdisc del dev "$3" clsact
	rm zeros

	left=$(number "$(index "$1")")
	right=$(number "$(index "$2")")
	copies=$(number "$(index "$3")")
	zero=$(number 0)
	update _route "$left" hex "$(number 1) $right"
	update _route "$right" hex "$(number 1) $left"
	# A list of ports with one entry: its head leads to it, and it leads to nothing.
	bpftool map create "$maps/ctga_session" type hash key 8 value 20 entries 64 name ctga_session
	update ctga_session "$zero $zero" hex "$zero $zero $zero $copies $zero"
	update ctga_session "$copies $zero" hex "$copies $zero $zero $zero $zero"
	update clone_session_tbl "$(number 250)" pinned "$maps/ctga_session"
	for half in key_a key_b; do
		update "PsaIngress_$half" "$zero" hex "$(od -A n -N 4 -t x1 /dev/urandom)"
	done
	while IFS=: read -r table key value; do
		update "_known_names_$table" "$key" hex "$value"
	done <names

	attach "$1" classifier/tc-ingress
	attach "$2" classifier/tc-ingress
}

case ${1-}:$# in
up:4) up "$2" "$3" "$4" ;;
down:3)
	tc qdisc del dev "$2" clsact
	tc qdisc del dev "$3" clsact
	remove
	;;
*)
	sed -n 's/^#   //p' "$0" >&2
	exit 2
	;;
esac
