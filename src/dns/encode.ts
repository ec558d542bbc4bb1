/**
 * DNS responses onto the wire: RFC 1035, Section 4; EDNS after RFC 6891, padding after RFC 7830.
 *
 * Only what an authoritative server for tree heads says. Record data and OPT are dns-packet's. The
 * rest is put together here, because dns-packet neither compresses nor echoes a question byte for
 * byte: the owner of every record is the question's name or a parent of it, so a pointer to the
 * question says it in two bytes, and what comes out is as small as can be. A tree head should fit
 * one packet.
 */
import * as dnsPacket from 'dns-packet';
import { PADDING_OPTION, RecordClass, type Question } from './message.ts';

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

/**
 * TXT data of any text: character-strings of at most 255 bytes (RFC 1035, Section 3.3.14). One byte
 * a character.
 */
export function encodeTxt(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'latin1');
  const strings: Buffer[] = [];
  // dns-packet writes a longer string's length modulo 256.
  for (let at = 0; at < bytes.length || at === 0; at += MAX_STRING)
    strings.push(bytes.subarray(at, at + MAX_STRING));
  return recordData('TXT', strings);
}

/**
 * SOA data (RFC 1035, Section 3.3.13) of a zone that is its own and only name server; so the timers
 * for secondary servers are conventional. `negativeTtl`, in seconds, is how long a resolver may
 * remember that there is nothing (RFC 2308, Section 4).
 */
export function encodeSoa(zone: string, negativeTtl: number): Uint8Array {
  const timers = { refresh: 3600, retry: 600, expire: 86_400, minimum: negativeTtl };
  return recordData('SOA', { mname: zone, rname: `hostmaster.${zone}`, serial: 1, ...timers });
}

/** RDATA: of A and AAAA from an address, of NS from a name. */
export function recordData(
  type: Parameters<typeof dnsPacket.record>[0],
  data: unknown,
): Uint8Array {
  const RDLENGTH = 2;
  return dnsPacket.record(type).encode(data).subarray(RDLENGTH);
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
  const { udpPayloadSize, extendedRcode, dnssecOk, padTo = 0 } = edns;
  const [fixed, optionHeader] = [11, 4];
  const room = padTo - precedingLength - fixed - optionHeader;
  return dnsPacket.answer.encode({
    type: 'OPT',
    name: '.',
    udpPayloadSize,
    extendedRcode,
    ednsVersion: 0,
    flags: dnssecOk ? dnsPacket.DNSSEC_OK : 0,
    flag_do: dnssecOk,
    options: room < 0 ? [] : [{ code: PADDING_OPTION, length: room }],
  });
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
