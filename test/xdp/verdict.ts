/**
 * What the XDP program should count a frame as, written a second time and plainly, for tests to compare.
 * It follows xdp/README.md and shares nothing with the C code.
 */
import type { DataPlaneCounters } from '../../src/dataplane/types.ts';

export type Verdict =
  | 'notIp'
  | 'notUdp53'
  | 'malformed'
  | 'notDnsAnswer'
  | 'unknownName'
  | 'fragmentsTooLarge'
  | 'answers'
  | 'fragments';

export interface Expectation {
  readonly verdict: Verdict;
  /** Bytes of the frame that are copied; 0 for what is not. */
  readonly copied: number;
}

/** `names`: the known names as hexadecimal wire format. */
export function expectedOf(frame: Uint8Array, names: ReadonlySet<string>, threshold: number): Expectation {
  const packet = Buffer.from(frame);
  const not = (verdict: Verdict): Expectation => ({ verdict, copied: 0 });

  let start = 14;
  let etherType = packet.length >= 14 ? packet.readUInt16BE(12) : 0;
  if (etherType === 0x8100 || etherType === 0x88a8) {
    start = 18;
    etherType = packet.length >= 18 ? packet.readUInt16BE(16) : 0;
  }

  let end: number;
  let udp: number;
  let protocol: number;
  let fragment: boolean;
  if (etherType === 0x0800) {
    if (packet.length < start + 20 || packet.readUInt8(start) >>> 4 !== 4) return not('malformed');
    const headerLength = (packet.readUInt8(start) & 0xf) * 4;
    end = start + packet.readUInt16BE(start + 2);
    udp = start + headerLength;
    if (headerLength < 20 || udp > end || end > packet.length) return not('malformed');
    protocol = packet.readUInt8(start + 9);
    fragment = (packet.readUInt16BE(start + 6) & 0x3fff) !== 0;
  } else if (etherType === 0x86dd) {
    if (packet.length < start + 40 || packet.readUInt8(start) >>> 4 !== 6) return not('malformed');
    const payloadLength = packet.readUInt16BE(start + 4);
    udp = start + 40;
    end = udp + payloadLength;
    if (payloadLength === 0 || end > packet.length) return not('malformed');
    protocol = packet.readUInt8(start + 6);
    fragment = protocol === 44;
    if (fragment) {
      if (payloadLength < 8) return not('malformed');
      protocol = packet.readUInt8(udp);
    }
  } else {
    return not('notIp');
  }

  if (protocol !== 17) return not('notUdp53');
  if (fragment) {
    return end - start <= threshold ? { verdict: 'fragments', copied: end } : not('fragmentsTooLarge');
  }
  if (packet.length < udp + 8) return not('malformed');
  if (packet.readUInt16BE(udp) !== 53) return not('notUdp53');
  const datagramEnd = udp + packet.readUInt16BE(udp + 4);
  const dns = udp + 8;
  if (datagramEnd > end || dns + 12 > datagramEnd) return not('malformed');
  const isAnswer = (packet.readUInt16BE(dns + 2) & 0xf800) === 0x8000;
  if (!isAnswer || packet.readUInt16BE(dns + 4) !== 1 || packet.readUInt16BE(dns + 6) !== 1) {
    return not('notDnsAnswer');
  }

  let at = dns + 12;
  for (let length = -1; length !== 0; at += length + 1) {
    if (at >= datagramEnd) return not('malformed');
    length = packet.readUInt8(at);
    if (length > 63) return not('malformed');
  }
  if (at - (dns + 12) > 255 || at + 4 > datagramEnd) return not('malformed');
  if (packet.readUInt32BE(at) !== 0x0010_0001) return not('notDnsAnswer');
  const name = packet.subarray(dns + 12, at).map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
  if (!names.has(Buffer.from(name).toString('hex'))) return not('unknownName');
  return { verdict: 'answers', copied: end <= 2048 ? end : 0 };
}

/** The sums of DataPlaneCounters that hold exactly. Returns what is wrong, for a readable assertion. */
export function accountingErrors(counters: DataPlaneCounters): string[] {
  const c = counters;
  const errors: string[] = [];
  const check = (what: string, whole: bigint, ...parts: readonly bigint[]): void => {
    const sum = parts.reduce((total, part) => total + part, 0n);
    if (whole !== sum) errors.push(`${what}: ${whole.toString()}, but its parts add up to ${sum.toString()}`);
  };
  check(
    'packets',
    c.packets,
    ...[c.notIp, c.notUdp53, c.malformed, c.notDnsAnswer, c.unknownName],
    ...[c.fragmentsTooLarge, c.answers, c.fragments],
  );
  check(
    'answers',
    c.answers,
    ...[c.answersCopied, c.answersSampledOut, c.answersRingFull, c.answersOversize, c.answersCopyFailed],
  );
  check(
    'fragments',
    c.fragments,
    ...[
      c.fragmentsCopied,
      c.fragmentsSampledOut,
      c.fragmentsRingFull,
      c.fragmentsOversize,
      c.fragmentsCopyFailed,
    ],
  );
  return errors;
}

/** The counters that changed between two readings, by how much. */
export function moved(
  before: DataPlaneCounters,
  after: DataPlaneCounters,
): Partial<Record<keyof DataPlaneCounters, number>> {
  const keys = Object.keys(after) as (keyof DataPlaneCounters)[];
  return Object.fromEntries(
    keys.filter((key) => after[key] !== before[key]).map((key) => [key, Number(after[key] - before[key])]),
  );
}
