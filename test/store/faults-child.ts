// SPDX-License-Identifier: Apache-2.0
/**
 * What the observer does with its store, step by step, saying after each what is now on record. Run
 * by faults.test.ts, under strace: `node faults-child.ts STATE`.
 */
import { writeSync } from 'node:fs';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { keepEvidence } from '../../src/evidence/keep.ts';
import { PublishedHeads } from '../../src/mirror/published.ts';
import { StoreInUse } from '../../src/upkeep/in-use.ts';
import { stateAt } from '../../src/store/state.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const [, , directory = ''] = process.argv;
const state = stateAt(directory);
/** Whoever reads this may rely on it. */
const acknowledge = (what: string): void => void writeSync(1, `ACK ${what}\n`);

const log = new SigningLog();
const imported = log.asLog({ description: 'A log' });
/** Two of one size: a fork. */
const trees = [
  [3, 'a'],
  [5, 'a'],
  [5, 'b'],
  [8, 'a'],
] as const;

const { store } = new StoreInUse({ state, onSetAside: () => undefined });
store.logs.put([imported]);
acknowledge('log');
for (const [i, [size, branch]] of trees.entries()) {
  const head = log.verified(size, treeOf(size, branch).root(), BigInt(i + 1));
  store.heads.record([{ head, source: 'eth0', firstSeen: i + 1, lastSeen: i + 1, count: 1 }]);
  acknowledge(`head ${i}`);
}
for (const [first, second] of store.evidence.missing()) {
  const judgement = judgeWithoutProof(first, second);
  if (judgement?.verdict !== 'fork-proven') throw new Error('no fork');
  const path = keepEvidence(store, state.evidence, imported, [first, second], judgement, 1);
  if (path === undefined) throw new Error('a tree is damaged');
  acknowledge(`evidence ${path}`);
  store.verdicts.set(second, 1, { verdict: 'fork-proven', provenAgainst: first.id });
  acknowledge('verdict');
}
store.heads.rollUp(3, 10);
acknowledge('roll-up');
const published = new PublishedHeads(directory);
for (const size of [3, 5]) {
  const head = log.verified(size, treeOf(size, 'a').root(), BigInt(size));
  published.put(imported, { head, at: size, sizes: new Set([head.treeSize]) });
  acknowledge(`published ${size}`);
}
store.close();
acknowledge('end');
