/**
 * Looking after a store: whether it is whole, making it smaller, copying it while it is in use,
 * writing it out as text.
 */
import type Database from 'better-sqlite3';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase64 } from '../base/base64.ts';
import { messageOf } from '../base/errors.ts';
import { isIntact, parseEvidence } from '../evidence/bundle.ts';
import { logIdText } from '../logs/log.ts';
import { openDatabase } from '../store/sqlite/open.ts';
import type { State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';

export interface StoreCheck {
  /** What is wrong, one sentence each; nothing if all is well. */
  readonly faults: readonly string[];
  readonly treeHeads: number;
  readonly sightings: number;
  readonly evidence: number;
  readonly bytes: number;
}

/** Statements about every row that must hold, with what it means if one does not. */
const INVARIANTS: readonly (readonly [query: string, fault: string])[] = [
  [
    'SELECT count(*) FROM trees t WHERE NOT EXISTS (SELECT 1 FROM tree_heads h WHERE h.tree = t.id)',
    'trees have no signed head',
  ],
  [
    'SELECT count(*) FROM tree_heads h WHERE NOT EXISTS (SELECT 1 FROM sightings s WHERE s.tree_head = h.id)',
    'tree heads were never seen',
  ],
  [
    'SELECT count(*) FROM sightings WHERE count < 1 OR first_seen > last_seen',
    'sightings contradict themselves',
  ],
  [
    "SELECT count(*) FROM trees WHERE verdict = 'fork-proven' AND id NOT IN (SELECT first FROM evidence UNION SELECT second FROM evidence WHERE second IS NOT NULL)",
    'forks are without evidence',
  ],
];

/**
 * Reads all of the database and of the evidence. Throws CtgaError where there is no database to
 * read.
 */
export function checkStore(state: State): StoreCheck {
  const database = openDatabase(state.database);
  try {
    const faults: string[] = [];
    for (const { integrity_check: line } of database.pragma('integrity_check') as {
      integrity_check: string;
    }[])
      if (line !== 'ok') faults.push(`the database: ${line.replaceAll(/\s+/g, ' ')}`);
    const orphans = database.pragma('foreign_key_check') as unknown[];
    if (orphans.length > 0) faults.push(`${orphans.length} rows refer to what is not there`);
    for (const [query, fault] of INVARIANTS) {
      const count = countOf(database, query);
      if (count > 0) faults.push(`${count} ${fault}`);
    }
    const store = new SqliteStore(database);
    const recorded = store.evidence.all().map(({ path }) => path);
    const files = existsSync(state.evidence)
      ? readdirSync(state.evidence)
          .filter((name) => name.endsWith('.json'))
          .map((name) => join(state.evidence, name))
      : [];
    for (const path of new Set([...recorded, ...files])) {
      const fault = evidenceFault(path);
      if (fault !== undefined) faults.push(`${path}: ${fault}`);
    }
    return {
      faults,
      treeHeads: store.heads.count(),
      sightings: countOf(database, 'SELECT count(*) FROM sightings'),
      evidence: files.length,
      bytes: statSync(state.database).size,
    };
  } finally {
    database.close();
  }
}

function evidenceFault(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return isIntact(text, parseEvidence(text, path))
      ? undefined
      : 'was changed since it was written';
  } catch (error) {
    return messageOf(error);
  }
}

function countOf(database: Database.Database, query: string): number {
  return database.prepare<[], number>(query).pluck().get() ?? 0;
}

const BATCH = 10_000;

/**
 * Rolls up sightings older than `before` (ms since the epoch), then gives back what the database
 * does not need. Bytes before and after, and how many sightings were rolled up.
 */
export function compactStore(
  state: State,
  before: number,
  onProgress: (rolledUp: number) => void,
): { readonly rolledUp: number; readonly bytesBefore: number; readonly bytesAfter: number } {
  const database = openDatabase(state.database);
  try {
    const bytesBefore = statSync(state.database).size;
    const store = new SqliteStore(database);
    let rolledUp = 0;
    for (let batch = BATCH; batch === BATCH; rolledUp += batch) {
      batch = store.heads.rollUp(before, BATCH);
      onProgress(rolledUp + batch);
    }
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
    return { rolledUp, bytesBefore, bytesAfter: statSync(state.database).size };
  } finally {
    database.close();
  }
}

/** SQLite's own backup: a consistent copy, whoever writes meanwhile. `file` must not exist. */
export async function backupStore(
  state: State,
  file: string,
  onProgress: (share: number) => void,
): Promise<void> {
  const database = openDatabase(state.database);
  try {
    await database.backup(file, {
      progress: ({ totalPages, remainingPages }) => {
        onProgress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
        return 4096;
      },
    });
  } finally {
    database.close();
  }
}

/**
 * One object a line of the export: what a reader needs to know of logs, tree heads, verdicts,
 * evidence and counts.
 */
export function* exportStore(
  store: Store,
): Generator<Readonly<Record<string, unknown>>, void, undefined> {
  for (const { key, ...log } of store.logs.all())
    yield { type: 'log', logId: logIdText(key.logId), key: encodeBase64(key.spki), ...log };
  for (const head of store.heads.all()) {
    const {
      logId,
      treeSize,
      timestamp,
      rootHash,
      signature,
      sources,
      headFirstSeen,
      lastSeen,
      count,
    } = head;
    yield {
      type: 'tree-head',
      logId: logIdText(logId),
      treeSize,
      timestamp,
      rootHash: encodeBase64(rootHash),
      signature: encodeBase64(signature),
      sources,
      firstSeen: headFirstSeen,
      lastSeen,
      count,
      verdict: head.verdict,
      reason: head.reason,
    };
  }
  for (const { logId, ...record } of store.evidence.all())
    yield { type: 'evidence', logId: logIdText(logId), ...record };
  for (const [name, count] of Object.entries(store.counters.totals()))
    yield { type: 'count', name, count };
}
