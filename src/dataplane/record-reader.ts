// SPDX-License-Identifier: Apache-2.0
/**
 * Reads batches of copied packets: `struct record_header` in xdp/record.h, then the captured bytes.
 */
import type { AnswerPlace, CopiedPacket, CopyKind, PacketHandler } from './types.ts';

/**
 * One record: 0 timestamp_ns (8, here since the epoch), 8 answer.tag (8), 16 answer.name_offset
 * (2), 18 answer.name_length (2), 20 answer.rdata_offset (2), 22 answer.rdata_length (2), 24 entry
 * (8), 32 ended_repeats (4), 36 interface_index (4), 40 frame_length (4), 44 captured_length (2),
 * 46 kind (1), 47 reserved (1), 48 the frame. The next one begins at a multiple of 8.
 */
const HEADER_BYTES = 48;

/** Milliseconds since the epoch; a double holds the nanoseconds of today to within 256. */
const NS_PER_MS = 1e6;

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const [LOW, HIGH] = littleEndian ? [0, 4] : [4, 0];

/**
 * Calls `handle` for each record in the first `length` bytes of `batch`, up to one that is not all
 * there, which the addon does not write.
 */
export function forEachRecord(
  batch: ArrayBuffer,
  length: number,
  interfaceName: string,
  handle: PacketHandler,
): void {
  const reader = new RecordReader(batch, interfaceName);
  while (reader.fits(length)) {
    handle(reader);
    reader.advance();
  }
}

/**
 * One object stands for all records of a batch in turn, so that a flood of repeats, which are told
 * apart by tag alone, allocates nothing. That is why it is valid only during the call.
 */
class RecordReader implements CopiedPacket, AnswerPlace {
  readonly interfaceName: string;
  readonly #batch: ArrayBuffer;
  readonly #view: DataView;
  at = 0;

  constructor(batch: ArrayBuffer, interfaceName: string) {
    this.#batch = batch;
    this.#view = new DataView(batch);
    this.interfaceName = interfaceName;
  }

  /** Whether the record is within the first `length` bytes. */
  fits(length: number): boolean {
    const left = length - this.at - HEADER_BYTES;
    return left >= 0 && this.#u16(44) <= left;
  }

  advance(): void {
    this.at += HEADER_BYTES + ((this.#u16(44) + 7) & ~7);
  }

  get kind(): CopyKind {
    const code = this.#view.getUint8(this.at + 46);
    return code === 1 ? 'answer' : code === 2 ? 'fragment' : 'unknown';
  }

  get frame(): Uint8Array {
    return new Uint8Array(this.#batch, this.at + HEADER_BYTES, this.#u16(44));
  }

  get frameLength(): number {
    return this.#u32(40);
  }

  get timestamp(): number {
    return Math.floor((this.#u32(HIGH) * 2 ** 32 + this.#u32(LOW)) / NS_PER_MS);
  }

  get answer(): AnswerPlace | undefined {
    return this.#u16(18) === 0 ? undefined : this;
  }

  /** The upper 53 bits, which is as many as a number holds exactly. */
  get tag(): number {
    return this.#u32(8 + HIGH) * 2 ** 21 + (this.#u32(8 + LOW) >>> 11);
  }

  get nameOffset(): number {
    return this.#u16(16);
  }

  get nameLength(): number {
    return this.#u16(18);
  }

  get rdataOffset(): number {
    return this.#u16(20);
  }

  get rdataLength(): number {
    return this.#u16(22);
  }

  get entry(): bigint | undefined {
    const entry = this.#view.getBigUint64(this.at + 24, littleEndian);
    return entry === 0n ? undefined : entry;
  }

  /** The generations of a slot are counted from 1, so the first one ends no other. */
  get ended(): { entry: bigint; repeats: number } | undefined {
    const { entry } = this;
    const repeats = this.#u32(32);
    return entry === undefined || repeats === 0 ? undefined : { entry: entry - 1n, repeats };
  }

  #u16(offset: number): number {
    return this.#view.getUint16(this.at + offset, littleEndian);
  }

  #u32(offset: number): number {
    return this.#view.getUint32(this.at + offset, littleEndian);
  }
}
