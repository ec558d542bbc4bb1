// SPDX-License-Identifier: Apache-2.0
/**
 * Cosignatures (c2sp.org/tlog-cosignature): what they cover, and making them.
 *
 * A cosigner has a name and a key of a type: Ed25519 (0x04), or ML-DSA-44 (0x06). Its line in a
 * signed note carries key ID (4 bytes) || time (8 bytes, big-endian, seconds since the epoch) ||
 * signature. An Ed25519 cosignature covers the note's text whole and not the cosigner's name, so
 * one Ed25519 key serves one name only. An ML-DSA-44 cosignature covers the name, and of the text
 * the origin, the size and the root: not extension lines.
 */
import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';
import { EMPTY_ROOT, equalHash, type MerkleHash } from '../merkle/hash.ts';
import { mlDsa44 } from './ml-dsa.ts';
import { NOTE_KEY_TYPE, toNoteKey, type NoteKey } from './note-key.ts';

/** The largest time that the specification allows: 2^63 - 1 seconds. */
const MAX_TIME = 2n ** 63n - 1n;

/** What a cosignature is about: a checkpoint, or what was read of one. */
export interface SignedText {
  /** The note's text: all up to the blank line, with the newline that ends its last line. */
  readonly text: string;
  readonly origin: string;
  readonly treeSize: bigint;
  readonly rootHash: MerkleHash;
}

/** The leaves from `start` up to, but not with, `end`; a checkpoint's tree is [0, size). */
export interface Subtree {
  readonly origin: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly hash: MerkleHash;
}

/**
 * The bytes that a cosignature of the checkpoint covers. Undefined where a key of this type cannot
 * cosign it: a time above 2^63 - 1, an origin above 255 bytes, a type without cosignatures.
 */
export function cosignedMessage(
  { name, type }: Pick<NoteKey, 'name' | 'type'>,
  { text, origin, treeSize, rootHash }: SignedText,
  time: bigint,
): Uint8Array | undefined {
  if (type === NOTE_KEY_TYPE.mlDsa44)
    return subtreeMessage(name, { origin, start: 0n, end: treeSize, hash: rootHash }, time);
  if (type !== NOTE_KEY_TYPE.cosignature || time > MAX_TIME) return undefined;
  return Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
}

/**
 * The bytes that an ML-DSA-44 cosignature covers, by the cosigner of this name at this time
 * (seconds since the epoch). Undefined where the specification has no such message.
 */
export function subtreeMessage(
  name: string,
  { origin, start, end, hash }: Subtree,
  time: bigint,
): Uint8Array | undefined {
  const [cosigner, log] = [Buffer.from(name), Buffer.from(origin)];
  if (cosigner.length === 0 || cosigner.length > 255) return undefined;
  if (log.length === 0 || log.length > 255) return undefined;
  if (time > MAX_TIME || (start !== 0n && time !== 0n) || start > end) return undefined;
  if (start === end && !equalHash(hash, EMPTY_ROOT)) return undefined;
  return Buffer.concat([
    Buffer.from('subtree/v1\n\0'),
    Uint8Array.of(cosigner.length),
    cosigner,
    uint64Bytes(time),
    Uint8Array.of(log.length),
    log,
    uint64Bytes(start),
    uint64Bytes(end),
    hash,
  ]);
}

/**
 * Whether `body` (what follows the key ID in a line) is this key's cosignature of the checkpoint.
 * Never throws, whatever the bytes are.
 */
export function verifyCosignature(key: NoteKey, body: Uint8Array, checkpoint: SignedText): boolean {
  const message = cosignedMessage(key, checkpoint, timeOfCosignature(body) ?? MAX_TIME + 1n);
  return message !== undefined && verifyBytes(key, message, body.subarray(8));
}

/** Whether `body` is this ML-DSA-44 key's cosignature of the subtree. Ed25519 keys sign none. */
export function verifySubtreeCosignature(
  key: NoteKey,
  body: Uint8Array,
  subtree: Subtree,
): boolean {
  if (key.type !== NOTE_KEY_TYPE.mlDsa44) return false;
  const message = subtreeMessage(key.name, subtree, timeOfCosignature(body) ?? MAX_TIME + 1n);
  return message !== undefined && verifyBytes(key, message, body.subarray(8));
}

/** Seconds since the epoch, as a cosignature's line says; undefined where it is too short. */
export function timeOfCosignature(body: Uint8Array): bigint | undefined {
  if (body.length < 8) return undefined;
  return new DataView(body.buffer, body.byteOffset).getBigUint64(0);
}

/** Whether the bare signature is the key's, over these bytes. Never throws. */
export function verifyBytes(
  { type, publicKey }: Pick<NoteKey, 'type' | 'publicKey'>,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (type === NOTE_KEY_TYPE.mlDsa44) return mlDsa44().verify(signature, message, publicKey);
  // RFC 8032; node:crypto takes keys as SubjectPublicKeyInfo (RFC 8410).
  const spki = Buffer.concat([ED25519_SPKI, publicKey]);
  return verify(
    null,
    message,
    createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    signature,
  );
}

/** What precedes an Ed25519 key, and its seed in PKCS #8: RFC 8410. */
const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Who cosigns, or signs a log's own checkpoints (with types 0x01 and 0x06). */
export interface NoteSigner {
  readonly key: NoteKey;
  /** The bare signature over these bytes: see `cosign` for a whole line. */
  readonly sign: (message: Uint8Array) => Uint8Array;
}

export type NoteSignerType = 'Ed25519' | 'Ed25519 cosignature' | 'ML-DSA-44';

const TYPES = {
  Ed25519: NOTE_KEY_TYPE.ed25519,
  'Ed25519 cosignature': NOTE_KEY_TYPE.cosignature,
  'ML-DSA-44': NOTE_KEY_TYPE.mlDsa44,
} as const satisfies Record<NoteSignerType, number>;

const SEED_BYTES = 32;

/**
 * Takes the key of 32 bytes of seed: RFC 8032's private key, or FIPS 204's xi. Throws RangeError for
 * a name that notes do not allow.
 */
export function noteSigner(name: string, type: NoteSignerType, seed: Uint8Array): NoteSigner {
  if (seed.length !== SEED_BYTES)
    throw new RangeError(`the seed is ${seed.length} bytes, want ${SEED_BYTES}`);
  if (type === 'ML-DSA-44') {
    const signer = mlDsa44().signer(seed);
    return { key: toNoteKey(name, TYPES[type], signer.publicKey), sign: signer.sign };
  }
  const pkcs8 = Buffer.concat([ED25519_PKCS8, seed]);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    key: toNoteKey(name, TYPES[type], new Uint8Array(spki.subarray(ED25519_SPKI.length))),
    sign: (message) => sign(null, message, privateKey),
  };
}

/**
 * A new key as text, for a file that nobody else reads:
 * PRIVATE+KEY+NAME+KEYID+base64(TYPE || SEED), as golang.org/x/mod/sumdb/note writes Ed25519 ones.
 */
export function generateSignerKey(name: string, type: NoteSignerType): string {
  const seed = randomBytes(SEED_BYTES);
  const { key } = noteSigner(name, type, seed);
  const secret = Buffer.concat([Uint8Array.of(key.type), seed]);
  return `PRIVATE+KEY+${name}+${Buffer.from(key.keyId).toString('hex')}+${encodeBase64(secret)}`;
}

/**
 * Reads what `generateSignerKey` gave. Throws RangeError with what is wrong, and never with the
 * key.
 */
export function parseSignerKey(text: string): NoteSigner {
  const [, name = '', id = '', encoded = ''] =
    /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const bytes = decodeBase64(encoded);
  const type = (Object.keys(TYPES) as NoteSignerType[]).find((each) => TYPES[each] === bytes?.[0]);
  if (bytes?.length !== 1 + SEED_BYTES || type === undefined)
    throw new RangeError('want PRIVATE+KEY+NAME+KEYID+BASE64 with a key of type 1, 4 or 6');
  const signer = noteSigner(name, type, bytes.subarray(1));
  const made = Buffer.from(signer.key.keyId).toString('hex');
  if (made !== id) throw new RangeError(`its key ID should be ${made}, and is ${id}`);
  return signer;
}

/**
 * The signature line, with its newline, that this signer adds to the checkpoint: a cosignature with
 * a time (seconds since the epoch) for types 0x04 and 0x06, a plain signature for 0x01.
 *
 * Throws RangeError where it must not sign: an ML-DSA-44 cosignature would leave extension lines
 * unsigned that a reader takes for signed.
 */
export function cosign(signer: NoteSigner, checkpoint: SignedText, time: bigint): string {
  const { key } = signer;
  if (key.type === NOTE_KEY_TYPE.ed25519)
    return signatureLine(key, signer.sign(Buffer.from(checkpoint.text)));
  if (key.type === NOTE_KEY_TYPE.mlDsa44 && hasExtensionLines(checkpoint))
    throw new RangeError('an ML-DSA-44 signature does not cover extension lines');
  const message = cosignedMessage(key, checkpoint, time);
  if (message === undefined) throw new RangeError('the checkpoint cannot be cosigned');
  return signatureLine(key, Buffer.concat([uint64Bytes(time), signer.sign(message)]));
}

/**
 * The line for `sign-subtree`, of an ML-DSA-44 signer and with a time of 0, as the specification
 * wants it there. Throws RangeError where there is no such message.
 */
export function cosignSubtree(signer: NoteSigner, subtree: Subtree): string {
  if (signer.key.type !== NOTE_KEY_TYPE.mlDsa44)
    throw new RangeError('only ML-DSA-44 keys sign subtrees');
  const message = subtreeMessage(signer.key.name, subtree, 0n);
  if (message === undefined) throw new RangeError('the subtree cannot be cosigned');
  return signatureLine(signer.key, Buffer.concat([uint64Bytes(0n), signer.sign(message)]));
}

/** Whether the text has more than its three lines. */
export function hasExtensionLines({ text }: Pick<SignedText, 'text'>): boolean {
  return text.split('\n').length > 4;
}

function signatureLine({ name, keyId }: NoteKey, body: Uint8Array): string {
  return `\u2014 ${name} ${Buffer.concat([keyId, body]).toString('base64')}\n`;
}

function uint64Bytes(value: bigint): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
