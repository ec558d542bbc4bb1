// SPDX-License-Identifier: Apache-2.0
/** `ctga dns query` without a process and without the DNS. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { LogError } from '../../src/ask/asker.ts';
import { CtgaError } from '../../src/base/errors.ts';
import { parseEvidence } from '../../src/evidence/bundle.ts';
import { verifyEvidence } from '../../src/evidence/verify.ts';
import { EMPTY_ROOT } from '../../src/merkle/hash.ts';
import { logOfZone, queryZone, type Query, type QueryResult } from '../../src/services/query.ts';
import { CT_ZONE, ctZone } from '../support/ct-zone.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const evidenceDirectory = mkdtempSync(join(tmpdir(), 'ctga-test-'));
after(() => rmSync(evidenceDirectory, { recursive: true }));
const signer = new SigningLog();
const log = signer.asLog();

function query(size: number, more: Partial<Query> = {}): Promise<QueryResult> {
  return queryZone({
    zone: CT_ZONE,
    log,
    lookup: ctZone(signer, treeOf(size)),
    since: undefined,
    leaf: undefined,
    evidenceDirectory,
    now: 1,
    ...more,
  });
}

describe('a query', () => {
  test('has the tree head, and nothing that was not asked', async () => {
    const { treeSize, since, leaf, ...rest } = await query(9);
    assert.deepEqual([treeSize, since, leaf], [9n, undefined, undefined]);
    assert.equal(rest.log, log.description);
  });

  for (const [old, present] of [
    [4, 9],
    [9, 9],
  ] as const)
    test(`trees of ${old} and then ${present} leaves are consistent`, async () => {
      const since = signer.verified(old, treeOf(old).root());
      assert.deepEqual((await query(present, { since })).since, {
        treeSize: BigInt(old),
        verdict: 'consistent',
      });
    });

  // In these pairs the consistency proof alone decides nothing: see evidence/judge.ts.
  for (const [old, present] of [
    [4, 5],
    [1, 9],
    [3, 9],
    [9, 9],
  ] as const)
    test(`a fork between ${old} and ${present} leaves is proven, and its evidence stands`, async () => {
      const since = signer.verified(old, treeOf(old, 'b').root());
      const { since: found } = await query(present, { since });
      assert.equal(found?.verdict, 'fork-proven');
      const { evidence = assert.fail() } = found;
      const checks = verifyEvidence(parseEvidence(readFileSync(evidence, 'utf8'), evidence));
      assert.deepEqual(
        checks.filter(({ holds }) => !holds),
        [],
      );
    });

  test('an empty tree with another root accuses nobody', async () => {
    const since = signer.verified(0, treeOf(1).root());
    assert.equal((await query(5, { since })).since?.verdict, 'malformed-head');
    const empty = signer.verified(0, EMPTY_ROOT);
    assert.equal((await query(5, { since: empty })).since?.verdict, 'consistent');
  });

  test('says where a leaf is', async () => {
    const leaf = treeOf(9).leafHash(3);
    assert.deepEqual((await query(9, { leaf })).leaf, { leafIndex: 3n, included: true });
  });

  test('a head that another log signed is refused', async () => {
    await assert.rejects(
      query(9, { log: new SigningLog().asLog() }),
      (error) => error instanceof LogError && /is not signed by/.test(error.message),
    );
  });
});

describe('the log of a zone', () => {
  const [rome, oslo] = ['Rome', 'Oslo'].map((description) =>
    new SigningLog().asLog({ description }),
  ) as [typeof log, typeof log];
  const logs = [rome, oslo];
  const none = { zones: [], zoneSuffix: undefined };
  for (const [what, wanted, found] of [
    ['is the one that is named', oslo, () => logOfZone('rome.example', logs, 'Oslo', none)],
    [
      'has that zone',
      oslo,
      () => logOfZone('rome.example', logs, undefined, { zones: ['rome.example=Oslo'] }),
    ],
    [
      'is called like its first label',
      rome,
      () => logOfZone('rome.example', logs, undefined, none),
    ],
  ] as const)
    test(what, () => assert.equal(found(), wanted));

  test('is unknown', () => {
    assert.throws(
      () => logOfZone('paris.example', logs, undefined, none),
      (error) => error instanceof CtgaError && error.code === 'bad-input',
    );
  });
});
