// SPDX-License-Identifier: Apache-2.0
/**
 * A log's public key and the log ID that follows from it: RFC 6962, Section 3.2.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { toLogId, type LogId } from './statement.ts';

export interface LogKey {
  /** SHA-256 of `spki`. */
  readonly logId: LogId;
  /** SubjectPublicKeyInfo in DER, exactly as published: the log ID is a hash over these bytes. */
  readonly spki: Uint8Array;
  /** RFC 6962, Section 2.1.4 allows no other algorithms. */
  readonly algorithm: 'ecdsa-p256' | 'rsa';
  readonly publicKey: KeyObject;
}

/** Throws RangeError with the reason if `spki` is not a key that a CT log may have. */
export function toLogKey(spki: Uint8Array): LogKey {
  const der = Uint8Array.from(spki);
  // OpenSSL takes ten times as long to parse one, and most commands verify nothing.
  let publicKey: KeyObject | undefined;
  return {
    logId: logIdOf(der),
    spki: der,
    algorithm: algorithmAtSight(der) ?? algorithmOf((publicKey = parsed(der))),
    get publicKey() {
      return (publicKey ??= parsed(der));
    },
  };
}

function parsed(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    throw new RangeError('not a SubjectPublicKeyInfo in DER');
  }
}

/** What precedes the coordinates of a point on P-256, uncompressed: RFC 5480, Section 2. */
const P256_SPKI = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
/** P-256 is y^2 = x^3 - 3x + B modulo P: FIPS 186-4, D.1.2.3. */
const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const B = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;
/** What precedes a modulus of 2048 bits, and the exponent 65537 behind it: RFC 3279, 2.3.1. */
const RSA_SPKI = Buffer.from(
  '30820122300d06092a864886f70d01010105000382010f003082010a0282010100',
  'hex',
);
const RSA_EXPONENT = Buffer.from('0203010001', 'hex');

/** That of a key in an encoding that logs use; undefined for any other, right or wrong. */
function algorithmAtSight(spki: Uint8Array): LogKey['algorithm'] | undefined {
  const der = Buffer.from(spki.buffer, spki.byteOffset, spki.length);
  const after = (head: Buffer): Buffer | undefined =>
    head.equals(der.subarray(0, head.length)) ? der.subarray(head.length) : undefined;
  const point = after(P256_SPKI);
  if (point?.length === 64) return isOnP256(point) ? 'ecdsa-p256' : undefined;
  const modulus = after(RSA_SPKI);
  if (modulus?.length !== 256 + RSA_EXPONENT.length || (modulus[0] ?? 0) < 0x80) return undefined;
  return RSA_EXPONENT.equals(modulus.subarray(256)) ? 'rsa' : undefined;
}

function isOnP256(point: Buffer): boolean {
  const x = BigInt(`0x${point.toString('hex', 0, 32)}`);
  const y = BigInt(`0x${point.toString('hex', 32)}`);
  return x < P && y < P && (x ** 3n - 3n * x + B - y ** 2n) % P === 0n;
}

/** SHA-256 of a SubjectPublicKeyInfo as it was published, whether or not it is a key. */
export function logIdOf(spki: Uint8Array): LogId {
  return toLogId(createHash('sha256').update(spki).digest());
}

function algorithmOf(key: KeyObject): LogKey['algorithm'] {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return 'ecdsa-p256';
  if (key.asymmetricKeyType === 'rsa' && modulusLength !== undefined && modulusLength >= 2048)
    return 'rsa';
  const kind = [key.asymmetricKeyType ?? 'unknown', namedCurve ?? modulusLength]
    .filter((x) => x !== undefined)
    .join(' ');
  throw new RangeError(
    `key is ${kind}, want ECDSA P-256 or RSA of at least 2048 bits (RFC 6962, Section 2.1.4)`,
  );
}
