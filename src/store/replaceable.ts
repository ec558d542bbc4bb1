/**
 * A store for a process that runs for long, in a file that may be damaged and that another process,
 * or a person who restores a copy, may replace at any time. What is written into a file that is no
 * longer in place is seen by nobody.
 *
 * Two processes that find one file damaged must not both replace it: the second would put away the
 * new one of the first. So replacing is a compare-and-swap.
 */
import type { Store } from './store.ts';

export interface ReplaceableStore extends Store {
  /**
   * Goes on in the file that is in place, which is made where there is none. Returns whether that
   * is another file than before. The store stays the same object and so do its roles. Throws
   * StoreError `store-failed` where the file cannot be opened; call it again later.
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

/**
 * Told of each file that this process moved aside: its new name, and what is wrong, in a clause.
 */
export type OnReplaced = (aside: string, why: string) => void;
