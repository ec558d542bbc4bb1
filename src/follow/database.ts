// SPDX-License-Identifier: Apache-2.0
/** The SQLite database of the hash store: opened, made, prepared; its errors are StoreErrors. */
import Database from 'better-sqlite3';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { leaveReadable, makeDirectory, makeShared } from '../disk/directory.ts';
import { StoreError } from '../disk/error.ts';
import { dirname } from 'node:path';

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
  bytes INTEGER NOT NULL, followed INTEGER NOT NULL, blocks INTEGER NOT NULL,
  PRIMARY KEY (log, day));
`;
/** What an earlier version's database does not have yet. */
const LATER = `
CREATE TABLE IF NOT EXISTS visits (log INTEGER PRIMARY KEY, visits INTEGER NOT NULL,
  failed INTEGER NOT NULL, last INTEGER NOT NULL, last_success INTEGER);
`;

export class HashDatabase {
  readonly #database: Database.Database;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /**
   * Opens the database, and makes it if there is none. A damaged one is set aside as
   * `<path>.damaged`. Throws StoreError `store-failed` if it cannot be opened or made.
   */
  static open(path: string): HashDatabase {
    try {
      makeDirectory(dirname(path));
      return HashDatabase.#openShared(path);
    } catch (error) {
      if (!isDamage(error)) throw failed(path, error);
      try {
        renameSync(path, `${path}.damaged`);
        for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
        return HashDatabase.#openShared(path);
      } catch (again) {
        throw failed(path, again);
      }
    }
  }

  /**
   * Readers make files beside the database, which SQLite gives its own mode: whoever writes it has
   * to be able to write them.
   */
  static #openShared(path: string): HashDatabase {
    makeShared(path);
    return new HashDatabase(prepared(new Database(path, { timeout: 10_000 })));
  }

  /** Undefined if there is none. Throws StoreError `store-failed` if it cannot be read. */
  static openForReading(path: string): HashDatabase | undefined {
    if (!existsSync(path)) return undefined;
    try {
      return new HashDatabase(new Database(path, { readonly: true, timeout: 10_000 }));
    } catch (error) {
      throw failed(path, error);
    }
  }

  static inMemory(): HashDatabase {
    return new HashDatabase(prepared(new Database(':memory:')));
  }

  get isReadOnly(): boolean {
    return this.#database.readonly;
  }

  /** Commits all that `work` writes, or nothing of it if it throws. */
  transaction<T>(work: () => T): T {
    return this.attempt(() => this.#database.transaction(work).immediate());
  }

  /** A statement is prepared once. */
  statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Does `work`, and throws what SQLite throws as a StoreError. */
  attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof Database.SqliteError ? failed(this.#database.name, error) : error;
    }
  }

  close(): void {
    const { memory, readonly, name } = this.#database;
    this.#database.close();
    if (!memory && !readonly) leaveReadable(name);
  }
}

function prepared(database: Database.Database): Database.Database {
  try {
    database.pragma('journal_mode = WAL');
    // A power cut may take the last commits: they are fetched again.
    database.pragma('synchronous = NORMAL');
    const make = database.transaction(() => {
      const version = database.pragma('user_version', { simple: true });
      if (version === SCHEMA_VERSION) return void database.exec(LATER);
      if (version !== 0)
        throw new StoreError('store-failed', `it has schema ${String(version)}`, {
          remedy: 'A newer ctga wrote it. Upgrade ctga, or remove the file: it is fetched again.',
        });
      database.exec(SCHEMA + LATER);
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
