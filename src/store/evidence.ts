// SPDX-License-Identifier: Apache-2.0
/** Which evidence is on the disk. Evidence itself is in files; see src/evidence. */
import type { LogId, TreeRoot } from '../statements/statement.ts';
import type { StoredTree } from './heads.ts';

export interface EvidenceRecord {
  /**
   * The evidence file. Of one in the evidence directory of its state the store keeps the name alone,
   * so that it is that directory's file wherever the state is moved or copied to.
   */
  readonly path: string;
  readonly logId: LogId;
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

  /** All that is on record, the oldest first. */
  all(): EvidenceRecord[];

  /** The trees that a file on record is about, as they are now. */
  treesOf(path: string): EvidenceTrees;

  /**
   * Pairs of trees of one log and size, above 0, with different roots for which no evidence is on
   * record: each is a fork, and somebody owes an evidence file for it. A tree is paired with the
   * first four of its size. Costs as much as there are such pairs, however many trees there are.
   */
  missing(): [first: StoredTree, second: StoredTree][];
}
