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

  /** What the file takes up on the disk. */
  bytes(): number;

  /**
   * Gives back to the disk what the store does not need. Needs as much room again while it works,
   * and no other process can write meanwhile.
   */
  compact(): void;

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
