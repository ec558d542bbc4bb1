// SPDX-License-Identifier: Apache-2.0
/** Which sites saw which tree: where a split view goes through a fleet. From a collector's store. */
import { encodeBase64 } from '../base/base64.ts';
import type { LogId } from '../statements/statement.ts';
import { originOf } from '../store/exchange.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import { FOUND_IN_EVIDENCE } from '../upkeep/found-evidence.ts';

export interface TreeAtSites {
  readonly tree: StoredTree;
  /** In the order of the alphabet; what this machine saw by itself counts for none. */
  readonly sites: readonly string[];
}

/** Trees of one log that evidence says are in contradiction, the smallest first. */
export interface ContestedTrees {
  readonly logId: LogId;
  /** The evidence file. */
  readonly evidence: string;
  readonly trees: readonly TreeAtSites[];
}

export interface SiteMatrix {
  /** All that proven forks are about, the oldest first. */
  readonly contested: readonly ContestedTrees[];
  /** The trees that were new last, by log and size. */
  readonly latest: readonly TreeAtSites[];
}

/** Heads of one tree whose sources are looked at: logs sign a tree again and again. */
const HEADS_OF_TREE = 1000;

/** `limit`: of the heads that were new last. Throws StoreError. */
export function siteMatrix(store: Pick<Store, 'heads' | 'evidence'>, limit: number): SiteMatrix {
  const at = (tree: StoredTree): TreeAtSites => ({ tree, sites: sitesOf(store, tree) });
  const contested = store.evidence.all().flatMap(({ kind, logId, path }): ContestedTrees[] => {
    if (kind !== 'fork') return [];
    const { first, second } = store.evidence.treesOf(path);
    const trees = [first, second].flatMap((tree) =>
      tree === undefined || tree === 'listed' ? [] : [at(tree)],
    );
    return [{ logId, evidence: path, trees }];
  });
  const trees = new Map<number, StoredTree>();
  for (const head of store.heads.latest(limit)) trees.set(head.id, head);
  return { contested, latest: [...trees.values()].map(at) };
}

function sitesOf({ heads }: Pick<Store, 'heads'>, tree: StoredTree): string[] {
  const sources = heads.headSummaries(tree, HEADS_OF_TREE).flatMap((head) => head.sources);
  const sites = sources.flatMap((source) => {
    const found = originOf(source);
    return found === undefined || found.source === FOUND_IN_EVIDENCE ? [] : [found.origin.host];
  });
  return [...new Set(sites)].sort();
}

/** As JSON. */
export function treeToJson({ tree, sites }: TreeAtSites): Record<string, unknown> {
  return {
    treeSize: tree.treeSize,
    rootHash: encodeBase64(tree.rootHash),
    verdict: tree.verdict,
    sites,
  };
}
