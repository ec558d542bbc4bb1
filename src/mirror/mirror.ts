// SPDX-License-Identifier: Apache-2.0
/**
 * The mirror of a log, from which the DNS server answers: the tree head that is published of it,
 * and its proofs, each fetched once.
 *
 * Proofs are made of hashes that are here, or the log is asked for them, about published trees
 * alone: if the log had given a client a tree of a size that nobody else has, that client's
 * question, passed on, would tell the log that the client asks here.
 */
import { BoundedMap } from '../base/bounded-map.ts';
import { CtgaError } from '../base/errors.ts';
import type { Comparison } from '../follow/known-hashes.ts';
import type { ProofSource, ZoneSource } from './authority.ts';
import { LogError, type Asker, type LeafProof } from '../ask/asker.ts';
import type { Log } from '../logs/log.ts';
import { equalHash, type MerkleHash } from '../merkle/hash.ts';
import { isPowerOfTwo } from '../merkle/proof.ts';
import { checkpointRdata } from '../sources/checkpoints/text.ts';
import { isCheckpointKey } from '../statements/key.ts';
import { formatTreeHeadText } from '../statements/text.ts';
import type { Publication, Published } from './publication.ts';

export interface MirrorOptions {
  readonly log: Log;
  readonly client: Asker;
  readonly publication: Publication;
  /** The log's tree of a size, where hashes of it are here; may throw CtgaError. */
  readonly hashes: (size: bigint) => Comparison | undefined;
  readonly now: () => number;
  readonly onFailed: (log: Log, error: Error) => void;
}

/** The most proofs of one log that are remembered: 10 MB, at some 30 hashes each. */
const MAX_ANSWERS = 10_000;
/**
 * The most questions to the log that are under way at once. Beyond that, a client gets SERVFAIL and
 * can ask again.
 */
const MAX_IN_FLIGHT = 16;
/** How long a refusal of the log is remembered. */
const REFUSAL_MS = 60_000;

type Proof = readonly MerkleHash[];
/** What the log answered, by question, and until when that holds; milliseconds since the epoch. */
type Memory<T> = BoundedMap<string, { readonly answer: Promise<T>; readonly until: number }>;

export class Mirror implements ZoneSource {
  readonly proofs: ProofSource = {
    leafIndex: (leafHash) => this.#leafIndex(leafHash),
    consistency: (first, second) => this.#consistency(first, second),
    inclusion: (leafIndex, treeSize) => this.#inclusion(leafIndex, treeSize),
  };
  readonly #options: MirrorOptions;
  /** As last seen, and another version for each, and when the hashes prove to be of another tree. */
  #published: Published | undefined;
  #version: object | undefined;
  /** Whether the published tree is the one of the hashes; undefined where that is not known. */
  #agreement: boolean | undefined;
  readonly #proofs: Memory<Proof> = new BoundedMap(MAX_ANSWERS);
  readonly #leaves: Memory<LeafProof> = new BoundedMap(MAX_ANSWERS);
  /** Hashes of leaves that clients have asked about, for logs that answer only by hash. */
  readonly #leafHashes = new BoundedMap<bigint, MerkleHash>(MAX_ANSWERS);
  #inFlight = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    const { key } = options.log;
    if (isCheckpointKey(key))
      this.checkpoint = async (room) => checkpointRdata((await this.#head()).head, key, room);
    this.#published = options.publication.current();
    this.#version = this.#published && {};
  }

  version(isForHead: boolean): object | undefined {
    if (isForHead) void this.#options.publication.renew();
    this.#see();
    return this.#version;
  }

  /** Of a log that signs checkpoints. Rejects with LogError until one has been published. */
  readonly checkpoint?: (room: number) => Promise<Uint8Array>;

  /** The text of the TXT record. Rejects with LogError until a tree head has been published. */
  async treeHead(): Promise<string> {
    return formatTreeHeadText((await this.#head()).head);
  }

  async #head(): Promise<Published> {
    const renewed = this.#options.publication.renew()?.then(() => this.#see());
    // Only the very first client waits for the log: response times must not tell clients whether
    // somebody else has asked.
    if (this.#see() === undefined) await renewed;
    const published = this.#see();
    if (published === undefined)
      throw new LogError('log-unavailable', 'no tree head of the log is known yet');
    return published;
  }

  #see(): Published | undefined {
    const published = this.#options.publication.current();
    if (published === this.#published) return published;
    this.#published = published;
    this.#version = {};
    this.#agreement = undefined;
    this.#agrees();
    return published;
  }

  async #leafIndex(leafHash: MerkleHash): Promise<bigint> {
    const { head } = this.#see() ?? (await this.#head());
    const { treeSize } = head;
    const key = Buffer.from(leafHash).toString('latin1');
    const { leafIndex } = await this.#remembered(this.#leaves, key, async (client) => {
      const leaf = await client.leafProof(leafHash, treeSize);
      const answer = Promise.resolve(leaf.path);
      this.#proofs.set(`tree ${leaf.leafIndex} ${treeSize}`, { answer, until: Infinity });
      this.#leafHashes.set(leaf.leafIndex, leafHash);
      return leaf;
    });
    return leafIndex;
  }

  async #consistency(first: bigint, second: bigint): Promise<Proof | undefined> {
    if (first <= 0n || first >= second) return undefined;
    this.#see();
    const known = await this.#ofHashes(second, (asker) => asker.consistencyProof(first, second));
    if (known !== undefined) return known;
    const isOfPublished =
      this.#isPublished(second) && (this.#isPublished(first) || this.#decides(first));
    if (!isOfPublished) return undefined;
    return this.#remembered(this.#proofs, `${first} ${second}`, (client) =>
      client.consistencyProof(first, second),
    );
  }

  async #inclusion(leafIndex: bigint, treeSize: bigint): Promise<Proof | undefined> {
    if (leafIndex >= treeSize) return undefined;
    this.#see();
    // An RFC 6962 log must be asked by hash, so an index alone is not enough.
    const leaf = { leafIndex, leafHash: this.#leafHashes.get(leafIndex) };
    const known = await this.#ofHashes(treeSize, (asker) => asker.inclusionProof(leaf, treeSize));
    if (known !== undefined) return known;
    if (!this.#isPublished(treeSize)) return undefined;
    return this.#remembered(this.#proofs, `tree ${leafIndex} ${treeSize}`, (client) =>
      client.inclusionProof(leaf, treeSize),
    );
  }

  /** A proof about the tree of this size from the hashes that are here, if they suffice. */
  async #ofHashes(
    size: bigint,
    ask: (asker: Comparison['asker']) => Promise<Proof>,
  ): Promise<Proof | undefined> {
    const asker = this.#agrees() ? this.#known(size)?.asker : undefined;
    try {
      return asker && (await ask(asker));
    } catch (error) {
      // A hash is not here, or the file of hashes cannot be read.
      if (!(error instanceof CtgaError)) throw error;
      return undefined;
    }
  }

  /**
   * Whether the published tree is the one that the hashes are of, so far as they tell. If it is not,
   * the log has shown two trees, and proofs from the other one are of no use to anybody.
   */
  #agrees(): boolean {
    const { log, onFailed } = this.#options;
    const { head } = this.#published ?? {};
    const root = this.#agreement === undefined && head && this.#known(head.treeSize)?.root;
    if (head === undefined || !root) return this.#agreement ?? true;
    this.#agreement = equalHash(root, head.rootHash);
    if (!this.#agreement) {
      this.#version = {};
      const { treeSize } = head;
      const message = `its tree of size ${treeSize} is another than the one that it shows to ctga challenge. The head is in dns/dns-published-*.json in the state directory: have it judged with ctga heads import`;
      onFailed(log, new LogError('log-unavailable', message));
    }
    return this.#agreement;
  }

  /** The tree of this size by the hashes that are here, if they can be read and suffice. */
  #known(size: bigint): Comparison | undefined {
    try {
      return this.#options.hashes(size);
    } catch (error) {
      if (!(error instanceof CtgaError)) throw error;
      return undefined;
    }
  }

  #isPublished(size: bigint): boolean {
    return this.#published?.sizes.has(size) === true;
  }

  /**
   * Whether the consistency proof from `first` decides about a published tree of which the log's
   * own proof says nothing: its size is a power of two, and the proof from the next size has its
   * root (evidence/judge.ts).
   */
  #decides(first: bigint): boolean {
    return isPowerOfTwo(first - 1n) && this.#isPublished(first - 1n);
  }

  async #remembered<T>(
    memory: Memory<T>,
    key: string,
    ask: (client: Asker) => Promise<T>,
  ): Promise<T> {
    const { now } = this.#options;
    const known = memory.get(key);
    if (known !== undefined && known.until > now()) return known.answer;
    if (this.#inFlight >= MAX_IN_FLIGHT)
      throw new LogError('log-unavailable', 'too many questions at once');
    const answer = this.#counted(ask);
    memory.set(key, { answer, until: Infinity });
    // Refusals are remembered too, or every client would make the mirror ask again.
    answer.catch(() => memory.set(key, { answer, until: now() + REFUSAL_MS }));
    return answer;
  }

  async #counted<T>(ask: (client: Asker) => Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await ask(this.#options.client);
    } finally {
      this.#inFlight -= 1;
    }
  }
}
