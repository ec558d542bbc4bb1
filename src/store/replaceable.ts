// SPDX-License-Identifier: Apache-2.0
/**
 * A store for a process that runs for long. Its file may be damaged, and another process, or a
 * person who restores a copy, may replace the file at any time. Nobody sees what is written into a
 * file that has been replaced.
 *
 * If two processes find a file damaged, only one may replace it: the second would move aside the
 * new file of the first. So replacing is a compare-and-swap.
 */
import type { StoreError } from '../disk/error.ts';
import type { Store } from './store.ts';

export interface ReplaceableStore extends Store {
  /**
   * Why the store could only be opened for reading: its disk is full, read-only or failing, or
   * somebody holds it. What is written fails until `follow` has opened the file as usual. Undefined
   * if it was opened as usual at once.
   */
  readonly refusal: StoreError | undefined;

  /**
   * Goes on in the file that is at the store's path now, and makes one if there is none. Returns
   * whether it is another file than before. The store and its roles stay the same objects. Throws
   * StoreError `store-failed` if the file cannot be opened; call it again later.
   */
  follow(): boolean;

  /**
   * Compare-and-swap: if the file in place is still the one that this store has open, moves it
   * aside under a name of its own, never deleting anything, and goes on in a new one. Otherwise
   * goes on in the file that another process has put in place. Of several processes that call it
   * for one file, exactly one moves it, and that one's `onReplaced` is called. When it returns, the
   * move survives a power cut.
   */
  replaceDamaged(): void;
}

export interface ReplaceableOptions {
  readonly onReplaced: OnReplaced;
  readonly onRowSetAside: OnRowSetAside;
  /**
   * For how many milliseconds it waits for another process that is writing; then what was tried
   * fails. Ten seconds unless given. The whole process waits.
   */
  readonly patience?: number | undefined;
}

/** Told, in a sentence, of a row that was set aside: see HeadStore.setAside. */
export type OnRowSetAside = (message: string) => void;

/**
 * Told of each file that this process moved aside: its new name, and what is wrong, in a clause.
 */
export type OnReplaced = (aside: string, why: string) => void;
