// SPDX-License-Identifier: Apache-2.0
/** ML-DSA-44 as Wycheproof tries it: hints that are malformed, norms at their limits, other contexts. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mlDsa44ByNoble, mlDsa44ByOpenSsl } from '../../src/statements/ml-dsa.ts';
import { readVector } from '../support/vectors.ts';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  /** Index into `keys`. */
  readonly key: number;
  readonly message: string;
  readonly context: string;
  readonly signature: string;
  readonly valid: boolean;
}

const { keys, tests } = readVector('ml-dsa-44.json') as {
  readonly keys: readonly string[];
  readonly tests: readonly Vector[];
};
const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

for (const [maker, mlDsa44] of Object.entries({
  noble: mlDsa44ByNoble,
  OpenSSL: mlDsa44ByOpenSsl(),
}))
  describe(
    `ML-DSA-44 by ${maker}`,
    { skip: mlDsa44 === undefined && `OpenSSL ${process.versions.openssl} has no ML-DSA` },
    () => {
      for (const { tcId, comment, key, message, context, signature, valid } of tests)
        test(`Wycheproof ${tcId}: ${comment}`, () => {
          // Cosignatures have the empty context: a signature for another one is none.
          assert.equal(
            mlDsa44?.verify(bytes(signature), bytes(message), bytes(keys[key] ?? '')),
            valid && context === '',
          );
        });
    },
  );

test('there are signatures of both kinds among them', () => {
  assert.deepEqual([...new Set(tests.map(({ valid }) => valid))].sort(), [false, true]);
});
