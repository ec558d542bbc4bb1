// SPDX-License-Identifier: Apache-2.0
/** How fast a log grows. Pure. */
import type { PublicHead } from './log-rows.ts';

/**
 * A log in blocks is followed leaf by leaf again if its leaves take less than this part of the budget
 * in a day. The rest is for its tree heads, proofs and blocks.
 */
export const FOLLOWED_SHARE = 0.8;

const DAY_MS = 86_400_000;
/** Heads that are closer to each other say little of how fast a log grows. */
const MIN_SPAN_MS = 3_600_000;

/** The time by which growth is judged. */
const SPAN_MS = 2 * DAY_MS;

/**
 * Entries a day, by what was seen in the last two days of these heads, the smallest first. Undefined
 * where they were not seen for long enough. Of several only those count that are linked: a log can
 * sign any number.
 */
export function growthOf(heads: readonly PublicHead[], now: number): number | undefined {
  const targets = new Set(heads.map(({ next }) => next));
  const linked = heads.filter(({ id, next }) => next !== undefined || targets.has(id));
  const known = linked.length > 0 || heads.length > 1 ? linked : heads;
  const first = known.findLast(({ seen }) => now - seen >= SPAN_MS) ?? known[0];
  const last = known.at(-1);
  if (first === undefined || last === undefined) return undefined;
  // Of the time since the last of them nothing is known, if a larger one is yet to be linked.
  const until = last === heads.at(-1) ? now : last.seen;
  const span = until - Math.max(first.seen, now - SPAN_MS);
  if (span < MIN_SPAN_MS) return undefined;
  return (Number(last.head.treeSize - first.head.treeSize) * DAY_MS) / span;
}
