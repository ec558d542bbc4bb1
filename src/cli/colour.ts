// SPDX-License-Identifier: Apache-2.0
/**
 * Colour where a terminal wants it. Whatever has a colour says the same in words; so the colour is
 * put to the words, in one place.
 */
import type { Output } from './run.ts';

/** Select Graphic Rendition, ECMA-48, Section 8.3.117. */
const STYLE = { bad: '1;31', doubtful: '33', good: '32', heading: '1' } as const;

/** What is coloured: the first that a line has. */
const PAINTED: readonly (readonly [words: RegExp, style: keyof typeof STYLE])[] = [
  [/SPLIT VIEW PROVEN|\bfork-proven\b/, 'bad'],
  [/^FAILS\b|^FAILED\b|does NOT (?:stand|verify)|\bNOT PROVEN\b|^ctga:(?= )/, 'bad'],
  [/^WARNING\b|^LOST\b|\bBLIND\b|IT SEES ONLY WHAT THESE LET PASS|\bNOT COMPARED\b/, 'doubtful'],
  [/\b(?:bad-proof|malformed-head|skewed|unprovable|unreachable)\b/, 'doubtful'],
  [/^well\b|^holds\b|\bconsistent\b/, 'good'],
  // Titles of tables.
  [/^[A-Z]{3,}(?: [A-Z()]+)*(?: {2,}[A-Z()]+(?: [A-Z()]+)*)+$/, 'heading'],
];

/**
 * Whether to colour: NO_COLOR (no-color.org) turns it off, FORCE_COLOR turns it on where there is
 * no terminal, as for Node's own tools.
 */
export function wantsColour({ isTTY }: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTTY === true && env['TERM'] !== 'dumb';
}

/** The line with its most telling words coloured, if the output wants that. */
export function paint(line: string, output: Output): string {
  if (!wantsColour(output)) return line;
  const found = PAINTED.find(([words]) => words.test(line));
  if (found === undefined) return line;
  const [words, style] = found;
  return line.replace(words, (text) => `\u001b[${STYLE[style]}m${text}\u001b[0m`);
}
