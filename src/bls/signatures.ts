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
  // e(signature, generator) = e(hash, key), as one product of pairings. Not by pairingBatch: that
  // looks once more whether a hash and a sum of keys are of the subgroup.
  const { Fp12 } = bls12_381.fields;
  const [mine, theirs] = [signature.toAffine(), suite.hash(message).negate().toAffine()];
  const pairs: Parameters<typeof bls12_381.millerLoopBatch>[0] = [
    [linesOf(suite), mine.x, mine.y],
    [calcPairingPrecomputes(key), theirs.x, theirs.y],
  ];
  return Fp12.eql(Fp12.finalExponentiate(bls12_381.millerLoopBatch(pairs)), Fp12.ONE);
}

const { calcPairingPrecomputes } = bls12_381.utils;
type Lines = ReturnType<typeof calcPairingPrecomputes>;
const linesOfGenerators = new WeakMap<G2, Lines>();

/** The part of a pairing that is of the generator alone: worked out once. */
function linesOf({ generator }: BlsSuite): Lines {
  const known = linesOfGenerators.get(generator) ?? calcPairingPrecomputes(generator);
  linesOfGenerators.set(generator, known);
  return known;
}
