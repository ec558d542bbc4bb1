/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SimpleSumeSwitch architecture as the documentation of P4->NetFPGA describes it ("Workflow
 * Overview": SimpleSumeSwitch Architecture), so that p4c can check the program's types without
 * Xilinx's tools. A build for the board uses the file of this name that comes with SDNet.
 */
#ifndef CTGA_SUME_SWITCH_P4
#define CTGA_SUME_SWITCH_P4

#include <core.p4>

/* One bit a port, from the right: nf0, the DMA port of nf0, nf1, the DMA port of nf1 and so on. */
typedef bit<8> port_t;

/* 128 bits, like the tuser bus of the reference switch. */
struct sume_metadata_t {
	/* In words of 32 bytes. */
	bit<16> dma_q_size;
	bit<16> nf3_q_size;
	bit<16> nf2_q_size;
	bit<16> nf1_q_size;
	bit<16> nf0_q_size;
	bit<8> send_dig_to_cpu;
	/* Without effect: a packet is dropped if it goes to no port. */
	bit<8> drop;
	port_t dst_port;
	port_t src_port;
	/* Bytes, without preamble and FCS. */
	bit<16> pkt_len;
}

parser Parser<H, M, D>(packet_in packet, out H headers, out M user_metadata, out D digest_data,
		       inout sume_metadata_t sume_metadata);

control Pipe<H, M, D>(inout H headers, inout M user_metadata, inout D digest_data,
		      inout sume_metadata_t sume_metadata);

control Deparser<H, M, D>(packet_out packet, in H headers, in M user_metadata, inout D digest_data,
			  inout sume_metadata_t sume_metadata);

package SimpleSumeSwitch<H, M, D>(Parser<H, M, D> parser_of, Pipe<H, M, D> pipe,
				  Deparser<H, M, D> deparser);

#endif
