// SPDX-License-Identifier: Apache-2.0
/**
 * Frames of native messaging, which the daemon's socket speaks as well: a length of four octets in
 * the byte order of the machine, and so many octets of JSON in UTF-8. Pure.
 */
import { endianness } from 'node:os';

/** In bytes of JSON: what the daemon takes, and what a browser takes of a host. */
export const MAX_MESSAGE = 1 << 20;
const LENGTH_BYTES = 4;
const IS_LITTLE = endianness() === 'LE';

/** Throws RangeError for a message that nobody would take. */
export function frame(json: string): Buffer {
  const body = Buffer.from(json);
  if (body.length > MAX_MESSAGE) throw new RangeError(`a message of ${body.length} bytes`);
  const head = Buffer.alloc(LENGTH_BYTES);
  if (IS_LITTLE) head.writeUInt32LE(body.length);
  else head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
}

/** Takes bytes as they come and gives whole messages. It keeps one message, and no more. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;

  /**
   * The bodies of the messages that these bytes complete. Throws RangeError where one is announced
   * that is too long: what follows it cannot be read either.
   */
  *take(bytes: Buffer): Generator<Buffer, void, undefined> {
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    for (;;) {
      const wanted = this.#wanted();
      if (wanted === undefined || this.#length < wanted) return;
      const all = this.#joined();
      this.#chunks = [all.subarray(wanted)];
      this.#length -= wanted;
      yield all.subarray(LENGTH_BYTES, wanted);
    }
  }

  /** Whether a message has begun that is not whole. */
  get isAmidst(): boolean {
    return this.#length > 0;
  }

  #wanted(): number | undefined {
    if (this.#length < LENGTH_BYTES) return undefined;
    const [first] = this.#chunks;
    const head = first !== undefined && first.length >= LENGTH_BYTES ? first : this.#joined();
    const length = IS_LITTLE ? head.readUInt32LE() : head.readUInt32BE();
    if (length > MAX_MESSAGE)
      throw new RangeError(`a message of ${length} bytes; ${MAX_MESSAGE} are the most`);
    return LENGTH_BYTES + length;
  }

  /** Chunks are joined once a message is whole, so that many small ones cost no square of bytes. */
  #joined(): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}
