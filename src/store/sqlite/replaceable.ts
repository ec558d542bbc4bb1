/** A store in a database file that may be replaced while it is in use. */
import type { OnReplaced, OnRowSetAside, ReplaceableStore } from '../replaceable.ts';
import { fileAt, moveAside, openFile, type OpenedFile } from './file.ts';
import { isDamage } from './errors.ts';
import { SqliteStore } from './store.ts';

export class SqliteReplaceable extends SqliteStore implements ReplaceableStore {
  readonly #path: string;
  readonly #onReplaced: OnReplaced;

  constructor(path: string, onReplaced: OnReplaced, onRowSetAside: OnRowSetAside) {
    // The whole file is read once, at the start. That takes seconds if it is large.
    super(path, openOrReplace(path, onReplaced, true));
    this.#path = path;
    this.#onReplaced = onReplaced;
    this.damagedRows.onSetAside = onRowSetAside;
  }

  follow(): boolean {
    if (this.isInPlace()) return false;
    this.exchange(openOrReplace(this.#path, this.#onReplaced, false));
    return true;
  }

  replaceDamaged(): void {
    const aside = moveAside(this.#path, this.openedFile);
    if (aside !== undefined) this.#onReplaced(aside, `the database ${this.#path} is damaged`);
    this.follow();
  }
}

/**
 * Opens the file that is in place. If it is damaged, moves it aside, unless another process has.
 */
function openOrReplace(path: string, onReplaced: OnReplaced, thorough: boolean): OpenedFile {
  const found = fileAt(path);
  try {
    return openFile(path, thorough);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const aside = moveAside(path, found);
    if (aside !== undefined) onReplaced(aside, error.message);
    return openFile(path, thorough);
  }
}
