// SPDX-License-Identifier: Apache-2.0
/**
 * What shows that a bus drops, repeats or floods: the sequence of each member's batches, and how
 * many of them there may be in a time. Pure.
 *
 * What a batch holds is the same however often it is taken in, so a sequence only counts: nothing is
 * left out because of it.
 */
import type { Envelope } from './batch.ts';

/** A range of sequence numbers, both ends among them. */
export type Hole = readonly [first: bigint, last: bigint];

/** How far one of a member's epochs has come. */
export interface HeardEpoch {
  readonly epoch: bigint;
  /** The largest that was heard. */
  readonly sequence: bigint;
  /** What is missing below, in order. */
  readonly holes: readonly Hole[];
}

/** The epoch that was heard of last is the last. */
export type Heard = readonly HeardEpoch[];

/** Of what is older, or has more holes, nobody keeps an account: what is missing there is for good. */
const EPOCHS_KEPT = 8;
const HOLES_KEPT = 64;

export interface Place {
  readonly heard: Heard;
  /** It was heard before. */
  readonly isRepeated: boolean;
  /** How many more batches are missing than before; less than 0: this one was. */
  readonly missing: bigint;
}

/** Where a batch stands among those that were heard of its member before. */
export function place(
  heard: Heard,
  { epoch, sequence, previous }: Pick<Envelope, 'epoch' | 'sequence' | 'previous'>,
): Place {
  const known = heard.find((each) => each.epoch === epoch);
  if (known === undefined) {
    const before = withPrevious(heard, previous);
    const holes: Hole[] = sequence > 0n ? [[0n, sequence - 1n]] : [];
    return {
      heard: withEpoch(before.heard, { epoch, sequence, holes }),
      isRepeated: false,
      missing: sequence + before.missing,
    };
  }
  if (sequence > known.sequence) {
    const missing = sequence - known.sequence - 1n;
    const upTo = missing > 0n ? withHole(known, sequence - 1n) : known;
    return { heard: withEpoch(heard, { ...upTo, sequence }), isRepeated: false, missing };
  }
  const isIn = ([first, last]: Hole): boolean => first <= sequence && sequence <= last;
  if (!known.holes.some(isIn)) return { heard, isRepeated: true, missing: 0n };
  const holes = known.holes.flatMap((hole): Hole[] => {
    if (!isIn(hole)) return [hole];
    const [first, last] = hole;
    const parts: Hole[] = [
      [first, sequence - 1n],
      [sequence + 1n, last],
    ];
    return parts.filter(([from, to]) => from <= to);
  });
  const filled = { ...known, holes: holes.slice(-HOLES_KEPT) };
  return { heard: withEpoch(heard, filled), isRepeated: false, missing: -1n };
}

function withEpoch(heard: Heard, one: HeardEpoch): Heard {
  return [...heard.filter(({ epoch }) => epoch !== one.epoch), one].slice(-EPOCHS_KEPT);
}

/** All up to `last` that was not heard yet is missing. */
function withHole({ epoch, sequence, holes }: HeardEpoch, last: bigint): HeardEpoch {
  const hole: Hole = [sequence + 1n, last];
  return { epoch, sequence: last, holes: [...holes, hole].slice(-HOLES_KEPT) };
}

/**
 * With what the member knows to have arrived at the bus before this epoch. What of that was not heard
 * is missing, and may still come: the bus brings again what was not acknowledged, behind what is newer.
 */
function withPrevious(
  heard: Heard,
  previous: Envelope['previous'],
): { readonly heard: Heard; readonly missing: bigint } {
  // Of a member that was never heard, nobody can say what was missed.
  if (previous === undefined || heard.length === 0) return { heard, missing: 0n };
  const { epoch, sequence } = previous;
  const known = heard.find((each) => each.epoch === epoch) ?? { epoch, sequence: -1n, holes: [] };
  if (sequence <= known.sequence) return { heard, missing: 0n };
  return { heard: withEpoch(heard, withHole(known, sequence)), missing: sequence - known.sequence };
}

/** What is left of what a member may send. */
export interface Allowance {
  readonly left: number;
  /** When the bus had the last batch that was counted, in ms since the epoch. */
  readonly at: number;
  /** Its number on the bus. */
  readonly number: number;
}

/** After an outage a few come at once: each of these was sent at its own time. */
const BURST = 20;
/** The clocks of a bus and of its members differ in pace. */
const GRACE = 1.5;

/**
 * Takes one batch, to which the bus gave a `number` at `at`, from what a member may send: one in each
 * `interval` (ms). Undefined: it has sent more than that. What the bus brings once more was counted.
 *
 * Servers give these times, and one may have had a wrong clock: when another gives them again, that goes
 * back, earns nothing, and is followed, or nothing would be taken until the time has come. Who can set
 * those clocks could let a member send more anyway.
 */
export function spend(
  known: Allowance | undefined,
  { at, number }: Pick<Allowance, 'at' | 'number'>,
  interval: number,
): Allowance | undefined {
  if (known === undefined) return { left: BURST - 1, at, number };
  if (number <= known.number && at <= known.at) return known;
  if (at < known.at) return { left: Math.max(0, known.left - 1), at, number };
  const earned = ((at - known.at) / interval) * GRACE;
  const allowed = Math.min(BURST, known.left + earned);
  return allowed < 1 ? undefined : { left: allowed - 1, at, number };
}
