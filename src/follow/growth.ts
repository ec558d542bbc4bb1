/** How fast a log grows. Pure. */
import type { PublicHead } from './log-rows.ts';

const DAY_MS = 86_400_000;
/** Heads that are closer to each other say little of how fast a log grows. */
const MIN_SPAN_MS = 3_600_000;

/**
 * Entries a day, by the heads that were seen in the last two days, the smallest first. Only those
 * count that are linked: a log can sign any number.
 */
export function growthOf(heads: readonly PublicHead[], now: number): number | undefined {
  const targets = new Set(heads.map(({ next }) => next));
  const recent = heads.filter(
    ({ id, next, seen }) => now - seen <= 2 * DAY_MS && (next !== undefined || targets.has(id)),
  );
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const span = now - first.seen;
  if (span < MIN_SPAN_MS) return undefined;
  return (Number(last.head.treeSize - first.head.treeSize) * DAY_MS) / span;
}
