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
