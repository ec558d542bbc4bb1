// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EMPTY_ROOT,
  equalHash,
  hashChildren,
  hashLeaf,
  toMerkleHash,
  type MerkleHash,
} from '../../src/merkle/hash.ts';
import {
  consistencyProofLength,
  foldConsistency,
  foldInclusion,
  inclusionProofLength,
  isPowerOfTwo,
  MAX_PROOF_LENGTH,
} from '../../src/merkle/proof.ts';
import { MerkleTree } from '../../src/merkle/tree.ts';
import { treeOf } from '../support/signing-log.ts';
import { fc } from '../support/random.ts';

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

/** RFC 6962, Section 2.1 word by word, as the oracle. */
function definitionOfRoot(leaves: readonly MerkleHash[]): MerkleHash {
  const [only] = leaves;
  if (only === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return only;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return hashChildren(definitionOfRoot(leaves.slice(0, k)), definitionOfRoot(leaves.slice(k)));
}

test('the empty tree has the root SHA-256 of nothing', () => {
  assert.equal(
    hex(new MerkleTree().root()),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('a leaf hash is SHA-256(00 || entry): vectors of certificate-transparency-go, merkletree', () => {
  assert.equal(
    hex(hashLeaf(new Uint8Array(0))),
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  );
  assert.equal(
    hex(hashLeaf(Uint8Array.of(0))),
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
  );
});

test('a tree has for every size the root of the definition', () => {
  const tree = treeOf(70);
  const leaves = Array.from({ length: 70 }, (_, i) => tree.leafHash(i));
  for (let size = 0; size <= 70; size++)
    assert.equal(hex(tree.root(size)), hex(definitionOfRoot(leaves.slice(0, size))));
});

test('every consistency proof of every small tree folds to both roots', () => {
  const tree = treeOf(66);
  for (let n = 2; n <= 66; n++) {
    for (let m = 1; m < n; m++) {
      const folded = foldConsistency(
        BigInt(m),
        BigInt(n),
        tree.root(m),
        tree.consistencyProof(m, n),
      );
      assert(folded.kind === 'folded', `${m} -> ${n}`);
      assert(
        equalHash(folded.firstRoot, tree.root(m)) && equalHash(folded.secondRoot, tree.root(n)),
        `${m} -> ${n}`,
      );
    }
  }
});

test('every audit path of every small tree folds to the root', () => {
  const tree = treeOf(40);
  for (let n = 1; n <= 40; n++) {
    for (let i = 0; i < n; i++) {
      const folded = foldInclusion(
        BigInt(i),
        BigInt(n),
        tree.leafHash(i),
        tree.inclusionProof(i, n),
      );
      assert(folded.kind === 'folded' && equalHash(folded.root, tree.root(n)), `leaf ${i} of ${n}`);
    }
  }
});

test('a proof cut short or with a hash too many is malformed', () => {
  const tree = treeOf(21);
  for (const m of [1, 3, 4, 7, 8, 13, 16, 20]) {
    const proof = tree.consistencyProof(m, 21);
    const fold = (hashes: readonly MerkleHash[]): string =>
      foldConsistency(BigInt(m), 21n, tree.root(m), hashes).kind;
    assert.equal(fold(proof.slice(0, -1)), 'malformed');
    assert.equal(fold([...proof, EMPTY_ROOT]), 'malformed');
    assert.equal(fold([]), 'malformed');
  }
});

test('the length of every proof of every small tree is known beforehand', () => {
  const tree = treeOf(130);
  for (let n = 1; n <= 130; n++) {
    for (let m = 1; m < n; m++)
      assert.equal(
        consistencyProofLength(BigInt(m), BigInt(n)),
        tree.consistencyProof(m, n).length,
        `${m}, ${n}`,
      );
    for (let i = 0; i < n; i++)
      assert.equal(
        inclusionProofLength(BigInt(i), BigInt(n)),
        tree.inclusionProof(i, n).length,
        `leaf ${i} of ${n}`,
      );
  }
});

test('the length of a proof of a large tree is that of the definition', () => {
  const size = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
  const property = fc.property(size, size, (a, b) => {
    const [m, n] = a < b ? [a, b] : [b, a];
    fc.pre(m < n);
    assert.equal(consistencyProofLength(m, n), subproofLength(m, n, true));
    assert.equal(inclusionProofLength(m, n), pathLength(m, n));
    assert(consistencyProofLength(m, n) <= MAX_PROOF_LENGTH);
  });
  fc.assert(property, { numRuns: 2000 });
  // Random sizes are rarely those at which the shape of the tree changes.
  for (let k = 0n; k < 64n; k++) {
    for (const m of [(1n << k) - 1n, 1n << k, (1n << k) + 1n]) {
      for (const n of [m + 1n, m + 2n, (1n << 63n) + m, (1n << 64n) - 1n]) {
        if (m < 1n || m >= n) continue;
        assert.equal(consistencyProofLength(m, n), subproofLength(m, n, true), `${m}, ${n}`);
        assert.equal(inclusionProofLength(m, n), pathLength(m, n), `leaf ${m} of ${n}`);
      }
    }
  }
});

/** The number of hashes in SUBPROOF(m, D[n], known), RFC 6962, Section 2.1.2. */
function subproofLength(m: bigint, n: bigint, known: boolean): number {
  if (m === n) return known ? 0 : 1;
  const k = largestPowerOfTwoBelow(n);
  return 1 + (m <= k ? subproofLength(m, k, known) : subproofLength(m - k, n - k, false));
}

/** The number of hashes in PATH(m, D[n]), RFC 6962, Section 2.1.1. */
function pathLength(m: bigint, n: bigint): number {
  if (n === 1n) return 0;
  const k = largestPowerOfTwoBelow(n);
  return 1 + (m < k ? pathLength(m, k) : pathLength(m - k, n - k));
}

function largestPowerOfTwoBelow(n: bigint): bigint {
  return 1n << BigInt((n - 1n).toString(2).length - 1);
}

test('any other hash in a proof leads to other roots', () => {
  const tree = treeOf(100);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 99 }),
      fc.integer({ min: 0, max: 12 }),
      fc.integer({ min: 0, max: 255 }),
      (m, index, bit) => {
        const proof = tree.consistencyProof(m, 100);
        const changed = Uint8Array.from(proof[index % proof.length] ?? assert.fail());
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const folded = foldConsistency(
          BigInt(m),
          100n,
          tree.root(m),
          proof.with(index % proof.length, toMerkleHash(changed)),
        );
        assert(folded.kind === 'folded');
        assert(!equalHash(folded.secondRoot, tree.root(100)));
      },
    ),
  );
});

test('sizes without a proof are a bug of the caller', () => {
  assert.throws(() => foldConsistency(0n, 5n, EMPTY_ROOT, []), RangeError);
  assert.throws(() => foldConsistency(5n, 5n, EMPTY_ROOT, []), RangeError);
  assert.throws(() => foldInclusion(5n, 5n, EMPTY_ROOT, []), RangeError);
  assert.throws(() => toMerkleHash(new Uint8Array(31)), RangeError);
});

test('powers of two', () => {
  for (const [n, want] of [
    [0n, false],
    [1n, true],
    [2n, true],
    [3n, false],
    [1n << 63n, true],
    [(1n << 63n) + 1n, false],
  ] as const) {
    assert.equal(isPowerOfTwo(n), want, `${n}`);
  }
});
