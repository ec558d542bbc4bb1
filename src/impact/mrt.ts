// SPDX-License-Identifier: Apache-2.0
/**
 * Routing tables in MRT (RFC 6396, with RFC 8050's additional paths): the prefixes and who
 * originates each. Pure.
 *
 * The origin is the last AS of the path in the first entry that has one, which is what pyasn takes
 * and so the paper; where the path ends in a set of several ASes (RFC 4271, Section 4.3), nobody
 * says which of them it is, so that the next entry is asked. Default routes are left out, as pyasn
 * leaves them out.
 */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { Fault } from './fault.ts';
import type { Prefix } from './prefix.ts';

/** RFC 6396, Section 4: a record has a header of 12 bytes. */
const HEADER = 12;
/** No record of a table is nearly as long; a longer one is no record. */
const LARGEST_RECORD = 1 << 26;

const TABLE_DUMP = 12;
const TABLE_DUMP_V2 = 13;
/** Subtypes of TABLE_DUMP_V2 (RFC 6396, Section 4.3; RFC 8050, Section 4.1). */
const PEER_INDEX_TABLE = 1;
const UNICAST: Readonly<Record<number, { bits: 32 | 128; hasPathId: boolean }>> = {
  2: { bits: 32, hasPathId: false },
  4: { bits: 128, hasPathId: false },
  8: { bits: 32, hasPathId: true },
  10: { bits: 128, hasPathId: true },
};
/** Multicast and generic tables, which say nothing of where packets come from. */
const OTHER_TABLES = [3, 5, 6, 7, 9, 11, 12];

const AS_PATH = 2;
/** Segments of an AS path: RFC 4271, Section 4.3, and RFC 5065 for confederations. */
const AS_SET = 1;
const AS_SEQUENCE = 2;

/** Takes the bytes of a table in pieces, and tells each prefix with its origin; 0 if none is known. */
export class MrtReader {
  readonly #onPrefix: (prefix: Prefix, origin: number) => void;
  #rest: Uint8Array = new Uint8Array();
  /** Of the bytes that were read whole. */
  #records = 0;

  constructor(onPrefix: (prefix: Prefix, origin: number) => void) {
    this.#onPrefix = onPrefix;
  }

  /** How many records were read; a fault is in the next one. */
  get records(): number {
    return this.#records;
  }

  /** Throws Fault for what is no table. */
  push(bytes: Uint8Array): void {
    let data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (data.length >= HEADER) {
      const header = new ByteCursor(data, 4);
      const [type, subtype, length] = [header.u16(), header.u16(), header.u32()];
      if (type !== TABLE_DUMP && type !== TABLE_DUMP_V2)
        throw new Fault(`is no record of a routing table: its type is ${type}`, {
          remedy: 'A table is of type TABLE_DUMP or TABLE_DUMP_V2: take a file of RIBs.',
        });
      if (length > LARGEST_RECORD) throw new Fault(`has a length of ${length} bytes`);
      if (data.length < HEADER + length) break;
      try {
        this.#record(type, subtype, new ByteCursor(data, HEADER, HEADER + length));
      } catch (error) {
        if (error instanceof FormatError)
          throw new Fault(`ends before its content does (byte ${error.offset} of the record)`);
        throw error;
      }
      this.#records++;
      data = data.subarray(HEADER + length);
    }
    // A copy: the bytes belong to whoever gave them.
    this.#rest = data.slice();
  }

  /** Throws Fault if the table ends within a record. */
  end(): void {
    if (this.#rest.length > 0) throw new Fault('is not whole: the file ends within it');
    if (this.#records === 0) throw new Fault('is missing: the file is empty');
  }

  #record(type: number, subtype: number, body: ByteCursor): void {
    if (type === TABLE_DUMP) return this.#dump(subtype, body);
    if (subtype === PEER_INDEX_TABLE || OTHER_TABLES.includes(subtype)) return;
    const kind = UNICAST[subtype];
    if (kind === undefined) throw new Fault(`is of TABLE_DUMP_V2's unknown subtype ${subtype}`);
    body.skip(4); // sequence number
    const prefix = readPrefix(body, body.u8(), kind.bits);
    const entries = body.u16();
    let origin = 0;
    for (let i = 0; i < entries; i++) {
      body.skip(2 + 4 + (kind.hasPathId ? 4 : 0)); // peer index, time, path identifier
      const attributes = body.u16();
      const start = body.skip(attributes);
      if (origin === 0) origin = originOf(new ByteCursor(body.bytes, start, start + attributes), 4);
    }
    this.#tell(prefix, origin);
  }

  /** RFC 6396, Section 4.2: one route a record, and AS numbers of two bytes. */
  #dump(subtype: number, body: ByteCursor): void {
    const bits = subtype === 1 ? 32 : subtype === 2 ? 128 : undefined;
    if (bits === undefined) throw new Fault(`is of TABLE_DUMP's unknown subtype ${subtype}`);
    body.skip(4); // view and sequence number
    const address = body.take(bits / 8);
    const length = body.u8();
    body.skip(1 + 4 + bits / 8 + 2); // status, time, peer's address and AS
    const prefix = readPrefix(new ByteCursor(address), length, bits);
    const attributes = body.u16();
    const start = body.skip(attributes);
    this.#tell(prefix, originOf(new ByteCursor(body.bytes, start, start + attributes), 2));
  }

  #tell(prefix: Prefix, origin: number): void {
    if (prefix.length > 0) this.#onPrefix(prefix, origin);
  }
}

/** RFC 4271, Section 4.3: as many bytes as the length takes; what is behind it counts as 0. */
function readPrefix(from: ByteCursor, length: number, bits: 32 | 128): Prefix {
  if (length > bits) throw new Fault(`has a prefix of ${length} bits`);
  const bytes = from.take(Math.ceil(length / 8));
  if (bits === 32) {
    let start = 0;
    for (let i = 0; i < 4; i++) start = start * 256 + (bytes[i] ?? 0);
    const size = 2 ** (32 - length);
    return { start: Math.floor(start / size) * size, length };
  }
  let start = 0n;
  for (let i = 0; i < 16; i++) start = (start << 8n) | BigInt(bytes[i] ?? 0);
  const rest = BigInt(128 - length);
  return { start: (start >> rest) << rest, length };
}

/** The origin by the AS path among the attributes; 0 if there is none, or a set of several. */
function originOf(attributes: ByteCursor, asBytes: 2 | 4): number {
  while (!attributes.atEnd) {
    const flags = attributes.u8();
    const type = attributes.u8();
    // RFC 4271, Section 4.3: the fourth bit says how long the length is.
    const length = (flags & 0x10) === 0 ? attributes.u8() : attributes.u16();
    const start = attributes.skip(length);
    if (type !== AS_PATH) continue;
    return lastAs(new ByteCursor(attributes.bytes, start, start + length), asBytes);
  }
  return 0;
}

function lastAs(path: ByteCursor, asBytes: 2 | 4): number {
  let origin = 0;
  while (!path.atEnd) {
    const type = path.u8();
    const count = path.u8();
    for (let i = 0; i < count; i++) {
      const asn = asBytes === 4 ? path.u32() : path.u16();
      if (type === AS_SEQUENCE || (type === AS_SET && count === 1)) origin = asn;
    }
    if (type === AS_SET && count > 1) origin = 0;
  }
  return origin;
}
