// SPDX-License-Identifier: Apache-2.0
/** CRC-64/XZ, which Go calls crc64.ECMA. Pure. */

/** The polynomial of ECMA-182 with its bits reversed. */
const POLYNOMIAL = 0xc96c5795d7870f42n;

/** The upper and the lower halves of the remainders, so that no step needs a bigint. */
const HIGH = new Uint32Array(256);
const LOW = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = BigInt(byte);
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1n) === 1n ? (remainder >> 1n) ^ POLYNOMIAL : remainder >> 1n;
  HIGH[byte] = Number(remainder >> 32n);
  LOW[byte] = Number(remainder & 0xffff_ffffn);
}

/** The checksum of all parts together, in their order. */
export function crc64(...parts: readonly Uint8Array[]): bigint {
  let high = 0xffff_ffff;
  let low = 0xffff_ffff;
  for (const part of parts)
    for (const byte of part) {
      const at = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[at] as number);
      high = (high >>> 8) ^ (HIGH[at] as number);
    }
  return (BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0);
}
