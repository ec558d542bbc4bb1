/**
 * The store of a process that runs for long. Its file may turn out damaged, or be set aside or
 * replaced by another process: what is written into the old one from then on would be seen by
 * nobody.
 */
import type Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { CtgaError } from '../base/errors.ts';
import { isDamage, openDatabase, setAside } from '../store/sqlite/open.ts';
import { makeReserve } from '../disk/reserve.ts';
import { salvage } from './salvage.ts';
import type { State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { SqliteStore } from '../store/sqlite/store.ts';

export interface StoreInUseOptions {
  readonly state: State;
  /**
   * Told of a damaged database, in a sentence: under which name it is kept, and what could be read
   * of it. Nothing is ever deleted.
   */
  readonly onSetAside: (message: string) => void;
  /**
   * Called with each database that is opened, before it is used: the first may be new, and any
   * later one too.
   */
  readonly onOpened?: (store: Store) => void;
}

export class StoreInUse {
  /** Stays the same object, whatever file it is in. */
  get store(): Store {
    return this.#store;
  }
  readonly #store: SqliteStore;
  readonly #options: StoreInUseOptions;
  #file: number | undefined;
  /** Set aside by this process, and not yet looked through for what can be read. */
  #damaged: string | undefined;

  /** Throws CtgaError `store-failed` where none can be opened or made. */
  constructor(options: StoreInUseOptions) {
    this.#options = options;
    // All of it is read this once; that takes seconds for a large one.
    this.#store = new SqliteStore(this.#open(true));
    this.#fill();
    makeReserve(options.state.directory);
  }

  /** Goes on in the file that is there now. Returns whether it is another one than before. */
  follow(): boolean {
    if (inodeOf(this.#options.state.database) === this.#file) return false;
    this.#renew();
    return true;
  }

  /**
   * Does `work` in the file that is there now; once more in a new one, where it turns out damaged.
   */
  use<T>(work: () => T): T {
    this.follow();
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.replaceDamaged();
      return work();
    }
  }

  /**
   * The database turned out damaged: sets it aside, unless somebody has done so already, and goes
   * on in a new one.
   */
  replaceDamaged(): void {
    if (this.follow()) return;
    this.#setAside(`the database ${this.#options.state.database} is damaged`);
    this.#renew();
  }

  #renew(): void {
    this.#store.exchange(this.#open(false));
    this.#fill();
  }

  #fill(): void {
    const { onOpened, onSetAside } = this.#options;
    onOpened?.(this.store);
    const damaged = this.#damaged;
    if (damaged === undefined) return;
    this.#damaged = undefined;
    try {
      const carried = salvage(damaged, this.store, Date.now());
      if (carried > 0) onSetAside(`${carried} tree heads were carried over from ${damaged}`);
    } catch {
      // The disk is full, for one: what is new goes first, and the file stays.
    }
  }

  #open(thorough: boolean): Database.Database {
    const { database } = this.#options.state;
    const before = inodeOf(database);
    const open = (): Database.Database => openDatabase(database, thorough);
    let opened: Database.Database;
    try {
      opened = open();
    } catch (error) {
      if (!(error instanceof CtgaError && error.code === 'store-damaged')) throw error;
      // Unless another process was faster: what is there now is its new one.
      if (inodeOf(database) === before) this.#setAside(error.message);
      opened = open();
      this.#file = inodeOf(database);
      return opened;
    }
    // What was there before it was opened: where it was replaced in between, the next look tells.
    this.#file = before ?? inodeOf(database);
    return opened;
  }

  #setAside(why: string): void {
    this.#damaged = setAside(this.#options.state.database, Date.now());
    this.#options.onSetAside(`${why}; it is kept as ${this.#damaged}, and a new one is started`);
  }
}

/** Undefined where there is no file. */
export function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
