// SPDX-License-Identifier: Apache-2.0
/** Who asks which log when proxies are gone, or lead nowhere: with time that passes at once, and no bus but a map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferred, type Entry } from '../../src/fleet/lease.ts';
import type { LeaseStore } from '../../src/fleet/leases.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { Log } from '../../src/logs/log.ts';
import { LogShare } from '../../src/services/share-logs.ts';
import { VirtualTime } from '../game/time.ts';
import { member, rosterOf } from '../support/fleet-members.ts';
import { SigningLog } from '../support/signing-log.ts';

const START = Date.UTC(2026, 0, 1);
const LEASE = 120_000;
/** Each is to ask three of them while both are there: keys are drawn. */
const LOGS = Array.from({ length: 6 }, (_, i): Log => {
  const { key } = keyFor(i % 2 === 0 ? 'east' : 'west');
  return { key, description: `Log ${i}`, url: `https://${i}.test/`, api: 'rfc6962', mmd: 86_400 };
});
function keyFor(name: string): SigningLog {
  for (;;) {
    const log = new SigningLog();
    const id = Buffer.from(log.key.logId).toString('hex');
    if (preferred(id, ['east', 'west']) === name) return log;
  }
}
const [east, west] = [member('east', 'challenger'), member('west', 'challenger')];
const roster = rosterOf([east, west]);

class KeyValues implements LeaseStore {
  readonly #entries = new Map<string, Entry>();
  #revision = 0;

  get(key: string): Promise<Entry | undefined> {
    return Promise.resolve(this.#entries.get(key));
  }

  put(key: string, text: string, revision: number): Promise<number | undefined> {
    if ((this.#entries.get(key)?.revision ?? 0) !== revision) return Promise.resolve(undefined);
    this.#entries.set(key, { revision: ++this.#revision, text });
    return Promise.resolve(this.#revision);
  }
}

class Challengers {
  readonly time = new VirtualTime(START);
  readonly hasProxy = { east: true, west: true };
  /** Whether anything answers through it. */
  readonly leadsOn = { east: true, west: true };
  /** Logs that answer nobody. */
  readonly silent = new Set<Log>();
  /** Whom each log was asked by last, and when it last answered. */
  readonly answered = new Map<Log, { readonly by: string; readonly at: number }>();
  #visit = 0;
  readonly events: string[] = [];
  readonly #store = new KeyValues();
  #state = 1;
  readonly #draw = (): number => {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#state / 2 ** 32;
  };
  readonly #shares = [east, west].map((who) => {
    const name = who.name as 'east' | 'west';
    const found = roster.members.find((each) => each.name === name) ?? assert.fail();
    return new LogShare(
      {
        directory: '/nowhere',
        membership: { roster, member: found, key: who.key },
        credentials: { nkey: undefined, certificate: undefined, authority: undefined },
        servers: [],
        logs: () => LOGS,
        hashes: HashStore.inMemory(),
        canAsk: () => Promise.resolve(this.hasProxy[name]),
        onEvent: ({ event }) => event === 'lease' || this.events.push(`${name} ${event}`),
      },
      {
        now: this.time.now,
        elapsed: this.time.now,
        sleep: this.time.sleep,
        chance: this.#draw,
        openBus: () => ({
          isUp: true,
          connect: () => Promise.resolve(),
          leases: () => Promise.resolve(this.#store),
          close: () => Promise.resolve(),
        }),
      },
    );
  });

  /** Who may ask each log. Looks each half second until `end`, and has each asked by one at most. */
  async until(end: number): Promise<string[]> {
    for (; this.time.now() < START + end; await this.time.run(this.time.now() + 500)) {
      for (const may of this.may()) assert(may.length <= 1, 'two may ask one log');
      this.#visitNext();
    }
    return this.may().map(([name = 'nobody']) => name);
  }

  /** Each challenger is to visit one log after the other, and visits those that are its own. */
  #visitNext(): void {
    const log = LOGS[this.#visit++ % LOGS.length] ?? assert.fail();
    for (const [i, { name }] of [east, west].entries()) {
      const share = this.#shares[i] ?? assert.fail();
      const doesAnswer = this.leadsOn[name as 'east' | 'west'] && !this.silent.has(log);
      void share.asking(log, () => {
        share.asks(log)(doesAnswer);
        if (doesAnswer) this.answered.set(log, { by: name, at: this.time.now() });
        return Promise.resolve();
      });
    }
  }

  /** The logs that did not answer for so long. */
  unheard(milliseconds: number): Log[] {
    return LOGS.filter(
      (log) => (this.answered.get(log)?.at ?? START) < this.time.now() - milliseconds,
    );
  }

  may(): string[][] {
    return LOGS.map((log) =>
      [east, west].flatMap(({ name }, i) => (this.#shares[i]?.mayAsk(log) === true ? name : [])),
    );
  }

  async play(story: () => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const running = this.#shares.map((share) => share.run(stop.signal));
    await story();
    stop.abort();
    await Promise.all(running);
  }
}

test('a challenger whose proxy is gone leaves its logs to the other within a lease, and has them back', async () => {
  const both = new Challengers();
  await both.play(async () => {
    const before = await both.until(2 * LEASE);
    assert(before.includes('east') && before.includes('west'), before.join(' '));
    both.hasProxy.east = false;
    // Somebody asks each log again long before a lease is over.
    assert.deepEqual(await both.until(2 * LEASE + LEASE / 2), Array(LOGS.length).fill('west'));
    assert.deepEqual(both.events, ['east no-way-out']);
    both.hasProxy.east = true;
    assert.deepEqual(await both.until(4 * LEASE), before);
    // With no proxy at all nobody asks, and then each its own.
    both.hasProxy.east = both.hasProxy.west = false;
    assert.deepEqual(await both.until(5 * LEASE), Array(LOGS.length).fill('nobody'));
    both.hasProxy.east = both.hasProxy.west = true;
    assert.deepEqual(await both.until(6 * LEASE), before);
  });
});

test('a proxy that is away for one look costs no lease', async () => {
  const both = new Challengers();
  await both.play(async () => {
    const before = await both.until(2 * LEASE);
    for (let i = 0; i < 20; i++) {
      // It is looked for every ten seconds.
      both.hasProxy.east = i % 2 === 0;
      assert.deepEqual(await both.until(2 * LEASE + (i + 1) * 10_000), before);
    }
    assert.deepEqual(both.events, []);
  });
});

test('a challenger whose proxy leads nowhere leaves its logs to the other, but for one that it tries', async () => {
  const both = new Challengers();
  await both.play(async () => {
    const before = await both.until(2 * LEASE);
    both.leadsOn.east = false;
    // What it asks in vain for as long as a lease, others ask in the next.
    for (let end = 4 * LEASE; end <= 12 * LEASE; end += LEASE / 4) {
      const east = (await both.until(end)).filter((name) => name === 'east');
      assert(east.length <= 1, `it keeps ${east.length} logs`);
    }
    assert.deepEqual(both.events, ['east leads-nowhere']);
    // Each was tried for a while, and not one of them all the time.
    assert.deepEqual(both.unheard(6 * LEASE), []);
    both.leadsOn.east = true;
    assert.deepEqual(await both.until(15 * LEASE), before);
    assert.deepEqual(both.events, ['east leads-nowhere']);
  });
});

test('where all proxies lead nowhere somebody goes on, and all have their own when they lead on', async () => {
  const both = new Challengers();
  await both.play(async () => {
    const before = await both.until(2 * LEASE);
    both.leadsOn.east = both.leadsOn.west = false;
    await both.until(4 * LEASE);
    const since = both.time.now();
    for (let end = 4 * LEASE; end <= 10 * LEASE; end += LEASE)
      assert((await both.until(end)).filter((name) => name !== 'nobody').length >= LOGS.length - 1);
    both.leadsOn.west = true;
    await both.until(13 * LEASE);
    assert.deepEqual(
      LOGS.filter((log) => (both.answered.get(log)?.at ?? 0) < since),
      [],
      'these were asked by nobody who has a way',
    );
    both.leadsOn.east = true;
    assert.deepEqual(await both.until(16 * LEASE), before);
  });
});

test('two logs that answer nobody are their own affair: everything stays as it is', async () => {
  const both = new Challengers();
  await both.play(async () => {
    const before = await both.until(2 * LEASE);
    for (const name of ['east', 'west'])
      for (const log of LOGS.filter((_, i) => before[i] === name).slice(0, 1)) both.silent.add(log);
    for (let end = 2 * LEASE; end <= 8 * LEASE; end += 5000)
      assert.deepEqual(await both.until(end), before);
    assert.deepEqual(both.events, []);
  });
});
