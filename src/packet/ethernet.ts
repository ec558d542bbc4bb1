/**
 * Ethernet II frames (IEEE 802.3) with up to two VLAN tags (IEEE 802.1Q, 802.1ad), without FCS.
 */
import type { ByteCursor } from './cursor.ts';

export const EtherType = {
  ipv4: 0x0800,
  vlan: 0x8100,
  ipv6: 0x86dd,
  serviceVlan: 0x88a8,
} as const;

const ADDRESSES = 12;
const MAX_TAGS = 2;

export interface EthernetHeader {
  /** What the payload is; values below 0x0600 are the length field of IEEE 802.3 and no type. */
  readonly etherType: number;
  /**
   * One number for the stack of VLAN IDs, 0 when untagged: the same addresses in two VLANs are two networks.
   * Priority bits are left out, since fragments of one datagram may differ in them.
   */
  readonly vlan: number;
}

/** Moves the cursor to the payload; undefined if the frame ends before. More than two tags are left in place. */
export function parseEthernet(cursor: ByteCursor): EthernetHeader | undefined {
  if (!cursor.has(ADDRESSES + 2)) return undefined;
  cursor.skip(ADDRESSES);
  let etherType = cursor.u16();
  let vlan = 0;
  for (let tags = 0; tags < MAX_TAGS && isTag(etherType); tags++) {
    if (!cursor.has(4)) return undefined;
    // VLAN ID 0 is a priority tag and no VLAN (IEEE 802.1Q, 9.6), hence nothing is added for the tag itself.
    vlan = vlan * 0x1000 + (cursor.u16() & 0x0fff);
    etherType = cursor.u16();
  }
  return { etherType, vlan };
}

function isTag(etherType: number): boolean {
  return etherType === EtherType.vlan || etherType === EtherType.serviceVlan;
}
