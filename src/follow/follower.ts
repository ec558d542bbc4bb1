/**
 * Following one log as any mirror of it does. What is asked, of whom and when is a function of
 * public data (the log list, what the log shows to everybody, the configuration) and of chance. This
 * folder cannot read what was seen: the lint rules keep it from the store.
 */
import type { Finding } from '../evidence/judge.ts';
import type { Fetch } from '../http/request.ts';
import type { Log } from '../logs/log.ts';
import type { VerifiedStatement } from '../statements/statement.ts';
import type { HashStore } from './hash-store.ts';

/** A way to the log with an identity of its own, which nothing else ever uses. */
export interface Path {
  readonly fetch: Fetch;
  close(): void;
}

export interface FollowOptions {
  readonly hashes: HashStore;
  /** Opens another way to the log. */
  readonly open: () => Path;
  /** On how many ways the log is asked for its head at once. */
  readonly paths: number;
  /** The most bytes that are fetched of one log in a day (UTC). */
  readonly budget: number;
  /** For how many milliseconds hashes are kept. */
  readonly window: number;
  /** How many blocks are asked for in one visit; see pattern.ts. */
  readonly blocks: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** 0 <= x < 1; a log cannot foretell it. */
  readonly chance: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly signal: AbortSignal;
  /**
   * The sizes that wait for a block, the one that has waited longest first. It is read at every
   * visit, and what it says decides nothing but the block at a place that was drawn before.
   */
  readonly wanted: () => readonly bigint[];
}

export interface Visit {
  /** Every head that the log showed on this visit and signed, malformed ones too. */
  readonly heads: readonly VerifiedStatement[];
  /** The largest of them that is well-formed; undefined where no path gave one. */
  readonly current: VerifiedStatement | undefined;
  /** Public heads that contradict each other. */
  readonly forks: readonly {
    readonly first: VerifiedStatement;
    readonly second: VerifiedStatement;
    readonly finding: Finding;
  }[];
  /**
   * What went wrong, in the order in which it did: LogError or ProxyError. Nothing of it accuses the
   * log.
   */
  readonly failures: readonly Error[];
  /** What a person should know, each the end of a sentence about the log. */
  readonly notices: readonly string[];
}

/** Follows `log` once. Rejects only if the signal is given or the hash store fails. */
export declare function visit(log: Log, options: FollowOptions): Promise<Visit>;
