// SPDX-License-Identifier: Apache-2.0
/**
 * Asking a log that serves a checkpoint and tiles: c2sp.org/tlog-tiles, as static-ct-api logs and
 * Rekor v2 do, or the Go checksum database's form of it. Proofs are made of its tiles.
 *
 * There is no proof API that could refuse: the proof that an RFC 6962 log would give is computed
 * from the tiles of the larger tree, and judged like one. If the tiles lead to its signed root and
 * to another root for the smaller signed one, that proves a fork; if they do not lead to it, they
 * prove nothing.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import type { Fetch } from '../http/request.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { TILE_WIDTH, TiledTree, tilePath, type TilePlace } from '../merkle/tiles.ts';
import { parseClaim } from '../statements/claim.ts';
import { withOthers } from '../statements/checkpoint.ts';
import type { LogKey } from '../statements/key.ts';
import type { Statement } from '../statements/statement.ts';
import { isRefusal, LogError, requireLeafRange, type Asker, type LeafQuestion } from './asker.ts';
import { LogHttp } from './log-http.ts';
import { inParallel } from './parallel.ts';

const HASH_BYTES = 32;
/** Some 8 MB. Proofs of one log share most of their tiles. */
const MAX_TILES = 1000;
/** How many tiles of a range of leaves are asked for at once: some 50 KB. */
const TILES_AT_ONCE = 6;

/** Where a log serves what it serves, below its URL. */
export interface TileLayout {
  readonly checkpoint: string;
  readonly tile: (place: TilePlace) => string;
}

/** c2sp.org/tlog-tiles. */
export const TLOG_TILES: TileLayout = { checkpoint: 'checkpoint', tile: tilePath };

/** The Go checksum database: `/latest`, and tiles whose height is named (`go help module-auth`). */
export const SUMDB: TileLayout = {
  checkpoint: 'latest',
  tile: (place) => tilePath(place).replace(/^tile/, 'tile/8'),
};

export class TiledAsker implements Asker {
  readonly #http: LogHttp;
  readonly #key: LogKey;
  readonly #layout: TileLayout;
  /** The widest of each tile that has been fetched, by the path of the full one. */
  readonly #tiles = new BoundedMap<string, Uint8Array>(MAX_TILES);

  /** `url` is the monitoring prefix and ends in '/', as that of every Log does. */
  constructor(
    url: string,
    key: LogKey,
    fetch: Fetch,
    now: () => number = Date.now,
    layout = TLOG_TILES,
  ) {
    this.#http = new LogHttp(url, fetch, now);
    this.#key = key;
    this.#layout = layout;
  }

  async treeHead(): Promise<Statement> {
    const { body, failure } = await this.#http.get(this.#layout.checkpoint);
    const log = { key: this.#key };
    const parsed = parseClaim({ log, bytes: body, form: 'checkpoint' });
    if (parsed.kind === 'refused') throw failure('log-unavailable', parsed.reason);
    return withOthers(parsed.statement, body, this.#key);
  }

  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    return this.#tree(second).consistencyProof(first);
  }

  inclusionProof({ leafIndex }: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]> {
    return this.#tree(treeSize).inclusionProof(leafIndex);
  }

  /** Tiles have leaves by index, and no endpoint finds one by its hash. */
  leafProof(): Promise<never> {
    return Promise.reject(
      new LogError('log-refused', 'a log of tiles cannot be asked for a leaf by its hash'),
    );
  }

  /**
   * From tiles of level 0. They go past the memory of tiles, which the many tiles of a long range
   * would empty of those that proofs share; a range within one tile stays, for its audit path.
   */
  async leafHashes(start: bigint, end: bigint, treeSize: bigint): Promise<Uint8Array> {
    requireLeafRange(start, end, treeSize);
    const hashes = new Uint8Array(Number(end - start) * HASH_BYTES);
    const width = BigInt(TILE_WIDTH);
    const [first, last] = [start / width, (end - 1n) / width];
    await inParallel(range(first, last + 1n), TILES_AT_ONCE, async (index) => {
      const at = index * width;
      const inTree = treeSize - at;
      const place = { level: 0, index, width: inTree < width ? Number(inTree) : TILE_WIDTH };
      // Audit paths of the leaves at both ends need these two again.
      const tile = await this.#tile(place, index === first || index === last);
      const from = at < start ? Number(start - at) * HASH_BYTES : 0;
      const to = end - at < width ? Number(end - at) * HASH_BYTES : tile.length;
      hashes.set(tile.subarray(from, to), at < start ? 0 : Number(at - start) * HASH_BYTES);
    });
    return hashes;
  }

  #tree(size: bigint): TiledTree {
    return new TiledTree(size, (place) => this.#tile(place));
  }

  /**
   * A log may delete a partial tile once the full one is there (static-ct-api, "Merkle Tree"), and
   * not every object store says so with 404: whatever became of the partial one, the full one is
   * asked for and cut. Only a log that asks to be left alone is. Where both fail, the failure of
   * the full one counts; it is `log-refused` only if the log refused both, for the full tile need
   * not exist yet. `keep`: whether the tile is remembered for later questions.
   */
  async #tile(place: TilePlace, keep = true): Promise<Uint8Array> {
    const full = { ...place, width: TILE_WIDTH };
    const known = this.#tiles.get(tilePath(full));
    const length = place.width * HASH_BYTES;
    const isEnough = known !== undefined && known.length >= length;
    const tile = isEnough ? known : await this.#fetchTile(place, full);
    if (keep) this.#tiles.set(tilePath(full), tile);
    return tile.subarray(0, length);
  }

  async #fetchTile(place: TilePlace, full: TilePlace): Promise<Uint8Array> {
    if (place.width === TILE_WIDTH) return this.#get(full);
    try {
      return await this.#get(place);
    } catch (partial) {
      if (!(partial instanceof LogError) || partial.retryAfter !== undefined) throw partial;
      try {
        return await this.#get(full);
      } catch (error) {
        if (isRefusal(error) && !isRefusal(partial)) throw partial;
        throw error;
      }
    }
  }

  async #get(place: TilePlace): Promise<Uint8Array> {
    const { body, failure } = await this.#http.get(this.#layout.tile(place));
    const want = place.width * HASH_BYTES;
    if (body.length !== want)
      throw failure('log-unavailable', `${body.length} bytes, want ${want}`);
    return body;
  }
}

/** From `start` to `end - 1`. */
function* range(start: bigint, end: bigint): Generator<bigint> {
  for (let n = start; n < end; n++) yield n;
}
