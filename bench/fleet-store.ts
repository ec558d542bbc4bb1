// SPDX-License-Identifier: Apache-2.0
/**
 * A collector's store in which very many sites have seen very many heads: how large it is, how long
 * each page of `ctga web` takes over it, and how long what the collector itself does.
 *
 * Its rows are made by SQL, in the order of their keys, with what a collector writes for a head that
 * a site has told: a sighting under the site's name, and what was credited to the site's store. What
 * is measured is done by the code of ctga.
 */
import { mkdirSync, statSync } from 'node:fs';
import { recordHeads } from '../src/evidence/record.ts';
import { MemberStore } from '../src/fleet/members.ts';
import { siteMatrix } from '../src/fleet/sites.ts';
import type { Log } from '../src/logs/log.ts';
import { sourceOf } from '../src/store/exchange.ts';
import { openDatabase } from '../src/store/sqlite/open.ts';
import {
  openForReading,
  openForWriting,
  stateAt,
  storeExists,
  type State,
} from '../src/store/state.ts';
import { WebServer } from '../src/web/server.ts';
import { SigningLog, treeOf } from '../test/support/signing-log.ts';
import { percentile } from './statistics.ts';

export interface FleetStoreSize {
  readonly sites: number;
  readonly logs: number;
  /** Rows of sightings: one for each head that a site has seen. */
  readonly rows: number;
}

export interface FleetStore {
  readonly state: State;
  readonly size: FleetStoreSize;
  readonly bytes: number;
  readonly logs: readonly Log[];
  readonly signers: readonly SigningLog[];
}

/** Of each row: how often a resolver's clients were shown a head within its lifetime. */
export const SIGHTINGS_A_ROW = 10;
/** Each log signs one head in so many ms. */
const HEAD_EVERY_MS = 60_000;

/** Sites that see another tree than the others. */
const DECEIVED = 3;

const storeOf = (site: number): string => site.toString(16).padStart(8, '0');
const nameOf = (site: number): string => `site${site.toString().padStart(5, '0')}`;

/** Makes it in a directory that is new. */
export function fillFleetStore(directory: string, size: FleetStoreSize): FleetStore {
  mkdirSync(directory, { recursive: true });
  const state = stateAt(directory);
  const signers = Array.from({ length: size.logs }, () => new SigningLog());
  const logs = signers.map(({ key }, i): Log => ({
    key,
    description: `Log ${i}`,
    url: `https://log.test/${i}/`,
    api: 'rfc6962',
    mmd: 86_400,
  }));
  const store = openForWriting(state);
  store.logs.put(logs);
  store.publishing.begin('verdicts', 0);
  store.close();
  putMembers(directory, size.sites);

  const heads = Math.ceil(size.rows / size.sites);
  const begin = Date.now() - Math.ceil(heads / size.logs) * HEAD_EVERY_MS;
  const at = (id: string): string => `${begin} + ${id} / ${size.logs} * ${HEAD_EVERY_MS}`;
  const db = openDatabase(state.database);
  db.pragma('synchronous = OFF');
  // What is there already is little: what is added needs no journal.
  db.pragma('journal_mode = MEMORY');
  db.pragma('cache_size = -262144');
  // Rows come in order, and an index of them all is made faster at once.
  const late = db
    .prepare(
      `SELECT type, name, sql FROM sqlite_schema
       WHERE tbl_name IN ('sightings', 'imported', 'trees') AND sql IS NOT NULL AND type IN ('index', 'trigger')`,
    )
    .all() as { type: string; name: string; sql: string }[];
  for (const { type, name } of late) db.exec(`DROP ${type} ${name}`);
  db.exec(`CREATE TEMP TABLE ids (i INTEGER PRIMARY KEY, log_id BLOB);
    CREATE TEMP TABLE sites (i INTEGER PRIMARY KEY, source TEXT, origin TEXT)`);
  const putLog = db.prepare('INSERT INTO ids VALUES (?, ?)');
  for (const [i, { key }] of logs.entries()) putLog.run(i, key.logId);
  const putSite = db.prepare('INSERT INTO sites VALUES (?, ?, ?)');
  for (let i = 0; i < size.sites; i++)
    putSite.run(i, sourceOf({ host: nameOf(i), store: storeOf(i) }, 'eth0'), storeOf(i));
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${heads})`;
  db.exec(`BEGIN;
    ${numbers} INSERT INTO trees (id, log_id, tree_size, root_hash, first_seen, verdict)
      SELECT n.i, log_id, printf('%020d', 1000 + n.i), randomblob(32), ${at('n.i')},
        CASE WHEN n.i > ${heads - 100} THEN 'pending' ELSE 'consistent' END
      FROM n JOIN ids ON ids.i = n.i % ${size.logs};
    INSERT INTO tree_heads (id, tree, timestamp, signature)
      SELECT id, id, printf('%020d', first_seen), randomblob(71) FROM trees ORDER BY id;
    INSERT INTO days SELECT log_id, first_seen / 86400000, count(*), count(*) * ${size.sites * SIGHTINGS_A_ROW}
      FROM trees GROUP BY 1, 2;
    COMMIT; BEGIN;
    INSERT INTO sightings (tree_head, source, first_seen, last_seen, count)
      SELECT id, source, ${at('id')}, ${at('id')} + 30000, ${SIGHTINGS_A_ROW}
      FROM (SELECT id FROM tree_heads ORDER BY id) CROSS JOIN sites;
    COMMIT; BEGIN;
    INSERT INTO imported (tree_head, origin, count)
      SELECT id, origin, ${SIGHTINGS_A_ROW} FROM (SELECT id FROM tree_heads ORDER BY id) CROSS JOIN sites;
    COMMIT;`);
  for (const { sql } of late) db.exec(sql);
  db.close();
  return { state, size, bytes: statSync(state.database).size, logs, signers };
}

/** One that was made there; undefined where there is none. */
export function findFleetStore(directory: string): FleetStore | undefined {
  const state = stateAt(directory);
  if (!storeExists(state)) return undefined;
  // An earlier version may have made it.
  const store = openForWriting(state);
  const logs = store.logs.all();
  store.close();
  const db = openDatabase(state.database);
  // What is in a page of sites is counted by its ends: counting all rows would take minutes.
  const rows =
    Number(db.prepare('SELECT sum(sightings) FROM days').pluck().get()) / SIGHTINGS_A_ROW;
  db.close();
  const sites = MemberStore.openForReading(directory)?.fleet()?.members.length ?? 1;
  const size = { sites: sites - 1, logs: logs.length, rows: Math.round(rows / 1000) * 1000 };
  return { state, size, bytes: statSync(state.database).size, logs, signers: [] };
}

/** What a collector knows of its sites. */
function putMembers(directory: string, sites: number): void {
  const members = MemberStore.open(directory);
  const names = Array.from({ length: sites }, (_, i) => nameOf(i));
  const now = Date.now();
  members.putFleet({
    fleet: 'bench',
    self: 'hub',
    intervalSeconds: 10,
    members: [
      { name: 'hub', role: 'collector' },
      ...names.map((name) => ({ name, role: 'site' as const })),
    ],
  });
  members.put(
    names.map((member, i) => ({
      member,
      heard: [],
      allowance: { left: 20, at: now, number: i },
      lastHeard: now,
      clockOff: 0,
      batches: 8640,
      missing: 0,
      waiting: 0,
      givenUp: 0,
    })),
    new Map(),
  );
  members.close();
}

/**
 * Of each of `count` logs three sites see another tree than all others, now: as a collector takes it
 * in. The heads before are as many as they were, and all sites saw them.
 */
export function splitViews({ state, logs, signers, size }: FleetStore, count: number): void {
  const store = openForWriting(state);
  const now = Date.now();
  const seen = signers.slice(0, count).flatMap((signer, i) =>
    ['a', 'b'].flatMap((branch) => {
      const head = signer.verified(500 + i, treeOf(500 + i, branch).root(), BigInt(now));
      const sites = Array.from({ length: size.sites }, (_, site) => site);
      return sites
        .filter((site) => (branch === 'b') === site < DECEIVED)
        .map((site) => {
          const origin = { host: nameOf(site), store: storeOf(site) };
          const times = { firstSeen: now, lastSeen: now, count: 1 };
          return { head, source: sourceOf(origin, 'eth0'), origin: origin.store, ...times };
        });
    }),
  );
  recordHeads({ store, evidenceDirectory: state.evidence, logs, now }, seen);
  store.close();
}

export interface PageTiming {
  readonly what: string;
  /** Milliseconds, of several times; and of CPU, which other processes change little. */
  readonly median: number;
  readonly worst: number;
  readonly cpu: number;
}

const PAGES = [
  ...['/', '/sites', '/sites?page=20', '/evidence', '/logs'],
  ...['/state.json', '/metrics', '/healthz'],
];
const TIMES = 9;

/** Each page, made anew each time: the store changes before each, as a collector's does. */
export async function timePages({ state }: FleetStore): Promise<PageTiming[]> {
  const options = { state, address: '127.0.0.1', port: 0, version: 'bench', hosts: [] };
  const server = await WebServer.start(options);
  const db = openDatabase(state.database);
  // As if a site had seen what is newest once more.
  const touch = db.prepare(
    `UPDATE sightings SET count = count + 1
     WHERE (tree_head, source) = (SELECT tree_head, source FROM sightings ORDER BY tree_head DESC LIMIT 1)`,
  );
  try {
    const timings: PageTiming[] = [];
    for (const path of PAGES)
      timings.push(
        await timed(
          path,
          async () => {
            const response = await fetch(new URL(path, server.at.url));
            await response.arrayBuffer();
            if (!response.ok && path !== '/healthz')
              throw new Error(`${path} answers ${response.status}`);
          },
          () => touch.run(),
        ),
      );
    return timings;
  } finally {
    db.close();
    await server.stop();
  }
}

/** What else is asked of a collector's store, and what it does in each minute. */
export async function timeQueries({ state, logs }: FleetStore): Promise<PageTiming[]> {
  const store = openForReading(state);
  const writer = openForWriting(state);
  try {
    const [log] = logs;
    const { from, to } = store.heads.span() ?? { from: 0, to: 1 };
    const asked: readonly (readonly [what: string, work: () => unknown])[] = [
      ['heads: how many', () => store.heads.count()],
      ['heads: the last 20', () => store.heads.latest(20)],
      ['verdicts: how many of each', () => store.verdicts.counts()],
      ['the time that sightings span', () => store.heads.span()],
      ['30 days of each log', () => store.heads.days(0)],
      ["a log's lane", () => log && store.heads.timeline(log.key.logId, from, to, 48)],
      ['ctga fleet heads: the last 50 and each split view', () => siteMatrix(store, 50)],
      ['what other members concluded', () => store.exchange.foreignVerdicts()],
      ['rolling up 20,000 sightings', () => writer.heads.rollUp(to - ROLLED_UP_BEFORE_MS, 20_000)],
    ];
    const timings: PageTiming[] = [];
    for (const [what, work] of asked) timings.push(await timed(what, work));
    return timings;
  } finally {
    store.close();
    writer.close();
  }
}

/** There is enough that is older. */
const ROLLED_UP_BEFORE_MS = 60_000;

async function timed(
  what: string,
  work: () => unknown,
  before: () => unknown = () => undefined,
): Promise<PageTiming> {
  const [took, cpu]: [number[], number[]] = [[], []];
  for (let i = 0; i < TIMES; i++) {
    before();
    const [began, cpuBefore] = [performance.now(), process.cpuUsage()];
    await work();
    took.push(performance.now() - began);
    const { user, system } = process.cpuUsage(cpuBefore);
    cpu.push((user + system) / 1000);
  }
  return {
    what,
    median: percentile(took, 0.5),
    worst: Math.max(...took),
    cpu: percentile(cpu, 0.5),
  };
}
