// SPDX-License-Identifier: Apache-2.0
/**
 * Trees, the signed heads that logs made of them, and where and how often each head was seen.
 *
 * A tree is a log's size and root hash: it is what a consistency proof is about. A tree head is a
 * tree and the time at which the log signed it; logs sign one tree again and again.
 */
import type { MerkleHash } from '../merkle/hash.ts';
import type { LogId, Statement, VerifiedStatement } from '../statements/statement.ts';
import type { DamagedRow } from './damaged-rows.ts';
import type { Verdict } from './verdicts.ts';

/** How often one source has seen one tree head since it last recorded a sighting of it. */
export interface Sighting {
  readonly head: VerifiedStatement;
  /** An interface, a file, or the log's own API. */
  readonly source: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly count: number;
  /**
   * Who counted, where the same sightings may be brought again: another store, a file, a capture.
   * Then `count` is all that was ever counted there, and what is recorded is what that is more than the
   * last time.
   */
  readonly origin?: string | undefined;
}

/**
 * An answer whose repeats a data plane only counts (DataPlane.seen), and how much of that count is
 * in the sightings of its head.
 */
export interface StoredSeenEntry<Head extends Statement = StoredHead> {
  readonly source: string;
  /** Unsigned, 64 bits. */
  readonly entry: bigint;
  readonly head: Head;
  readonly credited: number;
}

/**
 * A tree head as the store gives it back. A disk can change what was written, so a head that
 * decides anything is verified again: see evidence/stored.ts.
 */
export interface StoredHead extends Statement {
  readonly id: number;
  readonly logId: LogId;
}

export interface SeenEntryChanges {
  /** New entries, and those of which more was credited. Their heads are recorded with them. */
  readonly put: readonly StoredSeenEntry<VerifiedStatement>[];
  /** Entries that the data plane has ended. */
  readonly over: readonly { readonly source: string; readonly entry: bigint }[];
}

export interface StoredTree {
  /** Identifies the tree in this store as long as the store lasts, and nowhere else. */
  readonly id: number;
  readonly logId: LogId;
  readonly treeSize: bigint;
  readonly rootHash: MerkleHash;
  readonly firstSeen: number;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  /**
   * The ID of the larger tree that this one was proven a prefix of; its own ID where the log itself
   * called this tree current.
   */
  readonly provenAgainst: number | undefined;
  /** How often a verdict was recorded. */
  readonly attempts: number;
  readonly askedAt: number | undefined;
  readonly askAfter: number | undefined;
}

export interface HeadSummary extends StoredTree {
  /** When the log signed it. */
  readonly timestamp: bigint;
  readonly signature: Uint8Array;
  readonly sources: readonly string[];
  readonly headFirstSeen: number;
  readonly lastSeen: number;
  /** Sightings by all sources. */
  readonly count: number;
}

/** What was seen of one log on one day (UTC). */
export interface LogDay {
  readonly logId: LogId;
  /** Whole days since 1970-01-01. */
  readonly day: number;
  /** Tree heads that were new on this day. */
  readonly heads: number;
  readonly sightings: number;
}

/** Trees of one log with one verdict that were first seen in one of several equal slots of time. */
export interface TimelineSlot {
  /** From 0; -1: before the first slot. What is younger than the last slot is in that. */
  readonly slot: number;
  readonly verdict: Verdict;
  readonly trees: number;
  /** The size of the largest. */
  readonly largest: bigint;
}

/** The source of sightings that were added up: only their sum is left. */
export const ROLLED_UP = 'rolled up';

export interface HeadStore {
  /**
   * Adds sightings to what is known, and with them what was credited to seen entries, in one
   * transaction: a process that takes over credits neither less nor more.
   *
   * Returns the sightings whose tree head was not known before, as the same objects. Of several
   * sightings of one new tree head in one batch, the first is the new one. What makes a tree head
   * the same is its log, size, root hash and timestamp, however the text that carried it was
   * spelled; the first signature that was seen of it is kept. A new tree has the verdict `pending`,
   * or `malformed-head` if it is malformed (statements/statement.ts).
   *
   * Not idempotent: counts are added each time, unless the sightings have an `origin`. Call it again
   * only where it threw. Also returns how many sightings it has added.
   */
  record<T extends Sighting>(
    sightings: readonly T[],
    changes?: SeenEntryChanges,
  ): { readonly newHeads: ReadonlySet<T>; readonly counted: number };

  /** The tree of a recorded head. Throws if the head was never recorded. */
  treeOf(head: VerifiedStatement): StoredTree;

  /** As `treeOf`; undefined if no head of the tree was ever recorded. */
  find(head: VerifiedStatement): StoredTree | undefined;

  /**
   * A log's trees by size, the smallest first; of one size, in the order in which they were seen.
   */
  trees(logId: LogId): StoredTree[];

  /** Those of one size, in the order in which they were seen. */
  treesOfSize(logId: LogId, treeSize: bigint): StoredTree[];

  /** The logs that have a tree here, in no order. */
  logIds(): LogId[];

  /** The heads of a recorded tree, the one that the log signed first before the others. */
  headsOf(tree: StoredTree): StoredHead[];

  /**
   * Takes a row that is not what was written out of use, with all that hangs on it: the heads of a
   * tree, a tree whose last head it was. It is kept apart, and `damagedRows` counts it. A verdict
   * that rested on the tree is `pending` again, and evidence that names it is off the record until
   * its file is found again. Does nothing where the row is gone; idempotent.
   *
   * Rows that cannot even be read are left out of what the methods here return, and are set aside
   * with the next transaction.
   */
  setAside(row: DamagedRow, reason: string, now: number): void;

  /** How many rows were set aside. */
  damagedRows(): number;

  /**
   * The `limit` tree heads that were new last, or all of them, ordered by log, size and time of
   * signing.
   */
  latest(limit?: number): HeadSummary[];

  /**
   * Every tree head in the order in which they were new, one at a time, because there may be more
   * than memory holds. Nothing can be written through this store until the generator has ended.
   */
  all(): Generator<HeadSummary, void, undefined>;

  /** The number of distinct tree heads. */
  count(): number;

  /** New tree heads and sightings by log and day, from day `first` on; see LogDay. */
  days(first: number): LogDay[];

  /** The `limit` trees that were new last, the newest first. */
  newest(limit: number): StoredTree[];

  /** The sources, each once and in no order, that saw the last `heads` heads which the log signed of a tree. */
  sourcesOf(tree: Pick<StoredTree, 'id'>, heads: number): string[];

  /** The sources that saw a tree head and whose names begin so, `limit` of them; none if nobody recorded it. */
  sourcesUnder(head: VerifiedStatement, prefix: string, limit: number): string[];

  /** As `latest`, of one tree: its first `limit` heads, by time of signing. */
  headSummaries(tree: Pick<StoredTree, 'id'>, limit: number): HeadSummary[];

  /**
   * The largest `limit` trees of a log that are smaller than `size` and `consistent`, the smallest
   * first. Looks at a bounded number of trees, so it may miss some behind many others.
   */
  consistentBelow(logId: LogId, size: bigint, limit: number): StoredTree[];

  /**
   * When something was seen, in ms since the epoch: from about the first sighting on record to the
   * last; undefined if there is none. Costs the same however many there are.
   */
  span(): { readonly from: number; readonly to: number } | undefined;

  /**
   * When a log's trees were first seen: counted in `slots` equal slots from `from` to `to`. These
   * are its largest 10,000 trees, and all that were proven a fork.
   */
  timeline(logId: LogId, from: number, to: number, slots: number): TimelineSlot[];

  /**
   * Makes one sum for each head of the sightings of all sources that have not seen the head since
   * `before`: at most `limit` of them, the oldest first. Tree heads stay, and so does how often
   * each was seen. Returns how many sightings were added up; fewer than `limit` means that no more
   * are left.
   */
  rollUp(before: number, limit: number): number;

  /** What was credited of a data plane's seen entries. */
  seenEntries(source: string): StoredSeenEntry[];

  /**
   * Forgets a data plane's seen entries: those of a data plane that is gone mean nothing to the
   * next one on the interface. Idempotent.
   */
  forgetSeenEntries(source: string): void;
}
