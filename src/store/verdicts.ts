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
   */
  set(tree: StoredTree, now: number, update: VerdictUpdate): void;

  /** The number of trees by verdict; a verdict that no tree has is 0. */
  counts(): Record<Verdict, number>;

  /** Logs that have a tree with this verdict, in no order. */
  logsWith(verdict: Verdict): LogId[];
}
