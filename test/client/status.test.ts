// SPDX-License-Identifier: Apache-2.0
/** What a client's status says of a log, and that it says no more than is proven. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { statusOf } from '../../src/client/status.ts';
import { ClientStore } from '../../src/client/store.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

describe('the status of a log', () => {
  const signer = new SigningLog();
  const log = signer.asLog();
  const { logId } = log.key;
  const store = ClientStore.inMemory();
  const stateOf = (): string => {
    const [status] = statusOf(store, [log], new Map([[log, 'log.test']])).logs;
    return [status?.state, status?.why].join(': ');
  };
  const add = (size: number, source: 'dns' | 'pool', isConsistent: boolean): number =>
    store.addHead(logId, { ...signer.sign(size, treeOf(size).root()), source, isConsistent });

  test('calls all heads proven only where all are', () => {
    add(5, 'dns', true);
    store.setLog(logId, { answered: 1, why: '' });
    assert.equal(stateOf(), 'consistent: All its tree heads are of one append-only log.');
    // Another was shown to somebody else, and its zone gives no proof of it.
    const id = add(7, 'pool', false);
    assert.match(
      stateOf(),
      /^consistent: Its newest .* of 1 other that came no proof was given yet/,
    );
    store.setConsistent(id);
    assert.equal(stateOf(), 'consistent: All its tree heads are of one append-only log.');
  });
});
