// SPDX-License-Identifier: Apache-2.0
/**
 * The tree of RFC 6962, Section 2.1, as ranges of leaves: a node is MTH(D[start:end]) for a range
 * that the tree's splits produce. A proof is a list of such nodes, so whoever knows their hashes,
 * from wherever, can give roots and proofs. Pure.
 */
import { EMPTY_ROOT, hashChildren, type MerkleHash } from './hash.ts';

/** The leaves start .. end - 1, with 0 <= start < end. */
export type Range = readonly [start: bigint, end: bigint];

/** MTH(D[start:end]) where it is known, for ranges that the splits of a tree produce. */
export type KnownRange = (start: bigint, end: bigint) => MerkleHash | undefined;

/** The k of RFC 6962, Section 2.1: the largest power of two below `leaves`; 1 for 1. */
export function splitOf(leaves: bigint): bigint {
  return leaves <= 2n ? 1n : 1n << BigInt((leaves - 1n).toString(2).length - 1);
}

/**
 * The nodes of PROOF(first, D[second]), RFC 6962, Section 2.1.2, in its order. Throws RangeError
 * unless 0 < first < second.
 */
export function consistencyRanges(first: bigint, second: bigint): Range[] {
  if (first <= 0n || first >= second) throw new RangeError(`no proof from ${first} to ${second}`);
  const ranges: Range[] = [];
  let [start, end, whole] = [0n, second, true];
  // Walks down to the smaller tree's right edge; nodes come out from the top, the proof has them
  // from below.
  while (first !== end) {
    const middle = start + splitOf(end - start);
    if (first <= middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      [start, whole] = [middle, false];
    }
  }
  if (!whole) ranges.push([start, end]);
  return ranges.reverse();
}

/**
 * The nodes of PATH(index, D[size]), RFC 6962, Section 2.1.1, in its order. Throws RangeError
 * unless 0 <= index < size.
 */
export function inclusionRanges(index: bigint, size: bigint): Range[] {
  if (index < 0n || index >= size) throw new RangeError(`no leaf ${index} in ${size}`);
  const ranges: Range[] = [];
  let [start, end] = [0n, size];
  while (end - start > 1n) {
    const middle = start + splitOf(end - start);
    if (index < middle) {
      ranges.push([middle, end]);
      end = middle;
    } else {
      ranges.push([start, middle]);
      start = middle;
    }
  }
  return ranges.reverse();
}

/**
 * The perfect subtrees that a tree of `size` leaves consists of, from the left, the largest first:
 * one for each one bit of its size.
 */
export function perfectRanges(size: bigint): Range[] {
  const ranges: Range[] = [];
  for (let start = 0n; start < size;) {
    const rest = size - start;
    const leaves = 1n << BigInt(rest.toString(2).length - 1);
    ranges.push([start, start + leaves]);
    start += leaves;
  }
  return ranges;
}

/**
 * MTH(D[start:end]) from what is known of it and below it. Undefined where something is missing.
 */
export function hashOfRange(known: KnownRange, [start, end]: Range): MerkleHash | undefined {
  const hash = known(start, end);
  if (hash !== undefined || end - start <= 1n) return hash;
  const middle = start + splitOf(end - start);
  const left = hashOfRange(known, [start, middle]);
  if (left === undefined) return undefined;
  const right = hashOfRange(known, [middle, end]);
  return right && hashChildren(left, right);
}

/** MTH(D[0:size]) from what is known. Undefined where something is missing. */
export function rootOf(known: KnownRange, size: bigint): MerkleHash | undefined {
  return size === 0n ? EMPTY_ROOT : hashOfRange(known, [0n, size]);
}

/** The hashes of the nodes, all of them or, where something is missing, undefined. */
export function hashesOfRanges(
  known: KnownRange,
  ranges: readonly Range[],
): MerkleHash[] | undefined {
  const hashes: MerkleHash[] = [];
  for (const range of ranges) {
    const hash = hashOfRange(known, range);
    if (hash === undefined) return undefined;
    hashes.push(hash);
  }
  return hashes;
}
