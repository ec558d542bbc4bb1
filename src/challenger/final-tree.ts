// SPDX-License-Identifier: Apache-2.0
/**
 * A log that is read-only ends at the tree that its list names. A head of the log that contradicts
 * that tree is evidence if the list is signed: the log, or whoever keeps the list, shows two
 * histories.
 */
import { isRefusal } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import { judgeWithoutProof } from '../evidence/judge.ts';
import type { Comparison } from '../follow/known-hashes.ts';
import type { Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Questions } from './questions.ts';
import type { Verdicts } from './verdicts.ts';

/** Holds trees of the final tree's size against it. Asks the log nothing. */
export function compareWithoutAsking(
  { finalTree }: Log,
  trees: readonly StoredTree[],
  verdicts: Verdicts,
): void {
  if (finalTree === undefined) return;
  for (const tree of trees) {
    if (tree.treeSize !== finalTree.treeSize) continue;
    const found = judgeWithoutProof(finalTree, tree);
    if (found?.verdict === 'fork-proven') verdicts.contradictsList(tree, finalTree, found);
  }
}

/**
 * Holds the final tree against the log's public one, by hashes that are here. `against` is the tree
 * of the comparison's head.
 */
export async function compareWithHashes(
  { finalTree }: Log,
  { root, against: head, asker }: Comparison,
  against: StoredTree,
  verdicts: Verdicts,
): Promise<void> {
  if (finalTree === undefined || equalHash(root, finalTree.rootHash)) return;
  const found = await prove(asker, finalTree, head);
  if (found.verdict === 'fork-proven') verdicts.contradictsList(against, finalTree, found);
}

/** Has the log prove that its current tree and its final one are of one history. */
export async function compareWithFinalTree(
  { finalTree }: Log,
  current: StoredTree,
  questions: Questions,
  verdicts: Verdicts,
): Promise<void> {
  if (finalTree === undefined || current.treeSize === finalTree.treeSize) return;
  const [first, second] =
    current.treeSize > finalTree.treeSize ? [finalTree, current] : [current, finalTree];
  const between = `between its tree of size ${current.treeSize} and its final one`;
  try {
    const found = await questions.prove(first, second);
    if (found.verdict === 'fork-proven') verdicts.contradictsList(current, finalTree, found);
    else if (found.verdict === 'bad-proof') verdicts.notice(`no proof ${between}: ${found.reason}`);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    verdicts.notice(`it refuses a proof ${between}: ${error.message}`);
  }
}
