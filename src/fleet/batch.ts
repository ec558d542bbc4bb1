// SPDX-License-Identifier: Apache-2.0
/**
 * What a member of a fleet tells the others: batches, each of the same size whatever is in it, and
 * signed by the member. docs/FLEET.md, "A batch", is the specification. Pure.
 *
 * Nothing in a batch counts because the bus brought it. A head counts by its log's signature, and
 * evidence by what it shows; the member's signature says whose word the rest is: where, when and how
 * often a head was seen, and what was concluded of it.
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { toMerkleHash } from '../merkle/hash.ts';
import { toLogId, type LogId, type Statement } from '../statements/statement.ts';
import { VERDICTS, type Verdict } from '../store/verdicts.ts';

/** Ends in the version. No other signature of ctga is over bytes that begin so. */
const MAGIC = Buffer.from('ctga fleet 1\n\0\0\0', 'latin1');
const NAME_BYTES = 32;
const HEADER_BYTES = 108;
const SIGNATURE_BYTES = 64;
const CHUNK_HEADER = 1 + 32 + 4 + 4 + 2;
/** Sources that are told apart in one head. */
export const MOST_SOURCES = 16;
/** Of a source's name, in bytes of UTF-8. */
export const LONGEST_SOURCE = 200;
/**
 * Of one source, of one head: far more than there can be. Whatever numbers a member makes up, those of a
 * whole fleet can be added up.
 */
export const MOST_COUNTED = 2 ** 40;
/** A batch holds a head with all that may go with it. */
export const LEAST_BATCH = 8192;
export const MOST_BATCH = 65_536;
/** Evidence that is longer is not sent: with a log list in it, it has some 400 KB. */
export const MOST_EVIDENCE = 1 << 20;

export interface Envelope {
  /** Who signed it: its name in the roster. */
  readonly member: string;
  /** When the member began to publish, and larger than whatever it had before. */
  readonly epoch: bigint;
  /** From 0 on in each epoch, without a gap. */
  readonly sequence: bigint;
  /** The last batch of the epoch before that it knows to have arrived; undefined if there is none. */
  readonly previous: { readonly epoch: bigint; readonly sequence: bigint } | undefined;
  /** The identity of the store whose heads these are: eight hexadecimal digits. */
  readonly store: string;
  /** The member's clock, in ms since the epoch. */
  readonly clock: number;
  /** Heads that it could not keep for the bus, in all its time. */
  readonly givenUp: number;
  /** Heads that wait for their turn. */
  readonly waiting: number;
}

export interface PublishedSighting {
  readonly source: string;
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** All that was ever counted there, so that what a lost batch had is in the next one. */
  readonly count: number;
}

export interface PublishedHead {
  readonly kind: 'head';
  readonly logId: LogId;
  /** As it was received: nobody has verified it for whoever reads the batch. */
  readonly statement: Statement;
  /** What the member concluded of its tree. */
  readonly verdict: Verdict;
  readonly reason: string | undefined;
  readonly sightings: readonly PublishedSighting[];
}

/** A part of an evidence file. */
export interface Chunk {
  readonly kind: 'chunk';
  /** Of the whole file, 32 bytes. */
  readonly sha256: Uint8Array;
  readonly length: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export type Item = PublishedHead | Chunk;

export interface Batch {
  readonly envelope: Envelope;
  readonly items: readonly Item[];
}

export function isMemberName(text: string): boolean {
  return /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/.test(text);
}

/** Fills one batch. */
export class Packer {
  readonly #room: number;
  readonly #parts: Buffer[] = [];
  #length = 0;
  #log: Uint8Array | undefined;

  /** `size` is that of the whole batch, in bytes. */
  constructor(size: number) {
    this.#room = size - HEADER_BYTES - SIGNATURE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** False, and nothing changes, where there is no room for it. */
  addHead(head: PublishedHead): boolean {
    const isSameLog = this.#log !== undefined && Buffer.compare(this.#log, head.logId) === 0;
    const log = isSameLog ? [] : [Buffer.of(ITEM.log), head.logId];
    const isAdded = this.#add(Buffer.concat([...log, encodeHead(head)]));
    if (isAdded) this.#log = head.logId;
    return isAdded;
  }

  /** As much of a file, from `offset` on, as there is room for. Returns how many bytes that is. */
  addChunk(sha256: Uint8Array, file: Uint8Array, offset: number): number {
    const bytes = file.subarray(offset, offset + this.#room - this.#length - CHUNK_HEADER);
    if (this.#room - this.#length <= CHUNK_HEADER || bytes.length === 0) return 0;
    const head = Buffer.alloc(CHUNK_HEADER);
    head[0] = ITEM.chunk;
    head.set(sha256, 1);
    head.writeUInt32BE(file.length, 33);
    head.writeUInt32BE(offset, 37);
    head.writeUInt16BE(bytes.length, 41);
    this.#add(Buffer.concat([head, bytes]));
    return bytes.length;
  }

  /** The batch, signed by the member's Ed25519 key. Throws RangeError for an envelope that is none. */
  seal(envelope: Envelope, key: KeyObject): Uint8Array {
    const { member, epoch, sequence, previous, store, clock, givenUp, waiting } = envelope;
    if (!isMemberName(member)) throw new RangeError(`"${member}" is no member's name`);
    const batch = Buffer.alloc(HEADER_BYTES + this.#room + SIGNATURE_BYTES);
    batch.set(MAGIC, 0);
    batch.write(member, 16, 'latin1');
    batch.writeBigUInt64BE(epoch, 48);
    batch.writeBigUInt64BE(sequence, 56);
    batch.writeBigUInt64BE(previous?.epoch ?? 0n, 64);
    batch.writeBigUInt64BE(previous?.sequence ?? 0n, 72);
    batch.write(store, 80, 'hex');
    batch.writeBigUInt64BE(BigInt(clock), 84);
    batch.writeBigUInt64BE(BigInt(givenUp), 92);
    batch.writeUInt32BE(Math.min(waiting, 0xffff_ffff), 100);
    batch.writeUInt32BE(this.#length, 104);
    let at = HEADER_BYTES;
    for (const part of this.#parts) {
      batch.set(part, at);
      at += part.length;
    }
    const signed = batch.subarray(0, -SIGNATURE_BYTES);
    batch.set(sign(null, signed, key), signed.length);
    return batch;
  }

  #add(part: Buffer): boolean {
    if (this.#length + part.length > this.#room) return false;
    this.#parts.push(part);
    this.#length += part.length;
    return true;
  }
}

/** Each item begins with one of these. */
const ITEM = { log: 1, head: 2, chunk: 3 } as const;

function encodeHead({ statement, verdict, reason, sightings }: PublishedHead): Buffer {
  const { treeSize, timestamp, rootHash, signature } = statement;
  const fixed = Buffer.alloc(19);
  fixed[0] = ITEM.head;
  fixed.writeBigUInt64BE(treeSize, 1);
  fixed.writeBigUInt64BE(timestamp, 9);
  fixed.writeUInt16BE(signature.length, 17);
  return Buffer.concat([
    fixed,
    signature,
    rootHash,
    text(verdict, 32),
    text(reason ?? '', 250),
    Buffer.of(sightings.length),
    ...sightings.flatMap(({ source, firstSeen, lastSeen, count }) => {
      const times = Buffer.alloc(24);
      for (const [i, number] of [firstSeen, lastSeen, count].entries())
        times.writeBigUInt64BE(BigInt(number), i * 8);
      return [text(source, LONGEST_SOURCE), times];
    }),
  ]);
}

/** Behind its length in one octet; what is longer is cut, between two characters. */
function text(value: string, most: number): Buffer {
  const whole = Buffer.from(value.replaceAll(/\p{C}/gu, '?'));
  let end = Math.min(whole.length, most);
  while (end < whole.length && ((whole[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return Buffer.concat([Buffer.of(end), whole.subarray(0, end)]);
}

/**
 * What a batch says of itself, at next to no cost, before anything of it is verified. Returns why it is
 * none, as openBatch does. Throws nothing, whatever the bytes are.
 */
export function envelopeOf(bytes: Uint8Array, size: number): Envelope | string {
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (batch.length !== size) return 'it has another size than batchBytes in fleet.json here';
  if (!batch.subarray(0, MAGIC.length).equals(MAGIC)) return 'it is no batch of this version';
  const member = batch.toString('latin1', 16, 16 + NAME_BYTES).replace(/\0+$/, '');
  if (!isMemberName(member)) return 'its member has no name';
  return ifWhole(() => envelopeIn(batch, member));
}

/**
 * Reads a batch that must be of `size` bytes and signed by the member whose key `keyOf` has for its
 * name, to the last bit. Returns why it is refused, as a clause; one of a few, so it may name a
 * counter. Throws nothing, whatever the bytes are.
 */
export function openBatch(
  bytes: Uint8Array,
  size: number,
  keyOf: (member: string) => KeyObject | undefined,
): Batch | string {
  const envelope = envelopeOf(bytes, size);
  if (typeof envelope === 'string') return envelope;
  const key = keyOf(envelope.member);
  if (key === undefined) return 'nobody of this name is in the fleet';
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const signed = batch.subarray(0, -SIGNATURE_BYTES);
  if (!verify(null, signed, key, batch.subarray(-SIGNATURE_BYTES)))
    return 'its member did not sign it';
  return ifWhole(() => ({ envelope, items: itemsIn(signed) }));
}

function ifWhole<T>(read: () => T): T | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError || error instanceof RangeError)
      return 'what it holds is damaged';
    throw error;
  }
}

function envelopeIn(batch: Buffer, member: string): Envelope {
  const previous = { epoch: batch.readBigUInt64BE(64), sequence: batch.readBigUInt64BE(72) };
  return {
    member,
    epoch: batch.readBigUInt64BE(48),
    sequence: batch.readBigUInt64BE(56),
    previous: previous.epoch === 0n ? undefined : previous,
    store: batch.toString('hex', 80, 84),
    clock: numberIn(batch.readBigUInt64BE(84)),
    givenUp: numberIn(batch.readBigUInt64BE(92)),
    waiting: batch.readUInt32BE(100),
  };
}

function itemsIn(signed: Buffer): Item[] {
  const length = signed.readUInt32BE(104);
  const cursor = new ByteCursor(signed, HEADER_BYTES);
  const padding = signed.subarray(HEADER_BYTES + length);
  if (!cursor.narrow(length) || padding.some((octet) => octet !== 0)) throw new RangeError();
  const items: Item[] = [];
  let log: LogId | undefined;
  while (!cursor.atEnd) {
    const kind = cursor.u8();
    if (kind === ITEM.log) log = toLogId(cursor.take(32));
    else if (kind === ITEM.head && log !== undefined) items.push(headIn(cursor, log));
    else if (kind === ITEM.chunk) items.push(chunkIn(cursor));
    else throw new RangeError();
  }
  return items;
}

function headIn(cursor: ByteCursor, logId: LogId): PublishedHead {
  const treeSize = u64(cursor);
  const timestamp = u64(cursor);
  const signature = Uint8Array.from(cursor.take(cursor.u16()));
  const rootHash = toMerkleHash(cursor.take(32));
  const verdict = textIn(cursor);
  const reason = textIn(cursor);
  const sightings = Array.from({ length: cursor.u8() }, () => sightingIn(cursor));
  if (!isVerdict(verdict) || sightings.length > MOST_SOURCES) throw new RangeError();
  return {
    kind: 'head',
    logId,
    statement: { treeSize, timestamp, rootHash, signature },
    verdict,
    reason: reason === '' ? undefined : reason,
    sightings,
  };
}

function sightingIn(cursor: ByteCursor): PublishedSighting {
  const source = textIn(cursor);
  const [firstSeen = 0, lastSeen = 0, count = 0] = [1, 2, 3].map(() => numberIn(u64(cursor)));
  const isOne = source !== '' && firstSeen <= lastSeen && lastSeen <= LAST_DATE && count > 0;
  if (!isOne) throw new RangeError();
  return { source, firstSeen, lastSeen, count: Math.min(count, MOST_COUNTED) };
}

const LAST_DATE = 8_640_000_000_000_000;

function chunkIn(cursor: ByteCursor): Chunk {
  const sha256 = Uint8Array.from(cursor.take(32));
  const [length, offset] = [cursor.u32(), cursor.u32()];
  const bytes = Uint8Array.from(cursor.take(cursor.u16()));
  if (length > MOST_EVIDENCE || bytes.length === 0 || offset + bytes.length > length)
    throw new RangeError();
  return { kind: 'chunk', sha256, length, offset, bytes };
}

function isVerdict(word: string): word is Verdict {
  return (VERDICTS as readonly string[]).includes(word);
}

function u64(cursor: ByteCursor): bigint {
  return BigInt(cursor.u32()) * 0x1_0000_0000n + BigInt(cursor.u32());
}

function numberIn(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError();
  return Number(value);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Printable, so that no name forges another line. */
function textIn(cursor: ByteCursor): string {
  const bytes = cursor.take(cursor.u8());
  let value: string;
  try {
    value = UTF8.decode(bytes);
  } catch {
    throw new RangeError();
  }
  if (/\p{C}/u.test(value)) throw new RangeError();
  return value;
}
