// SPDX-License-Identifier: Apache-2.0
/**
 * An append-only Merkle tree in memory that proves things about itself: RFC 6962, Section 2.1.
 *
 * For the lab's log, which has to answer for every size it ever had. Hashes of complete subtrees
 * are kept, so that a root or a proof costs O(log n) hashes at most log n levels deep.
 */
import { EMPTY_ROOT, hashChildren, type MerkleHash } from './hash.ts';

export class MerkleTree {
  /** levels[l][i] is the hash of the complete subtree over leaves [i * 2^l, (i + 1) * 2^l). */
  readonly #levels: MerkleHash[][] = [[]];

  get size(): number {
    return this.#levels[0]?.length ?? 0;
  }

  /** Appends a leaf by its leaf hash and returns its index. */
  append(leafHash: MerkleHash): number {
    const index = this.size;
    let hash = leafHash;
    for (let level = 0; ; level++) {
      const row = (this.#levels[level] ??= []);
      row.push(hash);
      const left = row[row.length - 2];
      if (row.length % 2 === 1 || left === undefined) return index;
      hash = hashChildren(left, hash);
    }
  }

  /** The hash of the complete subtree over leaves [index * 2^level, (index + 1) * 2^level). */
  node(level: number, index: number): MerkleHash {
    const hash = this.#levels[level]?.[index];
    if (hash === undefined)
      throw new RangeError(`no node ${index} at level ${level} in a tree of size ${this.size}`);
    return hash;
  }

  leafHash(index: number): MerkleHash {
    const hash = this.#levels[0]?.[index];
    if (hash === undefined)
      throw new RangeError(`leaf ${index} is not in a tree of size ${this.size}`);
    return hash;
  }

  /** MTH(D[0:size]). */
  root(size: number = this.size): MerkleHash {
    this.#require(size);
    return size === 0 ? EMPTY_ROOT : this.#subtree(0, size);
  }

  /** PROOF(first, D[second]), RFC 6962, Section 2.1.2. Requires 0 < first <= second <= size. */
  consistencyProof(first: number, second: number): MerkleHash[] {
    this.#require(second);
    if (first <= 0 || first > second)
      throw new RangeError(`no proof exists from size ${first} to ${second}`);
    return this.#subproof(first, 0, second, true);
  }

  /** PATH(leafIndex, D[size]), RFC 6962, Section 2.1.1. */
  inclusionProof(leafIndex: number, size: number): MerkleHash[] {
    this.#require(size);
    if (leafIndex < 0 || leafIndex >= size)
      throw new RangeError(`leaf ${leafIndex} is not in a tree of size ${size}`);
    const path: MerkleHash[] = [];
    let [start, end] = [0, size];
    while (end - start > 1) {
      const split = start + largestPowerOfTwoBelow(end - start);
      if (leafIndex < split) {
        path.unshift(this.#subtree(split, end));
        end = split;
      } else {
        path.unshift(this.#subtree(start, split));
        start = split;
      }
    }
    return path;
  }

  #require(size: number): void {
    if (size < 0 || size > this.size)
      throw new RangeError(`size ${size} is beyond the tree's ${this.size}`);
  }

  /**
   * MTH(D[start:end]) for a range that the tree's splits can produce: start is aligned to its size.
   */
  #subtree(start: number, end: number): MerkleHash {
    const width = end - start;
    const level = 31 - Math.clz32(width);
    if (width === 2 ** level) {
      const complete = this.#levels[level]?.[start / width];
      if (complete !== undefined) return complete;
    }
    const split = start + largestPowerOfTwoBelow(width);
    return hashChildren(this.#subtree(start, split), this.#subtree(split, end));
  }

  /** SUBPROOF(m, D[start:end], known), where m counts leaves from `start`. */
  #subproof(m: number, start: number, end: number, known: boolean): MerkleHash[] {
    const width = end - start;
    if (m === width) return known ? [] : [this.#subtree(start, end)];
    const split = largestPowerOfTwoBelow(width);
    return m <= split
      ? [...this.#subproof(m, start, start + split, known), this.#subtree(start + split, end)]
      : [
          ...this.#subproof(m - split, start + split, end, false),
          this.#subtree(start, start + split),
        ];
  }
}

/** The k of RFC 6962, Section 2.1: the largest power of two smaller than `n`. Requires n > 1. */
function largestPowerOfTwoBelow(n: number): number {
  return 2 ** (31 - Math.clz32(n - 1));
}
