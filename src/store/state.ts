// SPDX-License-Identifier: Apache-2.0
/** Where an installation has its store and its evidence, and opening the store there. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stateHome } from '../base/home.ts';
import { shellWord } from '../base/text.ts';
import { isStoreFailure, StoreError } from '../disk/error.ts';
import type { DamagedStore } from './damaged.ts';
import type { StoreWithFile } from './file.ts';
import type { ReplaceableOptions, ReplaceableStore } from './replaceable.ts';
import { evidenceOf, SYSTEM_DIRECTORY } from './directories.ts';
import { SqliteDamaged } from './sqlite/damaged.ts';
import { fileAt, openFile } from './sqlite/file.ts';
import { lockOf } from '../disk/lock.ts';
import { markOf, MEMORY, openDatabase, wasMade } from './sqlite/open.ts';
import { openReadOnly } from './sqlite/read-only.ts';
import { SqliteReplaceable } from './sqlite/replaceable.ts';
import { SqliteStore } from './sqlite/store.ts';
import type { Store } from './store.ts';

export { SYSTEM_DIRECTORY } from './directories.ts';
export { isDamage } from './sqlite/errors.ts';

export interface State {
  readonly directory: string;
  /** Whether somebody named the directory: then a store is expected there. */
  readonly isNamed: boolean;
  /** The store's file. Others lie beside it: see storeFiles. */
  readonly database: string;
  /** The directory of evidence files. */
  readonly evidence: string;
}

const DATABASE = 'ctga.db';

/**
 * The state in the given directory. If none is given, it is the machine's, /var/lib/ctga, for root
 * and wherever there is a store in it, even one that may not be read. Where there is none, anybody
 * but root has one of their own (XDG Base Directory Specification, XDG_STATE_HOME).
 */
export function stateAt(directory: string | undefined): State {
  const root = resolve(directory ?? defaultDirectory());
  return {
    directory: root,
    isNamed: directory !== undefined,
    database: join(root, DATABASE),
    evidence: evidenceOf(root),
  };
}

function defaultDirectory(): string {
  if (process.geteuid?.() === 0 || mayHaveStore(SYSTEM_DIRECTORY)) return SYSTEM_DIRECTORY;
  return ownDirectory();
}

/** The state directory of this account alone, whatever the machine has. */
export function ownDirectory(): string {
  return join(stateHome(), 'ctga');
}

/** False where there is certainly none: the lab leaves a directory there, for one. */
function mayHaveStore(directory: string): boolean {
  try {
    return fileAt(join(directory, DATABASE)) !== undefined;
  } catch {
    return true;
  }
}

/** Throws StoreError `store-failed` where that cannot be told: nobody is to take that for a no. */
export function storeExists({ database }: State): boolean {
  return fileAt(database) !== undefined;
}

/** Every file that the store may consist of; those beside the first come and go. */
export function storeFiles({ database }: State): string[] {
  return [database, `${database}-wal`, `${database}-shm`, lockOf(database), markOf(database)];
}

/**
 * For whoever only reads. If there is no store, this makes none and returns an empty one in memory,
 * or throws StoreError `store-failed` if somebody named its directory, unless it `mayBeMissing`. A
 * store that this process cannot write is read as it is. Throws StoreError `store-damaged` or
 * `store-failed`.
 */
export function openForReading(
  state: State,
  { mayBeMissing = !state.isNamed }: { readonly mayBeMissing?: boolean } = {},
): Store {
  const { database: path } = state;
  if (!storeExists(state)) {
    if (!mayBeMissing || wasMade(path)) throw noStore(state);
    return new SqliteStore(path, { database: openDatabase(MEMORY), file: undefined });
  }
  try {
    return openForWriting(state);
  } catch (error) {
    const database = isStoreFailure(error) ? openReadOnly(path) : undefined;
    if (database === undefined) throw error;
    return new SqliteStore(path, { database, file: fileAt(path) });
  }
}

/**
 * For commands that look at a store and may be there before it is: throws StoreError
 * `store-failed` if somebody named its directory and there is not even that.
 */
export function expectDirectory(state: State): void {
  if (state.isNamed && !storeExists(state) && !existsSync(state.directory)) throw noStore(state);
}

/** What to tell whoever named a directory in which there is no store. */
export function noStore({ directory, database }: State): StoreError {
  if (wasMade(database))
    return new StoreError('store-damaged', `the store in ${directory} is gone: ${database}`, {
      remedy: `Restore it from a copy, or begin anew with: ctga store salvage --state-dir ${shellWord(directory)}`,
    });
  return new StoreError('store-failed', `there is no store in ${directory}`, {
    remedy: `Name its directory with --state-dir. The machine's store is in ${SYSTEM_DIRECTORY}.`,
  });
}

/**
 * For commands that write a little and then end, and for upkeep. Makes a store if there is none.
 * Throws StoreError `store-damaged` or `store-failed`. Processes that run for long use
 * openReplaceable.
 */
export function openForWriting({ database }: State): StoreWithFile {
  return new SqliteStore(database, openFile(database));
}

/**
 * For processes that run for long. A damaged store is moved aside, as by replaceDamaged, and a new
 * one made; `onReplaced` is told, and `onRowSetAside` of damaged rows. Reads all of the store once.
 * Where it cannot be written for now, it is read alone: see ReplaceableStore.refusal. Throws
 * StoreError `store-failed` where that will not pass by itself, such as for want of a right.
 */
export function openReplaceable(
  { database }: State,
  options: ReplaceableOptions,
): ReplaceableStore {
  return new SqliteReplaceable(database, options);
}

/** Opens the file of a damaged store, to read what is left. Throws if it cannot be opened. */
export function openDamaged(path: string): DamagedStore {
  return new SqliteDamaged(path);
}

/**
 * A store that is made, or opened for writing, when it is first needed: none is to be there for what
 * turns out before to be wrong.
 */
export function openWhenNeeded(state: State): {
  readonly open: () => StoreWithFile;
  readonly close: () => void;
} {
  let close = (): void => undefined;
  return {
    open: () => {
      const store = openForWriting(state);
      close = () => store.close();
      return store;
    },
    close: () => close(),
  };
}

/** A store in memory alone, which ends with its use. */
export function memoryStore(): Store {
  return new SqliteStore(MEMORY, { database: openDatabase(MEMORY), file: undefined });
}
