/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out what a packet is, as far as its bytes alone say. The targets call it from parsers of
 * their own. What SDNet does with a packet that ends within a header is its own affair, so nothing
 * is extracted that is not there.
 *
 * BEFORE(a, b) is the sign of a difference of two offsets: 1 if a is before b. LACKS(bytes) is 1 if
 * the frame ends before so many bytes more, and LEAVES(bytes) is 1 if the UDP datagram does not.
 *
 * No select looks at more than 32 bits: p4c-ebpf computes the mask of a wider one in an int.
 */
#define BEFORE(a, b) ((a) - (b))[31:31]
#define LACKS(bytes) BEFORE(meta.frame_end, meta.offset + (bytes))
#define LEAVES(bytes) (BEFORE(meta.udp_end, meta.offset + (bytes)) ^ 1)

parser HeaderParser(packet_in packet, in bit<32> frame_length, out headers_t headers,
		    out user_metadata_t meta)
{
	/*
	 * A packet is malformed until more is known of it, so one that is cut short stays
	 * malformed.
	 */
	state start {
		meta.offset = 14;
		meta.frame_end = frame_length;
		meta.ip_start = 0;
		meta.ip_end = 0;
		meta.udp_end = 0;
		meta.name_start = 0;
		meta.first_label = 0;
		meta.is_ipv6 = 0;
		meta.verdict = MALFORMED;
		meta.not_name = 0;
		meta.name_end = 0;
		meta.name_lengths = 0;
		meta.not_txt = 0;
		packet.extract(headers.ethernet);
		transition select(headers.ethernet.ethertype,
				  LACKS(4), LACKS(8), LACKS(20), LACKS(40)) {
			(ETHERTYPE_VLAN, 0, _, _, _): outer_tag;
			(ETHERTYPE_QINQ, 0, _, _, _): outer_tag;
			(ETHERTYPE_QINQ_1, 0, _, _, _): outer_tag;
			(ETHERTYPE_QINQ_2, 0, _, _, _): outer_tag;
			(ETHERTYPE_QINQ_3, 0, _, _, _): outer_tag;
			(ETHERTYPE_PPPOE, _, 0, _, _): pppoe;
			(ETHERTYPE_IPV4, _, _, 0, _): ipv4;
			(ETHERTYPE_IPV6, _, _, _, 0): ipv6;
			(ETHERTYPE_VLAN, _, _, _, _): accept;
			(ETHERTYPE_QINQ, _, _, _, _): accept;
			(ETHERTYPE_QINQ_1, _, _, _, _): accept;
			(ETHERTYPE_QINQ_2, _, _, _, _): accept;
			(ETHERTYPE_QINQ_3, _, _, _, _): accept;
			(ETHERTYPE_PPPOE, _, _, _, _): accept;
			(ETHERTYPE_IPV4, _, _, _, _): accept;
			(ETHERTYPE_IPV6, _, _, _, _): accept;
			default: not_ip;
		}
	}

	state outer_tag {
		packet.extract(headers.outer_tag);
		meta.offset = meta.offset + 4;
		transition select(headers.outer_tag.ethertype,
				  LACKS(4), LACKS(8), LACKS(20), LACKS(40)) {
			(ETHERTYPE_VLAN, 0, _, _, _): middle_tag;
			(ETHERTYPE_QINQ, 0, _, _, _): middle_tag;
			(ETHERTYPE_QINQ_1, 0, _, _, _): middle_tag;
			(ETHERTYPE_QINQ_2, 0, _, _, _): middle_tag;
			(ETHERTYPE_QINQ_3, 0, _, _, _): middle_tag;
			(ETHERTYPE_PPPOE, _, 0, _, _): pppoe;
			(ETHERTYPE_IPV4, _, _, 0, _): ipv4;
			(ETHERTYPE_IPV6, _, _, _, 0): ipv6;
			(ETHERTYPE_VLAN, _, _, _, _): accept;
			(ETHERTYPE_QINQ, _, _, _, _): accept;
			(ETHERTYPE_QINQ_1, _, _, _, _): accept;
			(ETHERTYPE_QINQ_2, _, _, _, _): accept;
			(ETHERTYPE_QINQ_3, _, _, _, _): accept;
			(ETHERTYPE_PPPOE, _, _, _, _): accept;
			(ETHERTYPE_IPV4, _, _, _, _): accept;
			(ETHERTYPE_IPV6, _, _, _, _): accept;
			default: not_ip;
		}
	}

	state middle_tag {
		packet.extract(headers.middle_tag);
		meta.offset = meta.offset + 4;
		transition select(headers.middle_tag.ethertype,
				  LACKS(4), LACKS(8), LACKS(20), LACKS(40)) {
			(ETHERTYPE_VLAN, 0, _, _, _): inner_tag;
			(ETHERTYPE_QINQ, 0, _, _, _): inner_tag;
			(ETHERTYPE_QINQ_1, 0, _, _, _): inner_tag;
			(ETHERTYPE_QINQ_2, 0, _, _, _): inner_tag;
			(ETHERTYPE_QINQ_3, 0, _, _, _): inner_tag;
			(ETHERTYPE_PPPOE, _, 0, _, _): pppoe;
			(ETHERTYPE_IPV4, _, _, 0, _): ipv4;
			(ETHERTYPE_IPV6, _, _, _, 0): ipv6;
			(ETHERTYPE_VLAN, _, _, _, _): accept;
			(ETHERTYPE_QINQ, _, _, _, _): accept;
			(ETHERTYPE_QINQ_1, _, _, _, _): accept;
			(ETHERTYPE_QINQ_2, _, _, _, _): accept;
			(ETHERTYPE_QINQ_3, _, _, _, _): accept;
			(ETHERTYPE_PPPOE, _, _, _, _): accept;
			(ETHERTYPE_IPV4, _, _, _, _): accept;
			(ETHERTYPE_IPV6, _, _, _, _): accept;
			default: not_ip;
		}
	}

	state inner_tag {
		packet.extract(headers.inner_tag);
		meta.offset = meta.offset + 4;
		transition select(headers.inner_tag.ethertype,
				  LACKS(4), LACKS(8), LACKS(20), LACKS(40)) {
			(ETHERTYPE_PPPOE, _, 0, _, _): pppoe;
			(ETHERTYPE_IPV4, _, _, 0, _): ipv4;
			(ETHERTYPE_IPV6, _, _, _, 0): ipv6;
			(ETHERTYPE_PPPOE, _, _, _, _): accept;
			(ETHERTYPE_IPV4, _, _, _, _): accept;
			(ETHERTYPE_IPV6, _, _, _, _): accept;
			default: not_ip;
		}
	}

	state pppoe {
		packet.extract(headers.pppoe);
		meta.offset = meta.offset + 8;
		transition select(headers.pppoe.version_type_code) {
			PPPOE_SESSION_DATA: ppp;
			default: not_ip;
		}
	}

	state ppp {
		transition select(headers.pppoe.ppp_protocol, LACKS(20), LACKS(40)) {
			(PPP_IPV4, 0, _): ipv4;
			(PPP_IPV6, _, 0): ipv6;
			(PPP_IPV4, _, _): accept;
			(PPP_IPV6, _, _): accept;
			default: not_ip;
		}
	}

	state not_ip {
		meta.verdict = NOT_IP;
		transition accept;
	}

	/* So is what has options or extension headers, which this target does not pass over. */
	state not_udp {
		meta.verdict = NOT_UDP;
		transition accept;
	}

	state fragment {
		meta.verdict = FRAGMENT;
		transition accept;
	}

	state ipv4 {
		packet.extract(headers.ipv4);
		meta.ip_start = meta.offset;
		meta.ip_end = meta.offset + (bit<32>)headers.ipv4.total_length;
		meta.offset = meta.offset + 20;
		/* A header that ends behind its packet contradicts itself. */
		transition select(headers.ipv4.protocol, headers.ipv4.version, headers.ipv4.ihl,
				  BEFORE(meta.ip_end, meta.offset), headers.ipv4.fragment,
				  LACKS(8)) {
			(PROTOCOL_UDP, 4, 5, 0, 0, 0): udp;
			(PROTOCOL_UDP, 4, 5, 0, 0, 1): accept;
			(PROTOCOL_UDP, 4, 5, 0, _, _): fragment;
			/* With options, unless its header is shorter than any. */
			(PROTOCOL_UDP, 4, 6 &&& 0xe, _, _, _): not_udp;
			(PROTOCOL_UDP, 4, 8 &&& 0x8, _, _, _): not_udp;
			(PROTOCOL_UDP, _, _, _, _, _): accept;
			default: not_udp;
		}
	}

	/*
	 * RFC 8200, Sections 3 and 4. A payload length of zero is that of a jumbogram (RFC 2675),
	 * which no answer is.
	 */
	state ipv6 {
		packet.extract(headers.ipv6);
		meta.is_ipv6 = 1;
		meta.ip_start = meta.offset;
		meta.offset = meta.offset + 40;
		meta.ip_end = meta.offset + (bit<32>)headers.ipv6.payload_length;
		transition select(headers.ipv6.next_header, headers.ipv6.version,
				  headers.ipv6.payload_length, LACKS(8)) {
			(PROTOCOL_UDP, 6, 0, _): accept;
			(PROTOCOL_UDP, 6, _, 0): udp;
			(PROTOCOL_UDP, _, _, _): accept;
			(PROTOCOL_FRAGMENT, _, _, 0): ipv6_fragment;
			(PROTOCOL_FRAGMENT, _, _, _): accept;
			default: not_udp;
		}
	}

	state ipv6_fragment {
		packet.extract(headers.ipv6_fragment);
		meta.offset = meta.offset + 8;
		transition select(headers.ipv6_fragment.next_header,
				  headers.ipv6_fragment.offset_and_more[15:3],
				  BEFORE(meta.ip_end, meta.offset), headers.ipv6.version) {
			(PROTOCOL_UDP, _, 0, 6): fragment;
			/* Reassembly finds out whether UDP is behind these. */
			(PROTOCOL_HOP_BY_HOP, _, 0, 6): fragment;
			(PROTOCOL_ROUTING, _, 0, 6): fragment;
			(PROTOCOL_DESTINATION, _, 0, 6): fragment;
			(PROTOCOL_UDP, _, _, _): accept;
			(PROTOCOL_HOP_BY_HOP, _, _, _): accept;
			(PROTOCOL_ROUTING, _, _, _): accept;
			(PROTOCOL_DESTINATION, _, _, _): accept;
			(_, 0, _, _): not_udp;
			/* In a later fragment the next header means nothing. */
			(_, _, 0, 6): fragment;
			default: accept;
		}
	}

	state udp {
		packet.extract(headers.udp);
		meta.udp_end = meta.offset + (bit<32>)headers.udp.length;
		meta.offset = meta.offset + 8;
		transition select(headers.udp.source_port, LACKS(12)) {
			(PORT_DNS, 0): udp_length;
			(PORT_DNS, 1): accept;
			default: other_port;
		}
	}

	/* Linux takes no length for the rest of the packet, over IPv6 alone. */
	state udp_length {
		transition select(headers.udp.length, meta.is_ipv6) {
			(0, 1): udp_to_end;
			default: dns;
		}
	}

	state udp_to_end {
		meta.udp_end = meta.ip_end;
		transition dns;
	}

	state other_port {
		meta.verdict = OTHER_PORT;
		transition accept;
	}

	state dns {
		packet.extract(headers.dns);
		meta.offset = meta.offset + 12;
		transition select(BEFORE(meta.udp_end, meta.offset),
				  BEFORE(meta.ip_end, meta.udp_end), headers.dns.is_response,
				  headers.dns.questions) {
			(0, 0, 0, _): not_tree_head;
			(0, 0, _, 0): not_tree_head;
			(0, 0, _, _): answers;
			default: accept;
		}
	}

	state answers {
		transition select(headers.dns.answers, BEFORE(meta.frame_end, meta.ip_end),
				  BEFORE(meta.udp_end, meta.offset + 4)) {
			(0, _, _): not_tree_head;
			(_, 0, 1): not_tree_head;
			(_, 0, 0): question;
			default: accept;
		}
	}

	state not_tree_head {
		meta.verdict = NOT_TREE_HEAD;
		transition accept;
	}

	state question {
		meta.verdict = QUESTION;
		transition accept;
	}
}
