/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctga for bmv2's simple_switch (v1model): forwards from port to port, and copies answers for known
 * tree heads and small IP fragments of UDP to the CPU ("Aggregation-Based Certificate Transparency
 * Gossip", Section 4.2).
 *
 * Every packet goes on as it came, malformed ones too: the parser stops where it fails, what it has
 * not read is payload, and nothing is verified or computed. The verdict on a packet is the one of
 * xdp/ctga.bpf.c, and it is reached in the same order.
 */
#include <core.p4>
#include <v1model.p4>

#include "types.p4"
#include "../shared/decision.p4"
#include "../shared/fate.p4"
#include "parser.p4"
#include "route.p4"
#include "settings.p4"
#include "answer_ports.p4"
#include "known_names.p4"
#include "sampling.p4"
#include "copy.p4"
#include "deparser.p4"

/* A parser error is nothing special: such a packet is not ours, and goes on like any other. */
control CtgaIngress(inout headers_t headers, inout metadata_t meta,
		    inout standard_metadata_t standard_metadata)
{
	/* By verdict. */
	counter(32, CounterType.packets) verdicts;

	Route() route;
	Settings() settings;
	AnswerPorts() answer_ports;
	KnownNames() known_names;
	Decision() decision;
	Sampling() sampling;
	MarkForCopy() mark_for_copy;

	apply {
		route.apply(standard_metadata);
		settings.apply(meta);
		answer_ports.apply(headers, meta);
		if (meta.verdict == ANSWER)
			known_names.apply(meta);
		decision.apply(meta.verdict, meta.ip_start, meta.ip_end,
			       standard_metadata.packet_length, meta.fragment_threshold);
		sampling.apply(headers, meta);
		verdicts.count((bit<32>)meta.verdict);
		mark_for_copy.apply(meta, standard_metadata);
	}
}

control CtgaEgress(inout headers_t headers, inout metadata_t meta,
		   inout standard_metadata_t standard_metadata)
{
	CopyToCpu() copy_to_cpu;

	apply {
		copy_to_cpu.apply(headers, meta, standard_metadata);
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

V1Switch(CtgaParser(), NoVerification(), CtgaIngress(), CtgaEgress(), NoComputation(),
	 CtgaDeparser()) main;
