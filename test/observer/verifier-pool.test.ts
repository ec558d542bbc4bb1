// SPDX-License-Identifier: Apache-2.0
/**
 * Signatures checked on another thread: fair by log, bounded, and none lost to a thread that fails.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { VerifierPool } from '../../src/observer/verifier-pool.ts';
import type { Statement, VerifiedStatement } from '../../src/statements/statement.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const alpha = new SigningLog();
const beta = new SigningLog('rsa');
const root = treeOf(9).root();
const genuine = (log: SigningLog, size: number): Statement => log.sign(size, root);
const forged = (size: number): Statement => ({
  ...genuine(alpha, size),
  treeSize: BigInt(size + 1),
});

let pool: VerifierPool;
afterEach(() => pool.close());

/** Submits and notes in what order heads were settled. */
function submitter(): {
  readonly submit: (log: SigningLog, head: Statement, name: string) => boolean;
  readonly settled: { readonly name: string; readonly head: VerifiedStatement | undefined }[];
} {
  const settled: { name: string; head: VerifiedStatement | undefined }[] = [];
  return {
    submit: (log, head, name) =>
      pool.submit(log.asLog(), head, (result) => settled.push({ name, head: result })),
    settled,
  };
}

test('genuine heads come back verified, forged ones do not', async () => {
  let batches = 0;
  pool = new VerifierPool(() => batches++);
  const { submit, settled } = submitter();
  submit(alpha, genuine(alpha, 5), 'alpha');
  submit(beta, genuine(beta, 6), 'beta');
  submit(alpha, forged(7), 'forged');
  assert.equal(settled.length, 0, 'nothing is checked on this thread');
  await pool.idle();
  assert.deepEqual(
    settled.map(({ name, head }) => [name, head?.treeSize]),
    [
      ['alpha', 5n],
      ['beta', 6n],
      ['forged', undefined],
    ],
  );
  assert.deepEqual(settled[0]?.head?.logId, alpha.key.logId);
  assert(batches > 0);
});

test('a flood for one log does not delay the head of another', async () => {
  pool = new VerifierPool(() => undefined);
  const { submit, settled } = submitter();
  let refused = 0;
  const flood = genuine(alpha, 1);
  for (let i = 0; i < 100_000; i++) {
    // 100,000 different forgeries; making them costs less than signing.
    if (!submit(alpha, { ...flood, treeSize: BigInt(i + 2) }, 'flood')) refused += 1;
  }
  assert(submit(beta, genuine(beta, 3), 'genuine'));
  await pool.idle();
  const place = settled.findIndex(({ name }) => name === 'genuine');
  // One batch was on its way, and beta has its turn in the next.
  assert(place >= 0 && place <= 16, `${place} forgeries were checked before it`);
  assert(settled[place]?.head !== undefined);
  assert.equal(settled.length + refused, 100_001);
  assert(refused > 99_000, 'what waits is bounded');
});

describe('a thread that fails', () => {
  const dying = (): Worker =>
    new Worker(`require('node:worker_threads').parentPort.once('message', () => process.exit(1))`, {
      eval: true,
    });

  test('is replaced, and its batch checked all the same', async () => {
    let started = 0;
    pool = new VerifierPool(
      () => undefined,
      () => {
        started += 1;
        return dying();
      },
    );
    const { submit, settled } = submitter();
    for (let size = 1; size <= 20; size++) submit(alpha, genuine(alpha, size), `${size}`);
    await pool.idle();
    assert.equal(settled.filter(({ head }) => head !== undefined).length, 20);
    assert.equal(started, 3, 'given up after a while; the rest is checked on this thread');
  });

  test('that cannot be started at all is done without', async () => {
    pool = new VerifierPool(
      () => undefined,
      () => {
        throw new Error('no threads here');
      },
    );
    const { submit, settled } = submitter();
    submit(alpha, genuine(alpha, 4), 'alpha');
    await pool.idle();
    assert.equal(settled[0]?.head?.treeSize, 4n);
  });
});
