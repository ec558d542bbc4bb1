// SPDX-License-Identifier: Apache-2.0
/**
 * Signed certificate timestamps: RFC 6962, Sections 3.2 to 3.4. A log's promise that a certificate
 * will be in its tree.
 */
import { verify } from 'node:crypto';
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { hashLeaf, type MerkleHash } from '../merkle/hash.ts';
import { isCheckpointKey, type LogKey } from '../statements/key.ts';
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
const LEAF_INDEX = 0;
const LEAF_INDEX_OCTETS = 5;
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
  if (isCheckpointKey(key)) return false;
  const signature = openDigitallySigned(sct.signature, key.algorithm);
  if (signature === undefined) return false;
  return verify('sha256', encodePromise(sct, entry), key.publicKey, signature);
}

/**
 * What the signature of an SCT covers (RFC 6962, Section 3.2): version(1) = 0, signature_type(1) =
 * certificate_timestamp(0), and the TimestampedEntry. To the last bit it is also the MerkleTreeLeaf
 * of Section 3.4, whose version and leaf type are 0 as well: whoever signs an SCT signs the leaf.
 */
export function encodePromise(
  sct: Pick<Sct, 'timestamp' | 'extensions'>,
  entry: LogEntry,
): Uint8Array {
  return Buffer.concat([Uint8Array.of(V1, CERTIFICATE_TIMESTAMP), timestampedEntry(sct, entry)]);
}

/**
 * The hash of the leaf that the SCT promises: over MerkleTreeLeaf (RFC 6962, Section 3.4), which is
 * version(1) = 0, leaf_type(1) = 0 and the TimestampedEntry.
 */
export function leafHashOf(
  sct: Pick<Sct, 'timestamp' | 'extensions'>,
  entry: LogEntry,
): MerkleHash {
  return hashLeaf(encodePromise(sct, entry));
}

/**
 * The index of the promised leaf, which a static-ct log writes into the extensions of its SCTs
 * (c2sp.org/static-ct-api, "SCT Extension"): a list of
 *
 *   extension_type(1), extension_data<0..2^16-1>
 *
 * of which the type leaf_index(0) has five octets, and none comes twice. Undefined if there is no
 * leaf_index. Throws FormatError for what is no such list.
 */
export function leafIndexOf(extensions: Uint8Array): bigint | undefined {
  const cursor = new ByteCursor(extensions);
  const types = new Set<number>();
  let index: bigint | undefined;
  while (!cursor.atEnd) {
    const start = cursor.position;
    const type = cursor.u8();
    const data = cursor.take(cursor.u16());
    if (types.has(type)) throw new FormatError('extension-twice', start);
    types.add(type);
    if (type !== LEAF_INDEX) continue;
    if (data.length !== LEAF_INDEX_OCTETS) throw new FormatError('bad-length', start);
    index = BigInt(Buffer.from(data).readUIntBE(0, LEAF_INDEX_OCTETS));
  }
  return index;
}

/** timestamp(8), entry_type(2), signed_entry, extensions<0..2^16-1>. */
function timestampedEntry(
  { timestamp, extensions }: Pick<Sct, 'timestamp' | 'extensions'>,
  entry: LogEntry,
): Buffer {
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
