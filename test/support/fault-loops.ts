// SPDX-License-Identifier: Apache-2.0
/**
 * The loops of the tests of faults: a program of one file runs under strace and says `ACK ...` of
 * whatever may be relied on, and each thing that a disk could do to it is tried. What has to be
 * there then, each test says itself.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildSync } from 'esbuild';
import { DiskOfCalls } from './disk-of-calls.ts';
import { chooser, WHOLE } from './share.ts';
import { parseTrace, type SystemCall } from './strace.ts';

/** What changes a disk, and what is said of it. */
const CALLS = 'openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,link,unlink,close';
const ACK = 'ACK ';

/** What a run said and did, and where. */
export interface Run {
  readonly directory: string;
  readonly status: number | null;
  readonly acks: readonly string[];
  readonly trace: string;
  readonly stderr: string;
}

/** A run that is not whole has one of so many calls fail. */
const ONE_OF = 4;

/** A program that is started hundreds of times, each time on a directory of its own. */
export class FaultyRuns {
  readonly #root: string;
  readonly #program: string;
  #number = 0;

  /** `source` is the program's, which takes its directory as its argument. */
  constructor(source: string, name: string) {
    // In memory where that can be: what a disk would lose is decided here, not by the disk below.
    this.#root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'ctga-test-'));
    this.#program = resolve(import.meta.dirname, `../../build/test/${name}.mjs`);
    // In one file, which needs no loader and no package but SQLite.
    buildSync({
      entryPoints: [source],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['better-sqlite3'],
      banner: {
        js: "import { createRequire as from } from 'node:module'; const require = from(import.meta.url);",
      },
    });
  }

  /** Removes all that was left. */
  end(): void {
    rmSync(this.#root, { recursive: true });
  }

  #run(options: readonly string[], prepare: (directory: string) => void): Run {
    const directory = join(this.#root, `${this.#number++}`);
    prepare(directory);
    const output = `${directory}.trace`;
    const { status, stdout, stderr } = spawnSync(
      'strace',
      [
        ...['-o', output, '-xx', '-s', '2000000', ...options],
        ...[process.execPath, this.#program, directory],
      ],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    const acks = [...stdout.matchAll(/^ACK (.*)$/gm)].map(([, what = '']) => what);
    return { directory, status, acks, trace: readFileSync(output, 'latin1'), stderr };
  }

  /** A run in which nothing fails. */
  whole(prepare: (directory: string) => void = () => undefined): Run {
    const run = this.#run(['-e', `trace=${CALLS}`], prepare);
    assert.equal(run.status, 0, run.stderr);
    return run;
  }

  /**
   * Cuts the power after every call of a run that changed the disk, and has `examine` look at what
   * is left and at what had been said: once for each fate of what was not synced by then, or, where
   * the tests do not run as a whole, for one of them by chance. Returns how many cuts there were.
   *
   * `directories` and `there` are as DiskOfCalls has them.
   */
  cutEverywhere(
    { directory, trace, acks }: Run,
    {
      directories,
      there,
      fates,
      examine,
    }: {
      readonly directories: readonly string[];
      readonly there?: ReadonlyMap<string, Buffer>;
      readonly fates: readonly (readonly [name: string, keep: () => boolean])[];
      readonly examine: (left: string, told: readonly string[], when: string) => void;
    },
  ): number {
    const disk = new DiskOfCalls(directory, directories, there);
    const told: string[] = [];
    const draw = chooser();
    let cuts = 0;
    for (const call of parseTrace(trace)) {
      told.push(...saidBy(call));
      if (!disk.play(call)) continue;
      const one = draw(fates.length);
      for (const [kept, keep] of WHOLE ? fates : fates.slice(one, one + 1)) {
        const left = join(this.#root, 'left');
        rmSync(left, { recursive: true, force: true });
        disk.cut(left, keep);
        const when = `cut ${cuts}, after ${call.name} and ${told.at(-1) ?? 'nothing'}, ${kept} kept`;
        examine(left, told, when);
        cuts += 1;
      }
    }
    assert.deepEqual(told, acks);
    return cuts;
  }

  /**
   * Runs the program again and again, the first, the second and so on call of this name failing (or
   * every `step`-th only, and fewer where the tests do not run as a whole), until there is none that
   * could. Returns how many failed.
   */
  failEach(
    call: string,
    {
      step = 1,
      prepare = () => undefined,
      examine,
    }: {
      readonly step?: number;
      readonly prepare?: (directory: string) => void;
      readonly examine: (run: Run, nth: number) => void;
    },
  ): number {
    const apart = WHOLE ? step : ONE_OF * step;
    // The first one always: some calls are made but once.
    const second = WHOLE ? 1 + apart : 2 + chooser()(apart);
    for (let nth = 1, failures = 0; ; nth = failures === 1 ? second : nth + apart) {
      const error = failures % 2 === 0 ? 'ENOSPC' : 'EIO';
      // With a filter in the kernel, only these calls stop the program.
      const filter = ['-f', '--seccomp-bpf', '-e', `trace=${call}`];
      const inject = `inject=${call}:error=${error}:when=${nth}`;
      const run = this.#run([...filter, '-e', inject], prepare);
      if (!run.trace.includes('(INJECTED)')) {
        assert.equal(run.status, 0, run.stderr);
        return failures;
      }
      failures += 1;
      examine(run, nth);
      rmSync(run.directory, { recursive: true });
    }
  }
}

function saidBy({ name, args: [fd, text] }: SystemCall): string[] {
  if (name !== 'write' || fd !== '1' || !Buffer.isBuffer(text)) return [];
  const line = text.toString();
  return line.startsWith(ACK) ? [line.trim().slice(ACK.length)] : [];
}
