/**
 * Going down from the log's current tree: each tree is proven a prefix of the nearest larger tree
 * that is already linked to the current one, so n trees cost n short proofs; consistency is
 * transitive. A tree that is not linked (a fork, or a proof refused) never becomes a link itself.
 * What an earlier challenge linked stays linked as long as the tree it was proven against is, and is
 * not asked about again.
 */
import { randomInt } from 'node:crypto';
import { isRefusal } from '../ask/asker.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Questions } from './questions.ts';
import type { Verdicts } from './verdicts.ts';

export class Walk {
  readonly #current: StoredTree;
  readonly #questions: Questions;
  readonly #verdicts: Verdicts;
  /** By id. */
  readonly #linked = new Set<number>();
  #anchor: StoredTree;

  constructor(current: StoredTree, questions: Questions, verdicts: Verdicts) {
    this.#current = current;
    this.#questions = questions;
    this.#verdicts = verdicts;
    this.#anchor = current;
    this.#linked.add(current.id);
  }

  /** The smallest tree that is linked: the next is held against it. */
  get anchor(): StoredTree {
    return this.#anchor;
  }

  /** Whether the tree is proven, step by step, to be a prefix of the current one. */
  links(tree: StoredTree): boolean {
    return this.#linked.has(tree.id);
  }

  /** Asks about all trees of the log that are due, the largest first; `trees` are by size. */
  async descend(trees: readonly StoredTree[]): Promise<void> {
    for (const tree of trees.toReversed()) await this.#visit(tree);
  }

  /**
   * Spends the questions that are left on trees that are linked already, in any order. A log of
   * which only the current tree is known is asked about some size below it. What was proven before
   * stays proven, whatever the log answers, unless the answer proves a fork.
   */
  async cover(trees: readonly StoredTree[]): Promise<void> {
    const current = this.#current;
    if (current.treeSize < 2n) return;
    const known = trees.filter(
      (tree) => this.links(tree) && tree.treeSize > 0n && tree.treeSize < current.treeSize,
    );
    while (this.#questions.areLeft) {
      const tree = known[randomInt(Math.max(1, known.length))];
      try {
        if (tree === undefined) await this.#questions.askForNothing(current.treeSize);
        else {
          const found = await this.#questions.prove(tree, current);
          if (found.verdict === 'fork-proven') this.#verdicts.judged(tree, tree, current, found);
        }
      } catch (error) {
        if (!isRefusal(error)) throw error;
      }
    }
  }

  async #visit(tree: StoredTree): Promise<void> {
    if (tree.id === this.#current.id) {
      // Nothing larger is there to hold it against yet: the next challenge will do so.
      if (tree.verdict !== 'fork-proven') this.#verdicts.current(tree);
    } else if (
      tree.verdict === 'consistent' &&
      tree.provenAgainst !== undefined &&
      this.#linked.has(tree.provenAgainst)
    ) {
      this.#link(tree);
    } else if (this.#verdicts.isDue(tree) && this.#questions.areLeft) {
      await this.#ask(tree);
    }
  }

  /**
   * A tree that is larger than the one that the log admits to now is held against that one: the
   * log's front ends differ, or it hides something.
   */
  async #ask(tree: StoredTree): Promise<void> {
    const isLarger = tree.treeSize > this.#current.treeSize;
    const other = isLarger ? this.#current : this.#anchor;
    // Of two roots for one size the one that was seen first comes first, so that their evidence is
    // the same, whoever finds it.
    const isSecond = isLarger || (tree.treeSize === other.treeSize && tree.id > other.id);
    const [first, second] = isSecond ? [other, tree] : [tree, other];
    try {
      const found = await this.#questions.prove(first, second);
      this.#verdicts.judged(tree, first, second, found);
      if (found.verdict === 'consistent' && !isLarger) this.#link(tree);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // A refusal is never evidence: the front end may lag.
      this.#verdicts.unproven(tree, other, 'refused', error.message);
    }
  }

  #link(tree: StoredTree): void {
    this.#linked.add(tree.id);
    this.#anchor = tree;
  }
}
