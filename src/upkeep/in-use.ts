// SPDX-License-Identifier: Apache-2.0
/** The store of a process that runs for long: it goes on whatever happens to the store's file. */
import { plural } from '../base/text.ts';
import { isStoreFailure } from '../disk/error.ts';
import { makeReserve } from '../disk/reserve.ts';
import { chainEvidence } from '../evidence/write.ts';
import { tidy } from '../disk/write.ts';
import type { ReplaceableStore } from '../store/replaceable.ts';
import { isDamage, openReplaceable, type State } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import { salvage } from './salvage.ts';

export interface StoreInUseOptions {
  readonly state: State;
  /**
   * Told of a damaged store, in a sentence: under which name it is kept, and later how much of it
   * could be read; and of each damaged row. Nothing is ever deleted.
   */
  readonly onSetAside: (message: string) => void;
  /**
   * Called with each store that is opened, before it is used: the first one and any later one.
   * Called again after rows were set aside.
   */
  readonly onOpened?: (store: Store) => void;
  /** As in ReplaceableOptions. */
  readonly patience?: number;
  /** Told in a clause how far the reading of a damaged store is. */
  readonly onProgress?: (how: string) => void;
}

export class StoreInUse {
  readonly #options: StoreInUseOptions;
  readonly #store: ReplaceableStore;
  /** Moved aside by this process, and not yet looked through for what can be read. */
  #damaged: string | undefined;
  /** Rows were set aside: evidence that named them has to be found again. */
  #hasLostRows = false;
  /** It could only be read so far. */
  #isWaiting = false;

  /**
   * Throws StoreError `store-failed` where no store can be opened or made, and that will not pass
   * by itself.
   */
  constructor(options: StoreInUseOptions) {
    this.#options = options;
    this.#store = openReplaceable(options.state, {
      onReplaced: (aside, why) => {
        this.#damaged = aside;
        options.onSetAside(`${why}; it is kept as ${aside}, and a new one is started`);
      },
      onRowSetAside: (message) => {
        this.#hasLostRows = true;
        options.onSetAside(message);
      },
      patience: options.patience,
    });
    makeReserve(options.state.directory);
    chainEvidence(options.state.evidence);
    for (const directory of [options.state.directory, options.state.evidence]) tidy(directory);
    try {
      if (this.#store.refusal !== undefined) throw this.#store.refusal;
      this.#fill();
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
      this.#isWaiting = true;
      options.onSetAside(
        `the store cannot be written, so what is new waits until it can: ${error.message}`,
      );
    }
  }

  /** Always the same object, whatever file it is in. */
  get store(): Store {
    return this.#store;
  }

  /** As ReplaceableStore.follow. */
  follow(): boolean {
    const isAnother = this.#store.follow();
    if (isAnother || this.#hasLostRows || this.#isWaiting) this.#fill();
    if (this.#isWaiting) this.#options.onSetAside('the store can be written again');
    this.#isWaiting = false;
    return isAnother;
  }

  /** Reserves room for evidence again where some was given up. */
  refillReserve(): void {
    makeReserve(this.#options.state.directory);
  }

  /**
   * Does `work` in the file that is in place, and once more in a new one if the store turns out
   * damaged. Throws what `work` throws otherwise.
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

  /** As ReplaceableStore.replaceDamaged; what can be read of the damaged store is carried over. */
  replaceDamaged(): void {
    this.#store.replaceDamaged();
    this.#fill();
  }

  #fill(): void {
    const { state, onOpened, onSetAside, onProgress } = this.#options;
    this.#hasLostRows = false;
    onOpened?.(this.#store);
    const damaged = this.#damaged;
    if (damaged === undefined) return;
    this.#damaged = undefined;
    try {
      const context = {
        store: this.#store,
        evidenceDirectory: state.evidence,
        logs: [],
        now: Date.now(),
      };
      const carried = salvage(damaged, context, onProgress);
      if (carried > 0) onSetAside(`${plural(carried, 'tree head')} carried over from ${damaged}`);
    } catch {
      // The disk may be full: what is new matters more, and the damaged file stays.
    }
  }
}
