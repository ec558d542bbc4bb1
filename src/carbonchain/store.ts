// SPDX-License-Identifier: Apache-2.0
/**
 * What was read of a chain, on disk: the headers of the blocks that were read, their packets, and the coins of
 * the addresses that are watched. All of it can be read again from a node.
 */
import { SqliteFile, type SqliteKind } from '../disk/sqlite-file.ts';
import { sha256, toHex } from './bytes.ts';
import { decodePacket } from './packet.ts';
import type { PlacedPacket } from './reader.ts';

const KIND: SqliteKind = {
  version: 1,
  schema: `
    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE block (height INTEGER PRIMARY KEY, header BLOB NOT NULL) STRICT;
    CREATE TABLE packet (
      height INTEGER NOT NULL, place INTEGER NOT NULL, output INTEGER NOT NULL,
      bytes BLOB NOT NULL, owner TEXT NOT NULL, txid TEXT NOT NULL,
      owner_output INTEGER NOT NULL, spends TEXT NOT NULL,
      PRIMARY KEY (height, place, output)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE coin (
      txid TEXT NOT NULL, output INTEGER NOT NULL, value INTEGER NOT NULL,
      owner TEXT NOT NULL, height INTEGER NOT NULL, is_coinbase INTEGER NOT NULL, spent INTEGER,
      PRIMARY KEY (txid, output)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX coin_by_spent ON coin (spent, owner);
    CREATE TABLE sent (n INTEGER PRIMARY KEY, txid TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
  `,
  later: `
    CREATE TABLE IF NOT EXISTS packet_sum (height INTEGER PRIMARY KEY, sum TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS mined (txid TEXT PRIMARY KEY, height INTEGER NOT NULL) STRICT;
  `,
  synchronous: 'NORMAL',
  ifRemoved: 'then the chain is read from the nodes once more',
};

/** For how many blocks what was sent is kept once a block has it: that one may leave the chain. */
const KEPT = 144;

/** An output that an owner can spend. */
export interface Coin {
  readonly transaction: string;
  readonly output: number;
  /** In satoshi. */
  readonly value: bigint;
  /** The hash of the key that it pays to, in hexadecimal. */
  readonly owner: string;
  readonly height: number;
  readonly isCoinbase: boolean;
}

/** What one block has that is kept. */
export interface BlockContent {
  readonly height: number;
  readonly header: Uint8Array;
  readonly packets: readonly (PlacedPacket & {
    readonly bytes: Uint8Array;
    readonly output: number;
  })[];
  readonly coins: readonly Omit<Coin, 'height'>[];
  /** The outputs that its transactions spend, as ID:INDEX; empty if no key is watched. */
  readonly spends: readonly string[];
  /** The IDs of its transactions; empty if no key is watched. */
  readonly transactions: readonly string[];
}

interface PacketRow {
  readonly height: number;
  readonly place: number;
  readonly output: number;
  readonly bytes: Buffer;
  readonly owner: string;
  readonly txid: string;
  readonly owner_output: number;
  readonly spends: string;
}

/** What the packets of a block are known by. */
function sumOf(rows: readonly PacketRow[]): string {
  const fields = rows.map((row) => [
    ...[row.place, row.output, toHex(row.bytes), row.owner, row.txid, row.owner_output],
    row.spends,
  ]);
  return toHex(sha256(Buffer.from(JSON.stringify(fields))));
}

/** Every method throws StoreError `store-failed` if the disk does not do its part. */
export class ChainStore {
  readonly #file: SqliteFile;
  /** Of the blocks that have packets; undefined until it is read. */
  #sums: ReadonlyMap<number, string> | undefined;

  private constructor(file: SqliteFile) {
    this.#file = file;
  }

  static open(path: string): ChainStore {
    return new ChainStore(SqliteFile.open(path, KIND));
  }

  static inMemory(): ChainStore {
    return new ChainStore(SqliteFile.inMemory(KIND));
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#file.damage;
  }

  close(): void {
    this.#file.close();
  }

  /** A short text that is kept with the chain. */
  meta(name: string): string | undefined {
    const row = this.#all<{ value: string }>('SELECT value FROM meta WHERE name = ?', name);
    return row[0]?.value;
  }

  setMeta(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO meta VALUES (?, ?)', name, value);
  }

  /** The headers of the blocks that were read, in their order. */
  headers(): Uint8Array[] {
    return this.#all<{ header: Buffer }>('SELECT header FROM block ORDER BY height').map(
      ({ header }) => header,
    );
  }

  /**
   * The packets of a block as they were read. Throws StoreError `store-damaged` if they are not these: one that is
   * missing may be a revocation.
   */
  packets(height: number): PlacedPacket[] {
    const rows = this.#rows(height);
    this.#sums ??= new Map(
      this.#all<{ height: number; sum: string }>('SELECT * FROM packet_sum').map((row) => [
        row.height,
        row.sum,
      ]),
    );
    if (this.#sums.get(height) !== (rows.length === 0 ? undefined : sumOf(rows)))
      this.#file.reportDamage(`the packets of block ${height} are not those that were read`);
    return rows.flatMap((row) => {
      const packet = decodePacket(row.bytes);
      if (packet === undefined) return [];
      const { owner, place, owner_output: ownerOutput, txid: transaction } = row;
      const spends = row.spends.split(' ');
      return [{ packet, owner, place, ownerOutput, transaction, spends }];
    });
  }

  #rows(height: number): PacketRow[] {
    const sql = 'SELECT * FROM packet WHERE height = ? ORDER BY place, output';
    return this.#all<PacketRow>(sql, height);
  }

  /** The heights of the blocks that have packets, in their order. */
  heightsWithPackets(): number[] {
    const sql = 'SELECT DISTINCT height FROM packet ORDER BY height';
    return this.#all<{ height: number }>(sql).map(({ height }) => height);
  }

  /** Adds the next block. */
  add({ height, header, packets, coins, spends, transactions }: BlockContent): void {
    this.#file.transaction(() => {
      this.#run('INSERT INTO block VALUES (?, ?)', height, header);
      for (const each of packets)
        this.#run(
          'INSERT INTO packet VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          height,
          each.place,
          each.output,
          each.bytes,
          each.owner,
          each.transaction,
          each.ownerOutput,
          each.spends.join(' '),
        );
      if (packets.length > 0)
        this.#run('INSERT INTO packet_sum VALUES (?, ?)', height, sumOf(this.#rows(height)));
      for (const { transaction, output, value, owner, isCoinbase } of coins)
        this.#run(
          'INSERT OR REPLACE INTO coin VALUES (?, ?, ?, ?, ?, ?, NULL)',
          transaction,
          output,
          value,
          owner,
          height,
          isCoinbase ? 1 : 0,
        );
      for (const each of spends) {
        const [txid = '', output = ''] = each.split(':');
        this.#run(
          'UPDATE coin SET spent = ? WHERE txid = ? AND output = ?',
          height,
          txid,
          Number(output),
        );
      }
      const sent = new Set(this.sent().map(({ id }) => id));
      for (const id of transactions)
        if (sent.has(id)) this.#run('INSERT INTO mined VALUES (?, ?)', id, height);
      const settled = 'SELECT txid FROM mined WHERE height <= ?';
      this.#run(`DELETE FROM sent WHERE txid IN (${settled})`, height - KEPT);
      this.#run('DELETE FROM mined WHERE height <= ?', height - KEPT);
    });
    if (packets.length > 0) this.#sums = undefined;
  }

  /** Forgets all blocks above this height. What was sent and is in one of them is on its way again. */
  cut(height: number): void {
    this.#file.transaction(() => {
      for (const table of ['block', 'packet', 'packet_sum', 'coin', 'mined'])
        this.#run(`DELETE FROM ${table} WHERE height > ?`, height);
      this.#run('UPDATE coin SET spent = NULL WHERE spent > ?', height);
    });
    this.#sums = undefined;
  }

  /** Forgets what was read, for another beginning, and not what was sent: that may be half of a command. */
  clear(): void {
    this.#file.transaction(() => {
      for (const table of ['meta', 'block', 'packet', 'packet_sum', 'coin', 'mined'])
        this.#run(`DELETE FROM ${table}`);
    });
    this.#sums = undefined;
  }

  /** What the owner can spend, the largest first. */
  coins(owner: string): Coin[] {
    const rows = this.#all<{
      txid: string;
      output: number;
      value: number;
      height: number;
      is_coinbase: number;
    }>('SELECT * FROM coin WHERE owner = ? AND spent IS NULL ORDER BY value DESC, txid', owner);
    return rows.map(({ txid, output, value, height, is_coinbase }) => ({
      transaction: txid,
      output,
      value: BigInt(value),
      owner,
      height,
      isCoinbase: is_coinbase === 1,
    }));
  }

  /** Whether a block up to this height spends this output, which pays to a key that is watched. */
  isSpent(transaction: string, output: number, height: number): boolean {
    const sql = 'SELECT 1 FROM coin WHERE txid = ? AND output = ? AND spent <= ?';
    return this.#all(sql, transaction, output, height).length > 0;
  }

  /** The height of the block with this transaction, which pays something to a key that is watched. */
  heightOf(transaction: string): number | undefined {
    const sql = 'SELECT height FROM coin WHERE txid = ? LIMIT 1';
    return this.#all<{ height: number }>(sql, transaction)[0]?.height;
  }

  /** Notes transactions that are on their way, in their order. */
  addSent(transactions: readonly { readonly id: string; readonly bytes: Uint8Array }[]): void {
    this.#file.transaction(() => {
      for (const { id, bytes } of transactions)
        this.#run('INSERT INTO sent (txid, bytes) VALUES (?, ?)', id, bytes);
    });
  }

  /** Forgets transactions that no node took. */
  removeSent(ids: readonly string[]): void {
    this.#file.transaction(() => {
      for (const id of ids) this.#run('DELETE FROM sent WHERE txid = ?', id);
    });
  }

  /** Transactions that were sent and are in no block yet, in their order. */
  sent(): { id: string; bytes: Uint8Array }[] {
    return this.#all<{ txid: string; bytes: Buffer }>(
      'SELECT txid, bytes FROM sent WHERE txid NOT IN (SELECT txid FROM mined) ORDER BY n',
    ).map(({ txid, bytes }) => ({ id: txid, bytes }));
  }

  #run(sql: string, ...values: unknown[]): void {
    this.#file.attempt(() => this.#file.statement(sql).run(...values));
  }

  #all<Row>(sql: string, ...values: unknown[]): Row[] {
    return this.#file.attempt(() => this.#file.statement(sql).all(...values) as Row[]);
  }
}
