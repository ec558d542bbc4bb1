/**
 * Merkle tree hashing: RFC 6962, Section 2.1. SHA-256 throughout, as for every CT log.
 * Pure: no I/O, no clock.
 */
import { hash } from 'node:crypto';

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

function sha256(bytes: Uint8Array): MerkleHash {
  return new Uint8Array(hash('sha256', bytes, 'buffer')) as MerkleHash;
}

/** MTH({d}) = SHA-256(0x00 || d). */
export function hashLeaf(entry: Uint8Array): MerkleHash {
  return sha256(Buffer.concat([LEAF, entry]));
}

/** 0x01 || left || right, filled in anew for each node: logs have millions of them. */
const node = new Uint8Array(65);
node[0] = 1;

/** SHA-256(0x01 || left || right). */
export function hashChildren(left: MerkleHash, right: MerkleHash): MerkleHash {
  node.set(left, 1);
  node.set(right, 33);
  return sha256(node);
}

/** MTH({}) = SHA-256(): the root of the tree of size 0. */
export const EMPTY_ROOT: MerkleHash = sha256(new Uint8Array());

export function equalHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
