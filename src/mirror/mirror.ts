/**
 * The mirror of a log, from which the DNS server answers: the log's tree head, published at most
 * once an hour, and its proofs, each fetched once.
 *
 * It is hourly because a tree head can mark a client: a log that gave each client another tree head
 * could recognise the client by what it tells others (CT gossip draft, privacy considerations on
 * STHs). The mirror publishes a tree head only if the log signed it and the tree is no smaller than
 * the last one. If the log fails, what is published stays.
 */
import { backOff, type BackOff } from '../base/back-off.ts';
import { BoundedMap } from '../base/bounded-map.ts';
import type { ProofSource, ZoneSource } from './authority.ts';
import { LogError, type Asker } from '../ask/asker.ts';
import type { Log } from '../logs/log.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import { formatTreeHeadText } from '../statements/text.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';

export interface Published {
  readonly head: VerifiedStatement;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface MirrorOptions {
  readonly log: Log;
  readonly client: Asker;
  /** The least number of milliseconds between two published tree heads. */
  readonly interval: number;
  readonly now: () => number;
  /** What an earlier run published last. */
  readonly last: Published | undefined;
  readonly onPublished: (log: Log, published: Published) => void;
  readonly onFailed: (log: Log, error: Error) => void;
}

/** The most proofs of one log that are remembered: 10 MB, at some 30 hashes each. */
const MAX_PROOFS = 10_000;
/**
 * The most questions to the log that are under way at once. Beyond that, a client gets SERVFAIL and
 * can ask again.
 */
const MAX_IN_FLIGHT = 16;
const RETRY: BackOff = { first: 30_000, longest: 3_600_000, scatter: [0.5, 1] };
/** How long a refusal of the log is remembered. */
const REFUSAL_MS = 60_000;

export class Mirror implements ZoneSource {
  readonly proofs: ProofSource = {
    leafIndex: (leafHash) => this.#leafIndex(leafHash),
    consistency: (first, second) =>
      this.#proof(`${first} ${second}`, second, (client) => client.consistencyProof(first, second)),
    // An RFC 6962 log must be asked by hash, so an index alone is not enough.
    inclusion: (leafIndex, treeSize) =>
      this.#proof(`tree ${leafIndex} ${treeSize}`, treeSize, (client) =>
        client.inclusionProof({ leafIndex, leafHash: this.#leafHashes.get(leafIndex) }, treeSize),
      ),
  };
  readonly #options: MirrorOptions;
  #published: Published | undefined;
  #fetching: Promise<void> | undefined;
  #failures = 0;
  #notBefore = 0;
  readonly #known = new BoundedMap<
    string,
    { readonly proof: Promise<readonly MerkleHash[]>; readonly until: number }
  >(MAX_PROOFS);
  /** Hashes of leaves that clients have asked about, for logs that answer only by hash. */
  readonly #leafHashes = new BoundedMap<bigint, MerkleHash>(MAX_PROOFS);
  #inFlight = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#published = options.last;
  }

  /** The text of the TXT record. Rejects with LogError until a tree head has been published. */
  async treeHead(): Promise<string> {
    const { interval, now } = this.#options;
    const due = this.#published === undefined || now() - this.#published.at >= interval;
    if (due && now() >= this.#notBefore) {
      this.#fetching ??= this.#publish().finally(() => (this.#fetching = undefined));
      // Only the very first client waits for the log: response times must not tell clients whether
      // somebody else has asked.
      if (this.#published === undefined) await this.#fetching;
    }
    if (this.#published === undefined)
      throw new LogError('log-unavailable', 'no tree head of the log is known yet');
    return formatTreeHeadText(this.#published.head);
  }

  async #publish(): Promise<void> {
    const { log, client, now, onPublished, onFailed } = this.#options;
    try {
      const head = verifyStatement(await client.treeHead(), log.key);
      if (head === undefined)
        throw new LogError('log-unavailable', 'its tree head is not signed by its key');
      const before = this.#published?.head;
      if (before !== undefined && head.treeSize < before.treeSize)
        throw new LogError(
          'log-unavailable',
          `its tree of size ${head.treeSize} is smaller than the one published, of ${before.treeSize}`,
        );
      this.#published = { head, at: now() };
      this.#failures = 0;
      onPublished(log, this.#published);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#failures += 1;
      const asked = error instanceof LogError ? (error.retryAfter ?? 0) : 0;
      this.#notBefore = now() + Math.max(asked, backOff(RETRY, this.#failures));
      onFailed(log, error);
    }
  }

  async #leafIndex(leafHash: MerkleHash): Promise<bigint> {
    const head = this.#published?.head ?? (await this.treeHead().then(() => this.#published?.head));
    if (head === undefined)
      throw new LogError('log-unavailable', 'no tree head of the log is known yet');
    const { leafIndex, path } = await this.#counted(() =>
      this.#options.client.leafProof(leafHash, head.treeSize),
    );
    this.#known.set(`tree ${leafIndex} ${head.treeSize}`, {
      proof: Promise.resolve(path),
      until: Infinity,
    });
    this.#leafHashes.set(leafIndex, leafHash);
    return leafIndex;
  }

  /** Gives proofs only for trees that are published, since nobody has a tree head of others. */
  async #proof(
    key: string,
    treeSize: bigint,
    ask: (client: Asker) => Promise<readonly MerkleHash[]>,
  ): Promise<readonly MerkleHash[]> {
    const { client, now } = this.#options;
    if (this.#published === undefined || treeSize > this.#published.head.treeSize)
      throw new LogError('log-refused', `no tree of size ${treeSize} was published`);
    const known = this.#known.get(key);
    if (known !== undefined && known.until > now()) return known.proof;
    const proof = this.#counted(() => ask(client));
    this.#known.set(key, { proof, until: Infinity });
    // Refusals are remembered too, or every client would make the mirror ask again.
    proof.catch(() => this.#known.set(key, { proof, until: now() + REFUSAL_MS }));
    return proof;
  }

  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= MAX_IN_FLIGHT)
      throw new LogError('log-unavailable', 'too many questions at once');
    this.#inFlight += 1;
    try {
      return await ask();
    } finally {
      this.#inFlight -= 1;
    }
  }
}
