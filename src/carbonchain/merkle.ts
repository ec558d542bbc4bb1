// SPDX-License-Identifier: Apache-2.0
/** Bitcoin's Merkle trees over the IDs of transactions, and proofs that a block has one. Pure. */
import { doubleSha256, sameBytes } from './bytes.ts';
import { HEADER_LENGTH, isCoinbase, parseTransaction, type Transaction } from './transaction.ts';

/** An inner node has this many bytes below it, so a transaction of as many could pass for one. */
const INNER_LENGTH = 64;
/** A block of 4 MB has fewer than 2^17 transactions. */
const MAX_DEPTH = 17;

/**
 * The root over `ids`. Undefined if there is none, or if two neighbours are equal: a tree repeats its last
 * node where the count is odd, so a list with such a pair has the same root as a shorter one
 * (CVE-2012-2459), and no block that nodes accept has one.
 */
export function merkleRoot(ids: readonly Uint8Array[]): Uint8Array | undefined {
  return levelsOf(ids)?.at(-1)?.[0];
}

function levelsOf(ids: readonly Uint8Array[]): (readonly Uint8Array[])[] | undefined {
  if (ids.length === 0) return undefined;
  const levels = [ids];
  for (let level = ids; level.length > 1; levels.push(level)) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2) as [Uint8Array, Uint8Array?];
      if (right !== undefined && sameBytes(left, right)) return undefined;
      above.push(doubleSha256(left, right ?? left));
    }
    level = above;
  }
  return levels;
}

/** A transaction, and that a block has it. */
export interface Inclusion {
  /** As it is serialised, without witnesses. */
  readonly transaction: Uint8Array;
  readonly index: number;
  /** The nodes beside the way to the root, from below. */
  readonly branch: readonly Uint8Array[];
  /** The block's first transaction, and the nodes beside its way: they show how high the tree is. */
  readonly coinbase: Uint8Array;
  readonly coinbaseBranch: readonly Uint8Array[];
}

/**
 * The branch of the leaf at `index`, from below.
 *
 * @throws RangeError if these are the leaves of no block's tree, or there is no such leaf.
 */
export function branchOf(ids: readonly Uint8Array[], index: number): Uint8Array[] {
  const levels = levelsOf(ids);
  if (levels === undefined || ids[index] === undefined)
    throw new RangeError(`no branch for leaf ${index} of ${ids.length}`);
  return levels.slice(0, -1).map((level, i) => {
    const at = index >> i;
    return (level[at ^ 1] ?? level[at]) as Uint8Array;
  });
}

/**
 * The transaction, if `inclusion` proves that the block with this header has it; else why not, as a
 * clause. A proof is refused in which a transaction could be an inner node, or a leaf one that the
 * tree only repeats.
 */
export function checkInclusion(header: Uint8Array, inclusion: Inclusion): Transaction | string {
  const { index, branch, coinbaseBranch } = inclusion;
  if (header.length !== HEADER_LENGTH) return 'the header is not 80 bytes long';
  if (branch.length !== coinbaseBranch.length || branch.length > MAX_DEPTH)
    return 'the proof and that of the first transaction differ in height';
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** branch.length)
    return 'its place is outside the tree';
  let transaction: Transaction;
  let coinbase: Transaction;
  try {
    transaction = parseTransaction(inclusion.transaction);
    coinbase = parseTransaction(inclusion.coinbase);
  } catch {
    return 'it has no transaction in it';
  }
  for (const { strippedLength } of [transaction, coinbase])
    if (strippedLength === INNER_LENGTH)
      return 'a transaction of 64 bytes may be an inner node of the tree';
  if (!isCoinbase(coinbase)) return "the block's first transaction makes no coins";
  const root = header.subarray(36, 68);
  for (const [leaf, place, nodes] of [
    [transaction, index, branch],
    [coinbase, 0, coinbaseBranch],
  ] as const) {
    let node = leaf.id;
    for (const [i, beside] of nodes.entries()) {
      const isRight = ((place >> i) & 1) === 1;
      if (beside.length !== 32) return 'a node is not 32 bytes long';
      if (isRight && sameBytes(node, beside)) return 'it proves what the tree only repeats';
      node = isRight ? doubleSha256(beside, node) : doubleSha256(node, beside);
    }
    if (!sameBytes(node, root)) return "it does not lead to the header's root";
  }
  return transaction;
}
