// SPDX-License-Identifier: Apache-2.0
/**
 * What a federation states of a log or a certificate authority in a period, and what is signed. A
 * statement is what it says: two are the same if they say the same, whoever signed them.
 */
import type { ByteCursor } from '../base/cursor.ts';
import { FormatError } from '../base/cursor.ts';
import {
  concat,
  hex,
  list,
  long,
  readAll,
  readList,
  readLong,
  readU64,
  sha256,
  u16,
  u32,
  u64,
  u8,
} from './bytes.ts';

/** In one period; a log list has some hundred logs. */
export const MAX_STATEMENTS = 512;
/** What came with a statement, such as the log's own signed head, in bytes. */
const MAX_ATTACHMENT = 8192;

export type Statement =
  /** The log showed this tree to everybody. */
  | {
      readonly kind: 'head';
      /** Of the log, 32 bytes. */
      readonly id: Uint8Array;
      readonly treeSize: bigint;
      readonly rootHash: Uint8Array;
    }
  /** The log answers nothing, or proves nothing of what it answers. */
  | { readonly kind: 'accusation'; readonly id: Uint8Array }
  /** The certificate authority (SHA-256 of its key) published these revocations, by their root. */
  | { readonly kind: 'revocations'; readonly id: Uint8Array; readonly rootHash: Uint8Array };

/** A statement, and what shows that there is something to it, which nobody signs here. */
export interface Proposed {
  readonly statement: Statement;
  /** Of a head, the head as the log signed it, in a form of the observer's. */
  readonly attachment: Uint8Array;
}

const KINDS = ['head', 'accusation', 'revocations'] as const;

export function encodeStatement(statement: Statement): Uint8Array {
  const front = [u8(KINDS.indexOf(statement.kind) + 1), statement.id];
  switch (statement.kind) {
    case 'head':
      return concat([...front, u64(statement.treeSize), statement.rootHash]);
    case 'accusation':
      return concat(front);
    case 'revocations':
      return concat([...front, statement.rootHash]);
  }
}

/** Throws FormatError. */
export function readStatement(cursor: ByteCursor): Statement {
  const { position } = cursor;
  const kind = KINDS[cursor.u8() - 1];
  if (kind === undefined) throw new FormatError('kind', position);
  const take = (): Uint8Array => cursor.take(32).slice();
  switch (kind) {
    case 'head':
      return { kind, id: take(), treeSize: readU64(cursor), rootHash: take() };
    case 'accusation':
      return { kind, id: take() };
    case 'revocations':
      return { kind, id: take(), rootHash: take() };
  }
}

/**
 * What there is one statement of in a period: of a log a head or an accusation, of a certificate
 * authority one set of revocations.
 */
export function slotOf({ kind, id }: Statement): string {
  return `${kind === 'revocations' ? 'ca' : 'log'} ${hex(id)}`;
}

export function digestOf(statement: Statement): Uint8Array {
  return sha256('ctga-federation/v1 statement\n', encodeStatement(statement));
}

export function encodeProposed({ statement, attachment }: Proposed): Uint8Array {
  return concat([encodeStatement(statement), long(attachment)]);
}

export function readProposed(cursor: ByteCursor): Proposed {
  const statement = readStatement(cursor);
  const { position } = cursor;
  const attachment = readLong(cursor);
  if (attachment.length > MAX_ATTACHMENT) throw new FormatError('attachment', position);
  return { statement, attachment };
}

/** Throws FormatError where two are of one slot. */
export function readAllProposed(cursor: ByteCursor): Proposed[] {
  const { position } = cursor;
  const all = readList(cursor, MAX_STATEMENTS, () => readProposed(cursor));
  if (new Set(all.map(({ statement }) => slotOf(statement))).size !== all.length)
    throw new FormatError('slots', position);
  return all;
}

/** What signatures of a federation are for; each is good for nothing else. */
export type Purpose =
  /** To put statements to the vote in a view of a period. */
  | 'proposal'
  /** To say in a view which of them one can state. */
  | 'vote'
  /** To state them, by BLS. */
  | 'statements'
  /** To put a roster in force, by BLS; period and view are 0. */
  | 'roster';

/** What was signed in one place: with another body there it contradicts itself. */
export interface Utterance {
  readonly purpose: Purpose;
  /** SHA-256 of the roster by which it was signed; of a roster, of the roster before. */
  readonly roster: Uint8Array;
  /** Whole periods since the epoch. */
  readonly period: number;
  readonly view: number;
  readonly body: Uint8Array;
}

/** The bytes that are signed: `ctga-federation/v1 PURPOSE\n`, roster, period, view, body. */
export function signedBytes({ purpose, roster, period, view, body }: Utterance): Uint8Array {
  const name = Buffer.from(`ctga-federation/v1 ${purpose}\n`);
  return concat([name, roster, u64(period), u32(view), body]);
}

/** The body of `statements`: their digests, in order, behind their number. */
export function statementsBody(statements: readonly Statement[]): Uint8Array {
  return list(statements.map(digestOf));
}

/** The body of `proposal`: one digest. */
export function proposalDigest(proposed: readonly Proposed[]): Uint8Array {
  return sha256(list(proposed.map(encodeProposed)));
}

/** The body of `vote`: the digest of what was proposed, and which of it one can state. */
export function voteBody(digest: Uint8Array, mask: Uint8Array): Uint8Array {
  return concat([digest, u16(mask.length), mask]);
}

export function decodeStatement(bytes: Uint8Array): Statement {
  return readAll(bytes, readStatement);
}
