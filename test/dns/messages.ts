// SPDX-License-Identifier: Apache-2.0
/** Raw DNS messages for tests: every count, length and pointer as told, right or wrong. */
import { concat, encodeName } from '../support/packets.ts';

export function u16(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 0xff]));
}

/** The name that every question below has, at byte 12. */
export const NAME = 'sth.log.example';
export const QUESTION = concat(encodeName(NAME), u16(16, 1));
export const QUESTION_POINTER = u16(0xc00c);
/** Where the first record's owner begins. */
export const RECORDS_AT = 12 + QUESTION.length;

export interface RawMessage {
  readonly flags?: number;
  /** Question, answer, authority, additional; by the lists' lengths unless told. */
  readonly counts?: readonly [number, number, number, number];
  readonly question?: Uint8Array;
  readonly answers?: readonly Uint8Array[];
  readonly authorities?: readonly Uint8Array[];
  readonly additionals?: readonly Uint8Array[];
  readonly trailing?: Uint8Array;
}

export function message(raw: RawMessage = {}): Uint8Array {
  const {
    flags = 0x8400,
    question = QUESTION,
    answers = [TXT],
    authorities = [],
    additionals = [],
  } = raw;
  const counts = raw.counts ?? [1, answers.length, authorities.length, additionals.length];
  return concat(
    u16(0x1234, flags, ...counts),
    question,
    ...answers,
    ...authorities,
    ...additionals,
    raw.trailing ?? new Uint8Array(0),
  );
}

export interface RawRecord {
  readonly owner?: Uint8Array | undefined;
  readonly type?: number;
  readonly class?: number;
  readonly ttl?: number;
  readonly rdata?: Uint8Array;
  /** What RDLENGTH claims. */
  readonly rdlength?: number;
}

export function record(raw: RawRecord = {}): Uint8Array {
  const { owner = QUESTION_POINTER, type = 16, ttl = 60, rdata = strings('1.2.3.4') } = raw;
  return concat(
    owner,
    u16(type, raw.class ?? 1, ttl >>> 16, ttl & 0xffff, raw.rdlength ?? rdata.length),
    rdata,
  );
}

/** Character-strings as TXT data. */
export function strings(...texts: readonly string[]): Uint8Array {
  return concat(
    ...texts.map((text) => concat(Uint8Array.of(text.length), Buffer.from(text, 'latin1'))),
  );
}

/** An OPT record; `options` as (code, data). */
export function opt(...options: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const rdata = concat(...options.map(([code, data]) => concat(u16(code, data.length), data)));
  return record({ owner: Uint8Array.of(0), type: 41, class: 1232, ttl: 0, rdata });
}

/** An RRSIG over records of a type (RFC 4034, Section 3), with a signature of zeros. */
export function signature(covered = 16, owner?: Uint8Array): Uint8Array {
  const rdata = concat(u16(covered, 0x0d04), new Uint8Array(14), encodeName('example'));
  return record({ owner, type: 46, rdata: concat(rdata, new Uint8Array(64)) });
}

/** A CNAME record. */
export function alias(to: Uint8Array, owner?: Uint8Array): Uint8Array {
  return record({ owner, type: 5, rdata: to });
}

export const TXT = record();
