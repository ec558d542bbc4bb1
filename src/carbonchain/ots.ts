// SPDX-License-Identifier: Apache-2.0
/**
 * OpenTimestamps files (python-opentimestamps 0.4.5, core/timestamp.py and core/notary.py): steps that lead
 * from the SHA-256 of a file to the Merkle root of a block. Pure.
 *
 * A file may be anybody's, so what is read is limited as it is there: 256 steps deep, 4096 bytes a
 * message, 8192 an attestation. Of the operations, those that calendars and ctga write are worked
 * out; below another one nothing is proven.
 */
import { randomBytes } from 'node:crypto';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { sameBytes, sha256 } from './bytes.ts';
import { branchOf } from './merkle.ts';

const MAGIC = Buffer.concat([
  Buffer.from('\0OpenTimestamps\0\0Proof\0', 'latin1'),
  Buffer.from('bf89e2e884e89294', 'hex'),
]);
const MAJOR_VERSION = 1;
const SHA256 = 0x08;
const APPEND = 0xf0;
const PREPEND = 0xf1;
/** SHA-1, RIPEMD-160, Keccak-256, reverse and hexlify: known, and not worked out. */
const OTHERS: readonly number[] = [0x02, 0x03, 0x67, 0xf2, 0xf3];
const FORK = 0xff;
const ATTESTATION = 0x00;
const BITCOIN = '0588960d73d71901';

const MAX_MESSAGE = 4096;
const MAX_PAYLOAD = 8192;
const MAX_DEPTH = 256;
/** Far above what any calendar gives: each byte can cost a hash of 4096. */
export const MAX_OTS_BYTES = 2 ** 16;

type Fault = 'magic' | 'version' | 'not-sha256' | 'step' | 'too-long' | 'too-deep' | 'trailing';

/** What an operation does to a message. */
export type OtsStep =
  { readonly is: 'sha256' } | { readonly is: 'append' | 'prepend'; readonly bytes: Uint8Array };

const HASH: OtsStep = { is: 'sha256' };
const TWICE: readonly OtsStep[] = [HASH, HASH];

/** The file says: the block at this height has this Merkle root, as its header has the bytes. */
export interface BlockAttestation {
  readonly height: number;
  readonly root: Uint8Array;
}

export interface Ots {
  /** SHA-256 of what was stamped. */
  readonly digest: Uint8Array;
  readonly blocks: readonly BlockAttestation[];
}

/** A stamp for one digest: the steps from it to the Merkle root of the block at this height. */
export function writeOts(
  digest: Uint8Array,
  steps: readonly OtsStep[],
  height: number,
): Uint8Array {
  const parts: Uint8Array[] = [MAGIC, Uint8Array.of(MAJOR_VERSION, SHA256), digest];
  for (const step of steps)
    if (step.is === 'sha256') parts.push(Uint8Array.of(SHA256));
    else
      parts.push(
        Uint8Array.of(step.is === 'append' ? APPEND : PREPEND),
        varint(step.bytes.length),
        step.bytes,
      );
  const payload = varint(height);
  parts.push(
    Uint8Array.of(ATTESTATION),
    Buffer.from(BITCOIN, 'hex'),
    varint(payload.length),
    payload,
  );
  return Buffer.concat(parts);
}

/** Throws FormatError<Fault> for what is no such file. */
export function readOts(bytes: Uint8Array): Ots {
  if (bytes.length > MAX_OTS_BYTES) throw new FormatError<Fault>('too-long', MAX_OTS_BYTES);
  const cursor = new ByteCursor(bytes);
  if (!sameBytes(cursor.take(MAGIC.length), MAGIC)) throw new FormatError<Fault>('magic', 0);
  if (readVarint(cursor) !== MAJOR_VERSION)
    throw new FormatError<Fault>('version', cursor.position);
  if (cursor.u8() !== SHA256) throw new FormatError<Fault>('not-sha256', cursor.position);
  const digest = Uint8Array.from(cursor.take(32));
  const blocks: BlockAttestation[] = [];
  readSteps(cursor, digest, blocks, MAX_DEPTH);
  if (!cursor.atEnd) throw new FormatError<Fault>('trailing', cursor.position);
  return { digest, blocks };
}

/** `message` is undefined below an operation that is not worked out. */
function readSteps(
  cursor: ByteCursor,
  message: Uint8Array | undefined,
  blocks: BlockAttestation[],
  depth: number,
): void {
  if (depth === 0) throw new FormatError<Fault>('too-deep', cursor.position);
  const one = (tag: number): void => {
    if (tag === ATTESTATION) return readAttestation(cursor, message, blocks);
    readSteps(cursor, readStep(cursor, tag, message), blocks, depth - 1);
  };
  let tag = cursor.u8();
  for (; tag === FORK; tag = cursor.u8()) one(cursor.u8());
  one(tag);
}

function readStep(
  cursor: ByteCursor,
  tag: number,
  message: Uint8Array | undefined,
): Uint8Array | undefined {
  const at = cursor.position;
  if (tag === SHA256) return message && sha256(message);
  if (tag === APPEND || tag === PREPEND) {
    const argument = cursor.take(lengthIn(cursor, 1, MAX_MESSAGE));
    if (message === undefined) return undefined;
    if (message.length + argument.length > MAX_MESSAGE)
      throw new FormatError<Fault>('too-long', at);
    return Buffer.concat(tag === APPEND ? [message, argument] : [argument, message]);
  }
  if (!OTHERS.includes(tag)) throw new FormatError<Fault>('step', at - 1);
  return undefined;
}

function readAttestation(
  cursor: ByteCursor,
  message: Uint8Array | undefined,
  blocks: BlockAttestation[],
): void {
  const tag = Buffer.from(cursor.take(8)).toString('hex');
  const payload = new ByteCursor(cursor.take(lengthIn(cursor, 0, MAX_PAYLOAD)));
  // Those of calendars, and of other chains, are nobody's proof here.
  if (tag !== BITCOIN) return;
  const height = readVarint(payload);
  if (!payload.atEnd) throw new FormatError<Fault>('trailing', cursor.position);
  if (message?.length === 32) blocks.push({ height, root: message });
}

function lengthIn(cursor: ByteCursor, least: number, most: number): number {
  const at = cursor.position;
  const length = readVarint(cursor);
  if (length < least || length > most) throw new FormatError<Fault>('too-long', at);
  return length;
}

/** LEB128, of what is a height or a length. */
function readVarint(cursor: ByteCursor): number {
  const at = cursor.position;
  let value = 0;
  for (let shift = 1; shift <= 2 ** 28; shift *= 128) {
    const byte = cursor.u8();
    value += (byte & 0x7f) * shift;
    if (byte < 0x80) return value;
  }
  throw new FormatError<Fault>('too-long', at);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 0x80);
  return Uint8Array.of(...bytes, rest);
}

/** What is hashed beside each digest, so that who has one stamp learns nothing of the others. */
export function newNonce(): Uint8Array {
  return Uint8Array.from(randomBytes(16));
}

/**
 * One root over digests, each with its nonce, and the steps from each digest to it.
 *
 * @throws RangeError if there is none
 */
export function gather(
  leaves: readonly { readonly digest: Uint8Array; readonly nonce: Uint8Array }[],
): { readonly root: Uint8Array; readonly steps: readonly (readonly OtsStep[])[] } {
  const steps: OtsStep[][] = leaves.map(({ nonce }) => [{ is: 'append', bytes: nonce }, HASH]);
  let level = leaves.map(({ digest, nonce }, i) => ({ hash: sha256(digest, nonce), of: [i] }));
  while (level.length > 1) {
    const above: typeof level = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = level.slice(i, i + 2) as [(typeof level)[0], (typeof level)[0]?];
      if (right === undefined) above.push(left);
      else {
        for (const each of left.of) steps[each]?.push({ is: 'append', bytes: right.hash }, HASH);
        for (const each of right.of) steps[each]?.push({ is: 'prepend', bytes: left.hash }, HASH);
        above.push({ hash: sha256(left.hash, right.hash), of: [...left.of, ...right.of] });
      }
    }
    level = above;
  }
  const [top] = level;
  if (top === undefined) throw new RangeError('there is nothing to stamp');
  return { root: top.hash, steps };
}

/**
 * The steps from a root that a transaction carries to the Merkle root of its block, where it is the
 * transaction at `index` among those with these IDs.
 *
 * @throws RangeError if the transaction does not carry the root, or is too long for the format
 */
export function stepsInBlock(
  root: Uint8Array,
  transaction: Uint8Array,
  ids: readonly Uint8Array[],
  index: number,
): OtsStep[] {
  const at = Buffer.from(transaction).indexOf(root);
  if (at < 0 || transaction.length > MAX_MESSAGE)
    throw new RangeError('the transaction carries no such root, or has more than 4096 bytes');
  const around = [
    { is: 'prepend', bytes: transaction.subarray(0, at) },
    { is: 'append', bytes: transaction.subarray(at + root.length) },
  ] as const;
  const branch = branchOf(ids, index).flatMap((bytes, level): OtsStep[] => [
    { is: ((index >> level) & 1) === 1 ? 'prepend' : 'append', bytes },
    ...TWICE,
  ]);
  return [...around, ...TWICE, ...branch];
}
