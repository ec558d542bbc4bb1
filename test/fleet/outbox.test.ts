// SPDX-License-Identifier: Apache-2.0
/** Nothing that a site saw is lost or counted twice, whatever dies on the way to a collector. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { recordHeads } from '../../src/evidence/record.ts';
import type { Message } from '../../src/fleet/collector.ts';
import { LEAST_BATCH, MOST_EVIDENCE, openBatch, type Item } from '../../src/fleet/batch.ts';
import { Outbox, type ReadyBatch } from '../../src/fleet/outbox.ts';
import { keysOf } from '../../src/fleet/roster.ts';
import type { Log } from '../../src/logs/log.ts';
import { ROLLED_UP } from '../../src/store/heads.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { collectorOver, member, rosterOf, TestBus } from '../support/fleet-members.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const signers = [new SigningLog(), new SigningLog()];
const logs = signers.map(({ key }, i): Log => {
  return { key, description: `Log ${i}`, url: `https://${i}.test/`, api: 'rfc6962', mmd: 86_400 };
});
const heads = Array.from({ length: 120 }, (_, i) => {
  const size = (i >> 1) + 1;
  return (signers[i & 1] ?? assert.fail()).verified(size, treeOf(size).root());
});
const site = member('router');
const roster = rosterOf([site]);

function outboxOf(
  store: Store,
  now: () => number,
  mostWaiting?: number,
  onTooLong?: (path: string) => void,
): Outbox {
  return new Outbox({
    store,
    what: 'sightings',
    member: site.name,
    key: site.key,
    size: LEAST_BATCH,
    now,
    ...(mostWaiting === undefined ? {} : { mostWaiting }),
    ...(onTooLong === undefined ? {} : { onTooLong }),
  });
}

function see(store: Store, indices: readonly number[], source: string, at: number): void {
  store.heads.record(
    indices.map((i) => {
      const head = heads[i % heads.length] ?? assert.fail();
      return { head, source, firstSeen: at, lastSeen: at, count: 1 + (i % 3) };
    }),
  );
}

/** By head, and by source: 'router/…:eth0' as 'eth0'. */
function counts(store: Store): Record<string, Record<string, number>> {
  return Object.fromEntries(
    [...store.exchange.exports(0)].map(({ logId, treeSize, sightings }) => [
      `${Buffer.from(logId).toString('hex', 0, 4)} ${treeSize}`,
      Object.fromEntries(sightings.map(({ source, count }) => [source, count]).sort()) as Record<
        string,
        number
      >,
    ]),
  );
}

function totals(store: Store): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts(store)).map(([head, bySource]) => [
      head,
      Object.values(bySource).reduce((sum, count) => sum + count, 0),
    ]),
  );
}

type Step =
  | { readonly do: 'see'; readonly heads: readonly number[]; readonly source: string }
  /** What becomes of a batch: the bus has it or not, and the site hears of that or not. */
  | { readonly do: 'send'; readonly arrives: boolean; readonly isHeard: boolean }
  /** kill -9 of the site's process, with its clock so much off. */
  | { readonly do: 'restart'; readonly off: number }
  | { readonly do: 'roll-up' }
  /** The collector takes some, and dies before the bus hears of it, or before all is written. */
  | { readonly do: 'take'; readonly count: number; readonly dies: 'no' | 'before-ack' | 'half' }
  /** The bus brings what it has brought before, out of order. */
  | { readonly do: 'again'; readonly which: readonly number[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('see' as const),
    heads: fc.array(fc.nat({ max: 119 }), { minLength: 1, maxLength: 30 }),
    source: fc.constantFrom('eth0', 'eth1'),
  }),
  fc.record({ do: fc.constant('send' as const), arrives: fc.boolean(), isHeard: fc.boolean() }),
  fc.record({
    do: fc.constant('restart' as const),
    off: fc.constantFrom(0, -86_400_000, 86_400_000),
  }),
  fc.constant({ do: 'roll-up' as const }),
  fc.record({
    do: fc.constant('take' as const),
    count: fc.integer({ min: 1, max: 5 }),
    dies: fc.constantFrom('no' as const, 'before-ack' as const, 'half' as const),
  }),
  fc.record({ do: fc.constant('again' as const), which: fc.array(fc.nat(), { maxLength: 4 }) }),
);

test('every sighting is counted once, whatever dies', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const [here, there] = [memoryStore(), memoryStore()];
      const bus = new TestBus();
      let clock = 1_700_000_000_000;
      let off = 0;
      let outbox = outboxOf(here, () => clock);
      let sent: ReadyBatch | undefined;
      let hub = collectorOver(there, roster, logs, directory);
      const acked = new Set<number>();

      const send = (arrives: boolean, isHeard: boolean): void => {
        if (sent === undefined) {
          sent = outbox.next();
          sent.sent();
        }
        // The bus knows what it has had by its ID.
        if (arrives) bus.put(site.name, sent.bytes);
        if (!arrives || !isHeard) return;
        sent.arrived();
        sent = undefined;
      };
      const restartHub = (): void => {
        hub = collectorOver(there, roster, logs, directory, { members: hub.members });
      };
      const take = (messages: readonly Message[], dies: string): void => {
        if (dies === 'half') {
          const put = hub.members.put.bind(hub.members);
          hub.members.put = () => {
            throw new Error('the disk is full');
          };
          assert.throws(() => hub.collector.take(messages), /the disk is full/);
          hub.members.put = put;
        } else hub.collector.take(messages);
        if (dies === 'no') for (const { number } of messages) acked.add(number);
        else restartHub();
      };

      for (const each of steps) {
        clock += 1000;
        switch (each.do) {
          case 'see':
            see(here, each.heads, each.source, clock);
            break;
          case 'send':
            send(each.arrives, each.isHeard);
            break;
          case 'restart':
            off += each.off;
            sent = undefined;
            outbox = outboxOf(here, () => clock + off);
            break;
          case 'roll-up':
            here.heads.rollUp(clock, 20);
            break;
          case 'take': {
            const open = bus.messages.filter(({ number }) => !acked.has(number));
            if (open.length > 0) take(open.slice(0, each.count), each.dies);
            break;
          }
          case 'again':
            if (bus.messages.length > 0)
              hub.collector.take(
                each.which.map((i) => bus.messages[i % bus.messages.length] ?? assert.fail()),
              );
        }
      }
      // In the end all that hinders is over.
      while (here.publishing.waiting() > 0 || sent !== undefined) send(true, true);
      for (const message of bus.messages)
        if (!acked.has(message.number)) hub.collector.take([message]);
      assert.deepEqual(totals(there), totals(here));
      assert.equal(hub.members.members()[0]?.missing ?? 0, 0);
      here.close();
      there.close();
    }),
    { numRuns: 150 },
  );
});

describe('an outbox', () => {
  function sendAll(store: Store, outbox = outboxOf(store, Date.now)): Item[][] {
    const batches: Item[][] = [];
    do {
      const batch = outbox.next();
      const opened = openBatch(batch.bytes, LEAST_BATCH, (name) =>
        keysOf(roster.members).get(name),
      );
      assert(typeof opened !== 'string');
      batches.push([...opened.items]);
      batch.sent();
      batch.arrived();
    } while (store.publishing.waiting() > 0);
    return batches;
  }

  const sizes = (items: readonly Item[]): bigint[] =>
    items.flatMap((item) => (item.kind === 'head' ? [item.statement.treeSize] : []));

  test('costs a store that publishes nothing nothing', () => {
    const store = memoryStore();
    see(store, [0, 1, 2], 'eth0', 1);
    assert.equal(store.publishing.waiting(), 0);
    assert.equal(store.publishing.state(), undefined);
  });

  test('tells what was on record before, and then what is new, and what was seen again', () => {
    const store = memoryStore();
    see(store, [0, 2], 'eth0', 1);
    const outbox = outboxOf(store, Date.now);
    assert.deepEqual(sendAll(store, outbox).map(sizes), [[1n, 2n]]);
    see(store, [4, 0], 'eth0', 2);
    const [items = []] = sendAll(store, outbox);
    assert.deepEqual(sizes(items), [3n, 1n]);
    const again = items.find((item) => item.kind === 'head' && item.statement.treeSize === 1n);
    assert(again?.kind === 'head');
    assert.deepEqual(again.sightings, [{ source: 'eth0', firstSeen: 1, lastSeen: 2, count: 2 }]);
    assert.deepEqual(sendAll(store, outbox).map(sizes), [[]]);
  });

  test('keeps what was seen while a batch was on its way', () => {
    const store = memoryStore();
    const outbox = outboxOf(store, Date.now);
    see(store, [0], 'eth0', 1);
    const batch = outbox.next();
    batch.sent();
    see(store, [0], 'eth0', 2);
    batch.arrived();
    assert.equal(store.publishing.waiting(), 1);
  });

  test('lets no log hold up another', () => {
    const store = memoryStore();
    see(
      store,
      Array.from({ length: 60 }, (_, i) => 2 * i),
      'eth0',
      1,
    );
    see(store, [1], 'eth0', 2);
    const [first = []] = sendAll(store);
    assert(
      first.some(
        (item) => item.kind === 'head' && item.logId.every((b, i) => b === logs[1]?.key.logId[i]),
      ),
    );
  });

  test('gives up the last of the log that has most, and counts them', () => {
    const store = memoryStore();
    const outbox = outboxOf(store, Date.now, 12);
    see(store, [1, 3], 'eth0', 1);
    see(
      store,
      Array.from({ length: 50 }, (_, i) => 2 * i),
      'eth0',
      2,
    );
    const batch = outbox.next();
    assert.equal(outbox.counts.givenUp, 40);
    assert.equal(outbox.counts.waiting, 12);
    const opened = openBatch(batch.bytes, LEAST_BATCH, (name) => keysOf(roster.members).get(name));
    assert(typeof opened !== 'string');
    assert.equal(opened.envelope.givenUp, 40);
    const kept = opened.items.map((item) => (item.kind === 'head' ? item.statement.treeSize : 0n));
    assert.deepEqual(
      [...kept].sort((a, b) => Number(a - b)),
      [1n, 1n, 2n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n],
    );
  });

  test('counts a head that is given up again and again once', () => {
    const store = memoryStore();
    const all = Array.from({ length: 30 }, (_, i) => 2 * i);
    see(store, all.slice(0, 4), 'eth0', 1);
    // What is on record and too much from the first counts too.
    const outbox = outboxOf(store, Date.now, 3);
    outbox.next();
    assert.equal(outbox.counts.givenUp, 1);
    see(store, all, 'eth0', 2);
    for (let at = 3; at < 9; at++) {
      outbox.next();
      assert.deepEqual(outbox.counts, { givenUp: 27, waiting: 3 });
      see(store, all.slice(-5), 'eth0', at);
      see(store, [0], 'eth0', at);
    }
  });

  test('says of evidence that is too long that it is not told, and tells the next', () => {
    const store = memoryStore();
    const evidenceDirectory = mkdtempSync(join(directory, 'evidence-'));
    const [long, short] = signers;
    assert(long && short);
    const now = 1_800_000_000_000;
    for (const by of [long, short])
      recordHeads(
        { store, evidenceDirectory, logs, now },
        ['a', 'b'].map((branch) => {
          const head = by.verified(9, treeOf(9, branch).root(), BigInt(now));
          return { head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 };
        }),
      );
    const longFile = store.evidence
      .all()
      .find(({ logId }) => Buffer.compare(logId, long.key.logId) === 0)?.path;
    assert(longFile !== undefined);
    chmodSync(longFile, 0o644);
    appendFileSync(longFile, ' '.repeat(MOST_EVIDENCE));
    const tooLong: string[] = [];
    const outbox = outboxOf(store, Date.now, undefined, (path) => tooLong.push(path));
    const parts = [...sendAll(store, outbox), ...sendAll(store, outbox)]
      .flat()
      .filter(({ kind }) => kind === 'chunk');
    assert(parts.length > 0);
    assert.deepEqual([...new Set(tooLong)], [longFile]);
  });

  test('goes on for a week without a bus, in bounded room: evidence first then, and then the oldest', () => {
    const most = 60;
    const hour = 3_600_000;
    const store = memoryStore();
    const evidenceDirectory = mkdtempSync(join(directory, 'evidence-'));
    const [loud, quiet] = signers;
    assert(loud && quiet);
    let now = 1_800_000_000_000;
    let outbox = outboxOf(store, () => now, most);
    let seen = 0;
    const record = (by: SigningLog, size: number, branch = 'a'): void => {
      const head = by.verified(size, treeOf(size, branch).root(), BigInt(now));
      const sighting = { head, source: 'eth0', firstSeen: now, lastSeen: now, count: 1 };
      recordHeads({ store, evidenceDirectory, logs, now }, [sighting]);
      seen += 1;
    };
    for (let at = 0; at < 7 * 24; at++) {
      now += hour;
      // One log signs its trees again and again, and another one a day, which forks on the fourth.
      for (let i = 0; i < 3; i++, now += 1) record(loud, 10 + at);
      if (at % 24 === 5) record(quiet, 20 + at);
      if (at === 3 * 24 + 6) record(quiet, 20 + at - 1, 'b');
      // What is next is made anew in each interval, and never sent; once the site is restarted.
      if (at === 100) outbox = outboxOf(store, () => now, most);
      outbox.next();
      assert(outbox.counts.waiting <= most, `${outbox.counts.waiting} wait after ${at} hours`);
    }
    assert.equal(store.evidence.all().length, 1);
    const { givenUp, waiting } = outbox.counts;
    assert.deepEqual([givenUp, waiting], [seen - most, most]);

    // It is back.
    const items = sendAll(store, outbox).flat();
    assert.equal(items[0]?.kind, 'chunk');
    const told = items.flatMap((item) => (item.kind === 'head' ? item : []));
    assert.equal(told.length, most);
    const timesOf = ({ key }: SigningLog): bigint[] =>
      told.flatMap(({ logId, statement: { timestamp } }) =>
        Buffer.compare(logId, key.logId) === 0 ? timestamp : [],
      );
    // All of the one that said little, in its order; of the other the oldest.
    assert.equal(timesOf(quiet).length, 8);
    for (const by of [loud, quiet]) assert.deepEqual(timesOf(by), timesOf(by).toSorted());
    const first = 1_800_000_000_000 + hour;
    assert(timesOf(loud).every((time) => time < BigInt(first + 24 * hour)));
    assert.equal(store.publishing.state()?.givenUp, seen - most);
  });

  test('gives up a head that no batch has room for, and tells those behind it', () => {
    const store = memoryStore();
    const [first] = heads;
    assert(first);
    const huge = { ...first, timestamp: 1n, signature: new Uint8Array(9000) };
    const seen = { source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };
    store.heads.record([{ head: huge, ...seen }]);
    see(store, [2], 'eth0', 1);
    assert.deepEqual(sendAll(store).map(sizes), [[2n]]);
    assert.equal(store.publishing.state()?.givenUp, 1);
  });

  test('tells what other stores saw of nobody, and evidence of no sighting', () => {
    const store = memoryStore();
    const seen = { firstSeen: 1, lastSeen: 1, count: 1 };
    const [one, two, three] = heads;
    assert(one && two && three);
    store.heads.record([
      { head: one, source: 'a/0badf00d:eth0', origin: '0badf00d', ...seen },
      { head: two, source: 'evidence', ...seen },
      { head: three, source: ROLLED_UP, ...seen },
    ]);
    assert.deepEqual(sendAll(store).map(sizes), [[2n]]);
  });

  test('sums up the sources that are too many or whose names are too long', () => {
    const store = memoryStore();
    for (let i = 0; i < 40; i++) see(store, [0], `eth${i}`, i + 1);
    see(store, [0], 'x'.repeat(300), 100);
    const [[item] = []] = sendAll(store);
    assert(item?.kind === 'head');
    assert.equal(item.sightings.length, 16);
    assert.equal(
      item.sightings.reduce((sum, { count }) => sum + count, 0),
      41,
    );
    assert.deepEqual(item.sightings.at(-1), {
      source: ROLLED_UP,
      firstSeen: 1,
      lastSeen: 100,
      count: 26,
    });
  });

  test('begins an epoch that is larger than the one before, whatever the clock says', () => {
    const store = memoryStore();
    see(store, [0], 'eth0', 1);
    sendAll(
      store,
      outboxOf(store, () => 5000),
    );
    const before = store.publishing.state();
    assert.equal(before?.epoch, 5000n);
    const bytes = outboxOf(store, () => 100).empty().bytes;
    const opened = openBatch(bytes, LEAST_BATCH, (name) => keysOf(roster.members).get(name));
    assert(typeof opened !== 'string');
    assert.equal(opened.envelope.epoch, 5001n);
    assert.deepEqual(opened.envelope.previous, { epoch: 5000n, sequence: 0n });
  });

  test('tells evidence first that was never told, and then again and again', () => {
    const store = memoryStore();
    const [log] = logs;
    assert(log);
    const evidenceDirectory = mkdtempSync(join(directory, 'evidence-'));
    const fork = ['a', 'b'].map((branch) => ({
      head: (signers[0] ?? assert.fail()).verified(9, treeOf(9, branch).root()),
      source: 'eth0',
      firstSeen: 1,
      lastSeen: 1,
      count: 1,
    }));
    recordHeads({ store, evidenceDirectory, logs, now: 1 }, fork);
    const kinds = sendAll(store).map((items) => items.map(({ kind }) => kind));
    assert.deepEqual(kinds, [['chunk', 'head', 'head']]);
    const outbox = outboxOf(store, Date.now);
    see(store, [0], 'eth0', 1);
    for (const expected of [['head', 'chunk'], ['chunk'], ['chunk']])
      assert.deepEqual(
        sendAll(store, outbox).map((items) => items.map(({ kind }) => kind)),
        [expected],
      );
  });

  test('has no log that is convicted again and again hold up evidence of another, or what was seen', () => {
    const store = memoryStore();
    const evidenceDirectory = mkdtempSync(join(directory, 'evidence-'));
    const [loud, quiet] = signers;
    assert(loud && quiet);
    let now = 1;
    const record = (by: SigningLog, size: number, ...branches: string[]): void => {
      const sightings = branches.map((branch) => ({
        head: by.verified(size, treeOf(size, branch).root()),
        ...{ source: 'eth0', firstSeen: now, lastSeen: now, count: 1 },
      }));
      recordHeads({ store, evidenceDirectory, logs, now: ++now }, sightings);
    };
    // More than can be told in an hour, before the other log does anything.
    for (let size = 10; size < 50; size++) record(loud, size, 'a', 'b');
    const outbox = outboxOf(store, Date.now);
    const sent: Item[][] = [];
    const send = (): void => {
      const batch = outbox.next();
      const opened = openBatch(batch.bytes, LEAST_BATCH, (name) =>
        keysOf(roster.members).get(name),
      );
      assert(typeof opened !== 'string');
      batch.sent();
      batch.arrived();
      sent.push([...opened.items]);
    };
    send();
    send();
    record(quiet, 7, 'a', 'b');
    const { path } = store.evidence.all().at(-1) ?? assert.fail();
    const bytes = readFileSync(path);
    const needs = Math.ceil(bytes.length / (LEAST_BATCH - 400));
    const isOfQuiet = (item: Item): boolean =>
      item.kind === 'chunk' &&
      Buffer.compare(item.sha256, createHash('sha256').update(bytes).digest()) === 0;
    for (let i = 0; i < needs; i++) send();
    const told = sent.flat().filter(isOfQuiet);
    assert.equal(
      told.reduce((sum, item) => sum + (item.kind === 'chunk' ? item.bytes.length : 0), 0),
      bytes.length,
      'it is not told at once',
    );
    // What was seen has every other batch, though evidence of the one goes on and on.
    while (store.publishing.waiting() > 0) {
      send();
      assert(sent.length < 40, 'what was seen waits for evidence');
    }
    const untold = (): number => {
      let count = 0;
      while (store.publishing.nextEvidence()?.rounds === 0 && count < 1000) {
        send();
        count += 1;
      }
      return count;
    };
    assert(untold() > 20, 'there was not so much evidence');
    // Whoever joins late has that of each log soon.
    sent.length = 0;
    for (let i = 0; i < 60; i++) send();
    let since = 0;
    for (const items of sent) {
      since = items.some(isOfQuiet) ? 0 : since + 1;
      assert(since <= 4 * needs, 'it does not go round as often as that of the other log');
    }
  });

  test('does not leave out a part of a file whose batch was never sent', () => {
    const store = memoryStore();
    const evidenceDirectory = mkdtempSync(join(directory, 'evidence-'));
    const fork = ['a', 'b'].map((branch) => ({
      head: (signers[0] ?? assert.fail()).verified(9, treeOf(9, branch).root()),
      source: 'eth0',
      firstSeen: 1,
      lastSeen: 1,
      count: 1,
    }));
    recordHeads({ store, evidenceDirectory, logs, now: 1 }, fork);
    const outbox = outboxOf(store, Date.now);
    const once = outbox.next();
    const twice = outbox.next();
    assert.equal(once.id, twice.id);
    const items = [once, twice].map(({ bytes }) => {
      const opened = openBatch(bytes, LEAST_BATCH, (name) => keysOf(roster.members).get(name));
      return typeof opened === 'string' ? opened : opened.items;
    });
    assert.deepEqual(items[0], items[1]);
  });
});
