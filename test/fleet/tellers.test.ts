// SPDX-License-Identifier: Apache-2.0
/** Of several alerters one tells, whatever stands still, dies, or loses the bus meanwhile. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { fc } from '../support/random.ts';
import type { LeaseStore } from '../../src/fleet/leases.ts';
import { entryKey, PATIENCE_MS, POLL_MS, Tellers, type News } from '../../src/fleet/tellers.ts';

const FORK = 'fork:fork-1.json';
const DAY = 86_400_000;
const keys = ['a', 'b', 'c', 'site'].map((name) => ({
  name,
  key: generateKeyPairSync('ed25519').privateKey,
}));
const keyOf = (name: string): KeyObject | undefined =>
  name === 'site' ? undefined : keys.find((each) => each.name === name)?.key;

/** One server that may be away, and whose operator may bring old entries again. */
class TestStore implements LeaseStore {
  isAway = false;
  #revision = 0;
  readonly entries = new Map<string, { revision: number; text: string }>();
  readonly history: string[] = [];

  get(key: string): Promise<{ revision: number; text: string } | undefined> {
    return this.isAway ? Promise.reject(new Error('away')) : Promise.resolve(this.entries.get(key));
  }

  put(key: string, text: string, revision: number): Promise<number | undefined> {
    if (this.isAway) return Promise.reject(new Error('away'));
    if ((this.entries.get(key)?.revision ?? 0) !== revision) return Promise.resolve(undefined);
    return Promise.resolve(this.force(key, text));
  }

  force(key: string, text: string): number {
    this.#revision += 1;
    this.entries.set(key, { revision: this.#revision, text });
    this.history.push(text);
    return this.#revision;
  }
}

/** An alerter with the finding, as a process on a machine. */
class TestAlerter {
  readonly name: string;
  readonly #store: TestStore;
  readonly #told: string[];
  readonly #now: () => number;
  readonly #apart: number;
  tellers: Tellers;
  #runs = 0;
  /** In the outbox, until it was sent. */
  #queued: News | undefined;
  #known = false;
  isChannelDown = false;

  constructor(name: string, store: TestStore, told: string[], now: () => number, apart = 0) {
    this.name = name;
    this.#store = store;
    this.#told = told;
    this.#now = now;
    this.#apart = apart;
    this.tellers = this.#begin();
  }

  #begin(): Tellers {
    this.#runs += 1;
    const began = this.#now();
    return new Tellers({
      me: this.name,
      key: keys.find(({ name }) => name === this.name)?.key ?? assert.fail(),
      run: `${this.#runs}`,
      clock: { now: () => this.#now() + this.#apart, elapsed: () => this.#now() - began },
      keyOf,
    });
  }

  tick(): Promise<void> {
    return this.tellers.tick(this.#store).catch(() => undefined);
  }

  /** What the alerter does at each look. */
  look(event: News = 'alert'): void {
    if (!this.#known) {
      const claim = this.tellers.claim(FORK, event);
      if (claim === 'open') return;
      this.#known = true;
      if (claim === 'ours') this.#queued = event;
    }
    this.send();
  }

  send(): void {
    if (this.#queued === undefined) return;
    const claim = this.tellers.maySend(FORK, this.#queued);
    if (claim === 'told') this.#queued = undefined;
    if (claim !== 'ours' || this.isChannelDown || this.#queued === undefined) return;
    this.#told.push(`${this.name} ${this.#queued}`);
    this.tellers.delivered(FORK, this.#queued);
    this.#queued = undefined;
  }

  /** kill -9, and another start: what is on its disk stays. */
  restart(): void {
    this.tellers = this.#begin();
  }

  begins(): void {
    this.#known = false;
  }
}

interface World {
  readonly store: TestStore;
  readonly told: string[];
  readonly all: readonly TestAlerter[];
  readonly run: (seconds: number, who?: readonly TestAlerter[]) => Promise<void>;
}

function world(names: readonly string[]): World {
  const store = new TestStore();
  const told: string[] = [];
  const clock = { now: DAY * 365 };
  const all = names.map((name, i) => new TestAlerter(name, store, told, () => clock.now, i * DAY));
  const run: World['run'] = async (seconds, who = all) => {
    for (let i = 0; i < (seconds * 1000) / POLL_MS; i++) {
      clock.now += POLL_MS;
      for (const each of who) {
        each.look();
        await each.tick();
        each.look();
      }
    }
  };
  return { store, told, all, run };
}

test('one of three tells, with clocks that are days apart', async () => {
  const { told, run } = world(['a', 'b', 'c']);
  await run(1200);
  assert.deepEqual(told, ['a alert']);
});

test('who dies before it has told is replaced, and tells nothing when it is back', async () => {
  const { told, run, all } = world(['a', 'b']);
  const [a, b] = all as [TestAlerter, TestAlerter];
  a.isChannelDown = true;
  await run(15);
  assert.deepEqual(told, []);
  await run(30, [b]);
  assert.deepEqual(told, [], 'what it said may still be on its way');
  await run(30, [b]);
  assert.deepEqual(told, ['b alert']);
  a.isChannelDown = false;
  a.restart();
  await run(600);
  assert.deepEqual(told, ['b alert']);
});

test('who stood still for longer than the others wait tells nothing when it goes on', async () => {
  const { told, run, all } = world(['a', 'b']);
  const [a, b] = all as [TestAlerter, TestAlerter];
  a.isChannelDown = true;
  await run(15);
  await run(60, [b]);
  assert.deepEqual(told, ['b alert']);
  a.isChannelDown = false;
  // The first thing that it does is to send.
  a.send();
  await run(600);
  assert.deepEqual(told, ['b alert']);
});

test('without a bus everybody tells, after a while, and once', async () => {
  const { told, run, store } = world(['a', 'b']);
  store.isAway = true;
  await run(PATIENCE_MS / 1000 - 10);
  assert.deepEqual(told, []);
  await run(60);
  assert.deepEqual(told.toSorted(), ['a alert', 'b alert']);
  store.isAway = false;
  await run(600);
  assert.equal(told.length, 2);
});

test('an entry that no collector signed for this finding suppresses nothing', async () => {
  for (const forged of ['', 'x', 'AAAA {}', 'signed by a site', 'signed for another finding']) {
    const { told, run, store } = world(['a']);
    let text = forged;
    if (forged.startsWith('signed')) {
      const name = forged.endsWith('site') ? 'site' : 'b';
      const other = new TestStore();
      const now = { now: () => 1, elapsed: () => 1 };
      const key = keys.find((each) => each.name === name)?.key ?? assert.fail();
      const tellers = new Tellers({ me: name, key, run: '1', clock: now, keyOf });
      const finding = name === 'site' ? FORK : 'fork:another.json';
      tellers.claim(finding, 'alert');
      await tellers.tick(other);
      tellers.delivered(finding, 'alert');
      await tellers.tick(other);
      text = other.entries.get(entryKey(finding))?.text ?? assert.fail();
      assert.match(text, /"isTold":true/);
    }
    store.force(entryKey(FORK), text);
    await run(10);
    assert.deepEqual(told, ['a alert'], forged);
  }
});

test('old entries that the operator of a server brings again delay it, and not for ever', async () => {
  const { told, run, store, all } = world(['a', 'b']);
  const [a, b] = all as [TestAlerter, TestAlerter];
  a.isChannelDown = true;
  await run(5, [a]);
  const [old = ''] = store.history;
  for (let i = 0; i < 200; i++) {
    store.force(entryKey(FORK), old);
    await run(5, [b]);
  }
  assert.deepEqual(told, ['b alert']);
});

test('what ends is told once, and so is what begins again', async () => {
  const { told, all, store } = world(['a', 'b']);
  for (const event of ['alert', 'recovery', 'alert'] as const) {
    for (const each of all) each.begins();
    for (let i = 0; i < 4; i++)
      for (const each of all) {
        each.look(event);
        await each.tellers.tick(store);
        each.look(event);
      }
  }
  assert.deepEqual(
    told.map((each) => each.slice(2)),
    ['alert', 'recovery', 'alert'],
  );
});

test('whatever is killed, stands still and is cut off, it is told, and twice only by chance of that', async () => {
  const act = fc.record({
    who: fc.nat(2),
    what: fc.constantFrom('turn', 'turn', 'turn', 'look', 'send', 'kill', 'still', 'away', 'back'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 120 }), async (acts) => {
      const { told, all, store, run } = world(['a', 'b', 'c']);
      let kills = 0;
      let hasBeenAway = false;
      for (const { who, what } of acts) {
        const one = all[who] ?? assert.fail();
        if (what === 'look') one.look();
        else if (what === 'send') one.send();
        else if (what === 'kill') {
          one.restart();
          kills += 1;
        } else if (what === 'away') store.isAway = hasBeenAway = true;
        else if (what === 'back') store.isAway = false;
        // The others go on, and this one does not.
        else if (what === 'still') {
          // It may have told, and not have said so.
          kills += 1;
          await run(
            60,
            all.filter((each) => each !== one),
          );
        } else await run(5, [one]);
      }
      store.isAway = false;
      await run(900);
      assert(told.length >= 1, 'it was told');
      if (kills === 0 && !hasBeenAway) assert.equal(told.length, 1, told.join());
      assert(told.length <= 3 + kills, told.join());
    }),
    { numRuns: 60 },
  );
});
