/**
 * The hashes of logs on the disk, in SQLite: `mirror.sqlite` in the state directory.
 *
 * It is a cache of what logs show to everybody. It can be fetched again, is never evidence, and has
 * nothing of what was seen. One process writes it, the one that follows; others may read.
 */
import { join } from 'node:path';
import type { Log } from '../logs/log.ts';
import { verifyStatement } from '../statements/verify.ts';
import { HashDatabase } from './database.ts';
import { LogHashes } from './log-hashes.ts';
import { LogRows } from './log-rows.ts';

export class HashStore {
  readonly #database: HashDatabase;

  private constructor(database: HashDatabase) {
    this.#database = database;
  }

  /**
   * Opens the store in a state directory, and makes it if there is none. A damaged one is set aside
   * as `mirror.sqlite.damaged`, and following begins anew. Throws StoreError `store-failed` if it
   * cannot be opened or made.
   */
  static open(directory: string): HashStore {
    return new HashStore(HashDatabase.open(pathIn(directory)));
  }

  /**
   * For whoever only reads; undefined if nobody has followed a log here. Throws StoreError
   * `store-failed` if it cannot be read.
   */
  static openForReading(directory: string): HashStore | undefined {
    const database = HashDatabase.openForReading(pathIn(directory));
    return database && new HashStore(database);
  }

  /** A store in memory alone, which ends with its use. */
  static inMemory(): HashStore {
    return new HashStore(HashDatabase.inMemory());
  }

  /** What is known of a log at this moment; of what is fetched later, another call knows. */
  of(log: Log): LogHashes {
    return new LogHashes(log, this.rows(log));
  }

  /** The rows of one log. */
  rows({ key }: Pick<Log, 'key'>): LogRows {
    return new LogRows(this.#database, key.logId, (head) => verifyStatement(head, key));
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
