/**
 * The wall clock is set while ctga runs: by hand, by NTP at boot, by a battery that is empty. How
 * long something took is measured by the monotonic clock (performance.now()), which is not; what
 * was put down for later is checked against the longest that anything is put off.
 */

/**
 * Whether `time` (ms since the epoch), put down `longest` milliseconds ahead at most, has come.
 * What lies further ahead was put down while the clock was wrong.
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

export const systemClock: Clock = { now: Date.now, elapsed: () => performance.now() };
