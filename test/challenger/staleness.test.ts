// SPDX-License-Identifier: Apache-2.0
/**
 * A log that shows a tree head that it should not show any more: what is said of it, and how often.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { challengeLog } from '../../src/challenger/challenge.ts';
import { staleness } from '../../src/challenger/staleness.ts';
import type { Log } from '../../src/logs/log.ts';
import type { StoredTree } from '../../src/store/heads.ts';
import { memoryStore } from '../../src/store/state.ts';
import { FakeApi } from '../support/fake-api.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = 1_800_000_000_000;
const HOUR = 3_600_000;
const log = new SigningLog();
const tree = treeOf(60);

describe('a tree head', () => {
  /** Trees of these sizes, first seen so many hours ago. */
  const trees = (seen: Readonly<Record<number, number>>): StoredTree[] => {
    const store = memoryStore();
    for (const [size, hours] of Object.entries(seen)) {
      const head = log.verified(Number(size), tree.root(Number(size)));
      const at = NOW - hours * HOUR;
      store.heads.record([{ head, source: 'eth0', firstSeen: at, lastSeen: at, count: 1 }]);
    }
    return store.heads.trees(log.key.logId);
  };
  const finalTree = { treeSize: 30n, rootHash: tree.root(30) };
  // The log, the age of its head of size 30 in hours, and the trees that were seen.
  const cases: readonly (readonly [
    name: string,
    log: Pick<Log, 'mmd' | 'state' | 'finalTree'>,
    hours: number,
    seen: Readonly<Record<number, number>>,
    says: RegExp | undefined,
  ])[] = [
    ['just signed', { mmd: 86_400 }, 0, { 30: 0 }, undefined],
    ['as old as its MMD', { mmd: 86_400 }, 24, { 30: 0 }, undefined],
    ['older than its MMD', { mmd: 86_400 }, 25, { 30: 0 }, /is 25 hours old, which is more/],
    ['older than a short MMD, within an hour', { mmd: 60 }, 1, { 30: 0 }, undefined],
    ['signed in the future', { mmd: 86_400 }, -100, { 30: 0 }, undefined],
    ['of a read-only log', { mmd: 86_400, state: 'readonly' }, 9999, { 30: 0 }, undefined],
    ['of a log that has ended', { mmd: 86_400, finalTree }, 9999, { 30: 0 }, undefined],
    ['of a retired log', { mmd: 86_400, state: 'retired' }, 9999, { 30: 0 }, undefined],
    ['smaller than one seen just now', { mmd: 86_400 }, 0, { 30: 0, 40: 1 }, undefined],
    [
      'smaller than one seen hours ago',
      { mmd: 86_400 },
      0,
      { 30: 0, 40: 2, 50: 0 },
      /shows a tree of size 30, although it had signed one of size 40 by 20\d\d-/,
    ],
    [
      'smaller than one seen hours ago, of a read-only log',
      { mmd: 86_400, finalTree },
      0,
      { 30: 0, 40: 2 },
      /of size 40/,
    ],
  ];
  for (const [name, of, hours, seen, says] of cases) {
    test(name, () => {
      const all = trees(seen);
      const current = all.find(({ treeSize }) => treeSize === 30n) ?? assert.fail();
      const timestamp = BigInt(NOW - hours * HOUR);
      const found = staleness({ ...of, key: log.key }, { current, timestamp }, all, NOW);
      if (says === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', says);
    });
  }
});

test('is said once until it ends, and then that it has ended', async () => {
  const [store, api] = [memoryStore(), new FakeApi(tree, 30)];
  const challenge = async (now: number): Promise<string[]> => {
    const notices: string[] = [];
    await challengeLog(api.log.asLog(), {
      store,
      evidenceDirectory: directory,
      paths: [api.fetch],
      onNotice: (_, message) => void notices.push(message),
      onVerdict: () => undefined,
      signal: new AbortController().signal,
      now: () => now,
      ignoreBackOff: true,
    });
    return notices;
  };
  assert.deepEqual(await challenge(NOW), []);
  assert.match((await challenge(NOW + 30 * HOUR)).join(), /is 30 hours old/);
  assert.deepEqual(await challenge(NOW + 31 * HOUR), []);
  assert.deepEqual(
    store.logs.stale().map(({ since }) => since),
    [NOW + 30 * HOUR],
  );
  api.timestamp = BigInt(NOW + 31 * HOUR);
  assert.deepEqual(await challenge(NOW + 32 * HOUR), ['shows a current tree head again']);
  assert.deepEqual(store.logs.stale(), []);
  // It goes back to what it was long ago.
  api.size = 20;
  assert.match((await challenge(NOW + 33 * HOUR)).join(), /of size 20, although/);
});
