/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ctga for bmv2's simple_switch (v1model): forwards from port to port, and clones answers for known tree heads and small
 * IP fragments of UDP to the CPU ("Aggregation-Based Certificate Transparency Gossip", Section 4.2).
 *
 * Every packet goes on as it came, malformed ones too: the parser stops where it fails, what it has not read is payload,
 * nothing is verified and nothing computed. The verdict on a packet is that of xdp/ctga.bpf.c, looked for in the same order.
 *
 * Names are compared exactly and without regard to case: the parser gathers a name's labels in one number, whose capital
 * letters are folded all at once, and which is the key of the table of known names.
 *
 * Copies are cloned at egress. A clone from ingress is parsed once more before the packet goes on (simple_switch.cpp), so a
 * match would slow down all that follows it.
 */
#include <core.p4>
#include <v1model.p4>

#include "../shared/headers.p4"
#include "../shared/verdict.p4"

/* The longest name that is looked for, in bytes of its wire format; a longer one is unknown. */
#define MAX_NAME 128
#define MAX_NAME_BITS 1024
#define MAX_LABELS 16
#define MAX_EXTENSIONS 5
/* Any record: an owner of one byte, type, class, TTL and an empty RDATA. */
#define SHORTEST_RECORD 11

#define CPU_SESSION 250
#define KEPT_FOR_CLONE 1

header ipv4_options_t {
	varbit<320> options;
}

/* Hop-by-hop, routing and destination options: RFC 8200, Section 4. */
header ipv6_extension_t {
	bit<8> next_header;
	/* In units of 8 bytes, the first 8 not counted. */
	bit<8> length;
	varbit<16368> rest;
}

/* With its length byte. */
header label_t {
	varbit<512> bytes;
}

const bit<256> EACH_OF_32 = 0x0101010101010101010101010101010101010101010101010101010101010101;
const bit<MAX_NAME_BITS> EACH_BYTE = EACH_OF_32 ++ EACH_OF_32 ++ EACH_OF_32 ++ EACH_OF_32;

struct headers_t {
	cpu_t cpu;
	ethernet_t ethernet;
	vlan_t[2] vlan;
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
	/* Where the parser is, where IP and UDP say that they end: bytes from the start of the frame. */
	bit<32> offset;
	bit<32> ip_start;
	bit<32> ip_end;
	bit<32> udp_end;
	bit<8> verdict;
	bit<8> extensions;
	bit<8> label_length;
	bit<8> labels;
	bit<8> name_length; /* with the present label */
	bit<MAX_NAME_BITS> name;
	bit<32> datagram;
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

parser CtgaParser(packet_in packet, out headers_t headers, inout metadata_t meta,
		  inout standard_metadata_t standard_metadata)
{
	/* UDP source ports of answers, filled by the control plane. */
	value_set<bit<16>>(16) answer_ports;

	/* Until it is known better, a packet is malformed: that stays of one that is cut short somewhere. */
	state start {
		meta.verdict = MALFORMED;
		packet.extract(headers.ethernet);
		meta.offset = 14;
		transition select(headers.ethernet.ethertype) {
			ETHERTYPE_VLAN: first_tag;
			ETHERTYPE_QINQ: first_tag;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			default: not_ip;
		}
	}

	state first_tag {
		packet.extract(headers.vlan.next);
		meta.offset = meta.offset + 4;
		transition select(headers.vlan.last.ethertype) {
			ETHERTYPE_VLAN: second_tag;
			ETHERTYPE_QINQ: second_tag;
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
			default: not_ip;
		}
	}

	state second_tag {
		packet.extract(headers.vlan.next);
		meta.offset = meta.offset + 4;
		transition select(headers.vlan.last.ethertype) {
			ETHERTYPE_IPV4: ipv4;
			ETHERTYPE_IPV6: ipv6;
			ETHERTYPE_PPPOE: pppoe;
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

	state not_udp {
		meta.verdict = NOT_UDP;
		transition accept;
	}

	/* RFC 791, Section 3.1. */
	state ipv4 {
		packet.extract(headers.ipv4);
		meta.ip_start = meta.offset;
		meta.ip_end = meta.offset + (bit<32>)headers.ipv4.total_length;
		meta.offset = meta.offset + ((bit<32>)headers.ipv4.ihl << 2);
		transition select(headers.ipv4.protocol) {
			PROTOCOL_UDP: ipv4_udp;
			default: not_udp;
		}
	}

	state ipv4_udp {
		/* The sign of the difference: a header that ends behind its packet contradicts itself. */
		transition select(headers.ipv4.version, headers.ipv4.ihl, (meta.ip_end - meta.offset)[31:31]) {
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

	/* RFC 8200, Sections 3 and 4. Extension headers in front of a fragment header, or of UDP, are passed over. */
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
			default: not_udp;
		}
	}

	state ipv6_extension {
		/* The length is looked at before it is extracted: next header, length. */
		packet.extract(headers.extensions.next, (bit<32>)(packet.lookahead<bit<16>>()[7:0]) * 64 + 48);
		meta.offset = meta.offset + 8 + ((bit<32>)headers.extensions.last.length << 3);
		meta.extensions = meta.extensions + 1;
		transition select(headers.extensions.last.next_header, meta.extensions) {
			(PROTOCOL_FRAGMENT, _): ipv6_fragment;
			(PROTOCOL_UDP, _): ipv6_udp;
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
		transition select(headers.ipv6_fragment.next_header) {
			PROTOCOL_UDP: ipv6_fragment_of_udp;
			/* What it holds behind its header is for reassembly. */
			PROTOCOL_HOP_BY_HOP: ipv6_fragment_of_udp;
			PROTOCOL_ROUTING: ipv6_fragment_of_udp;
			PROTOCOL_DESTINATION: ipv6_fragment_of_udp;
			default: not_udp;
		}
	}

	/* A payload length of zero is a jumbogram's (RFC 2675), and no answer's. */
	state ipv6_fragment_of_udp {
		transition select(headers.ipv6.version, headers.ipv6.payload_length, (meta.ip_end - meta.offset)[31:31]) {
			(_, 0, _): accept;
			(6, _, 0): fragment;
			default: accept;
		}
	}

	state ipv6_udp {
		transition select(headers.ipv6.version, headers.ipv6.payload_length, (meta.ip_end - meta.offset)[31:31]) {
			(_, 0, _): accept;
			(6, _, 0): udp;
			default: accept;
		}
	}

	state udp {
		packet.extract(headers.udp);
		meta.udp_end = meta.offset + (bit<32>)headers.udp.length;
		meta.offset = meta.offset + 8;
		transition select(headers.udp.source_port) {
			answer_ports: dns;
			default: other_port;
		}
	}

	state other_port {
		meta.verdict = OTHER_PORT;
		transition accept;
	}

	state dns {
		packet.extract(headers.dns);
		meta.offset = meta.offset + 12;
		transition select((meta.udp_end - meta.offset)[31:31], (meta.ip_end - meta.udp_end)[31:31],
				  headers.dns.is_response, headers.dns.opcode, headers.dns.questions,
				  headers.dns.answers) {
			(0, 0, 1, 0, 1, 1): question;
			(0, 0, _, _, _, _): not_tree_head;
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
		transition select(packet.lookahead<bit<32>>(), (meta.udp_end - meta.offset - 4)[31:31],
				  (standard_metadata.packet_length - meta.ip_end)[31:31]) {
			(_, 1, _): accept;
			(LABEL_STH &&& LABEL_STH_MASK, _, 0): label;
			(LABEL_STH &&& LABEL_STH_MASK, _, 1): accept;
			default: not_tree_head;
		}
	}

	/*
	 * A length, and so many bytes: RFC 1035, Section 3.1. A label is looked at in a piece of 16, 32, 48 or 64 bytes, whose
	 * end is cut off: behind the last label of any answer there are 16 bytes more, so a packet that has none is malformed.
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

/* simple_switch shifts by at most 255 bits: by what is below `wide` bytes first, which are 16, 32 or 48 for all labels here. */
#define TAKE_LABEL(wide)                                                                                              \
	meta.labels = meta.labels + 1;                                                                                 \
	meta.name = (meta.name << ((meta.label_length + 17 - wide) << 3)) |                                            \
		    ((bit<MAX_NAME_BITS>)packet.lookahead<bit<(wide * 8)>>() >> ((wide - 1 - meta.label_length) << 3));    \
	packet.extract(headers.labels.next, ((bit<32>)meta.label_length + 1) << 3);                                    \
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
		transition select((meta.udp_end - meta.offset - SHORTEST_RECORD)[31:31], headers.question_end.type,
				  headers.question_end.class) {
			(0, DNS_TYPE_TXT, DNS_CLASS_IN): known_or_not;
			(0, _, _): not_tree_head;
			default: accept;
		}
	}

	state known_or_not {
		meta.verdict = KNOWN_OR_NOT;
		transition accept;
	}
}

/* Of a parser error no more is made than of any other packet that is not ours. */
control CtgaIngress(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
{
	/* Settings, written by the control plane; zero means the default. */
	register<bit<32>>(1) every_nth;
	register<bit<32>>(1) fragment_threshold;
	/* Drawn by the control plane: nobody else knows which datagrams are sampled. */
	register<bit<64>>(1) datagram_key;
	register<bit<32>>(1) answer_count;
	counter(16, CounterType.packets) verdicts;
	direct_counter(CounterType.packets) answers_per_name;

	action forward(bit<9> port)
	{
		standard_metadata.egress_spec = port;
	}

	action drop()
	{
		mark_to_drop(standard_metadata);
	}

	table route {
		key = { standard_metadata.ingress_port: exact; }
		actions = { forward; drop; }
		default_action = drop();
		size = 512;
	}

	action known()
	{
		answers_per_name.count();
	}

	table known_names {
		key = { meta.name: exact @name("name"); }
		actions = { known; NoAction; }
		default_action = NoAction();
		counters = answers_per_name;
		size = 4096;
	}

	/*
	 * 0x20 is added to each byte from 'A' to 'Z': those of which 0x3f more, and not 0x25 more, reaches 0x80. Lengths of
	 * labels are below 'A', and bytes from 0x80 on are no letters.
	 */
	action fold_name()
	{
		bit<MAX_NAME_BITS> low = meta.name & (EACH_BYTE * 0x7f);
		bit<MAX_NAME_BITS> capital = (low + EACH_BYTE * 0x3f) & ~(low + EACH_BYTE * 0x25) & ~meta.name;

		meta.name = meta.name | ((capital & (EACH_BYTE * 0x80)) >> 2);
	}

	action copy(bit<8> reason)
	{
		meta.reason = reason;
		meta.ingress_port = (bit<16>)standard_metadata.ingress_port;
		meta.copied_length = meta.ip_end;
		meta.original_length = (bit<16>)standard_metadata.packet_length;
		meta.timestamp_us = standard_metadata.ingress_global_timestamp;
	}

	apply {
		bit<32> nth;
		bit<32> threshold;
		bit<32> count;
		bit<64> key;

		route.apply();
		every_nth.read(nth, 0);
		fragment_threshold.read(threshold, 0);
		if (threshold == 0)
			threshold = 400;

		if (meta.verdict == KNOWN_OR_NOT) {
			fold_name();
			if (known_names.apply().hit) {
				meta.verdict = ANSWERS_COPIED;
				if (meta.ip_end > LARGEST_COPY) {
					meta.verdict = ANSWERS_TOO_LARGE;
				} else if (nth > 1) {
					answer_count.read(count, 0);
					count = count + 1;
					if (count >= nth)
						count = 0;
					answer_count.write(0, count);
					if (count != 0)
						meta.verdict = ANSWERS_SAMPLED_OUT;
				}
			} else {
				meta.verdict = UNKNOWN_NAME;
			}
		} else if (meta.verdict == FRAGMENT) {
			meta.verdict = FRAGMENTS_COPIED;
			if (standard_metadata.packet_length < meta.ip_end) {
				meta.verdict = MALFORMED;
			} else if (meta.ip_end - meta.ip_start > threshold || meta.ip_end > LARGEST_COPY) {
				meta.verdict = FRAGMENTS_TOO_LARGE;
			} else if (nth > 1) {
				/* Fragments of one datagram share one fate: what they have in common decides. */
				datagram_key.read(key, 0);
				if (headers.ipv4.isValid())
					hash(meta.datagram, HashAlgorithm.crc32, (bit<32>)0,
					     { key, headers.ipv4.source, headers.ipv4.destination, headers.ipv4.identification },
					     nth);
				else
					hash(meta.datagram, HashAlgorithm.crc32, (bit<32>)0,
					     { key, headers.ipv6.source, headers.ipv6.destination, headers.ipv6_fragment.identification },
					     nth);
				if (meta.datagram != 0)
					meta.verdict = FRAGMENTS_SAMPLED_OUT;
			}
		}
		verdicts.count((bit<32>)meta.verdict);
		if (meta.verdict == ANSWERS_COPIED)
			copy(REASON_ANSWER);
		else if (meta.verdict == FRAGMENTS_COPIED)
			copy(REASON_FRAGMENT);
	}
}

#define CLONED_FROM_EGRESS 2
#define CPU_HEADER_BYTES 12

control CtgaEgress(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
{
	apply {
		if (standard_metadata.instance_type == CLONED_FROM_EGRESS) {
			headers.cpu.setValid();
			headers.cpu.ingress_port = meta.ingress_port;
			headers.cpu.reason = meta.reason;
			headers.cpu.version = CPU_HEADER_VERSION;
			headers.cpu.original_length = meta.original_length;
			headers.cpu.timestamp_us = meta.timestamp_us;
			/* Behind the IP packet there is only Ethernet padding. */
			truncate(meta.copied_length + CPU_HEADER_BYTES);
		} else if (meta.reason != 0) {
			clone_preserving_field_list(CloneType.E2E, CPU_SESSION, KEPT_FOR_CLONE);
		}
	}
}

control NoVerification(inout headers_t headers, inout metadata_t meta)
{
	apply {
	}
}

control NoComputation(inout headers_t headers, inout metadata_t meta)
{
	apply {
	}
}

control CtgaDeparser(packet_out packet, in headers_t headers)
{
	apply {
		packet.emit(headers.cpu);
		packet.emit(headers.ethernet);
		packet.emit(headers.vlan);
		packet.emit(headers.pppoe);
		packet.emit(headers.ipv4);
		packet.emit(headers.ipv4_options);
		packet.emit(headers.ipv6);
		packet.emit(headers.extensions);
		packet.emit(headers.ipv6_fragment);
		packet.emit(headers.udp);
		packet.emit(headers.dns);
		packet.emit(headers.labels);
		packet.emit(headers.question_end);
	}
}

V1Switch(CtgaParser(), NoVerification(), CtgaIngress(), CtgaEgress(), NoComputation(), CtgaDeparser()) main;
