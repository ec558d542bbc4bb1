// SPDX-License-Identifier: Apache-2.0
/** A lock among processes: only one at a time makes, moves or replaces a database's file. */
import Database from 'better-sqlite3';
import { makeShared } from './directory.ts';

/** How long to wait for a process that has the lock. It renames a few files, no more. */
const PATIENCE_MS = 10_000;

export function lockOf(path: string): string {
  return `${path}-lock`;
}

/**
 * Does `work` while no other process does so for the database at `path`. The lock is SQLite's own,
 * on an empty file beside the database; the kernel releases it when a process dies. `work` must not
 * take the lock again.
 */
export function alone<T>(path: string, work: () => T): T {
  const lock = lockOf(path);
  makeShared(lock);
  const database = new Database(lock, { timeout: PATIENCE_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return work();
  } finally {
    database.close();
  }
}

/** A file that one process at a time holds, for as long as it runs. */
export interface Held {
  release(): void;
}

/**
 * Holds a file until it is released, or until the process dies. Undefined if another process holds
 * it. Throws the system's error if it cannot be made.
 */
export function hold(path: string): Held | undefined {
  makeShared(path);
  const database = new Database(path, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return { release: () => database.close() };
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      return undefined;
    throw error;
  }
}
