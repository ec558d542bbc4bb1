// SPDX-License-Identifier: Apache-2.0
/**
 * Signed certificate timestamps: RFC 6962, Sections 3.2 to 3.4. A log's promise that a certificate
 * will be in its tree.
 */
import { verify } from 'node:crypto';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { hashLeaf, type MerkleHash } from '../merkle/hash.ts';
import type { LogKey } from '../statements/key.ts';
import { toLogId, type LogId } from '../statements/statement.ts';
import { openDigitallySigned } from '../statements/verify.ts';

/** What claims to be an SCT: nothing has been checked but its form. */
export interface Sct {
  readonly logId: LogId;
  /** Milliseconds since the epoch, 0 .. 2^64 - 1. */
  readonly timestamp: bigint;
  /** CtExtensions; static-ct logs write the leaf index there. */
  readonly extensions: Uint8Array;
  /** The TLS DigitallySigned structure (RFC 5246, Section 4.7). */
  readonly signature: Uint8Array;
}

/** What a log has in its tree for a certificate (RFC 6962, Section 3.1). */
export type LogEntry =
  | { readonly type: 'x509'; readonly certificate: Uint8Array }
  | {
      readonly type: 'precert';
      /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
      readonly issuerKeyHash: Uint8Array;
      /** The TBSCertificate in DER, without poison and without SCTs. */
      readonly tbsCertificate: Uint8Array;
    };

const V1 = 0;
const CERTIFICATE_TIMESTAMP = 0;
const TIMESTAMPED_ENTRY = 0;
const ENTRY_TYPE = { x509: 0, precert: 1 } as const;

/**
 * Parses SignedCertificateTimestamp (RFC 6962, Section 3.2):
 *
 *   version(1) = 0, log_id(32), timestamp(8), extensions<0..2^16-1>, hash(1), algorithm(1),
 *   signature<0..2^16-1>
 *
 * Throws FormatError for anything else, trailing bytes among it.
 */
export function parseSct(bytes: Uint8Array): Sct {
  const cursor = new ByteCursor(bytes);
  if (cursor.u8() !== V1) throw new FormatError('not-v1', 0);
  const logId = toLogId(cursor.take(32));
  const timestamp = (BigInt(cursor.u32()) << 32n) | BigInt(cursor.u32());
  const extensions = cursor.take(cursor.u16());
  const start = cursor.skip(2);
  cursor.skip(cursor.u16());
  if (!cursor.atEnd) throw new FormatError('trailing-bytes', cursor.position);
  return { logId, timestamp, extensions, signature: bytes.subarray(start) };
}

/**
 * The serialized SCTs of a SignedCertificateTimestampList (RFC 6962, Section 3.3), which is what
 * the TLS extension holds, and in an OCTET STRING the certificate's. Throws FormatError.
 */
export function parseSctList(bytes: Uint8Array): Uint8Array[] {
  const cursor = new ByteCursor(bytes);
  if (cursor.u16() !== cursor.remaining) throw new FormatError('bad-length', 0);
  const scts: Uint8Array[] = [];
  while (!cursor.atEnd) scts.push(cursor.take(cursor.u16()));
  return scts;
}

/** Whether the log of `key` promised to include `entry`. */
export function verifySct(sct: Sct, entry: LogEntry, key: LogKey): boolean {
  if (!Buffer.from(sct.logId).equals(key.logId)) return false;
  const signature = openDigitallySigned(sct.signature, key.algorithm);
  if (signature === undefined) return false;
  // digitally-signed struct: version, signature type, and from there on as in the leaf.
  const signed = Buffer.concat([
    Uint8Array.of(V1, CERTIFICATE_TIMESTAMP),
    timestampedEntry(sct, entry),
  ]);
  return verify('sha256', signed, key.publicKey, signature);
}

/**
 * The hash of the leaf that the SCT promises: over MerkleTreeLeaf (RFC 6962, Section 3.4), which is
 * version(1) = 0, leaf_type(1) = 0 and the TimestampedEntry.
 */
export function leafHashOf(sct: Sct, entry: LogEntry): MerkleHash {
  return hashLeaf(
    Buffer.concat([Uint8Array.of(V1, TIMESTAMPED_ENTRY), timestampedEntry(sct, entry)]),
  );
}

/** timestamp(8), entry_type(2), signed_entry, extensions<0..2^16-1>. */
function timestampedEntry({ timestamp, extensions }: Sct, entry: LogEntry): Buffer {
  const head = Buffer.alloc(10);
  head.writeBigUInt64BE(timestamp);
  head.writeUInt16BE(ENTRY_TYPE[entry.type], 8);
  const certificate =
    entry.type === 'x509'
      ? withLength(entry.certificate, 3)
      : Buffer.concat([entry.issuerKeyHash, withLength(entry.tbsCertificate, 3)]);
  return Buffer.concat([head, certificate, withLength(extensions, 2)]);
}

/** Behind its length in `octets` octets. Throws RangeError if it is too long for that. */
function withLength(bytes: Uint8Array, octets: 2 | 3): Buffer {
  const length = Buffer.alloc(octets);
  length.writeUIntBE(bytes.length, 0, octets);
  return Buffer.concat([length, bytes]);
}
