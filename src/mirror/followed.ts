// SPDX-License-Identifier: Apache-2.0
/**
 * The hashes that `ctga challenge` keeps of logs in the same state directory, if it runs there:
 * proofs that are made of them are asked of nobody.
 */
import { HashStore } from '../follow/hash-store.ts';
import type { Comparison } from '../follow/known-hashes.ts';
import type { LogHashes } from '../follow/log-hashes.ts';
import type { Log } from '../logs/log.ts';

/** For how long what was read is used: a new file, or what was fetched since, is seen then. */
const REOPEN_MS = 600_000;

export class FollowedHashes {
  readonly #directory: string;
  readonly #now: () => number;
  #opened = -Infinity;
  #store: HashStore | undefined;
  readonly #logs = new Map<Log, LogHashes>();

  /** `directory` is the state directory; `now` is in milliseconds since the epoch. */
  constructor(directory: string, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /**
   * The log's tree of this size, if the hashes of a window of the log are here that has it. Its
   * asker is to be used at once. Throws StoreError where the file cannot be read.
   */
  comparison(log: Log, size: bigint): Comparison | undefined {
    const elapsed = this.#now() - this.#opened;
    // The clock may have been put back.
    if (elapsed < 0 || elapsed >= REOPEN_MS) {
      this.close();
      this.#opened = this.#now();
      this.#store = HashStore.openForReading(this.#directory);
    }
    const known = this.#logs.get(log) ?? this.#store?.of(log);
    if (known !== undefined) this.#logs.set(log, known);
    return known?.inWindow(size);
  }

  close(): void {
    this.#logs.clear();
    this.#store?.close();
    this.#store = undefined;
  }
}
