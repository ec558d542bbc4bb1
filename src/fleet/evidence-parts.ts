// SPDX-License-Identifier: Apache-2.0
/**
 * Evidence files that come in parts, one after the other. Of each member one file is put together at
 * a time, so none can take the room of another. Pure.
 */
import { createHash } from 'node:crypto';
import type { Chunk } from './batch.ts';

interface Unfinished {
  readonly sha256: Uint8Array;
  readonly length: number;
  /** As long as what was sent, and not as what was announced. */
  readonly parts: readonly Uint8Array[];
  readonly filled: number;
}

/** What one member has sent of a file so far. */
export class EvidenceParts {
  #file: Unfinished | undefined;

  /**
   * Adds a part. Returns the text of the file once it is whole and the one that was announced. A part
   * that is not the next one ends what was begun: its sender goes round and sends the file again.
   */
  add({ sha256, length, offset, bytes }: Chunk): string | undefined {
    const isNext =
      this.#file !== undefined &&
      Buffer.compare(this.#file.sha256, sha256) === 0 &&
      this.#file.length === length &&
      this.#file.filled === offset;
    if (!isNext && offset !== 0) {
      this.#file = undefined;
      return undefined;
    }
    const parts = [...(isNext && this.#file ? this.#file.parts : []), bytes];
    const filled = offset + bytes.length;
    this.#file = { sha256, length, parts, filled };
    if (filled < length) return undefined;
    this.#file = undefined;
    const file = Buffer.concat(parts);
    const isWhole = createHash('sha256').update(file).digest().equals(sha256);
    return isWhole ? file.toString('utf8') : undefined;
  }
}
