// SPDX-License-Identifier: Apache-2.0
/**
 * The fate of a datagram in the P4 programs (p4/shared/fate.p4), written a second time: HalfSipHash
 * of 37 bytes.
 */

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

/** HalfSipHash-1-3 with 32 bits of output; `key` is 8 bytes. */
export function halfSipHash13(key: Buffer, input: Buffer): number {
  const [k0, k1] = [key.readInt32LE(0), key.readInt32LE(4)];
  let [v0, v1, v2, v3] = [k0, k1, k0 ^ 0x6c796765, k1 ^ 0x74656462];
  const round = (): void => {
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
  };
  const padded = Buffer.alloc(4 * Math.floor(input.length / 4) + 4);
  input.copy(padded);
  padded[padded.length - 1] = input.length;
  for (let at = 0; at < padded.length; at += 4) {
    const word = padded.readInt32LE(at);
    v3 ^= word;
    round();
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let i = 0; i < 3; i++) round();
  return (v1 ^ v3) >>> 0;
}

/** The fate of the datagram that an IP packet is a fragment of. */
export function fateOf(key: bigint, packet: Buffer): number {
  const keyBytes = Buffer.alloc(8);
  keyBytes.writeBigUInt64LE(key);
  const isIpv4 = packet.readUInt8(0) >> 4 === 4;
  const zeros = Buffer.alloc(12);
  const big = isIpv4
    ? [
        zeros,
        packet.subarray(12, 16),
        zeros,
        packet.subarray(16, 20),
        zeros.subarray(0, 2),
        packet.subarray(4, 6),
      ]
    : [packet.subarray(8, 40), packet.subarray(44, 48)];
  // Words as they are on the wire, and the hash reads words from the lowest byte.
  const words = Buffer.concat(big).swap32();
  return halfSipHash13(keyBytes, Buffer.concat([words, Uint8Array.of(isIpv4 ? 4 : 6)]));
}
