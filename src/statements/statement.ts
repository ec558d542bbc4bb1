// SPDX-License-Identifier: Apache-2.0
/**
 * Signed tree heads: RFC 6962, Sections 3.5 and 4.3.
 *
 * Two types keep apart what was only parsed and what a log really signed: `Statement` and
 * `VerifiedStatement`. Only `verifyStatement` (verify.ts) makes the second, and the store, the
 * challenger and evidence take nothing else.
 */
import { EMPTY_ROOT, equalHash, type MerkleHash } from '../merkle/hash.ts';

/**
 * SHA-256 of the log's public key (RFC 6962, Section 3.2). `toLogId` is the one way to obtain one.
 */
export type LogId = Uint8Array & { readonly __brand: 'LogId' };

/** Throws RangeError unless there are exactly 32 bytes. */
export function toLogId(bytes: Uint8Array): LogId {
  if (bytes.length !== 32) throw new RangeError(`log ID is ${bytes.length} bytes, want 32`);
  return Uint8Array.from(bytes) as LogId;
}

/** A tree: what consistency is about. */
export interface TreeRoot {
  /** Entries in the tree, 0 .. 2^64 - 1. */
  readonly treeSize: bigint;
  readonly rootHash: MerkleHash;
}

/**
 * Whether the tree cannot be: its size is 0, and its root is not SHA-256 of nothing (RFC 6962,
 * Section 2.1). Logs have signed 32 zero bytes for their empty trees by mistake. The size fixes no
 * entry, so whatever root is signed for it contradicts nothing that the log ever says.
 */
export function isMalformed({ treeSize, rootHash }: TreeRoot): boolean {
  return treeSize === 0n && !equalHash(rootHash, EMPTY_ROOT);
}

/** What is wrong with a malformed tree. */
export const MALFORMED = 'the root for size 0 is not that of the empty tree';

export interface TreeHead extends TreeRoot {
  /** Milliseconds since the epoch, 0 .. 2^64 - 1. */
  readonly timestamp: bigint;
}

/** A tree head that claims to be signed: nothing has been checked but its form. */
export interface Statement extends TreeHead {
  /**
   * Of a CT log the TLS DigitallySigned structure (RFC 5246, Section 4.7): hash, algorithm, length,
   * signature. Of any other log what `checkpointStatement` says.
   */
  readonly signature: Uint8Array;
  /**
   * Lines of other signers (witnesses), each with its newline, of a checkpoint that was asked of its
   * log. Nobody has checked them: see `cosignaturesOf`.
   */
  readonly others?: readonly string[];
  /** The text that `others` are below, as it was given. */
  readonly text?: string;
}

/**
 * A tree head whose signature verified under the key of `logId`. `verifyStatement` makes it, and
 * the store gives back what it was given.
 */
export interface VerifiedStatement extends Statement {
  readonly logId: LogId;
  readonly __verified: true;
}

/**
 * What the signature covers, 50 bytes (RFC 6962, Section 3.5):
 * version(1) = 0, signature_type(1) = tree_hash(1), timestamp(8), tree_size(8), root_hash(32).
 */
export function encodeSignedData(head: TreeHead): Uint8Array {
  const bytes = new Uint8Array(50);
  const view = new DataView(bytes.buffer);
  bytes[1] = 1;
  view.setBigUint64(2, head.timestamp);
  view.setBigUint64(10, head.treeSize);
  bytes.set(head.rootHash, 18);
  return bytes;
}
