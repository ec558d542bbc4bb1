/** Counts of what the store does not hold: refused packets and answers, by source and reason. */
export interface CounterStore {
  /**
   * Adds to the counters of one source, in one transaction. Not idempotent: call it again only if
   * it threw.
   */
  add(source: string, counts: Readonly<Record<string, number>>): void;

  /** By reason, summed over all sources. */
  totals(): Record<string, number>;
}
