// SPDX-License-Identifier: Apache-2.0
/**
 * DNS messages off the wire: RFC 1035, Section 4, EDNS after RFC 6891. For hostile bytes.
 *
 * Strict where receivers are: counts, lengths and names must hold together to the last record.
 * Lenient in one place: bytes after the last record are counted and not refused, because resolvers
 * ignore them, and a parser that refused them could be kept from seeing an answer by one byte that
 * nobody else minds.
 */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import { readName, readNameAnywhere, skipName, type NameFormatReason } from './name.ts';

// prettier-ignore
export const RecordType = { a: 1, ns: 2, cname: 5, soa: 6, txt: 16, aaaa: 28, opt: 41, rrsig: 46, tsig: 250, any: 255 } as const;
export const RecordClass = { in: 1, none: 254, any: 255 } as const;
export const Rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nxDomain: 3,
  notImplemented: 4,
  refused: 5,
  yxDomain: 6,
  yxRrset: 7,
  nxRrset: 8,
  notAuth: 9,
  notZone: 10,
  badVersion: 16,
} as const;
export const Opcode = { query: 0, update: 5 } as const;
/** EDNS option (RFC 7830). */
export const PADDING_OPTION = 12;

/**
 * Answers to what ctga asks have one to three records; a hundred is a whole delegation. Bounds the
 * work.
 */
const MAX_RECORDS = 128;

export type MessageFormatReason =
  | NameFormatReason
  | 'question count' // not exactly one
  | 'too many records'
  | 'rdlength' // the data is shorter or longer than its format
  | 'empty txt'
  | 'opt record'; // two of them, outside the additional section, or with another owner than the root

export interface Question {
  /** Wire format, uncompressed, case as asked. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Name, type and class as they are on the wire, to be echoed. */
  readonly wire: Uint8Array;
}

export interface ResourceRecord {
  /** Wire format, uncompressed. */
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** A view; names inside may be compressed. */
  readonly rdata: Uint8Array;
  /** Where in the message rdata begins. */
  readonly rdataAt: number;
}

export interface Edns {
  readonly udpPayloadSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[];
}

export interface DnsMessage {
  readonly id: number;
  readonly isResponse: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  /** With EDNS, the extended one (RFC 6891, Section 6.1.3). */
  readonly rcode: number;
  readonly question: Question;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly ResourceRecord[];
  readonly edns: Edns | undefined;
  /** How many bytes follow the last record. */
  readonly trailingBytes: number;
}

/** A message as far as its answer section, for those who look for what a client might take. */
export interface AnswerSection {
  readonly isResponse: boolean;
  readonly truncated: boolean;
  /** That of the header (RFC 1035, Section 4.1.1). */
  readonly rcode: number;
  /** The first. */
  readonly question: Question;
  /** At most MAX_RECORDS. */
  readonly answers: readonly AnswerRecord[];
  /**
   * What is wrong with the question or the record behind those; undefined if they are all, or as
   * many as are read.
   */
  readonly fault: FormatError<MessageFormatReason> | undefined;
}

/** A record whose owner was passed over: where pointers lead does not matter. */
export type AnswerRecord = Pick<ResourceRecord, 'type' | 'rdata'>;

/**
 * Reads no further than the answer section, and there no further than the first record that does
 * not hold together: some clients do the same. The question's name may go on wherever a pointer
 * leads: unbound, dig, c-ares and Go's resolver take such a question for the one that they asked,
 * each where it follows the pointer. Throws FormatError<MessageFormatReason>, for the
 * header and the first question alone.
 */
export function readAnswerSection(bytes: Uint8Array): AnswerSection {
  const cursor = new ByteCursor(bytes);
  cursor.skip(2);
  const flags = cursor.u16();
  const questions = cursor.u16();
  const answerCount = cursor.u16();
  cursor.skip(4);
  if (questions === 0) throw new FormatError<MessageFormatReason>('question count', 4);
  const question = readQuestion(cursor, readNameAnywhere);
  const answers: AnswerRecord[] = [];
  let fault: FormatError<MessageFormatReason> | undefined;
  try {
    for (let others = questions - 1; others > 0; others--) {
      skipName(cursor);
      cursor.skip(4);
    }
    while (answers.length < Math.min(answerCount, MAX_RECORDS)) {
      skipName(cursor);
      answers.push(readFixed(cursor));
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    fault = error as FormatError<MessageFormatReason>;
  }
  return {
    isResponse: (flags & 0x8000) !== 0,
    truncated: (flags & 0x0200) !== 0,
    rcode: flags & 0xf,
    question,
    answers,
    fault,
  };
}

/** Throws FormatError<MessageFormatReason>, and nothing else. */
export function parseMessage(bytes: Uint8Array): DnsMessage {
  const cursor = new ByteCursor(bytes);
  const id = cursor.u16();
  const flags = cursor.u16();
  const questions = cursor.u16();
  const answerCount = cursor.u16();
  const authorityCount = cursor.u16();
  const additionalCount = cursor.u16();
  if (questions !== 1) throw new FormatError<MessageFormatReason>('question count', 4);
  if (answerCount + authorityCount + additionalCount > MAX_RECORDS) {
    throw new FormatError<MessageFormatReason>('too many records', 6);
  }
  const question = readQuestion(cursor, readName);
  const answers = readRecords(cursor, answerCount);
  const authorities = readRecords(cursor, authorityCount);
  const all = readRecords(cursor, additionalCount);
  const [opt, secondOpt] = all.filter(isOpt);
  const misplaced = answers.find(isOpt) ?? authorities.find(isOpt) ?? secondOpt;
  if (misplaced !== undefined)
    throw new FormatError<MessageFormatReason>('opt record', misplaced.rdataAt);
  const edns = opt === undefined ? undefined : readEdns(opt, bytes);
  return {
    id,
    isResponse: (flags & 0x8000) !== 0,
    opcode: (flags >>> 11) & 0xf,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    rcode: ((opt?.ttl ?? 0) >>> 24) * 16 + (flags & 0xf),
    question,
    answers,
    authorities,
    additionals: all.filter((record) => !isOpt(record)),
    edns,
    trailingBytes: cursor.remaining,
  };
}

/**
 * The character-strings of a TXT record: one or more (RFC 1035, Section 3.3.14), filling RDLENGTH
 * exactly. The offsets of errors count from the start of `message`.
 */
export function readTxt(record: ResourceRecord, message: Uint8Array): Uint8Array[] {
  const cursor = rdataCursor(record, message);
  if (!cursor.has(1)) throw new FormatError<MessageFormatReason>('empty txt', cursor.position);
  const strings: Uint8Array[] = [];
  do {
    const at = cursor.position;
    const length = cursor.u8();
    if (!cursor.has(length)) throw new FormatError<MessageFormatReason>('rdlength', at);
    strings.push(cursor.take(length));
  } while (!cursor.atEnd);
  return strings;
}

function readQuestion(cursor: ByteCursor, read: typeof readName): Question {
  const start = cursor.position;
  const name = read(cursor);
  const type = cursor.u16();
  const klass = cursor.u16();
  return { name, type, class: klass, wire: cursor.bytes.subarray(start, cursor.position) };
}

function readRecords(cursor: ByteCursor, count: number): ResourceRecord[] {
  return Array.from({ length: count }, () => ({ name: readName(cursor), ...readFixed(cursor) }));
}

/** What follows a record's owner. */
function readFixed(cursor: ByteCursor): Omit<ResourceRecord, 'name'> {
  const type = cursor.u16();
  const klass = cursor.u16();
  const ttl = cursor.u32();
  const lengthAt = cursor.position;
  const length = cursor.u16();
  if (!cursor.has(length)) throw new FormatError<MessageFormatReason>('rdlength', lengthAt);
  const rdataAt = cursor.position;
  return { type, class: klass, ttl, rdata: cursor.take(length), rdataAt };
}

/**
 * RFC 6891, Section 6.1.2: class is the sender's UDP payload size, ttl holds extended RCODE,
 * version, DO.
 */
function readEdns(record: ResourceRecord, message: Uint8Array): Edns {
  const cursor = rdataCursor(record, message);
  if (record.name.length !== 1)
    throw new FormatError<MessageFormatReason>('opt record', record.rdataAt);
  const options: Edns['options'][number][] = [];
  while (!cursor.atEnd) {
    const at = cursor.position;
    if (!cursor.has(4)) throw new FormatError<MessageFormatReason>('rdlength', at);
    const code = cursor.u16();
    const length = cursor.u16();
    if (!cursor.has(length)) throw new FormatError<MessageFormatReason>('rdlength', at);
    options.push({ code, data: cursor.take(length) });
  }
  return {
    udpPayloadSize: record.class,
    version: (record.ttl >>> 16) & 0xff,
    dnssecOk: (record.ttl & 0x8000) !== 0,
    options,
  };
}

function isOpt(record: ResourceRecord): boolean {
  return record.type === RecordType.opt;
}

function rdataCursor(record: ResourceRecord, message: Uint8Array): ByteCursor {
  return new ByteCursor(message, record.rdataAt, record.rdataAt + record.rdata.length);
}
