// SPDX-License-Identifier: Apache-2.0
/**
 * An SQLite database that one program of ctga writes and that is no evidence: opened, made,
 * prepared; its errors are StoreErrors.
 */
import Database from 'better-sqlite3';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { leaveReadable, makeDirectory, makeShared } from './directory.ts';
import { StoreError } from './error.ts';

/** What a database holds, and how much of it a power cut may take. */
export interface SqliteKind {
  readonly version: number;
  readonly schema: string;
  /** What the database of an earlier ctga with this version may lack. Run at each opening. */
  readonly later?: string;
  /** FULL: what was committed survives a power cut. NORMAL: the last commits may not. */
  readonly synchronous: 'FULL' | 'NORMAL';
  /** What becomes of what is in it if somebody removes the file, as a clause; undefined: nobody may. */
  readonly ifRemoved: string | undefined;
}

export class SqliteFile {
  readonly #database: Database.Database;
  readonly #kind: SqliteKind;
  readonly #statements = new Map<string, Database.Statement>();

  private constructor(database: Database.Database, kind: SqliteKind) {
    this.#database = database;
    this.#kind = kind;
  }

  /**
   * Opens the database, and makes it if there is none. A damaged one is set aside as
   * `<path>.damaged`. Throws StoreError `store-failed` if it cannot be opened or made.
   */
  static open(path: string, kind: SqliteKind): SqliteFile {
    try {
      makeDirectory(dirname(path));
      return SqliteFile.#openShared(path, kind);
    } catch (error) {
      if (!isDamage(error)) throw failed(path, error, kind);
      try {
        renameSync(path, `${path}.damaged`);
        for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
        return SqliteFile.#openShared(path, kind);
      } catch (again) {
        throw failed(path, again, kind);
      }
    }
  }

  /**
   * Readers make files beside the database, which SQLite gives its own mode: whoever writes it has
   * to be able to write them.
   */
  static #openShared(path: string, kind: SqliteKind): SqliteFile {
    makeShared(path);
    return new SqliteFile(prepared(new Database(path, { timeout: 10_000 }), kind), kind);
  }

  /** Undefined if there is none. Throws StoreError `store-failed` if it cannot be read. */
  static openForReading(path: string, kind: SqliteKind): SqliteFile | undefined {
    try {
      // SQLite would not say why it cannot.
      closeSync(openSync(path, 'r'));
      return new SqliteFile(new Database(path, { readonly: true, timeout: 10_000 }), kind);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (code !== 'EACCES') throw failed(path, error, kind);
      throw new StoreError('store-failed', `${path} may not be read by this account`, {
        remedy: remedyFor(error),
        cause: error,
      });
    }
  }

  /**
   * Opens a database that must be there and whole, every page of it: what it holds must not be begun
   * anew. Throws StoreError `store-damaged` if it is damaged or empty, and `store-failed` if it is
   * missing or cannot be opened. `readonly`: nothing can be written.
   */
  static openWhole(path: string, kind: SqliteKind, readonly = false): SqliteFile {
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { fileMustExist: true, readonly, timeout: 10_000 });
      const found = database.pragma('quick_check', { simple: true });
      if (found !== 'ok') throw damaged(path, found);
      if (database.pragma('user_version', { simple: true }) === 0)
        throw damaged(path, 'it is empty');
      return new SqliteFile(readonly ? database : prepared(database, kind), kind);
    } catch (error) {
      database?.close();
      if (error instanceof StoreError && error.code === 'store-damaged') throw error;
      throw isDamage(error) ? damaged(path, messageOf(error)) : failed(path, error, kind);
    }
  }

  static inMemory(kind: SqliteKind): SqliteFile {
    return new SqliteFile(prepared(new Database(':memory:'), kind), kind);
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
      throw error instanceof Database.SqliteError
        ? failed(this.#database.name, error, this.#kind)
        : error;
    }
  }

  close(): void {
    const { memory, readonly, name } = this.#database;
    this.#database.close();
    if (!memory && !readonly) leaveReadable(name);
  }
}

function prepared(database: Database.Database, kind: SqliteKind): Database.Database {
  try {
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${kind.synchronous}`);
    const make = database.transaction(() => {
      const version = database.pragma('user_version', { simple: true });
      if (version === kind.version) return void database.exec(kind.later ?? '');
      if (version !== 0)
        throw new StoreError('store-failed', `it has schema ${String(version)}`, {
          remedy: `A newer ctga wrote it. Upgrade ctga${kind.ifRemoved === undefined ? '' : `, or remove the file: ${kind.ifRemoved}`}.`,
        });
      database.exec(kind.schema + (kind.later ?? ''));
      database.pragma(`user_version = ${kind.version}`);
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

function damaged(path: string, found: unknown): StoreError {
  return new StoreError('store-damaged', `${path} is damaged: ${String(found)}`);
}

function failed(path: string, cause: unknown, kind: SqliteKind): StoreError {
  const remedy =
    cause instanceof StoreError
      ? cause.remedy
      : (remedyFor(cause) ??
        `Check that the disk has room.${kind.ifRemoved === undefined ? '' : ` The file can be removed: ${kind.ifRemoved}.`}`);
  return new StoreError('store-failed', `${path}: ${messageOf(cause)}`, { remedy, cause });
}

/** Where the right is missing, or the way there is wrong: removing the file would mend nothing. */
function remedyFor(cause: unknown): string | undefined {
  const { code = '' } = cause as NodeJS.ErrnoException;
  if (/^(EACCES|EPERM|SQLITE_(CANTOPEN|READONLY).*)$/.test(code))
    return 'Run it with sudo, as the account that it belongs to, or name a directory of your own with --state-dir.';
  return code === 'ENOTDIR' ? 'Name a directory with --state-dir.' : undefined;
}
