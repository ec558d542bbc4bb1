// SPDX-License-Identifier: Apache-2.0
/**
 * Domain names in wire format: length-prefixed labels and the root's zero byte (RFC 1035, Section
 * 3.1).
 *
 * A name is a Uint8Array without compression. Names are compared without regard to the case of
 * ASCII letters and to nothing else (RFC 4343): resolvers send mixed case on purpose ("0x20").
 */
import { FormatError, type ByteCursor } from '../base/cursor.ts';

/** RFC 1035, Section 2.3.4. */
export const MAX_NAME = 255;
const MAX_LABEL = 63;

/** RFC 9267: pointers that only go backwards still make long walks of few bytes. */
const MAX_POINTERS = 16;
const MESSAGE_HEADER = 12;

export type NameFormatReason =
  | 'label type' // neither a label nor a pointer (RFC 6891, Section 5 has retired the rest)
  | 'name too long'
  | 'pointer not backwards'
  | 'pointer into header'
  | 'too many pointers';

/**
 * Wire format from text; the last dot may be left out. `\.`, `\\` and `\DDD` are understood (RFC
 * 1035, Section 5.1), other characters must be ASCII. Throws RangeError with a sentence for people.
 */
export function encodeName(text: string): Uint8Array {
  const labels: number[][] = [[]];
  const token = /\\(?<decimal>[0-9]{3})|\\(?<quoted>[^0-9])|(?<dot>\.)|(?<plain>[^\\])/gsy;
  let end = 0;
  for (const { groups, 0: matched } of text.matchAll(token)) {
    end += matched.length;
    const byte =
      groups?.['decimal'] === undefined
        ? (groups?.['quoted'] ?? groups?.['plain'])?.charCodeAt(0)
        : Number(groups['decimal']);
    if (byte === undefined) labels.push([]);
    else if (byte > (groups?.['decimal'] === undefined ? 0x7f : 0xff)) {
      throw new RangeError(`name "${text}": "${matched}" is not ASCII`);
    } else labels.at(-1)?.push(byte);
  }
  if (end !== text.length)
    throw new RangeError(`name "${text}": what follows "\\" is neither \\DDD nor a character`);
  if (labels.at(-1)?.length === 0) labels.pop(); // the root: after the last dot, or all of "." and ""
  if (text === '.') labels.pop();
  for (const label of labels) {
    if (label.length === 0) throw new RangeError(`name "${text}": has an empty label`);
    if (label.length > MAX_LABEL)
      throw new RangeError(`name "${text}": has a label longer than ${MAX_LABEL} bytes`);
  }
  const name = Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]);
  if (name.length > MAX_NAME)
    throw new RangeError(`name "${text}": is longer than ${MAX_NAME} bytes`);
  return name;
}

/** Text that encodeName takes back: no last dot, except "." for the root. */
export function formatName(name: Uint8Array): string {
  const labels = labelsOf(name).map((label) =>
    Array.from(label, (byte) => {
      if (byte <= 0x20 || byte >= 0x7f) return `\\${String(byte).padStart(3, '0')}`;
      const character = String.fromCharCode(byte);
      return character === '.' || character === '\\' ? `\\${character}` : character;
    }).join(''),
  );
  return labels.length === 0 ? '.' : labels.join('.');
}

/**
 * A copy with ASCII letters in lower case. Length bytes are at most 63, below any letter, so all
 * bytes may be folded.
 */
export function foldName(name: Uint8Array): Uint8Array {
  return Uint8Array.from(name, (byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));
}

export function equalNames(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  const [foldedA, foldedB] = [foldName(a), foldName(b)];
  return foldedA.every((byte, i) => byte === foldedB[i]);
}

/**
 * Views of the labels, the root's left out. Requires a well-formed name, as all functions here
 * return.
 */
export function labelsOf(name: Uint8Array): Uint8Array[] {
  const labels: Uint8Array[] = [];
  for (let at = 0, length = name[0] ?? 0; length > 0; at += 1 + length, length = name[at] ?? 0) {
    labels.push(name.subarray(at + 1, at + 1 + length));
  }
  return labels;
}

/**
 * Reads a name that may be compressed (RFC 1035, Section 4.1.4), case as it is, and moves the
 * cursor past it.
 *
 * A pointer must lead to before the labels it ends, not merely to before itself, so that each one
 * goes strictly backwards and none can be met twice; and not into the header, where no name is.
 * Throws FormatError<NameFormatReason>.
 */
export function readName(cursor: ByteCursor): Uint8Array {
  return follow(cursor, MAX_POINTERS, true);
}

/**
 * The same where pointers lead anywhere in the message, as several clients follow them: into the
 * header, which has zeros for a name to end at, and forwards. Throws
 * FormatError<NameFormatReason>.
 */
export function readNameAnywhere(cursor: ByteCursor): Uint8Array {
  // glibc follows no more of them, and unbound (256) and Go (10) fewer in most messages.
  return follow(cursor, Math.max(257, Math.ceil(cursor.bytes.length / 2)), false);
}

function follow(cursor: ByteCursor, mostPointers: number, backwards: boolean): Uint8Array {
  const { bytes } = cursor;
  const name: number[] = [];
  let pointers = 0;
  let at = cursor;
  let labelsStart = cursor.position;
  for (;;) {
    const offset = at.position;
    const length = at.u8();
    if (length >= 0xc0) {
      const target = ((length & 0x3f) << 8) | at.u8();
      if (backwards && target >= labelsStart)
        throw new FormatError<NameFormatReason>('pointer not backwards', offset);
      if (backwards && target < MESSAGE_HEADER)
        throw new FormatError<NameFormatReason>('pointer into header', offset);
      if (++pointers > mostPointers)
        throw new FormatError<NameFormatReason>('too many pointers', offset);
      labelsStart = target;
      at = at.startingAt(target);
      continue;
    }
    if (length > MAX_LABEL) throw new FormatError<NameFormatReason>('label type', offset);
    if (name.length + 1 + length + (length === 0 ? 0 : 1) > MAX_NAME) {
      throw new FormatError<NameFormatReason>('name too long', offset);
    }
    const start = at.skip(length);
    name.push(length, ...bytes.subarray(start, start + length));
    if (length === 0) return Uint8Array.from(name);
  }
}

/**
 * Moves the cursor past a name without following where a pointer leads. Throws
 * FormatError<NameFormatReason>.
 */
export function skipName(cursor: ByteCursor): void {
  const start = cursor.position;
  for (;;) {
    const offset = cursor.position;
    const length = cursor.u8();
    if (length === 0) return;
    if (length >= 0xc0) return void cursor.skip(1);
    if (length > MAX_LABEL) throw new FormatError<NameFormatReason>('label type', offset);
    cursor.skip(length);
    if (cursor.position - start >= MAX_NAME)
      throw new FormatError<NameFormatReason>('name too long', offset);
  }
}
