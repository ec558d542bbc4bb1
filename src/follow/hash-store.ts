// SPDX-License-Identifier: Apache-2.0
/**
 * The hashes of logs on the disk, in SQLite: `mirror.sqlite` in the state directory.
 *
 * It is a cache of what logs show to everybody. It can be fetched again, is never evidence, and has
 * nothing of what was seen. One process writes it, the one that follows; others may read.
 */
import { join } from 'node:path';
import { BoundedMap } from '../base/bounded-map.ts';
import type { Log } from '../logs/log.ts';
import type { LogKey } from '../statements/key.ts';
import {
  encodeSignedData,
  type Statement,
  type VerifiedStatement,
} from '../statements/statement.ts';
import { verifyStatement } from '../statements/verify.ts';
import { SqliteFile } from '../disk/sqlite-file.ts';
import { HASH_DATABASE } from './database.ts';
import { LogHashes } from './log-hashes.ts';
import { LogRows } from './log-rows.ts';

/** Some 300 bytes each: those of 64 logs for a week. */
const MAX_VERIFIED = 20_000;

export class HashStore {
  readonly #database: SqliteFile;
  /** Heads that were verified, to the last bit, by their signatures and what these cover. */
  readonly #verified = new BoundedMap<string, VerifiedStatement>(MAX_VERIFIED);

  private constructor(database: SqliteFile) {
    this.#database = database;
  }

  /**
   * Opens the store in a state directory, and makes it if there is none. A damaged one is set aside
   * as `mirror.sqlite.damaged`, and following begins anew. Throws StoreError `store-failed` if it
   * cannot be opened or made.
   */
  static open(directory: string): HashStore {
    return new HashStore(SqliteFile.open(pathIn(directory), HASH_DATABASE));
  }

  /**
   * For whoever only reads; undefined if nobody has followed a log here. Throws StoreError
   * `store-failed` if it cannot be read.
   */
  static openForReading(directory: string): HashStore | undefined {
    const database = SqliteFile.openForReading(pathIn(directory), HASH_DATABASE);
    return database && new HashStore(database);
  }

  /** A store in memory alone, which ends with its use. */
  static inMemory(): HashStore {
    return new HashStore(SqliteFile.inMemory(HASH_DATABASE));
  }

  /** What is known of a log at this moment; of what is fetched later, another call knows. */
  of(log: Log): LogHashes {
    return new LogHashes(log, this.rows(log));
  }

  /** The rows of one log. */
  rows({ key }: Pick<Log, 'key'>): LogRows {
    return new LogRows(this.#database, key.logId, (head) => this.#verify(head, key));
  }

  /** Public heads are read again and again; each is verified once. */
  #verify(head: Statement, key: LogKey): VerifiedStatement | undefined {
    const signed = Buffer.concat([key.logId, encodeSignedData(head), head.signature]);
    const name = signed.toString('latin1');
    const known = this.#verified.get(name) ?? verifyStatement(head, key);
    if (known !== undefined) this.#verified.set(name, known);
    return known;
  }

  /** See SqliteFile.damage. */
  get damage(): AbortSignal {
    return this.#database.damage;
  }

  close(): void {
    this.#database.close();
  }
}

function pathIn(directory: string): string {
  return join(directory, 'mirror.sqlite');
}

/** Every file that the store of a state directory may consist of; those beside the first come and go. */
export function hashStoreFiles(directory: string): string[] {
  return ['', '-wal', '-shm'].map((suffix) => pathIn(directory) + suffix);
}
