// SPDX-License-Identifier: Apache-2.0
/**
 * Run by keep-evidence.root.test.ts on a small disk of its own: `writer-full-child.ts DIRECTORY WHAT`
 * fills the disk with bytes or inodes, hands five bundles to a writer there, and prints what is kept.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReserve } from '../../src/disk/reserve.ts';
import { formatEvidence, makeEvidence } from '../../src/evidence/bundle.ts';
import { EvidenceReader, faultsOf } from '../../src/evidence/directory.ts';
import { judgeWithoutProof } from '../../src/evidence/judge.ts';
import { EvidenceWriter } from '../../src/evidence/writer.ts';
import { SigningLog, treeOf } from '../support/signing-log.ts';

const [, , directory = '', what] = process.argv;
const evidence = join(directory, 'evidence');
mkdirSync(evidence);
makeReserve(evidence);
const until = (write: () => void): void => {
  try {
    for (;;) write();
  } catch {
    // It is full.
  }
};
let number = 0;
if (what === 'inodes') until(() => writeFileSync(join(directory, String(number++)), ''));
else
  for (const bytes of [65536, 4096, 1])
    until(() => appendFileSync(join(directory, 'filler'), Buffer.alloc(bytes)));
const log = new SigningLog();
const writer = new EvidenceWriter(evidence, []);
const answers = [5, 6, 7, 8, 9].map((size) => {
  const [first, second] = ['a', 'b'].map((branch) =>
    log.verified(size, treeOf(size, branch).root()),
  );
  if (first === undefined || second === undefined) throw new Error('no heads');
  const found = judgeWithoutProof(first, second);
  if (found?.verdict !== 'fork-proven') throw new Error('no fork');
  return writer.take(formatEvidence(makeEvidence(log.asLog(), first, second, found, 1)));
});
const report = new EvidenceReader(evidence).read();
console.log(
  JSON.stringify({
    refused: answers.filter((answer) => 'refused' in answer),
    length: report.length,
    faults: faultsOf(report),
  }),
);
