/**
 * What a running `ctga ... --json` reports, line by line, and waiting for a certain line of it.
 */
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { z } from 'zod';

export type Report = Readonly<Record<string, unknown>>;

export class JsonLines {
  readonly #reports: Report[] = [];
  readonly #waiting = new Set<() => void>();
  readonly #errorPath: string;
  #ended = false;

  /** `errorPath` is where the process writes what it has to say to people. */
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
   * The first `count` reports that match, among those that came before and those that will.
   * Rejects, naming `what`, after ten seconds or when the process has nothing more to say.
   */
  async until(what: string, matches: (report: Report) => boolean, count = 1): Promise<Report[]> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      const found = this.#reports.filter(matches);
      if (found.length >= count) return found.slice(0, count);
      const left = deadline - performance.now();
      if (this.#ended || left <= 0) {
        const errors = readFileSync(this.#errorPath, 'utf8').trim().replaceAll('\n', ' | ');
        const problem = this.#ended
          ? 'ended without reporting'
          : 'did not report within 10 seconds';
        throw new Error(`ctga ${problem} ${what}${errors === '' ? '' : `; it said: ${errors}`}`);
      }
      await this.#change(left);
    }
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

/** The JSON objects of a text, one a line; other lines are left out. */
export function parseReports(text: string): Report[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [reportSchema.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
