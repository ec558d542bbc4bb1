// SPDX-License-Identifier: Apache-2.0
/**
 * What a log is known by: of a CT log its public key (RFC 6962, Section 3.2); of any other log that
 * signs checkpoints its origin and its verifier key (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { parseNoteKey, type NoteKey } from './note-key.ts';
import { toLogId, type LogId } from './statement.ts';

/** Types of keys with which logs sign checkpoints: c2sp.org/signed-note, "Signature types". */
const ALGORITHMS: ReadonlyMap<number, CheckpointKey['algorithm']> = new Map([
  [0x01, 'ed25519'],
  [0x06, 'ml-dsa-44'],
]);

export type LogKey = CtKey | CheckpointKey;

/** A CT log, which signs tree heads as RFC 6962 has them. */
export interface CtKey {
  /** SHA-256 of `spki`. */
  readonly logId: LogId;
  /** SubjectPublicKeyInfo in DER, exactly as published: the log ID is a hash over these bytes. */
  readonly spki: Uint8Array;
  /** RFC 6962, Section 2.1.4 allows no other algorithms. */
  readonly algorithm: 'ecdsa-p256' | 'rsa';
  readonly publicKey: KeyObject;
}

/**
 * A log that signs checkpoints with Ed25519 (type 0x01) or ML-DSA-44 (type 0x06). Two logs that
 * share a key but not an origin are two logs, and so are two keys of one origin.
 */
export interface CheckpointKey {
  /** SHA-256 of `spki`. */
  readonly logId: LogId;
  /**
   * `ORIGIN\nVKEY` in UTF-8. It stands wherever a CT log has its SubjectPublicKeyInfo, and cannot
   * be taken for one: DER has control characters, and this has but the newline.
   */
  readonly spki: Uint8Array;
  readonly algorithm: 'ed25519' | 'ml-dsa-44';
  /** The first line of what it signs; not always the key's name (Go's checksum database). */
  readonly origin: string;
  readonly noteKey: NoteKey;
}

export function isCheckpointKey(key: LogKey): key is CheckpointKey {
  return key.algorithm === 'ed25519' || key.algorithm === 'ml-dsa-44';
}

/**
 * The key in the bytes of `spki` of a LogKey, of either kind. Throws RangeError with the reason
 * where they are none.
 */
export function toLogKey(bytes: Uint8Array): LogKey {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const [, origin, vkey] = /^([^\p{Cc}]+)\n([^\p{Cc}]+)$/u.exec(text) ?? [];
  if (origin === undefined || vkey === undefined) return toCtKey(bytes);
  const key = toCheckpointKey(vkey, origin);
  if (!Buffer.from(key.spki).equals(bytes)) throw new RangeError('the key is not spelled as it is');
  return key;
}

/**
 * The log that signs checkpoints of this origin with this verifier key: NAME+KEYID+BASE64; by
 * default the key's name is the origin, as c2sp.org/tlog-checkpoint recommends. Throws RangeError
 * with the reason where no log can have it.
 */
export function toCheckpointKey(vkey: string, origin?: string): CheckpointKey {
  const noteKey = parseNoteKey(vkey);
  const { name, keyId, type, publicKey } = noteKey;
  const algorithm = ALGORITHMS.get(type);
  if (algorithm === undefined)
    throw new RangeError(`a key of type ${type} is a witness's, and signs no checkpoints`);
  if (algorithm === 'ed25519' && isOfSmallOrder(publicKey))
    throw new RangeError('anybody can sign for this key: it is of small order');
  const signed = origin ?? name;
  if (!/^[^\p{Cc}]+$/u.test(signed)) throw new RangeError('the origin is no line of text');
  const spelled = `${name}+${Buffer.from(keyId).toString('hex')}+${Buffer.from([type, ...publicKey]).toString('base64')}`;
  const spki = Uint8Array.from(Buffer.from(`${signed}\n${spelled}`));
  return { logId: logIdOf(spki), spki, algorithm, origin: signed, noteKey };
}

/** Its verifier key as text: NAME+KEYID+BASE64. */
export function verifierKeyOf({ spki, origin }: CheckpointKey): string {
  return Buffer.from(spki).toString('utf8', Buffer.byteLength(origin) + 1);
}

/** The points whose order divides 8, as any bytes that decode to one, without the sign of x. */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isOfSmallOrder(publicKey: Uint8Array): boolean {
  const y = Buffer.from(publicKey);
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(y.toString('hex'));
}

/** Throws RangeError with the reason if `spki` is not a key that a CT log may have. */
export function toCtKey(spki: Uint8Array): CtKey {
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
function algorithmAtSight(spki: Uint8Array): CtKey['algorithm'] | undefined {
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

function algorithmOf(key: KeyObject): CtKey['algorithm'] {
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
