// SPDX-License-Identifier: Apache-2.0
/**
 * What the client knows, in SQLite: `client.sqlite` in its directory. It says which sites somebody
 * visited, so the directory is for its owner alone, and what is forgotten leaves the disk.
 */
import { createHash } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { StoreError } from '../disk/error.ts';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { makeDirectory } from '../disk/directory.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import { toLogId, type LogId, type Statement } from '../statements/statement.ts';
import type { FederationStatus, FeedbackStatus, SctState } from './messages.ts';

/** taken: when its last good update came; epoch, roster: of its newest roster; why: what is wrong since. */
const FEDERATIONS = `CREATE TABLE IF NOT EXISTS federations (name TEXT PRIMARY KEY, url TEXT NOT NULL,
  taken INTEGER, epoch INTEGER, roster BLOB, statements INTEGER NOT NULL, stated INTEGER, why TEXT NOT NULL) STRICT;`;

const CLIENT_DATABASE: SqliteKind = {
  version: 1,
  schema: `
    -- When something is done next, in ms since the epoch; name: as the daemon calls it.
    CREATE TABLE turns (name TEXT PRIMARY KEY, next INTEGER NOT NULL) STRICT;
    -- answered: when the log's zone gave a signed head last; why: what is wrong since.
    CREATE TABLE logs (id BLOB PRIMARY KEY, answered INTEGER, why TEXT NOT NULL) STRICT;
    CREATE TABLE heads (id INTEGER PRIMARY KEY, log BLOB NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL,
      timestamp TEXT NOT NULL, signature BLOB NOT NULL, source TEXT NOT NULL, consistent INTEGER NOT NULL,
      UNIQUE (log, size, root, timestamp)) STRICT;
    CREATE TABLE findings (log BLOB NOT NULL, what TEXT NOT NULL, evidence TEXT NOT NULL UNIQUE) STRICT;
    -- place: SHA-256 of origin, log and leaf; next: when it is looked at again.
    CREATE TABLE scts (id INTEGER PRIMARY KEY, place BLOB NOT NULL UNIQUE, origin TEXT NOT NULL,
      log BLOB NOT NULL, time TEXT NOT NULL, leaf BLOB NOT NULL, leaf_index TEXT, state TEXT NOT NULL,
      why TEXT NOT NULL, tries INTEGER NOT NULL, next INTEGER NOT NULL) STRICT;
    CREATE INDEX scts_by_next ON scts (next);
    CREATE INDEX scts_by_origin ON scts (origin);
    CREATE INDEX scts_by_leaf ON scts (log, leaf);
    CREATE TABLE feedback (origin TEXT PRIMARY KEY, outcome TEXT NOT NULL, status INTEGER, time INTEGER NOT NULL) STRICT;
    CREATE TABLE discarded (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT;
    ${FEDERATIONS}
  `,
  later: FEDERATIONS,
  synchronous: 'NORMAL',
  ifRemoved: 'the browser brings again what it meets again',
};

/** What a client keeps at most. */
export interface ClientLimits {
  readonly scts: number;
  readonly sctsOfAnOrigin: number;
  /** One an hour, for the 14 days that it is fresh (draft, Section 5.2). */
  readonly headsOfALog: number;
  /** Origins of which feedback is remembered. */
  readonly feedback: number;
}

export const CLIENT_LIMITS: ClientLimits = {
  scts: 10_000,
  sctsOfAnOrigin: 200,
  headsOfALog: 336,
  feedback: 2000,
};

export type HeadSource = 'dns' | 'pool';

/** A head as it was written: nobody has verified it since. */
export interface HeadRow extends Statement {
  readonly id: number;
  readonly source: HeadSource;
  /** Whether it was proven to be of one tree with the log's other heads. */
  readonly isConsistent: boolean;
}

/** What a log promised to somebody who visited a site. */
export interface PromisedLeaf {
  readonly origin: string;
  readonly logId: LogId;
  /** Of the SCT, in ms since the epoch. */
  readonly time: bigint;
  readonly leafHash: MerkleHash;
  /** Where the SCT says that the leaf is. */
  readonly leafIndex: bigint | undefined;
}

export interface SctRow extends PromisedLeaf {
  readonly state: SctState;
  readonly why: string;
  /** How often a proof was asked for in vain. */
  readonly tries: number;
  /** When it is looked at next, in ms since the epoch. */
  readonly next: number;
}

export interface KnownFederation extends FederationStatus {
  /** SHA-256 of its newest roster. */
  readonly roster?: Uint8Array | undefined;
}

interface RawHead {
  readonly id: number;
  readonly size: string;
  readonly root: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
  readonly source: HeadSource;
  readonly consistent: number;
}

interface RawSct {
  readonly origin: string;
  readonly log: Buffer;
  readonly time: string;
  readonly leaf: Buffer;
  readonly leaf_index: string | null;
  readonly state: SctState;
  readonly why: string;
  readonly tries: number;
  readonly next: number;
}

/** What is let go first: what is settled, and last what somebody has to be told. */
const LEAST_MISSED_FIRST = `CASE state WHEN 'included' THEN 0 WHEN 'bad-signature' THEN 1
  WHEN 'waiting' THEN 2 ELSE 3 END, random()`;

/** Every method throws StoreError where the disk fails; nothing of what it was to write is then. */
export class ClientStore {
  readonly #file: SqliteFile;
  readonly #limits: ClientLimits;

  private constructor(file: SqliteFile, limits: ClientLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  /**
   * Opens the store in a directory, and makes it if there is none; a damaged one is set aside as
   * `client.sqlite.damaged`. Throws StoreError `store-failed` if it cannot.
   */
  static open(directory: string, limits = CLIENT_LIMITS): ClientStore {
    const path = pathIn(directory);
    makePrivate(directory);
    const file = SqliteFile.open(path, CLIENT_DATABASE);
    file.attempt(() => file.statement('PRAGMA secure_delete = ON').get());
    return new ClientStore(file, limits);
  }

  /** Undefined if there is none. */
  static openForReading(directory: string): ClientStore | undefined {
    const file = SqliteFile.openForReading(pathIn(directory), CLIENT_DATABASE);
    return file && new ClientStore(file, CLIENT_LIMITS);
  }

  /** A store in memory alone. */
  static inMemory(limits = CLIENT_LIMITS): ClientStore {
    return new ClientStore(SqliteFile.inMemory(CLIENT_DATABASE), limits);
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  /** When each thing is done next, by its name. */
  turns(): Map<string, number> {
    const rows = this.#all('SELECT name, next FROM turns') as { name: string; next: number }[];
    return new Map(rows.map(({ name, next }) => [name, next]));
  }

  setTurn(name: string, next: number): void {
    this.#run('INSERT INTO turns VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next', [
      name,
      next,
    ]);
  }

  /** What the log's zone gave last: a signed head, or why there is none or no proof. */
  setLog(id: LogId, { answered, why }: { answered?: number; why: string }): void {
    this.#run(
      `INSERT INTO logs VALUES (?, ?, ?) ON CONFLICT DO UPDATE
        SET answered = coalesce(excluded.answered, answered), why = excluded.why`,
      [id, answered ?? null, why],
    );
  }

  logOf(id: LogId): { readonly answered: number | undefined; readonly why: string } | undefined {
    const [row] = this.#all('SELECT answered, why FROM logs WHERE id = ?', id) as {
      answered: number | null;
      why: string;
    }[];
    return row && { answered: row.answered ?? undefined, why: row.why };
  }

  /** All heads of a log, in no order. */
  heads(logId: LogId): HeadRow[] {
    return (this.#all('SELECT * FROM heads WHERE log = ?', logId) as RawHead[]).map((row) => ({
      id: row.id,
      treeSize: BigInt(row.size),
      rootHash: toMerkleHash(row.root),
      timestamp: BigInt(row.timestamp),
      signature: new Uint8Array(row.signature),
      source: row.source,
      isConsistent: row.consistent === 1,
    }));
  }

  /** Keeps a head and returns the ID of its row. */
  addHead(
    logId: LogId,
    { treeSize, rootHash, timestamp, signature, source, isConsistent }: Omit<HeadRow, 'id'>,
  ): number {
    const { lastInsertRowid } = this.#run(
      `INSERT INTO heads (log, size, root, timestamp, signature, source, consistent)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET consistent = max(consistent, excluded.consistent)`,
      [logId, `${treeSize}`, rootHash, `${timestamp}`, signature, source, isConsistent ? 1 : 0],
    );
    return Number(lastInsertRowid);
  }

  setConsistent(id: number): void {
    this.#run('UPDATE heads SET consistent = 1 WHERE id = ?', [id]);
  }

  dropHead(id: number): void {
    this.#run('DELETE FROM heads WHERE id = ?', [id]);
  }

  addFinding(logId: LogId, what: string, evidence: string): void {
    this.#run('INSERT INTO findings VALUES (?, ?, ?) ON CONFLICT DO NOTHING', [
      logId,
      what,
      evidence,
    ]);
  }

  findings(): { readonly logId: LogId; readonly what: string; readonly evidence: string }[] {
    const rows = this.#all('SELECT * FROM findings ORDER BY rowid') as {
      log: Buffer;
      what: string;
      evidence: string;
    }[];
    return rows.map(({ log, what, evidence }) => ({ logId: toLogId(log), what, evidence }));
  }

  /**
   * Keeps what logs promised to a visitor, but for what is known. Where there is too much of an
   * origin, some of that origin goes, and where there is too much in all, some of all does. Returns
   * how many are new.
   */
  addScts(rows: readonly SctRow[]): number {
    return this.#file.transaction(() => {
      let added = 0;
      for (const row of rows) {
        const { origin, logId, time, leafHash, leafIndex, state, why, tries, next } = row;
        const place = createHash('sha256')
          .update(`${origin}\0`)
          .update(logId)
          .update(leafHash)
          .digest();
        added += this.#run(
          `INSERT INTO scts (place, origin, log, time, leaf, leaf_index, state, why, tries, next)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
          [
            place,
            origin,
            logId,
            `${time}`,
            leafHash,
            leafIndex?.toString() ?? null,
            state,
            why,
            tries,
            next,
          ],
        ).changes;
        this.#dropScts('origin = ?', [origin], this.#limits.sctsOfAnOrigin);
      }
      this.#dropScts('true', [], this.#limits.scts);
      return added;
    });
  }

  #dropScts(where: string, of: readonly string[], most: number): void {
    const [row] = this.#all(`SELECT count(*) AS n FROM scts WHERE ${where}`, ...of) as {
      n: number;
    }[];
    const excess = (row?.n ?? 0) - most;
    if (excess <= 0) return;
    this.#run(
      `DELETE FROM scts WHERE id IN
        (SELECT id FROM scts WHERE ${where} ORDER BY ${LEAST_MISSED_FIRST} LIMIT ?)`,
      [...of, excess],
    );
  }

  /** Those that are to be looked at by now, the longest due first; each leaf once. */
  dueScts(now: number, most: number): SctRow[] {
    return this.#scts(
      `SELECT * FROM scts WHERE state NOT IN ('included', 'bad-signature') AND next <= ?
        GROUP BY log, leaf ORDER BY next LIMIT ?`,
      now,
      most,
    );
  }

  /** When the next is to be looked at. */
  nextSct(): number | undefined {
    const [row] = this.#all(
      `SELECT min(next) AS next FROM scts WHERE state NOT IN ('included', 'bad-signature')`,
    ) as { next: number | null }[];
    return row?.next ?? undefined;
  }

  /** What became of a leaf, for all origins that showed it. */
  setSct(
    { logId, leafHash }: Pick<PromisedLeaf, 'logId' | 'leafHash'>,
    { state, why, tries, next }: Pick<SctRow, 'state' | 'why' | 'tries' | 'next'>,
  ): void {
    this.#run(
      `UPDATE scts SET state = ?, why = ?, tries = ?, next = ? WHERE log = ? AND leaf = ?
        AND state != 'bad-signature'`,
      [state, why, tries, next, logId, leafHash],
    );
  }

  /** What somebody has to be told first, then the newest. */
  scts(most: number): SctRow[] {
    return this.#scts(
      `SELECT * FROM scts ORDER BY state NOT IN ('unprovable', 'contradicted'), id DESC LIMIT ?`,
      most,
    );
  }

  countScts(): number {
    return (this.#all('SELECT count(*) AS n FROM scts') as [{ n: number }])[0].n;
  }

  /** How many are in each state. */
  sctsByState(): Map<SctState, number> {
    const rows = this.#all('SELECT state, count(*) AS n FROM scts GROUP BY state') as {
      state: SctState;
      n: number;
    }[];
    return new Map(rows.map(({ state, n }) => [state, n]));
  }

  /** The origins of which there are SCTs. */
  origins(): string[] {
    const rows = this.#all('SELECT DISTINCT origin FROM scts') as { origin: string }[];
    return rows.map(({ origin }) => origin);
  }

  countDiscarded(reason: string, count: number): void {
    this.#run(
      'INSERT INTO discarded VALUES (?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
      [reason, count],
    );
  }

  discarded(): Record<string, number> {
    const rows = this.#all('SELECT reason, count FROM discarded') as {
      reason: string;
      count: number;
    }[];
    return Object.fromEntries(rows.map(({ reason, count }) => [reason, count]));
  }

  setFeedback({ origin, outcome, status, time }: FeedbackStatus): void {
    this.#file.transaction(() => {
      this.#run('INSERT OR REPLACE INTO feedback VALUES (?, ?, ?, ?)', [
        origin,
        outcome,
        status ?? null,
        time,
      ]);
      this.#run(
        `DELETE FROM feedback WHERE origin NOT IN
          (SELECT origin FROM feedback ORDER BY time DESC LIMIT ?)`,
        [this.#limits.feedback],
      );
    });
  }

  /** The newest first. */
  feedback(most: number): FeedbackStatus[] {
    const rows = this.#all('SELECT * FROM feedback ORDER BY time DESC LIMIT ?', most) as (Omit<
      FeedbackStatus,
      'status'
    > & { readonly status: number | null })[];
    return rows.map((row) => ({ ...row, status: row.status ?? undefined }));
  }

  /** What a member of a federation gave, all of which held. */
  setFederation({ roster, ...row }: KnownFederation): void {
    this.#run('INSERT OR REPLACE INTO federations VALUES (?, ?, ?, ?, ?, ?, ?, ?)', [
      row.name,
      row.url,
      row.taken ?? null,
      row.epoch ?? null,
      roster ?? null,
      row.statements,
      row.stated ?? null,
      row.why,
    ]);
  }

  /** That a member of a federation gave nothing, or what does not hold; what others gave stays. */
  setFederationFailed(name: string, url: string, why: string): void {
    this.#run(
      `INSERT INTO federations (name, url, statements, why) VALUES (?, ?, 0, ?)
        ON CONFLICT DO UPDATE SET why = excluded.why`,
      [name, url, why],
    );
  }

  federations(): KnownFederation[] {
    const rows = this.#all('SELECT * FROM federations ORDER BY name') as {
      readonly [Key in keyof KnownFederation]: KnownFederation[Key] | null;
    }[];
    return rows.map(
      (row) =>
        Object.fromEntries(
          Object.entries(row).filter(([, value]) => value !== null),
        ) as unknown as KnownFederation,
    );
  }

  /** Forgets all of an origin, or of every one, and overwrites it on the disk. */
  forget(origin?: string): void {
    this.#file.transaction(() => {
      const [where, of] = origin === undefined ? ['true', []] : ['origin = ?', [origin]];
      this.#run(`DELETE FROM scts WHERE ${where}`, of);
      this.#run(`DELETE FROM feedback WHERE ${where}`, of);
      const turns = origin === undefined ? 'site:*' : siteTurn(origin);
      this.#run(
        origin === undefined
          ? 'DELETE FROM turns WHERE name GLOB ?'
          : 'DELETE FROM turns WHERE name = ?',
        [turns],
      );
    });
    // What was in the write-ahead log is gone too once that begins anew.
    this.#file.attempt(() => this.#file.statement('PRAGMA wal_checkpoint(TRUNCATE)').all());
  }

  #scts(sql: string, ...parameters: readonly unknown[]): SctRow[] {
    return (this.#all(sql, ...parameters) as RawSct[]).map((row) => ({
      origin: row.origin,
      logId: toLogId(row.log),
      time: BigInt(row.time),
      leafHash: toMerkleHash(row.leaf),
      leafIndex: row.leaf_index === null ? undefined : BigInt(row.leaf_index),
      state: row.state,
      why: row.why,
      tries: row.tries,
      next: row.next,
    }));
  }

  #run(
    sql: string,
    parameters: readonly unknown[],
  ): { changes: number; lastInsertRowid: number | bigint } {
    return this.#file.attempt(() => this.#file.statement(sql).run(...parameters));
  }

  #all(sql: string, ...parameters: readonly unknown[]): unknown[] {
    return this.#file.attempt(() => this.#file.statement(sql).all(...parameters));
  }
}

/** What the turn of pollinating with a site is called. */
export function siteTurn(origin: string): string {
  return `site:${origin}`;
}

function pathIn(directory: string): string {
  return join(directory, 'client.sqlite');
}

/** Makes the directory for its owner alone. What the umask allowed others before, it does not now. */
function makePrivate(directory: string): void {
  try {
    makeDirectory(directory);
    chmodSync(directory, 0o700);
  } catch (cause) {
    throw new StoreError('store-failed', `cannot make ${directory}: ${messageOf(cause)}`, {
      remedy: 'Name a directory that you may write with --state-dir.',
      cause,
    });
  }
}
