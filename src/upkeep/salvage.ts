/**
 * What can still be read of a damaged database: its tree heads, each believed for its signature
 * alone. A damaged page may hold anything, so no verdict is carried over, and no number but when
 * and how often a head was seen, as far as it makes sense.
 */
import Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { knownLogs } from '../store/known-logs.ts';
import { logIdText } from '../logs/log.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { toLogKey, type LogKey } from '../statements/key.ts';
import { verifyStatement } from '../statements/verify.ts';
import type { Sighting } from '../store/heads.ts';
import type { Store } from '../store/store.ts';

/**
 * Whoever salvages has packets to read, and a watchdog. The newest heads come first: that is 10^5
 * of them.
 */
const LONGEST_MS = 10_000;
const AT_ONCE = 500;
/** No row of a tree head, with its signature, is shorter. */
const SHORTEST_ROW = 80;
/** Where a head was seen cannot be read. */
const SOURCE = 'salvaged';

interface HeadRow {
  readonly log_id: Buffer;
  readonly tree_size: string;
  readonly root_hash: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
}

interface SightingRow {
  readonly source: string;
  readonly first_seen: number;
  readonly last_seen: number;
  readonly count: number;
}

/**
 * Brings tree heads of the damaged database at `path` into `store`; returns how many. Throws only
 * what `store` throws.
 */
export function salvage(path: string, store: Store, now: number): number {
  const database = orNothing(() => new Database(path, { readonly: true }));
  if (database === undefined) return 0;
  try {
    const keys = keysOf(database, store);
    const head = orNothing(() =>
      database.prepare<[number], HeadRow>(
        `SELECT log_id, tree_size, root_hash, timestamp, signature
         FROM tree_heads h CROSS JOIN trees t ON t.id = h.tree WHERE h.id = ?`,
      ),
    );
    const sightings = orNothing(() =>
      database.prepare<[number], SightingRow>(
        'SELECT source, first_seen, last_seen, count FROM sightings WHERE tree_head = ?',
      ),
    );
    if (head === undefined) return 0;
    const end = performance.now() + LONGEST_MS;
    let carried = 0;
    let batch: Sighting[] = [];
    const record = (): void => {
      if (batch.length > 0) store.heads.record(batch);
      batch = [];
    };
    for (let id = lastId(database, path); id > 0 && performance.now() < end; id--) {
      const row = orNothing(() => head.get(id));
      const verified = row && orNothing(() => verify(row, keys));
      if (verified === undefined) continue;
      const seen = (orNothing(() => sightings?.all(id)) ?? []).filter(makesSense);
      const [first = { source: SOURCE, first_seen: now, last_seen: now, count: 1 }, ...others] =
        seen;
      for (const { source, first_seen: firstSeen, last_seen: lastSeen, count } of [
        first,
        ...others,
      ])
        batch.push({ head: verified, source, firstSeen, lastSeen, count });
      carried += 1;
      if (batch.length >= AT_ONCE) record();
    }
    record();
    return carried;
  } finally {
    database.close();
  }
}

/** By log ID: those that the damaged database has, and those that are known anyway. */
function keysOf(database: Database.Database, store: Store): Map<string, LogKey> {
  const stored =
    orNothing(() => database.prepare<[], { key: Buffer }>('SELECT key FROM logs').all()) ?? [];
  const keys = stored.flatMap(({ key }) => orNothing(() => toLogKey(key)) ?? []);
  const known = knownLogs(store, undefined, () => undefined).map(({ key }) => key);
  return new Map([...known, ...keys].map((key) => [logIdText(key.logId), key]));
}

function lastId(database: Database.Database, path: string): number {
  const last = orNothing(() =>
    database.prepare<[], number | null>('SELECT max(id) FROM tree_heads').pluck().get(),
  );
  return last ?? Math.floor(statSync(path).size / SHORTEST_ROW);
}

function verify(
  row: HeadRow,
  keys: ReadonlyMap<string, LogKey>,
): ReturnType<typeof verifyStatement> {
  const key = keys.get(row.log_id.toString('base64'));
  const [treeSize, timestamp] = [BigInt(row.tree_size), BigInt(row.timestamp)];
  const rootHash = toMerkleHash(row.root_hash);
  const signature = new Uint8Array(row.signature);
  return key && verifyStatement({ treeSize, timestamp, rootHash, signature }, key);
}

function makesSense({ source, first_seen: first, last_seen: last, count }: SightingRow): boolean {
  return (
    /^[\x21-\x7e][\x20-\x7e]{0,199}$/.test(source) &&
    [first, last, count].every((each) => Number.isSafeInteger(each) && each >= 0) &&
    first <= last &&
    count > 0
  );
}

/** Undefined where what is there cannot be read, or is not what it should be. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
