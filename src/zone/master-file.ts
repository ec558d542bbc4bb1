// SPDX-License-Identifier: Apache-2.0
/**
 * Zone files (RFC 1035, Section 5): records as text, as every server reads them, and as much of a
 * file that a person wrote as is needed to add records to it. Pure.
 */
import ipaddr from 'ipaddr.js';
import { badInput } from '../base/errors.ts';
import { RecordType } from '../dns/message.ts';
import { formatName } from '../dns/name.ts';
import type { RrSet } from '../dns/primary.ts';

const MAX_STRING = 255;

/** The data of a TXT record: character-strings of at most 255 bytes each, in quotes. */
export function formatTxt(text: Uint8Array): string {
  const strings: string[] = [];
  for (let at = 0; at < text.length || at === 0; at += MAX_STRING)
    strings.push(formatString(text.subarray(at, at + MAX_STRING)));
  return strings.join(' ');
}

/** One line for each record; all names are absolute. */
export function formatRecords({ name, type, ttl, rdatas }: RrSet): string[] {
  const [typeName, format] = FORMATS[type] ?? [`TYPE${type}`, generic];
  return rdatas.map((rdata) => `${name}. ${ttl} IN ${typeName} ${format(rdata)}`);
}

const FORMATS: Readonly<Record<number, readonly [string, (rdata: Uint8Array) => string]>> = {
  [RecordType.a]: ['A', addressText],
  [RecordType.aaaa]: ['AAAA', addressText],
  [RecordType.ns]: ['NS', (rdata) => `${formatName(rdata)}.`],
  [RecordType.txt]: ['TXT', (rdata) => stringsOf(rdata).map(formatString).join(' ')],
};

function addressText(rdata: Uint8Array): string {
  return ipaddr.fromByteArray([...rdata]).toString();
}

/** RFC 3597, Section 5. */
function generic(rdata: Uint8Array): string {
  return `\\# ${rdata.length} ${Buffer.from(rdata).toString('hex')}`;
}

function stringsOf(rdata: Uint8Array): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < rdata.length; at += 1 + (rdata[at] ?? 0))
    strings.push(rdata.subarray(at + 1, at + 1 + (rdata[at] ?? 0)));
  return strings;
}

function formatString(bytes: Uint8Array): string {
  return `"${Array.from(bytes, formatByte).join('')}"`;
}

function formatByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return `\\${character}`;
  return byte < 0x20 || byte >= 0x7f ? `\\${String(byte).padStart(3, '0')}` : character;
}

interface Token {
  readonly text: string;
  readonly start: number;
  /** It is the first of its record, and stands where an owner does. */
  readonly isOwner: boolean;
}

/** What a zone file says of itself. */
export interface ZoneFile {
  readonly serial: number;
  readonly serialStart: number;
  readonly serialEnd: number;
  /** For how many seconds resolvers remember that there is no such name. */
  readonly minimum: number;
  /** Owners as they are written, and the origin where that was set before. */
  readonly owners: readonly { readonly text: string; readonly origin: string | undefined }[];
}

/**
 * Finds the SOA record of a zone file, and the owners of all records. Throws CtgaError `bad-input`
 * that begins with `where` if there is no SOA record, as for a file that is included.
 */
export function readZoneFile(text: string, where: string): ZoneFile {
  const tokens = tokensOf(text);
  const at = tokens.findIndex(
    ({ text: word, isOwner }, i) =>
      word.toUpperCase() === 'SOA' && !isOwner && /^[0-9]+$/.test(tokens[i + 3]?.text ?? ''),
  );
  const serial = tokens[at + 3];
  const minimum = tokens[at + 7];
  if (at < 0 || serial === undefined || minimum === undefined || Number(serial.text) >= 2 ** 32)
    throw badInput(
      `${where} has no SOA record`,
      'It is to be the zone as you would write it without tree heads, for instance: @ 3600 SOA ns1.example.net. hostmaster.example.net. 1 3600 600 1209600 300',
    );
  let origin: string | undefined;
  const owners = tokens.flatMap(({ text: word, isOwner }, i) => {
    if (word.toUpperCase() === '$ORIGIN') origin = tokens[i + 1]?.text;
    return isOwner && !word.startsWith('$') ? [{ text: word, origin }] : [];
  });
  return {
    serial: Number(serial.text),
    serialStart: serial.start,
    serialEnd: serial.start + serial.text.length,
    minimum: secondsOf(minimum.text),
    owners,
  };
}

/** Words and quoted strings, without comments and parentheses. */
function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const part = /;[^\n]*|"(?:[^"\\]|\\[^])*"|[()]|\n|[ \t\r]+|(?:[^\s;()"\\]|\\[^])+|[^]/g;
  let depth = 0;
  let atStart = true;
  for (const { 0: word, index } of text.matchAll(part)) {
    if (word === '(') depth += 1;
    else if (word === ')') depth -= 1;
    else if (!/^[;\s]/.test(word)) tokens.push({ text: word, start: index, isOwner: atStart });
    atStart = word === '\n' && depth <= 0;
  }
  return tokens;
}

/** As BIND, NSD and Knot read a time: 300, or 1h30m. */
function secondsOf(text: string): number {
  const units = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;
  if (/^[0-9]+$/.test(text)) return Number(text);
  return [...text.toLowerCase().matchAll(/([0-9]+)([smhdw])/g)].reduce(
    (sum, [, value, unit]) => sum + Number(value) * units[unit as keyof typeof units],
    0,
  );
}

/**
 * The serial that comes after `last`: the time in seconds or `own`, if they come later, as RFC 1982
 * has it. Secondary servers take a zone only if its serial is later than theirs.
 */
export function nextSerial(last: number, own: number, now: number): number {
  let next = (last + 1) % 2 ** 32 || 1;
  for (const other of [own, Math.floor(now / 1000) % 2 ** 32]) {
    const ahead = (other - next + 2 ** 32) % 2 ** 32;
    if (ahead > 0 && ahead < 2 ** 31) next = other;
  }
  return next;
}
