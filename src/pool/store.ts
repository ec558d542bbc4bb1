// SPDX-License-Identifier: Apache-2.0
/**
 * What a pool keeps, in SQLite: `pool.sqlite` in its directory. It has nothing of who brought what,
 * nor when, and never more than its limits allow.
 */
import { createHash, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { ByteCursor } from '../base/cursor.ts';
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { toLogId, type Statement } from '../statements/statement.ts';
import type { Pair } from './feedback.ts';
import type { Submitted } from './forms.ts';

const POOL_DATABASE: SqliteKind = {
  version: 1,
  schema: `
    -- certificates: each behind its length; leaf: SHA-256 of the first; place: SHA-256 of all.
    CREATE TABLE chains (id INTEGER PRIMARY KEY, place BLOB NOT NULL UNIQUE, leaf BLOB NOT NULL,
      certificates BLOB NOT NULL) STRICT;
    CREATE INDEX chains_by_leaf ON chains (leaf);
    -- IDs are never used again: pushing goes by them.
    CREATE TABLE pairs (id INTEGER PRIMARY KEY AUTOINCREMENT, chain INTEGER NOT NULL REFERENCES chains (id),
      sct BLOB NOT NULL, UNIQUE (chain, sct)) STRICT;
    CREATE TABLE pushed (auditor TEXT PRIMARY KEY, pair INTEGER NOT NULL) STRICT;
    CREATE TABLE heads (id INTEGER PRIMARY KEY, log_id BLOB NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL,
      timestamp TEXT NOT NULL, signature BLOB NOT NULL, UNIQUE (log_id, size, root, timestamp)) STRICT;
  `,
  synchronous: 'FULL',
  ifRemoved: 'clients bring again what they have, and what they have no more is lost',
};

/** What a pool keeps at most. */
export interface PoolLimits {
  readonly pairs: number;
  /** Of all chains together, with the SCTs beside them: a log may sign one of 64 KiB. */
  readonly chainBytes: number;
  /** Different chains with which one SCT is kept. */
  readonly chainsOfAnSct: number;
  /** One an hour, for the 14 days that it is fresh (draft, Section 5.2). */
  readonly headsOfALog: number;
}

export const POOL_LIMITS: PoolLimits = {
  pairs: 10_000,
  chainBytes: 64 * 2 ** 20,
  chainsOfAnSct: 4,
  headsOfALog: 336,
};

/** A head that its log signed, and its row. */
export interface PooledHead extends Statement {
  readonly id: number;
  readonly logId: ReturnType<typeof toLogId>;
}

/** What became of a pair: kept, or why not. */
export type Added = 'kept' | 'known' | 'too-many-chains';

interface HeadRow {
  readonly id: number;
  readonly log_id: Buffer;
  readonly size: string;
  readonly root: Buffer;
  readonly timestamp: string;
  readonly signature: Buffer;
}

interface ChainRow {
  readonly id: number;
  readonly place: Buffer;
  readonly certificates: Buffer;
}

export class PoolStore {
  readonly #file: SqliteFile;
  readonly #limits: PoolLimits;

  private constructor(file: SqliteFile, limits: PoolLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  /**
   * Opens the pool's store in a directory, and makes it if there is none; a damaged one is set
   * aside as `pool.sqlite.damaged`. Throws StoreError `store-failed` if it cannot.
   */
  static open(directory: string, limits = POOL_LIMITS): PoolStore {
    return new PoolStore(SqliteFile.open(join(directory, 'pool.sqlite'), POOL_DATABASE), limits);
  }

  /** A store in memory alone. */
  static inMemory(limits = POOL_LIMITS): PoolStore {
    return new PoolStore(SqliteFile.inMemory(POOL_DATABASE), limits);
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  /**
   * Keeps the pairs, durably, in one transaction. Where the pool is full, others go: of the leaf
   * certificate that has the most pairs, one that chance picks, so that whoever floods the pool
   * with one certificate pushes out that one's. Throws StoreError.
   */
  addPairs(pairs: readonly Pair[]): Added[] {
    return this.#file.transaction(() => {
      const added = pairs.map((pair) => this.#addPair(pair));
      while (this.#isFull()) this.#dropPair();
      return added;
    });
  }

  #addPair({ chain, sct }: Pair): Added {
    const [first = new Uint8Array()] = chain;
    const bytes = Buffer.concat(chain.flatMap((der) => [lengthOf(der), der]));
    const [place, leaf] = [sha256(bytes), sha256(first)];
    const known = this.#count(
      'SELECT count(*) AS n FROM pairs JOIN chains c ON c.id = chain WHERE c.place = ? AND sct = ?',
      place,
      sct,
    );
    if (known > 0) return 'known';
    const others = this.#count(
      'SELECT count(*) AS n FROM pairs JOIN chains c ON c.id = chain WHERE c.leaf = ? AND sct = ?',
      leaf,
      sct,
    );
    if (others >= this.#limits.chainsOfAnSct) return 'too-many-chains';
    this.#run(
      'INSERT INTO chains (place, leaf, certificates) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      place,
      leaf,
      bytes,
    );
    this.#run(
      'INSERT INTO pairs (chain, sct) VALUES ((SELECT id FROM chains WHERE place = ?), ?)',
      place,
      sct,
    );
    return 'kept';
  }

  #isFull(): boolean {
    return this.pairs() > this.#limits.pairs || this.#hasTooManyBytes();
  }

  #hasTooManyBytes(): boolean {
    const bytes = this.#count(
      `SELECT (SELECT total(length(certificates)) FROM chains) + (SELECT total(length(sct)) FROM pairs) AS n`,
    );
    return bytes > this.#limits.chainBytes;
  }

  #dropPair(): void {
    // By what there is too much of: a few large chains are a flood as well as many small ones.
    const most = this.#get(
      this.#hasTooManyBytes()
        ? `SELECT leaf, sum(n) AS n FROM (SELECT leaf, count(*) AS n, length(certificates) + total(length(sct)) AS bytes
            FROM pairs JOIN chains c ON c.id = chain GROUP BY c.id)
            GROUP BY leaf ORDER BY sum(bytes) DESC, random() LIMIT 1`
        : `SELECT leaf, count(*) AS n FROM pairs JOIN chains c ON c.id = chain
            GROUP BY leaf ORDER BY n DESC, random() LIMIT 1`,
    ) as { leaf: Buffer; n: number } | undefined;
    if (most === undefined) return;
    this.#run(
      `DELETE FROM pairs WHERE id = (SELECT pairs.id FROM pairs JOIN chains c ON c.id = chain
        WHERE leaf = ? LIMIT 1 OFFSET ?)`,
      most.leaf,
      randomInt(most.n),
    );
    this.#run('DELETE FROM chains WHERE id NOT IN (SELECT chain FROM pairs)');
  }

  /** How many pairs there are. */
  pairs(): number {
    return this.#count('SELECT count(*) AS n FROM pairs');
  }

  /**
   * All chains with their SCTs, in an order that does not tell when any came. Others may write
   * between two of them.
   */
  *feedback(): Generator<Submitted, void, undefined> {
    let place: Uint8Array = new Uint8Array();
    for (;;) {
      const row = this.#get(
        'SELECT id, place, certificates FROM chains WHERE place > ? ORDER BY place LIMIT 1',
        place,
      ) as ChainRow | undefined;
      if (row === undefined) return;
      place = row.place;
      yield {
        chain: certificatesOf(row.certificates),
        scts: (
          this.#all('SELECT sct FROM pairs WHERE chain = ? ORDER BY sct', row.id) as {
            sct: Buffer;
          }[]
        ).map(({ sct }) => sct),
      };
    }
  }

  /**
   * Up to `most` pairs that an auditor was not sent, each with its ID, and what to tell `setPushed` once
   * it was sent all of them.
   */
  unpushed(
    auditor: string,
    most: number,
  ): {
    readonly submitted: readonly Submitted[];
    readonly ids: readonly number[];
    readonly upTo: number;
  } {
    const rows = this.#all(
      `SELECT pairs.id, certificates, sct FROM pairs JOIN chains c ON c.id = pairs.chain
        WHERE pairs.id > coalesce((SELECT pair FROM pushed WHERE auditor = ?), 0)
        ORDER BY pairs.id LIMIT ?`,
      auditor,
      most,
    ) as { id: number; certificates: Buffer; sct: Buffer }[];
    return {
      submitted: rows.map(({ certificates, sct }) => ({
        chain: certificatesOf(certificates),
        scts: [sct],
      })),
      ids: rows.map(({ id }) => id),
      upTo: rows.at(-1)?.id ?? 0,
    };
  }

  setPushed(auditor: string, upTo: number): void {
    this.#file.attempt(() =>
      this.#run(
        'INSERT INTO pushed VALUES (?, ?) ON CONFLICT DO UPDATE SET pair = excluded.pair',
        auditor,
        upTo,
      ),
    );
  }

  /** All heads, in no order. */
  heads(): PooledHead[] {
    return (this.#all('SELECT * FROM heads') as HeadRow[]).map((row) => ({
      id: row.id,
      logId: toLogId(row.log_id),
      treeSize: BigInt(row.size),
      rootHash: toMerkleHash(row.root),
      timestamp: BigInt(row.timestamp),
      signature: new Uint8Array(row.signature),
    }));
  }

  /** Keeps a head, durably, and returns the ID of its row; undefined if it was there. */
  addHead(head: Omit<PooledHead, 'id'>): number | undefined {
    return this.#file.attempt(() => {
      const { changes, lastInsertRowid } = this.#run(
        `INSERT INTO heads (log_id, size, root, timestamp, signature) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT DO NOTHING`,
        head.logId,
        String(head.treeSize),
        head.rootHash,
        String(head.timestamp),
        head.signature,
      );
      return changes === 0 ? undefined : Number(lastInsertRowid);
    });
  }

  dropHead(id: number): void {
    this.#file.attempt(() => this.#run('DELETE FROM heads WHERE id = ?', id));
  }

  get limits(): PoolLimits {
    return this.#limits;
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

  #run(sql: string, ...values: readonly unknown[]): { changes: number; lastInsertRowid: unknown } {
    return this.#file.statement(sql).run(...values);
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return length;
}

function certificatesOf(chain: Uint8Array): Uint8Array[] {
  const cursor = new ByteCursor(chain);
  const certificates: Uint8Array[] = [];
  while (!cursor.atEnd) certificates.push(cursor.take(cursor.u32()));
  return certificates;
}
