// SPDX-License-Identifier: Apache-2.0
/**
 * The signature lines of a checkpoint: which key made a line, and whether the line is good. Of
 * RFC 6962 lines, which verify as tree heads do, only the kind is told here.
 */
import type { Checkpoint, NoteSignature } from './checkpoint.ts';
import { timeOfCosignature, verifyBytes, verifyCosignature } from './cosignature.ts';
import { NOTE_KEY_TYPE, type NoteKey } from './note-key.ts';

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

/**
 * Every line of a checkpoint, held against the keys given. Key IDs are four bytes, so more than one
 * key can have made a line: it is good if it is by any of them.
 */
export function checkSignatures(
  checkpoint: Checkpoint,
  keys: readonly NoteKey[],
): CheckedSignature[] {
  return checkpoint.signatures.map((signature) => {
    const checked = keys
      .filter((key) => isNamedBy(signature, key))
      .map((key) => byKey(checkpoint, signature, key));
    const told = checked.find(({ valid }) => valid) ?? checked[0] ?? byLength(signature);
    return { name: signature.name, ...told };
  });
}

/** Each check of ML-DSA-44 takes a millisecond or more. */
const MAX_LINES_OF_A_KEY = 4;

/** The lines that say that this key made them; of many the first few. */
export function linesBy(
  { signatures }: Pick<Checkpoint, 'signatures'>,
  key: NoteKey,
): NoteSignature[] {
  return signatures.filter((line) => isNamedBy(line, key)).slice(0, MAX_LINES_OF_A_KEY);
}

/** Whether the line says that this key made it. */
export function isNamedBy({ name, keyId }: NoteSignature, key: NoteKey): boolean {
  return name === key.name && Buffer.from(key.keyId).equals(keyId);
}

function byKey(
  checkpoint: Checkpoint,
  { body }: NoteSignature,
  key: NoteKey,
): Omit<CheckedSignature, 'name'> {
  if (key.type === NOTE_KEY_TYPE.ed25519)
    return {
      kind: 'Ed25519',
      valid: verifyBytes(key, Buffer.from(checkpoint.text), body),
      time: undefined,
    };
  return {
    kind: key.type === NOTE_KEY_TYPE.mlDsa44 ? 'ML-DSA-44' : 'Ed25519 cosignature',
    valid: verifyCosignature(key, body, checkpoint),
    time: timeOfCosignature(body),
  };
}

function byLength({ body }: NoteSignature): Omit<CheckedSignature, 'name'> {
  const untold = { valid: undefined, time: undefined };
  // A DigitallySigned of SHA-256 with ECDSA or RSA, behind eight bytes of time.
  if (body.length > 12 && body[8] === 4 && (body[9] === 3 || body[9] === 1))
    return { kind: 'RFC 6962', ...untold };
  if (body.length === 64) return { kind: 'Ed25519', ...untold };
  if (body.length === 72)
    return { kind: 'Ed25519 cosignature', valid: undefined, time: timeOfCosignature(body) };
  if (body.length === 2420 || body.length === 2428) return { kind: 'ML-DSA-44', ...untold };
  return { kind: 'unknown', ...untold };
}
