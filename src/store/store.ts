// SPDX-License-Identifier: Apache-2.0
/**
 * What ctga remembers, by roles. A module takes only the roles that it needs: the observer has no
 * use for alerts.
 *
 * What holds for every role:
 *
 * - Several processes use one store at a time: observers record tree heads, the challenger records
 *   verdicts, and others read. Each method that writes is one transaction. The next read of any
 *   process sees all of it or, where the method threw, nothing of it.
 * - When a method that writes returns, what it wrote is on the disk and survives a power cut.
 * - A writer waits for another process's writer, up to ten seconds, and then throws.
 * - Methods throw StoreError: `store-damaged` if the store turns out not to be what ctga wrote, and
 *   `store-failed` if the disk is full or fails, or another process does not stop writing. Nothing
 *   was written then, so the same call may be made again.
 * - Times are in milliseconds since the epoch, by this machine's clock, unless a comment says
 *   otherwise. Sizes and times in a tree head are the log's, and are unsigned 64-bit.
 */
import type { AlertStore, LookStore } from './alerts.ts';
import type { CounterStore } from './counters.ts';
import type { EvidenceStore } from './evidence.ts';
import type { ExchangeStore } from './exchange.ts';
import type { HeadStore } from './heads.ts';
import type { LogStore } from './logs.ts';
import type { PlaneStore } from './planes.ts';
import type { PublishingStore } from './publishing.ts';
import type { VerdictStore } from './verdicts.ts';

export interface Store {
  readonly heads: HeadStore;
  readonly verdicts: VerdictStore;
  readonly evidence: EvidenceStore;
  readonly logs: LogStore;
  readonly planes: PlaneStore;
  readonly alerts: AlertStore & LookStore;
  readonly counters: CounterStore;
  readonly exchange: ExchangeStore;
  readonly publishing: PublishingStore;

  /**
   * A number that changes whenever somebody else has written: another process, or another opening
   * of the store in this process. What this opening writes does not change it.
   */
  changes(): number;

  /**
   * Whether the file that this opening reads and writes is still the one at the store's path. It is
   * not once somebody has moved it aside, restored a copy, or made a store where there was none. A
   * store in memory, opened because there was no file, is in place until a file is made.
   */
  isInPlace(): boolean;

  /** Ends the use of the store. No other method may be called afterwards. */
  close(): void;
}
