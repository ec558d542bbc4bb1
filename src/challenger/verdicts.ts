/**
 * What a challenge makes of each tree: stored, reported, and put off where it is to be asked about
 * again.
 */
import { backOff, longestWait, type BackOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import type { Conclusion, Finding } from '../evidence/judge.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { findSignedList, keepListEvidence } from '../evidence/listed.ts';
import type { Log } from '../logs/log.ts';
import type { TreeRoot } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import type { Verdict, VerdictUpdate } from '../store/verdicts.ts';
import { patienceWith, verdictWithoutProof, type Outcome } from './decision.ts';

export interface VerdictContext {
  readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
  readonly evidenceDirectory: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onVerdict: (result: TreeVerdict) => void;
  /** Told of what is no verdict and a person should know. */
  readonly onNotice: (log: Log, message: string) => void;
  /**
   * Asks again even what back-off would leave for later. The challenge honours a log's own
   * Retry-After all the same.
   */
  readonly ignoreBackOff: boolean;
}

export interface TreeVerdict {
  readonly log: Log;
  readonly tree: StoredTree;
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  /** The size of the tree that it was held against. */
  readonly against: bigint;
  /** The path of the evidence, if there is some. */
  readonly evidence: string | undefined;
}

/** Scattered, so that many logs are not asked again together. */
const RETRY: BackOff = { first: 60_000, longest: 86_400_000, scatter: [0.5, 1.5] };

export class Verdicts {
  readonly #log: Log;
  readonly #context: VerdictContext;

  constructor(log: Log, context: VerdictContext) {
    this.#log = log;
    this.#context = context;
  }

  /** Whether the log is to be asked about the tree again: not if a fork is proven, or none can be. */
  isDue({ verdict, askAfter }: StoredTree): boolean {
    if (verdict === 'fork-proven' || verdict === 'malformed-head') return false;
    const { ignoreBackOff, now } = this.#context;
    return ignoreBackOff || askAfter === undefined || hasCome(askAfter, now(), longestWait(RETRY));
  }

  /** The tree is the one that the log itself calls current. */
  current(tree: StoredTree): void {
    this.#conclude(tree, tree, { verdict: 'consistent', provenAgainst: tree.id });
  }

  /**
   * Records what was found about `tree`, which is one of the two. Evidence is on disk before the
   * store, or anybody else, hears of the fork.
   */
  judged(tree: StoredTree, first: StoredTree, second: StoredTree, found: Conclusion): void {
    const { store, evidenceDirectory, now } = this.#context;
    const other = tree.id === first.id ? second : first;
    if (found.verdict === 'fork-proven') {
      const heads = [first, second] as const;
      const path = keepEvidence(store, evidenceDirectory, this.#log, heads, found, now());
      this.#conclude(tree, other, { verdict: 'fork-proven', provenAgainst: other.id }, path);
    } else if (found.verdict === 'consistent')
      this.#conclude(tree, other, { verdict: 'consistent', provenAgainst: other.id });
    else if (found.verdict === 'malformed-head') this.notice(found.reason);
    else this.unproven(tree, other, 'bad-proof', found.reason);
  }

  /** The log gave no proof between the two, and `reason` says how: see decision.ts. */
  unproven(tree: StoredTree, other: TreeRoot, outcome: Outcome, reason: string): void {
    const isOverdue = this.#context.now() - tree.firstSeen > patienceWith(this.#log);
    const verdict = verdictWithoutProof(outcome, { before: tree.verdict, isOverdue });
    const askAfter = this.#context.now() + Math.round(backOff(RETRY, tree.attempts + 1));
    this.#conclude(tree, other, { verdict, reason, askAfter });
  }

  /** The tree contradicts the final tree that a log list names, as `finding` shows. */
  contradictsList(tree: StoredTree, finalTree: TreeRoot, finding: Finding): void {
    const { store, evidenceDirectory, now } = this.#context;
    const reason = `contradicts the final tree, of size ${finalTree.treeSize}, in the log list`;
    if (tree.verdict === 'fork-proven') return;
    const list = findSignedList(store, this.#log);
    if (list === undefined)
      return this.notice(`its tree of size ${tree.treeSize} ${reason}, which is not signed`);
    const path = keepListEvidence(
      store,
      evidenceDirectory,
      this.#log,
      tree,
      { ...finalTree, list },
      finding,
      now(),
    );
    this.#conclude(tree, finalTree, { verdict: 'fork-proven', reason }, path);
  }

  notice(message: string): void {
    this.#context.onNotice(this.#log, message);
  }

  #conclude(tree: StoredTree, other: TreeRoot, update: VerdictUpdate, evidence?: string): void {
    const { store, now, onVerdict } = this.#context;
    const { verdict, reason } = update;
    store.verdicts.set(tree, now(), update);
    onVerdict({ log: this.#log, tree, verdict, reason, against: other.treeSize, evidence });
  }
}
