// SPDX-License-Identifier: Apache-2.0
/**
 * Reading files, line by line or record by record, in memory that does not grow with them. What is
 * wrong with one is told with the file's name and the line.
 */
import { FileInput } from '../base/file-input.ts';
import { badInput, CtgaError } from '../base/errors.ts';
import { plural } from '../base/text.ts';
import { Fault } from './fault.ts';
import { graphOf, graphReader, type AsGraph, type Edge } from './graph.ts';
import { MrtReader } from './mrt.ts';
import { PrefixTable } from './prefix.ts';
import {
  exchangeReader,
  probeReader,
  pyasnReader,
  rankReader,
  spaceReader,
  UNKNOWN_ORIGIN,
  type Exchanges,
  type LineReader,
  type ProbeAs,
} from './tables.ts';

/** How far a file has been read: what was read of it, and its size if that is known, in bytes. */
export type OnProgress = (file: string, bytesRead: number, bytes: number | undefined) => void;

/** Nothing that is read here has lines nearly as long. */
const LONGEST_LINE = 1 << 26;

/** Gives a reader all lines of a file. Rejects with CtgaError `bad-input`, with file and line. */
export async function readLines(
  path: string,
  reader: LineReader,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  return linesOf(await open(path), reader, onProgress);
}

/** A file of which the first bytes were looked at already. */
interface Opened {
  readonly input: FileInput;
  readonly first: Uint8Array;
  readonly chunks: AsyncIterable<Uint8Array>;
}

async function open(path: string): Promise<Opened> {
  const input = new FileInput(path);
  const rest = input.chunks();
  const first = (await rest.next()).value ?? new Uint8Array();
  const chunks = async function* (): AsyncGenerator<Uint8Array, void> {
    yield first;
    yield* rest;
  };
  return { input, first, chunks: chunks() };
}

async function linesOf(
  { input, chunks }: Opened,
  reader: LineReader,
  onProgress: OnProgress,
): Promise<void> {
  let line = 0;
  try {
    await forEachLine(input, chunks, (text) => reader.line(text, ++line), onProgress);
  } catch (error) {
    throw placed(error, input.name, line);
  }
  endOf(reader, input.name, line);
}

async function forEachLine(
  input: FileInput,
  chunks: AsyncIterable<Uint8Array>,
  onLine: (text: string) => void,
  onProgress: OnProgress,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    let start = 0;
    for (;;) {
      const end = data.indexOf(0x0a, start);
      if (end < 0) break;
      onLine(textOf(data, start, end));
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > LONGEST_LINE) throw new Fault(`is longer than ${LONGEST_LINE} bytes`);
    onProgress(input.name, input.bytesRead, input.size);
  }
  if (rest.length > 0) onLine(textOf(rest, 0, rest.length));
}

function textOf(data: Buffer, start: number, end: number): string {
  return data.toString('utf8', start, data[end - 1] === 0x0d ? end - 1 : end);
}

function endOf(reader: LineReader, name: string, line: number): void {
  try {
    reader.end();
  } catch (error) {
    throw error instanceof Fault && error.line === undefined
      ? badInput(`${name}: ${error.message}`, error.remedy)
      : placed(error, name, line);
  }
}

/** The error with where it is; what is no fault of the file stays what it is. */
function placed(error: unknown, name: string, line: number): unknown {
  if (error instanceof Fault)
    return badInput(`${name}, line ${error.line ?? line}: ${error.message}`, error.remedy);
  // A file that cannot be opened has no line to speak of.
  if (error instanceof CtgaError && line > 0 && error.message.startsWith(`${name}: `))
    return new CtgaError('bad-input', `${name}, line ${line}${error.message.slice(name.length)}`, {
      remedy: error.remedy,
      cause: error,
    });
  return error;
}

/**
 * Results of RIPE Atlas, one JSON object a line, or an array of them as its API gives it. Calls
 * `onResult` with the JSON of each.
 */
export async function readResults(
  path: string,
  onResult: (json: string) => void,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  const input = new FileInput(path);
  const splitter = new ResultSplitter(onResult);
  try {
    for await (const chunk of input.chunks()) {
      splitter.push(chunk);
      onProgress(input.name, input.bytesRead, input.size);
    }
    splitter.end();
  } catch (error) {
    throw placed(error, input.name, splitter.line);
  }
}

const [NEWLINE, QUOTE, COMMA, OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN, CLOSE] = [
  0x0a, 0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
] as const;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

/**
 * Splits bytes into lines or, if they begin with a bracket, into the objects of an array, however
 * they are broken into lines. What a line or an object says is for others.
 */
export class ResultSplitter {
  /** The line that was begun last, or that the object at hand begins in. */
  line = 0;
  readonly #onResult: (json: string) => void;
  #mode: 'unknown' | 'lines' | 'array' | 'ended' = 'unknown';
  #rest: Buffer = Buffer.alloc(0);
  /** In an array: how deep the next byte is, and whether in a string, or behind a backslash. */
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #lineOfByte = 1;
  /** Whether an object, or a comma, has to come next. */
  #next: 'object' | 'comma' | 'first' = 'first';

  constructor(onResult: (json: string) => void) {
    this.#onResult = onResult;
  }

  /** Throws Fault, and what `onResult` throws. */
  push(chunk: Uint8Array): void {
    let data = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#mode === 'unknown') {
      const first = data.findIndex((byte) => byte !== NEWLINE && !isBlank(byte));
      if (first < 0 && this.#rest.length < LONGEST_LINE) {
        this.#rest = Buffer.concat([this.#rest, data]);
        return;
      }
      this.#mode = data[first] === OPEN_LIST ? 'array' : 'lines';
      data = Buffer.concat([this.#rest, data]);
      this.#rest = Buffer.alloc(0);
      if (this.#mode === 'array') {
        const at = data.indexOf(OPEN_LIST);
        for (let i = 0; i < at; i++) if (data[i] === NEWLINE) this.#lineOfByte++;
        data = data.subarray(at + 1);
      }
    }
    if (this.#mode === 'lines') this.#pushLines(data);
    else this.#pushArray(data);
    if (this.#rest.length > LONGEST_LINE)
      throw new Fault(`has a result longer than ${LONGEST_LINE} bytes`);
  }

  /** Throws Fault if the results end within one. */
  end(): void {
    if (this.#mode === 'lines' && this.#rest.length > 0) this.#line(this.#rest);
    if (this.#mode === 'array') {
      this.line = this.#lineOfByte;
      throw new Fault('the array of results ends before it is closed');
    }
    if (this.#mode === 'unknown') throw new Fault('there is no result in it', { line: 1 });
  }

  #pushLines(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (;;) {
      const end = data.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#line(data.subarray(start, end));
      start = end + 1;
    }
    this.#rest = data.subarray(start);
  }

  #line(bytes: Buffer): void {
    this.line++;
    const text = bytes.toString('utf8');
    if (text.trim() !== '') this.#onResult(text);
  }

  #pushArray(chunk: Buffer): void {
    const before = this.#rest.length;
    const data = before === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    /** Where the object at hand begins, or there is none. */
    let start = this.#depth > 0 ? 0 : -1;
    for (let i = before; i < data.length; i++) {
      const byte = data[i] as number;
      if (byte === NEWLINE) this.#lineOfByte++;
      if (this.#inString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#inString = false;
      } else if (this.#depth === 0) {
        if (byte === NEWLINE || isBlank(byte)) continue;
        if (this.#mode === 'ended') this.#refuse('something follows the array of results');
        if (byte === OPEN && this.#next !== 'comma') {
          start = i;
          this.#depth = 1;
          this.line = this.#lineOfByte;
        } else if (byte === COMMA && this.#next === 'comma') this.#next = 'object';
        else if (byte === CLOSE_LIST && this.#next !== 'object') this.#mode = 'ended';
        else
          this.#refuse(
            `is no JSON: ${shownByte(byte)} between the results of an array: want ${this.#next === 'comma' ? 'a comma or the end' : 'an object'}`,
          );
      } else if (byte === QUOTE) this.#inString = true;
      else if (byte === OPEN || byte === OPEN_LIST) this.#depth++;
      else if ((byte === CLOSE || byte === CLOSE_LIST) && --this.#depth === 0) {
        this.#onResult(data.toString('utf8', start, i + 1));
        start = -1;
        this.#next = 'comma';
      }
    }
    this.#rest = start < 0 ? Buffer.alloc(0) : data.subarray(start);
  }

  #refuse(message: string): never {
    throw new Fault(message, { line: this.#lineOfByte });
  }
}

function shownByte(byte: number): string {
  return JSON.stringify(String.fromCharCode(byte));
}

/** Prefixes with their origins, of files in MRT or pyasn's form. */
export async function readRibs(
  paths: readonly string[],
  onProgress?: OnProgress,
): Promise<PrefixTable> {
  const table = new PrefixTable();
  for (const path of paths) await ribOf(await open(path), table, onProgress);
  return table;
}

async function ribOf(
  opened: Opened,
  table: PrefixTable,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  if (isText(opened)) return linesOf(opened, pyasnReader(table), onProgress);
  const { input, chunks } = opened;
  const reader = new MrtReader((prefix, origin) => {
    // The first known origin stays, as with pyasn.
    if (table.valueOf(prefix) <= 0) table.set(prefix, origin === 0 ? UNKNOWN_ORIGIN : origin);
  });
  try {
    for await (const chunk of chunks) {
      reader.push(chunk);
      onProgress(input.name, input.bytesRead, input.size);
    }
    reader.end();
  } catch (error) {
    if (error instanceof Fault)
      throw badInput(`${input.name}, record ${reader.records + 1}: ${error.message}`, error.remedy);
    throw error;
  }
}

/** The header of MRT's first record has bytes of value 0; text has none. */
function isText({ first }: Opened): boolean {
  return !first.subarray(0, 12).includes(0);
}

/** Relationships of ASes, in CAIDA's files. */
export async function readGraph(path: string): Promise<AsGraph> {
  const edges: Edge[] = [];
  await readLines(path, graphReader(edges));
  return graphOf(edges);
}

export async function readExchanges(path: string): Promise<Exchanges> {
  const exchanges = { table: new PrefixTable(), names: new Map<number, string>() };
  await readLines(path, exchangeReader(exchanges));
  return exchanges;
}

/** A ranking of ASes, each once; `warn` is told if the file names some again. */
export async function readRanking(
  path: string,
  warn: (message: string) => void = () => undefined,
): Promise<number[]> {
  const ranking: number[] = [];
  const reader = rankReader(ranking, (count) =>
    warn(`${path} names ${plural(count, 'AS', 'ASes')} again: the first place of each counts`),
  );
  await readLines(path, reader);
  return ranking;
}

export async function readProbes(path: string): Promise<Map<number, ProbeAs>> {
  const probes = new Map<number, ProbeAs>();
  await readLines(path, probeReader(probes));
  return probes;
}

/** IPv4 space, in whatever unit. */
export interface Space {
  readonly byAs: ReadonlyMap<number, number>;
  /** Of all ASes together. */
  readonly all: number;
}

/** IPv4 space by AS: lines AS SIZE, or a table of prefixes as readRibs takes it. */
export async function readSpace(path: string): Promise<Space> {
  const opened = await open(path);
  const start = Buffer.from(opened.first.subarray(0, 4096)).toString('latin1');
  if (isText(opened) && !start.includes('/')) {
    const byAs = new Map<number, number>();
    await linesOf(opened, spaceReader(byAs), () => undefined);
    return { byAs, all: [...byAs.values()].reduce((sum, size) => sum + size, 0) };
  }
  const table = new PrefixTable();
  await ribOf(opened, table);
  return { byAs: table.ipv4Space(), all: 2 ** 32 };
}
