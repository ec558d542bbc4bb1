// SPDX-License-Identifier: Apache-2.0
/**
 * The chain of evidence: a text file beside the evidence files, with one line for each of them,
 *
 *     INDEX FILE SHA-256-OF-THE-FILE SHA-256-OF-THE-LINE-BEFORE
 *
 * so that a file that is missing or was changed shows, and a line that was, unless all after it
 * were written anew. The hash of the last line is the head: whoever noted it elsewhere sees that
 * too. Lines are only ever added. Pure.
 */
import { createHash } from 'node:crypto';

/** The chain's name in its directory. */
export const CHAIN = 'chain.txt';
/** What stands for the hash of the line before in the first line. */
const NOTHING_BEFORE = '0'.repeat(64);

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const LINE = /^(\d{1,15}) ([A-Za-z0-9][A-Za-z0-9._-]{0,199}) ([0-9a-f]{64}) ([0-9a-f]{64})$/;

export interface ChainLink {
  /** From 1. */
  readonly index: number;
  readonly file: string;
  /** In hexadecimal, as all hashes here. */
  readonly sha256: string;
}

export interface Chain {
  readonly links: readonly ChainLink[];
  /** The SHA-256 of the last line, with its end; of nothing, 64 zeros. */
  readonly head: string;
  /** The SHA-256 of each line, with its end. Every head that the chain ever had is one of them. */
  readonly hashes: readonly string[];
  /**
   * What no writer of the chain leaves behind, one clause each. A line that a power cut or a full
   * disk cut off is none: the lines after it have its hash.
   */
  readonly faults: readonly string[];
  /** The end of the last line is missing. */
  readonly isCutOff: boolean;
}

/** Whether a file of this name can be in a chain. */
export function isChainable(name: string): boolean {
  return NAME.test(name);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Reads what is in a chain's file, whatever is in it. */
export function readChain(bytes: Uint8Array): Chain {
  const text = Buffer.from(bytes).toString('latin1');
  const isCutOff = text !== '' && !text.endsWith('\n');
  const lines = text.split('\n').slice(0, isCutOff ? undefined : -1);
  const links: ChainLink[] = [];
  const files = new Set<string>();
  const faults: string[] = [];
  const hashes: string[] = [];
  let head = NOTHING_BEFORE;
  lines.forEach((line, i) => {
    const [, index = '', file = '', hash = '', before] = LINE.exec(line) ?? [];
    if (before !== undefined) {
      const expected = (links.at(-1)?.index ?? 0) + 1;
      if (before !== head) faults.push(`line ${i + 1} does not follow from the line before it`);
      if (Number(index) !== expected)
        faults.push(`line ${i + 1} has the number ${index}, not ${expected}`);
      if (files.has(file)) faults.push(`line ${i + 1} has ${file}, which is in a line before it`);
      links.push({ index: Number(index), file, sha256: hash });
      files.add(file);
    }
    head = sha256(Buffer.from(`${line}\n`, 'latin1'));
    hashes.push(head);
  });
  return { links, head, hashes, faults, isCutOff };
}

/** What is to be added to the chain's file for these files, in this order. */
export function linesFor(
  { links, head, isCutOff }: Chain,
  files: readonly { readonly file: string; readonly sha256: string }[],
): string {
  let before = head;
  let index = links.at(-1)?.index ?? 0;
  const lines = files.map(({ file, sha256: hash }) => {
    const line = `${(index += 1)} ${file} ${hash} ${before}\n`;
    before = sha256(line);
    return line;
  });
  return lines.length === 0 ? '' : `${isCutOff ? '\n' : ''}${lines.join('')}`;
}
