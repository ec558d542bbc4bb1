// SPDX-License-Identifier: Apache-2.0
/**
 * Logs that the operator imported, the lists they came from, and logs that asked to be left alone.
 */
import type { Log } from '../logs/log.ts';
import type { LogId } from '../statements/statement.ts';

/** A log list as it was published. */
export interface StoredLogList {
  /** Where it came from: a URL or a file. */
  readonly source: string;
  readonly json: Buffer;
  /** The signature and the SubjectPublicKeyInfo that it was verified with; undefined: unsigned. */
  readonly signed: { readonly signature: Buffer; readonly key: Buffer } | undefined;
  readonly etag: string | undefined;
  readonly fetched: number;
}

/** A log that shows a tree head of itself that is older or smaller than it may be. */
export interface StaleHead {
  readonly logId: LogId;
  readonly since: number;
  /** What is wrong with the head, as the end of a sentence about the log. */
  readonly reason: string;
}

/** A log that cannot show so many entries that it promised; the reason is of the latest of them. */
export interface UnprovablePromises {
  readonly logId: LogId;
  readonly count: number;
  readonly since: number;
  /** As a clause. */
  readonly reason: string;
}

export interface LogStore {
  /**
   * Adds logs, and the list that they came from, in one transaction. A log that is known takes over
   * what is new about it; it keeps its key, and keeps its zone where the new one has none. A list
   * replaces the last one from the same source. `published` is when the list was, in ms since the
   * epoch, if it says so. Idempotent.
   */
  put(logs: readonly Log[], list?: StoredLogList, published?: number): void;

  /** When the list was published that last told of a log; undefined if that is not known. */
  listedAt(logId: LogId): number | undefined;

  /** Imported logs by description. The built-in ones are not among them: see known-logs.ts. */
  all(): Log[];

  /** The last list from a source; undefined if there is none. */
  list(source: string): StoredLogList | undefined;

  /** The last list of each source, the newest first. */
  lists(): StoredLogList[];

  /** The time before which a log wants no more questions (Retry-After); 0 if it did not say. */
  quietUntil(logId: LogId): number;

  /** Idempotent; the last call counts. */
  setQuietUntil(logId: LogId, until: number): void;

  /**
   * Puts down what is wrong with the tree head that a log shows, or with undefined that nothing is.
   * Returns whether that is news: something is wrong and nothing was before, or the other way
   * round. `since` stays what it was first.
   */
  setStale(logId: LogId, now: number, reason: string | undefined): boolean;

  /** The logs whose tree heads something is wrong with, in no order. */
  stale(): StaleHead[];

  /**
   * Puts down which logs cannot show entries that they promised, as the auditor found it: these and
   * no others. Of a log that is put down already `since` stays.
   */
  setUnprovable(promises: readonly UnprovablePromises[]): void;

  unprovable(): UnprovablePromises[];
}
