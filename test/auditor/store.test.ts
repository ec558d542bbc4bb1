// SPDX-License-Identifier: Apache-2.0
/** What an auditor keeps, and what it lets go when there is too much. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { AuditStore, type Due, type NewHead, type NewSct } from '../../src/auditor/store.ts';
import { leafHashOf } from '../../src/scts/sct.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';
import { pairOf } from './harness.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));
const signer = new SigningLog();
const log = signer.asLog();
const LIMITS = { sctsOfAnOrigin: 10, proven: 5, headsOfALog: 4 };
const due: Due = { sct: () => 7, head: () => 8 };
const sct = (name: string): NewSct => {
  const { promise } = pairOf(log, signer, name, 1_700_000_000_000);
  return { logId: log.key.logId, promise, leaf: leafHashOf(promise, promise.entry) };
};
const scts = (from: number, count: number): NewSct[] =>
  Array.from({ length: count }, (_, i) => sct(`certificate ${from + i}`));
const head = (size: number): NewHead => ({
  ...signer.sign(size, treeOf(size).root()),
  logId: log.key.logId,
});
const countOf = (store: AuditStore): string => {
  const { scts: s, heads: h } = store.counts();
  return `${s.mixing} ${s.waiting} ${s.proven}; ${h.mixing} ${h.waiting} ${h.proven}`;
};

describe('the store of an auditor', () => {
  test('has again what it was given, after it was closed', () => {
    const given = [sct('one'), sct('two')];
    const store = AuditStore.open(join(directory, 'a'));
    store.addPublic('pool', given, [head(3)], due);
    store.addSubmitted([sct('three')], [], 2, due);
    store.setShown(head(9));
    store.close();
    const again = AuditStore.open(join(directory, 'a'));
    const found = again.dueScts(7, 9).map(({ leaf, promise }) => ({ leaf, promise }));
    const byLeaf = given.toSorted((a, b) => Buffer.compare(a.leaf, b.leaf));
    assert.deepEqual(
      found.map(({ leaf, promise }) => [Buffer.from(leaf), Buffer.from(promise.signature)]),
      byLeaf.map(({ leaf, promise }) => [Buffer.from(leaf), Buffer.from(promise.signature)]),
    );
    assert.deepEqual(
      [again.shown(log.key.logId)?.treeSize, again.nextDue(), countOf(again)],
      [9n, 7, '1 2 0; 0 1 0'],
    );
    again.close();
  });

  test('keeps no more of a pool, or of clients, or of a log, than it may', () => {
    const store = AuditStore.inMemory(LIMITS);
    store.addPublic('one pool', scts(0, 25), [], due);
    assert.equal(countOf(store), '0 10 0; 0 0 0');
    store.addPublic('another', scts(100, 5), [1, 2, 3, 4, 5, 6].map(head), due);
    assert.equal(countOf(store), '0 15 0; 0 4 0', 'each pool has its own share');
    store.addSubmitted(scts(200, 25), [], 9, due);
    assert.equal(store.counts().scts.mixing, 10);
  });

  test('lets a flood of one source push out its own', () => {
    const store = AuditStore.inMemory(LIMITS);
    store.addSubmitted([sct('honest')], [], 3, due);
    for (let i = 0; i < 5; i++) store.addSubmitted(scts(0, 20), [], 3, due);
    store.addSubmitted([sct('another')], [], 3, due);
    const left = store.dueScts(7, 100).map(({ leaf }) => Buffer.from(leaf).toString('hex'));
    for (const name of ['honest', 'another'])
      assert(left.includes(Buffer.from(sct(name).leaf).toString('hex')), name);
  });

  test('forgets what is proven but for its leaf, and the oldest of those', () => {
    const store = AuditStore.inMemory(LIMITS);
    for (let i = 0; i < 9; i++) {
      store.addPublic('pool', scts(i, 1), [], due);
      for (const { id } of store.dueScts(7, 9))
        store.settle('sct', id, { state: 'proven', due: 0, refusals: 0, asked: undefined });
    }
    store.addPublic('pool', scts(8, 1), [], due);
    assert.equal(countOf(store), '0 0 5; 0 0 0', 'the last is known again');
    store.addPublic('pool', scts(0, 1), [], due);
    assert.equal(countOf(store), '0 1 5; 0 0 0', 'the first is not');
  });

  test('of what mixes makes public what a pool gives to everybody', () => {
    const store = AuditStore.inMemory(LIMITS);
    store.addSubmitted(scts(0, 2), [head(3)], 9, due);
    store.addPublic('pool', scts(0, 1), [head(3)], due);
    assert.equal(countOf(store), '1 1 0; 0 1 0');
  });

  test('sets a damaged file aside, and begins anew', () => {
    const place = join(directory, 'b');
    AuditStore.open(place).close();
    writeFileSync(join(place, 'audit.sqlite'), 'this is no database'.repeat(500));
    const store = AuditStore.open(place);
    assert.equal(countOf(store), '0 0 0; 0 0 0');
    store.close();
    assert(existsSync(join(place, 'audit.sqlite.damaged')));
  });

  test('is read where there is one', () => {
    assert.equal(AuditStore.openForReading(join(directory, 'nowhere')), undefined);
    AuditStore.openForReading(join(directory, 'a'))?.close();
  });
});
