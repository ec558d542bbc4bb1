// SPDX-License-Identifier: Apache-2.0
/**
 * Faults, each put into a copy of the source as an edit: the model must notice every one of them.
 * Most are faults that ctga once had.
 */
import type { Kind, Way } from './history.ts';

export interface Mutant {
  /** What is wrong with it. */
  readonly name: string;
  /** Below src/. */
  readonly file: string;
  /** Text that is there, once, and what takes its place. */
  readonly edits: readonly (readonly [from: string, to: string])[];
  /** Histories of which kind show it. */
  readonly kind: Kind;
  /** How those ask the log; directly unless given. */
  readonly way?: Way;
  /** Left to CTGA_MODEL_MUTANTS=all. */
  readonly isSlow?: boolean;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'an empty tree with a wrong root is a tree like any other',
    file: 'statements/statement.ts',
    edits: [['return treeSize === 0n && !equalHash(rootHash, EMPTY_ROOT);', 'return false;']],
    kind: 'honest',
  },
  {
    name: 'a proof that leads nowhere is a fork',
    file: 'evidence/judge.ts',
    edits: [['  if (reachesSecond) {', '  if (reachesSecond || !seeded) {']],
    kind: 'liar',
  },
  {
    name: 'two roots for one size are consistent',
    file: 'evidence/judge.ts',
    edits: [['return equalHash(first.rootHash, second.rootHash)', 'return true']],
    kind: 'liar',
  },
  {
    name: 'the proof from a power of two is taken as it is',
    file: 'evidence/judge.ts',
    edits: [
      ["const seeded = proof.kind === 'consistency'", "const seeded = proof.kind === 'none'"],
    ],
    kind: 'liar',
  },
  {
    name: 'a proof that leads to the second root proves the first one',
    file: 'evidence/judge.ts',
    edits: [['if (reachesFirst) return', 'if (reachesSecond) return']],
    kind: 'liar',
  },
  {
    name: 'the deciding question asks for another path',
    file: 'ask/prove.ts',
    edits: [['leafIndex: first.treeSize }', 'leafIndex: first.treeSize - 1n }']],
    kind: 'liar',
    isSlow: true,
  },
  {
    name: "a stranger's signature on the log's current head is taken",
    file: 'statements/verify.ts',
    edits: [
      [
        "return verify('sha256', encodeSignedData(head), key.publicKey, signature);",
        'return signature.length > 0;',
      ],
    ],
    kind: 'liar',
  },
  {
    name: 'a partial tile that is gone is not looked for in the full one',
    file: 'ask/tiled.ts',
    edits: [['partial.retryAfter !== undefined', 'true']],
    kind: 'honest',
  },
  {
    name: 'no answer is as bad as no proof',
    file: 'challenger/decision.ts',
    edits: [
      [
        "if (outcome === 'no-answer') return before === 'unprovable' ? 'unprovable' : 'unreachable';",
        '',
      ],
    ],
    kind: 'honest',
  },
  {
    name: 'a log has no time to merge',
    file: 'challenger/decision.ts',
    edits: [['return Math.max(mmd * 1000, MIN_PATIENCE_MS);', 'return mmd;']],
    kind: 'honest',
  },
  {
    name: 'two roots for one size are noticed where the wire brought them, and nowhere else',
    file: 'services/heads.ts',
    edits: [
      [
        `recordHeads(
      context,
      heads.flatMap(`,
        `withoutForks(
      context,
      heads.flatMap(`,
      ],
      [
        '/** The same sightings are counted once, however often they are imported. */\n',
        `const withoutForks: typeof recordHeads = ({ store }, sightings) => ({
  ...store.heads.record(sightings),
  forks: [],
  failure: undefined,
});
`,
      ],
    ],
    kind: 'liar',
  },
  {
    name: 'evidence that a kill kept from being written waits for the next head',
    file: 'observer/observer.ts',
    edits: [
      [
        '    // A crash may have kept evidence from being written after its heads were committed.\n    this.#report(settleContradictions(this.#recordContext()));',
        '',
      ],
    ],
    kind: 'killed',
  },
  {
    name: 'the store hears of evidence before the disk has it',
    file: 'evidence/keep.ts',
    edits: [
      [
        'const path = writeEvidence(directory, makeEvidence(log, one, other, finding, now));',
        'const evidence = makeEvidence(log, one, other, finding, now);\n  const path = join(directory, evidenceFileName(evidence));',
      ],
      ['\n  return path;', '\n  writeEvidence(directory, evidence);\n  return path;'],
      [
        'import { makeEvidence,',
        "import { join } from 'node:path';\nimport { evidenceFileName, makeEvidence,",
      ],
    ],
    kind: 'killed',
  },
  {
    name: 'what a full disk kept from being written is forgotten',
    file: 'observer/observer.ts',
    edits: [
      ['this.#storeFailed = true;\n      return;', 'this.#sightings.clear();\n      return;'],
    ],
    kind: 'honest',
    isSlow: true,
  },
  {
    name: 'what extends one tree of the chain is of the chain',
    file: 'challenger/links.ts',
    edits: [['isBlocked && tree.treeSize > ceiling', 'isBlocked && tree.treeSize < 0n']],
    kind: 'liar',
    isSlow: true,
  },
  {
    name: 'trees that the current one is not linked to stay consistent',
    file: 'challenger/links.ts',
    edits: [
      [
        "(tree) => this.verdictOf(tree) === 'consistent' && !this.isLinked(tree),",
        "(tree) => this.verdictOf(tree) === 'fork-proven' && this.verdictOf(tree) === 'consistent',",
      ],
    ],
    kind: 'liar',
  },
  {
    name: 'the largest tree is asked about first',
    file: 'challenger/walk.ts',
    edits: [
      [
        'queue.sort((a, b) => this.#since(a) - this.#since(b) || a.id - b.id)',
        'queue.sort((a, b) => bySize(b, a))',
      ],
    ],
    kind: 'liar',
  },
  {
    name: 'a log that was quiet once is quiet for ever',
    file: 'http/retry-after.ts',
    edits: [['export const MAX_RETRY_AFTER = 86_400_000;', 'export const MAX_RETRY_AFTER = 8e15;']],
    kind: 'honest',
    isSlow: true,
  },
  {
    name: 'a tree is of the log whatever its hashes say',
    file: 'challenger/settle.ts',
    edits: [
      [
        'if (equalHash(comparison.root, tree.rootHash)) {',
        'if (equalHash(comparison.root, comparison.root)) {',
      ],
    ],
    kind: 'liar',
    way: 'whole',
  },
  {
    name: 'a tree that is not the one of the hashes waits for another',
    file: 'challenger/settle.ts',
    edits: [
      [
        "if (found?.verdict !== 'fork-proven') return 'unknown';",
        "if (found?.verdict !== 'consistent') return 'unknown';",
      ],
    ],
    kind: 'liar',
    way: 'whole',
  },
  {
    name: 'a chain that the public trees are not linked to is never given up',
    file: 'challenger/settle.ts',
    edits: [
      [
        'each.reason === APART && this.#isOverdue(each)',
        'each.reason === undefined && this.#isOverdue(each)',
      ],
    ],
    kind: 'liar',
    way: 'whole',
  },
  {
    name: 'what the chain loses with its top is looked for among open trees alone',
    file: 'challenger/settle.ts',
    edits: [['if (!hasAll && (strays.length > 0 || this.#isAnyRefuted())) return false;', '']],
    kind: 'liar',
    way: 'whole',
  },
  {
    name: 'the block that did not come is said of trees that are yet to come',
    file: 'challenger/settle.ts',
    edits: [["  coming: ['pending', 'it waits", "  coming: ['refused', 'it waits"]],
    kind: 'honest',
    way: 'whole',
    isSlow: true,
  },
  {
    name: 'a damaged row ends whatever reads it',
    file: 'store/sqlite/rows.ts',
    edits: [["throw new RangeError('a number is none')", "throw new Error('a number is none')"]],
    kind: 'flipped',
  },
];
