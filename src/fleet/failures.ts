// SPDX-License-Identifier: Apache-2.0
/**
 * What fails in a service that goes on all the same, such as writing to a disk that is full: told once,
 * and once more when it is over. It is over when it works and has not failed for a minute: a disk that
 * is nearly full takes one batch and not the next.
 */
import { BoundedMap } from '../base/bounded-map.ts';

export type FailureEvent = { readonly event: 'failed' | 'mended'; readonly message: string };

interface Failure {
  readonly message: string;
  readonly at: number;
  readonly works: boolean;
}

const CALM_MS = 60_000;
/** What is told again and again, whatever is done about it, is told so often. */
const NEWS_MS = 3_600_000;
const MOST_NEWS = 4096;

export class Failures {
  readonly #onEvent: (event: FailureEvent) => void;
  readonly #elapsed: () => number;
  readonly #failing = new Map<string, Failure>();
  readonly #news = new BoundedMap<string, number>(MOST_NEWS);

  /** `elapsed`: the monotonic clock, in ms. */
  constructor(onEvent: (event: FailureEvent) => void, elapsed: () => number) {
    this.#onEvent = onEvent;
    this.#elapsed = elapsed;
  }

  /** `what` failed, and why, as a sentence without its end. */
  failed(what: string, message: string): void {
    const known = this.#failing.get(what);
    // One full disk is one failure, whatever was to be written there.
    if (known === undefined && !this.#has(message)) this.#onEvent({ event: 'failed', message });
    this.#failing.set(what, {
      message: known?.message ?? message,
      at: this.#elapsed(),
      works: false,
    });
  }

  works(what: string): void {
    const known = this.#failing.get(what);
    if (known !== undefined) this.#failing.set(what, { ...known, works: true });
  }

  /** To be called now and then: tells what is over. */
  look(): void {
    for (const [what, { message, at, works }] of this.#failing) {
      if (!works || this.#elapsed() - at < CALM_MS) continue;
      this.#failing.delete(what);
      if (!this.#has(message)) this.#onEvent({ event: 'mended', message });
    }
  }

  /** Whether this was not told within the last hour; it is then. */
  isNews(what: string): boolean {
    const now = this.#elapsed();
    const told = this.#news.get(what);
    if (told !== undefined && now - told < NEWS_MS) return false;
    this.#news.set(what, now);
    return true;
  }

  #has(message: string): boolean {
    return [...this.#failing.values()].some((each) => each.message === message);
  }
}
