// SPDX-License-Identifier: Apache-2.0
/**
 * Carbonchain packets (seed 003, table 8), and the scripts that carry them in a Bitcoin transaction.
 * Pure. What is read and written is what ruqqq/carbonchain (c88584e) reads and writes.
 */
import { crc64 } from './crc64.ts';

/** A packet is at most this long, as OP_RETURN outputs were when Carbonchain was made. */
const MAX_PACKET = 80;
const HEADER = 20;
export const DATA_A_PACKET = MAX_PACKET - HEADER;
/** Sequence numbers are read as signed 16-bit integers, and the first is 0. */
const MAX_PACKETS = 32_767;
/** The longest data that fits in packets. */
export const MAX_DATA = MAX_PACKETS * DATA_A_PACKET;

export interface Packet {
  /** Which application it is for: 0xdf is DDT, 0xfa the sample application of Carbonchain. */
  readonly id: number;
  /** The original writes 0 and reads any. */
  readonly version: number;
  /** From -32,768 to 32,767; the first of a row is 0. */
  readonly sequence: number;
  readonly checksum: bigint;
  /** Of the packet that comes next; 0 if this is the last. */
  readonly nextChecksum: bigint;
  readonly data: Uint8Array;
}

const NO_CHECKSUM = new Uint8Array(8);

/** The CRC-64 of a packet's bytes, its own field for the checksum taken as zeros. */
function checksumOf(bytes: Uint8Array): bigint {
  return crc64(bytes.subarray(0, 4), NO_CHECKSUM, bytes.subarray(12));
}

/** Undefined if these bytes are no packet: too short, or their checksum is wrong or 0. */
export function decodePacket(bytes: Uint8Array): Packet | undefined {
  if (bytes.length <= HEADER) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const checksum = view.getBigUint64(4);
  if (checksum === 0n || checksum !== checksumOf(bytes)) return undefined;
  return {
    id: view.getUint8(0),
    version: view.getUint8(1),
    sequence: view.getInt16(2, true),
    checksum,
    nextChecksum: view.getBigUint64(12),
    data: Uint8Array.from(bytes.subarray(HEADER)),
  };
}

/**
 * The packets that carry `data`, in their order: each has 60 bytes of it, and the last has the rest.
 * Throws RangeError if there is none, or more than MAX_DATA bytes.
 */
export function packetsOf(
  data: Uint8Array,
  { id, version = 0 }: { readonly id: number; readonly version?: number },
): Uint8Array[] {
  if (data.length === 0 || data.length > MAX_DATA)
    throw new RangeError(`a packet carries 1 to ${MAX_DATA} bytes, not ${data.length}`);
  const packets: Uint8Array[] = [];
  let nextChecksum = 0n;
  // A packet's checksum covers that of the next, so the last is made first.
  for (let i = Math.ceil(data.length / DATA_A_PACKET) - 1; i >= 0; i--) {
    const part = data.subarray(i * DATA_A_PACKET, (i + 1) * DATA_A_PACKET);
    const packet = new Uint8Array(HEADER + part.length);
    const view = new DataView(packet.buffer);
    view.setUint8(0, id);
    view.setUint8(1, version);
    view.setInt16(2, i, true);
    view.setBigUint64(12, nextChecksum);
    packet.set(part, HEADER);
    nextChecksum = checksumOf(packet);
    view.setBigUint64(4, nextChecksum);
    packets.unshift(packet);
  }
  return packets;
}

const OP_RETURN = 0x6a;
const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA2 = 0x4d;

/**
 * What an output's script carries, read as the original does: the lengths in it are not compared.
 * Undefined if it is no OP_RETURN, or carries too little to be a packet.
 */
export function payloadOf(script: Uint8Array): Uint8Array | undefined {
  if (script.length <= HEADER || script[0] !== OP_RETURN) return undefined;
  const start = script[1] === OP_PUSHDATA2 ? 4 : script[1] === OP_PUSHDATA1 ? 3 : 2;
  return script.length - start > HEADER ? script.subarray(start) : undefined;
}

/** The script of an output that carries a packet. */
export function scriptFor(packet: Uint8Array): Uint8Array {
  const push = packet.length <= 75 ? [packet.length] : [OP_PUSHDATA1, packet.length];
  return Uint8Array.of(OP_RETURN, ...push, ...packet);
}

/**
 * The hash of the key that an output pays to, if it is OP_DUP OP_HASH160 <20 bytes> OP_EQUALVERIFY
 * OP_CHECKSIG; the original does not look at the third byte, and neither does this.
 */
export function keyHashOf(script: Uint8Array): Uint8Array | undefined {
  const isP2pkh =
    script.length === 25 &&
    script[0] === 0x76 &&
    script[1] === 0xa9 &&
    script[23] === 0x88 &&
    script[24] === 0xac;
  return isP2pkh ? script.subarray(3, 23) : undefined;
}

/** Whether an output is that to the letter. Only then can its key spend it: what owns a packet may be no coin. */
export function isSpendable(script: Uint8Array): boolean {
  return keyHashOf(script) !== undefined && script[2] === 20;
}
