// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { memoryStore } from '../../src/store/state.ts';
import type { Store } from '../../src/store/store.ts';
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
