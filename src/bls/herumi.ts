// SPDX-License-Identifier: Apache-2.0
/**
 * BLS12-381 as github.com/herumi/bls has it when it is not built for Ethereum (bls-go-binary
 * 1.28.2, `bls.Init(bls.BLS12_381)`): another encoding, another hash to the curve and another
 * generator than RFC 9380 and draft-irtf-cfrg-bls-signature have. Pure.
 */
import { createHash } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { G1Point, G2Point, type BlsSuite, type G1, type G2 } from './signatures.ts';

const { Fp, Fp2, Fr } = bls12_381.fields;
const FP_BYTES = 48;
const SECRET_BYTES = 32;
/** In the last byte of an encoded point: y is odd. The field's elements leave it free. */
const ODD = 0x80;

// "Indifferentiable Hashing to Barreto-Naehrig Curves" (Fouque, Tibouchi), which mcl uses for
// BLS12-381 too.
const ROOT_OF_MINUS_3 = Fp.sqrt(Fp.neg(3n));
const THIRD_ROOT_OF_1 = Fp.div(Fp.sub(ROOT_OF_MINUS_3, Fp.ONE), 2n);
/** Of G1: the curve has so many times the points of the subgroup. */
const COFACTOR = 0x396c8c005555e1568c00aaab0000aaabn;

export const herumi: BlsSuite = {
  // What blsGetGeneratorOfPublicKey gives. Every key pair of that library gives it too.
  generator: G2Point.fromAffine({
    x: Fp2.create({
      c0: 0x0f3d011af81acf00140aab3c122c61bbdf0628db81c37664bdfc828163ce074ee33a1a5ce5488556603bc5d8d9f21eccn,
      c1: 0x171df7a5080f908a16c2658ea90164e28c924c3f0e6655f6d82adca6bfbdfb5f9efca82c1609676fa15cd30396f1a4b3n,
    }),
    y: Fp2.create({
      c0: 0x0738a4db169d33b52ecdf6470030add6488ec3e8fc746734b9107c5315b6352675479f364fc210e5e46857278215abd1n,
      c1: 0x19e96417debc6d686aead20955eacc0c18fa0ec8162a32f18e5e390bee6bc4f3c80be4ba018d7f6b488f2445de040696n,
    }),
  }),
  hash: hashToG1,
};

/** The 48 bytes of a signature. */
export function encodeSignature(signature: G1): Uint8Array {
  const { x, y } = signature.toAffine();
  return withOddness(littleEndian(x, FP_BYTES), y);
}

/** Throws RangeError for what is no point of the subgroup, and for the point at infinity. */
export function decodeSignature(bytes: Uint8Array): G1 {
  const [[x = 0n], isOdd] = coordinates(bytes, 1);
  const y = rooted(() => Fp.sqrt(Fp.add(Fp.mul(Fp.sqr(x), x), 4n)));
  return ofSubgroup(G1Point.fromAffine({ x, y: ((y & 1n) === 1n) === isOdd ? y : Fp.neg(y) }));
}

/** The 96 bytes of a public key. */
export function encodePublicKey(key: G2): Uint8Array {
  const { x, y } = key.toAffine();
  const bytes = new Uint8Array(2 * FP_BYTES);
  bytes.set(littleEndian(x.c0, FP_BYTES));
  bytes.set(littleEndian(x.c1, FP_BYTES), FP_BYTES);
  return withOddness(bytes, y.c0);
}

/** Throws RangeError for what is no point of the subgroup, and for the point at infinity. */
export function decodePublicKey(bytes: Uint8Array): G2 {
  const [[c0 = 0n, c1 = 0n], isOdd] = coordinates(bytes, 2);
  const x = Fp2.create({ c0, c1 });
  const b = Fp2.create({ c0: 4n, c1: 4n });
  const y = rooted(() => Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b)));
  return ofSubgroup(G2Point.fromAffine({ x, y: ((y.c0 & 1n) === 1n) === isOdd ? y : Fp2.neg(y) }));
}

export function encodeSecret(secret: bigint): Uint8Array {
  return littleEndian(secret, SECRET_BYTES);
}

/** Throws RangeError for what is no secret key. */
export function decodeSecret(bytes: Uint8Array): bigint {
  const secret = number(bytes);
  if (bytes.length === SECRET_BYTES && secret > 0n && secret < Fr.ORDER) return secret;
  throw new RangeError('is no secret key of BLS12-381');
}

function hashToG1(message: Uint8Array): G1 {
  // mcl's Fp::setHashOf: the digest is cut to the field's 381 bits, or if that is too large to 380.
  const digest = number(createHash('sha512').update(message).digest());
  const cut = BigInt.asUintN(381, digest);
  const t = cut < Fp.ORDER ? cut : BigInt.asUintN(380, digest);
  return mapToG1(t).multiplyUnsafe(COFACTOR);
}

/** mcl's MapTo::calcBN. The first x of three with a point on the curve; y has the sign of t. */
function mapToG1(t: bigint): G1 {
  const w = Fp.div(Fp.mul(ROOT_OF_MINUS_3, t), Fp.create(t * t + 5n));
  const x1 = Fp.sub(THIRD_ROOT_OF_1, Fp.mul(t, w));
  const x2 = Fp.sub(Fp.neg(x1), Fp.ONE);
  const x3 = Fp.add(Fp.inv(Fp.sqr(w)), Fp.ONE);
  for (const x of [x1, x2, x3]) {
    const square = Fp.add(Fp.mul(Fp.sqr(x), x), 4n);
    if (!isSquare(square)) continue;
    const y = Fp.sqrt(square);
    return G1Point.fromAffine({ x, y: isSquare(t) ? y : Fp.neg(y) });
  }
  throw new Error('one of three is always on the curve');
}

function isSquare(value: bigint): boolean {
  return value === 0n || Fp.eql(Fp.pow(value, (Fp.ORDER - 1n) / 2n), Fp.ONE);
}

/** The coordinates of x, each below the field's order, and whether y is odd. */
function coordinates(bytes: Uint8Array, count: number): [x: bigint[], isOdd: boolean] {
  if (bytes.length !== count * FP_BYTES)
    throw new RangeError(`is ${bytes.length} bytes, want ${count * FP_BYTES}`);
  const plain = Uint8Array.from(bytes);
  const last = plain.length - 1;
  const isOdd = ((plain[last] ?? 0) & ODD) !== 0;
  plain[last] = (plain[last] ?? 0) & ~ODD;
  const x = Array.from({ length: count }, (_, i) =>
    number(plain.subarray(i * FP_BYTES, (i + 1) * FP_BYTES)),
  );
  if (x.some((each) => each >= Fp.ORDER) || x.every((each) => each === 0n)) throw noPoint();
  return [x, isOdd];
}

function rooted<T>(root: () => T): T {
  try {
    return root();
  } catch {
    throw noPoint();
  }
}

function ofSubgroup<P extends G1 | G2>(point: P): P {
  if (!point.isTorsionFree()) throw noPoint();
  return point;
}

function noPoint(): RangeError {
  return new RangeError('is no point of BLS12-381');
}

function withOddness(bytes: Uint8Array, y: bigint): Uint8Array {
  const last = bytes.length - 1;
  if ((y & 1n) === 1n) bytes[last] = (bytes[last] ?? 0) | ODD;
  return bytes;
}

function number(littleEndianBytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(littleEndianBytes).reverse().toString('hex') || '0'}`);
}

function littleEndian(value: bigint, length: number): Uint8Array {
  return Uint8Array.from(
    Buffer.from(value.toString(16).padStart(2 * length, '0'), 'hex').reverse(),
  );
}
