// SPDX-License-Identifier: Apache-2.0
/** The file of a store, for those who look after it: checking, compacting and copying it. */
import type { Store } from './store.ts';

export interface StoreFile {
  /**
   * Reads all of the store. Returns what is wrong with it, each as a clause; nothing if all is
   * well.
   */
  faults(): string[];

  /** Rows of sightings: a head that two sources saw has two. */
  sightings(): number;

  /** The size of the file and of its journal. */
  bytes(): number;

  /**
   * Gives the disk back what the store does not need, in steps of fractions of a second between
   * which others can write. `onProgress` is called with the share that is done, 0 .. 1. A store that
   * an earlier version made is written anew once: that takes as much room again as it has, and
   * nobody else can write meanwhile; `onRewrite` is called first.
   */
  compact(onProgress: (share: number) => void, onRewrite: () => void): Promise<void>;

  /**
   * Writes a copy to `path`, which must not exist. The copy is of one moment, whoever writes
   * meanwhile; `path` appears when it is whole, and survives a power cut when this resolves.
   * `onProgress` is called with the share that is done, 0 .. 1. Rejects with the error of the
   * system or of the store.
   */
  copyTo(path: string, onProgress: (share: number) => void): Promise<void>;
}

export interface StoreWithFile extends Store {
  readonly file: StoreFile;
}
