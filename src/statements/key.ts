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
  let publicKey: KeyObject;
  try {
    publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch {
    throw new RangeError('not a SubjectPublicKeyInfo in DER');
  }
  return {
    logId: logIdOf(spki),
    spki: Uint8Array.from(spki),
    algorithm: algorithmOf(publicKey),
    publicKey,
  };
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
