// SPDX-License-Identifier: Apache-2.0
/**
 * The entries of a log of trust: commands of version 1, each with the time at which the log took it.
 * What they leave is what they would leave in a chain. Pure.
 *
 *   time in Unix milliseconds (8 bytes, big-endian) || command
 */
import { createHash } from 'node:crypto';
import { ByteCursor } from '../base/cursor.ts';
import { decodeCommand, State, type Command, type Refusal } from '../ddt/version1.ts';
import { tilePath } from '../merkle/tiles.ts';
import { formatNoteKey, type NoteKey } from '../statements/note-key.ts';

/** The longest command that a log takes; one with three digests and long names fits twice. */
export const MAX_COMMAND = 2048;
/** The bytes of an entry before its command. */
export const ENTRY_HEAD = 8;
export const MAX_ENTRY = ENTRY_HEAD + MAX_COMMAND;

export interface LogEntry {
  /** Unix milliseconds. */
  readonly time: number;
  readonly command: Command;
}

/** Undefined for what is no entry: a log may have some that a later version understands. */
export function decodeEntry(bytes: Uint8Array): LogEntry | undefined {
  if (bytes.length <= ENTRY_HEAD || bytes.length > MAX_ENTRY) return undefined;
  const cursor = new ByteCursor(bytes);
  const time = cursor.u32() * 2 ** 32 + cursor.u32();
  const command = decodeCommand(bytes.subarray(ENTRY_HEAD));
  return command !== undefined && Number.isSafeInteger(time) ? { time, command } : undefined;
}

export function encodeEntry(time: number, command: Uint8Array): Uint8Array {
  const head = Buffer.alloc(ENTRY_HEAD);
  head.writeBigUInt64BE(BigInt(time));
  return Buffer.concat([head, command]);
}

/**
 * What signatures in a log are for, in place of a chain's first block: a command for one log means
 * nothing in another, nor in a chain.
 */
export function networkOfLog(key: NoteKey): string {
  return createHash('sha256')
    .update(`ctga/trust/log\n${formatNoteKey(key)}`)
    .digest('hex');
}

/** What the entries of a log leave, in their order. */
export class LogState {
  readonly state: State;
  /** Milliseconds. It never goes back, whatever an entry says. */
  #now = 0;

  constructor(key: NoteKey) {
    this.state = new State(networkOfLog(key));
  }

  /** The time of the last entry, in Unix seconds. */
  get time(): number {
    return Math.floor(this.#now / 1000);
  }

  get milliseconds(): number {
    return this.#now;
  }

  /** Why the command was not executed; undefined if it was. */
  apply({ time, command }: LogEntry): Refusal | undefined {
    this.#now = Math.max(this.#now, time);
    return this.state.apply(command, this.time);
  }
}

/** Entries as a bundle has them (c2sp.org/tlog-tiles, "Log Entries"): each behind its length. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]),
  );
}

/** The first `count` entries of a bundle. Throws FormatError if there are fewer. */
export function decodeBundle(bytes: Uint8Array, count: number): Uint8Array[] {
  const cursor = new ByteCursor(bytes);
  return Array.from({ length: count }, () => Uint8Array.from(cursor.take(cursor.u16())));
}

/** Where a bundle of so many entries lies, below a log's URL. */
export function bundlePath(index: number, width: number): string {
  return tilePath({ level: 0, index: BigInt(index), width }).replace('tile/0/', 'tile/entries/');
}
