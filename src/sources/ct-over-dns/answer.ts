// SPDX-License-Identifier: Apache-2.0
/**
 * DNS messages that carry a tree head: draft-ct-over-dns-01, "STH Query". The question is
 * `sth.<zone>.` IN TXT, and the answer is a TXT record of the same name, whose character-strings
 * are joined (the tree head of an RSA log does not fit into one).
 *
 * A log must not be able to show a client a tree head in a message that this refuses. Clients
 * differ in what they take, so every TXT record of the answer section counts, whatever its owner and
 * its class: some clients follow CNAME and DNAME records to it, and c-ares and Go's resolver look at
 * neither, nor at the opcode. Nothing else of the message matters, and a log's own signature is the
 * only one that is checked.
 *
 * Only the form of the message is read here. source.ts knows the zones, and src/statements reads
 * the texts.
 */
import { FormatError } from '../../base/cursor.ts';
import {
  Rcode,
  readAnswerSection,
  RecordClass,
  RecordType,
  type AnswerSection,
  type MessageFormatReason,
} from '../../dns/message.ts';
import { foldName, labelsOf } from '../../dns/name.ts';

/**
 * In bytes: far more than a tree head with the signature of an 8192-bit RSA key (some 1,450). A
 * tree head stands at the beginning of its text, so what is behind this is left out.
 */
const MAX_TEXT = 2048;
/** Of no more records than these each order is tried in which a resolver may rotate them. */
const MAX_ROTATED = 4;

export type DnsRefusalReason =
  | 'truncated'
  | MessageFormatReason
  | 'not a response'
  | 'question type' // not IN TXT
  | 'not a tree head name' // the first label is not `sth`
  // No TXT record was found, and:
  | 'rcode'
  | 'truncation bit' // TC: the client asks again over TCP
  | 'no text';

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
  /**
   * What may be a tree head; one at least, and none twice: each TXT record with its
   * character-strings joined, and several TXT records joined as well. Copies.
   */
  readonly texts: readonly Buffer[];
}

/** Parses the payload of a UDP datagram as a CT-over-DNS answer. Never throws. */
export function parseTreeHeadAnswer(payload: Uint8Array): TreeHeadAnswer | DnsRefusal {
  try {
    return judge(readAnswerSection(payload));
  } catch (error) {
    return refuseFormat(error);
  }
}

function judge(message: AnswerSection): TreeHeadAnswer | DnsRefusal {
  const { question, answers } = message;
  if (!message.isResponse) return refuse('not a response');
  if (question.type !== RecordType.txt || question.class !== RecordClass.in)
    return refuse('question type');
  if (!isTreeHeadName(question.name)) return refuse('not a tree head name');
  const texts = answers
    .filter(({ type }) => type === RecordType.txt)
    .map(({ rdata }) => textOfRdata(rdata));
  if (texts.length > 0)
    return { kind: 'answer', name: foldName(question.name), texts: distinct(asTaken(texts)) };
  if (message.rcode !== Rcode.noError) return refuse('rcode');
  if (message.truncated) return refuse('truncation bit');
  return message.fault === undefined ? refuse('no text') : refuseFormat(message.fault);
}

/**
 * Each text by itself, and all of them joined: the client of certificate-transparency-go joins the
 * TXT records in the order in which it gets them, and resolvers rotate them.
 */
function asTaken(texts: readonly Buffer[]): Buffer[] {
  if (texts.length === 1) return [...texts];
  const starts = texts.length > MAX_ROTATED ? [0] : texts.keys();
  const joined = Array.from(starts, (start) =>
    join([...texts.slice(start), ...texts.slice(0, start)]),
  );
  return [...texts, ...joined];
}

function distinct(texts: readonly Buffer[]): Buffer[] {
  return [...new Map(texts.map((text) => [text.toString('latin1'), text])).values()];
}

/**
 * The character-strings of a TXT record's RDATA, joined up to one that would end behind it: kdig,
 * for one, takes those before.
 */
export function textOfRdata(rdata: Uint8Array): Buffer {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < rdata.length;) {
    const end = at + 1 + (rdata[at] as number);
    if (end > rdata.length) break;
    strings.push(rdata.subarray(at + 1, end));
    at = end;
  }
  return join(strings);
}

function join(texts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(texts).subarray(0, MAX_TEXT);
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
