// SPDX-License-Identifier: Apache-2.0
/**
 * Which of a log's trees are proven to belong to one append-only log, and what to ask next. Pure.
 *
 * A link says that one tree is proven a prefix of a larger one. The smaller tree has it
 * (StoredTree.provenAgainst), so a tree has one link at most, and following links ends at a tree
 * without one: the top. Trees that have one top are all prefixes of it and so cannot contradict
 * each other. Trees that merely extend one smaller tree can, so that shows nothing.
 *
 * The chain is a set of trees with one top. Trees of the chain are `consistent`, and no others are.
 * The chain may reach above the tree that the log calls current, because front ends lag and logs
 * hide what they signed. Trees above the chain are linked upwards, each to its nearest neighbour,
 * and become consistent together or not at all.
 */
import { isMalformed } from '../statements/statement.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Verdict } from '../store/verdicts.ts';

/** What has to be known of a tree here. */
export type LinkedTree = Pick<
  StoredTree,
  'id' | 'treeSize' | 'rootHash' | 'verdict' | 'provenAgainst'
>;

/** Two trees to hold against each other. The first is not larger than the second. */
export type Pair<T> = readonly [first: T, second: T];

export class Links<T extends LinkedTree = StoredTree> {
  /** All that are well-formed, by size. */
  readonly trees: readonly T[];
  readonly #verdicts = new Map<number, Verdict>();
  /** The larger trees, by the smaller tree's ID. */
  readonly #links = new Map<number, T>();
  /** IDs of trees to which others are linked. */
  readonly #targets = new Set<number>();
  /** Tops by ID; emptied when what was found may have changed. */
  readonly #tops = new Map<number, T>();
  /** Some tree of the chain; undefined while there is no chain. */
  #base: T | undefined;

  /** `trees` are those of one log, by size, with the verdicts and links that were stored. */
  constructor(trees: readonly T[]) {
    this.trees = trees.filter((tree) => !isMalformed(tree));
    const byId = new Map(this.trees.map((tree) => [tree.id, tree]));
    for (const tree of this.trees) {
      this.#verdicts.set(tree.id, tree.verdict);
      // With a fork, the column has the tree that contradicts this one.
      const other = byId.get(tree.provenAgainst ?? tree.id);
      if (tree.verdict === 'fork-proven' || other === undefined) continue;
      if (other.treeSize > tree.treeSize) this.#put(tree, other);
    }
    this.#base = this.#largestChain();
  }

  verdictOf(tree: T): Verdict {
    return this.#verdicts.get(tree.id) ?? tree.verdict;
  }

  setVerdict(tree: T, verdict: Verdict): void {
    this.#verdicts.set(tree.id, verdict);
    if (verdict !== 'fork-proven') return;
    this.#links.delete(tree.id);
    this.#tops.clear();
  }

  isForked(tree: T): boolean {
    return this.verdictOf(tree) === 'fork-proven';
  }

  /** The larger tree of which this one is proven a prefix, where that is known. */
  linkOf(tree: T): T | undefined {
    return this.#links.get(tree.id);
  }

  /** `first` is proven a prefix of `second`, which is larger. */
  link(first: T, second: T): void {
    const isAlone = !this.#links.has(first.id) && !this.#targets.has(first.id);
    this.#put(first, second);
    if (isAlone) this.#tops.delete(first.id);
    else this.#tops.clear();
  }

  /** Whether a chain has begun. */
  get hasChain(): boolean {
    return this.#base !== undefined;
  }

  /** Begins another chain, which is all that has the top of `tree`. */
  startAt(tree: T): void {
    this.#base = tree;
    this.#tops.clear();
  }

  isLinked(tree: T): boolean {
    return this.#base !== undefined && this.topOf(tree).id === this.topOf(this.#base).id;
  }

  /** Where links lead from the tree: itself if it has none that counts. */
  topOf(tree: T): T {
    const path: T[] = [];
    let top = tree;
    for (;;) {
      const known = this.#tops.get(top.id);
      const next = known ?? this.#links.get(top.id);
      if (next === undefined || next.id === top.id || !this.#binds(next)) break;
      path.push(top);
      top = next;
      if (known !== undefined) break;
    }
    for (const each of path) this.#tops.set(each.id, top);
    return top;
  }

  /** The largest tree of the chain. */
  get largest(): T | undefined {
    return this.trees.findLast((tree) => this.isLinked(tree));
  }

  /** Trees that are called consistent and are not of the chain. */
  strays(): T[] {
    return this.trees.filter(
      (tree) => this.verdictOf(tree) === 'consistent' && !this.isLinked(tree),
    );
  }

  /** Trees that are neither of the chain nor known to contradict another. */
  waiting(): T[] {
    return this.trees.filter((tree) => !this.isForked(tree) && !this.isLinked(tree));
  }

  /** Pairs of one size, of which neither is known to contradict another; the older one is first. */
  contradictions(): Pair<T>[] {
    const pairs: Pair<T>[] = [];
    let before: T | undefined;
    for (const tree of this.trees) {
      if (this.isForked(tree)) continue;
      if (before?.treeSize === tree.treeSize) pairs.push([before, tree]);
      else before = tree;
    }
    return pairs;
  }

  /**
   * The pair whose answer links `tree`, which waits, to the chain, or brings it nearer: itself and
   * the nearest larger tree of the chain or, above the chain, its nearest smaller neighbour and
   * itself. Where it is linked to that neighbour already, the neighbour's own pair. Returns
   * undefined where there is no chain.
   */
  pairFor(tree: T): Pair<T> | undefined {
    const direct = this.pairWithChain(tree);
    const top = direct?.[0];
    if (top === undefined || top === tree || top.treeSize === tree.treeSize) return direct;
    let upper = tree;
    for (const each of this.trees.toReversed()) {
      if (each.treeSize >= upper.treeSize || this.isForked(each)) continue;
      if (each.treeSize <= top.treeSize) break;
      if (this.topOf(each).id !== this.topOf(upper).id) return [each, upper];
      upper = each;
    }
    return [top, upper];
  }

  /**
   * `tree`, which waits, and the nearest tree of the chain that is not smaller, else the largest.
   * Of one size, the older one is first, so that their evidence is the same whoever finds it.
   */
  pairWithChain(tree: T): Pair<T> | undefined {
    let largest: T | undefined;
    for (const each of this.trees) {
      if (each.id === tree.id || !this.isLinked(each)) continue;
      if (each.treeSize === tree.treeSize && each.id < tree.id) return [each, tree];
      if (each.treeSize >= tree.treeSize) return [tree, each];
      largest = each;
    }
    return largest && [largest, tree];
  }

  /**
   * Trees of the chain that are not called consistent yet and may be. Above `current` and above all
   * that is consistent already, there are none as long as any tree there is not linked.
   */
  admissible(current: T): T[] {
    const ceiling = this.#ceiling(current);
    const above = this.trees.filter((tree) => tree.treeSize > ceiling && !this.isForked(tree));
    const isBlocked = above.some((tree) => !this.isLinked(tree));
    return this.trees.filter(
      (tree) =>
        this.isLinked(tree) &&
        !this.isForked(tree) &&
        this.verdictOf(tree) !== 'consistent' &&
        !(isBlocked && tree.treeSize > ceiling),
    );
  }

  #ceiling(current: T): bigint {
    return this.trees.reduce((ceiling, tree) => {
      const isOf = this.verdictOf(tree) === 'consistent' && this.isLinked(tree);
      return isOf && tree.treeSize > ceiling ? tree.treeSize : ceiling;
    }, current.treeSize);
  }

  #put(first: T, second: T): void {
    this.#links.set(first.id, second);
    this.#targets.add(second.id);
  }

  /**
   * Whether a link to the tree counts: not if it contradicts another, but where a chain has to
   * begin at it, because it is all that the log shows.
   */
  #binds(tree: T): boolean {
    return !this.isForked(tree) || tree.id === this.#base?.id;
  }

  /**
   * A tree of the largest set of consistent trees with one top. More than one such set is there
   * only where an earlier version wrote them, or where the process ended while it wrote.
   */
  #largestChain(): T | undefined {
    const chains = new Map<number, { readonly tree: T; readonly count: number }>();
    for (const tree of this.trees) {
      if (this.verdictOf(tree) !== 'consistent') continue;
      const { id } = this.topOf(tree);
      chains.set(id, { tree, count: (chains.get(id)?.count ?? 0) + 1 });
    }
    let largest: { readonly tree: T; readonly count: number } | undefined;
    for (const chain of chains.values())
      if (largest === undefined || chain.count >= largest.count) largest = chain;
    return largest?.tree;
  }
}
