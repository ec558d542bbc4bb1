// SPDX-License-Identifier: Apache-2.0
/**
 * What sources that read DNS answers share: the form of a message, the logs by the names that carry
 * their statements, and why a message is refused.
 *
 * A log must not be able to show a client a statement in a message that this refuses. Clients
 * differ in what they take, so every TXT record of the answer section counts, whatever its owner
 * and its class: some clients follow CNAME and DNAME records to it, and c-ares and Go's resolver
 * look at neither, nor at the opcode, and c-ares and glibc not even at QR. Nothing else of the
 * message matters, and a log's own signature is the only one that is checked.
 */
import { ByteCursor, FormatError } from '../base/cursor.ts';
import {
  Rcode,
  readAnswerSection,
  RecordClass,
  RecordType,
  type AnswerSection,
  type MessageFormatReason,
} from '../dns/message.ts';
import { foldName, labelsOf, readNameAnywhere } from '../dns/name.ts';
import type { Log } from '../logs/log.ts';
import type { MatchPlace } from './match-rules.ts';
import type { Refusal } from './source.ts';

export const DNS_PORT = 53;
/** RFC 1035, Section 4.1.1. */
const DNS_HEADER = 12;

export type DnsRefusalReason =
  | 'truncated'
  | MessageFormatReason
  | 'question type' // not IN TXT
  | 'not a tree head name' // the first label is none of a source's
  // No TXT record was found, and:
  | 'not a response'
  | 'rcode'
  | 'truncation bit' // TC: the client asks again over TCP
  | 'no text';

export interface DnsRefusal {
  readonly kind: 'refused';
  readonly reason: DnsRefusalReason;
  /** The offset in the payload, for faults that have one. */
  readonly offset?: number;
}

export interface TextRecords {
  readonly kind: 'records';
  /** The question's name in wire format and lower case. */
  readonly name: Uint8Array;
  /** The RDATA of each TXT record of the answer section; one at least. */
  readonly rdatas: readonly Uint8Array[];
}

/**
 * Reads the payload of a UDP datagram as an answer to a question for IN TXT whose name begins with
 * this label, in any case. Never throws.
 */
export function readTextRecords(payload: Uint8Array, label: string): TextRecords | DnsRefusal {
  try {
    return judge(readAnswerSection(payload), label);
  } catch (error) {
    return refuseFormat(error);
  }
}

function judge(message: AnswerSection, label: string): TextRecords | DnsRefusal {
  const { question, answers } = message;
  if (question.type !== RecordType.txt || question.class !== RecordClass.in)
    return refuse('question type');
  if (!beginsWith(question.name, label)) return refuse('not a tree head name');
  const rdatas = answers.filter(({ type }) => type === RecordType.txt).map(({ rdata }) => rdata);
  if (rdatas.length > 0) return { kind: 'records', name: foldName(question.name), rdatas };
  if (!message.isResponse) return refuse('not a response');
  if (message.rcode !== Rcode.noError) return refuse('rcode');
  if (message.truncated) return refuse('truncation bit');
  return message.fault === undefined ? refuse('no text') : refuseFormat(message.fault);
}

/** Whether this is the first label, in any case. */
function beginsWith(name: Uint8Array, label: string): boolean {
  const [first] = labelsOf(name);
  return first !== undefined && Buffer.from(foldName(first)).toString('latin1') === label;
}

function refuse(reason: DnsRefusalReason): DnsRefusal {
  return { kind: 'refused', reason };
}

function refuseFormat(error: unknown): DnsRefusal {
  if (!(error instanceof FormatError)) throw error;
  // The parsers of src/dns throw no other reasons; TypeScript cannot know that of an exception.
  return { kind: 'refused', reason: error.reason as MessageFormatReason, offset: error.offset };
}

export const UNKNOWN_NAME: Refusal = { kind: 'refused', reason: 'answer: unknown name' };

export function refusalOf({ reason }: DnsRefusal): Refusal {
  const refusal: Refusal = { kind: 'refused', reason: `answer: ${reason}` };
  return reason === 'not a tree head name' ? { ...refusal, isOfOthers: true } : refusal;
}

/** Logs by the names that carry their statements. */
export class NamedLogs {
  /** In wire format. */
  readonly names: readonly Uint8Array[];
  readonly #logs: ReadonlyMap<string, Log>;

  /** `nameOf` makes the name of a zone. */
  constructor(zones: ReadonlyMap<string, Log>, nameOf: (zone: string) => Uint8Array) {
    const named = Array.from(zones, ([zone, log]) => ({ name: nameOf(zone), log }));
    this.names = named.map(({ name }) => name);
    this.#logs = new Map(named.map(({ name, log }) => [keyOf(name), log]));
  }

  /** `name` is in wire format and lower case. */
  logOf(name: Uint8Array): Log | undefined {
    return this.#logs.get(keyOf(name));
  }

  logAt(frame: Uint8Array, { nameOffset, nameLength }: MatchPlace): Log | undefined {
    return this.logOf(foldName(frame.subarray(nameOffset, nameOffset + nameLength)));
  }

  /** Whether the first bytes of a message have one of the names. */
  begins(start: Uint8Array): boolean {
    if (start.length < DNS_HEADER) return false;
    try {
      const cursor = new ByteCursor(start);
      cursor.skip(DNS_HEADER);
      return this.#logs.has(keyOf(foldName(readNameAnywhere(cursor))));
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }
}

function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1');
}
