// SPDX-License-Identifier: Apache-2.0
/**
 * Files that somebody names. What has no end, or would have ctga wait for ever, is refused, with why:
 * a device, a directory, a pipe into which nobody writes, what is larger than memory holds.
 */
import { constants as buffer } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { waitSync } from './clock.ts';
import { FileFault } from './errors.ts';
import { megabytes } from './text.ts';

/** No string is longer. */
export const MOST_BYTES = buffer.MAX_STRING_LENGTH;

const PART = 1 << 20;
/** As much as a pipe holds (pipe(7)). */
const PIPE = 1 << 16;
/** What is made up as it is read has no size. */
const LITTLE = 1 << 12;
/** For so long a pipe may have nobody who writes: what is started beside ctga takes a moment. */
const PATIENCE_MS = 1000;
const STEP_MS = 20;
/** The number of /dev/null, which has an end (Linux, Documentation/admin-guide/devices.txt). */
const DEV_NULL = 0x103;
/** Names of what the process was given as its input, which may be no file that can be opened. */
const OWN_INPUT = /^\/(?:dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/;

/** A file that is open, and what it was found to be. */
export interface OpenFile {
  readonly descriptor: number;
  readonly found: Stats;
}

/** Whether the path is another name of standard input. */
export function isOwnInput(path: string): boolean {
  return OWN_INPUT.test(path);
}

/**
 * Opens a file, so that reading it never waits: it throws EAGAIN where nothing has come yet. Throws
 * the system's error, or FileFault for what cannot be read as a file.
 */
export function openToRead(path: string): OpenFile {
  const isOwn = isOwnInput(path);
  // Opening some devices does something, so it is asked first what this is.
  refuseKind(isOwn ? fstatSync(0) : statSync(path), isOwn);
  const descriptor = isOwn
    ? 0
    : openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  const file = { descriptor, found: fstatSync(descriptor) };
  try {
    refuseKind(file.found, isOwn);
    if (file.found.isCharacterDevice() && !isNull(file.found) && !isatty(descriptor))
      throw new FileFault('it is a device, of which nobody knows an end', NAME_A_FILE);
  } catch (error) {
    close(file);
    throw error;
  }
  return file;
}

const NAME_A_FILE = 'Name a file.';

/** Throws as openToRead does for what is not there, or is no file by its kind. */
export function checkFile(path: string): void {
  if (!isOwnInput(path)) refuseKind(statSync(path), false);
}

function refuseKind(found: Stats, isOwn: boolean): void {
  if (found.isDirectory()) throw new FileFault('it is a directory', NAME_A_FILE);
  if (found.isBlockDevice()) throw new FileFault('it is a disk, and no file on it', NAME_A_FILE);
  if (found.isSocket() && !isOwn) throw new FileFault('it is a socket', NAME_A_FILE);
}

function isNull({ rdev }: Stats): boolean {
  return rdev === DEV_NULL;
}

/** Closes what openToRead opened; standard input is left open. */
export function close({ descriptor }: OpenFile): void {
  if (descriptor !== 0) closeSync(descriptor);
}

/**
 * The bytes of a file in parts. Throws the system's error, or FileFault for what cannot be read as a
 * file or has more than `most` bytes.
 */
export function* partsOf(path: string, most = MOST_BYTES): Generator<Buffer, void, undefined> {
  const file = openToRead(path);
  try {
    if (file.found.isFile() && file.found.size > most) throw tooLarge(most);
    const first = new FirstPart(file);
    let total = 0;
    for (;;) {
      const part = total === 0 ? first.read() : readPart(file);
      if (part === undefined) waitSync(STEP_MS);
      else if (part.length === 0) return;
      else {
        total += part.length;
        if (total > most) throw tooLarge(most);
        yield part;
      }
    }
  } finally {
    close(file);
  }
}

/** The bytes of a file. Throws what partsOf throws. */
export function bytesOf(path: string, most = MOST_BYTES): Buffer {
  return Buffer.concat([...partsOf(path, most)]);
}

function tooLarge(most: number): FileFault {
  return new FileFault(
    `it is larger than ${megabytes(most)}`,
    'Check whether it is the right file; what is larger has to come in parts.',
  );
}

/**
 * Resolves to the first bytes of a pipe, none if whoever wrote has written nothing. Rejects with
 * FileFault if nobody writes.
 */
export async function firstOfPipe(file: OpenFile): Promise<Buffer> {
  const first = new FirstPart(file);
  for (;;) {
    const part = first.read();
    if (part !== undefined) return part;
    await sleep(STEP_MS);
  }
}

/** Reads what comes first, which of a pipe says whether anybody writes. */
class FirstPart {
  readonly #file: OpenFile;
  readonly #begin = performance.now();
  #isWritten: boolean;

  constructor(file: OpenFile) {
    this.#file = file;
    // Into standard input somebody wrote, since whoever opened it waited for that.
    this.#isWritten = file.descriptor === 0 || !file.found.isFIFO();
  }

  /** Undefined if nothing has come yet. */
  read(): Buffer | undefined {
    const part = readPart(this.#file);
    if (part === undefined) this.#isWritten = true;
    if (part?.length !== 0 || this.#isWritten) return part;
    if (performance.now() - this.#begin < PATIENCE_MS) return undefined;
    throw new FileFault(
      'it is a pipe into which nobody writes',
      'Start first what writes into it, or name a file.',
    );
  }
}

/** No bytes at the end; undefined if nothing has come yet. */
function readPart({ descriptor, found }: OpenFile): Buffer | undefined {
  const part = Buffer.allocUnsafe(found.isFile() ? Math.min(PART, found.size + LITTLE) : PIPE);
  try {
    return part.subarray(0, readSync(descriptor, part));
  } catch (error) {
    const fault = readingFault(found, error);
    if (fault === error && (error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw fault;
  }
}

/** What to make of an error in reading a file: a FileFault for what the kernel makes up, else itself. */
export function readingFault(found: Stats, error: unknown): unknown {
  // It takes no place on a disk.
  if (!found.isFile() || found.blocks > 0) return error;
  const { code } = error as NodeJS.ErrnoException;
  return new FileFault(
    code === 'EAGAIN'
      ? 'it is of the kernel, and has no end'
      : 'it is of the kernel, and cannot be read as a file',
    NAME_A_FILE,
  );
}
