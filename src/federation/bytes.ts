// SPDX-License-Identifier: Apache-2.0
/** Writing what members tell each other as bytes; ByteCursor reads them. Integers are big-endian. */
import { createHash } from 'node:crypto';
import { ByteCursor, FormatError } from '../base/cursor.ts';

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

export function u64(value: bigint | number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** Behind their length, which takes four bytes. */
export function long(bytes: Uint8Array): Uint8Array {
  return concat([u32(bytes.length), bytes]);
}

/** Behind their number, which takes two bytes. */
export function list(parts: readonly Uint8Array[]): Uint8Array {
  return concat([u16(parts.length), ...parts]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function readU64(cursor: ByteCursor): bigint {
  const at = cursor.skip(8);
  const { buffer, byteOffset } = cursor.bytes;
  return new DataView(buffer, byteOffset).getBigUint64(at);
}

/** A number of at most 53 bits that was written as one of 64. */
export function readNumber(cursor: ByteCursor): number {
  const { position } = cursor;
  const value = readU64(cursor);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FormatError('number', position);
  return Number(value);
}

/** What `long` wrote, a copy of it. */
export function readLong(cursor: ByteCursor): Uint8Array {
  return cursor.take(cursor.u32()).slice();
}

/** What `list` wrote, of at most so many. */
export function readList<T>(cursor: ByteCursor, most: number, read: () => T): T[] {
  const { position } = cursor;
  const count = cursor.u16();
  if (count > most) throw new FormatError('count', position);
  return Array.from({ length: count }, read);
}

/** Reads all of the bytes. Throws FormatError. */
export function readAll<T>(bytes: Uint8Array, read: (cursor: ByteCursor) => T): T {
  const cursor = new ByteCursor(bytes);
  const value = read(cursor);
  if (!cursor.atEnd) throw new FormatError('more', cursor.position);
  return value;
}

export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Numbers below `size` as bits: number i is bit i % 8, of value 2^(i % 8), of byte i / 8. */
export class Bits {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  static of(size: number, members: Iterable<number>): Bits {
    const bits = new Bits(new Uint8Array(Bits.bytesFor(size)));
    for (const each of members) bits.add(each);
    return bits;
  }

  static bytesFor(size: number): number {
    return Math.ceil(size / 8);
  }

  /** Throws FormatError where a bit is set that stands for nothing. */
  static read(cursor: ByteCursor, size: number): Bits {
    const { position } = cursor;
    const bits = new Bits(cursor.take(Bits.bytesFor(size)).slice());
    if (bits.members().some((each) => each >= size)) throw new FormatError('bits', position);
    return bits;
  }

  has(member: number): boolean {
    return (((this.bytes[member >> 3] ?? 0) >> (member & 7)) & 1) === 1;
  }

  add(member: number): void {
    this.bytes[member >> 3] = (this.bytes[member >> 3] ?? 0) | (1 << (member & 7));
  }

  members(): number[] {
    return Array.from({ length: this.bytes.length * 8 }, (_, i) => i).filter((i) => this.has(i));
  }

  get count(): number {
    return this.members().length;
  }
}
