// SPDX-License-Identifier: Apache-2.0
/**
 * What a challenge makes of each tree: stored, reported, and put off where it is to be asked about
 * again.
 */
import { backOff, longestWait, type BackOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import type { Finding } from '../evidence/judge.ts';
import { contradictionOf, keepEvidence, keepListEvidence } from '../evidence/keep.ts';
import { findSignedList } from '../evidence/listed.ts';
import type { Log } from '../logs/log.ts';
import type { TreeRoot } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import type { Verdict, VerdictUpdate } from '../store/verdicts.ts';
import { patienceWith, verdictWithoutProof, type Outcome } from './decision.ts';
import type { Links } from './links.ts';

export interface VerdictContext {
  readonly store: Pick<Store, 'evidence' | 'heads' | 'logs' | 'verdicts'>;
  readonly evidenceDirectory: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly onVerdict: (result: TreeVerdict) => void;
  /** Told of what is no verdict and a person should know. */
  readonly onNotice: (log: Log, message: string) => void;
  /**
   * Asks again even what back-off would leave for later; not unless given. The challenge honours a
   * log's own Retry-After all the same.
   */
  readonly ignoreBackOff?: boolean;
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

const DAMAGED =
  'the store had a tree that the log did not sign. It was damaged and is set aside; nothing is said of the log';

export class Verdicts {
  readonly #log: Log;
  readonly #context: VerdictContext;
  readonly #links: Links;
  readonly #batch: number;
  readonly #unwritten: { readonly tree: StoredTree; readonly update: VerdictUpdate }[] = [];
  readonly #unreported: TreeVerdict[] = [];

  /** So many verdicts are recorded and reported together; `flush` does so with what is left. */
  constructor(log: Log, context: VerdictContext, links: Links, batch = 1) {
    this.#log = log;
    this.#context = context;
    this.#links = links;
    this.#batch = batch;
  }

  /** Records what was concluded and is not recorded yet, in one transaction, then reports it. */
  flush(): void {
    const updates = this.#unwritten.splice(0);
    const reports = this.#unreported.splice(0);
    if (updates.length > 0) this.#context.store.verdicts.setAll(updates, this.#context.now());
    for (const report of reports) this.#context.onVerdict(report);
  }

  /** Whether the log may be asked about the tree again, so far as back-off goes. */
  isDue({ askAfter }: StoredTree): boolean {
    const { ignoreBackOff = false, now } = this.#context;
    return ignoreBackOff || askAfter === undefined || hasCome(askAfter, now(), longestWait(RETRY));
  }

  /** The tree is of the chain, because of its link to `other` or as the one that is current. */
  consistent(tree: StoredTree, other: StoredTree = tree): void {
    this.#conclude(tree, other, { verdict: 'consistent' });
  }

  /**
   * Records that `tree`, which is one of the two, contradicts the other. Evidence is on disk before
   * the store, or anybody else, hears of the fork.
   */
  forked(tree: StoredTree, first: StoredTree, second: StoredTree, finding: Finding): void {
    const { store, evidenceDirectory, now } = this.#context;
    const other = tree.id === first.id ? second : first;
    const heads = [first, second] as const;
    const path = keepEvidence(store, evidenceDirectory, this.#log, heads, finding, now());
    if (path === undefined) return this.notice(DAMAGED);
    this.#conclude(tree, other, { verdict: 'fork-proven', provenAgainst: other.id }, path);
    this.flush();
  }

  /** The log gave no proof between the two, and `reason` says how: see decision.ts. */
  unproven(tree: StoredTree, other: TreeRoot, outcome: Outcome, reason: string): void {
    this.#putOff(tree, other, this.#withoutProof(tree, outcome), reason);
  }

  /**
   * As `unproven`, where nothing was asked about this tree alone: it is not put off, and where all
   * this is known nothing is recorded or reported.
   */
  waits(tree: StoredTree, other: TreeRoot, outcome: Outcome | 'pending', reason: string): void {
    const verdict = outcome === 'pending' ? 'pending' : this.#withoutProof(tree, outcome);
    const isKnown = this.#links.verdictOf(tree) === verdict;
    if (isKnown && (outcome === 'no-answer' || tree.reason === reason)) return;
    this.#conclude(tree, other, { verdict, reason });
  }

  /** The tree is linked to `other`, and that is not linked to the chain so far. */
  nearer(tree: StoredTree, other: StoredTree): void {
    const reason = `the log proved it together with its tree of size ${other.treeSize}, which it has yet to prove`;
    this.#putOff(tree, other, 'skewed', reason);
  }

  /** Keeps the link of the tree, and nothing else changes. Nobody is told. */
  linked(tree: StoredTree): void {
    const { reason, askAfter } = tree;
    this.#set(tree, { verdict: this.#links.verdictOf(tree), reason, askAfter });
  }

  /** The tree was of a chain that the log's current tree is not of. Nobody is told. */
  unlinked(tree: StoredTree): void {
    const reason = 'the tree that it was proven against is not linked to the current one';
    this.#set(tree, { verdict: 'pending', reason });
  }

  /** The tree contradicts the final tree that a log list names, as `finding` shows. */
  contradictsList(tree: StoredTree, finalTree: TreeRoot, finding: Finding): void {
    const { store, evidenceDirectory, now } = this.#context;
    const reason = contradictionOf(finalTree);
    if (this.#links.isForked(tree)) return;
    const list = findSignedList(store, this.#log);
    if (list === undefined)
      return this.notice(`its tree of size ${tree.treeSize} ${reason}, which is not signed`);
    const listed = { ...finalTree, list };
    const path = keepListEvidence(
      store,
      evidenceDirectory,
      this.#log,
      tree,
      listed,
      finding,
      now(),
    );
    if (path === undefined) return this.notice(DAMAGED);
    this.#conclude(tree, finalTree, { verdict: 'fork-proven', reason }, path);
  }

  notice(message: string): void {
    this.#context.onNotice(this.#log, message);
  }

  #withoutProof(tree: StoredTree, outcome: Outcome): Verdict {
    const isOverdue = this.#context.now() - tree.firstSeen > patienceWith(this.#log);
    return verdictWithoutProof(outcome, { before: this.#links.verdictOf(tree), isOverdue });
  }

  #putOff(tree: StoredTree, other: TreeRoot, verdict: Verdict, reason: string): void {
    const askAfter = this.#context.now() + Math.round(backOff(RETRY, tree.attempts + 1));
    this.#conclude(tree, other, { verdict, reason, askAfter });
  }

  #conclude(tree: StoredTree, other: TreeRoot, update: VerdictUpdate, evidence?: string): void {
    const { verdict, reason } = update;
    const against = other.treeSize;
    this.#unreported.push({ log: this.#log, tree, verdict, reason, against, evidence });
    this.#set(tree, update);
  }

  /** A link is kept, whatever is concluded, but where the tree contradicts another. */
  #set(tree: StoredTree, update: VerdictUpdate): void {
    const link = this.#links.linkOf(tree)?.id;
    const unlinked = update.verdict === 'consistent' ? tree.id : undefined;
    const provenAgainst = update.provenAgainst ?? link ?? unlinked;
    this.#unwritten.push({
      tree,
      update: update.verdict === 'fork-proven' ? update : { ...update, provenAgainst },
    });
    this.#links.setVerdict(tree, update.verdict);
    if (this.#unwritten.length >= this.#batch) this.flush();
  }
}
