// SPDX-License-Identifier: Apache-2.0
/**
 * Keys of signed notes (c2sp.org/signed-note, c2sp.org/tlog-cosignature).
 *
 * A verifier key is text: NAME+KEYID+base64(TYPE || PUBLIC KEY), the key ID in hexadecimal.
 */
import { createHash } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../base/base64.ts';

/** The types of keys (c2sp.org/signed-note) that are known here, besides RFC 6962's 0x05. */
export const NOTE_KEY_TYPE = { ed25519: 0x01, cosignature: 0x04, mlDsa44: 0x06 } as const;

/** FIPS 204, Table 2. */
export const ML_DSA_44_BYTES = { seed: 32, publicKey: 1312, signature: 2420 } as const;

export interface NoteKey {
  readonly name: string;
  readonly keyId: Uint8Array;
  readonly type: number;
  /** Without the type. */
  readonly publicKey: Uint8Array;
}

/** Throws RangeError with what is wrong. */
export function parseNoteKey(text: string): NoteKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const bytes = encoded === undefined ? undefined : decodeBase64(encoded);
  const [type] = bytes ?? [];
  if (name === undefined || id === undefined || bytes === undefined || type === undefined)
    throw new RangeError('want NAME+KEYID+BASE64, such as witness.example.org+b8a2cf20+BFLN...');
  const key = toNoteKey(name, type, bytes.subarray(1));
  const made = Buffer.from(key.keyId).toString('hex');
  if (made !== id) throw new RangeError(`its key ID should be ${made}, and is ${id}`);
  return key;
}

/** As `parseNoteKey` reads it. */
export function formatNoteKey({ name, keyId, type, publicKey }: NoteKey): string {
  const bytes = Buffer.concat([Uint8Array.of(type), publicKey]);
  return `${name}+${Buffer.from(keyId).toString('hex')}+${encodeBase64(bytes)}`;
}

/** Works the key ID out. Throws RangeError for a name or a key that notes do not allow. */
export function toNoteKey(name: string, type: number, publicKey: Uint8Array): NoteKey {
  if (!isNoteName(name)) throw new RangeError('the name of a key has no spaces and no plus');
  const length = LENGTHS.get(type);
  if (length === undefined) throw new RangeError(`keys of type ${type} are not known`);
  if (publicKey.length !== length)
    throw new RangeError(`the key is ${publicKey.length} bytes, want ${length}`);
  const hash = createHash('sha256').update(`${name}\n`).update(Uint8Array.of(type));
  const keyId = hash.update(publicKey).digest().subarray(0, 4);
  return { name, keyId: new Uint8Array(keyId), type, publicKey: Uint8Array.from(publicKey) };
}

const LENGTHS: ReadonlyMap<number, number> = new Map([
  [NOTE_KEY_TYPE.ed25519, 32],
  [NOTE_KEY_TYPE.cosignature, 32],
  [NOTE_KEY_TYPE.mlDsa44, ML_DSA_44_BYTES.publicKey],
]);

/** What Go checksum databases have as their first line, all of them. */
export const SUMDB_ORIGIN = 'go.sum database tree';

/**
 * The origin of a log whose key has this name, where nobody says otherwise: the name itself
 * (c2sp.org/tlog-checkpoint). Go's public checksum database is older than that.
 */
export function originOfKey(name: string): string {
  return name === 'sum.golang.org' ? SUMDB_ORIGIN : name;
}

/** Whether a note allows it as the name of a key: no Unicode space, no plus, no control character. */
export function isNoteName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}\p{Cc}\p{Cs}+]/u.test(name);
}
