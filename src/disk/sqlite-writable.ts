// SPDX-License-Identifier: Apache-2.0
/**
 * Whether SQLite can write a database that it has opened. Where root opens one that another account
 * writes, the files beside it are root's from when SQLite makes them until it gives them away, an
 * instant later (os_unix.c, robustFchown). A connection that finds them so reads, and would go on
 * to read alone for as long as it is open.
 */
import Database from 'better-sqlite3';
import { closeSync, openSync } from 'node:fs';
import { waitSync } from '../base/clock.ts';

/** How often, and after how many milliseconds each time, a database is opened anew. */
const TRIES = 20;
const PAUSE_MS = 10;

/**
 * Does `open`, and once more after a moment for as long as SQLite says that it may only read the
 * database at `path` while this process may write that file.
 */
export function openedWritable<T>(path: string, open: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return open();
    } catch (error) {
      if (tries === TRIES || !isReadOnly(error) || cannotWrite(path)) throw error;
      waitSync(PAUSE_MS);
    }
  }
}

/**
 * Throws SQLite's error `SQLITE_READONLY` if the connection could not write a file that it has opened
 * for writing, and waits for nobody who does. Nothing is written.
 */
export function assertWritable(database: Database.Database): void {
  const patience = database.pragma('busy_timeout', { simple: true }) as number;
  database.pragma('busy_timeout = 0');
  try {
    // Where the file itself may only be read, what begins is a transaction that reads (build.c,
    // sqlite3BeginTransaction), so something has to be changed.
    const version = database.pragma('user_version', { simple: true }) as number;
    database.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${version}; ROLLBACK`);
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK');
    if (isReadOnly(error)) throw error;
    // Another writes at the moment, or the first write will say what is wrong.
  } finally {
    database.pragma(`busy_timeout = ${patience}`);
  }
}

/** Which of the database's files this process may not write; undefined: none that is there. */
export function cannotWrite(path: string, suffixes: readonly string[] = ['']): string | undefined {
  return suffixes
    .map((suffix) => path + suffix)
    .find((file) => {
      try {
        closeSync(openSync(file, 'r+'));
        return false;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code !== 'ENOENT';
      }
    });
}

/** Whether this is SQLite's error that the database can only be read. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_READONLY');
}
