/**
 * What ctga remembers, by roles. A module takes the roles that it needs and no more: the alerter,
 * for one, takes `Pick<Store, 'alerts' | 'planes' | ...>`.
 *
 * What holds for every role:
 *
 * - Several processes use one store at a time: observers record tree heads, the challenger records
 *   verdicts, and others read. Each method that writes is one transaction. The next read of any
 *   process sees all of it or, where the method threw, nothing of it.
 * - When a method that writes returns, what it wrote is on the disk and survives a power cut.
 * - A writer waits up to ten seconds for another process's writer, and then throws.
 * - Methods throw the store's own error where the disk is full, cannot be read, or has damaged the
 *   store; `isDamage` (state.ts) tells the last of these apart. Nothing was written then, so the
 *   same call may be made again.
 * - Times are in milliseconds since the epoch, by our own clock, unless a comment says otherwise.
 *   Sizes and times in a tree head are the log's and are unsigned 64-bit.
 */
import type { Alerts } from './alerts.ts';
import type { Counters } from './counters.ts';
import type { EvidenceRecords } from './evidence.ts';
import type { Heads } from './heads.ts';
import type { Logs } from './logs.ts';
import type { Planes } from './planes.ts';
import type { Verdicts } from './verdicts.ts';

export interface Store {
  readonly heads: Heads;
  readonly verdicts: Verdicts;
  readonly evidence: EvidenceRecords;
  readonly logs: Logs;
  readonly planes: Planes;
  readonly alerts: Alerts;
  readonly counters: Counters;

  /**
   * A number that is another one after each time that somebody else has written: another process,
   * or another opening of the store in this one. What this opening writes does not change it.
   */
  changes(): number;

  /** Ends the use of the store. No other method may be called afterwards. */
  close(): void;
}
