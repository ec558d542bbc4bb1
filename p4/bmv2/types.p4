/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parser of this target extracts and finds out, and what a packet carries through the
 * pipeline. v1model has headers of variable length and header stacks, so options, extension headers
 * and the labels of a name are passed over however long they are.
 */
#ifndef CTGA_BMV2_TYPES_P4
#define CTGA_BMV2_TYPES_P4

#include "../shared/headers.p4"
#include "../shared/verdicts.p4"

/* A name of more bytes in wire format, or of more labels, counts as unknown. */
#define MAX_NAME_BITS 1024
#define MAX_LABELS 16
#define MAX_EXTENSIONS 5

/* The field list of metadata that a clone takes along. */
#define KEPT_FOR_CLONE 1

/* In front of a copied frame on its way to the CPU; cpu_header of xdp/ctga.bpf.c reads it. */
header cpu_t {
	bit<16> ingress_port;
	bit<8> reason;
	bit<8> version;
	bit<16> original_length;
	bit<48> timestamp_us;
}

header ipv4_options_t {
	varbit<320> options;
}

/* Hop-by-hop, routing and destination options: RFC 8200, Section 4. */
header ipv6_extension_t {
	bit<8> next_header;
	/* In units of 8 bytes, not counting the first 8. */
	bit<8> length;
	varbit<16368> rest;
}

/* A label with its length byte. */
header label_t {
	varbit<512> bytes;
}

struct headers_t {
	cpu_t cpu;
	ethernet_t ethernet;
	vlan_t[3] vlan;
	pppoe_t pppoe;
	ipv4_t ipv4;
	ipv4_options_t ipv4_options;
	ipv6_t ipv6;
	ipv6_extension_t[MAX_EXTENSIONS] extensions;
	ipv6_fragment_t ipv6_fragment;
	udp_t udp;
	dns_t dns;
	label_t[MAX_LABELS] labels;
	question_end_t question_end;
}

struct metadata_t {
	/*
	 * How far the parser is, where IP says that it begins, and where IP and UDP say that they
	 * end: bytes from the start of the frame.
	 */
	bit<32> offset;
	bit<32> ip_start;
	bit<32> ip_end;
	bit<32> udp_end;
	/* What the control plane has set (settings.p4). */
	bit<32> fragment_threshold;
	bit<32> every_nth;
	bit<64> datagram_key;
	bit<8> verdict;
	bit<8> extensions;
	bit<8> label_length;
	bit<8> labels;
	/* Of the name so far, including the label at hand. */
	bit<8> name_length;
	bit<MAX_NAME_BITS> name;
	@field_list(KEPT_FOR_CLONE)
	bit<16> ingress_port;
	@field_list(KEPT_FOR_CLONE)
	bit<8> reason;
	@field_list(KEPT_FOR_CLONE)
	bit<32> copied_length;
	@field_list(KEPT_FOR_CLONE)
	bit<16> original_length;
	@field_list(KEPT_FOR_CLONE)
	bit<48> timestamp_us;
}

#endif
