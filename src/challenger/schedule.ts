/**
 * When to ask. The times are drawn from distributions that know nothing of what was seen or when,
 * so that a log cannot tell from a challenge's time which packet processor copied its answer
 * (paper, Section 3.3).
 *
 * Left running, the schedule challenges every log at the times of a Poisson process of its own,
 * whether a head of the log was seen or not: at any moment the next challenge is as far off as at
 * any other. All these processes together are one process at the sum of their rates, each of whose
 * events falls on a log drawn evenly.
 */
import type { LogError } from '../ask/asker.ts';
import { realSleep } from '../base/clock.ts';
import { headsToShare, pollinate, type Pollinated } from '../exchange/pollination.ts';
import type { HashStore } from '../follow/hash-store.ts';
import { HttpError } from '../http/error.ts';
import type { Identity, ProxyAddress } from '../http/proxy.ts';
import type { Fetch, HttpOptions } from '../http/request.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { drawn, shuffled, uniform } from './chance.ts';
import { challengeLog, type ChallengeContext } from './challenge.ts';

export interface AskOptions extends Omit<ChallengeContext, 'paths'> {
  /** One at least; paths are spread over them. */
  readonly proxies: readonly ProxyAddress[];
  /** Opens a way through a proxy that nothing else ever uses: openIdentity, but in tests. */
  readonly open: (proxy: ProxyAddress, options: HttpOptions) => Identity;
  /** How many identities, and so ways, one log is asked through at once. */
  readonly paths: number;
  readonly onLogFailed: (log: Log, error: LogError) => void;
  /** What the logs showed to everybody. */
  readonly hashes: HashStore;
  /** URLs of sth-pollination endpoints; see pollination.ts. */
  readonly pollinators: readonly string[];
  readonly onPollinated: (result: Pollinated) => void;
  readonly onPollinationFailed: (url: string, error: HttpError) => void;
  /** The logs whose heads are taken from pollinators. */
  readonly known: () => readonly Log[];
  /** 0 <= x < 1, and a log cannot foretell it; the system's generator unless given. */
  readonly chance?: () => number;
}

export interface RoundOptions extends AskOptions {
  /** Before each log, a delay drawn evenly from 0 .. maxDelay seconds. */
  readonly maxDelay: number;
  readonly onWait: (log: Log, seconds: number) => void;
}

export interface ScheduleOptions extends AskOptions {
  /** Called anew before each wait and each challenge. */
  readonly logs: () => readonly Log[];
  /** Mean seconds between two challenges of one log. */
  readonly every: number;
  /**
   * Says whether the schedule goes on after a challenge ended with this error, which is no log's
   * doing: a proxy that does not answer, for one.
   */
  readonly survives: (error: unknown) => boolean;
}

/** The most logs that are asked at one time; others wait for their next turn. */
const MAX_AT_ONCE = 8;
/** With no log in force there is nothing to ask, but one may be imported. */
const NO_LOGS_MS = 60_000;

/**
 * Visits the pollinators, then challenges each log once, in random order. `logsToAsk` is called
 * after the pollinators have answered. Rejects with ProxyError if the proxy does not answer, and if
 * the signal is given.
 */
export async function runRound(
  logsToAsk: () => readonly Log[],
  options: RoundOptions,
): Promise<void> {
  const { pollinators, maxDelay, signal, chance = uniform, sleep = realSleep } = options;
  for (const url of shuffled(pollinators, chance)) await pollinateThrough(url, options);
  for (const log of shuffled(logsToAsk(), chance)) {
    const delay = chance() * maxDelay * 1000;
    options.onWait(log, delay / 1000);
    await sleep(delay, signal);
    await challengeThrough(log, options);
  }
}

/**
 * Challenges logs until the signal is given; then it breaks off what is under way and returns.
 * Rejects with the first error that `survives` does not survive.
 */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { signal, chance = uniform, sleep = realSleep } = options;
  const underWay = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const isOver = (): boolean => signal.aborted || failures.length > 0;
  while (!isOver()) {
    const { pollinators } = options;
    const waiting = options.logs().length + pollinators.length;
    const mean = waiting === 0 ? NO_LOGS_MS : (options.every * 1000) / waiting;
    // An aborted sleep rejects; the loop ends by itself.
    await sleep(-Math.log(1 - chance()) * mean, signal).catch(() => undefined);
    // The wait may have been long: logs come and go, and so do the store's files.
    const logs = options.logs();
    const count = logs.length + pollinators.length;
    if (isOver() || count === 0) continue;
    const next = drawn(count, chance);
    const [log, url] = [logs[next], pollinators[next - logs.length]];
    const id = log === undefined ? (url ?? '') : logIdText(log.key.logId);
    if (underWay.has(id) || underWay.size >= MAX_AT_ONCE) continue;
    const errand =
      log === undefined ? pollinateThrough(id, options) : challengeThrough(log, options);
    underWay.set(
      id,
      errand
        .catch((error: unknown) => {
          if (!signal.aborted && !options.survives(error)) failures.push(error);
        })
        .finally(() => underWay.delete(id)),
    );
  }
  await Promise.all(underWay.values());
  if (failures.length > 0) throw failures[0];
}

/** Challenges one log once, through identities of its own that nothing else will ever use. */
async function challengeThrough(log: Log, options: AskOptions): Promise<void> {
  const { allowPrivateAddress } = log;
  await through(options, options.paths, { allowPrivateAddress }, async (paths) => {
    const failure = await challengeLog(log, { ...options, paths });
    options.signal.throwIfAborted();
    if (failure !== undefined) options.onLogFailed(log, failure);
  });
}

/** The operator has named the endpoint, so it may be anywhere. */
async function pollinateThrough(url: string, options: AskOptions): Promise<void> {
  const { known, hashes, store, evidenceDirectory, now, signal } = options;
  await through(options, 1, { allowPrivateAddress: true }, async (paths) => {
    for (const fetch of paths) {
      try {
        const context = { store, evidenceDirectory, logs: known(), now: now() };
        const shared = headsToShare(hashes, context.logs, context.now);
        options.onPollinated(await pollinate(url, fetch, shared, context));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof HttpError)) throw error;
        options.onPollinationFailed(url, error);
      }
    }
  });
}

/** Opens identities over the proxies, and closes them when the errand is done or broken off. */
async function through(
  { proxies, open, signal, chance }: AskOptions,
  count: number,
  allowed: HttpOptions,
  errand: (paths: readonly Fetch[]) => Promise<void>,
): Promise<void> {
  const order = shuffled(proxies, chance);
  const identities = Array.from({ length: count }, (_, i) => {
    const proxy = order[i % order.length];
    if (proxy === undefined) throw new RangeError('no proxy');
    return open(proxy, allowed);
  });
  const close = (): void => {
    for (const identity of identities) identity.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    await errand(identities.map(({ fetch }) => fetch));
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}
