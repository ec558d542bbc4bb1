/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a packet is, as far as its bytes alone say: xdp/ctga.bpf.c asks the same questions
 * in the same order. A state that needs bytes which are not there ends the parsing, and the packet
 * goes on with the verdict that it had until then.
 *
 * BEFORE(a, b) is the sign of a difference of two offsets: 1 if a is before b.
 */
#define BEFORE(a, b) ((a) - (b))[31:31]

parser CtgaParser(packet_in packet, out headers_t headers, inout metadata_t meta,
		  inout standard_metadata_t standard_metadata)
{
	/*
	 * A packet is malformed until more is known of it, so one that is cut short stays
	 * malformed.
	 */
	state start {
		meta.verdict = MALFORMED;
		packet.extract(headers.ethernet);
		meta.offset = 14;
		transition select(headers.ethernet.ethertype) {
			ETHERTYPE_VLAN: first_tag;
			ETHERTYPE_QINQ: first_tag;
			ETHERTYPE_QINQ_1: first_tag;
			ETHERTYPE_QINQ_2: first_tag;
			ETHERTYPE_QINQ_3: first_tag;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			ETHERTYPE_MPLS: mpls;
			ETHERTYPE_MPLS_MULTICAST: mpls;
			default: not_ip;
		}
	}

	state first_tag {
		packet.extract(headers.vlan.next);
		meta.offset = meta.offset + 4;
		transition select(headers.vlan.last.ethertype) {
			ETHERTYPE_VLAN: second_tag;
			ETHERTYPE_QINQ: second_tag;
			ETHERTYPE_QINQ_1: second_tag;
			ETHERTYPE_QINQ_2: second_tag;
			ETHERTYPE_QINQ_3: second_tag;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			ETHERTYPE_MPLS: mpls;
			ETHERTYPE_MPLS_MULTICAST: mpls;
			default: not_ip;
		}
	}

	state second_tag {
		packet.extract(headers.vlan.next);
		meta.offset = meta.offset + 4;
		transition select(headers.vlan.last.ethertype) {
			ETHERTYPE_VLAN: third_tag;
			ETHERTYPE_QINQ: third_tag;
			ETHERTYPE_QINQ_1: third_tag;
			ETHERTYPE_QINQ_2: third_tag;
			ETHERTYPE_QINQ_3: third_tag;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			ETHERTYPE_MPLS: mpls;
			ETHERTYPE_MPLS_MULTICAST: mpls;
			default: not_ip;
		}
	}

	state third_tag {
		packet.extract(headers.vlan.next);
		meta.offset = meta.offset + 4;
		transition select(headers.vlan.last.ethertype) {
			ETHERTYPE_VLAN: more_tags;
			ETHERTYPE_QINQ: more_tags;
			ETHERTYPE_QINQ_1: more_tags;
			ETHERTYPE_QINQ_2: more_tags;
			ETHERTYPE_QINQ_3: more_tags;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			ETHERTYPE_MPLS: mpls;
			ETHERTYPE_MPLS_MULTICAST: mpls;
			default: not_ip;
		}
	}

	state pppoe {
		packet.extract(headers.pppoe);
		meta.offset = meta.offset + 8;
		transition select(headers.pppoe.version_type_code, headers.pppoe.ppp_protocol) {
			(PPPOE_SESSION_DATA, PPP_IPV4): ipv4;
			(PPPOE_SESSION_DATA, PPP_IPV6): ipv6;
			default: not_ip;
		}
	}

	state not_ip {
		meta.verdict = NOT_IP;
		transition accept;
	}

	state more_tags {
		meta.verdict = ENCAPSULATED_TAGS;
		transition accept;
	}

	state mpls {
		meta.verdict = ENCAPSULATED_MPLS;
		transition accept;
	}

	state ip_in_ip {
		meta.verdict = ENCAPSULATED_IP;
		transition accept;
	}

	state gre {
		meta.verdict = ENCAPSULATED_GRE;
		transition accept;
	}

	state ipsec {
		meta.verdict = ENCAPSULATED_IPSEC;
		transition accept;
	}

	state not_udp {
		meta.verdict = NOT_UDP;
		transition accept;
	}

	state ipv4 {
		packet.extract(headers.ipv4);
		meta.ip_start = meta.offset;
		meta.ip_end = meta.offset + (bit<32>)headers.ipv4.total_length;
		meta.offset = meta.offset + ((bit<32>)headers.ipv4.ihl << 2);
		transition select(headers.ipv4.protocol) {
			PROTOCOL_UDP: ipv4_udp;
			PROTOCOL_IPV4: ip_in_ip;
			PROTOCOL_IPV6: ip_in_ip;
			PROTOCOL_GRE: gre;
			PROTOCOL_MPLS: mpls;
			PROTOCOL_ESP: ipsec;
			PROTOCOL_AH: ipsec;
			default: not_udp;
		}
	}

	state ipv4_udp {
		/* A header that ends behind its packet contradicts itself. */
		transition select(headers.ipv4.version, headers.ipv4.ihl,
				  BEFORE(meta.ip_end, meta.offset)) {
			(4, 5, 0): ipv4_payload;
			(4, 6..15, 0): ipv4_options;
			default: accept;
		}
	}

	state ipv4_options {
		packet.extract(headers.ipv4_options, ((bit<32>)headers.ipv4.ihl - 5) << 5);
		transition ipv4_payload;
	}

	state ipv4_payload {
		transition select(headers.ipv4.fragment) {
			0: udp;
			default: fragment;
		}
	}

	state fragment {
		meta.verdict = FRAGMENT;
		transition accept;
	}

	/*
	 * RFC 8200, Sections 3 and 4. Extension headers in front of a fragment header or of UDP are
	 * passed over.
	 */
	state ipv6 {
		packet.extract(headers.ipv6);
		meta.ip_start = meta.offset;
		meta.offset = meta.offset + 40;
		meta.ip_end = meta.offset + (bit<32>)headers.ipv6.payload_length;
		transition select(headers.ipv6.next_header) {
			PROTOCOL_HOP_BY_HOP: ipv6_extension;
			PROTOCOL_ROUTING: ipv6_extension;
			PROTOCOL_DESTINATION: ipv6_extension;
			PROTOCOL_FRAGMENT: ipv6_fragment;
			PROTOCOL_UDP: ipv6_udp;
			PROTOCOL_IPV4: ip_in_ip;
			PROTOCOL_IPV6: ip_in_ip;
			PROTOCOL_GRE: gre;
			PROTOCOL_MPLS: mpls;
			PROTOCOL_ESP: ipsec;
			PROTOCOL_AH: ipsec;
			default: not_udp;
		}
	}

	state ipv6_extension {
		/* How much to extract is in the second byte: the length, behind the next header. */
		packet.extract(headers.extensions.next,
			       (bit<32>)(packet.lookahead<bit<16>>()[7:0]) * 64 + 48);
		meta.offset = meta.offset + 8 + ((bit<32>)headers.extensions.last.length << 3);
		meta.extensions = meta.extensions + 1;
		transition select(headers.extensions.last.next_header, meta.extensions) {
			(PROTOCOL_FRAGMENT, _): ipv6_fragment;
			(PROTOCOL_UDP, _): ipv6_udp;
			(PROTOCOL_IPV4, _): ip_in_ip;
			(PROTOCOL_IPV6, _): ip_in_ip;
			(PROTOCOL_GRE, _): gre;
			(PROTOCOL_MPLS, _): mpls;
			(PROTOCOL_ESP, _): ipsec;
			(PROTOCOL_AH, _): ipsec;
			(_, MAX_EXTENSIONS): not_udp;
			(PROTOCOL_HOP_BY_HOP, _): ipv6_extension;
			(PROTOCOL_ROUTING, _): ipv6_extension;
			(PROTOCOL_DESTINATION, _): ipv6_extension;
			default: not_udp;
		}
	}

	state ipv6_fragment {
		packet.extract(headers.ipv6_fragment);
		meta.offset = meta.offset + 8;
		transition select(headers.ipv6_fragment.next_header,
				  headers.ipv6_fragment.offset_and_more[15:3]) {
			(PROTOCOL_UDP, _): ipv6_fragment_of_udp;
			/* Reassembly finds out whether UDP is behind these. */
			(PROTOCOL_HOP_BY_HOP, _): ipv6_fragment_of_udp;
			(PROTOCOL_ROUTING, _): ipv6_fragment_of_udp;
			(PROTOCOL_DESTINATION, _): ipv6_fragment_of_udp;
			(PROTOCOL_IPV4, 0): ip_in_ip;
			(PROTOCOL_IPV6, 0): ip_in_ip;
			(PROTOCOL_GRE, 0): gre;
			(PROTOCOL_MPLS, 0): mpls;
			(PROTOCOL_ESP, 0): ipsec;
			(PROTOCOL_AH, 0): ipsec;
			(_, 0): not_udp;
			/* In a later fragment the next header means nothing. */
			default: ipv6_fragment_of_udp;
		}
	}

	/* A payload length of zero is that of a jumbogram (RFC 2675), which no answer is. */
	state ipv6_fragment_of_udp {
		transition select(headers.ipv6.version, headers.ipv6.payload_length,
				  BEFORE(meta.ip_end, meta.offset)) {
			(_, 0, _): accept;
			(6, _, 0): fragment;
			default: accept;
		}
	}

	state ipv6_udp {
		transition select(headers.ipv6.version, headers.ipv6.payload_length,
				  BEFORE(meta.ip_end, meta.offset)) {
			(_, 0, _): accept;
			(6, _, 0): udp;
			default: accept;
		}
	}

	/* Whether answers come from this port is for ingress to say (answer_ports.p4). */
	state udp {
		packet.extract(headers.udp);
		meta.udp_end = meta.offset + (bit<32>)headers.udp.length;
		meta.offset = meta.offset + 8;
		transition udp_length;
	}

	/* Of jumbograms (RFC 2675, Section 4), but Linux takes it in any packet over IPv6. */
	state udp_length {
		transition select(headers.udp.length, headers.ipv6.isValid()) {
			(0, true): udp_to_end;
			default: dns;
		}
	}

	state udp_to_end {
		meta.udp_end = meta.ip_end;
		transition dns;
	}

	state dns {
		packet.extract(headers.dns);
		meta.offset = meta.offset + 12;
		transition select(BEFORE(meta.udp_end, meta.offset),
				  BEFORE(meta.ip_end, meta.udp_end),
				  headers.dns.is_response, headers.dns.questions,
				  headers.dns.answers) {
			(0, 0, 0, _, _): not_tree_head;
			(0, 0, _, 0, _): not_tree_head;
			(0, 0, _, _, 0): not_tree_head;
			(0, 0, _, _, _): question;
			default: accept;
		}
	}

	state not_tree_head {
		meta.verdict = NOT_TREE_HEAD;
		transition accept;
	}

	state unknown_name {
		meta.verdict = UNKNOWN_NAME;
		transition accept;
	}

	state question {
		transition select(packet.lookahead<bit<32>>(),
				  BEFORE(meta.udp_end, meta.offset + 4),
				  BEFORE(standard_metadata.packet_length, meta.ip_end)) {
			(_, 1, _): accept;
			(LABEL_STH &&& LABEL_STH_MASK, _, 0): label;
			(LABEL_STH &&& LABEL_STH_MASK, _, 1): accept;
			(LABEL_CHE &&& LABEL_CHE_MASK, _, 0): label;
			(LABEL_CHE &&& LABEL_CHE_MASK, _, 1): accept;
			default: not_tree_head;
		}
	}

	/*
	 * A label is a length and so many bytes (RFC 1035, Section 3.1). The parser looks ahead at
	 * a piece of 16, 32, 48 or 64 bytes and cuts off what is behind the label. Behind the last
	 * label of any answer there are 16 bytes more, so a packet in which that fails is
	 * malformed.
	 */
	state label {
		meta.label_length = packet.lookahead<bit<8>>();
		meta.name_length = meta.name_length + meta.label_length + 1;
		transition select(meta.label_length, meta.labels, meta.name_length[7:7]) {
			(0, _, _): question_end;
			(1..63, MAX_LABELS, _): unknown_name;
			(1..63, _, 1): unknown_name;
			(1..15, _, _): label_16;
			(16..31, _, _): label_32;
			(32..47, _, _): label_48;
			(48..63, _, _): label_64;
			default: accept;
		}
	}

/*
 * simple_switch shifts by at most 255 bits at once. So the name is shifted by what `wide` exceeds
 * 16 bytes first, and by the rest here.
 */
#define TAKE_LABEL(wide)                                                                   \
	meta.labels = meta.labels + 1;                                                     \
	meta.name = (meta.name << ((meta.label_length + 17 - wide) << 3)) |                \
		    ((bit<MAX_NAME_BITS>)packet.lookahead<bit<(wide * 8)>>() >>            \
		     ((wide - 1 - meta.label_length) << 3));                               \
	packet.extract(headers.labels.next, ((bit<32>)meta.label_length + 1) << 3);        \
	transition label;

	state label_16 {
		TAKE_LABEL(16)
	}

	state label_32 {
		meta.name = meta.name << 128;
		TAKE_LABEL(32)
	}

	state label_48 {
		meta.name = meta.name << 256;
		TAKE_LABEL(48)
	}

	state label_64 {
		meta.name = meta.name << 256;
		meta.name = meta.name << 128;
		TAKE_LABEL(64)
	}

	state question_end {
		packet.extract(headers.question_end);
		meta.name = meta.name << 8;
		meta.offset = meta.offset + (bit<32>)meta.name_length + 4;
		transition select(BEFORE(meta.udp_end, meta.offset + SHORTEST_RECORD),
				  headers.question_end.type, headers.question_end.class) {
			(0, DNS_TYPE_TXT, DNS_CLASS_IN): answer;
			(0, _, _): not_tree_head;
			default: accept;
		}
	}

	state answer {
		meta.verdict = ANSWER;
		transition accept;
	}
}
