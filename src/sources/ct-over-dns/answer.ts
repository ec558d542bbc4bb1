/**
 * Answers that carry a tree head: draft-ct-over-dns-01, "STH Query". Question `sth.<zone>.` IN TXT;
 * answer one TXT record of that name, whose character-strings are to be joined (an RSA tree head
 * does not fit one).
 *
 * Only form is judged here: whether we know the zone, and what the text says, is for others.
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
} from '../../dns/message.ts';
import { equalNames, foldName, labelsOf } from '../../dns/name.ts';

/** Far above a tree head with the signature of an 8192-bit RSA key (some 1,450 characters). */
const MAX_TEXT = 2048;

export type DnsRefusalReason =
  | 'truncated'
  | MessageFormatReason
  | 'not a response'
  | 'opcode'
  | 'rcode'
  | 'truncation bit' // TC: the rest is to be fetched over TCP, and what is here is never verified
  | 'question type' // not IN TXT
  | 'not a tree head name' // the first label is not `sth`
  | 'answer count' // not exactly one record
  | 'answer name'
  | 'answer type'
  | 'text too long';

export interface DnsRefusal {
  readonly kind: 'refused';
  readonly reason: DnsRefusalReason;
  /** Where in the payload, if at one place. */
  readonly offset?: number;
}

export interface TreeHeadAnswer {
  readonly kind: 'answer';
  /** The question's name in wire format and lower case. */
  readonly name: Uint8Array;
  /** One character a byte (latin1): bytes that are not ASCII stay what they are and fail later. */
  readonly text: string;
}

/** Parses a UDP payload as a CT-over-DNS answer. Never throws. */
export function parseTreeHeadAnswer(payload: Uint8Array): TreeHeadAnswer | DnsRefusal {
  try {
    return judge(parseMessage(payload), payload);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // parseMessage and readTxt throw no other reasons; `catch` cannot know.
    return { kind: 'refused', reason: error.reason as MessageFormatReason, offset: error.offset };
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
  const [answer, ...others] = message.answers;
  if (answer === undefined || others.length > 0) return refuse('answer count');
  if (answer.type !== RecordType.txt || answer.class !== RecordClass.in)
    return refuse('answer type');
  if (!equalNames(answer.name, question.name)) return refuse('answer name');
  const text = joined(readTxt(answer, payload));
  return text.kind === 'refused'
    ? text
    : { ...text, kind: 'answer', name: foldName(question.name) };
}

/** The text in a TXT record's RDATA, whatever the message around it. Never throws. */
export function readTreeHeadText(
  rdata: Uint8Array,
): { readonly kind: 'text'; readonly text: string } | DnsRefusal {
  try {
    return joined(readStrings(new ByteCursor(rdata)));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: 'refused', reason: error.reason as MessageFormatReason, offset: error.offset };
  }
}

function joined(
  strings: readonly Uint8Array[],
): { readonly kind: 'text'; readonly text: string } | DnsRefusal {
  const text = Buffer.concat(strings);
  return text.length > MAX_TEXT
    ? refuse('text too long')
    : { kind: 'text', text: text.toString('latin1') };
}

/** Whether the first label is `sth`. Takes any case. */
function isTreeHeadName(name: Uint8Array): boolean {
  const [first] = labelsOf(name);
  return first !== undefined && Buffer.from(foldName(first)).toString('latin1') === 'sth';
}

function refuse(reason: DnsRefusalReason): DnsRefusal {
  return { kind: 'refused', reason };
}
