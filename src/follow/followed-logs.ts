// SPDX-License-Identifier: Apache-2.0
/** What following each log costs, and what is held of it: for people and their monitoring. */
import { logIdText, type Log } from '../logs/log.ts';
import { HashStore } from './hash-store.ts';
import type { VisitCounts } from './log-rows.ts';
import type { FollowSummary } from './log-hashes.ts';

export interface FollowedLog extends FollowSummary {
  /** The log's description. */
  readonly log: string;
  readonly logId: string;
}

/** A log that was asked, whether or not it ever answered. */
export interface VisitedLog extends VisitCounts {
  /** The log's description. */
  readonly log: string;
  readonly logId: string;
}

/** Those of `logs` that were asked from this state directory. Throws as `followedLogs`. */
export function visitedLogs(directory: string, logs: readonly Log[]): VisitedLog[] {
  const hashes = HashStore.openForReading(directory);
  if (hashes === undefined) return [];
  try {
    return logs.flatMap((log) => {
      const visits = hashes.rows(log).visits();
      return visits === undefined
        ? []
        : [{ log: log.description, logId: logIdText(log.key.logId), ...visits }];
    });
  } finally {
    hashes.close();
  }
}

/**
 * Those of `logs` that are followed in this state directory; `now` is in milliseconds since the
 * epoch. Throws StoreError `store-failed` if what is there cannot be read.
 */
export function followedLogs(directory: string, logs: readonly Log[], now: number): FollowedLog[] {
  const hashes = HashStore.openForReading(directory);
  if (hashes === undefined) return [];
  try {
    return logs.flatMap((log) => {
      const summary = hashes.of(log).summary(now);
      return summary === undefined
        ? []
        : [{ log: log.description, logId: logIdText(log.key.logId), ...summary }];
    });
  } finally {
    hashes.close();
  }
}
