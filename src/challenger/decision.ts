// SPDX-License-Identifier: Apache-2.0
/**
 * The verdict on a tree for which the log has given no proof. It is never `fork-proven`: only
 * signatures and arithmetic accuse a log (evidence/judge.ts).
 */
import type { Verdict } from '../store/verdicts.ts';

/** What became of the last question about a tree, where it brought no proof. */
export type Outcome =
  /** The log answered that it has no such proof: HTTP 400, 404 or 410. */
  | 'refused'
  /** The log answered with something that proves nothing. */
  | 'bad-proof'
  /** Nothing came that the log itself must have said: no answer, HTTP 403, 429, 5xx, a page. */
  | 'no-answer';

/**
 * A log that fails for a moment is not accused of anything, however soon it promises to merge.
 */
export const MIN_PATIENCE_MS = 3_600_000;

/**
 * How long after a tree was first seen an honest log may be without a proof. `mmd` is in seconds.
 */
export function patienceWith({ mmd }: { readonly mmd: number }): number {
  return Math.max(mmd * 1000, MIN_PATIENCE_MS);
}

/**
 * `unprovable` takes an answer that fails to prove, after the log's patience: strangers can use up
 * a limit that we share with them, or stand between us and the log, and must not make it look as if
 * the log had no proof. For the same reason no lack of an answer takes `unprovable` back.
 */
export function verdictWithoutProof(
  outcome: Outcome,
  { before, isOverdue }: { readonly before: Verdict; readonly isOverdue: boolean },
): Verdict {
  if (outcome === 'no-answer') return before === 'unprovable' ? 'unprovable' : 'unreachable';
  if (isOverdue) return 'unprovable';
  return outcome === 'refused' ? 'skewed' : 'bad-proof';
}
