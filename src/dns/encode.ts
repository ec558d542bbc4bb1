// SPDX-License-Identifier: Apache-2.0
/**
 * Encodes DNS responses (RFC 1035, Section 4), with EDNS (RFC 6891) and padding (RFC 7830).
 *
 * It encodes only what an authoritative server for tree heads says, and makes it small, because a
 * tree head should fit into one packet: the owner of every record is the question's name or a
 * parent of it, so a pointer of two bytes to the question is enough. dns-packet does not compress
 * names, and does not echo a question byte for byte.
 */
import { PADDING_OPTION, RecordClass, RecordType, type Question } from './message.ts';

const HEADER = 12;
const MAX_STRING = 255;
/** RFC 3225, Section 3: the highest bit of the flags. */
const DNSSEC_OK = 0x8000;

export interface OutgoingRecord {
  /**
   * The record's owner: the question's name without this many of its first labels. 0 is the name
   * itself.
   */
  readonly labelsAbove: number;
  readonly type: number;
  readonly ttl: number;
  readonly rdata: Uint8Array;
}

export interface OutgoingEdns {
  readonly udpPayloadSize: number;
  /** The upper eight bits of the response code. */
  readonly extendedRcode: number;
  /** Copied from the query (RFC 3225, Section 3). */
  readonly dnssecOk: boolean;
  /**
   * Pad the message to this many bytes. It stays shorter if what is missing is less than the header
   * of the padding option.
   */
  readonly padTo?: number | undefined;
}

export interface OutgoingResponse {
  readonly id: number;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly rcode: number;
  /** Echoed byte for byte, because resolvers that mix case compare it (0x20). */
  readonly question: Question | undefined;
  readonly answers: readonly OutgoingRecord[];
  readonly authorities: readonly OutgoingRecord[];
  readonly edns: OutgoingEdns | undefined;
}

export function encodeResponse(response: OutgoingResponse): Buffer {
  const { question, answers, authorities, edns } = response;
  const flags =
    0x8000 |
    (response.opcode << 11) |
    (response.authoritative ? 0x0400 : 0) |
    (response.truncated ? 0x0200 : 0) |
    (response.recursionDesired ? 0x0100 : 0) |
    (response.rcode & 0xf);
  const head = Buffer.concat([
    u16(response.id),
    u16(flags),
    u16(question === undefined ? 0 : 1),
    u16(answers.length),
    u16(authorities.length),
    u16(edns === undefined ? 0 : 1),
    question?.wire ?? new Uint8Array(0),
    ...[...answers, ...authorities].map((record) => encodeRecord(record, question)),
  ]);
  return edns === undefined ? head : Buffer.concat([head, encodeOpt(edns, head.length)]);
}

/**
 * The RDATA of a TXT record: at least one character-string, each of at most 255 bytes (RFC 1035,
 * Section 3.3.14). A text has one byte for each character.
 */
export function encodeTxt(text: string | Uint8Array): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += MAX_STRING) {
    const part = bytes.subarray(at, at + MAX_STRING);
    parts.push(Uint8Array.of(part.length), part);
  }
  return Buffer.concat(parts);
}

/** In seconds. */
export interface SoaTimers {
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** How long a resolver may remember that there is nothing (RFC 2308, Section 4). */
  readonly minimum: number;
}

/** The RDATA of an SOA record (RFC 1035, Section 3.3.13); names are in wire format. */
export function encodeSoa(
  server: Uint8Array,
  mailbox: Uint8Array,
  serial: number,
  { refresh, retry, expire, minimum }: SoaTimers,
): Buffer {
  const numbers = [serial, refresh, retry, expire, minimum];
  return Buffer.concat([server, mailbox, ...numbers.map(u32)]);
}

function encodeRecord(record: OutgoingRecord, question: Question | undefined): Buffer {
  let nameAt = HEADER;
  for (let label = 0; label < record.labelsAbove; label++) {
    nameAt += 1 + (question?.name[nameAt - HEADER] ?? 0);
  }
  return Buffer.concat([
    u16(0xc000 | nameAt),
    u16(record.type),
    u16(RecordClass.in),
    u32(record.ttl),
    u16(record.rdata.length),
    record.rdata,
  ]);
}

/**
 * The OPT record (RFC 6891, Section 6.1.2): its class is the payload size, and its TTL the extended
 * response code, the version (0) and the flags.
 */
function encodeOpt(edns: OutgoingEdns, precedingLength: number): Buffer {
  const { udpPayloadSize, extendedRcode, dnssecOk, padTo = 0 } = edns;
  const [fixed, optionHeader] = [11, 4];
  const padding = padTo - precedingLength - fixed - optionHeader;
  const options = padding < 0 ? [] : [u16(PADDING_OPTION), u16(padding), new Uint8Array(padding)];
  const rdata = Buffer.concat(options);
  return Buffer.concat([
    Uint8Array.of(0), // the root
    u16(RecordType.opt),
    u16(udpPayloadSize),
    Uint8Array.of(extendedRcode, 0),
    u16(dnssecOk ? DNSSEC_OK : 0),
    u16(rdata.length),
    rdata,
  ]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
