// SPDX-License-Identifier: Apache-2.0
/**
 * Merkle trees served as tiles (c2sp.org/tlog-tiles): where a subtree's hash lies, and RFC 6962
 * proofs made of tiles. A tile of level L holds up to 256 consecutive hashes of perfect subtrees of
 * 256^L leaves.
 *
 * Pure but for the reader that fetches tiles, which is given.
 */
import { hashChildren, toMerkleHash, type MerkleHash } from './hash.ts';
import { consistencyRanges, inclusionRanges, splitOf, type Range } from './ranges.ts';

const TILE_HEIGHT = 8n;
export const TILE_WIDTH = 256;
const HASH_BYTES = 32;

export interface TilePlace {
  readonly level: number;
  readonly index: bigint;
  /** Hashes in it, 1 .. 256, as a tree of the size that was asked for has them. */
  readonly width: number;
}

/** Fetches the first `width` hashes of a tile: exactly width * 32 bytes. */
export type TileReader = (place: TilePlace) => Promise<Uint8Array>;

/** `tile/0/x001/x234/067` or, for less than 256 hashes, `tile/0/x001/x234/067.p/5`. */
export function tilePath({ level, index, width }: TilePlace): string {
  const digits = index.toString();
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/[0-9]{3}/g) ?? [];
  const path = groups.map((group, i) => (i + 1 < groups.length ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/**
 * A tree of one size, read tile by tile. What it gives is what the tiles say: nothing is verified.
 */
export class TiledTree {
  readonly #size: bigint;
  readonly #read: TileReader;

  constructor(size: bigint, read: TileReader) {
    this.#size = size;
    this.#read = read;
  }

  /** PROOF(m, D[n]) of RFC 6962, Section 2.1.2, n being the tree's size. Requires 0 < m < n. */
  async consistencyProof(m: bigint): Promise<MerkleHash[]> {
    return this.#hashes(consistencyRanges(m, this.#size));
  }

  /** PATH(i, D[n]) of RFC 6962, Section 2.1.1. Requires 0 <= index < n. */
  async inclusionProof(index: bigint): Promise<MerkleHash[]> {
    return this.#hashes(inclusionRanges(index, this.#size));
  }

  /**
   * One after another, so that a tile that several of them need is read once, and from the top: the
   * tiles at the right edge, which are partial, come last.
   */
  async #hashes(ranges: readonly Range[]): Promise<MerkleHash[]> {
    const hashes: MerkleHash[] = [];
    for (const [start, end] of ranges.toReversed()) hashes.push(await this.#range(start, end));
    return hashes.reverse();
  }

  /**
   * MTH(D[start:end]) for a subtree of the tree: a perfect one, or the ragged one on the right
   * edge.
   */
  async #range(start: bigint, end: bigint): Promise<MerkleHash> {
    const leaves = end - start;
    const half = splitOf(leaves);
    if (leaves === 1n || half * 2n === leaves) return this.#perfect(start, leaves);
    return hashChildren(await this.#perfect(start, half), await this.#range(start + half, end));
  }

  /** The subtree of `leaves` leaves, a power of two, that begins at `start`, a multiple of it. */
  async #perfect(start: bigint, leaves: bigint): Promise<MerkleHash> {
    const height = BigInt(leaves.toString(2).length - 1);
    const level = height / TILE_HEIGHT;
    // The subtree is 2^rest hashes of the tile, folded.
    const hashes = Number(1n << (height % TILE_HEIGHT));
    const first = start >> (level * TILE_HEIGHT);
    const index = first / BigInt(TILE_WIDTH);
    const inTree = (this.#size >> (level * TILE_HEIGHT)) - index * BigInt(TILE_WIDTH);
    const width = inTree < TILE_WIDTH ? Number(inTree) : TILE_WIDTH;
    const tile = await this.#read({ level: Number(level), index, width });
    const offset = Number(first % BigInt(TILE_WIDTH));
    return foldRow(tile.subarray(offset * HASH_BYTES, (offset + hashes) * HASH_BYTES));
  }
}

/** The root of a perfect subtree, from the hashes of a row of it, 32 bytes each. */
export function foldRow(row: Uint8Array): MerkleHash {
  if (row.length <= HASH_BYTES) return toMerkleHash(row);
  const half = row.length / 2;
  return hashChildren(foldRow(row.subarray(0, half)), foldRow(row.subarray(half)));
}
