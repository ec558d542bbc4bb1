// SPDX-License-Identifier: Apache-2.0
/** Proven split views and broken promises, one by one: what each is about, for whoever looks at it. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { encodeBase64 } from '../base/base64.ts';
import type { EvidenceFile, EvidenceReport } from '../evidence/directory.ts';
import { logIdText } from '../logs/log.ts';
import type { LogId } from '../statements/statement.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';

/** What evidence shows. */
export type Finding = Split | BrokenPromise;

interface AnyFinding {
  readonly log: string;
  readonly logId: string;
  /** The evidence file. */
  readonly path: string;
  readonly name: string;
  /** Of the file, as the chain of evidence has it. */
  readonly state: EvidenceFile['state'];
  readonly created: number;
}

export interface BrokenPromise extends AnyFinding {
  readonly kind: 'promise-broken';
  /** Where the promised entry was to be. */
  readonly leafIndex: bigint;
  readonly tree: SplitTree;
}

export interface Split extends AnyFinding {
  readonly kind: 'fork';
  /** The two trees, the smaller first. */
  readonly trees: readonly [SplitTree, SplitTree];
  /** Sizes of the largest trees below both that are proven consistent, the smallest first. */
  readonly before: readonly bigint[];
}

export interface SplitTree {
  readonly treeSize: bigint;
  /** Whether a log list names it, and no tree head of the log. */
  readonly isListed: boolean;
  /** What follows is not known of a tree that is listed or is not in the store any more. */
  readonly root?: string;
  readonly verdict?: Verdict;
  readonly signed?: bigint;
  readonly firstSeen?: number;
  readonly sources?: readonly string[];
}

/** So many consistent trees are named that a split came after. */
const BEFORE = 3;

/** What each of these records is about. Costs a few look-ups for each. */
export function findingsOf(
  store: Pick<Store, 'evidence' | 'heads'>,
  records: readonly EvidenceRecord[],
  nameOf: (logId: LogId) => string,
  kept: EvidenceReport | undefined,
): Finding[] {
  const states = new Map(kept?.files.map(({ name, state }) => [name, state]));
  return records.map(({ kind, path, logId, firstSize, secondSize, created }) => {
    const { first, second } = store.evidence.treesOf(path);
    const found = {
      log: nameOf(logId),
      logId: logIdText(logId),
      path,
      name: basename(path),
      state: stateOf(path, states.get(basename(path))),
      created,
    };
    if (kind === 'promise-broken')
      return { kind, ...found, leafIndex: firstSize, tree: treeOf(store, secondSize, first) };
    const one = treeOf(store, firstSize, first);
    const other = treeOf(store, secondSize, second);
    const trees = firstSize <= secondSize ? ([one, other] as const) : ([other, one] as const);
    return {
      kind,
      ...found,
      trees,
      before: store.heads
        .consistentBelow(logId, trees[0].treeSize, BEFORE)
        .map(({ treeSize }) => treeSize),
    };
  });
}

/** What the chain does not know may be there all the same, or be in another directory. */
function stateOf(path: string, state: EvidenceFile['state'] = 'missing'): EvidenceFile['state'] {
  return state === 'missing' && existsSync(path) ? 'unknown' : state;
}

function treeOf(
  store: Pick<Store, 'heads'>,
  treeSize: bigint,
  tree: StoredTree | 'listed' | undefined,
): SplitTree {
  if (tree === undefined || tree === 'listed') return { treeSize, isListed: tree === 'listed' };
  const [head] = store.heads.headSummaries(tree, 1);
  return {
    treeSize,
    isListed: false,
    root: encodeBase64(tree.rootHash),
    verdict: tree.verdict,
    signed: head?.timestamp === 0n ? undefined : head?.timestamp,
    firstSeen: head?.headFirstSeen ?? tree.firstSeen,
    sources: head?.sources,
  };
}

/**
 * The latest finding about each log, of at most `limit` logs: those that were proven last come first.
 * `records` has the oldest first.
 */
export function latestOfEachLog(
  records: readonly EvidenceRecord[],
  limit: number,
): EvidenceRecord[] {
  const latest = new Map<string, EvidenceRecord>();
  for (const record of records.toReversed()) {
    const log = logIdText(record.logId);
    if (!latest.has(log)) latest.set(log, record);
    if (latest.size === limit) break;
  }
  return [...latest.values()];
}
