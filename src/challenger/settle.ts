/**
 * Settling: what a log's public hashes, which are here, say about the trees that were seen of it.
 * The log is asked nothing. It takes place when everything has been sent that a visit sends
 * (src/follow), so neither what it finds nor how long it takes, nor that it fails, can be told from
 * what is sent.
 *
 * Every public head is recorded as any other head is, and linked to those before it. A tree whose
 * root is the one that the public hashes have for its size is linked to a public tree, and so is of
 * the chain (links.ts). Where the roots differ, the hashes make the proof that convicts the log.
 * Trees whose hashes are not here wait, and say what for.
 */
import { setImmediate } from 'node:timers/promises';
import { isRefusal, LogError } from '../ask/asker.ts';
import { prove } from '../ask/prove.ts';
import { judgeWithoutProof, type Finding } from '../evidence/judge.ts';
import { signedHeadOf } from '../evidence/stored.ts';
import type { Visit } from '../follow/follower.ts';
import type { KnownHashes, Outlook } from '../follow/known-hashes.ts';
import { logIdText, type Log } from '../logs/log.ts';
import { equalHash } from '../merkle/hash.ts';
import type { TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import { accuse, compareSizes } from './contradictions.ts';
import { patienceWith, type Outcome } from './decision.ts';
import { compareWithHashes } from './final-tree.ts';
import { Links } from './links.ts';
import { decidingFailure, noteStaleness, recordShown } from './shown.ts';
import { staleness } from './staleness.ts';
import { Verdicts, type VerdictContext } from './verdicts.ts';

export interface SettleContext extends VerdictContext {
  /** Breaks settling off: what was concluded by then is recorded. */
  readonly signal: AbortSignal;
}

/** So many verdicts are one transaction. */
const BATCH = 256;
/** After so many milliseconds other work of this process has its turn. */
const TURN_MS = 4;
/** So many trees may fail to be settled, before the others are not tried either. */
const MAX_FAILURES = 16;
/** So many notices are remembered. */
const MAX_SAID = 10_000;

/** What a tree waits for, by what is to be expected of its hashes. */
const WAITS: Record<Outlook, readonly [outcome: Outcome | 'pending', reason: string]> = {
  here: ['pending', 'what was fetched of the log proves nothing about it'],
  coming: ['pending', 'it waits for the part of the log that it is in, which is yet to be fetched'],
  'needs-block': ['pending', 'it waits until its turn comes among the blocks that are asked for'],
  refused: [
    'refused',
    'the log did not give the hashes that it is compared by, and is not asked for them again: "ctga challenge --once --direct-questions" asks about this very tree, and so tells the log that it was seen',
  ],
  beyond: ['refused', 'it is larger than every tree that the log shows to everybody'],
};
const APART = 'it is of one log with a public tree that is yet to be linked to those before it';

/** Settles logs, and knows which of their trees wait for a question. */
export class Settler {
  readonly #context: SettleContext;
  readonly #notify: VerdictContext['onNotice'];
  readonly #wanted = new Map<string, readonly bigint[]>();
  readonly #said = new Set<string>();

  constructor(context: SettleContext) {
    this.#notify = context.onNotice;
    this.#context = { ...context, onNotice: (...said) => this.#sayOnce(...said) };
  }

  /**
   * The sizes that only a block of the log brings, as they were when the log was last settled: the
   * one that has waited longest first. Does not read the store, and takes no time.
   */
  wanted({ key }: Pick<Log, 'key'>): readonly bigint[] {
    return this.#wanted.get(logIdText(key.logId)) ?? [];
  }

  /**
   * Records what a visit showed, and gives each tree of the log the verdict that the hashes have
   * for it. Without a visit nothing is recorded, and no tree is said to wait.
   *
   * Rejects with the first error that kept a tree from its verdict, when all others have theirs;
   * and if the signal is given.
   */
  async settle(log: Log, known: KnownHashes, visit?: Visit): Promise<void> {
    if (visit !== undefined) {
      recordShown(log, visit.heads, this.#context);
      this.#tellOf(log, visit);
    }
    const publicHeads = new PublicHeads(log, this.#context, known, visit);
    const settlement = new Settlement(log, this.#context, known, visit, publicHeads);
    await settlement.run();
    this.#wanted.set(logIdText(log.key.logId), settlement.wanted());
    for (const failure of settlement.failures) throw failure;
  }

  /** What a person should know of a visit that brought a head; see failureOf for others. */
  #tellOf(log: Log, { current, failures, notices }: Visit): void {
    for (const notice of notices) this.#sayOnce(log, notice);
    if (current === undefined) return;
    const [first, ...others] = failures;
    if (first === undefined) return;
    const more = others.length === 0 ? '' : `; and ${others.length} more like it`;
    this.#notify(log, `did not answer everything: ${first.message}${more}`);
  }

  #sayOnce(log: Log, message: string): void {
    const said = `${logIdText(log.key.logId)} ${message}`;
    if (this.#said.has(said)) return;
    if (this.#said.size >= MAX_SAID) this.#said.clear();
    this.#said.add(said);
    this.#notify(log, message);
  }
}

/** Why the log gave no head on a visit; undefined where it gave one. */
export function failureOf({ current, failures }: Visit): Error | undefined {
  return current === undefined ? decidingFailure(failures) : undefined;
}

/** The trees of a log in the store, those among them that the log showed to everybody. */
class PublicHeads {
  /** All trees of the log, by size. */
  readonly trees: readonly StoredTree[];
  /** The larger of each two is proven to extend the smaller one. */
  readonly links: readonly (readonly [StoredTree, StoredTree])[];
  /** The tree that the chain ends at: the largest that the hashes lead to. */
  readonly anchor: StoredTree | undefined;
  readonly #context: SettleContext;
  readonly #log: Log;
  readonly #byRoot = new Map<string, StoredTree>();

  /** Records those that the store does not have: its file may be newer than the hashes. */
  constructor(log: Log, context: SettleContext, known: KnownHashes, visit: Visit | undefined) {
    this.#log = log;
    this.#context = context;
    const pairs = known.publicLinks();
    const forks = visit?.forks.flatMap(({ first, second }) => [first, second]) ?? [];
    let trees = this.#read();
    const missing = [...pairs.flat(), ...forks].filter((head) => !this.#byRoot.has(nameOf(head)));
    if (missing.length > 0) {
      recordShown(log, missing, context);
      trees = this.#read();
    }
    this.trees = trees;
    this.links = pairs.map(([first, second]) => [this.treeOf(first), this.treeOf(second)]);
    const newest = pairs.reduce<VerifiedStatement | undefined>(
      (largest, [, head]) => (largest && largest.treeSize >= head.treeSize ? largest : head),
      undefined,
    );
    const head = newest ?? visit?.current;
    this.anchor = head && this.treeOf(head);
  }

  #read(): StoredTree[] {
    const trees = this.#context.store.heads.trees(this.#log.key.logId);
    for (const tree of trees) this.#byRoot.set(nameOf(tree), tree);
    return trees;
  }

  /** Records the head if it is not. */
  treeOf(head: VerifiedStatement): StoredTree {
    const name = nameOf(head);
    let tree = this.#byRoot.get(name);
    if (tree === undefined) {
      recordShown(this.#log, [head], this.#context);
      tree = this.#context.store.heads.treeOf(head);
      this.#byRoot.set(name, tree);
    }
    return tree;
  }
}

function nameOf({ treeSize, rootHash }: TreeRoot): string {
  return `${treeSize} ${Buffer.from(rootHash).toString('latin1')}`;
}

/** One log, settled once. */
class Settlement {
  readonly #log: Log;
  readonly #context: SettleContext;
  readonly #known: KnownHashes;
  readonly #visit: Visit | undefined;
  readonly #public: PublicHeads;
  readonly #links: Links;
  readonly #verdicts: Verdicts;
  readonly #wanted: Pick<StoredTree, 'treeSize' | 'firstSeen'>[] = [];
  /** What kept trees from their verdicts. */
  readonly failures: unknown[] = [];
  #turnBegan = performance.now();

  constructor(
    log: Log,
    context: SettleContext,
    known: KnownHashes,
    visit: Visit | undefined,
    publicHeads: PublicHeads,
  ) {
    this.#log = log;
    this.#context = context;
    this.#known = known;
    this.#visit = visit;
    this.#public = publicHeads;
    this.#links = new Links(publicHeads.trees);
    this.#verdicts = new Verdicts(log, context, this.#links, BATCH);
  }

  async run(): Promise<void> {
    try {
      const { anchor } = this.#public;
      this.#noteStaleness();
      if (anchor !== undefined) await this.#linkPublic(anchor);
      await this.#settleWaiting(anchor);
      if (anchor !== undefined) {
        this.#admit(anchor);
        await this.#compareFinalTree(anchor);
      }
    } finally {
      this.#verdicts.flush();
    }
  }

  /** The sizes that wait for a block. */
  wanted(): bigint[] {
    const trees = this.#wanted.toSorted((a, b) => a.firstSeen - b.firstSeen);
    return [...new Set(trees.map(({ treeSize }) => treeSize))];
  }

  #noteStaleness(): void {
    const { current } = this.#visit ?? {};
    if (current === undefined) return;
    const shown = { current: this.#public.treeOf(current), timestamp: current.timestamp };
    const now = this.#context.now();
    const isSigned = (tree: StoredTree): boolean => this.#isSigned(tree);
    const reason = staleness(this.#log, shown, this.#public.trees, now, isSigned);
    noteStaleness(this.#log, reason, this.#context);
  }

  /** Links the public trees, and the chain so far to them; begins another where that fails. */
  async #linkPublic(anchor: StoredTree): Promise<void> {
    const [links, verdicts] = [this.#links, this.#verdicts];
    compareSizes(this.#log, { current: anchor, links, verdicts });
    for (const { first, second, finding } of this.#visit?.forks ?? []) {
      const pair = [this.#public.treeOf(first), this.#public.treeOf(second)] as const;
      if (!pair.some((tree) => links.isForked(tree)))
        accuse(pair, finding, { current: anchor, links, verdicts });
    }
    for (const [first, second] of this.#public.links) this.#link(first, second);
    await this.#joinChain(anchor);
    for (const tree of links.strays()) verdicts.unlinked(tree);
    this.#admit(anchor);
  }

  /** Calls consistent what may be called so, the largest first. */
  #admit(anchor: StoredTree): void {
    for (const tree of this.#links.admissible(anchor).toReversed())
      this.#verdicts.consistent(tree, this.#links.linkOf(tree));
  }

  async #joinChain(anchor: StoredTree): Promise<void> {
    const links = this.#links;
    if (!links.hasChain) return links.startAt(anchor);
    if (links.isLinked(anchor) || links.isForked(anchor)) return;
    const pair = links.pairWithChain(anchor);
    const other = pair?.find(({ id }) => id !== anchor.id);
    if (pair !== undefined && other !== undefined) {
      const found = judgeSameSize(...pair);
      if (found !== undefined) this.#verdicts.forked(other, ...pair, found);
      else await this.#compare(other);
      if (links.isLinked(anchor)) return;
      if (!links.isForked(other) && this.#mayWaitFor(other)) return this.#want(other);
    }
    links.startAt(anchor);
  }

  /**
   * Whether the chain goes on as it is for now, although the public trees are not linked to its
   * tree: the log called that one current, what links them may still come, and none of the public
   * trees has waited for longer than the log may be without a proof.
   */
  #mayWaitFor(tree: StoredTree): boolean {
    const links = this.#links;
    const publicTrees = this.#public.links.flat();
    const wasPublic =
      tree.provenAgainst === tree.id || publicTrees.some((each) => each.id === tree.id);
    if (!wasPublic || this.#known.outlook(tree.treeSize) === 'refused') return false;
    return !publicTrees.some(
      (each) => !links.isLinked(each) && !links.isForked(each) && this.#isOverdue(each),
    );
  }

  /** Gives each tree that waits its verdict, or says what it waits for. */
  async #settleWaiting(anchor: StoredTree | undefined): Promise<void> {
    for (const tree of this.#links.waiting().toReversed()) {
      await this.#takeTurns();
      try {
        await this.#settleOne(tree, anchor);
      } catch (error) {
        this.failures.push(error);
        if (this.failures.length >= MAX_FAILURES) break;
      }
    }
  }

  async #settleOne(tree: StoredTree, anchor: StoredTree | undefined): Promise<void> {
    const links = this.#links;
    if (links.isForked(tree) || links.isLinked(tree)) return;
    if (anchor !== undefined && tree.treeSize === 0n) this.#link(tree, anchor);
    else {
      const found = await this.#compare(tree);
      if (found === 'unknown') return this.#leaveWaiting(tree);
      if (found === 'refuted') return;
    }
    const [isLinked, link] = [links.isLinked(tree), links.linkOf(tree)];
    if (!isLinked) this.#verdicts.waits(tree, link ?? tree, 'pending', APART);
    // What is above the anchor is consistent with all that is there, or not yet.
    else if (anchor !== undefined && tree.treeSize <= anchor.treeSize)
      this.#verdicts.consistent(tree, link);
  }

  /**
   * Holds the tree against what the public hashes have for its size. Where it is refuted, the log
   * has signed two histories, or never signed this tree: then it was damaged, and is set aside.
   * Where the roots are equal, no signature matters.
   */
  async #compare(tree: StoredTree): Promise<'linked' | 'refuted' | 'unknown'> {
    const comparison = this.#known.comparison(tree.treeSize);
    if (comparison === undefined) return 'unknown';
    const against = this.#public.treeOf(comparison.against);
    if (equalHash(comparison.root, tree.rootHash)) {
      this.#link(tree, against);
      return 'linked';
    }
    const found = await prove(comparison.asker, tree, against).catch(unlessNotHere);
    if (found?.verdict !== 'fork-proven') return 'unknown';
    this.#verdicts.forked(tree, tree, against, found);
    return 'refuted';
  }

  #leaveWaiting(tree: StoredTree): void {
    const { treeSize } = tree;
    const outlook = this.#known.outlook(treeSize);
    const top = this.#links.topOf(tree);
    // Where the tree that it is linked to is decided, so is this one.
    const hangs = top.id !== tree.id && !this.#isHopeless(top);
    if (!hangs) this.#want(tree);
    if (this.#visit === undefined) return;
    const failure = failureOf(this.#visit);
    if (failure instanceof LogError)
      return this.#verdicts.waits(tree, tree, 'no-answer', failure.message);
    if (failure !== undefined || hangs) return;
    const [outcome, reason] = WAITS[outlook];
    // A size that a bit was flipped in is nothing to tell anybody.
    if (outcome === 'refused' && tree.verdict !== 'unprovable' && !this.#isSigned(tree)) return;
    this.#verdicts.waits(tree, this.#public.anchor ?? tree, outcome, reason);
  }

  /** Whether the hashes for the tree may never come. */
  #isHopeless({ treeSize }: StoredTree): boolean {
    return ['beyond', 'refused'].includes(this.#known.outlook(treeSize));
  }

  #want(tree: Pick<StoredTree, 'treeSize' | 'firstSeen'>): void {
    if (this.#known.outlook(tree.treeSize) === 'needs-block') this.#wanted.push(tree);
  }

  /** The public tree and the final one that a list names are of one history. */
  async #compareFinalTree(anchor: StoredTree): Promise<void> {
    const { finalTree } = this.#log;
    if (finalTree === undefined || finalTree.treeSize === anchor.treeSize) return;
    const { treeSize } = finalTree;
    const comparison = this.#known.comparison(treeSize);
    if (comparison !== undefined) {
      const against = this.#public.treeOf(comparison.against);
      return compareWithHashes(this.#log, comparison, against, this.#verdicts);
    }
    // The list is public, so this comes before all that was seen.
    this.#want({ treeSize, firstSeen: 0 });
    const outlook = this.#known.outlook(treeSize);
    if (outlook === 'refused' || (outlook === 'beyond' && this.#isOverdue(anchor)))
      this.#verdicts.notice(
        `cannot be held against its final tree, of size ${treeSize}: the largest that it shows has size ${anchor.treeSize}`,
      );
  }

  /** Links the first tree to the second, which it is proven a prefix of, unless they are one. */
  #link(first: StoredTree, second: StoredTree): void {
    const links = this.#links;
    if (second.treeSize <= first.treeSize || links.linkOf(first)?.id === second.id) return;
    if (links.isForked(first)) return;
    links.link(first, second);
    if (links.verdictOf(first) === 'consistent') this.#verdicts.linked(first);
  }

  #isSigned(tree: StoredTree): boolean {
    const { store, now } = this.#context;
    return signedHeadOf(store, this.#log, tree, now()) !== undefined;
  }

  #isOverdue({ firstSeen }: StoredTree): boolean {
    return this.#context.now() - firstSeen > patienceWith(this.#log);
  }

  async #takeTurns(): Promise<void> {
    if (performance.now() - this.#turnBegan < TURN_MS) return;
    await setImmediate();
    this.#context.signal.throwIfAborted();
    this.#turnBegan = performance.now();
  }
}

/** Two roots for one size need no proof. */
function judgeSameSize(first: StoredTree, second: StoredTree): Finding | undefined {
  if (first.treeSize !== second.treeSize) return undefined;
  const found = judgeWithoutProof(first, second);
  return found?.verdict === 'fork-proven' ? found : undefined;
}

/** A hash that a proof needs and that is not here decides nothing. */
function unlessNotHere(error: unknown): undefined {
  if (!isRefusal(error)) throw error;
}
