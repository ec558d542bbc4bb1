// SPDX-License-Identifier: Apache-2.0
/**
 * Histories: what a log, the network, this machine and its operator do, one step after the other.
 * They are plain data, so that fast-check can draw and shrink them and a person can read and type
 * them in again.
 */
import { fc } from '../support/random.ts';
import { EVIL_MOODS, HONEST_MOODS, MAX_SIZE, MMD, type LogScript, type Mood } from './log.ts';

/** Something that befalls ctga within a step, after so many calls of the store and the network. */
export interface Fault {
  /** kill -9: nothing that is in memory lives on. Or: the store says that the disk is full. */
  readonly kind: 'kill' | 'disk full';
  readonly after: number;
}

export type Step = { readonly fault?: Fault | undefined } & (
  | { readonly do: 'grow'; readonly branch: number; readonly size: number }
  /** Somebody is shown a head, and ctga sees it. */
  | {
      readonly do: 'see';
      readonly branch: number;
      readonly size: number;
      readonly via: 'wire' | 'import' | 'pollination';
      /** Milliseconds before now at which the log says that it signed. */
      readonly age: number;
      /** On the wire: the observer's batch goes on. */
      readonly more?: boolean | undefined;
    }
  /** As `see` on the wire for as many heads of the branch, of sizes that follow each other. */
  | {
      readonly do: 'see many';
      readonly branch: number;
      readonly from: number;
      readonly count: number;
    }
  /** A head that a stranger signed, on the wire. */
  | { readonly do: 'forge'; readonly branch: number; readonly size: number }
  /** The observer's batch ends. */
  | { readonly do: 'flush' }
  | {
      readonly do: 'front';
      readonly index: number;
      readonly branch: number;
      readonly size: number | undefined;
      readonly lag: number;
    }
  | { readonly do: 'challenge'; readonly once: boolean; readonly moods: readonly Mood[] }
  | { readonly do: 'wait'; readonly ms: number }
  | {
      readonly do: 'restart';
      /** The hashes that were fetched are lost: they are a cache. */
      readonly forgets?: boolean;
    }
  /** A bit of a stored row flips: of the row and column that the numbers come to. */
  | {
      readonly do: 'flip';
      readonly table: 'trees' | 'tree_heads';
      readonly row: number;
      readonly column: number;
      readonly bit: number;
    }
);

/**
 * Following the log with a budget that holds all of it or hardly anything, or asking about what was
 * seen.
 */
export const WAYS = ['whole', 'poor', 'direct'] as const;
export type Way = (typeof WAYS)[number];

export interface History {
  readonly log: LogScript;
  /** Front ends, each on a path of its own. */
  readonly fronts: number;
  /** How large the branches are at first. */
  readonly sizes: readonly number[];
  /** How logs are asked. */
  readonly way: Way;
  /** Questions in each challenge of the schedule. */
  readonly questions: number;
  readonly steps: readonly Step[];
  /** Heads that are new before each challenge in the calm at the end. */
  readonly busy: number;
  readonly seed: number;
}

/** Around 0, 1, powers of two, and a full tile. */
export const SIZES = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  8,
  9,
  15,
  16,
  17,
  31,
  32,
  33,
  63,
  64,
  65,
  100,
  127,
  128,
  129,
  200,
  254,
  255,
  256,
  257,
  258,
  MAX_SIZE,
];
const HOUR = 3_600_000;

const size = fc.constantFrom(...SIZES);
const branch = fc.nat({ max: 2 });
const often = <T>(value: T, other: fc.Arbitrary<T>, weight: number): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(value), weight }, { arbitrary: other, weight: 1 });
const fault = often<Fault | undefined>(
  undefined,
  fc.record({
    kind: fc.constantFrom<Fault['kind']>('kill', 'kill', 'disk full'),
    after: fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 30 })),
  }),
  9,
);
const mood = fc.constantFrom<Mood>(...HONEST_MOODS, ...EVIL_MOODS);
const moods = fc.oneof(fc.constant([]), fc.array(often<Mood>('right', mood, 2), { maxLength: 12 }));

function steps(flips: boolean): fc.Arbitrary<Step> {
  const step = <T extends Step['do']>(
    weight: number,
    kind: T,
    rest: { [K in keyof Omit<Extract<Step, { do: T }>, 'do' | 'fault'>]: fc.Arbitrary<unknown> },
  ): { weight: number; arbitrary: fc.Arbitrary<Step> } => ({
    weight,
    arbitrary: fc.record({ do: fc.constant(kind), ...rest, fault }) as fc.Arbitrary<Step>,
  });
  return fc.oneof(
    step(3, 'grow', { branch, size }),
    step(6, 'see', {
      branch,
      size,
      via: fc.constantFrom('wire', 'wire', 'wire', 'import', 'pollination'),
      age: fc.constantFrom(0, HOUR, -HOUR),
      more: often(false, fc.constant(true), 3),
    }),
    step(1, 'see many', { branch, from: size, count: fc.integer({ min: 2, max: 12 }) }),
    step(1, 'forge', { branch, size }),
    step(1, 'flush', {}),
    step(2, 'front', {
      index: fc.nat({ max: 2 }),
      branch,
      size: fc.option(size, { nil: undefined }),
      lag: fc.constantFrom(0, HOUR, MMD * 1000),
    }),
    step(5, 'challenge', { once: fc.boolean(), moods }),
    step(2, 'wait', { ms: fc.constantFrom(1000, 60_000, HOUR, 13 * HOUR, 25 * HOUR, 240 * HOUR) }),
    step(1, 'restart', { forgets: fc.boolean() }),
    ...(flips
      ? [
          step(2, 'flip', {
            table: fc.constantFrom('trees', 'tree_heads'),
            row: fc.nat({ max: 20 }),
            column: fc.nat({ max: 20 }),
            bit: fc.nat({ max: 600 }),
          }),
        ]
      : []),
  );
}

/**
 * An honest log on bad days; one that lies; one whose lies are noticed just as ctga is killed; an
 * honest one, and bits that flip in our database.
 */
export type Kind = 'honest' | 'liar' | 'killed' | 'flipped';

export function histories(kind: Kind, ways: readonly Way[] = WAYS): fc.Arbitrary<History> {
  return fc.record({
    log: fc.record({
      api: fc.constantFrom<LogScript['api']>('rfc6962', 'static-ct'),
      honest: fc.constant(kind === 'honest' || kind === 'flipped'),
      forks: fc.array(size, { minLength: 1, maxLength: 2 }),
      zeroRoot: often(false, fc.constant(true), 4),
      clockError: often(0, fc.constantFrom(-48 * HOUR, 48 * HOUR, -1e15), 4),
      partials: fc.constantFrom<LogScript['partials']>(200, 404, 403),
    }),
    fronts: fc.integer({ min: 1, max: 3 }),
    sizes: fc.tuple(size, size, often(MAX_SIZE, size, 1)),
    way: fc.constantFrom(...ways),
    questions: fc.integer({ min: 1, max: 5 }),
    steps: fc.array(steps(kind === 'flipped'), { minLength: 1, maxLength: 24, size: 'max' }),
    busy: often(0, fc.integer({ min: 1, max: 5 }), 2),
    seed: fc.nat(),
  });
}

/** JSON, a step a line. */
export function describeHistory({ steps: all, ...rest }: History): string {
  const lines = all.map((each) => `    ${JSON.stringify(each)}`).join(',\n');
  return `${JSON.stringify(rest).slice(0, -1)},\n  "steps": [\n${lines}\n  ]}`;
}
