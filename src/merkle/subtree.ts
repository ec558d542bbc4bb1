// SPDX-License-Identifier: Apache-2.0
/**
 * Subtrees of a log's tree, and the proof that one is consistent with the tree:
 * draft-ietf-plants-merkle-tree-certs-03, Sections 4.1 and 4.4. Pure.
 */
import { equalHash, hashChildren, type MerkleHash } from './hash.ts';
import { splitOf, type Range } from './ranges.ts';

/**
 * Whether the leaves start .. end - 1 are a subtree: 0 <= start < end, and start is a multiple of the
 * smallest power of two that is not below end - start (Section 4.1).
 */
export function isSubtree(start: bigint, end: bigint): boolean {
  if (start < 0n || start >= end) return false;
  const leaves = end - start;
  const ceiling = leaves === 1n ? 1n : 2n * splitOf(leaves);
  return start % ceiling === 0n;
}

/**
 * The nodes of SUBTREE_PROOF(start, end, D[size]), Section 4.4.1, in its order. Throws RangeError
 * unless start .. end is a subtree and end <= size.
 */
export function subtreeRanges(start: bigint, end: bigint, size: bigint): Range[] {
  if (!isSubtree(start, end) || end > size)
    throw new RangeError(`no subtree from ${start} to ${end} in ${size}`);
  const ranges: Range[] = [];
  let [from, to, known] = [0n, size, true];
  // Walks down to the subtree's right edge; nodes come out from the top, the proof has them from
  // below.
  while (!(start <= from && to === end)) {
    const middle = from + splitOf(to - from);
    if (end <= middle) {
      ranges.push([middle, to]);
      to = middle;
    } else {
      ranges.push([from, middle]);
      // Otherwise the subtree begins where this part does, and goes on behind the middle.
      if (start < middle) known = false;
      from = middle;
    }
  }
  if (!known) ranges.push([from, to]);
  return ranges.reverse();
}

/**
 * Whether the proof shows that the subtree with this hash is part of the tree with this root: Section
 * 4.4.3. Requires that start .. end is a subtree and end <= size.
 */
export function isSubtreeConsistent(
  [start, end]: Range,
  hash: MerkleHash,
  { treeSize, rootHash }: { readonly treeSize: bigint; readonly rootHash: MerkleHash },
  proof: readonly MerkleHash[],
): boolean {
  let [fn, sn, tn] = [start, end - 1n, treeSize - 1n];
  const ascend = (): void => {
    fn >>= 1n;
    sn >>= 1n;
    tn >>= 1n;
  };
  const isLast = sn === tn;
  while (fn !== sn && (isLast || (sn & 1n) === 1n)) ascend();
  const [seed, ...path] = fn === sn ? [hash, ...proof] : proof;
  if (seed === undefined) return false;
  let [subtree, root] = [seed, seed];
  for (const node of path) {
    if (tn === 0n) return false;
    if ((sn & 1n) === 1n || sn === tn) {
      if (fn < sn) subtree = hashChildren(node, subtree);
      root = hashChildren(node, root);
      while ((sn & 1n) === 0n) ascend();
    } else {
      root = hashChildren(root, node);
    }
    ascend();
  }
  return tn === 0n && equalHash(subtree, hash) && equalHash(root, rootHash);
}
