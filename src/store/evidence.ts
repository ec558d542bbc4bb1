// SPDX-License-Identifier: Apache-2.0
/** Which evidence is on the disk. Evidence itself is in files; see src/evidence. */
import type { LogId, TreeRoot } from '../statements/statement.ts';
import type { StoredTree } from './heads.ts';

/** What evidence shows: see src/evidence/bundle.ts. */
export type EvidenceKind = 'fork' | 'promise-broken';

export interface EvidenceRecord {
  readonly kind: EvidenceKind;
  /**
   * The evidence file. Of one in the evidence directory of its state the store keeps the name alone,
   * so that it is that directory's file wherever the state is moved or copied to.
   */
  readonly path: string;
  readonly logId: LogId;
  /** The sizes of both trees; of a broken promise the promised place, and the tree's size. */
  readonly firstSize: bigint;
  readonly secondSize: bigint;
  readonly created: number;
}

/** Undefined: the tree cannot be read (any more). */
export interface EvidenceTrees {
  readonly first: StoredTree | undefined;
  readonly second: StoredTree | 'listed' | undefined;
}

export interface EvidenceStore {
  /**
   * Records an evidence file, which must be durably on the disk already. Idempotent; of a path that
   * is on record only the time stays. `second` has no ID where the log's list says so and not
   * a tree head.
   */
  add(
    path: string,
    first: StoredTree,
    second: TreeRoot & { readonly id?: number },
    created: number,
  ): void;

  /** As `add`, of a broken promise: `tree` has another leaf at `leafIndex` than was promised. */
  addPromise(path: string, tree: StoredTree, leafIndex: bigint, created: number): void;

  /** All that is on record, the oldest first. */
  all(): EvidenceRecord[];

  /** Whether a file is on record. Costs the same however many are. */
  has(path: string): boolean;

  /** The trees that a file on record is about, as they are now; of a broken promise the first. */
  treesOf(path: string): EvidenceTrees;

  /**
   * Pairs of trees of one log and size, above 0, with different roots for which no evidence is on
   * record: each is a fork, and somebody owes an evidence file for it. A tree is paired with the
   * first four of its size. Costs as much as there are such pairs, however many trees and how much
   * evidence there is.
   */
  missing(): [first: StoredTree, second: StoredTree][];
}
