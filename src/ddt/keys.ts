// SPDX-License-Identifier: Apache-2.0
/** Keys and signatures on secp256k1, as the original has them and as version 1 does. Pure. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256, fromHex } from '../carbonchain/bytes.ts';

export const PUBLIC_KEY_LENGTH = 33;
export const SIGNATURE_LENGTH = 64;

/** What the original signs of a command, in bytes: Go's ecdsa takes no more of what is no hash. */
export const SIGNED_BY_ORIGINAL = 32;

export interface KeyPair {
  readonly privateKey: Uint8Array;
  /** Compressed. */
  readonly publicKey: Uint8Array;
}

export function newKeyPair(): KeyPair {
  return keyPairOf(secp256k1.utils.randomSecretKey());
}

/** @throws Error if it is no private key */
export function keyPairOf(privateKey: Uint8Array): KeyPair {
  return { privateKey, publicKey: secp256k1.getPublicKey(privateKey, true) };
}

/** Undefined unless it is a private key: 64 hexadecimal digits, not 0 and less than the group's order. */
export function readPrivateKey(text: string): KeyPair | undefined {
  const bytes = fromHex(text.trim(), 32);
  return bytes !== undefined && secp256k1.utils.isValidSecretKey(bytes)
    ? keyPairOf(Uint8Array.from(bytes))
    : undefined;
}

export function isPublicKey(bytes: Uint8Array): boolean {
  return bytes.length === PUBLIC_KEY_LENGTH && secp256k1.utils.isValidPublicKey(bytes, true);
}

/** Signs the first 32 bytes of `message`, as the original does; `r` and `s` have 32 bytes each. */
export function signAsOriginal(message: Uint8Array, { privateKey }: KeyPair): Uint8Array {
  return secp256k1.sign(message.subarray(0, SIGNED_BY_ORIGINAL), privateKey, { prehash: false });
}

/** As Go's ecdsa.Verify: either of the two values of `s` will do. False for a key that is no point. */
export function verifyAsOriginal(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (!isPublicKey(publicKey)) return false;
  const start = message.subarray(0, SIGNED_BY_ORIGINAL);
  return secp256k1.verify(signature, start, publicKey, { prehash: false, lowS: false });
}

/** What version 1 signs: a SHA-256 in the manner of BIP 340's tagged hashes. */
function taggedHash(tag: string, parts: readonly Uint8Array[]): Uint8Array {
  const prefix = sha256(Buffer.from(tag));
  return sha256(prefix, prefix, ...parts);
}

export function signTagged(
  tag: string,
  parts: readonly Uint8Array[],
  { privateKey }: KeyPair,
): Uint8Array {
  return secp256k1.sign(taggedHash(tag, parts), privateKey, { prehash: false });
}

/** Of the two values of `s`, only the lower is taken: nobody can make a second signature of one. */
export function verifyTagged(
  tag: string,
  parts: readonly Uint8Array[],
  signature: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  return (
    isPublicKey(publicKey) &&
    secp256k1.verify(signature, taggedHash(tag, parts), publicKey, { prehash: false, lowS: true })
  );
}
