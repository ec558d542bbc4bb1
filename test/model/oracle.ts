// SPDX-License-Identifier: Apache-2.0
/**
 * What is true, by the model's own knowledge of the branches and without the judge's arithmetic:
 * which heads contradict each other, and whether what was seen and answered convicts the log.
 */
import type { MerkleHash } from '../../src/merkle/hash.ts';
import type { ModelLog } from './log.ts';

export interface Tree {
  readonly size: number;
  readonly root: MerkleHash;
}

/** An answer that the challenger got: hashes for a question. */
export interface Answer {
  readonly kind: 'consistency' | 'inclusion';
  /** Of a consistency proof the smaller size; of an audit path the leaf's index. */
  readonly first: number;
  readonly second: number;
  readonly hashes: readonly MerkleHash[];
}

/** Two trees of the log that no append-only history has, and that the log itself showed not to. */
export interface Conviction {
  readonly first: Tree;
  readonly second: Tree;
  readonly why: string;
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export class Oracle {
  readonly #log: ModelLog;

  constructor(log: ModelLog) {
    this.#log = log;
  }

  /** A tree of size 0 fixes no entry: whatever root was signed for it contradicts nothing. */
  contradict(a: Tree, b: Tree): boolean {
    const [first, second] = a.size <= b.size ? [a, b] : [b, a];
    if (first.size === 0) return false;
    return !this.#branches(second).some((tree) => same(tree.root(first.size), first.root));
  }

  /** Two roots for one size, among all trees that were seen. */
  twoRoots(trees: readonly Tree[]): Conviction[] {
    return trees.flatMap((first, i) =>
      trees
        .slice(i + 1)
        .filter(({ size, root }) => size > 0 && size === first.size && !same(root, first.root))
        .map((second) => ({ first, second, why: `two roots for size ${first.size}` })),
    );
  }

  /**
   * What the answers of one challenge, in their order, convict the log of. Each answer is
   * recognised as the true proof of a branch: it leads to that branch's root, and shows its roots.
   */
  byAnswers(trees: readonly Tree[], answers: readonly Answer[]): Conviction[] {
    return answers.flatMap((answer, i) => {
      const { kind, first: m, second: n } = answer;
      const before = answers[i - 1];
      // What decides on m - 1 is judged as that, and m is asked about another time.
      const isDeciding =
        before?.kind === kind &&
        before.first === m - 1 &&
        isPowerOfTwo(m - 1) &&
        before.second === n;
      if (kind !== 'consistency' || isDeciding) return [];
      return trees
        .filter(({ size }) => size === n)
        .flatMap((second) =>
          this.#branches(second)
            .filter((tree) => equalProofs(tree.consistencyProof(m, n), answer.hashes))
            .flatMap((tree) =>
              trees
                .filter(({ size, root }) => size === m && !same(root, tree.root(m)))
                .filter(() => !isPowerOfTwo(m) || decides(tree, m, n, answers[i + 1]))
                .map((first) => ({ first, second, why: `the log's own proof of ${m} to ${n}` })),
            ),
        );
    });
  }

  #branches({ size, root }: Tree): ModelLog['branches'][number][] {
    return this.#log.branches.filter((tree) => same(tree.root(size), root));
  }
}

/**
 * The proof from a power of two leaves that tree's root out. The question that follows it brings a
 * proof that has it.
 */
function decides(
  tree: ModelLog['branches'][number],
  m: number,
  n: number,
  next: Answer | undefined,
): boolean {
  if (next?.second !== n) return false;
  return next.kind === 'inclusion'
    ? (m === 1 || n === m + 1) &&
        next.first === m &&
        equalProofs(tree.inclusionProof(m, n), next.hashes)
    : m > 1 &&
        next.first === m + 1 &&
        n > m + 1 &&
        equalProofs(tree.consistencyProof(m + 1, n), next.hashes);
}

function equalProofs(a: readonly MerkleHash[], b: readonly MerkleHash[]): boolean {
  return a.length === b.length && a.every((hash, i) => same(hash, b[i] ?? new Uint8Array()));
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}
