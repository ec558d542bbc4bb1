// SPDX-License-Identifier: Apache-2.0
/** How long to wait before trying again what has failed. Pure but for the random factor. */

export interface BackOff {
  /** Milliseconds to wait after the first failure. */
  readonly first: number;
  /** The most milliseconds to wait, before the random factor. */
  readonly longest: number;
  /**
   * The range of a random factor, so that many things that failed together are not all tried again
   * together. Without it the wait is exact.
   */
  readonly scatter?: readonly [least: number, most: number];
}

/**
 * Milliseconds to wait after `failures` (1 or more) in a row: doubled from `first` to `longest`.
 */
export function backOff({ first, longest, scatter }: BackOff, failures: number): number {
  if (failures < 1) throw new RangeError(`${failures} failures`);
  // The exponent is limited first: 2 ** 1100 is Infinity.
  const wait = Math.min(first * 2 ** Math.min(failures - 1, 64), longest);
  if (scatter === undefined) return wait;
  const [least, most] = scatter;
  return wait * (least + (most - least) * Math.random());
}

/** The longest that `backOff` ever returns. */
export function longestWait({ longest, scatter }: BackOff): number {
  return longest * (scatter?.[1] ?? 1);
}
