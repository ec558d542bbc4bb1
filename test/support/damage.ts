// SPDX-License-Identifier: Apache-2.0
/** Damage to a database that a process has open, so that the process comes upon it. */
import Database from 'better-sqlite3';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';

/**
 * Overwrites every page of the SQLite database but the first, and has whoever has it open forget
 * the pages that it has in memory.
 */
export function damage(path: string): void {
  const database = new Database(path, { timeout: 10_000 });
  const pageSize = database.pragma('page_size', { simple: true }) as number;
  database.pragma('wal_checkpoint(TRUNCATE)');
  const file = openSync(path, 'r+');
  for (let at = pageSize; at < statSync(path).size; at += pageSize)
    writeSync(file, Buffer.alloc(pageSize, 0xa5), 0, pageSize, at);
  closeSync(file);
  // Written to the first page: that of every other connection is out of date.
  database.pragma(`application_id = ${Date.now() % 2 ** 31}`);
  database.close();
}
