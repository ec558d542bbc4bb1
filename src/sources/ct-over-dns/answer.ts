/**
 * DNS messages that carry a tree head: draft-ct-over-dns-01, "STH Query". The question is
 * `sth.<zone>.` IN TXT; the answer is one TXT record of the same name, whose character-strings are
 * joined (the tree head of an RSA log does not fit into one). In a signed zone the record's RRSIG
 * records (RFC 4034, Section 3) are beside it; a log's own signature is the only one that is
 * checked.
 *
 * Only the form of the message is checked here. source.ts knows the zones, and src/statements reads
 * the text.
 */
import { ByteCursor, FormatError } from '../../base/cursor.ts';
import {
  Opcode,
  parseMessage,
  Rcode,
  readStrings,
  readTxt,
  RecordClass,
  RecordType,
  type DnsMessage,
  type MessageFormatReason,
  type ResourceRecord,
} from '../../dns/message.ts';
import { equalNames, foldName, labelsOf } from '../../dns/name.ts';

/** In bytes: far more than a tree head with the signature of an 8192-bit RSA key (some 1,450). */
const MAX_TEXT = 2048;

export type DnsRefusalReason =
  | 'truncated'
  | MessageFormatReason
  | 'not a response'
  | 'opcode'
  | 'rcode'
  | 'truncation bit' // TC: the client asks again over TCP, so nobody relies on what is here
  | 'question type' // not IN TXT
  | 'not a tree head name' // the first label is not `sth`
  | 'answer count' // not exactly one TXT record and its RRSIG records
  | 'answer name'
  | 'answer type'
  | 'text too long';

export interface DnsRefusal {
  readonly kind: 'refused';
  readonly reason: DnsRefusalReason;
  /** The offset in the payload, for faults that have one. */
  readonly offset?: number;
}

export interface TreeHeadAnswer {
  readonly kind: 'answer';
  /** The question's name in wire format and lower case. */
  readonly name: Uint8Array;
  /** A copy of the character-strings, joined. */
  readonly text: Buffer;
}

/** Parses the payload of a UDP datagram as a CT-over-DNS answer. Never throws. */
export function parseTreeHeadAnswer(payload: Uint8Array): TreeHeadAnswer | DnsRefusal {
  try {
    return judge(parseMessage(payload), payload);
  } catch (error) {
    return refuseFormat(error);
  }
}

function judge(message: DnsMessage, payload: Uint8Array): TreeHeadAnswer | DnsRefusal {
  if (!message.isResponse) return refuse('not a response');
  if (message.opcode !== Opcode.query) return refuse('opcode');
  if (message.rcode !== Rcode.noError) return refuse('rcode');
  if (message.truncated) return refuse('truncation bit');
  const { question } = message;
  if (question.type !== RecordType.txt || question.class !== RecordClass.in)
    return refuse('question type');
  if (!isTreeHeadName(question.name)) return refuse('not a tree head name');
  const { name } = question;
  const [answer, ...others] = message.answers.filter((record) => !isTxtSignature(record, name));
  if (answer === undefined || others.length > 0) return refuse('answer count');
  if (answer.type !== RecordType.txt || answer.class !== RecordClass.in)
    return refuse('answer type');
  if (!equalNames(answer.name, name)) return refuse('answer name');
  const text = join(readTxt(answer, payload));
  return 'kind' in text ? text : { kind: 'answer', name: foldName(name), text };
}

/**
 * Joins the character-strings of a TXT record's RDATA, whatever the message around it. Never
 * throws.
 */
export function readTreeHeadRdata(rdata: Uint8Array): Buffer | DnsRefusal {
  try {
    return join(readStrings(new ByteCursor(rdata)));
  } catch (error) {
    return refuseFormat(error);
  }
}

function join(strings: readonly Uint8Array[]): Buffer | DnsRefusal {
  const text = Buffer.concat(strings);
  return text.length > MAX_TEXT ? refuse('text too long') : text;
}

/**
 * Whether a record is an RRSIG of the TXT records of that name: RDATA begins with the type covered.
 */
function isTxtSignature(
  { type, class: klass, name, rdata }: ResourceRecord,
  of: Uint8Array,
): boolean {
  return (
    type === RecordType.rrsig &&
    klass === RecordClass.in &&
    rdata[0] === 0 &&
    rdata[1] === RecordType.txt &&
    equalNames(name, of)
  );
}

/** Whether the first label is `sth`, in any case. */
function isTreeHeadName(name: Uint8Array): boolean {
  const [first] = labelsOf(name);
  return first !== undefined && Buffer.from(foldName(first)).toString('latin1') === 'sth';
}

function refuse(reason: DnsRefusalReason): DnsRefusal {
  return { kind: 'refused', reason };
}

function refuseFormat(error: unknown): DnsRefusal {
  if (!(error instanceof FormatError)) throw error;
  // The parsers of src/dns throw no other reasons; TypeScript cannot know that of an exception.
  return { kind: 'refused', reason: error.reason as MessageFormatReason, offset: error.offset };
}
