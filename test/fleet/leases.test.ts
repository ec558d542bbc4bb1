// SPDX-License-Identifier: Apache-2.0
/**
 * Leases under everything that goes wrong: processes that are killed, stopped and go on, machines
 * that sleep, clocks that are apart, go at their own pace and are set, a bus that is away for some,
 * loses what it was asked, does it late, or tells what was. A model of all that, driven by chance.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/fleet/lease.ts';
import { Leases, type LeaseStore } from '../../src/fleet/leases.ts';
import { VirtualTime } from '../game/time.ts';
import { fc } from '../support/random.ts';

const LEASE_SECONDS = 120;
const LEASE = LEASE_SECONDS * 1000;
const START = Date.UTC(2026, 0, 1);
const LENGTH = 12 * LEASE;
const STEP = 500;
const DAY = 86_400_000;
const LOGS = ['0', '3', '4', '5'].map((digit) => digit.repeat(64));
const TIMEOUT = 8000;
const RUNS = 20;

/** From, and for how long, in milliseconds from the start. */
type Span = readonly [from: number, length: number];

interface Trouble {
  /** It does nothing, and its clocks go on: SIGSTOP. */
  readonly stopped: readonly Span[];
  /** It does nothing, and its monotonic clock stands still. */
  readonly asleep: readonly Span[];
  /** It and the bus do not hear each other. */
  readonly cutOff: readonly Span[];
  /** What it asks of the bus is lost, done late, answered late, or answered as of before. */
  readonly poor: readonly Span[];
  /** Its proxy leads nowhere, and it tries one log by chance. */
  readonly lost: readonly Span[];
  /** It is killed, and begins anew after that long. */
  readonly killed: readonly Span[];
  /** Its wall clock is set, by so much at once. */
  readonly set: readonly Span[];
  /** By how much its clocks go fast. */
  readonly pace: number;
  /** By how much its wall clock is off. */
  readonly off: number;
}

interface Version extends Entry {
  readonly at: number;
}

/** One store, which does one thing after the other. */
class Bus {
  readonly #keys = new Map<string, Version[]>();
  #revision = 0;

  get(key: string, isStale: boolean): Entry | undefined {
    const versions = this.#keys.get(key) ?? [];
    return isStale ? (versions.at(-2) ?? versions.at(-1)) : versions.at(-1);
  }

  put(key: string, text: string, revision: number, at: number): number | undefined {
    const versions = this.#keys.get(key) ?? [];
    if ((versions.at(-1)?.revision ?? 0) !== revision) return undefined;
    this.#keys.set(key, [...versions, { revision: ++this.#revision, text, at }]);
    return this.#revision;
  }
}

const isIn = (spans: readonly Span[], at: number): boolean =>
  spans.some(([from, length]) => from <= at && at < from + length);

/** When one that is stopped at that time goes on. */
function awake({ stopped, asleep }: Trouble, at: number): number {
  const spans = [...stopped, ...asleep];
  for (let then = at; ;) {
    const span = spans.find(([from, length]) => from <= then && then < from + length);
    if (span === undefined) return then;
    then = span[0] + span[1];
  }
}

class Challenger {
  readonly name: string;
  readonly trouble: Trouble;
  readonly #time: VirtualTime;
  readonly #bus: Bus;
  readonly #draw: () => number;
  readonly #names: readonly string[];
  #run = 0;
  #leases: Leases | undefined;

  constructor(
    name: string,
    trouble: Trouble,
    names: readonly string[],
    bus: Bus,
    time: VirtualTime,
    draw: () => number,
  ) {
    this.name = name;
    this.trouble = trouble;
    this.#names = names;
    this.#bus = bus;
    this.#time = time;
    this.#draw = draw;
  }

  get #at(): number {
    return this.#time.now() - START;
  }

  /** What it would find if it looked right now, stopped or not. */
  mayAsk(log: string): boolean {
    return this.#leases?.mayAsk(log) ?? false;
  }

  get isThere(): boolean {
    return this.#leases !== undefined;
  }

  start(): void {
    const run = ++this.#run;
    const { pace, off, asleep, set } = this.trouble;
    const leases = new Leases({
      me: this.name,
      run: `${run}`,
      seconds: LEASE_SECONDS,
      clock: {
        now: () =>
          START +
          off +
          this.#at * (1 + pace) +
          set.reduce((sum, [at, by]) => sum + (at <= this.#at ? by : 0), 0),
        elapsed: () => {
          const slept = asleep.reduce(
            (sum, [from, length]) => sum + Math.max(0, Math.min(this.#at - from, length)),
            0,
          );
          return (this.#at - slept) * (1 + pace);
        },
      },
      challengers: () => this.#names,
      waiting: () => [],
      onEvent: () => undefined,
      chance: this.#draw,
    });
    this.#leases = leases;
    const pickTrial = (logs: readonly string[]): string | undefined =>
      logs[Math.floor(this.#draw() * (logs.length + 1))];
    const isOver = (): boolean => this.#run !== run;
    const store: LeaseStore = {
      get: (key) => this.#ask(isOver, (isStale) => this.#bus.get(key, isStale)),
      put: (key, text, revision) =>
        this.#ask(isOver, () => this.#bus.put(key, text, revision, this.#at)),
    };
    const loop = async (): Promise<void> => {
      while (!isOver()) {
        const isLost = isIn(this.trouble.lost, this.#at);
        await leases.tick(store, LOGS, isLost ? pickTrial : undefined).catch(() => undefined);
        await this.#after(leases.poll, isOver);
      }
    };
    void loop();
  }

  /** Nothing of the process goes on, but what it asked of the bus may still be done. */
  kill(): void {
    this.#run += 1;
    this.#leases = undefined;
  }

  async #ask<T>(isOver: () => boolean, work: (isStale: boolean) => T): Promise<T> {
    const isPoor = isIn(this.trouble.poor, this.#at);
    const [there, back] = [this.#draw(), this.#draw()].map((x) => (isPoor ? x * 30_000 : x * 200));
    const fate = isPoor ? this.#draw() : 1;
    let answer: { readonly is: T } | undefined;
    const arrives = this.#at + (there ?? 0);
    if (fate > 0.2)
      this.#time.at(START + arrives, () => {
        if (isIn(this.trouble.cutOff, this.#at)) return;
        const is = work(fate < 0.4);
        if (!isIn(this.trouble.cutOff, this.#at + (back ?? 0))) answer = { is };
      });
    const wait = (there ?? 0) + (back ?? 0);
    await this.#after(Math.min(wait + 1, TIMEOUT), isOver);
    if (answer === undefined || wait >= TIMEOUT) throw new Error('no answer');
    return answer.is;
  }

  /** Goes on then, or when it is not stopped any more; never, if it was killed. */
  #after(milliseconds: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        if (isOver()) return;
        const then = awake(this.trouble, this.#at);
        if (then > this.#at) this.#time.at(START + then, wake);
        else resolve();
      };
      this.#time.at(this.#time.now() + milliseconds, wake);
    });
  }
}

/** Numbers as chance draws them: those of fast-check are mostly extremes. */
function drawsOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Found {
  /** The longest that nobody held a log while a challenger was there and nothing went wrong. */
  readonly longestNone: number;
  readonly handOvers: number;
  /** When two held one log, and who. */
  readonly two: readonly string[];
}

async function play(troubles: readonly Trouble[], seed: number): Promise<Found> {
  const time = new VirtualTime(START);
  const bus = new Bus();
  const draw = drawsOf(seed);
  const names = troubles.map((_, i) => `c${i}`);
  const all = troubles.map(
    (trouble, i) => new Challenger(`c${i}`, trouble, names, bus, time, draw),
  );
  for (const each of all) {
    time.at(START + draw() * 5000, () => each.start());
    for (const [from, length] of each.trouble.killed) {
      time.at(START + from, () => each.kill());
      time.at(START + from + length, () => {
        if (!each.isThere) each.start();
      });
    }
  }
  const isQuiet = (at: number): boolean =>
    all.some(({ isThere }) => isThere) &&
    all.every(
      ({ trouble: { stopped, asleep, cutOff, poor, killed, set } }) =>
        !isIn([...stopped, ...asleep, ...cutOff, ...poor, ...killed], at) &&
        !set.some(([then]) => Math.abs(then - at) < STEP),
    );
  const two: string[] = [];
  let [longestNone, handOvers] = [0, 0];
  const last = new Map(LOGS.map((log) => [log, { at: 0, by: '' }]));
  for (let at = 0; at < LENGTH; at += STEP) {
    await time.run(START + at);
    for (const log of LOGS) {
      const holders = all.filter((each) => each.mayAsk(log)).map(({ name }) => name);
      const before = last.get(log) ?? { at: 0, by: '' };
      if (holders.length > 1) two.push(`${at}: ${holders.join()}`);
      const [by = before.by] = holders;
      if (by !== before.by && before.by !== '') handOvers += 1;
      if (holders.length > 0 || !isQuiet(at)) last.set(log, { at, by });
      else longestNone = Math.max(longestNone, at - before.at);
    }
  }
  for (const each of all) each.kill();
  return { longestNone, handOvers, two };
}

const spans = (longest: number, maxLength = 2): fc.Arbitrary<Span[]> =>
  fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: Math.floor(LENGTH * 0.7) }),
      fc.integer({ min: 1000, max: longest }),
    ),
    { maxLength },
  );
const CALM: Trouble = {
  ...{ stopped: [], asleep: [], cutOff: [], poor: [], lost: [], killed: [], set: [] },
  ...{ pace: 0, off: 0 },
};
const trouble: fc.Arbitrary<Trouble> = fc
  .record({
    stopped: spans(3 * LEASE),
    asleep: spans(3 * LEASE, 1),
    cutOff: spans(3 * LEASE),
    poor: spans(2 * LEASE),
    lost: spans(5 * LEASE),
    killed: spans(2 * LEASE),
    set: fc.array(
      fc.tuple(fc.integer({ min: 0, max: LENGTH }), fc.integer({ min: -DAY, max: DAY })),
      { maxLength: 2 },
    ),
    pace: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
    off: fc.integer({ min: -DAY, max: DAY }),
  })
  // With one clock standing still and the other set back, nobody can know how long it was.
  .map((all) => (all.asleep.length > 0 ? { ...all, set: [] } : all));

describe('the leases of several challengers', () => {
  test('never let two ask one log, nor none for longer than a lease, whatever goes wrong', async (t) => {
    let handOvers = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(trouble, { minLength: 2, maxLength: 4 }),
        fc.nat(),
        async (troubles, seed) => {
          const found = await play(troubles, seed);
          assert.deepEqual(found.two, []);
          assert(found.longestNone <= LEASE, `${found.longestNone / 1000} s without a holder`);
          handOvers += found.handOvers;
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
    t.diagnostic(`${handOvers} hand-overs`);
    assert(handOvers > RUNS);
  });

  test('are shared, and go to another at once where one ends well', async () => {
    const time = new VirtualTime(START);
    const bus = new Bus();
    const store: LeaseStore = {
      get: (key) => Promise.resolve(bus.get(key, false)),
      put: (key, text, revision) => Promise.resolve(bus.put(key, text, revision, time.now())),
    };
    const clock = { now: time.now, elapsed: time.now };
    const [east, west] = ['east', 'west'].map(
      (me) =>
        new Leases({
          ...{ me, run: me, seconds: LEASE_SECONDS, clock, challengers: () => ['east', 'west'] },
          ...{ waiting: () => [], onEvent: () => undefined },
        }),
    );
    assert(east && west);
    for (let at = 0; at <= LEASE; at += 10_000) {
      await time.run(START + at);
      for (const each of [east, west]) await each.tick(store, LOGS);
    }
    assert.deepEqual([...east.held(), ...west.held()].sort(), LOGS);
    assert(east.held().length > 0 && west.held().length > 0);
    // A visit that is under way keeps its lease; no other begins.
    const [visited = ''] = east.held();
    let finish: () => void = () => undefined;
    const visit = east.during(visited, () => new Promise<void>((resolve) => (finish = resolve)));
    await east.end(store);
    await west.tick(store, LOGS);
    assert.deepEqual([east.held(), west.held().length], [[visited], LOGS.length - 1]);
    finish();
    await visit;
    await east.end(store);
    await west.tick(store, LOGS);
    assert.deepEqual([east.held(), west.held()], [[], LOGS]);
  });

  test('let no two want one block, and lose none where one ends well', async () => {
    const time = new VirtualTime(START);
    const bus = new Bus();
    const store: LeaseStore = {
      get: (key) => Promise.resolve(bus.get(key, false)),
      put: (key, text, revision) => Promise.resolve(bus.put(key, text, revision, time.now())),
    };
    const clock = { now: time.now, elapsed: time.now };
    const [log = ''] = LOGS;
    // Both have heard of the same trees.
    const waiting = { east: [0n, 64n, 128n], west: [0n, 64n, 128n] };
    const leasesOf = (me: 'east' | 'west'): Leases =>
      new Leases({
        ...{ me, run: me, seconds: LEASE_SECONDS, clock, challengers: () => [me] },
        ...{ waiting: () => waiting[me], onEvent: () => undefined },
      });
    const [east, west] = [leasesOf('east'), leasesOf('west')];
    const turn = async (leases: Leases): Promise<bigint[]> => {
      for (const end = time.now() + LEASE; time.now() < end;) {
        await time.run(time.now() + 10_000);
        await leases.tick(store, [log]);
      }
      return waiting.east.concat(waiting.west).filter((block) => leases.isOurs(log, block));
    };
    assert.deepEqual(new Set(await turn(east)), new Set([0n]));
    // It has asked for that one, and another is next.
    waiting.east = [64n, 128n];
    assert.deepEqual(new Set(await turn(east)), new Set([0n, 64n]));
    // It ends well: 64 is free again, and 0 is not, of which the other does not know.
    await east.end(store);
    assert.deepEqual(new Set(await turn(west)), new Set([64n]));
    // It is killed: what it wanted nobody else ever wants.
    waiting.east = [128n];
    const again = leasesOf('east');
    assert.deepEqual(new Set(await turn(again)), new Set([0n, 128n]));
  });

  test('are left by one whose way is lost, and never by all, though all look at the same moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const chance = drawsOf(seed);
        const bus = new Bus();
        let at = 0;
        // Everything that is asked at one time is answered before anything is asked again.
        const store: LeaseStore = {
          get: async (key) => {
            const entry = bus.get(key, false);
            await Promise.resolve();
            return entry;
          },
          put: async (key, text, revision) => {
            const written = bus.put(key, text, revision, at);
            await Promise.resolve();
            return written;
          },
        };
        const clock = { now: () => at, elapsed: () => at };
        const names = ['a', 'b', 'c'];
        const all = names.map(
          (me) =>
            new Leases({
              ...{ me, run: me, seconds: LEASE_SECONDS, clock, chance, challengers: () => names },
              ...{ waiting: () => [], onEvent: () => undefined },
            }),
        );
        const tick = async (isLost: boolean): Promise<void> => {
          at += 10_000;
          await Promise.all(
            all.map((each) => each.tick(store, LOGS, isLost ? () => undefined : undefined)),
          );
        };
        const held = (): string[] => all.flatMap((each) => each.held()).sort();
        for (let i = 0; i < 20; i++) await tick(false);
        assert.deepEqual(held(), LOGS);
        let settled = 0;
        for (let i = 0; i < 60; i++) {
          await tick(true);
          const now = held();
          assert.equal(new Set(now).size, now.length, 'two may ask one log');
          settled = now.length === LOGS.length ? settled + 1 : 0;
        }
        assert(settled > 20, `all were asked in the last ${settled} looks alone`);
        // Every way leads on again, and each has its share.
        for (let i = 0; i < 20; i++) await tick(false);
        assert.deepEqual(held(), LOGS);
        assert(all.filter((each) => each.held().length > 0).length > 1);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  test('are found out by this model where a clock is much too slow', async () => {
    const [fast, slow] = [CALM, { ...CALM, pace: -0.6 }];
    const cutOff: Span[] = [[4 * LEASE, 3 * LEASE]];
    const isFound = async (trouble: Trouble): Promise<boolean> => {
      const { two } = await play([{ ...trouble, cutOff }, fast], 1);
      return two.length > 0;
    };
    assert.equal(await isFound(fast), false);
    assert.equal(await isFound(slow), true);
  });
});
