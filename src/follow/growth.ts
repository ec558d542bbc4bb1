/** How fast a log grows. Pure. */
import type { PublicHead } from './log-rows.ts';

const DAY_MS = 86_400_000;
/** Heads that are closer to each other say little of how fast a log grows. */
const MIN_SPAN_MS = 3_600_000;

/** Entries a day, by the heads that were seen in the last two days, the smallest first. */
export function growthOf(heads: readonly PublicHead[], now: number): number | undefined {
  const recent = heads.filter(({ seen }) => now - seen <= 2 * DAY_MS);
  const [first, last] = [recent[0], recent.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const span = now - first.seen;
  if (span < MIN_SPAN_MS) return undefined;
  return (Number(last.head.treeSize - first.head.treeSize) * DAY_MS) / span;
}
