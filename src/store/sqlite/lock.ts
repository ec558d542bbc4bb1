/** A lock among processes: only one at a time makes, moves or replaces a database's file. */
import { dirname } from 'node:path';
import { closeSync, existsSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { share } from '../../disk/directory.ts';

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

/**
 * Makes an empty file if there is none, and gives it to everybody who may write in the directory.
 * SQLite would let only its owner write it, whatever the umask allows the group.
 */
export function makeShared(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'ax', 0o666);
  } catch (error) {
    // It is there, perhaps since another process was faster; a link that leads nowhere is an error.
    if (existsSync(path)) return;
    throw error;
  }
  try {
    share(file, dirname(path));
  } finally {
    closeSync(file);
  }
}
