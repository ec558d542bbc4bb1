// SPDX-License-Identifier: Apache-2.0
/**
 * Somebody may set the wall clock while ctga runs: a person, NTP at boot, an empty battery. So ctga
 * measures durations with the monotonic clock (performance.now()), and checks a stored time for
 * something to do against the longest that anything is ever put off.
 */

import { setTimeout } from 'node:timers/promises';

/**
 * Whether `time` (ms since the epoch), which was at most `longest` milliseconds ahead when it was
 * set, has come. A time that is further ahead was set while the clock was wrong.
 */
export function hasCome(time: number, now: number, longest: number): boolean {
  return time <= now || time - now > longest;
}

/** Both clocks. */
export interface Clock {
  /** The wall clock, in ms since the epoch. */
  readonly now: () => number;
  /** The monotonic clock, in ms since some moment. */
  readonly elapsed: () => number;
}

/** Waits so many milliseconds. Rejects when the signal is given. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const realSleep: Sleep = (milliseconds, signal) =>
  setTimeout(milliseconds, undefined, { signal });

export const systemClock: Clock = { now: Date.now, elapsed: () => performance.now() };

/** Does nothing for so many milliseconds, and lets nothing else of this thread run. */
export function waitSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
