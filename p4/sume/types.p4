/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs for NetFPGA SUME and PSA and the twin for v1model have in common: the headers,
 * which are all of fixed length, and what the parser finds out.
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

/* What is extracted of every packet that has it. A name is read in the target's own way. */
#define HEADERS_BEFORE_NAME                                                             \
	ethernet_t ethernet;                                                            \
	vlan_t outer_tag;                                                               \
	vlan_t middle_tag;                                                              \
	vlan_t inner_tag;                                                               \
	pppoe_t pppoe;                                                                  \
	ipv4_t ipv4;                                                                    \
	ipv6_in_words_t ipv6;                                                           \
	ipv6_fragment_t ipv6_fragment;                                                  \
	udp_t udp;                                                                      \
	dns_t dns;

/* On the way to a verdict, as those in shared/verdicts.p4: the name has yet to be read. */
const bit<8> QUESTION = 252;

struct words_t {
	bit<64> w0;
	bit<64> w1;
	bit<64> w2;
	bit<64> w3;
}

/* What the tables look at, 32 bytes each. */
struct name_words_t {
	words_t part_1;
	words_t part_2;
	words_t part_3;
	words_t part_4;
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
	/* The length of the name's first label: 3 of "sth", and 10 of "checkpoint". */
	bit<16> first_label;
	bit<1> is_ipv6;
	bit<8> verdict;
	/*
	 * Of the eight bytes of the name that were read last, in flags (name_word.p4), those behind
	 * the name and the one where it ends, both of the second half and moved to the first: p4c's
	 * eBPF shifts by at most 32.
	 */
	bit<64> not_name;
	bit<64> name_end;
	/* How many bytes of the name were in each of the eight places. */
	bit<64> name_lengths;
	/* Not zero if type and class are others than TXT and IN. */
	bit<64> not_txt;
}

/* One bit a port, from the right: nf0, the DMA port of nf0, nf1, the DMA port of nf1 and so on. */
typedef bit<8> one_hot_ports_t;

#endif
