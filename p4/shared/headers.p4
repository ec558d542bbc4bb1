/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that every target parses, outermost first, and the constants in them. They are the
 * ones that xdp/headers.h and xdp/answer.h read. This file needs core.p4 alone: it names no
 * architecture, and it has no header of variable length, since not every target can extract one.
 */
#ifndef CTGA_HEADERS_P4
#define CTGA_HEADERS_P4

const bit<16> ETHERTYPE_VLAN = 0x8100;
const bit<16> ETHERTYPE_QINQ = 0x88a8;
/* What switches used for outer tags before 802.1ad. */
const bit<16> ETHERTYPE_QINQ_1 = 0x9100;
const bit<16> ETHERTYPE_QINQ_2 = 0x9200;
const bit<16> ETHERTYPE_QINQ_3 = 0x9300;
const bit<16> ETHERTYPE_MPLS = 0x8847;
const bit<16> ETHERTYPE_MPLS_MULTICAST = 0x8848;
const bit<16> ETHERTYPE_IPV4 = 0x0800;
const bit<16> ETHERTYPE_IPV6 = 0x86dd;
const bit<16> ETHERTYPE_PPPOE = 0x8864;

/* RFC 2516, Section 4, and the protocol numbers of PPP (RFC 1661, Section 2). */
const bit<16> PPPOE_SESSION_DATA = 0x1100;
const bit<16> PPP_IPV4 = 0x0021;
const bit<16> PPP_IPV6 = 0x0057;

const bit<8> PROTOCOL_HOP_BY_HOP = 0;
const bit<8> PROTOCOL_IPV4 = 4;
const bit<8> PROTOCOL_UDP = 17;
const bit<8> PROTOCOL_IPV6 = 41;
const bit<8> PROTOCOL_ROUTING = 43;
const bit<8> PROTOCOL_FRAGMENT = 44;
const bit<8> PROTOCOL_GRE = 47;
const bit<8> PROTOCOL_ESP = 50;
const bit<8> PROTOCOL_AH = 51;
const bit<8> PROTOCOL_DESTINATION = 60;
const bit<8> PROTOCOL_MPLS = 137;

const bit<16> PORT_DNS = 53;
const bit<16> PORT_GTP_U = 2152;
const bit<16> PORT_VXLAN = 4789;
const bit<16> PORT_GENEVE = 6081;
const bit<16> PORT_VXLAN_OF_LINUX = 8472;
const bit<16> DNS_TYPE_TXT = 16;
const bit<16> DNS_CLASS_IN = 1;
/* The shortest resource record: an owner of one byte, type, class, TTL and an empty RDATA. */
const bit<32> SHORTEST_RECORD = 11;

/* A label of three letters, "sth" in any case (draft-ct-over-dns-01), as value and mask. */
const bit<32> LABEL_STH = 0x03535448;
const bit<32> LABEL_STH_MASK = 0xffdfdfdf;
/*
 * The first four bytes of the label "checkpoint", in any case. The other bytes are compared with the
 * rest of the name.
 */
const bit<32> LABEL_CHE = 0x0a434845;
const bit<32> LABEL_CHE_MASK = 0xffdfdfdf;

header ethernet_t {
	bit<48> destination;
	bit<48> source;
	bit<16> ethertype;
}

header vlan_t {
	bit<16> tci;
	bit<16> ethertype;
}

header pppoe_t {
	/* Version 1, type 1, code 0: 0x1100. */
	bit<16> version_type_code;
	bit<16> session;
	bit<16> length;
	bit<16> ppp_protocol;
}

/* RFC 791, Section 3.1. */
header ipv4_t {
	bit<4> version;
	bit<4> ihl;
	bit<8> tos;
	bit<16> total_length;
	bit<16> identification;
	bit<2> flags;
	/*
	 * The flag "more fragments" and the offset: together they are zero unless it is a fragment.
	 */
	bit<14> fragment;
	bit<8> ttl;
	bit<8> protocol;
	bit<16> checksum;
	bit<32> source;
	bit<32> destination;
}

/* RFC 8200, Section 3. */
header ipv6_t {
	bit<4> version;
	bit<28> class_and_label;
	bit<16> payload_length;
	bit<8> next_header;
	bit<8> hop_limit;
	bit<128> source;
	bit<128> destination;
}

/* RFC 8200, Section 4.5. */
header ipv6_fragment_t {
	bit<8> next_header;
	bit<8> reserved;
	bit<16> offset_and_more;
	bit<32> identification;
}

/* RFC 768. */
header udp_t {
	bit<16> source_port;
	bit<16> destination_port;
	bit<16> length;
	bit<16> checksum;
}

/* RFC 1035, Section 4.1.1. */
header dns_t {
	bit<16> id;
	bit<1> is_response;
	bit<15> flags;
	bit<16> questions;
	bit<16> answers;
	bit<16> authorities;
	bit<16> additionals;
}

/* The end of a question: the root label, and the type and class that are asked for. */
header question_end_t {
	bit<8> root;
	bit<16> type;
	bit<16> class;
}

#endif
