// SPDX-License-Identifier: Apache-2.0
/** IPv6 headers and extension headers: RFC 8200, Sections 3 and 4. */
import type { ByteCursor } from '../base/cursor.ts';
import { IpProtocol, type IpPacket } from './ip.ts';
import { UDP_HEADER } from './udp.ts';

const HEADER = 40;
const FRAGMENT_HEADER = 8;
/**
 * RFC 8200, Section 4.1 knows each extension header once and destination options twice; this bounds
 * the walk.
 */
export const MAX_EXTENSION_HEADERS = 8;

export type Ipv6Refusal = 'ipv6Truncated' | 'ipv6BadHeader' | 'notUdp';

/**
 * Follows hop-by-hop options, routing, destination options and fragment headers; anything else that
 * is not UDP (AH and ESP too) ends it. Options themselves are passed over. Jumbograms (RFC 2675)
 * have no length here and are refused: UDP datagrams that large do not leave a host.
 */
export function parseIpv6(cursor: ByteCursor): IpPacket | Ipv6Refusal {
  if (!cursor.has(HEADER)) return 'ipv6Truncated';
  if (cursor.u8() >>> 4 !== 6) return 'ipv6BadHeader';
  cursor.skip(3); // traffic class and flow label
  const payloadLength = cursor.u16();
  const nextHeader = cursor.u8();
  const hops = cursor.u8();
  const addressesAt = cursor.skip(32);
  if (!cursor.narrow(payloadLength)) return 'ipv6Truncated';
  const headersEnd = cursor.position;

  const outer = walkHeaders(cursor, nextHeader, true);
  if (typeof outer === 'string') return outer === 'cut' ? 'ipv6Truncated' : outer;
  const whole = {
    bytes: cursor.bytes,
    addressesAt,
    addressLength: 16,
    payloadEnd: cursor.end,
    hops,
    lacksChecksum: false,
  } as const;
  if (outer === IpProtocol.udp) {
    return { ...whole, protocol: outer, payloadStart: cursor.position, fragment: undefined };
  }
  if (outer !== IpProtocol.fragment) return 'notUdp';

  if (!cursor.has(FRAGMENT_HEADER)) return 'ipv6Truncated';
  const fragmentNextHeader = cursor.u8();
  cursor.skip(1); // reserved
  const offsetAndFlag = cursor.u16();
  const identification = cursor.u32();
  const offset = offsetAndFlag & 0xfff8;
  const more = (offsetAndFlag & 1) === 1;
  const payloadStart = cursor.position;
  const fragment = {
    identification,
    offset,
    more,
    headerLength: payloadStart - FRAGMENT_HEADER - headersEnd,
    upperOffset: undefined,
  };
  if (offset !== 0) return { ...whole, protocol: fragmentNextHeader, payloadStart, fragment };

  // The first fragment: the rest of the header chain is in it (RFC 7112), or the packet is not one
  // to accept.
  const upper = walkHeaders(cursor, fragmentNextHeader, false);
  if (!more) {
    if (typeof upper === 'string') return upper === 'cut' ? 'ipv6Truncated' : upper;
    if (upper === IpProtocol.fragment) return 'ipv6BadHeader';
    if (upper !== IpProtocol.udp) return 'notUdp';
    return { ...whole, protocol: upper, payloadStart: cursor.position, fragment: undefined };
  }
  const found = typeof upper === 'number' && upper !== IpProtocol.fragment;
  const complete = found && (upper !== IpProtocol.udp || cursor.has(UDP_HEADER));
  return {
    ...whole,
    protocol: found ? upper : fragmentNextHeader,
    payloadStart,
    fragment: complete ? { ...fragment, upperOffset: cursor.position - payloadStart } : fragment,
  };
}

/**
 * Moves past extension headers to the first header of another kind and returns what that is. 'cut'
 * means that the bytes end inside the chain. Hop-by-hop options are allowed first of all and
 * nowhere else (Section 4.1).
 */
function walkHeaders(
  cursor: ByteCursor,
  nextHeader: number,
  hopByHopAllowed: boolean,
): number | 'cut' | 'ipv6BadHeader' {
  let next = nextHeader;
  for (let count = 0; isExtension(next); count++) {
    if (count === MAX_EXTENSION_HEADERS) return 'ipv6BadHeader';
    if (next === IpProtocol.hopByHop && !(hopByHopAllowed && count === 0)) return 'ipv6BadHeader';
    if (!cursor.has(2)) return 'cut';
    next = cursor.u8();
    const rest = cursor.u8() * 8 + 6; // length in units of 8 bytes, the first 8 not counted
    if (!cursor.has(rest)) return 'cut';
    cursor.skip(rest);
  }
  return next;
}

function isExtension(header: number): boolean {
  return (
    header === IpProtocol.hopByHop ||
    header === IpProtocol.routing ||
    header === IpProtocol.destinationOptions
  );
}
