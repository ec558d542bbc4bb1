// SPDX-License-Identifier: Apache-2.0
/**
 * An SQLite database that one program of ctga writes and that is no evidence: opened, made,
 * prepared; its errors are StoreErrors. The rule for a damaged one, unless nobody may begin it anew:
 * what writes it sets it aside when it opens it, and begins anew. Where it finds the damage later it
 * sets it aside when it closes it, and a service ends for that (whileWhole) and is started again.
 */
import Database from 'better-sqlite3';
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../base/errors.ts';
import { closedAbove } from '../base/system-error.ts';
import { keepFromOthers, leaveReadable, makeDirectory, makeShared } from './directory.ts';
import { DamagedBesideError, StoreError } from './error.ts';
import { openedWritable } from './sqlite-writable.ts';

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
  /** Where nobody may: the remedy if it is damaged. */
  readonly ifDamaged?: string;
}

export class SqliteFile {
  readonly #database: Database.Database;
  readonly #kind: SqliteKind;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #damage = new AbortController();

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
        setAside(path);
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
    for (const suffix of ['-wal', '-shm']) keepFromOthers(path + suffix);
    const open = (): Database.Database => prepared(new Database(path, { timeout: 10_000 }), kind);
    return new SqliteFile(openedWritable(path, open), kind);
  }

  /**
   * Undefined if there is none, or none that anything was written to yet. Throws StoreError
   * `store-failed` if it cannot be read, and `store-damaged`.
   */
  static openForReading(path: string, kind: SqliteKind): SqliteFile | undefined {
    let database: Database.Database | undefined;
    try {
      // SQLite would not say why it cannot.
      closeSync(openSync(path, 'r'));
      database = new Database(path, { readonly: true, timeout: 10_000 });
      const version = database.pragma('user_version', { simple: true });
      if (version === kind.version) return new SqliteFile(database, kind);
      if (version !== 0) throw otherVersion(version, kind);
      database.close();
      return undefined;
    } catch (error) {
      database?.close();
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      if (code !== 'EACCES') throw failed(path, error, kind);
      throw new StoreError(
        'store-failed',
        closedAbove(path, error) ?? `this account may not read ${path}`,
        { remedy: NOT_YOURS, cause: error },
      );
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
      if (found !== 'ok') throw damaged(path, found, kind);
      if (database.pragma('user_version', { simple: true }) === 0)
        throw damaged(path, 'it is empty', kind);
      return new SqliteFile(readonly ? database : prepared(database, kind), kind);
    } catch (error) {
      database?.close();
      throw error instanceof DamagedBesideError ? error : failed(path, error, kind);
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
      if (!(error instanceof Database.SqliteError)) throw error;
      const known = failed(this.#database.name, error, this.#kind);
      if (known instanceof DamagedBesideError) this.#damage.abort(known);
      throw known;
    }
  }

  /**
   * For who finds that something is not as it was written, which SQLite cannot know: the same as damage that SQLite
   * finds. Throws StoreError `store-damaged`.
   */
  reportDamage(what: string): never {
    return this.attempt(() => {
      throw new Database.SqliteError(what, 'SQLITE_CORRUPT');
    });
  }

  /** Aborted when the database turns out damaged, with a StoreError `store-damaged` as the reason. */
  get damage(): AbortSignal {
    return this.#damage.signal;
  }

  close(): void {
    const { memory, readonly, name } = this.#database;
    this.#database.close();
    if (memory || readonly) return;
    leaveReadable(name);
    if (!this.damage.aborted || this.#kind.ifRemoved === undefined) return;
    try {
      setAside(name);
    } catch {
      // Whoever opens it next finds the same.
    }
  }
}

function setAside(path: string): void {
  renameSync(path, `${path}.damaged`);
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true });
}

function prepared(database: Database.Database, kind: SqliteKind): Database.Database {
  try {
    database.pragma('journal_mode = WAL');
    database.pragma(`synchronous = ${kind.synchronous}`);
    const make = database.transaction(() => {
      const version = database.pragma('user_version', { simple: true });
      if (version === kind.version) return void database.exec(kind.later ?? '');
      if (version !== 0) throw otherVersion(version, kind);
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

function otherVersion(version: unknown, { ifRemoved }: SqliteKind): StoreError {
  return new StoreError('store-failed', `it has schema ${String(version)}`, {
    remedy: `A newer ctga wrote it. Upgrade ctga${ifRemoved === undefined ? '' : `, or remove the file: ${ifRemoved}`}.`,
  });
}

function damaged(path: string, found: unknown, kind: SqliteKind): DamagedBesideError {
  const { ifRemoved, ifDamaged } = kind;
  const remedy =
    ifRemoved === undefined
      ? ifDamaged
      : `What writes it sets it aside as ${path}.damaged when it is started again, and begins anew: ${ifRemoved}.`;
  return new DamagedBesideError('store-damaged', `${path} is damaged: ${String(found)}`, {
    remedy,
    cause: found,
  });
}

function failed(path: string, cause: unknown, kind: SqliteKind): StoreError {
  if (isDamage(cause)) return damaged(path, messageOf(cause), kind);
  const remedy = cause instanceof StoreError ? cause.remedy : remedyFor(cause, kind);
  const message = closedAbove(path, cause) ?? `${path}: ${messageOf(cause)}`;
  return new StoreError('store-failed', message, { remedy, cause });
}

function remedyFor(cause: unknown, { ifRemoved }: SqliteKind): string {
  const { code = '' } = cause as NodeJS.ErrnoException;
  // Where the right is missing, or the way there is wrong, removing the file would mend nothing.
  if (/^(EACCES|EPERM|SQLITE_(CANTOPEN|READONLY).*)$/.test(code)) return NOT_YOURS;
  if (code === 'ENOTDIR') return 'Name a directory with --state-dir.';
  return `Check that the disk has room.${ifRemoved === undefined ? '' : ` The file can be removed: ${ifRemoved}.`}`;
}

const NOT_YOURS =
  'Run it with sudo, as the account that it belongs to, or name a directory of your own with --state-dir.';

/**
 * Runs a service until `stop` is aborted, or a database that it writes turns out damaged: then
 * `run`'s signal is aborted too, and this rejects with the StoreError `store-damaged` when `run` has
 * ended.
 */
export async function whileWhole<T>(
  { damage }: { readonly damage: AbortSignal },
  stop: AbortSignal,
  run: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const result = await run(AbortSignal.any([stop, damage]));
  damage.throwIfAborted();
  return result;
}
