// SPDX-License-Identifier: Apache-2.0
/**
 * MatchRules as code over the bytes of a packet: whether an observer has to see it.
 *
 * Nothing is decoded and nothing allocated, since almost no packet of a large capture matches. The
 * filter may let pass what decoding refuses, and never stops what decoding would make a claim of.
 * So it reads what a claim depends on, and checks neither lengths nor checksums.
 */
import {
  EtherType,
  isTag,
  MAX_TAGS,
  PPP_IPV4,
  PPP_IPV6,
  PPPOE_HEADER,
} from '../../packet/ethernet.ts';
import { IpProtocol } from '../../packet/ip.ts';
import { MAX_EXTENSION_HEADERS } from '../../packet/ipv6.ts';
import { UDP_HEADER } from '../../packet/udp.ts';
import type { MatchRules } from '../../sources/match-rules.ts';
import { CUT, type CapturePacket } from './packet.ts';

/** What became of a packet: numbers, because they index an array of counters. */
export const Verdict = {
  /** An answer to one of the names: it passes. */
  answer: 0,
  /** A part of a UDP datagram, whose name cannot be judged: it passes. */
  fragment: 1,
  notIp: 2,
  notUdp: 3,
  otherPort: 4,
  /** It ends before it says what it is, or its question's name is none. */
  malformed: 5,
  /** No answer to a question for IN TXT whose name begins as all that are looked for. */
  notTreeHead: 6,
  unknownName: 7,
  // In a tunnel, which is not looked into.
  encapsulatedTags: 8,
  encapsulatedMpls: 9,
  encapsulatedIp: 10,
  encapsulatedGre: 11,
  encapsulatedUdp: 12,
  encapsulatedIpsec: 13,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export type CaptureFilter = (packet: CapturePacket) => Verdict;

/** By IP protocol: IPv4, IPv6, GRE, ESP, AH, and MPLS (RFC 4023). */
const TUNNELS: ReadonlyMap<number, Verdict> = new Map([
  [4, Verdict.encapsulatedIp],
  [41, Verdict.encapsulatedIp],
  [47, Verdict.encapsulatedGre],
  [50, Verdict.encapsulatedIpsec],
  [51, Verdict.encapsulatedIpsec],
  [137, Verdict.encapsulatedMpls],
]);
/** UDP ports of GTP-U, VXLAN, Geneve, and VXLAN as Linux had it before. */
const TUNNEL_PORTS: ReadonlySet<number> = new Set([2152, 4789, 6081, 8472]);

const DNS_HEADER = 12;
const MAX_LABEL = 63;

export function compileFilter(rules: MatchRules): CaptureFilter {
  const ports = new Uint8Array(0x1_0000);
  for (const port of rules.udpSourcePorts) ports[port] = 1;
  const names = new NameTable(rules.dnsNames);

  /** `at` is where the UDP header begins. */
  function judgeUdp(packet: CapturePacket, at: number): Verdict {
    const { bytes } = packet;
    const dns = at + UDP_HEADER;
    if (!packet.has(at, UDP_HEADER)) return Verdict.malformed;
    if (ports[packet.u16(at)] === 0)
      return TUNNEL_PORTS.has(packet.u16(at + 2)) ? Verdict.encapsulatedUdp : Verdict.otherPort;
    if (!packet.has(dns, DNS_HEADER)) return Verdict.malformed;
    const isResponse = (bytes[dns + 2] as number) >= 0x80;
    if (!isResponse || packet.u16(dns + 4) === 0) return Verdict.notTreeHead;
    return names.judge(packet, dns + DNS_HEADER);
  }

  function judgeIpv4(packet: CapturePacket, at: number): Verdict {
    if (!packet.has(at, 20)) return Verdict.malformed;
    const { bytes } = packet;
    const protocol = bytes[at + 9] as number;
    if (protocol !== IpProtocol.udp) return TUNNELS.get(protocol) ?? Verdict.notUdp;
    if ((packet.u16(at + 6) & 0x3fff) !== 0) return Verdict.fragment;
    return judgeUdp(packet, at + ((bytes[at] as number) & 0x0f) * 4);
  }

  function judgeIpv6(packet: CapturePacket, start: number): Verdict {
    if (!packet.has(start, 40)) return Verdict.malformed;
    const { bytes } = packet;
    let next = bytes[start + 6] as number;
    let at = start + 40;
    for (let count = 0; count <= MAX_EXTENSION_HEADERS; count++) {
      if (next === IpProtocol.udp) return judgeUdp(packet, at);
      // What a later fragment says of its protocol means nothing, so fragments of anything pass.
      if (next === IpProtocol.fragment) return Verdict.fragment;
      const isExtension =
        next === IpProtocol.hopByHop ||
        next === IpProtocol.routing ||
        next === IpProtocol.destinationOptions;
      if (!isExtension) return TUNNELS.get(next) ?? Verdict.notUdp;
      if (!packet.has(at, 2)) return Verdict.malformed;
      next = bytes[at] as number;
      at += (bytes[at + 1] as number) * 8 + 8;
    }
    return Verdict.malformed;
  }

  return (packet) => {
    let { etherType, payloadAt: at } = packet;
    if (etherType === CUT) return Verdict.malformed;
    for (let tags = 0; isTag(etherType); tags++) {
      if (tags === MAX_TAGS) return Verdict.encapsulatedTags;
      if (!packet.has(at, 4)) return Verdict.malformed;
      etherType = packet.u16(at + 2);
      at += 4;
    }
    if (etherType === EtherType.pppoeSession) {
      if (!packet.has(at, PPPOE_HEADER)) return Verdict.malformed;
      const protocol = packet.u16(at + 6);
      at += PPPOE_HEADER;
      if (protocol === PPP_IPV4) etherType = EtherType.ipv4;
      else if (protocol === PPP_IPV6) etherType = EtherType.ipv6;
    }
    if (etherType === EtherType.ipv4) return judgeIpv4(packet, at);
    if (etherType === EtherType.ipv6) return judgeIpv6(packet, at);
    const isMpls = etherType === EtherType.mpls || etherType === EtherType.mplsMulticast;
    return isMpls ? Verdict.encapsulatedMpls : Verdict.notIp;
  };
}

const fold = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);
/** FNV-1a. Names of an attacker's choice that share a slot cost one comparison each. */
const [HASH_START, HASH_PRIME] = [0x811c_9dc5, 0x0100_0193];

/** The names that are looked for, by a hash of their bytes. */
class NameTable {
  /** What all names begin with, up to the end of the first label. */
  readonly #prefix: Uint8Array;
  readonly #longest: number;
  /** A power of two of slots, each with the names whose hash has these lower bits. */
  readonly #slots: Uint8Array[][];

  constructor(names: readonly Uint8Array[]) {
    this.#prefix = commonPrefix(names);
    this.#longest = Math.max(0, ...names.map(({ length }) => length));
    const size = 2 ** Math.ceil(Math.log2(2 * names.length + 1));
    this.#slots = Array.from({ length: size }, () => []);
    for (const name of names) {
      const hash = name.reduce((sum, byte) => Math.imul(sum ^ byte, HASH_PRIME), HASH_START);
      this.#slots[hash & (size - 1)]?.push(name);
    }
  }

  /** Judges the question that begins at `start`. */
  judge(packet: CapturePacket, start: number): Verdict {
    const { bytes, payloadEnd } = packet;
    const prefix = this.#prefix;
    for (let i = 0; i < prefix.length; i++) {
      if (start + i >= payloadEnd) return Verdict.malformed;
      if (fold(bytes[start + i] as number) !== prefix[i]) return Verdict.notTreeHead;
    }
    let hash = HASH_START;
    let at = start;
    let labelEnd = start;
    // Nothing precedes this name that a compression pointer (RFC 1035, Section 4.1.4) could lead
    // to.
    for (;;) {
      if (at >= payloadEnd) return Verdict.malformed;
      if (at - start >= this.#longest) return Verdict.unknownName;
      const byte = bytes[at] as number;
      hash = Math.imul(hash ^ fold(byte), HASH_PRIME);
      if (at++ !== labelEnd) continue;
      if (byte === 0) break;
      if (byte > MAX_LABEL) return Verdict.malformed;
      labelEnd = at + byte;
    }
    const slot = this.#slots[hash & (this.#slots.length - 1)] as Uint8Array[];
    for (const name of slot) {
      if (!isName(name, bytes, start, at)) continue;
      if (!packet.has(at, 4)) return Verdict.malformed;
      const TXT_IN = 0x0010_0001;
      return packet.view.getUint32(at) === TXT_IN ? Verdict.answer : Verdict.notTreeHead;
    }
    return Verdict.unknownName;
  }
}

/** Whether bytes[start, end) in lower case are the name. */
function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++)
    if (fold(bytes[start + i] as number) !== name[i]) return false;
  return true;
}

/** The first label of all names, if it is the same. */
function commonPrefix([first, ...others]: readonly Uint8Array[]): Uint8Array {
  if (first === undefined) return new Uint8Array(0);
  const label = first.subarray(0, 1 + (first[0] ?? 0));
  const isCommon = others.every((name) => label.every((byte, i) => byte === name[i]));
  return isCommon ? label : new Uint8Array(0);
}
