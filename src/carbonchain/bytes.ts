// SPDX-License-Identifier: Apache-2.0
/** What Bitcoin's formats have in common: double SHA-256, hashes as people write them. Pure. */
import { createHash } from 'node:crypto';

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function doubleSha256(...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(sha256(...parts));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Undefined unless it is an even number of hexadecimal digits, and `length` bytes if that is given. */
export function fromHex(text: string, length?: number): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})*$/i.test(text)) return undefined;
  const bytes = Buffer.from(text, 'hex');
  return length === undefined || bytes.length === length ? bytes : undefined;
}

/** A hash as Bitcoin shows it: the bytes in reverse, in hexadecimal. */
export function showHash(hash: Uint8Array): string {
  return toHex(Uint8Array.from(hash).reverse());
}

/** Undefined unless it is a hash as Bitcoin shows it. */
export function readHash(text: string): Uint8Array | undefined {
  return fromHex(text, 32)?.reverse();
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
