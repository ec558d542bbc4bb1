// SPDX-License-Identifier: Apache-2.0
/** What the thread that reads resolvers' streams counts, in memory that it shares. */
import type { DataPlaneCounters } from '../types.ts';

/** Places in the array of counts. */
export const Count = {
  malformed: 0,
  notTreeHead: 1,
  unknownName: 2,
  copied: 3,
  sampledOut: 4,
  seen: 5,
  noRoom: 6,
  /** Connections that were closed because they were too many or carried something else. */
  refused: 7,
  /** Connections that were closed because what came was no Frame Stream. */
  damaged: 8,
  /** Frames that `--tee` could not pass on. */
  notPassedOn: 9,
  /** How many connections are open now. */
  open: 10,
} as const;
export type Count = (typeof Count)[keyof typeof Count];

const COUNTS = Object.keys(Count).length;

export function makeCounts(): Float64Array {
  return new Float64Array(new SharedArrayBuffer(COUNTS * Float64Array.BYTES_PER_ELEMENT));
}

/** The counts in the terms of every data plane. Frames that tell no response are no answers. */
export function toCounters(counts: Float64Array): DataPlaneCounters {
  const count = (place: Count): bigint => BigInt(counts[place] ?? 0);
  const passedBy = {
    malformed: count(Count.malformed),
    notTreeHead: count(Count.notTreeHead),
    unknownName: count(Count.unknownName),
  };
  const matched = {
    answersCopied: count(Count.copied),
    answersSampledOut: count(Count.sampledOut),
    answersOverBudget: 0n,
    answersSeen: count(Count.seen),
    answersRingFull: count(Count.noRoom),
  };
  const sum = (counters: Readonly<Record<string, bigint>>): bigint =>
    Object.values(counters).reduce((total, each) => total + each, 0n);
  const answers = sum(matched);
  return {
    packets: sum(passedBy) + answers,
    ...passedBy,
    answers,
    ...matched,
    notIp: 0n,
    encapsulatedTags: 0n,
    encapsulatedMpls: 0n,
    encapsulatedIp: 0n,
    encapsulatedGre: 0n,
    encapsulatedUdp: 0n,
    encapsulatedIpsec: 0n,
    notUdp: 0n,
    otherPort: 0n,
    answersTooLarge: 0n,
    fragmentsTooLarge: 0n,
    fragments: 0n,
    fragmentsCopied: 0n,
    fragmentsSampledOut: 0n,
    fragmentsOverBudget: 0n,
    fragmentsSeen: 0n,
    fragmentsRingFull: 0n,
  };
}

/** What else is counted, by reason; none that never happened. */
export function otherCounts(counts: Float64Array): Record<string, number> {
  const others = {
    'dnstap: stream refused': counts[Count.refused] ?? 0,
    'dnstap: stream damaged': counts[Count.damaged] ?? 0,
    'dnstap: frame not passed on': counts[Count.notPassedOn] ?? 0,
  };
  return Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0));
}
