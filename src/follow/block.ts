// SPDX-License-Identifier: Apache-2.0
/**
 * Blocks: the least that a log is asked for. A block is an aligned range of leaves. Its hashes and
 * the audit path of its first leaf give the root of every size from its first leaf to behind its
 * last, and the requests for it are the same whichever of these sizes is meant.
 */
import { LogError, type Asker } from '../ask/asker.ts';
import { isTiled, type Log } from '../logs/log.ts';
import { equalHash, toMerkleHash } from '../merkle/hash.ts';
import { inclusionRanges, rootOf } from '../merkle/ranges.ts';
import type { PublicHead, StoredBlock } from './log-rows.ts';
import { HASH_BYTES, type KnownNode } from './log-state.ts';
import { knownOf, LooseLeaves } from './subtrees.ts';

/**
 * How many leaves a block of the log has. One of a tiled log is a level-0 tile. Entries of an RFC
 * 6962 log come with their certificates, some 6 kB each, so there it is the smallest set of sizes
 * that we want to hide one in.
 */
export function blockLeaves(log: Pick<Log, 'api'>): bigint {
  return isTiled(log) ? 256n : 64n;
}

/**
 * What a block counts for against the budget, in bytes. It is not what the block cost: a log that
 * makes its entries large could see by what is fetched later that their block was asked for.
 */
export function blockCost(log: Pick<Log, 'api'>): number {
  return isTiled(log) ? 40_000 : 512_000;
}

/** The start of the block that a tree's size is in: the one of the first leaf that it lacks. */
export function blockOf(size: bigint, log: Pick<Log, 'api'>): bigint {
  return size - (size % blockLeaves(log));
}

/**
 * Asks for the block that starts at `start`, in the tree of `head`, which has all of it. Rejects as
 * the asker does, and with LogError if what comes does not lead to the root of that tree.
 */
export async function fetchBlock(
  log: Pick<Log, 'api'>,
  asker: Asker,
  { id, head }: PublicHead,
  start: bigint,
): Promise<StoredBlock> {
  const { treeSize, rootHash } = head;
  const leaves = await asker.leafHashes(start, start + blockLeaves(log), treeSize);
  const path = Buffer.concat(await audit(asker, start, leaves, treeSize));
  const block = { start, head: id, leaves, path };
  const root = rootOf(knownOfBlock(block, log, treeSize), treeSize);
  if (root === undefined || !equalHash(root, rootHash))
    throw new LogError(
      'log-unavailable',
      `its entries ${start} to ${start + blockLeaves(log) - 1n} do not lead to the root of its tree of size ${treeSize}`,
    );
  return block;
}

/** The audit path of the first of these leaves, which is asked for by its hash where it must be. */
export function audit(
  asker: Asker,
  leafIndex: bigint,
  leaves: Uint8Array,
  treeSize: bigint,
): ReturnType<Asker['inclusionProof']> {
  const leafHash = toMerkleHash(leaves.subarray(0, HASH_BYTES));
  return asker.inclusionProof({ leafIndex, leafHash }, treeSize);
}

/** What a block says of the tree that it is of, which has `treeSize` entries. */
export function knownOfBlock(
  { start, leaves, path }: Pick<StoredBlock, 'start' | 'leaves' | 'path'>,
  log: Pick<Log, 'api'>,
  treeSize: bigint,
): ReturnType<typeof knownOf> {
  const end = start + blockLeaves(log);
  const nodes = nodesOfPath(start, treeSize, path).filter(
    ([from, to]) => to <= start || from >= end,
  );
  return knownOf({ start, end, nodes }, new LooseLeaves(start, leaves));
}

/** The nodes of PATH(index, D[size]) with their hashes; none where their number is wrong. */
export function nodesOfPath(index: bigint, size: bigint, path: Uint8Array): KnownNode[] {
  const ranges = inclusionRanges(index, size);
  if (path.length !== ranges.length * HASH_BYTES) return [];
  return ranges.map(([start, end], i) => [
    start,
    end,
    toMerkleHash(path.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
  ]);
}
