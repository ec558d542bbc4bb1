/**
 * What we owe to a log that asks to be left alone for a while: a short wait is waited out, and
 * after a long one is asked for nothing more is sent.
 */
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { parseRetryAfter } from '../http/retry-after.ts';
import { LogError, type Asker } from './asker.ts';

/** The most that is waited in all. */
const MAX_WAIT_MS = 30_000;
/** What is added to a wait, because clocks are not read at the same moment. */
const MARGIN_MS = 100;

/** One for everything that asks a log on one occasion, whatever path it takes. */
export class Courtesy {
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  #quietUntil = 0;
  #left = MAX_WAIT_MS;

  /** `now` is in milliseconds since the epoch. What `sleep` rejects with, the askers do. */
  constructor(now: () => number, sleep: (milliseconds: number) => Promise<void>) {
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Until when the log wants to be left alone; 0 where it never said so. */
  get quietUntil(): number {
    return this.#quietUntil;
  }

  /** Whether the log wants to be left alone now. */
  get isQuiet(): boolean {
    return this.#now() < this.#quietUntil;
  }

  /** Sends nothing while the log wants to be left alone: HttpError `http-no-answer`. */
  fetch(fetch: Fetch): Fetch {
    return async (url, options) => {
      if (this.isQuiet) {
        const until = new Date(this.#quietUntil).toISOString();
        throw new HttpError('http-no-answer', `the log asked not to be asked before ${until}`);
      }
      const answer = await fetch(url, options);
      const wait = parseRetryAfter(answer.retryAfter, this.#now());
      if (answer.status !== 200 && wait !== undefined)
        this.#quietUntil = Math.max(this.#quietUntil, this.#now() + wait);
      return answer;
    };
  }

  /** Asks as `asker` does, and asks again after a wait if that is short. */
  asker(asker: Asker): Asker {
    return {
      treeHead: () => this.#patiently(() => asker.treeHead()),
      consistencyProof: (first, second) =>
        this.#patiently(() => asker.consistencyProof(first, second)),
      inclusionProof: (leaf, treeSize) =>
        this.#patiently(() => asker.inclusionProof(leaf, treeSize)),
      leafProof: (leafHash, treeSize) => this.#patiently(() => asker.leafProof(leafHash, treeSize)),
      leafHashes: (start, end, treeSize) =>
        this.#patiently(() => asker.leafHashes(start, end, treeSize)),
    };
  }

  async #patiently<T>(question: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await question();
      } catch (error) {
        const wait = error instanceof LogError ? error.retryAfter : undefined;
        if (wait === undefined || wait + MARGIN_MS > this.#left) throw error;
        this.#left -= wait + MARGIN_MS;
        await this.#sleep(wait + MARGIN_MS);
      }
    }
  }
}
