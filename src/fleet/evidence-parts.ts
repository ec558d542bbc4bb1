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
  /** At most twice as long as what was sent, however short the parts, and not as what was announced. */
  readonly bytes: Uint8Array;
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
    const filled = offset + bytes.length;
    const room = isNext && this.#file ? withRoom(this.#file.bytes, filled) : new Uint8Array(filled);
    room.set(bytes, offset);
    this.#file = { sha256, length, bytes: room, filled };
    if (filled < length) return undefined;
    this.#file = undefined;
    const file = Buffer.from(room.buffer, 0, filled);
    const isWhole = createHash('sha256').update(file).digest().equals(sha256);
    return isWhole ? file.toString('utf8') : undefined;
  }
}

function withRoom(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes;
  const more = new Uint8Array(Math.max(length, 2 * bytes.length));
  more.set(bytes);
  return more;
}
