// SPDX-License-Identifier: Apache-2.0
/**
 * What an SCT, a signed tree head and an audit path show: that the log keeps its promise, that it
 * has broken it, or nothing.
 *
 * A static-ct log writes into its SCT at which index of its tree the promised leaf is, and signs
 * that. So a larger tree that it signed has either this leaf at this index, or another one, and then
 * the log signed two things that cannot both be so: whoever disputes it must show a SHA-256
 * collision. No time has to pass for that. A tree that is not larger than the index shows nothing, and
 * neither does an audit path that does not lead to the signed root. Pure.
 */
import { FormatError } from '../base/cursor.ts';
import { equalHash, type MerkleHash } from '../merkle/hash.ts';
import { foldInclusion } from '../merkle/proof.ts';
import { leafHashOf, leafIndexOf, type LogEntry, type Sct } from '../scts/sct.ts';
import type { TreeRoot } from '../statements/statement.ts';

/** A log's promise that an entry is in its tree: what its signature covers, and the signature. */
export interface Promised extends Pick<Sct, 'timestamp' | 'extensions' | 'signature'> {
  readonly entry: LogEntry;
}

/** The leaf that a tree has where another was promised, and its audit path. */
export interface LeafInTree {
  readonly leafHash: MerkleHash;
  readonly hashes: readonly MerkleHash[];
}

/** Where the promised leaf was to be, and its hash. */
export interface PromisedLeaf {
  readonly leafIndex: bigint;
  readonly leafHash: MerkleHash;
}

export type PromiseJudgement =
  | { readonly verdict: 'kept' }
  | { readonly verdict: 'promise-broken'; readonly promised: PromisedLeaf }
  /** This shows nothing about the promise. */
  | { readonly verdict: 'nothing-shown'; readonly reason: string };

/** Where the promised leaf is to be; a reason why that is not known. */
export function promisedLeafOf({
  timestamp,
  extensions,
  entry,
}: Omit<Promised, 'signature'>): PromisedLeaf | string {
  try {
    const leafIndex = leafIndexOf(extensions);
    if (leafIndex === undefined) return 'the SCT has no leaf index';
    return { leafIndex, leafHash: leafHashOf({ timestamp, extensions }, entry) };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return `the extensions of the SCT are malformed: ${error.message}`;
  }
}

/** Judges the leaf that is in a tree in the promised place. That the log signed both is not checked. */
export function judgePromise(
  sct: Omit<Promised, 'signature'>,
  { treeSize, rootHash }: TreeRoot,
  { leafHash, hashes }: LeafInTree,
): PromiseJudgement {
  const nothing = (reason: string): PromiseJudgement => ({ verdict: 'nothing-shown', reason });
  const promised = promisedLeafOf(sct);
  if (typeof promised === 'string') return nothing(promised);
  if (promised.leafIndex >= treeSize)
    return nothing(`a tree of size ${treeSize} has no leaf ${promised.leafIndex}`);
  const folded = foldInclusion(promised.leafIndex, treeSize, leafHash, hashes);
  if (folded.kind === 'malformed') return nothing(`the audit path has ${folded.reason}`);
  if (!equalHash(folded.root, rootHash))
    return nothing(`the audit path leads to another root for size ${treeSize} than the one signed`);
  return equalHash(leafHash, promised.leafHash)
    ? { verdict: 'kept' }
    : { verdict: 'promise-broken', promised };
}
