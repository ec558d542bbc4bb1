// SPDX-License-Identifier: Apache-2.0
/** A store in a database file that may be replaced while it is in use. */
import type { OnReplaced, ReplaceableOptions, ReplaceableStore } from '../replaceable.ts';
import type Database from 'better-sqlite3';
import type { StoreError } from '../../disk/error.ts';
import { cannotWrite, isReadOnly } from '../../disk/sqlite-writable.ts';
import { fileAt, moveAside, openFile, type FileIdentity, type OpenedFile } from './file.ts';
import { mayPass, openReadOnly } from './read-only.ts';
import { isDamage } from './errors.ts';
import { MEMORY, openDatabase, type OpenOptions } from './open.ts';
import { SqliteStore } from './store.ts';

export class SqliteReplaceable extends SqliteStore implements ReplaceableStore {
  readonly #path: string;
  readonly #onReplaced: OnReplaced;
  readonly #patience: number | undefined;

  /** Why the file could only be opened for reading; undefined if it is as usual. */
  readonly refusal: StoreError | undefined;

  constructor(path: string, { onReplaced, onRowSetAside, patience }: ReplaceableOptions) {
    const { refusal, ...opened } = openAtStart(path, onReplaced, patience);
    super(path, opened);
    this.refusal = refusal;
    this.#path = path;
    this.#patience = patience;
    this.#onReplaced = onReplaced;
    this.damagedRows.onSetAside = onRowSetAside;
  }

  follow(): boolean {
    if (this.isInPlace()) return false;
    const open = (): OpenedFile =>
      openOrReplace(this.#path, this.#onReplaced, { patience: this.#patience });
    try {
      this.goOnIn(open());
    } catch (error) {
      if (!isReadOnlyAsBefore(error, this.#path)) throw error;
      this.goOnIn({ database: emptyDatabase(), file: NO_FILE });
      try {
        this.goOnIn(open());
      } catch (again) {
        this.goOnIn({ database: openReadOnly(this.#path) ?? emptyDatabase(), file: NO_FILE });
        throw again;
      }
    }
    return true;
  }

  replaceDamaged(): void {
    const aside = moveAside(this.#path, this.openedFile);
    if (aside !== undefined) this.#onReplaced(aside, `the database ${this.#path} is damaged`);
    this.follow();
  }
}

/** No file has it: a store that was opened for reading alone goes on in the file when it can. */
const NO_FILE: FileIdentity = -1;

function openAtStart(
  path: string,
  onReplaced: OnReplaced,
  patience: number | undefined,
): OpenedFile & { readonly refusal?: StoreError } {
  try {
    // The whole file is read once, at the start. That takes seconds if it is large.
    return openOrReplace(path, onReplaced, { thorough: true, patience });
  } catch (refusal) {
    if (!mayPass(refusal, path)) throw refusal;
    return { database: openReadOnly(path) ?? emptyDatabase(), file: NO_FILE, refusal };
  }
}

/**
 * Whether a database cannot be written although its files can. A process has one shared memory for all its
 * connections to a database (os_unix.c, unixShmNode): if the first could only read it, the others can only read
 * it until that one is closed.
 */
function isReadOnlyAsBefore(error: unknown, path: string): boolean {
  return (
    mayPass(error, path) &&
    isReadOnly(error.cause) &&
    cannotWrite(path, ['', '-wal', '-shm']) === undefined
  );
}

/** Takes nothing in. */
function emptyDatabase(): Database.Database {
  const database = openDatabase(MEMORY);
  database.pragma('query_only = ON');
  return database;
}

/**
 * Opens the file that is in place. If it is damaged, moves it aside, unless another process has.
 */
function openOrReplace(path: string, onReplaced: OnReplaced, options: OpenOptions): OpenedFile {
  let found = fileAt(path);
  try {
    return openFile(path, options);
  } catch (error) {
    if (!isDamage(error)) throw error;
    // Where there was none, an empty one was made.
    found ??= fileAt(path);
    const aside = moveAside(path, found);
    if (aside !== undefined) onReplaced(aside, error.message);
    return openFile(path, options);
  }
}
