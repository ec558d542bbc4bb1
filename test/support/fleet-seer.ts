// SPDX-License-Identifier: Apache-2.0
/**
 * A process that sees heads as an observer does, and writes them into a site's store until it is
 * killed. A journal says what it is about to write and what is written. Its argument is a SeerFile.
 */
import { randomInt } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { toMerkleHash } from '../../src/merkle/hash.ts';
import { toCtKey } from '../../src/statements/key.ts';
import { verifyStatement } from '../../src/statements/verify.ts';
import { openForWriting, stateAt } from '../../src/store/state.ts';
import type { SeerFile } from './fleet-processes.ts';

const file = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as SeerFile;
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
const key = toCtKey(bytes(file.key));
const heads = file.heads.flatMap(({ treeSize, timestamp, rootHash, signature }) => {
  const statement = {
    treeSize: BigInt(treeSize),
    timestamp: BigInt(timestamp),
    rootHash: toMerkleHash(bytes(rootHash)),
    signature: bytes(signature),
  };
  return verifyStatement(statement, key) ?? [];
});
let next = 0;
/** Each once, and from then on by chance. */
const pick = (): number => {
  next += 1;
  return next <= heads.length ? next - 1 : randomInt(heads.length);
};
const store = openForWriting(stateAt(file.stateDirectory));
for (;;) {
  const now = Date.now();
  const seen = new Map(
    Array.from({ length: 4 }, () => {
      const head = heads[pick()];
      if (head === undefined) throw new Error('there are no heads to see');
      const { treeSize, timestamp, rootHash } = head;
      return [`${treeSize} ${timestamp} ${Buffer.from(rootHash).toString('hex', 0, 4)}`, head];
    }),
  );
  const count = randomInt(1, 4);
  // A line that was cut off when it died ends before the next.
  const note = (what: string): void =>
    appendFileSync(
      file.journal,
      [...seen.keys()].map((name) => `\n${what} ${name} ${count};`).join(''),
    );
  note('tried');
  store.heads.record(
    [...seen.values()].map((head) => ({
      head,
      source: 'eth0',
      firstSeen: now,
      lastSeen: now,
      count,
    })),
  );
  note('done');
  await sleep(randomInt(100, 300));
}
