// SPDX-License-Identifier: Apache-2.0
/**
 * How the log marks sixteen networks: it shows each of them tree heads that are honest, and that no
 * other network is shown.
 */
import type { AdversaryLog } from './log.ts';
import { HOUR, START } from './log.ts';

export const NETWORKS = 16;

/** A tree head that one network was shown. */
export interface Handed {
  readonly network: number;
  readonly at: number;
  readonly log: number;
  readonly size: number;
  readonly timestamp: number;
  /** Whether it is of another tree than the log shows to others, and convicts it. */
  readonly isFork: boolean;
}

/** As random() of support/random.ts: a whole number from 0 to below - 1. */
type Draw = (below: number) => number;
type Mark = Pick<Handed, 'size' | 'timestamp'> & Partial<Pick<Handed, 'log' | 'isFork'>>;

interface Place {
  readonly log: AdversaryLog;
  /** When the head is handed out. */
  readonly at: number;
  readonly draw: Draw;
}

/** The sizes of a block of an RFC 6962 log; see src/follow. */
export const BLOCK = 64;
const TILE = 256;

/** So many different numbers from `from` to `to`, as far as there are so many. */
function differing(draw: Draw, count: number, from: number, to: number): number[] {
  const found = new Set<number>();
  const most = Math.min(count, to - from + 1);
  while (found.size < most) found.add(from + draw(to - from + 1));
  return [...found];
}

/** So many heads for each network, of sizes that no two of them have, if the range has as many. */
function sizesFrom(heads: number, range: (place: Place) => readonly [number, number]) {
  return (place: Place): Mark[][] => {
    const { at, draw } = place;
    const [from, to] = range(place);
    const sizes = differing(draw, NETWORKS * heads, from, to);
    return Array.from({ length: NETWORKS }, (_, i) =>
      Array.from({ length: heads }, (_, head) => ({
        size: sizes[(i * heads + head) % sizes.length] ?? from,
        // Where there are fewer sizes than networks, the times differ too.
        timestamp: signedAt(at, i),
      })),
    );
  };
}

/** A time of its own for each network, shortly before `at`. */
function signedAt(at: number, i: number): number {
  return at - 60_000 + i * 1_000;
}

/** All heads have one timestamp, so that the sizes alone tell them apart. */
function atOnce(marks: Mark[][], at: number): Mark[][] {
  return marks.map((each) => each.map((mark) => ({ ...mark, timestamp: at - 60_000 })));
}

/** What one network is shown, for all of them. */
const makers = {
  'one block': (place) =>
    atOnce(
      sizesFrom(3, ({ log, at, draw }) => {
        const block = draw(Math.max(1, Math.floor(log.sizeAt(at) / BLOCK) - 1));
        return [block * BLOCK + 1, block * BLOCK + BLOCK - 1];
      })(place),
      place.at,
    ),
  'the window': (place) =>
    atOnce(
      sizesFrom(2, ({ log, at }) => [log.sizeAt(at - 24 * HOUR), log.sizeAt(at)])(place),
      place.at,
    ),
  'the whole history': sizesFrom(1, ({ log, at }) => [1, log.sizeAt(at)]),
  'eight heads each': sizesFrom(8, ({ log, at }) => [1, log.sizeAt(at)]),
  yesterday: ({ log, at, draw }) => {
    const then = at - 24 * HOUR;
    const make = sizesFrom(2, () => [log.sizeAt(then - 12 * HOUR), log.sizeAt(then)]);
    return make({ log, at: then, draw });
  },
  'above the public head': sizesFrom(2, ({ log, at }) => [
    log.sizeAt(at) + 1,
    log.sizeAt(at) + BLOCK,
  ]),
  'the last partial tile': sizesFrom(2, ({ log, at }) => {
    const size = log.sizeAt(at);
    return [Math.max(1, size - (size % TILE)), size];
  }),
  'powers of two': ({ log, at }) => {
    const largest = Math.floor(Math.log2(log.sizeAt(at)));
    const pairs: Mark[][] = [];
    for (let a = largest; a > 0; a--)
      for (let b = a - 1; b > 0; b--)
        pairs.push([2 ** a, 2 ** b].map((size) => ({ size, timestamp: at - 60_000 })));
    return pairs.slice(0, NETWORKS);
  },
  'public heads, other times': ({ log, at }) =>
    Array.from({ length: NETWORKS }, (_, i) => [
      { size: log.sizeAt(at - HOUR), timestamp: signedAt(at - HOUR, i) },
    ]),
  'logs out of service': ({ at }) =>
    // Network j gets a head of retired log i + 1 if bit i of j is set; network 0 gets none.
    Array.from({ length: NETWORKS }, (_, i) =>
      [0, 1, 2, 3]
        .filter((bit) => ((i >> bit) & 1) === 1)
        .map((bit) => ({ size: 40 + bit, timestamp: at - 300 * HOUR, log: bit + 1 })),
    ),
  'a split view': (place) => {
    const make = sizesFrom(2, ({ log, at }) => [log.sizeAt(at - 24 * HOUR), log.sizeAt(at)]);
    return make(place).map((marks) => marks.map((mark) => ({ ...mark, isFork: true })));
  },
} satisfies Readonly<Record<string, (place: Place) => Mark[][]>>;

export type Strategy = keyof typeof makers;
/** Those with which the log stays honest. */
export const STRATEGIES = (Object.keys(makers) as Strategy[]).filter(
  (strategy) => strategy !== 'a split view',
);

/**
 * What every network is shown, the soonest first. Unless `isTogether`, each network has a time of its
 * own, so that it is marked by time as well.
 */
export function handOut(
  strategy: Strategy,
  log: AdversaryLog,
  draw: Draw,
  isTogether: boolean,
): Handed[] {
  const at = START + 6 * HOUR + draw(6 * HOUR);
  const apart = isTogether ? 0 : HOUR;
  return makers[strategy]({ log, at, draw })
    .flatMap((marks, network) =>
      marks.map((mark) => ({ log: 0, isFork: false, ...mark, network, at: at + apart * network })),
    )
    .sort((a, b) => a.at - b.at);
}
