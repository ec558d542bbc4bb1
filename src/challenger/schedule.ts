/**
 * When to ask. The times are drawn from distributions that know nothing of what was seen or when, so that a
 * log cannot tell from a challenge's time which packet processor copied its answer (paper, Section 3.3).
 *
 * Left running, every log is challenged at the times of a Poisson process of its own, whether a head of its was seen or
 * not: at any moment the next challenge is as far off as at any other. All processes together are one of as many times
 * the rate, each of whose events falls on a log drawn evenly.
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CtgaError } from '../errors.ts';
import type { LogError } from '../logs/client.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { challengeLog, type ChallengeContext } from './challenge.ts';
import { openIdentity, type ProxyAddress } from './proxy.ts';

export interface AskOptions extends Omit<ChallengeContext, 'paths'> {
  /** One at least; paths are spread over them. */
  readonly proxies: readonly ProxyAddress[];
  /** How many identities, and so ways, one log is asked through at once. */
  readonly paths: number;
  readonly onLogFailed: (log: Log, error: LogError) => void;
}

export interface RoundOptions extends AskOptions {
  /** Before each log, a delay drawn evenly from 0 .. maxDelay seconds. */
  readonly maxDelay: number;
  readonly onWait: (log: Log, seconds: number) => void;
}

export interface ScheduleOptions extends AskOptions {
  /** Asked anew for each challenge: logs come and go. */
  readonly logs: () => readonly Log[];
  /** Mean seconds between two challenges of one log. */
  readonly every: number;
  /** A proxy that does not answer ends one challenge; the schedule goes on. */
  readonly onProxyFailed: (error: CtgaError) => void;
}

/** Logs that are asked at one time; more wait for their next turn. */
const MAX_AT_ONCE = 8;
/** With no log in force there is nothing to ask, but one may be imported. */
const NO_LOGS_MS = 60_000;

/** Challenges each log once, in random order. Rejects if the proxy does not answer, or the signal is given. */
export async function runRound(logs: readonly Log[], options: RoundOptions): Promise<void> {
  for (const log of shuffled(logs)) {
    const delay = uniform() * options.maxDelay * 1000;
    options.onWait(log, delay / 1000);
    await sleep(delay, undefined, { signal: options.signal });
    await challengeThrough(log, options);
  }
}

/** Challenges logs until the signal is given; then what is under way is broken off, and this returns. */
export async function runSchedule(options: ScheduleOptions): Promise<void> {
  const { signal } = options;
  const underWay = new Map<string, Promise<void>>();
  const failures: unknown[] = [];
  const isOver = (): boolean => signal.aborted || failures.length > 0;
  while (!isOver()) {
    const logs = options.logs();
    const mean = logs.length === 0 ? NO_LOGS_MS : (options.every * 1000) / logs.length;
    // Aborted: the loop ends.
    await sleep(-Math.log(1 - uniform()) * mean, undefined, { signal }).catch(() => undefined);
    const log = logs[logs.length === 0 ? 0 : randomInt(logs.length)];
    if (isOver() || log === undefined) continue;
    const id = logIdText(log.key.logId);
    if (underWay.has(id) || underWay.size >= MAX_AT_ONCE) continue;
    const challenge = challengeThrough(log, options)
      .catch((error: unknown) => {
        if (signal.aborted) return;
        if (error instanceof CtgaError && error.code === 'proxy-unavailable') options.onProxyFailed(error);
        else failures.push(error);
      })
      .finally(() => underWay.delete(id));
    underWay.set(id, challenge);
  }
  await Promise.all(underWay.values());
  if (failures.length > 0) throw failures[0];
}

/** One challenge of one log, through identities of its own that nothing else will ever use. */
async function challengeThrough(log: Log, options: AskOptions): Promise<void> {
  const { proxies, signal } = options;
  const order = shuffled(proxies);
  const identities = Array.from({ length: options.paths }, (_, i) => {
    const proxy = order[i % order.length];
    if (proxy === undefined) throw new RangeError('no proxy');
    return openIdentity(proxy, { allowPrivateAddress: log.allowPrivateAddress });
  });
  const close = (): void => {
    for (const identity of identities) identity.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    const paths = identities.map(({ fetch }) => fetch);
    const failure = await challengeLog(log, { ...options, paths });
    signal.throwIfAborted();
    if (failure !== undefined) options.onLogFailed(log, failure);
  } finally {
    signal.removeEventListener('abort', close);
    close();
  }
}

/** 0 <= x < 1, from the system's generator: an observer who knows Math.random's state knows nothing here. */
function uniform(): number {
  return randomInt(2 ** 32) / 2 ** 32;
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    const [a, b] = [result[i], result[j]];
    if (a !== undefined && b !== undefined) [result[i], result[j]] = [b, a];
  }
  return result;
}
