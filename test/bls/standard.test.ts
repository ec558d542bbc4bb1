// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import {
  aggregate,
  G1Point,
  G2Point,
  publicKeyOf,
  sign,
  verify,
} from '../../src/bls/signatures.ts';
import {
  decodePublicKey,
  decodeSignature,
  drawSecret,
  encodePublicKey,
  encodeSignature,
  isPossessed,
  proofOfPossession,
  secretOf,
  standard,
  suiteOf,
} from '../../src/bls/standard.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const text = (ascii: string): Uint8Array => new Uint8Array(Buffer.from(ascii, 'latin1'));

test('the hash to G1 is that of RFC 9380', () => {
  // Appendix J.9.1, BLS12381G1_XMD:SHA-256_SSWU_RO_: msg, P.x, P.y.
  const vectors = [
    [
      '',
      '052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1',
      '08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265',
    ],
    [
      'abc',
      '03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3aee664ba5379a7655d3c68900be2f6903',
      '0b9c15f3fe6e5cf4211f346271d7b01c8f3b28be689c8429c85b67af215533311f0b8dfaaa154fa6b88176c229f2885d',
    ],
  ] as const;
  const suite = suiteOf('QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_');
  for (const [message, x, y] of vectors) {
    const point = suite.hash(text(message)).toAffine();
    assert.equal(point.x, BigInt(`0x${x}`));
    assert.equal(point.y, BigInt(`0x${y}`));
  }
});

test("another library's keys and signatures", () => {
  // commonware-cryptography's MinSig (Rust, over blst): a signature under the tag of proofs of
  // possession, of its namespace and the key; and the signature of another key.
  const key = bytes(
    '92b050b6fbe80695b5d56835e978918e37c8707a7fad09a01ae782d4c3170c9baa4c2c196b36eac6b78ceb210b287aeb' +
      '0727ef1c60e48042142f7bcc8b6382305cd50c5a4542c44ec72a4de6640c194f8ef36bea1dbed168ab6fd8681d910d55',
  );
  const namespace = bytes('464c55454e545f44504f535f56315f0000000000005202');
  const message = new Uint8Array([namespace.length, ...namespace, ...key]);
  const good = bytes(
    'a27ecd57f1889127d81b2a3c46e1905c419302192ebc90f818c7d272b38a6495337f7dde0733d0d431fc1338e8caf62e',
  );
  const others = bytes(
    '9733f7c8769099b3c5f2601d80aec5f35b4e0086b9d4f2092140e0f40002c328ceb71b469d9456ed4caa27e340a78d9b',
  );
  const proofs = suiteOf('BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_');
  const point = decodePublicKey(key);
  assert.deepEqual(encodePublicKey(point), key);
  assert.ok(verify(proofs, decodeSignature(good), message, [point]));
  assert.ok(!verify(proofs, decodeSignature(others), message, [point]));
  assert.ok(!verify(standard, decodeSignature(good), message, [point]), 'for another purpose');
});

test('a proof of possession is of this key, and is no signature', () => {
  const [one, other] = [secretOf(drawSecret()), secretOf(drawSecret())];
  const [key, otherKey] = [publicKeyOf(standard, one), publicKeyOf(standard, other)];
  const proof = proofOfPossession(one);
  assert.ok(isPossessed(key, proof));
  assert.ok(!isPossessed(otherKey, proof));
  assert.ok(!isPossessed(key, encodeSignature(sign(standard, one, encodePublicKey(key)))));
  assert.ok(!isPossessed(key, new Uint8Array(48)));
});

test('a key that is chosen so that it cancels others has no proof', () => {
  const [mine, theirs] = [secretOf(drawSecret()), secretOf(drawSecret())];
  const victim = publicKeyOf(standard, theirs);
  // Its owner signs for both, and knows no secret of it.
  const rogue = publicKeyOf(standard, mine).subtract(victim);
  const message = text('what the victim never signed');
  assert.ok(verify(standard, sign(standard, mine, message), message, [rogue, victim]));
  assert.ok(!isPossessed(rogue, proofOfPossession(mine)));
});

test('multisignatures are of those that are named, of what they signed', () => {
  const secrets = [1, 2, 3].map(() => secretOf(drawSecret()));
  const keys = secrets.map((secret) => publicKeyOf(standard, secret));
  const message = text('message');
  const all = aggregate(secrets.map((secret) => sign(standard, secret, message)));
  assert.ok(verify(standard, all, message, keys));
  assert.ok(!verify(standard, all, text('other'), keys));
  assert.ok(!verify(standard, all, message, keys.slice(1)));
  assert.ok(!verify(standard, G1Point.ZERO, message, []));
  const [key] = keys;
  assert.ok(key !== undefined);
  assert.ok(!verify(standard, G1Point.ZERO, message, [key, key.negate()]));
});

test('a point has one encoding, and what is another is refused', () => {
  const key = publicKeyOf(standard, 5n);
  const signature = sign(standard, 5n, text('message'));
  const flipped = (of: Uint8Array, bits: number): Uint8Array => {
    const wrong = new Uint8Array(of);
    wrong[0] = (wrong[0] ?? 0) ^ bits;
    return wrong;
  };
  const good = encodeSignature(signature);
  // x + p is x to whoever reduces it, where it fits beside the flags.
  const { ORDER } = bls12_381.fields.Fp;
  let again: Uint8Array | undefined;
  for (let i = 0; again === undefined; i++) {
    const encoded = encodeSignature(sign(standard, 5n, text(`message ${i}`)));
    const flags = (encoded[0] ?? 0) & 0xe0;
    const x = BigInt(`0x${Buffer.from(flipped(encoded, flags)).toString('hex')}`) + ORDER;
    if (x >> 381n === 0n) again = flipped(bytes(x.toString(16).padStart(96, '0')), flags);
  }
  assert.throws(() => decodeSignature(again), RangeError);
  // Without the flag of compression, with that of infinity beside a point, and the other root.
  for (const bits of [0x80, 0x40, 0xc0]) {
    assert.throws(() => decodeSignature(flipped(good, bits)), RangeError);
    assert.throws(() => decodePublicKey(flipped(encodePublicKey(key), bits)), RangeError);
  }
  const negative = decodeSignature(flipped(good, 0x20));
  assert.ok(negative.equals(signature.negate()));
  assert.ok(!verify(standard, negative, text('message'), [key]));
  // Infinity with something beside it.
  const infinity = new Uint8Array(48);
  [infinity[0], infinity[47]] = [0xc0, 1];
  assert.throws(() => decodeSignature(infinity), RangeError);
});

test('a public key outside of the subgroup is refused', () => {
  const { Fp2 } = bls12_381.fields;
  const b = Fp2.create({ c0: 4n, c1: 4n });
  let found = 0;
  for (let i = 1n; found < 3; i++) {
    const x = Fp2.create({ c0: i, c1: 0n });
    let y;
    try {
      y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b));
    } catch {
      continue; // no point has this x
    }
    const point = G2Point.fromAffine({ x, y });
    assert.ok(!point.isTorsionFree());
    const encoded = bytes(`${'00'.repeat(48)}${i.toString(16).padStart(96, '0')}`);
    for (const flags of [0x80, 0xa0]) {
      encoded[0] = flags;
      assert.throws(() => decodePublicKey(encoded), RangeError);
    }
    found += 1;
  }
});

test('what is no point of the subgroup is refused', () => {
  const infinity = (length: number): Uint8Array => {
    const point = new Uint8Array(length);
    point[0] = 0xc0;
    return point;
  };
  // On the curve, and not in the subgroup: y is a root of 4 for x = 0, and the order of that is 3.
  const outside = new Uint8Array(48);
  outside[0] = 0x80;
  assert.ok(!G1Point.fromAffine({ x: 0n, y: 2n }).isTorsionFree());
  for (const wrong of [infinity(48), outside, new Uint8Array(48), new Uint8Array(47)])
    assert.throws(() => decodeSignature(wrong), RangeError);
  for (const wrong of [infinity(96), new Uint8Array(96), G2Point.BASE.toBytes(false)])
    assert.throws(() => decodePublicKey(wrong), RangeError);
  for (const wrong of [new Uint8Array(32), new Uint8Array(32).fill(255), new Uint8Array(31)])
    assert.throws(() => secretOf(wrong), RangeError);
});
