/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program for NetFPGA SUME on v1model, so that its logic can be tried on simple_switch: the same states, tables and
 * decision. Port n of the switch is nf<n>, and what would go to a DMA port leaves at the CPU's, whole and as it came.
 */
#include <core.p4>
#include <v1model.p4>

#include "types.p4"

#define CPU_SESSION 250

struct one_hot_ports_t {
	bit<8> dst_port;
	bit<8> src_port;
}

struct metadata_t {
	user_metadata_t user;
	one_hot_ports_t sume;
	bit<384> name_key;
}

#define USER meta.user
#define SUME meta.sume
#define PACKET_LENGTH standard_metadata.packet_length
#define NAME_KEY meta.name_key
#define CLEAR_DIGEST

parser TwinParser(packet_in packet, out headers_t headers, inout metadata_t meta,
		  inout standard_metadata_t standard_metadata)
{
#include "states.p4"
}

#define READ_MASK(result) sampling_mask.read(result, 0)
#define READ_THRESHOLD(result) fragment_threshold.read(result, 0)
#define READ_KEY_A(result) keys.read(result, 0)
#define READ_KEY_B(result) keys.read(result, 1)
#define READ_KEY_C(result) keys.read(result, 2)
#define COUNT_ANSWER(result)                \
	answer_count.read(result, 0);       \
	result = result + 1;                \
	answer_count.write(0, result)
#define COUNT_VERDICT(index) verdicts.count((bit<32>)(index))

/* Named as in p4/bmv2, so that the same control plane can set it up. */
control CtgaIngress(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
{
	register<bit<32>>(1) sampling_mask;
	register<bit<32>>(1) fragment_threshold;
	register<bit<32>>(3) keys;
	register<bit<32>>(1) answer_count;
	counter(16, CounterType.packets) verdicts;

#include "tables.p4"

	apply {
		SUME.src_port = (bit<8>)1 << ((bit<8>)standard_metadata.ingress_port << 1);
#include "decision.p4"
		if (SUME.dst_port & 0x55 == 0)
			mark_to_drop(standard_metadata);
		else if (SUME.dst_port[0:0] == 1)
			standard_metadata.egress_spec = 0;
		else if (SUME.dst_port[2:2] == 1)
			standard_metadata.egress_spec = 1;
		else if (SUME.dst_port[4:4] == 1)
			standard_metadata.egress_spec = 2;
		else
			standard_metadata.egress_spec = 3;
		if (SUME.dst_port & 0xaa != 0)
			clone(CloneType.I2E, CPU_SESSION);
	}
}

control Nothing(inout headers_t headers, inout metadata_t meta, inout standard_metadata_t standard_metadata)
{
	apply {
	}
}

control NoChecksum(inout headers_t headers, inout metadata_t meta)
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
