/**
 * Merkle tree hashing: RFC 6962, Section 2.1. SHA-256 throughout, as for every CT log.
 * Pure: no I/O, no clock.
 */
import { createHash } from 'node:crypto';

/** Exactly 32 bytes. `toMerkleHash` is the one way to obtain one from outside. */
export type MerkleHash = Uint8Array & { readonly __brand: 'MerkleHash' };

/**
 * Throws RangeError unless there are exactly 32 bytes. Copies, so the caller's buffer may be
 * reused.
 */
export function toMerkleHash(bytes: Uint8Array): MerkleHash {
  if (bytes.length !== 32) throw new RangeError(`hash is ${bytes.length} bytes, want 32`);
  return Uint8Array.from(bytes) as MerkleHash;
}

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

function sha256(...parts: readonly Uint8Array[]): MerkleHash {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest()) as MerkleHash;
}

/** MTH({d}) = SHA-256(0x00 || d). */
export function hashLeaf(entry: Uint8Array): MerkleHash {
  return sha256(LEAF, entry);
}

/** SHA-256(0x01 || left || right). */
export function hashChildren(left: MerkleHash, right: MerkleHash): MerkleHash {
  return sha256(NODE, left, right);
}

/** MTH({}) = SHA-256(): the root of the tree of size 0. */
export const EMPTY_ROOT: MerkleHash = sha256();

export function equalHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
