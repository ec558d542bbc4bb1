// SPDX-License-Identifier: Apache-2.0
/** Trees of one log that contradict each other, and which of two is called so. */
import { judgeWithoutProof, type Finding } from '../evidence/judge.ts';
import type { Log } from '../logs/log.ts';
import type { StoredTree } from '../store/heads.ts';
import { compareWithoutAsking } from './final-tree.ts';
import type { Links, Pair } from './links.ts';
import type { Verdicts } from './verdicts.ts';

export interface Accused {
  /** What the log calls current; one of the trees of `links`. */
  readonly current: StoredTree;
  readonly links: Links;
  readonly verdicts: Verdicts;
}

/**
 * Two roots for one size contradict each other without a question. Leaves out the current tree
 * against one of the chain, which decides where the chain goes on.
 */
export function compareSizes(log: Log, { current, links, verdicts }: Accused): void {
  compareWithoutAsking(log, links.trees, verdicts);
  for (const pair of links.contradictions()) {
    const [older, newer] = pair;
    const keepsNewer = newer.id === current.id || links.isLinked(newer);
    const tree = keepsNewer && !links.isLinked(older) ? older : newer;
    const found = judgeWithoutProof(...pair);
    if (tree.id !== current.id && found?.verdict === 'fork-proven')
      verdicts.forked(tree, ...pair, found);
  }
}

/** The log has proven that the two contradict each other. */
export function accuse(
  pair: Pair<StoredTree>,
  finding: Finding,
  { current, links, verdicts }: Accused,
): void {
  const [first, second] = pair;
  const keepsSecond = links.isLinked(second) || second.id === current.id;
  const [accused, other] = keepsSecond ? [first, second] : [second, first];
  verdicts.forked(accused, ...pair, finding);
  // Neither has a better claim than the other.
  const isEqual = links.verdictOf(other) !== 'consistent' && !links.isForked(other);
  if (isEqual && other.id !== current.id) verdicts.forked(other, ...pair, finding);
}
