// SPDX-License-Identifier: Apache-2.0
/**
 * The one tree head of a log that is shown to everybody.
 *
 * It is another one at most once an hour, because a tree head can mark a client: a log that gave
 * each client another tree head could recognise the client by what it tells others (CT gossip
 * draft, privacy considerations on STHs). A tree head is published only if the log signed it and
 * the tree is no smaller than the last one. If the log fails, what is published stays.
 */
import { backOff, type BackOff } from '../base/back-off.ts';
import { LogError, type Asker } from '../ask/asker.ts';
import { askForSignedHead } from '../ask/signed-head.ts';
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { PublishedHeads } from './published.ts';

export interface Published {
  readonly head: VerifiedStatement;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The sizes of the trees that were published, MAX_SIZES at most; that of the head is the last. */
  readonly sizes: ReadonlySet<bigint>;
}

/** One an hour for over a year. Nobody gets proofs of trees that were published before these. */
export const MAX_SIZES = 10_000;

export interface Publication {
  /** What is published now, the same object for as long as that is so. */
  current(): Published | undefined;
  /**
   * Somebody asks for it: asks the log, if it is time. What is under way resolves when it is over,
   * well or badly.
   */
  renew(): Promise<void> | undefined;
}

export interface HourlyOptions {
  readonly log: Log;
  readonly client: Pick<Asker, 'treeHead'>;
  /** The least number of milliseconds between two published tree heads. */
  readonly interval: number;
  readonly now: () => number;
  /** What an earlier run published last. */
  readonly last: Published | undefined;
  readonly onPublished: (log: Log, published: Published) => void;
  readonly onFailed: (log: Log, error: Error) => void;
}

const RETRY: BackOff = { first: 30_000, longest: 3_600_000, scatter: [0.5, 1] };

/** The log is asked for its tree head when somebody asks for it and it is due. */
export class HourlyPublication implements Publication {
  readonly #options: HourlyOptions;
  #published: Published | undefined;
  #fetching: Promise<void> | undefined;
  #failures = 0;
  #notBefore = 0;

  constructor(options: HourlyOptions) {
    this.#options = options;
    this.#published = options.last;
  }

  current(): Published | undefined {
    return this.#published;
  }

  renew(): Promise<void> | undefined {
    if (this.#options.now() >= this.due)
      this.#fetching ??= this.#publish().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  /** From when on the log is asked again; milliseconds since the epoch. */
  get due(): number {
    const { interval } = this.#options;
    return Math.max(
      this.#notBefore,
      this.#published === undefined ? 0 : this.#published.at + interval,
    );
  }

  async #publish(): Promise<void> {
    const { log, client, now, onPublished, onFailed } = this.#options;
    try {
      const head = await askForSignedHead(log, client);
      const before = this.#published?.head;
      if (before !== undefined && head.treeSize < before.treeSize)
        throw new LogError(
          'log-unavailable',
          `its tree of size ${head.treeSize} is smaller than the one published, of ${before.treeSize}`,
        );
      const sizes = [...new Set(this.#published?.sizes).add(head.treeSize)].slice(-MAX_SIZES);
      const published = { head, at: now(), sizes: new Set(sizes) };
      onPublished(log, published);
      this.#published = published;
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#failures += 1;
      const asked = error instanceof LogError ? (error.retryAfter ?? 0) : 0;
      this.#notBefore = now() + Math.max(asked, backOff(RETRY, this.#failures));
      onFailed(log, error);
    }
  }
}

/** How soon it is seen that another process has published something else. */
const LOOK_MS = 1000;

/** What another process publishes and writes down (`ctga dns publish`). The log is asked nothing. */
export class PublicationElsewhere implements Publication {
  readonly #log: Log;
  readonly #heads: PublishedHeads;
  readonly #now: () => number;
  #looked = -Infinity;
  #mark: string | undefined;
  #published: Published | undefined;

  constructor(log: Log, heads: PublishedHeads, now: () => number) {
    this.#log = log;
    this.#heads = heads;
    this.#now = now;
  }

  current(): Published | undefined {
    const elapsed = this.#now() - this.#looked;
    // The clock may have been put back.
    if (elapsed < 0 || elapsed >= LOOK_MS) {
      this.#looked = this.#now();
      const mark = this.#heads.mark(this.#log);
      if (mark !== this.#mark) this.#published = this.#heads.get(this.#log) ?? this.#published;
      this.#mark = mark;
    }
    return this.#published;
  }

  renew(): undefined {
    return undefined;
  }
}
