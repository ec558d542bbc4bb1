/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program for NetFPGA SUME on v1model, so that its logic can be tried on simple_switch: the
 * same parser and the same controls, in the same order as in main.p4. Port n of the switch is
 * nf<n>, and what would go to the DMA port of nf<n> goes to session 250 + n, whole and as it came.
 */
#include <core.p4>
#include <v1model.p4>

#define KNOWN_NAMES 128
#include "types.p4"
#include "../shared/decision.p4"
#include "../shared/fate.p4"
#include "pieces.p4"
#include "route.p4"
#include "known_names.p4"
#include "sampling.p4"

#define DMA_SESSION 250

parser TwinParser(packet_in packet, out headers_t headers, inout user_metadata_t meta,
		  inout standard_metadata_t standard_metadata)
{
	FrameParser() frame;

	state start {
		frame.apply(packet, standard_metadata.packet_length, headers, meta);
		transition accept;
	}
}

/* The one-hot ports of the board as the ports of the switch. */
control Leave(in one_hot_ports_t ports, inout standard_metadata_t standard_metadata)
{
	apply {
		if (ports & 0x55 == 0)
			mark_to_drop(standard_metadata);
		else if (ports[0:0] == 1)
			standard_metadata.egress_spec = 0;
		else if (ports[2:2] == 1)
			standard_metadata.egress_spec = 1;
		else if (ports[4:4] == 1)
			standard_metadata.egress_spec = 2;
		else
			standard_metadata.egress_spec = 3;
		if (ports[1:1] == 1)
			clone(CloneType.I2E, DMA_SESSION);
		if (ports[3:3] == 1)
			clone(CloneType.I2E, DMA_SESSION + 1);
		if (ports[5:5] == 1)
			clone(CloneType.I2E, DMA_SESSION + 2);
		if (ports[7:7] == 1)
			clone(CloneType.I2E, DMA_SESSION + 3);
	}
}

/* Its counter has the name that it has in p4/bmv2, so that the same control plane can read it. */
control CtgaIngress(inout headers_t headers, inout user_metadata_t meta,
		    inout standard_metadata_t standard_metadata)
{
	register<bit<32>>(1) sampling_mask;
	register<bit<32>>(1) fragment_threshold;
	register<bit<32>>(2) keys;
	register<bit<32>>(1) answer_count;
	counter(32, CounterType.packets) verdicts;

	Route() route;
	NameOfPieces() name_of_pieces;
	KnownNames() known_names;
	Decision() decision;
	Sampling() sampling;
	Leave() leave;

	apply {
		one_hot_ports_t src_port;
		one_hot_ports_t dst_port = 0;
		bit<32> threshold;
		sampling_t settings;
		bit<32> answers = 0;
		name_words_t name_words;

		src_port = (bit<8>)1 << ((bit<8>)standard_metadata.ingress_port << 1);
		route.apply(src_port, dst_port);
		fragment_threshold.read(threshold, 0);
		sampling_mask.read(settings.mask, 0);
		keys.read(settings.key_a, 0);
		keys.read(settings.key_b, 1);
		if (meta.verdict == ANSWER) {
			name_of_pieces.apply(headers, name_words);
			known_names.apply(name_words, meta);
		}
		if (meta.verdict == KNOWN_ANSWER) {
			answer_count.read(answers, 0);
			answers = answers + 1;
			answer_count.write(0, answers);
		}
		decision.apply(meta.verdict, meta.ip_start, meta.ip_end, meta.frame_end, threshold);
		sampling.apply(headers, settings, answers, meta.verdict);
		verdicts.count((bit<32>)meta.verdict);
		if (meta.verdict == ANSWERS_COPIED || meta.verdict == FRAGMENTS_COPIED)
			dst_port = dst_port | (src_port << 1);
		leave.apply(dst_port, standard_metadata);
	}
}

control Nothing(inout headers_t headers, inout user_metadata_t meta,
		inout standard_metadata_t standard_metadata)
{
	apply {
	}
}

control NoChecksum(inout headers_t headers, inout user_metadata_t meta)
{
	apply {
	}
}

control TwinDeparser(packet_out packet, in headers_t headers)
{
	apply {
		packet.emit(headers);
	}
}

V1Switch(TwinParser(), NoChecksum(), CtgaIngress(), Nothing(), NoChecksum(), TwinDeparser()) main;
