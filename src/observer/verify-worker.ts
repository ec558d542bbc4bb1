// SPDX-License-Identifier: Apache-2.0
/** The thread of verifier-pool.ts: checks one batch of signatures after another. */
import { parentPort } from 'node:worker_threads';
import { toLogKey, type LogKey } from '../statements/key.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Checked, Job } from './verifier-pool.ts';

/** By SubjectPublicKeyInfo. Logs are few, so each key is read once and kept. */
const keys = new Map<string, LogKey>();

function keyOf(spki: Uint8Array): LogKey {
  const id = Buffer.from(spki).toString('latin1');
  const known = keys.get(id) ?? toLogKey(spki);
  keys.set(id, known);
  return known;
}

parentPort?.on('message', (jobs: readonly Job[]) => {
  const start = performance.now();
  const heads = jobs.map(({ spki, head }) => verifyStatement(head, keyOf(spki)));
  const checked: Checked = { heads, milliseconds: performance.now() - start };
  parentPort?.postMessage(checked);
});
