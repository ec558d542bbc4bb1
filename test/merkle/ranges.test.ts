// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  consistencyRanges,
  hashesOfRanges,
  inclusionRanges,
  perfectRanges,
  rootOf,
  type KnownRange,
} from '../../src/merkle/ranges.ts';
import { fc, SEED } from '../support/random.ts';
import { treeOf } from '../support/signing-log.ts';

const SIZE = 130;
const tree = treeOf(SIZE);
const leavesAlone: KnownRange = (start, end) =>
  end - start === 1n && end <= SIZE ? tree.leafHash(Number(start)) : undefined;

test('the roots and proofs of every small tree follow from its leaves', () => {
  for (let size = 0; size <= SIZE; size++) {
    assert.deepEqual(rootOf(leavesAlone, BigInt(size)), tree.root(size));
    for (let first = 1; first < size; first++)
      assert.deepEqual(
        hashesOfRanges(leavesAlone, consistencyRanges(BigInt(first), BigInt(size))),
        tree.consistencyProof(first, size),
      );
    for (let index = 0; index < size; index++)
      assert.deepEqual(
        hashesOfRanges(leavesAlone, inclusionRanges(BigInt(index), BigInt(size))),
        tree.inclusionProof(index, size),
      );
  }
});

test('perfect subtrees tile a tree, and its root follows from them alone', () => {
  for (let size = 1; size <= SIZE; size++) {
    const ranges = perfectRanges(BigInt(size));
    assert.equal(ranges.at(-1)?.[1], BigInt(size));
    ranges.forEach(([start, end], i) => {
      assert.equal(start, i === 0 ? 0n : ranges[i - 1]?.[1]);
      assert.equal((end - start) & (end - start - 1n), 0n);
      assert.equal(start % (end - start), 0n);
    });
    const hashes = hashesOfRanges(leavesAlone, ranges) ?? [];
    const given = new Map(ranges.map(([start, end], i) => [`${start} ${end}`, hashes[i]]));
    const subtreesAlone: KnownRange = (start, end) => given.get(`${start} ${end}`);
    assert.deepEqual(rootOf(subtreesAlone, BigInt(size)), tree.root(size));
  }
});

test('a root is there exactly if every leaf of its tree is covered', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: SIZE }),
      fc.integer({ min: 0, max: SIZE }),
      (size, missing) => {
        const known: KnownRange = (start, end) =>
          start === BigInt(missing) ? undefined : leavesAlone(start, end);
        const root = rootOf(known, BigInt(size));
        assert.deepEqual(root, missing < size ? undefined : tree.root(size));
      },
    ),
    { seed: SEED },
  );
});

test('there are no proofs of sizes that are out of order', () => {
  for (const [first, second] of [
    [0n, 1n],
    [1n, 1n],
    [2n, 1n],
    [-1n, 4n],
  ] as const)
    assert.throws(() => consistencyRanges(first, second), RangeError);
  for (const [index, size] of [
    [0n, 0n],
    [4n, 4n],
    [-1n, 4n],
  ] as const)
    assert.throws(() => inclusionRanges(index, size), RangeError);
});
