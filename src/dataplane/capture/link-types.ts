// SPDX-License-Identifier: Apache-2.0
/**
 * What a capture's packets begin with: https://www.tcpdump.org/linktypes.html.
 *
 * Whatever is in front, a link type says where the carried packet begins and what it is, so that
 * all that follows knows one link layer.
 */
import { EtherType } from '../../packet/ethernet.ts';
import type { LinkType } from './packet.ts';

const ethernet: LinkType = {
  isEthernet: true,
  locate(packet) {
    const { start } = packet;
    if (packet.has(start, 14)) packet.carries(packet.u16(start + 12), start + 14);
  },
};

/** A header of `length` bytes, with the EtherType at `at`. */
function typed(length: number, at: number): LinkType {
  return {
    locate(packet) {
      const { start } = packet;
      if (packet.has(start, length)) packet.carries(packet.u16(start + at), start + length);
    },
  };
}

/** IP after a header of `length` bytes, which has nothing to say. */
function ip(length: number): LinkType {
  return { locate: (packet) => packet.carriesIp(packet.start + length) };
}

/** PPP after `skipped` bytes: RFC 1661, in HDLC-like framing (RFC 1662) or without; or Cisco's. */
function ppp(skipped: number): LinkType {
  return {
    locate(packet) {
      let at = packet.start + skipped;
      if (!packet.has(at, 4)) return;
      const [address, control] = [packet.bytes[at], packet.bytes[at + 1]];
      if (address === 0x0f || address === 0x8f) return packet.carries(packet.u16(at + 2), at + 4);
      // Link type PPP_PPPD has the direction in place of the address, 0 or 1.
      if ((address === 0xff || (address as number) < 2) && control === 0x03) at += 2;
      // A protocol below 256 may be one byte (RFC 1661, Section 6.5); the first byte of two is
      // even.
      const first = packet.bytes[at] as number;
      const isShort = (first & 1) === 1;
      const protocol = isShort ? first : packet.u16(at);
      packet.carries(PPP_PROTOCOLS.get(protocol) ?? 0, at + (isShort ? 1 : 2));
    },
  };
}
const PPP_PROTOCOLS: ReadonlyMap<number, number> = new Map([
  [0x0021, EtherType.ipv4],
  [0x0057, EtherType.ipv6],
]);

/** Netfilter's log: a header of 4 bytes, and fields in the byte order of the host. */
const nflog: LinkType = {
  locate(packet) {
    const { view, littleEndian } = packet;
    const PAYLOAD = 9;
    let at = packet.start + 4;
    while (packet.has(at, 4)) {
      const length = view.getUint16(at, littleEndian);
      const type = view.getUint16(at + 2, littleEndian);
      if (length < 4) return;
      if (type === PAYLOAD) {
        packet.payloadEnd = Math.min(packet.payloadEnd, at + length);
        return packet.carriesIp(at + 4);
      }
      at += Math.ceil(length / 4) * 4;
    }
  },
};

const LINK_TYPES: ReadonlyMap<number, LinkType> = new Map([
  [0, ip(4)], // NULL: an address family, whose number differs from system to system
  [1, ethernet],
  [9, ppp(0)],
  [12, ip(0)], // DLT_RAW on most systems
  [14, ip(0)], // DLT_RAW on OpenBSD
  [50, ppp(0)], // PPP_HDLC
  [51, { locate: (packet) => packet.carries(EtherType.pppoeSession, packet.start) }],
  [101, ip(0)], // RAW
  [104, typed(4, 2)], // C_HDLC
  [108, ip(4)], // LOOP
  [109, ip(12)], // ENC
  [113, typed(16, 14)], // LINUX_SLL
  [166, ppp(0)], // PPP_PPPD
  [204, ppp(1)], // PPP_WITH_DIR
  [205, typed(5, 3)], // C_HDLC_WITH_DIR
  [228, ip(0)], // IPV4
  [229, ip(0)], // IPV6
  [239, nflog],
  [276, typed(20, 0)], // LINUX_SLL2
]);

/** Undefined for link types that are not read. */
export function linkTypeOf(number: number): LinkType | undefined {
  return LINK_TYPES.get(number);
}

/** Of link types that people have and ctga does not read. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [6, 'token ring'],
  [10, 'FDDI'],
  [105, 'IEEE 802.11'],
  [107, 'frame relay'],
  [119, 'IEEE 802.11 with Prism header'],
  [127, 'IEEE 802.11 with radiotap header'],
  [163, 'IEEE 802.11 with AVS header'],
  [187, 'Bluetooth'],
  [189, 'USB'],
  [192, 'PPI'],
  [195, 'IEEE 802.15.4'],
  [201, 'Bluetooth'],
  [220, 'USB'],
  [227, 'CAN'],
  [249, 'USB'],
  [253, 'netlink'],
  [258, "Apple's PKTAP"],
]);

/** "227 (CAN)". */
export function nameOfLinkType(number: number): string {
  const name = NAMES.get(number);
  return name === undefined ? `${number}` : `${number} (${name})`;
}

/** What to do about packets whose link type is not read. */
export const CONVERT =
  'If its packets carry IP, Wireshark can take it out for ctga: tshark -r FILE -U IP -w IP.pcapng';
