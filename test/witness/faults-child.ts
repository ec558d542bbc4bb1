// SPDX-License-Identifier: Apache-2.0
/**
 * What a witness does with its disk, step by step, saying after each what may be relied on. Run by
 * faults.test.ts, under strace: `node faults-child.ts STATE`.
 */
import { mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Convictions } from '../../src/witness/convict.ts';
import { makeKeys, verifierKeysOf } from '../../src/witness/keys.ts';
import { Limit } from '../../src/http/limits.ts';
import { witnessedLogs } from '../../src/witness/logs.ts';
import { WitnessStore } from '../../src/witness/store.ts';
import { Witness } from '../../src/witness/witness.ts';
import { CheckpointLog } from '../support/checkpoint-log.ts';
import { treeOf } from '../support/signing-log.ts';

const [, , directory = ''] = process.argv;
const acknowledge = (what: string): void => void writeSync(1, `ACK ${what}\n`);

const own = join(directory, 'witness');
mkdirSync(join(directory, 'evidence'), { recursive: true });
const keys = makeKeys(own, 'witness.test/w');
const vkeys = verifierKeysOf(keys);
WitnessStore.make(own, vkeys);
acknowledge(`keys ${vkeys.join(' ')}`);

const store = WitnessStore.open(own, vkeys, keys.ed25519.key);
const log = new CheckpointLog();
const logs = witnessedLogs([log.asLog()], [], () => undefined);
const often = new Limit({ perSecond: 1000, burst: 1000 });
const convictions = new Convictions({
  store,
  logs,
  evidence: join(directory, 'evidence'),
  onEvent: (event) => {
    if (event.event === 'fork-proven') acknowledge(`evidence ${event.evidence ?? ''}`);
  },
  onError: (error) => {
    throw error;
  },
});
const witness = new Witness({
  keys,
  store,
  logs,
  convictions,
  growing: often,
  repeating: often,
  now: Date.now,
  onCosigned: () => undefined,
});
const [tree, fork] = [treeOf(9, 'a', 2), treeOf(9, 'b', 2)];
for (const [of, old, size] of [
  [tree, 0, 3],
  [tree, 3, 5],
  [fork, 5, 5],
  [tree, 5, 9],
  [tree, 0, 4],
] as const) {
  const proof = old > 0 && old < size ? of.consistencyProof(old, size) : [];
  const hashes = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  const note = log.checkpoint(size, of.root(size));
  const { status } = witness.addCheckpoint(Buffer.from(`old ${old}\n${hashes}\n${note}`));
  acknowledge(`${status} ${size}`);
}
store.close();
