// SPDX-License-Identifier: Apache-2.0
/**
 * What the XDP program should count a frame as, written a second time and plainly, for tests to
 * compare. It follows xdp/README.md and shares nothing with the C code.
 */
import type { DataPlaneCounters } from '../../src/dataplane/types.ts';

type Tunnel = `encapsulated${'Tags' | 'Mpls' | 'Ip' | 'Gre' | 'Udp' | 'Ipsec'}`;

export type Verdict =
  | 'notIp'
  | Tunnel
  | 'notUdp'
  | 'otherPort'
  | 'malformed'
  | 'notTreeHead'
  | 'unknownName'
  | 'answersTooLarge'
  | 'fragmentsTooLarge'
  | 'answers'
  | 'fragments';

export interface Expectation {
  readonly verdict: Verdict;
  /** Bytes of the frame that are copied; 0 for what is not. */
  readonly copied: number;
  /** Where the text lies by which repeats of a copied answer are told; undefined if by nothing. */
  readonly text?: { readonly offset: number; readonly length: number } | undefined;
  /** What a P4 switch counts that looks at no compressed name, and at responses alone. */
  readonly atSwitch?: Verdict | undefined;
}

const LARGEST_COPY = 2048;
const TAGS = [0x8100, 0x88a8, 0x9100, 0x9200, 0x9300];
/** By EtherType, IP protocol and UDP destination port. */
const MPLS = [0x8847, 0x8848];
const TUNNELS: Readonly<Record<number, Tunnel>> = {
  4: 'encapsulatedIp',
  41: 'encapsulatedIp',
  47: 'encapsulatedGre',
  50: 'encapsulatedIpsec',
  51: 'encapsulatedIpsec',
  137: 'encapsulatedMpls',
};
const TUNNEL_PORTS = [2152, 4789, 6081, 8472];

const isExtension = (header: number): boolean => header === 0 || header === 43 || header === 60;

/** `names`: the known names as hexadecimal wire format. Answers come from port 53. */
export function expectedOf(
  frame: Uint8Array,
  names: ReadonlySet<string>,
  threshold: number,
): Expectation {
  const packet = Buffer.from(frame);
  const not = (verdict: Verdict): Expectation => ({ verdict, copied: 0 });
  const has = (offset: number, length: number): boolean => offset + length <= packet.length;

  if (!has(0, 14)) return not('malformed');
  let start = 14;
  let etherType = packet.readUInt16BE(12);
  for (let tags = 0; TAGS.includes(etherType); tags++, start += 4) {
    if (tags === 3) return not('encapsulatedTags');
    if (!has(start, 4)) return not('malformed');
    etherType = packet.readUInt16BE(start + 2);
  }
  if (etherType === 0x8864) {
    if (!has(start, 8)) return not('malformed');
    if (packet.readUInt16BE(start) !== 0x1100) return not('notIp');
    const protocol = packet.readUInt16BE(start + 6);
    etherType = protocol === 0x0021 ? 0x0800 : protocol === 0x0057 ? 0x86dd : 0;
    start += 8;
  }

  let end: number;
  let payload: number;
  let fragment = false;
  if (etherType === 0x0800) {
    if (!has(start, 20)) return not('malformed');
    const protocol = packet.readUInt8(start + 9);
    if (protocol !== 17) return not(TUNNELS[protocol] ?? 'notUdp');
    const headerLength = (packet.readUInt8(start) & 0xf) * 4;
    end = start + packet.readUInt16BE(start + 2);
    payload = start + headerLength;
    if (packet.readUInt8(start) >>> 4 !== 4 || headerLength < 20 || payload > end)
      return not('malformed');
    fragment = (packet.readUInt16BE(start + 6) & 0x3fff) !== 0;
  } else if (etherType === 0x86dd) {
    if (!has(start, 40)) return not('malformed');
    const payloadLength = packet.readUInt16BE(start + 4);
    payload = start + 40;
    end = payload + payloadLength;
    let next = packet.readUInt8(start + 6);
    for (let count = 0; count < 5 && isExtension(next); count++) {
      if (!has(payload, 2)) return not('malformed');
      next = packet.readUInt8(payload);
      payload += 8 + packet.readUInt8(payload + 1) * 8;
    }
    if (next === 44) {
      if (!has(payload, 8)) return not('malformed');
      next = packet.readUInt8(payload);
      // What a later fragment says of its protocol means nothing.
      if (packet.readUInt16BE(payload + 2) >= 8) next = 17;
      payload += 8;
      fragment = true;
    }
    if (next !== 17 && !(fragment && isExtension(next))) return not(TUNNELS[next] ?? 'notUdp');
    if (packet.readUInt8(start) >>> 4 !== 6 || payloadLength === 0 || payload > end)
      return not('malformed');
  } else {
    return not(MPLS.includes(etherType) ? 'encapsulatedMpls' : 'notIp');
  }

  if (fragment) {
    if (end > packet.length) return not('malformed');
    const small = end - start <= threshold && end <= LARGEST_COPY;
    return small ? { verdict: 'fragments', copied: end } : not('fragmentsTooLarge');
  }
  if (!has(payload, 8)) return not('malformed');
  if (packet.readUInt16BE(payload) !== 53) {
    const isTunnel = TUNNEL_PORTS.includes(packet.readUInt16BE(payload + 2));
    return not(isTunnel ? 'encapsulatedUdp' : 'otherPort');
  }
  const udpLength = packet.readUInt16BE(payload + 4);
  // Over IPv6 no length is that of the rest of the packet (RFC 2675).
  const datagramEnd = udpLength === 0 && etherType === 0x86dd ? end : payload + udpLength;
  const dns = payload + 8;
  if (!has(dns, 12) || datagramEnd > end || dns + 12 > datagramEnd) return not('malformed');
  const [flags = 0, questions = 0, answers = 0] = [2, 4, 6].map((at) =>
    packet.readUInt16BE(dns + at),
  );
  if (questions === 0 || answers === 0) return not('notTreeHead');
  const found = expectedOfMessage();
  return flags < 0x8000 ? { ...found, atSwitch: 'notTreeHead' } : found;

  function expectedOfMessage(): Expectation {
    if (end > packet.length) return not('malformed');
    // The name is what stands in front of the first zero byte of the datagram, or of one that can
    // begin a compression pointer, as far as names are looked at.
    const question = packet.subarray(dns + 12, datagramEnd);
    const length = question.indexOf(0) + 1;
    const name = question
      .subarray(0, length)
      .map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
    // QTYPE, QCLASS, and the shortest record there can be.
    const hasRoom = (behind: number): boolean => behind + 4 + 11 <= question.length;
    if (!names.has(Buffer.from(name).toString('hex')) || !hasRoom(length)) {
      // Of a label of ten letters, four bytes say enough.
      const first = question.toString('latin1', 0, 4).toLowerCase();
      const isOfTreeHead = first === '\x03sth' || first === '\x0ache';
      const atSwitch = isOfTreeHead ? 'unknownName' : 'notTreeHead';
      const longest = Math.max(0, ...Array.from(names, (hex) => hex.length / 2));
      const pointer = question
        .subarray(0, Math.ceil(longest / 32) * 32)
        .findIndex((byte) => byte === 0 || byte > 0x80);
      const isCompressed =
        pointer >= 0 &&
        question.readUInt8(pointer) >= 0xc0 &&
        hasRoom(pointer + 2) &&
        question.readUInt32BE(pointer + 2) === 0x0010_0001;
      if (!isCompressed) return not(atSwitch);
      const isLarge = end > LARGEST_COPY;
      return {
        verdict: isLarge ? 'answersTooLarge' : 'answers',
        copied: isLarge ? 0 : end,
        atSwitch,
      };
    }
    if (question.readUInt32BE(length) !== 0x0010_0001) return not('notTreeHead');
    if (end > LARGEST_COPY) return not('answersTooLarge');
    const records = dns + 12 + length + 4;
    const text =
      questions === 1 ? textOf(packet.subarray(0, datagramEnd), records, answers) : undefined;
    return { verdict: 'answers', copied: end, text };
  }
}

/** The RDATA of the only TXT record among `count` that begin at `at` and end with the packet. */
function textOf(packet: Buffer, at: number, count: number): Expectation['text'] {
  const texts: { offset: number; length: number }[] = [];
  try {
    for (let record = 0; record < count; record++) {
      let labels = 0;
      for (let length = packet.readUInt8(at); length !== 0; length = packet.readUInt8(at)) {
        if (length >= 0x40 && length < 0xc0) return undefined;
        at += 1 + length;
        if (length >= 0xc0) {
          at -= length;
          break;
        }
        labels++;
      }
      const length = packet.readUInt16BE(at + 9);
      if (packet.readUInt16BE(at + 1) === 16) texts.push({ offset: at + 11, length });
      at += 11 + length;
      if (labels > 40 || at > packet.length) return undefined;
    }
  } catch {
    return undefined;
  }
  const [text, ...others] = texts;
  if (count > 4 || text === undefined || others.length > 0) return undefined;
  return text.length >= 8 && text.length <= 1024 ? text : undefined;
}

/**
 * The sums of DataPlaneCounters that hold exactly. Returns what is wrong, for a readable assertion.
 */
export function accountingErrors(counters: DataPlaneCounters): string[] {
  const c = counters;
  const errors: string[] = [];
  const check = (what: string, whole: bigint, ...parts: readonly bigint[]): void => {
    const sum = parts.reduce((total, part) => total + part, 0n);
    if (whole !== sum)
      errors.push(`${what}: ${whole.toString()}, but its parts add up to ${sum.toString()}`);
  };
  check(
    'packets',
    c.packets,
    c.notIp,
    c.encapsulatedTags,
    c.encapsulatedMpls,
    c.encapsulatedIp,
    c.encapsulatedGre,
    c.encapsulatedUdp,
    c.encapsulatedIpsec,
    c.notUdp,
    c.otherPort,
    c.malformed,
    c.notTreeHead,
    c.unknownName,
    c.answersTooLarge,
    c.fragmentsTooLarge,
    c.answers,
    c.fragments,
  );
  check(
    'answers',
    c.answers,
    c.answersCopied,
    c.answersSampledOut,
    c.answersOverBudget,
    c.answersSeen,
    c.answersRingFull,
  );
  check(
    'fragments',
    c.fragments,
    c.fragmentsCopied,
    c.fragmentsSampledOut,
    c.fragmentsOverBudget,
    c.fragmentsSeen,
    c.fragmentsRingFull,
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
    keys
      .filter((key) => after[key] !== before[key])
      .map((key) => [key, Number(after[key] - before[key])]),
  );
}
