/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctga for the Portable Switch Architecture, as p4c's compilers for eBPF and DPDK have it: SUME's
 * parser and controls. A packet goes where the table of routes says, and a match is cloned into a
 * session, whose ports the control plane sets.
 *
 * No packet is dropped for what is in it. Where a frame ends before a header, the parser ends with
 * an error, and the verdict stays what it was before that header: malformed.
 */
#include <core.p4>
#include <psa.p4>

#define KNOWN_NAMES 1024
#include "../sume/types.p4"
#include "../shared/decision.p4"
#include "../shared/fate.p4"

/*
 * How the two compilers read a name, and learn how long a frame is. With p4c-ebpf the program looks
 * ahead: if it extracted a header for each piece, the kernel's verifier would give up. p4c-dpdk
 * looks ahead at no more than 64 bits, so there the pieces are extracted. SWX does not say how long
 * a frame is, so there the program takes one that ends before its IP packet for whole.
 */
#ifdef CTGA_SWX
#include "../sume/pieces.p4"
#define FRAME_LENGTH 32w0xffff
#define READ_FRAME(length) frame.apply(packet, length, headers, meta.frame)
#define NAME_READER NameOfPieces() name_of_pieces;
#define READ_NAME name_of_pieces.apply(headers, meta.name)
#define EMIT_NAME                                                                       \
	packet.emit(headers.sth);                                                       \
	packet.emit(headers.piece_1);                                                   \
	packet.emit(headers.piece_2);                                                   \
	packet.emit(headers.piece_3);                                                   \
	packet.emit(headers.piece_4);                                                   \
	packet.emit(headers.piece_5);                                                   \
	packet.emit(headers.piece_6);                                                   \
	packet.emit(headers.piece_7);                                                   \
	packet.emit(headers.piece_8);                                                   \
	packet.emit(headers.half_piece)
#else
#include "words.p4"
#define FRAME_LENGTH packet.length()
#define READ_FRAME(length) frame.apply(packet, length, headers, meta.frame, meta.name)
#define NAME_READER
#define READ_NAME
#define EMIT_NAME
#endif

#include "../sume/known_names.p4"
#include "../sume/sampling.p4"

#define COPY_SESSION 250

struct empty_t {
}

struct nothing_t {
}

struct psa_metadata_t {
	user_metadata_t frame;
	name_words_t name;
	/* Zero. p4c-ebpf takes the address of an index, and a constant has none. */
	bit<32> first;
}

parser PsaParser(packet_in packet, out headers_t headers, inout psa_metadata_t meta,
		 in psa_ingress_parser_input_metadata_t istd, in empty_t resubmitted,
		 in empty_t recirculated)
{
	FrameParser() frame;
	bit<32> length;

	state start {
		meta.first = 0;
		length = FRAME_LENGTH;
		READ_FRAME(length);
		transition accept;
	}
}

control PsaIngress(inout headers_t headers, inout psa_metadata_t meta,
		   in psa_ingress_input_metadata_t istd, inout psa_ingress_output_metadata_t ostd)
{
	Register<bit<32>, bit<32>>(1) sampling_mask;
	Register<bit<32>, bit<32>>(1) fragment_threshold;
	Register<bit<32>, bit<32>>(1) key_a;
	Register<bit<32>, bit<32>>(1) key_b;
	Register<bit<32>, bit<32>>(1) answer_count;
	Counter<bit<32>, bit<32>>(32, PSA_CounterType_t.PACKETS) verdicts;

	NAME_READER
	KnownNames() known_names;
	Decision() decision;
	Sampling() sampling;
	bit<32> threshold;
	sampling_t settings;
	bit<32> answers;

	action forward(PortId_t port)
	{
		send_to_port(ostd, port);
	}

	action drop()
	{
		ingress_drop(ostd);
	}

	@name(".route")
	table route {
		key = { istd.ingress_port: exact @name("port"); }
		actions = { forward; drop; }
		default_action = drop();
		size = 64;
	}

	apply {
		route.apply();
		threshold = fragment_threshold.read(meta.first);
		settings.mask = sampling_mask.read(meta.first);
		settings.key_a = key_a.read(meta.first);
		settings.key_b = key_b.read(meta.first);
		answers = 0;
		if (meta.frame.verdict == ANSWER) {
			READ_NAME;
			known_names.apply(meta.name, meta.frame);
		}
		if (meta.frame.verdict == KNOWN_ANSWER) {
			answers = answer_count.read(meta.first) + 1;
			answer_count.write(meta.first, answers);
		}
		decision.apply(meta.frame.verdict, meta.frame.ip_start, meta.frame.ip_end,
			       meta.frame.frame_end, threshold);
		sampling.apply(headers, settings, answers, meta.frame.verdict);
		verdicts.count((bit<32>)meta.frame.verdict);
		if (meta.frame.verdict == ANSWERS_COPIED ||
		    meta.frame.verdict == FRAGMENTS_COPIED) {
			ostd.clone = true;
			ostd.clone_session_id = (CloneSessionId_t)(CloneSessionIdUint_t)COPY_SESSION;
		}
	}
}

/*
 * Puts the headers together again, as they came: what the parser did not reach is payload. Every
 * emit() stands by itself: p4c-ebpf does not count a header that is emitted within an if, and cuts
 * it off.
 */
control PsaDeparser(packet_out packet, out empty_t cloned, out empty_t resubmitted,
		    out empty_t normal, inout headers_t headers, in psa_metadata_t meta,
		    in psa_ingress_output_metadata_t istd)
{
	apply {
		packet.emit(headers.ethernet);
		packet.emit(headers.outer_tag);
		packet.emit(headers.middle_tag);
		packet.emit(headers.inner_tag);
		packet.emit(headers.pppoe);
		packet.emit(headers.ipv4);
		packet.emit(headers.ipv6);
		packet.emit(headers.ipv6_fragment);
		packet.emit(headers.udp);
		packet.emit(headers.dns);
		EMIT_NAME;
	}
}

/* Nothing is looked at on the way out. */
parser PsaEgressParser(packet_in packet, out empty_t headers, inout nothing_t meta,
		    in psa_egress_parser_input_metadata_t istd, in empty_t normal,
		    in empty_t cloned, in empty_t cloned_at_egress)
{
	state start {
		transition accept;
	}
}

control PsaEgress(inout empty_t headers, inout nothing_t meta, in psa_egress_input_metadata_t istd,
	       inout psa_egress_output_metadata_t ostd)
{
	apply {
	}
}

control PsaEgressDeparser(packet_out packet, out empty_t cloned, out empty_t recirculated,
		       inout empty_t headers, in nothing_t meta,
		       in psa_egress_output_metadata_t istd,
		       in psa_egress_deparser_input_metadata_t edstd)
{
	apply {
	}
}

IngressPipeline(PsaParser(), PsaIngress(), PsaDeparser()) ingress;
EgressPipeline(PsaEgressParser(), PsaEgress(), PsaEgressDeparser()) egress;
PSA_Switch(ingress, PacketReplicationEngine(), egress, BufferingQueueingEngine()) main;
