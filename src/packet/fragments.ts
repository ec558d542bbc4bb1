// SPDX-License-Identifier: Apache-2.0
/**
 * One UDP datagram as IPv4 fragments: RFC 791, Section 3.2, with the checksum of RFC 768. Pure.
 */
import { onesComplementSum } from './checksum.ts';
import { IpProtocol } from './ip.ts';
import { UDP_HEADER, type UdpDatagram } from './udp.ts';

/** A datagram to be sent over IPv4: its addresses are dotted quads. */
export type OutgoingDatagram = Omit<UdpDatagram, 'fragments' | 'checksum'>;

export type FragmentOrder = 'in order' | 'reverse' | 'shuffle';

const IP_HEADER = 20;
const MORE_FRAGMENTS = 0x2000;

/**
 * Whole IPv4 packets of at most `maxIpLength` bytes each, first fragment first. Requires
 * maxIpLength >= 28: a fragment that is not the last carries a multiple of 8 bytes.
 */
export function fragmentUdp(
  datagram: OutgoingDatagram,
  identification: number,
  maxIpLength: number,
): Buffer[] {
  const perFragment = Math.floor((maxIpLength - IP_HEADER) / 8) * 8;
  if (perFragment < 8) throw new RangeError(`no fragment fits ${maxIpLength} bytes`);
  const addresses = Buffer.from([...quad(datagram.source), ...quad(datagram.destination)]);
  const udp = udpPacket(datagram, addresses);
  const fragments: Buffer[] = [];
  for (let offset = 0; offset < udp.length; offset += perFragment) {
    const data = udp.subarray(offset, offset + perFragment);
    const more = offset + data.length < udp.length ? MORE_FRAGMENTS : 0;
    const header = Buffer.alloc(IP_HEADER);
    header[0] = 0x45; // version 4, five words of header
    header.writeUInt16BE(IP_HEADER + data.length, 2);
    header.writeUInt16BE(identification, 4);
    header.writeUInt16BE(more | (offset / 8), 6);
    header[8] = 64; // TTL
    header[9] = IpProtocol.udp;
    addresses.copy(header, 12);
    header.writeUInt16BE(checksum(header), 10);
    fragments.push(Buffer.concat([header, data]));
  }
  return fragments;
}

/**
 * `shuffle` never gives the order back that it was given, so that there is something to reassemble.
 */
export function reorder<T>(
  items: readonly T[],
  order: FragmentOrder,
  random: () => number = Math.random,
): T[] {
  if (order === 'in order' || items.length < 2) return [...items];
  if (order === 'reverse') return items.toReversed();
  const shuffled = [...items];
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
  }
  return shuffled.every((item, i) => item === items[i]) ? shuffled.toReversed() : shuffled;
}

function udpPacket(datagram: OutgoingDatagram, addresses: Buffer): Buffer {
  const udp = Buffer.alloc(UDP_HEADER + datagram.payload.length);
  udp.writeUInt16BE(datagram.sourcePort, 0);
  udp.writeUInt16BE(datagram.destinationPort, 2);
  udp.writeUInt16BE(udp.length, 4);
  udp.set(datagram.payload, UDP_HEADER);
  const pseudoHeader = Buffer.from([
    ...addresses,
    0,
    IpProtocol.udp,
    udp.length >> 8,
    udp.length & 0xff,
  ]);
  // A sum of zero is sent as all ones: zero says that there is no checksum (RFC 768).
  udp.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, udp])) || 0xffff, 6);
  return udp;
}

function checksum(bytes: Buffer): number {
  return ~onesComplementSum(bytes, 0, bytes.length) & 0xffff;
}

function quad(address: string): number[] {
  return address.split('.').map(Number);
}
