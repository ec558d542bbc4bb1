// SPDX-License-Identifier: Apache-2.0
/**
 * Messages that two who share a key sign (TSIG, RFC 8945), by HMAC-SHA-256 alone: every server has
 * that. What a peer writes is checked before anything of it is believed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { decodeBase64 } from '../base/base64.ts';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { u16, u32 } from './encode.ts';
import { RecordClass, RecordType } from './message.ts';
import { encodeName, foldName, readName, skipName } from './name.ts';

export interface TsigKey {
  /** A domain name, as text. */
  readonly name: string;
  readonly secret: Uint8Array;
}

/** RFC 8945, Section 3. */
export const TsigError = { none: 0, badSignature: 16, badKey: 17, badTime: 18 } as const;

/** What a response says of its signature. */
export interface Verified {
  /** The key's owner wrote it, and in answer to this request; nothing else may be believed of it. */
  readonly isGenuine: boolean;
  /** One of TsigError, or another number; undefined if there is no signature at all. */
  readonly error: number | undefined;
  /** With `badTime`, the server's clock, in seconds since the epoch. */
  readonly serverTime: number | undefined;
}

const ALGORITHM = encodeName('hmac-sha256');
const MAC_BYTES = 32;
/** In seconds: how far apart the clocks may be. */
const FUDGE = 300;
const ARCOUNT = 10;

/**
 * The message with a TSIG record at its end, and the MAC, by which the response is verified. `now` is
 * in milliseconds since the epoch.
 */
export function signMessage(
  message: Uint8Array,
  key: TsigKey,
  now: number,
): { readonly bytes: Buffer; readonly mac: Uint8Array } {
  const id = message.subarray(0, 2);
  const time = u48(Math.floor(now / 1000));
  const mac = hmac(key, [message, variables(key, time, u16(FUDGE), u16(0), Buffer.alloc(0))]);
  const rdata = [ALGORITHM, time, u16(FUDGE), u16(mac.length), mac, id, u16(0), u16(0)];
  const length = rdata.reduce((sum, part) => sum + part.length, 0);
  const owner = [nameOf(key), u16(RecordType.tsig), u16(RecordClass.any), u32(0), u16(length)];
  const bytes = Buffer.concat([message, ...owner, ...rdata]);
  bytes.writeUInt16BE(bytes.readUInt16BE(ARCOUNT) + 1, ARCOUNT);
  return { bytes, mac };
}

/**
 * Checks the response to a request that was signed with this MAC. Throws FormatError for bytes that
 * are no message.
 */
export function verifyResponse(
  response: Uint8Array,
  key: TsigKey,
  requestMac: Uint8Array,
  now: number,
): Verified {
  const at = lastAdditional(response);
  const none = { isGenuine: false, error: undefined, serverTime: undefined };
  if (at === undefined) return none;
  const cursor = new ByteCursor(response, at);
  const owner = foldName(readName(cursor));
  if (cursor.u16() !== RecordType.tsig) return none;
  const rclass = cursor.u16();
  if (cursor.u32() !== 0 || cursor.u16() !== cursor.remaining) return none;
  const algorithm = foldName(readName(cursor));
  const time = cursor.take(6);
  const fudge = cursor.take(2);
  const mac = cursor.take(cursor.u16());
  const originalId = cursor.take(2);
  const error = cursor.take(2);
  const other = cursor.take(cursor.u16());
  if (!cursor.atEnd) throw new FormatError('trailing bytes', cursor.position);
  const errorCode = number(error);
  // What was signed: the message without this record, and the identification that it had.
  const message = Buffer.from(response.subarray(0, at));
  message.writeUInt16BE(message.readUInt16BE(ARCOUNT) - 1, ARCOUNT);
  message.set(originalId, 0);
  const wanted = hmac(key, [
    u16(requestMac.length),
    requestMac,
    message,
    variables(key, time, fudge, error, other),
  ]);
  const signedAt = number(time);
  const isGenuine =
    equal(owner, nameOf(key)) &&
    rclass === RecordClass.any &&
    equal(algorithm, ALGORITHM) &&
    mac.length === MAC_BYTES &&
    timingSafeEqual(mac, wanted) &&
    // A response that says whose clock is wrong has the time of the request.
    Math.abs(signedAt - Math.floor(now / 1000)) <= Math.max(number(fudge), FUDGE);
  const serverTime =
    errorCode === TsigError.badTime && other.length === 6 ? number(other) : undefined;
  return { isGenuine, error: errorCode, serverTime };
}

/** RFC 8945, Section 4.3.3. */
function variables(
  key: TsigKey,
  time: Uint8Array,
  fudge: Uint8Array,
  error: Uint8Array,
  other: Uint8Array,
): Buffer {
  const parts = [u16(RecordClass.any), u32(0), ALGORITHM, time, fudge, error, u16(other.length)];
  return Buffer.concat([nameOf(key), ...parts, other]);
}

function hmac({ secret }: TsigKey, parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** Where the last record of the additional section begins; undefined if that is empty. */
function lastAdditional(bytes: Uint8Array): number | undefined {
  const cursor = new ByteCursor(bytes);
  cursor.skip(4);
  const counts = [cursor.u16(), cursor.u16(), cursor.u16(), cursor.u16()] as const;
  for (let left = counts[0]; left > 0; left--) {
    skipName(cursor);
    cursor.skip(4);
  }
  let last: number | undefined;
  for (let left = counts[1] + counts[2] + counts[3]; left > 0; left--) {
    last = cursor.position;
    skipName(cursor);
    cursor.skip(8);
    cursor.skip(cursor.u16());
  }
  return counts[3] === 0 ? undefined : last;
}

function nameOf(key: TsigKey): Uint8Array {
  return foldName(encodeName(key.name));
}

function u48(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}

function number(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

/**
 * The key in a file as tsig-keygen (BIND), keymgr (Knot) and `-y` of dig, kdig and nsupdate have it:
 * a `key` statement, YAML, or `hmac-sha256:NAME:SECRET`. Throws RangeError with a clause for people.
 */
export function parseTsigKey(text: string): TsigKey {
  const plain = text.replaceAll(/^\s*(#|\/\/).*$/gm, '');
  const value = (what: string): string | undefined =>
    new RegExp(`(?:^|[\\s;{])${what}:?\\s+"?([^"\\s;{}]+)"?`).exec(plain)?.[1];
  const line = /^\s*(?:([\w-]+):)?([^\s:"]+):([A-Za-z0-9+/=]+)\s*$/.exec(plain);
  const name = line?.[2] ?? value('key(?=\\s+"?[^"\\s;{}]+"?\\s*\\{)') ?? value('id');
  const algorithm = line === null ? value('algorithm') : (line[1] ?? 'hmac-sha256');
  const secret = decodeBase64(line?.[3] ?? value('secret') ?? '');
  if (name === undefined || secret === undefined || secret.length === 0)
    throw new RangeError('is no TSIG key');
  if (algorithm?.toLowerCase().replace(/\.$/, '') !== 'hmac-sha256')
    throw new RangeError(`has a key for ${algorithm ?? 'no algorithm'}, want hmac-sha256`);
  encodeName(name);
  return { name, secret };
}
