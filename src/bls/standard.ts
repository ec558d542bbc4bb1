// SPDX-License-Identifier: Apache-2.0
/**
 * BLS12-381 as draft-irtf-cfrg-bls-signature-05 has it with proofs of possession, over the hash of
 * RFC 9380: the ciphersuite BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_. Signatures are in G1, 48
 * bytes, and public keys in G2, 96 bytes, both compressed: a key is sent once, a signature always,
 * and hashing to G1 takes a third of the time. Pure but for the drawing of secrets.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js';
import {
  G1Point,
  G2Point,
  publicKeyOf,
  sign,
  verify,
  type BlsSuite,
  type G1,
  type G2,
} from './signatures.ts';

const TAG = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';
const PROOF_TAG = 'BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_';
const { Fr } = bls12_381.fields;

export const SIGNATURE_BYTES = 48;
export const PUBLIC_KEY_BYTES = 96;
export const SECRET_BYTES = 32;

export const standard: BlsSuite = suiteOf(TAG);
/** That in which a key is its own message. Its tag is for nothing else. */
const proofs: BlsSuite = suiteOf(PROOF_TAG);

/** That of minimal signature sizes with a domain separation tag of one's own. */
export function suiteOf(tag: string): BlsSuite {
  return {
    generator: G2Point.BASE,
    hash: (message) => bls12_381.G1.hashToCurve(message, { DST: tag }),
  };
}

/** A secret key, 32 bytes. */
export function drawSecret(): Uint8Array {
  return bls12_381.utils.randomSecretKey();
}

/** Big-endian, as the draft has it. Throws RangeError for what is no secret key. */
export function secretOf(bytes: Uint8Array): bigint {
  const secret = BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`);
  if (bytes.length === SECRET_BYTES && secret > 0n && secret < Fr.ORDER) return secret;
  throw new RangeError('is no secret key of BLS12-381');
}

/**
 * Shows that whoever has the key has its secret (PopProve): without that, a key may be chosen so
 * that its owner signs for others too.
 */
export function proofOfPossession(secret: bigint): Uint8Array {
  return encodeSignature(sign(proofs, secret, encodePublicKey(publicKeyOf(standard, secret))));
}

/** PopVerify. */
export function isPossessed(key: G2, proof: Uint8Array): boolean {
  const signature = tryDecode(proof);
  return signature !== undefined && verify(proofs, signature, encodePublicKey(key), [key]);
}

/** The 48 bytes of a signature. */
export function encodeSignature(signature: G1): Uint8Array {
  return signature.toBytes(true);
}

/** Throws RangeError for what is no point of the subgroup, and for the point at infinity. */
export function decodeSignature(bytes: Uint8Array): G1 {
  return decoded(bytes, SIGNATURE_BYTES, () => G1Point.fromBytes(bytes));
}

function tryDecode(bytes: Uint8Array): G1 | undefined {
  try {
    return decodeSignature(bytes);
  } catch {
    return undefined;
  }
}

/** The 96 bytes of a public key. */
export function encodePublicKey(key: G2): Uint8Array {
  return key.toBytes(true);
}

/** Throws RangeError for what is no point of the subgroup, and for the point at infinity. */
export function decodePublicKey(bytes: Uint8Array): G2 {
  return decoded(bytes, PUBLIC_KEY_BYTES, () => G2Point.fromBytes(bytes));
}

function decoded<P extends G1 | G2>(bytes: Uint8Array, length: number, decode: () => P): P {
  if (bytes.length !== length) throw new RangeError(`is ${bytes.length} bytes, want ${length}`);
  let point: P;
  try {
    point = decode();
    // It has been, where the library decodes; that is remembered, so to be sure costs nothing.
    point.assertValidity();
  } catch {
    throw new RangeError('is no point of BLS12-381');
  }
  if (point.is0()) throw new RangeError('is no point of BLS12-381');
  return point;
}
