// SPDX-License-Identifier: Apache-2.0
/**
 * A fleet as a page shows it: which of the sites saw which tree, by log; the sites; and by which ways
 * trees passed there. Each part has a bound, however many sites and trees there are.
 */
import type { FleetOverview, MemberOverview } from '../fleet/overview.ts';
import { contestedTrees, treeAtSites, type TreeAtSites } from '../fleet/sites.ts';
import { logIdText } from '../logs/log.ts';
import type { LogId } from '../statements/statement.ts';
import type { EvidenceRecord } from '../store/evidence.ts';
import type { StoredTree } from '../store/heads.ts';
import type { Store } from '../store/store.ts';
import type { Verdict } from '../store/verdicts.ts';

export const SITES_A_PAGE = 50;
/** So many logs have rows in the matrix, those that had a new tree last, and so many rows each. */
const LOGS = 12;
const TREES_OF_A_LOG = 3;
/** Among so many trees that were new last the rows are looked for. */
const LOOKED_AT = 400;

/** One tree, and which sites saw it. */
export interface MatrixRow extends TreeAtSites {
  readonly verdict: Verdict;
}

export interface MatrixLog {
  readonly log: string;
  /** The smallest first. */
  readonly rows: readonly MatrixRow[];
}

/** Of one page of the sites. */
export interface SitesView {
  readonly fleet: FleetOverview;
  /** The sites of this page, in the order of the alphabet. */
  readonly sites: readonly MemberOverview[];
  /** How many sites there are in all. */
  readonly total: number;
  readonly logs: readonly MatrixLog[];
  /** How many trees there are in the matrix. */
  readonly trees: number;
  /** At how many of them each way was passed by, by site. */
  readonly paths: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export function sitesView(
  store: Pick<Store, 'heads' | 'verdicts'>,
  fleet: FleetOverview,
  page: number,
  nameOf: (logId: LogId) => string,
): SitesView {
  const logs = new Map<string, { log: string; rows: MatrixRow[] }>();
  const shown = new Set<number>();
  // Of a log that has forked, what it forked with stays in sight, and beside it what all others saw.
  const forked = new Set(store.verdicts.logsWith('fork-proven').map(logIdText));
  const rank = (tree: StoredTree): number =>
    forked.has(logIdText(tree.logId)) ? (tree.verdict === 'fork-proven' ? 2 : 1) : 0;
  const newest = store.heads
    .newest(LOOKED_AT)
    .sort((a, b) => rank(b) - rank(a))
    .flatMap((tree) =>
      rank(tree) < 2
        ? [tree]
        : store.heads.treesOfSize(tree.logId, tree.treeSize).slice(0, TREES_OF_A_LOG - 1),
    );
  for (const tree of newest) {
    const id = logIdText(tree.logId);
    const log = logs.get(id) ?? { log: nameOf(tree.logId), rows: [] };
    const isFull = log.rows.length === TREES_OF_A_LOG || (!logs.has(id) && logs.size === LOGS);
    if (isFull || shown.has(tree.id)) continue;
    shown.add(tree.id);
    const at = treeAtSites(store, tree);
    // What the log's own answers brought was seen at no site.
    if (at.sites.length === 0 && !at.isRolledUp) continue;
    logs.set(id, log);
    log.rows.push({ ...at, verdict: tree.verdict });
  }
  for (const { rows } of logs.values())
    rows.sort(
      (a, b) =>
        Number(a.tree.treeSize > b.tree.treeSize) - Number(a.tree.treeSize < b.tree.treeSize),
    );
  const rows = [...logs.values()].flatMap((log) => log.rows);
  const paths = new Map<string, Map<string, number>>();
  for (const row of rows)
    for (const [site, ways] of row.paths) {
      const ofSite = paths.get(site) ?? new Map<string, number>();
      paths.set(site, ofSite);
      for (const way of ways) ofSite.set(way, (ofSite.get(way) ?? 0) + 1);
    }
  const sites = fleet.sites.slice((page - 1) * SITES_A_PAGE, page * SITES_A_PAGE);
  return {
    fleet,
    sites,
    total: fleet.sites.length,
    logs: [...logs.values()],
    trees: rows.length,
    paths,
  };
}

/** Where a split view goes through the fleet. */
export interface SplitAtSites {
  /** How many sites the fleet has. */
  readonly sites: number;
  readonly trees: readonly TreeAtSites[];
}

/** By evidence file, of these records. */
export function splitsAtSites(
  store: Pick<Store, 'evidence' | 'heads'>,
  fleet: FleetOverview,
  records: readonly EvidenceRecord[],
): Map<string, SplitAtSites> {
  const sites = fleet.sites.length;
  return new Map(
    contestedTrees(store, records).map(({ evidence, trees }) => [evidence, { sites, trees }]),
  );
}
