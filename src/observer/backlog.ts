// SPDX-License-Identifier: Apache-2.0
/**
 * Claims that were copied and that the verifier has no room for now: they wait on the disk, log by
 * log and in order. A restart loses none.
 *
 * What waits is not verified, so anybody can make it wait. Each log therefore has a share of the
 * room that nobody else can take: a flood for one log leaves room for another. What a log's own
 * flood leaves no room for is refused, and the caller counts it.
 *
 * A file is removed when all that was in it is settled and stored. After a kill, the claims of a
 * file that was being read are settled again: their sightings may count twice, but no head is lost.
 */
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { makeDirectory } from '../disk/directory.ts';
import type { StatementForm } from '../statements/claim.ts';
import type { Seen } from './sightings.ts';

export interface WaitingClaim {
  readonly form: StatementForm;
  readonly bytes: Uint8Array;
  readonly seen: Seen;
}

/** In bytes; half of it is shared out among the logs, and half is for whoever needs it. */
const LIMIT = 256 * 1024 * 1024;
/** A file is closed, and another one begun, when it is so large. Files are read whole. */
const FILE_BYTES = 256 * 1024;
/** Lines that wait to be written together, in characters. */
const UNWRITTEN = 64 * 1024;
/** A disk that failed is tried again after so long. */
const RETRY_MS = 1000;

const lineSchema = z.object({
  form: z.enum(['ct-over-dns', 'get-sth', 'checkpoint']),
  bytes: z.string().transform((text) => Buffer.from(text, 'base64')),
  at: z.number(),
  count: z.number(),
  reassembled: z.number(),
});

export class Backlog {
  readonly #directory: string;
  readonly #limit: number;
  readonly #share: number;
  /** By source and log. */
  readonly #queues = new Map<string, Queue>();
  #bytes = 0;
  #failure: unknown;
  /** By the monotonic clock, when the disk is tried again. */
  #notBefore = 0;

  /** `logs`: how many logs share the room. The directory is made when it is needed. */
  constructor(directory: string, logs: number, limit = LIMIT) {
    this.#directory = directory;
    this.#limit = limit;
    this.#share = limit / 2 / Math.max(1, logs);
  }

  /**
   * Why the disk does not take what waits; undefined if it does. Meanwhile a quarter as much waits
   * in memory.
   */
  get failure(): unknown {
    return this.#failure;
  }

  /** Goes on with what an earlier process left of one data plane, here or in a second place. */
  resume(source: string, directory = this.#directory): void {
    let names: string[];
    try {
      names = readdirSync(directory).sort();
    } catch {
      return; // nothing has ever waited
    }
    const prefix = `${encodeURIComponent(source)}~`;
    for (const name of names) {
      const [, logId = '', number] = name.split('~');
      if (!name.startsWith(prefix) || number === undefined) continue;
      const path = join(directory, name);
      const { size } = statSync(path);
      this.#queue(source, Buffer.from(logId, 'hex').toString('base64')).add(
        path,
        Number(number),
        size,
      );
      this.#bytes += size;
    }
  }

  /** Returns false if there is no room for it. `logId` is in base64. */
  put(logId: string, { form, bytes, seen }: WaitingClaim): boolean {
    const { source, ...rest } = seen;
    const line = `${JSON.stringify({ form, bytes: Buffer.from(bytes).toString('base64'), ...rest })}\n`;
    const queue = this.#queue(source, logId);
    // Of memory there is less than of the disk.
    const scale = this.#failure === undefined ? 1 : 1 / 4;
    const isShared = queue.bytes + line.length <= this.#share * scale;
    if (!isShared && this.#bytes + line.length > (this.#limit / 2) * scale) return false;
    this.#bytes += line.length;
    if (queue.put(line) > UNWRITTEN) this.#write(queue);
    return true;
  }

  /** Where something waits, and for which log. */
  waiting(): Iterable<Queue> {
    return this.#queues.values();
  }

  /** Writes what was put since the last time. */
  flush(): void {
    for (const queue of this.#queues.values()) this.#write(queue);
  }

  /** How many claims are in memory alone. */
  get unwritten(): number {
    return [...this.#queues.values()].reduce((sum, { unwritten }) => sum + unwritten, 0);
  }

  /**
   * Writes to a second place what this one does not take. Returns how many claims neither takes;
   * they are in memory alone.
   */
  flushTo(directory: string): number {
    for (const queue of this.#queues.values()) {
      try {
        if (queue.isUnwritten) queue.write(directory);
      } catch {
        // Another queue's lines may be fewer, and fit.
      }
    }
    return this.unwritten;
  }

  /** How many claims could not be read again since the last call; a damaged file counts as one. */
  takeUnreadable(): number {
    let sum = 0;
    for (const queue of this.#queues.values()) {
      sum += queue.unreadable;
      queue.unreadable = 0;
    }
    return sum;
  }

  /** All that was settled is stored: removes the files of which nothing is left. */
  stored(): void {
    for (const [key, queue] of this.#queues) {
      this.#bytes -= queue.removeSettled();
      if (queue.bytes === 0) this.#queues.delete(key);
    }
  }

  #queue(source: string, logId: string): Queue {
    const key = `${encodeURIComponent(source)}~${Buffer.from(logId, 'base64').toString('hex')}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) this.#queues.set(key, (queue = new Queue(key, source, logId)));
    return queue;
  }

  #write(queue: Queue): void {
    const now = performance.now();
    if (!queue.isUnwritten || now < this.#notBefore) return;
    try {
      queue.write(this.#directory);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = error;
      this.#notBefore = now + RETRY_MS;
    }
  }
}

/** A file, and how many of its claims were taken and are not settled. */
interface Part {
  /** Undefined for what never reached the disk. */
  readonly path: string | undefined;
  bytes: number;
  unsettled: number;
}

/** What waits of one log, seen by one source. */
class Queue {
  readonly source: string;
  /** In base64. */
  readonly logId: string;
  readonly #name: string;
  /** Not read yet, the oldest first; the last one is still written to. */
  #files: Part[] = [];
  #reading: { readonly part: Part; readonly claims: WaitingClaim[]; next: number } | undefined;
  /** Taken whole, and not removed yet. */
  #taken: Part[] = [];
  #lines: string[] = [];
  #unwritten = 0;
  #number = 0;
  /** The path of the file that this process appends to. */
  #open: string | undefined;
  /** All that waits here, or is not removed yet. */
  bytes = 0;
  /** Claims that could not be read again, as far as nobody has counted them. */
  unreadable = 0;

  /** Its files are named `name`, and a number. */
  constructor(name: string, source: string, logId: string) {
    this.#name = name;
    this.source = source;
    this.logId = logId;
  }

  add(path: string, number: number, bytes: number): void {
    // Nothing is appended to it: its last line may be cut.
    this.#files.push({ path, bytes, unsettled: 0 });
    this.#number = Math.max(this.#number, number);
    this.bytes += bytes;
  }

  /** Returns how much is not written yet. */
  put(line: string): number {
    this.#lines.push(line);
    this.bytes += line.length;
    return (this.#unwritten += line.length);
  }

  get isUnwritten(): boolean {
    return this.#lines.length > 0;
  }

  /** How many claims are in memory alone. */
  get unwritten(): number {
    return this.#lines.length;
  }

  /** Throws the system's error; nothing is lost then. */
  write(directory: string): void {
    const last = this.#files.at(-1);
    const next = join(directory, `${this.#name}~${String(this.#number + 1).padStart(12, '0')}`);
    const fits =
      last?.path !== undefined &&
      last.path === this.#open &&
      last.bytes < FILE_BYTES &&
      dirname(last.path) === directory;
    const path = fits ? last.path : next;
    makeDirectory(directory);
    appendFileSync(path, this.#lines.join(''), { mode: 0o600 });
    if (fits) last.bytes += this.#unwritten;
    else {
      this.#number += 1;
      this.#open = path;
      this.#files.push({ path, bytes: this.#unwritten, unsettled: 0 });
    }
    this.#lines = [];
    this.#unwritten = 0;
  }

  /** The claim that has waited longest; undefined if none is on the disk. */
  next(): WaitingClaim | undefined {
    for (;;) {
      const reading = this.#reading;
      const claim = reading?.claims[reading.next];
      if (claim !== undefined) return claim;
      if (reading !== undefined) this.#taken.push(reading.part);
      this.#reading = this.#read();
      if (this.#reading === undefined) return undefined;
    }
  }

  /** What comes next: a file, or else what no disk would take. */
  #read(): { readonly part: Part; readonly claims: WaitingClaim[]; next: number } | undefined {
    const part = this.#files.shift();
    if (part !== undefined) {
      if (part.path === this.#open) this.#open = undefined;
      return { part, claims: this.#claimsIn(readText(part.path)), next: 0 };
    }
    if (this.#lines.length === 0) return undefined;
    const claims = this.#claimsIn(this.#lines.join(''));
    const inMemory = { path: undefined, bytes: this.#unwritten, unsettled: 0 };
    this.#lines = [];
    this.#unwritten = 0;
    return { part: inMemory, claims, next: 0 };
  }

  #claimsIn(text: string | undefined): WaitingClaim[] {
    const lines = text === undefined ? [undefined] : text.split('\n').filter((line) => line !== '');
    const claims = lines.flatMap((line) => claimIn(line, this.source) ?? []);
    this.unreadable += lines.length - claims.length;
    return claims;
  }

  /**
   * Takes what `next` returned. The function that it returns is to be called when it is settled.
   */
  take(): () => void {
    const reading = this.#reading;
    if (reading === undefined) throw new RangeError('nothing waits');
    reading.next += 1;
    reading.part.unsettled += 1;
    return () => (reading.part.unsettled -= 1);
  }

  /** Removes the files of which all is settled; returns how many bytes these were. */
  removeSettled(): number {
    let removed = 0;
    this.#taken = this.#taken.filter(({ path, bytes, unsettled }) => {
      if (unsettled > 0) return true;
      if (path !== undefined) rmSync(path, { force: true });
      removed += bytes;
      return false;
    });
    this.bytes -= removed;
    return removed;
  }
}
export type { Queue as WaitingClaims };

/** Undefined if the file cannot be read. */
function readText(path: string | undefined): string | undefined {
  try {
    return path === undefined ? '' : readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

/** Undefined for what cannot be read: a crash may have cut the last line. */
function claimIn(line: string | undefined, source: string): WaitingClaim | undefined {
  try {
    const { form, bytes, ...seen } = lineSchema.parse(JSON.parse(line ?? ''));
    return { form, bytes, seen: { source, ...seen } };
  } catch {
    return undefined;
  }
}
