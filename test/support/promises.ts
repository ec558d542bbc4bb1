// SPDX-License-Identifier: Apache-2.0
/** Promises of a static-ct log, and logs that break them. */
import { makePromiseEvidence, type PromiseEvidence } from '../../src/evidence/bundle.ts';
import { judgePromise, type Promised } from '../../src/evidence/promise.ts';
import { parseSct, type LogEntry } from '../../src/scts/sct.ts';
import { indexExtension, treeOf, type SigningLog } from './signing-log.ts';

/** That the entry is at this index. */
export function promiseOf(log: SigningLog, entry: LogEntry, index: number): Promised {
  return { ...parseSct(log.promise(entry, 1_700_000_000_000n, indexExtension(index))), entry };
}

/** Evidence that a log has another leaf at this index of a tree of this size. */
export function brokenPromise(
  log: SigningLog,
  {
    entry,
    index,
    size,
  }: { readonly entry: LogEntry; readonly index: number; readonly size: number },
): PromiseEvidence {
  const tree = treeOf(size);
  const promise = promiseOf(log, entry, index);
  const head = log.verified(size, tree.root());
  const proof = { leafHash: tree.leafHash(index), hashes: tree.inclusionProof(index, size) };
  const judged = judgePromise(promise, head, proof);
  if (judged.verdict !== 'promise-broken') throw new Error(judged.verdict);
  return makePromiseEvidence(log.asLog(), promise, head, proof, judged.promised, 0);
}
