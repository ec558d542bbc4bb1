// SPDX-License-Identifier: Apache-2.0
/** What witnesses whose keys are known say below a checkpoint that was asked for. */
import { parseCheckpoint } from './checkpoint.ts';
import type { NoteKey } from './note-key.ts';
import { checkSignatures, linesBy, type SignatureKind } from './signature-lines.ts';
import type { Statement } from './statement.ts';

/** A line of a witness. */
export interface CheckedCosignature {
  /** The name of its key. */
  readonly witness: string;
  readonly kind: SignatureKind;
  readonly valid: boolean;
  /** Seconds since the epoch; 0 where the witness does not say. */
  readonly time: bigint;
}

/** Every line of these witnesses, checked. None for a head that came in another form. */
export function cosignaturesOf(
  { text, others = [] }: Pick<Statement, 'text' | 'others'>,
  witnesses: readonly NoteKey[],
): CheckedCosignature[] {
  if (text === undefined || others.length === 0 || witnesses.length === 0) return [];
  const checkpoint = parseCheckpoint(`${text}\n${others.join('')}`);
  return witnesses.flatMap((key) =>
    checkSignatures({ ...checkpoint, signatures: linesBy(checkpoint, key) }, [key]).map(
      ({ name, kind, valid, time = 0n }) => ({ witness: name, kind, valid: valid === true, time }),
    ),
  );
}
