// SPDX-License-Identifier: Apache-2.0
/**
 * The bytes of a capture that have come and have not been read, in a buffer of fixed size. So a
 * file may be larger than memory, and need not be a file.
 */
import { badInput, type CtgaError } from '../../base/errors.ts';
import { plural } from '../../base/text.ts';

/** Larger than anything that has to be in the buffer as a whole. */
const SIZE = 1024 * 1024;

/** Yields wherever more bytes are wanted; the result says whether they have come. */
export type Wanting<Result> = Generator<undefined, Result, undefined>;

export class Window {
  readonly bytes = Buffer.allocUnsafe(SIZE);
  /** What has come and not been read is bytes[start, end). */
  start = 0;
  end = 0;
  /** Nothing comes any more. */
  isComplete = false;
  readonly #name: string;
  /** Where in the capture the buffer begins. */
  #offset = 0;

  /** `name` says in messages what is read. */
  constructor(name: string) {
    this.#name = name;
  }

  get available(): number {
    return this.end - this.start;
  }

  /** Takes bytes from the front of `chunk`, as many as there is room for; returns how many. */
  fill(chunk: Uint8Array): number {
    if (this.start > 0) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.#offset += this.start;
      this.end -= this.start;
      this.start = 0;
    }
    const taken = Math.min(chunk.length, SIZE - this.end);
    this.bytes.set(chunk.subarray(0, taken), this.end);
    this.end += taken;
    return taken;
  }

  /**
   * Takes all of `chunk`, part by part, and has `reading` read on after each, and then `afterEach` be
   * called. Returns early where the reading has ended. Throws what the reading throws.
   */
  feed(chunk: Uint8Array, reading: Wanting<void>, afterEach?: () => void): void {
    for (let taken = 0; taken < chunk.length;) {
      taken += this.fill(chunk.subarray(taken));
      const { done } = reading.next();
      afterEach?.();
      if (done === true) return;
    }
  }

  /** Waits for `length` bytes; false if the capture ends before. Requires length <= SIZE. */
  *need(length: number): Wanting<boolean> {
    while (this.available < length) {
      if (this.isComplete) return false;
      yield undefined;
    }
    return true;
  }

  /** Passes over bytes of any number; false if the capture ends before. */
  *skip(length: number): Wanting<boolean> {
    let left = length;
    while (left > this.available) {
      left -= this.available;
      this.start = this.end;
      if (!(yield* this.need(1))) return false;
    }
    this.start += left;
    return true;
  }

  /**
   * The error for a claim in the capture, at the place where the reading is, that the rest does not
   * bear out. `packets` is how many were read before.
   */
  damage(expected: string, found: string, packets?: number): CtgaError {
    const where = packets === undefined ? '' : `packet ${packets + 1}, `;
    return badInput(
      `${this.#name}: damaged at ${where}byte ${this.#offset + this.start}: ${expected}, but ${found}`,
      packets === undefined || packets === 0
        ? 'Nothing could be read; capture again.'
        : `${plural(packets, 'packet')} before ${packets === 1 ? 'was' : 'were'} read; capture again for the rest.`,
    );
  }
}
