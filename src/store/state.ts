/** Where an installation has its store and its evidence, and opening the store there. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { DamagedStore } from './damaged.ts';
import type { StoreWithFile } from './file.ts';
import type { ReplaceableOptions, ReplaceableStore } from './replaceable.ts';
import { SqliteDamaged } from './sqlite/damaged.ts';
import { fileAt, openFile } from './sqlite/file.ts';
import { lockOf } from './sqlite/lock.ts';
import { MEMORY, openDatabase } from './sqlite/open.ts';
import { mayPass, openReadOnly } from './sqlite/read-only.ts';
import { SqliteReplaceable } from './sqlite/replaceable.ts';
import { SqliteStore } from './sqlite/store.ts';
import type { Store } from './store.ts';

export { isDamage } from './sqlite/errors.ts';

export interface State {
  readonly directory: string;
  /** The store's file. Others lie beside it: see storeFiles. */
  readonly database: string;
  /** The directory of evidence files. */
  readonly evidence: string;
}

/**
 * The state in the given directory. If none is given, it is /var/lib/ctga for root, and for anybody
 * else a directory of their own (XDG Base Directory Specification, XDG_STATE_HOME).
 */
export function stateAt(directory: string | undefined): State {
  const root = resolve(directory ?? defaultDirectory());
  return { directory: root, database: join(root, 'ctga.db'), evidence: join(root, 'evidence') };
}

function defaultDirectory(): string {
  if (process.geteuid?.() === 0) return '/var/lib/ctga';
  return join(process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local/state'), 'ctga');
}

export function storeExists({ database }: State): boolean {
  return existsSync(database);
}

/** Every file that the store may consist of; those beside the first come and go. */
export function storeFiles({ database }: State): string[] {
  return [database, `${database}-wal`, `${database}-shm`, lockOf(database)];
}

/**
 * For whoever only reads. If there is no store, this makes none and returns an empty one in memory;
 * a store on a disk that is full or read-only is read as it is.
 * Throws StoreError `store-damaged` or `store-failed`.
 */
export function openForReading(state: State): Store {
  const { database: path } = state;
  if (!storeExists(state))
    return new SqliteStore(path, { database: openDatabase(MEMORY), file: undefined });
  try {
    return openForWriting(state);
  } catch (error) {
    const database = mayPass(error, path) ? openReadOnly(path) : undefined;
    if (database === undefined) throw error;
    return new SqliteStore(path, { database, file: fileAt(path) });
  }
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

/** A store in memory alone, which ends with its use. */
export function memoryStore(): Store {
  return new SqliteStore(MEMORY, { database: openDatabase(MEMORY), file: undefined });
}
