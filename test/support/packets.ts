// SPDX-License-Identifier: Apache-2.0
/**
 * Builders of packets for tests, innermost first: DNS message, UDP, IPv4 or IPv6, Ethernet.
 *
 * Every builder returns correct bytes (lengths, checksums); a test that wants a fault makes it by
 * changing those bytes, so that the fault is visible in the test. RFC 1035 (DNS), RFC 768 (UDP),
 * RFC 791 (IPv4), RFC 8200 (IPv6), IEEE 802.3 and 802.1Q.
 */
import dnsPacket from 'dns-packet';
import ipaddr from 'ipaddr.js';

export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
  pppoeSession: 0x8864,
} as const;
export const IpProtocol = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  fragment: 44,
  destinationOptions: 60,
} as const;

/** Documentation addresses (RFC 5737, RFC 3849): an authority answers a client. */
export const AUTHORITY_V4 = '192.0.2.53';
export const CLIENT_V4 = '198.51.100.7';
export const AUTHORITY_V6 = '2001:db8::53';
export const CLIENT_V6 = '2001:db8:1::7';

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/**
 * 'sth.log.example' as length-prefixed labels and the root's zero byte (RFC 1035, Section 3.1),
 * case kept.
 */
export function encodeName(name: string): Uint8Array {
  const labels = name.split('.').filter((label) => label !== '');
  return concat(
    ...labels.flatMap((label) => [Uint8Array.of(label.length), Buffer.from(label, 'latin1')]),
    Uint8Array.of(0),
  );
}

export interface DnsAnswerOptions {
  readonly name?: string;
  /** The owner name of the answer where it differs from the question. */
  readonly answerName?: string;
  /** Character-strings of one TXT record, at most 255 bytes each. */
  readonly strings?: readonly (string | Uint8Array)[];
  /** How many copies of the TXT record the answer section holds; 1 unless told. */
  readonly answers?: number;
  readonly type?: 'TXT' | 'A';
  readonly id?: number;
  /** An OPT record (RFC 6891) that announces this UDP payload size. */
  readonly optSize?: number;
  /** Bytes of EDNS padding (RFC 7830) inside that OPT record. */
  readonly padding?: number;
  /** TC bit. */
  readonly truncated?: boolean;
  /** The first answer's owner is a pointer to the question, and not its name once more. */
  readonly compressed?: boolean;
}

/** A DNS answer: QR = 1, AA = 1, one question. dns-packet does not compress names. */
export function dnsAnswer(options: DnsAnswerOptions = {}): Uint8Array {
  const { name = 'sth.log.example', strings = ['1.2.3.4'], type = 'TXT', answers = 1 } = options;
  const owner = options.answerName ?? name;
  const record: dnsPacket.Answer =
    type === 'TXT'
      ? { type, name: owner, ttl: 60, data: strings.map((text) => Buffer.from(text)) }
      : { type, name: owner, ttl: 60, data: '192.0.2.1' };
  const opt: dnsPacket.Answer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: options.optSize ?? 1232,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: options.padding === undefined ? [] : [{ code: 12, length: options.padding }],
  };
  const withOpt = options.optSize !== undefined || options.padding !== undefined;
  const message = Uint8Array.from(
    dnsPacket.encode({
      type: 'response',
      id: options.id ?? 0x1234,
      flags:
        dnsPacket.AUTHORITATIVE_ANSWER |
        (options.truncated === true ? dnsPacket.TRUNCATED_RESPONSE : 0),
      questions: [{ type, name }],
      answers: Array.from({ length: answers }, () => record),
      additionals: withOpt ? [opt] : [],
    }),
  );
  return options.compressed === true ? pointToQuestion(message, name) : message;
}

const DNS_HEADER = 12;

/**
 * As servers write it: the first answer's owner becomes a pointer to the question (dns-packet
 * spells it out).
 */
function pointToQuestion(message: Uint8Array, name: string): Uint8Array {
  const { length } = encodeName(name);
  const owner = DNS_HEADER + length + 4;
  return Uint8Array.from([
    ...message.subarray(0, owner),
    0xc0,
    DNS_HEADER,
    ...message.subarray(owner + length),
  ]);
}

/** A DNS query for TXT, as a client sends it. */
export function dnsQuery(name: string, id = 0x1234): Uint8Array {
  return Uint8Array.from(
    dnsPacket.encode({ type: 'query', id, questions: [{ type: 'TXT', name }] }),
  );
}

/**
 * The Internet checksum (RFC 1071) of the parts taken together; every part but the last has even
 * length.
 */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function addressBytes(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

export interface UdpOptions {
  readonly payload: Uint8Array;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Addresses enter the checksum by the pseudo-header; both of one family. */
  readonly source?: string;
  readonly destination?: string;
  /**
   * `full`: as on the wire. `none`: 0, which IPv4 allows (RFC 768). `partial`: only the
   * pseudo-header's sum, which is what a capture sees where the sender leaves checksums to its
   * network card.
   */
  readonly checksum?: 'full' | 'none' | 'partial';
}

/** UDP header and payload: from port 53 of AUTHORITY_V4 to CLIENT_V4 unless told. */
export function udp(options: UdpOptions): Uint8Array {
  const { payload, sourcePort = 53, destinationPort = 40000, checksum = 'full' } = options;
  const bytes = concat(new Uint8Array(8), payload);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, bytes.length);
  if (checksum === 'none') return bytes;

  const pseudo = pseudoHeader(
    options.source ?? AUTHORITY_V4,
    options.destination ?? CLIENT_V4,
    bytes.length,
  );
  if (checksum === 'partial') {
    view.setUint16(6, ~internetChecksum(pseudo) & 0xffff);
  } else {
    // A sum of zero goes out as all ones, since zero means "no checksum" (RFC 768).
    view.setUint16(6, internetChecksum(pseudo, bytes) || 0xffff);
  }
  return bytes;
}

/** RFC 768 for IPv4; RFC 8200, Section 8.1 for IPv6. Their sums differ only in the addresses. */
function pseudoHeader(source: string, destination: string, length: number): Uint8Array {
  return concat(
    addressBytes(source),
    addressBytes(destination),
    Uint8Array.of(0, IpProtocol.udp, length >>> 8, length & 0xff),
  );
}

export interface Ipv4Options {
  readonly payload: Uint8Array;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  /** IP options, padded with End of Option List to a multiple of 4; at most 40 bytes. */
  readonly options?: Uint8Array;
  /** Time to live: 64 unless told. */
  readonly hops?: number;
}

export function ipv4(options: Ipv4Options): Uint8Array {
  const {
    payload,
    protocol = IpProtocol.udp,
    identification = 0x4242,
    fragmentOffset = 0,
  } = options;
  const optionBytes = options.options ?? new Uint8Array(0);
  const headerLength = 20 + Math.ceil(optionBytes.length / 4) * 4;
  const bytes = new Uint8Array(headerLength + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x40 | (headerLength / 4);
  view.setUint16(2, bytes.length);
  view.setUint16(4, identification);
  const flags =
    (options.dontFragment === true ? 0x4000 : 0) | (options.moreFragments === true ? 0x2000 : 0);
  view.setUint16(6, flags | (fragmentOffset / 8));
  bytes[8] = options.hops ?? 64;
  bytes[9] = protocol;
  bytes.set(addressBytes(options.source ?? AUTHORITY_V4), 12);
  bytes.set(addressBytes(options.destination ?? CLIENT_V4), 16);
  bytes.set(optionBytes, 20);
  view.setUint16(10, internetChecksum(bytes.subarray(0, headerLength)));
  bytes.set(payload, headerLength);
  return bytes;
}

export interface Ipv6Options {
  readonly payload: Uint8Array;
  readonly source?: string;
  readonly destination?: string;
  readonly nextHeader?: number;
  /** Hop limit: 64 unless told. */
  readonly hops?: number;
}

export function ipv6(options: Ipv6Options): Uint8Array {
  const { payload, nextHeader = IpProtocol.udp } = options;
  const bytes = new Uint8Array(40 + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x60;
  view.setUint16(4, payload.length);
  bytes[6] = nextHeader;
  bytes[7] = options.hops ?? 64;
  bytes.set(addressBytes(options.source ?? AUTHORITY_V6), 8);
  bytes.set(addressBytes(options.destination ?? CLIENT_V6), 24);
  bytes.set(payload, 40);
  return bytes;
}

export interface Ipv6FragmentOptions extends Ipv6Options {
  readonly identification?: number;
  readonly moreFragments?: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
}

/**
 * An IPv6 packet with a Fragment header (RFC 8200, Section 4.5); `nextHeader` is that of the
 * fragmentable part.
 */
export function ipv6Fragment(options: Ipv6FragmentOptions): Uint8Array {
  const {
    payload,
    nextHeader = IpProtocol.udp,
    identification = 0x42424242,
    fragmentOffset = 0,
  } = options;
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  header[0] = nextHeader;
  view.setUint16(2, fragmentOffset | (options.moreFragments === true ? 1 : 0));
  view.setUint32(4, identification);
  return ipv6({ ...options, nextHeader: IpProtocol.fragment, payload: concat(header, payload) });
}

/**
 * Cuts an IPv4 packet without options into fragments of `size` payload bytes (a multiple of 8; the
 * last holds what is left), in order.
 */
export function fragmentIpv4(packet: Uint8Array, size: number): Uint8Array[] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const address = (at: number): string => packet.subarray(at, at + 4).join('.');
  return chunks(packet.subarray(20), size).map(({ payload, fragmentOffset, moreFragments }) =>
    ipv4({
      payload,
      fragmentOffset,
      moreFragments,
      identification: view.getUint16(4),
      protocol: view.getUint8(9),
      source: address(12),
      destination: address(16),
    }),
  );
}

/** The same for an IPv6 packet without extension headers. */
export function fragmentIpv6(
  packet: Uint8Array,
  size: number,
  identification = 0x42424242,
): Uint8Array[] {
  const address = (at: number): string =>
    ipaddr.fromByteArray([...packet.subarray(at, at + 16)]).toString();
  return chunks(packet.subarray(40), size).map(({ payload, fragmentOffset, moreFragments }) =>
    ipv6Fragment({
      payload,
      fragmentOffset,
      moreFragments,
      identification,
      nextHeader: packet[6] ?? 0,
      source: address(8),
      destination: address(24),
    }),
  );
}

function chunks(
  bytes: Uint8Array,
  size: number,
): { payload: Uint8Array; fragmentOffset: number; moreFragments: boolean }[] {
  if (size <= 0 || size % 8 !== 0)
    throw new RangeError(`fragments of ${size} bytes: want a multiple of 8`);
  const starts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
  return starts.map((fragmentOffset) => ({
    payload: bytes.subarray(fragmentOffset, fragmentOffset + size),
    fragmentOffset,
    moreFragments: fragmentOffset + size < bytes.length,
  }));
}

export interface EthernetOptions {
  readonly payload: Uint8Array;
  /** Taken from the payload's IP version unless told. */
  readonly etherType?: number;
  /** VLAN tags, outermost first: TPID and VLAN ID. */
  readonly tags?: readonly { readonly tpid: number; readonly vlanId: number }[];
  /** Pads with zeros to this many bytes; a real sender pads to 60 (IEEE 802.3, without FCS). */
  readonly padTo?: number;
}

export function ethernet(options: EthernetOptions): Uint8Array {
  const { payload, tags = [], padTo = 0 } = options;
  const etherType =
    options.etherType ?? ((payload[0] ?? 0) >>> 4 === 6 ? EtherType.ipv6 : EtherType.ipv4);
  const frame = concat(
    Uint8Array.of(0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2), // locally administered addresses
    ...tags.map(({ tpid, vlanId }) => uint16s(tpid, vlanId)),
    uint16s(etherType),
    payload,
  );
  return frame.length >= padTo ? frame : concat(frame, new Uint8Array(padTo - frame.length));
}

export interface PppoeOptions {
  readonly tags?: EthernetOptions['tags'];
  readonly session?: number;
  /** 0 is session data. */
  readonly code?: number;
  /** Of PPP; that of the packet's IP version unless told. */
  readonly protocol?: number;
}

/** An untagged Ethernet frame's packet in a PPPoE session (RFC 2516, Section 6). */
export function overPppoe(frame: Uint8Array, options: PppoeOptions = {}): Uint8Array {
  const packet = frame.subarray(14);
  const { session = 9, code = 0, protocol = (packet[0] ?? 0) >>> 4 === 6 ? 0x57 : 0x21 } = options;
  const header = concat(
    Uint8Array.of(0x11, code), // version 1, type 1
    uint16s(session, packet.length + 2, protocol),
  );
  return ethernet({
    payload: concat(header, packet),
    etherType: EtherType.pppoeSession,
    tags: options.tags,
  });
}

function uint16s(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values.flatMap((value) => [value >>> 8, value & 0xff]));
}

/** A DNS message from port 53 in UDP, IPv4 and Ethernet. */
export function frameV4(
  message: Uint8Array,
  options: Partial<Ipv4Options & EthernetOptions & UdpOptions> = {},
): Uint8Array {
  const datagram = udp({ ...options, payload: message });
  return ethernet({ ...options, payload: ipv4({ ...options, payload: datagram }) });
}

/** A DNS message from port 53 in UDP, IPv6 and Ethernet. */
export function frameV6(
  message: Uint8Array,
  options: Partial<Ipv6Options & EthernetOptions & UdpOptions> = {},
): Uint8Array {
  const addresses = { source: AUTHORITY_V6, destination: CLIENT_V6 };
  const datagram = udp({ ...addresses, ...options, payload: message });
  return ethernet({ ...options, payload: ipv6({ ...options, payload: datagram }) });
}
