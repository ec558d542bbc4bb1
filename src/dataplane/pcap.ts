/**
 * Packets from a capture file: classic pcap (draft-ietf-opsawg-pcap) and pcapng
 * (draft-ietf-opsawg-pcapng).
 *
 * The file is read forwards through a bounded buffer, so it may be larger than memory. Every length
 * in it is somebody's claim: one that cannot hold ends the reading with an error that names packet
 * and byte, after all packets before it have been delivered.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { badInput, CtgaError, messageOf } from '../base/errors.ts';
import { EtherType } from '../packet/ethernet.ts';

export interface CapturedFrame {
  /**
   * From the Ethernet header on; other link types get one put in front. Valid only until the next
   * is asked for.
   */
  readonly frame: Uint8Array;
  /**
   * Milliseconds since the epoch. A Simple Packet Block has no time: it gets that of the packet
   * before.
   */
  readonly timestamp: number;
  /** Bytes that the packet had on the wire, with the link layer that the capture has. */
  readonly frameLength: number;
  /** The capture holds less than was on the wire. */
  readonly truncated: boolean;
  /** 1 for the first packet, as tcpdump and Wireshark count. */
  readonly index: number;
}

/** libpcap's MAXIMUM_SNAPLEN: no tool writes larger packets for the link types read here. */
const MAX_PACKET = 262_144;
/** A pcapng block that holds a packet has at most this much beside it (comments, mostly). */
const MAX_BLOCK = MAX_PACKET + 65_536;
const WINDOW = 1024 * 1024;

const GZIP = 0x1f8b;
const SECTION_HEADER = 0x0a0d_0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Throws CtgaError('bad-input') for a file that is not there, is no capture, or is damaged. */
export function* readCapture(path: string): Generator<CapturedFrame, void, undefined> {
  const file = new FileWindow(path);
  try {
    if (!file.has(4)) throw notCapture(path, `it has ${file.available()} bytes`);
    const magic = file.window(4).readUInt32BE();
    const classic = CLASSIC_MAGIC.get(magic);
    if (magic === SECTION_HEADER) yield* readPcapng(file);
    else if (classic !== undefined) yield* readClassic(file, classic);
    else if (magic >>> 16 === GZIP)
      throw badInput(`${path}: is compressed`, 'Run gunzip on it first.');
    else {
      throw notCapture(path, `it begins with 0x${magic.toString(16).padStart(8, '0')}`);
    }
  } finally {
    file.close();
  }
}

function notCapture(path: string, why: string): CtgaError {
  return badInput(
    `${path}: not a capture file: ${why}`,
    'Give a file in pcap or pcapng format, as tcpdump -w and Wireshark write them.',
  );
}

/** How the numbers in a file are written. */
interface Numbers {
  readonly littleEndian: boolean;
}

interface ClassicFormat extends Numbers {
  /** Parts of a second that the second field of a time counts. */
  readonly perSecond: number;
}

/** By the first four bytes read as big-endian. */
const CLASSIC_MAGIC: ReadonlyMap<number, ClassicFormat> = new Map([
  [0xa1b2_c3d4, { littleEndian: false, perSecond: 1e6 }],
  [0xd4c3_b2a1, { littleEndian: true, perSecond: 1e6 }],
  [0xa1b2_3c4d, { littleEndian: false, perSecond: 1e9 }],
  [0x4d3c_b2a1, { littleEndian: true, perSecond: 1e9 }],
]);

function* readClassic(
  file: FileWindow,
  format: ClassicFormat,
): Generator<CapturedFrame, void, undefined> {
  const u32 = numberReader(format);
  if (!file.has(24))
    throw file.damage('the file header is 24 bytes', `${file.available()} are there`);
  // The upper bits tell about the frame check sequence, which decoders take for padding.
  const linkType = u32(file.window(24), 20) & 0xffff;
  file.skip(24);
  for (let index = 1; !file.atEnd(); index++) {
    if (!file.has(16)) {
      throw file.damage('a packet header is 16 bytes', `${file.available()} are left`, index);
    }
    const header = file.window(16);
    const seconds = u32(header, 0);
    const fraction = u32(header, 4);
    const length = u32(header, 8);
    const frameLength = u32(header, 12);
    if (length > MAX_PACKET) {
      throw file.damage(
        `a packet is at most ${MAX_PACKET} bytes`,
        `this one claims ${length}`,
        index,
      );
    }
    if (!file.has(16 + length)) {
      throw file.damage(
        `the packet is ${length} bytes`,
        `${file.available() - 16} are left`,
        index,
      );
    }
    const frame = toEthernet(linkType, file.window(16 + length).subarray(16), file, index);
    const timestamp = seconds * 1000 + Math.floor((fraction * 1000) / format.perSecond);
    yield { frame, timestamp, frameLength, truncated: length < frameLength, index };
    file.skip(16 + length);
  }
}

interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Milliseconds that a 64-bit time of this interface means. */
  readonly toMilliseconds: (units: bigint) => number;
}

const Block = { interfaceDescription: 1, simplePacket: 3, enhancedPacket: 6 } as const;

function* readPcapng(file: FileWindow): Generator<CapturedFrame, void, undefined> {
  let numbers: Numbers = { littleEndian: false };
  let interfaces: CaptureInterface[] = [];
  let index = 1;
  let timestamp = 0;
  while (!file.atEnd()) {
    if (!file.has(12))
      throw file.damage('a block is at least 12 bytes', `${file.available()} are left`, index);
    const isSection = file.window(4).readUInt32BE() === SECTION_HEADER;
    if (isSection) {
      // A section has a byte order of its own, and interfaces of its own.
      numbers = byteOrder(file, index);
      interfaces = [];
    }
    const u32 = numberReader(numbers);
    const type = u32(file.window(12), 0);
    const total = u32(file.window(12), 4);
    if (total < 12 || total % 4 !== 0) {
      throw file.damage(
        'a block length is a multiple of 4 from 12 up',
        `this one is ${total}`,
        index,
      );
    }
    const isPacket = type === Block.enhancedPacket || type === Block.simplePacket;
    if (!isPacket && type !== Block.interfaceDescription) {
      if (isSection && total < 28)
        throw file.damage('a section header is at least 28 bytes', `${total}`, index);
      // Names, statistics, secrets: of any size, and nothing to us.
      if (!file.skip(total))
        throw file.damage(`the block is ${total} bytes`, 'the file ends before', index);
      continue;
    }
    if (total > MAX_BLOCK) {
      throw file.damage(`a block is at most ${MAX_BLOCK} bytes`, `this one claims ${total}`, index);
    }
    if (!file.has(total)) {
      throw file.damage(`the block is ${total} bytes`, `${file.available()} are left`, index);
    }
    const block = file.window(total);
    if (u32(block, total - 4) !== total) {
      throw file.damage(
        `the block ends with its length, ${total}`,
        `it says ${u32(block, total - 4)}`,
        index,
      );
    }
    const body = block.subarray(8, total - 4);
    if (type === Block.interfaceDescription) {
      interfaces.push(describeInterface(body, numbers, file, index));
    } else {
      const packet =
        type === Block.enhancedPacket
          ? enhancedPacket(body, numbers, interfaces, file, index)
          : { ...simplePacket(body, numbers, interfaces, file, index), timestamp };
      timestamp = packet.timestamp;
      yield packet;
      index += 1;
    }
    file.skip(total);
  }
}

function byteOrder(file: FileWindow, index: number): Numbers {
  const magic = file.window(12).readUInt32BE(8);
  if (magic === BYTE_ORDER_MAGIC) return { littleEndian: false };
  if (magic === 0x4d3c_2b1a) return { littleEndian: true };
  throw file.damage('a section header holds 0x1a2b3c4d', `this one 0x${magic.toString(16)}`, index);
}

function describeInterface(
  body: Buffer,
  numbers: Numbers,
  file: FileWindow,
  index: number,
): CaptureInterface {
  const u16 = shortReader(numbers);
  if (body.length < 8)
    throw file.damage('an interface is described in 8 bytes', `${body.length}`, index);
  let resolution = 6;
  let offsetSeconds = 0n;
  for (let at = 8; at + 4 <= body.length;) {
    const code = u16(body, at);
    const length = u16(body, at + 2);
    if (code === 0) break; // opt_endofopt
    if (at + 4 + length > body.length) {
      throw file.damage(
        `option ${code} is ${length} bytes`,
        `${body.length - at - 4} are left`,
        index,
      );
    }
    if (code === 9 && length === 1) resolution = body[at + 4] ?? resolution; // if_tsresol
    if (code === 14 && length === 8) {
      offsetSeconds = numbers.littleEndian
        ? body.readBigInt64LE(at + 4)
        : body.readBigInt64BE(at + 4); // if_tsoffset
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  // The highest bit chooses between negative powers of two and of ten.
  const exponent = BigInt(resolution & 0x7f);
  const perSecond = (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
  return {
    linkType: u16(body, 0),
    snapLength: numberReader(numbers)(body, 4),
    toMilliseconds: (units) => Number(offsetSeconds * 1000n + (units * 1000n) / perSecond),
  };
}

function enhancedPacket(
  body: Buffer,
  numbers: Numbers,
  interfaces: readonly CaptureInterface[],
  file: FileWindow,
  index: number,
): CapturedFrame {
  const u32 = numberReader(numbers);
  if (body.length < 20)
    throw file.damage('a packet block holds at least 20 bytes', `${body.length}`, index);
  const id = u32(body, 0);
  const from = interfaces[id];
  if (from === undefined) throw undescribed(id, interfaces, file, index);
  const units = (BigInt(u32(body, 4)) << 32n) | BigInt(u32(body, 8));
  const length = u32(body, 12);
  const frameLength = u32(body, 16);
  if (length > body.length - 20 || length > MAX_PACKET) {
    throw file.damage(
      `the packet is ${length} bytes`,
      `its block has room for ${body.length - 20}`,
      index,
    );
  }
  const frame = toEthernet(from.linkType, body.subarray(20, 20 + length), file, index);
  return {
    frame,
    timestamp: from.toMilliseconds(units),
    frameLength,
    truncated: length < frameLength,
    index,
  };
}

function simplePacket(
  body: Buffer,
  numbers: Numbers,
  interfaces: readonly CaptureInterface[],
  file: FileWindow,
  index: number,
): Omit<CapturedFrame, 'timestamp'> {
  if (body.length < 4)
    throw file.damage('a simple packet holds at least 4 bytes', `${body.length}`, index);
  const from = interfaces[0];
  if (from === undefined) throw undescribed(0, interfaces, file, index);
  const frameLength = numberReader(numbers)(body, 0);
  // It was cut to the interface's snap length, where 0 means no limit; the block's own length is
  // only padded.
  const length = from.snapLength === 0 ? frameLength : Math.min(frameLength, from.snapLength);
  if (length > body.length - 4 || length > MAX_PACKET) {
    throw file.damage(
      `the packet is ${length} bytes`,
      `its block has room for ${body.length - 4}`,
      index,
    );
  }
  const frame = toEthernet(from.linkType, body.subarray(4, 4 + length), file, index);
  return { frame, frameLength, truncated: length < frameLength, index };
}

function undescribed(
  id: number,
  interfaces: readonly CaptureInterface[],
  file: FileWindow,
  index: number,
): CtgaError {
  return file.damage(
    `a packet's interface is described before it`,
    `interface ${id} is not, of ${interfaces.length}`,
    index,
  );
}

function numberReader({ littleEndian }: Numbers): (bytes: Buffer, at: number) => number {
  return littleEndian
    ? (bytes, at) => bytes.readUInt32LE(at)
    : (bytes, at) => bytes.readUInt32BE(at);
}

function shortReader({ littleEndian }: Numbers): (bytes: Buffer, at: number) => number {
  return littleEndian
    ? (bytes, at) => bytes.readUInt16LE(at)
    : (bytes, at) => bytes.readUInt16BE(at);
}

/** https://www.tcpdump.org/linktypes.html */
const LinkType = {
  null: 0,
  ethernet: 1,
  /** LINKTYPE_RAW is 101; 12 and 14 are what DLT_RAW was on some systems. */
  raw: [12, 14, 101, 228, 229] as readonly number[],
  loop: 108,
  linuxSll: 113,
  linuxSll2: 276,
} as const;

/**
 * Puts an Ethernet header in front of what is not Ethernet, so that all that follows knows one link
 * layer. Where the link layer only says "IP", the version is read from the packet: BSD's numbers
 * for IPv6 differ from system to system. A packet too short to tell stays a frame, one that
 * decoding refuses.
 */
function toEthernet(linkType: number, packet: Buffer, file: FileWindow, index: number): Uint8Array {
  if (linkType === LinkType.ethernet) return packet;
  if (linkType === LinkType.linuxSll) return withHeader(packet, 16, packet.subarray(14, 16));
  if (linkType === LinkType.linuxSll2) return withHeader(packet, 20, packet.subarray(0, 2));
  if (linkType === LinkType.null || linkType === LinkType.loop) return withIpHeader(packet, 4);
  if (LinkType.raw.includes(linkType)) return withIpHeader(packet, 0);
  throw badInput(
    `${file.path}: packet ${index}: link type ${linkType} cannot be read`,
    'Capture on an Ethernet, raw IP, loopback or Linux "any" interface.',
  );
}

function withIpHeader(packet: Buffer, strip: number): Uint8Array {
  const etherType = (packet[strip] ?? 0) >>> 4 === 6 ? EtherType.ipv6 : EtherType.ipv4;
  return withHeader(packet, strip, Uint8Array.of(etherType >>> 8, etherType & 0xff));
}

function withHeader(packet: Buffer, strip: number, etherType: Uint8Array): Uint8Array {
  if (packet.length < strip) return new Uint8Array(0);
  const frame = new Uint8Array(14 + packet.length - strip);
  frame.set(etherType, 12);
  frame.set(packet.subarray(strip), 14);
  return frame;
}

/** A file seen through a buffer that moves forwards. */
class FileWindow {
  readonly path: string;
  readonly #descriptor: number;
  readonly #buffer = Buffer.allocUnsafe(WINDOW);
  #start = 0;
  #end = 0;
  /** Where in the file #start is. */
  #offset = 0;

  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'r');
    } catch (error) {
      throw unreadable(path, error);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** Bytes at hand; all that are left once has() said no. */
  available(): number {
    return this.#end - this.#start;
  }

  atEnd(): boolean {
    return !this.has(1);
  }

  /** Reads on until `length` bytes are at hand or the file ends. Requires length <= WINDOW. */
  has(length: number): boolean {
    if (this.available() >= length) return true;
    if (this.#start + length > WINDOW) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    while (this.available() < length) {
      const read = this.#read();
      if (read === 0) return false;
      this.#end += read;
    }
    return true;
  }

  /** A view of the next bytes, which has() said are there; good until the next has(). */
  window(length: number): Buffer {
    return this.#buffer.subarray(this.#start, this.#start + length);
  }

  /** Moves on, over bytes of any number; false if the file ends before. */
  skip(length: number): boolean {
    let left = length;
    while (left > this.available()) {
      left -= this.available();
      this.#offset += this.available();
      this.#start = this.#end = 0;
      if (!this.has(1)) return false;
    }
    this.#start += left;
    this.#offset += left;
    return true;
  }

  /**
   * The error for a claim in the file, at the place where the reading is, that the rest does not
   * bear out.
   */
  damage(expected: string, found: string, index?: number): CtgaError {
    const where = index === undefined ? '' : `packet ${index}, `;
    return badInput(
      `${this.path}: damaged at ${where}byte ${this.#offset}: ${expected}, but ${found}`,
      index === undefined || index === 1
        ? 'Nothing could be read; capture again.'
        : `The ${index - 1} packets before were read; capture again for the rest.`,
    );
  }

  #read(): number {
    try {
      return readSync(this.#descriptor, this.#buffer, this.#end, WINDOW - this.#end, null);
    } catch (error) {
      throw unreadable(this.path, error);
    }
  }
}

function unreadable(path: string, error: unknown): CtgaError {
  return new CtgaError('bad-input', `cannot read ${path}: ${messageOf(error)}`, {
    remedy: 'Give a capture file that exists and may be read.',
    cause: error,
  });
}
