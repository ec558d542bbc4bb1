/** From hashes of leaves to hashes of ranges (merkle/ranges.ts), computed when they are needed. */
import { BoundedMap } from '../base/bounded-map.ts';
import { equalHash, hashChildren, toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import type { KnownRange } from '../merkle/ranges.ts';
import { foldRow } from '../merkle/tiles.ts';
import type { LogRows } from './log-rows.ts';
import { HASH_BYTES, TILE_LEAVES, type Stretch } from './log-state.ts';

/** Of each height: some 10 MB in all. */
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

/** Leaves in the store, tile by tile. Subtrees are computed once, as far as memory is given. */
export class Tiles implements Subtrees {
  readonly #rows: Pick<LogRows, 'tile' | 'tileHash' | 'setDamaged' | 'tileHashes'>;
  /** Behind the last leaf that counts. */
  end: bigint;
  readonly #nodes: BoundedMap<bigint, MerkleHash>[] = [];
  /** The tile that was read last. */
  #last: { readonly tile: bigint; readonly leaves: Uint8Array | undefined } | undefined;

  constructor(
    rows: Pick<LogRows, 'tile' | 'tileHash' | 'setDamaged' | 'tileHashes'>,
    { end }: Pick<Stretch, 'end'>,
  ) {
    this.#rows = rows;
    this.end = end;
  }

  hash(start: bigint, height: number): MerkleHash | undefined {
    if (height === 0) return this.#leaf(start);
    const nodes = (this.#nodes[height] ??= new BoundedMap(MAX_NODES));
    const known = nodes.get(start);
    if (known !== undefined) return known;
    const hash = this.#ofTiles(start, height) ?? this.#parent(start, height);
    if (hash !== undefined) nodes.set(start, hash);
    return hash;
  }

  #parent(start: bigint, height: number): MerkleHash | undefined {
    const left = this.hash(start, height - 1);
    if (left === undefined) return undefined;
    const right = this.hash(start + (1n << BigInt(height - 1)), height - 1);
    return right && hashChildren(left, right);
  }

  /** A window may have 100,000 tiles, so their hashes are read by the 256. */
  #ofTiles(start: bigint, height: number): MerkleHash | undefined {
    const tiles = 2 ** (height - TILE_HEIGHT);
    if (tiles < 1 || tiles > Number(TILE_LEAVES)) return undefined;
    const hashes = this.#rows.tileHashes(start / TILE_LEAVES, tiles);
    return hashes && foldRow(hashes);
  }

  #leaf(index: bigint): MerkleHash | undefined {
    if (index >= this.end) return undefined;
    const tile = index / TILE_LEAVES;
    if (this.#last?.tile !== tile) this.#last = { tile, leaves: this.#read(tile) };
    return hashAt(this.#last.leaves, Number(index % TILE_LEAVES));
  }

  /** A disk may have changed a bit of a full tile: then it is as good as not here. */
  #read(tile: bigint): Uint8Array | undefined {
    const leaves = this.#rows.tile(tile);
    const root = this.#rows.tileHash(tile);
    if (leaves === undefined || root === undefined) return leaves;
    const isWhole = leaves.length === Number(TILE_LEAVES) * HASH_BYTES;
    if (isWhole && equalHash(foldRow(leaves), root)) return leaves;
    this.#rows.setDamaged(tile);
    return undefined;
  }
}

/** Leaves in memory, 32 bytes each. */
export class LooseLeaves implements Subtrees {
  readonly #start: bigint;
  readonly #leaves: Uint8Array;

  constructor(start: bigint, leaves: Uint8Array) {
    this.#start = start;
    this.#leaves = leaves;
  }

  hash(start: bigint, height: number): MerkleHash | undefined {
    if (height === 0) return hashAt(this.#leaves, Number(start - this.#start));
    const left = this.hash(start, height - 1);
    if (left === undefined) return undefined;
    const right = this.hash(start + (1n << BigInt(height - 1)), height - 1);
    return right && hashChildren(left, right);
  }
}

function hashAt(hashes: Uint8Array | undefined, index: number): MerkleHash | undefined {
  const bytes = hashes?.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  return bytes?.length === HASH_BYTES ? toMerkleHash(bytes) : undefined;
}
