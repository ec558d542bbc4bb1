// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formatCtQuestion,
  readCtQuestion,
  type CtQuestion,
} from '../../../src/sources/ct-over-dns/question.ts';
import { encodeName, labelsOf } from '../../../src/dns/name.ts';
import { toMerkleHash } from '../../../src/merkle/hash.ts';
import { fc } from '../../support/random.ts';

const read = (text: string): CtQuestion | undefined => readCtQuestion(labelsOf(encodeName(text)));
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const start = fc.integer({ min: 0, max: 128 });

describe('questions in front of a zone', () => {
  test('are read as they are written', () => {
    const questions = fc.oneof(
      fc.constant<CtQuestion>({ kind: 'tree head' }),
      fc
        .uint8Array({ minLength: 32, maxLength: 32 })
        .map((bytes): CtQuestion => ({ kind: 'leaf index', leafHash: toMerkleHash(bytes) })),
      fc
        .tuple(start, uint64, uint64)
        .filter(([, a, b]) => a > 0n && a < b)
        .map(([at, first, second]): CtQuestion => ({
          kind: 'consistency',
          start: at,
          first,
          second,
        })),
      fc
        .tuple(start, uint64, uint64)
        .filter(([, a, b]) => a < b)
        .map(([at, leafIndex, treeSize]): CtQuestion => ({
          kind: 'inclusion',
          start: at,
          leafIndex,
          treeSize,
        })),
    );
    fc.assert(
      fc.property(questions, (question) =>
        assert.deepEqual(read(formatCtQuestion(question)), question),
      ),
    );
  });

  // 52 characters are 260 bits: the last four must be zero.
  const hash = `${'a'.repeat(51)}q`;
  const none: [string, string][] = [
    ['another label', 'std'],
    ['sth below a label', 'x.sth'],
    ['first = 0', '0.0.9.sth-consistency'],
    ['first = second', '0.9.9.sth-consistency'],
    ['first > second', '0.10.9.sth-consistency'],
    ['a leading zero', '0.07.9.sth-consistency'],
    ['a sign', '0.+7.9.sth-consistency'],
    ['no start', '7.9.sth-consistency'],
    ['a start beyond any proof', '129.7.9.sth-consistency'],
    ['a size beyond 2^64 - 1', '0.7.18446744073709551616.sth-consistency'],
    ['an index that is the size', '0.9.9.tree'],
    ['a hash too short', `${'a'.repeat(51)}.hash`],
    ['a hash too long', `${'a'.repeat(53)}.hash`],
    ['a character that base32 has not', `1${hash.slice(1)}.hash`],
    ['bits left over that are not zero', `${'a'.repeat(51)}b.hash`],
  ];
  for (const [why, text] of none)
    test(`are not: ${why}`, () => assert.equal(read(text), undefined));
  test('a hash of 52 characters', () => assert.equal(read(`${hash}.hash`)?.kind, 'leaf index'));
});
