// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a log has what it promised: by the hashes that are here, and else by asking it. What a log
 * cannot show accuses it of nothing; only a signed tree with another leaf in the promised place does.
 */
import { LogError, type Asker } from '../ask/asker.ts';
import {
  judgePromise,
  promisedLeafOf,
  type LeafInTree,
  type Promised,
  type PromisedLeaf,
} from '../evidence/promise.ts';
import type { LogHashes } from '../follow/log-hashes.ts';
import type { Log } from '../logs/log.ts';
import { equalHash, toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { foldInclusion } from '../merkle/proof.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** A leaf that is to be shown. */
export interface PromiseToKeep {
  readonly leaf: MerkleHash;
  readonly promise: Promised;
}

export interface PromiseBroken {
  readonly kind: 'broken';
  readonly head: VerifiedStatement;
  readonly proof: LeafInTree;
  readonly promised: PromisedLeaf;
}

/** What one look showed; a reason is a clause. */
export type Look =
  | { readonly kind: 'proven' }
  | PromiseBroken
  /** The log answered, and that shows nothing. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nobody answered, or with a tree head that is too old to have it. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** Nobody can be asked for now, and that is no fault of the log's. */
  | { readonly kind: 'early'; readonly reason: string };

/**
 * By the hashes of the log's window, without a question. `index` is where the leaf was found in it,
 * for a log whose SCTs do not say. Undefined where it is not here.
 */
export function lookHere(
  log: Log,
  { leaf, promise }: PromiseToKeep,
  hashes: LogHashes,
  index: bigint | undefined,
): Look | undefined {
  if (log.api === 'static-ct') {
    const promised = promisedLeafOf(promise);
    const found = typeof promised === 'string' ? undefined : hashes.leaf(promised.leafIndex);
    if (found === undefined) return undefined;
    const look = judged(promise, found.head, found);
    // A disk may have changed a hash: then the log is asked.
    return look.kind === 'refused' ? undefined : look;
  }
  const found = index === undefined ? undefined : hashes.leaf(index);
  if (found === undefined || index === undefined || !equalHash(found.leafHash, leaf))
    return undefined;
  const folded = foldInclusion(index, found.head.treeSize, leaf, found.hashes);
  return folded.kind === 'folded' && equalHash(folded.root, found.head.rootHash)
    ? { kind: 'proven' }
    : undefined;
}

/**
 * By one question to the log, about the tree of `head`, which the log shows to everybody. Rejects with
 * ProxyError alone.
 */
export async function lookThere(
  log: Log,
  sct: PromiseToKeep,
  head: VerifiedStatement | undefined,
  ask: <T>(errand: (asker: Asker) => Promise<T>) => Promise<T>,
): Promise<Look> {
  if (head === undefined) return { kind: 'silent', reason: 'the log has shown no tree head' };
  try {
    return log.api === 'static-ct'
      ? await lookAtPlace(sct, head, ask)
      : await lookByHash(sct, head, log, ask);
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    const { code, message } = error;
    return { kind: code === 'log-refused' ? 'refused' : 'silent', reason: message };
  }
}

async function lookByHash(
  { leaf, promise }: PromiseToKeep,
  head: VerifiedStatement,
  { mmd }: Log,
  ask: <T>(errand: (asker: Asker) => Promise<T>) => Promise<T>,
): Promise<Look> {
  const { treeSize, timestamp } = head;
  if (timestamp < promise.timestamp + BigInt(mmd) * 1000n)
    return {
      kind: 'silent',
      reason: 'the log has shown no tree that it signed after its maximum merge delay',
    };
  if (treeSize === 0n) return { kind: 'refused', reason: 'the tree has no entry' };
  const { leafIndex, path } = await ask((asker) => asker.leafProof(leaf, treeSize));
  const folded = foldInclusion(leafIndex, treeSize, leaf, path);
  if (folded.kind === 'folded' && equalHash(folded.root, head.rootHash)) return { kind: 'proven' };
  return {
    kind: 'refused',
    reason:
      folded.kind === 'malformed'
        ? `the proof for size ${treeSize} has ${folded.reason}`
        : `the proof for size ${treeSize} leads to another root than the one signed`,
  };
}

async function lookAtPlace(
  { promise }: PromiseToKeep,
  head: VerifiedStatement,
  ask: <T>(errand: (asker: Asker) => Promise<T>) => Promise<T>,
): Promise<Look> {
  const promised = promisedLeafOf(promise);
  if (typeof promised === 'string') return { kind: 'refused', reason: promised };
  const { leafIndex } = promised;
  const { treeSize } = head;
  if (leafIndex >= treeSize)
    return {
      kind: head.timestamp < promise.timestamp ? 'silent' : 'refused',
      reason: `the promised place is ${leafIndex}, and the tree has ${treeSize} entries`,
    };
  const [leaves, hashes] = await ask(async (asker) => [
    await asker.leafHashes(leafIndex, leafIndex + 1n, treeSize),
    await asker.inclusionProof({ leafHash: undefined, leafIndex }, treeSize),
  ]);
  return judged(promise, head, { leafHash: toMerkleHash(leaves), hashes });
}

function judged(promise: Promised, head: VerifiedStatement, proof: LeafInTree): Look {
  const judgement = judgePromise(promise, head, proof);
  switch (judgement.verdict) {
    case 'kept':
      return { kind: 'proven' };
    case 'promise-broken':
      return {
        kind: 'broken',
        head,
        proof: { leafHash: proof.leafHash, hashes: proof.hashes },
        promised: judgement.promised,
      };
    case 'nothing-shown':
      return { kind: 'refused', reason: judgement.reason };
  }
}
