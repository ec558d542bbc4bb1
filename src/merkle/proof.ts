/**
 * Folding consistency and inclusion proofs of one log's tree.
 *
 * RFC 6962, Section 2.1 defines the proofs but leaves checking them to the reader; the walks below
 * are RFC 9162, Sections 2.1.3.2 and 2.1.4.2, over the same tree. They return the roots that a
 * proof leads to instead of a yes or no, because which side differs decides between evidence and a
 * bad answer (see evidence/judge.ts). Pure: no I/O, no clock, no knowledge of who signed the tree
 * heads.
 *
 * A proof does not bind the tree size by itself: the proof of (m, n) may well fold for (m, n + 1).
 * Only a signature ties a size to a root.
 */
import { hashChildren, type MerkleHash } from './hash.ts';

/**
 * Larger proofs cannot exist: two nodes a level in a tree of less than 2^64 leaves, and the seed.
 */
export const MAX_PROOF_LENGTH = 129;

/** The proof has too few or too many hashes for the sizes it is for, so it says nothing. */
export interface MalformedProof {
  readonly kind: 'malformed';
  readonly reason: string;
}

export interface FoldedConsistency {
  readonly kind: 'folded';
  /** MTH(D[0:first]) as the proof has it. */
  readonly firstRoot: MerkleHash;
  /** MTH(D[0:second]) as the proof has it. */
  readonly secondRoot: MerkleHash;
}

export interface FoldedInclusion {
  readonly kind: 'folded';
  readonly root: MerkleHash;
}

export function isPowerOfTwo(n: bigint): boolean {
  return n > 0n && (n & (n - 1n)) === 0n;
}

/**
 * Requires 0 < first < second; equal sizes need no proof and size 0 has none.
 *
 * When `first` is a power of two the log leaves that root out of the proof, being a node of the
 * larger tree, and the fold starts from `firstRoot`: the result's firstRoot is then the caller's
 * own.
 */
export function foldConsistency(
  first: bigint,
  second: bigint,
  firstRoot: MerkleHash,
  proof: readonly MerkleHash[],
): FoldedConsistency | MalformedProof {
  if (first <= 0n || first >= second)
    throw new RangeError(`no proof exists from size ${first} to ${second}`);
  const nodes = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  const [seed, ...path] = nodes;
  if (seed === undefined) return { kind: 'malformed', reason: 'the proof is empty' };

  let fn = first - 1n;
  let sn = second - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let firstHash = seed;
  let secondHash = seed;
  for (const node of path) {
    if (sn === 0n)
      return { kind: 'malformed', reason: 'the proof is longer than the trees are high' };
    if ((fn & 1n) === 1n || fn === sn) {
      firstHash = hashChildren(node, firstHash);
      secondHash = hashChildren(node, secondHash);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      secondHash = hashChildren(secondHash, node);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) return { kind: 'malformed', reason: 'the proof ends before the root' };
  return { kind: 'folded', firstRoot: firstHash, secondRoot: secondHash };
}

/** The root that an audit path leads to. Requires 0 <= leafIndex < treeSize. */
export function foldInclusion(
  leafIndex: bigint,
  treeSize: bigint,
  leafHash: MerkleHash,
  path: readonly MerkleHash[],
): FoldedInclusion | MalformedProof {
  if (leafIndex < 0n || leafIndex >= treeSize) {
    throw new RangeError(`leaf ${leafIndex} is not in a tree of size ${treeSize}`);
  }
  let fn = leafIndex;
  let sn = treeSize - 1n;
  let hash = leafHash;
  for (const node of path) {
    if (sn === 0n) return { kind: 'malformed', reason: 'the path is longer than the tree is high' };
    if ((fn & 1n) === 1n || fn === sn) {
      hash = hashChildren(node, hash);
      while ((fn & 1n) === 0n && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = hashChildren(hash, node);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  if (sn !== 0n) return { kind: 'malformed', reason: 'the path ends before the root' };
  return { kind: 'folded', root: hash };
}
