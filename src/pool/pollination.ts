// SPDX-License-Identifier: Apache-2.0
/**
 * A pool of tree heads (draft-linus-trans-gossip-ct-02, Section 5.2): whoever brings fresh ones gets
 * some that others brought, drawn by chance alone. What a pool holds is not challenged here; but
 * two roots that one log signed for one size convict it, and become evidence at once.
 */
import { randomInt } from 'node:crypto';
import { equalHash } from '../merkle/hash.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { judgeWithoutProof } from '../evidence/judge.ts';
import { makeEvidence } from '../evidence/bundle.ts';
import { writeEvidence } from '../evidence/write.ts';
import type { Statement, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Brought } from './forms.ts';
import type { PoolStore } from './store.ts';

/** "Fresh iff its timestamp is less than 14 days in the past" (Section 5.2). */
const FRESH_MS = 14 * 86_400_000;
/** A head from later than that would be fresh for longer than any other. */
const AHEAD_MS = 86_400_000;
/** Forks that a full disk keeps from being evidence; there are more only of logs that make them. */
const MAX_UNSETTLED = 1000;
/** As Google's pool answered. */
export const DRAWN = 10;

/** What became of a head that somebody brought. */
export const HEAD_OUTCOMES = ['kept', 'known', 'stale', 'unknown-log', 'bad-signature'] as const;
export type HeadOutcome = (typeof HEAD_OUTCOMES)[number];

export interface PoolOptions {
  readonly store: PoolStore;
  readonly logs: readonly Log[];
  /** Where evidence is kept. */
  readonly evidence: string;
  /** Called with the path of evidence that was written now. */
  readonly onFork: (log: Log, path: string) => void;
  /** Called if evidence cannot be written; it is tried again with the next request. */
  readonly onFailure: (error: unknown) => void;
  /** Returns a whole number from 0 to `below` - 1; a test may have it drawn otherwise. */
  readonly draw?: (below: number) => number;
}

interface Pooled {
  readonly id: number;
  readonly head: VerifiedStatement;
}

export class HeadPool {
  readonly #options: PoolOptions;
  readonly #draw: (below: number) => number;
  readonly #logs: ReadonlyMap<string, Log>;
  /** By log ID. All that the store has is here too. */
  readonly #heads = new Map<string, Pooled[]>();
  /** Pairs of different roots for one size of which there is no evidence yet. */
  #unsettled: (readonly [Log, VerifiedStatement, VerifiedStatement])[] = [];

  /** Reads what the store has, and verifies it again. Throws StoreError. */
  constructor(options: PoolOptions) {
    this.#options = options;
    this.#draw = options.draw ?? randomInt;
    this.#logs = new Map(options.logs.map((log) => [logIdText(log.key.logId), log]));
    for (const { id, logId, ...statement } of options.store.heads()) {
      const log = this.#logs.get(logIdText(logId));
      const head = log && verifyStatement(statement, log.key);
      if (log === undefined || head === undefined) {
        options.store.dropHead(id);
        continue;
      }
      this.#compare(log, head);
      this.#put(log, { id, head });
    }
    this.#settle();
  }

  /** How many heads there are. */
  get size(): number {
    return [...this.#heads.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * Takes a head in, durably, if it is fresh and its log signed it; `now` in ms since the epoch.
   * Where there are as many of its log as may be, one goes that chance picks, the new one among
   * them. Throws StoreError.
   */
  take({ head, logId }: Brought, now: number): HeadOutcome {
    const age = now - Number(head.timestamp);
    if (age >= FRESH_MS || age < -AHEAD_MS) return 'stale';
    const named = logId === undefined ? [...this.#logs.values()] : this.#logs.get(logIdText(logId));
    if (named === undefined) return 'unknown-log';
    const logs = [named].flat();
    // To the last bit: a forged signature must not tell, by the time it takes, what is here.
    if (logs.some(({ key }) => this.#has(logIdText(key.logId), head))) {
      this.#settle();
      return 'known';
    }
    for (const log of logs) {
      const verified = verifyStatement(head, log.key);
      if (verified !== undefined) return this.#keep(log, verified, now);
    }
    return 'bad-signature';
  }

  /** Whether this very head is here, signature and all. */
  #has(log: string, head: Statement): boolean {
    return (this.#heads.get(log) ?? []).some(
      ({ head: known }) =>
        isSame(known, head) && Buffer.compare(known.signature, head.signature) === 0,
    );
  }

  /** Ten heads at most that are fresh, each with the same chance, whoever asks and brought what. */
  drawn(now: number): VerifiedStatement[] {
    this.#settle();
    for (const log of this.#heads.keys()) this.#dropStale(log, now);
    const all = [...this.#heads.values()].flat();
    const drawn: VerifiedStatement[] = [];
    while (drawn.length < DRAWN) {
      const at = all.length === 0 ? -1 : this.#draw(all.length);
      const [picked] = at < 0 ? [] : all.splice(at, 1);
      if (picked === undefined) break;
      drawn.push(picked.head);
    }
    return drawn;
  }

  #keep(log: Log, head: VerifiedStatement, now: number): HeadOutcome {
    const { store } = this.#options;
    const name = logIdText(log.key.logId);
    this.#dropStale(name, now);
    const heads = this.#heads.get(name) ?? [];
    if (heads.some((other) => isSame(other.head, head))) {
      this.#settle();
      return 'known';
    }
    // First: what convicts must not depend on a disk that takes no more heads.
    this.#compare(log, head);
    this.#settle();
    const id = store.addHead(head);
    if (id === undefined) return 'known';
    this.#put(log, { id, head });
    const all = this.#heads.get(name) ?? [];
    if (all.length > store.limits.headsOfALog) this.#drop(all, this.#draw(all.length));
    return 'kept';
  }

  #put(log: Log, pooled: Pooled): void {
    const name = logIdText(log.key.logId);
    this.#heads.set(name, [...(this.#heads.get(name) ?? []), pooled]);
  }

  /** With what is here, before it is here itself. */
  #compare(log: Log, head: VerifiedStatement): void {
    const other = this.#heads
      .get(logIdText(log.key.logId))
      ?.find(({ head: one }) => one.treeSize === head.treeSize && !sameTree(one, head));
    const isFull = this.#unsettled.length >= MAX_UNSETTLED;
    if (other !== undefined && !isFull) this.#unsettled.push([log, other.head, head]);
  }

  /** Writes evidence of what contradicts each other. */
  #settle(): void {
    const { evidence, onFork, onFailure } = this.#options;
    this.#unsettled = this.#unsettled.filter(([log, first, second]) => {
      const finding = judgeWithoutProof(first, second);
      if (finding?.verdict !== 'fork-proven') return false;
      try {
        onFork(log, writeEvidence(evidence, makeEvidence(log, first, second, finding, Date.now())));
        return false;
      } catch (error) {
        onFailure(error);
        return true;
      }
    });
  }

  #dropStale(log: string, now: number): void {
    const heads = this.#heads.get(log) ?? [];
    for (let at = heads.length - 1; at >= 0; at--)
      if (now - Number(heads[at]?.head.timestamp ?? 0n) >= FRESH_MS) this.#drop(heads, at);
  }

  #drop(heads: Pooled[], at: number): void {
    const [gone] = heads.splice(at, 1);
    if (gone !== undefined) this.#options.store.dropHead(gone.id);
  }
}

function isSame(one: Statement, other: Statement): boolean {
  return one.timestamp === other.timestamp && sameTree(one, other);
}

function sameTree(one: Statement, other: Statement): boolean {
  return one.treeSize === other.treeSize && equalHash(one.rootHash, other.rootHash);
}
