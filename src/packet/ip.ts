// SPDX-License-Identifier: Apache-2.0
/**
 * What IPv4 and IPv6 have in common once their headers are read.
 *
 * An IpPacket refers to the frame by offsets and copies nothing. Most packets are only counted, and
 * even to make a view of one would cost more than to read its headers.
 */

export const IpProtocol = {
  hopByHop: 0,
  udp: 17,
  routing: 43,
  fragment: 44,
  destinationOptions: 60,
} as const;

export interface IpPacket {
  readonly bytes: Uint8Array;
  /** The offset of the source address; the destination address follows it in both versions. */
  readonly addressesAt: number;
  readonly addressLength: 4 | 16;
  /**
   * The protocol of the payload. In the first fragment of an IPv6 packet, this is the protocol at
   * the end of the header chain. In a later fragment, it is what the sender wrote there, which
   * means nothing (RFC 8200, Section 4.5).
   */
  readonly protocol: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
  /** The time to live, or hop limit: how many routers it may still pass. */
  readonly hops: number;
  /** Of IPv4: the sender left the header's checksum to its network card. */
  readonly lacksChecksum: boolean;
  /** Undefined for whole packets, which atomic IPv6 fragments are too (RFC 6946). */
  readonly fragment: IpFragment | undefined;
}

export interface IpFragment {
  readonly identification: number;
  /** In bytes. */
  readonly offset: number;
  readonly more: boolean;
  /** Bytes that a reassembled packet's 16-bit length counts in front of the fragmented part. */
  readonly headerLength: number;
  /**
   * The offset of the header of `protocol` in the fragmented part, if this fragment holds the whole
   * header. It is undefined in every later fragment, and in a first one that breaks RFC 7112.
   */
  readonly upperOffset: number | undefined;
}

/** An IP address as text: dotted quad, or RFC 5952. */
export function formatAddress(bytes: Uint8Array, at: number, length: 4 | 16): string {
  const byte = (i: number): number => bytes[at + i] ?? 0;
  if (length === 4) return `${byte(0)}.${byte(1)}.${byte(2)}.${byte(3)}`;

  const groups = Array.from({ length: 8 }, (_, i) => (byte(2 * i) << 8) | byte(2 * i + 1));
  // The longest run of zeros becomes '::'; of equally long ones the first, and never a single group
  // (Section 4.2).
  let [runStart, runLength] = [0, 1];
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (groups[end] === 0) end++;
    if (end - start > runLength) [runStart, runLength] = [start, end - start];
  }
  const hex = (part: readonly number[]): string =>
    part.map((group) => group.toString(16)).join(':');
  if (runLength === 1) return hex(groups);
  return `${hex(groups.slice(0, runStart))}::${hex(groups.slice(runStart + runLength))}`;
}
