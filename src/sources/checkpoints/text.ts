// SPDX-License-Identifier: Apache-2.0
/**
 * Checkpoints as TXT records (docs/DNS.md, "Checkpoints"): each line of the signed note is a
 * character-string, without its newline; the blank line in front of the signatures is an empty one.
 * A line of 255 bytes or more goes on in the next string, and ends with the first string that is
 * shorter: so a string of 255 bytes is never the end of a line. Pure.
 */
import { checkpointOf } from '../../statements/checkpoint.ts';
import type { CheckpointKey } from '../../statements/key.ts';
import type { Statement } from '../../statements/statement.ts';

const MAX_STRING = 255;
/** In bytes: far more than a checkpoint with an ML-DSA-44 signature and sixteen cosignatures. */
const MAX_NOTE = 16_384;

/** The RDATA of the TXT record. `note` is a signed note in UTF-8, and ends in a newline. */
export function encodeNote(note: string): Buffer {
  const lines = note.split('\n').slice(0, -1);
  return Buffer.concat(lines.map((line) => encodeLine(Buffer.from(line))));
}

function encodeLine(line: Uint8Array): Buffer {
  const parts: Uint8Array[] = [];
  for (let at = 0; at <= line.length; at += MAX_STRING) {
    const part = line.subarray(at, at + MAX_STRING);
    parts.push(Uint8Array.of(part.length), part);
  }
  return Buffer.concat(parts);
}

/** The note in a TXT record's RDATA, up to a string that would end behind it. */
export function noteOfRdata(rdata: Uint8Array): Buffer {
  const strings: Uint8Array[] = [];
  for (let at = 0; at < rdata.length;) {
    const length = rdata[at] as number;
    if (at + 1 + length > rdata.length) break;
    strings.push(rdata.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
  return noteOfStrings(strings);
}

/** The note in a TXT record's character-strings. */
export function noteOfStrings(strings: readonly Uint8Array[]): Buffer {
  const parts = strings.flatMap((part) => (part.length < MAX_STRING ? [part, NEWLINE] : [part]));
  return Buffer.concat(parts).subarray(0, MAX_NOTE);
}

const NEWLINE = Uint8Array.of(0x0a);

/**
 * The RDATA of the checkpoint that a statement of the log of `key` is, with as many of the lines of
 * other signers as fit in `room` bytes. Throws RangeError for a statement that is none.
 */
export function checkpointRdata(head: Statement, key: CheckpointKey, room: number): Buffer {
  const note = checkpointOf(head, key);
  if (note === undefined) throw new RangeError('the statement is no checkpoint of this log');
  return encodeWithOthers(note, head.others ?? [], room);
}

/**
 * The RDATA of a checkpoint with as many of `others`, which are lines of other signers, as keep it
 * within `room` bytes: each that still fits, in their order. The checkpoint itself is whole in any
 * case.
 */
export function encodeWithOthers(note: string, others: readonly string[], room: number): Buffer {
  let rdata = encodeNote(note);
  for (const line of others) {
    const longer = Buffer.concat([rdata, encodeNote(line)]);
    if (longer.length <= room) rdata = longer;
  }
  return rdata;
}
