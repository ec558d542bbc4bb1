// SPDX-License-Identifier: Apache-2.0
/** `--witness`, of commands that read checkpoints. */
import { InvalidArgumentError, type Option } from 'commander';
import { messageOf } from '../base/errors.ts';
import { time as timeText } from '../base/text.ts';
import type { CheckedCosignature } from '../statements/cosigned.ts';
import { parseNoteKey, type NoteKey } from '../statements/note-key.ts';
import { repeated } from './options.ts';
import { print, warn } from './output.ts';

export function witnessOption(): Option {
  return repeated(
    '--witness <key>',
    'verify the cosignatures of this witness, NAME+KEYID+KEY, on checkpoints; may be repeated',
    witness,
  );
}

function witness(text: string): NoteKey {
  try {
    return parseNoteKey(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/** `where` says below which checkpoint it is, and ends in a colon and a space, or is empty. */
export function printCosignature(
  where: string,
  {
    witness: name,
    kind,
    valid,
    time,
  }: Pick<CheckedCosignature, 'witness' | 'kind' | 'valid'> & { readonly time: bigint | undefined },
): void {
  const when = time === undefined || time === 0n ? '' : ` of ${timeText(time * 1000n)}`;
  if (valid) print(`${where}${kind}${when} by ${name}: verified`);
  else warn(`${where}${kind} by ${name}: does NOT verify`);
}
