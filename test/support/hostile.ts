// SPDX-License-Identifier: Apache-2.0
/** Text as an enemy writes it: it takes over the terminal, forges lines, and hides. */

const range = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join('');

/** Every C0 and C1 control, every bidirectional control, separators, zero width, tags. */
export const HOSTILE = [
  'A log\u001b]0;owned\u0007\u001b[2J',
  '\r\nctga: SPLIT VIEW PROVEN\n<0>forged',
  range(0, 0x1f),
  range(0x7f, 0x9f),
  '\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff',
  '\ufff9\u{e0001}\u{e0041}\u{e007f} "quoted" \\ `x` $(x) end',
].join('');

/** The same as the name of a file, which has no zero byte, no slash, and 255 bytes at most. */
export const HOSTILE_NAME =
  'f\u001b]0;owned\u0007\r\nctga: SPLIT VIEW PROVEN\n\t\u0085\u009b31m\u007f\u202e\u2066\u2028\u2029\u200b\ufeff\u{e0041}';

/** What of a text a terminal would act on, as JSON; line feeds are left out. '' if nothing is. */
export function unshowableIn(text: string): string {
  const found = text.match(/[^\P{C}\n\p{Co}\p{Cn}]|[\u2028\u2029]/gu) ?? [];
  return found.map((character) => JSON.stringify(character)).join(' ');
}
