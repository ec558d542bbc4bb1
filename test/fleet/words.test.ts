// SPDX-License-Identifier: Apache-2.0
/**
 * What challengers concluded is known wherever the tree is known, whichever came first, whoever was
 * killed, and however late a member joins; and nobody's word stands against a conviction.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { recordHeads } from '../../src/evidence/record.ts';
import { LEAST_BATCH, openBatch, Packer, type PublishedHead } from '../../src/fleet/batch.ts';
import type { Message } from '../../src/fleet/collector.ts';
import { Outbox, type ReadyBatch } from '../../src/fleet/outbox.ts';
import { keysOf } from '../../src/fleet/roster.ts';
import type { Log } from '../../src/logs/log.ts';
import type { VerifiedStatement } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { Verdict } from '../../src/store/verdicts.ts';
import {
  collectorOver,
  member,
  rosterOf,
  TestBus,
  type TestCollector,
  type TestMember,
} from '../support/fleet-members.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const evidenceIn = (): string => mkdtempSync(join(directory, 'evidence-'));

const signers = [new SigningLog(), new SigningLog()];
const [loud, quiet] = signers as [SigningLog, SigningLog];
const logs = signers.map(({ key }, i): Log => {
  return { key, description: `Log ${i}`, url: `https://${i}.test/`, api: 'rfc6962', mmd: 86_400 };
});
const [east, west] = [member('east', 'challenger'), member('west', 'challenger')];
const [alice, hub] = [member('alice'), member('hub', 'collector')];
const roster = rosterOf([east, west, alice, hub]);

/** A few trees, so that there are several words of each, each signed twice, and two of one size. */
const trees = [
  ...[1, 2].map((size) => [size, 'a'] as const),
  [9, 'a'] as const,
  [9, 'b'] as const,
].map(([size, branch]) =>
  [1n, 2n].map((at) => loud.verified(size, treeOf(size, branch).root(), at)),
);
const forked = [2, 3];
const headOf = (tree: number, which: number): VerifiedStatement =>
  trees[tree % trees.length]?.[which & 1] ?? assert.fail();

function see(store: Store, evidence: string, heads: readonly VerifiedStatement[]): void {
  recordHeads(
    { store, evidenceDirectory: evidence, logs, now: 1 },
    heads.map((head) => ({ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 })),
  );
}

/** A challenger's store and what it tells of it. */
class Teller {
  readonly store = memoryStore();
  readonly evidence = evidenceIn();
  readonly member: TestMember;
  #outbox: Outbox;
  #sent: ReadyBatch | undefined;

  constructor(who: TestMember, now = 1_700_000_000_000) {
    this.member = who;
    this.#outbox = this.#begin(now);
  }

  #begin(now: number): Outbox {
    const { store, member: who } = this;
    const { name, key } = who;
    const what = 'verdicts';
    return new Outbox({ store, what, member: name, key, size: LEAST_BATCH, now: () => now });
  }

  judge(head: VerifiedStatement, verdict: Verdict): void {
    see(this.store, this.evidence, [head]);
    this.store.verdicts.set(this.store.heads.treeOf(head), 1, {
      verdict,
      reason: `it is ${verdict}`,
    });
  }

  /** What it sent last is sent until it hears that the bus has it. */
  send(bus: TestBus, arrives = true, isHeard = true): Message | undefined {
    this.#sent ??= this.#outbox.next();
    this.#sent.sent();
    const message = arrives ? bus.put(this.member.name, this.#sent.bytes) : undefined;
    if (message === undefined || !isHeard) return message;
    this.#sent.arrived();
    this.#sent = undefined;
    return message;
  }

  /** kill -9, with a clock that is another afterwards. */
  restart(now: number): void {
    this.#sent = undefined;
    this.#outbox = this.#begin(now);
  }

  finish(bus: TestBus): void {
    // Evidence of some batches' length goes out once as well.
    do this.send(bus);
    while (
      this.store.publishing.waiting() > 0 ||
      this.store.publishing.nextEvidence()?.rounds === 0
    );
  }

  /** What it says in the end, by tree. */
  said(): Record<string, string> {
    return Object.fromEntries(
      this.store.heads
        .trees(loud.key.logId)
        .filter(({ verdict }) => verdict !== 'pending' && verdict !== 'fork-proven')
        .map(({ treeSize, rootHash, verdict }) => [keyOf(treeSize, rootHash), verdict]),
    );
  }
}

function keyOf(size: bigint, root: Uint8Array): string {
  return `${size} ${Buffer.from(root).toString('hex', 0, 4)}`;
}

/** What a member heard of one host, by tree. */
function heard(store: Store, host: string): Record<string, string> {
  const words = store.exchange.foreignVerdicts();
  return Object.fromEntries(
    store.heads
      .trees(loud.key.logId)
      .flatMap(({ id, treeSize, rootHash }) =>
        (words.get(id) ?? [])
          .filter(({ origin }) => origin.host === host)
          .map(({ verdict }): [string, string] => [keyOf(treeSize, rootHash), verdict]),
      ),
  );
}

type Step =
  | { readonly do: 'judge'; readonly who: number; readonly tree: number; readonly verdict: Verdict }
  | { readonly do: 'convict'; readonly who: number }
  | {
      readonly do: 'send';
      readonly who: number;
      readonly arrives: boolean;
      readonly isHeard: boolean;
    }
  | { readonly do: 'restart'; readonly who: number; readonly off: number }
  | { readonly do: 'see'; readonly at: number; readonly tree: number }
  | {
      readonly do: 'hear';
      readonly at: number;
      readonly which: readonly number[];
      readonly dies: boolean;
    };

const who = fc.nat({ max: 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('judge' as const),
      who,
      tree: fc.nat({ max: 3 }),
      verdict: fc.constantFrom<Verdict>('consistent', 'unprovable', 'skewed', 'fork-proven'),
    }),
  },
  fc.record({ do: fc.constant('convict' as const), who }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      who,
      arrives: fc.boolean(),
      isHeard: fc.boolean(),
    }),
  },
  fc.record({
    do: fc.constant('restart' as const),
    who,
    off: fc.constantFrom(0, -86_400_000, 86_400_000),
  }),
  fc.record({ do: fc.constant('see' as const), at: who, tree: fc.nat({ max: 7 }) }),
  fc.record({
    do: fc.constant('hear' as const),
    at: who,
    which: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    dies: fc.boolean(),
  }),
);

test('whoever has the tree and the messages knows the last word of each, in whatever order they came', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 20, maxLength: 60 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (steps, chance, isLate) => {
        const tellers = [new Teller(east), new Teller(west)];
        const bus = new TestBus();
        const self = [alice, hub];
        const begin = (at: number, members?: TestCollector['members']): TestCollector =>
          collectorOver(stores[at] ?? assert.fail(), roster, logs, evidence[at] ?? assert.fail(), {
            self: self[at] ?? alice,
            ...(members === undefined ? {} : { members }),
          });
        const stores = [memoryStore(), memoryStore()];
        const evidence = [evidenceIn(), evidenceIn()];
        const hearers = stores.map((_, at) => begin(at));
        let now = 1_700_000_000_000;
        for (const each of steps) {
          now += 1000;
          switch (each.do) {
            case 'judge':
              tellers[each.who]?.judge(headOf(each.tree, each.tree), each.verdict);
              break;
            case 'convict': {
              const teller = tellers[each.who] ?? assert.fail();
              see(
                teller.store,
                teller.evidence,
                forked.map((tree) => headOf(tree, 0)),
              );
              break;
            }
            case 'send':
              tellers[each.who]?.send(bus, each.arrives, each.isHeard);
              break;
            case 'restart':
              tellers[each.who]?.restart(now + each.off);
              break;
            case 'see':
              see(stores[each.at] ?? assert.fail(), evidence[each.at] ?? assert.fail(), [
                headOf(each.tree >> 1, each.tree),
              ]);
              break;
            case 'hear': {
              const hearer = hearers[each.at] ?? assert.fail();
              if (bus.messages.length === 0) break;
              const messages = each.which.map(
                (i) => bus.messages[i % bus.messages.length] ?? assert.fail(),
              );
              if (each.dies) {
                // After the store, and before it is known that the store has it.
                hearer.members.put = () => {
                  throw new Error('killed');
                };
                assert.throws(() => hearer.collector.take(messages), /killed/);
              } else hearer.collector.take(messages);
              Reflect.deleteProperty(hearer.members, 'put');
              if (each.dies) hearers[each.at] = begin(each.at, hearer.members);
            }
          }
        }
        // In the end the bus has brought everything, in whatever order, and each saw each tree at last:
        // whoever told it may be gone for ever by then.
        for (const teller of tellers) teller.finish(bus);
        const random = chance[Symbol.iterator]();
        const shuffled = bus.messages
          .map((message) => ({ message, at: random.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ message }) => message);
        for (const [at, hearer] of hearers.entries()) {
          const messages = at === 0 ? shuffled : shuffled.toReversed();
          const all = trees.map((_, tree) => headOf(tree, at));
          const seeAll = (): void => see(stores[at] ?? assert.fail(), evidence[at] ?? '', all);
          if (at === 1 && !isLate) seeAll();
          // Evidence alone comes in parts, one after the other.
          hearer.collector.take(bus.messages);
          for (const message of messages) hearer.collector.take([message]);
          if (at === 0 || isLate) seeAll();
        }
        for (const teller of tellers)
          for (const store of stores)
            assert.deepEqual(heard(store, teller.member.name), teller.said());
        // The tree that came second is the accused one.
        for (const store of stores) {
          const verdicts = forked.map((tree) => store.heads.treeOf(headOf(tree, 0)).verdict);
          assert(verdicts.includes('fork-proven'));
          assert.equal(store.evidence.all().length, 1);
        }
      },
    ),
    { numRuns: 25 },
  );
});

describe('a word', () => {
  const opened = (bytes: Uint8Array): bigint[] => {
    const batch = openBatch(bytes, LEAST_BATCH, (name) => keysOf(roster.members).get(name));
    assert(typeof batch !== 'string');
    return batch.items.flatMap((item) => (item.kind === 'head' ? item.statement.treeSize : []));
  };

  test('reaches a collector that joins when the bus has forgotten it', () => {
    const teller = new Teller(east);
    const count = 200;
    const heads = Array.from({ length: count }, (_, i) =>
      quiet.verified(i + 1, treeOf(i + 1).root()),
    );
    see(teller.store, teller.evidence, heads);
    see(
      teller.store,
      teller.evidence,
      forked.map((tree) => headOf(tree, 0)),
    );
    const all = teller.store.heads.trees(quiet.key.logId);
    teller.store.verdicts.setAll(
      all.map((tree) => ({ tree, update: { verdict: 'consistent' as const } })),
      1,
    );
    const month = new TestBus();
    for (let i = 0; i < 30; i++) teller.send(month);
    // It is killed as well, which costs no more than what it had not noted.
    teller.restart(1_800_000_000_000);
    const store = memoryStore();
    see(store, evidenceIn(), heads);
    const late = collectorOver(store, roster, logs, evidenceIn(), { self: hub });
    const bus = new TestBus();
    // 45 heads in a batch, and evidence in every other.
    for (let i = 0; i < 12; i++) {
      const message = teller.send(bus);
      assert(message);
      late.collector.take([message]);
    }
    assert.equal(store.exchange.foreignVerdicts().size, count);
    assert.equal(store.evidence.all().length, 1);
  });

  test('of what is new comes before what goes round', () => {
    const teller = new Teller(east);
    const bus = new TestBus();
    for (let tree = 0; tree < 2; tree++) teller.judge(headOf(tree, 0), 'consistent');
    for (let i = 0; i < 4; i++) teller.send(bus);
    teller.judge(headOf(2, 0), 'consistent');
    const message = teller.send(bus);
    assert.equal(opened(message?.bytes ?? assert.fail())[0], 9n);
  });

  test('takes no more room than is given to each host, and no log takes the room of another', () => {
    const store = memoryStore();
    const origin = (host: string): { host: string; store: string } => ({ host, store: 'aaaaaaaa' });
    const say = (host: string, by: SigningLog, from: number, to: number): void =>
      store.exchange.putVerdicts(
        Array.from({ length: to - from }, (_, i) => ({
          head: by.verified(from + i, treeOf(from + i).root()),
          origin: origin(host),
          verdict: 'consistent',
          reason: undefined,
        })),
        10,
      );
    say('east', quiet, 1, 3);
    say('west', quiet, 1, 2);
    for (let i = 0; i < 20; i++) say('east', loud, 1 + 3 * i, 4 + 3 * i);
    // What is told again later is of smaller trees, and pushes nothing out.
    say('east', loud, 1, 30);
    for (const by of signers)
      see(
        store,
        evidenceIn(),
        Array.from({ length: 61 }, (_, i) => by.verified(i + 1, treeOf(i + 1).root())),
      );
    const words = store.exchange.foreignVerdicts();
    const sizes = (host: string, by: SigningLog): bigint[] =>
      store.heads
        .trees(by.key.logId)
        .filter(({ id }) => words.get(id)?.some((word) => word.origin.host === host))
        .map(({ treeSize }) => treeSize);
    assert.deepEqual(sizes('east', quiet), [1n, 2n]);
    assert.deepEqual(sizes('west', quiet), [1n]);
    assert.deepEqual(sizes('east', loud), [53n, 54n, 55n, 56n, 57n, 58n, 59n, 60n]);
  });

  test('of a member whose epochs no number of SQLite holds stops nothing', () => {
    const store = memoryStore();
    see(store, evidenceIn(), [headOf(0, 0)]);
    const { collector } = collectorOver(store, roster, logs, evidenceIn(), { self: alice });
    const { logId, ...statement } = headOf(0, 0);
    const say = (verdict: Verdict, epoch: bigint, sequence: bigint): void => {
      const packer = new Packer(LEAST_BATCH);
      const head: PublishedHead = {
        kind: 'head',
        logId,
        statement,
        verdict,
        reason: '',
        sightings: [],
      };
      packer.addHead(head);
      const envelope = { member: 'east', epoch, sequence, previous: undefined, store: 'aaaaaaaa' };
      const bytes = packer.seal({ ...envelope, clock: 1, givenUp: 0, waiting: 0 }, east.key);
      collector.take([bus.put('east', bytes)]);
    };
    const bus = new TestBus();
    say('unprovable', 2n ** 64n - 1n, 2n ** 64n - 2n);
    say('consistent', 2n ** 64n - 1n, 2n ** 64n - 1n);
    assert.equal(Object.values(heard(store, 'east'))[0], 'consistent');
  });

  test('that was told before the tree was known is known with the tree, and evidence of a log with the log', () => {
    const teller = new Teller(east);
    see(
      teller.store,
      teller.evidence,
      forked.map((tree) => headOf(tree, 0)),
    );
    const bus = new TestBus();
    teller.finish(bus);
    const store = memoryStore();
    const known: Log[] = [];
    const { collector } = collectorOver(store, roster, known, evidenceIn(), { self: alice });
    collector.take(bus.messages);
    assert.equal(store.evidence.all().length, 0);
    // Its operator imports the log, and the evidence comes round.
    known.push(...logs);
    for (let i = 0; i < 4; i++) collector.take([teller.send(bus) ?? assert.fail()]);
    assert.equal(store.evidence.all().length, 1);
  });
});
