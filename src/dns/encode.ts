/**
 * DNS responses onto the wire: RFC 1035, Section 4; EDNS after RFC 6891, padding after RFC 7830.
 *
 * Only what an authoritative server for tree heads says. The owner of every record is the question's name or a
 * parent of it, so a compression pointer to the question says it in two bytes, and what comes out is as small
 * as can be: a tree head should fit one packet.
 */
import { PADDING_OPTION, RecordClass, RecordType, type Question } from './message.ts';

const HEADER = 12;
const MAX_STRING = 255;

export interface OutgoingRecord {
  /** How many of the question's labels to leave out in front: 0 for the question's own name. */
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
  /** Pads the message to this many bytes, if it is shorter by what an option takes at least. */
  readonly padTo?: number | undefined;
}

export interface OutgoingResponse {
  readonly id: number;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly rcode: number;
  /** Echoed byte for byte: a resolver that mixes case compares it (0x20). */
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

/** TXT data of any text: character-strings of at most 255 bytes (RFC 1035, Section 3.3.14). One byte a character. */
export function encodeTxt(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  const strings: Uint8Array[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += MAX_STRING) {
    const string = bytes.subarray(at, at + MAX_STRING);
    strings.push(Uint8Array.of(string.length), string);
  }
  return Buffer.concat(strings);
}

export interface StartOfAuthority {
  readonly primary: Uint8Array;
  readonly mailbox: Uint8Array;
  readonly serial: number;
  /** How long a resolver may remember that there is nothing (RFC 2308, Section 4), in seconds. */
  readonly negativeTtl: number;
}

/** SOA data (RFC 1035, Section 3.3.13). There is no secondary server, so the timers for it are conventional. */
export function encodeSoa(soa: StartOfAuthority): Uint8Array {
  const [refresh, retry, expire] = [3600, 600, 86_400];
  return Buffer.concat([
    soa.primary,
    soa.mailbox,
    ...[soa.serial, refresh, retry, expire, soa.negativeTtl].map(u32),
  ]);
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

function encodeOpt(edns: OutgoingEdns, precedingLength: number): Buffer {
  const fixed = 11;
  const room = (edns.padTo ?? 0) - precedingLength - fixed - 4;
  const options =
    room < 0 ? Buffer.alloc(0) : Buffer.concat([u16(PADDING_OPTION), u16(room), Buffer.alloc(room)]);
  return Buffer.concat([
    Uint8Array.of(0), // the root
    u16(RecordType.opt),
    u16(edns.udpPayloadSize),
    u32(edns.extendedRcode * 0x100_0000 + (edns.dnssecOk ? 0x8000 : 0)), // version 0 between them
    u16(options.length),
    options,
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
