// SPDX-License-Identifier: Apache-2.0
/** What a collector believes of what sites say, and what it costs others that a site lies. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { StoreError } from '../../src/disk/error.ts';
import { formatEvidence, parseEvidence } from '../../src/evidence/bundle.ts';
import { recordHeads } from '../../src/evidence/record.ts';
import { openBatch, Packer, type Envelope, type PublishedHead } from '../../src/fleet/batch.ts';
import { Collector, REFUSED } from '../../src/fleet/collector.ts';
import { MemberStore } from '../../src/fleet/members.ts';
import { Outbox } from '../../src/fleet/outbox.ts';
import { keysOf } from '../../src/fleet/roster.ts';
import type { Log } from '../../src/logs/log.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import {
  collectorOver,
  member,
  rosterOf,
  TestBus,
  type TestMember,
} from '../support/fleet-members.ts';
import { random } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const [log, stranger] = [new SigningLog(), new SigningLog()];
const known: Log = {
  key: log.key,
  description: 'The log',
  url: 'https://log.test/',
  api: 'rfc6962',
  mmd: 86_400,
};
const [alice, mallory, hub] = [member('alice'), member('mallory'), member('hub', 'collector')];
const roster = rosterOf([alice, mallory, hub]);

function envelopeOf({ name }: TestMember, sequence = 0n, store = 'aaaaaaaa'): Envelope {
  return {
    member: name,
    epoch: 1n,
    sequence,
    previous: undefined,
    store,
    clock: 1000,
    givenUp: 0,
    waiting: 0,
  };
}

function headOf(by: SigningLog, size: number, count = 1, branch = 'a'): PublishedHead {
  const { logId, ...statement } = by.verified(size, treeOf(size, branch).root());
  return {
    kind: 'head',
    logId,
    statement,
    verdict: 'pending',
    reason: undefined,
    sightings: [{ source: 'eth0', firstSeen: 1, lastSeen: 2, count }],
  };
}

function batchOf(
  who: TestMember,
  heads: readonly PublishedHead[],
  envelope = envelopeOf(who),
): Uint8Array {
  const packer = new Packer(8192);
  for (const head of heads) assert(packer.addHead(head));
  return packer.seal(envelope, who.key);
}

const evidenceIn = (): string => mkdtempSync(join(directory, 'evidence-'));

function totals(store: Store): Record<string, number> {
  return Object.fromEntries(
    [...store.heads.all()].map(({ treeSize, count }) => [treeSize.toString(), count]),
  );
}

describe('a collector', () => {
  test('names a source after its site, and believes a head for its signature', () => {
    const store = memoryStore();
    const { collector, members } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const forged = headOf(log, 2);
    const wrong = { ...forged, statement: { ...forged.statement, timestamp: 5n } };
    collector.take([
      bus.put('alice', batchOf(alice, [headOf(log, 1, 7), wrong, headOf(stranger, 3)])),
    ]);
    assert.deepEqual(
      [...store.heads.all()].map(({ treeSize, sources, count }) => ({ treeSize, sources, count })),
      [{ treeSize: 1n, sources: ['alice/aaaaaaaa:eth0'], count: 7 }],
    );
    assert.deepEqual(members.refused('alice'), { [REFUSED.signature]: 1, [REFUSED.log]: 1 });
  });

  test('refuses what one member sends as another, and what nobody of the fleet sends', () => {
    const store = memoryStore();
    const { collector, members, events } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    collector.take([
      bus.put('mallory', batchOf(alice, [headOf(log, 1)])),
      bus.put('alice', batchOf(mallory, [headOf(log, 2)], envelopeOf(alice))),
      bus.put('zoe', batchOf(alice, [headOf(log, 3)])),
      bus.put('hub', batchOf(hub, [headOf(log, 4)])),
    ]);
    assert.deepEqual(totals(store), {});
    assert.deepEqual(members.refused('mallory'), { [REFUSED.subject]: 1 });
    assert.deepEqual(members.refused('alice'), { 'its member did not sign it': 1 });
    assert.equal(events.filter(({ event }) => event === 'refused').length, 3);
  });

  test('takes the word of a challenger for what it is, and believes what it can verify', () => {
    const [east, west] = [member('east', 'challenger'), member('west', 'challenger')];
    const fleet = rosterOf([alice, hub, east, west]);
    const all = [
      ['a site', { self: alice }],
      ['a collector', { self: hub }],
      ['a challenger', { self: west }],
    ] as const;
    for (const [what, self] of all) {
      const store = memoryStore();
      const head = log.verified(5, treeOf(5).root());
      store.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
      const { collector, members, events } = collectorOver(
        store,
        fleet,
        [known],
        evidenceIn(),
        self,
      );
      const bus = new TestBus();
      const said = (verdict: PublishedHead['verdict'], size = 5): PublishedHead => ({
        ...headOf(log, size, 1000),
        verdict,
      });
      // That it forked, with no evidence, and with evidence that is none; and sightings.
      const packer = new Packer(8192);
      const forged = Buffer.from('{"format":"ctga-evidence"}');
      packer.addHead(said('fork-proven'));
      packer.addChunk(createHash('sha256').update(forged).digest(), forged, 0);
      collector.take([
        bus.put('east', packer.seal(envelopeOf(east), east.key)),
        bus.put('east', batchOf(east, [said('consistent', 6)], envelopeOf(east, 1n))),
      ]);
      const tree = store.heads.treeOf(head);
      assert.equal(tree.verdict, 'pending', what);
      assert.equal(store.exchange.foreignVerdicts().get(tree.id), undefined, what);
      assert.deepEqual(totals(store), { 5: 1 }, what);
      assert.equal(store.evidence.all().length, 0, what);
      assert.deepEqual(members.refused('east'), { [REFUSED.evidence]: 1 }, what);
      assert.equal(events.filter(({ event }) => event === 'fork-proven').length, 0, what);
      // What it may say is that it found the tree consistent: its word, beside the verdict here.
      collector.take([bus.put('east', batchOf(east, [said('consistent')], envelopeOf(east, 2n)))]);
      assert.equal(store.heads.treeOf(head).verdict, 'pending', what);
      const words = store.exchange.foreignVerdicts().get(tree.id) ?? [];
      assert.deepEqual(
        words.map(({ origin, verdict }) => [origin.host, verdict]),
        [['east', 'consistent']],
        what,
      );
    }
  });

  test('hears nothing of itself, and a challenger what sites and other members tell', () => {
    const [east, west] = [member('east', 'challenger'), member('west', 'challenger')];
    const fleet = rosterOf([alice, hub, east, west]);
    const store = memoryStore();
    const { collector, members } = collectorOver(store, fleet, [known], evidenceIn(), {
      self: east,
    });
    const bus = new TestBus();
    collector.take([
      bus.put('east', batchOf(east, [])),
      bus.put('west', batchOf(west, [])),
      bus.put('hub', batchOf(hub, [])),
      bus.put('alice', batchOf(alice, [headOf(log, 3)])),
    ]);
    assert.deepEqual(
      members.members().map((each) => [each.member, each.batches]),
      [
        ['alice', 1],
        ['hub', 1],
        ['west', 1],
      ],
    );
    assert.deepEqual(totals(store), { 3: 1 });
    assert.deepEqual(members.refused('(nobody)'), {});
  });

  test('takes no more of one that floods than of others, and loses nothing of these', () => {
    const store = memoryStore();
    const { collector, members } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const unsigned = (sequence: number): Uint8Array => {
      const bytes = Buffer.from(batchOf(mallory, []));
      bytes.writeUInt32BE(sequence, 60);
      return bytes;
    };
    for (let second = 0; second < 30; second++) {
      for (let i = 0; i < 100; i++)
        bus.put('mallory', unsigned(second * 100 + i + 1), second * 1000 + i);
      const batch = batchOf(alice, [headOf(log, second + 1)], envelopeOf(alice, BigInt(second)));
      bus.put('alice', batch, second * 1000 + 999);
    }
    collector.take(bus.messages);
    assert.equal(Object.keys(totals(store)).length, 30);
    assert((members.refused('mallory')[REFUSED.tooMuch] ?? 0) > 2900);
  });

  test('takes as much of one under whose subject somebody else has the bus put things', () => {
    // Any key of the bus can: the bus puts its answer to a request under whatever subject is asked for.
    const store = memoryStore();
    const { collector, members } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const first = batchOf(alice, [headOf(log, 900)], envelopeOf(alice, 0n));
    bus.put('alice', first, 0);
    for (let second = 1; second < 60; second++) {
      for (let i = 0; i < 50; i++) {
        bus.put('alice', Buffer.from('{"stream":"SITES","seq":1}'), second * 1000 + i);
        bus.put('alice', batchOf(hub, []), second * 1000 + i);
        bus.put('alice', first, second * 1000 + i);
      }
      const batch = batchOf(alice, [headOf(log, second)], envelopeOf(alice, BigInt(second)));
      bus.put('alice', batch, second * 1000 + 999);
    }
    collector.take(bus.messages);
    assert.equal(Object.keys(totals(store)).length, 60);
    assert.equal(members.refused('alice')[REFUSED.tooMuch], undefined);
    assert.equal(members.members()[0]?.missing, 0);
  });

  test('does not take for alive whose old batches are all that somebody lets through', () => {
    const { collector, members } = collectorOver(memoryStore(), roster, [known], evidenceIn());
    const bus = new TestBus();
    const old = [0n, 1n].map((sequence) => batchOf(alice, [], envelopeOf(alice, sequence)));
    for (const [i, batch] of old.entries()) collector.take([bus.put('alice', batch, i * 1000)]);
    // Whoever runs a server drops what she sends from then on, and puts these in its place.
    for (let second = 2; second < 500; second++)
      collector.take([bus.put('alice', old[second % 2] ?? assert.fail(), second * 1000)]);
    assert.equal(members.members()[0]?.lastHeard, 1000);
    assert.equal(members.members()[0]?.batches, 2);
  });

  test('takes in what the bus brings late or once more, however much of it', () => {
    const store = memoryStore();
    const { collector, members } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    for (let i = 0; i < 100; i++)
      bus.put('alice', batchOf(alice, [headOf(log, i + 1)], envelopeOf(alice, BigInt(i))));
    // After a collector was killed the bus brings what is new before what was not acknowledged.
    collector.take(bus.messages.slice(90));
    collector.take(bus.messages.slice(0, 90));
    collector.take(bus.messages);
    assert.equal(Object.keys(totals(store)).length, 100);
    assert.deepEqual(members.refused('alice'), {});
    assert.equal(members.members()[0]?.missing, 0);
    assert.equal(members.members()[0]?.batches, 100);
  });

  test('takes in what others tell, whatever numbers one tells', () => {
    const store = memoryStore();
    const { collector } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const most = Number.MAX_SAFE_INTEGER;
    const huge = (size: number): PublishedHead => ({
      ...headOf(log, size),
      sightings: Array.from({ length: 16 }, (_, i) => {
        return { source: `e${i}`, firstSeen: 1, lastSeen: 2, count: most };
      }),
    });
    for (let i = 0; i < 12; i++) {
      const heads = Array.from({ length: 10 }, (_, j) => huge(10 * i + j + 1));
      collector.take([
        bus.put('mallory', batchOf(mallory, heads, envelopeOf(mallory, BigInt(i), 'bbbbbbbb'))),
        bus.put('alice', batchOf(alice, [headOf(log, 500 + i)], envelopeOf(alice, BigInt(i)))),
      ]);
    }
    for (let i = 0; i < 12; i++)
      assert.equal(
        [...store.heads.all()].find(({ treeSize }) => treeSize === 500n + BigInt(i))?.count,
        1,
      );
    // What is shown of all of them is a number.
    for (const { sightings } of store.heads.days(0))
      assert(Number.isSafeInteger(sightings), `${sightings}`);
    assert([...store.heads.all()].every(({ count }) => Number.isSafeInteger(count)));
    while (store.heads.rollUp(1e12, 100) > 0);
    assert([...store.heads.all()].every(({ count }) => Number.isSafeInteger(count)));
  });

  describe('of whose sites one names sources', () => {
    /** Named so, each seen so often. */
    function seenBy(size: number, counts: Readonly<Record<string, number>>): PublishedHead {
      const sightings = Object.entries(counts).map(([source, count]) => {
        return { source, firstSeen: 1, lastSeen: 2, count };
      });
      return { ...headOf(log, size), sightings };
    }
    const sourcesOf = (store: Store): string[] =>
      [...store.heads.all()].flatMap(({ sources }) => sources);

    test('that nobody has, a head costs no more for it, and loses no count', () => {
      const store = memoryStore();
      const { collector } = collectorOver(store, roster, [known], evidenceIn());
      const bus = new TestBus();
      let sum = 0;
      for (let i = 0; i < 400; i++) {
        // New names each time, of new stores too, in more and more of what it says that it counted.
        const identity = (i % 8).toString(16).padStart(8, 'b');
        const names = Array.from({ length: 16 }, (_, j) => [`e${i}-${j}`, i + 1] as const);
        const counts = Object.fromEntries(names);
        collector.take([
          bus.put(
            'mallory',
            batchOf(mallory, [seenBy(7, counts)], envelopeOf(mallory, BigInt(i), identity)),
          ),
        ]);
      }
      for (let identity = 0; identity < 8; identity++) sum += 16 * (392 + identity + 1);
      const sources = sourcesOf(store);
      assert(sources.length <= 18, `${sources.length} rows`);
      assert.deepEqual(totals(store), { 7: sum });
      // Nobody else's room is less for it.
      collector.take([bus.put('alice', batchOf(alice, [seenBy(7, { eth0: 3, eth1: 4 })]))]);
      assert.deepEqual(
        sourcesOf(store).filter((source) => source.startsWith('alice/')),
        ['alice/aaaaaaaa:eth0', 'alice/aaaaaaaa:eth1'],
      );
      assert.deepEqual(totals(store), { 7: sum + 7 });
    });

    test('of which it has many, each sighting counts once, in whatever order they are seen', () => {
      const [store, elsewhere] = [memoryStore(), memoryStore()];
      const { collector } = collectorOver(store, roster, [known], evidenceIn());
      const bus = new TestBus();
      const outbox = new Outbox({
        ...{ store: elsewhere, what: 'sightings', member: 'alice', key: alice.key, size: 8192 },
        now: () => 1,
      });
      const head = log.verified(7, treeOf(7).root());
      const below = random(21);
      for (let i = 0; i < 300; i++) {
        const seen = Array.from({ length: 1 + below(40) }, () => ({
          ...{ head, source: `vlan${below(40)}`, firstSeen: i, lastSeen: i },
          count: 1 + below(5),
        }));
        elsewhere.heads.record(seen);
        // Of old ones the site itself has the sum alone.
        if (i % 50 === 49) elsewhere.heads.rollUp(i - 20, 1000);
        const batch = outbox.next();
        batch.sent();
        if (below(5) > 0) {
          collector.take([bus.put('alice', batch.bytes)]);
          batch.arrived();
        }
        if (i % 70 === 69) store.heads.rollUp(i - 30, 1000);
      }
      elsewhere.heads.record([{ head, source: 'vlan1', firstSeen: 1, lastSeen: 300, count: 1 }]);
      collector.take([bus.put('alice', outbox.next().bytes)]);
      assert.deepEqual(totals(store), totals(elsewhere));
      assert(sourcesOf(store).length <= 18, `${sourcesOf(store).length} rows`);
      const exported = [...store.exchange.exports(0)].flatMap(({ sightings }) => sightings);
      const total = exported.reduce((all, { count }) => all + count, 0);
      assert.equal(total, Object.values(totals(store))[0], 'what it exports is the same');
    });
  });

  test('does not take for missing what comes out of turn at once, and says each gap once', () => {
    const store = memoryStore();
    const { collector, members, events } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    for (let i = 0; i < 6; i++) bus.put('alice', batchOf(alice, [], envelopeOf(alice, BigInt(i))));
    const [zero, one, two, three, four, five] = bus.messages;
    assert(zero && one && two && three && four && five);
    // The bus brings again what could not be written, behind what is new.
    collector.take([three, two, zero, one]);
    assert.deepEqual(events, []);
    const put = members.put.bind(members);
    members.put = () => {
      throw new Error('the disk is full');
    };
    for (let i = 0; i < 3; i++) assert.throws(() => collector.take([five]), /the disk is full/);
    members.put = put;
    assert.deepEqual(events, []);
    collector.take([five]);
    assert.deepEqual(events, [{ event: 'missing', member: 'alice', batches: 1 }]);
  });

  describe('whose bus has a server with a wrong clock', () => {
    const HOUR = 3_600_000;
    /** Alice tells a head in each second, as the bus has it by a clock that is so much ahead. */
    function tell(
      ahead: (second: number) => number,
    ): ReturnType<typeof collectorOver> & { store: Store } {
      const store = memoryStore();
      const collecting = collectorOver(store, roster, [known], evidenceIn());
      const bus = new TestBus();
      for (let second = 0; second < 90; second++) {
        const batch = batchOf(alice, [headOf(log, second + 1)], envelopeOf(alice, BigInt(second)));
        collecting.collector.take([
          bus.put('alice', batch, 100 * HOUR + second * 1000 + ahead(second)),
        ]);
      }
      return { ...collecting, store };
    }

    test('loses nothing because the clock was ahead for a while', () => {
      for (const off of [HOUR, 24 * HOUR, -24 * HOUR]) {
        const { store, members } = tell((second) => (second >= 30 && second < 35 ? off : 0));
        assert.deepEqual(members.refused('alice'), {});
        assert.equal(Object.keys(totals(store)).length, 90);
        assert.equal(members.members()[0]?.lastHeard, 100 * HOUR + 89_000);
      }
    });

    test('knows how far the clock that is in force is apart', () => {
      const now = Date.now();
      const { members } = tell((second) => (second >= 30 && second < 35 ? 24 * HOUR : 0));
      // By the last, and not by the one that was ahead of all.
      const behind = members.busBehind('site');
      assert(Math.abs(behind - (now - 100 * HOUR - 89_000)) < HOUR, `${behind}`);
    });
  });

  test('has what could not be written as new, when it is given once more', () => {
    const store = memoryStore();
    const { collector, members } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const said = { ...headOf(log, 5), verdict: 'consistent' as const };
    const message = bus.put('alice', batchOf(alice, [said]));
    const record = store.heads.record.bind(store.heads);
    store.heads.record = () => {
      throw new Error('the disk is full');
    };
    assert.throws(() => collector.take([message]), /the disk is full/);
    store.heads.record = record;
    collector.take([message]);
    assert.equal(store.exchange.foreignVerdicts().size, 1);
    assert.equal(members.members()[0]?.batches, 1);
  });

  test('knows by how much the clock of the bus is apart, by the newest of what it brings', () => {
    const members = MemberStore.inMemory();
    const [store, evidenceDirectory] = [memoryStore(), evidenceIn()];
    let now = 90_000;
    const collector = new Collector(
      {
        ...{ store, members, evidenceDirectory, logs: () => [known], onEvent: () => undefined },
        ...{ self: { name: 'hub', role: 'collector' }, now: () => now },
      },
      roster,
    );
    const bus = new TestBus();
    assert.equal(members.busBehind('site'), 0);
    const [old, late] = [10_000, 20_000].map((at, i) =>
      bus.put('alice', batchOf(alice, [], envelopeOf(alice, BigInt(i))), at),
    );
    assert(old && late);
    collector.take([old]);
    assert.equal(members.busBehind('site'), 80_000);
    collector.take([old, late]);
    assert.equal(members.busBehind('site'), 70_000);
    // What is brought once more says nothing of the time.
    now = 95_000;
    collector.take([old]);
    assert.equal(members.busBehind('site'), 70_000);
  });

  test("lets nobody take the place of another's store", () => {
    const store = memoryStore();
    const { collector } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    // Mallory says first, and of all heads, that it has them from the store that Alice has.
    collector.take([bus.put('mallory', batchOf(mallory, [headOf(log, 1, 1_000_000)]))]);
    collector.take([bus.put('alice', batchOf(alice, [headOf(log, 1, 5)]))]);
    const own = { ...envelopeOf(mallory, 1n), store: store.exchange.identity() };
    collector.take([bus.put('mallory', batchOf(mallory, [headOf(log, 1, 3)], own))]);
    assert.deepEqual(totals(store), { 1: 1_000_008 });
    const [head] = store.heads.all();
    const alices = head?.sources.filter((source) => source.startsWith('alice/')) ?? [];
    assert.equal(alices.length, 1);
    assert.equal(head?.sources.length, 3);
  });

  test('hears a site that loses its store each time its machine starts, and not one with more in a day', () => {
    const DAY = 86_400_000;
    const members = MemberStore.inMemory();
    const [store, evidenceDirectory] = [memoryStore(), evidenceIn()];
    let now = 1000 * DAY;
    const collector = new Collector(
      {
        ...{ store, members, evidenceDirectory, logs: () => [known], onEvent: () => undefined },
        ...{ self: { name: 'hub', role: 'collector' }, now: () => now },
      },
      roster,
    );
    const bus = new TestBus();
    const tell = (who: TestMember, i: number, size: number): void => {
      const identity = (0xaaaa0000 + i).toString(16);
      const envelope = envelopeOf(who, BigInt(i), identity);
      collector.take([bus.put(who.name, batchOf(who, [headOf(log, size)], envelope))]);
    };
    for (let start = 0; start < 200; start++) {
      tell(alice, start, start + 1);
      now += DAY;
    }
    assert.equal(Object.keys(totals(store)).length, 200);
    assert.deepEqual(members.refused('alice'), {});
    // What an earlier one said is not counted again while it is among the last.
    tell(alice, 199, 200);
    assert.equal(totals(store)[200], 1);
    for (let i = 0; i < 100; i++) tell(mallory, 1000 + i, 300 + i);
    assert.equal(Object.keys(totals(store)).length, 264);
    assert.deepEqual(members.refused('mallory'), { [REFUSED.stores]: 36 });
  });

  test('proves a split view between two sites, and tells it to all', () => {
    const [store, elsewhere] = [memoryStore(), memoryStore()];
    const evidence = evidenceIn();
    const { collector, events } = collectorOver(store, roster, [known], evidence);
    const bus = new TestBus();
    collector.take([bus.put('alice', batchOf(alice, [headOf(log, 9)]))]);
    assert.equal(readdirSync(evidence).length, 0);
    collector.take([bus.put('mallory', batchOf(mallory, [headOf(log, 9, 1, 'b')]))]);
    assert.equal(events.filter(({ event }) => event === 'fork-proven').length, 1);

    // The collector's own word goes to a site that has one of the heads.
    elsewhere.heads.record([
      {
        head: log.verified(9, treeOf(9).root()),
        source: 'eth0',
        firstSeen: 1,
        lastSeen: 1,
        count: 1,
      },
    ]);
    const outbox = new Outbox({
      store,
      what: 'verdicts',
      member: 'hub',
      key: hub.key,
      size: 8192,
      now: () => 1,
    });
    const theirs = evidenceIn();
    const site = collectorOver(elsewhere, roster, [known], theirs, { self: alice });
    const findings = new TestBus();
    const batch = outbox.next();
    site.collector.take([findings.put('hub', batch.bytes)]);
    assert.deepEqual(
      site.events.map(({ event }) => event),
      ['evidence'],
    );
    assert.equal(elsewhere.evidence.all().length, 1);
    const json = (name: string): boolean => name.endsWith('.json');
    assert.deepEqual(readdirSync(theirs).filter(json), readdirSync(evidence).filter(json));
    // Its own outbox does not tell the fleet that it saw what it only heard of.
    const back = new Outbox({
      store: elsewhere,
      what: 'sightings',
      member: 'alice',
      key: alice.key,
      size: 8192,
      now: () => 1,
    });
    const opened = openBatch(back.next().bytes, 8192, (name) => keysOf(roster.members).get(name));
    assert(typeof opened !== 'string');
    const told = opened.items.flatMap((item) => (item.kind === 'head' ? [item] : []));
    assert.deepEqual(told.map(({ sightings }) => sightings.map(({ source }) => source)).sort(), [
      [],
      ['eth0'],
    ]);
  });

  test('tells a site what was concluded, which decides nothing there', () => {
    const [store, elsewhere] = [memoryStore(), memoryStore()];
    const head = log.verified(5, treeOf(5).root());
    const seen = { source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 };
    elsewhere.heads.record([{ head, ...seen }]);
    const site = collectorOver(elsewhere, roster, [known], evidenceIn(), { self: alice });
    const bus = new TestBus();
    const said = { ...headOf(log, 5), verdict: 'consistent' as const, sightings: [] };
    const unknown = { ...headOf(log, 6), verdict: 'consistent' as const };
    site.collector.take([bus.put('hub', batchOf(hub, [said, unknown]))]);
    const tree = elsewhere.heads.treeOf(head);
    assert.equal(tree.verdict, 'pending');
    assert.deepEqual(
      elsewhere.exchange
        .foreignVerdicts()
        .get(tree.id)
        ?.map(({ origin, verdict }) => [origin.host, verdict]),
      [['hub', 'consistent']],
    );
    // A site takes in no sightings, even of a collector.
    assert.equal(elsewhere.heads.count(), 1);
    // What was concluded earlier does not come back with an old batch.
    const later = { ...said, verdict: 'unprovable' as const };
    site.collector.take([bus.put('hub', batchOf(hub, [later], envelopeOf(hub, 1n)))]);
    site.collector.take([bus.put('hub', batchOf(hub, [said]))]);
    assert.equal(elsewhere.exchange.foreignVerdicts().get(tree.id)?.[0]?.verdict, 'unprovable');
    assert.equal(store.heads.count(), 0);
  });

  describe('of evidence', () => {
    function evidenceText(by: SigningLog, description: string): string {
      const [store, own] = [memoryStore(), evidenceIn()];
      const logs = [{ ...known, key: by.key, description }];
      recordHeads(
        { store, evidenceDirectory: own, logs, now: 1 },
        ['a', 'b'].map((branch) => ({
          head: by.verified(9, treeOf(9, branch).root()),
          source: 'eth0',
          firstSeen: 1,
          lastSeen: 1,
          count: 1,
        })),
      );
      const name = readdirSync(own).find((each) => each.endsWith('.json'));
      return readFileSync(join(own, name ?? assert.fail()), 'utf8');
    }

    /** One after the other, by this member. */
    function* batchesOf(text: string, by = alice): Generator<Uint8Array> {
      const file = Buffer.from(text);
      const digest = createHash('sha256').update(file).digest();
      for (let [offset, sequence] = [0, 0n]; offset < file.length; sequence++) {
        const packer = new Packer(8192);
        offset += packer.addChunk(digest, file, offset);
        yield packer.seal(envelopeOf(by, sequence), by.key);
      }
    }

    function filesIn(own: string): string[] {
      const names = readdirSync(own).filter((name) => name.endsWith('.json'));
      return names.map((name) => readFileSync(join(own, name), 'utf8'));
    }

    function send(text: string): ReturnType<typeof collectorOver> & { files: string[] } {
      const own = evidenceIn();
      const taking = collectorOver(memoryStore(), roster, [known], own);
      const bus = new TestBus();
      for (const bytes of batchesOf(text)) taking.collector.take([bus.put('alice', bytes)]);
      return { ...taking, files: filesIn(own) };
    }

    test('keeps what holds, under the name that the log has here', () => {
      const { files, events } = send(evidenceText(log, 'Another name'));
      assert.equal(files.length, 1);
      assert.match(files[0] ?? '', /"The log"/);
      assert.doesNotMatch(files[0] ?? '', /Another name/);
      assert.deepEqual(
        events.map(({ event }) => event),
        ['evidence'],
      );
    });

    // Whoever writes evidence seals it, whatever is in it.
    const withDate = (text: string, created: string): string =>
      formatEvidence({ ...parseEvidence(text, 'it'), created });
    const genuine = evidenceText(log, 'The log');

    test('is of no later time than it came, and keeps no other from being on record', () => {
      const [own, store] = [evidenceIn(), memoryStore()];
      const { collector } = collectorOver(store, roster, [known], own);
      const bus = new TestBus();
      const before = Date.now();
      for (const when of ['never', '9999-12-31T23:59:59.999Z'])
        for (const bytes of batchesOf(withDate(genuine, when), when === 'never' ? mallory : alice))
          collector.take([bus.put(when === 'never' ? 'mallory' : 'alice', bytes)]);
      const [record, ...others] = store.evidence.all();
      assert(record !== undefined && others.length === 0);
      assert(record.created >= before && record.created <= Date.now(), `${record.created}`);
      for (const { lastSeen } of store.heads.all()) assert(lastSeen <= Date.now());
    });

    test('is put on record later, where the store took nothing when it was kept', (t) => {
      const [own, store] = [evidenceIn(), memoryStore()];
      const { collector, events } = collectorOver(store, roster, [known], own);
      const bus = new TestBus();
      const full = t.mock.method(store.heads, 'record', (sightings: readonly unknown[]) => {
        if (sightings.length > 0) throw new StoreError('store-failed', 'the disk is full');
        return { newHeads: new Set(), counted: 0 };
      });
      for (const bytes of batchesOf(genuine)) collector.take([bus.put('alice', bytes)]);
      assert.equal(filesIn(own).length, 1);
      assert.equal(store.evidence.all().length, 0);
      assert(events.some(({ event }) => event === 'failed'));
      full.mock.restore();
      collector.take([bus.put('mallory', batchOf(mallory, [headOf(log, 3)]))]);
      assert.equal(store.evidence.all().length, 1);
      assert.equal(events.filter(({ event }) => event === 'evidence').length, 1);
      assert.equal(filesIn(own).length, 1);
    });

    for (const [what, text, reason] of [
      ['of a log that nobody knows', evidenceText(stranger, 'The log'), REFUSED.log],
      ['that was changed', genuine.replace('"tree_size": 9', '"tree_size": 8'), REFUSED.evidence],
      ['with a word more', genuine.replace('"format"', '"more": 1,\n  "format"'), REFUSED.evidence],
      ['that is none', '{}', REFUSED.evidence],
      ['that is long and none', 'x'.repeat(50_000), REFUSED.evidence],
    ] as const)
      test(`refuses one ${what}`, () => {
        const { files, members } = send(text);
        assert.deepEqual(files, []);
        assert.deepEqual(members.refused('alice'), { [reason]: 1 });
      });
  });

  test('says what is missing, until it comes', () => {
    const store = memoryStore();
    const { collector, members, events } = collectorOver(store, roster, [known], evidenceIn());
    const bus = new TestBus();
    const batch = (i: number): Uint8Array =>
      batchOf(alice, [headOf(log, i + 1)], envelopeOf(alice, BigInt(i)));
    collector.take([bus.put('alice', batch(0)), bus.put('alice', batch(3))]);
    assert.equal(members.members()[0]?.missing, 2);
    assert.deepEqual(
      events.filter(({ event }) => event === 'missing'),
      [{ event: 'missing', member: 'alice', batches: 2 }],
    );
    collector.take([bus.put('alice', batch(1))]);
    assert.equal(members.members()[0]?.missing, 1);
    assert.deepEqual(totals(store), { 1: 1, 2: 1, 4: 1 });
  });

  test('goes on while no evidence can be written, and writes it later', () => {
    const [store, elsewhere] = [memoryStore(), memoryStore()];
    const own = evidenceIn();
    recordHeads(
      { store: elsewhere, evidenceDirectory: own, logs: [known], now: 1 },
      ['a', 'b'].map((branch) => ({
        head: log.verified(9, treeOf(9, branch).root()),
        source: 'evidence',
        firstSeen: 1,
        lastSeen: 1,
        count: 1,
      })),
    );
    const outbox = new Outbox({
      store: elsewhere,
      what: 'sightings',
      member: 'alice',
      key: alice.key,
      size: 8192,
      now: () => 1,
    });
    // Something that is no directory is where it belongs.
    const blocked = join(directory, 'blocked');
    writeFileSync(blocked, '');
    const { collector, events } = collectorOver(store, roster, [known], blocked);
    const bus = new TestBus();
    const first = outbox.next();
    first.sent();
    collector.take([bus.put('alice', first.bytes)]);
    assert(events.some(({ event }) => event === 'failed'));
    rmSync(blocked);
    collector.take([bus.put('mallory', batchOf(mallory, [headOf(log, 3)]))]);
    assert.equal(store.evidence.all().length, 1);
    assert.deepEqual(totals(store)[3], 1);
  });
});
