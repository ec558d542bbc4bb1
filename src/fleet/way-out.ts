// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a challenger's way to the logs leads anywhere, by what became of its questions: a proxy may
 * be there and have no way on. Nothing is asked to find that out, since a log that is asked at another
 * time than chance has drawn could tell by whom. Pure.
 */
import { drawn } from '../base/chance.ts';

export interface WayOutOptions {
  /** In which one that is cut off is replaced, in milliseconds. */
  readonly lease: number;
  /** 0 <= x < 1, and a log cannot foretell it. */
  readonly chance: () => number;
}

/** So many logs say that it is the way, and not a log; all, where a challenger has fewer. */
const LOGS = 3;

export class WayOut {
  readonly #options: WayOutOptions;
  /** Logs that gave no answer since one last did. */
  readonly #silent = new Set<string>();
  /** When the first of them was asked. */
  #since = 0;
  /** When one last did. */
  #answered = -Infinity;
  #isLost = false;
  /** The one log that is still asked, to learn whether there is a way again. */
  #trial: { readonly log: string; readonly since: number } | undefined;
  /** Until when none is: each that is tried waits for its answer, which another could get. */
  #rest = 0;

  constructor(options: WayOutOptions) {
    this.#options = options;
  }

  /**
   * `isAnswer`: whatever it was, somebody answered in the log's name. `asked`: when the log was asked,
   * which may be long ago, since a proxy that says nothing is waited for; by the monotonic clock, as `at`.
   */
  heard(log: string, isAnswer: boolean, asked: number, at: number): void {
    if (isAnswer) {
      this.#answered = at;
      this.#silent.clear();
      this.#isLost = false;
      this.#trial = undefined;
      return;
    }
    const since = Math.max(asked, this.#answered);
    this.#since = this.#silent.size === 0 ? since : Math.min(this.#since, since);
    this.#silent.add(log);
    if (this.#trial?.log !== log) return;
    this.#rest = at + Math.max(this.#options.lease, at - this.#trial.since);
    this.#trial = undefined;
  }

  /** Whether nothing was heard for as long as a lease, of logs enough; `held`: how many it may ask. */
  isLost(held: number, at: number): boolean {
    const isLong = at - this.#since >= this.#options.lease;
    const enough = Math.max(1, Math.min(LOGS, held));
    if (isLong && this.#silent.size >= enough) this.#isLost = true;
    return this.#isLost;
  }

  /** Which of these is to be tried: the one that is being tried, or one by chance, or none for a while. */
  trial(logs: readonly string[], at: number): string | undefined {
    const { log = '' } = this.#trial ?? {};
    if (logs.includes(log)) return log;
    if (at < this.#rest || logs.length === 0) return undefined;
    const next = logs[drawn(logs.length, this.#options.chance)];
    if (next !== undefined) this.#trial = { log: next, since: at };
    return next;
  }
}
