/** The Internet checksum: RFC 1071. */

/**
 * The ones' complement sum, folded to 16 bits, of bytes[start, end) as big-endian words on top of
 * `initial`. An odd last byte is the high half of a word (RFC 768). The result may be passed on as
 * `initial` only when an even number of bytes was summed.
 */
export function onesComplementSum(
  bytes: Uint8Array,
  start: number,
  end: number,
  initial = 0,
): number {
  let sum = initial;
  let at = start;
  // A packet has less than 2^16 words, so the sum stays far below 2^53 and is folded once.
  for (; at + 1 < end; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
  if (at < end) sum += (bytes[at] as number) << 8;
  while (sum > 0xffff) sum = (sum % 0x1_0000) + Math.floor(sum / 0x1_0000);
  return sum;
}
