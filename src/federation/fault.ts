// SPDX-License-Identifier: Apache-2.0
/**
 * Proof that a member of a federation signed two things in one place, which nobody who keeps to the
 * protocol does: two proposals, two votes or two sets of statements in one view of a period, or two
 * rosters for one epoch. Anybody who has the roster checks it offline.
 */
import type { ByteCursor } from '../base/cursor.ts';
import { FormatError } from '../base/cursor.ts';
import { Bits, concat, isSame, long, readLong, readNumber, u16, u32, u64, u8 } from './bytes.ts';
import { MAX_MEMBERS, type MemberIndex, type Roster } from './roster.ts';
import { signedBytes, type Purpose, type Utterance } from './statement.ts';

/** What a member said of one place, and its signature of that. */
export interface Said {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
  /** Of a signature of several by BLS: who they are, the member among them. */
  readonly signers?: Bits | undefined;
}

export interface Fault extends Omit<Utterance, 'body'> {
  readonly member: MemberIndex;
  readonly said: readonly [Said, Said];
}

const PURPOSES: readonly Purpose[] = ['proposal', 'vote', 'statements', 'roster'];
/** A body of statements has 32 bytes for each. */
const MAX_BODY = 32 * 1024;

export function encodeFault({ purpose, roster, period, view, member, said }: Fault): Uint8Array {
  return concat([
    u8(PURPOSES.indexOf(purpose)),
    roster,
    u64(period),
    u32(view),
    u16(member),
    ...said.flatMap(({ body, signature, signers }) => [
      long(body),
      long(signature),
      long(signers?.bytes ?? new Uint8Array(0)),
    ]),
  ]);
}

function isTooLong({ body, signature, signers }: Said): boolean {
  const most = Bits.bytesFor(MAX_MEMBERS);
  return body.length > MAX_BODY || signature.length > 64 || (signers?.bytes.length ?? 0) > most;
}

/** Throws FormatError. */
export function readFault(cursor: ByteCursor): Fault {
  const { position } = cursor;
  const purpose = PURPOSES[cursor.u8()];
  const roster = cursor.take(32).slice();
  const [period, view, member] = [readNumber(cursor), cursor.u32(), cursor.u16()];
  const read = (): Said => {
    const [body, signature, signers] = [readLong(cursor), readLong(cursor), readLong(cursor)];
    return { body, signature, signers: signers.length === 0 ? undefined : new Bits(signers) };
  };
  const [one, other] = [read(), read()];
  if (purpose === undefined || [one, other].some(isTooLong))
    throw new FormatError('fault', position);
  return { purpose, roster, period, view, member, said: [one, other] };
}

/** Whether the member of this roster did sign both, and they differ in what they say. */
export function isProven(fault: Fault, roster: Roster): boolean {
  const [one, other] = fault.said;
  return (
    isSame(fault.roster, roster.hash) &&
    fault.member < roster.size &&
    !isSame(one.body, other.body) &&
    fault.said.every((said) => isSaidBy(roster, fault.member, { ...fault, ...said }, said))
  );
}

/** Whether a member signed this, by the key that is for its purpose. */
export function isSaidBy(
  roster: Roster,
  member: MemberIndex,
  utterance: Utterance,
  { signature, signers = Bits.of(roster.size, [member]) }: Pick<Said, 'signature' | 'signers'>,
): boolean {
  const bytes = signedBytes(utterance);
  if (utterance.purpose === 'proposal' || utterance.purpose === 'vote')
    return roster.isSignedBy(member, bytes, signature);
  return signers.has(member) && roster.isSignedTogether({ signers, signature }, bytes);
}
