// SPDX-License-Identifier: Apache-2.0
/**
 * What two signed tree heads and a log's proof show: consistency, a fork that anyone can check, or
 * nothing.
 *
 * A fork is proven only by signatures and arithmetic. Two heads of one size with different roots
 * need no proof. For sizes m < n the log's own proof convicts it when the proof leads to root_n,
 * which is signed, and shows another root for size m than the one that is also signed: whoever
 * disputes it must show a SHA-256 collision. A proof that does not lead to root_n says nothing
 * about the log's history, only that the answer was bad.
 *
 * The empty tree accuses nobody. Its size fixes no entry, so no two histories differ in it, and
 * real logs have signed a wrong root for it by mistake: such a head is malformed, and that is all.
 *
 * When m is a power of two the proof of RFC 6962 leaves root_m out, so a mismatch cannot be told
 * from a bad answer. Two other proofs hold MTH(D[0:m]) itself as a node: the consistency proof from
 * m + 1, and the audit path of leaf m where that leaf has a hash that the refused proof already
 * named (m = 1 or n = m + 1, where the proof from m + 1 is seeded as well, or does not exist).
 */
import { EMPTY_ROOT, equalHash, type MerkleHash } from '../merkle/hash.ts';
import { foldConsistency, foldInclusion, isPowerOfTwo } from '../merkle/proof.ts';
import { isMalformed, MALFORMED, type TreeRoot } from '../statements/statement.ts';

/** The log's hashes, tagged with the question that they answered. */
export type Proof =
  /** No proof is needed: the heads are of one size. */
  | { readonly kind: 'none' }
  /** The consistency proof from first.treeSize. */
  | { readonly kind: 'consistency'; readonly hashes: readonly MerkleHash[] }
  | DecidingProof;

/** The answer to the question that a judgement named as the next. */
export type DecidingProof =
  /** The consistency proof from first.treeSize + 1. */
  | { readonly kind: 'successor-consistency'; readonly hashes: readonly MerkleHash[] }
  /** The audit path of the leaf at index first.treeSize. */
  | {
      readonly kind: 'inclusion';
      readonly leafHash: MerkleHash;
      readonly hashes: readonly MerkleHash[];
    };

/**
 * The roots for both sizes as the log's proof has them: the second is the signed one, the first is
 * not.
 */
export interface Derivation {
  readonly firstRoot: MerkleHash;
  readonly secondRoot: MerkleHash;
}

/** What makes a fork evidence. */
export interface Finding {
  readonly proof: Proof;
  readonly derivation: Derivation;
}

/** What two heads and a proof show in the end. */
export type Conclusion =
  | { readonly verdict: 'consistent' }
  | ({ readonly verdict: 'fork-proven' } & Finding)
  /** One of the heads is malformed, so it can be held against nothing. */
  | { readonly verdict: 'malformed-head'; readonly reason: string }
  /** The answer shows nothing about the log's history. */
  | { readonly verdict: 'bad-proof'; readonly reason: string };

export type Judgement =
  | Conclusion
  /** first.treeSize is a power of two: only the answer to the question in `next` decides. */
  | { readonly verdict: 'undecided'; readonly next: NextQuestion };

export type NextQuestion =
  | { readonly kind: 'successor-consistency'; readonly first: bigint }
  | { readonly kind: 'inclusion'; readonly leafHash: MerkleHash };

/**
 * Judges heads that need no proof, being of one size, or the first of size 0. Returns undefined
 * where a proof is needed. Throws RangeError unless first.treeSize <= second.treeSize.
 */
export function judgeWithoutProof(first: TreeRoot, second: TreeRoot): Conclusion | undefined {
  if (first.treeSize > second.treeSize) throw new RangeError('heads are not in order of size');
  if (isMalformed(first) || isMalformed(second))
    return { verdict: 'malformed-head', reason: MALFORMED };
  if (first.treeSize === second.treeSize) {
    return equalHash(first.rootHash, second.rootHash)
      ? { verdict: 'consistent' }
      : {
          verdict: 'fork-proven',
          proof: { kind: 'none' },
          derivation: { firstRoot: second.rootHash, secondRoot: second.rootHash },
        };
  }
  // Every tree extends the empty one.
  return first.treeSize === 0n ? { verdict: 'consistent' } : undefined;
}

/**
 * Judges the log's answer. Throws RangeError unless 0 < first.treeSize < second.treeSize. Only a
 * 'consistency' proof can leave it undecided.
 */
export function judgeProof(first: TreeRoot, second: TreeRoot, proof: DecidingProof): Conclusion;
export function judgeProof(first: TreeRoot, second: TreeRoot, proof: Proof): Judgement;
export function judgeProof(first: TreeRoot, second: TreeRoot, proof: Proof): Judgement {
  const derived = derive(first, second, proof);
  if (derived.kind === 'malformed') return { verdict: 'bad-proof', reason: derived.reason };
  const reachesSecond = equalHash(derived.secondRoot, second.rootHash);
  const reachesFirst = equalHash(derived.firstRoot, first.rootHash);
  const seeded = proof.kind === 'consistency' && isPowerOfTwo(first.treeSize);
  if (reachesSecond) {
    if (reachesFirst) return { verdict: 'consistent' };
    return {
      verdict: 'fork-proven',
      proof,
      derivation: { firstRoot: derived.firstRoot, secondRoot: derived.secondRoot },
    };
  }
  if (seeded) return { verdict: 'undecided', next: nextQuestion(first, second, proof.hashes) };
  return {
    verdict: 'bad-proof',
    reason: `the proof leads to another root for size ${second.treeSize} than the one signed`,
  };
}

function derive(
  first: TreeRoot,
  second: TreeRoot,
  proof: Proof,
): (Derivation & { kind: 'folded' }) | { kind: 'malformed'; reason: string } {
  const { treeSize: m, rootHash } = first;
  const n = second.treeSize;
  switch (proof.kind) {
    case 'none':
      return { kind: 'malformed', reason: `heads of sizes ${m} and ${n} need a proof` };
    case 'consistency':
      return foldConsistency(m, n, rootHash, proof.hashes);
    case 'successor-consistency':
      return deriveFromSuccessor(m, n, proof.hashes);
    case 'inclusion':
      return deriveFromInclusion(m, n, proof.leafHash, proof.hashes);
  }
}

/**
 * For m = 2^k, k > 0, the proof of (m + 1, n) is [leaf m, its right-hand neighbours below level k,
 * MTH(D[0:m]), ...]. The walk starts at leaf m, on the far left of its subtree, so k nodes lie to
 * its right before the first one on the left; fewer where the tree ends sooner. That first node on
 * the left is MTH(D[0:m]): this folds the proof and finds it.
 */
function deriveFromSuccessor(
  m: bigint,
  n: bigint,
  hashes: readonly MerkleHash[],
): ReturnType<typeof derive> {
  if (!isPowerOfTwo(m) || m < 2n || n < m + 2n)
    return { kind: 'malformed', reason: 'no such proof for these sizes' };
  const folded = foldConsistency(m + 1n, n, EMPTY_ROOT, hashes);
  if (folded.kind === 'malformed') return folded;
  // fn = m = 2^k: bits 0 .. k-1 are clear, so the node on the left comes at level k, or sooner
  // where fn meets sn.
  let [fn, sn] = [m, n - 1n];
  for (const node of hashes.slice(1)) {
    if ((fn & 1n) === 1n || fn === sn)
      return { kind: 'folded', firstRoot: node, secondRoot: folded.secondRoot };
    fn >>= 1n;
    sn >>= 1n;
  }
  return { kind: 'malformed', reason: 'the proof has no node for the smaller tree' };
}

/**
 * The first node of the audit path of leaf m is MTH(D[0:m]) when m = 1, or when n = m + 1 and m is
 * a power of two.
 */
function deriveFromInclusion(
  m: bigint,
  n: bigint,
  leafHash: MerkleHash,
  path: readonly MerkleHash[],
): ReturnType<typeof derive> {
  if (m !== 1n && !(isPowerOfTwo(m) && n === m + 1n))
    return { kind: 'malformed', reason: 'no such proof for these sizes' };
  const folded = foldInclusion(m, n, leafHash, path);
  if (folded.kind === 'malformed') return folded;
  const [firstRoot] = path;
  if (firstRoot === undefined) return { kind: 'malformed', reason: 'the path is empty' };
  return { kind: 'folded', firstRoot, secondRoot: folded.root };
}

function nextQuestion(
  first: TreeRoot,
  second: TreeRoot,
  refused: readonly MerkleHash[],
): NextQuestion {
  const [leafHash] = refused;
  const byInclusion = first.treeSize === 1n || second.treeSize === first.treeSize + 1n;
  if (byInclusion && leafHash !== undefined) return { kind: 'inclusion', leafHash };
  return { kind: 'successor-consistency', first: first.treeSize + 1n };
}
