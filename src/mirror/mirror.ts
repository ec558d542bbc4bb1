/**
 * A log as DNS answers for it: its tree head, published at most once an hour, and its proofs,
 * fetched once.
 *
 * Hourly, because a head is a mark: whoever gave each client another could follow it by what it
 * tells others (CT gossip draft, "STH" privacy considerations: fresh heads of a log are to be few).
 * A head is only published if the log signed it and its tree is no smaller than the last; when the
 * log fails, what is published stays.
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
  /** Milliseconds between two heads published. */
  readonly interval: number;
  readonly now: () => number;
  /** What was published before, for a server that was started again. */
  readonly last: Published | undefined;
  readonly onPublished: (log: Log, published: Published) => void;
  readonly onFailed: (log: Log, error: Error) => void;
}

/** Proofs of one log that are remembered, the latest used. At some 30 hashes each, 10 MB. */
const MAX_PROOFS = 10_000;
/**
 * Questions to the log under way at once; a question more is answered with SERVFAIL, and asked
 * again.
 */
const MAX_IN_FLIGHT = 16;
const RETRY: BackOff = { first: 30_000, longest: 3_600_000, scatter: [0.5, 1] };
/** What a log refused is not asked again so soon. */
const REFUSAL_MS = 60_000;

export class Mirror implements ZoneSource {
  readonly proofs: ProofSource = {
    leafIndex: (leafHash) => this.#leafIndex(leafHash),
    consistency: (first, second) =>
      this.#proof(`${first} ${second}`, second, (client) => client.consistencyProof(first, second)),
    // A log that is asked by hash cannot be asked by index alone.
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
  /** Of leaves that were asked about by hash, for logs that answer by hash alone. */
  readonly #leafHashes = new BoundedMap<bigint, MerkleHash>(MAX_PROOFS);
  #inFlight = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#published = options.last;
  }

  /** The TXT text. Rejects with LogError while no head of the log was ever published. */
  async treeHead(): Promise<string> {
    const { interval, now } = this.#options;
    const due = this.#published === undefined || now() - this.#published.at >= interval;
    if (due && now() >= this.#notBefore) {
      this.#fetching ??= this.#publish().finally(() => (this.#fetching = undefined));
      // Only the first asker ever waits for the log: when it answers must not show to whom somebody
      // is looking.
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

  /** Of trees that are published alone: of others nobody has a head. */
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
    // Remembered for a while too, or a log that refuses would be asked by every client.
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
