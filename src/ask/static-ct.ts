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
import { messageOf } from '../base/errors.ts';
import type { Fetch } from '../http/request.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { TILE_WIDTH, TiledTree, tilePath, type TilePlace } from '../merkle/tiles.ts';
import { parseCheckpoint, treeHeadOf } from '../statements/checkpoint.ts';
import type { LogId, Statement } from '../statements/statement.ts';
import { LogError, type Asker, type LeafQuestion } from './asker.ts';
import { LogHttp, type LogAnswer } from './log-http.ts';

const HASH_BYTES = 32;
/** Some 8 MB. Proofs of one log share most of their tiles. */
const MAX_TILES = 1000;

export class StaticCtAsker implements Asker {
  readonly #http: LogHttp;
  readonly #logId: LogId;
  /** Tiles by path. */
  readonly #tiles = new BoundedMap<string, Uint8Array>(MAX_TILES);

  /** `url` is the monitoring prefix and ends in '/', as that of every Log does. */
  constructor(url: string, logId: LogId, fetch: Fetch, now: () => number = Date.now) {
    this.#http = new LogHttp(url, fetch, now);
    this.#logId = logId;
  }

  async treeHead(): Promise<Statement> {
    const answer = await this.#http.get('checkpoint');
    if (answer.status !== 200) throw unavailable(`checkpoint: HTTP ${answer.status}`, answer);
    let head: Statement | undefined;
    try {
      head = treeHeadOf(parseCheckpoint(answer.body.toString('utf8')), this.#logId);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw unavailable(`checkpoint: ${messageOf(error)}`, answer);
    }
    if (head === undefined) throw unavailable("checkpoint: no signature of the log's key", answer);
    return head;
  }

  consistencyProof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    return this.#tree(second).consistencyProof(first);
  }

  inclusionProof({ leafIndex }: LeafQuestion, treeSize: bigint): Promise<MerkleHash[]> {
    return this.#tree(treeSize).inclusionProof(leafIndex);
  }

  /** Tiles have leaves by index, and static-ct-api has no endpoint that finds one by its hash. */
  leafProof(): Promise<never> {
    return Promise.reject(
      new LogError('log-refused', 'a static-ct log cannot be asked for a leaf by its hash'),
    );
  }

  #tree(size: bigint): TiledTree {
    return new TiledTree(size, (place) => this.#tile(place));
  }

  /**
   * A log may delete a partial tile once the full one is there (static-ct-api, "Merkle Tree"); then
   * the full one is cut. Rejects with `log-refused` where the log has neither.
   */
  async #tile(place: TilePlace): Promise<Uint8Array> {
    const full = { ...place, width: TILE_WIDTH };
    const known = this.#tiles.get(tilePath(place)) ?? this.#tiles.get(tilePath(full));
    if (known !== undefined) return known.subarray(0, place.width * HASH_BYTES);
    let answer = await this.#http.get(tilePath(place));
    let { width } = place;
    if (answer.status === 404 && width < TILE_WIDTH) {
      answer = await this.#http.get(tilePath(full));
      width = TILE_WIDTH;
    }
    const { status, body, retryAfter } = answer;
    const path = tilePath({ ...place, width });
    if (status === 400 || status === 404 || status === 410)
      throw new LogError('log-refused', `${path}: HTTP ${status}`, { retryAfter });
    if (status !== 200) throw unavailable(`${path}: HTTP ${status}`, answer);
    if (body.length !== width * HASH_BYTES)
      throw unavailable(`${path}: ${body.length} bytes, want ${width * HASH_BYTES}`, answer);
    this.#tiles.set(path, body);
    return body.subarray(0, place.width * HASH_BYTES);
  }
}

function unavailable(message: string, { retryAfter }: LogAnswer): LogError {
  return new LogError('log-unavailable', message, { retryAfter });
}
