/**
 * Opening the database: made where there is none, brought up to date, checked for damage, durable.
 */
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { CtgaError, messageOf } from '../../base/errors.ts';
import { StoreError } from '../../disk/error.ts';
import { makeDirectory, share, syncDirectory } from '../../disk/directory.ts';
import { MIGRATIONS } from './schema.ts';

/**
 * Reading all of a database this large takes less than a second: a tenth of a year's of a busy
 * place.
 */
const SMALL = 64 * 1024 * 1024;

/**
 * `:memory:` is a database that nobody else sees, for replays. A small one is checked for damage,
 * and any if `thorough`: for those that go on for long. Throws CtgaError `store-damaged` or
 * `store-failed`.
 */
export function openDatabase(path: string, thorough = false): Database.Database {
  let database: Database.Database | undefined;
  try {
    if (path !== ':memory:') makeDirectory(dirname(path));
    if (path !== ':memory:' && !existsSync(path)) make(path);
    database = new Database(path, { timeout: 10_000 });
    database.pragma('journal_mode = WAL');
    // better-sqlite3 is built with synchronous=NORMAL for WAL: commits could vanish in a power cut.
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    if (thorough || path === ':memory:' || statSync(path).size <= SMALL) quickCheck(database, path);
    migrate(database, path);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof CtgaError) throw error;
    if (isDamage(error)) throw damaged(path, messageOf(error), error);
    throw new StoreError('store-failed', `cannot open ${path}: ${messageOf(error)}`, {
      remedy:
        'Check that the directory is writable and the disk has room, or name another with --state-dir.',
      cause: error,
    });
  }
}

/** SQLite would make it writable for its owner alone, whatever the umask says of the group. */
function make(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'ax', 0o666);
  } catch (error) {
    // Another process was faster; a link that leads nowhere is for nobody to follow.
    if (existsSync(path)) return;
    throw error;
  }
  try {
    share(file, dirname(path));
  } finally {
    closeSync(file);
  }
}

function quickCheck(database: Database.Database, path: string): void {
  const [check] = database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[];
  if (check?.quick_check !== 'ok')
    throw damaged(path, check?.quick_check ?? 'no answer to quick_check');
}

/** Moves a damaged database aside, never deletes it, and returns the new name. */
export function setAside(path: string, now: number): string {
  const wanted = `${path}.damaged-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  let aside = wanted;
  // A clock that was set back, or two in one millisecond: renaming would replace what is there.
  for (let other = 2; existsSync(aside); other++) aside = `${wanted}-${other}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  // Before another takes its place: of two changes of one name a disk may keep the second alone.
  syncDirectory(dirname(path));
  return aside;
}

function migrate(database: Database.Database, path: string): void {
  const apply = database.transaction(() => {
    const version = database.pragma('user_version', { simple: true }) as number;
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
  // Immediate: of two processes that open a new database at once, one migrates and the other finds
  // it done.
  apply.immediate();
}

function damaged(path: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'store-damaged',
    `the database ${path} is damaged: ${what.replaceAll(/\s+/g, ' ')}`,
    {
      remedy: `Evidence files are untouched. "ctga attach" and "ctga challenge" set the database aside and go on in a new one; or restore ${path} from a copy.`,
      cause,
    },
  );
}

/** Whether SQLite found that the file is not what it wrote. */
export function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}
