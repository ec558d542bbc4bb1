/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program for NetFPGA SUME and its twin for v1model have in common: the headers, which are
 * all of fixed length, and what the parser finds out.
 */
#ifndef CTGA_SUME_TYPES_P4
#define CTGA_SUME_TYPES_P4

#include "../shared/headers.p4"
#include "../shared/verdicts.p4"

/* Addresses in words of 32 bits: the widest number that the targets compute with has 64. */
header ipv6_in_words_t {
	bit<4> version;
	bit<28> class_and_label;
	bit<16> payload_length;
	bit<8> next_header;
	bit<8> hop_limit;
	bit<32> source_0;
	bit<32> source_1;
	bit<32> source_2;
	bit<32> source_3;
	bit<32> destination_0;
	bit<32> destination_1;
	bit<32> destination_2;
	bit<32> destination_3;
}

header sth_label_t {
	bit<32> length_and_text;
}

/*
 * What follows a question's "sth", in pieces whatever its labels are. Behind the end of a name
 * there are 15 bytes at least (type, class, and a record), so the piece that it ends in is whole.
 * Of the next one, type and class may need four bytes, which the half has.
 */
#define PIECE_BYTES 16
header piece_t {
	bit<64> a;
	bit<64> b;
}

#define HALF_BYTES 8
header half_piece_t {
	bit<64> a;
}

struct headers_t {
	ethernet_t ethernet;
	vlan_t outer_tag;
	vlan_t middle_tag;
	vlan_t inner_tag;
	pppoe_t pppoe;
	ipv4_t ipv4;
	ipv6_in_words_t ipv6;
	ipv6_fragment_t ipv6_fragment;
	udp_t udp;
	dns_t dns;
	sth_label_t sth;
	piece_t piece_1;
	piece_t piece_2;
	piece_t piece_3;
	piece_t piece_4;
	piece_t piece_5;
	piece_t piece_6;
	piece_t piece_7;
	piece_t piece_8;
	half_piece_t half_piece;
}

struct user_metadata_t {
	/*
	 * How far the parser is, where the frame ends, where IP says that it begins, and where IP
	 * and UDP say that they end: bytes from the start of the frame.
	 */
	bit<32> offset;
	bit<32> frame_end;
	bit<32> ip_start;
	bit<32> ip_end;
	bit<32> udp_end;
	/* Where the pieces begin. */
	bit<32> name_start;
	bit<1> is_ipv6;
	bit<8> verdict;
}

/* One bit a port, from the right: nf0, the DMA port of nf0, nf1, the DMA port of nf1 and so on. */
typedef bit<8> one_hot_ports_t;

#endif
