// SPDX-License-Identifier: Apache-2.0
/** Transactions and blocks as Bitcoin serialises them (BIP 144), read without trust. Pure. */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { doubleSha256 } from './bytes.ts';

export interface Output {
  /** In satoshi. */
  readonly value: bigint;
  readonly script: Uint8Array;
}

export interface Transaction {
  /** Its ID: the double SHA-256 of what it is without witnesses, the bytes in their own order. */
  readonly id: Uint8Array;
  /** The outputs that it spends, each by the ID of its transaction and its place there. */
  readonly inputs: readonly { readonly id: Uint8Array; readonly index: number }[];
  readonly outputs: readonly Output[];
  /** What it is without witnesses, in parts. */
  readonly stripped: readonly Uint8Array[];
  /** How many bytes that is. */
  readonly strippedLength: number;
}

export interface Block {
  /** The 80 bytes of its header. */
  readonly header: Uint8Array;
  readonly transactions: readonly Transaction[];
}

export const HEADER_LENGTH = 80;
/** What an input spends that makes new coins. */
const NOTHING = { id: new Uint8Array(32), index: 0xffff_ffff };

export type TransactionFault = 'not-shortest' | 'too-many' | 'trailing' | 'no-inputs' | 'bad-flag';

/** Throws FormatError<TransactionFault> unless the bytes are exactly one transaction. */
export function parseTransaction(bytes: Uint8Array): Transaction {
  const cursor = new ByteCursor(bytes);
  const transaction = readTransaction(cursor);
  if (!cursor.atEnd) throw new FormatError<TransactionFault>('trailing', cursor.position);
  return transaction;
}

/** Throws FormatError<TransactionFault> unless the bytes are exactly one block. */
export function parseBlock(bytes: Uint8Array): Block {
  const cursor = new ByteCursor(bytes);
  const header = cursor.take(HEADER_LENGTH);
  const transactions = readMany(cursor, 60, readTransaction);
  if (!cursor.atEnd) throw new FormatError<TransactionFault>('trailing', cursor.position);
  return { header, transactions };
}

/** Whether it is one that makes new coins: the first of a block, and no other. */
export function isCoinbase({ inputs }: Transaction): boolean {
  const [first] = inputs;
  return (
    inputs.length === 1 &&
    first?.index === NOTHING.index &&
    Buffer.compare(first.id, NOTHING.id) === 0
  );
}

function readTransaction(cursor: ByteCursor): Transaction {
  const { bytes } = cursor;
  const start = cursor.skip(4);
  let body = cursor.position;
  const hasWitness = cursor.has(2) && bytes[body] === 0;
  if (hasWitness) {
    if (bytes[body + 1] !== 1) throw new FormatError<TransactionFault>('bad-flag', body + 1);
    cursor.skip(2);
    body += 2;
  }
  const inputs = readMany(cursor, 41, readInput);
  if (inputs.length === 0) throw new FormatError<TransactionFault>('no-inputs', body);
  const outputs = readMany(cursor, 9, readOutput);
  const bodyEnd = cursor.position;
  if (hasWitness)
    for (let i = 0; i < inputs.length; i++)
      readMany(cursor, 1, (each) => each.take(compactSize(each)));
  const end = cursor.skip(4) + 4;
  const stripped = [
    bytes.subarray(start, start + 4),
    bytes.subarray(body, bodyEnd),
    bytes.subarray(end - 4, end),
  ];
  const id = doubleSha256(...stripped);
  return { id, inputs, outputs, stripped, strippedLength: bodyEnd - body + 8 };
}

function readInput(cursor: ByteCursor): { id: Uint8Array; index: number } {
  const id = cursor.take(32);
  const index = Number(littleEndian(cursor.take(4)));
  cursor.skip(compactSize(cursor));
  cursor.skip(4);
  return { id, index };
}

function readOutput(cursor: ByteCursor): Output {
  const value = littleEndian(cursor.take(8));
  return { value, script: cursor.take(compactSize(cursor)) };
}

/** Reads a count and as many of what `read` reads, each of which takes `least` bytes or more. */
function readMany<T>(cursor: ByteCursor, least: number, read: (cursor: ByteCursor) => T): T[] {
  const at = cursor.position;
  const count = compactSize(cursor);
  // Otherwise whoever sends three bytes has us make room for millions.
  if (count * least > cursor.remaining) throw new FormatError<TransactionFault>('too-many', at);
  return Array.from({ length: count }, () => read(cursor));
}

/** Bitcoin's CompactSize, which has to be in its shortest form. */
function compactSize(cursor: ByteCursor): number {
  const at = cursor.position;
  const first = cursor.u8();
  if (first < 0xfd) return first;
  const length = 2 ** (first - 0xfc);
  const value = littleEndian(cursor.take(length));
  if (value < (length === 2 ? 0xfdn : 1n << BigInt(4 * length)))
    throw new FormatError<TransactionFault>('not-shortest', at);
  if (value > 0x200_0000n) throw new FormatError<TransactionFault>('too-many', at);
  return Number(value);
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] as number);
  return value;
}
