// SPDX-License-Identifier: Apache-2.0
/**
 * What goes out of a site, when, and how long it is: the same whatever was seen. By a clock and a bus
 * of the test's own, so to the millisecond and the byte.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { BusError } from '../../src/fleet/bus.ts';
import { keysOf } from '../../src/fleet/roster.ts';
import { openBatch } from '../../src/fleet/batch.ts';
import { formatRoster } from '../../src/fleet/roster.ts';
import { runMember, type FleetEvent, type MemberBus } from '../../src/services/fleet.ts';
import { ROLLED_UP } from '../../src/store/heads.ts';
import { openDatabase } from '../../src/store/sqlite/open.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import { member, rosterOf } from '../support/fleet-members.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const heads = Array.from({ length: 400 }, (_, i) => log.verified(i + 1, treeOf(i + 1).root()));
const site = member('router');
const roster = rosterOf([site], 10);
const hub = member('hub', 'collector');

function writeMember(directory: string, self = site, its = roster): void {
  writeFileSync(join(directory, 'fleet.json'), formatRoster(its));
  writeFileSync(
    join(directory, 'member.key'),
    self.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  writeFileSync(join(directory, 'bus.nkey'), nkeys.createUser().getSeed());
}

interface Sent {
  readonly at: number;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What the bus does with the attempt that is its n-th, from 0. */
type Fate = 'takes' | 'refuses' | 'is-away';

/**
 * A site's run for so many intervals of ten seconds, in which `seen` heads come in each of them; what
 * the bus does with each attempt.
 */
async function runSite(
  t: TestContext,
  seen: (interval: number) => number,
  intervals: number,
  fate: (attempt: number) => Fate = () => 'takes',
): Promise<{ sent: Sent[]; connections: number[]; events: FleetEvent[]; waiting: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeMember(directory);
  const state = stateAt(join(directory, 'state'));
  const store = openForWriting(state);
  let elapsed = 5000;
  let attempt = 0;
  let next = 0;
  let last = 0;
  const stop = new AbortController();
  const sent: Sent[] = [];
  const connections: number[] = [];
  const events: FleetEvent[] = [];
  let isUp = false;
  const bus: MemberBus = {
    get isUp() {
      return isUp;
    },
    connect: () => {
      connections.push(elapsed);
      if (fate(attempt++) === 'is-away')
        return Promise.reject(new BusError('bus-unreachable', 'nobody is there'));
      isUp = true;
      return Promise.resolve();
    },
    publish: (id, bytes) => {
      const what = fate(attempt++);
      if (what === 'is-away') isUp = false;
      if (what === 'is-away') return Promise.reject(new BusError('bus-unreachable', 'it is gone'));
      sent.push({ at: elapsed, id, bytes });
      if (what === 'takes') return Promise.resolve();
      return Promise.reject(new BusError('bus-refused', 'no majority'));
    },
    prepare: () => assert.fail('a site makes no streams'),
    consume: (_, signal) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    close: () => Promise.resolve(),
  };
  await runMember(
    {
      state,
      roles: ['site'],
      servers: [],
      directory,
      user: process.geteuid?.() === 0 ? 'root' : undefined,
      onEvent: (event) => events.push(event),
      warn: () => undefined,
    },
    stop.signal,
    {
      now: () => 1_700_000_000_000 + elapsed,
      elapsed: () => elapsed,
      becomeAccount: () => undefined,
      openBus: () => bus,
      sleep: async (milliseconds, signal) => {
        // Of those who sleep the publisher alone wakes up: it moves the clock.
        if (milliseconds > 10_000)
          return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        elapsed += milliseconds;
        const interval = Math.round((elapsed - 5000) / 10_000);
        // Somebody sleeps more than once in each.
        const isNew = interval > last;
        last = interval;
        const now = heads.slice(next, next + (isNew ? seen(interval) : 0));
        next += now.length;
        if (now.length > 0)
          store.heads.record(
            now.map((head) => ({ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 })),
          );
        if (interval > intervals) stop.abort();
        return new Promise((resolve) => setImmediate(resolve));
      },
    },
  );
  const waiting = store.publishing.waiting();
  store.close();
  return { sent, connections, events, waiting };
}

const shapes = (sent: readonly Sent[]): string[] =>
  sent.map(({ at, id, bytes }) => `${at}: ${id.length} + ${bytes.length}`);

describe('what goes out of a site', () => {
  const FATES: Readonly<Record<string, (attempt: number) => Fate>> = {
    'that is there': () => 'takes',
    'that is away for a while': (n) => (n > 2 && n < 9 ? 'is-away' : 'takes'),
    'that takes every third batch': (n) => (n % 3 === 0 ? 'takes' : 'refuses'),
  };
  for (const [what, fate] of Object.entries(FATES))
    test(`is the same whatever was seen, with a bus ${what}`, async (t) => {
      const busy = await runSite(t, (i) => [0, 40, 1, 90][i % 4] ?? 0, 24, fate);
      const idle = await runSite(t, () => 0, 24, fate);
      assert.deepEqual(shapes(busy.sent), shapes(idle.sent));
      assert.deepEqual(busy.connections, idle.connections);
      assert(busy.sent.length > 10);
      // The busy one had something to tell.
      const told = busy.sent.filter(({ bytes }) => bytes.subarray(108, -64).some((b) => b !== 0));
      assert(told.length > 5);
      assert(idle.sent.every(({ bytes }) => bytes.subarray(108, -64).every((b) => b === 0)));
    });

  test('is one batch in each interval', async (t) => {
    const { sent } = await runSite(t, () => 3, 20);
    assert.deepEqual(
      sent.map(({ at }) => at),
      Array.from({ length: 19 }, (_, i) => 25_000 + i * 10_000),
    );
    assert.equal(new Set(sent.map(({ id }) => id)).size, 19);
  });

  test('is sent again as it was, under its ID, until the bus has it', async (t) => {
    const { sent } = await runSite(
      t,
      () => 3,
      12,
      (n) => (n > 2 && n < 8 ? 'refuses' : 'takes'),
    );
    const same = sent.slice(2, 8);
    assert.equal(new Set(same.map(({ id }) => id)).size, 1);
    for (const { bytes } of same) assert.deepEqual(bytes, same[0]?.bytes);
    assert.equal(new Set(sent.map(({ id }) => id)).size, sent.length - 5);
  });

  test('is no burst after a week without a bus, and loses nothing of that week', async (t) => {
    // 150 heads in the time that the bus is away, of some 45 in a batch.
    const { sent, events, waiting } = await runSite(
      t,
      (i) => (i < 15 ? 10 : 0),
      30,
      (n) => (n < 20 ? 'is-away' : 'takes'),
    );
    assert.equal(sent[0]?.at, 5000 + 22 * 10_000);
    const times = sent.map(({ at }) => at);
    assert(times.every((at, i) => i === 0 || at - (times[i - 1] ?? 0) === 10_000));
    const told = sent.flatMap(({ bytes }) => {
      const opened = openBatch(bytes, 8192, (name) => keysOf(roster.members).get(name));
      return typeof opened === 'string' ? assert.fail(opened) : opened.items;
    });
    const sizes = told.map((item) => (item.kind === 'head' ? Number(item.statement.treeSize) : 0));
    assert.deepEqual(
      sizes,
      Array.from({ length: 140 }, (_, i) => i + 1),
    );
    assert.equal(waiting, 0);
    // It is told once that the bus is away, and once that it is back.
    assert.deepEqual(
      events.map(({ event }) => event),
      ['started', 'bus-down', 'bus-up'],
    );
  });
});

describe('what a member hears', () => {
  /** When it was taken, of a member whose work takes so long each time, by a clock that `early` moves. */
  async function momentsOf(t: TestContext, work: number, early: number): Promise<number[]> {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    writeMember(directory);
    const stop = new AbortController();
    const found: number[] = [];
    let elapsed = 5000;
    const bus: MemberBus = {
      isUp: true,
      connect: () => Promise.resolve(),
      publish: () => Promise.resolve(),
      prepare: () => Promise.resolve(),
      consume: async (_, signal, moments) => {
        while (found.length < 50) {
          await moments(signal);
          found.push(elapsed);
          elapsed += work;
        }
        stop.abort();
      },
      close: () => Promise.resolve(),
    };
    let published = 0;
    await runMember(
      {
        state: stateAt(join(directory, 'state')),
        roles: ['site'],
        servers: [],
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: () => undefined,
        warn: () => undefined,
      },
      stop.signal,
      {
        now: () => 1_700_000_000_000,
        elapsed: () => elapsed,
        becomeAccount: () => undefined,
        openBus: () => bus,
        sleep: (milliseconds, signal) => {
          // The publisher's are until its first batch is made, and sent; then none but those of the
          // moments end.
          const isOfMoment = milliseconds <= 1000;
          if (milliseconds > 10_000 || (!isOfMoment && published === 2))
            return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
          elapsed += isOfMoment ? milliseconds - early : milliseconds;
          if (!isOfMoment) published += 1;
          return new Promise((resolve) => setImmediate(resolve));
        },
      },
    );
    return found;
  }

  test('is taken in at times that its amount does not move, none of which is near a batch', async (t) => {
    const idle = await momentsOf(t, 0, 0);
    assert.deepEqual(await momentsOf(t, 140, 0), idle);
    assert.deepEqual(
      idle,
      Array.from({ length: 50 }, (_, i) => 15_250 + i * 500),
      'a twentieth of an interval apart, and half of that from where a batch may go out',
    );
  });

  test('is taken in once at each of them, though timers are early', async (t) => {
    const found = await momentsOf(t, 0, 0.4);
    assert.deepEqual(
      found.map((at) => Math.round(at / 500 - 0.5)),
      Array.from({ length: 50 }, (_, i) => 30 + i),
    );
  });

  test('waits for the next of them where the work takes longer than one lasts', async (t) => {
    const found = await momentsOf(t, 700, 0);
    assert(found.every((at, i) => at === 15_250 + i * 1000));
  });
});

describe('what a collector does meanwhile', () => {
  const DAY = 86_400_000;

  /** When rows became sums, and how many, of a fleet with such an interval. */
  async function stepsOver(
    t: TestContext,
    intervalSeconds: number,
    minutes: number,
  ): Promise<{ steps: { at: number; rows: number }[]; busy: Set<number> }> {
    const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    writeMember(directory, hub, rosterOf([hub], intervalSeconds));
    const state = stateAt(join(directory, 'state'));
    let elapsed = 0;
    const now = (): number => 1_700_000_000_000 + elapsed;
    const store = openForWriting(state);
    const [head = assert.fail()] = heads;
    const old = { firstSeen: now() - 100 * DAY, lastSeen: now() - 100 * DAY, count: 1 };
    store.heads.record(
      Array.from({ length: 20_500 * minutes }, (_, i) => ({ head, source: `s${i}`, ...old })),
    );
    store.close();
    const db = openDatabase(state.database);
    db.pragma('synchronous = OFF');
    const sum = db
      .prepare(`SELECT max(count) FROM sightings WHERE tree_head = 1 AND source = '${ROLLED_UP}'`)
      .pluck();
    const stop = new AbortController();
    const steps: { at: number; rows: number }[] = [];
    /** When something goes out. */
    const busy = new Set<number>();
    let rolledUp = 0;
    let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
    const note = (): void => {
      const now = Number(sum.get() ?? 0);
      if (now > rolledUp) steps.push({ at: elapsed, rows: now - rolledUp });
      rolledUp = now;
    };
    const sleep = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
      note();
      await new Promise<void>((resolve) => {
        sleepers.push({ until: elapsed + Math.max(0, milliseconds), wake: resolve });
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    };
    const bus: MemberBus = {
      isUp: true,
      connect: () => Promise.resolve(),
      publish: () => Promise.resolve(void busy.add(elapsed)),
      prepare: () => Promise.resolve(),
      consume: async (_, signal, moments) => {
        while (!signal.aborted) {
          await moments(signal);
          busy.add(elapsed);
        }
      },
      close: () => Promise.resolve(),
    };
    const ended = runMember(
      {
        state,
        roles: ['collector'],
        servers: [],
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: () => undefined,
        warn: (message) => assert.fail(message),
      },
      stop.signal,
      { now, elapsed: () => elapsed, becomeAccount: () => undefined, openBus: () => bus, sleep },
    );
    // Who sleeps shortest wakes up first, when nobody does anything any more.
    while (elapsed < minutes * 60_000) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = sleepers.reduce<(typeof sleepers)[number] | undefined>(
        (first, each) => (first === undefined || each.until < first.until ? each : first),
        undefined,
      );
      if (next === undefined) continue;
      sleepers = sleepers.filter((each) => each !== next);
      elapsed = Math.max(elapsed, next.until);
      next.wake();
    }
    stop.abort();
    await ended;
    note();
    db.close();
    return { steps, busy };
  }

  for (const [intervalSeconds, minutes] of [
    [10, 1],
    [1, 1],
    [60, 2],
  ] as const)
    test(`is done in small steps far from all that goes out, every ${intervalSeconds} s`, async (t) => {
      const { steps, busy } = await stepsOver(t, intervalSeconds, minutes);
      const total = steps.reduce((sum, { rows }) => sum + rows, 0);
      assert(Math.abs(total - 20_000 * minutes) < 400, `${total} rows became sums`);
      const most = Math.max(...steps.map(({ rows }) => rows));
      assert(most <= 150, `${most} at once`);
      const half = (intervalSeconds * 1000) / 20 / 2;
      const least = steps.reduce(
        (near, { at }) =>
          [...busy].reduce((least, time) => Math.min(least, Math.abs(time - at)), near),
        Infinity,
      );
      assert(least >= Math.min(100, half / 2 - 1), `${least} ms from what goes out`);
    });
});

test('a store is told to a fleet by one process at a time', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeMember(directory);
  const stop = new AbortController();
  const run = (): Promise<void> =>
    runMember(
      {
        state: stateAt(join(directory, 'state')),
        roles: ['site'],
        servers: [{ host: '127.0.0.1', port: 1, isPlain: true }],
        directory,
        user: process.geteuid?.() === 0 ? 'root' : undefined,
        onEvent: () => undefined,
        warn: () => undefined,
      },
      stop.signal,
    );
  const first = run();
  await assert.rejects(run(), { code: 'busy' });
  stop.abort();
  await first;
});
