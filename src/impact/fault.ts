// SPDX-License-Identifier: Apache-2.0
/** What is wrong with a piece of input, without where it is: whoever reads the file adds that. */
import { jsonFault } from '../base/json-fault.ts';

export class Fault extends Error {
  readonly remedy: string | undefined;
  /** The line that it is in, if it is not the one at hand. */
  readonly line: number | undefined;

  constructor(message: string, more: { remedy?: string; line?: number } = {}) {
    super(message);
    this.name = 'Fault';
    this.remedy = more.remedy;
    this.line = more.line;
  }
}

/** Throws Fault if the text is no AS number that may be one (RFC 7607: 0 is none). */
export function asNumber(value: unknown): number {
  const text = String(value).replace(/^AS(?=\d)/i, '');
  const asn = Number(text);
  if (/^\d{1,10}$/.test(text) && asn >= 1 && asn <= 0xffff_ffff) return asn;
  throw new Fault(`${shown(value)} is no AS number`);
}

/** A value as a message shows it: as JSON, and not all of it if it is long. */
export function shown(value: unknown): string {
  const text = (JSON.stringify(value) as string | undefined) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Throws Fault if the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Fault(`is no JSON: ${jsonFault(text).what.replace(/^line 1, /, '')}`);
  }
}

/** As parseJson, for a whole file by its lines; the fault has the line. */
export function parseDocument(lines: readonly string[]): unknown {
  const text = lines.join('\n');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const { line, what } = jsonFault(text);
    throw new Fault(`is no JSON: ${what.replace(/^line \d+, /, '')}`, { line });
  }
}
