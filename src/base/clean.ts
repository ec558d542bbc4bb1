// SPDX-License-Identifier: Apache-2.0
/**
 * Text from outside (a log's description, a server's error, a file's name) as it may be shown:
 * nothing in it moves the cursor, begins a line, turns the order of the text round or is invisible.
 * It is cleaned where it leaves ctga, once: by the command line's output, alerts, the status page,
 * metrics and reports. JSON keeps it, escaped (json.ts).
 */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, lone surrogates, and format
 * characters: bidirectional controls, zero-width characters, tags.
 */
const UNSHOWABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text on one line, with `\u001b` or `\u{e0001}` in place of each character of that kind. */
export function clean(text: string): string {
  return text.replace(UNSHOWABLE, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/** As `clean`, for text of several lines of ours: line feeds stay. */
export function cleanLines(text: string): string {
  return text.split('\n').map(clean).join('\n');
}

/** JSON that says the same, with escapes alone where `clean` has them: line feeds stay. */
export function cleanJson(json: string): string {
  return json.replace(UNSHOWABLE, (character) => {
    if (character === '\n') return character;
    // UTF-16 units, as JSON escapes them.
    return character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('');
  });
}
