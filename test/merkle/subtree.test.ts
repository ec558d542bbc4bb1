// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toMerkleHash, type MerkleHash } from '../../src/merkle/hash.ts';
import { hashOfRange } from '../../src/merkle/ranges.ts';
import { isSubtree, isSubtreeConsistent, subtreeRanges } from '../../src/merkle/subtree.ts';
import { treeOf } from '../support/signing-log.ts';

/** SUBTREE_PROOF and MTH as the draft defines them (Sections 4.4.1, RFC 6962 2.1), over leaves. */
function proofOf(
  tree: ReturnType<typeof treeOf>,
  start: number,
  end: number,
): { hash: MerkleHash; proof: MerkleHash[]; root: MerkleHash } {
  const known = (from: bigint, to: bigint): MerkleHash | undefined =>
    to - from === 1n ? tree.leafHash(Number(from)) : undefined;
  const mth = (from: number, to: number): MerkleHash => {
    const hash = hashOfRange(known, [BigInt(from), BigInt(to)]);
    assert(hash !== undefined);
    return hash;
  };
  const below = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));
  // SUBTREE_SUBPROOF(start, end, D[at:at + n], b), start and end counted from `at`.
  const sub = (from: number, to: number, at: number, n: number, b: boolean): MerkleHash[] => {
    if (from === 0 && to === n) return b ? [] : [mth(at, at + n)];
    const k = below(n);
    if (to <= k) return [...sub(from, to, at, k, b), mth(at + k, at + n)];
    if (from >= k) return [...sub(from - k, to - k, at + k, n - k, b), mth(at, at + k)];
    return [...sub(0, to - k, at + k, n - k, false), mth(at, at + k)];
  };
  return { hash: mth(start, end), proof: sub(start, end, 0, tree.size, true), root: tree.root() };
}

describe('subtrees (draft-ietf-plants-merkle-tree-certs-03)', () => {
  for (const [start, end, is] of [
    [0, 1, true],
    [0, 5, true],
    [4, 5, true],
    [4, 8, true],
    [8, 13, true],
    [7, 8, true],
    [1, 3, false],
    [2, 5, false],
    [4, 9, false],
    [3, 3, false],
    [5, 4, false],
  ] as const)
    test(`${start} to ${end} is${is ? '' : ' not'} one`, () =>
      assert.equal(isSubtree(BigInt(start), BigInt(end)), is));

  test('every proof of every subtree of trees up to 40 verifies, and none with a change in it', () => {
    let proofs = 0;
    for (let size = 1; size <= 40; size++) {
      const tree = treeOf(size);
      for (let start = 0; start < size; start++)
        for (let end = start + 1; end <= size; end++) {
          const range = [BigInt(start), BigInt(end)] as const;
          if (!isSubtree(...range)) continue;
          const { hash, proof, root } = proofOf(tree, start, end);
          const is = (h: MerkleHash, r: MerkleHash, p: readonly MerkleHash[]): boolean =>
            isSubtreeConsistent(range, h, { treeSize: BigInt(size), rootHash: r }, p);
          const about = `${start} to ${end} in ${size}`;
          assert(is(hash, root, proof), about);
          const known = (from: bigint, to: bigint): MerkleHash | undefined =>
            to - from === 1n ? tree.leafHash(Number(from)) : undefined;
          const ranges = subtreeRanges(...range, BigInt(size));
          assert.deepEqual(
            ranges.map((each) => hashOfRange(known, each)),
            proof,
            about,
          );
          const other = toMerkleHash(new Uint8Array(32).fill(7));
          assert(!is(other, root, proof) && !is(hash, other, proof), about);
          assert(!is(hash, root, [...proof, other]), about);
          for (let i = 0; i < proof.length; i++) {
            assert(!is(hash, root, proof.toSpliced(i, 1)), about);
            assert(!is(hash, root, proof.toSpliced(i, 1, other)), about);
          }
          proofs += 1;
        }
    }
    assert(proofs > 1000);
  });
});
