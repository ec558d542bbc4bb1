/**
 * Asking a static-ct-api log (c2sp.org/static-ct-api): its checkpoint, and proofs made of its
 * tiles.
 *
 * There is no proof API that could refuse: the proof that an RFC 6962 log would give is computed
 * from the tiles of the larger tree, and judged like one. If the tiles lead to its signed root and
 * to another root for the smaller signed one, that proves a fork; if they do not lead to it, they
 * prove nothing.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { TILE_WIDTH, TiledTree, tilePath, type TilePlace } from '../merkle/tiles.ts';
import { parseCheckpoint, treeHeadOf } from '../statements/checkpoint.ts';
import type { LogId, Statement } from '../statements/statement.ts';
import { messageOf } from '../base/errors.ts';
import {
  LogError,
  waitOf,
  type Fetch,
  type HttpAnswer,
  type LeafQuestion,
  type LogClient,
} from './rfc6962.ts';

const HASH_BYTES = 32;
/** Some 8 MB. Proofs of one log share most of their tiles. */
const MAX_TILES = 1000;

export class StaticClient implements LogClient {
  readonly #url: string;
  readonly #logId: LogId;
  readonly #fetch: Fetch;
  readonly #now: () => number;
  /** By path. */
  readonly #tiles = new BoundedMap<string, Uint8Array>(MAX_TILES);

  /** `url` is the monitoring prefix and ends in '/', as every Log's does. */
  constructor(url: string, logId: LogId, fetch: Fetch, now: () => number = Date.now) {
    this.#url = url;
    this.#logId = logId;
    this.#fetch = fetch;
    this.#now = now;
  }

  async treeHead(): Promise<Statement> {
    const { status, body, ...answer } = await this.#get('checkpoint');
    if (status !== 200) throw this.#unavailable(`checkpoint: HTTP ${status}`, answer);
    let head: Statement | undefined;
    try {
      head = treeHeadOf(parseCheckpoint(body.toString('utf8')), this.#logId);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw this.#unavailable(`checkpoint: ${messageOf(error)}`, answer);
    }
    if (head === undefined)
      throw this.#unavailable("checkpoint: no signature of the log's key", answer);
    return head;
  }

  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    return this.#tree(second).consistencyProof(first);
  }

  inclusionProof({ leafIndex }: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]> {
    return this.#tree(treeSize).inclusionProof(leafIndex);
  }

  /**
   * Tiles have leaves by index; by hash there is no asking (static-ct-api has no such endpoint).
   */
  leafProof(): Promise<never> {
    return Promise.reject(
      new LogError('log-refused', 'a static-ct log cannot be asked for a leaf by its hash'),
    );
  }

  #tree(size: bigint): TiledTree {
    return new TiledTree(size, (place) => this.#tile(place));
  }

  /**
   * A partial tile may be gone once the full one is there (static-ct-api, "Merkle Tree"): then that
   * one is cut. Throws LogError 'log-refused' where the log has neither.
   */
  async #tile(place: TilePlace): Promise<Uint8Array> {
    const full = { ...place, width: TILE_WIDTH };
    const known = this.#tiles.get(tilePath(place)) ?? this.#tiles.get(tilePath(full));
    if (known !== undefined) return known.subarray(0, place.width * HASH_BYTES);
    let got = await this.#get(tilePath(place));
    let width = place.width;
    if (got.status === 404 && width < TILE_WIDTH) {
      got = await this.#get(tilePath(full));
      width = TILE_WIDTH;
    }
    const { status, body } = got;
    const path = tilePath({ ...place, width });
    if (status === 400 || status === 404 || status === 410)
      throw new LogError('log-refused', `${path}: HTTP ${status}`, waitOf(got, this.#now()));
    if (status !== 200) throw this.#unavailable(`${path}: HTTP ${status}`, got);
    if (body.length !== width * HASH_BYTES) {
      throw this.#unavailable(`${path}: ${body.length} bytes, want ${width * HASH_BYTES}`, got);
    }
    this.#tiles.set(path, body);
    return body.subarray(0, place.width * HASH_BYTES);
  }

  #get(path: string): Promise<HttpAnswer> {
    return this.#fetch(`${this.#url}${path}`);
  }

  #unavailable(message: string, answer: Pick<HttpAnswer, 'retryAfter'>): LogError {
    return new LogError('log-unavailable', message, waitOf(answer, this.#now()));
  }
}
