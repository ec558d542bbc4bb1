// SPDX-License-Identifier: Apache-2.0
/** The classic format: draft-ietf-opsawg-pcap, and the variants that libpcap and Wireshark read. */
import type { Delivery } from './delivery.ts';
import { linkTypeOf } from './link-types.ts';
import type { Wanting, Window } from './window.ts';

interface ClassicFormat {
  readonly littleEndian: boolean;
  /** Parts of a second that the second field of a time counts. */
  readonly perSecond: number;
  /** Bytes between the file header and the first packet. */
  readonly afterFileHeader?: number;
  /** Bytes of a packet's header behind the 16 that all variants have. */
  readonly packetExtra?: number;
}

/** By the file's first four bytes as they are in big-endian order. */
const FORMATS: ReadonlyMap<number, Omit<ClassicFormat, 'littleEndian'>> = new Map([
  [0xa1b2_c3d4, { perSecond: 1e6 }],
  [0xa1b2_3c4d, { perSecond: 1e9 }],
  // Navtel's number for nanoseconds.
  [0xa12b_3c4d, { perSecond: 1e9 }],
  // Kuznetsov's "modified" format of old Linux systems: interface, protocol and type of a packet.
  [0xa1b2_cd34, { perSecond: 1e6, packetExtra: 8 }],
  // Ixia's, by hardware and by software: the size of all packets is in front of the first.
  [0x1c00_01ac, { perSecond: 1e9, afterFileHeader: 4 }],
  [0x1c00_01ab, { perSecond: 1e9, afterFileHeader: 4 }],
]);

/** Undefined if a file that begins with these four bytes is in another format. */
export function classicFormat(start: Buffer): ClassicFormat | undefined {
  const big = FORMATS.get(start.readUInt32BE(0));
  if (big !== undefined) return { ...big, littleEndian: false };
  const little = FORMATS.get(start.readUInt32LE(0));
  return little && { ...little, littleEndian: true };
}

const FILE_HEADER = 24;
const PACKET_HEADER = 16;

export function* readClassic(
  window: Window,
  format: ClassicFormat,
  delivery: Delivery,
): Wanting<void> {
  const { littleEndian, perSecond, afterFileHeader = 0, packetExtra = 0 } = format;
  const { packet, maxPacket } = delivery;
  const { view } = packet;
  if (!(yield* window.need(FILE_HEADER)))
    throw window.damage(`the file header is ${FILE_HEADER} bytes`, `${window.available} are there`);
  const major = view.getUint16(window.start + 4, littleEndian);
  const minor = view.getUint16(window.start + 6, littleEndian);
  // The upper bits tell about the frame check sequence, which decoders take for padding.
  const linkNumber = view.getUint32(window.start + 20, littleEndian) & 0xffff;
  const link = linkTypeOf(linkNumber);
  packet.littleEndian = littleEndian;
  if (!(yield* window.skip(FILE_HEADER + afterFileHeader)))
    throw window.damage('the file header is longer', `the file ends there`);
  const clock = (seconds: number, fraction: number): number =>
    seconds * 1000 + Math.floor((fraction * 1000) / perSecond);
  const headerLength = PACKET_HEADER + packetExtra;
  for (;;) {
    if (window.available < headerLength && !(yield* window.need(headerLength))) {
      if (window.available === 0) return;
      throw window.damage(
        `a packet header is ${headerLength} bytes`,
        `${window.available} are left`,
        packet.index,
      );
    }
    const { start } = window;
    let length = view.getUint32(start + 8, littleEndian);
    let frameLength = view.getUint32(start + 12, littleEndian);
    // Before version 2.3 the two were in the other order, and in 2.3 in either.
    if (major === 2 && (minor < 3 || (minor === 3 && length > frameLength)))
      [length, frameLength] = [frameLength, length];
    if (link === undefined) {
      delivery.skip(linkNumber);
      if (!(yield* window.skip(headerLength + length)))
        throw window.damage(`the packet is ${length} bytes`, 'the file ends before', packet.index);
      continue;
    }
    if (length > maxPacket) {
      throw window.damage(
        `a packet is at most ${maxPacket} bytes`,
        `this one claims ${length}`,
        packet.index,
      );
    }
    if (window.available < headerLength + length && !(yield* window.need(headerLength + length))) {
      throw window.damage(
        `the packet is ${length} bytes`,
        `${window.available - headerLength} are left`,
        packet.index,
      );
    }
    const at = window.start + headerLength;
    packet.setTime(
      clock,
      view.getUint32(window.start, littleEndian),
      view.getUint32(window.start + 4, littleEndian),
    );
    window.start = at + length;
    delivery.deliver(link, at, length, frameLength);
  }
}
