// SPDX-License-Identifier: Apache-2.0
/** IPv4 headers: RFC 791, Section 3.1. */
import { onesComplementSum } from './checksum.ts';
import type { ByteCursor } from '../base/cursor.ts';
import { IpProtocol, type IpPacket } from './ip.ts';

const MIN_HEADER = 20;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

export type Ipv4Refusal = 'ipv4Truncated' | 'ipv4BadHeader' | 'ipv4BadChecksum' | 'notUdp';

/**
 * Options are passed over, and so is whatever follows the total length (Ethernet padding).
 *
 * A bad header checksum is a refusal, as every router and host makes it (RFC 1122, Section
 * 3.2.1.2): nobody was ever shown what such a packet holds, and as a fragment it could only be
 * there to spoil a datagram of which the receiver sees nothing but the sound fragments. Linux fills
 * the header checksum in by itself on every packet, so unlike UDP's it is never found half done on
 * a virtual link.
 *
 * With `acceptsNoChecksum`, a checksum of 0 is no refusal: other systems than Linux leave it to the
 * network card, so a capture that was made on the sender does not have it.
 */
export function parseIpv4(cursor: ByteCursor, acceptsNoChecksum = false): IpPacket | Ipv4Refusal {
  if (!cursor.has(MIN_HEADER)) return 'ipv4Truncated';
  const start = cursor.position;
  const versionAndLength = cursor.u8();
  const headerLength = (versionAndLength & 0x0f) * 4;
  cursor.skip(1); // type of service
  const totalLength = cursor.u16();
  if (versionAndLength >>> 4 !== 4 || headerLength < MIN_HEADER || totalLength < headerLength) {
    return 'ipv4BadHeader';
  }
  const identification = cursor.u16();
  const flagsAndOffset = cursor.u16();
  const hops = cursor.u8();
  const protocol = cursor.u8();
  const checksum = cursor.u16();
  const addressesAt = cursor.position;
  if (!cursor.narrow(totalLength - (addressesAt - start))) return 'ipv4Truncated';
  cursor.skip(headerLength - (addressesAt - start));
  const isSound = onesComplementSum(cursor.bytes, start, cursor.position) === 0xffff;
  if (!isSound && !(acceptsNoChecksum && checksum === 0)) return 'ipv4BadChecksum';
  // The protocol is in the header of every fragment and in the key, so the rest need not be held.
  if (protocol !== IpProtocol.udp) return 'notUdp';

  const offset = (flagsAndOffset & OFFSET_MASK) * 8;
  const more = (flagsAndOffset & MORE_FRAGMENTS) !== 0;
  return {
    bytes: cursor.bytes,
    addressesAt,
    addressLength: 4,
    protocol,
    payloadStart: cursor.position,
    payloadEnd: cursor.end,
    hops,
    lacksChecksum: !isSound,
    fragment:
      offset === 0 && !more
        ? undefined
        : { identification, offset, more, headerLength, upperOffset: offset === 0 ? 0 : undefined },
  };
}
