// SPDX-License-Identifier: Apache-2.0
/**
 * Folding consistency and inclusion proofs of one log's tree.
 *
 * RFC 6962, Section 2.1 defines the proofs but leaves checking them to the reader; the walks below
 * are RFC 9162, Sections 2.1.3.2 and 2.1.4.2, over the same tree. They return the roots that a
 * proof leads to instead of a yes or no, because which side differs decides between evidence and a
 * bad answer (see evidence/judge.ts). Pure: no I/O, no clock, no knowledge of who signed the tree
 * heads.
 *
 * The sizes alone say how many hashes a proof has, so its length is known before it is asked for.
 * That does not bind the sizes: the proof of (m, n) may well fold for (m, n + 1). Only a signature
 * ties a size to a root.
 */
import { hashChildren, type MerkleHash } from './hash.ts';

/**
 * Larger proofs cannot exist: two nodes a level in a tree of less than 2^64 leaves, and the seed.
 */
export const MAX_PROOF_LENGTH = 129;

/** The proof has too few or too many hashes for its sizes, so it says nothing. */
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
 * How many hashes PROOF(first, D[second]) has (RFC 6962, Section 2.1.2; RFC 9162, Section 2.1.4.1).
 * Throws RangeError unless 0 < first < second: equal sizes need no proof and size 0 has none.
 */
export function consistencyProofLength(first: bigint, second: bigint): number {
  if (first <= 0n || first >= second)
    throw new RangeError(`no proof exists from size ${first} to ${second}`);
  // The proof starts at the largest perfect subtree on the right edge of the first tree: the levels
  // below it need no hashes, and the subtree needs one unless it is the first tree itself.
  let perfect = 0;
  while (((first >> BigInt(perfect)) & 1n) === 0n) perfect += 1;
  const seed = isPowerOfTwo(first) ? 0 : 1;
  return seed + inclusionProofLength(first - 1n, second) - perfect;
}

/**
 * How many hashes PATH(leafIndex, D[treeSize]) has (RFC 6962, Section 2.1.1). Throws RangeError
 * unless 0 <= leafIndex < treeSize.
 */
export function inclusionProofLength(leafIndex: bigint, treeSize: bigint): number {
  if (leafIndex < 0n || leafIndex >= treeSize)
    throw new RangeError(`leaf ${leafIndex} is not in a tree of size ${treeSize}`);
  // Up to where the paths of this leaf and of the last one meet, each level has a neighbour. Above,
  // the path is the tree's right edge, which has a neighbour for each one bit of the index.
  const inner = bitLength(leafIndex ^ (treeSize - 1n));
  return inner + oneBits(leafIndex >> BigInt(inner));
}

/**
 * The two roots that a consistency proof leads to. Throws RangeError unless 0 < first < second.
 *
 * Where `first` is a power of two the log leaves that root out of the proof, because it is a node
 * of the larger tree, and the fold starts from `firstRoot`: the result's firstRoot is then the
 * caller's own.
 */
export function foldConsistency(
  first: bigint,
  second: bigint,
  firstRoot: MerkleHash,
  proof: readonly MerkleHash[],
): FoldedConsistency | MalformedProof {
  const want = consistencyProofLength(first, second);
  const [seed, ...path] = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  if (seed === undefined || proof.length !== want) return wrongLength(proof.length, want);

  let fn = first - 1n;
  let sn = second - 1n;
  while ((fn & 1n) === 1n) {
    fn >>= 1n;
    sn >>= 1n;
  }
  let firstHash = seed;
  let secondHash = seed;
  for (const node of path) {
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
  return { kind: 'folded', firstRoot: firstHash, secondRoot: secondHash };
}

/** The root that an audit path leads to. Throws RangeError unless 0 <= leafIndex < treeSize. */
export function foldInclusion(
  leafIndex: bigint,
  treeSize: bigint,
  leafHash: MerkleHash,
  path: readonly MerkleHash[],
): FoldedInclusion | MalformedProof {
  const want = inclusionProofLength(leafIndex, treeSize);
  if (path.length !== want) return wrongLength(path.length, want);
  let fn = leafIndex;
  let sn = treeSize - 1n;
  let hash = leafHash;
  for (const node of path) {
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
  return { kind: 'folded', root: hash };
}

function wrongLength(length: number, want: number): MalformedProof {
  return { kind: 'malformed', reason: `${length} hashes, want ${want}` };
}

function bitLength(n: bigint): number {
  return n === 0n ? 0 : n.toString(2).length;
}

function oneBits(n: bigint): number {
  return n.toString(2).replaceAll('0', '').length;
}
