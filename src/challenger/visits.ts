// SPDX-License-Identifier: Apache-2.0
/**
 * Asking logs as any mirror of them does, and settling what was seen of them when everything has
 * been sent: settling waits in a queue of its own, and what it does, how long it takes and whether
 * it fails changes nothing about the visits. It takes time of this process, which a log that is
 * being visited could measure, and it may wait for the observer to have written; so it pauses while
 * any log is being visited.
 */
import { LogError } from '../ask/asker.ts';
import { realSleep, type Sleep } from '../base/clock.ts';
import { CtgaError } from '../base/errors.ts';
import { visit, type Visit } from '../follow/follower.ts';
import type { HashStore } from '../follow/hash-store.ts';
import type { Log } from '../logs/log.ts';
import { uniform } from '../base/chance.ts';
import { failureOf, Settler, type SettleContext } from './settle.ts';
import { waysOut, type WayOptions } from '../http/ways.ts';
import { heardOf, isForAll, type Share } from './share.ts';

export interface VisitsOptions extends SettleContext, WayOptions {
  readonly hashes: HashStore;
  /** On how many ways a log is asked for its head at once. */
  readonly paths: number;
  /** The most bytes that are fetched of one log in a day. */
  readonly budget: number;
  /** For how many milliseconds hashes are kept. */
  readonly window: number;
  /** How many blocks are asked for in one visit. */
  readonly blocks: number;
  /** A real wait unless given. */
  readonly sleep?: Sleep;
  readonly onVisited: (log: Log, visited: Visit) => void;
  readonly onLogFailed: (log: Log, error: LogError) => void;
  /** Told of what kept a log from being followed or settled, and is no log's doing. Throws not. */
  readonly onFailed: (log: Log, error: unknown) => void;
  /** With others that ask the same logs: which this one may ask, and about what. */
  readonly share?: Share | undefined;
  /** follower.ts, but in tests. */
  readonly visit?: typeof visit;
}

/**
 * So long the settling of one log pauses at most, and then it goes on to its end. On a line so poor
 * that some log is being visited all the time, trees must come to their verdicts all the same.
 */
const MAX_PAUSE_MS = 3_600_000;

export class Visits {
  readonly #options: VisitsOptions;
  readonly #settler: Settler;
  #settling: Promise<void> = Promise.resolve();
  /** How many logs are being visited. */
  #underWay = 0;
  /** Whether a log that is being settled has paused for long enough. */
  #isOverdue = false;
  /** Called when none is any more. */
  #onQuiet: () => void = () => undefined;

  constructor(options: VisitsOptions) {
    this.#options = options;
    this.#settler = new Settler({ ...options, pause: () => this.#quiet() });
  }

  /**
   * Visits a log, and resolves when nothing more is sent to it; its trees are settled later.
   * Rejects with ProxyError where no path led to the log, and if the signal is given.
   */
  async ask(log: Log): Promise<void> {
    const options = this.#options;
    const { signal, sleep = realSleep, chance = uniform } = options;
    const { allowPrivateAddress } = log;
    const { share = isForAll } = options;
    const open = waysOut(options, { allowPrivateAddress, maySend: () => share.mayAsk(log) });
    let visited: Visit;
    this.#underWay += 1;
    try {
      visited = await (options.visit ?? visit)(log, {
        ...options,
        open: () => heardOf(open(), log, share),
        chance,
        sleep: (milliseconds) => sleep(milliseconds, signal),
        wanted: () => share.ours(log, this.#settler.wanted(log)),
      });
    } catch (error) {
      // What is kept of the hashes failed: a full disk, for one.
      if (signal.aborted || !(error instanceof CtgaError)) throw error;
      return options.onFailed(log, error);
    } finally {
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#onQuiet();
    }
    options.onVisited(log, visited);
    this.settle(log, visited);
    const failure = failureOf(visited);
    if (failure instanceof LogError) options.onLogFailed(log, failure);
    else if (failure !== undefined) throw failure;
  }

  /** The sizes that wait for a block; see Settler. */
  wanted(log: Log): readonly bigint[] {
    return this.#settler.wanted(log);
  }

  /** Has a log settled after all others that wait for it, with what a visit showed or without. */
  settle(log: Log, visited?: Visit): void {
    const { hashes, signal, onFailed } = this.#options;
    this.#settling = this.#settling.then(async () => {
      try {
        this.#isOverdue = false;
        await this.#quiet();
        signal.throwIfAborted();
        await this.#settler.settle(log, hashes.of(log), visited);
      } catch (error) {
        if (!signal.aborted) onFailed(log, error);
      }
    });
  }

  /** Resolves when everything that was to be settled by now is. Rejects never. */
  async settled(): Promise<void> {
    await this.#settling;
  }

  /** Resolves when no log is being visited, when it has waited for too long, or by the signal. */
  async #quiet(): Promise<void> {
    if (this.#underWay === 0 || this.#isOverdue) return;
    const { signal, sleep = realSleep } = this.#options;
    const pause = new AbortController();
    const end = (): void => pause.abort();
    this.#onQuiet = end;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    // It rejects when it is broken off.
    this.#isOverdue = await sleep(MAX_PAUSE_MS, pause.signal).then(
      () => true,
      () => false,
    );
    signal.removeEventListener('abort', end);
  }
}
