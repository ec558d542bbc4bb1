/**
 * The hashes of logs on the disk, in SQLite: `mirror.sqlite` in the state directory.
 *
 * It is a cache of what logs show to everybody. It can be fetched again, is never evidence, and has
 * nothing of what was seen. One process writes it, the one that follows; others may read.
 */
import Database from 'better-sqlite3';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { makeDirectory } from '../disk/directory.ts';
import { StoreError } from '../disk/error.ts';
import type { Log } from '../logs/log.ts';
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import type { LogId, TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { LogHashes } from './log-hashes.ts';
import { formatLogState, parseLogState, type LogState } from './log-state.ts';

/** Leaves whose hashes are kept together: those of one level-0 tile. */
export const TILE_LEAVES = 256n;

/** A head that the log showed to everybody, and what is known about its tree. */
export interface PublicHead {
  readonly id: number;
  readonly head: VerifiedStatement;
  /** When it was first shown to us, in milliseconds since the epoch. */
  readonly seen: number;
  /** The ID of a larger one of which this one is proven a prefix. */
  readonly next: number | undefined;
}

/** A block of leaves that was asked for. */
export interface StoredBlock {
  readonly start: bigint;
  /** The ID of the head of whose tree it is. */
  readonly head: number;
  /** 32 bytes each; none if the log gave none that lead to the root of that tree. */
  readonly leaves: Uint8Array;
  /** The audit path of the first leaf in that tree, 32 bytes each. */
  readonly path: Uint8Array;
}

/** What following one log cost on one day (UTC). */
export interface Usage {
  readonly requests: number;
  readonly bytes: number;
}

const SCHEMA_VERSION = 1;
const SCHEMA = `
CREATE TABLE logs (id INTEGER PRIMARY KEY, log_id BLOB NOT NULL UNIQUE, state TEXT);
CREATE TABLE heads (id INTEGER PRIMARY KEY, log INTEGER NOT NULL, size INTEGER NOT NULL,
  root BLOB NOT NULL, timestamp TEXT NOT NULL, signature BLOB NOT NULL, seen INTEGER NOT NULL,
  next INTEGER, UNIQUE (log, size, root));
CREATE TABLE tiles (log INTEGER NOT NULL, tile INTEGER NOT NULL, hash BLOB, leaves BLOB NOT NULL,
  PRIMARY KEY (log, tile));
CREATE TABLE blocks (log INTEGER NOT NULL, start INTEGER NOT NULL, head INTEGER NOT NULL,
  leaves BLOB NOT NULL, path BLOB NOT NULL, PRIMARY KEY (log, start));
CREATE TABLE usage (log INTEGER NOT NULL, day INTEGER NOT NULL, requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL, PRIMARY KEY (log, day));
`;
export const HASH_BYTES = 32;
const DAY_MS = 86_400_000;

export class HashStore {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /**
   * Opens the store in a state directory, and makes it if there is none. A damaged one is set aside
   * as `mirror.sqlite.damaged`, and following begins anew. Throws StoreError `store-failed` if it
   * cannot be opened or made.
   */
  static open(directory: string): HashStore {
    const path = pathIn(directory);
    try {
      makeDirectory(dirname(path));
      return new HashStore(prepared(new Database(path, { timeout: 10_000 })));
    } catch (error) {
      if (!isDamage(error)) throw failed(path, error);
      try {
        renameSync(path, `${path}.damaged`);
        for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
        return new HashStore(prepared(new Database(path, { timeout: 10_000 })));
      } catch (again) {
        throw failed(path, again);
      }
    }
  }

  /**
   * For whoever only reads; undefined if nobody has followed a log here. Throws StoreError
   * `store-failed` if it cannot be read.
   */
  static openForReading(directory: string): HashStore | undefined {
    const path = pathIn(directory);
    if (!existsSync(path)) return undefined;
    try {
      return new HashStore(new Database(path, { readonly: true, timeout: 10_000 }));
    } catch (error) {
      throw failed(path, error);
    }
  }

  /** A store in memory alone, which ends with its use. */
  static inMemory(): HashStore {
    return new HashStore(prepared(new Database(':memory:')));
  }

  /** What is known of a log at this moment; what is fetched later, another call returns. */
  of(log: Log): LogHashes {
    return new LogHashes(log, this.rows(log));
  }

  /** The rows of one log. */
  rows({ key }: Pick<Log, 'key'>): LogRows {
    return new LogRows(this, key.logId, (head) => verifyStatement(head, key));
  }

  /** Commits all that `work` writes, or nothing of it if it throws. */
  transaction<T>(work: () => T): T {
    return this.attempt(() => this.#database.transaction(work).immediate());
  }

  statement(sql: string): Database.Statement<unknown[]> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof Database.SqliteError ? failed(this.#database.name, error) : error;
    }
  }

  close(): void {
    this.#database.close();
  }
}

interface HeadRow {
  readonly id: number;
  readonly size: number;
  readonly root: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
  readonly seen: number;
  readonly next: number | null;
}

type Verify = (head: Parameters<typeof verifyStatement>[0]) => VerifiedStatement | undefined;

/** What the store has of one log. Sizes and indexes are below 2^48: see MAX_FOLLOWED_SIZE. */
export class LogRows {
  readonly #store: HashStore;
  readonly #logId: LogId;
  readonly #verify: Verify;
  #id: number | undefined;
  readonly #heads = new Map<number, PublicHead>();

  constructor(store: HashStore, logId: LogId, verify: Verify) {
    this.#store = store;
    this.#logId = logId;
    this.#verify = verify;
  }

  /** See HashStore.transaction. */
  transaction<T>(work: () => T): T {
    return this.#store.transaction(work);
  }

  /** What the last visit left; undefined for a log that was never followed. */
  state(): LogState | undefined {
    const row = this.#get<{ state: string | null }>('SELECT state FROM logs WHERE log_id = ?', [
      this.#logId,
    ]);
    return row?.state == null ? undefined : parseLogState(row.state);
  }

  setState(state: LogState): void {
    this.#run('UPDATE logs SET state = ? WHERE id = ?', [
      formatLogState(state),
      this.#number(true),
    ]);
  }

  /** Every public head, the smallest first. A row that the log did not sign is left out. */
  heads(): PublicHead[] {
    return this.#all<HeadRow>('SELECT * FROM heads WHERE log = ? ORDER BY size, id', [
      this.#number(),
    ]).flatMap((row) => this.#asHead(row) ?? []);
  }

  head(id: number): PublicHead | undefined {
    const row = this.#get<HeadRow>('SELECT * FROM heads WHERE id = ? AND log = ?', [
      id,
      this.#number(),
    ]);
    return row && this.#asHead(row);
  }

  /** What is kept of the tree of a head; undefined if it is no public head. */
  headOf({ treeSize, rootHash }: TreeRoot): PublicHead | undefined {
    const row = this.#get<HeadRow>('SELECT * FROM heads WHERE log = ? AND size = ? AND root = ?', [
      this.#number(),
      Number(treeSize),
      rootHash,
    ]);
    return row && this.#asHead(row);
  }

  /** Adds a public head, unless its tree is known, and returns what is kept of the tree. */
  putHead(head: VerifiedStatement, seen: number): PublicHead {
    const parameters = [
      this.#number(true),
      Number(head.treeSize),
      head.rootHash,
      head.timestamp.toString(),
      head.signature,
      seen,
    ];
    this.#run(
      `INSERT INTO heads (log, size, root, timestamp, signature, seen) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (log, size, root) DO NOTHING`,
      parameters,
    );
    const found = this.headOf(head);
    if (found !== undefined) return found;
    // What is there was damaged: this one is genuine.
    this.#run(
      'UPDATE heads SET timestamp = ?, signature = ? WHERE log = ? AND size = ? AND root = ?',
      [parameters[3], parameters[4], ...parameters.slice(0, 3)],
    );
    return this.headOf(head) ?? { id: 0, head, seen, next: undefined };
  }

  /** Notes that `first` is proven a prefix of `second`. */
  link(first: PublicHead, second: PublicHead): void {
    if (first.id !== second.id)
      this.#run('UPDATE heads SET next = ? WHERE id = ?', [second.id, first.id]);
  }

  forgetHead(id: number): void {
    this.#run('DELETE FROM heads WHERE id = ?', [id]);
  }

  /**
   * Forgets heads that were seen before a time, but for `keep`, and what blocks of their trees
   * held. That a block was asked for is not forgotten.
   */
  forgetHeads(before: number, keep: readonly number[]): void {
    const old = this.heads().filter(({ id, seen }) => seen < before && !keep.includes(id));
    for (const { id } of old) {
      this.forgetHead(id);
      this.#run("UPDATE blocks SET leaves = '', path = '' WHERE log = ? AND head = ?", [
        this.#number(),
        id,
      ]);
    }
  }

  /** The hashes of a tile's leaves, of as many as are there, 32 bytes each. */
  tile(tile: bigint): Uint8Array | undefined {
    return this.#get<{ leaves: Buffer }>('SELECT leaves FROM tiles WHERE log = ? AND tile = ?', [
      this.#number(),
      Number(tile),
    ])?.leaves;
  }

  /** The root of a full tile. */
  tileHash(tile: bigint): MerkleHash | undefined {
    const row = this.#get<{ hash: Buffer | null }>(
      'SELECT hash FROM tiles WHERE log = ? AND tile = ?',
      [this.#number(), Number(tile)],
    );
    return row?.hash?.length === 32 ? toMerkleHash(row.hash) : undefined;
  }

  /** `hash` is the tile's root; undefined for a tile that is not full. */
  putTile(tile: bigint, leaves: Uint8Array, hash: MerkleHash | undefined): void {
    this.#run('INSERT OR REPLACE INTO tiles (log, tile, hash, leaves) VALUES (?, ?, ?, ?)', [
      this.#number(true),
      Number(tile),
      hash,
      leaves,
    ]);
  }

  /** Which of the tiles from .. to - 1 are there and full. */
  fullTiles(from: bigint, to: bigint): Set<bigint> {
    return new Set(
      this.#all<{ tile: number }>(
        'SELECT tile FROM tiles WHERE log = ? AND tile >= ? AND tile < ? AND hash IS NOT NULL',
        [this.#number(), Number(from), Number(to)],
      ).map(({ tile }) => BigInt(tile)),
    );
  }

  /** Forgets the tiles from .. to - 1. */
  forgetTiles(from: bigint, to: bigint): void {
    this.#run('DELETE FROM tiles WHERE log = ? AND tile >= ? AND tile < ?', [
      this.#number(),
      Number(from),
      Number(to),
    ]);
  }

  block(start: bigint): StoredBlock | undefined {
    const row = this.#get<{ head: number; leaves: Buffer; path: Buffer }>(
      'SELECT head, leaves, path FROM blocks WHERE log = ? AND start = ?',
      [this.#number(), Number(start)],
    );
    return row && { start, ...row };
  }

  putBlock({ start, head, leaves, path }: StoredBlock): void {
    this.#run(
      'INSERT OR REPLACE INTO blocks (log, start, head, leaves, path) VALUES (?, ?, ?, ?, ?)',
      [this.#number(true), Number(start), head, leaves, path],
    );
  }

  /** What the log was asked and gave on the day of a time. */
  usage(now: number): Usage {
    return (
      this.#get<Usage>('SELECT requests, bytes FROM usage WHERE log = ? AND day = ?', [
        this.#number(),
        Math.floor(now / DAY_MS),
      ]) ?? { requests: 0, bytes: 0 }
    );
  }

  addUsage(now: number, { requests, bytes }: Usage): void {
    this.#run(
      `INSERT INTO usage (log, day, requests, bytes) VALUES (?, ?, ?, ?)
       ON CONFLICT (log, day) DO UPDATE SET requests = requests + excluded.requests,
         bytes = bytes + excluded.bytes`,
      [this.#number(true), Math.floor(now / DAY_MS), requests, bytes],
    );
  }

  #asHead(row: HeadRow): PublicHead | undefined {
    const known = this.#heads.get(row.id);
    const next = row.next ?? undefined;
    if (known !== undefined && known.next === next) return known;
    if (row.root.length !== 32 || !/^[0-9]{1,20}$/.test(row.timestamp)) return undefined;
    const head = this.#verify({
      treeSize: BigInt(row.size),
      timestamp: BigInt(row.timestamp),
      rootHash: toMerkleHash(row.root),
      signature: new Uint8Array(row.signature),
    });
    if (head === undefined) return undefined;
    const found = { id: row.id, head, seen: row.seen, next };
    this.#heads.set(row.id, found);
    return found;
  }

  /** The log's number in this store; 0, which no log has, if it has none and `make` is not given. */
  #number(make = false): number {
    if (this.#id !== undefined) return this.#id;
    if (make)
      this.#run('INSERT INTO logs (log_id) VALUES (?) ON CONFLICT (log_id) DO NOTHING', [
        this.#logId,
      ]);
    this.#id = this.#get<{ id: number }>('SELECT id FROM logs WHERE log_id = ?', [this.#logId])?.id;
    return this.#id ?? 0;
  }

  #run(sql: string, parameters: readonly unknown[]): void {
    this.#store.attempt(() => this.#store.statement(sql).run(...parameters));
  }

  #get<Row>(sql: string, parameters: readonly unknown[]): Row | undefined {
    return this.#store.attempt(
      () => this.#store.statement(sql).get(...parameters) as Row | undefined,
    );
  }

  #all<Row>(sql: string, parameters: readonly unknown[]): Row[] {
    return this.#store.attempt(() => this.#store.statement(sql).all(...parameters) as Row[]);
  }
}

function pathIn(directory: string): string {
  return join(directory, 'mirror.sqlite');
}

function prepared(database: Database.Database): Database.Database {
  try {
    database.pragma('journal_mode = WAL');
    // A power cut may take the last commits: they are fetched again.
    database.pragma('synchronous = NORMAL');
    const make = database.transaction(() => {
      const version = database.pragma('user_version', { simple: true });
      if (version === SCHEMA_VERSION) return;
      if (version !== 0)
        throw new StoreError('store-failed', `it has schema ${String(version)}`, {
          remedy: 'A newer ctga wrote it. Upgrade ctga, or remove the file: it is fetched again.',
        });
      database.exec(SCHEMA);
      database.pragma(`user_version = ${SCHEMA_VERSION}`);
    });
    make.immediate();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function failed(path: string, cause: unknown): StoreError {
  const remedy =
    cause instanceof StoreError
      ? cause.remedy
      : 'Check that the disk has room. The file can be removed: it is fetched again.';
  return new StoreError('store-failed', `${path}: ${messageOf(cause)}`, { remedy, cause });
}
