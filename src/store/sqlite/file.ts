// SPDX-License-Identifier: Apache-2.0
/** The database's file: which one is in place, moving it aside, looking after it. */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { messageOf } from '../../base/errors.ts';
import { inSteps } from '../../base/steps.ts';
import { syncDirectory } from '../../disk/directory.ts';
import { moveDurably, temporaryOf, tidy } from '../../disk/write.ts';
import { StoreError } from '../../disk/error.ts';
import type { StoreFile } from '../file.ts';
import type { Connection } from './connection.ts';
import { alone } from '../../disk/lock.ts';
import {
  givesPagesBack,
  markOf,
  mayNotBeRead,
  openDatabase,
  rewrite,
  type OpenOptions,
} from './open.ts';

/** Tells the files apart that are at one path, one after the other. */
export type FileIdentity = number;

/**
 * The file in place; undefined where there is none. Throws StoreError `store-failed` where this
 * process may not look, or something else is in its place: of a pipe, nobody would see the end.
 */
export function fileAt(path: string): FileIdentity | undefined {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    // By `throwIfNoEntry`, Node 22 finds no file either where a part of the path is no directory.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotReach(path, error);
  }
  if (!found.isFile())
    throw new StoreError('store-failed', `${path} is no file, and so no store`, {
      remedy: 'Move it away, or name another directory with --state-dir.',
    });
  return found.ino;
}

function cannotReach(path: string, error: unknown): StoreError {
  const directory = dirname(path);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR')
    return new StoreError('store-failed', `${directory} is not a directory`, {
      remedy: 'Name the directory of a store with --state-dir.',
      cause: error,
    });
  if (code === 'EACCES' || code === 'EPERM') return mayNotBeRead(directory, error);
  return new StoreError('store-failed', `cannot look for a store at ${path}: ${messageOf(error)}`, {
    remedy: 'Name another directory with --state-dir.',
    cause: error,
  });
}

export interface OpenedFile {
  readonly database: Database.Database;
  readonly file: FileIdentity | undefined;
}

export function openFile(path: string, options?: OpenOptions): OpenedFile {
  const before = fileAt(path);
  const database = openDatabase(path, options);
  // The one that was there before: if it was replaced in between, the next look will tell.
  return { database, file: before ?? fileAt(path) };
}

/**
 * See ReplaceableStore.replaceDamaged. Returns the new name; undefined: another one is in place.
 */
export function moveAside(
  path: string,
  expected: FileIdentity | undefined,
  now = Date.now(),
): string | undefined {
  return alone(path, () => {
    if (expected === undefined || fileAt(path) !== expected) return undefined;
    const aside = nameAside(path, now);
    rmSync(markOf(path), { force: true });
    // The journal goes first: one that stayed behind would be played into the next database.
    for (const suffix of ['-wal', '-shm', ''])
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    // Before another takes its place: of two changes to one name, a disk may keep the second alone.
    syncDirectory(dirname(path));
    return aside;
  });
}

/** A name that is free, whatever the clock says. */
function nameAside(path: string, now: number): string {
  const wanted = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  let aside = wanted;
  for (let other = 2; existsSync(aside); other++) aside = `${wanted}-${other}`;
  return aside;
}

/** Statements about all rows that must hold, and what it means if one does not. */
const INVARIANTS: readonly (readonly [query: string, fault: string])[] = [
  [
    `SELECT count(*) AS count FROM trees t
     WHERE NOT EXISTS (SELECT 1 FROM tree_heads h WHERE h.tree = t.id)`,
    'trees have no signed head',
  ],
  [
    `SELECT count(*) AS count FROM tree_heads h
     WHERE NOT EXISTS (SELECT 1 FROM sightings s WHERE s.tree_head = h.id)`,
    'tree heads were never seen',
  ],
  [
    'SELECT count(*) AS count FROM sightings WHERE count < 1 OR first_seen > last_seen',
    'sightings contradict themselves',
  ],
  [
    `SELECT count(*) AS count FROM trees WHERE verdict = 'fork-proven' AND id NOT IN
       (SELECT first FROM evidence UNION SELECT second FROM evidence WHERE second IS NOT NULL)`,
    'forks are without evidence',
  ],
];

/** Pages that are given back in the first step of compacting. */
const FIRST_STEP = 64;
const SHORT_PATIENCE_MS = 100;
/** Pages that are copied between two reports of progress. */
const PAGES_AT_ONCE = 4096;

export class SqliteFile implements StoreFile {
  readonly #connection: Connection;
  readonly #path: string;

  constructor(connection: Connection, path: string) {
    this.#connection = connection;
    this.#path = path;
  }

  faults(): string[] {
    const { database } = this.#connection;
    const integrity = database.pragma('integrity_check') as { integrity_check: string }[];
    const faults = integrity
      .filter(({ integrity_check: line }) => line !== 'ok')
      .map(({ integrity_check: line }) => `the database: ${line.replaceAll(/\s+/g, ' ')}`);
    const orphans = (database.pragma('foreign_key_check') as unknown[]).length;
    if (orphans > 0) faults.push(`${orphans} rows refer to what is not there`);
    for (const [query, fault] of INVARIANTS) {
      const count = this.#countOf(query);
      if (count > 0) faults.push(`${count} ${fault}`);
    }
    return faults;
  }

  sightings(): number {
    return this.#countOf('SELECT count(*) AS count FROM sightings');
  }

  bytes(): number {
    const journal = statSync(`${this.#path}-wal`, { throwIfNoEntry: false });
    return statSync(this.#path).size + (journal?.size ?? 0);
  }

  async compact(onProgress: (share: number) => void, onRewrite: () => void): Promise<void> {
    const { database } = this.#connection;
    if (!givesPagesBack(database)) {
      onRewrite();
      this.#connection.attempt(() => rewrite(database));
    }
    const unused = (): number => database.pragma('freelist_count', { simple: true }) as number;
    const all = unused();
    await inSteps(FIRST_STEP, (pages) => {
      const before = unused();
      onProgress(all === 0 ? 1 : Math.max(0, 1 - before / all));
      if (before === 0) return false;
      this.#connection.attempt(() => database.pragma(`incremental_vacuum(${pages})`));
      return unused() < before;
    });
    // The file shrinks when the journal is empty; whoever reads from it keeps it from that.
    const patience = database.pragma('busy_timeout', { simple: true }) as number;
    database.pragma(`busy_timeout = ${SHORT_PATIENCE_MS}`);
    try {
      this.#connection.attempt(() => database.pragma('wal_checkpoint(TRUNCATE)'));
    } finally {
      database.pragma(`busy_timeout = ${patience}`);
    }
  }

  async copyTo(path: string, onProgress: (share: number) => void): Promise<void> {
    const temporary = temporaryOf(path);
    tidy(dirname(path));
    rmSync(temporary, { force: true });
    try {
      await this.#connection.database.backup(temporary, {
        progress: ({ totalPages, remainingPages }) => {
          onProgress(totalPages === 0 ? 1 : 1 - remainingPages / totalPages);
          return PAGES_AT_ONCE;
        },
      });
      moveDurably(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  #countOf(query: string): number {
    return this.#connection.database.prepare<[], { count: number }>(query).get()?.count ?? 0;
  }
}
