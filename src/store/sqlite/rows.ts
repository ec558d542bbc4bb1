// SPDX-License-Identifier: Apache-2.0
/** Rows of trees and signed heads, and 64-bit numbers as the columns hold them. */
import { toMerkleHash } from '../../merkle/hash.ts';
import { parseUint64 } from '../../base/u64.ts';
import { toLogId, type TreeRoot } from '../../statements/statement.ts';
import type { LogId } from '../../statements/statement.ts';
import type { StoredHead, StoredTree } from '../heads.ts';
import { VERDICTS, type Verdict } from '../verdicts.ts';

/** Named parameters that identify a tree. */
export interface TreeKey {
  readonly logId: Uint8Array;
  readonly treeSize: string;
  readonly rootHash: Uint8Array;
}

export interface TreeRow {
  readonly id: number;
  readonly log_id: Buffer;
  readonly tree_size: string;
  readonly root_hash: Buffer;
  readonly first_seen: number;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly proven_against: number | null;
  readonly attempts: number;
  readonly asked_at: number | null;
  readonly ask_after: number | null;
}

export interface SignedRow {
  readonly head_id: number;
  readonly log_id: Buffer;
  readonly tree_size: string;
  readonly root_hash: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
}

export function treeKey({ logId, treeSize, rootHash }: TreeRoot & { logId: LogId }): TreeKey {
  return { logId, treeSize: padded(treeSize), rootHash };
}

/** What is no log ID is part of a damaged row, which is set aside where it is read whole. */
export function isLogId(bytes: Uint8Array): boolean {
  return bytes.length === 32;
}

/** See schema.ts: as text that sorts as the numbers do. */
export function padded(value: bigint): string {
  return value.toString().padStart(20, '0');
}

/** The other way round. Throws RangeError for what `padded` does not write. */
export function unpadded(text: string): bigint {
  const value = parseUint64(text.replace(/^0+(?=[0-9])/, ''));
  if (value === undefined || text.length !== 20) throw new RangeError('a number is none');
  return value;
}

/** Throws RangeError where the row is not what was written. */
export function toTree(row: TreeRow): StoredTree {
  if (!VERDICTS.includes(row.verdict)) throw new RangeError('a verdict is none');
  return {
    id: row.id,
    logId: toLogId(row.log_id),
    treeSize: unpadded(row.tree_size),
    rootHash: toMerkleHash(row.root_hash),
    firstSeen: row.first_seen,
    verdict: row.verdict,
    reason: row.reason ?? undefined,
    provenAgainst: row.proven_against ?? undefined,
    attempts: row.attempts,
    askedAt: row.asked_at ?? undefined,
    askAfter: row.ask_after ?? undefined,
  };
}

/** Throws RangeError where the row is not what was written. */
export function toHead(row: SignedRow): StoredHead {
  return {
    id: row.head_id,
    logId: toLogId(row.log_id),
    treeSize: unpadded(row.tree_size),
    rootHash: toMerkleHash(row.root_hash),
    timestamp: unpadded(row.timestamp),
    signature: new Uint8Array(row.signature),
  };
}
