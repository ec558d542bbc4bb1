// SPDX-License-Identifier: Apache-2.0
/**
 * What we owe to a log that asks to be left alone for a while: a short wait is waited out, and
 * after a long one is asked for nothing more is sent.
 */
import { HttpError } from '../http/error.ts';
import type { Fetch } from '../http/request.ts';
import { waitAskedFor } from './log-http.ts';

/** The most that is waited in all. */
const MAX_WAIT_MS = 30_000;
/** What is added to a wait, because clocks are not read at the same moment. */
const MARGIN_MS = 100;

/**
 * One for all requests that a log may know to come from one client, however many are under way at
 * once: an answer to any of them silences all. Whoever has several identities takes one for each,
 * or the log learns which of them belong together.
 */
export class Courtesy {
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<void>;
  #quietUntil = 0;
  #left = MAX_WAIT_MS;
  /** The wait that holds up all requests, and when it ends. */
  #waiting: Promise<void> | undefined;
  #waitUntil = 0;

  /** `now` is in milliseconds since the epoch. What `sleep` rejects with, the fetches do. */
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

  /**
   * Fetches as `fetch` does, and again after a wait if the answer asks for a short one; otherwise
   * the answer is the result. Sends nothing while the log wants to be left alone for long: HttpError
   * `http-no-answer`.
   */
  fetch(fetch: Fetch): Fetch {
    return async (url, options) => {
      for (;;) {
        while (this.#waiting !== undefined) await this.#waiting;
        if (this.isQuiet) {
          const until = new Date(this.#quietUntil).toISOString();
          throw new HttpError('http-no-answer', `the log asked not to be asked before ${until}`);
        }
        const answer = await fetch(url, options);
        const wait = waitAskedFor(answer, this.#now());
        if (wait === undefined || !this.#hold(wait)) return answer;
      }
    };
  }

  /** Notes that the log asked for a wait; returns whether it is short enough to be waited out. */
  #hold(wait: number): boolean {
    const now = this.#now();
    this.#quietUntil = Math.max(this.#quietUntil, now + wait);
    const end = this.#quietUntil + MARGIN_MS;
    const more = end - (this.#waiting === undefined ? now : this.#waitUntil);
    if (more > this.#left) return false;
    if (more > 0) {
      this.#left -= more;
      this.#waitUntil = end;
      const waiting = this.#waitAnother(more).finally(() => {
        if (this.#waiting === waiting) this.#waiting = undefined;
      });
      this.#waiting = waiting;
    }
    return true;
  }

  async #waitAnother(milliseconds: number): Promise<void> {
    await this.#waiting;
    await this.#sleep(milliseconds);
  }
}
