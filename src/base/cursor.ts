// SPDX-License-Identifier: Apache-2.0
/**
 * A cursor over bytes that somebody else wrote: the only place in packet/ and dns/ that compares
 * with the end.
 *
 * Integers are big-endian, as in every header read here (RFC 1700, "Data Notations"). Nothing is
 * copied.
 */

/**
 * Bytes that break their format. `reason` comes from the closed list of the parser that throws it;
 * 'truncated' is the cursor's own. `offset` counts from the start of the bytes the parser was
 * given.
 */
export class FormatError<Reason extends string = string> extends Error {
  readonly reason: Reason | 'truncated';
  readonly offset: number;

  constructor(reason: Reason | 'truncated', offset: number) {
    super(`${reason} at byte ${offset}`);
    this.name = 'FormatError';
    this.reason = reason;
    this.offset = offset;
  }
}

export class ByteCursor {
  readonly bytes: Uint8Array;
  #position: number;
  #end: number;

  /** Reads bytes[start, end); requires 0 <= start <= end <= bytes.length. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (start < 0 || start > end || end > bytes.length) {
      throw new RangeError(`no bytes ${start} to ${end} in ${bytes.length}`);
    }
    this.bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get position(): number {
    return this.#position;
  }

  get end(): number {
    return this.#end;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  get atEnd(): boolean {
    return this.#position === this.#end;
  }

  /** Whether `length` more bytes can be read. For callers that refuse without throwing. */
  has(length: number): boolean {
    return length <= this.#end - this.#position;
  }

  /**
   * Makes the end the one `length` bytes on, which may only bring it nearer; false, and no change,
   * otherwise.
   */
  narrow(length: number): boolean {
    if (!this.has(length)) return false;
    this.#end = this.#position + length;
    return true;
  }

  /**
   * Moves past `length` bytes and returns the offset of the first. Throws FormatError('truncated').
   */
  skip(length: number): number {
    const start = this.#position;
    if (!this.has(length)) throw new FormatError('truncated', start);
    this.#position = start + length;
    return start;
  }

  u8(): number {
    return this.bytes[this.skip(1)] as number;
  }

  u16(): number {
    const at = this.skip(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }

  u32(): number {
    return this.u16() * 0x1_0000 + this.u16();
  }

  /** A view of the next `length` bytes. */
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /**
   * A second cursor with the same end, which starts at `offset`. Throws FormatError('truncated')
   * past the end.
   */
  startingAt(offset: number): ByteCursor {
    if (offset > this.#end) throw new FormatError('truncated', offset);
    return new ByteCursor(this.bytes, offset, this.#end);
  }
}
