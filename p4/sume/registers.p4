/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers, of the extern library of P4->NetFPGA: declaring a function makes a register array,
 * which is as deep as its index is wide. One whose name ends in _rw is read and written, and one
 * whose name ends in _raw adds as well.
 */
#define REG_READ 8w0
#define REG_WRITE 8w1
#define REG_ADD 8w2

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void mask_reg_rw(in bit<1> index, in bit<32> newVal,
			in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void threshold_reg_rw(in bit<1> index, in bit<32> newVal,
			     in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void key_a_reg_rw(in bit<1> index, in bit<32> newVal,
			 in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void key_b_reg_rw(in bit<1> index, in bit<32> newVal,
			 in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(1)
extern void answers_reg_raw(in bit<1> index, in bit<32> newVal, in bit<32> incVal,
			    in bit<8> opCode, out bit<32> result);

@Xilinx_MaxLatency(1)
@Xilinx_ControlWidth(4)
extern void verdicts_reg_raw(in bit<4> index, in bit<32> newVal, in bit<32> incVal,
			     in bit<8> opCode, out bit<32> result);
