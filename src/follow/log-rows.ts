// SPDX-License-Identifier: Apache-2.0
/** What the hash store has of one log, as rows. */
import { toMerkleHash, type MerkleHash } from '../merkle/hash.ts';
import type { LogId, TreeRoot, VerifiedStatement } from '../statements/statement.ts';
import type { verifyStatement } from '../statements/verify.ts';
import type { SqliteFile } from '../disk/sqlite-file.ts';
import { formatLogState, parseLogState, type LogState } from './log-state.ts';

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
  /** Of the bytes, those that came for heads and for the window: not for blocks. */
  readonly followed: number;
  /** How many blocks were asked for. */
  readonly blocks: number;
}

/** How often a log was asked, over all days; times are in milliseconds since the epoch. */
export interface VisitCounts {
  readonly visits: number;
  readonly failed: number;
  readonly last: number;
  readonly lastSuccess: number | undefined;
  /** To follow it. */
  readonly requests: number;
  readonly bytes: number;
}

export const NO_USAGE: Usage = { requests: 0, bytes: 0, followed: 0, blocks: 0 };

const DAY_MS = 86_400_000;

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
  readonly #database: SqliteFile;
  readonly #logId: LogId;
  readonly #verify: Verify;
  #id: number | undefined;
  readonly #heads = new Map<number, PublicHead>();

  constructor(database: SqliteFile, logId: LogId, verify: Verify) {
    this.#database = database;
    this.#logId = logId;
    this.#verify = verify;
  }

  /** See SqliteFile.transaction. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work);
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

  /** The `limit` public heads that the log signed last, the newest first. */
  newestHeads(limit: number): PublicHead[] {
    return this.#all<HeadRow>(
      'SELECT * FROM heads WHERE log = ? ORDER BY length(timestamp) DESC, timestamp DESC, id LIMIT ?',
      [this.#number(), limit],
    ).flatMap((row) => this.#asHead(row) ?? []);
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

  /** The roots of `count` full tiles, 32 bytes each; undefined if one is not there or not full. */
  tileHashes(first: bigint, count: number): Uint8Array | undefined {
    const rows = this.#all<{ hash: Buffer }>(
      'SELECT hash FROM tiles WHERE log = ? AND tile >= ? AND tile < ? AND length(hash) = 32 ORDER BY tile',
      [this.#number(), Number(first), Number(first) + count],
    );
    return rows.length === count ? Buffer.concat(rows.map(({ hash }) => hash)) : undefined;
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

  /** How many of the tiles from .. to - 1 are there and full. */
  countFullTiles(from: bigint, to: bigint): number {
    const row = this.#get<{ count: number }>(
      `SELECT count(*) AS count FROM tiles
        WHERE log = ? AND tile >= ? AND tile < ? AND hash IS NOT NULL`,
      [this.#number(), Number(from), Number(to)],
    );
    return row?.count ?? 0;
  }

  /**
   * A disk has changed the tile. It is fetched again, with the others, when the log is followed
   * next. Who only reads cannot say so.
   */
  setDamaged(tile: bigint): void {
    if (this.#database.isReadOnly) return;
    this.#run('UPDATE tiles SET hash = NULL WHERE log = ? AND tile = ?', [
      this.#number(),
      Number(tile),
    ]);
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

  forgetBlock(start: bigint): void {
    this.#run('DELETE FROM blocks WHERE log = ? AND start = ?', [this.#number(), Number(start)]);
  }

  /** What the log was asked and gave on the day of a time. */
  usage(now: number): Usage {
    return (
      this.#get<Usage>(
        'SELECT requests, bytes, followed, blocks FROM usage WHERE log = ? AND day = ?',
        [this.#number(), Math.floor(now / DAY_MS)],
      ) ?? NO_USAGE
    );
  }

  addUsage(now: number, more: Partial<Usage>): void {
    const { requests, bytes, followed, blocks } = { ...NO_USAGE, ...more };
    this.#run(
      `INSERT INTO usage (log, day, requests, bytes, followed, blocks) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (log, day) DO UPDATE SET requests = requests + excluded.requests,
         bytes = bytes + excluded.bytes, followed = followed + excluded.followed,
         blocks = blocks + excluded.blocks`,
      [this.#number(true), Math.floor(now / DAY_MS), requests, bytes, followed, blocks],
    );
  }

  /** Counts a visit, or a direct challenge, that has ended. */
  addVisit(now: number, succeeded: boolean): void {
    this.#run(
      `INSERT INTO visits (log, visits, failed, last, last_success) VALUES (?, 1, ?, ?, ?)
       ON CONFLICT (log) DO UPDATE SET visits = visits + 1, failed = failed + excluded.failed,
         last = excluded.last, last_success = coalesce(excluded.last_success, last_success)`,
      [this.#number(true), succeeded ? 0 : 1, now, succeeded ? now : null],
    );
  }

  /** Undefined for a log that was never asked, or by an earlier version alone. */
  visits(): VisitCounts | undefined {
    const isThere = this.#get("SELECT name FROM sqlite_master WHERE name = 'visits'", []);
    if (isThere === undefined) return undefined;
    const row = this.#get<
      Omit<VisitCounts, 'lastSuccess'> & { readonly lastSuccess: number | null }
    >(
      `SELECT visits, failed, last, last_success AS lastSuccess,
         coalesce((SELECT sum(requests) FROM usage WHERE usage.log = visits.log), 0) AS requests,
         coalesce((SELECT sum(bytes) FROM usage WHERE usage.log = visits.log), 0) AS bytes
       FROM visits WHERE log = ?`,
      [this.#number()],
    );
    return row && { ...row, lastSuccess: row.lastSuccess ?? undefined };
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
    this.#database.attempt(() => this.#database.statement(sql).run(...parameters));
  }

  /** The SQL says what a row is, and so the caller does. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
  #get<Row>(sql: string, parameters: readonly unknown[]): Row | undefined {
    return this.#all<Row>(sql, parameters)[0];
  }

  #all<Row>(sql: string, parameters: readonly unknown[]): Row[] {
    return this.#database.attempt(() => this.#database.statement(sql).all(...parameters) as Row[]);
  }
}
