// SPDX-License-Identifier: Apache-2.0
/**
 * What a challenge asks once the log has given its current head, and what it makes of the answers.
 * links.ts says which pairs lead to a verdict; this spends the questions on them.
 *
 * With a limited number of questions, one goes to the current tree and one to the final tree of a
 * read-only log, if they need one. All others go to the trees that have waited longest, so new
 * trees never keep an old one waiting; docs/OPERATIONS.md has the bound. Questions that nothing
 * needs are cover.
 */
import { randomInt } from 'node:crypto';
import { LogError } from '../ask/asker.ts';
import { judgeProof, judgeWithoutProof, type Conclusion } from '../evidence/judge.ts';
import type { Log } from '../logs/log.ts';
import type { StoredTree } from '../store/heads.ts';
import { shuffled } from '../base/chance.ts';
import { accuse, compareSizes } from './contradictions.ts';
import type { Outcome } from './decision.ts';
import { compareWithFinalTree } from './final-tree.ts';
import type { Links, Pair } from './links.ts';
import type { Questions } from './questions.ts';
import type { Verdicts } from './verdicts.ts';

export interface WalkContext {
  readonly log: Log;
  /** What the log calls current; one of the trees of `links`. */
  readonly current: StoredTree;
  readonly links: Links;
  readonly questions: Questions;
  readonly verdicts: Verdicts;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Whether nothing is sent at present, because the log wants to be left alone. */
  readonly isQuiet: () => boolean;
}

/** What became of a pair where the log proved nothing. */
interface NoProof {
  readonly outcome: Outcome;
  readonly reason: string;
}

/** Without a limit on questions, so many in a row that bring no answer end a challenge. */
const MAX_FAILURES = 3;

export class Walk {
  readonly #context: WalkContext;
  #failure: LogError | undefined;
  /** Questions in a row that brought no answer. */
  #failures = 0;

  constructor(context: WalkContext) {
    this.#context = context;
  }

  /**
   * Asks all that there is to ask. Resolves to the first error that says nothing about the log's
   * history, if there was one. Rejects with no LogError.
   */
  async run(): Promise<LogError | undefined> {
    const { links, questions, verdicts } = this.#context;
    compareSizes(this.#context.log, this.#context);
    for (const tree of links.strays()) verdicts.unlinked(tree);
    if (!links.hasChain) links.startAt(this.#context.current);
    const errands = shuffled([
      () => this.#visitCurrent(),
      ...(this.#context.log.finalTree === undefined
        ? []
        : [() => this.#attempt(() => this.#compareWithFinalTree())]),
    ]);
    const { limit } = questions;
    for (const errand of errands.splice(0, Math.max(0, limit - 1))) await errand();
    this.#admit();
    await this.#visitWaiting();
    for (const errand of errands) if (questions.left >= 1) await errand();
    if (limit !== Infinity) await this.#cover();
    this.#compareAnswers();
    return this.#failure;
  }

  async #compareWithFinalTree(): Promise<void> {
    const { log, current, questions, verdicts } = this.#context;
    await compareWithFinalTree(log, current, questions, verdicts);
  }

  /**
   * Links the current tree to the chain. If the two contradict each other, or the log has had no
   * proof for longer than it may, a new chain begins at the current tree.
   */
  async #visitCurrent(): Promise<void> {
    const { current, links, verdicts } = this.#context;
    if (links.isForked(current)) return;
    if (links.isLinked(current)) return verdicts.consistent(current);
    const pair = links.pairWithChain(current);
    const found = pair && (await this.#prove(pair));
    if (pair === undefined || found === undefined) return;
    const other = pair[0] === current ? pair[1] : pair[0];
    if ('outcome' in found) {
      const { outcome, reason } = found;
      verdicts.unproven(current, other, outcome, reason);
      if (outcome === 'no-answer' || !this.#isStuckAt(other)) return;
      verdicts.unproven(other, current, outcome, reason);
    } else if (found.verdict === 'fork-proven') verdicts.forked(other, ...pair, found);
    else return this.#link(pair);
    links.startAt(current);
    // First those that are consistent no more.
    for (const tree of links.strays()) verdicts.unlinked(tree);
    this.#admit();
  }

  /** Whether the current tree, or one before it, has waited in vain to be linked to `other`. */
  #isStuckAt(other: StoredTree): boolean {
    const { current, links } = this.#context;
    return links
      .waiting()
      .some(
        (tree) =>
          links.verdictOf(tree) === 'unprovable' &&
          (tree.id === current.id ||
            (tree.treeSize > other.treeSize && tree.treeSize < current.treeSize)),
      );
  }

  async #visitWaiting(): Promise<void> {
    const { current, links, questions, verdicts } = this.#context;
    const isLimited = questions.limit !== Infinity;
    const waits = (tree: StoredTree): boolean => !links.isForked(tree) && !links.isLinked(tree);
    // With one question, the current tree is one among others.
    const queue = links
      .waiting()
      .filter((tree) => verdicts.isDue(tree) && (tree.id !== current.id || questions.limit === 1));
    if (isLimited) queue.sort((a, b) => this.#since(a) - this.#since(b) || a.id - b.id);
    while (queue.length > 0 && questions.left >= 1) {
      const batch = queue.splice(0, questions.left);
      // Down the chain, each is held against the one before; above it, upwards.
      const top = links.largest?.treeSize ?? 0n;
      const isAbove = (tree: StoredTree): boolean => tree.treeSize > top;
      const above = batch.filter(isAbove).sort(bySize);
      const below = batch.filter((tree) => !isAbove(tree)).sort((a, b) => bySize(b, a));
      for (const tree of [...above, ...below]) {
        if (!waits(tree)) continue;
        if (isLimited || this.#failures < MAX_FAILURES) await this.#visit(tree);
        else verdicts.unproven(tree, current, 'no-answer', this.#failure?.message ?? '');
      }
    }
  }

  /**
   * Since when the tree has waited for its turn. A time in the future was a mistake of the clock,
   * and the empty tree needs no question.
   */
  #since({ treeSize, askedAt, firstSeen }: StoredTree): number {
    if (treeSize === 0n) return 0;
    const since = askedAt ?? firstSeen;
    return since > this.#context.now() ? 0 : since;
  }

  async #visit(tree: StoredTree): Promise<void> {
    const { current, links, verdicts } = this.#context;
    if (tree.id === current.id) return this.#visitCurrent();
    const pair = links.pairFor(tree);
    const found = pair && (await this.#prove(pair));
    if (pair === undefined || found === undefined) return;
    const [first, second] = pair;
    const isFirst = links.isLinked(second);
    const [asked, other] = isFirst ? [first, second] : [second, first];
    if ('outcome' in found) verdicts.unproven(asked, other, found.outcome, found.reason);
    else if (found.verdict === 'fork-proven') accuse(pair, found, this.#context);
    else this.#link(pair);
    if (tree.id !== asked.id && !links.isForked(tree) && links.verdictOf(tree) === 'pending')
      verdicts.nearer(tree, asked);
  }

  /** Records a link, and what follows from it. */
  #link(pair: Pair<StoredTree>): void {
    const { links, verdicts } = this.#context;
    const [first, second] = pair;
    links.link(first, second);
    if (links.verdictOf(first) === 'consistent') verdicts.linked(first);
    this.#admit();
    for (const [tree, other] of [pair, [second, first]] as const)
      if (links.verdictOf(tree) !== 'consistent' && !links.isForked(tree))
        verdicts.nearer(tree, other);
  }

  /** Calls consistent what may be called so. */
  #admit(): void {
    const { current, links, verdicts } = this.#context;
    // The largest first, as they are asked about.
    for (const tree of links.admissible(current).toReversed())
      verdicts.consistent(tree, links.linkOf(tree));
  }

  /**
   * Spends the questions that are left on trees that are linked already, in any order. A log of
   * which only the current tree is known is asked about some size below it. What was proven before
   * stays proven, whatever the log answers, unless the answer proves a fork.
   */
  async #cover(): Promise<void> {
    const { current, links, questions, verdicts } = this.#context;
    if (current.treeSize < 2n) return;
    const known = links.isLinked(current)
      ? links.trees.filter(
          (tree) =>
            links.isLinked(tree) &&
            !links.isForked(tree) &&
            tree.treeSize > 0n &&
            tree.treeSize < current.treeSize,
        )
      : [];
    while (questions.left >= 1) {
      const tree = known[randomInt(Math.max(1, known.length))];
      await this.#attempt(async () => {
        if (tree === undefined) return questions.askForNothing(current.treeSize);
        const found = await questions.prove(tree, current);
        if (found.verdict === 'fork-proven') verdicts.forked(tree, tree, current, found);
      });
    }
  }

  /**
   * A proof may be about trees of which the log was not asked: a second question is from another
   * size, and so is cover. What it convicts the log of needs no other question.
   */
  #compareAnswers(): void {
    const { links, questions } = this.#context;
    for (const { first, second, hashes } of questions.answers) {
      const larger = links.trees.filter(({ treeSize }) => treeSize === second);
      // The proof from the next size has the root of a power of two (evidence/judge.ts).
      for (const [size, kind] of [
        [first, 'consistency'],
        [first - 1n, 'successor-consistency'],
      ] as const) {
        const smaller = links.trees.filter(({ treeSize }) => treeSize === size && size > 0n);
        for (const pair of smaller.flatMap((each) => larger.map((tree) => [each, tree] as const))) {
          const found = judgeProof(...pair, { kind, hashes });
          if (found.verdict === 'fork-proven' && !links.isForked(pair[0]))
            accuse(pair, found, this.#context);
        }
      }
    }
  }

  /** Undefined where no question is left for the pair. */
  async #prove([first, second]: Pair<StoredTree>): Promise<
    Extract<Conclusion, { verdict: 'consistent' | 'fork-proven' }> | NoProof | undefined
  > {
    const { questions } = this.#context;
    const isFree = judgeWithoutProof(first, second) !== undefined;
    if (!isFree && questions.left < 1) return undefined;
    let found: Conclusion | undefined;
    const failure = await this.#attempt(async () => {
      found = await questions.prove(first, second);
    });
    if (failure !== undefined) {
      const outcome = failure.code === 'log-refused' ? 'refused' : 'no-answer';
      return { outcome, reason: failure.message };
    }
    if (found === undefined || found.verdict === 'malformed-head') return undefined;
    return found.verdict === 'bad-proof' ? { outcome: 'bad-proof', reason: found.reason } : found;
  }

  /** Does what asks the log something. Resolves to how the log failed to answer, if it did. */
  async #attempt(work: () => Promise<void>): Promise<LogError | undefined> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      if (error.code === 'log-refused') this.#failures = 0;
      else {
        this.#failure ??= error;
        // What is not sent costs the log nothing, and may be answered from what is here.
        if (!this.#context.isQuiet()) this.#failures += 1;
      }
      return error;
    }
    this.#failures = 0;
    return undefined;
  }
}

function bySize(a: StoredTree, b: StoredTree): number {
  return a.treeSize < b.treeSize ? -1 : Number(a.treeSize > b.treeSize);
}
