// SPDX-License-Identifier: Apache-2.0
/** Opening the database: it is made if there is none, checked, migrated, and made durable. */
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CtgaError, messageOf } from '../../base/errors.ts';
import { StoreError } from '../../disk/error.ts';
import { makeDirectory, makeShared } from '../../disk/directory.ts';
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

/** How long a statement waits for another process's transaction, in milliseconds. */
export const PATIENCE_MS = 10_000;

/**
 * Opens the database at `path`, or makes it and the directories above. To find damage, it reads all
 * of a small database, and all of a large one if `thorough` is true. Throws StoreError:
 * `store-damaged`, or `store-failed` if it cannot be opened or a newer ctga has written it.
 */
export function openDatabase(
  path: string,
  { thorough = false, patience = PATIENCE_MS }: OpenOptions = {},
): Database.Database {
  let database: Database.Database | undefined;
  try {
    if (path !== MEMORY) make(path);
    database = new Database(path, { timeout: patience });
    database.pragma('journal_mode = WAL');
    // better-sqlite3 is built with synchronous=NORMAL for WAL: commits could vanish in a power cut.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    if (thorough || path === MEMORY || statSync(path).size <= SMALL) quickCheck(database, path);
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof CtgaError) throw error;
    const known = asStoreError(error, path);
    if (isDamage(known)) throw known;
    throw new StoreError('store-failed', `cannot open ${path}: ${messageOf(error)}`, {
      remedy: mayNot(error)
        ? 'Run it with sudo, or name a directory of your own with --state-dir.'
        : 'Check that the directory is writable and the disk has room, or name another with --state-dir.',
      cause: error,
    });
  }
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

function migrate(database: Database.Database, path: string): void {
  const versionOf = (): number => database.pragma('user_version', { simple: true }) as number;
  // Nothing is written, so a disk that is full does not keep anybody from reading.
  if (versionOf() === MIGRATIONS.length) return;
  const apply = database.transaction(() => {
    const version = versionOf();
    if (version > MIGRATIONS.length) {
      throw new StoreError(
        'store-failed',
        `${path} was written by a newer ctga (schema ${version}, this one knows ${MIGRATIONS.length})`,
        { remedy: 'Upgrade ctga, or name another directory with --state-dir.' },
      );
    }
    for (const step of MIGRATIONS.slice(version)) database.exec(step);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  // Immediate: of two processes that open a new database at once, one migrates it and the other one
  // finds that done.
  apply.immediate();
}
