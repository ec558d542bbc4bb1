// SPDX-License-Identifier: Apache-2.0
/** Counts of what the store does not hold: refused packets and answers, by source and reason. */
/** Counters of what the observer copied and could not keep; any of it may have been genuine. */
export const NO_ROOM = 'tree head: not verified, too many wait';
export const NOT_STORED = 'tree heads: lost, the store does not keep up';

export interface CounterStore {
  /**
   * Adds to the counters of one source, in one transaction. Not idempotent: call it again only if
   * it threw.
   */
  add(source: string, counts: Readonly<Record<string, number>>): void;

  /** By reason, summed over all sources. */
  totals(): Record<string, number>;
}
