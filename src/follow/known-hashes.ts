// SPDX-License-Identifier: Apache-2.0
/**
 * What the hashes that are already here say about trees of a log, without asking the log anything:
 * the side of `src/follow` that the challenger sees.
 */
import type { Asker } from '../ask/asker.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import type { VerifiedStatement } from '../statements/statement.ts';

/** A tree of some size as the log's public trees have it. */
export interface Comparison {
  /** MTH(D[0:size]), RFC 6962, Section 2.1. */
  readonly root: MerkleHash;
  /** A tree head that the log showed to everybody, of the same size or larger. */
  readonly against: VerifiedStatement;
  /**
   * Proves that the tree with `root` is a prefix of the one of `against`, as the log would: for
   * prove() in ask/prove.ts. It asks nobody, and rejects with LogError `log-refused` where a hash
   * is not here.
   */
  readonly asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>;
}

export type Outlook =
  /** `comparison` has it. */
  | 'here'
  /** What brings it is fetched whatever was seen: it is a matter of time. */
  | 'coming'
  /** Only a block brings it, and that has not been asked for. */
  | 'needs-block'
  /** Its block was asked for, and the log gave no such hashes. It is not asked for again. */
  | 'refused'
  /** It is larger than every tree that the log showed to everybody. */
  | 'beyond';

export interface KnownHashes {
  /**
   * The tree of this size. Undefined where the hashes for it are not here: then it is larger than
   * every public tree, or of entries that were not fetched (yet).
   */
  comparison(size: bigint): Comparison | undefined;

  /** What is to be expected of `comparison(size)`; see Outlook. */
  outlook(size: bigint): Outlook;

  /**
   * Pairs of tree heads that the log showed to everybody, of which the smaller is proven a prefix
   * of the larger; the oldest pairs first. Together they are one chain that ends at the newest.
   */
  publicLinks(): readonly (readonly [first: VerifiedStatement, second: VerifiedStatement])[];
}
