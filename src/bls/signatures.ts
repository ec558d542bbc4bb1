// SPDX-License-Identifier: Apache-2.0
/**
 * BLS multisignatures over BLS12-381: signatures in G1, public keys in G2. A signature of several is
 * the sum of theirs, and who they are has to be said beside it. What differs from one deployment to
 * another, the generator and how a message becomes a point, is a suite. Pure.
 *
 * Whoever adds keys up must know of each that its owner has the secret (a proof of possession, or a
 * dealer who made them all): else one of them can choose its key so that it signs for the others.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js';

export const { Point: G1Point } = bls12_381.G1;
export const { Point: G2Point } = bls12_381.G2;
export type G1 = InstanceType<typeof G1Point>;
export type G2 = InstanceType<typeof G2Point>;

export interface BlsSuite {
  readonly generator: G2;
  /** The point of the subgroup that stands for a message. */
  hash(message: Uint8Array): G1;
}

/** `secret` is a number from 1 to the group's order less 1. */
export function publicKeyOf(suite: BlsSuite, secret: bigint): G2 {
  return suite.generator.multiply(secret);
}

export function sign(suite: BlsSuite, secret: bigint, message: Uint8Array): G1 {
  return suite.hash(message).multiply(secret);
}

/** The one signature of all these. Of no signatures it is the point at infinity. */
export function aggregate(signatures: readonly G1[]): G1 {
  return signatures.reduce((sum, signature) => sum.add(signature), G1Point.ZERO);
}

/**
 * Whether the owners of all these keys have signed the message together. Points must be of the
 * subgroup: decoding sees to that. Nobody's signature, and one under keys that cancel each other
 * out, are never valid.
 */
export function verify(
  suite: BlsSuite,
  signature: G1,
  message: Uint8Array,
  keys: readonly G2[],
): boolean {
  const key = keys.reduce((sum, each) => sum.add(each), G2Point.ZERO);
  if (signature.is0() || key.is0()) return false;
  // e(signature, generator) = e(hash, key), as one product of pairings.
  const { Fp12 } = bls12_381.fields;
  const product = bls12_381.pairingBatch([
    { g1: signature, g2: suite.generator },
    { g1: suite.hash(message).negate(), g2: key },
  ]);
  return Fp12.eql(product, Fp12.ONE);
}
