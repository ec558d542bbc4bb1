// SPDX-License-Identifier: Apache-2.0
/**
 * What a threshold of the members stated in a period. Each signs all that it states at once, so those
 * who state the same are one group with one signature, and of each statement it is known who made it.
 */
import type { ByteCursor } from '../base/cursor.ts';
import { Bits, concat, isSame, list, readList, readNumber, u32, u64 } from './bytes.ts';
import type { MemberIndex, MultiSignature, Roster } from './roster.ts';
import {
  encodeProposed,
  readAllProposed,
  signedBytes,
  statementsBody,
  type Proposed,
} from './statement.ts';

/** Members who signed the same statements; `mask` says which of those of the certificate. */
export interface Group extends MultiSignature {
  readonly mask: Bits;
}

export interface Certificate {
  /** SHA-256 of the roster by which it was signed. */
  readonly roster: Uint8Array;
  readonly period: number;
  readonly view: number;
  /** One of each slot at most. */
  readonly items: readonly Proposed[];
  readonly groups: readonly Group[];
}

export function encodeCertificate(certificate: Certificate): Uint8Array {
  const { roster, period, view, items, groups } = certificate;
  return concat([
    roster,
    u64(period),
    u32(view),
    list(items.map(encodeProposed)),
    encodeGroups(groups),
  ]);
}

/** Throws FormatError. `size`: how many members the roster has. */
export function readCertificate(cursor: ByteCursor, size: number): Certificate {
  const roster = cursor.take(32).slice();
  const period = readNumber(cursor);
  const view = cursor.u32();
  const items = readAllProposed(cursor);
  return { roster, period, view, items, groups: readGroups(cursor, items.length, size) };
}

export function encodeGroups(groups: readonly Group[]): Uint8Array {
  return list(
    groups.map(({ mask, signers, signature }) => concat([mask.bytes, signers.bytes, signature])),
  );
}

export function readGroups(cursor: ByteCursor, items: number, size: number): Group[] {
  return readList(cursor, size, () => ({
    mask: Bits.read(cursor, items),
    signers: Bits.read(cursor, size),
    signature: cursor.take(48).slice(),
  }));
}

/** What a member signs that states these of the items. */
export function statementsBytes(
  { roster, period, view }: Pick<Certificate, 'roster' | 'period' | 'view'>,
  items: readonly Proposed[],
  mask: Bits,
): Uint8Array {
  const statements = items.filter((_, i) => mask.has(i)).map(({ statement }) => statement);
  const body = statementsBody(statements);
  return signedBytes({ purpose: 'statements', roster, period, view, body });
}

/** Who made the statement at an index. */
export function signersOf({ groups }: Pick<Certificate, 'groups'>, index: number): MemberIndex[] {
  return groups
    .filter(({ mask }) => mask.has(index))
    .flatMap(({ signers }) => signers.members())
    .sort((a, b) => a - b);
}

/** Why it does not hold, as a clause; undefined if it does. */
export function faultOf(certificate: Certificate, roster: Roster): string | undefined {
  const { items, groups } = certificate;
  if (!isSame(certificate.roster, roster.hash)) return 'it is of another roster';
  const signers = groups.flatMap((group) => group.signers.members());
  if (new Set(signers).size !== signers.length) return 'somebody signed twice';
  if (statedOf(certificate, roster).length === 0)
    return `none of its ${items.length} statements has the ${roster.threshold} signatures that it takes`;
  for (const group of groups)
    if (!roster.isSignedTogether(group, statementsBytes(certificate, items, group.mask)))
      return 'a signature is not of those that it names';
  return undefined;
}

/**
 * What a certificate that holds states: what has its threshold. The others are there because those
 * who signed them signed them together with what is stated.
 */
export function statedOf(
  certificate: Certificate,
  { threshold }: Pick<Roster, 'threshold'>,
): Proposed[] {
  return certificate.items.filter((_, i) => signersOf(certificate, i).length >= threshold);
}
