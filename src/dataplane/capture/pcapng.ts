// SPDX-License-Identifier: Apache-2.0
/** The format of Wireshark: draft-ietf-opsawg-pcapng. */
import type { Delivery } from './delivery.ts';
import { linkTypeOf } from './link-types.ts';
import type { Clock, LinkType } from './packet.ts';
import type { Wanting, Window } from './window.ts';

export const SECTION_HEADER = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Types of blocks that are read; all others are passed over. */
const Block = {
  interfaceDescription: 1,
  /** Obsolete: Appendix A of the draft. */
  packet: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

/** Bytes in front of the packet in blocks of a type, behind the block's own header of 8 bytes. */
const PACKET_AT: ReadonlyMap<number, number> = new Map([
  [Block.packet, 20],
  [Block.simplePacket, 4],
  [Block.enhancedPacket, 20],
]);
const BLOCK_HEADER = 8;
/** A block begins with its type and length and ends with its length. */
const AROUND_BLOCK = BLOCK_HEADER + 4;
/** Options that a block may have beside its packet (comments, mostly), in bytes. */
const MAX_OPTIONS = 65_536;

interface CaptureInterface {
  readonly linkNumber: number;
  /** Undefined if the link type is not read. */
  readonly link: LinkType | undefined;
  readonly snapLength: number;
  readonly clock: Clock;
}

export function* readPcapng(window: Window, delivery: Delivery): Wanting<void> {
  const { packet } = delivery;
  const { view } = packet;
  let littleEndian = false;
  let interfaces: CaptureInterface[] = [];
  for (;;) {
    if (window.available < AROUND_BLOCK && !(yield* window.need(AROUND_BLOCK))) {
      if (window.available === 0) return;
      throw window.damage(
        `a block is at least ${AROUND_BLOCK} bytes`,
        `${window.available} are left`,
        packet.index,
      );
    }
    const isSection = view.getUint32(window.start) === SECTION_HEADER;
    if (isSection) {
      // A section has a byte order of its own, and interfaces of its own.
      const magic = view.getUint32(window.start + 8);
      littleEndian = view.getUint32(window.start + 8, true) === BYTE_ORDER_MAGIC;
      if (!littleEndian && magic !== BYTE_ORDER_MAGIC)
        throw window.damage(
          'a section header holds 0x1a2b3c4d',
          `this one 0x${magic.toString(16)}`,
          packet.index,
        );
      packet.littleEndian = littleEndian;
      interfaces = [];
    }
    const type = view.getUint32(window.start, littleEndian);
    const total = view.getUint32(window.start + 4, littleEndian);
    if (total < AROUND_BLOCK || total % 4 !== 0) {
      throw window.damage(
        `a block length is a multiple of 4 from ${AROUND_BLOCK} up`,
        `this one is ${total}`,
        packet.index,
      );
    }
    const packetAt = PACKET_AT.get(type);
    if (packetAt === undefined && type !== Block.interfaceDescription) {
      if (isSection && total < 28)
        throw window.damage('a section header is at least 28 bytes', `${total}`, packet.index);
      // Names, statistics, secrets: of any size, and nothing to us.
      if (!(yield* window.skip(total)))
        throw window.damage(`the block is ${total} bytes`, 'the file ends before', packet.index);
      continue;
    }
    if (packetAt === undefined) {
      yield* needBlock(window, total, littleEndian, delivery);
      interfaces.push(describeInterface(window, total, littleEndian, interfaces.length, delivery));
      window.start += total;
      continue;
    }
    if (total < AROUND_BLOCK + packetAt) {
      throw window.damage(
        `a packet block of this type holds at least ${packetAt} bytes`,
        `${total - AROUND_BLOCK}`,
        packet.index,
      );
    }
    if (!(yield* window.need(BLOCK_HEADER + packetAt)))
      throw window.damage(
        `the block is ${total} bytes`,
        `${window.available} are left`,
        packet.index,
      );
    const id =
      type === Block.enhancedPacket
        ? view.getUint32(window.start + BLOCK_HEADER, littleEndian)
        : type === Block.packet
          ? view.getUint16(window.start + BLOCK_HEADER, littleEndian)
          : 0;
    const from = interfaces[id];
    if (from === undefined) {
      throw window.damage(
        `a packet's interface is described before it`,
        `interface ${id} is not, of ${interfaces.length}`,
        packet.index,
      );
    }
    const { link } = from;
    if (link === undefined) {
      // Packets of other link types may be larger than all that is read here.
      delivery.skip(from.linkNumber);
      if (!(yield* window.skip(total)))
        throw window.damage(`the block is ${total} bytes`, 'the file ends before', packet.index);
      continue;
    }
    if (
      total > window.available ||
      total > largestBlock(delivery) ||
      view.getUint32(window.start + total - 4, littleEndian) !== total
    )
      yield* needBlock(window, total, littleEndian, delivery);
    const body = window.start + BLOCK_HEADER;
    const room = total - AROUND_BLOCK - packetAt;
    let frameLength: number;
    let length: number;
    if (type === Block.simplePacket) {
      frameLength = view.getUint32(body, littleEndian);
      // It was cut to the interface's snap length, where 0 means no limit; the block's own length
      // is only padded.
      length = from.snapLength === 0 ? frameLength : Math.min(frameLength, from.snapLength);
    } else {
      packet.setTime(
        from.clock,
        view.getUint32(body + 4, littleEndian),
        view.getUint32(body + 8, littleEndian),
      );
      length = view.getUint32(body + 12, littleEndian);
      frameLength = view.getUint32(body + 16, littleEndian);
    }
    if (length > room || length > delivery.maxPacket)
      throw window.damage(
        `the packet is ${length} bytes`,
        `its block has room for ${room}`,
        packet.index,
      );
    window.start += total;
    delivery.deliver(link, body + packetAt, length, frameLength);
  }
}

function largestBlock({ maxPacket }: Delivery): number {
  return maxPacket + MAX_OPTIONS;
}

/** Waits for a whole block, and checks that it ends with its length. */
function* needBlock(
  window: Window,
  total: number,
  littleEndian: boolean,
  delivery: Delivery,
): Wanting<void> {
  const { packet } = delivery;
  const most = largestBlock(delivery);
  if (total > most)
    throw window.damage(
      `a block is at most ${most} bytes`,
      `this one claims ${total}`,
      packet.index,
    );
  if (!(yield* window.need(total)))
    throw window.damage(
      `the block is ${total} bytes`,
      `${window.available} are left`,
      packet.index,
    );
  const end = packet.view.getUint32(window.start + total - 4, littleEndian);
  if (end !== total)
    throw window.damage(`the block ends with its length, ${total}`, `it says ${end}`, packet.index);
}

const Option = { end: 0, timeResolution: 9, timeOffset: 14 } as const;

/** Reads the description of interface `id` out of a whole block. */
function describeInterface(
  window: Window,
  total: number,
  littleEndian: boolean,
  id: number,
  delivery: Delivery,
): CaptureInterface {
  const { packet } = delivery;
  const { view } = packet;
  const body = window.start + BLOCK_HEADER;
  const end = window.start + total - 4;
  if (end - body < 8)
    throw window.damage('an interface is described in 8 bytes', `${end - body}`, packet.index);
  let resolution = 6;
  let offsetSeconds = 0n;
  for (let at = body + 8; at + 4 <= end;) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === Option.end) break;
    if (at + 4 + length > end) {
      // The packets can be read all the same.
      delivery.note(`the options of interface ${id} are damaged, so times may be wrong`);
      break;
    }
    if (code === Option.timeResolution && length === 1) resolution = view.getUint8(at + 4);
    if (code === Option.timeOffset && length === 8)
      offsetSeconds = view.getBigInt64(at + 4, littleEndian);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  const linkNumber = view.getUint16(body, littleEndian);
  return {
    linkNumber,
    link: linkTypeOf(linkNumber),
    snapLength: view.getUint32(body + 4, littleEndian),
    clock: clockOf(resolution, offsetSeconds),
  };
}

/** The highest bit of `resolution` chooses between negative powers of two and of ten. */
function clockOf(resolution: number, offsetSeconds: bigint): Clock {
  const exponent = BigInt(resolution & 0x7f);
  const perSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
  return (high, low) => {
    const units = (BigInt(high) << 32n) | BigInt(low);
    return Number(offsetSeconds * 1000n + (units * 1000n) / perSecond);
  };
}
