// SPDX-License-Identifier: Apache-2.0
/** Counts of what the store does not hold: refused packets and answers, by source and reason. */
/** Counters of what the observer copied and could not keep; any of it may have been genuine. */
export const NO_ROOM = 'tree head: not verified, too many wait';
export const NOT_STORED = 'tree heads: lost, the store does not keep up';
export const LOST_AT_END = 'tree heads: lost at the end, no disk took them';
export const UNREADABLE = 'tree heads: lost, what waited on the disk is damaged';
/** For how long packets of a data plane, which is the source, passed unseen. */
export const BLIND = 'blind, in milliseconds';

/** Counters of what became of the messages of `ctga alert run`, by a kind of channel. */
export const ALERT_OUTCOMES = ['delivered', 'failed', 'dropped'] as const;
export type AlertOutcome = (typeof ALERT_OUTCOMES)[number];
export function alertCounter(channel: string, outcome: AlertOutcome): string {
  return `alerts by ${channel}: ${outcome}`;
}

export interface CounterStore {
  /**
   * Adds to the counters of one source, in one transaction. Not idempotent: call it again only if
   * it threw.
   */
  add(source: string, counts: Readonly<Record<string, number>>): void;

  /** By reason, summed over all sources. */
  totals(): Record<string, number>;

  /** Of one reason, by source. */
  bySource(name: string): Record<string, number>;
}
