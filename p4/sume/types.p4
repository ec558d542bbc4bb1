/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the program for NetFPGA SUME and its twin for v1model have in common, with states.p4 and decision.p4: the headers, all
 * of one length, and what the parser finds. USER and SUME are the two kinds of metadata, wherever the target keeps them,
 * PACKET_LENGTH the length of the frame, NAME_KEY 384 bits to put the key of a name in, and
 * CLEAR_DIGEST what else a parser has to set.
 */
#ifndef CTGA_SUME_TYPES_P4
#define CTGA_SUME_TYPES_P4

#include "../shared/headers.p4"
#include "../shared/verdict.p4"

/* Any record: an owner of one byte, type, class, TTL and an empty RDATA. */
#define SHORTEST_RECORD 11

header sth_label_t {
	bit<32> length_and_text;
}

/* The labels of names are 16 bytes long on this target: the paper's ("... Gossip", Section 4.5.1). */
#define LABEL_BYTES 16
header label_t {
	bit<8> length;
	bit<128> text;
}

struct headers_t {
	ethernet_t ethernet;
	vlan_t outer_tag;
	vlan_t inner_tag;
	pppoe_t pppoe;
	ipv4_t ipv4;
	ipv6_t ipv6;
	ipv6_fragment_t ipv6_fragment;
	udp_t udp;
	dns_t dns;
	sth_label_t sth;
	label_t label_1;
	label_t label_2;
	label_t label_3;
	label_t label_4;
	question_end_t question_end;
}

struct user_metadata_t {
	/* Where the parser is, where the packet, IP and UDP end: bytes from the start of the frame. */
	bit<32> offset;
	bit<32> packet_end;
	bit<32> ip_start;
	bit<32> ip_end;
	bit<32> udp_end;
	bit<8> verdict;
	bit<1> known;
}

#endif
