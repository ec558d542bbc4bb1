// SPDX-License-Identifier: Apache-2.0
/** Reads what a running `ctga ... --json` reports, line by line, and waits for certain lines. */
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { PATIENCE_SECONDS } from './processes.ts';

export type Report = Readonly<Record<string, unknown>>;

export class JsonLines {
  readonly #reports: Report[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #errorPath: string;
  #ended = false;

  /** `errorPath` is the file to which the process writes its standard error. */
  constructor(stream: Readable, errorPath: string) {
    this.#errorPath = errorPath;
    createInterface({ input: stream })
      .on('line', (line) => {
        this.#reports.push(...parseReports(line));
        this.#wake();
      })
      .on('close', () => {
        this.#ended = true;
        this.#wake();
      });
  }

  /**
   * Resolves to the first `count` reports that match, earlier ones included. Rejects, with `what`
   * in the message, after PATIENCE_SECONDS or when the process closes its output.
   */
  async until(what: string, matches: (report: Report) => boolean, count = 1): Promise<Report[]> {
    const deadline = performance.now() + PATIENCE_SECONDS * 1000;
    for (;;) {
      const found = this.all(matches);
      if (found.length >= count) return found.slice(0, count);
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        const errors = readFileSync(this.#errorPath, 'utf8').trim().replaceAll('\n', ' | ');
        const problem = this.#ended
          ? 'ended without reporting'
          : `did not report within ${PATIENCE_SECONDS} seconds`;
        throw new Error(`ctga ${problem} ${what}${errors === '' ? '' : `; it said: ${errors}`}`);
      }
      await this.#change(left);
    }
  }

  /** Those that match of what was reported so far. */
  all(matches: (report: Report) => boolean): Report[] {
    return this.#reports.filter(matches);
  }

  /** Resolves at the next report, or after `ms` milliseconds. */
  async #change(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}

const reportSchema = z.record(z.string(), z.unknown());

/** Parses the lines of a text that are JSON objects, and skips other lines. */
export function parseReports(text: string): Report[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [reportSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
