// SPDX-License-Identifier: Apache-2.0
/** A pool of tree heads: fresh ones alone, as many as may be, drawn by chance; forks are evidence. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { DRAWN, HeadPool, type HeadOutcome } from '../../src/pool/pollination.ts';
import { PoolStore } from '../../src/pool/store.ts';
import type { Statement } from '../../src/statements/statement.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(directory, { recursive: true }));

const NOW = Date.UTC(2026, 10, 1);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const [log, second, stranger] = [new SigningLog(), new SigningLog(), new SigningLog()];
const roots = treeOf(400);
const head = (of: SigningLog, size: number, age = 0, branch?: string): Statement =>
  of.sign(
    size,
    branch === undefined ? roots.root(size) : treeOf(size, branch).root(),
    BigInt(NOW - age),
  );

interface Pool {
  readonly pool: HeadPool;
  readonly forks: string[];
  readonly take: (of: SigningLog, statement: Statement) => HeadOutcome;
}

function poolOf(store: PoolStore, draw?: (below: number) => number): Pool {
  const forks: string[] = [];
  const pool = new HeadPool({
    store,
    logs: [log.asLog(), second.asLog()],
    evidence: join(directory, 'evidence'),
    onFork: (_, path) => forks.push(path),
    onFailure: (error) => assert.fail(String(error)),
    ...(draw === undefined ? {} : { draw }),
  });
  const take = (of: SigningLog, statement: Statement): HeadOutcome =>
    pool.take({ head: statement, logId: of.key.logId }, NOW);
  return { pool, forks, take };
}

describe('a pool of tree heads', () => {
  test('takes what is fresh and signed by a known log, once', () => {
    const { pool, take } = poolOf(PoolStore.inMemory());
    assert.equal(take(log, head(log, 3)), 'kept');
    assert.equal(take(log, head(log, 3)), 'known', 'signed anew: the same head');
    assert.equal(take(log, head(log, 3, HOUR)), 'kept');
    assert.equal(take(log, head(log, 3, 14 * DAY - 1)), 'kept');
    assert.equal(take(log, head(log, 3, 14 * DAY)), 'stale');
    assert.equal(take(log, head(log, 3, -2 * DAY)), 'stale', 'it would be fresh for too long');
    assert.equal(take(stranger, head(stranger, 3)), 'unknown-log');
    assert.equal(take(log, head(second, 3)), 'bad-signature');
    // Version 05 of the draft names no log.
    assert.equal(pool.take({ head: head(second, 9), logId: undefined }, NOW), 'kept');
    assert.equal(pool.take({ head: head(stranger, 9), logId: undefined }, NOW), 'bad-signature');
    assert.equal(pool.size, 4);
  });

  test('verifies no head twice that is here to the last bit, and each other one', () => {
    let verified = 0;
    const known = log.asLog();
    const counted = {
      ...known,
      key: {
        ...log.key,
        get publicKey() {
          verified += 1;
          return log.key.publicKey;
        },
      },
    };
    const pool = new HeadPool({
      store: PoolStore.inMemory(),
      logs: [counted],
      evidence: '/nowhere',
      onFork: () => assert.fail(),
      onFailure: (error) => assert.fail(String(error)),
    });
    const brought = head(log, 3);
    const last = brought.signature.length - 1;
    const signature = brought.signature.map((byte, at) => (at === last ? byte ^ 1 : byte));
    const forged = { ...brought, signature };
    const { logId } = log.key;
    for (const [statement, of, outcome, times] of [
      [brought, logId, 'kept', 1],
      [brought, logId, 'known', 0],
      [brought, undefined, 'known', 0],
      [head(log, 3), logId, 'known', 1],
      [forged, logId, 'bad-signature', 1],
    ] as const) {
      const before = verified;
      assert.equal(pool.take({ head: statement, logId: of }, NOW), outcome);
      assert.equal(verified - before, times, outcome);
    }
  });

  test('gives none that is no longer fresh', () => {
    const { pool, take } = poolOf(PoolStore.inMemory());
    take(log, head(log, 1, 13 * DAY));
    take(log, head(log, 2, DAY));
    assert.equal(pool.drawn(NOW).length, 2);
    assert.deepEqual(
      pool.drawn(NOW + 2 * DAY).map(({ treeSize }) => treeSize),
      [2n],
    );
    assert.equal(pool.size, 1);
  });

  test('has 336 of a log at most, and each of those brought has the same chance to stay', () => {
    const store = PoolStore.inMemory({ ...PoolStore.inMemory().limits, headsOfALog: 20 });
    const stays = new Map<number, number>();
    const statements = Array.from({ length: 30 }, (_, i) => head(log, i + 1, i * HOUR));
    const ROUNDS = 200;
    for (let round = 0; round < ROUNDS; round++) {
      for (const { id } of store.heads()) store.dropHead(id);
      const { pool, take } = poolOf(store);
      for (const statement of statements) take(log, statement);
      take(second, head(second, 1));
      assert.equal(pool.size, 21, 'other logs have room of their own');
      for (const { treeSize } of store.heads())
        stays.set(Number(treeSize), (stays.get(Number(treeSize)) ?? 0) + 1);
    }
    // Each deletion takes one of 21: the last brought stays in 20 of 21 rounds, the first in
    // (20 / 21)^10 of them, 61 %. Five standard deviations.
    const share = (size: number): number => (stays.get(size) ?? 0) / ROUNDS;
    for (const size of [2, 5, 10, 20])
      assert(Math.abs(share(size) - 0.614) < 0.173, `${size}: ${share(size)}`);
    assert(share(30) > 0.87, `30: ${share(30)}`);
  });

  test('draws each with the same chance, whatever was brought', () => {
    const { pool, take } = poolOf(PoolStore.inMemory());
    for (let size = 1; size <= 40; size++) take(log, head(log, size, size * HOUR));
    const drawn = new Map<bigint, number>();
    const ROUNDS = 2000;
    for (let round = 0; round < ROUNDS; round++) {
      const heads = pool.drawn(NOW);
      assert.equal(new Set(heads.map(({ treeSize }) => treeSize)).size, DRAWN);
      for (const { treeSize } of heads) drawn.set(treeSize, (drawn.get(treeSize) ?? 0) + 1);
    }
    // Binomial with 2,000 and 1/4: 500 expected, a standard deviation of 19; six of them.
    for (let size = 1n; size <= 40n; size++)
      assert(Math.abs((drawn.get(size) ?? 0) - 500) < 120, `${size}: ${drawn.get(size) ?? 0}`);
  });

  test('proves two roots for one size, and after a restart too', () => {
    const store = PoolStore.inMemory();
    const { forks, take } = poolOf(store);
    take(log, head(log, 7));
    assert.equal(forks.length, 0);
    assert.equal(take(log, head(log, 7, HOUR, 'another')), 'kept');
    assert.equal(forks.length, 1);
    const path = forks[0] ?? assert.fail();
    const checks = verifyEvidence(parseEvidence(readFileSync(path, 'utf8'), path));
    assert(checks.length > 3 && checks.every(({ holds }) => holds));
    assert.deepEqual(
      poolOf(store).forks,
      forks,
      'found again: one killed before it wrote has lost none',
    );
  });

  test('forgets what its log did not sign', () => {
    const store = PoolStore.inMemory();
    store.addHead({ ...head(log, 3), logId: second.key.logId });
    assert.equal(poolOf(store).pool.size, 0);
    assert.deepEqual(store.heads(), []);
  });
});
