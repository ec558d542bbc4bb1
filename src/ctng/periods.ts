// SPDX-License-Identifier: Apache-2.0
/** CTng's time. A period is a minute of the hour, or what stands for a minute. Pure. */

/** In an hour, after which their numbers come again. */
export const PERIODS = 60;
const MINUTE_MS = 60_000;

export class Periods {
  /** Of one, in milliseconds. The Go programs know none but a minute. */
  readonly length: number;
  readonly #now: () => number;

  constructor(length = MINUTE_MS, now: () => number = Date.now) {
    this.length = length;
    this.#now = now;
  }

  /** In milliseconds since the epoch. */
  get now(): number {
    return this.#now();
  }

  /** The number of the current one, from 0 to 59. */
  get current(): number {
    return Math.floor(this.#now() / this.length) % PERIODS;
  }

  /** Whether it is the current one, or one beside it: clocks differ, and messages take time. */
  isNear(period: string): boolean {
    return [0, 1, PERIODS - 1].includes((Number(period) - this.current + PERIODS) % PERIODS);
  }

  /**
   * Milliseconds until the next moment that is so far into a period, as a share of it: never 0.
   * `every` periods lie between two such moments.
   */
  until(share: number, every = 1): number {
    const round = this.length * every;
    return round - ((((this.#now() - share * this.length) % round) + round) % round);
  }

  /** The time as RFC 3339 has it, to the second. */
  get timestamp(): string {
    return `${new Date(this.#now()).toISOString().slice(0, 19)}Z`;
  }
}
