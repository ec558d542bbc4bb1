/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts: what a packet is, as xdp/ctga.bpf.c has it. Every packet gets exactly one and is
 * counted under its number, so the numbers are the indexes of the counters that
 * src/p4/simple-switch.ts reads and names.
 */
#ifndef CTGA_VERDICTS_P4
#define CTGA_VERDICTS_P4

const bit<8> NOT_IP = 0;
const bit<8> NOT_UDP = 1;
const bit<8> OTHER_PORT = 2;
const bit<8> MALFORMED = 3;
const bit<8> NOT_TREE_HEAD = 4;
const bit<8> UNKNOWN_NAME = 5;
const bit<8> ANSWERS_TOO_LARGE = 6;
const bit<8> ANSWERS_COPIED = 7;
const bit<8> ANSWERS_SAMPLED_OUT = 8;
const bit<8> FRAGMENTS_TOO_LARGE = 9;
const bit<8> FRAGMENTS_COPIED = 10;
const bit<8> FRAGMENTS_SAMPLED_OUT = 11;
/* In a tunnel, which is not looked into; SUME counts these as NOT_IP, NOT_UDP and OTHER_PORT. */
const bit<8> ENCAPSULATED_TAGS = 12;
const bit<8> ENCAPSULATED_MPLS = 13;
const bit<8> ENCAPSULATED_IP = 14;
const bit<8> ENCAPSULATED_GRE = 15;
const bit<8> ENCAPSULATED_UDP = 16;
const bit<8> ENCAPSULATED_IPSEC = 17;

/*
 * These three are on the way to a verdict and are never counted. The parser says ANSWER of a packet
 * whose name has yet to be looked up, the table of known names says KNOWN_ANSWER, and the parser
 * says FRAGMENT of a packet whose size has yet to be compared.
 */
const bit<8> KNOWN_ANSWER = 253;
const bit<8> ANSWER = 254;
const bit<8> FRAGMENT = 255;

#endif
