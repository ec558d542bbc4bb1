// SPDX-License-Identifier: Apache-2.0
/**
 * When to ask. The times are drawn from distributions that know nothing of what was seen or when,
 * so that a log cannot tell from the time of a question which packet processor copied its answer
 * (paper, Section 3.3).
 *
 * Left running, the schedule asks every log at the times of a Poisson process of its own, whether a
 * head of the log was seen or not: at any moment the next question is as far off as at any other.
 * All these processes together are one process at the sum of their rates, each of whose events
 * falls on a log drawn evenly.
 */
import { realSleep, type Sleep } from '../base/clock.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { drawn, shuffled, uniform } from '../base/chance.ts';

export interface TimingOptions {
  /** Asks a log, and resolves when nothing more is sent to it. */
  readonly ask: (log: Log) => Promise<void>;
  /** URLs of sth-pollination endpoints; see pollination.ts. */
  readonly pollinators: readonly string[];
  readonly pollinate: (url: string) => Promise<void>;
  readonly signal: AbortSignal;
  /** A real wait unless given. */
  readonly sleep?: Sleep;
  /** 0 <= x < 1, and a log cannot foretell it; the system's generator unless given. */
  readonly chance?: () => number;
}

export interface RoundOptions extends TimingOptions {
  /** Before each log, a delay drawn evenly from 0 .. maxDelay seconds. */
  readonly maxDelay: number;
  readonly onWait: (log: Log, seconds: number) => void;
  /** The most logs that are asked at one time. */
  readonly atOnce: number;
}

export interface ScheduleOptions extends TimingOptions {
  /** Called anew before each wait and each question. */
  readonly logs: () => readonly Log[];
  /** Mean seconds between two questions to one log. */
  readonly every: number;
  /**
   * Says whether the schedule goes on after a log was asked, or a pollinator, and that ended with
   * this error, which is no log's doing: a proxy that does not answer, for one.
   */
  readonly survives: (error: unknown) => boolean;
}

/** The most logs that a schedule asks at one time; others wait for their next turn. */
export const MAX_AT_ONCE = 8;
/** With no log in force there is nothing to ask, but one may be imported. */
const NO_LOGS_MS = 60_000;

/**
 * Visits the pollinators, then asks each log once, in random order. `logsToAsk` is called after the
 * pollinators have answered. Rejects with the first error, when what is under way has ended, and if
 * the signal is given.
 */
export async function runRound(
  logsToAsk: () => readonly Log[],
  options: RoundOptions,
): Promise<void> {
  const { pollinators, maxDelay, atOnce, signal, chance = uniform, sleep = realSleep } = options;
  for (const url of shuffled(pollinators, chance)) await options.pollinate(url);
  const underWay = new UnderWay();
  for (const log of shuffled(logsToAsk(), chance)) {
    while (underWay.size >= atOnce) await underWay.next();
    if (underWay.failures.length > 0) break;
    const delay = chance() * maxDelay * 1000;
    options.onWait(log, delay / 1000);
    await sleep(delay, signal);
    underWay.add(logIdText(log.key.logId), options.ask(log));
  }
  await underWay.end();
}

/**
 * Asks logs until the signal is given; then it breaks off what is under way and returns. Rejects
 * with the first error that `survives` does not survive.
 */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { signal, pollinators, survives, chance = uniform, sleep = realSleep } = options;
  const underWay = new UnderWay((error) => signal.aborted || survives(error));
  const isOver = (): boolean => signal.aborted || underWay.failures.length > 0;
  while (!isOver()) {
    const waiting = options.logs().length + pollinators.length;
    const mean = waiting === 0 ? NO_LOGS_MS : (options.every * 1000) / waiting;
    // An aborted sleep rejects; the loop ends by itself.
    await sleep(-Math.log(1 - chance()) * mean, signal).catch(() => undefined);
    // The wait may have been long: logs come and go, and so do the store's files.
    const logs = options.logs();
    const count = logs.length + pollinators.length;
    if (isOver() || count === 0) continue;
    const next = drawn(count, chance);
    const [log, url = ''] = [logs[next], pollinators[next - logs.length]];
    const id = log === undefined ? url : logIdText(log.key.logId);
    if (underWay.has(id) || underWay.size >= MAX_AT_ONCE) continue;
    underWay.add(id, log === undefined ? options.pollinate(url) : options.ask(log));
  }
  await underWay.end();
}

/** What is under way, by name. */
class UnderWay {
  /** What was not survived. */
  readonly failures: unknown[] = [];
  readonly #survives: (error: unknown) => boolean;
  readonly #errands = new Map<string, Promise<void>>();

  constructor(survives: (error: unknown) => boolean = () => false) {
    this.#survives = survives;
  }

  get size(): number {
    return this.#errands.size;
  }

  has(name: string): boolean {
    return this.#errands.has(name);
  }

  add(name: string, errand: Promise<void>): void {
    const ended = errand
      .catch((error: unknown) => {
        if (!this.#survives(error)) this.failures.push(error);
      })
      .finally(() => this.#errands.delete(name));
    this.#errands.set(name, ended);
  }

  /** Resolves when one of them has ended. */
  async next(): Promise<void> {
    await Promise.race(this.#errands.values());
  }

  /** Resolves when all have ended. Rejects with the first failure. */
  async end(): Promise<void> {
    await Promise.all(this.#errands.values());
    for (const failure of this.failures) throw failure;
  }
}
