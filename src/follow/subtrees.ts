// SPDX-License-Identifier: Apache-2.0
/** From hashes of leaves to hashes of ranges (merkle/ranges.ts), computed when they are needed. */
import { BoundedMap } from '../base/bounded-map.ts';
import { equalHash, hashChildren, toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import type { KnownRange } from '../merkle/ranges.ts';
import { foldRow } from '../merkle/tiles.ts';
import type { LogRows } from './log-rows.ts';
import { HASH_BYTES, TILE_LEAVES, type Stretch } from './log-state.ts';

/** Of each height: a few MB in all. */
const MAX_NODES = 4096;
const TILE_HEIGHT = 8;

/** Hashes of perfect subtrees of some leaves. */
interface Subtrees {
  /** The subtree of 2^height leaves from `start`, a multiple of that; undefined if it is not here. */
  hash(start: bigint, height: number): MerkleHash | undefined;
}

/** The ranges that a stretch has hashes of: its nodes, and the perfect subtrees of its leaves. */
export function knownOf(
  { start, end, nodes }: Omit<Stretch, 'head'>,
  subtrees: Subtrees,
): KnownRange {
  const given = new Map(nodes.map(([from, to, hash]) => [`${from} ${to}`, hash]));
  return (from, to) => {
    if (from < start || to > end) return given.get(`${from} ${to}`);
    const leaves = to - from;
    const height = leaves.toString(2).length - 1;
    return 1n << BigInt(height) === leaves ? subtrees.hash(from, height) : undefined;
  };
}

type StoredTiles = Pick<LogRows, 'tile' | 'tileHash' | 'tileHashes' | 'setDamaged'>;

/** Leaves in the store, tile by tile. Subtrees are computed once, as far as memory is given. */
export class Tiles implements Subtrees {
  readonly #rows: StoredTiles;
  #end: bigint;
  /** Of a tile and above, by height. */
  readonly #nodes: BoundedMap<bigint, MerkleHash>[] = [];
  /** The tile that was read last. */
  #last: { readonly tile: bigint; readonly leaves: LooseLeaves | undefined } | undefined;

  /** `end` is behind the last leaf that counts. */
  constructor(rows: StoredTiles, { end }: Pick<Stretch, 'end'>) {
    this.#rows = rows;
    this.#end = end;
  }

  /** There are more leaves now. */
  extendTo(end: bigint): void {
    this.#end = end;
    this.#last = undefined;
  }

  hash(start: bigint, height: number): MerkleHash | undefined {
    if (height < TILE_HEIGHT) return this.#tile(start / TILE_LEAVES)?.hash(start, height);
    const nodes = (this.#nodes[height] ??= new BoundedMap(MAX_NODES));
    const known = nodes.get(start);
    if (known !== undefined) return known;
    const hash = this.#ofTiles(start, height) ?? parentOf(this, start, height);
    if (hash !== undefined) nodes.set(start, hash);
    return hash;
  }

  /** A window may have 100,000 tiles, so their hashes are read by the 256. */
  #ofTiles(start: bigint, height: number): MerkleHash | undefined {
    const tiles = 2 ** (height - TILE_HEIGHT);
    if (tiles > Number(TILE_LEAVES)) return undefined;
    const hashes = this.#rows.tileHashes(start / TILE_LEAVES, tiles);
    return hashes && foldRow(hashes);
  }

  #tile(tile: bigint): LooseLeaves | undefined {
    if (this.#last?.tile !== tile) this.#last = { tile, leaves: this.#read(tile) };
    return this.#last.leaves;
  }

  /** A disk may have changed a bit of a full tile: then it is as good as not here. */
  #read(tile: bigint): LooseLeaves | undefined {
    const start = tile * TILE_LEAVES;
    const bytes = this.#rows.tile(tile)?.subarray(0, Number(this.#end - start) * HASH_BYTES);
    if (bytes === undefined || start >= this.#end) return undefined;
    const leaves = new LooseLeaves(start, bytes);
    const root = this.#rows.tileHash(tile);
    const own = root && leaves.hash(start, TILE_HEIGHT);
    if (root === undefined || (own !== undefined && equalHash(own, root))) return leaves;
    this.#rows.setDamaged(tile);
    return undefined;
  }
}

/** Leaves in memory, 32 bytes each. Subtrees are computed once. */
export class LooseLeaves implements Subtrees {
  readonly #start: bigint;
  readonly #leaves: Uint8Array;
  /** By height, and by their place among those of that height. */
  readonly #nodes: (MerkleHash | undefined)[][] = [];

  constructor(start: bigint, leaves: Uint8Array) {
    this.#start = start;
    this.#leaves = leaves;
  }

  hash(start: bigint, height: number): MerkleHash | undefined {
    const place = Number(start - this.#start);
    if (height === 0) return hashAt(this.#leaves, place);
    const nodes = (this.#nodes[height] ??= []);
    return (nodes[place >> height] ??= parentOf(this, start, height));
  }
}

function parentOf(subtrees: Subtrees, start: bigint, height: number): MerkleHash | undefined {
  const left = subtrees.hash(start, height - 1);
  if (left === undefined) return undefined;
  const right = subtrees.hash(start + (1n << BigInt(height - 1)), height - 1);
  return right && hashChildren(left, right);
}

function hashAt(hashes: Uint8Array, index: number): MerkleHash | undefined {
  const bytes = hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  return bytes.length === HASH_BYTES ? toMerkleHash(bytes) : undefined;
}
