// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a log shows a tree head that it should not show any more: one that is older than its
 * maximum merge delay, or smaller than one that it signed before. It is no evidence, because caches
 * and front ends lag; it is also what a log does that hides something. Pure.
 */
import { plural, time } from '../base/text.ts';
import { isInService, type Log } from '../logs/log.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { isMalformed } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import { MIN_PATIENCE_MS, patienceWith } from './decision.ts';

/**
 * What is wrong with the head, as the end of a sentence about the log; undefined: nothing. The head
 * is `current`, signed at `timestamp`; `trees` are all that are known of the log, and `now` is in
 * milliseconds since the epoch. `isSigned` is asked of a tree before it is held against the log.
 *
 * A log that is read-only or out of service may stop signing. Front ends have an hour to catch up.
 */
export function staleness(
  log: Pick<Log, 'key' | 'mmd' | 'state' | 'finalTree'>,
  { current, timestamp }: { readonly current: StoredTree; readonly timestamp: bigint },
  trees: readonly StoredTree[],
  now: number,
  isSigned: (tree: StoredTree) => boolean = () => true,
): string | undefined {
  const { treeSize } = current;
  const larger = trees.findLast(
    (tree) =>
      tree.treeSize > treeSize &&
      !isMalformed(tree) &&
      now - tree.firstSeen > MIN_PATIENCE_MS &&
      isSigned(tree),
  );
  if (larger !== undefined)
    return `shows a tree of size ${treeSize}, although it had signed one of size ${larger.treeSize} by ${time(larger.firstSeen)}`;
  // Ed25519 checkpoints say no time.
  if (timestamp === 0n && isCheckpointKey(log.key)) return undefined;
  const mayStop = log.finalTree !== undefined || log.state === 'readonly' || !isInService(log);
  const age = now - Number(timestamp);
  if (mayStop || age <= patienceWith(log)) return undefined;
  const hours = plural(Math.floor(age / 3_600_000), 'hour');
  return `shows a tree head that is ${hours} old, which is more than its maximum merge delay`;
}
