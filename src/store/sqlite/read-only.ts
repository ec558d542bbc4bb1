// SPDX-License-Identifier: Apache-2.0
/**
 * A database that cannot be written for now: the disk is full, read-only or failing, or another
 * process holds it. It is opened for reading alone, so that a process that runs for long can start
 * and use what is known until the file can be opened as usual.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { isStoreFailure, StoreError } from '../../disk/error.ts';
import { temporaryOf } from '../../disk/write.ts';
import { refuseNewer } from './open.ts';
import { MIGRATIONS } from './schema.ts';

/** A larger database is not read into memory. */
const MOST_IN_MEMORY = 256 * 1024 * 1024;

const MAY_PASS = /^(ENOSPC|EDQUOT|EROFS|EIO|SQLITE_(FULL|IOERR|BUSY|LOCKED)\w*)$/;

/** Whether opening the database failed for a reason that may pass by itself. */
export function mayPass(error: unknown, path: string): error is StoreError {
  if (!isStoreFailure(error)) return false;
  const code = codeOf(error.cause);
  if (MAY_PASS.test(code)) return true;
  if (!/^SQLITE_(CANTOPEN|READONLY)/.test(code)) return false;
  // The disk may be read-only or have no room for the files beside the database, or this process no
  // right. access(2) would tell of the account that started it, and not of the one that it is.
  const files = [path, `${path}-wal`, `${path}-shm`];
  return files.every((file) => mayOpen(file, 'r+')) && mayOpen(temporaryOf(path), 'wx');
}

/** Whether the file can be opened so, or cannot for another reason than want of a right. */
function mayOpen(path: string, flags: 'r+' | 'wx'): boolean {
  try {
    closeSync(openSync(path, flags));
    if (flags === 'wx') rmSync(path);
    return true;
  } catch (denied) {
    return !/^(EACCES|EPERM)$/.test(codeOf(denied));
  }
}

/**
 * Opens what is at `path` for reading; undefined where it cannot be read either. Throws StoreError
 * `store-failed` if a newer ctga wrote it.
 */
export function openReadOnly(path: string): Database.Database | undefined {
  return openInPlace(path) ?? openCopy(path);
}

/** Works where a journal lies beside the database, as after a crash. */
function openInPlace(path: string): Database.Database | undefined {
  return usable(path, () => new Database(path, { readonly: true, fileMustExist: true }));
}

/** Of which file, as it was when, a database is a copy in memory. */
const copies = new WeakMap<Database.Database, { readonly path: string; readonly time: number }>();

/** Whether the database is a copy in memory of a file that has been written to since. */
export function isOutdated(database: Database.Database): boolean {
  const copy = copies.get(database);
  if (copy === undefined) return false;
  const [file, journal] = [copy.path, `${copy.path}-wal`].map((path) =>
    statSync(path, { throwIfNoEntry: false }),
  );
  return file?.mtimeMs !== copy.time || (journal?.size ?? 0) > 0;
}

/** Works where none does: then the file is all of the database. */
function openCopy(path: string): Database.Database | undefined {
  return usable(path, () => {
    const { size, mtimeMs: time } = statSync(path);
    if (size > MOST_IN_MEMORY) throw new RangeError('too large');
    const journal = statSync(`${path}-wal`, { throwIfNoEntry: false });
    if (journal !== undefined && journal.size > 0) throw new RangeError('not all is in the file');
    const bytes = readFileSync(path);
    // Its header asks for a journal of that kind (SQLite File Format, Section 1.3.3); a copy has none.
    bytes.fill(1, 18, 20);
    const database = new Database(bytes);
    copies.set(database, { path, time });
    return database;
  });
}

function usable(path: string, open: () => Database.Database): Database.Database | undefined {
  let database: Database.Database | undefined;
  try {
    database = open();
    database.pragma('query_only = ON');
    const version = database.pragma('user_version', { simple: true }) as number;
    refuseNewer(version, path);
    if (version === MIGRATIONS.length) return database;
  } catch (error) {
    database?.close();
    if (error instanceof StoreError) throw error;
    // Nothing of it can be read.
    return undefined;
  }
  database.close();
  return undefined;
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
