// SPDX-License-Identifier: Apache-2.0
/** What the database of the hash store holds. */
import type { SqliteKind } from '../disk/sqlite-file.ts';

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

export const HASH_DATABASE: SqliteKind = {
  version: 1,
  schema: SCHEMA,
  later: LATER,
  // A power cut may take the last commits: they are fetched again.
  synchronous: 'NORMAL',
  ifRemoved: 'it is fetched again',
};
