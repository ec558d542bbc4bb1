// SPDX-License-Identifier: Apache-2.0
/** Visits and settling: what was seen may not slow down what is sent. */
import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { Visits } from '../../src/challenger/visits.ts';
import { HashStore } from '../../src/follow/hash-store.ts';
import type { Visit } from '../../src/follow/follower.ts';
import { memoryStore } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const NOW = 1_800_000_000_000;

/** A log that was seen, visits of it that end when the test wants it, and each use of the store. */
function setting() {
  const store = memoryStore();
  const log = new SigningLog();
  const head = log.verified(10, treeOf(10).root(), BigInt(NOW));
  store.heads.record([{ head, source: 'eth0', firstSeen: NOW, lastSeen: NOW, count: 1 }]);
  const used: string[] = [];
  const watched = <T extends object>(role: T): T =>
    new Proxy(role, {
      get: (of, name): unknown => {
        used.push(String(name));
        const value: unknown = Reflect.get(of, name, of);
        return typeof value === 'function' ? (value.bind(of) as unknown) : value;
      },
    });
  const ends: ((visit: Visit) => void)[] = [];
  const stop = new AbortController();
  const waits: { milliseconds: number; end: () => void }[] = [];
  const visits = new Visits({
    store: {
      heads: watched(store.heads),
      verdicts: watched(store.verdicts),
      logs: watched(store.logs),
      evidence: watched(store.evidence),
    },
    evidenceDirectory: '/nonexistent',
    hashes: HashStore.inMemory(),
    now: () => NOW,
    signal: stop.signal,
    paths: 1,
    budget: 1,
    window: 1,
    blocks: 0,
    proxies: [{ host: 'proxy.test', port: 1 }],
    open: () => assert.fail('nothing is sent'),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        waits.push({ milliseconds, end: resolve });
        signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      }),
    visit: () => new Promise((resolve) => ends.push(resolve)),
    onVisited: () => undefined,
    onVerdict: () => undefined,
    onNotice: () => undefined,
    onLogFailed: () => undefined,
    onFailed: (_, error) => assert.ifError(error),
  });
  return { visits, log: log.asLog(), other: new SigningLog().asLog(), used, ends, stop, waits };
}

const NOTHING: Visit = { heads: [], current: undefined, forks: [], failures: [], notices: [] };

test('settling pauses while any log is being visited', async () => {
  const { visits, log, other, used, ends } = setting();
  const asked = [visits.ask(log), visits.ask(other)];
  visits.settle(log);
  for (let i = 0; i < 5; i++) await setImmediate();
  ends[0]?.(NOTHING);
  await asked[0];
  for (let i = 0; i < 5; i++) await setImmediate();
  assert.deepEqual(used, []);
  ends[1]?.(NOTHING);
  await asked[1];
  await visits.settled();
  assert.notDeepEqual(used, []);
});

test('settling does not wait for ever for a line on which visits never end', async () => {
  const { visits, log, used, waits } = setting();
  void visits.ask(log);
  visits.settle(log);
  for (let i = 0; i < 5; i++) await setImmediate();
  assert.deepEqual(used, []);
  assert.deepEqual(
    waits.map(({ milliseconds }) => milliseconds),
    [3_600_000],
  );
  waits[0]?.end();
  await visits.settled();
  assert.notDeepEqual(used, []);
});

test('a pause ends when the signal is given', async () => {
  const { visits, log, used, stop } = setting();
  void visits.ask(log);
  visits.settle(log);
  for (let i = 0; i < 5; i++) await setImmediate();
  stop.abort();
  await visits.settled();
  assert.deepEqual(used, []);
});
