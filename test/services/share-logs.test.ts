// SPDX-License-Identifier: Apache-2.0
/** Who asks which log when proxies are gone: with time that passes at once, and no bus but a map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from '../../src/fleet/lease.ts';
import type { LeaseStore } from '../../src/fleet/leases.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { Log } from '../../src/logs/log.ts';
import { LogShare } from '../../src/services/share-logs.ts';
import { VirtualTime } from '../game/time.ts';
import { member, rosterOf } from '../support/fleet-members.ts';
import { SigningLog } from '../support/signing-log.ts';

const START = Date.UTC(2026, 0, 1);
const LEASE = 120_000;
const LOGS = Array.from({ length: 6 }, (_, i): Log => {
  const { key } = new SigningLog();
  return { key, description: `Log ${i}`, url: `https://${i}.test/`, api: 'rfc6962', mmd: 86_400 };
});
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
  readonly events: string[] = [];
  readonly #store = new KeyValues();
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
    for (; this.time.now() < START + end; await this.time.run(this.time.now() + 500))
      for (const may of this.may()) assert(may.length <= 1, 'two may ask one log');
    return this.may().map(([name = 'nobody']) => name);
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
