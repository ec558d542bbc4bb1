// SPDX-License-Identifier: Apache-2.0
/** Reading a ClientHello (RFC 8446, Section 4.1.2), and the two hashes that servers tell clients by. */
import { createHash } from 'node:crypto';

export interface ClientHello {
  /** Of the record and of the message, in hexadecimal. */
  readonly record: string;
  readonly version: string;
  readonly sessionIdBytes: number;
  /** In order, in hexadecimal. */
  readonly ciphers: readonly string[];
  readonly compression: string;
  /** In order: the type, and the content in hexadecimal. What is random is x. */
  readonly extensions: readonly (readonly [type: number, content: string])[];
}

const KEY_SHARE = 51;
const PADDING = 21;
const PRE_SHARED_KEY = 41;

/** Takes what a client sends first: one record. */
export function parseClientHello(bytes: Buffer): ClientHello {
  let at = 0;
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  const counted = (width: number): Buffer => take(take(width).readUIntBE(0, width));
  take(1);
  const record = take(2).toString('hex');
  take(2 + 4);
  const version = take(2).toString('hex');
  take(32);
  const sessionIdBytes = counted(1).length;
  const ciphers = counted(2).toString('hex').match(/.{4}/g) ?? [];
  const compression = counted(1).toString('hex');
  const end = at + 2 + bytes.readUInt16BE(at);
  take(2);
  const extensions: [number, string][] = [];
  while (at < end) {
    const type = take(2).readUInt16BE(0);
    extensions.push([type, shown(type, counted(2).toString('hex'))]);
  }
  return { record, version, sessionIdBytes, ciphers, compression, extensions };
}

function shown(type: number, content: string): string {
  if (type === PRE_SHARED_KEY || type === PADDING) return `${content.length / 2} bytes`;
  // Group and length of the one key of 32 bytes.
  return type === KEY_SHARE ? content.replace(/^(.{12}).{64}$/, '$1x') : content;
}

/** JA3 (github.com/salesforce/ja3): an MD5 over everything in the order in which it came. */
export function ja3({ version, ciphers, extensions }: ClientHello): string {
  const content = (wanted: number): string =>
    extensions.find(([type]) => type === wanted)?.[1] ?? '';
  const decimal = (hex: string, width: number): string =>
    (hex.match(new RegExp(`.{${width}}`, 'g')) ?? []).map((each) => parseInt(each, 16)).join('-');
  const text = [
    parseInt(version, 16),
    decimal(ciphers.join(''), 4),
    extensions.map(([type]) => type).join('-'),
    decimal(content(10).slice(4), 4),
    decimal(content(11).slice(2), 2),
  ].join(',');
  return createHash('md5').update(text).digest('hex');
}

/** JA4 (github.com/FoxIO-LLC/ja4) over TCP: counts, and hashes of sorted lists. */
export function ja4({ ciphers, extensions }: ClientHello): string {
  const content = (wanted: number): string | undefined =>
    extensions.find(([type]) => type === wanted)?.[1];
  const hash = (text: string): string =>
    createHash('sha256').update(text).digest('hex').slice(0, 12);
  const count = (list: readonly unknown[]): string => `${list.length}`.padStart(2, '0');
  const newest =
    (content(43)?.slice(2).match(/.{4}/g) ?? []).sort().at(-1) === '0304' ? '13' : '12';
  const name = content(0) === undefined ? 'i' : 'd';
  const alpn = content(16);
  const first = alpn === undefined ? '00' : Buffer.from(alpn.slice(6), 'hex').toString();
  const protocol = first.slice(0, parseInt(alpn?.slice(4, 6) ?? '02', 16));
  const types = extensions
    .map(([type]) => type.toString(16).padStart(4, '0'))
    .filter((type) => type !== '0000' && type !== '0010')
    .sort()
    .join(',');
  const signatures = (content(13)?.slice(4).match(/.{4}/g) ?? []).join(',');
  return [
    `t${newest}${name}${count(ciphers)}${count(extensions)}${protocol.charAt(0)}${protocol.slice(-1)}`,
    hash([...ciphers].sort().join(',')),
    hash(`${types}_${signatures}`),
  ].join('_');
}
