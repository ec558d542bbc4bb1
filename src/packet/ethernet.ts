/**
 * Ethernet II frames (IEEE 802.3) with up to two VLAN tags (IEEE 802.1Q, 802.1ad) and PPPoE,
 * without FCS.
 */
import type { ByteCursor } from '../base/cursor.ts';

export const EtherType = {
  ipv4: 0x0800,
  vlan: 0x8100,
  ipv6: 0x86dd,
  pppoeSession: 0x8864,
  serviceVlan: 0x88a8,
} as const;

const ADDRESSES = 12;
const MAX_TAGS = 2;
/**
 * RFC 2516, Section 4: version 1, type 1, code 0, and then the session, a length and PPP's protocol
 * number.
 */
const PPPOE_HEADER = 8;
const PPPOE_SESSION_DATA = 0x1100;
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

export interface EthernetHeader {
  /**
   * What the payload is; values below 0x0600 are the length field of IEEE 802.3 and no type. IP in
   * a PPPoE session has the type that it has without one.
   */
  readonly etherType: number;
  /**
   * One number for the stack of VLAN IDs and the PPPoE session, 0 where there is none: the same
   * addresses in two VLANs are two networks. Priority bits are left out, since fragments of one
   * datagram may differ in them.
   */
  readonly network: number;
}

/**
 * Moves the cursor to the payload; undefined if the frame ends before. More than two tags are left
 * in place.
 */
export function parseEthernet(cursor: ByteCursor): EthernetHeader | undefined {
  if (!cursor.has(ADDRESSES + 2)) return undefined;
  cursor.skip(ADDRESSES);
  let etherType = cursor.u16();
  let vlan = 0;
  for (let tags = 0; tags < MAX_TAGS && isTag(etherType); tags++) {
    if (!cursor.has(4)) return undefined;
    // VLAN ID 0 is a priority tag and no VLAN (IEEE 802.1Q, 9.6), hence nothing is added for the
    // tag itself.
    vlan = vlan * 0x1000 + (cursor.u16() & 0x0fff);
    etherType = cursor.u16();
  }
  if (etherType !== EtherType.pppoeSession) return { etherType, network: vlan * 0x1_0000 };
  if (!cursor.has(PPPOE_HEADER)) return undefined;
  const versionAndCode = cursor.u16();
  const network = vlan * 0x1_0000 + cursor.u16();
  cursor.skip(2); // the length of what follows: IP has its own
  const protocol = cursor.u16();
  if (versionAndCode !== PPPOE_SESSION_DATA) return { etherType, network };
  if (protocol === PPP_IPV4) return { etherType: EtherType.ipv4, network };
  if (protocol === PPP_IPV6) return { etherType: EtherType.ipv6, network };
  return { etherType, network };
}

function isTag(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.serviceVlan;
}
