// SPDX-License-Identifier: Apache-2.0
/**
 * Anchoring: the hashes of any number of files in one transaction, by a Merkle root, and an OpenTimestamps
 * file for each that leads from it to a block.
 *
 * A transaction waits for its block, and for the six above it. What is needed to make the stamps then lies
 * in the state directory before it is sent, so whoever is interrupted begins again and pays once.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { fromHex, sha256, showHash, toHex } from '../carbonchain/bytes.ts';
import { gather, newNonce, stepsInBlock, writeOts } from '../carbonchain/ots.ts';
import type { Transaction } from '../carbonchain/transaction.ts';
import { writeDurably } from '../disk/write.ts';
import type { ChainService } from './ddt.ts';
import { blockFrom } from './trust.ts';

const hexSchema = z.string().transform((text, context) => {
  const bytes = fromHex(text);
  if (bytes !== undefined) return bytes;
  context.addIssue('no hexadecimal digits');
  return z.NEVER;
});
const pendingSchema = z.object({
  nonces: z.array(hexSchema),
  transaction: z.object({ id: z.string(), bytes: hexSchema }),
});
type Pending = z.infer<typeof pendingSchema>;

/** Blocks with the transaction's own one that make it count. */
export const CONFIRMATIONS = 6;
const EVERY_MS = 10_000;
/** A node refuses for a moment what spends a transaction that it is just moving into a block. */
const ROUNDS_UNTAKEN = 6;

export interface AnchorOptions {
  /** SHA-256 of each thing that is anchored. */
  readonly digests: readonly Uint8Array[];
  /** What the transaction pays, in satoshi. */
  readonly fee?: bigint | undefined;
  /** Milliseconds between two looks at the chain. */
  readonly every?: number;
  /** Called once the transaction is on its way. */
  readonly onSent: (sent: { readonly transaction: string; readonly bytes: number }) => void;
  /** Called once if no node takes the transaction for long; `file` has it, and without that it is made anew. */
  readonly onUntaken: (file: string) => void;
}

export interface Anchored {
  readonly height: number;
  readonly transaction: string;
  /** An OpenTimestamps file for each digest, in their order. */
  readonly stamps: readonly Uint8Array[];
}

/**
 * Writes the root over the digests and waits until it counts. Undefined if `stop` was aborted
 * before; then the same call goes on with the same transaction. `chain` has a directory and a purse, and
 * is left open.
 */
export async function anchor(
  chain: ChainService,
  directory: string,
  { digests, fee, every = EVERY_MS, onSent, onUntaken }: AnchorOptions,
  stop: AbortSignal,
): Promise<Anchored | undefined> {
  const { network } = chain.follower.chain;
  const path = pendingFile(directory, network.name, digests);
  await chain.catchUp(stop);
  let pending = readPending(path, digests.length);
  const nonces = pending?.nonces ?? digests.map(newNonce);
  const leaves = digests.map((digest, i) => ({ digest, nonce: nonces[i] as Uint8Array }));
  const { root, steps } = gather(leaves);
  if (pending === undefined) {
    mkdirSync(join(directory, 'anchors'), { recursive: true });
    const keep = (transaction: Pending['transaction']): void =>
      writeDurably(path, asText({ nonces, transaction }));
    try {
      pending = { nonces, transaction: await chain.commit(root, { fee, keep }) };
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    }
  }
  const { id, bytes } = pending.transaction;
  onSent({ transaction: id, bytes: bytes.length });
  let refusals = 0;
  for (; !stop.aborted; await sleep(every, undefined, { signal: stop }).catch(() => undefined)) {
    const isTaken = !(await chain.round(stop)).includes(id);
    // A node that does not answer refuses nothing.
    if (isTaken) refusals = 0;
    else if (chain.follower.isHeard) refusals++;
    else continue;
    if (refusals === ROUNDS_UNTAKEN) onUntaken(path);
    const height = chain.follower.store.heightOf(id);
    if (height === undefined) {
      // A block that had it may have left the chain.
      await chain.sendAgain(pending.transaction);
      continue;
    }
    if (chain.follower.height - height + 1 < CONFIRMATIONS) continue;
    const header = chain.follower.chain.at(height);
    if (header === undefined) continue;
    const block = await blockFrom(chain.nodes, header.hash, header.bytes);
    const ids = block.transactions.map((each) => each.id);
    const index = block.transactions.findIndex((each) => shownId(each) === id);
    if (index < 0) continue;
    const transaction = Buffer.concat((block.transactions[index] as Transaction).stripped);
    const above = stepsInBlock(root, transaction, ids, index);
    const stamps = digests.map((digest, i) =>
      writeOts(digest, [...(steps[i] ?? []), ...above], height),
    );
    return { height, transaction: id, stamps };
  }
  return undefined;
}

/** To be called once the stamps are on the disk: the same digests are then anchored anew. */
export function forgetAnchor(
  directory: string,
  network: string,
  digests: readonly Uint8Array[],
): void {
  rmSync(pendingFile(directory, network, digests), { force: true });
}

/** Whether anchoring these digests, in this order, was begun and paid for, and its stamps are not all written. */
export function isAnchoring(
  directory: string,
  network: string,
  digests: readonly Uint8Array[],
): boolean {
  return readPending(pendingFile(directory, network, digests), digests.length) !== undefined;
}

function pendingFile(directory: string, network: string, digests: readonly Uint8Array[]): string {
  return join(directory, 'anchors', `${network}-${toHex(sha256(...digests))}.json`);
}

/** What `onUntaken` is to tell, as a clause. */
export function untaken(file: string): string {
  return `no node takes its transaction: its coins may be spent elsewhere. To pay anew, end this and remove ${file}`;
}

function shownId({ id }: Transaction): string {
  return showHash(id);
}

function asText({ nonces, transaction }: Pending): string {
  const { id, bytes } = transaction;
  const json = { nonces: nonces.map(toHex), transaction: { id, bytes: toHex(bytes) } };
  return `${JSON.stringify(json)}\n`;
}

/** What was begun with as many digests; undefined if there is nothing that can be read. */
function readPending(path: string, count: number): Pending | undefined {
  try {
    const pending = pendingSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return pending.nonces.length === count ? pending : undefined;
  } catch {
    return undefined;
  }
}
