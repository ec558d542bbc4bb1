// SPDX-License-Identifier: Apache-2.0
/**
 * What can be asked of a log: one interface, whichever API the log has. RFC 6962 (rfc6962.ts),
 * tiles (tiled.ts) and CT-over-DNS (ct-over-dns.ts) implement it; prove.ts uses it.
 */
import { CtgaError } from '../base/errors.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import type { Statement } from '../statements/statement.ts';

/**
 * A client of one log.
 *
 * **What is verified: only form.** A hash is 32 bytes and a number is below 2^64; nothing else is
 * checked. Whoever calls `treeHead` verifies the signature (statements/verify.ts), and whoever gets
 * a proof judges it (evidence/judge.ts). A proof has the hashes that the log gave, even where their
 * number cannot be right for the sizes: that is a bad proof, and the judge says so. A client that
 * has to ask for a proof in parts, or to make it of tiles, finds the number that it needs with
 * consistencyProofLength and inclusionProofLength (merkle/proof.ts).
 *
 * **Errors.** Every method rejects with LogError where the log does not give what was asked for;
 * its code says which of two things that means. Where the way leads through a proxy that does not
 * answer, it rejects with ProxyError, which says nothing about the log. A size or an index outside
 * the bounds named below is a bug of the caller: RangeError. An implementation lets no other error
 * of its transport through, and takes no error to be evidence.
 *
 * **Repeating and concurrency.** No method changes anything at the log, so each may be called again
 * with the same arguments and any number may be under way at once. An implementation may keep what
 * cannot change (the tiles of a tree), but asks for the tree head anew each time. It does not retry
 * a log that has answered; a Retry-After is waited out by the fetch that it is given (courtesy.ts),
 * or not at all.
 *
 * **How much is asked.** One call is one question as the challenger counts them, however many
 * requests it takes.
 */
export interface Asker {
  /** The log's current tree head. */
  treeHead(): Promise<Statement>;

  /**
   * PROOF(first, D[second]) of RFC 6962, Section 2.1.2, in its order. Requires 0 < first < second:
   * equal sizes need no proof, and logs answer a size of 0 in many ways.
   */
  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]>;

  /**
   * PATH(leafIndex, D[treeSize]) of RFC 6962, Section 2.1.1, from the leaf upwards. Requires
   * 0 <= leaf.leafIndex < treeSize. Where the leaf's hash is known the log may be asked by that
   * alone, so that the path can be of another leaf with the same hash.
   */
  inclusionProof(leaf: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]>;

  /**
   * Where the leaf with this hash is, and its audit path in the tree of this size; leafIndex is
   * below treeSize. Rejects with `log-refused` where the log has no such leaf, or cannot be asked
   * by hash at all.
   */
  leafProof(leafHash: MerkleHash, treeSize: bigint): Promise<LeafProof>;

  /**
   * The leaf hashes of the entries from `start` to `end - 1`, in the log's order, 32 bytes each.
   * Requires 0 <= start < end <= treeSize, `treeSize` being a size that the log shows to everybody:
   * the requests tell the log what it is, and are otherwise the same whoever makes them. All hashes
   * come, or none do and the range is asked for again as a whole; after a failure no further
   * request is begun, and none is under way any more when the promise settles. Rejects with
   * `log-refused` where there is no way to ask for leaf hashes at all.
   *
   * Entries may be large and the log decides how many it gives at a time, so that a range costs as
   * many requests as it takes, some of them at once.
   */
  leafHashes(start: bigint, end: bigint, treeSize: bigint): Promise<Uint8Array>;
}

/** One leaf, by its index and, where it is known, its hash: logs are asked by one or the other. */
export interface LeafQuestion {
  readonly leafHash: MerkleHash | undefined;
  readonly leafIndex: bigint;
}

export interface LeafProof {
  readonly leafIndex: bigint;
  readonly path: readonly MerkleHash[];
}

/** Throws RangeError unless 0 <= start < end <= treeSize. */
export function requireLeafRange(start: bigint, end: bigint, treeSize: bigint): void {
  if (start < 0n || start >= end || end > treeSize)
    throw new RangeError(`no leaves ${start} to ${end} in a tree of size ${treeSize}`);
}

export type LogErrorCode =
  /** The log answered that it will not or cannot: HTTP 400 and 404, a tile that is gone. */
  | 'log-refused'
  /**
   * Anything that says nothing about the log's history: no answer, HTTP 429 and 5xx, HTML, a tree
   * head that is not signed.
   */
  | 'log-unavailable';

/** A log that did not give what it was asked for. It is never evidence: a front end may lag. */
export class LogError extends CtgaError<LogErrorCode> {
  /** Milliseconds that the log asked us to wait, MAX_RETRY_AFTER at most. */
  readonly retryAfter: number | undefined;

  constructor(
    code: LogErrorCode,
    message: string,
    options: { retryAfter?: number; remedy?: string; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.retryAfter = options.retryAfter;
  }
}

/** The source under which the heads that a log gave when it was asked are recorded. */
export const LOG_API_SOURCE = 'get-sth';

/** Whether the log refused the question, which a caller may pass over; other errors it may not. */
export function isRefusal(error: unknown): error is LogError {
  return error instanceof LogError && error.code === 'log-refused';
}
