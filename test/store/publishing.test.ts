// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { logIdText } from '../../src/logs/log.ts';
import type { LogId } from '../../src/statements/statement.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import { fc } from '../support/random.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const heads = [1, 2, 3].map((size) => log.verified(size, treeOf(size).root()));

function see(store: Store, source = 'eth0'): void {
  store.heads.record(heads.map((head) => ({ head, source, firstSeen: 1, lastSeen: 1, count: 1 })));
}

const sizes = (store: Store): bigint[] =>
  store.publishing.next(100).map(({ head }) => head.treeSize);

describe('what a fleet is to be told', () => {
  test('of a site: what is on record, what is seen, and verdicts', () => {
    const store = memoryStore();
    see(store);
    store.publishing.begin('sightings', 1000);
    assert.deepEqual(sizes(store), [1n, 2n, 3n]);
    const told = store.publishing.next(2).map(({ mark }) => mark);
    store.publishing.arrived(told, { epoch: 5n, sequence: 9n });
    assert.deepEqual(sizes(store), [3n]);
    assert.deepEqual(store.publishing.state(), {
      what: 'sightings',
      epoch: 5n,
      sequence: 9n,
      givenUp: 0,
      toldAgain: 0,
    });
    const [first] = store.heads.trees(log.key.logId);
    assert(first);
    store.verdicts.set(first, 1, { verdict: 'consistent' });
    assert.deepEqual(sizes(store), [3n, 1n]);
    // The same verdict once more is nothing new.
    store.publishing.arrived(
      store.publishing.next(9).map(({ mark }) => mark),
      { epoch: 5n, sequence: 10n },
    );
    store.verdicts.set(first, 2, { verdict: 'consistent' });
    assert.deepEqual(sizes(store), []);
    see(store, 'rolled up');
    assert.deepEqual(sizes(store), []);
    see(store, 'eth1');
    assert.deepEqual(sizes(store), [1n, 2n, 3n]);
  });

  test('of a collector: verdicts alone', () => {
    const store = memoryStore();
    see(store);
    store.publishing.begin('verdicts', 1000);
    see(store);
    assert.deepEqual(sizes(store), []);
    const [first] = store.heads.trees(log.key.logId);
    assert(first);
    store.verdicts.set(first, 1, { verdict: 'unprovable', reason: 'one' });
    assert.deepEqual(sizes(store), [1n]);
  });

  test('no store is a site and a collector', () => {
    const store = memoryStore();
    store.publishing.begin('verdicts', 1000);
    store.publishing.begin('verdicts', 1000);
    assert.throws(() => store.publishing.begin('sightings', 1000), { code: 'store-failed' });
  });

  test('of a store that has very many heads: the last', () => {
    const store = memoryStore();
    see(store);
    store.publishing.begin('sightings', 2);
    assert.deepEqual(sizes(store), [2n, 3n]);
    assert.equal(store.publishing.state()?.givenUp, 1);
  });

  test('without a head that was set aside', () => {
    const store = memoryStore();
    see(store);
    store.publishing.begin('sightings', 1000);
    const [tree] = store.heads.trees(log.key.logId);
    assert(tree);
    store.heads.setAside({ kind: 'tree', id: tree.id }, 'a bit was flipped', 1);
    assert.equal(store.publishing.waiting(), 2);
    assert.deepEqual(sizes(store), [2n, 3n]);
  });
});

describe('the evidence that is told next', () => {
  const MOST = 60;
  const signers = [new SigningLog(), new SigningLog(), new SigningLog()];

  /** As it is said of PublishingStore.nextEvidence, from all that there is. */
  function expected(
    all: readonly { readonly path: string; readonly logId: LogId }[],
    told: ReadonlyMap<string, number>,
    after: LogId | undefined,
  ): string | undefined {
    const rounds = (path: string): number => told.get(path) ?? 0;
    const ids = [...new Map(all.map(({ logId }) => [logIdText(logId), logId])).values()].sort(
      (a, b) => Buffer.compare(a, b),
    );
    const inTurn = ids.toSorted(
      (a, b) => Number(isUpTo(a, after)) - Number(isUpTo(b, after)) || Buffer.compare(a, b),
    );
    const ofLog = (id: LogId): string[] =>
      all.flatMap(({ path, logId }) => (Buffer.compare(logId, id) === 0 ? path : []));
    const least = (id: LogId): string | undefined => {
      const paths = ofLog(id);
      const fewest = Math.min(...paths.map(rounds));
      return paths.find((path) => rounds(path) === fewest);
    };
    const untold = inTurn.find((id) => ofLog(id).every((path) => rounds(path) === 0));
    const some = inTurn.find((id) => ofLog(id).some((path) => rounds(path) === 0));
    const next = untold ?? some ?? inTurn[0];
    return next && least(next);
  }
  const isUpTo = (id: LogId, after: LogId | undefined): boolean =>
    after !== undefined && Buffer.compare(id, after) <= 0;

  test('is of the log whose turn it is, and what was told least and waits longest', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.record({
              do: fc.constant('find' as const),
              log: fc.nat({ max: 2 }),
              size: fc.integer({ min: 1, max: MOST }),
              created: fc.nat({ max: 5 }),
            }),
            fc.record({ do: fc.constant('tell' as const), which: fc.nat() }),
            fc.constant({ do: 'next' as const }),
            fc.record({ do: fc.constant('set aside' as const), which: fc.nat() }),
          ),
          { maxLength: 60 },
        ),
        (steps) => {
          const store = memoryStore();
          const told = new Map<string, number>();
          let after: LogId | undefined;
          for (const step of steps) {
            const all = store.evidence.all();
            const which = 'which' in step ? all[step.which % Math.max(1, all.length)] : undefined;
            if (step.do === 'find') {
              const signer = signers[step.log] ?? assert.fail();
              record(store, signer, step.size);
              for (const pair of store.evidence.missing()) {
                const path = `evidence/${step.log}-${step.size}-${pair[1].id}.json`;
                store.evidence.add(path, ...pair, step.created);
              }
            } else if (step.do === 'next') {
              const next = store.publishing.nextEvidence(after);
              assert.equal(next?.path, expected(all, told, after));
              assert.equal(next?.rounds ?? 0, told.get(next?.path ?? '') ?? 0);
              if (next === undefined) continue;
              after = next.logId;
              store.publishing.evidenceArrived(next.path);
              told.set(next.path, (told.get(next.path) ?? 0) + 1);
            } else if (which !== undefined && step.do === 'tell') {
              store.publishing.evidenceArrived(which.path);
              told.set(which.path, (told.get(which.path) ?? 0) + 1);
            } else if (which !== undefined) {
              const { first } = store.evidence.treesOf(which.path);
              store.heads.setAside({ kind: 'tree', id: first?.id ?? -1 }, 'a bit was flipped', 1);
              for (const path of told.keys()) if (!store.evidence.has(path)) told.delete(path);
            }
            assert.deepEqual(store.evidence.missing(), []);
          }
          store.close();
        },
      ),
      { numRuns: 100 },
    );
  });

  function record(store: Store, signer: SigningLog, size: number): void {
    store.heads.record(
      ['a', 'b'].map((branch) => ({
        head: signer.verified(size, treeOf(size, branch).root()),
        ...{ source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 },
      })),
    );
  }

  test('is found by looks into indexes, and so is what is owed', () => {
    const store = memoryStore();
    for (const signer of signers) record(store, signer, 3);
    const plans = plansOf(() => {
      for (const pair of store.evidence.missing())
        store.evidence.add(`evidence/${pair[1].id}.json`, ...pair, 1);
      const { path } = store.publishing.nextEvidence() ?? assert.fail();
      store.publishing.evidenceArrived(path);
      assert.deepEqual(store.evidence.missing(), []);
      assert(store.evidence.has(path));
    });
    store.close();
    // Whatever is gone through is as short as it is asked for: the logs, and the pairs that are owed.
    for (const plan of plans)
      for (const line of plan)
        assert.match(
          line,
          /^SEARCH |^SCAN logs$|^SCAN contradictions USING .*INDEX owed_evidence|^(CO-ROUTINE|SETUP|RECURSIVE STEP|CORRELATED)/,
          plan.join('; '),
        );
    for (const index of ['owed_evidence', 'evidence_by_turn'])
      assert(plans.flat().some((line) => line.includes(index)));
  });

  test('a pair of trees owes evidence until some is kept, and again when that is of others', () => {
    const store = memoryStore();
    const [signer] = signers;
    assert(signer);
    record(store, signer, 3);
    record(store, signer, 4);
    const owed = (): bigint[] => store.evidence.missing().map(([{ treeSize }]) => treeSize);
    assert.deepEqual(owed(), [3n, 4n]);
    const [three, four] = store.evidence.missing();
    assert(three && four);
    store.evidence.add('evidence/one.json', three[1], three[0], 1);
    assert.deepEqual(owed(), [4n]);
    // Its row was damaged, and is written anew.
    store.evidence.add('evidence/one.json', ...four, 2);
    assert.deepEqual(owed(), [3n]);
    store.evidence.add('evidence/two.json', ...four, 2);
    store.evidence.add('evidence/one.json', ...three, 2);
    assert.deepEqual(owed(), []);
    store.close();
  });

  /** Of each statement that is prepared meanwhile. */
  function plansOf(work: () => void): string[][] {
    const prepared = new Map<string, Database.Database>();
    const whole = Object.getOwnPropertyDescriptor(Database.prototype, 'prepare') ?? assert.fail();
    Object.defineProperty(Database.prototype, 'prepare', {
      ...whole,
      value(this: Database.Database, sql: string) {
        prepared.set(sql, this);
        return (whole.value as Database.Database['prepare']).call(this, sql);
      },
    });
    try {
      work();
    } finally {
      Object.defineProperty(Database.prototype, 'prepare', whole);
    }
    return [...prepared].map(([sql, db]) =>
      (
        db
          .prepare(`EXPLAIN QUERY PLAN ${sql}`)
          .all(
            Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, null])),
          ) as { detail: string }[]
      ).map(({ detail }) => detail),
    );
  }
});
