/**
 * One challenge of one log: every tree it ever signed in front of us must be a prefix of its current one.
 *
 * The log's current head is the anchor. Going down by size, each tree is proven a prefix of the nearest
 * larger tree that is already linked to the anchor, so n trees cost n short proofs; consistency is
 * transitive. A tree that is not linked (a fork, or a proof refused) never becomes a link itself. What an
 * earlier challenge linked stays linked as long as its anchor is, and is not asked again.
 */
import { CtgaError } from '../errors.ts';
import {
  judgeProof,
  judgeWithoutProof,
  type Judgement,
  type NextQuestion,
  type Proof,
} from '../evidence/judge.ts';
import { keepEvidence } from '../evidence/keep.ts';
import { LogError, Rfc6962Client, type Fetch, type LogClient } from '../logs/client.ts';
import type { Log } from '../logs/log.ts';
import { StaticClient } from '../logs/static-client.ts';
import type { Store, StoredTree, Verdict, VerdictUpdate } from '../store/store.ts';
import { verifyTreeHead } from '../treehead/verify.ts';

export interface ChallengeContext {
  readonly store: Store;
  readonly evidenceDirectory: string;
  readonly fetch: Fetch;
  readonly now: () => number;
  readonly onVerdict: (result: TreeVerdict) => void;
  /** Ask again even what back-off would leave for later. A log's own Retry-After is honoured all the same. */
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

/** The source under which the log's own heads are recorded. */
export const LOG_API_SOURCE = 'get-sth';

/**
 * Returns what stopped the challenge early, if anything: the log could not be asked. Verdicts are stored
 * and reported one by one as they are reached. Rejects only with `proxy-unavailable` and store failures.
 */
export async function challengeLog(log: Log, context: ChallengeContext): Promise<LogError | undefined> {
  const { store, now } = context;
  const quietUntil = store.quietUntil(log.key.logId);
  if (quietUntil > now()) {
    return new LogError(
      'log-unavailable',
      `the log asked not to be asked before ${new Date(quietUntil).toISOString()}`,
    );
  }
  const challenge = new Challenge(log, context);
  try {
    const current = await challenge.currentTree();
    for (const tree of store.trees(log.key.logId).reverse()) await challenge.ask(tree, current);
    return undefined;
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    if (error.retryAfter !== undefined) store.setQuietUntil(log.key.logId, now() + error.retryAfter);
    challenge.leaveUnreachable(error);
    return error;
  }
}

class Challenge {
  readonly #log: Log;
  readonly #context: ChallengeContext;
  readonly #client: LogClient;
  /** Trees linked to the log's current one, by id; the smallest of them is what the next is held against. */
  readonly #linked = new Set<number>();
  #anchor: StoredTree | undefined;

  constructor(log: Log, context: ChallengeContext) {
    this.#log = log;
    this.#context = context;
    const { fetch, now } = context;
    this.#client =
      log.api === 'static-ct'
        ? new StaticClient(log.url, log.key.logId, fetch, now)
        : new Rfc6962Client(log.url, fetch, now);
  }

  /** Fetches, verifies and stores the log's current head. */
  async currentTree(): Promise<StoredTree> {
    const { store, now } = this.#context;
    const head = verifyTreeHead(await this.#client.treeHead(), this.#log.key);
    if (head === undefined)
      throw new LogError('log-unavailable', "the log's tree head is not signed by its key");
    store.recordSightings([{ head, source: LOG_API_SOURCE, firstSeen: now(), lastSeen: now(), count: 1 }]);
    const tree = store.findTree(head);
    this.#anchor = tree;
    this.#linked.add(tree.id);
    return tree;
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
    } else if (this.#isDue(tree)) {
      if (tree.treeSize > current.treeSize) await this.#askLarger(tree, current);
      else await this.#askSmaller(tree, this.#anchor ?? current);
    }
  }

  /** When the log cannot be asked, that is the state of everything still waiting for an answer. */
  leaveUnreachable(error: LogError): void {
    for (const tree of this.#context.store.trees(this.#log.key.logId)) {
      const waits = tree.verdict === 'pending' || tree.verdict === 'unreachable';
      if (waits && !this.#linked.has(tree.id)) {
        this.#conclude(tree, tree, {
          verdict: 'unreachable',
          reason: error.message,
          askAfter: this.#backOff(tree),
        });
      }
    }
  }

  #isDue(tree: StoredTree): boolean {
    if (tree.verdict === 'fork-proven') return false;
    return this.#context.ignoreBackOff || tree.askAfter === undefined || tree.askAfter <= this.#context.now();
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

  /** The log was seen with a larger tree than it admits to now: its front ends differ, or it hides something. */
  async #askLarger(tree: StoredTree, current: StoredTree): Promise<void> {
    try {
      this.#apply(tree, current, tree, await this.#judge(current, tree));
    } catch (error) {
      this.#refused(tree, current, error);
    }
  }

  /** Asks for the proof, and where the first size is a power of two for the one that decides. */
  async #judge(first: StoredTree, second: StoredTree): Promise<Judgement> {
    const settled = judgeWithoutProof(first, second);
    if (settled !== undefined) return settled;
    const hashes = await this.#client.consistencyProof(first.treeSize, second.treeSize);
    const judgement = judgeProof(first, second, { kind: 'consistency', hashes });
    if (judgement.verdict !== 'undecided') return judgement;
    return judgeProof(first, second, await this.#askNext(judgement.next, first, second));
  }

  async #askNext(next: NextQuestion, first: StoredTree, second: StoredTree): Promise<Proof> {
    if (next.kind === 'successor-consistency') {
      return { kind: next.kind, hashes: await this.#client.consistencyProof(next.first, second.treeSize) };
    }
    const { leafHash } = next;
    const leaf = { leafHash, leafIndex: first.treeSize };
    return { kind: next.kind, leafHash, hashes: await this.#client.inclusionProof(leaf, second.treeSize) };
  }

  /** Stores what was found about `tree`; evidence goes to the disk before anything else happens. */
  #apply(tree: StoredTree, first: StoredTree, second: StoredTree, judgement: Judgement): void {
    const { store, evidenceDirectory, now } = this.#context;
    const other = tree.id === first.id ? second : first;
    if (judgement.verdict === 'fork-proven') {
      const path = keepEvidence(store, evidenceDirectory, this.#log, [first, second], judgement, now());
      this.#conclude(tree, other, { verdict: 'fork-proven', provenAgainst: other.id }, path);
    } else if (judgement.verdict === 'consistent') {
      this.#conclude(tree, other, { verdict: 'consistent', provenAgainst: other.id });
    } else {
      const reason = judgement.verdict === 'bad-proof' ? judgement.reason : 'the proof decides nothing';
      this.#conclude(tree, other, { verdict: 'bad-proof', reason, askAfter: this.#backOff(tree) });
    }
  }

  /** A refusal is never evidence: the front end may lag. Beyond the MMD no honest log has that excuse. */
  #refused(tree: StoredTree, other: StoredTree, error: unknown): void {
    if (!(error instanceof LogError) || error.code !== 'log-refused') throw error;
    const overdue = this.#context.now() - tree.firstSeen > this.#log.mmd * 1000;
    const verdict = overdue ? 'unprovable' : 'skewed';
    this.#conclude(tree, other, { verdict, reason: error.message, askAfter: this.#backOff(tree) });
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

  /** Doubles from a minute to a day, and scatters so that many logs are not asked again together. */
  #backOff(tree: StoredTree): number {
    const wait = Math.min(60_000 * 2 ** Math.min(tree.attempts, 20), 86_400_000);
    return this.#context.now() + Math.round(wait * (0.5 + Math.random()));
  }
}

/** True for failures that end the whole run, not the challenge of one log. */
export function isProxyFailure(error: unknown): error is CtgaError {
  return error instanceof CtgaError && error.code === 'proxy-unavailable';
}
