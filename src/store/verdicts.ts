// SPDX-License-Identifier: Apache-2.0
/** What the challenger concluded about each tree. */
import type { LogId } from '../statements/statement.ts';
import type { StoredTree } from './heads.ts';

export const VERDICTS = [
  'pending',
  'consistent',
  'fork-proven',
  'malformed-head',
  'bad-proof',
  'unprovable',
  'skewed',
  'unreachable',
] as const;
/** docs/ARCHITECTURE.md says what each means; only `fork-proven` accuses a log. */
export type Verdict = (typeof VERDICTS)[number];

export interface VerdictUpdate {
  readonly verdict: Verdict;
  readonly reason?: string;
  /** See StoredTree. */
  readonly provenAgainst?: number | undefined;
  /** The log is not asked about the tree again before this time; undefined: no such limit. */
  readonly askAfter?: number | undefined;
}

export interface VerdictStore {
  /**
   * Replaces what was concluded about a recorded tree, at `now`, and counts one more attempt.
   * Evidence for `fork-proven` must be recorded first: a fork without evidence is a fault of the
   * store.
   *
   * Does nothing where the store has no such tree (any more), because it was set aside or because
   * the store's file was replaced since the tree was read. Nor does it take back a proven fork:
   * somebody else may have proven it since.
   */
  set(tree: StoredTree, now: number, update: VerdictUpdate): void;

  /** As `set` of each in turn, in one transaction: all of them are recorded, or it throws. */
  setAll(
    updates: readonly { readonly tree: StoredTree; readonly update: VerdictUpdate }[],
    now: number,
  ): void;

  /**
   * The trees of a log, page by page, by size and of one size in the order in which they were seen:
   * all of them, or the `open` ones, of which something is to be concluded or which others lead to.
   * That is all but those that are consistent and linked to a larger consistent tree.
   *
   * Each page takes a bounded time to read, however many trees are skipped for it. Between two pages
   * the store can be written to; a tree that is recorded or changed meanwhile may be missed.
   */
  pages(logId: LogId, which: 'open' | 'all'): Generator<StoredTree[], void, undefined>;

  /** The number of trees by verdict; a verdict that no tree has is 0. */
  counts(): Record<Verdict, number>;

  /** Logs that have a tree with this verdict, in no order. */
  logsWith(verdict: Verdict): LogId[];
}
