/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program for NetFPGA SUME and its twin for v1model have in common: the headers, which are
 * all of fixed length, and what the parser finds out.
 */
#ifndef CTGA_SUME_TYPES_P4
#define CTGA_SUME_TYPES_P4

#include "../shared/headers.p4"
#include "../shared/verdicts.p4"

header sth_label_t {
	bit<32> length_and_text;
}

/* Every label behind "sth" is 16 bytes long on this target, as in the paper (Section 4.5.1). */
#define LABEL_BYTES 16
header label_t {
	bit<8> length;
	bit<128> text;
}

struct headers_t {
	ethernet_t ethernet;
	vlan_t outer_tag;
	vlan_t middle_tag;
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
	/*
	 * How far the parser is, where the frame ends, where IP says that it begins, and where IP
	 * and UDP say that they end: bytes from the start of the frame.
	 */
	bit<32> offset;
	bit<32> frame_end;
	bit<32> ip_start;
	bit<32> ip_end;
	bit<32> udp_end;
	bit<1> is_ipv6;
	bit<8> verdict;
}

/* One bit a port, from the right: nf0, the DMA port of nf0, nf1, the DMA port of nf1 and so on. */
typedef bit<8> one_hot_ports_t;

#endif
