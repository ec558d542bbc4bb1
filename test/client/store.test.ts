// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import type { SctState } from '../../src/client/messages.ts';
import { CLIENT_LIMITS, ClientStore, siteTurn, type SctRow } from '../../src/client/store.ts';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { toLogId } from '../../src/statements/statement.ts';
import { fc } from '../support/random.ts';

const logId = toLogId(new Uint8Array(32));
const row = (origin: string, leaf: string, state: SctState = 'waiting'): SctRow => ({
  origin: `https://${origin}.example`,
  logId,
  time: 1n,
  leafHash: toMerkleHash(createHash('sha256').update(leaf).digest()),
  leafIndex: undefined,
  state,
  why: '',
  tries: 0,
  next: 0,
});
const limits = { ...CLIENT_LIMITS, scts: 30, sctsOfAnOrigin: 5, feedback: 3 };

describe("a client's store", () => {
  test('keeps what a log promised an origin once', () => {
    const store = ClientStore.inMemory();
    assert.equal(store.addScts([row('a', '1'), row('a', '1'), row('b', '1')]), 2);
    assert.equal(store.addScts([row('a', '1')]), 0);
    assert.equal(store.dueScts(0, 10).length, 1, 'a leaf is asked about once');
    store.setSct(row('a', '1'), { state: 'included', why: '', tries: 0, next: 0 });
    assert.deepEqual(store.dueScts(0, 10), []);
    assert.equal(store.nextSct(), undefined);
    assert.deepEqual([...store.sctsByState()], [['included', 2]]);
  });

  test('keeps no more than it may, and of a flood no other origin pays', () => {
    const store = ClientStore.inMemory(limits);
    store.addScts([row('victim', 'v', 'unprovable')]);
    for (let i = 0; i < 100; i++) store.addScts([row('flood', String(i))]);
    assert.equal(store.countScts(), 6);
    for (let i = 0; i < 100; i++) store.addScts([row(`flood ${i}`, String(i))]);
    assert.equal(store.countScts(), limits.scts);
    assert.equal(
      store.scts(1)[0]?.state,
      'unprovable',
      'what must be told goes last, and is first',
    );
  });

  test('lets go first what is settled', () => {
    const store = ClientStore.inMemory(limits);
    const states: readonly SctState[] = ['included', 'bad-signature', 'waiting', 'contradicted'];
    for (const [i, state] of states.entries()) store.addScts([row('a', `${i}`, state)]);
    store.addScts([row('a', 'x', 'contradicted'), row('a', 'y', 'contradicted')]);
    assert.deepEqual([...store.sctsByState().keys()].sort(), [
      'bad-signature',
      'contradicted',
      'waiting',
    ]);
  });

  test('does as its model does', () => {
    const origins = ['a', 'b', 'c'];
    const step = fc.oneof(
      fc.record({ add: fc.constantFrom(...origins), leaf: fc.nat(4) }),
      fc.record({ forget: fc.constantFrom(...origins) }),
      fc.constant('forget-all' as const),
    );
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const store = ClientStore.inMemory();
        let model = new Set<string>();
        for (const each of steps) {
          if (each === 'forget-all') {
            store.forget();
            model = new Set();
          } else if ('forget' in each) {
            store.forget(row(each.forget, '').origin);
            model = new Set([...model].filter((key) => !key.startsWith(each.forget)));
          } else {
            const isNew = store.addScts([row(each.add, `${each.leaf}`)]) === 1;
            assert.equal(isNew, !model.has(`${each.add}${each.leaf}`));
            model.add(`${each.add}${each.leaf}`);
          }
          assert.equal(store.countScts(), model.size);
        }
        store.close();
      }),
      { numRuns: 30 },
    );
  });

  test('forgets feedback and turns with their origin', () => {
    const store = ClientStore.inMemory(limits);
    const [a, b] = ['https://a.example', 'https://b.example'] as const;
    for (const origin of [a, b]) {
      store.setTurn(siteTurn(origin), 5);
      store.setFeedback({ origin, outcome: 'sent', status: 200, time: 1 });
    }
    store.setTurn('log:x', 7);
    store.forget(a);
    assert.deepEqual(
      store.feedback(9).map(({ origin }) => origin),
      [b],
    );
    assert.deepEqual([...store.turns().keys()].sort(), ['log:x', siteTurn(b)]);
    store.forget();
    assert.deepEqual([...store.turns().keys()], ['log:x']);
    for (let i = 0; i < 9; i++)
      store.setFeedback({ origin: `${i}`, outcome: 'failed', status: undefined, time: i });
    assert.deepEqual(
      store.feedback(9).map(({ origin }) => origin),
      ['8', '7', '6'],
    );
  });
});
