/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctga for the NetFPGA SUME board: the SimpleSumeSwitch architecture of P4->NetFPGA, as in the
 * paper ("Aggregation-Based Certificate Transparency Gossip", Sections 4.2 and 4.5). A packet goes
 * where the route table says. A match goes to the host as well, by the DMA port of the port where
 * it came in, so the host sees it on that network interface, as it came.
 */
#include <core.p4>
#include <sume_switch.p4>

#define KNOWN_NAMES 128
#include "types.p4"
#include "registers.p4"
#include "../shared/decision.p4"
#include "../shared/fate.p4"
#include "pieces.p4"
#include "route.p4"
#include "known_names.p4"
#include "sampling.p4"

/* The architecture asks for 256 bits; nobody reads them. */
struct digest_data_t {
	bit<256> unused;
}

#include "deparser.p4"

@Xilinx_MaxPacketRegion(16384)
parser TopParser(packet_in packet, out headers_t headers, out user_metadata_t user_metadata,
		 out digest_data_t digest_data, inout sume_metadata_t sume_metadata)
{
	FrameParser() frame;

	state start {
		digest_data.unused = 0;
		frame.apply(packet, (bit<32>)sume_metadata.pkt_len, headers, user_metadata);
		transition accept;
	}
}

control ReadSettings(out bit<32> threshold, out sampling_t sampling)
{
	apply {
		threshold_reg_rw(0, 0, REG_READ, threshold);
		mask_reg_rw(0, 0, REG_READ, sampling.mask);
		key_a_reg_rw(0, 0, REG_READ, sampling.key_a);
		key_b_reg_rw(0, 0, REG_READ, sampling.key_b);
	}
}

control TopPipe(inout headers_t headers, inout user_metadata_t user_metadata,
		inout digest_data_t digest_data, inout sume_metadata_t sume_metadata)
{
	Route() route;
	ReadSettings() read_settings;
	NameOfPieces() name_of_pieces;
	KnownNames() known_names;
	Decision() decision;
	Sampling() sampling;

	apply {
		bit<32> threshold;
		sampling_t settings;
		bit<32> answers = 0;
		bit<32> counted;
		name_words_t name_words;

		route.apply(sume_metadata.src_port, sume_metadata.dst_port);
		read_settings.apply(threshold, settings);
		if (user_metadata.verdict == ANSWER) {
			name_of_pieces.apply(headers, name_words);
			known_names.apply(name_words, user_metadata);
		}
		if (user_metadata.verdict == KNOWN_ANSWER)
			answers_reg_raw(0, 0, 1, REG_ADD, answers);
		decision.apply(user_metadata.verdict, user_metadata.ip_start, user_metadata.ip_end,
			       user_metadata.frame_end, threshold);
		sampling.apply(headers, settings, answers, user_metadata.verdict);
		verdicts_reg_raw((bit<4>)user_metadata.verdict, 0, 1, REG_ADD, counted);
		if (user_metadata.verdict == ANSWERS_COPIED ||
		    user_metadata.verdict == FRAGMENTS_COPIED)
			sume_metadata.dst_port =
				sume_metadata.dst_port | (sume_metadata.src_port << 1);
	}
}

SimpleSumeSwitch(TopParser(), TopPipe(), TopDeparser()) main;
