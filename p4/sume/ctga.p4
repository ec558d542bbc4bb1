/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ctga for the NetFPGA SUME board: the SimpleSumeSwitch architecture of P4->NetFPGA, as the paper did it ("Aggregation-Based
 * Certificate Transparency Gossip", Sections 4.2 and 4.5). A packet goes where the route table says, and a match to the host
 * as well, by the DMA port of the port where it came in: the host sees it on that network interface, as it came.
 */
#include <core.p4>
#include <sume_switch.p4>

#include "types.p4"

#define USER user_metadata
#define SUME sume_metadata
#define PACKET_LENGTH (bit<32>)sume_metadata.pkt_len
#define NAME_KEY name_key
#define CLEAR_DIGEST digest_data.unused = 0;

/* Of P4->NetFPGA's extern library: a register array is made by declaring a function for it, as deep as its index is wide. */
#define REG_READ 8w0
#define REG_WRITE 8w1
#define REG_ADD 8w2

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void mask_reg_rw(in bit<1> index, in bit<32> newVal, in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void threshold_reg_rw(in bit<1> index, in bit<32> newVal, in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void key_a_reg_rw(in bit<1> index, in bit<32> newVal, in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void key_b_reg_rw(in bit<1> index, in bit<32> newVal, in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void key_c_reg_rw(in bit<1> index, in bit<32> newVal, in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void answers_reg_raw(in bit<1> index, in bit<32> newVal, in bit<32> incVal, in bit<8> opCode,
			    out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(4)
extern void verdicts_reg_raw(in bit<4> index, in bit<32> newVal, in bit<32> incVal, in bit<8> opCode,
			     out bit<32> result);

#define READ_MASK(result) mask_reg_rw(0, 0, REG_READ, result)
#define READ_THRESHOLD(result) threshold_reg_rw(0, 0, REG_READ, result)
#define READ_KEY_A(result) key_a_reg_rw(0, 0, REG_READ, result)
#define READ_KEY_B(result) key_b_reg_rw(0, 0, REG_READ, result)
#define READ_KEY_C(result) key_c_reg_rw(0, 0, REG_READ, result)
#define COUNT_ANSWER(result) answers_reg_raw(0, 0, 1, REG_ADD, result)
#define COUNT_VERDICT(index) verdicts_reg_raw((bit<4>)(index), 0, 1, REG_ADD, counted)

/* 256 bits, whatever is in them. */
struct digest_data_t {
	bit<256> unused;
}

@Xilinx_MaxPacketRegion(16384)
parser TopParser(packet_in packet, out headers_t headers, out user_metadata_t user_metadata,
		 out digest_data_t digest_data, inout sume_metadata_t sume_metadata)
{
#include "states.p4"
}

control TopPipe(inout headers_t headers, inout user_metadata_t user_metadata, inout digest_data_t digest_data,
		inout sume_metadata_t sume_metadata)
{
	bit<384> name_key;
	bit<32> counted;

#include "tables.p4"

	apply {
#include "decision.p4"
	}
}

@Xilinx_MaxPacketRegion(16384)
control TopDeparser(packet_out packet, in headers_t headers, in user_metadata_t user_metadata,
		    inout digest_data_t digest_data, inout sume_metadata_t sume_metadata)
{
	apply {
		packet.emit(headers.ethernet);
		packet.emit(headers.outer_tag);
		packet.emit(headers.inner_tag);
		packet.emit(headers.pppoe);
		packet.emit(headers.ipv4);
		packet.emit(headers.ipv6);
		packet.emit(headers.ipv6_fragment);
		packet.emit(headers.udp);
		packet.emit(headers.dns);
		packet.emit(headers.sth);
		packet.emit(headers.label_1);
		packet.emit(headers.label_2);
		packet.emit(headers.label_3);
		packet.emit(headers.label_4);
		packet.emit(headers.question_end);
	}
}

SimpleSumeSwitch(TopParser(), TopPipe(), TopDeparser()) main;
