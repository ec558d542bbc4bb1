// SPDX-License-Identifier: Apache-2.0
/**
 * Logs that call no witness: their published checkpoint or tree head is fetched, with the proof from
 * the last cosigned one, and cosigned. What it asks about is what was cosigned here and what the log
 * shows to everybody.
 */
import { encodeBase64 } from '../base/base64.ts';
import { LogError, type Asker } from '../ask/asker.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { prove } from '../ask/prove.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import type { Log } from '../logs/log.ts';
import { checkpointOf, noteKeyId, parseCheckpoint } from '../statements/checkpoint.ts';
import { isCheckpointKey } from '../statements/key.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { Convictions } from './convict.ts';
import type { WitnessStore } from './store.ts';
import type { Answer, Witness } from './witness.ts';

/**
 * Asks the log once, and cosigns what it shows; the answer is as to a request of the log's own.
 * Undefined where the log shows an older tree than it had cosigned: a front end may lag, but it has to
 * prove that the older one is a prefix.
 *
 * Rejects with LogError and ProxyError as the asker does, and with StoreError.
 */
export async function feed(
  { witness, store }: { readonly witness: Witness; readonly store: WitnessStore },
  origin: string,
  log: Log,
  asker: Asker,
): Promise<Answer | undefined> {
  const head = await askForSignedHead(log, asker);
  const checkpoint = parseCheckpoint(checkpointWith(origin, log, head));
  const old = store.cosigned(origin)?.treeSize ?? 0n;
  const add = (proof: readonly MerkleHash[]): Answer => witness.add({ old, proof, checkpoint });
  if (old === 0n || old === head.treeSize) return add([]);
  if (head.treeSize < old) {
    add([]);
    return undefined;
  }
  try {
    return add(await asker.consistencyProof(old, head.treeSize));
  } catch (error) {
    // It showed the tree to everybody, and has still to prove it.
    if (error instanceof LogError) add([]);
    throw error;
  }
}

/** Has the log itself prove what is still open about it, or convict it. */
export async function settle(
  convictions: Convictions,
  origin: string,
  asker: Asker,
): Promise<void> {
  await convictions.settle(origin, (_, first, second) => prove(asker, first, second));
}

/** What the log signed, as the checkpoint of this origin with the log's line alone. */
function checkpointWith(origin: string, { key }: Log, head: VerifiedStatement): string {
  if (isCheckpointKey(key)) {
    const note = checkpointOf(head, key);
    if (note === undefined) throw new RangeError('the statement is no checkpoint of this log');
    return note;
  }
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(head.timestamp);
  const line = encodeBase64(Buffer.concat([noteKeyId(origin, key.logId), time, head.signature]));
  const text = `${origin}\n${head.treeSize}\n${encodeBase64(head.rootHash)}\n`;
  return `${text}\n\u2014 ${origin} ${line}\n`;
}
