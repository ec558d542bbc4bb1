// SPDX-License-Identifier: Apache-2.0
/** Which sites saw which tree: where a split view goes through a fleet. From a collector's store. */
import { encodeBase64 } from '../base/base64.ts';
import type { LogId } from '../statements/statement.ts';
import { originOf } from '../store/exchange.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import { ROLLED_UP, type StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { FOUND_IN_EVIDENCE } from '../upkeep/found-evidence.ts';

export interface TreeAtSites {
  readonly tree: StoredTree;
  /** In the order of the alphabet; what this machine saw by itself counts for none. */
  readonly sites: readonly string[];
  /** By which ways it passed there: interfaces, captures and sockets of each site, in order. */
  readonly paths: ReadonlyMap<string, readonly string[]>;
  /** It was seen so long ago that only the sum of its sightings is left, whose sites nobody knows. */
  readonly isRolledUp: boolean;
}

/** Trees of one log that evidence says are in contradiction, the smallest first. */
export interface ContestedTrees {
  readonly logId: LogId;
  /** The evidence file. */
  readonly evidence: string;
  readonly trees: readonly TreeAtSites[];
}

export interface SiteMatrix {
  /** What proven forks are about, the oldest first. */
  readonly contested: readonly ContestedTrees[];
  /** The trees that were new last, by log and size. */
  readonly latest: readonly TreeAtSites[];
}

/** Of a tree that is contested nothing is left out; logs sign a tree again and again. */
const HEADS_OF_CONTESTED = 1000;
const HEADS_OF_LATEST = 50;

/** `limit`: of the trees that were new last. Throws StoreError. */
export function siteMatrix(store: Pick<Store, 'heads' | 'evidence'>, limit: number): SiteMatrix {
  return {
    contested: contestedTrees(store, store.evidence.all()),
    latest: store.heads
      .newest(limit)
      .sort(byLogAndSize)
      .map((tree) => treeAtSites(store, tree)),
  };
}

/** Of these records, those of forks. Costs a few look-ups for each. */
export function contestedTrees(
  store: Pick<Store, 'heads' | 'evidence'>,
  records: readonly EvidenceRecord[],
): ContestedTrees[] {
  return records.flatMap(({ kind, logId, path }): ContestedTrees[] => {
    if (kind !== 'fork') return [];
    const { first, second } = store.evidence.treesOf(path);
    const trees = [first, second].flatMap((tree) =>
      tree === undefined || tree === 'listed' ? [] : [treeAtSites(store, tree, HEADS_OF_CONTESTED)],
    );
    return [{ logId, evidence: path, trees: trees.sort((a, b) => byLogAndSize(a.tree, b.tree)) }];
  });
}

export function treeAtSites(
  { heads }: Pick<Store, 'heads'>,
  tree: StoredTree,
  limit = HEADS_OF_LATEST,
): TreeAtSites {
  const sources = heads.sourcesOf(tree, limit);
  const paths = new Map<string, string[]>();
  for (const label of sources.sort()) {
    const found = originOf(label);
    if (found === undefined || found.source === FOUND_IN_EVIDENCE) continue;
    const ofSite = paths.get(found.origin.host) ?? [];
    paths.set(found.origin.host, ofSite);
    if (!ofSite.includes(found.source)) ofSite.push(found.source);
  }
  return { tree, sites: [...paths.keys()].sort(), paths, isRolledUp: sources.includes(ROLLED_UP) };
}

function byLogAndSize(a: StoredTree, b: StoredTree): number {
  const order = Buffer.compare(a.logId, b.logId);
  return order !== 0
    ? order
    : a.treeSize < b.treeSize
      ? -1
      : a.treeSize > b.treeSize
        ? 1
        : a.id - b.id;
}

/** As JSON. */
export function treeToJson({
  tree,
  sites,
  paths,
  isRolledUp,
}: TreeAtSites): Record<string, unknown> {
  return {
    treeSize: tree.treeSize,
    rootHash: encodeBase64(tree.rootHash),
    verdict: tree.verdict,
    sites,
    paths: Object.fromEntries(paths),
    isRolledUp,
  };
}
