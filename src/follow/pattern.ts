// SPDX-License-Identifier: Apache-2.0
/**
 * Which blocks of leaves a log is asked for. Pure.
 *
 * They are drawn in batches of BATCH, all of them when the batch begins: numbers that become blocks
 * by how far behind the log's newest entry they lie, evenly on a logarithmic scale, for that is how
 * the tree heads that one meets lie. One place of a batch, drawn with it, is free: if the size of
 * some tree waits for its block when that place comes, its block is asked for there, and otherwise
 * the one that was drawn. So a log that sees a question for a block knows that it is one of BATCH,
 * and of a tree only that its size is one of the block's.
 */
import type { Pattern } from './log-state.ts';

export const BATCH = 64;

export function newPattern(chance: () => number): Pattern {
  const draws = Array.from({ length: BATCH }, chance);
  return { draws, free: Math.floor(chance() * BATCH), next: 0 };
}

/**
 * The number of the next block, below `end`, and the pattern after it. The log has `count` blocks in
 * full; those from `end` on are of no use, because all their leaves are fetched anyway. `wanted` is
 * the block that waits, if one does. Requires 0 < end <= count and wanted < end.
 */
export function nextBlock(
  pattern: Pattern,
  { end, count }: { readonly end: bigint; readonly count: bigint },
  wanted: bigint | undefined,
  chance: () => number,
): { readonly block: bigint; readonly isWanted: boolean; readonly pattern: Pattern } {
  const { draws, free, next } = pattern;
  const isWanted = next === free && wanted !== undefined;
  const block = isWanted ? wanted : blockAt(draws[next] ?? 0, end, count);
  const after = next + 1 >= draws.length ? newPattern(chance) : { draws, free, next: next + 1 };
  return { block, isWanted, pattern: after };
}

/** The block that a draw means: 0 the newest one below `end`, values near 1 the oldest ones. */
function blockAt(draw: number, end: bigint, count: bigint): bigint {
  const nearest = Number(count - end) + 1;
  const behind = BigInt(Math.floor(nearest * ((Number(count) + 1) / nearest) ** draw));
  const block = count - behind;
  return block < 0n ? 0n : block >= end ? end - 1n : block;
}
