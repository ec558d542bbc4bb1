// SPDX-License-Identifier: Apache-2.0
/** Opening the database: it is made if there is none, checked, migrated, and made durable. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CtgaError, messageOf } from '../../base/errors.ts';
import { StoreError } from '../../disk/error.ts';
import { makeDirectory, makeShared, remedyToEnter } from '../../disk/directory.ts';
import { assertWritable, cannotWrite, openedWritable } from '../../disk/sqlite-writable.ts';
import { asStoreError, damaged, isDamage } from './errors.ts';
import { alone } from '../../disk/lock.ts';
import { MIGRATIONS } from './schema.ts';

/** The path of a database in memory, which nobody else sees. */
export const MEMORY = ':memory:';

/**
 * Reading all of a database this large takes less than a second. A busy place takes some five weeks
 * to fill as much.
 */
const SMALL = 64 * 1024 * 1024;

export interface OpenOptions {
  readonly thorough?: boolean;
  /** PATIENCE_MS unless given. */
  readonly patience?: number | undefined;
}

/** As `PRAGMA auto_vacuum` says it. */
const INCREMENTAL = 2;

/** How long a statement waits for another process's transaction, in milliseconds. */
export const PATIENCE_MS = 10_000;

/**
 * Opens the database at `path`, or makes it and the directories above. To find damage, it reads all
 * of a small database, and all of a large one if `thorough` is true. Throws StoreError:
 * `store-damaged`, or `store-failed` if it cannot be opened or a newer ctga has written it.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Database.Database {
  try {
    return openedWritable(path, () => opened(path, options));
  } catch (error) {
    if (error instanceof CtgaError) throw error;
    const known = asStoreError(error, path);
    if (isDamage(known)) throw known;
    throw notOpened(path, error);
  }
}

function opened(
  path: string,
  { thorough = false, patience = PATIENCE_MS }: OpenOptions,
): Database.Database {
  if (path !== MEMORY) make(path);
  const database = new Database(path, { timeout: patience });
  try {
    // What becomes of pages that are not used any more. Of a database that is there, it would write.
    if (path !== MEMORY && statSync(path).size === 0) database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma('journal_mode = WAL');
    // better-sqlite3 is built with synchronous=NORMAL for WAL: commits could vanish in a power cut.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    assertWritable(database);
    if (thorough || path === MEMORY || statSync(path).size <= SMALL) quickCheck(database, path);
    if (wasMade(path) && isEmpty(database)) throw damaged(path, NOTHING_LEFT);
    const isOld = migrate(database, path);
    if (path !== MEMORY) ifPossible(database, () => makeShared(markOf(path)));
    if (isOld && path !== MEMORY && statSync(path).size <= SMALL) ifPossible(database, rewrite);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function notOpened(path: string, cause: unknown): StoreError {
  const code = (cause as { code?: unknown }).code;
  // By opening it: access(2) asks for the real account, not for the effective one.
  const mayRead = (): boolean => {
    try {
      closeSync(openSync(path, 'r'));
      return true;
    } catch {
      return !existsSync(path);
    }
  };
  if (!mayRead()) return mayNotBeRead(dirname(path), cause);
  try {
    refuseNewer(versionIn(path), path);
  } catch (error) {
    if (error instanceof StoreError) return error;
  }
  const closed = String(code).startsWith('SQLITE_READONLY')
    ? cannotWrite(path, ['', '-wal', '-shm'])
    : undefined;
  const isClosed = closed !== undefined;
  const why = isClosed
    ? `this account may not write ${closed === path ? 'it' : closed}`
    : messageOf(cause);
  return new StoreError('store-failed', `cannot open ${path}: ${why}`, {
    remedy: isClosed
      ? remedyToEnter(dirname(path), 'write')
      : mayNot(cause)
        ? 'Run it with sudo, or name a directory of your own with --state-dir.'
        : 'Check that the directory is writable and the disk has room, or name another with --state-dir.',
    cause,
  });
}

/** The schema of a file that cannot be opened, from its header (SQLite File Format, Section 1.3). */
function versionIn(path: string): number {
  const header = Buffer.alloc(64);
  const file = openSync(path, 'r');
  try {
    return readSync(file, header, 0, 64, 0) === 64 ? header.readUInt32BE(60) : 0;
  } finally {
    closeSync(file);
  }
}

export function mayNotBeRead(directory: string, cause: unknown): StoreError {
  return new StoreError(
    'store-failed',
    `the store in ${directory} may not be read by this account`,
    { remedy: remedyToEnter(directory), cause },
  );
}

function mayNot(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Waits for a process that is moving a damaged database aside: its journal may still be there. */
function make(path: string): void {
  makeDirectory(dirname(path));
  if (!existsSync(path)) alone(path, () => makeShared(path));
}

function quickCheck(database: Database.Database, path: string): void {
  const [check] = database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
  if (check?.quick_check !== 'ok')
    throw damaged(path, check?.quick_check ?? 'no answer to quick_check');
}

/** A file that says that a store was made here: so an empty database is one that lost it all. */
export function markOf(path: string): string {
  return `${path}-made`;
}

/** Whether a store was made at `path`, be it there still or not. */
export function wasMade(path: string): boolean {
  return existsSync(markOf(path));
}

const NOTHING_LEFT = 'it holds nothing, though there was a store in this place';

function isEmpty(database: Database.Database): boolean {
  return database.pragma('user_version', { simple: true }) === 0;
}

/** Whether the database gives unused pages back to the disk a few at a time. */
export function givesPagesBack(database: Database.Database): boolean {
  return database.pragma('auto_vacuum', { simple: true }) === INCREMENTAL;
}

/** Writes the database anew, so that it gives pages back; one of an earlier version does not. */
export function rewrite(database: Database.Database): void {
  if (givesPagesBack(database)) return;
  database.pragma('auto_vacuum = INCREMENTAL');
  database.exec('VACUUM');
}

/** Does what can be done another time. */
function ifPossible(
  database: Database.Database,
  work: (database: Database.Database) => void,
): void {
  try {
    work(database);
  } catch {
    // The disk has no room, or somebody reads or writes.
  }
}

/** Returns whether an earlier version had made the database. */
function migrate(database: Database.Database, path: string): boolean {
  const versionOf = (): number => database.pragma('user_version', { simple: true }) as number;
  // Nothing is written, so a disk that is full does not keep anybody from reading.
  const before = versionOf();
  if (before === MIGRATIONS.length) return false;
  // Nor does what nobody can read here have to be writable.
  refuseNewer(before, path);
  const apply = database.transaction(() => {
    const version = versionOf();
    refuseNewer(version, path);
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  // Immediate: of two processes that open a new database at once, one migrates it and the other one
  // finds that done.
  apply.immediate();
  return before > 0;
}

/** Throws StoreError `store-failed` for a schema that this version does not know. */
export function refuseNewer(version: number, path: string): void {
  if (version > MIGRATIONS.length)
    throw new StoreError(
      'store-failed',
      `${path} was written by a newer ctga (schema ${version}, this one knows ${MIGRATIONS.length})`,
      { remedy: 'Upgrade ctga, or name another directory with --state-dir.' },
    );
}
