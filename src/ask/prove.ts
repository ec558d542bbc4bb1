// SPDX-License-Identifier: Apache-2.0
/** Having a log prove that one of its trees is a prefix of another: ask, judge, and ask again. */
import {
  judgeProof,
  judgeWithoutProof,
  type Conclusion,
  type DecidingProof,
  type NextQuestion,
} from '../evidence/judge.ts';
import type { TreeRoot } from '../statements/statement.ts';
import type { Asker } from './asker.ts';

export interface ProveOptions {
  /** Called before each question to the log: never, once or twice. What it throws, `prove` does. */
  readonly onQuestion?: () => void;
}

/**
 * Whether `first` is a prefix of `second`, as the log itself proves it.
 *
 * Heads that need no proof are judged without a question. Otherwise the log is asked for the
 * consistency proof, and where that decides nothing (see evidence/judge.ts) for the one other proof
 * that does. A fork is evidence only if the log signed both heads, which the caller has verified.
 *
 * Requires first.treeSize <= second.treeSize. Rejects as the asker does: LogError where the log
 * gives no proof, which is no verdict on it.
 */
export async function prove(
  asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>,
  first: TreeRoot,
  second: TreeRoot,
  { onQuestion = () => undefined }: ProveOptions = {},
): Promise<Conclusion> {
  const settled = judgeWithoutProof(first, second);
  if (settled !== undefined) return settled;
  onQuestion();
  const hashes = await asker.consistencyProof(first.treeSize, second.treeSize);
  const judgement = judgeProof(first, second, { kind: 'consistency', hashes });
  if (judgement.verdict !== 'undecided') return judgement;
  onQuestion();
  return judgeProof(first, second, await askNext(asker, judgement.next, first, second));
}

async function askNext(
  asker: Pick<Asker, 'consistencyProof' | 'inclusionProof'>,
  next: NextQuestion,
  first: TreeRoot,
  second: TreeRoot,
): Promise<DecidingProof> {
  if (next.kind === 'successor-consistency') {
    const hashes = await asker.consistencyProof(next.first, second.treeSize);
    return { kind: next.kind, hashes };
  }
  const { leafHash } = next;
  const leaf = { leafHash, leafIndex: first.treeSize };
  const hashes = await asker.inclusionProof(leaf, second.treeSize);
  return { kind: next.kind, leafHash, hashes };
}
