// SPDX-License-Identifier: Apache-2.0
/** Records as text for a zone file (RFC 1035, Section 5), as every server reads it. Pure. */

const MAX_STRING = 255;

/** The data of a TXT record: character-strings of at most 255 bytes each, in quotes. */
export function formatTxt(text: Uint8Array): string {
  const strings: string[] = [];
  for (let at = 0; at < text.length || at === 0; at += MAX_STRING)
    strings.push(`"${Array.from(text.subarray(at, at + MAX_STRING), formatByte).join('')}"`);
  return strings.join(' ');
}

function formatByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return `\\${character}`;
  return byte < 0x20 || byte >= 0x7f ? `\\${String(byte).padStart(3, '0')}` : character;
}
