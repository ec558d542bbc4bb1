// SPDX-License-Identifier: Apache-2.0
/** UDP: RFC 768; its checksum over IPv6: RFC 8200, Section 8.1. */
import { onesComplementSum } from './checksum.ts';
import { ByteCursor } from '../base/cursor.ts';
import { formatAddress, IpProtocol, type IpPacket } from './ip.ts';

export const UDP_HEADER = 8;

/**
 * What the checksum says. No datagram is refused for it, because a log's signature decides whether
 * a tree head is genuine, and no checksum can change that.
 * - `absent`: 0 over IPv4, where the checksum is optional.
 * - `pseudo-header-only`: the sender left the rest to its network card, and the packet was copied
 *   before it came to one, as always happens between virtual interfaces.
 * - `bad`: everything else. This includes 0 over IPv6, and packets with a routing header that has
 *   segments left, whose sum was made with another destination.
 */
export type UdpChecksum = 'valid' | 'absent' | 'pseudo-header-only' | 'bad';

export interface UdpDatagram {
  /** Dotted quad or RFC 5952. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Where the datagram came whole, this is a view of the frame and valid no longer than that. */
  readonly payload: Uint8Array;
  /** The number of IP fragments in which it came; 1 if it came whole. */
  readonly fragments: number;
  readonly checksum: UdpChecksum;
}

/**
 * Reads the datagram in bytes[start, end), with the addresses of `packet`. Bytes beyond the UDP
 * length are ignored, as receivers ignore them (Linux trims them): if we refused the datagram, we
 * would miss what the receiver accepts.
 */
export function parseUdp(
  packet: IpPacket,
  bytes: Uint8Array,
  start: number,
  end: number,
  fragments: number,
): UdpDatagram | 'udpBadLength' {
  const cursor = new ByteCursor(bytes, start, end);
  if (!cursor.has(UDP_HEADER)) return 'udpBadLength';
  const sourcePort = cursor.u16();
  const destinationPort = cursor.u16();
  let length = cursor.u16();
  const field = cursor.u16();
  // RFC 2675, Section 4 has this for jumbograms; Linux takes it in any packet.
  if (length === 0 && packet.addressLength === 16) length = end - start;
  if (length < UDP_HEADER || !cursor.narrow(length - UDP_HEADER)) return 'udpBadLength';
  const { addressesAt, addressLength } = packet;
  return {
    source: formatAddress(packet.bytes, addressesAt, addressLength),
    destination: formatAddress(packet.bytes, addressesAt + addressLength, addressLength),
    sourcePort,
    destinationPort,
    payload: cursor.take(cursor.remaining),
    fragments,
    checksum: judgeChecksum(packet, bytes, start, length, field),
  };
}

function judgeChecksum(
  packet: IpPacket,
  bytes: Uint8Array,
  start: number,
  length: number,
  field: number,
): UdpChecksum {
  if (field === 0) return packet.addressLength === 4 ? 'absent' : 'bad';
  const { addressesAt, addressLength } = packet;
  // Length and protocol are added as numbers, because their place in the pseudo-header does not
  // change the sum.
  const pseudoHeader = onesComplementSum(
    packet.bytes,
    addressesAt,
    addressesAt + 2 * addressLength,
    length + IpProtocol.udp,
  );
  if (onesComplementSum(bytes, start, start + length, pseudoHeader) === 0xffff) return 'valid';
  return field === pseudoHeader ? 'pseudo-header-only' : 'bad';
}
