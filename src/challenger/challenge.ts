/**
 * One challenge of one log: every tree it ever signed in front of us must be a prefix of its
 * current one.
 *
 * The log's current head is the anchor: the largest that its front ends show on several paths at
 * once; what they show beside it is challenged like any other head. Going down by size, each tree
 * is proven a prefix of the nearest larger tree that is already linked to the anchor, so n trees
 * cost n short proofs; consistency is transitive. A tree that is not linked (a fork, or a proof
 * refused) never becomes a link itself. What an earlier challenge linked stays linked as long as
 * its anchor is, and is not asked again.
 *
 * With a fixed number of questions, trees that find no place wait for the next challenge, and
 * places that no tree needs go to cover questions: how much was seen does not show.
 */
import { randomInt } from 'node:crypto';
import { backOff, longestWait, type BackOff } from '../base/back-off.ts';
import { hasCome } from '../base/clock.ts';
import { CtgaError } from '../base/errors.ts';
import { findSignedList, keepListEvidence } from '../evidence/listed.ts';
import { judgeWithoutProof, type Conclusion, type Finding } from '../evidence/judge.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { askerOf } from '../ask/asker-of.ts';
import { LOG_API_SOURCE, LogError, type Asker } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import type { Fetch } from '../http/request.ts';
import { MAX_RETRY_AFTER } from '../http/retry-after.ts';
import type { Log } from '../logs/log.ts';
import type { Store, StoredTree, Verdict, VerdictUpdate } from '../store/sqlite/store.ts';
import type { MerkleHash } from '../merkle/hash.ts';
import type { TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import type { ListedTree } from '../evidence/bundle.ts';
import { verifyStatement } from '../statements/verify.ts';

export interface ChallengeContext {
  readonly store: Store;
  readonly evidenceDirectory: string;
  /**
   * Ways to the log, each with an identity of its own; one at least. All are asked for its head,
   * one for proofs.
   */
  readonly paths: readonly Fetch[];
  /** How many proofs to ask for, neither more nor less; absent: as many as there are trees. */
  readonly questions?: number;
  readonly now: () => number;
  /** Breaks it off: what was not answered by then stays as it was. */
  readonly signal: AbortSignal;
  readonly onVerdict: (result: TreeVerdict) => void;
  /** Something that is no verdict and that a person should know. */
  readonly onNotice: (log: Log, message: string) => void;
  /**
   * Ask again even what back-off would leave for later. A log's own Retry-After is honoured all the
   * same.
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
  readonly evidence: string | undefined;
}

/**
 * Returns what stopped the challenge early, if anything: the log could not be asked. Verdicts are
 * stored and reported one by one as they are reached. Rejects only with `proxy-unavailable` and
 * store failures.
 */
export async function challengeLog(
  log: Log,
  context: ChallengeContext,
): Promise<LogError | undefined> {
  const { store, now } = context;
  const quietUntil = store.quietUntil(log.key.logId);
  if (!hasCome(quietUntil, now(), MAX_RETRY_AFTER)) {
    return new LogError(
      'log-unavailable',
      `the log asked not to be asked before ${new Date(quietUntil).toISOString()}`,
    );
  }
  const challenge = new Challenge(log, context);
  try {
    const current = await challenge.currentTree();
    await challenge.compareWithList(current);
    for (const tree of store.trees(log.key.logId).reverse()) await challenge.ask(tree, current);
    await challenge.askForCover(current);
    return undefined;
  } catch (error) {
    if (!(error instanceof LogError) || context.signal.aborted) throw error;
    if (error.retryAfter !== undefined)
      store.setQuietUntil(log.key.logId, now() + error.retryAfter);
    challenge.leaveUnasked(error);
    return error;
  }
}

/** Scattered, so that many logs are not asked again together. */
const RETRY: BackOff = { first: 60_000, longest: 86_400_000, scatter: [0.5, 1.5] };

/**
 * A log that only fails for a moment is not accused of anything, however soon it promises to merge.
 */
const MIN_UNPROVABLE_MS = 3_600_000;

class Challenge {
  readonly #log: Log;
  readonly #context: ChallengeContext;
  readonly #clients: readonly Asker[];
  /** The one whose head is the anchor: whoever showed it can prove it. */
  #client: Asker | undefined;
  /**
   * Trees linked to the log's current one, by id; the smallest of them is what the next is held
   * against.
   */
  readonly #linked = new Set<number>();
  #anchor: StoredTree | undefined;
  #questionsLeft: number;

  constructor(log: Log, context: ChallengeContext) {
    this.#log = log;
    this.#context = context;
    const { paths, now } = context;
    this.#clients = paths.map((fetch) => askerOf(log, fetch, now));
    this.#questionsLeft = context.questions ?? Infinity;
  }

  /**
   * Fetches the log's head on every path at once, verifies and stores what comes; the largest is
   * current.
   */
  async currentTree(): Promise<StoredTree> {
    const { store, now } = this.#context;
    const asked = await Promise.allSettled(this.#clients.map((client) => this.#headFrom(client)));
    this.#context.signal.throwIfAborted();
    const heads: { readonly client: Asker; readonly head: VerifiedStatement }[] = [];
    const failures: Error[] = [];
    for (const [i, answer] of asked.entries()) {
      const client = this.#clients[i];
      if (answer.status === 'fulfilled' && client !== undefined)
        heads.push({ client, head: answer.value });
      else if (answer.status === 'rejected' && answer.reason instanceof CtgaError)
        failures.push(answer.reason);
      else if (answer.status === 'rejected') throw answer.reason;
    }
    const [first, ...others] = heads;
    if (first === undefined) {
      // A proxy that is down says nothing about the log, so it is what matters.
      const failure = failures.find((each) => !(each instanceof LogError)) ?? failures[0];
      throw failure ?? new RangeError('no path to ask on');
    }
    for (const { message } of failures)
      this.#notice(`one of ${this.#clients.length} paths gave no tree head: ${message}`);
    const time = now();
    store.recordSightings(
      heads.map(({ head }) => ({
        head,
        source: LOG_API_SOURCE,
        firstSeen: time,
        lastSeen: time,
        count: 1,
      })),
    );
    const largest = others.reduce(
      (best, each) => (each.head.treeSize > best.head.treeSize ? each : best),
      first,
    );
    this.#client = largest.client;
    const tree = store.findTree(largest.head);
    this.#anchor = tree;
    this.#linked.add(tree.id);
    return tree;
  }

  async #headFrom(client: Asker): Promise<VerifiedStatement> {
    const head = verifyStatement(await client.treeHead(), this.#log.key);
    if (head === undefined)
      throw new LogError('log-unavailable', "the log's tree head is not signed by its key");
    return head;
  }

  /**
   * A log that is read-only ends at the tree that its list names. A head of its that contradicts
   * that tree is evidence if the list is signed: the log, or whoever keeps the list, shows two
   * histories.
   */
  async compareWithList(current: StoredTree): Promise<void> {
    const { finalTree } = this.#log;
    if (finalTree === undefined) return;
    const { store } = this.#context;
    for (const tree of store.trees(this.#log.key.logId)) {
      if (tree.treeSize !== finalTree.treeSize) continue;
      const judgement = judgeWithoutProof(finalTree, tree);
      if (judgement?.verdict === 'fork-proven') this.#contradictsList(tree, finalTree, judgement);
    }
    if (current.treeSize === finalTree.treeSize || this.#questionsLeft < 1) return;
    const [first, second] =
      current.treeSize > finalTree.treeSize ? [finalTree, current] : [current, finalTree];
    try {
      const judgement = await this.#judge(first, second);
      if (judgement.verdict === 'fork-proven') this.#contradictsList(current, finalTree, judgement);
      else if (judgement.verdict === 'bad-proof')
        this.#notice(
          `no proof between its tree of size ${current.treeSize} and its final one: ${judgement.reason}`,
        );
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'log-refused') throw error;
      this.#notice(
        `it refuses a proof between its tree of size ${current.treeSize} and its final one: ${error.message}`,
      );
    }
  }

  async ask(tree: StoredTree, current: StoredTree): Promise<void> {
    if (tree.id === current.id) {
      // Nothing larger to hold it against yet: the next challenge will.
      if (tree.verdict !== 'fork-proven')
        this.#conclude(tree, tree, { verdict: 'consistent', provenAgainst: tree.id });
    } else if (
      tree.verdict === 'consistent' &&
      tree.provenAgainst !== undefined &&
      this.#linked.has(tree.provenAgainst)
    ) {
      this.#link(tree);
    } else if (this.#isDue(tree) && this.#questionsLeft >= 1) {
      if (tree.treeSize > current.treeSize) await this.#askLarger(tree, current);
      else await this.#askSmaller(tree, this.#anchor ?? current);
    }
  }

  /**
   * Spends what is left of the questions: trees that are linked already are asked about again, like
   * any other. A log of which only the current tree is known is asked about some size below it.
   */
  async askForCover(current: StoredTree): Promise<void> {
    const { store, questions } = this.#context;
    if (questions === undefined || current.treeSize < 2n) return;
    const known = store
      .trees(this.#log.key.logId)
      .filter(
        (tree) =>
          this.#linked.has(tree.id) && tree.treeSize > 0n && tree.treeSize < current.treeSize,
      );
    while (this.#questionsLeft >= 1) {
      const tree = known[randomInt(Math.max(1, known.length))];
      try {
        if (tree === undefined) await this.#proof(randomBelow(current.treeSize), current.treeSize);
        else this.#recheck(tree, current, await this.#judge(tree, current));
      } catch (error) {
        // Refused: a log may, and what was proven stays proven.
        if (!(error instanceof LogError) || error.code !== 'log-refused') throw error;
      }
    }
  }

  /**
   * What was consistent and is proven a fork now is one; a bad answer to a cover question is no
   * reason to doubt.
   */
  #recheck(tree: StoredTree, current: StoredTree, judgement: Conclusion): void {
    if (judgement.verdict === 'fork-proven') this.#apply(tree, tree, current, judgement);
  }

  /**
   * The log did not answer, at all or to the end: that is the state of everything still waiting for
   * an answer.
   */
  leaveUnasked(error: LogError): void {
    for (const tree of this.#context.store.trees(this.#log.key.logId)) {
      const waits = tree.verdict !== 'consistent' && tree.verdict !== 'fork-proven';
      if (!waits || this.#linked.has(tree.id) || !this.#isDue(tree)) continue;
      if (this.#anchor === undefined)
        this.#conclude(tree, tree, {
          verdict: 'unreachable',
          reason: error.message,
          askAfter: this.#backOff(tree),
        });
      else this.#unproven(tree, this.#anchor, 'unreachable', error.message);
    }
  }

  #isDue(tree: StoredTree): boolean {
    if (tree.verdict === 'fork-proven') return false;
    const { ignoreBackOff, now } = this.#context;
    return (
      ignoreBackOff ||
      tree.askAfter === undefined ||
      hasCome(tree.askAfter, now(), longestWait(RETRY))
    );
  }

  /** tree.treeSize <= anchor.treeSize. */
  async #askSmaller(tree: StoredTree, anchor: StoredTree): Promise<void> {
    try {
      const judgement = await this.#judge(tree, anchor);
      this.#apply(tree, tree, anchor, judgement);
      if (judgement.verdict === 'consistent') this.#link(tree);
    } catch (error) {
      this.#refused(tree, anchor, error);
    }
  }

  /**
   * The log was seen with a larger tree than it admits to now: its front ends differ, or it hides
   * something.
   */
  async #askLarger(tree: StoredTree, current: StoredTree): Promise<void> {
    try {
      this.#apply(tree, current, tree, await this.#judge(current, tree));
    } catch (error) {
      this.#refused(tree, current, error);
    }
  }

  #judge(first: TreeRoot, second: TreeRoot): Promise<Conclusion> {
    return prove(this.#prover(), first, second, { onQuestion: () => (this.#questionsLeft -= 1) });
  }

  #proof(first: bigint, second: bigint): Promise<MerkleHash[]> {
    this.#questionsLeft -= 1;
    return this.#prover().consistencyProof(first, second);
  }

  #prover(): Asker {
    if (this.#client === undefined) throw new Error('the log was not asked for its head yet');
    return this.#client;
  }

  /** Stores what was found about `tree`; evidence goes to the disk before anything else happens. */
  #apply(tree: StoredTree, first: StoredTree, second: StoredTree, judgement: Conclusion): void {
    const { store, evidenceDirectory, now } = this.#context;
    const other = tree.id === first.id ? second : first;
    if (judgement.verdict === 'fork-proven') {
      const path = keepEvidence(
        store,
        evidenceDirectory,
        this.#log,
        [first, second],
        judgement,
        now(),
      );
      this.#conclude(tree, other, { verdict: 'fork-proven', provenAgainst: other.id }, path);
    } else if (judgement.verdict === 'consistent') {
      this.#conclude(tree, other, { verdict: 'consistent', provenAgainst: other.id });
    } else this.#unproven(tree, other, 'bad-proof', judgement.reason);
  }

  #contradictsList(tree: StoredTree, finalTree: TreeRoot, finding: Finding): void {
    const { store, evidenceDirectory, now } = this.#context;
    const reason = `contradicts the final tree, of size ${finalTree.treeSize}, in the log list`;
    if (tree.verdict === 'fork-proven') return;
    const list = findSignedList(store, this.#log);
    if (list === undefined)
      return this.#notice(`its tree of size ${tree.treeSize} ${reason}, which is not signed`);
    const listed: ListedTree = { ...finalTree, list };
    const path = keepListEvidence(
      store,
      evidenceDirectory,
      this.#log,
      tree,
      listed,
      finding,
      now(),
    );
    this.#conclude(tree, { ...tree, ...finalTree }, { verdict: 'fork-proven', reason }, path);
  }

  #notice(message: string): void {
    this.#context.onNotice(this.#log, message);
  }

  /** A refusal is never evidence: the front end may lag. */
  #refused(tree: StoredTree, other: StoredTree, error: unknown): void {
    if (!(error instanceof LogError) || error.code !== 'log-refused') throw error;
    this.#unproven(tree, other, 'skewed', error.message);
  }

  /** No proof, for this or that reason. Beyond its MMD no honest log has any. */
  #unproven(tree: StoredTree, other: StoredTree, excuse: Verdict, reason: string): void {
    const patience = Math.max(this.#log.mmd * 1000, MIN_UNPROVABLE_MS);
    const overdue = this.#context.now() - tree.firstSeen > patience;
    const verdict = overdue ? 'unprovable' : excuse;
    this.#conclude(tree, other, { verdict, reason, askAfter: this.#backOff(tree) });
  }

  #link(tree: StoredTree): void {
    this.#linked.add(tree.id);
    this.#anchor = tree;
  }

  #conclude(tree: StoredTree, other: StoredTree, update: VerdictUpdate, evidence?: string): void {
    const { store, now, onVerdict } = this.#context;
    store.setVerdict(tree, now(), update);
    onVerdict({
      log: this.#log,
      tree,
      verdict: update.verdict,
      reason: update.reason,
      against: other.treeSize,
      evidence,
    });
  }

  #backOff(tree: StoredTree): number {
    return this.#context.now() + Math.round(backOff(RETRY, tree.attempts + 1));
  }
}

/** 1 <= x < limit, evenly; limits beyond what randomInt takes are cut, and no log is that large. */
function randomBelow(limit: bigint): bigint {
  const most = Number(limit < 2n ** 48n ? limit : 2n ** 48n - 1n);
  return BigInt(randomInt(1, Math.max(2, most)));
}
