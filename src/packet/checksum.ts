// SPDX-License-Identifier: Apache-2.0
/** The Internet checksum: RFC 1071. */

/**
 * Adds bytes[start, end), as big-endian words, to `initial` and returns the ones' complement sum in
 * 16 bits. A last odd byte is the high half of a word (RFC 768), so the result may be the `initial`
 * of another sum only if the number of bytes was even.
 */
export function onesComplementSum(
  bytes: Uint8Array,
  start: number,
  end: number,
  initial = 0,
): number {
  let sum = initial;
  let at = start;
  // A packet has fewer than 2^16 words, so the sum stays far below 2^53 and is folded at the end.
  for (; at + 1 < end; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < end) sum += (bytes[at] as number) << 8;
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum;
}
