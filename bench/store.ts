// SPDX-License-Identifier: Apache-2.0
/** A store of many sightings: how long what operators and the observer ask of it takes. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/store/sqlite/open.ts';
import { openForWriting, stateAt, type State } from '../src/store/state.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';

export interface StoreTiming {
  readonly what: string;
  /** Milliseconds, in an empty store and in the large one. */
  readonly empty: number;
  readonly large: number;
}

const LOGS = 40;
/** Far more forks than there will ever be: with the default 10^7 sightings, 10^5. */
const TREES_A_FORK = 25;

/**
 * Fills a store with `sightings` of half as many heads, of a quarter as many trees, and times what
 * is asked of it.
 */
export function measureStore(
  sightings: number,
  onProgress: (what: string) => void,
): { readonly timings: StoreTiming[]; readonly mebibytes: number } {
  const directory = mkdtempSync(join(tmpdir(), 'ctga-bench-'));
  const [small, large] = [stateAt(join(directory, 'empty')), stateAt(join(directory, 'large'))];
  try {
    openForWriting(small).close();
    onProgress(`filling it with ${sightings} sightings`);
    fill(large.database, sightings);
    onProgress('asking');
    const [empty, full] = [timed(small), timed(large)];
    return {
      timings: [...empty].map(([what, milliseconds]) => ({
        what,
        empty: milliseconds,
        large: full.get(what) ?? 0,
      })),
      mebibytes: Math.round(statSync(large.database).size / 2 ** 20),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function fill(path: string, sightings: number): void {
  const db = openDatabase(path);
  db.pragma('synchronous = OFF');
  const trees = Math.floor(sightings / 4);
  const numbers = (count: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;
  const minute = 60_000;
  const begin = Date.now() - trees * minute;
  db.exec(`BEGIN;
    ${numbers(trees)} INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen, verdict)
      SELECT i, CAST(printf('%032d', i % ${LOGS}) AS BLOB), printf('%020d', i), randomblob(32), ${begin} + i * ${minute},
        CASE WHEN i > ${trees - 100} THEN 'pending' ELSE 'consistent' END FROM n;
    ${numbers(2 * trees)} INSERT INTO tree_heads (id, tree, timestamp, signature)
      SELECT i, (i + 1) / 2, printf('%020d', ${begin} + i * 30000), randomblob(71) FROM n;
    INSERT INTO sightings SELECT id, 'eth0', ${begin} + id * 30000, ${begin} + id * 30000, 3 FROM tree_heads;
    INSERT INTO sightings SELECT id, 'get-sth', ${begin} + id * 30000, ${begin} + id * 30000, 1 FROM tree_heads;
    INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen, verdict)
      SELECT ${trees} + id, log_id, tree_size, randomblob(32), first_seen, 'fork-proven' FROM trees WHERE id <= ${trees} AND id % ${TREES_A_FORK} = 0;
    INSERT INTO evidence (path, log_id, first, second, first_size, second_size, created)
      SELECT 'evidence/' || first || '.json', log_id, first, second, tree_size, tree_size, first_seen
      FROM contradictions JOIN trees ON trees.id = first;
    INSERT INTO days SELECT log_id, first_seen / 86400000, 2 * count(*), 8 * count(*) FROM trees GROUP BY 1, 2;
    COMMIT;`);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

function timed(state: State): Map<string, number> {
  const timings = new Map<string, number>();
  const time = <T>(what: string, work: () => T): T => {
    const began = performance.now();
    const result = work();
    timings.set(what, performance.now() - began);
    return result;
  };
  const store = time('open', () => openForWriting(state));
  time('status: tree heads, verdicts, counts', () => [
    store.heads.count(),
    store.verdicts.counts(),
    store.counters.totals(),
  ]);
  time('heads list (the last 1,000)', () => store.heads.latest(1000));
  time('status page: 30 days', () => store.heads.days(Math.floor(Date.now() / 86_400_000) - 30));
  const log = new SigningLog();
  const tree = treeOf(3);
  const batch = Array.from({ length: 1000 }, (_, i) => ({
    head: log.verified(BigInt(i + 1), tree.root(), BigInt(Date.now() + i)),
    source: 'eth0',
    firstSeen: Date.now(),
    lastSeen: Date.now(),
    count: 1,
  }));
  time('1,000 new heads', () => store.heads.record(batch));
  time('1,000 heads again', () => store.heads.record(batch));
  time('roll up 1,000', () => store.heads.rollUp(Date.now() - 90 * 86_400_000, 1000));
  time('evidence: what to tell next, and what is owed', () => [
    store.publishing.nextEvidence(),
    store.evidence.missing(),
  ]);
  store.close();
  return timings;
}
