// SPDX-License-Identifier: Apache-2.0
/**
 * Checking a tree head's signature: of a CT log RFC 6962, Section 3.5, over the DigitallySigned
 * structure of RFC 5246, Section 4.7, and of any other log the checkpoint's (checkpoint.ts):
 *
 *   hash(1) = 4 (sha256), signature(1) = 3 (ecdsa) or 1 (rsa), length(2), signature(length)
 */
import { verify } from 'node:crypto';
import { isSignedCheckpoint } from './checkpoint.ts';
import { isCheckpointKey, type CtKey, type LogKey } from './key.ts';
import { encodeSignedData, type Statement, type VerifiedStatement } from './statement.ts';

const HASH_SHA256 = 4;
const SIGNATURE = { 'ecdsa-p256': 3, rsa: 1 } as const;

/** The bare signature inside a DigitallySigned, or undefined where it is not one by `algorithm`. */
export function openDigitallySigned(
  bytes: Uint8Array,
  algorithm: CtKey['algorithm'],
): Uint8Array | undefined {
  const [hash, signature, high = 0, low = 0] = bytes;
  if (hash !== HASH_SHA256 || signature !== SIGNATURE[algorithm]) return undefined;
  if (bytes.length < 4 || bytes.length - 4 !== high * 256 + low) return undefined;
  return bytes.subarray(4);
}

/** The one way to a VerifiedStatement. Undefined: the log of `key` did not sign this. */
export function verifyStatement(head: Statement, key: LogKey): VerifiedStatement | undefined {
  const isSigned = isCheckpointKey(key) ? isSignedCheckpoint(head, key) : isSignedHead(head, key);
  return isSigned ? { ...head, logId: key.logId, __verified: true } : undefined;
}

function isSignedHead(head: Statement, key: CtKey): boolean {
  const signature = openDigitallySigned(head.signature, key.algorithm);
  if (signature === undefined) return false;
  // RSASSA-PKCS1-v1_5 is node's default padding for RSA; ECDSA signatures are DER (RFC 6962,
  // Section 2.1.4).
  return verify('sha256', encodeSignedData(head), key.publicKey, signature);
}
