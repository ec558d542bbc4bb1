// SPDX-License-Identifier: Apache-2.0
/** Where bytes come from that are read once: a file or standard input, compressed or not. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { badInput, badFile, CtgaError, messageOf } from './errors.ts';
import {
  checkFile,
  close,
  firstOfPipe,
  isOwnInput,
  openToRead,
  readingFault,
  type OpenFile,
} from './read-file.ts';

/** The path that means standard input. */
export const STANDARD_INPUT = '-';
/** Large reads, and a turn for others in between. */
const READ = 256 * 1024;

/** How a compressed file begins, and the program that decompresses it from stdin to stdout. */
const COMPRESSIONS: readonly (readonly [start: string, program: string])[] = [
  ['1f8b', 'gzip'],
  ['28b52ffd', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['04224d18', 'lz4'],
  ['425a68', 'bzip2'],
];

export class FileInput {
  /** What messages call it. */
  readonly name: string;
  /** The size of the file in bytes; undefined if it cannot be known. */
  size: number | undefined;
  /** Bytes of the file that have been read, compressed as they are. */
  bytesRead = 0;
  readonly #path: string;
  #found: Stats | undefined;

  constructor(path: string) {
    this.#path = path;
    this.name = path === STANDARD_INPUT ? 'standard input' : path;
  }

  /** Throws CtgaError `bad-input` for what is not there or is no file, before anything is opened. */
  check(): void {
    try {
      if (this.#path !== STANDARD_INPUT) checkFile(this.#path);
    } catch (error) {
      throw badFile('read', this.name, error);
    }
  }

  /**
   * The bytes, decompressed. Throws CtgaError `bad-input` if they cannot be read or
   * decompressed, after all that could be; and `not-set-up` if the program for it is missing.
   */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const raw = this.#raw();
    const { head, isEnd } = await beginning(raw);
    const hex = head.subarray(0, 6).toString('hex');
    const [, program] = COMPRESSIONS.find(([start]) => hex.startsWith(start)) ?? [];
    const rest = isEnd ? only(head) : chain(head, raw);
    if (program === undefined) yield* rest;
    else yield* this.#decompressed(program, rest);
  }

  async *#raw(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of await this.#open()) {
        this.bytesRead += (chunk as Buffer).length;
        yield chunk as Buffer;
      }
    } catch (error) {
      throw badFile('read', this.name, this.#found ? readingFault(this.#found, error) : error);
    }
  }

  async #open(): Promise<AsyncIterable<unknown>> {
    if (this.#path === STANDARD_INPUT || isOwnInput(this.#path)) return process.stdin;
    const file = openToRead(this.#path);
    const { descriptor: fd, found } = file;
    if (found.isFIFO()) {
      const first = await firstOfPipe(file).catch((error: unknown) => {
        close(file);
        throw error;
      });
      return pipe(first, file);
    }
    if (found.isFile()) {
      this.#found = found;
      this.size = found.size;
      return createReadStream('', { fd, highWaterMark: READ });
    }
    // A terminal says that nothing has come yet, for which a stream does not wait.
    close(file);
    return createReadStream(this.#path, { highWaterMark: READ });
  }

  async *#decompressed(
    program: string,
    chunks: AsyncIterable<Buffer>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const child = spawn(program, ['-dc'], { stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    const ended = once(child, 'close') as Promise<[code: number | null]>;
    const fed = pipeline(chunks, child.stdin).catch((error: unknown) => {
      // A program that ends before it has read all says why, and by its exit code.
      if (error instanceof CtgaError) throw error;
    });
    // Both are awaited below, unless the output is not read to its end.
    ended.catch(() => undefined);
    fed.catch(() => undefined);
    try {
      for await (const chunk of child.stdout) yield chunk as Buffer;
      const [code]: [number | null] = await ended.catch((error: unknown): never => {
        throw new CtgaError(
          'not-set-up',
          `${this.name}: is compressed, but ${program} cannot be run: ${messageOf(error)}`,
          { remedy: `Install ${program}, or decompress the file elsewhere.`, cause: error },
        );
      });
      await fed;
      if (code !== 0)
        throw badInput(
          `${this.name}: cannot be decompressed: ${said.trim()}`,
          'What came before the damage was read; copy the file again for the rest.',
        );
    } finally {
      child.kill();
    }
  }
}

/** Reads on until it can be told how the bytes are compressed. */
async function beginning(
  chunks: AsyncIterator<Buffer, void>,
): Promise<{ head: Buffer; isEnd: boolean }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 6) {
    const { value, done } = await chunks.next();
    if (done === true) return { head, isEnd: true };
    head = head.length === 0 ? value : Buffer.concat([head, value]);
  }
  return { head, isEnd: false };
}

/** The first bytes of a pipe and the rest; it is closed at the end, whoever ends it. */
async function* pipe(first: Buffer, file: OpenFile): AsyncGenerator<Buffer, void, undefined> {
  let socket: Socket | undefined;
  try {
    yield first;
    if (first.length === 0) return;
    socket = new Socket({ fd: file.descriptor, readable: true });
    yield* socket as AsyncIterable<Buffer>;
  } finally {
    if (socket === undefined) close(file);
    else socket.destroy();
  }
}

async function* only(chunk: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield await Promise.resolve(chunk);
}

async function* chain(
  first: Buffer,
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  yield first;
  yield* rest;
}
