// SPDX-License-Identifier: Apache-2.0
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
  /** Called when settling may pause; it goes on when this resolves. At once unless given. */
  readonly pause?: () => Promise<void>;
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
  'needs-block': [
    'pending',
    'it waits until its turn comes among the blocks that are asked for (--questions)',
  ],
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
    const turns = new Turns(this.#context);
    const trees = new Trees(log, this.#context, turns);
    // Only where the chain breaks do trees matter that are consistent and below its top.
    for (const which of ['open', 'all'] as const) {
      await trees.read(which, known, visit);
      const settlement = new Settlement(log, this.#context, known, visit, trees, turns);
      if (!(await settlement.run(which === 'all'))) continue;
      this.#wanted.set(logIdText(log.key.logId), settlement.wanted());
      for (const failure of settlement.failures) throw failure;
      return;
    }
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

/** Settling takes turns with the other work of this process, and ends when the signal is given. */
class Turns {
  readonly #context: Pick<SettleContext, 'signal' | 'pause'>;
  #began = performance.now();

  constructor(context: Pick<SettleContext, 'signal' | 'pause'>) {
    this.#context = context;
  }

  async take(): Promise<void> {
    if (performance.now() - this.#began < TURN_MS) return;
    const { signal, pause } = this.#context;
    await setImmediate();
    await pause?.();
    signal.throwIfAborted();
    this.#began = performance.now();
  }
}

/** The trees of a log that are of interest, and those among them that it showed to everybody. */
class Trees {
  /** By size. */
  all: readonly StoredTree[] = [];
  /** Public trees. The larger of each two is proven to extend the smaller one. */
  publicLinks: readonly (readonly [StoredTree, StoredTree])[] = [];
  /** The tree that the chain ends at: the public one that the hashes lead to. */
  anchor: StoredTree | undefined;
  readonly #log: Log;
  readonly #context: SettleContext;
  readonly #turns: Turns;
  readonly #byRoot = new Map<string, StoredTree>();

  constructor(log: Log, context: SettleContext, turns: Turns) {
    this.#log = log;
    this.#context = context;
    this.#turns = turns;
  }

  /**
   * Reads trees, and those of all public heads. Records such heads as the store does not have: its
   * file may be newer than the hashes.
   */
  async read(which: 'open' | 'all', known: KnownHashes, visit: Visit | undefined): Promise<void> {
    const { store } = this.#context;
    this.#byRoot.clear();
    for (const page of store.verdicts.pages(this.#log.key.logId, which)) {
      for (const tree of page) this.#byRoot.set(nameOf(tree), tree);
      await this.#turns.take();
    }
    const pairs = known.publicLinks();
    const newest = pairs.reduce<VerifiedStatement | undefined>(
      (largest, [, head]) => (largest && largest.treeSize >= head.treeSize ? largest : head),
      undefined,
    );
    const { current, forks = [] } = visit ?? {};
    const shown = [...pairs, ...forks.map(({ first, second }) => [first, second])].flat();
    for (const head of current === undefined ? shown : [...shown, current]) {
      this.treeOf(head);
      await this.#turns.take();
    }
    this.publicLinks = pairs.map(([first, second]) => [this.treeOf(first), this.treeOf(second)]);
    // What the log shows now may contradict the hashes, and these what it showed before.
    const end = (current && known.comparison(current.treeSize)?.against) ?? newest ?? current;
    this.anchor = end && this.treeOf(end);
    this.all = [...this.#byRoot.values()].sort(bySize);
  }

  treeOf(head: VerifiedStatement): StoredTree {
    const name = nameOf(head);
    const { heads } = this.#context.store;
    let tree = this.#byRoot.get(name) ?? heads.find(head);
    if (tree === undefined) {
      recordShown(this.#log, [head], this.#context);
      tree = heads.treeOf(head);
    }
    this.#byRoot.set(name, tree);
    return tree;
  }
}

function bySize(a: StoredTree, b: StoredTree): number {
  return a.treeSize < b.treeSize ? -1 : a.treeSize > b.treeSize ? 1 : a.id - b.id;
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
  readonly #trees: Trees;
  readonly #turns: Turns;
  readonly #links: Links;
  readonly #verdicts: Verdicts;
  readonly #wanted: Pick<StoredTree, 'treeSize' | 'firstSeen'>[] = [];
  /** What kept trees from their verdicts. */
  readonly failures: unknown[] = [];

  constructor(
    log: Log,
    context: SettleContext,
    known: KnownHashes,
    visit: Visit | undefined,
    trees: Trees,
    turns: Turns,
  ) {
    this.#log = log;
    this.#context = context;
    this.#known = known;
    this.#visit = visit;
    this.#trees = trees;
    this.#turns = turns;
    this.#links = new Links(trees.all);
    this.#verdicts = new Verdicts(log, context, this.#links, BATCH);
  }

  /**
   * Resolves to false, with nothing concluded of trees that wait, where the chain breaks and `hasAll`
   * is false: it has to be done again with all trees.
   */
  async run(hasAll: boolean): Promise<boolean> {
    try {
      const { anchor } = this.#trees;
      this.#noteStaleness();
      if (anchor !== undefined) {
        await this.#linkPublic(anchor);
        await this.#turns.take();
        const strays = this.#links.strays();
        if (!hasAll && (strays.length > 0 || this.#isAnyRefuted())) return false;
        for (const tree of strays) {
          this.#verdicts.unlinked(tree);
          await this.#turns.take();
        }
        await this.#admit(anchor);
      }
      await this.#settleWaiting(anchor);
      if (anchor !== undefined) {
        await this.#admit(anchor);
        await this.#compareFinalTree(anchor);
      }
      return true;
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
    const shown = { current: this.#trees.treeOf(current), timestamp: current.timestamp };
    const now = this.#context.now();
    const isSigned = (tree: StoredTree): boolean => this.#isSigned(tree);
    const reason = staleness(this.#log, shown, this.#trees.all, now, isSigned);
    noteStaleness(this.#log, reason, this.#context);
  }

  /** Links the public trees, and the chain so far to them; begins another where that fails. */
  async #linkPublic(anchor: StoredTree): Promise<void> {
    const [links, verdicts] = [this.#links, this.#verdicts];
    await this.#turns.take();
    compareSizes(this.#log, { current: anchor, links, verdicts });
    await this.#turns.take();
    for (const { first, second, finding } of this.#visit?.forks ?? []) {
      const pair = [this.#trees.treeOf(first), this.#trees.treeOf(second)] as const;
      if (!pair.some((tree) => links.isForked(tree)))
        accuse(pair, finding, { current: anchor, links, verdicts });
    }
    for (const [first, second] of this.#trees.publicLinks) this.#link(first, second);
    await this.#joinChain(anchor);
  }

  /** Whether a tree that others may be linked to was called consistent and is so no more. */
  #isAnyRefuted(): boolean {
    return this.#trees.all.some(
      (tree) => tree.verdict === 'consistent' && this.#links.isForked(tree),
    );
  }

  /** Calls consistent what may be called so, the largest first. */
  async #admit(anchor: StoredTree): Promise<void> {
    await this.#turns.take();
    for (const tree of this.#links.admissible(anchor).toReversed()) {
      this.#verdicts.consistent(tree, this.#links.linkOf(tree));
      await this.#turns.take();
    }
  }

  async #joinChain(anchor: StoredTree): Promise<void> {
    const links = this.#links;
    if (!links.hasChain) return links.startAt(anchor);
    if (links.isLinked(anchor)) return;
    const pair = links.pairWithChain(anchor);
    const other = pair?.find(({ id }) => id !== anchor.id);
    if (pair !== undefined && other !== undefined) {
      const found = judgeSameSize(...pair);
      if (found !== undefined) this.#verdicts.forked(other, ...pair, found);
      else if (anchor.treeSize === 0n) this.#link(anchor, other);
      else if ((await this.#compare(other)) === 'unknown' && this.#mayWaitFor(other))
        return this.#want(other);
      if (links.isLinked(anchor)) return;
    }
    // Even where it contradicts another tree: it is what the log shows, and what is known leads to.
    links.startAt(anchor);
  }

  /**
   * Whether the chain goes on as it is for now, although the public trees are not linked to its
   * tree: the log called that one current, what links them may still come, and no tree has waited
   * for that for longer than the log may be without a proof.
   */
  #mayWaitFor(tree: StoredTree): boolean {
    const wasPublic =
      tree.provenAgainst === tree.id ||
      this.#trees.publicLinks.flat().some((each) => each.id === tree.id);
    if (!wasPublic || this.#known.outlook(tree.treeSize) === 'refused') return false;
    return !this.#trees.all.some(
      (each) => each.verdict === 'pending' && each.reason === APART && this.#isOverdue(each),
    );
  }

  /** Gives each tree that waits its verdict, or says what it waits for. */
  async #settleWaiting(anchor: StoredTree | undefined): Promise<void> {
    for (const tree of this.#links.waiting().toReversed()) {
      await this.#turns.take();
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
    if (anchor !== undefined && tree.treeSize === 0n && anchor.treeSize > 0n)
      this.#link(tree, anchor);
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
    const against = this.#trees.treeOf(comparison.against);
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
    const { current } = this.#visit ?? {};
    const isAbove = current !== undefined && treeSize > current.treeSize;
    const outlook = isAbove ? 'beyond' : this.#known.outlook(treeSize);
    const top = this.#links.topOf(tree);
    // Where the tree that it is linked to is decided, so is this one.
    const hangs = top.id !== tree.id && !this.#isHopeless(top);
    if (!hangs) this.#want(tree);
    if (this.#visit === undefined) return;
    const failure = failureOf(this.#visit);
    if (failure instanceof LogError)
      return this.#verdicts.waits(tree, tree, 'no-answer', failure.message);
    if (failure !== undefined || hangs) return;
    const [outcome, reason] = this.#isStuck(outlook) ?? WAITS[outlook];
    // A size that a bit was flipped in is nothing to tell anybody.
    if (outcome === 'refused' && tree.verdict !== 'unprovable' && !this.#isSigned(tree)) return;
    this.#verdicts.waits(tree, this.#trees.anchor ?? tree, outcome, reason);
  }

  /** What became of a tree whose hashes were to come, where the log gave none. */
  #isStuck(outlook: Outlook): readonly [outcome: Outcome, reason: string] | undefined {
    const { stuck } = this.#visit ?? {};
    if (outlook !== 'coming' || !(stuck instanceof LogError)) return undefined;
    return [isRefusal(stuck) ? 'refused' : 'no-answer', stuck.message];
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
      const against = this.#trees.treeOf(comparison.against);
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

  /** Links the first tree to the second, of which it is proven a prefix, unless it is already. */
  #link(first: StoredTree, second: StoredTree): void {
    const links = this.#links;
    if (second.treeSize <= first.treeSize || links.isForked(first)) return;
    if (links.linkOf(first) !== undefined && links.topOf(first).id === links.topOf(second).id)
      return;
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
