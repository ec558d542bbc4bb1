/**
 * When to ask. The times are drawn from distributions that know nothing of what was seen or when, so that a
 * log cannot tell from a challenge's time which packet processor copied its answer (paper, Section 3.3).
 */
import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { openIdentity, type ProxyAddress } from './proxy.ts';
import { challengeLog, type ChallengeContext } from './challenge.ts';
import type { LogError } from '../logs/client.ts';
import type { Log } from '../logs/log.ts';

export interface RoundOptions extends Omit<ChallengeContext, 'fetch'> {
  readonly proxy: ProxyAddress;
  /** Before each log, a delay drawn evenly from 0 .. maxDelay seconds. */
  readonly maxDelay: number;
  readonly signal: AbortSignal;
  readonly onWait: (log: Log, seconds: number) => void;
  readonly onLogFailed: (log: Log, error: LogError) => void;
}

/** Challenges each log once, in random order, each through an identity of its own. */
export async function runRound(logs: readonly Log[], options: RoundOptions): Promise<void> {
  for (const log of shuffled(logs)) {
    const delay = uniform(options.maxDelay * 1000);
    options.onWait(log, delay / 1000);
    await sleep(delay, undefined, { signal: options.signal });
    const identity = openIdentity(options.proxy);
    const close = (): void => identity.close();
    options.signal.addEventListener('abort', close, { once: true });
    try {
      const failure = await challengeLog(log, { ...options, fetch: identity.fetch });
      options.signal.throwIfAborted();
      if (failure !== undefined) options.onLogFailed(log, failure);
    } finally {
      options.signal.removeEventListener('abort', close);
      identity.close();
    }
  }
}

/** Milliseconds to the next round: exponential with this mean (a Poisson process), cut at five times it. */
export function nextRoundIn(meanSeconds: number): number {
  return Math.min(-Math.log(1 - uniform(1_000_000) / 1_000_000), 5) * meanSeconds * 1000;
}

/** 0 <= x <= max, from the system's generator: an observer who knows Math.random's state knows nothing here. */
function uniform(max: number): number {
  return (randomInt(2 ** 32) / 2 ** 32) * max;
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
