// SPDX-License-Identifier: Apache-2.0
/**
 * Ethernet II frames (IEEE 802.3) without their checksum, with up to three VLAN tags (IEEE 802.1Q,
 * 802.1ad, and the numbers that switches used for outer tags before) and PPPoE.
 */
import type { ByteCursor } from '../base/cursor.ts';

export const EtherType = {
  ipv4: 0x0800,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
  serviceVlan: 0x88a8,
} as const;

const ADDRESSES = 12;
/** VLAN tags; a frame with more is not looked into. */
export const MAX_TAGS = 3;
/** RFC 2516, Section 4: version, type, code, session and length; then PPP's protocol number. */
export const PPPOE_HEADER = 8;
const PPPOE_SESSION_DATA = 0x1100;
export const PPP_IPV4 = 0x0021;
export const PPP_IPV6 = 0x0057;

export interface EthernetHeader {
  /**
   * The type of the payload; IP in a PPPoE session has the type that it has without one. Values
   * below 0x0600 are no type but the length field of IEEE 802.3.
   */
  readonly etherType: number;
  /**
   * A number for the VLAN IDs and the PPPoE session, 0 if there are none: in two VLANs, the same
   * addresses may mean different hosts. It leaves out the priority bits, in which fragments of one
   * datagram may differ.
   */
  readonly network: number;
}

/**
 * Reads the header and moves the cursor to the payload, which begins with a tag if there are more
 * than three. Returns undefined if the frame ends before.
 */
export function parseEthernet(cursor: ByteCursor): EthernetHeader | undefined {
  if (!cursor.has(ADDRESSES + 2)) return undefined;
  cursor.skip(ADDRESSES);
  let etherType = cursor.u16();
  let vlan = 0;
  for (let tags = 0; tags < MAX_TAGS && isTag(etherType); tags++) {
    if (!cursor.has(4)) return undefined;
    // A tag with VLAN ID 0 has a priority and no VLAN (IEEE 802.1Q, 9.6), so the tag by itself adds
    // nothing.
    vlan = vlan * 0x1000 + (cursor.u16() & 0x0fff);
    etherType = cursor.u16();
  }
  if (etherType !== EtherType.pppoeSession) return { etherType, network: vlan * 0x1_0000 };
  if (!cursor.has(PPPOE_HEADER)) return undefined;
  const versionAndCode = cursor.u16();
  const network = vlan * 0x1_0000 + cursor.u16();
  cursor.skip(2); // the length of the payload, which IP has too
  const protocol = cursor.u16();
  if (versionAndCode !== PPPOE_SESSION_DATA) return { etherType, network };
  if (protocol === PPP_IPV4) return { etherType: EtherType.ipv4, network };
  if (protocol === PPP_IPV6) return { etherType: EtherType.ipv6, network };
  return { etherType, network };
}

export function isTag(etherType: number): boolean {
  return (
    etherType === EtherType.vlan ||
    etherType === EtherType.serviceVlan ||
    etherType === 0x9100 ||
    etherType === 0x9200 ||
    etherType === 0x9300
  );
}
