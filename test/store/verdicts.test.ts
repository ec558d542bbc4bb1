// SPDX-License-Identifier: Apache-2.0
/** The contract of VerdictStore. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StoredTree } from '../../src/store/heads.ts';
import { MEMORY, openDatabase } from '../../src/store/sqlite/open.ts';
import { SqliteStore } from '../../src/store/sqlite/store.ts';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
import type { VerdictStore, VerdictUpdate } from '../../src/store/verdicts.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const log = new SigningLog();
const SIZES = [3, 5, 8];

function record(store: Store): StoredTree[] {
  store.heads.record(
    SIZES.map((size) => ({
      head: log.verified(size, treeOf(size).root(), 1n),
      source: 'eth0',
      firstSeen: 1,
      lastSeen: 1,
      count: 1,
    })),
  );
  return store.heads.trees(log.key.logId);
}

const tree = (store: Store, i: number): StoredTree =>
  store.heads.trees(log.key.logId)[i] ?? assert.fail();

type Set = (verdicts: VerdictStore, tree: StoredTree, now: number, update: VerdictUpdate) => void;

for (const [name, set] of [
  ['set', (verdicts, ...given) => verdicts.set(...given)],
  ['setAll', (verdicts, of, now, update) => verdicts.setAll([{ tree: of, update }], now)],
] as const satisfies readonly (readonly [string, Set])[])
  describe(name, () => {
    test('replaces what was concluded, and counts attempts', () => {
      const store = memoryStore();
      const [first = assert.fail(), second = assert.fail()] = record(store);
      set(store.verdicts, first, 7, { verdict: 'skewed', reason: 'so', askAfter: 9 });
      assert.deepEqual(tree(store, 0), {
        ...first,
        verdict: 'skewed',
        reason: 'so',
        attempts: 1,
        askedAt: 7,
        askAfter: 9,
      });
      set(store.verdicts, first, 8, { verdict: 'consistent', provenAgainst: second.id });
      assert.deepEqual(tree(store, 0), {
        ...first,
        verdict: 'consistent',
        provenAgainst: second.id,
        attempts: 2,
        askedAt: 8,
      });
      assert.deepEqual(
        [store.verdicts.counts().consistent, store.verdicts.counts().pending],
        [1, 2],
      );
      assert.deepEqual(store.verdicts.logsWith('consistent'), [log.key.logId]);
    });

    test('takes no proven fork back', () => {
      const store = memoryStore();
      const [first = assert.fail(), second = assert.fail()] = record(store);
      set(store.verdicts, first, 7, { verdict: 'fork-proven', provenAgainst: second.id });
      set(store.verdicts, first, 8, { verdict: 'consistent', provenAgainst: first.id });
      const { verdict, provenAgainst, attempts } = tree(store, 0);
      assert.deepEqual([verdict, provenAgainst, attempts], ['fork-proven', second.id, 1]);
    });

    test('does nothing for a tree that is not there, whatever has its ID', () => {
      const [store, another] = [memoryStore(), memoryStore()];
      record(store);
      const head = new SigningLog().verified(3, treeOf(3).root(), 1n);
      another.heads.record([{ head, source: 'eth0', firstSeen: 1, lastSeen: 1, count: 1 }]);
      const foreign = another.heads.treeOf(head);
      assert.equal(foreign.id, tree(store, 0).id);
      const before = store.heads.trees(log.key.logId);
      set(store.verdicts, foreign, 7, { verdict: 'fork-proven' });
      set(store.verdicts, { ...tree(store, 1), id: 99 }, 7, { verdict: 'fork-proven' });
      assert.deepEqual(store.heads.trees(log.key.logId), before);
    });
  });

test('setAll records all or throws', () => {
  const database = openDatabase(MEMORY);
  const store = new SqliteStore(MEMORY, { database, file: undefined });
  const trees = record(store);
  const updates = trees.map((each) => ({ tree: each, update: { verdict: 'skewed' } as const }));
  store.verdicts.setAll(updates, 7);
  assert.equal(store.verdicts.counts().skewed, SIZES.length);
  database.exec(`CREATE TRIGGER refusing BEFORE UPDATE ON trees WHEN NEW.tree_size LIKE '%8'
    BEGIN SELECT raise(ABORT, 'no room'); END`);
  const again = trees.map((each) => ({ tree: each, update: { verdict: 'consistent' } as const }));
  assert.throws(() => store.verdicts.setAll(again, 8), /no room/);
  assert.equal(store.verdicts.counts().consistent, 0);
  store.verdicts.setAll([], 9);
});

describe('pages', () => {
  const many = 700;
  const roots = treeOf(many);
  const filled = memoryStore();
  filled.heads.record(
    [log, new SigningLog()].flatMap((each) =>
      Array.from({ length: many }, (_, i) => ({
        head: each.verified(i + 1, roots.root(i + 1), 1n),
        source: 'eth0',
        firstSeen: 1,
        lastSeen: 1,
        count: 1,
      })),
    ),
  );
  const trees = filled.heads.trees(log.key.logId);
  const [top = assert.fail(), waiting = assert.fail(), forked = assert.fail(), ...rest] =
    trees.toReversed();
  const [stray = assert.fail(), hanging = assert.fail(), ...chained] = rest;
  const consistent = (tree: StoredTree, to: StoredTree | undefined): void =>
    filled.verdicts.set(tree, 2, { verdict: 'consistent', provenAgainst: to?.id });
  consistent(top, top);
  filled.verdicts.set(forked, 2, { verdict: 'fork-proven', provenAgainst: top.id });
  consistent(stray, undefined);
  consistent(hanging, forked);
  for (const tree of chained) consistent(tree, top);
  const read = (which: 'open' | 'all'): StoredTree[] =>
    [...filled.verdicts.pages(log.key.logId, which)].flat();

  test('all: every tree of the log, by size', () => {
    assert.deepEqual(read('all'), filled.heads.trees(log.key.logId));
  });

  test('open: not those that are consistent with a larger tree that is', () => {
    assert.deepEqual(
      read('open').map(({ id }) => id),
      [hanging, stray, forked, waiting, top].map(({ id }) => id),
    );
  });

  test('can be written between', () => {
    for (const page of filled.verdicts.pages(log.key.logId, 'all'))
      for (const tree of page.slice(0, 1)) filled.verdicts.set(tree, 3, { verdict: 'pending' });
    assert.equal(filled.verdicts.counts().pending, many + Math.ceil(many / 256) + 1);
  });

  test('of a log without trees: none', () => {
    assert.deepEqual([...filled.verdicts.pages(new SigningLog().key.logId, 'open')], []);
  });
});
