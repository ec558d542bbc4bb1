// SPDX-License-Identifier: Apache-2.0
/** Unsigned 64-bit integers as decimal text: tree sizes, timestamps and leaf indices. */

export const MAX_UINT64 = (1n << 64n) - 1n;

/**
 * Reads 0 .. 2^64 - 1, written as digits without a sign or leading zeros. Returns
 * undefined for any other text.
 */
export function parseUint64(text: string): bigint | undefined {
  if (!/^(0|[1-9][0-9]{0,19})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value <= MAX_UINT64 ? value : undefined;
}
