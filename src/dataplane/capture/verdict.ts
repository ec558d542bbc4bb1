// SPDX-License-Identifier: Apache-2.0
/** What became of a packet: numbers, because they index an array of counters. */
export const Verdict = {
  /** An answer to one of the names: it passes. */
  answer: 0,
  /** A part of a UDP datagram, whose name cannot be judged: it passes. */
  fragment: 1,
  notIp: 2,
  notUdp: 3,
  otherPort: 4,
  /** It ends before it says what it is, or its question's name is none. */
  malformed: 5,
  /** No answer to a question for IN TXT whose name begins as all that are looked for. */
  notTreeHead: 6,
  unknownName: 7,
  // In a tunnel, which is not looked into.
  encapsulatedTags: 8,
  encapsulatedMpls: 9,
  encapsulatedIp: 10,
  encapsulatedGre: 11,
  encapsulatedUdp: 12,
  encapsulatedIpsec: 13,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];
