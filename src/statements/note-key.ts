// SPDX-License-Identifier: Apache-2.0
/**
 * Keys and signatures of signed notes (c2sp.org/signed-note, c2sp.org/tlog-cosignature): which key
 * made a line, and whether the line is good. Of RFC 6962 lines, which verify as tree heads do, only
 * the kind is told here.
 *
 * A verifier key is text: NAME+KEYID+base64(TYPE || PUBLIC KEY), the key ID in hexadecimal.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
import { decodeBase64 } from '../base/base64.ts';
import type { Checkpoint, NoteSignature } from './checkpoint.ts';

const TYPE = { ed25519: 0x01, cosignature: 0x04, mlDsa44: 0x06 } as const;

export interface NoteKey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly type: number;
  /** Without the type. */
  readonly publicKey: Uint8Array;
}

export type SignatureKind =
  'RFC 6962' | 'Ed25519' | 'Ed25519 cosignature' | 'ML-DSA-44' | 'unknown';

export interface CheckedSignature {
  readonly name: string;
  /**
   * By the key where one is given, else by its length: unknown lines are normal, logs add some on
   * purpose.
   */
  readonly kind: SignatureKind;
  /** Undefined where no key is given. */
  readonly valid: boolean | undefined;
  /** Of a cosignature, when it was made, in seconds since the epoch. */
  readonly time: bigint | undefined;
}

/** Throws RangeError with what is wrong. */
export function parseNoteKey(text: string): NoteKey {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  const [type] = bytes ?? [];
  if (name === undefined || id === undefined || bytes === undefined || type === undefined)
    throw new RangeError('want NAME+KEYID+BASE64, such as witness.example.org+b8a2cf20+BFLN...');
  const keyId = createHash('sha256').update(`${name}\n`).update(bytes).digest().subarray(0, 4);
  if (keyId.toString('hex') !== id)
    throw new RangeError(`its key ID should be ${keyId.toString('hex')}, and is ${id}`);
  const length =
    type === TYPE.ed25519 || type === TYPE.cosignature
      ? 33
      : type === TYPE.mlDsa44
        ? 1313
        : undefined;
  if (length === undefined) throw new RangeError(`keys of type ${type} are not known`);
  if (bytes.length !== length)
    throw new RangeError(`the key is ${bytes.length - 1} bytes, want ${length - 1}`);
  return { name, keyId, type, publicKey: bytes.subarray(1) };
}

/** Every line of a checkpoint, held against the keys given. */
export function checkSignatures(
  checkpoint: Checkpoint,
  keys: readonly NoteKey[],
): CheckedSignature[] {
  return checkpoint.signatures.map((signature) => {
    const key = keys.find(
      ({ name, keyId }) => name === signature.name && Buffer.from(keyId).equals(signature.keyId),
    );
    return {
      name: signature.name,
      ...(key === undefined ? byLength(signature) : byKey(checkpoint, signature, key)),
    };
  });
}

function byKey(
  checkpoint: Checkpoint,
  { body }: NoteSignature,
  { name, type, publicKey }: NoteKey,
): Omit<CheckedSignature, 'name'> {
  const { text } = checkpoint;
  if (type === TYPE.ed25519)
    return {
      kind: 'Ed25519',
      valid: isEd25519(Buffer.from(text), body, publicKey),
      time: undefined,
    };
  if (type === TYPE.mlDsa44) return byMlDsa44(checkpoint, body, publicKey, name);
  if (body.length !== 8 + 64) return { kind: 'Ed25519 cosignature', valid: false, time: undefined };
  const time = timeOf(body);
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${text}`);
  return {
    kind: 'Ed25519 cosignature',
    valid: isEd25519(message, body.subarray(8), publicKey),
    time,
  };
}

/**
 * A cosignature of the whole tree, of type 0x06: FIPS 204 with an empty context, over the message
 * of c2sp.org/tlog-cosignature. It does not cover extension lines.
 */
function byMlDsa44(
  { origin, treeSize, rootHash }: Checkpoint,
  body: Uint8Array,
  publicKey: Uint8Array,
  name: string,
): Omit<CheckedSignature, 'name'> {
  const kind = 'ML-DSA-44';
  if (body.length !== 8 + 2420) return { kind, valid: false, time: undefined };
  const [cosigner, log] = [Buffer.from(name), Buffer.from(origin)];
  if (cosigner.length > 255 || log.length > 255) return { kind, valid: false, time: timeOf(body) };
  const end = Buffer.alloc(8);
  end.writeBigUInt64BE(treeSize);
  const message = Buffer.concat([
    Buffer.from('subtree/v1\n\0'),
    Uint8Array.of(cosigner.length),
    cosigner,
    body.subarray(0, 8),
    Uint8Array.of(log.length),
    log,
    Buffer.alloc(8),
    end,
    rootHash,
  ]);
  return { kind, valid: ml_dsa44.verify(body.subarray(8), message, publicKey), time: timeOf(body) };
}

function byLength({ body }: NoteSignature): Omit<CheckedSignature, 'name'> {
  const untold = { valid: undefined, time: undefined };
  // A DigitallySigned of SHA-256 with ECDSA or RSA, behind eight bytes of time.
  if (body.length > 12 && body[8] === 4 && (body[9] === 3 || body[9] === 1))
    return { kind: 'RFC 6962', ...untold };
  if (body.length === 64) return { kind: 'Ed25519', ...untold };
  if (body.length === 72)
    return { kind: 'Ed25519 cosignature', valid: undefined, time: timeOf(body) };
  if (body.length === 2420 || body.length === 2428) return { kind: 'ML-DSA-44', ...untold };
  return { kind: 'unknown', ...untold };
}

function timeOf(body: Uint8Array): bigint {
  return new DataView(body.buffer, body.byteOffset).getBigUint64(0);
}

/**
 * RFC 8032; node:crypto takes keys as SubjectPublicKeyInfo (RFC 8410), whose beginning is always
 * the same.
 */
function isEd25519(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
  return verify(
    null,
    message,
    createPublicKey({ key: spki, format: 'der', type: 'spki' }),
    signature,
  );
}
