// SPDX-License-Identifier: Apache-2.0
/**
 * What an auditor keeps, in SQLite: `audit.sqlite` in its directory. It has nothing of who brought
 * what, nor when, and never more than its limits allow.
 */
import { join } from 'node:path';
import { randomInt } from 'node:crypto';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import type { Promised } from '../evidence/promise.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import type { LogEntry } from '../scts/sct.ts';
import { toLogId, type LogId, type Statement } from '../statements/statement.ts';

const AUDIT_DATABASE: SqliteKind = {
  version: 1,
  schema: `
    -- What is still to be checked has its promise; of others only the leaf is kept, so that it is not asked about again.
    -- origin: the pool that gave it, or '' for what clients sent; source: who sent it, as far as that shows (see join).
    CREATE TABLE scts (id INTEGER PRIMARY KEY, log_id BLOB NOT NULL, leaf BLOB NOT NULL, origin TEXT NOT NULL,
      state TEXT NOT NULL, source INTEGER, timestamp TEXT NOT NULL, extensions BLOB, signature BLOB,
      issuer_key_hash BLOB, entry BLOB, due INTEGER NOT NULL, refusals INTEGER NOT NULL DEFAULT 0, asked INTEGER,
      reason TEXT, evidence TEXT, UNIQUE (log_id, leaf)) STRICT;
    CREATE INDEX scts_by_state ON scts (state, due);
    CREATE INDEX scts_by_origin ON scts (origin, state);
    CREATE TABLE heads (id INTEGER PRIMARY KEY, log_id BLOB NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL,
      timestamp TEXT NOT NULL, signature BLOB NOT NULL, state TEXT NOT NULL, source INTEGER, due INTEGER NOT NULL,
      refusals INTEGER NOT NULL DEFAULT 0, asked INTEGER, reason TEXT, evidence TEXT,
      UNIQUE (log_id, size, root)) STRICT;
    CREATE INDEX heads_by_state ON heads (state, due);
    -- The largest head that each log showed to everybody who asked.
    CREATE TABLE shown (log_id BLOB PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL, timestamp TEXT NOT NULL,
      signature BLOB NOT NULL) STRICT;
    CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  `,
  synchronous: 'FULL',
  ifRemoved: 'pools are asked again, and what clients sent is lost',
};

/**
 * What became of an SCT or a head:
 *
 * - mixing: a client sent it, and not enough others have sent something since;
 * - waiting: it is checked when its time comes, or again;
 * - proven: the log has the leaf, or the head is a prefix of what the log shows;
 * - unprovable: it should be provable for long, and is not. It is tried again;
 * - convicted: there is evidence.
 */
export const STATES = ['mixing', 'waiting', 'proven', 'unprovable', 'convicted'] as const;
export type AuditState = (typeof STATES)[number];

/** What an auditor keeps at most. */
export interface AuditLimits {
  /** SCTs of one pool, or of all clients together, that are not proven. */
  readonly sctsOfAnOrigin: number;
  /** SCTs and heads that are proven, to be known again. */
  readonly proven: number;
  readonly headsOfALog: number;
}

export const AUDIT_LIMITS: AuditLimits = {
  sctsOfAnOrigin: 10_000,
  proven: 200_000,
  headsOfALog: 336,
};

interface Audited {
  readonly id: number;
  readonly logId: LogId;
  readonly state: AuditState;
  /** How often the log answered and showed nothing. */
  readonly refusals: number;
  /** When it was first asked about, in ms since the epoch; undefined: not yet. */
  readonly asked: number | undefined;
}

export interface AuditedSct extends Audited {
  readonly leaf: MerkleHash;
  readonly promise: Promised;
}

export interface AuditedHead extends Audited {
  readonly head: Statement;
}

/** An SCT that a log signed, and the leaf that it promises. */
export interface NewSct {
  readonly logId: LogId;
  readonly leaf: MerkleHash;
  readonly promise: Promised;
}

export interface NewHead extends Statement {
  readonly logId: LogId;
}

/** Draws when something is to be checked, in ms since the epoch. */
export interface Due {
  readonly sct: (signed: bigint, logId: LogId) => number;
  readonly head: () => number;
}

/** What became of one look at an SCT or a head. */
export interface Outcome {
  readonly state: AuditState;
  readonly due: number;
  readonly refusals: number;
  readonly asked: number | undefined;
  readonly reason?: string | undefined;
  readonly evidence?: string | undefined;
}

/** Something that an operator should know of. */
export interface AuditFinding {
  readonly what: 'sct' | 'head';
  readonly state: 'convicted' | 'unprovable';
  readonly logId: LogId;
  /** Of an SCT its leaf hash, of a head its root. */
  readonly hash: Uint8Array;
  /** When the log signed it, in ms since the epoch. */
  readonly signed: bigint;
  readonly reason: string;
  readonly evidence: string | undefined;
}

interface SctRow {
  readonly id: number;
  readonly state: AuditState;
  readonly log_id: Buffer;
  readonly leaf: Buffer;
  readonly timestamp: string;
  readonly extensions: Buffer;
  readonly signature: Buffer;
  readonly issuer_key_hash: Buffer | null;
  readonly entry: Buffer;
  readonly refusals: number;
  readonly asked: number | null;
}

interface HeadRow {
  readonly id: number;
  readonly state: AuditState;
  readonly log_id: Buffer;
  readonly size: string;
  readonly root: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
  readonly refusals: number;
  readonly asked: number | null;
}

export class AuditStore {
  readonly #file: SqliteFile;
  readonly #limits: AuditLimits;

  private constructor(file: SqliteFile, limits: AuditLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  /**
   * Opens the auditor's store in a directory, and makes it if there is none; a damaged one is set
   * aside as `audit.sqlite.damaged`. Throws StoreError `store-failed` if it cannot.
   */
  static open(directory: string, limits = AUDIT_LIMITS): AuditStore {
    return new AuditStore(SqliteFile.open(pathIn(directory), AUDIT_DATABASE), limits);
  }

  /** Undefined if there is none. Throws StoreError `store-failed` if it cannot be read. */
  static openForReading(directory: string): AuditStore | undefined {
    const file = SqliteFile.openForReading(pathIn(directory), AUDIT_DATABASE);
    return file && new AuditStore(file, AUDIT_LIMITS);
  }

  /** A store in memory alone. */
  static inMemory(limits = AUDIT_LIMITS): AuditStore {
    return new AuditStore(SqliteFile.inMemory(AUDIT_DATABASE), limits);
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Keeps what is public, durably: each is checked at the time that `due` draws for it. What clients
   * have sent already, and others have not mixed with yet, is public now as well. Throws StoreError.
   */
  addPublic(origin: string, scts: readonly NewSct[], heads: readonly NewHead[], due: Due): void {
    this.#file.transaction(() => {
      for (const sct of scts) {
        const at = due.sct(sct.promise.timestamp, sct.logId);
        this.#insertSct(sct, origin, 'waiting', undefined, at);
        this.#run(
          `UPDATE scts SET state = 'waiting', origin = ?, source = NULL, due = ?
            WHERE log_id = ? AND leaf = ? AND state = 'mixing'`,
          origin,
          at,
          sct.logId,
          sct.leaf,
        );
      }
      for (const head of heads) {
        const at = due.head();
        this.#insertHead(head, 'waiting', undefined, at);
        this.#run(
          `UPDATE heads SET state = 'waiting', source = NULL, due = ?
            WHERE log_id = ? AND size = ? AND root = ? AND state = 'mixing'`,
          at,
          head.logId,
          String(head.treeSize),
          head.rootHash,
        );
      }
      this.#shrink(origin, heads);
    });
  }

  /**
   * Keeps what one request brought, durably. It mixes with what other requests bring, and nobody is
   * asked about it before `k` sources have brought SCTs, or heads: requests that share one are one
   * source, because a client sends the same again. Then all that mixes is released at once, each to
   * be checked at the time that `due` draws for it, in an order that does not tell which came when.
   * Throws StoreError.
   */
  addSubmitted(scts: readonly NewSct[], heads: readonly NewHead[], k: number, due: Due): void {
    this.#file.transaction(() => {
      const source = this.#nextSource();
      for (const sct of scts) {
        this.#join('scts', source, 'leaf = ?', [sct.logId, sct.leaf]);
        this.#insertSct(sct, '', 'mixing', source, 0);
      }
      for (const head of heads) {
        const place = [head.logId, String(head.treeSize), head.rootHash];
        this.#join('heads', source, 'size = ? AND root = ?', place);
        this.#insertHead(head, 'mixing', source, 0);
      }
      this.#shrink('', heads);
      for (const [table, order] of [
        ['scts', 'leaf'],
        ['heads', 'root'],
      ] as const)
        this.#release(table, order, k, due);
    });
  }

  /** What mixes and has been brought before, with all that came with it, is of this source too. */
  #join(table: 'scts' | 'heads', source: number, where: string, place: readonly unknown[]): void {
    const found = this.#get(
      `SELECT source FROM ${table} WHERE log_id = ? AND ${where} AND state = 'mixing'`,
      ...place,
    ) as { source: number } | undefined;
    if (found === undefined || found.source === source) return;
    for (const each of ['scts', 'heads'])
      this.#run(`UPDATE ${each} SET source = ? WHERE source = ?`, source, found.source);
  }

  #release(table: 'scts' | 'heads', order: string, k: number, due: Due): void {
    const sources = this.#count(
      `SELECT count(DISTINCT source) AS n FROM ${table} WHERE state = 'mixing'`,
    );
    if (sources < k) return;
    const rows = this.#all(
      `SELECT id, log_id, timestamp FROM ${table} WHERE state = 'mixing' ORDER BY ${order}`,
    ) as { id: number; log_id: Buffer; timestamp: string }[];
    for (const { id, log_id: logId, timestamp } of rows)
      this.#run(
        `UPDATE ${table} SET state = 'waiting', source = NULL, due = ? WHERE id = ?`,
        table === 'scts' ? due.sct(BigInt(timestamp), toLogId(logId)) : due.head(),
        id,
      );
  }

  #nextSource(): number {
    this.#run(
      `INSERT INTO numbers VALUES ('source', 1) ON CONFLICT DO UPDATE SET value = value + 1`,
    );
    return (this.#get("SELECT value FROM numbers WHERE name = 'source'") as { value: number })
      .value;
  }

  #insertSct(
    { logId, leaf, promise }: NewSct,
    origin: string,
    state: AuditState,
    source: number | undefined,
    due: number,
  ): void {
    const { entry } = promise;
    this.#run(
      `INSERT INTO scts (log_id, leaf, origin, state, source, timestamp, extensions, signature, issuer_key_hash,
        entry, due) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      logId,
      leaf,
      origin,
      state,
      source ?? null,
      String(promise.timestamp),
      promise.extensions,
      promise.signature,
      entry.type === 'precert' ? entry.issuerKeyHash : null,
      entry.type === 'precert' ? entry.tbsCertificate : entry.certificate,
      due,
    );
  }

  #insertHead(head: NewHead, state: AuditState, source: number | undefined, due: number): void {
    this.#run(
      `INSERT INTO heads (log_id, size, root, timestamp, signature, state, source, due)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      head.logId,
      String(head.treeSize),
      head.rootHash,
      String(head.timestamp),
      head.signature,
      state,
      source ?? null,
      due,
    );
  }

  /** Where there is too much, what chance picks goes: of clients, from the source that has most. */
  #shrink(origin: string, heads: readonly NewHead[]): void {
    const open = "origin = ? AND state IN ('mixing', 'waiting', 'unprovable')";
    for (;;) {
      const count = this.#count(`SELECT count(*) AS n FROM scts WHERE ${open}`, origin);
      if (count <= this.#limits.sctsOfAnOrigin) break;
      const most = this.#get(
        `SELECT coalesce(source, 0) AS source, count(*) AS n FROM scts WHERE ${open}
          GROUP BY source ORDER BY n DESC, random() LIMIT 1`,
        origin,
      ) as { source: number; n: number };
      this.#run(
        `DELETE FROM scts WHERE id = (SELECT id FROM scts WHERE ${open} AND coalesce(source, 0) = ?
          LIMIT 1 OFFSET ?)`,
        origin,
        most.source,
        randomInt(most.n),
      );
    }
    for (const logId of new Set(heads.map((head) => head.logId))) {
      const of = "log_id = ? AND state <> 'convicted'";
      for (;;) {
        const n = this.#count(`SELECT count(*) AS n FROM heads WHERE ${of}`, logId);
        if (n <= this.#limits.headsOfALog) break;
        this.#run(
          `DELETE FROM heads WHERE id = (SELECT id FROM heads WHERE ${of} LIMIT 1 OFFSET ?)`,
          logId,
          randomInt(n),
        );
      }
    }
    const proven = this.#count("SELECT count(*) AS n FROM scts WHERE state = 'proven'");
    if (proven > this.#limits.proven)
      this.#run(
        "DELETE FROM scts WHERE id IN (SELECT id FROM scts WHERE state = 'proven' ORDER BY id LIMIT ?)",
        proven - this.#limits.proven,
      );
  }

  /** SCTs whose time has come, those first that are due first. */
  dueScts(now: number, most: number): AuditedSct[] {
    const rows = this.#all(
      `SELECT * FROM scts WHERE state IN ('waiting', 'unprovable') AND due <= ? ORDER BY due, leaf LIMIT ?`,
      now,
      most,
    ) as SctRow[];
    return rows.map(toSct);
  }

  /** Heads whose time has come, those first that are due first. */
  dueHeads(now: number, most: number): AuditedHead[] {
    const rows = this.#all(
      `SELECT * FROM heads WHERE state IN ('waiting', 'unprovable') AND due <= ? ORDER BY due, root LIMIT ?`,
      now,
      most,
    ) as HeadRow[];
    return rows.map(({ id, state, refusals, asked, ...row }) => ({
      id,
      state,
      logId: toLogId(row.log_id),
      head: toStatement(row),
      refusals,
      asked: asked ?? undefined,
    }));
  }

  /**
   * Heads of the same size with another root that nobody has to be shielded for: what mixes is not among
   * them.
   */
  rivals({ logId, treeSize, rootHash }: NewHead): Statement[] {
    const rows = this.#all(
      `SELECT size, root, timestamp, signature FROM heads
        WHERE log_id = ? AND size = ? AND root <> ? AND state <> 'mixing' ORDER BY root`,
      logId,
      String(treeSize),
      rootHash,
    ) as HeadRow[];
    return rows.map(toStatement);
  }

  /** When the next is due, in ms since the epoch; undefined: nothing is. */
  nextDue(): number | undefined {
    const { n } = this.#get(
      `SELECT min(due) AS n FROM (SELECT min(due) AS due FROM scts WHERE state IN ('waiting', 'unprovable')
        UNION ALL SELECT min(due) FROM heads WHERE state IN ('waiting', 'unprovable'))`,
    ) as { n: number | null };
    return n ?? undefined;
  }

  /** Puts down what became of an SCT or a head. What is proven needs its promise no more. */
  settle(what: 'sct' | 'head', id: number, outcome: Outcome): void {
    const { state, due, refusals, asked, reason, evidence } = outcome;
    const table = what === 'sct' ? 'scts' : 'heads';
    const isOver = state === 'proven' || state === 'convicted';
    const forget =
      what === 'sct' && isOver
        ? ', extensions = NULL, signature = NULL, issuer_key_hash = NULL, entry = NULL'
        : '';
    this.#file.attempt(() =>
      this.#run(
        `UPDATE ${table} SET state = ?, due = ?, refusals = ?, asked = ?, reason = ?, evidence = ?${forget} WHERE id = ?`,
        state,
        due,
        refusals,
        asked ?? null,
        reason ?? null,
        evidence ?? null,
        id,
      ),
    );
  }

  /** Forgets what is no longer what came. Throws StoreError. */
  drop(what: 'sct' | 'head', id: number): void {
    const table = what === 'sct' ? 'scts' : 'heads';
    this.#file.attempt(() => this.#run(`DELETE FROM ${table} WHERE id = ?`, id));
  }

  /** The largest head that the log showed to everybody. */
  shown(logId: LogId): Statement | undefined {
    const row = this.#get('SELECT * FROM shown WHERE log_id = ?', logId) as HeadRow | undefined;
    return row && toStatement(row);
  }

  setShown(head: NewHead): void {
    this.#file.attempt(() =>
      this.#run(
        'INSERT OR REPLACE INTO shown VALUES (?, ?, ?, ?, ?)',
        head.logId,
        String(head.treeSize),
        head.rootHash,
        String(head.timestamp),
        head.signature,
      ),
    );
  }

  /** How many SCTs, and how many heads, are in which state. */
  counts(): Record<'scts' | 'heads', Record<AuditState, number>> {
    const of = (table: 'scts' | 'heads'): Record<AuditState, number> => {
      const counts = { mixing: 0, waiting: 0, proven: 0, unprovable: 0, convicted: 0 };
      for (const { state, n } of this.#all(
        `SELECT state, count(*) AS n FROM ${table} GROUP BY state`,
      ) as { state: AuditState; n: number }[])
        counts[state] = n;
      return counts;
    };
    return { scts: of('scts'), heads: of('heads') };
  }

  /** What is convicted or unprovable, the latter last; of each table at most `most`. */
  findings(most: number): AuditFinding[] {
    const of = (what: 'sct' | 'head', table: string, hash: string): AuditFinding[] =>
      (
        this.#all(
          `SELECT log_id, ${hash} AS hash, timestamp, state, reason, evidence FROM ${table}
            WHERE state IN ('convicted', 'unprovable') ORDER BY state, id LIMIT ?`,
          most,
        ) as {
          log_id: Buffer;
          hash: Buffer;
          timestamp: string;
          state: AuditFinding['state'];
          reason: string | null;
          evidence: string | null;
        }[]
      ).map((row) => ({
        what,
        state: row.state,
        logId: toLogId(row.log_id),
        hash: row.hash,
        signed: BigInt(row.timestamp),
        reason: row.reason ?? '',
        evidence: row.evidence ?? undefined,
      }));
    return [...of('sct', 'scts', 'leaf'), ...of('head', 'heads', 'root')].sort((a, b) =>
      a.state.localeCompare(b.state),
    );
  }

  /** By log, how many SCTs are unprovable, and why the latest of them is. */
  unprovable(): { readonly logId: LogId; readonly count: number; readonly reason: string }[] {
    const rows = this.#all(
      `SELECT log_id, count(*) AS count, max(id), reason FROM scts WHERE state = 'unprovable' GROUP BY log_id`,
    ) as { log_id: Buffer; count: number; reason: string | null }[];
    return rows.map(({ log_id: logId, count, reason }) => ({
      logId: toLogId(logId),
      count,
      reason: reason ?? '',
    }));
  }

  #count(sql: string, ...values: readonly unknown[]): number {
    return (this.#get(sql, ...values) as { readonly n: number }).n;
  }

  #get(sql: string, ...values: readonly unknown[]): unknown {
    return this.#file.attempt(() => this.#file.statement(sql).get(...values));
  }

  #all(sql: string, ...values: readonly unknown[]): unknown[] {
    return this.#file.attempt(() => this.#file.statement(sql).all(...values));
  }

  #run(sql: string, ...values: readonly unknown[]): void {
    this.#file.statement(sql).run(...values);
  }
}

function pathIn(directory: string): string {
  return join(directory, 'audit.sqlite');
}

function toSct(row: SctRow): AuditedSct {
  const { id, state, refusals, asked, leaf, timestamp, extensions, signature } = row;
  const entry: LogEntry =
    row.issuer_key_hash === null
      ? { type: 'x509', certificate: row.entry }
      : { type: 'precert', issuerKeyHash: row.issuer_key_hash, tbsCertificate: row.entry };
  return {
    id,
    state,
    logId: toLogId(row.log_id),
    leaf: toMerkleHash(leaf),
    promise: { timestamp: BigInt(timestamp), extensions, signature, entry },
    refusals,
    asked: asked ?? undefined,
  };
}

function toStatement(row: Pick<HeadRow, 'size' | 'root' | 'timestamp' | 'signature'>): Statement {
  return {
    treeSize: BigInt(row.size),
    rootHash: toMerkleHash(row.root),
    timestamp: BigInt(row.timestamp),
    signature: new Uint8Array(row.signature),
  };
}
