// SPDX-License-Identifier: Apache-2.0
/**
 * DNS messages that carry a tree head: draft-ct-over-dns-01, "STH Query". The question is
 * `sth.<zone>.` IN TXT, and the answer is a TXT record of the same name, whose character-strings
 * are joined (the tree head of an RSA log does not fit into one).
 *
 * Only the form of the message is read here, as ../dns-answer.ts does. source.ts knows the zones,
 * and src/statements reads the texts.
 */
import { readTextRecords, type DnsRefusal } from '../dns-answer.ts';

/**
 * In bytes: far more than a tree head with the signature of an 8192-bit RSA key (some 1,450). A
 * tree head stands at the beginning of its text, so what is behind this is left out.
 */
const MAX_TEXT = 2048;
/** Of no more records than these each order is tried in which a resolver may rotate them. */
const MAX_ROTATED = 4;

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
  const read = readTextRecords(payload, 'sth');
  if (read.kind === 'refused') return read;
  const texts = read.rdatas.map((rdata) => textOfRdata(rdata));
  return { kind: 'answer', name: read.name, texts: distinct(asTaken(texts)) };
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
